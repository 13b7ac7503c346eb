/* Reading in an API during the walk: data sources that could not be asked before, and resources whose provider was not known when the plan was
 * made. Those that become ready together are read in one list a type, and only then it shows what is to be done with them. */
#include <string.h>

#include "apply.h"
#include "slipway/vec.h"

struct late {
    struct eng_read read;
    struct app_item **items;
};

bool app_is_late(const struct app_item *it) {
    return !it->host && !it->late && (it->plan->action == SW_READ || (it->plan->at_apply && eng_acts(it->plan->action)));
}

/* Back in the queue, now that it is known what to do. */
static void act(struct apply *app, struct app_item *it, enum sw_action action) {
    it->action = action;
    it->stage = APP_WAITS;
    app_enqueue(app, it);
}

static void settle_data(struct apply *app, struct app_item *it) {
    struct sw_err err = {0};
    if (!it->have) {
        eng_data_missing(it->plan->resource, it->desired, &err);
        app_fail(app, it, &err, true);
        return;
    }
    app_done(app, it, sw_map_merge(app->engine->arena, it->desired, it->have), false);
}

static void settle(struct apply *app, struct app_item *it) {
    struct sw_attr_diff *diffs;
    struct sw_err err = {0};
    if (it->plan->action == SW_DELETE && it->have) {
        act(app, it, SW_DELETE);
    } else if (it->plan->action == SW_DELETE) {
        app_done(app, it, NULL, false);
    } else if (!it->have) {
        act(app, it, SW_CREATE);
    } else {
        size_t n = sw_schema_diff(it->type->schema, it->have, it->desired,
                                  (const char *const *)it->plan->resource->lifecycle.ignore_changes, app->engine->arena, &diffs);
        for (size_t k = 0; k < n; k++) {
            if (!diffs[k].forces_replace) continue;
            sw_err_set(&err, SW_ECONFLICT, "it is there already, and its %s cannot be changed in place", diffs[k].name);
            sw_err_hint(&err, "plan again: now that it can be read, the plan says what would be replaced");
            app_fail(app, it, &err, true);
            return;
        }
        if (n || it->open || it->plan->triggered || app_triggered(app, it))
            act(app, it, SW_UPDATE);
        else
            app_unchanged(app, it);
    }
}

static void listed(void *ctx, struct eng_read *read, struct sw_err *err) {
    struct apply *app = ctx;
    struct late *late = (struct late *)((char *)read - offsetof(struct late, read));
    struct sw_err failed = {0};
    if (err) sw_err_move(&failed, err);
    app->late_running--;
    for (size_t k = 0; k < read->n; k++) {
        struct app_item *it = late->items[k];
        if (failed.code) {
            struct sw_err copy = {0};
            sw_err_copy(&copy, &failed);
            app_fail(app, it, &copy, true);
            continue;
        }
        app_have(app, it, read->have[k]);
        if (it->plan->action == SW_READ)
            settle_data(app, it);
        else
            settle(app, it);
    }
    sw_err_done(&failed);
    app_pump(app);
}

static int prepare(struct apply *app, struct app_item *it, struct sw_err *err) {
    bool unknown;
    int rc = app_resolve(app, it, &unknown, err);
    if (rc == 0 && unknown) rc = sw_err_set(err, SW_EREMOTE, "something it refers to did not become known");
    return rc;
}

void app_late_push(struct apply *app, struct app_item *it) {
    struct sw_err err = {0};
    it->late = true;
    if (it->plan->action == SW_READ)
        app_start(app, it);
    else
        it->stage = APP_RUNS;
    if (prepare(app, it, &err) != 0)
        app_fail(app, it, &err, true);
    else
        sw_vec_push(&app->late, it);
}

void app_late_start(struct apply *app) {
    struct sw_arena *arena = app->engine->arena;
    struct sw_map by_key = {0};
    size_t n = app->late.n;
    struct late **lists = sw_new_n(arena, struct late *, n + 1);
    size_t n_lists = 0;
    for (size_t i = 0; i < n; i++) {
        struct app_item *it = app->late.v[i];
        const char *alias;
        const struct sw_value *config = eng_provider(app->plan->providers, it->plan->resource, it->type, &alias);
        const char *key = sw_printf(arena, "%s %s", alias, it->type->name);
        struct late *late = sw_map_find(&by_key, key);
        if (!late) {
            late = lists[n_lists++] = sw_new(arena, struct late);
            late->read = (struct eng_read){.engine = app->engine, .type = it->type, .done = listed, .ctx = app};
            late->read.provider = sw_value_resolve(arena, config, app_lookup, app);
            late->read.items = sw_new_n(arena, struct sw_item, n);
            late->read.types = sw_new_n(arena, const struct sw_type *, n);
            late->items = sw_new_n(arena, struct app_item *, n);
            sw_map_set(&by_key, key, late);
        }
        late->items[late->read.n] = it;
        late->read.types[late->read.n] = it->type;
        late->read.items[late->read.n++] = (struct sw_item){.resource = it->plan->resource,
                                                            .desired = it->plan->action == SW_DELETE ? NULL : it->desired,
                                                            .prior = it->open ? NULL : it->plan->prior,
                                                            .token = it->open ? it->open->token : NULL,
                                                            .begun = it->open ? it->open->desired : NULL,
                                                            .action = it->plan->action};
    }
    sw_map_done(&by_key);
    sw_vec_done(&app->late);
    app->late_running += n_lists;
    for (size_t k = 0; k < n_lists; k++) eng_read_start(&lists[k]->read);
}
