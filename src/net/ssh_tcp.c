/* Waiting, and TCP connections that a deadline or a cancel can end. */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "slipway/clock.h"
#include "ssh_internal.h"

enum { USER_TIMEOUT_MS = 30000 };

int sw_waiter_poll(const struct sw_waiter *waiter, int fd, short events, uint64_t deadline_ms) {
    for (;;) {
        if (waiter->stopped(waiter->ctx)) return SW_ECANCELLED;
        int timeout = -1;
        if (deadline_ms != SW_NO_DEADLINE) {
            uint64_t now = sw_now_ms();
            uint64_t left = deadline_ms > now ? deadline_ms - now : 0;
            timeout = left > 3600000 ? 3600000 : (int)left;
        }
        struct pollfd fds[2] = {{waiter->wake_fd, POLLIN, 0}, {fd, events, 0}}; /* poll() skips a negative fd */
        int n = poll(fds, 2, timeout);
        if (n < 0 && errno != EINTR) return 0;
        if (n <= 0) {
            if (deadline_ms != SW_NO_DEADLINE && sw_now_ms() >= deadline_ms) return 0;
            continue;
        }
        if (fds[0].revents) {
            uint64_t count;
            while (read(waiter->wake_fd, &count, sizeof count) < 0 && errno == EINTR) {}
        }
        if (fds[1].revents) return waiter->stopped(waiter->ctx) ? SW_ECANCELLED : 1;
    }
}

/* Low latency for the small packets of a handshake, and an end to connections whose peer vanished without a word. */
static void tune(int fd) {
    int on = 1, user_timeout = USER_TIMEOUT_MS;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &user_timeout, sizeof user_timeout);
}

/* One address. Returns the socket, or -errno, or CANCELLED. */
enum { CANCELLED = -100000 };

static int dial_one(const struct addrinfo *to, const struct sw_waiter *waiter, uint64_t deadline_ms) {
    int fd = socket(to->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, to->ai_protocol);
    if (fd < 0) return -errno;
    tune(fd);
    int error = 0;
    if (connect(fd, to->ai_addr, to->ai_addrlen) < 0) {
        error = errno;
        if (error == EINPROGRESS) {
            int rc = sw_waiter_poll(waiter, fd, POLLOUT, deadline_ms);
            socklen_t len = sizeof error;
            if (rc == 0)
                error = ETIMEDOUT;
            else if (rc < 0)
                error = -CANCELLED;
            else if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
                error = errno;
        }
    }
    if (error) {
        close(fd);
        return -error;
    }
    return fd;
}

static int resolve(const char *address, unsigned port, struct addrinfo **ret, struct sw_err *err) {
    char service[16];
    snprintf(service, sizeof service, "%u", port);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
    /* A number needs no resolver, and no stack for one. */
    int rc = getaddrinfo(address, service, &hints, ret);
    if (rc != 0) {
        hints.ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV;
        rc = getaddrinfo(address, service, &hints, ret);
    }
    if (rc == 0) return SW_OK;
    return sw_err_set(err, SW_EUNREACHABLE, "cannot resolve '%s': %s", address, rc == EAI_SYSTEM ? strerror(errno) : gai_strerror(rc));
}

int sw_tcp_dial(const char *address, unsigned port, const struct sw_waiter *waiter, uint64_t deadline_ms, struct sw_err *err) {
    struct addrinfo *all;
    int rc = resolve(address, port, &all, err);
    if (rc != SW_OK) return rc;
    unsigned left = 1;
    int fd = -EADDRNOTAVAIL;
    for (const struct addrinfo *to = all->ai_next; to; to = to->ai_next) left++;
    for (const struct addrinfo *to = all; to && left; to = to->ai_next, left--) {
        /* Each address gets its share of what is left, so that a black hole (IPv6 without a route back) leaves time for the next. */
        uint64_t now = sw_now_ms();
        if (now >= deadline_ms) {
            fd = -ETIMEDOUT;
            break;
        }
        fd = dial_one(to, waiter, now + (deadline_ms - now) / left);
        if (fd >= 0 || fd == CANCELLED) break;
    }
    freeaddrinfo(all);
    if (fd >= 0) return fd;
    if (fd == CANCELLED) return sw_err_set(err, SW_ECANCELLED, "cancelled");
    if (fd == -ETIMEDOUT) return sw_err_set(err, SW_ETIMEOUT, "cannot connect to %s port %u: no answer", address, port);
    return sw_err_set(err, SW_EUNREACHABLE, "cannot connect to %s port %u: %s", address, port, strerror(-fd));
}
