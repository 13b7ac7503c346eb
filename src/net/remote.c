/* A remote: jobs go from the loop thread to its engine, events come back; and how it is cancelled and freed. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "loop_uv.h"
#include "remote_internal.h"
#include "remote_options.h"

enum {
    STACK_BYTES = 256 << 10, /* measured: less than 32 KiB are touched, getaddrinfo(), bcrypt and RSA included */
    TEAR_MS = 600,           /* then the socket is shut down under a thread that does not heed a cancel */
    JOIN_MS = 1000,          /* then a thread that hangs in a resolver or an agent is left behind */
    DRAIN_MAX = 64,          /* events a turn, so that one host cannot keep the loop to itself */
    MIN_FILES = 8192,
};

/* ---- events: from any thread to the loop thread ---- */

static void deliver(struct sw_remote_event *event) {
    struct sw_remote_job *job = event->job;
    if (event->stream) {
        if (job->job.on_data) job->job.on_data(job->job.ctx, event->stream, event->data, event->len);
    } else {
        if (job->job.on_done) job->job.on_done(job->job.ctx, &job->result);
        sw_err_done(&job->result.err);
        free(job);
    }
    free(event);
}

static struct sw_remote_event *take_event(struct sw_remote *remote) {
    pthread_mutex_lock(&remote->lock);
    struct sw_remote_event *event = remote->events;
    if (event) {
        remote->events = event->next;
        if (!remote->events) remote->events_last = &remote->events;
        remote->backlog -= event->len;
        pthread_cond_broadcast(&remote->changed);
    }
    pthread_mutex_unlock(&remote->lock);
    return event;
}

static void unref(struct sw_remote *remote) {
    if (atomic_fetch_sub(&remote->refs, 1) > 1) return;
    close(remote->wake_fd);
    pthread_mutex_destroy(&remote->lock);
    pthread_cond_destroy(&remote->changed);
    sw_remote_options__wipe(&remote->options);
    sw_arena_free(remote->arena);
    free(remote);
}

static void drain(void *ctx) {
    struct sw_remote *remote = ctx;
    struct sw_remote_event *event;
    remote->draining++;
    for (int n = 0; n < DRAIN_MAX && (event = take_event(remote)); n++) deliver(event);
    remote->draining--;
    pthread_mutex_lock(&remote->lock);
    remote->posted = remote->events != NULL;
    if (remote->posted) sw_loop_post(remote->loop, drain, remote);
    pthread_mutex_unlock(&remote->lock);
    if (remote->freed && remote->draining == 0) sw_remote_free(remote);
}

/* With the lock held. */
static void push(struct sw_remote *remote, struct sw_remote_event *event) {
    event->next = NULL;
    *remote->events_last = event;
    remote->events_last = &event->next;
    remote->backlog += event->len;
    if (!remote->posted) {
        remote->posted = true;
        sw_loop_post(remote->loop, drain, remote);
    }
}

struct sw_remote_event *sw_remote__event(struct sw_remote_job *job, int stream, size_t len) {
    struct sw_remote_event *event = sw_xmalloc(sizeof *event + len);
    event->job = job;
    event->next = NULL;
    event->stream = stream;
    event->len = len;
    return event;
}

void sw_remote__send(struct sw_remote *remote, struct sw_remote_event *event) {
    pthread_mutex_lock(&remote->lock);
    remote->stats.bytes_in += event->len;
    /* The local engine is on the loop thread: it reads only as fast as the loop turns, and must not wait for itself. */
    while (!remote->local && remote->backlog >= SW_BACKLOG_MAX && !event->job->cancelled && !remote->closing)
        pthread_cond_wait(&remote->changed, &remote->lock);
    bool wanted = !event->job->cancelled;
    if (wanted) push(remote, event);
    pthread_mutex_unlock(&remote->lock);
    if (!wanted) free(event);
}

/* With the lock held. */
static void push_done(struct sw_remote *remote, struct sw_remote_job *job) {
    push(remote, sw_remote__event(job, 0, 0));
}

void sw_remote__finish(struct sw_remote *remote, struct sw_remote_job *job) {
    pthread_mutex_lock(&remote->lock);
    remote->running = NULL;
    remote->stats.channels += job->result.channels;
    push_done(remote, job);
    pthread_cond_broadcast(&remote->changed);
    pthread_mutex_unlock(&remote->lock);
}

