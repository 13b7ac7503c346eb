/* Progress in its four forms. They share what is running now; each draws it its own way. Internal to report/. */
#ifndef SLIPWAY_REPORT_PROGRESS_H
#define SLIPWAY_REPORT_PROGRESS_H

#include "slipway/report.h"
#include "slipway/str.h"
#include "text.h"

/* Something that runs. Strings are its own: events lend theirs for the call only. */
struct sw_running {
    char *address;
    char *host; /* or NULL */
    char *last; /* last line of output, or NULL */
    enum sw_action action;
    uint64_t started_ms;
    uint64_t beat_ms; /* when the last "still …" was written */
};

struct sw_progress {
    int fd;
    struct sw_style style;
    uint64_t (*now)(void); /* sw_now_ms; a test's own clock */
    void (*emit)(struct sw_progress *progress, const struct sw_event *event);
    void (*tick)(struct sw_progress *progress);
    void (*close)(struct sw_progress *progress);
    struct {
        struct sw_running *v;
        size_t n, cap;
    } running;
    char *phase;       /* "refresh", or NULL */
    uint64_t phase_ms; /* when it began */
    size_t done, failed, skipped, total;
    size_t connected, read; /* hosts, in this phase */
    void *view;             /* the tree's own */
};

/* Keeps `running`, phase and counters. Called before emit; on DONE and FAILED the entry is still there during emit and goes after. */
struct sw_running *sw_progress__find(struct sw_progress *progress, const struct sw_event *event);
/* Calls `say` for whatever has been running for another ten seconds: a silent log looks like a hang. */
void sw_progress__beat(struct sw_progress *progress,
                       void (*say)(struct sw_progress *progress, const struct sw_running *running, uint64_t elapsed_ms));
/* The line that tells of an event in the lines and tree forms; false when it is not worth one. Without a newline. */
bool sw_progress__line(struct sw_str *out, const struct sw_progress *progress, const struct sw_event *event);
/* Writes all of it; a closed pipe is not an error of progress. */
void sw_progress__write(int fd, const char *p, size_t len);

void sw_progress__lines_init(struct sw_progress *progress);
void sw_progress__json_init(struct sw_progress *progress);
void sw_progress__tree_init(struct sw_progress *progress);

#endif
