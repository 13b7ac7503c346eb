/* Before anything acts everything that can be read is read once more: all API items, and the hosts that can be reached already. A plan is run as
 * it was reviewed or not at all: when something it would change is not as it was, nothing acts, and the error lists what is different.
 *
 * What can be read only later (machines that this run makes, what refers to them) is planned as "checked at apply", and cannot be stale. */
#include <string.h>

#include "apply.h"

/* ---- is it what the plan was made on ---- */

static const char *differs(struct apply *app, const char *name, const struct sw_value *was, const struct sw_value *is) {
    struct sw_str text = {0};
    sw_str_addf(&text, "%s was ", name);
    sw_value_format(&text, was ? was : &SW_NULL_VALUE, 80);
    sw_str_addz(&text, ", is ");
    sw_value_format(&text, is ? is : &SW_NULL_VALUE, 80);
    const char *copy = sw_strdup(app->engine->arena, sw_str_z(&text));
    sw_str_done(&text);
    return copy;
}

static const char *stale(struct apply *app, const struct app_item *it, const struct sw_value *have) {
    const struct sw_plan_item *plan = it->plan;
    if (plan->at_apply || plan->resource->ephemeral) return NULL;
    /* A thing to be removed that somebody else removed is no conflict. */
    if (plan->action == SW_DELETE && !have) return NULL;
    if (!plan->before && have) return "it was not there, and is now";
    if (plan->before && !have) return "it was there, and is gone";
    for (size_t i = 0; have && i < have->map.n; i++) {
        const char *name = have->map.v[i].key;
        const struct sw_attr *attr = sw_schema_find(it->type->schema, name);
        if (!attr || attr->computed || attr->health || attr->write_only) continue;
        if (!sw_value_equal(sw_get(plan->before, name), have->map.v[i].value))
            return differs(app, name, sw_get(plan->before, name), have->map.v[i].value);
    }
    return NULL;
}

void app_have(struct apply *app, struct app_item *it, const struct sw_value *have) {
    struct app_item *old = it->half ? it->half : it;
    const struct sw_value *prior = !old->open || it->plan->action == SW_DELETE ? it->plan->prior : NULL;
    it->read = true;
    it->stale = stale(app, it, have);
    /* Of a replacement the half that removes has it: the other one makes something new. */
    old->have = have && prior ? sw_map_merge(app->engine->arena, prior, have) : have;
}

/* ---- in an API ---- */

static void api_read(void *ctx, struct eng_read *read, struct sw_err *err) {
    struct apply *app = ctx;
    struct sw_err failed = {0};
    if (err) sw_err_move(&failed, err);
    for (size_t k = 0; k < read->n; k++) {
        struct app_item *it = app_find(app, read->items[k].resource->address);
        bool data = it->plan->resource->data;
        if (!failed.code && data) {
            app->fresh[app_node(app, it)] = read->have[k] ? read->have[k] : &SW_NULL_VALUE;
        } else if (!failed.code) {
            app_have(app, it, read->have[k]);
        } else if (it->stage == APP_WAITS) {
            struct sw_err copy = {0};
            sw_err_copy(&copy, &failed);
            app_fail(app, it, &copy, true);
        }
    }
    sw_err_done(&failed);
    app->reads_running--;
    app_pump(app);
}

static void mark_used(const char *address, const char *path, void *ctx) {
    struct apply *app = ctx;
    (void)path;
    const struct app_item *it = app_find(app, address);
    if (it && it->plan->resource->data && it->plan->action == SW_NOOP) app->fresh[app_node(app, it)] = &SW_UNKNOWN_VALUE;
}

/* What goes needs nothing any more. */
static bool asks_data(enum sw_action action) {
    return action == SW_READ || (eng_acts(action) && action != SW_DELETE);
}

static bool asks(const struct apply *app, size_t i) {
    const struct app_item *it = &app->items[i];
    if (it->host || it->plan->resource->ephemeral) return false;
    if (it->plan->resource->data) return app->fresh[i] != NULL;
    return eng_acts(it->plan->action) && !it->plan->at_apply;
}

