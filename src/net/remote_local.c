/* The local transport: jobs are children of ours. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "become.h"
#include "loop_uv.h"
#include "proc.h"
#include "remote_internal.h"
#include "slipway/arena.h"
#include "slipway/clock.h"

enum { PORTION = 64 << 10 };

struct sw_local {
    struct sw_remote *remote;
    struct sw_proc *proc;
    struct sw_remote_job *job;
    struct sw_become become;
    bool becomes;
    bool writing;        /* a sw_proc_write() is out */
    bool wants_password; /* to be written next */
    bool may_feed, input_over;
    bool refused;
    char *password_line;
    size_t input_at;
    int file;
    char *portion;
    uint64_t started_ms;
};

static void start_next(void *ctx);

struct sw_local *sw_local_new(struct sw_remote *remote) {
    struct sw_local *local = sw_xcalloc(1, sizeof *local);
    local->remote = remote;
    local->file = -1;
    return local;
}

static void drop_password(struct sw_local *local) {
    if (local->password_line) sw_wipe(local->password_line, strlen(local->password_line));
    free(local->password_line);
    local->password_line = NULL;
}

/* Forgets the job that ran, and starts the next on a later turn. */
static void finish(struct sw_local *local) {
    struct sw_remote_job *job = local->job;
    job->result.elapsed_ms = sw_now_ms() - local->started_ms;
    job->result.channels = 1;
    if (local->file >= 0) close(local->file);
    free(local->portion);
    drop_password(local);
    if (local->becomes) sw_become_done(&local->become);
    local->portion = NULL;
    local->file = -1;
    local->job = NULL;
    local->proc = NULL;
    sw_remote__finish(local->remote, job);
    sw_loop_post(local->remote->loop, start_next, local);
}

/* Writes what is next: the password, or a portion of the input, or the end of it. */
static void feed(struct sw_local *local) {
    const struct sw_job *job = &local->job->job;
    if (local->writing) return;
    if (local->wants_password) {
        local->wants_password = false;
        local->writing = true;
        local->password_line = sw_xprintf("%s\n", local->become.password);
        sw_proc_write(local->proc, local->password_line, strlen(local->password_line));
        return;
    }
    if (!local->may_feed || local->input_over) return;
    const char *p = NULL;
    size_t n = 0;
    if (local->file >= 0) {
        ssize_t got;
        do got = read(local->file, local->portion, PORTION);
        while (got < 0 && errno == EINTR);
        if (got < 0) {
            local->input_over = true;
            struct sw_str text = {0};
            sw_str_addf(&text, "cannot read '%s': %s", job->input_file, strerror(errno));
            sw_proc_kill(local->proc, SW_EIO, sw_str_z(&text));
            sw_str_done(&text);
            return;
        }
        p = local->portion;
        n = (size_t)got;
    } else if (job->input && local->input_at < job->input_len) {
        p = job->input + local->input_at;
        n = job->input_len - local->input_at < PORTION ? job->input_len - local->input_at : PORTION;
        local->input_at += n;
    }
    if (n == 0) {
        local->input_over = true;
        sw_proc_close_input(local->proc);
        return;
    }
    local->writing = true;
    sw_proc_write(local->proc, p, n);
    pthread_mutex_lock(&local->remote->lock);
    local->remote->stats.bytes_out += n;
    pthread_mutex_unlock(&local->remote->lock);
}

static void on_written(void *ctx) {
    struct sw_local *local = ctx;
    local->writing = false;
    drop_password(local);
    feed(local);
}

/* By way of the event queue, although we are on the loop thread: the callback may free the remote. */
static void send_on(struct sw_local *local, int stream, const char *p, size_t len) {
    struct sw_remote_event *event = sw_remote__event(local->job, stream, len);
    memcpy(event->data, p, len);
    sw_remote__send(local->remote, event);
}

static void on_data(void *ctx, int stream, const char *p, size_t len) {
    struct sw_local *local = ctx;
    if (stream == 1 || !local->becomes || local->become.ready) {
        send_on(local, stream, p, len);
        return;
    }
    size_t rest = 0;
    switch (sw_become_feed(&local->become, p, len, &rest)) {
    case SW_BECOME_WAIT: break;
    case SW_BECOME_ASKS:
        local->wants_password = true;
        feed(local);
        break;
    case SW_BECOME_READY:
        local->may_feed = true;
        if (rest) send_on(local, stream, p + len - rest, rest);
        feed(local);
        break;
    case SW_BECOME_REFUSED:
        local->refused = true;
        sw_proc_close_input(local->proc); /* sudo gives up */
        break;
    }
}

static void on_end(void *ctx, struct sw_err *err, int status) {
    struct sw_local *local = ctx;
    struct sw_job_result *result = &local->job->result;
    sw_err_move(&result->err, err);
    result->status = status;
    if (!result->err.code && local->becomes && !local->become.ready)
        sw_become_error(&local->become, status, local->remote->options.name, &result->err);
    finish(local);
}

static void start(struct sw_local *local, struct sw_remote_job *job) {
    const struct sw_remote_options *o = &local->remote->options;
    local->job = job;
    local->started_ms = sw_now_ms();
    local->writing = local->wants_password = local->refused = local->input_over = false;
    local->input_at = 0;
    local->becomes = o->become && geteuid() != 0;
    if (local->becomes) sw_become_init(&local->become, o->become_password);
    local->may_feed = !local->becomes || !o->become_password;
    if (job->job.input_file) {
        local->portion = sw_xmalloc(PORTION);
        local->file = open(job->job.input_file, O_RDONLY | O_CLOEXEC);
        if (local->file < 0) {
            sw_err_set(&job->result.err, SW_EIO, "cannot read '%s': %s", job->job.input_file, strerror(errno));
            finish(local);
            return;
        }
    }
    struct sw_str command = {0};
    if (local->becomes)
        sw_become_command(&local->become, job->job.command, &command);
    else
        sw_str_addz(&command, job->job.command);
    const char *argv[] = {"sh", "-c", sw_str_z(&command), NULL};
    struct sw_proc_options options = {
        .argv = argv,
        .input = true,
        .timeout_ms = job->job.timeout_ms,
        .idle_timeout_ms = o->idle_timeout_ms,
        .on_data = on_data,
        .on_written = on_written,
        .on_end = on_end,
        .ctx = local,
    };
    local->proc = sw_proc_start(local->remote->loop, &options);
    sw_str_done(&command);
    feed(local);
}

static void start_next(void *ctx) {
    struct sw_local *local = ctx;
    if (local->job) return;
    struct sw_remote_job *job = sw_remote__take(local->remote);
    if (job) start(local, job);
}

void sw_local_kick(struct sw_local *local) {
    if (!local->job) sw_loop_post(local->remote->loop, start_next, local);
}

void sw_local_cancel(struct sw_local *local) {
    if (local->proc) sw_proc_kill(local->proc, SW_ECANCELLED, "cancelled");
}

void sw_local_free(struct sw_local *local) {
    if (local->job) {
        sw_err_set(&local->job->result.err, SW_ECANCELLED, "cancelled");
        if (local->proc) sw_proc_abandon(local->proc);
        finish(local);
    }
    sw_loop__unpost(local->remote->loop, local);
    free(local);
}
