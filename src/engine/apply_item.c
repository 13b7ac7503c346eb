/* What becomes of one item of a running plan. */
#include <string.h>

#include "apply.h"
#include "slipway/clock.h"
#include "slipway/vec.h"

static void emit(struct apply *app, enum sw_event_type type, struct app_item *it, const char *text, const struct sw_err *error) {
    sw_emit(&app->engine->sink, &(struct sw_event){.type = type,
                                                   .plan = app->plan,
                                                   .item = it->plan,
                                                   .host = it->plan->resource->host,
                                                   .text = text,
                                                   .error = error,
                                                   .elapsed_ms = it->started_ms ? sw_now_ms() - it->started_ms : 0,
                                                   .done = app->result.done + app->result.unchanged,
                                                   .failed = app->result.failed,
                                                   .skipped = app->result.skipped,
                                                   .total = app->total});
}

/* The state cannot be written (disk full, lock lost): nothing more may start, since nothing more could be recorded. */
static void state_failed(struct apply *app, struct sw_err *err) {
    app->stopping = true;
    sw_err_frame(err, "recording the run in the state");
    if (app->first.code == 0)
        sw_err_move(&app->first, err);
    else
        sw_err_done(err);
}

int app_resolve(struct apply *app, struct app_item *it, bool *ret_unknown, struct sw_err *err) {
    const struct sw_resource *resource = it->plan->resource;
    *ret_unknown = false;
    if (it->action == SW_DELETE) return 0;
    const struct sw_value *desired = sw_value_resolve(app->engine->arena, resource->desired, app_lookup, app);
    if (sw_value_has_unknown(desired)) {
        *ret_unknown = true;
        it->desired = desired;
        return 0;
    }
    int rc = 0;
    if (desired != resource->desired && it->type->ops->normalise)
        rc = it->type->ops->normalise(it->type, desired, resource->name, app->engine->arena, &desired, err);
    it->desired = desired;
    return rc;
}

bool app_triggered(const struct apply *app, const struct app_item *it) {
    const char **triggers = it->plan->resource->triggers;
    for (size_t k = 0; triggers && triggers[k]; k++) {
        const struct app_item *trigger = app_find(app, triggers[k]);
        if (trigger && trigger->changed) return true;
    }
    return false;
}

/* The same creation once more has the same token, so that an API that knows tokens makes it once. What is found of it carries that token, too.
 * What nobody finds and is asked for with other words is another creation. */
static const char *token_of(const struct app_item *it) {
    if (!it->open || it->action == SW_DELETE) return NULL;
    return it->have || sw_value_equal(it->open->desired, it->desired) ? it->open->token : NULL;
}

static enum sw_action journalled(const struct app_item *it) {
    enum sw_action action = it->action;
    if (it->plan->resource->ephemeral) return SW_UPDATE; /* nothing to find again */
    if (it->open) return action == SW_UPDATE ? SW_CREATE : action;
    return action == SW_CREATE && it->have ? SW_UPDATE : action; /* what was there before, as read at last, is not made */
}

/* What restarts on these and is no part of the plan is due from now on. */
static int note_restarts(struct apply *app, struct app_item **items, size_t n, struct sw_err *err) {
    for (size_t i = 0; i < n; i++) {
        const char **restarts = items[i]->plan->restarts;
        size_t count = 0;
        while (restarts && restarts[count]) count++;
        int rc = count ? sw_state_put_due(app->engine->state, (const char *const *)restarts, count, true, err) : 0;
        if (rc != 0) return rc;
    }
    return 0;
}

/* What a dead run made is recorded before its successor takes its address: its own record says only what was asked for. */
static int record_found(struct apply *app, struct app_item *old, struct sw_err *err) {
    if (!old->open || !old->have) return 0;
    struct sw_state_resource record = eng_record(old->plan->resource, old->have, "ok");
    record.depends = app_depends(app, old);
    return sw_state_put(app->engine->state, &record, err);
}

