/* One host of a running plan: reads once more, then runs its steps in as few scripts as the barriers allow.
 *
 * A script holds every step from the first waiting one up to a barrier: a step that waits for another host or layer, one that refers to
 * something not known yet, one that has files to carry, or a reboot.
 */
#include <stdlib.h>
#include <string.h>

#include "apply_host.h"
#include "slipway/clock.h"

bool app_host_busy(const struct app_host *host) {
    return host->stage != HOST_IDLE;
}

/* ---- reading ---- */

static void machine_changed(const char *address, const char *path, void *ctx) {
    struct app_host *host = ctx;
    (void)path;
    const struct app_item *it = app_find(host->app, address);
    if (it && it->changed && it->type->owns_host) host->eng->booting = true;
}

static int connect_to(struct app_host *host, struct sw_err *err) {
    struct apply *app = host->app;
    sw_value_each_ref(host->declared->connection, machine_changed, host);
    if (host->eng->booting) eng_host_close(host->eng); /* what answered before was another machine */
    if (host->eng->booting || !host->eng->connection)
        host->eng->connection = sw_value_resolve(app->engine->arena, host->declared->connection, app_lookup, app);
    if (!sw_value_has_unknown(host->eng->connection)) return 0;
    return sw_err_set(err, SW_EREMOTE, "the address of '%s' did not become known", host->declared->name);
}

static void fail_head(struct app_host *host, struct sw_err *err) {
    struct app_item *head = host->queue[host->next];
    head->started_ms = head->started_ms ? head->started_ms : sw_now_ms();
    app_fail(host->app, head, err, true);
}

static void take_read(struct app_host *host, struct eng_read *read, struct sw_err *err) {
    host->stage = HOST_IDLE;
    if (err) {
        struct sw_err own = {0};
        sw_err_move(&own, err);
        fail_head(host, &own);
        return;
    }
    for (size_t k = 0; k < read->n; k++) app_have(host->app, host->read_items[k], sw_is(read->have[k], SW_UNKNOWN) ? NULL : read->have[k]);
}

static void checked(void *ctx, struct eng_read *read, struct sw_err *err) {
    struct app_host *host = ctx;
    take_read(host, read, err);
    host->app->reads_running--;
    app_pump(host->app);
}

static void verified(void *ctx, struct eng_read *read, struct sw_err *err) {
    struct app_host *host = ctx;
    take_read(host, read, err);
    host->verified = !err;
    if (!err) host->eng->booting = false;
    app_pump(host->app);
}

/* Gathers what is still to be read of the queue, or of it what can be stale. */
static void gather(struct app_host *host, bool stale, eng_read_done *done) {
    struct apply *app = host->app;
    struct sw_arena *arena = app->engine->arena;
    host->read = (struct eng_read){.engine = app->engine, .host = host->eng, .done = done, .ctx = host};
    host->read.items = sw_new_n(arena, struct sw_item, host->n_queue);
    host->read.types = sw_new_n(arena, const struct sw_type *, host->n_queue);
    host->read_items = sw_new_n(arena, struct app_item *, host->n_queue);
    for (size_t k = host->next; k < host->n_queue; k++) {
        struct app_item *it = host->queue[k];
        struct sw_err err = {0};
        bool unknown;
        if (app_finished(it) || it->read || it->plan->resource->ephemeral || (stale && it->plan->at_apply)) continue;
        if (app_resolve(app, it, &unknown, &err) != 0) {
            sw_err_done(&err); /* said when its turn comes */
            continue;
        }
        host->read_items[host->read.n] = it;
        host->read.types[host->read.n] = it->type;
        host->read.items[host->read.n++] = (struct sw_item){.resource = it->plan->resource,
                                                            .desired = it->plan->action == SW_DELETE ? NULL : it->desired,
                                                            .prior = it->plan->prior,
                                                            .action = it->plan->action};
    }
}

static void machine_acts(const char *address, const char *path, void *ctx) {
    struct {
        const struct apply *app;
        bool acts;
    } *c = ctx;
    (void)path;
    const struct app_item *it = app_find(c->app, address);
    c->acts = c->acts || (it && eng_acts(it->plan->action));
}

void app_host_check(struct app_host *host) {
    struct apply *app = host->app;
    struct {
        const struct apply *app;
        bool acts;
    } machine = {app, false};
    sw_value_each_ref(host->declared->connection, machine_acts, &machine);
    if (machine.acts || !host->n_queue) return;
    if (!host->eng->connection) host->eng->connection = sw_value_resolve(app->engine->arena, host->declared->connection, app_lookup, app);
    if (sw_value_has_unknown(host->eng->connection)) {
        host->eng->connection = NULL;
        return;
    }
    gather(host, true, checked);
    if (host->read.n == 0) return;
    host->stage = HOST_READS;
    app->reads_running++;
    eng_read_start(&host->read);
}

/* First contact with a host: what could not be read before anything acted. */
static void verify(struct app_host *host) {
    struct sw_err err = {0};
    if (connect_to(host, &err) != 0) {
        fail_head(host, &err);
        return;
    }
    gather(host, false, verified);
    if (host->read.n == 0) {
        host->verified = true;
        return;
    }
    host->stage = HOST_READS;
    eng_read_start(&host->read);
}

/* ---- the next script ---- */

static bool in_segment(const struct app_host *host, const struct app_item *it) {
    for (size_t k = host->n_steps; k-- > 0;)
        if (host->steps[k].item == it) return true;
    return false;
}

