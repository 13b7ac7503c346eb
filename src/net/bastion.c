/* Bastions: one session each, shared by all hosts behind it (an sshd takes ten logins at a time by default, but any number of forwards).
 * A host gets one end of a socketpair; a bastion's thread relays between the other ends and direct-tcpip channels. It ends with its last
 * link.
 *
 * A dial is a request on the bastion's list. Who waits for it may leave at any time (`abandoned`); the thread frees it then.
 */
#include "bastion.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "bastion_link.h"
#include "remote_options.h"
#include "slipway/clock.h"

enum { STACK_BYTES = 256 << 10, SETTLE_MS = 1000 };

struct request {
    char *address;
    unsigned port;
    int notify_fd; /* eventfd of who waits; -1: nobody, and: */
    int given_fd;  /* the end to relay, until it is taken */
    void (*failed)(void *ctx, const struct sw_err *err);
    void *ctx;
    bool taken, done, abandoned;
    int fd; /* the answer, or a negative code with err */
    struct sw_err err;
    struct request *next;
};

struct bastion {
    struct sw_arena *arena;
    struct sw_remote_options options;
    char *key;
    int wake_fd;
    pthread_t thread;
    struct request *requests; /* not taken by the thread yet, and those whose link is being opened */
    struct sw_ssh ssh;        /* thread only, like links */
    struct sw_link *links;
    struct bastion *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards the list, and every bastion's requests */
static pthread_cond_t ended = PTHREAD_COND_INITIALIZER;
static struct bastion *bastions, *finished; /* `finished` have ended, and wait to be joined */
static unsigned threads, holders;

static void ring(int fd) {
    uint64_t one = 1;
    while (write(fd, &one, sizeof one) < 0 && errno == EINTR) {}
}

/* ---- requests; with the lock held ---- */

static void free_request(struct bastion *bastion, struct request *request) {
    struct request **at = &bastion->requests;
    while (*at && *at != request) at = &(*at)->next;
    if (*at) *at = request->next;
    if (request->notify_fd >= 0) close(request->notify_fd);
    if (request->given_fd >= 0) close(request->given_fd);
    sw_err_done(&request->err);
    free(request->address);
    free(request);
}

static void answer(struct bastion *bastion, struct request *request, int fd, const struct sw_err *err) {
    if (request->abandoned || request->notify_fd < 0) {
        if (fd >= 0 && request->notify_fd >= 0) close(fd);
        if (err && !request->abandoned) request->failed(request->ctx, err);
        free_request(bastion, request);
        return;
    }
    request->fd = fd;
    if (err) sw_err_copy(&request->err, err);
    request->done = true;
    ring(request->notify_fd);
}

static bool nobody_waits(void *ctx) {
    struct bastion *bastion = ctx;
    bool anybody = false;
    pthread_mutex_lock(&lock);
    for (struct request *r = bastion->requests; r; r = r->next) anybody |= !r->done && !r->abandoned;
    pthread_mutex_unlock(&lock);
    return !anybody;
}

/* ---- the bastion's thread ---- */

static int open_session(struct bastion *bastion, struct sw_err *err) {
    const struct sw_remote_options *o = &bastion->options;
    uint64_t deadline = sw_now_ms() + o->connect_timeout_ms;
    int fd = o->bastion ? sw_bastion_dial(o->bastion, o->address, o->port, bastion->ssh.waiter, deadline, err)
                        : sw_tcp_dial(o->address, o->port, bastion->ssh.waiter, deadline, err);
    return fd < 0 ? fd : sw_ssh_open(&bastion->ssh, fd, deadline, err);
}

static void take_requests(struct bastion *bastion) {
    pthread_mutex_lock(&lock);
    for (struct request *r = bastion->requests, *next; r; r = next) {
        next = r->next;
        if (r->taken) continue;
        if (r->abandoned) {
            free_request(bastion, r);
            continue;
        }
        r->taken = true;
        struct sw_link *link = sw_link_new(&bastion->ssh, r->address, r->port, r->given_fd, r);
        r->given_fd = -1;
        link->next = bastion->links;
        bastion->links = link;
    }
    pthread_mutex_unlock(&lock);
}

/* Tells who waits how the opening of a link went. */
static void answer_link(struct bastion *bastion, struct sw_link *link, const struct sw_err *err) {
    int fd = err ? err->code : link->far_fd; /* none where the far end was given away already */
    link->far_fd = -1;
    pthread_mutex_lock(&lock);
    answer(bastion, link->request, fd, err);
    pthread_mutex_unlock(&lock);
    link->request = NULL;
}

/* Lets every link do what it can. Returns whether anything moved. */
static bool step_links(struct bastion *bastion) {
    bool moved = false;
    for (struct sw_link **at = &bastion->links; *at;) {
        struct sw_link *link = *at;
        if (link->request) {
            struct sw_err err = {0};
            int rc = sw_link_open(link, &err);
            if (rc != 0) {
                answer_link(bastion, link, rc == 1 ? NULL : &err);
                moved = true;
            }
            if (rc < 0) link->over = true;
            sw_err_done(&err);
        }
        if (!link->request && !link->over) moved |= sw_link_relay(link);
        if (link->over) {
            *at = link->next;
            sw_link_free(link);
        } else {
            at = &link->next;
        }
    }
    return moved;
}

static void wait_all(struct bastion *bastion, uint64_t until_ms) {
    size_t n = 2, i = 2;
    for (struct sw_link *link = bastion->links; link; link = link->next) n++;
    struct pollfd *fds = sw_xcalloc(n, sizeof *fds);
    bool pending = ssh_get_status(bastion->ssh.session) & SSH_WRITE_PENDING;
    fds[0] = (struct pollfd){bastion->wake_fd, POLLIN, 0};
    fds[1] = (struct pollfd){bastion->ssh.fd, (short)(POLLIN | (pending ? POLLOUT : 0)), 0};
    for (struct sw_link *link = bastion->links; link; link = link->next, i++)
        fds[i] = (struct pollfd){link->fd, sw_link_events(link, pending), 0};
    uint64_t now = sw_now_ms();
    sw_ssh_ack_now(&bastion->ssh);
    poll(fds, n, until_ms > now ? (int)(until_ms - now) : 0);
    if (fds[0].revents) {
        uint64_t count;
        while (read(bastion->wake_fd, &count, sizeof count) < 0 && errno == EINTR) {}
    }
    /* A host that hung up while we have nothing to poll its socket for would wake us again and again. */
    i = 2;
    for (struct sw_link *link = bastion->links; link; link = link->next, i++) {
        if (fds[i].revents & (POLLHUP | POLLERR)) link->hung_up = true;
    }
    free(fds);
}

/* Until nobody needs it (true), or the session is lost (false). */
static bool relay(struct bastion *bastion) {
    uint64_t keepalive = sw_now_ms() + bastion->options.keepalive_ms;
    for (;;) {
        uint64_t came = bastion->ssh.traffic.in_bytes;
        take_requests(bastion);
        bool moved = step_links(bastion);
        if (!bastion->links && nobody_waits(bastion)) return true;
        if (!sw_ssh_pump(&bastion->ssh)) return false;
        /* Any step or pump may bring bytes for any link: wait only after a round that brought nothing. */
        if (moved || bastion->ssh.traffic.in_bytes != came) continue;
        if (sw_now_ms() >= keepalive) {
            ssh_send_ignore(bastion->ssh.session, "");
            keepalive = sw_now_ms() + bastion->options.keepalive_ms;
        }
        wait_all(bastion, keepalive);
    }
}

/* Ends all links and answers all requests with this error. */
static void fail_all(struct bastion *bastion, struct sw_err *err) {
    sw_err_frame(err, "going over the bastion '%s'", bastion->options.name);
    pthread_mutex_lock(&lock);
    for (struct request *r = bastion->requests, *next; r; r = next) {
        next = r->next;
        if (!r->done) answer(bastion, r, err->code, err);
    }
    pthread_mutex_unlock(&lock);
    for (struct sw_link *link = bastion->links, *next; link; link = next) { /* after the answers: its end is how some hear of one */
        next = link->next;
        sw_link_free(link);
    }
    bastion->links = NULL;
}

static void free_bastion(struct bastion *bastion) {
    close(bastion->wake_fd);
    sw_remote_options__wipe(&bastion->options);
    free(bastion->key);
    sw_arena_free(bastion->arena);
    free(bastion);
}

/* Leaves the list if nobody came meanwhile. */
static bool leave(struct bastion *bastion) {
    pthread_mutex_lock(&lock);
    bool empty = true;
    for (struct request *r = bastion->requests, *next; r; r = next) {
        next = r->next;
        if (r->abandoned)
            free_request(bastion, r);
        else
            empty = false; /* also those answered and not yet picked up: their memory hangs on us */
    }
    if (empty) {
        struct bastion **at = &bastions;
        while (*at != bastion) at = &(*at)->next;
        *at = bastion->next;
    }
    pthread_mutex_unlock(&lock);
    return empty;
}

static void *bastion_thread(void *arg) {
    struct bastion *bastion = arg;
    struct sw_waiter waiter = {bastion->wake_fd, nobody_waits, bastion};
    bastion->ssh = (struct sw_ssh){.options = &bastion->options, .waiter = &waiter, .fd = -1};
    sw_keys_hold();
    while (!leave(bastion)) {
        struct sw_err err = {0};
        if (nobody_waits(bastion)) {
            struct pollfd wake = {bastion->wake_fd, POLLIN, 0}; /* rung when an answer is picked up */
            poll(&wake, 1, -1);
            uint64_t count;
            while (read(bastion->wake_fd, &count, sizeof count) < 0 && errno == EINTR) {}
            continue;
        }
        int rc = open_session(bastion, &err);
        if (rc == SW_OK && !relay(bastion))
            rc = sw_err_set(&err, SW_EUNREACHABLE, "connection to the bastion '%s' lost: %s", bastion->options.name,
                            sw_ssh_words(&bastion->ssh));
        /* Done, or cancelled because nobody waited any more: whoever came since then gets a session of his own. */
        if (rc != SW_OK && rc != SW_ECANCELLED) fail_all(bastion, &err);
        sw_err_done(&err);
        sw_ssh_close(&bastion->ssh);
    }
    sw_keys_let_go();
    pthread_mutex_lock(&lock);
    bastion->next = finished;
    finished = bastion;
    threads--;
    pthread_cond_broadcast(&ended);
    pthread_mutex_unlock(&lock);
    return NULL;
}

/* ---- for the hosts' threads ---- */

/* With the lock held. A thread on the list has let it go for good: joining it does not wait for anything else. */
static void reap(void) {
    for (struct bastion *bastion; (bastion = finished);) {
        finished = bastion->next;
        pthread_join(bastion->thread, NULL);
        free_bastion(bastion);
    }
}

/* With the lock held. NULL when no thread can be started. */
static struct bastion *find(const struct sw_remote_options *options) {
    struct sw_str key = {0};
    reap();
    sw_remote_options__key(options, &key);
    for (struct bastion *b = bastions; b; b = b->next) {
        if (strcmp(b->key, sw_str_z(&key)) == 0) {
            sw_wipe(key.p, key.cap);
            sw_str_done(&key);
            return b;
        }
    }
    struct bastion *bastion = sw_xcalloc(1, sizeof *bastion);
    bastion->key = sw_str_take(&key);
    bastion->arena = sw_arena_new();
    sw_remote_options__copy(bastion->arena, options, &bastion->options);
    bastion->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK_BYTES);
    /* The thread's first act is to take the lock that we hold: it sees the request that made it. */
    int rc = bastion->wake_fd < 0 ? -1 : pthread_create(&bastion->thread, &attr, bastion_thread, bastion);
    pthread_attr_destroy(&attr);
    if (rc != 0) {
        free_bastion(bastion);
        return NULL;
    }
    bastion->next = bastions;
    bastions = bastion;
    threads++;
    return bastion;
}

