#include "progress.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "slipway/clock.h"
#include "slipway/vec.h"

#define BEAT_MS 10000

void sw_progress__write(int fd, const char *p, size_t len) {
    while (len) {
        ssize_t n = write(fd, p, len);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno == EAGAIN) {
            /* A terminal whose other end set it non-blocking. Five seconds, then its reader is not reading. */
            struct pollfd wait = {.fd = fd, .events = POLLOUT};
            if (poll(&wait, 1, 5000) > 0) continue;
        }
        if (n < 0) return;
        p += n;
        len -= (size_t)n;
    }
}

struct sw_running *sw_progress__find(struct sw_progress *progress, const struct sw_event *event) {
    if (!event->item) return NULL;
    for (size_t i = 0; i < progress->running.n; i++)
        if (strcmp(progress->running.v[i].address, event->item->resource->address) == 0) return &progress->running.v[i];
    return NULL;
}

void sw_progress__beat(struct sw_progress *progress,
                       void (*say)(struct sw_progress *progress, const struct sw_running *running, uint64_t elapsed_ms)) {
    uint64_t now = progress->now();
    for (size_t i = 0; i < progress->running.n; i++) {
        struct sw_running *running = &progress->running.v[i];
        if (now - running->beat_ms < BEAT_MS) continue;
        running->beat_ms = now;
        say(progress, running, now - running->started_ms);
    }
}

static void forget(struct sw_progress *progress, struct sw_running *running) {
    free(running->address);
    free(running->host);
    free(running->last);
    size_t at = (size_t)(running - progress->running.v);
    memmove(running, running + 1, (--progress->running.n - at) * sizeof *running);
}

/* A line of output as one line for people: without colours and cursor movements, and of a progress bar that overwrites itself the last
 * state. */
static char *plain_line(const char *text) {
    struct sw_str line = {0};
    for (const char *p = text; *p; p++) {
        if (*p == '\r' && p[1]) {
            sw_str_clear(&line);
        } else if (*p == '\033' && p[1] == '[') {
            p += 2;
            while (*p && !(*p >= '@' && *p <= '~')) p++;
            if (!*p) break;
        } else if (*p != '\r') {
            sw_str_addc(&line, *p);
        }
    }
    return sw_str_take(&line);
}

/* What the event changes in the picture. */
static void track(struct sw_progress *progress, const struct sw_event *event) {
    struct sw_running *running = sw_progress__find(progress, event);
    switch (event->type) {
    case SW_EV_PHASE:
        free(progress->phase);
        progress->phase = event->text ? sw_xstrdup(event->text) : NULL;
        progress->phase_ms = progress->now();
        break;
    case SW_EV_HOST_CONNECTED: progress->connected++; break;
    case SW_EV_HOST_READ: progress->read++; break;
    case SW_EV_START:
        if (event->item && !running) {
            const struct sw_resource *resource = event->item->resource;
            struct sw_running fresh = {.address = sw_xstrdup(resource->address),
                                       .host = resource->host ? sw_xstrdup(resource->host) : NULL,
                                       .action = event->item->action,
                                       .started_ms = progress->now(),
                                       .beat_ms = progress->now()};
            sw_vec_push(&progress->running, fresh);
        }
        break;
    case SW_EV_OUTPUT:
        if (running && event->text) {
            free(running->last);
            running->last = plain_line(event->text);
        }
        break;
    default: break;
    }
    if (event->total) {
        progress->done = event->done;
        progress->failed = event->failed;
        progress->skipped = event->skipped;
        progress->total = event->total;
    }
}

static void on_event(void *ctx, const struct sw_event *event) {
    struct sw_progress *progress = ctx;
    track(progress, event);
    if (progress->emit) progress->emit(progress, event);
    bool over = event->type == SW_EV_DONE || event->type == SW_EV_FAILED || event->type == SW_EV_SKIPPED;
    struct sw_running *running = over ? sw_progress__find(progress, event) : NULL;
    if (running) forget(progress, running);
}

struct sw_progress *sw_progress_new(const char *kind, int fd, const struct sw_style *style) {
    struct sw_progress *progress = sw_xcalloc(1, sizeof *progress);
    progress->fd = fd;
    progress->style = *style;
    progress->now = sw_now_ms;
    if (strcmp(kind, "tree") == 0)
        sw_progress__tree_init(progress);
    else if (strcmp(kind, "json") == 0)
        sw_progress__json_init(progress);
    else if (strcmp(kind, "lines") == 0)
        sw_progress__lines_init(progress);
    return progress; /* "quiet": nothing is drawn */
}

struct sw_sink sw_progress_sink(struct sw_progress *progress) {
    return (struct sw_sink){.emit = on_event, .ctx = progress};
}

void sw_progress_tick(struct sw_progress *progress) {
    if (progress->tick) progress->tick(progress);
}

void sw_progress_free(struct sw_progress *progress) {
    if (!progress) return;
    if (progress->close) progress->close(progress);
    while (progress->running.n) forget(progress, &progress->running.v[progress->running.n - 1]);
    sw_vec_done(&progress->running);
    free(progress->phase);
    free(progress);
}