/* ---- jobs: from the loop thread to the engine ---- */

struct sw_remote_job *sw_remote__take(struct sw_remote *remote) {
    pthread_mutex_lock(&remote->lock);
    struct sw_remote_job *job = remote->running ? NULL : remote->queue;
    if (job) {
        remote->queue = job->next;
        if (!remote->queue) remote->queue_last = &remote->queue;
        remote->running = job;
    }
    pthread_mutex_unlock(&remote->lock);
    return job;
}

void sw_remote__set_socket(struct sw_remote *remote, int fd) {
    pthread_mutex_lock(&remote->lock);
    remote->shut_fd = fd;
    pthread_mutex_unlock(&remote->lock);
}

void sw_remote__thread_ends(struct sw_remote *remote) {
    pthread_mutex_lock(&remote->lock);
    remote->thread_ended = true;
    pthread_cond_broadcast(&remote->changed);
    pthread_mutex_unlock(&remote->lock);
    unref(remote);
}

void sw_remote__put_back(struct sw_remote *remote, struct sw_remote_job *job) {
    pthread_mutex_lock(&remote->lock);
    remote->running = NULL;
    if (job->cancelled || remote->closing) {
        sw_err_set(&job->result.err, SW_ECANCELLED, "cancelled");
        push_done(remote, job);
    } else {
        job->next = remote->queue;
        if (!remote->queue) remote->queue_last = &job->next;
        remote->queue = job;
    }
    pthread_cond_broadcast(&remote->changed);
    pthread_mutex_unlock(&remote->lock);
}

/* With the lock held. */
static void fail_queued(struct sw_remote *remote, const struct sw_err *err) {
    for (struct sw_remote_job *job = remote->queue, *next; job; job = next) {
        next = job->next;
        sw_err_copy(&job->result.err, err);
        push_done(remote, job);
    }
    remote->queue = NULL;
    remote->queue_last = &remote->queue;
}

void sw_remote__fail_queued(struct sw_remote *remote, const struct sw_err *err) {
    pthread_mutex_lock(&remote->lock);
    fail_queued(remote, err);
    pthread_mutex_unlock(&remote->lock);
}

bool sw_remote__stopped(struct sw_remote *remote) {
    pthread_mutex_lock(&remote->lock);
    bool stopped = remote->closing || (remote->running ? remote->running->cancelled : !remote->queue);
    pthread_mutex_unlock(&remote->lock);
    return stopped;
}

static void wake(struct sw_remote *remote) {
    uint64_t one = 1;
    while (write(remote->wake_fd, &one, sizeof one) < 0 && errno == EINTR) {}
}

static void start_thread(struct sw_remote *remote) {
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK_BYTES);
    atomic_fetch_add(&remote->refs, 1);
    int rc = pthread_create(&remote->thread, &attr, sw_ssh_thread, remote);
    pthread_attr_destroy(&attr);
    if (rc != 0) {
        atomic_fetch_sub(&remote->refs, 1);
        struct sw_err err = {0};
        sw_err_set(&err, SW_EIO, "cannot start a thread for '%s': %s", remote->options.name, strerror(rc));
        sw_remote__fail_queued(remote, &err);
        sw_err_done(&err);
        return;
    }
    remote->thread_started = true;
}

/* A host needs up to five descriptors; the usual soft limit of 1,024 would end at 200 hosts. */
static void raise_file_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= MIN_FILES) return;
    limit.rlim_cur = limit.rlim_max < MIN_FILES ? limit.rlim_max : MIN_FILES;
    setrlimit(RLIMIT_NOFILE, &limit);
}

