/* Applying: walks a finished plan. Starts whatever has become ready; every completion starts the next. */
#include <stdlib.h>
#include <string.h>

#include "apply.h"
#include "slipway/clock.h"
#include "slipway/vec.h"

#define DEFAULT_PARALLELISM 64 /* calls mostly wait, and each API has a throttle of its own */

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

/* ---- the pump ---- */

static bool is_running(const struct apply *app) {
    if (app->reads_running || app->late_running || app->api_running || app->starting || app->closing) return true;
    for (size_t i = 0; i < app->n_hosts; i++)
        if (app_host_busy(&app->hosts[i])) return true;
    return false;
}

/* Unchanged items finish in their turn, too: what comes after one also comes after what it needs. */
static void pass(struct apply *app, struct app_item *it) {
    it->stage = APP_DONE;
    it->result = it->plan->after ? it->plan->after : it->plan->before;
    app_adopt(app, it);
    app_release(app, it);
}

static void start_calls(void *ctx) {
    struct apply *app = ctx;
    app->starting = false;
    if (!app->stopping) app_api_start(app);
    app_pump(app);
}

static void start_ready(struct apply *app) {
    while (app->ready_head < app->ready.n && !app->stopping) {
        struct app_item *it = &app->items[app->ready.v[app->ready_head++]];
        if (it->stage != APP_WAITS) continue;
        if (it->action == SW_NOOP)
            pass(app, it);
        else if (it->action == SW_FORGET)
            app_done(app, it, NULL, false);
        else
            app_late_push(app, it);
    }
    if (app->late.n && !app->stopping) app_late_start(app);
    if (app->calls.n && !app->starting && !app->stopping && app->api_running < app->engine->parallelism) {
        app->starting = true;
        sw_loop_post(app->engine->loop, start_calls, app);
    }
    for (size_t i = 0; i < app->n_hosts && !app->stopping; i++)
        if (app->hosts[i].stage == HOST_IDLE) app_host_advance(&app->hosts[i]);
}

static bool before(const struct apply *app, uint32_t a, uint32_t b) {
    size_t x = app->items[a].height, y = app->items[b].height;
    return x != y ? x > y : a < b;
}

/* What most waits for comes first: with a limit on calls, too, the longest chain is never behind. */
static void push_call(struct apply *app, uint32_t node) {
    sw_vec_push(&app->calls, node);
    uint32_t *v = app->calls.v;
    for (size_t i = app->calls.n - 1, up; i && before(app, v[i], v[up = (i - 1) / 2]); i = up) {
        uint32_t swap = v[i];
        v[i] = v[up];
        v[up] = swap;
    }
}

struct app_item *app_next_call(struct apply *app) {
    uint32_t *v = app->calls.v;
    while (app->calls.n) {
        uint32_t top = v[0];
        v[0] = v[--app->calls.n];
        for (size_t i = 0, child; (child = 2 * i + 1) < app->calls.n; i = child) {
            if (child + 1 < app->calls.n && before(app, v[child + 1], v[child])) child++;
            if (!before(app, v[child], v[i])) break;
            uint32_t swap = v[i];
            v[i] = v[child];
            v[child] = swap;
        }
        if (app->items[top].stage == APP_WAITS) return &app->items[top];
    }
    return NULL;
}

void app_enqueue(struct apply *app, struct app_item *it) {
    uint32_t node = (uint32_t)app_node(app, it);
    if (eng_acts(it->action) && !app_is_late(it))
        push_call(app, node);
    else
        sw_vec_push(&app->ready, node);
    app->again = true;
}

void app_release(struct apply *app, struct app_item *it) {
    const uint32_t *list;
    size_t n = sw_graph_needed_by(app->nodes.graph, app_node(app, it), &list);
    for (size_t k = 0; k < n; k++) {
        struct app_item *next = &app->items[list[k]];
        if (--next->missing == 0 && !app_in_host_queue(next)) app_enqueue(app, next);
    }
    app->again = true;
}

/* Nothing acts before everything that can be read was read and found to be as planned. */
static bool may_act(struct apply *app) {
    if (app->reads_running) return false;
    if (!app->checked) {
        app->checked = true;
        app->refused = !app_check(app);
        app->stopping = app->stopping || app->refused;
    }
    return true;
}

void app_pump(struct apply *app) {
    app->again = true;
    if (app->pumping) return; /* a completion within a start: the outer call goes round once more */
    app->pumping = true;
    while (app->again) {
        app->again = false;
        if (may_act(app)) start_ready(app);
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

/* Recoveries, moves, a last look at the world, then the walk. */
static int walk(struct apply *app, struct sw_err *err) {
    struct sw_engine *engine = app->engine;
    int rc;
    if ((rc = app_recover(app, err)) != 0 || (rc = app_note_due(app, err)) != 0) return rc;
    for (size_t i = 0; i < app->nodes.n; i++)
        if (app->items[i].missing == 0 && !app_in_host_queue(&app->items[i])) app_enqueue(app, &app->items[i]);
    app_check_start(app);
    app_pump(app);
    sw_loop_run(engine->loop, &app->idle);
    if (!app->refused && (rc = app_save_hosts(app, err)) == 0) rc = app_save_outputs(app, err);
    return rc;
}

int sw_engine_apply(struct sw_engine *engine, const struct sw_plan *plan, struct sw_apply_result *ret, struct sw_err *err) {
    struct apply app = {.engine = engine, .plan = plan};
    struct sw_engine_op *op = eng_op(engine);
    int rc;
    if ((rc = check_fresh(engine, plan, err)) != 0) return rc;
    if (!engine->parallelism) engine->parallelism = DEFAULT_PARALLELISM;
    if ((rc = app_make_items(&app, err)) != 0 || (rc = app_make_hosts(&app, err)) != 0) goto out;
    if ((rc = app_run_begin(&app, err)) != 0) goto out;
    sw_emit(&engine->sink, &(struct sw_event){.type = SW_EV_PHASE, .text = "apply", .plan = plan, .total = app.total});
    op->interrupt = 0;
    op->on_interrupt = interrupted;
    op->on_interrupt_ctx = &app;
    app.started_ms = sw_now_ms();
    rc = walk(&app, err);
    op->on_interrupt = NULL;
    app.result.elapsed_ms = sw_now_ms() - app.started_ms;
    app.result.critical_ms = app_critical(&app);

    for (size_t i = 0; i < plan->n_items; i++)
        if (app.items[i].stage == APP_WAITS && eng_acts(plan->items[i].action)) app.result.skipped++;
    bool failed = app.result.failed > 0 || app.first.code != 0 || rc != 0;
    app_run_end(&app, failed);
    sw_emit(&engine->sink, &(struct sw_event){.type = SW_EV_SUMMARY,
                                              .plan = plan,
                                              .done = app.result.done,
                                              .failed = app.result.failed,
                                              .skipped = app.result.skipped,
                                              .n = app.result.unchanged,
                                              .elapsed_ms = app.result.elapsed_ms,
                                              .critical_ms = app.result.critical_ms,
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
    eng_nodes_done(&app.nodes);
    sw_vec_done(&app.ready);
    sw_vec_done(&app.calls);
    sw_vec_done(&app.late);
    sw_vec_done(&app.closings);
    sw_map_done(&app.by_address);
    sw_map_done(&app.host_by_name);
    return rc;
}
