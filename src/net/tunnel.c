#include "slipway/tunnel.h"

#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "bastion.h"
#include "loop_uv.h"
#include "remote_options.h"
#include "slipway/clock.h"

enum { BACKLOG = 64 };

struct sw_tunnel {
    unsigned refs; /* loop thread */
    struct sw_arena *arena;
    struct sw_remote_options host;
    const char *to_address;
    unsigned to_port;
    uv_poll_t poll;
    int fd; /* listens */
    char name[sizeof(struct sockaddr_un)];
    pthread_mutex_t lock; /* guards the two below */
    struct sw_err err;
    uint64_t failed_ms;
};

static void on_failed(void *ctx, const struct sw_err *err) {
    struct sw_tunnel *tunnel = ctx;
    pthread_mutex_lock(&tunnel->lock);
    sw_err_done(&tunnel->err);
    sw_err_copy(&tunnel->err, err);
    tunnel->failed_ms = sw_now_ms();
    pthread_mutex_unlock(&tunnel->lock);
}

/* The name is for everybody on this machine to see. */
static bool is_ours(int fd) {
    struct ucred peer;
    socklen_t len = sizeof peer;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 && peer.pid == getpid() && peer.uid == geteuid();
}

static void on_connection(uv_poll_t *poll, int status, int events) {
    struct sw_tunnel *tunnel = poll->data;
    (void)status;
    (void)events;
    int fd = accept4(tunnel->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) return; /* gone already, or no descriptors: it is asked again */
    if (!is_ours(fd)) {
        close(fd);
        return;
    }
    struct sw_err err = {0};
    if (sw_bastion_connect(&tunnel->host, tunnel->to_address, tunnel->to_port, fd, on_failed, tunnel, &err) != 0) on_failed(tunnel, &err);
    sw_err_done(&err);
}

/* The kernel chooses the name. */
static int listen_somewhere(struct sw_tunnel *tunnel) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    socklen_t len = offsetof(struct sockaddr_un, sun_path);
    tunnel->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (tunnel->fd < 0 || bind(tunnel->fd, (struct sockaddr *)&address, len) != 0 || listen(tunnel->fd, BACKLOG) != 0) return -1;
    len = sizeof address;
    if (getsockname(tunnel->fd, (struct sockaddr *)&address, &len) != 0) return -1;
    memcpy(tunnel->name, address.sun_path + 1, len - offsetof(struct sockaddr_un, sun_path) - 1);
    return 0;
}

static void free_tunnel(struct sw_tunnel *tunnel) {
    if (tunnel->fd >= 0) close(tunnel->fd);
    sw_err_done(&tunnel->err);
    pthread_mutex_destroy(&tunnel->lock);
    sw_remote_options__wipe(&tunnel->host);
    sw_arena_free(tunnel->arena);
    free(tunnel);
}

static void on_closed(uv_handle_t *handle) {
    free_tunnel(handle->data);
}

struct sw_tunnel *sw_tunnel_new(struct sw_loop *loop, const struct sw_remote_options *host, const char *to_address, unsigned to_port,
                                struct sw_err *err) {
    struct sw_tunnel *tunnel = sw_xcalloc(1, sizeof *tunnel);
    tunnel->refs = 1;
    tunnel->arena = sw_arena_new();
    sw_remote_options__copy(tunnel->arena, host, &tunnel->host);
    tunnel->to_address = sw_strdup(tunnel->arena, to_address);
    tunnel->to_port = to_port;
    pthread_mutex_init(&tunnel->lock, NULL);
    if (listen_somewhere(tunnel) != 0 || uv_poll_init(sw_loop__uv(loop), &tunnel->poll, tunnel->fd) != 0) {
        sw_err_set(err, SW_EIO, "cannot open a tunnel: %s", strerror(errno));
        free_tunnel(tunnel);
        return NULL;
    }
    tunnel->poll.data = tunnel;
    uv_poll_start(&tunnel->poll, UV_READABLE, on_connection);
    sw_bastions_hold();
    return tunnel;
}

struct sw_tunnel *sw_tunnel_ref(struct sw_tunnel *tunnel) {
    tunnel->refs++;
    return tunnel;
}

void sw_tunnel_unref(struct sw_tunnel *tunnel) {
    if (!tunnel || --tunnel->refs) return;
    sw_bastion_forget(tunnel);
    sw_bastions_let_go();
    uv_close((uv_handle_t *)&tunnel->poll, on_closed);
}

const char *sw_tunnel_name(const struct sw_tunnel *tunnel) {
    return tunnel->name;
}

bool sw_tunnel_error(struct sw_tunnel *tunnel, uint64_t since_ms, struct sw_err *ret) {
    pthread_mutex_lock(&tunnel->lock);
    bool failed = tunnel->err.code && tunnel->failed_ms >= since_ms;
    if (failed) sw_err_copy(ret, &tunnel->err);
    pthread_mutex_unlock(&tunnel->lock);
    return failed;
}
