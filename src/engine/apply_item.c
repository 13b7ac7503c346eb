/* What becomes of one item of a running plan. */
#include <string.h>

#include "apply.h"
#include "slipway/clock.h"

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
    if (it->plan->action == SW_DELETE) return 0;
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

bool app_is_stale(const struct app_item *it, const struct sw_value *have) {
    const struct sw_plan_item *plan = it->plan;
    if (plan->at_apply || plan->resource->ephemeral) return false;
    /* A thing to be removed that somebody else removed is no conflict. */
    if (plan->action == SW_DELETE && !have) return false;
    if (!plan->before || !have) return (plan->before != NULL) != (have != NULL);
    for (size_t i = 0; i < have->map.n; i++) {
        const struct sw_attr *attr = sw_schema_find(it->type->schema, have->map.v[i].key);
        if (!attr || attr->computed || attr->write_only) continue;
        if (!sw_value_equal(sw_get(plan->before, have->map.v[i].key), have->map.v[i].value)) return true;
    }
    return false;
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

int app_journal(struct apply *app, struct app_item **items, size_t n, struct sw_err *err) {
    struct sw_intent *intents = sw_new_n(app->engine->arena, struct sw_intent, n);
    for (size_t i = 0; i < n; i++) {
        const struct sw_resource *resource = items[i]->plan->resource;
        intents[i] = (struct sw_intent){.run = app->run,
                                        .address = resource->address,
                                        .type = resource->type,
                                        .name = resource->name,
                                        .host = resource->host,
                                        .provider = resource->provider,
                                        .action = journalled(items[i]),
                                        .token = token_of(items[i]),
                                        .supersedes = items[i]->open && items[i]->action != SW_DELETE ? items[i]->open->id : 0,
                                        .desired = items[i]->desired};
    }
    int rc = sw_journal_open(app->engine->state, app->engine->arena, intents, n, err);
    if (rc != 0) return rc;
    for (size_t i = 0; i < n; i++) {
        items[i]->intent = intents[i].id;
        items[i]->token = intents[i].token;
    }
    return 0;
}

void app_start(struct apply *app, struct app_item *it) {
    it->stage = APP_RUNS;
    it->started_ms = sw_now_ms();
    emit(app, SW_EV_START, it, NULL, NULL);
}

static void close_intent(struct apply *app, struct app_item *it, const char *outcome, const struct sw_state_resource *record, bool forget) {
    struct sw_err err = {0};
    int rc = 0;
    if (it->intent)
        rc = sw_journal_close(app->engine->state, it->intent, outcome, record, forget, &err);
    else if (record)
        rc = sw_state_put(app->engine->state, record, &err);
    else if (forget)
        rc = sw_state_forget(app->engine->state, it->plan->resource->address, &err);
    it->intent = 0;
    if (rc != 0) state_failed(app, &err);
}

/* What it was to act for has been acted on. */
static void settle(struct apply *app, struct app_item *it) {
    struct sw_err err = {0};
    if (it->due && sw_state_put_due(app->engine->state, &it->plan->resource->address, 1, false, &err) != 0) state_failed(app, &err);
    it->due = false;
}

void app_done(struct apply *app, struct app_item *it, const struct sw_value *attributes, bool changed) {
    const struct sw_resource *resource = it->plan->resource;
    enum sw_action action = it->action;
    bool removes = action == SW_DELETE || action == SW_FORGET;
    it->stage = APP_DONE;
    it->changed = changed;
    it->result = attributes;
    bool data = resource->data;
    if (!data && (changed || removes))
        app->result.done++;
    else if (!data)
        app->result.unchanged++;
    struct sw_state_resource record = eng_record(resource, attributes, "ok");
    record.depends = app_depends(app, it);
    close_intent(app, it, "ok", removes || data || resource->ephemeral ? NULL : &record, removes);
    settle(app, it);
    emit(app, SW_EV_DONE, it, changed || removes || data ? NULL : "already so", NULL);
    app_release(app, it);
}

void app_unchanged(struct apply *app, struct app_item *it) {
    app_done(app, it, it->have && it->desired ? sw_map_merge(app->engine->arena, it->have, it->desired) : it->desired, false);
}

static void skip(struct apply *app, struct app_item *it, const char *why) {
    if (it->stage != APP_WAITS) return;
    it->stage = APP_SKIPPED;
    if (it->plan->action != SW_NOOP) {
        app->result.skipped++;
        emit(app, SW_EV_SKIPPED, it, why, NULL);
    }
    app_release(app, it);
    for (size_t k = 0; k < it->n_needed_by; k++) skip(app, &app->items[it->needed_by[k]], why);
}

void app_fail(struct apply *app, struct app_item *it, struct sw_err *err, bool certain) {
    const struct sw_resource *resource = it->plan->resource;
    it->stage = APP_FAILED;
    app->result.failed++;
    sw_err_at(err, resource->pos);
    sw_err_frame(err, "%s '%s'", it->action == SW_DELETE ? "removing" : resource->data ? "reading" : "applying", resource->address);
    if (certain && it->intent) {
        /* Something may have been made before it failed: it is recorded, so that it can be finished or removed. */
        bool partial = (it->action == SW_CREATE || it->action == SW_REPLACE) && !resource->ephemeral;
        struct sw_state_resource record =
            eng_record(resource, it->have ? it->desired : eng_begun(app->engine, resource->type, it->desired), "partial");
        record.depends = app_depends(app, it);
        /* A creation in an API stays open: its token is what finds the part that was made. */
        if (partial && !it->host) it->intent = 0;
        close_intent(app, it, "failed", partial ? &record : NULL, false);
    }
    emit(app, SW_EV_FAILED, it, NULL, err);
    const char *why = sw_printf(app->engine->arena, "%s failed", resource->address);
    if (app->first.code == 0)
        sw_err_move(&app->first, err);
    else
        sw_err_done(err);
    app_release(app, it);
    for (size_t k = 0; k < it->n_needed_by; k++) skip(app, &app->items[it->needed_by[k]], why);
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
