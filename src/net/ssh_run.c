/* One command over one exec channel: input and output at the same time, in one thread, each only as far as it does not block the other. */
#include <errno.h>
#include <fcntl.h>
#include <libssh/callbacks.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "become.h"
#include "remote_internal.h"
#include "slipway/arena.h"
#include "slipway/clock.h"
#include "slipway/log.h"
#include "ssh_internal.h"

enum {
    WRITE_MAX = 32000,      /* one packet of OpenSSH's 32 KiB, with its header */
    READS_A_TURN = 64,      /* then input gets its turn */
    STATUS_GRACE_MS = 5000, /* output after the exit status: a daemon that holds the pipe must not hold us */
    KILL_MS = 500,
};

struct run {
    struct sw_ssh *ssh;
    struct sw_remote *remote;
    struct sw_remote_job *job;
    struct sw_err *err;
    ssh_channel channel;
    struct ssh_channel_callbacks_struct callbacks;
    struct sw_become become;
    bool becomes;
    bool may_feed;     /* input may be sent: nothing stands before the command any more */
    bool input_over;   /* all was sent, or the command does not want it */
    const char *input; /* what is left of the portion being sent */
    size_t input_left;
    int file;      /* input_file, or -1 */
    char *portion; /* what was read from it */
    int status;    /* -1 = not known yet */
    bool closed;   /* by the server */
    uint64_t started_ms, moved_ms /* last byte in or out */, status_ms, keepalive_ms;
    uint64_t bytes_out;
};

/* ---- the end of the command, as the server tells it ---- */

static void on_status(ssh_session session, ssh_channel channel, int status, void *userdata) {
    (void)session, (void)channel;
    struct run *run = userdata;
    run->status = status;
    run->status_ms = sw_now_ms();
}

static void on_signal(ssh_session session, ssh_channel channel, const char *name, int core, const char *message, const char *language,
                      void *userdata) {
    (void)session, (void)channel, (void)core, (void)message, (void)language;
    static const struct {
        const char *name;
        int number;
    } signals[] = {
        {"HUP", 1},   {"INT", 2},   {"QUIT", 3},  {"ILL", 4},   {"ABRT", 6},  {"FPE", 8},   {"KILL", 9},
        {"USR1", 10}, {"SEGV", 11}, {"USR2", 12}, {"PIPE", 13}, {"ALRM", 14}, {"TERM", 15},
    };
    struct run *run = userdata;
    run->status = 128;
    for (size_t i = 0; name && i < sizeof signals / sizeof *signals; i++) {
        if (strcmp(name, signals[i].name) == 0) run->status = 128 + signals[i].number;
    }
    run->status_ms = sw_now_ms();
}

static void on_close(ssh_session session, ssh_channel channel, void *userdata) {
    (void)session, (void)channel;
    struct run *run = userdata;
    run->closed = true;
}

/* ---- output ---- */

static int on_stderr_before_ready(struct run *run, struct sw_remote_event *event) {
    size_t rest = 0;
    const char *host = run->ssh->options->name;
    switch (sw_become_feed(&run->become, event->data, event->len, &rest)) {
    case SW_BECOME_WAIT: break;
    case SW_BECOME_ASKS:
        ssh_channel_write(run->channel, run->become.password, (uint32_t)strlen(run->become.password));
        ssh_channel_write(run->channel, "\n", 1);
        break;
    case SW_BECOME_REFUSED: free(event); return sw_become_error(&run->become, 1, host, run->err);
    case SW_BECOME_READY:
        run->may_feed = true;
        if (rest) {
            memmove(event->data, event->data + event->len - rest, rest);
            event->len = rest;
            sw_remote__send(run->remote, event);
            return SW_OK;
        }
        break;
    }
    free(event);
    return SW_OK;
}

/* Reads what is there of one stream. 1 = something, 0 = nothing, or an error. */
static int read_stream(struct run *run, int stream) {
    int n = ssh_channel_poll(run->channel, stream == 2);
    if (n <= 0) return 0; /* an error shows in the session's state */
    struct sw_remote_event *event = sw_remote__event(run->job, stream, (size_t)n);
    n = ssh_channel_read_nonblocking(run->channel, event->data, (uint32_t)n, stream == 2);
    if (n <= 0) {
        free(event);
        return 0;
    }
    event->len = (size_t)n;
    int rc = SW_OK;
    if (stream == 2 && run->becomes && !run->become.ready)
        rc = on_stderr_before_ready(run, event);
    else
        sw_remote__send(run->remote, event);
    run->moved_ms = sw_now_ms();
    return rc == SW_OK ? 1 : rc;
}

static int read_output(struct run *run) {
    int any = 0;
    for (int i = 0; i < READS_A_TURN; i++) {
        int out = read_stream(run, 1);
        int err = out < 0 ? 0 : read_stream(run, 2);
        if (out < 0 || err < 0) return out < 0 ? out : err;
        if (!out && !err) break;
        any = 1;
    }
    return any;
}

/* ---- input ---- */

