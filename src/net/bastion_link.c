#include "bastion_link.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "slipway/arena.h"

struct sw_link *sw_link_new(struct sw_ssh *ssh, const char *address, unsigned port, int fd, struct request *request) {
    struct sw_link *link = sw_xcalloc(1, sizeof *link);
    link->ssh = ssh;
    link->address = sw_xstrdup(address);
    link->port = port;
    link->request = request;
    link->channel = ssh_channel_new(ssh->session);
    int pair[2] = {fd, -1};
    if (fd < 0 && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0) fcntl(pair[0], F_SETFL, O_NONBLOCK);
    link->fd = pair[0];
    link->far_fd = pair[1];
    return link;
}

void sw_link_free(struct sw_link *link) {
    if (link->channel) {
        if (sw_ssh_alive(link->ssh)) ssh_channel_close(link->channel);
        ssh_channel_free(link->channel);
    }
    if (link->fd >= 0) close(link->fd);
    if (link->far_fd >= 0) close(link->far_fd);
    free(link->address);
    free(link);
}

int sw_link_open(struct sw_link *link, struct sw_err *err) {
    if (!link->channel || link->fd < 0) return sw_err_set(err, SW_EIO, "no channel over the bastion '%s'", link->ssh->options->name);
    int rc = ssh_channel_open_forward(link->channel, link->address, (int)link->port, "127.0.0.1", 0);
    if (rc == SSH_AGAIN && sw_ssh_alive(link->ssh)) return 0;
    if (rc == SSH_OK) return 1;
    return sw_err_set(err, SW_EUNREACHABLE, "the bastion '%s' cannot connect to %s port %u: %s", link->ssh->options->name, link->address,
                      link->port, sw_ssh_words(link->ssh));
}

/* Writes what came from the channel. */
static bool flush_out(struct sw_link *link) {
    bool moved = false;
    while (link->out.at < link->out.len) {
        ssize_t n = send(link->fd, link->out.p + link->out.at, link->out.len - link->out.at, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) {
            if (errno != EAGAIN) link->over = true;
            return moved;
        }
        link->out.at += (size_t)n;
        moved = true;
    }
    link->out.at = link->out.len = 0;
    return moved;
}

static bool to_host(struct sw_link *link) {
    bool moved = flush_out(link);
    while (!link->over && link->out.len == 0) {
        int n = ssh_channel_read_nonblocking(link->channel, link->out.p, sizeof link->out.p, 0);
        if (n <= 0) break;
        link->out.len = (size_t)n;
        flush_out(link);
        moved = true;
    }
    if (link->out.len == 0 && (ssh_channel_is_eof(link->channel) || ssh_channel_is_closed(link->channel))) link->over = true;
    return moved;
}

static bool to_channel(struct sw_link *link) {
    bool moved = false;
    while (!link->over && !(ssh_get_status(link->ssh->session) & SSH_WRITE_PENDING)) {
        size_t window = ssh_channel_window_size(link->channel);
        if (window == 0) break;
        if (link->in.at == link->in.len) {
            ssize_t n = read(link->fd, link->in.p, sizeof link->in.p);
            if (n < 0 && errno == EINTR) continue;
            if (n < 0 && errno == EAGAIN) break;
            if (n <= 0) {
                link->over = true; /* the session inside is done: SSH knows no half-closed connection */
                break;
            }
            link->in.at = 0;
            link->in.len = (size_t)n;
        }
        size_t left = link->in.len - link->in.at;
        int sent = ssh_channel_write(link->channel, link->in.p + link->in.at, (uint32_t)(left < window ? left : window));
        if (sent < 0) link->over = true;
        if (sent <= 0) break; /* 0: keys are being exchanged anew */
        link->in.at += (size_t)sent;
        moved = true;
    }
    return moved;
}

bool sw_link_relay(struct sw_link *link) {
    bool in = to_host(link);
    bool out = to_channel(link);
    if (link->hung_up && !in && !out) link->over = true;
    return in || out;
}

short sw_link_events(const struct sw_link *link, bool write_pending) {
    if (link->request) return 0;
    short events = 0;
    if (!write_pending && link->in.at == link->in.len && ssh_channel_window_size(link->channel) > 0) events |= POLLIN;
    if (link->out.len) events |= POLLOUT;
    return events;
}
