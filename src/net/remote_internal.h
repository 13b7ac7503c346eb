/* The inside of a remote: a queue of jobs, a queue of events for the loop thread, and one of two engines: a thread with an SSH session
 * (ssh_thread.c), or children of ours (remote_local.c).
 *
 * Who owns a job: the queue, until the SSH thread is connected and takes it (`running`); then the event queue, for its on_done. While the
 * thread connects it holds no job. So a cancel can end queued jobs at once, whatever the thread hangs in (a resolver, an agent).
 */
#ifndef SLIPWAY_NET_REMOTE_INTERNAL_H
#define SLIPWAY_NET_REMOTE_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include "slipway/remote.h"

struct sw_local;

struct sw_remote_job {
    struct sw_job job;
    struct sw_job_result result;
    bool cancelled;
    struct sw_remote_job *next;
};

struct sw_remote_event {
    struct sw_remote_job *job;
    struct sw_remote_event *next;
    int stream; /* 0 = the job is done */
    size_t len;
    char data[];
};

/* What a host may buffer for the loop thread before its thread stops reading from the network. */
enum { SW_BACKLOG_MAX = 1 << 20 };

struct sw_remote {
    struct sw_loop *loop;
    struct sw_arena *arena; /* holds the options' strings; only read after sw_remote_open() */
    struct sw_remote_options options;
    struct sw_local *local; /* transport local, or NULL */

    pthread_mutex_t lock;   /* guards what follows, down to `stats` */
    pthread_cond_t changed; /* backlog went down, a job was cancelled, the thread ended */
    struct sw_remote_job *queue, **queue_last, *running;
    struct sw_remote_event *events, **events_last;
    bool posted;    /* a drain is on its way to the loop */
    size_t backlog; /* bytes in events */
    bool closing, thread_ended;
    int shut_fd; /* the session's socket, to tear the thread out of a blocking send; -1 = none */
    struct sw_remote_stats stats;

    _Atomic unsigned refs; /* the owner, and the thread */
    int wake_fd;           /* eventfd: wakes the thread from poll() */
    pthread_t thread;

    /* Loop thread only. */
    bool thread_started;
    struct sw_timer *tear; /* a cancelled job gets this long to end by itself */
    unsigned draining;     /* depth of drain() */
    bool freed;            /* sw_remote_free() was called from a callback */
};

/* For the engines. Any thread. */

/* Takes the next job to run, or NULL. */
struct sw_remote_job *sw_remote__take(struct sw_remote *remote);
/* An empty event with room for `len` bytes; sw_remote__send() takes it. */
struct sw_remote_event *sw_remote__event(struct sw_remote_job *job, int stream, size_t len);
/* Hands output to the loop thread. Waits while the backlog is full, unless the job is cancelled (then the bytes are dropped). */
void sw_remote__send(struct sw_remote *remote, struct sw_remote_event *event);
/* The running job is over; its result is filled in. */
void sw_remote__finish(struct sw_remote *remote, struct sw_remote_job *job);
/* The running job goes back to the head of the queue; done when it was cancelled meanwhile. */
void sw_remote__put_back(struct sw_remote *remote, struct sw_remote_job *job);
/* Ends every queued job with a copy of this error. */
void sw_remote__fail_queued(struct sw_remote *remote, const struct sw_err *err);
/* Whether what runs now should stop: the remote closes, or the running job (without one: every queued job) was cancelled. */
bool sw_remote__stopped(struct sw_remote *remote);
/* The socket of the session that was opened; -1 is told before it is closed. */
void sw_remote__set_socket(struct sw_remote *remote, int fd);
/* The thread's last word: nothing of the remote may be touched after. */
void sw_remote__thread_ends(struct sw_remote *remote);

/* ssh_thread.c */
void *sw_ssh_thread(void *remote);

/* remote_local.c. Loop thread. */
struct sw_local *sw_local_new(struct sw_remote *remote);
void sw_local_kick(struct sw_local *local); /* a job was queued */
void sw_local_cancel(struct sw_local *local);
void sw_local_free(struct sw_local *local); /* kills what runs; its job must be finished by the caller */

#endif
