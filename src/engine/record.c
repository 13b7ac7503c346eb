/* What the state is told, and what a crashed run left in it. */
#include <string.h>

#include "internal.h"

struct sw_state_resource eng_record(const struct sw_resource *resource, const struct sw_value *attributes, const char *status) {
    return (struct sw_state_resource){
        .address = resource->address,
        .type = resource->type,
        .name = resource->name,
        .host = resource->host,
        .provider = resource->provider,
        .attributes = attributes ? attributes : &SW_EMPTY_MAP,
        .depends = resource->depends,
        .status = status,
        .seq = (int64_t)resource->index,
        .prevent_destroy = resource->lifecycle.prevent_destroy,
        .create_before_destroy = resource->lifecycle.create_before_destroy,
    };
}

/* Library types note in `created` that slipway made the thing, so that it may be removed. What a create left behind before it could say so is ours, too. */
const struct sw_value *eng_begun(struct sw_engine *engine, const char *type_name, const struct sw_value *desired) {
    const struct sw_type *type = engine->types->find(engine->types->ctx, type_name);
    const struct sw_attr *attr = type ? sw_schema_find(type->schema, "created") : NULL;
    if (!desired) desired = &SW_EMPTY_MAP;
    if (!attr || !attr->computed || attr->type != SW_T_BOOL) return desired;
    return sw_map_with(engine->arena, desired, "created", sw_value_bool(true));
}

static bool recorded(const struct sw_state_resource *resources, size_t n, const char *address) {
    for (size_t i = 0; i < n; i++)
        if (strcmp(resources[i].address, address) == 0) return true;
    return false;
}

int eng_recover(struct sw_engine *engine, bool persist, struct sw_state_resource **resources, size_t *n, struct sw_err *err) {
    struct sw_intent *open;
    size_t n_open;
    int rc = sw_journal_pending(engine->state, engine->arena, &open, &n_open, err);
    if (rc != 0 || n_open == 0) return rc;
    struct sw_state_resource *all = sw_new_n(engine->arena, struct sw_state_resource, *n + n_open);
    memcpy(all, *resources, *n * sizeof *all);
    for (size_t i = 0; i < n_open; i++) {
        const struct sw_intent *intent = &open[i];
        struct sw_state_resource found = {0};
        bool made = (intent->action == SW_CREATE || intent->action == SW_REPLACE) && !recorded(all, *n, intent->address);
        if (made) {
            found = (struct sw_state_resource){.address = intent->address,
                                               .type = intent->type,
                                               .name = intent->name,
                                               .host = intent->host,
                                               .provider = intent->provider,
                                               .attributes = eng_begun(engine, intent->type, intent->desired),
                                               .status = "partial"};
            all[(*n)++] = found;
        }
        /* A change that was under way explains whatever the thing looks like now: nobody else touched it. */
        for (size_t k = 0; !made && !persist && k < *n; k++)
            if (strcmp(all[k].address, intent->address) == 0) all[k].status = "partial";
        if (persist && (rc = sw_journal_close(engine->state, intent->id, "unknown", made ? &found : NULL, false, err)) != 0) return rc;
    }
    *resources = all;
    return 0;
}
