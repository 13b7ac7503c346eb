/* Private to the apply side of engine/: the walk over a finished plan.
 *
 * apply.c       start, the pump that starts what has become ready, the end
 * apply_item.c  what becomes of one item: finished, failed, skipped, and what the state is told
 * apply_host.c  one host: reads once more, then decides how many steps go into the next script
 * apply_segment.c  runs that script
 * mask.c        secrets in what steps print
 * apply_late.c  API items that can be read during the walk only
 * apply_api.c   one API call at a time an item, many items at a time
 */
#ifndef SLIPWAY_ENGINE_APPLY_H
#define SLIPWAY_ENGINE_APPLY_H

#include "internal.h"

enum app_stage { APP_WAITS, APP_RUNS, APP_DONE, APP_FAILED, APP_SKIPPED };

struct app_hidden {
    const char *p;
    size_t len;
};
struct app_mask {
    struct app_hidden *v;
    size_t n;
};

struct app_item {
    const struct sw_plan_item *plan;
    const struct sw_type *type;
    struct app_host *host; /* NULL for API items */
    enum app_stage stage;
    enum sw_action action; /* what it does: the plan's, or what a late look at the world told */
    bool late;             /* read during the walk */
    bool changed;          /* its step or call ran */
    bool due;              /* the state remembers that it is to act */
    bool stale;            /* read again and found different from the plan */
    size_t missing;        /* needs not finished yet */
    uint32_t *needed_by;
    size_t n_needed_by;
    const struct sw_value *desired; /* resolved, set when it is started */
    const struct sw_value *have;    /* as read at apply, else as planned */
    const struct sw_value *result;  /* attributes others may refer to; NULL until done */
    const struct sw_intent *open;   /* a creation that a dead run began, to be gone on with; or NULL */
    int64_t intent;
    const char *token; /* of that intent */
    uint64_t started_ms;
    struct app_mask mask; /* its own secrets, once it prints something */
    bool masked;
};

struct app_step { /* one step of the script that runs */
    struct app_item *item;
    struct sw_step step;
    bool nothing; /* already so: keeps its place in the order, runs nothing */
};

enum app_host_stage { HOST_IDLE, HOST_READS, HOST_UPLOADS, HOST_RUNS, HOST_RETURNS };

struct app_host {
    struct apply *app;
    struct eng_host *eng;
    const struct sw_host *declared;
    enum app_host_stage stage;
    bool verified;
    struct app_item **queue; /* items on this host that act, in plan order */
    size_t n_queue, next;
    struct eng_read read;
    struct app_item **read_items;
    struct app_step *steps; /* the segment at work */
    size_t n_steps;
    struct sw_batch *batch;
    size_t upload; /* next upload of steps[0] */
    struct sw_str upload_out;
    struct app_item *current; /* the step that has begun and not ended */
    struct sw_timer *timer;   /* its deadline */
    bool timed_out;
    bool hushed;                 /* the step has begun to print its result */
    uint64_t return_deadline_ms; /* after a reboot */
    struct sw_remote *stopper;   /* the second connection that asks the script to end early */
};

struct apply {
    struct sw_engine *engine;
    const struct sw_plan *plan;
    struct app_item *items;
    struct sw_map by_address;   /* -> struct app_item */
    struct sw_map host_by_name; /* -> struct app_host */
    struct app_host *hosts;
    size_t n_hosts;
    struct eng_read *reads; /* API items read once more before anything acts */
    size_t n_reads, reads_running;
    struct {
        uint32_t *v;
        size_t n, cap;
    } ready; /* API and forget items whose needs are met, in the order they became so */
    size_t ready_head;
    size_t api_running;
    struct {
        struct app_item **v;
        size_t n, cap;
    } late; /* to be read before it is known what they need */
    size_t late_running;
    bool pumping, again;
    bool stopping;
    bool idle; /* nothing runs: the loop may end */
    int64_t run;
    struct app_mask mask; /* what no step may print */
    struct sw_apply_result result;
    size_t total;
    struct sw_err first; /* the first failure */
};

static inline bool app_finished(const struct app_item *it) {
    return it->stage >= APP_DONE;
}
static inline struct app_item *app_find(const struct apply *app, const char *address) {
    return sw_map_find(&app->by_address, address);
}

/* apply.c */
void app_pump(struct apply *app);
/* The item is finished, one way or another: what waited for it waits for one thing less. */
void app_release(struct apply *app, struct app_item *it);
/* It waits for nothing any more. */
void app_enqueue(struct apply *app, struct app_item *it);
sw_lookup_fn app_lookup; /* ctx = struct apply */

/* apply_late.c */
/* Whether it has to be read before it can be done, or is nothing but read. */
bool app_is_late(const struct app_item *it);
void app_late_push(struct apply *app, struct app_item *it);
/* Reads what was pushed since, one list a type. */
void app_late_start(struct apply *app);

/* apply_item.c */
/* Resolves `desired`; *ret_unknown tells that something it refers to is not known yet. */
int app_resolve(struct apply *app, struct app_item *it, bool *ret_unknown, struct sw_err *err);
/* Compares what was read now with what the plan was made on. */
bool app_is_stale(const struct app_item *it, const struct sw_value *have);
int app_journal(struct apply *app, struct app_item **items, size_t n, struct sw_err *err);
void app_start(struct apply *app, struct app_item *it);
void app_done(struct apply *app, struct app_item *it, const struct sw_value *attributes, bool changed);
/* It was already as wanted. */
void app_unchanged(struct apply *app, struct app_item *it);
/* `certain` false: nobody knows whether it took effect; the intent stays open for the next run. Takes err's contents. */
void app_fail(struct apply *app, struct app_item *it, struct sw_err *err, bool certain);
/* Closes the intent of a step that never began. */
void app_unstarted(struct apply *app, struct app_item *it);
/* Records what was found as wanted but is not in the state yet, or differs from what is there. */
void app_adopt(struct apply *app, struct app_item *it);
/* What the item was built on: its own dependencies and its host's machine. NULL-terminated, in the arena. */
const char **app_depends(struct apply *app, struct app_item *it);
bool app_triggered(const struct apply *app, const struct app_item *it);

/* mask.c */
void app_mask_collect(struct app_mask *mask, struct sw_arena *arena, const struct sw_value *v, bool words);
/* Adds what an item printed, without the secrets in it. */
void app_mask_add(struct sw_str *out, struct apply *app, struct app_item *it, const char *p, size_t len);

/* apply_host.c */
/* Starts the next piece of work of an idle host, if something is ready. */
void app_host_advance(struct app_host *host);
void app_host_stop(struct app_host *host, unsigned level);
bool app_host_busy(const struct app_host *host);

/* apply_api.c */
void app_api_start(struct apply *app, struct app_item *it);

#endif