int app_journal(struct apply *app, struct app_item **items, size_t n, struct sw_err *err) {
    struct sw_intent *intents = sw_new_n(app->engine->arena, struct sw_intent, n);
    if (!app_flush(app)) return sw_err_set(err, SW_EIO, "what was done before could not be recorded in the state");
    int rc = note_restarts(app, items, n, err);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        const struct app_item *it = items[i];
        const struct sw_resource *resource = it->plan->resource;
        bool deposes = it->half && !it->removes && it->plan->create_first;
        intents[i] = (struct sw_intent){.run = app->run,
                                        .address = it->address,
                                        .type = resource->type,
                                        .name = it->name,
                                        .host = resource->host,
                                        .provider = resource->provider,
                                        .action = journalled(it),
                                        .token = token_of(it),
                                        .supersedes = it->open && it->action != SW_DELETE ? it->open->id : 0,
                                        .depose_address = deposes ? it->half->address : NULL,
                                        .depose_name = deposes ? it->half->name : NULL,
                                        .desired = it->desired};
        if (deposes) rc = record_found(app, it->half, err);
    }
    if (rc == 0) rc = sw_journal_open(app->engine->state, app->engine->arena, intents, n, err);
    if (rc != 0) return rc;
    for (size_t i = 0; i < n; i++) {
        items[i]->intent = intents[i].id;
        items[i]->token = intents[i].token;
    }
    return 0;
}

void app_start(struct apply *app, struct app_item *it) {
    it->stage = APP_RUNS;
    it->began_ms = sw_now_ms();
    it->started_ms = it->half && it->half->started_ms ? it->half->started_ms : it->began_ms;
    if (!it->half || !app_is_last(it)) emit(app, SW_EV_START, it, NULL, NULL);
}

bool app_flush(struct apply *app) {
    struct sw_err err = {0};
    size_t n = app->closings.n;
    app->closings.n = 0;
    int rc = sw_journal_close_all(app->engine->state, app->closings.v, n, &err);
    if (rc != 0) state_failed(app, &err);
    return rc == 0;
}

static void flush_later(void *ctx) {
    struct apply *app = ctx;
    app->closing = false;
    app_flush(app);
    app_pump(app);
}

/* What ends in the same turn of the loop is recorded together. One that dies before that leaves intents open, as one that dies before the answer
 * came. */
static void close_intent(struct apply *app, struct app_item *it, const char *outcome, const struct sw_state_resource *record, bool forget) {
    struct sw_err err = {0};
    int rc = 0;
    if (it->intent) {
        struct sw_state_resource *kept = record ? sw_new(app->engine->arena, struct sw_state_resource) : NULL;
        if (kept) *kept = *record;
        sw_vec_push(&app->closings, ((struct sw_closing){it->intent, outcome, kept, forget}));
        it->intent = 0;
        if (!app->closing) sw_loop_post(app->engine->loop, flush_later, app);
        app->closing = true;
        return;
    }
    app_flush(app);
    if (record)
        rc = sw_state_put(app->engine->state, record, &err);
    else if (forget)
        rc = sw_state_forget(app->engine->state, it->address, &err);
    if (rc != 0) state_failed(app, &err);
}

/* What it was to act for has been acted on. */
static void settle(struct apply *app, struct app_item *it) {
    struct sw_err err = {0};
    if (it->due) app_flush(app);
    if (it->due && sw_state_put_due(app->engine->state, &it->plan->resource->address, 1, false, &err) != 0) state_failed(app, &err);
    it->due = false;
}

void app_done(struct apply *app, struct app_item *it, const struct sw_value *attributes, bool changed) {
    const struct sw_resource *resource = it->plan->resource;
    enum sw_action action = it->action;
    bool removes = action == SW_DELETE || action == SW_FORGET;
    it->stage = APP_DONE;
    it->took_ms = it->began_ms ? sw_now_ms() - it->began_ms : 0;
    it->changed = changed;
    it->result = attributes;
    bool data = resource->data, counts = !data && app_is_last(it);
    if (counts && (changed || removes))
        app->result.done++;
    else if (counts)
        app->result.unchanged++;
    struct sw_state_resource record = eng_record(resource, attributes, "ok");
    record.depends = app_depends(app, it);
    close_intent(app, it, "ok", removes || data || resource->ephemeral ? NULL : &record, removes);
    if (!it->removes) settle(app, it);
    if (app_is_last(it)) emit(app, SW_EV_DONE, it, changed || removes || data ? NULL : "already so", NULL);
    app_release(app, it);
}

