/* Private to the apply side of engine/: the walk over a finished plan.
 *
 * apply.c       start, the pump that starts what has become ready, the end
 * apply_setup.c the nodes of the walk, the hosts, what dead runs left, what becomes due
 * apply_check.c everything that can be read is read once more before anything acts: a plan that is stale does nothing at all
 * apply_item.c  what becomes of one item: finished, failed, skipped, and what the state is told
 * apply_host.c  one host: reads what could not be read before, then decides how many steps go into the next script
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
    /* Of a replacement in an API: the other of its two. The one that creates has the address; the one that removes is found by it only. */
    struct app_item *half;
    bool removes;        /* it is the one that removes */
    const char *address; /* under which its doing is recorded: the resource's, or that of its deposed self */
    const char *name;
    enum app_stage stage;
    enum sw_action action;          /* what it does: the plan's, its half of that, or what a late look at the world told */
    size_t height;                  /* steps that follow it, at most */
    bool late;                      /* read during the walk */
    bool changed;                   /* its step or call ran */
    bool due;                       /* the state remembers that it is to act */
    bool read;                      /* once more, before anything acted */
    const char *stale;              /* how it is not what the plan was made on any more, or NULL */
    size_t missing;                 /* needs not finished yet */
    const struct sw_value *desired; /* resolved, set when it is started */
    const struct sw_value *have;    /* as read at apply, else as planned */
    const struct sw_value *result;  /* attributes others may refer to; NULL until done */
    const struct sw_intent *open;   /* a creation that a dead run began, to be gone on with; or NULL */
    int64_t intent;
    const char *token;             /* of that intent */
    uint64_t started_ms, began_ms; /* of the replacement, of this half */
    uint64_t took_ms;
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
    struct eng_nodes nodes;
    struct app_item *items;     /* one a node: those of the plan's items first, in their order */
    struct sw_map by_address;   /* -> struct app_item */
    struct sw_map host_by_name; /* -> struct app_host */
    struct app_host *hosts;
    size_t n_hosts;
    struct eng_read *reads; /* of API items, before anything acts */
    size_t n_reads, reads_running;
    const struct sw_value **fresh; /* of a data source, by item: what it finds now; NULL = not asked */
    bool checked, refused;         /* the plan is stale */
    struct {
        uint32_t *v;
        size_t n, cap;
    } ready; /* items whose needs are met and that call nothing, in the order they became so */
    size_t ready_head;
    struct {
        uint32_t *v;
        size_t n, cap;
    } calls; /* API items whose needs are met: a heap, with what most depends on first */
    size_t api_running;
    bool starting; /* calls start in the next turn of the loop, with those that become ready meanwhile: one fsync for all */
    struct {
        struct sw_closing *v;
        size_t n, cap;
    } closings;   /* what is done and not yet recorded as such: within this turn of the loop, in one transaction */
    bool closing; /* that is due in the next turn */
    struct {
        struct app_item **v;
        size_t n, cap;
    } late; /* to be read before it is known what they need */
    size_t late_running;
    bool pumping, again;
    bool stopping;
    bool idle; /* nothing runs: the loop may end */
    int64_t run;
    uint64_t started_ms;
    struct app_mask mask; /* what no step may print */
    struct sw_apply_result result;
    size_t total;
    struct sw_err first; /* the first failure */
};

static inline bool app_finished(const struct app_item *it) {
    return it->stage >= APP_DONE;
}
static inline size_t app_node(const struct apply *app, const struct app_item *it) {
    return (size_t)(it - app->items);
}
/* Of a replacement only the second half makes it done. */
static inline bool app_is_last(const struct app_item *it) {
    return !it->half || it->removes == it->plan->create_first;
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
/* Takes the next call from those that wait for nothing; NULL when there is none. */
struct app_item *app_next_call(struct apply *app);
sw_lookup_fn app_lookup; /* ctx = struct apply */

/* apply_run.c. The run's record, before anything is done: what cannot be recorded is not begun. */
int app_run_begin(struct apply *app, struct sw_err *err);
void app_run_end(struct apply *app, bool failed);
/* Hosts as they were reached, so that what lives on one can be removed when the playbook no longer speaks of it. */
int app_save_hosts(struct apply *app, struct sw_err *err);
int app_save_outputs(struct apply *app, struct sw_err *err);
/* How long the longest chain of steps took that waited for each other. */
uint64_t app_critical(const struct apply *app);

/* apply_setup.c */
int app_make_items(struct apply *app, struct sw_err *err);
int app_make_hosts(struct apply *app, struct sw_err *err);
/* What dead runs left, and renames. */
int app_recover(struct apply *app, struct sw_err *err);
int app_note_due(struct apply *app, struct sw_err *err);
/* Items on hosts that act are started by their host; all others by the pump. */
static inline bool app_in_host_queue(const struct app_item *it) {
    return it->host && eng_acts(it->plan->action);
}

/* apply_check.c */
void app_check_start(struct apply *app);
/* All that was to be read is read: false when the plan is stale, and nothing may act. */
bool app_check(struct apply *app);
/* What was found of the item: is it what the plan was made on? */
void app_have(struct apply *app, struct app_item *it, const struct sw_value *have);

/* apply_late.c */
/* Whether it has to be read before it can be done, or is nothing but read. */
bool app_is_late(const struct app_item *it);
void app_late_push(struct apply *app, struct app_item *it);
/* Reads what was pushed since, one list a type. */
void app_late_start(struct apply *app);

/* apply_item.c */
/* Resolves `desired`; *ret_unknown tells that something it refers to is not known yet. */
int app_resolve(struct apply *app, struct app_item *it, bool *ret_unknown, struct sw_err *err);
int app_journal(struct apply *app, struct app_item **items, size_t n, struct sw_err *err);
void app_start(struct apply *app, struct app_item *it);
void app_done(struct apply *app, struct app_item *it, const struct sw_value *attributes, bool changed);
/* It was already as wanted. */
void app_unchanged(struct apply *app, struct app_item *it);
/* `certain` false: nobody knows whether it took effect; the intent stays open for the next run. Takes err's contents. */
void app_fail(struct apply *app, struct app_item *it, struct sw_err *err, bool certain);
/* Records what is done; false when that failed: then the run stops. Called before anything else is written. */
bool app_flush(struct apply *app);
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
/* Reads what can be stale before anything acts, if the host can be reached before anything acts. */
void app_host_check(struct app_host *host);
/* Starts the next piece of work of an idle host, if something is ready. */
void app_host_advance(struct app_host *host);
void app_host_stop(struct app_host *host, unsigned level);
bool app_host_busy(const struct app_host *host);

/* apply_api.c */
/* Starts calls, as many as may run at a time: their intents are journalled together. */
void app_api_start(struct apply *app);

#endif
