/* One session: options, handshake, the order of its checks. */
#include <fcntl.h>
#include <libssh/server.h> /* ssh_message_reply_default() */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "slipway/arena.h"
#include "slipway/clock.h"
#include "slipway/log.h"
#include "ssh_internal.h"

/* curve25519 costs 1 ms where the post-quantum default of ssh(1) costs 50, and libssh 0.10 has no other fast one. */
#define KEY_EXCHANGES                                                                                          \
    "curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256,ecdh-sha2-nistp384,ecdh-sha2-nistp521," \
    "diffie-hellman-group16-sha512,diffie-hellman-group18-sha512,diffie-hellman-group14-sha256"
#define CIPHERS "aes128-gcm@openssh.com,aes256-gcm@openssh.com,chacha20-poly1305@openssh.com,aes128-ctr,aes192-ctr,aes256-ctr"

/* libssh sends with a blocking send(): a peer that stops reading must not hold the thread for ever. */
static void bound_sends(int fd, unsigned ms) {
    struct timeval limit = {.tv_sec = ms / 1000, .tv_usec = (suseconds_t)(ms % 1000) * 1000};
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

static void set_options(struct sw_ssh *ssh) {
    const struct sw_remote_options *o = ssh->options;
    ssh_session s = ssh->session;
    int off = 0;
    /* A descriptor of its own: libssh closes it on errors in the middle of calls, and ours must stay good for poll() and shutdown(). */
    socket_t fd = fcntl(ssh->fd, F_DUPFD_CLOEXEC, 3);
    ssh_options_set(s, SSH_OPTIONS_PROCESS_CONFIG, &off); /* ssh_config can hold Match exec: a fork in a thread, and surprises */
    ssh_options_set(s, SSH_OPTIONS_FD, &fd);
    ssh_options_set(s, SSH_OPTIONS_HOST, o->address);
    ssh_options_set(s, SSH_OPTIONS_USER, o->user);
    ssh_options_set(s, SSH_OPTIONS_KEY_EXCHANGE, KEY_EXCHANGES);
    ssh_options_set(s, SSH_OPTIONS_CIPHERS_C_S, CIPHERS);
    ssh_options_set(s, SSH_OPTIONS_CIPHERS_S_C, CIPHERS);
    /* Host keys are checked in ssh_hostkey.c; libssh would read these files only to order its algorithms. */
    ssh_options_set(s, SSH_OPTIONS_KNOWNHOSTS, "/dev/null");
    ssh_options_set(s, SSH_OPTIONS_GLOBAL_KNOWNHOSTS, "/dev/null");
    char *algorithms = sw_hostkey_algorithms(o);
    if (algorithms) ssh_options_set(s, SSH_OPTIONS_HOSTKEYS, algorithms);
    free(algorithms);
}

const char *sw_ssh_words(struct sw_ssh *ssh) {
    const char *words = ssh_get_error(ssh->session);
    return words && *words ? words : "no reason given";
}

bool sw_ssh_alive(struct sw_ssh *ssh) {
    return ssh->session && ssh_is_connected(ssh->session) && !(ssh_get_status(ssh->session) & (SSH_CLOSED | SSH_CLOSED_ERROR));
}

/* sshd leaves Nagle's algorithm on: its second small packet waits for our acknowledgement of the first, which we would delay by 40 ms
 * (measured: 70 ms for connect + exec with, 25 ms without). Linux forgets the option, so it is set before each wait. */
void sw_ssh_ack_now(struct sw_ssh *ssh) {
    int on = 1;
    setsockopt(ssh->fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
}

int sw_ssh_wait(struct sw_ssh *ssh, uint64_t deadline_ms) {
    sw_ssh_ack_now(ssh);
    short events = POLLIN;
    if (ssh_get_status(ssh->session) & SSH_WRITE_PENDING) events |= POLLOUT;
    return sw_waiter_poll(ssh->waiter, ssh->fd, events, deadline_ms);
}

bool sw_ssh_pump(struct sw_ssh *ssh) {
    /* The one public call that always serves the socket. What it returns are requests of the server to us, such as to open a channel:
     * refused. */
    ssh_message message = ssh_message_get(ssh->session);
    if (message) {
        ssh_message_reply_default(message);
        ssh_message_free(message);
    }
    return sw_ssh_alive(ssh);
}

static int shake_hands(struct sw_ssh *ssh, uint64_t deadline_ms, struct sw_err *err) {
    const struct sw_remote_options *o = ssh->options;
    int rc, wait;
    SW_SSH_DRIVE(ssh, deadline_ms, rc, SSH_AGAIN, wait, ssh_connect(ssh->session));
    if (wait == SW_ECANCELLED) return sw_err_set(err, SW_ECANCELLED, "cancelled");
    if (wait == 0) return sw_err_set(err, SW_ETIMEOUT, "no SSH handshake with %s port %u in time", o->address, o->port);
    if (rc != SSH_OK)
        return sw_err_set(err, SW_EUNREACHABLE, "no SSH handshake with %s port %u: %s", o->address, o->port, sw_ssh_words(ssh));
    return SW_OK;
}

int sw_ssh_open(struct sw_ssh *ssh, int fd, uint64_t deadline_ms, struct sw_err *err) {
    ssh->fd = fd;
    bound_sends(fd, ssh->options->idle_timeout_ms);
    ssh->session = ssh_new();
    if (!ssh->session) abort(); /* out of memory */
    ssh_set_blocking(ssh->session, 0);
    ssh->traffic = (struct ssh_counter_struct){0};
    ssh_set_counters(ssh->session, &ssh->traffic, NULL);
    set_options(ssh);
    int rc = shake_hands(ssh, deadline_ms, err);
    if (rc == SW_OK) rc = sw_hostkey_check(ssh, err);
    if (rc == SW_OK) rc = sw_ssh_login(ssh, deadline_ms, err);
    if (rc != SW_OK) {
        sw_ssh_close(ssh);
        return rc;
    }
    sw_log("ssh", "%s: connected, %s, %s", ssh->options->name, ssh_get_kex_algo(ssh->session), ssh_get_cipher_out(ssh->session));
    return SW_OK;
}

void sw_ssh_close(struct sw_ssh *ssh) {
    if (!ssh->session) return;
    /* Not ssh_disconnect(): with SSH_OPTIONS_FD it forgets the descriptor without closing it. The server sees the end of the stream. */
    ssh_silent_disconnect(ssh->session);
    ssh_free(ssh->session);
    ssh->session = NULL;
    close(ssh->fd);
    ssh->fd = -1;
}
