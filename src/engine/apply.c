/* Applying: walks a finished plan. Starts whatever has become ready; every completion starts the next. */
#include <stdlib.h>
#include <string.h>

#include "apply.h"
#include "slipway/clock.h"
#include "slipway/vec.h"

#define DEFAULT_PARALLELISM 10

const struct sw_value *app_lookup(const char *address, const char *path, void *ctx) {
    const struct apply *app = ctx;
    const struct app_item *it = app_find(app, address);
    if (!it) return NULL;
    if (it->stage == APP_DONE) {
        const struct sw_value *v = sw_get_path(it->result, path);
        return v ? v : &SW_NULL_VALUE;
    }
    /* Not there yet, but what the plan says of it already holds: a name, a path. */
    return sw_get_path(it->plan->after, path);
}

/* ---- setting up ---- */

static int make_items(struct apply *app, struct sw_err *err) {
    const struct sw_plan *plan = app->plan;
    struct sw_arena *arena = app->engine->arena;
    app->items = sw_new_n(arena, struct app_item, plan->n_items + 1);
    for (size_t i = 0; i < plan->n_items; i++) {
        struct app_item *it = &app->items[i];
        it->plan = &plan->items[i];
        it->type = app->engine->types->find(app->engine->types->ctx, it->plan->resource->type);
        if (!it->type) {
            sw_err_set(err, SW_EINVAL, "no library defines the type '%s' of '%s'", it->plan->resource->type, it->plan->resource->address);
            sw_err_hint(err, "run the plan with the slipway and the playbook it was made with");
            return SW_EINVAL;
        }
        it->have = it->plan->before;
        it->action = it->plan->action;
        app_mask_collect(&app->mask, arena, it->plan->after, false);
        app_mask_collect(&app->mask, arena, it->plan->prior, false);
        sw_map_set(&app->by_address, it->plan->resource->address, it);
        app->items[i].missing = it->plan->n_needs;
        for (size_t k = 0; k < it->plan->n_needs; k++) app->items[it->plan->needs[k]].n_needed_by++;
        app->total += eng_acts(it->plan->action);
    }
    for (size_t i = 0; i < plan->n_items; i++) {
        app->items[i].needed_by = sw_new_n(arena, uint32_t, app->items[i].n_needed_by + 1);
        app->items[i].n_needed_by = 0;
    }
    for (size_t i = 0; i < plan->n_items; i++)
        for (size_t k = 0; k < plan->items[i].n_needs; k++) {
            struct app_item *base = &app->items[plan->items[i].needs[k]];
            base->needed_by[base->n_needed_by++] = (uint32_t)i;
        }
    return 0;
}

static int make_hosts(struct apply *app, struct sw_err *err) {
    const struct sw_plan *plan = app->plan;
    struct sw_arena *arena = app->engine->arena;
    app->hosts = sw_new_n(arena, struct app_host, plan->n_hosts + 1);
    for (size_t i = 0; i < plan->n_hosts; i++) {
        struct app_host *host = &app->hosts[app->n_hosts++];
        host->app = app;
        host->declared = plan->hosts[i];
        host->eng = eng_host_get(app->engine, plan->hosts[i]->name);
        sw_map_set(&app->host_by_name, plan->hosts[i]->name, host);
    }
    for (size_t i = 0; i < plan->n_items; i++) {
        struct app_item *it = &app->items[i];
        const char *name = it->plan->resource->host;
        if (!name) continue;
        it->host = sw_map_find(&app->host_by_name, name);
        if (!it->host)
            return sw_err_set(err, SW_EINVAL, "the plan does not say how to reach '%s', which '%s' is on", name,
                              it->plan->resource->address);
        if (eng_acts(it->plan->action)) it->host->n_queue++;
    }
    for (size_t i = 0; i < app->n_hosts; i++) {
        app->hosts[i].queue = sw_new_n(arena, struct app_item *, app->hosts[i].n_queue + 1);
        app->hosts[i].n_queue = 0;
    }
    for (size_t i = 0; i < plan->n_items; i++)
        if (app->items[i].host && eng_acts(plan->items[i].action))
            app->items[i].host->queue[app->items[i].host->n_queue++] = &app->items[i];
    return 0;
}

/* ---- API items are read once more before anything acts ---- */

