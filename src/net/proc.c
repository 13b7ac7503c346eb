#include "proc.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "loop_uv.h"
#include "slipway/arena.h"
#include "slipway/clock.h"
#include "slipway/str.h"

enum { KILL_AFTER_MS = 2000, DRAIN_MS = 2000, IDLE_CHECK_MS = 1000, CHUNK = 64 << 10 };

struct sw_proc {
    struct sw_loop *loop;
    struct sw_proc_options options;
    uv_process_t process;
    uv_pipe_t in, out[2];
    uv_write_t write;
    bool in_open, out_open[2], running;
    unsigned handles; /* not closed yet */
    struct sw_timer *timeout, *killer, *drain, *idle;
    uint64_t last_byte_ms;
    struct sw_err err;
    int status;
    bool ended; /* on_end was called, or will never be */
    char buffer[CHUNK];
};

static void on_closed(uv_handle_t *handle) {
    struct sw_proc *proc = handle->data;
    if (--proc->handles == 0) {
        sw_err_done(&proc->err);
        free(proc);
    }
}

static void close_pipe(uv_pipe_t *pipe, bool *open) {
    if (!*open) return;
    *open = false;
    uv_close((uv_handle_t *)pipe, on_closed);
}

static void free_timers(struct sw_proc *proc) {
    struct sw_timer **timers[] = {&proc->timeout, &proc->killer, &proc->drain, &proc->idle};
    for (size_t i = 0; i < sizeof timers / sizeof *timers; i++) {
        sw_timer_free(*timers[i]);
        *timers[i] = NULL;
    }
}

/* Closes everything, and tells the owner unless he left. */
static void end(struct sw_proc *proc) {
    if (proc->ended) return;
    proc->ended = true;
    sw_loop__unpost(proc->loop, proc);
    free_timers(proc);
    struct sw_err err = {0};
    sw_err_move(&err, &proc->err);
    void (*on_end)(void *, struct sw_err *, int) = proc->options.on_end;
    void *ctx = proc->options.ctx;
    int status = proc->status;
    close_pipe(&proc->in, &proc->in_open);
    close_pipe(&proc->out[0], &proc->out_open[0]);
    close_pipe(&proc->out[1], &proc->out_open[1]);
    uv_close((uv_handle_t *)&proc->process, on_closed);
    if (on_end)
        on_end(ctx, &err, status);
    else
        sw_err_done(&err);
}

static void end_late(void *ctx) {
    end(ctx);
}

static void end_if_over(struct sw_proc *proc) {
    if (proc->running) return;
    if (!proc->out_open[0] && !proc->out_open[1]) end(proc);
    /* A daemon that the command left behind may hold the pipes for ever. */
    else if (!proc->drain)
        proc->drain = sw_timer_new(proc->loop, DRAIN_MS, 0, end_late, proc);
}

static void on_exit_status(uv_process_t *process, int64_t status, int signal_number) {
    struct sw_proc *proc = process->data;
    proc->running = false;
    proc->status = signal_number ? 128 + signal_number : (int)status;
    end_if_over(proc);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret) {
    (void)suggested;
    struct sw_proc *proc = handle->data;
    *ret = uv_buf_init(proc->buffer, CHUNK);
}

static void on_read(uv_stream_t *pipe, ssize_t n, const uv_buf_t *buf) {
    struct sw_proc *proc = pipe->data;
    size_t s = pipe == (uv_stream_t *)&proc->out[1];
    if (n > 0) {
        proc->last_byte_ms = sw_now_ms();
        if (!proc->ended && proc->options.on_data) proc->options.on_data(proc->options.ctx, (int)s + 1, buf->base, (size_t)n);
    } else if (n < 0) {
        close_pipe(&proc->out[s], &proc->out_open[s]);
        if (!proc->ended) end_if_over(proc);
    }
}

static void signal_group(struct sw_proc *proc, int number) {
    /* Only while the leader lives is the group's number ours for certain. */
    if (proc->running) kill(-proc->process.pid, number);
}

static void on_kill(void *ctx) {
    signal_group(ctx, SIGKILL);
}

void sw_proc_kill(struct sw_proc *proc, int code, const char *message) {
    if (proc->ended) return;
    sw_err_set(&proc->err, code, "%s", message);
    if (!proc->running) { /* only its pipes are being drained */
        sw_loop_post(proc->loop, end_late, proc);
        return;
    }
    signal_group(proc, SIGTERM);
    if (!proc->killer) proc->killer = sw_timer_new(proc->loop, KILL_AFTER_MS, 0, on_kill, proc);
}

void sw_proc_abandon(struct sw_proc *proc) {
    if (proc->ended) return;
    signal_group(proc, SIGKILL);
    proc->options.on_end = NULL;
    end(proc);
}

static void on_timeout(void *ctx) {
    struct sw_proc *proc = ctx;
    char text[64], limit[32];
    snprintf(text, sizeof text, "still running after %s", sw_format_duration(proc->options.timeout_ms, limit));
    sw_proc_kill(proc, SW_ETIMEOUT, text);
}

