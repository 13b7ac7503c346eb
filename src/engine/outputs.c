/* Outputs of a plan, as far as they are known. */
#include "internal.h"

static const struct sw_value *lookup(const char *address, const char *path, void *ctx) {
    const struct sw_plan_item *item = sw_map_find(ctx, address);
    if (!item) return NULL;
    const struct sw_value *v = sw_get_path(item->after ? item->after : item->before, path);
    return !v && item->action == SW_NOOP && !item->at_apply ? &SW_NULL_VALUE : v;
}

const struct sw_value *sw_engine_outputs(const struct sw_plan *plan, struct sw_arena *arena) {
    struct sw_map items = {0};
    struct sw_pair *pairs = sw_new_n(arena, struct sw_pair, plan->n_outputs + 1);
    for (size_t i = 0; i < plan->n_items; i++) sw_map_set(&items, plan->items[i].resource->address, &plan->items[i]);
    for (size_t i = 0; i < plan->n_outputs; i++)
        pairs[i] = (struct sw_pair){plan->outputs[i].name, sw_value_resolve(arena, plan->outputs[i].value, lookup, &items)};
    sw_map_done(&items);
    return sw_value_map(arena, pairs, plan->n_outputs);
}
