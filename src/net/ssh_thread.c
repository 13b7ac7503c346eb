/* A host's thread: connect when there is work, run jobs in order, keep the connection alive between them. */
#include <libssh/libssh.h>
#include <poll.h>
#include <string.h>

#include "bastion.h"
#include "remote_internal.h"
#include "slipway/clock.h"
#include "slipway/log.h"
#include "ssh_internal.h"

enum { FIRST_DELAY_MS = 200, MAX_DELAY_MS = 3000 };

struct host {
    struct sw_remote *remote;
    struct sw_waiter busy; /* stops on a cancel */
    struct sw_waiter idle; /* stops when there is work */
    struct sw_ssh ssh;
};

static bool is_stopped(void *ctx) {
    return sw_remote__stopped(ctx);
}

static bool has_work(void *ctx) {
    struct sw_remote *remote = ctx;
    pthread_mutex_lock(&remote->lock);
    bool work = remote->closing || remote->queue;
    pthread_mutex_unlock(&remote->lock);
    return work;
}

static bool is_closing(struct sw_remote *remote) {
    pthread_mutex_lock(&remote->lock);
    bool closing = remote->closing;
    pthread_mutex_unlock(&remote->lock);
    return closing;
}

static void disconnect(struct host *host) {
    sw_remote__set_socket(host->remote, -1);
    sw_ssh_close(&host->ssh);
}

static int connect_once(struct host *host, struct sw_err *err) {
    const struct sw_remote_options *o = &host->remote->options;
    uint64_t deadline = sw_now_ms() + o->connect_timeout_ms;
    pthread_mutex_lock(&host->remote->lock);
    host->remote->stats.attempts++;
    pthread_mutex_unlock(&host->remote->lock);
    int fd = o->bastion ? sw_bastion_dial(o->bastion, o->address, o->port, &host->busy, deadline, err)
                        : sw_tcp_dial(o->address, o->port, &host->busy, deadline, err);
    if (fd < 0) return fd;
    int rc = sw_ssh_open(&host->ssh, fd, deadline, err);
    if (rc != SW_OK) return rc;
    sw_remote__set_socket(host->remote, host->ssh.fd);
    pthread_mutex_lock(&host->remote->lock);
    host->remote->stats.connects++;
    pthread_mutex_unlock(&host->remote->lock);
    return SW_OK;
}

/* Worth another try while the host may still be booting. A login is refused then only by pam_nologin, which says so. */
static bool may_pass(const struct sw_err *err) {
    if (err->code == SW_EUNREACHABLE || err->code == SW_ETIMEOUT) return true;
    return err->code == SW_EAUTH && err->detail && strstr(err->detail, "booting up");
}

static unsigned jittered(unsigned ms) {
    unsigned short random;
    sw_random(&random, sizeof random);
    return ms * 3 / 4 + ms / 2 * random / 65536; /* within 25 %, so that hosts that fail together do not come back together */
}

static int connect_retrying(struct host *host, struct sw_err *err) {
    const struct sw_remote_options *o = &host->remote->options;
    uint64_t started = sw_now_ms(), until = started + o->connect_deadline_ms;
    unsigned delay = FIRST_DELAY_MS;
    for (unsigned attempt = 1;; attempt++) {
        struct sw_err mine = {0};
        int rc = connect_once(host, &mine);
        if (rc == SW_OK) return SW_OK;
        sw_log("ssh", "%s: attempt %u: %s", o->name, attempt, mine.message);
        uint64_t now = sw_now_ms(), wait = jittered(delay);
        if (now + wait > until) wait = until > now ? until - now : 0; /* the last attempt is at the deadline, not before it */
        bool again = o->connect_deadline_ms && may_pass(&mine) && wait;
        if (again && sw_waiter_poll(&host->busy, -1, 0, now + wait) == 0) {
            sw_err_done(&mine);
            delay = delay * 8 / 5 < MAX_DELAY_MS ? delay * 8 / 5 : MAX_DELAY_MS;
            continue;
        }
        char text[32];
        if (attempt > 1)
            sw_err_frame(&mine, "connecting to '%s' (%u attempts in %s)", o->name, attempt,
                         sw_format_duration(sw_now_ms() - started, text));
        else
            sw_err_frame(&mine, "connecting to '%s'", o->name);
        rc = mine.code;
        sw_err_move(err, &mine);
        return rc;
    }
}

static void run_next(struct host *host) {
    struct sw_remote *remote = host->remote;
    bool fresh = false;
    if (!host->ssh.session) {
        struct sw_err err = {0};
        int rc = connect_retrying(host, &err);
        /* Cancelled: those it was for have ended already, and who queued since then did not ask to cancel. */
        if (rc != SW_OK && rc != SW_ECANCELLED) sw_remote__fail_queued(remote, &err);
        sw_err_done(&err);
        if (rc != SW_OK) return;
        fresh = true;
    }
    struct sw_remote_job *job = sw_remote__take(remote);
    if (!job) return;
    enum sw_ran ran = sw_ssh_run(&host->ssh, remote, job);
    if (ran != SW_RAN) disconnect(host);
    if (ran == SW_RAN_NEVER && !fresh) {
        /* The connection had died unseen while it was idle. The command never left, so it may be sent again. */
        sw_remote__put_back(remote, job);
        return;
    }
    if (ran == SW_RAN_NEVER)
        sw_err_set(&job->result.err, SW_EUNREACHABLE, "connection to '%s' lost before the command was sent", remote->options.name);
    sw_remote__finish(remote, job);
}

/* Until there is work: serves the connection (the server may ask whether we live) and says something now and then. */
static void idle(struct host *host) {
    struct sw_ssh *ssh = &host->ssh;
    uint64_t keepalive = sw_now_ms() + host->remote->options.keepalive_ms;
    while (!has_work(host->remote)) {
        if (!ssh->session) {
            sw_waiter_poll(&host->idle, -1, 0, SW_NO_DEADLINE);
            return;
        }
        short events = POLLIN;
        if (ssh_get_status(ssh->session) & SSH_WRITE_PENDING) events |= POLLOUT;
        int rc = sw_waiter_poll(&host->idle, ssh->fd, events, keepalive);
        if (rc == SW_ECANCELLED) return;
        if (rc == 0) {
            ssh_send_ignore(ssh->session, "");
            keepalive = sw_now_ms() + host->remote->options.keepalive_ms;
        }
        if (!sw_ssh_pump(ssh)) {
            sw_log("ssh", "%s: connection lost while idle: %s", host->remote->options.name, sw_ssh_words(ssh));
            disconnect(host);
        }
    }
}

void *sw_ssh_thread(void *arg) {
    struct sw_remote *remote = arg;
    struct host host = {
        .remote = remote,
        .busy = {remote->wake_fd, is_stopped, remote},
        .idle = {remote->wake_fd, has_work, remote},
        .ssh = {.options = &remote->options, .fd = -1},
    };
    host.ssh.waiter = &host.busy;
    sw_keys_hold();
    sw_bastions_hold();
    while (!is_closing(remote)) {
        if (has_work(remote))
            run_next(&host);
        else
            idle(&host);
    }
    disconnect(&host);
    sw_bastions_let_go();
    sw_keys_let_go();
    sw_remote__thread_ends(remote);
    return NULL;
}