static void api_read(void *ctx, struct eng_read *read, struct sw_err *err) {
    struct apply *app = ctx;
    struct sw_err failed = {0};
    if (err) sw_err_move(&failed, err);
    for (size_t k = 0; k < read->n; k++) {
        struct app_item *it = app_find(app, read->items[k].resource->address);
        if (failed.code) {
            struct sw_err copy = {0};
            sw_err_copy(&copy, &failed);
            if (it->stage == APP_WAITS) app_fail(app, it, &copy, true);
            continue;
        }
        it->stale = app_is_stale(it, read->have[k]);
        const struct sw_value *prior = !it->open || it->plan->action == SW_DELETE ? it->plan->prior : NULL;
        it->have = read->have[k] && prior ? sw_map_merge(app->engine->arena, prior, read->have[k]) : read->have[k];
    }
    sw_err_done(&failed);
    app->reads_running--;
    app_pump(app);
}

static void start_api_reads(struct apply *app) {
    struct sw_arena *arena = app->engine->arena;
    struct sw_map by_key = {0};
    app->reads = sw_new_n(arena, struct eng_read, app->plan->n_items + 1);
    for (size_t i = 0; i < app->plan->n_items; i++) {
        struct app_item *it = &app->items[i];
        const struct sw_resource *resource = it->plan->resource;
        if (it->host || !eng_acts(it->plan->action) || it->plan->at_apply || resource->ephemeral) continue;
        const char *alias;
        const struct sw_value *config = eng_provider(app->plan->providers, resource, it->type, &alias);
        const char *key = sw_printf(arena, "%s %s", alias, resource->type);
        struct eng_read *read = sw_map_find(&by_key, key);
        if (!read) {
            read = &app->reads[app->n_reads++];
            *read = (struct eng_read){.engine = app->engine, .type = it->type, .done = api_read, .ctx = app};
            read->provider = sw_value_resolve(arena, config, app_lookup, app);
            read->items = sw_new_n(arena, struct sw_item, app->plan->n_items);
            read->types = sw_new_n(arena, const struct sw_type *, app->plan->n_items);
            sw_map_set(&by_key, key, read);
        }
        read->types[read->n] = it->type;
        read->items[read->n++] = (struct sw_item){.resource = resource,
                                                  .desired = it->plan->action == SW_DELETE ? NULL : it->plan->after,
                                                  .prior = it->open ? NULL : it->plan->prior,
                                                  .token = it->open ? it->open->token : NULL,
                                                  .action = it->plan->action};
    }
    sw_map_done(&by_key);
    app->reads_running = app->n_reads;
    for (size_t r = 0; r < app->n_reads; r++) eng_read_start(&app->reads[r]);
}

/* ---- the pump ---- */

static bool is_running(const struct apply *app) {
    if (app->reads_running || app->late_running || app->api_running) return true;
    for (size_t i = 0; i < app->n_hosts; i++)
        if (app_host_busy(&app->hosts[i])) return true;
    return false;
}

/* Items on hosts that act are started by their host; all others by the ready list. */
static bool in_host_queue(const struct app_item *it) {
    return it->host && eng_acts(it->plan->action);
}

/* Unchanged items finish in their turn, too: what comes after one also comes after what it needs. */
static void pass(struct apply *app, struct app_item *it) {
    it->stage = APP_DONE;
    it->result = it->plan->after ? it->plan->after : it->plan->before;
    app_adopt(app, it);
    app_release(app, it);
}

static void start_ready(struct apply *app) {
    unsigned limit = app->engine->parallelism ? app->engine->parallelism : DEFAULT_PARALLELISM;
    while (app->ready_head < app->ready.n && !app->stopping) {
        struct app_item *it = &app->items[app->ready.v[app->ready_head]];
        bool late = app_is_late(it);
        if (it->stage == APP_WAITS && eng_acts(it->action) && !late && app->api_running >= limit) break;
        app->ready_head++;
        if (it->stage != APP_WAITS) continue;
        if (it->action == SW_NOOP)
            pass(app, it);
        else if (it->action == SW_FORGET)
            app_done(app, it, NULL, false);
        else if (late)
            app_late_push(app, it);
        else
            app_api_start(app, it);
    }
    if (app->late.n) app_late_start(app);
    for (size_t i = 0; i < app->n_hosts && !app->stopping; i++)
        if (app->hosts[i].stage == HOST_IDLE) app_host_advance(&app->hosts[i]);
}

void app_enqueue(struct apply *app, struct app_item *it) {
    sw_vec_push(&app->ready, (uint32_t)(it - app->items));
    app->again = true;
}

void app_release(struct apply *app, struct app_item *it) {
    for (size_t k = 0; k < it->n_needed_by; k++) {
        struct app_item *next = &app->items[it->needed_by[k]];
        if (--next->missing == 0 && !in_host_queue(next)) app_enqueue(app, next);
    }
    app->again = true;
}

