#include "slipway/tunnel.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "bastion.h"
#include "remote_options.h"
#include "slipway/clock.h"

struct sw_tunnel {
    unsigned refs, id; /* loop thread */
    struct sw_arena *arena;
    struct sw_remote_options host;
    const char *to_address;
    unsigned to_port;
    pthread_mutex_t lock; /* guards the two below */
    struct sw_err err;
    uint64_t failed_ms;
};

struct sw_tunnel *sw_tunnel_new(const struct sw_remote_options *host, const char *to_address, unsigned to_port) {
    static unsigned made;
    struct sw_tunnel *tunnel = sw_xcalloc(1, sizeof *tunnel);
    tunnel->refs = 1;
    tunnel->id = ++made;
    tunnel->arena = sw_arena_new();
    sw_remote_options__copy(tunnel->arena, host, &tunnel->host);
    tunnel->to_address = sw_strdup(tunnel->arena, to_address);
    tunnel->to_port = to_port;
    pthread_mutex_init(&tunnel->lock, NULL);
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
    sw_err_done(&tunnel->err);
    pthread_mutex_destroy(&tunnel->lock);
    sw_remote_options__wipe(&tunnel->host);
    sw_arena_free(tunnel->arena);
    free(tunnel);
}

unsigned sw_tunnel_id(const struct sw_tunnel *tunnel) {
    return tunnel->id;
}

static void on_failed(void *ctx, const struct sw_err *err) {
    struct sw_tunnel *tunnel = ctx;
    pthread_mutex_lock(&tunnel->lock);
    sw_err_done(&tunnel->err);
    sw_err_copy(&tunnel->err, err);
    tunnel->failed_ms = sw_now_ms();
    pthread_mutex_unlock(&tunnel->lock);
}

int sw_tunnel_connect(struct sw_tunnel *tunnel) {
    int pair[2];
    struct sw_err err = {0};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) return -1;
    if (sw_bastion_connect(&tunnel->host, tunnel->to_address, tunnel->to_port, pair[0], on_failed, tunnel, &err) != 0)
        on_failed(tunnel, &err); /* pair[0] is closed: pair[1] ends at the first read */
    sw_err_done(&err);
    return pair[1];
}

bool sw_tunnel_error(struct sw_tunnel *tunnel, uint64_t since_ms, struct sw_err *ret) {
    pthread_mutex_lock(&tunnel->lock);
    bool failed = tunnel->err.code && tunnel->failed_ms >= since_ms;
    if (failed) sw_err_copy(ret, &tunnel->err);
    pthread_mutex_unlock(&tunnel->lock);
    return failed;
}