int sw_bastion_dial(const struct sw_remote_options *options, const char *address, unsigned port, const struct sw_waiter *waiter,
                    uint64_t deadline_ms, struct sw_err *err) {
    struct request *request = sw_xcalloc(1, sizeof *request);
    request->address = sw_xstrdup(address);
    request->port = port;
    request->notify_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    request->given_fd = -1;
    pthread_mutex_lock(&lock);
    struct bastion *bastion = request->notify_fd < 0 ? NULL : find(options);
    if (!bastion) {
        pthread_mutex_unlock(&lock);
        if (request->notify_fd >= 0) close(request->notify_fd);
        free(request->address);
        free(request);
        return sw_err_set(err, SW_EIO, "cannot start a thread for the bastion '%s'", options->name);
    }
    request->next = bastion->requests;
    bastion->requests = request;
    pthread_mutex_unlock(&lock);
    ring(bastion->wake_fd);

    int rc = sw_waiter_poll(waiter, request->notify_fd, POLLIN, deadline_ms);
    pthread_mutex_lock(&lock);
    if (request->done) {
        rc = request->fd;
        if (rc < 0) sw_err_move(err, &request->err);
        free_request(bastion, request);
    } else {
        request->abandoned = true;
        rc = rc == SW_ECANCELLED
                 ? sw_err_set(err, SW_ECANCELLED, "cancelled")
                 : sw_err_set(err, SW_ETIMEOUT, "no way to %s port %u over the bastion '%s' in time", address, port, options->name);
    }
    ring(bastion->wake_fd); /* under the lock: once it is open the thread may be gone */
    pthread_mutex_unlock(&lock);
    return rc;
}

