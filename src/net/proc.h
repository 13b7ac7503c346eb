/* A child process on the loop: its own process group, pipes, timeouts. exec.c and the local remote stand on it. */
#ifndef SLIPWAY_NET_PROC_H
#define SLIPWAY_NET_PROC_H

#include "slipway/loop.h"

struct sw_proc;

struct sw_proc_options {
    const char *const *argv;
    const char *const *env;   /* "NAME=value" added to ours, NULL-terminated, or NULL */
    bool env_only;            /* env instead of ours */
    bool input;               /* stdin is a pipe for sw_proc_write(); else /dev/null */
    unsigned timeout_ms;      /* 0 = none; then TERM to the group, 2 s later KILL */
    unsigned idle_timeout_ms; /* no output for so long; 0 = none */
    void (*on_data)(void *ctx, int stream, const char *p, size_t len);
    void (*on_written)(void *ctx);                             /* what sw_proc_write() was given is out (or lost: the child closed stdin) */
    void (*on_end)(void *ctx, struct sw_err *err, int status); /* once, last; err->code 0 = it ran to its end. Moves or frees err */
    void *ctx;
};

/* A failure to start comes by on_end too, on a later turn. The process is freed after on_end. */
struct sw_proc *sw_proc_start(struct sw_loop *loop, const struct sw_proc_options *options);
/* Borrowed until on_written; one write at a time. */
void sw_proc_write(struct sw_proc *proc, const char *p, size_t len);
void sw_proc_close_input(struct sw_proc *proc);
/* Ends it with this error: TERM to the group, then KILL. on_end follows. */
void sw_proc_kill(struct sw_proc *proc, int code, const char *message);
/* The same at once, with KILL, and without on_end. */
void sw_proc_abandon(struct sw_proc *proc);

#endif
