/* Making a plan: collect, select, order, read, decide; then the table becomes a value. */
#include <stddef.h>
#include <string.h>

#include "internal.h"
#include "slipway/clock.h"
#include "slipway/vec.h"

static void finish_outputs(struct eng_plan *p, struct sw_plan *plan) {
    struct sw_output *outputs = sw_new_n(p->engine->arena, struct sw_output, p->config->n_outputs + 1);
    for (size_t i = 0; i < p->config->n_outputs; i++) outputs[i] = p->config->outputs[i];
    plan->outputs = outputs;
    plan->n_outputs = p->options->destroy ? 0 : p->config->n_outputs;
}

/* Renames that concern something in the state. */
static void finish_moved(struct eng_plan *p, struct sw_plan *plan) {
    struct sw_moved *moved = sw_new_n(p->engine->arena, struct sw_moved, p->config->n_moved + 1);
    for (size_t i = 0; i < p->config->n_moved; i++) {
        const struct eng_item *it = eng_find(p, p->config->moved[i].to);
        if (it && it->recorded && strcmp(it->recorded->address, p->config->moved[i].from) == 0)
            moved[plan->n_moved++] = p->config->moved[i];
    }
    plan->moved = moved;
}

static bool listed(const char *const *list, const char *word) {
    for (; list && *list; list++)
        if (strcmp(*list, word) == 0) return true;
    return false;
}

/* Only what changes or goes has an old self that stands on something. */
static const char **moved_bases(struct eng_plan *p, const struct eng_item *it) {
    const char **recorded = it->recorded ? it->recorded->depends : NULL;
    size_t n = 0;
    if (!eng_acts(it->plan.action) || it->plan.action == SW_DELETE) return NULL;
    for (size_t k = 0; recorded && recorded[k]; k++) n += !listed(it->plan.resource->depends, recorded[k]);
    if (!n) return NULL;
    const char **bases = sw_new_n(p->engine->arena, const char *, n + 1);
    n = 0;
    for (size_t k = 0; recorded[k]; k++)
        if (!listed(it->plan.resource->depends, recorded[k])) bases[n++] = recorded[k];
    return bases;
}

static void finish_items(struct eng_plan *p, struct sw_plan *plan) {
    struct sw_arena *arena = p->engine->arena;
    uint32_t *place = sw_new_n(arena, uint32_t, p->n_items + 1);
    plan->items = sw_new_n(arena, struct sw_plan_item, p->n_items + 1);
    for (size_t k = 0; k < p->n_items; k++) {
        struct eng_item *it = &p->items[p->order[k]];
        place[p->order[k]] = UINT32_MAX;
        if (!it->selected) continue;
        place[p->order[k]] = (uint32_t)plan->n_items;
        const uint32_t *needs;
        size_t n = sw_graph_needs(p->graph, p->order[k], &needs);
        it->plan.needs = sw_new_n(arena, uint32_t, n + 1);
        for (size_t d = 0; d < n; d++)
            if (place[needs[d]] != UINT32_MAX) it->plan.needs[it->plan.n_needs++] = place[needs[d]];
        sw_plan_count(plan, &it->plan);
        it->plan.built_on = moved_bases(p, it);
        plan->items[plan->n_items++] = it->plan;
    }
}

/* What is left out of this plan (--target, --exclude) and restarts on something in it. */
static void finish_restarts(struct eng_plan *p, struct sw_plan *plan) {
    struct sw_map items = {0};
    for (size_t i = 0; i < plan->n_items; i++) sw_map_set(&items, plan->items[i].resource->address, &plan->items[i]);
    for (size_t i = 0; i < p->n_items; i++) {
        const struct eng_item *it = &p->items[i];
        const char **triggers = it->plan.resource->triggers;
        if (it->selected || !it->declared || !it->recorded) continue;
        for (size_t k = 0; triggers && triggers[k]; k++) {
            struct sw_plan_item *trigger = sw_map_find(&items, triggers[k]);
            if (!trigger || !eng_acts(trigger->action)) continue;
            size_t n = 0;
            while (trigger->restarts && trigger->restarts[n]) n++;
            const char **more = sw_new_n(p->engine->arena, const char *, n + 2);
            if (n) memcpy(more, trigger->restarts, n * sizeof *more);
            more[n] = it->plan.resource->address;
            trigger->restarts = more;
        }
    }
    sw_map_done(&items);
}