/* The next portion into run->input. 1 = there is one, 0 = that was all, or an error. */
static int next_portion(struct run *run) {
    if (run->input_left) return 1;
    if (run->file < 0) return 0;
    ssize_t n;
    do n = read(run->file, run->portion, WRITE_MAX);
    while (n < 0 && errno == EINTR);
    if (n < 0) return sw_err_set(run->err, SW_EIO, "cannot read '%s': %s", run->job->job.input_file, strerror(errno));
    run->input = run->portion;
    run->input_left = (size_t)n;
    return n > 0;
}

/* Sends what the window and the socket take now. 1 = something, 0 = nothing, or an error. */
static int feed(struct run *run) {
    int any = 0;
    while (run->may_feed && !run->input_over && !(ssh_get_status(run->ssh->session) & SSH_WRITE_PENDING)) {
        int rc = next_portion(run);
        if (rc < 0) return rc;
        if (rc == 0) {
            run->input_over = true;
            ssh_channel_send_eof(run->channel);
            return 1;
        }
        uint32_t window = ssh_channel_window_size(run->channel);
        size_t n = run->input_left < WRITE_MAX ? run->input_left : WRITE_MAX;
        if (n > window) n = window;
        if (n == 0) break;
        int sent = ssh_channel_write(run->channel, run->input, (uint32_t)n);
        if (sent < 0) {
            run->input_over = true; /* the command closed its stdin or ended: its status tells the rest */
            break;
        }
        if (sent == 0) break;
        run->input += sent;
        run->input_left -= (size_t)sent;
        run->bytes_out += (uint64_t)sent;
        run->moved_ms = sw_now_ms();
        any = 1;
    }
    return any;
}

/* ---- the run ---- */

/* Nothing is unread when this is asked. */
static bool is_over(struct run *run) {
    if (run->closed) return true;
    if (run->status < 0) return false;
    if (ssh_channel_is_eof(run->channel)) return true;
    if (sw_now_ms() < (run->status_ms > run->moved_ms ? run->status_ms : run->moved_ms) + STATUS_GRACE_MS) return false;
    sw_log("ssh", "%s: a process that the command left keeps its output open: not waited for", run->ssh->options->name);
    return true;
}