void app_unchanged(struct apply *app, struct app_item *it) {
    app_done(app, it, it->have && it->desired ? sw_map_merge(app->engine->arena, it->have, it->desired) : it->desired, false);
}

static void skip(struct apply *app, struct app_item *it, const char *why);

static void skip_dependents(struct apply *app, struct app_item *it, const char *why) {
    const uint32_t *list;
    size_t n = sw_graph_needed_by(app->nodes.graph, app_node(app, it), &list);
    for (size_t k = 0; k < n; k++) skip(app, &app->items[list[k]], why);
}

static void skip(struct apply *app, struct app_item *it, const char *why) {
    if (it->stage != APP_WAITS) return;
    it->stage = APP_SKIPPED;
    /* Of a replacement one half tells. */
    bool told = it->half && (it->half->stage == APP_SKIPPED || it->half->stage == APP_FAILED);
    if (it->plan->action != SW_NOOP && !told) {
        app->result.skipped++;
        emit(app, SW_EV_SKIPPED, it, why, NULL);
    }
    app_release(app, it);
    skip_dependents(app, it, why);
}

void app_fail(struct apply *app, struct app_item *it, struct sw_err *err, bool certain) {
    const struct sw_resource *resource = it->plan->resource;
    it->stage = APP_FAILED;
    it->took_ms = it->began_ms ? sw_now_ms() - it->began_ms : 0;
    app->result.failed++;
    sw_err_at(err, resource->pos);
    const char *doing = it->removes && it->plan->create_first ? "removing the old self of"
                        : it->action == SW_DELETE             ? "removing"
                        : resource->data                      ? "reading"
                                                              : "applying";
    sw_err_frame(err, "%s '%s'", doing, resource->address);
    /* Something may have been made before it failed: it is recorded, so that it can be finished or removed. A creation in an API stays open, too:
     * its token is what finds the part that was made. */
    bool making = it->action == SW_CREATE || it->action == SW_REPLACE || (it->action == SW_UPDATE && it->open);
    bool partial = it->intent && making && !resource->ephemeral && (certain || !it->host);
    if (partial && !it->host) it->intent = 0;
    if (partial || (certain && it->intent)) {
        struct sw_state_resource record =
            eng_record(resource, it->have ? it->desired : eng_begun(app->engine, resource->type, it->desired), "partial");
        record.depends = app_depends(app, it);
        close_intent(app, it, "failed", partial ? &record : NULL, false);
    }
    emit(app, SW_EV_FAILED, it, NULL, err);
    const char *why = sw_printf(app->engine->arena, "%s failed", resource->address);
    if (app->first.code == 0)
        sw_err_move(&app->first, err);
    else
        sw_err_done(err);
    app_release(app, it);
    skip_dependents(app, it, why);
}

void app_unstarted(struct apply *app, struct app_item *it) {
    if (it->stage == APP_RUNS) it->stage = APP_WAITS;
    if (it->intent) close_intent(app, it, "not started", NULL, false);
}

void app_adopt(struct apply *app, struct app_item *it) {
    const struct sw_plan_item *plan = it->plan;
    if (plan->resource->ephemeral || plan->resource->data || !it->result || it->open ||
        (plan->prior && !plan->unsettled && sw_value_equal(plan->prior, it->result)))
        return;
    struct sw_state_resource record = eng_record(plan->resource, it->result, "ok");
    record.depends = app_depends(app, it);
    close_intent(app, it, "ok", &record, false);
}

struct depends {
    struct sw_arena *arena;
    const char **v;
    size_t n;
};

static void add_dependency(const char *address, const char *path, void *ctx) {
    struct depends *d = ctx;
    (void)path;
    for (size_t i = 0; i < d->n; i++)
        if (strcmp(d->v[i], address) == 0) return;
    const char **more = sw_new_n(d->arena, const char *, d->n + 2);
    if (d->n) memcpy(more, d->v, d->n * sizeof *more);
    more[d->n++] = address;
    d->v = more;
}

const char **app_depends(struct apply *app, struct app_item *it) {
    struct depends d = {app->engine->arena, it->plan->resource->depends, 0};
    while (d.v && d.v[d.n]) d.n++;
    if (it->host && it->host->declared->connection) sw_value_each_ref(it->host->declared->connection, add_dependency, &d);
    return d.v;
}