static bool needs_met(const struct app_host *host, const struct app_item *it) {
    const uint32_t *needs;
    size_t n = sw_graph_needs(host->app->nodes.graph, app_node(host->app, it), &needs);
    for (size_t k = 0; k < n; k++) {
        const struct app_item *need = &host->app->items[needs[k]];
        if (need->stage != APP_DONE && !in_segment(host, need)) return false;
    }
    return true;
}

static bool trigger_in_segment(const struct app_host *host, const struct app_item *it) {
    const char **triggers = it->plan->resource->triggers;
    for (size_t k = 0; triggers && triggers[k]; k++) {
        const struct app_item *trigger = app_find(host->app, triggers[k]);
        if (trigger && in_segment(host, trigger)) return true;
    }
    return false;
}

/* What to do, now that it has been read at last. NOOP = nothing. */
static enum sw_action action_now(struct app_host *host, struct app_item *it, bool triggered) {
    enum sw_action action = it->plan->action;
    if (!it->plan->at_apply || action == SW_DELETE) return action == SW_DELETE && !it->have ? SW_NOOP : action;
    if (!it->have) return SW_CREATE;
    struct sw_attr_diff *diffs;
    size_t n = sw_schema_diff(it->type->schema, it->have, it->desired, (const char *const *)it->plan->resource->lifecycle.ignore_changes,
                              host->app->engine->arena, &diffs);
    for (size_t k = 0; k < n; k++)
        if (diffs[k].forces_replace) return SW_REPLACE;
    return n || triggered ? SW_UPDATE : SW_NOOP;
}

static int make_step(struct app_host *host, struct app_item *it, enum sw_action action, bool triggered, struct sw_step *ret,
                     struct sw_err *err) {
    struct sw_arena *arena = host->app->engine->arena;
    struct sw_item item = {.resource = it->plan->resource,
                           .desired = it->desired,
                           .prior = it->plan->prior,
                           .have = it->have,
                           .action = action,
                           .triggered = triggered};
    if (action != SW_REPLACE) return it->type->ops->step(it->type, &item, arena, ret, err);
    struct sw_step removal = {0};
    item.action = SW_DELETE;
    int rc = it->type->ops->step(it->type, &item, arena, &removal, err);
    item.action = SW_CREATE;
    item.have = NULL;
    if (rc == 0) rc = it->type->ops->step(it->type, &item, arena, ret, err);
    if (rc == 0 && removal.len) {
        ret->script = sw_printf(arena, "%s\n%s", removal.script, ret->script);
        ret->len = strlen(ret->script);
    }
    return rc;
}

enum taken { TAKEN, NOTHING_TO_DO, BARRIER, REFUSED };

/* Puts one item into the segment, or says why not. */
static enum taken take(struct app_host *host, struct app_item *it, struct sw_err *err) {
    struct apply *app = host->app;
    struct sw_step step = {0};
    bool unknown, first = host->n_steps == 0;
    if (!needs_met(host, it)) return BARRIER;
    if (app_resolve(app, it, &unknown, err) != 0) return REFUSED;
    if (unknown && !first) return BARRIER;
    if (unknown) {
        sw_err_set(err, SW_EREMOTE, "something it refers to did not become known");
        return REFUSED;
    }
    bool triggered = it->plan->triggered || app_triggered(app, it) || trigger_in_segment(host, it);
    enum sw_action action = it->plan->resource->ephemeral ? SW_CREATE : action_now(host, it, triggered);
    if (action != SW_NOOP && make_step(host, it, action, triggered, &step, err) != 0) return REFUSED;
    bool nothing = step.len == 0 && step.n_uploads == 0;
    if (nothing && first) return NOTHING_TO_DO;
    /* In the middle it keeps its place: what comes after it also comes after the steps before it. */
    if (nothing) step = (struct sw_step){.script = ":", .len = 1};
    if (step.n_uploads && !first) return BARRIER;
    host->steps[host->n_steps++] = (struct app_step){it, step, nothing};
    return TAKEN;
}

/* Fills host->steps. Items at its head that need nothing are finished on the way; a failure ends up at its item. */
static void build_segment(struct app_host *host) {
    struct apply *app = host->app;
    host->steps = sw_new_n(app->engine->arena, struct app_step, host->n_queue - host->next + 1);
    host->n_steps = 0;
    for (size_t k = host->next; k < host->n_queue; k++) {
        struct app_item *it = host->queue[k];
        struct sw_err err = {0};
        if (app_finished(it)) continue;
        switch (take(host, it, &err)) {
        case TAKEN:
            if (host->steps[host->n_steps - 1].step.reconnect) return;
            break;
        case NOTHING_TO_DO: app_unchanged(app, it); break;
        case BARRIER: return;
        case REFUSED:
            /* What is already in the segment comes first; its turn to fail comes then. */
            if (host->n_steps == 0) app_fail(app, it, &err, true);
            sw_err_done(&err);
            return;
        }
    }
}

void app_host_advance(struct app_host *host) {
    struct apply *app = host->app;
    while (host->stage == HOST_IDLE && !app->stopping) {
        while (host->next < host->n_queue && app_finished(host->queue[host->next])) host->next++;
        if (host->next == host->n_queue || host->queue[host->next]->missing) return;
        if (!host->verified) {
            verify(host);
            continue;
        }
        build_segment(host);
        if (host->n_steps == 0) {
            if (!app_finished(host->queue[host->next])) return;
            continue;
        }
        app_segment_start(host);
    }
}

void app_host_stop(struct app_host *host, unsigned level) {
    if (level == 1 && host->stage == HOST_RUNS) app_segment_stop(host);
    if (level >= 2 && host->eng->remote) sw_remote_cancel(host->eng->remote);
    if (level >= 2 && host->stage == HOST_RETURNS) app_segment_abandon(host);
}
