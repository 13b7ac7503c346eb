/* A plan turned back into what was declared: what `slipway rollback` plans anew. */
#include <stdlib.h>
#include <string.h>

#include "slipway/plan.h"

/* What goes away was declared by nobody any more, and neither was the old self of what is created anew. */
static bool is_declared(const struct sw_plan_item *item) {
    return item->action != SW_DELETE && item->action != SW_FORGET && !sw_plan_deposed(item->resource->address, NULL);
}

struct sw_plan sw_plan_declared(const struct sw_plan *plan, struct sw_arena *arena) {
    struct sw_plan declared = *plan;
    memset(declared.count, 0, sizeof declared.count);
    declared.items = sw_new_n(arena, struct sw_plan_item, plan->n_items + 1);
    declared.n_items = 0;
    for (size_t i = 0; i < plan->n_items; i++)
        if (is_declared(&plan->items[i])) declared.items[declared.n_items++].resource = plan->items[i].resource;
    return declared;
}

static int by_index(const void *a, const void *b) {
    size_t x = (*(const struct sw_resource *const *)a)->index, y = (*(const struct sw_resource *const *)b)->index;
    return (x > y) - (x < y);
}

struct sw_config *sw_plan_config(const struct sw_plan *declared, struct sw_arena *arena) {
    struct sw_config *config = sw_new(arena, struct sw_config);
    config->hosts = declared->hosts;
    config->n_hosts = declared->n_hosts;
    config->resources = sw_new_n(arena, const struct sw_resource *, declared->n_items + 1);
    config->n_resources = declared->n_items;
    for (size_t i = 0; i < declared->n_items; i++) config->resources[i] = declared->items[i].resource;
    qsort(config->resources, config->n_resources, sizeof *config->resources, by_index);
    config->outputs = declared->outputs;
    config->n_outputs = declared->n_outputs;
    config->providers = declared->providers;
    config->modules = declared->modules;
    return config;
}