static void on_idle(void *ctx) {
    struct sw_proc *proc = ctx;
    if (sw_now_ms() - proc->last_byte_ms < proc->options.idle_timeout_ms) return;
    char text[64], limit[32];
    snprintf(text, sizeof text, "no output for %s", sw_format_duration(proc->options.idle_timeout_ms, limit));
    sw_proc_kill(proc, SW_ETIMEOUT, text);
}

static void on_write(uv_write_t *write, int status) {
    struct sw_proc *proc = write->data;
    if (proc->ended) return;
    if (status < 0) close_pipe(&proc->in, &proc->in_open); /* the child closed its stdin: its own business */
    if (proc->options.on_written) proc->options.on_written(proc->options.ctx);
}

static void written_late(void *ctx) {
    struct sw_proc *proc = ctx;
    if (!proc->ended && proc->options.on_written) proc->options.on_written(proc->options.ctx);
}

void sw_proc_write(struct sw_proc *proc, const char *p, size_t len) {
    if (proc->ended) return;
    proc->last_byte_ms = sw_now_ms();
    if (!proc->in_open) {
        sw_loop_post(proc->loop, written_late, proc);
        return;
    }
    uv_buf_t buf = uv_buf_init((char *)p, (unsigned)len);
    proc->write.data = proc;
    if (uv_write(&proc->write, (uv_stream_t *)&proc->in, &buf, 1, on_write) < 0) {
        close_pipe(&proc->in, &proc->in_open);
        sw_loop_post(proc->loop, written_late, proc);
    }
}

void sw_proc_close_input(struct sw_proc *proc) {
    if (!proc->ended) close_pipe(&proc->in, &proc->in_open);
}

/* Our environment with `add` over it, or `add` only. The strings are borrowed, the array is malloc'ed. */
static char **merge_env(const char *const *add, bool only) {
    extern char **environ;
    size_t n = 0, m = 0;
    while (!only && environ && environ[n]) n++;
    while (add && add[m]) m++;
    char **merged = sw_xcalloc(n + m + 1, sizeof *merged);
    size_t used = 0;
    for (size_t i = 0; i < n; i++) {
        const char *equals = strchr(environ[i], '=');
        size_t name = equals ? (size_t)(equals - environ[i]) : strlen(environ[i]);
        bool replaced = false;
        for (size_t k = 0; k < m && !replaced; k++) replaced = strncmp(add[k], environ[i], name) == 0 && add[k][name] == '=';
        if (!replaced) merged[used++] = environ[i];
    }
    for (size_t k = 0; k < m; k++) merged[used++] = (char *)add[k];
    return merged;
}

static void init_pipe(struct sw_proc *proc, uv_pipe_t *pipe, bool *open) {
    uv_pipe_init(sw_loop__uv(proc->loop), pipe, 0);
    pipe->data = proc;
    *open = true;
    proc->handles++;
}

struct sw_proc *sw_proc_start(struct sw_loop *loop, const struct sw_proc_options *options) {
    struct sw_proc *proc = sw_xcalloc(1, sizeof *proc);
    proc->loop = loop;
    proc->options = *options;
    proc->last_byte_ms = sw_now_ms();
    proc->status = -1;

    uv_stdio_container_t stdio[3] = {{.flags = UV_IGNORE}};
    if (options->input) {
        init_pipe(proc, &proc->in, &proc->in_open);
        stdio[0].flags = UV_CREATE_PIPE | UV_READABLE_PIPE;
        stdio[0].data.stream = (uv_stream_t *)&proc->in;
    }
    for (size_t s = 0; s < 2; s++) {
        init_pipe(proc, &proc->out[s], &proc->out_open[s]);
        stdio[s + 1].flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE;
        stdio[s + 1].data.stream = (uv_stream_t *)&proc->out[s];
    }
    char **env = merge_env(options->env, options->env_only);
    uv_process_options_t spawn = {
        .exit_cb = on_exit_status,
        .file = options->argv[0],
        .args = (char **)options->argv,
        .env = env,
        .flags = UV_PROCESS_DETACHED, /* setsid(): the group can be signalled as a whole, and Ctrl-C on our terminal does not reach it */
        .stdio_count = 3,
        .stdio = stdio,
    };
    proc->process.data = proc;
    proc->handles++;
    int rc = uv_spawn(sw_loop__uv(loop), &proc->process, &spawn);
    free(env);
    if (rc < 0) {
        if (rc == UV_ENOENT)
            sw_err_set(&proc->err, SW_ENOTFOUND, "program '%s' not found", options->argv[0]);
        else
            sw_err_set(&proc->err, SW_EIO, "cannot start '%s': %s", options->argv[0], uv_strerror(rc));
        sw_loop_post(loop, end_late, proc);
        return proc;
    }
    proc->running = true;
    for (size_t s = 0; s < 2; s++) uv_read_start((uv_stream_t *)&proc->out[s], on_alloc, on_read);
    if (options->timeout_ms) proc->timeout = sw_timer_new(loop, options->timeout_ms, 0, on_timeout, proc);
    if (options->idle_timeout_ms) {
        uint64_t every = options->idle_timeout_ms < IDLE_CHECK_MS ? options->idle_timeout_ms : IDLE_CHECK_MS;
        proc->idle = sw_timer_new(loop, every, every, on_idle, proc);
    }
    return proc;
}