void app_pump(struct apply *app) {
    app->again = true;
    if (app->pumping) return; /* a completion within a start: the outer call goes round once more */
    app->pumping = true;
    while (app->again) {
        app->again = false;
        if (app->reads_running == 0) start_ready(app);
    }
    app->pumping = false;
    app->idle = !is_running(app);
}

static void interrupted(void *ctx, unsigned level) {
    struct apply *app = ctx;
    app->stopping = true;
    app->result.cancelled = true;
    for (size_t i = 0; i < app->n_hosts; i++) app_host_stop(&app->hosts[i], level);
    if (level >= 2 && app->engine->types->cancel) app->engine->types->cancel(app->engine->types->ctx);
    app_pump(app);
}

/* ---- the end ---- */

static int check_fresh(struct sw_engine *engine, const struct sw_plan *plan, struct sw_err *err) {
    if (plan->serial == sw_state_serial(engine->state) && strcmp(plan->lineage, sw_state_lineage(engine->state)) == 0) return 0;
    if (plan->serial == 0 && plan->n_items == 0) return 0;
    sw_err_set(err, SW_ECONFLICT, "the plan is stale: the state has changed since it was made");
    sw_err_hint(err, "make a new plan and apply that");
    return SW_ECONFLICT;
}

struct machine {
    const struct apply *app;
    const char *address;
};

static void is_machine(const char *address, const char *path, void *ctx) {
    struct machine *m = ctx;
    (void)path;
    const struct app_item *it = app_find(m->app, address);
    if (it && it->type->owns_host) m->address = address;
}

/* Hosts as they were reached, so that what lives on one can be removed when the playbook no longer speaks of it. */
static int save_hosts(struct apply *app, struct sw_err *err) {
    for (size_t i = 0; i < app->n_hosts; i++) {
        const struct app_host *host = &app->hosts[i];
        const struct sw_value *connection = host->eng->connection;
        if (!connection || sw_value_has_unknown(connection)) continue;
        struct machine m = {app, NULL};
        sw_value_each_ref(host->declared->connection, is_machine, &m);
        if (m.address) connection = sw_map_with(app->engine->arena, connection, ENG_MACHINE, sw_value_str(app->engine->arena, m.address));
        int rc = sw_state_put_host(app->engine->state, host->declared->name, connection, err);
        if (rc != 0) return rc;
    }
    return 0;
}

static int save_outputs(struct apply *app, struct sw_err *err) {
    struct sw_pair *pairs = sw_new_n(app->engine->arena, struct sw_pair, app->plan->n_outputs + 1);
    size_t n = 0;
    for (size_t i = 0; i < app->plan->n_outputs; i++) {
        const struct sw_value *v = sw_value_resolve(app->engine->arena, app->plan->outputs[i].value, app_lookup, app);
        if (!sw_value_has_unknown(v)) pairs[n++] = (struct sw_pair){app->plan->outputs[i].name, v};
    }
    return sw_state_put_outputs(app->engine->state, sw_value_map(app->engine->arena, pairs, n), err);
}

static bool may_be_triggered(const struct apply *app, const struct app_item *it) {
    const char **triggers = it->plan->resource->triggers;
    if (!triggers || !eng_acts(it->plan->action) || it->plan->resource->ephemeral) return false;
    bool found = it->plan->triggered;
    for (size_t k = 0; triggers[k] && !found; k++) {
        const struct app_item *trigger = app_find(app, triggers[k]);
        found = trigger && eng_acts(trigger->plan->action);
    }
    return found;
}

/* Before anything acts: should the run end between a change and what restarts on it, the next one still restarts. */
static int note_due(struct apply *app, struct sw_err *err) {
    const char **due;
    size_t n = 0;
    int rc = sw_state_due(app->engine->state, app->engine->arena, &due, &n, err);
    if (rc != 0) return rc;
    for (size_t i = 0; i < n; i++) {
        struct app_item *it = app_find(app, due[i]);
        if (it) it->due = true;
    }
    due = sw_new_n(app->engine->arena, const char *, app->plan->n_items + 1);
    n = 0;
    for (size_t i = 0; i < app->plan->n_items; i++) {
        struct app_item *it = &app->items[i];
        if (it->due || !may_be_triggered(app, it)) continue;
        it->due = true;
        due[n++] = it->plan->resource->address;
    }
    return sw_state_put_due(app->engine->state, due, n, true, err);
}