static uint64_t min_u64(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

/* What passed its time: an error, or SW_OK with the next moment to look in *ret_next. */
static int check_times(struct run *run, uint64_t *ret_next) {
    const struct sw_remote_options *o = run->ssh->options;
    const struct sw_job *job = &run->job->job;
    char text[32];
    uint64_t now = sw_now_ms();
    uint64_t idle = run->moved_ms + o->idle_timeout_ms;
    uint64_t whole = job->timeout_ms ? run->started_ms + job->timeout_ms : SW_NO_DEADLINE;
    if (now >= whole)
        return sw_err_set(run->err, SW_ETIMEOUT, "the command on '%s' still ran after %s", o->name,
                          sw_format_duration(job->timeout_ms, text));
    if (now >= idle)
        return sw_err_set(run->err, SW_ETIMEOUT, "not a byte from '%s' for %s", o->name, sw_format_duration(o->idle_timeout_ms, text));
    if (now >= run->keepalive_ms) {
        ssh_send_ignore(run->ssh->session, "");
        run->keepalive_ms = now + o->keepalive_ms;
    }
    *ret_next = min_u64(min_u64(idle, whole), run->keepalive_ms);
    if (run->status >= 0) *ret_next = min_u64(*ret_next, now + STATUS_GRACE_MS);
    return SW_OK;
}

static int lost(struct run *run) {
    char text[32];
    sw_err_set(run->err, SW_EUNREACHABLE, "connection to '%s' lost after %s: %s", run->ssh->options->name,
               sw_format_duration(sw_now_ms() - run->started_ms, text), sw_ssh_words(run->ssh));
    return SW_EUNREACHABLE;
}

static int run_loop(struct run *run) {
    for (;;) {
        uint64_t next = 0, came = run->ssh->traffic.in_bytes;
        int in = read_output(run);
        if (in < 0) return in;
        int out = feed(run);
        if (out < 0) return out;
        if (!in && !out) {
            bool alive = sw_ssh_pump(run->ssh); /* after the output's end, reading does not serve the socket any more */
            bool unread = ssh_channel_poll(run->channel, 0) > 0 || ssh_channel_poll(run->channel, 1) > 0;
            /* Every call above serves the socket first: asking for stderr may have brought stdout, or the end. Only after a round in which
             * nothing came may we believe what we saw, and wait: poll() would not wake for what libssh has taken already. */
            if (alive && (unread || run->ssh->traffic.in_bytes != came)) continue;
            if (!unread && is_over(run)) return SW_OK;
            if (!alive) return lost(run); /* libssh does not give out what a dead session has buffered */
        }
        int rc = check_times(run, &next);
        if (rc != SW_OK) return rc;
        if (sw_remote__stopped(run->remote)) return sw_err_set(run->err, SW_ECANCELLED, "cancelled");
        if (in || out) continue;
        if (sw_ssh_wait(run->ssh, next) == SW_ECANCELLED) return sw_err_set(run->err, SW_ECANCELLED, "cancelled");
    }
}

/* Opens the channel and starts the command. SW_RAN_NEVER when the connection was gone before. */
static enum sw_ran start(struct run *run, const char *command) {
    struct sw_ssh *ssh = run->ssh;
    const char *name = ssh->options->name;
    uint64_t deadline = sw_now_ms() + ssh->options->connect_timeout_ms;
    int rc, wait;
    run->channel = ssh_channel_new(ssh->session);
    if (!run->channel) return SW_RAN_NEVER;
    ssh_callbacks_init(&run->callbacks);
    run->callbacks.userdata = run;
    run->callbacks.channel_exit_status_function = on_status;
    run->callbacks.channel_exit_signal_function = on_signal;
    run->callbacks.channel_close_function = on_close;
    ssh_set_channel_callbacks(run->channel, &run->callbacks);

    SW_SSH_DRIVE(ssh, deadline, rc, SSH_AGAIN, wait, ssh_channel_open_session(run->channel));
    if (wait == 1 && rc == SSH_OK) {
        run->job->result.channels = 1;
        SW_SSH_DRIVE(ssh, deadline, rc, SSH_AGAIN, wait, ssh_channel_request_exec(run->channel, command));
        if (wait == 1 && rc == SSH_OK) return SW_RAN;
        if (wait == 1 && !sw_ssh_alive(ssh)) {
            lost(run);
            return SW_RAN_LOST;
        }
    } else if (wait == 1 && !sw_ssh_alive(ssh)) {
        return SW_RAN_NEVER;
    }
    if (wait == SW_ECANCELLED)
        sw_err_set(run->err, SW_ECANCELLED, "cancelled");
    else if (wait == 0)
        sw_err_set(run->err, SW_ETIMEOUT, "'%s' did not start the command in time", name);
    else
        sw_err_set(run->err, SW_EREMOTE, "'%s' refuses to run commands: %s", name, sw_ssh_words(ssh));
    return SW_RAN_LOST;
}

static enum sw_ran run_command(struct run *run) {
    const struct sw_job *job = &run->job->job;
    const struct sw_remote_options *o = run->ssh->options;
    struct sw_str command = {0};
    if (run->becomes)
        sw_become_command(&run->become, job->command, &command);
    else
        sw_str_addz(&command, job->command);
    enum sw_ran ran = start(run, sw_str_z(&command));
    sw_str_done(&command);
    if (ran != SW_RAN) return ran;

    run->keepalive_ms = run->started_ms + o->keepalive_ms;
    run->may_feed = !run->becomes || !run->become.password;
    int rc = run_loop(run);
    run->job->result.status = run->status;
    if (rc != SW_OK) {
        /* The session is thrown away afterwards: its state is anybody's guess, and a new one costs 30 ms. */
        if (rc != SW_EUNREACHABLE) sw_ssh_kill(run->ssh, run->becomes, sw_now_ms() + KILL_MS);
        return SW_RAN_LOST;
    }
    if (run->becomes && !run->become.ready)
        sw_become_error(&run->become, run->status, o->name, run->err);
    else if (run->status < 0)
        sw_err_set(run->err, SW_EREMOTE, "the command on '%s' ended without an exit status", o->name);
    return SW_RAN;
}

enum sw_ran sw_ssh_run(struct sw_ssh *ssh, struct sw_remote *remote, struct sw_remote_job *job) {
    const struct sw_remote_options *o = ssh->options;
    struct run run = {.ssh = ssh, .remote = remote, .job = job, .err = &job->result.err, .file = -1, .status = -1};
    run.started_ms = run.moved_ms = sw_now_ms();
    run.input = job->job.input;
    run.input_left = job->job.input ? job->job.input_len : 0;
    run.becomes = o->become != NULL && strcmp(o->user, "root") != 0; /* root needs no sudo, and many have none */
    if (run.becomes) sw_become_init(&run.become, o->become_password);
    enum sw_ran ran = SW_RAN;
    if (job->job.input_file) {
        run.input_left = 0;
        run.portion = sw_xmalloc(WRITE_MAX);
        run.file = open(job->job.input_file, O_RDONLY | O_CLOEXEC);
        if (run.file < 0) sw_err_set(run.err, SW_EIO, "cannot read '%s': %s", job->job.input_file, strerror(errno));
    }
    if (!job->result.err.code) ran = run_command(&run);
    if (run.channel) {
        ssh_remove_channel_callbacks(run.channel, &run.callbacks);
        if (sw_ssh_alive(ssh)) ssh_channel_close(run.channel);
        ssh_channel_free(run.channel);
    }
    if (run.file >= 0) close(run.file);
    free(run.portion);
    sw_become_done(&run.become);
    job->result.elapsed_ms = sw_now_ms() - run.started_ms;
    pthread_mutex_lock(&remote->lock);
    remote->stats.bytes_out += run.bytes_out;
    pthread_mutex_unlock(&remote->lock);
    return ran;
}
