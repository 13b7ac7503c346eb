#include "slipway/exec.h"

#include <stdlib.h>
#include <string.h>

#include "proc.h"
#include "slipway/arena.h"

enum { DEFAULT_MAX_OUTPUT = 4 << 20, MAX_LINE = 4096 };

struct sw_exec {
    struct sw_proc *proc;
    char *input;
    struct sw_exec_result result;
    struct sw_str lines[2]; /* the line that has not ended yet */
    void (*on_line)(void *ctx, int stream, const char *line, size_t len);
    void (*on_done)(void *ctx, struct sw_exec_result *result);
    void *ctx;
};

static void send_line(struct sw_exec *exec, int stream) {
    struct sw_str *line = &exec->lines[stream - 1];
    exec->on_line(exec->ctx, stream, sw_str_z(line), line->len);
    sw_str_clear(line);
    line->overflow = false;
}

static void add_lines(struct sw_exec *exec, int stream, const char *p, size_t len) {
    struct sw_str *line = &exec->lines[stream - 1];
    while (len) {
        const char *newline = memchr(p, '\n', len);
        size_t part = newline ? (size_t)(newline - p) : len;
        size_t room = MAX_LINE - line->len;
        sw_str_add(line, p, part < room ? part : room);
        if (!newline) return;
        send_line(exec, stream);
        p += part + 1;
        len -= part + 1;
    }
}

static void on_data(void *ctx, int stream, const char *p, size_t len) {
    struct sw_exec *exec = ctx;
    struct sw_str *to = stream == 1 ? &exec->result.out : &exec->result.errout;
    sw_str_add(to, p, len);
    if (exec->on_line) add_lines(exec, stream, p, len);
}

static void on_written(void *ctx) {
    struct sw_exec *exec = ctx;
    sw_proc_close_input(exec->proc);
}

static void on_end(void *ctx, struct sw_err *err, int status) {
    struct sw_exec *exec = ctx;
    for (int stream = 1; exec->on_line && stream <= 2; stream++) {
        if (exec->lines[stream - 1].len) send_line(exec, stream);
    }
    sw_err_move(&exec->result.err, err);
    exec->result.status = status;
    exec->on_done(exec->ctx, &exec->result);
    sw_err_done(&exec->result.err);
    sw_str_done(&exec->result.out);
    sw_str_done(&exec->result.errout);
    sw_str_done(&exec->lines[0]);
    sw_str_done(&exec->lines[1]);
    free(exec->input);
    free(exec);
}

struct sw_exec *sw_exec_start(struct sw_loop *loop, const struct sw_exec_options *options) {
    struct sw_exec *exec = sw_xcalloc(1, sizeof *exec);
    size_t max = options->max_output ? options->max_output : DEFAULT_MAX_OUTPUT;
    exec->result.out.max = exec->result.errout.max = max;
    exec->on_line = options->on_line;
    exec->on_done = options->on_done;
    exec->ctx = options->ctx;
    struct sw_proc_options start = {
        .argv = options->argv,
        .env = options->env,
        .env_only = options->env_only,
        .input = options->input != NULL,
        .timeout_ms = options->timeout_ms,
        .on_data = on_data,
        .on_written = on_written,
        .on_end = on_end,
        .ctx = exec,
    };
    exec->proc = sw_proc_start(loop, &start);
    if (options->input) {
        exec->input = sw_xmalloc(options->input_len + 1);
        memcpy(exec->input, options->input, options->input_len);
        sw_proc_write(exec->proc, exec->input, options->input_len);
    }
    return exec;
}

void sw_exec_cancel(struct sw_exec *exec) {
    sw_proc_kill(exec->proc, SW_ECANCELLED, "cancelled");
}