struct sw_remote *sw_remote_open(struct sw_loop *loop, const struct sw_remote_options *options) {
    raise_file_limit();
    struct sw_remote *remote = sw_xcalloc(1, sizeof *remote);
    remote->loop = loop;
    remote->arena = sw_arena_new();
    sw_remote_options__copy(remote->arena, options, &remote->options);
    pthread_mutex_init(&remote->lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&remote->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    remote->queue_last = &remote->queue;
    remote->events_last = &remote->events;
    remote->shut_fd = -1;
    atomic_init(&remote->refs, 1);
    remote->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (remote->wake_fd < 0) abort(); /* without descriptors nothing can be reached */
    if (strcmp(remote->options.transport, "local") == 0) remote->local = sw_local_new(remote);
    return remote;
}

void sw_remote_run(struct sw_remote *remote, const struct sw_job *job) {
    struct sw_remote_job *queued = sw_xcalloc(1, sizeof *queued);
    queued->job = *job;
    queued->result.status = -1;
    pthread_mutex_lock(&remote->lock);
    if (remote->closing) {
        sw_err_set(&queued->result.err, SW_ECANCELLED, "cancelled");
        push_done(remote, queued);
    } else {
        *remote->queue_last = queued;
        remote->queue_last = &queued->next;
    }
    pthread_mutex_unlock(&remote->lock);
    if (remote->local) {
        sw_local_kick(remote->local);
    } else if (!remote->thread_started) {
        start_thread(remote);
    } else {
        wake(remote);
    }
}

/* Out of poll() the thread may be in a send() that a stalled peer blocks. */
static void tear(struct sw_remote *remote) {
    pthread_mutex_lock(&remote->lock);
    bool stuck = remote->closing || (remote->running && remote->running->cancelled);
    if (stuck && remote->shut_fd >= 0) shutdown(remote->shut_fd, SHUT_RDWR);
    pthread_mutex_unlock(&remote->lock);
}

static void on_tear(void *ctx) {
    tear(ctx);
}

static void cancel(struct sw_remote *remote, bool closing) {
    struct sw_err err = {0};
    sw_err_set(&err, SW_ECANCELLED, "cancelled");
    pthread_mutex_lock(&remote->lock);
    if (closing) remote->closing = true;
    fail_queued(remote, &err);
    if (remote->running) remote->running->cancelled = true;
    pthread_cond_broadcast(&remote->changed);
    pthread_mutex_unlock(&remote->lock);
    sw_err_done(&err);
    wake(remote);
}

void sw_remote_cancel(struct sw_remote *remote) {
    cancel(remote, false);
    if (remote->local) {
        sw_local_cancel(remote->local);
    } else {
        sw_timer_free(remote->tear);
        remote->tear = sw_timer_new(remote->loop, TEAR_MS, 0, on_tear, remote);
    }
}

/* Waits until the thread has ended or the time is over. With the lock held. */
static void await_thread(struct sw_remote *remote, unsigned ms) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += (long)ms * 1000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    while (!remote->thread_ended) {
        if (pthread_cond_timedwait(&remote->changed, &remote->lock, &until) == ETIMEDOUT) return;
    }
}

/* Ends the thread. While it holds a job this takes as long as it takes, for it uses the owner's memory; every wait of a running job ends on
 * the wake-up, or else on the torn socket. While it connects it may hang where nothing reaches it: then it is left behind. */
static void end_thread(struct sw_remote *remote) {
    if (!remote->thread_started) return;
    pthread_mutex_lock(&remote->lock);
    await_thread(remote, TEAR_MS);
    bool ended = remote->thread_ended;
    pthread_mutex_unlock(&remote->lock);
    if (!ended) tear(remote);

    pthread_mutex_lock(&remote->lock);
    await_thread(remote, JOIN_MS);
    while (remote->running) pthread_cond_wait(&remote->changed, &remote->lock);
    await_thread(remote, JOIN_MS);
    ended = remote->thread_ended;
    pthread_mutex_unlock(&remote->lock);
    if (ended)
        pthread_join(remote->thread, NULL);
    else
        pthread_detach(remote->thread);
}

void sw_remote_free(struct sw_remote *remote) {
    if (!remote) return;
    cancel(remote, true);
    remote->freed = true;
    if (remote->draining) return; /* called from a callback: drain() comes back here */
    if (remote->local) {
        sw_local_free(remote->local);
        remote->local = NULL;
    }
    sw_timer_free(remote->tear);
    remote->tear = NULL;
    end_thread(remote);
    /* A thread that was left behind holds no job and sees `closing`: it sends no more events. */
    remote->draining++;
    for (struct sw_remote_event *event; (event = take_event(remote));) deliver(event);
    sw_loop__unpost(remote->loop, remote);
    unref(remote);
}

void sw_remote_stats(const struct sw_remote *remote, struct sw_remote_stats *ret) {
    struct sw_remote *locked = (struct sw_remote *)remote;
    pthread_mutex_lock(&locked->lock);
    *ret = remote->stats;
    pthread_mutex_unlock(&locked->lock);
}
