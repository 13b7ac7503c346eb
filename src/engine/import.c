/* Import: adopts things that exist under addresses that the playbook declares. Read all in one refresh, then recorded. */
#include <string.h>

#include "internal.h"

static const struct sw_resource *declared(const struct sw_config *config, const char *address) {
    for (size_t i = 0; i < config->n_resources; i++)
        if (strcmp(config->resources[i]->address, address) == 0) return config->resources[i];
    return NULL;
}

static int refuse_undeclared(struct sw_engine *engine, const struct sw_config *config, const char *address, struct sw_err *err) {
    const char **addresses = sw_new_n(engine->arena, const char *, config->n_resources + 1);
    for (size_t i = 0; i < config->n_resources; i++) addresses[i] = config->resources[i]->address;
    const char *near = sw_nearest(address, addresses, config->n_resources);
    sw_err_set(err, SW_ENOTFOUND, "the playbook declares no '%s'", address);
    if (near)
        sw_err_hint(err, "did you mean '%s'?", near);
    else
        sw_err_hint(err, "declare it first: an import says which real thing a declared resource is");
    return SW_ENOTFOUND;
}

bool sw_engine_replaceable(const struct sw_state_resource *recorded) {
    return strcmp(recorded->status, "partial") == 0 && !recorded->host && !sw_is(sw_get(recorded->attributes, "id"), SW_STR);
}

static int refuse_recorded(const struct sw_state_resource *recorded, struct sw_err *err) {
    sw_err_set(err, SW_EEXISTS, "'%s' is in the state already", recorded->address);
    sw_err_hint(err, "to adopt another thing under it, first run: slipway state rm '%s'", recorded->address);
    return SW_EEXISTS;
}

/* What a create that failed left half made is not lost track of because something else is adopted in its place: it is looked for. */
static int refuse_begun(struct sw_engine *engine, const struct sw_config *config, const char *const *targets,
                        const struct sw_map *by_address, struct sw_err *err) {
    struct sw_plan *plan = NULL;
    struct sw_plan_options options = {.targets = (const char **)targets};
    int rc = sw_engine_plan(engine, "", config, &options, &plan, err);
    for (size_t i = 0; rc == 0 && i < plan->n_items; i++) {
        const char *address = plan->items[i].resource->address;
        const struct sw_import *import = sw_map_find(by_address, address);
        if (!import || !plan->items[i].before) continue;
        const char *begun = sw_get_str(plan->items[i].before, "id", ""), *wanted = sw_get_str(import->known, "id", "");
        if (strcmp(begun, wanted) == 0) continue;
        rc = sw_err_set(err, SW_EEXISTS, "'%s' was begun by a run that did not finish: it made '%s'", address, begun);
        sw_err_hint(err, "'slipway apply' finishes it; or remove that one, run 'slipway state rm %s' and import again", address);
    }
    return rc;
}

static int check_recorded(struct sw_engine *engine, const struct sw_config *config, const struct sw_map *by_address, size_t n,
                          struct sw_err *err) {
    struct sw_state_resource *recorded;
    size_t n_recorded, n_all, n_begun = 0;
    const char **begun = sw_new_n(engine->arena, const char *, n + 1);
    int rc = sw_state_resources(engine->state, engine->arena, &recorded, &n_recorded, err);
    n_all = n_recorded;
    if (rc == 0) rc = eng_recover(engine, false, &recorded, &n_all, err);
    for (size_t i = 0; rc == 0 && i < n_all; i++) {
        if (!sw_map_find(by_address, recorded[i].address)) continue;
        if (i < n_recorded && !sw_engine_replaceable(&recorded[i])) return refuse_recorded(&recorded[i], err);
        begun[n_begun++] = recorded[i].address;
    }
    return rc == 0 && n_begun ? refuse_begun(engine, config, begun, by_address, err) : rc;
}

static int check(struct sw_engine *engine, const struct sw_config *config, struct sw_import *imports, size_t n, struct sw_map *by_address,
                 struct sw_err *err) {
    for (size_t i = 0; i < n; i++) {
        struct sw_import *import = &imports[i];
        import->resource = declared(config, import->address);
        if (!import->resource) return refuse_undeclared(engine, config, import->address, err);
        if (import->resource->data || import->resource->ephemeral)
            return sw_err_set(err, SW_EINVAL, "'%s' is never in the state: there is nothing to adopt", import->address);
        if (sw_map_set(by_address, import->address, import))
            return sw_err_set(err, SW_EINVAL, "'%s' is to stand for two things", import->address);
    }
    return check_recorded(engine, config, by_address, n, err);
}

int sw_engine_find(struct sw_engine *engine, const struct sw_config *config, struct sw_import *imports, size_t n, struct sw_err *err) {
    struct sw_map by_address = {0};
    struct sw_plan *plan = NULL;
    int rc = check(engine, config, imports, n, &by_address, err);
    if (rc == 0) {
        /* As if each were the create of a run that died: the refresh finds it by what is known of it, or does not. */
        struct sw_state_resource *assumed = sw_new_n(engine->arena, struct sw_state_resource, n + 1);
        const char **targets = sw_new_n(engine->arena, const char *, n + 1);
        for (size_t i = 0; i < n; i++) {
            assumed[i] = eng_record(imports[i].resource, imports[i].known, "partial");
            targets[i] = imports[i].address;
        }
        struct sw_plan_options options = {.targets = targets, .assumed = assumed, .n_assumed = n};
        rc = sw_engine_plan(engine, "", config, &options, &plan, err);
    }
    for (size_t i = 0; rc == 0 && i < plan->n_items; i++) {
        struct sw_import *import = sw_map_find(&by_address, plan->items[i].resource->address);
        if (!import) continue;
        if (plan->items[i].at_apply) {
            rc = sw_err_set(err, SW_EINVAL, "'%s' cannot be read yet: its provider or host is not known before an apply", import->address);
        } else {
            import->found = plan->items[i].before;
            import->differs = plan->items[i].n_diffs > 0;
        }
    }
    sw_map_done(&by_address);
    return rc;
}

int sw_engine_adopt(struct sw_engine *engine, const struct sw_import *imports, size_t n, struct sw_err *err) {
    int64_t run, done = 0;
    struct sw_map open = {0};
    int rc = sw_run_begin(engine->state, "import", &run, err);
    if (rc != 0) return rc;
    rc = eng_open_creates(engine, &open, err);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        if (!imports[i].found) continue;
        struct sw_state_resource record = eng_record(imports[i].resource, imports[i].found, "ok");
        /* Whatever a dead run began to make under this address: now it is said what it is. */
        const struct sw_intent *intent = sw_map_find(&open, imports[i].address);
        rc = intent ? sw_journal_close(engine->state, intent->id, "unknown", &record, false, err)
                    : sw_state_put(engine->state, &record, err);
        done += rc == 0;
    }
    sw_map_done(&open);
    int ended = sw_run_end(engine->state, run, rc == 0 ? "ok" : "failed", done, rc != 0, 0, rc == 0 ? err : NULL);
    return rc != 0 ? rc : ended;
}