int sw_bastion_connect(const struct sw_remote_options *options, const char *address, unsigned port, int fd,
                       void (*failed)(void *ctx, const struct sw_err *err), void *ctx, struct sw_err *err) {
    struct request *request = sw_xcalloc(1, sizeof *request);
    *request =
        (struct request){.address = sw_xstrdup(address), .port = port, .notify_fd = -1, .given_fd = fd, .failed = failed, .ctx = ctx};
    fcntl(fd, F_SETFL, O_NONBLOCK);
    pthread_mutex_lock(&lock);
    struct bastion *bastion = find(options);
    if (bastion) {
        request->next = bastion->requests;
        bastion->requests = request;
        ring(bastion->wake_fd); /* under the lock: once it is open the thread may be gone */
    }
    pthread_mutex_unlock(&lock);
    if (bastion) return SW_OK;
    close(fd);
    free(request->address);
    free(request);
    return sw_err_set(err, SW_EIO, "cannot start a thread for the SSH session to '%s'", options->name);
}

void sw_bastion_forget(const void *ctx) {
    pthread_mutex_lock(&lock); /* failed() is called under it */
    for (struct bastion *b = bastions; b; b = b->next) {
        for (struct request *r = b->requests; r; r = r->next) {
            if (r->notify_fd >= 0 || r->ctx != ctx) continue;
            r->abandoned = true;
            ring(b->wake_fd);
        }
    }
    pthread_mutex_unlock(&lock);
}

void sw_bastions_hold(void) {
    pthread_mutex_lock(&lock);
    holders++;
    pthread_mutex_unlock(&lock);
}

void sw_bastions_let_go(void) {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += SETTLE_MS / 1000;
    pthread_mutex_lock(&lock);
    if (--holders == 0) {
        while (threads && pthread_cond_timedwait(&ended, &lock, &until) == 0) {}
        reap();
    }
    pthread_mutex_unlock(&lock);
}
