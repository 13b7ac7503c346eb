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

/* Creations in an API stay open until they are resolved: their token finds what was made. */
static bool stays_open(struct sw_engine *engine, const struct sw_intent *intent) {
    const struct sw_type *type = engine->types->find(engine->types->ctx, intent->type);
    return intent->action == SW_CREATE && type && !type->on_host;
}

int eng_recover(struct sw_engine *engine, bool persist, struct sw_state_resource **resources, size_t *n, struct sw_err *err) {
    struct sw_intent *open;
    size_t n_open;
    int rc = sw_journal_pending(engine->state, engine->arena, &open, &n_open, err);
    if (rc != 0 || n_open == 0) return rc;
    struct sw_map known = {0};
    struct sw_state_resource *all = sw_new_n(engine->arena, struct sw_state_resource, *n + n_open);
    memcpy(all, *resources, *n * sizeof *all);
    for (size_t i = 0; i < *n; i++) sw_map_set(&known, all[i].address, &all[i]);
    for (size_t i = 0; i < n_open && rc == 0; i++) {
        const struct sw_intent *intent = &open[i];
        struct sw_state_resource *found = &all[*n];
        struct sw_state_resource *before = sw_map_find(&known, intent->address);
        bool made = (intent->action == SW_CREATE || intent->action == SW_REPLACE) && !before;
        if (made) {
            *found = (struct sw_state_resource){.address = intent->address,
                                                .type = intent->type,
                                                .name = intent->name,
                                                .host = intent->host,
                                                .provider = intent->provider,
                                                .attributes = eng_begun(engine, intent->type, intent->desired),
                                                .status = "partial"};
            sw_map_set(&known, found->address, found);
            ++*n;
        }
        /* A change that was under way explains whatever the thing looks like now, until it is done again: nobody else touched it. */
        if (!made && before) {
            before->status = "partial";
            found = before;
        }
        if (!persist) continue;
        if (!stays_open(engine, intent))
            rc = sw_journal_close(engine->state, intent->id, "unknown", made || before ? found : NULL, false, err);
        else if (made)
            rc = sw_state_put(engine->state, found, err);
    }
    sw_map_done(&known);
    *resources = all;
    return rc;
}

int eng_open_creates(struct sw_engine *engine, struct sw_map *ret, struct sw_err *err) {
    struct sw_intent *open;
    size_t n;
    int rc = sw_journal_pending(engine->state, engine->arena, &open, &n, err);
    for (size_t i = 0; rc == 0 && i < n; i++)
        if (stays_open(engine, &open[i])) sw_map_set(ret, open[i].address, &open[i]);
    return rc;
}
