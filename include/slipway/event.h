/* Events: how progress leaves the engine. Data flows one way; reports, the JSON stream and the bot are views of these. */
#ifndef SLIPWAY_EVENT_H
#define SLIPWAY_EVENT_H

#include "slipway/plan.h"

enum sw_event_type {
    SW_EV_PHASE,          /* text = "declare" "connect" "refresh" "plan" "apply" "verify" */
    SW_EV_HOST_CONNECTED, /* host */
    SW_EV_HOST_RETRY,     /* host, text = why, n = attempt */
    SW_EV_HOST_READ,      /* host, n = resources read, elapsed_ms */
    SW_EV_PLAN,           /* plan */
    SW_EV_START,          /* item begins */
    SW_EV_OUTPUT,         /* item, text = one line of its output */
    SW_EV_DONE,           /* item done, elapsed_ms; text = "already so" where nothing was needed, else NULL */
    SW_EV_FAILED,         /* item failed, error */
    SW_EV_SKIPPED,        /* item not tried, text = why */
    SW_EV_NOTICE,         /* text: lock taken over, interrupted, … */
    SW_EV_SUMMARY,        /* done, failed, skipped, elapsed_ms, critical_ms */
};

struct sw_event {
    enum sw_event_type type;
    const struct sw_plan *plan;
    const struct sw_plan_item *item;
    const char *host;
    const char *text;
    const struct sw_err *error;
    uint64_t elapsed_ms;
    uint64_t critical_ms; /* of a summary: the longest chain of what waited for each other; no run could have been shorter */
    size_t n;
    size_t done, failed, skipped, total; /* of the run so far */
};

/* Receives events on the loop thread. What it points to is borrowed for the call. */
struct sw_sink {
    void (*emit)(void *ctx, const struct sw_event *event);
    void *ctx;
};
static inline void sw_emit(const struct sw_sink *sink, const struct sw_event *event) {
    if (sink && sink->emit) sink->emit(sink->ctx, event);
}

#endif
