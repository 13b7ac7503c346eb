/* Data sources in a plan: read as soon as what they ask with is known, those of one type and one round in one list.
 *
 * One is read at apply only when something it asks with is known after apply, or when what it depends on is about to be made or changed: what
 * it would find before is not what it finds then. */
#include <string.h>

#include "internal.h"
#include "slipway/vec.h"

struct named {
    const char *address;
    bool found;
};

static void is_named(const char *address, const char *path, void *ctx) {
    struct named *named = ctx;
    (void)path;
    named->found = named->found || strcmp(address, named->address) == 0;
}

/* The first of what it depends on that has to act before it can be asked for. */
static const char *pending(struct eng_plan *p, const struct eng_item *it) {
    const struct sw_resource *resource = it->plan.resource;
    for (size_t k = 0; resource->depends && resource->depends[k]; k++) {
        const struct eng_item *base = eng_find(p, resource->depends[k]);
        if (!base || !base->selected || !base->declared) continue;
        enum sw_action action = base->plan.action;
        if (action == SW_CREATE || action == SW_REPLACE || action == SW_READ) return resource->depends[k];
        /* A reference asks for a value, and that is known; whoever wrote depends_on means the change. */
        struct named named = {resource->depends[k], false};
        sw_value_each_ref(resource->desired, is_named, &named);
        if (!named.found && eng_acts(action)) return resource->depends[k];
    }
    return NULL;
}

static bool can_ask(const struct eng_plan *p, size_t i) {
    const uint32_t *needs;
    size_t n = sw_graph_needs(p->graph, i, &needs);
    for (size_t k = 0; k < n; k++)
        if (p->items[needs[k]].selected && !p->items[needs[k]].decided) return false;
    return true;
}

size_t eng_data_round(struct eng_plan *p) {
    struct sw_arena *arena = p->engine->arena;
    struct sw_map by_key = {0};
    size_t asked = 0;
    for (size_t k = 0; k < p->n_items; k++) {
        size_t i = p->order[k];
        struct eng_item *it = &p->items[i];
        if (!it->plan.resource->data || !it->selected || it->asked || !can_ask(p, i)) continue;
        it->asked = true;
        asked++;
        const char *alias, *by = pending(p, it);
        const struct sw_value *desired = sw_value_resolve(arena, it->plan.resource->desired, eng_lookup, p);
        it->plan.at_apply = by || sw_value_has_unknown(desired);
        if (it->plan.at_apply) {
            it->plan.reason = by ? sw_printf(arena, "%s changes", by) : "what it asks with is known after apply";
            continue;
        }
        const struct sw_value *config = eng_provider(p->config->providers, it->plan.resource, it->type, &alias);
        const char *key = sw_printf(arena, "%s %s", alias, it->type->name);
        struct eng_reader *reader = sw_map_find(&by_key, key);
        if (!reader) {
            reader = &p->readers[p->n_readers++];
            *reader = (struct eng_reader){.config = config, .read = {.type = it->type, .engine = p->engine}};
            sw_map_set(&by_key, key, reader);
        }
        sw_vec_push(&reader->items, i);
        it->reader = (size_t)(reader - p->readers);
    }
    sw_map_done(&by_key);
    return asked;
}

int eng_data_missing(const struct sw_resource *resource, const struct sw_value *desired, struct sw_err *err) {
    struct sw_str text = {0};
    for (size_t i = 0; sw_is(desired, SW_MAP) && i < desired->map.n; i++) {
        sw_str_addf(&text, "%s%s = ", i ? ", " : "", desired->map.v[i].key);
        sw_value_format(&text, desired->map.v[i].value, 200);
    }
    sw_err_set(err, SW_ENOTFOUND, "nothing was found for '%s'%s%s", resource->address, text.len ? ", which asks for " : "",
               sw_str_z(&text));
    sw_err_at(err, resource->pos);
    sw_err_hint(err, "check what it asks for, and the account and the region it asks in");
    sw_str_done(&text);
    return SW_ENOTFOUND;
}

int eng_data_decide(struct eng_plan *p, struct eng_item *it, const struct sw_value *desired, struct sw_err *err) {
    struct sw_plan_item *plan = &it->plan;
    if (!plan->at_apply && !it->have) return eng_data_missing(plan->resource, desired, err);
    plan->action = plan->at_apply ? SW_READ : SW_NOOP;
    plan->after = plan->at_apply ? desired : sw_map_merge(p->engine->arena, desired, it->have);
    if (plan->at_apply && !plan->reason && !it->unread) plan->reason = "its provider is known after apply";
    return 0;
}

/* ---- destroying ---- */

struct wanted {
    const struct sw_map *by_address; /* -> const struct sw_resource, data sources only */
    struct sw_map *set;
};

static void want(const char *address, const char *path, void *ctx) {
    struct wanted *wanted = ctx;
    (void)path;
    const struct sw_resource *resource = sw_map_find(wanted->by_address, address);
    if (!resource || sw_map_set(wanted->set, resource->address, (void *)resource)) return;
    sw_value_each_ref(resource->desired, want, wanted);
}

void eng_data_needed(const struct sw_config *config, struct sw_map *ret) {
    struct sw_map by_address = {0};
    struct wanted wanted = {&by_address, ret};
    for (size_t i = 0; i < config->n_resources; i++)
        if (config->resources[i]->data) sw_map_set(&by_address, config->resources[i]->address, (void *)config->resources[i]);
    if (config->providers) sw_value_each_ref(config->providers, want, &wanted);
    for (size_t i = 0; i < config->n_hosts; i++) sw_value_each_ref(config->hosts[i]->connection, want, &wanted);
    sw_map_done(&by_address);
}
