#include "slipway/plan.h"

#include <string.h>

#include "slipway/str.h"

static const struct {
    const char *name, *sign;
} actions[] = {
    [SW_NOOP] = {"no-op", " "},    [SW_CREATE] = {"create", "+"}, [SW_UPDATE] = {"update", "~"}, [SW_REPLACE] = {"replace", "-/+"},
    [SW_DELETE] = {"delete", "-"}, [SW_FORGET] = {"forget", "."}, [SW_READ] = {"read", "<="},
};

const char *sw_action_name(enum sw_action action) {
    return actions[action].name;
}
const char *sw_action_sign(enum sw_action action) {
    return actions[action].sign;
}

size_t sw_plan_deposed(const char *name, const char **ret_key) {
    static const char mark[] = " (deposed ";
    size_t len = strlen(name), tail = sizeof mark - 1 + 8 + 1;
    if (len <= tail || name[len - 1] != ')' || strncmp(name + len - tail, mark, sizeof mark - 1) != 0) return 0;
    if (ret_key) *ret_key = name + len - 9;
    return len - tail;
}

void sw_plan_count(struct sw_plan *plan, const struct sw_plan_item *item) {
    if (!item->resource->data || item->action != SW_NOOP) plan->count[item->action]++;
}

unsigned sw_resource_layer(const struct sw_resource *resource) {
    if (resource->host) return 1;
    /* Everything in the cluster's API is a kube_… type, or speaks through a provider of that name. */
    if (sw_starts_with(resource->type, "kube_")) return 2;
    return resource->provider && sw_starts_with(resource->provider, "kube") ? 2 : 0;
}

bool sw_plan_is_empty(const struct sw_plan *plan) {
    for (size_t i = 0; i < plan->n_items; i++)
        if (plan->items[i].action != SW_NOOP) return false;
    return true;
}