static void start_api_reads(struct apply *app) {
    struct sw_arena *arena = app->engine->arena;
    size_t n = app->plan->n_items;
    struct sw_map by_key = {0};
    size_t *count = sw_new_n(arena, size_t, n + 1), **reader = sw_new_n(arena, size_t *, n + 1); /* items of each read; each item's read */
    /* What a data source found matters where something that acts uses it. */
    for (size_t i = 0; i < n; i++)
        if (asks_data(app->items[i].plan->action)) sw_value_each_ref(app->items[i].plan->resource->desired, mark_used, app);
    for (size_t i = 0; i < n; i++) {
        if (!asks(app, i)) continue;
        const char *alias;
        eng_provider(app->plan->providers, app->items[i].plan->resource, app->items[i].type, &alias);
        const char *key = sw_printf(arena, "%s %s", alias, app->items[i].type->name);
        reader[i] = sw_map_find(&by_key, key);
        if (!reader[i]) sw_map_set(&by_key, key, reader[i] = &count[app->n_reads++]);
        ++*reader[i];
    }
    sw_map_done(&by_key);
    app->reads = sw_new_n(arena, struct eng_read, app->n_reads + 1);
    for (size_t i = 0; i < n; i++) {
        struct app_item *it = &app->items[i];
        const struct sw_resource *resource = it->plan->resource;
        if (!reader[i]) continue;
        struct eng_read *read = &app->reads[reader[i] - count];
        const struct app_item *old = it->half ? it->half : it;
        if (!read->n) {
            *read = (struct eng_read){.engine = app->engine, .type = it->type, .done = api_read, .ctx = app};
            read->provider = sw_value_resolve(arena, eng_provider(app->plan->providers, resource, it->type, NULL), app_lookup, app);
            read->items = sw_new_n(arena, struct sw_item, *reader[i]);
            read->types = sw_new_n(arena, const struct sw_type *, *reader[i]);
        }
        const struct sw_value *desired = it->plan->action == SW_DELETE ? NULL : it->plan->after;
        if (resource->data) desired = sw_value_resolve(arena, resource->desired, app_lookup, app);
        read->types[read->n] = it->type;
        read->items[read->n++] = (struct sw_item){.resource = resource,
                                                  .desired = desired,
                                                  .prior = old->open ? NULL : it->plan->prior,
                                                  .token = old->open ? old->open->token : NULL,
                                                  .begun = old->open ? old->open->desired : NULL,
                                                  .action = it->plan->action};
    }
    app->reads_running += app->n_reads;
    for (size_t r = 0; r < app->n_reads; r++) eng_read_start(&app->reads[r]);
}

void app_check_start(struct apply *app) {
    start_api_reads(app);
    for (size_t i = 0; i < app->n_hosts && !app->stopping; i++) app_host_check(&app->hosts[i]);
}

/* ---- the verdict ---- */

struct uses {
    struct apply *app;
    struct app_item *it;
};

static void compare_data(const char *address, const char *path, void *ctx) {
    struct uses *uses = ctx;
    struct apply *app = uses->app;
    const struct app_item *data = app_find(app, address);
    const struct sw_value *now = data && data->plan->resource->data ? app->fresh[app_node(app, data)] : NULL;
    if (!now || now->kind == SW_UNKNOWN || uses->it->stale) return;
    const struct sw_value *asked = sw_value_resolve(app->engine->arena, data->plan->resource->desired, app_lookup, app);
    const struct sw_value *was = sw_get_path(data->plan->after, path);
    const struct sw_value *is = sw_get_path(now->kind == SW_NULL ? NULL : sw_map_merge(app->engine->arena, asked, now), path);
    const char *name = sw_printf(app->engine->arena, "%s.%s", address, path);
    if (!sw_value_equal(was, is)) uses->it->stale = differs(app, name, was, is);
}

bool app_check(struct apply *app) {
    struct sw_str list = {0};
    size_t n = 0;
    for (size_t i = 0; i < app->plan->n_items; i++) {
        struct app_item *it = &app->items[i];
        if (asks_data(it->plan->action) && it->stage == APP_WAITS)
            sw_value_each_ref(it->plan->resource->desired, compare_data, &(struct uses){app, it});
        if (!it->stale) continue;
        n++;
        sw_str_addf(&list, "%s: %s\n", it->plan->resource->address, it->stale);
    }
    if (n && app->first.code == 0) {
        sw_err_set(&app->first, SW_ECONFLICT, "the plan is stale: what it is about changed since the plan was made; nothing was done");
        sw_err_detail(&app->first, sw_str_z(&list), list.len);
        sw_err_hint(&app->first, "make a new plan and look at what is different");
    }
    sw_str_done(&list);
    return n == 0;
}
