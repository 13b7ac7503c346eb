/* Before the walk: its nodes, its hosts, and what the state has to know first. */
#include <stdio.h>
#include <string.h>

#include "apply.h"
#include "slipway/clock.h"
#include "slipway/vec.h"

static int make_item(struct apply *app, size_t node, struct sw_err *err) {
    struct app_item *it = &app->items[node];
    it->plan = &app->plan->items[app->nodes.item[node]];
    it->type = app->engine->types->find(app->engine->types->ctx, it->plan->resource->type);
    if (!it->type) {
        sw_err_set(err, SW_EINVAL, "no library defines the type '%s' of '%s'", it->plan->resource->type, it->plan->resource->address);
        sw_err_hint(err, "run the plan with the slipway and the playbook it was made with");
        return SW_EINVAL;
    }
    const uint32_t *needs;
    it->missing = sw_graph_needs(app->nodes.graph, node, &needs);
    it->action = it->plan->action;
    it->address = it->plan->resource->address;
    it->name = it->plan->resource->name;
    it->have = it->plan->before;
    return 0;
}

/* Two nodes become the two halves of one replacement. The old self gets a name of its own when its successor takes the one it has. */
static void make_halves(struct apply *app, struct app_item *creates, struct app_item *removes) {
    unsigned char random[4];
    creates->half = removes;
    removes->half = creates;
    creates->action = SW_CREATE;
    creates->have = NULL;
    removes->action = SW_DELETE;
    removes->removes = true;
    if (!creates->plan->create_first) return;
    sw_random(random, sizeof random);
    const char *mark = sw_printf(app->engine->arena, " (deposed %02x%02x%02x%02x)", random[0], random[1], random[2], random[3]);
    removes->address = sw_printf(app->engine->arena, "%s%s", creates->address, mark);
    removes->name = sw_printf(app->engine->arena, "%s%s", creates->name, mark);
}

int app_make_items(struct apply *app, struct sw_err *err) {
    const struct sw_plan *plan = app->plan;
    struct sw_arena *arena = app->engine->arena;
    int rc = eng_nodes_build(arena, plan, &app->nodes, err);
    if (rc != 0) return rc;
    app->items = sw_new_n(arena, struct app_item, app->nodes.n + 1);
    app->fresh = sw_new_n(arena, const struct sw_value *, plan->n_items + 1);
    for (size_t i = 0; i < app->nodes.n; i++)
        if ((rc = make_item(app, i, err)) != 0) return rc;
    for (size_t i = 0; i < plan->n_items; i++) {
        struct app_item *it = &app->items[i];
        if (app->nodes.removal[i] != ENG_NO_NODE) make_halves(app, it, &app->items[app->nodes.removal[i]]);
        app_mask_collect(&app->mask, arena, it->plan->after, false);
        app_mask_collect(&app->mask, arena, it->plan->prior, false);
        sw_map_set(&app->by_address, it->plan->resource->address, it);
        app->total += eng_acts(it->plan->action);
    }
    for (size_t k = app->nodes.n; k-- > 0;) {
        const uint32_t *list;
        size_t node = app->nodes.order[k], n = sw_graph_needed_by(app->nodes.graph, node, &list);
        for (size_t d = 0; d < n; d++)
            if (app->items[list[d]].height >= app->items[node].height) app->items[node].height = app->items[list[d]].height + 1;
    }
    return 0;
}

int app_make_hosts(struct apply *app, struct sw_err *err) {
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
        if (app_in_host_queue(&app->items[i])) app->items[i].host->queue[app->items[i].host->n_queue++] = &app->items[i];
    return 0;
}

/* On a host what a dead run left becomes a resource of status "partial"; in an API it stays open, and is gone on with by its item. */
int app_recover(struct apply *app, struct sw_err *err) {
    struct sw_engine *engine = app->engine;
    struct sw_state_resource *recorded = NULL;
    struct sw_map open = {0};
    size_t n = 0;
    int rc = sw_state_resources(engine->state, engine->arena, &recorded, &n, err);
    if (rc == 0) rc = eng_recover(engine, true, &recorded, &n, err);
    for (size_t i = 0; rc == 0 && i < app->plan->n_moved; i++)
        rc = sw_state_rename(engine->state, app->plan->moved[i].from, app->plan->moved[i].to, err);
    if (rc == 0) rc = eng_open_creates(engine, &open, err);
    for (size_t i = 0; rc == 0 && i < app->plan->n_items; i++) {
        struct app_item *it = &app->items[i];
        /* What is replaced is another creation; the open one is what goes. */
        (it->half ? it->half : it)->open = sw_map_find(&open, it->plan->resource->address);
    }
    sw_map_done(&open);
    return rc;
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
int app_note_due(struct apply *app, struct sw_err *err) {
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