/* What dead runs left: on a host it becomes a resource of status "partial"; in an API it stays open, and is gone on with by its item. */
static int recover(struct apply *app, struct sw_err *err) {
    struct sw_engine *engine = app->engine;
    struct sw_state_resource *recorded = NULL;
    struct sw_map open = {0};
    size_t n = 0;
    int rc = sw_state_resources(engine->state, engine->arena, &recorded, &n, err);
    if (rc == 0) rc = eng_recover(engine, true, &recorded, &n, err);
    for (size_t i = 0; rc == 0 && i < app->plan->n_moved; i++)
        rc = sw_state_rename(engine->state, app->plan->moved[i].from, app->plan->moved[i].to, err);
    if (rc == 0) rc = eng_open_creates(engine, &open, err);
    for (size_t i = 0; rc == 0 && i < app->plan->n_items; i++)
        app->items[i].open = sw_map_find(&open, app->items[i].plan->resource->address);
    sw_map_done(&open);
    return rc;
}

/* Recoveries, moves, then the walk. */
static int walk(struct apply *app, struct sw_err *err) {
    struct sw_engine *engine = app->engine;
    int rc;
    if ((rc = recover(app, err)) != 0 || (rc = note_due(app, err)) != 0) return rc;
    for (size_t i = 0; i < app->plan->n_items; i++)
        if (app->items[i].missing == 0 && !in_host_queue(&app->items[i])) app_enqueue(app, &app->items[i]);
    start_api_reads(app);
    app_pump(app);
    sw_loop_run(engine->loop, &app->idle);
    if ((rc = save_hosts(app, err)) == 0) rc = save_outputs(app, err);
    return rc;
}

int sw_engine_apply(struct sw_engine *engine, const struct sw_plan *plan, struct sw_apply_result *ret, struct sw_err *err) {
    struct apply app = {.engine = engine, .plan = plan};
    struct sw_engine_op *op = eng_op(engine);
    int rc;
    if ((rc = check_fresh(engine, plan, err)) != 0) return rc;
    if ((rc = make_items(&app, err)) != 0 || (rc = make_hosts(&app, err)) != 0) goto out;
    if ((rc = sw_run_begin(engine->state, plan->destroy ? "destroy" : plan->refresh_only ? "refresh" : "apply", &app.run, err)) != 0)
        goto out;
    sw_emit(&engine->sink, &(struct sw_event){.type = SW_EV_PHASE, .text = "apply", .plan = plan, .total = app.total});
    op->interrupt = 0;
    op->on_interrupt = interrupted;
    op->on_interrupt_ctx = &app;
    rc = walk(&app, err);
    op->on_interrupt = NULL;

    for (size_t i = 0; i < plan->n_items; i++)
        if (app.items[i].stage == APP_WAITS && eng_acts(plan->items[i].action)) app.result.skipped++;
    bool failed = app.result.failed > 0 || app.first.code != 0 || rc != 0;
    const char *outcome = failed ? "failed" : app.result.cancelled ? "cancelled" : "ok";
    struct sw_err closing = {0};
    if (sw_run_end(engine->state, app.run, outcome, (int64_t)app.result.done, (int64_t)app.result.failed, (int64_t)app.result.skipped,
                   &closing) != 0 &&
        app.first.code == 0)
        sw_err_move(&app.first, &closing);
    sw_err_done(&closing);
    sw_emit(&engine->sink, &(struct sw_event){.type = SW_EV_SUMMARY,
                                              .plan = plan,
                                              .done = app.result.done,
                                              .failed = app.result.failed,
                                              .skipped = app.result.skipped,
                                              .n = app.result.unchanged,
                                              .total = app.total});
    if (ret) *ret = app.result;
    if (rc == 0 && app.first.code) {
        rc = app.first.code;
        if (err) sw_err_move(err, &app.first);
    } else if (rc == 0 && app.result.cancelled) {
        rc = sw_err_set(err, SW_ECANCELLED, "stopped: %zu done, %zu not started; the state is right", app.result.done, app.result.skipped);
        sw_err_hint(err, "run the same command again to go on");
    }
out:
    sw_err_done(&app.first);
    for (size_t i = 0; i < app.n_hosts; i++) {
        sw_str_done(&app.hosts[i].upload_out);
        if (app.hosts[i].stopper) sw_remote_free(app.hosts[i].stopper);
    }
    sw_vec_done(&app.ready);
    sw_vec_done(&app.late);
    sw_map_done(&app.by_address);
    sw_map_done(&app.host_by_name);
    return rc;
}
