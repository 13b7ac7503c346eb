/* Import: adopts one existing thing under an address the playbook declares. */
#include <string.h>

#include "internal.h"

static const struct sw_resource *declared(const struct sw_config *config, const char *address) {
    for (size_t i = 0; i < config->n_resources; i++)
        if (strcmp(config->resources[i]->address, address) == 0) return config->resources[i];
    return NULL;
}

static const char *nearest(struct sw_engine *engine, const struct sw_config *config, const char *address) {
    const char **addresses = sw_new_n(engine->arena, const char *, config->n_resources + 1);
    for (size_t i = 0; i < config->n_resources; i++) addresses[i] = config->resources[i]->address;
    return sw_nearest(address, addresses, config->n_resources);
}

static int refuse_known(struct sw_engine *engine, const char *address, struct sw_err *err) {
    struct sw_state_resource *recorded;
    size_t n;
    int rc = sw_state_resources(engine->state, engine->arena, &recorded, &n, err);
    for (size_t i = 0; rc == 0 && i < n; i++)
        if (strcmp(recorded[i].address, address) == 0) {
            rc = sw_err_set(err, SW_EEXISTS, "'%s' is in the state already", address);
            sw_err_hint(err, "to adopt another thing under it, first run: slipway state rm '%s'", address);
        }
    return rc;
}

int sw_engine_import(struct sw_engine *engine, const struct sw_config *config, const char *address, const char *id, struct sw_err *err) {
    const struct sw_resource *resource = declared(config, address);
    struct sw_plan *plan;
    int rc;
    if (!resource) {
        const char *near = nearest(engine, config, address);
        sw_err_set(err, SW_ENOTFOUND, "the playbook declares no '%s'", address);
        if (near)
            sw_err_hint(err, "did you mean '%s'?", near);
        else
            sw_err_hint(err, "declare it first: an import says which real thing a declared resource is");
        return SW_ENOTFOUND;
    }
    if ((rc = refuse_known(engine, address, err)) != 0) return rc;

    /* The id goes into the state first, as a create that did not finish: the refresh then finds the thing, or forgets it. */
    struct sw_pair pair = {"id", sw_value_str(engine->arena, id)};
    struct sw_state_resource record = eng_record(resource, sw_value_map(engine->arena, &pair, 1), "partial");
    if ((rc = sw_state_put(engine->state, &record, err)) != 0) return rc;
    const char *targets[] = {address, NULL};
    rc = sw_engine_plan(engine, "", config, &(struct sw_plan_options){.targets = targets}, &plan, err);
    const struct sw_value *found = NULL;
    for (size_t i = 0; rc == 0 && i < plan->n_items; i++)
        if (strcmp(plan->items[i].resource->address, address) == 0) found = plan->items[i].before;
    if (rc == 0 && !found) {
        rc = sw_err_set(err, SW_ENOTFOUND, "there is no %s with the id '%s'", resource->type, id);
        sw_err_at(err, resource->pos);
        sw_err_hint(err, "see 'slipway docs %s' for what its id looks like", resource->type);
    }
    if (rc != 0) {
        sw_state_forget(engine->state, address, NULL);
        return rc;
    }
    record = eng_record(resource, found, "ok");
    return sw_state_put(engine->state, &record, err);
}
