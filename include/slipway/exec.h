/* Local programs, on the loop. */
#ifndef SLIPWAY_EXEC_H
#define SLIPWAY_EXEC_H

#include "slipway/loop.h"
#include "slipway/str.h"

struct sw_exec_result {
    struct sw_err err; /* code 0: it ran; status holds */
    int status;        /* 128+n for a signal */
    struct sw_str out, errout;
};

struct sw_exec_options {
    const char *const *argv; /* argv[0] looked up in PATH; NULL-terminated */
    const char *const *env;  /* "NAME=value" added to ours, NULL-terminated, or NULL */
    bool env_only;           /* env instead of ours */
    const char *input;       /* stdin, or NULL for /dev/null; copied */
    size_t input_len;
    unsigned timeout_ms;                                                  /* 0 = none; then TERM, 2 s later KILL, to its process group */
    size_t max_output;                                                    /* bytes kept per stream; 0 = 4 MiB */
    void (*on_line)(void *ctx, int stream, const char *line, size_t len); /* optional */
    void (*on_done)(void *ctx, struct sw_exec_result *result);            /* once; freed after the call */
    void *ctx;
};

struct sw_exec;
/* Starts it. Failure to start also arrives by on_done, on a later turn of the loop. */
struct sw_exec *sw_exec_start(struct sw_loop *loop, const struct sw_exec_options *options);
void sw_exec_cancel(struct sw_exec *exec); /* on_done follows with SW_ECANCELLED */

#endif