static void finish_warnings(struct eng_plan *p, struct sw_plan *plan) {
    const struct sw_config *config = p->config;
    plan->warnings = sw_new_n(p->engine->arena, const char *, config->n_warnings + p->warnings.n + 1);
    for (size_t i = 0; i < config->n_warnings; i++) plan->warnings[plan->n_warnings++] = config->warnings[i];
    for (size_t i = 0; i < p->warnings.n; i++) plan->warnings[plan->n_warnings++] = p->warnings.v[i];
}

/* Declared hosts, and recorded ones that something leaving still lives on. */
static void finish_hosts(struct eng_plan *p, struct sw_plan *plan) {
    struct sw_map known = {0};
    plan->hosts = sw_new_n(p->engine->arena, const struct sw_host *, p->hosts.n + 1);
    for (size_t i = 0; i < p->config->n_hosts; i++) {
        plan->hosts[plan->n_hosts++] = p->config->hosts[i];
        sw_map_set(&known, p->config->hosts[i]->name, (void *)p->config->hosts[i]);
    }
    for (size_t i = 0; i < p->n_items; i++) {
        const struct sw_host *host = p->items[i].host;
        if (host && !sw_map_set(&known, host->name, (void *)host)) plan->hosts[plan->n_hosts++] = host;
    }
    sw_map_done(&known);
}

int sw_engine_plan(struct sw_engine *engine, const char *inventory, const struct sw_config *config, const struct sw_plan_options *options,
                   struct sw_plan **ret, struct sw_err *err) {
    static const struct sw_plan_options defaults;
    struct eng_plan p = {.engine = engine, .config = config, .options = options ? options : &defaults};
    int rc;
    sw_emit(&engine->sink, &(struct sw_event){.type = SW_EV_PHASE, .text = "refresh"});
    if ((rc = eng_items_collect(&p, err)) != 0 || (rc = eng_items_select(&p, err)) != 0 || (rc = eng_items_order(&p, err)) != 0 ||
        (rc = eng_rounds(&p, err)) != 0)
        goto out;
    eng_decide_ephemeral(&p);

    struct sw_plan *plan = sw_new(engine->arena, struct sw_plan);
    plan->inventory = inventory;
    plan->lineage = sw_strdup(engine->arena, sw_state_lineage(engine->state));
    plan->serial = sw_state_serial(engine->state);
    plan->created_ms = sw_wall_ms();
    plan->destroy = p.options->destroy;
    plan->refresh_only = p.options->refresh_only;
    plan->partial = p.options->targets || p.options->excludes;
    plan->providers = config->providers;
    plan->modules = config->modules;
    finish_warnings(&p, plan);
    finish_items(&p, plan);
    finish_hosts(&p, plan);
    finish_outputs(&p, plan);
    finish_moved(&p, plan);
    if (plan->partial) finish_restarts(&p, plan);
    if (plan->count[SW_REPLACE]) {
        struct eng_nodes nodes;
        eng_create_first(plan);
        rc = eng_nodes_build(engine->arena, plan, &nodes, err);
        eng_nodes_done(&nodes);
        if (rc != 0) goto out;
    }
    *ret = plan;
    sw_emit(&engine->sink, &(struct sw_event){.type = SW_EV_PLAN, .plan = plan});
out:
    sw_vec_done(&p.warnings);
    sw_map_done(&p.by_address);
    sw_map_done(&p.hosts);
    sw_graph_free(p.graph);
    return rc;
}
