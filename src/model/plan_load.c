/* Nothing of the file is parsed before its tag was found right, so what is read below was written by slipway with this state's key.
 * The shape is checked all the same: a bug in what wrote it must end in an error here and not in an apply. */
#include "plan_internal.h"

#include <stdlib.h>
#include <string.h>

#include "secretbox.h"
#include "slipway/file.h"
#include "slipway/state.h"

struct loader {
    struct sw_arena *arena;
    const unsigned char *key;
    sw_find_schema_fn *find_schema;
    void *ctx;
    struct sw_err *err;
    const char *at, *end; /* what is left of the text */
};

static int malformed(struct loader *l, const char *what) {
    return sw_err_set(l->err, SW_EINVAL, "the plan is malformed: %s", what);
}

/* Optional members: absent gives NULL, 0 or false. Anything of another kind is an error. */
static int take_text(struct loader *l, const struct sw_value *map, const char *key, bool required, const char **ret) {
    const struct sw_value *v = sw_get(map, key);
    if (!v) return *ret = NULL, required ? malformed(l, key) : 0;
    if (!sw_is(v, SW_STR) || strlen(v->s.p) != v->s.len) return malformed(l, key);
    *ret = v->s.p;
    return 0;
}

static int take_int(struct loader *l, const struct sw_value *map, const char *key, int64_t max, int64_t *ret) {
    const struct sw_value *v = sw_get(map, key);
    if (!v) return *ret = 0, 0;
    if (!sw_is(v, SW_INT) || v->i < 0 || v->i > max) return malformed(l, key);
    *ret = v->i;
    return 0;
}

static int take_flag(struct loader *l, const struct sw_value *map, const char *key, bool *ret) {
    const struct sw_value *v = sw_get(map, key);
    if (v && !sw_is(v, SW_BOOL)) return malformed(l, key);
    *ret = v && v->b;
    return 0;
}

static int take_texts(struct loader *l, const struct sw_value *map, const char *key, const char ***ret, size_t *ret_n) {
    const struct sw_value *v = sw_get(map, key);
    *ret = NULL;
    if (ret_n) *ret_n = 0;
    if (!v) return 0;
    if (!sw_is(v, SW_LIST)) return malformed(l, key);
    const char **texts = sw_new_n(l->arena, const char *, v->list.n + 1);
    for (size_t i = 0; i < v->list.n; i++) {
        if (!sw_is(v->list.v[i], SW_STR)) return malformed(l, key);
        texts[i] = v->list.v[i]->s.p;
    }
    *ret = texts;
    if (ret_n) *ret_n = v->list.n;
    return 0;
}

static int take_pos(struct loader *l, const struct sw_value *map, struct sw_pos *ret) {
    int64_t line = 0, column = 0;
    if (take_text(l, map, "file", false, &ret->file) || take_int(l, map, "line", UINT32_MAX, &line) ||
        take_int(l, map, "column", UINT32_MAX, &column))
        return SW_EINVAL;
    ret->line = (unsigned)line;
    ret->column = (unsigned)column;
    return 0;
}

static int take_list(struct loader *l, const struct sw_value *map, const char *key, const struct sw_value **ret) {
    const struct sw_value *v = sw_get(map, key);
    if (v && !sw_is(v, SW_LIST)) return malformed(l, key);
    *ret = v ? v : &SW_EMPTY_LIST;
    return 0;
}

static int load_resource(struct loader *l, const struct sw_value *v, const struct sw_resource **ret) {
    struct sw_resource *r = sw_new(l->arena, struct sw_resource);
    int64_t index = 0;
    if (!sw_is(v, SW_MAP)) return malformed(l, "an item has no resource");
    if (take_text(l, v, "address", true, &r->address) || take_text(l, v, "type", true, &r->type) ||
        take_text(l, v, "name", true, &r->name) || take_text(l, v, "host", false, &r->host) ||
        take_text(l, v, "provider", false, &r->provider) || take_pos(l, v, &r->pos) || take_texts(l, v, "depends", &r->depends, NULL) ||
        take_texts(l, v, "triggers", &r->triggers, NULL) || take_flag(l, v, "prevent_destroy", &r->lifecycle.prevent_destroy) ||
        take_flag(l, v, "create_before_destroy", &r->lifecycle.create_before_destroy) ||
        take_texts(l, v, "ignore_changes", &r->lifecycle.ignore_changes, NULL) ||
        take_texts(l, v, "replace_on", &r->lifecycle.replace_on, NULL) || take_flag(l, v, "ephemeral", &r->ephemeral) ||
        take_flag(l, v, "data", &r->data) || take_int(l, v, "index", INT64_MAX, &index))
        return SW_EINVAL;
    r->index = (size_t)index;
    r->desired = sw_get(v, "desired");
    *ret = r;
    return 0;
}

/* A diff's side: its own, none, or (the usual case) the member of that name of the item's. */
static int load_side(struct loader *l, const struct sw_value *diff, const char *key, const char *none_key, const struct sw_value *map,
                     const char *name, const struct sw_value **ret) {
    bool none = false;
    int rc = take_flag(l, diff, none_key, &none);
    const struct sw_value *own = sw_get(diff, key);
    *ret = none ? NULL : own ? own : sw_get(map, name);
    return rc;
}

static int load_diffs(struct loader *l, const struct sw_value *v, struct sw_plan_item *item) {
    const struct sw_value *list = &SW_EMPTY_LIST;
    if (take_list(l, v, "diffs", &list)) return SW_EINVAL;
    if (!list->list.n) return 0;
    const struct sw_schema *schema = l->find_schema ? l->find_schema(l->ctx, item->resource->type) : NULL;
    item->diffs = sw_new_n(l->arena, struct sw_attr_diff, list->list.n);
    item->n_diffs = list->list.n;
    for (size_t i = 0; i < list->list.n; i++) {
        const struct sw_value *one = list->list.v[i];
        struct sw_attr_diff *diff = &item->diffs[i];
        if (take_text(l, one, "name", true, &diff->name) ||
            load_side(l, one, "before", "no_before", item->before, diff->name, &diff->before) ||
            load_side(l, one, "after", "no_after", item->after, diff->name, &diff->after) ||
            take_flag(l, one, "forces_replace", &diff->forces_replace))
            return SW_EINVAL;
        diff->attr = schema ? sw_schema_find(schema, diff->name) : NULL;
    }
    return 0;
}

static int load_item(struct loader *l, const struct sw_value *v, size_t index, struct sw_plan_item *item) {
    const char *action = "";
    const struct sw_value *needs = &SW_EMPTY_LIST;
    if (!sw_is(v, SW_MAP)) return malformed(l, "an item is not an object");
    if (load_resource(l, sw_get(v, "resource"), &item->resource) || take_text(l, v, "action", true, &action) ||
        take_text(l, v, "reason", false, &item->reason) || take_flag(l, v, "at_apply", &item->at_apply) ||
        take_flag(l, v, "drifted", &item->drifted) || take_flag(l, v, "triggered", &item->triggered) ||
        take_flag(l, v, "unsettled", &item->unsettled) || take_flag(l, v, "create_first", &item->create_first) ||
        take_texts(l, v, "built_on", &item->built_on, NULL) || take_texts(l, v, "restarts", &item->restarts, NULL) ||
        take_list(l, v, "needs", &needs))
        return SW_EINVAL;
    int found = SW_NOOP;
    while (found < SW_N_ACTIONS && strcmp(action, sw_action_name((enum sw_action)found)) != 0) found++;
    if (found == SW_N_ACTIONS) return malformed(l, "an item has an unknown action");
    item->action = (enum sw_action)found;
    item->before = sw_get(v, "before");
    item->after = sw_get(v, "after");
    item->prior = sw_get(v, "prior");
    item->n_needs = needs->list.n;
    if (item->n_needs) item->needs = sw_new_n(l->arena, uint32_t, item->n_needs);
    for (size_t i = 0; i < item->n_needs; i++) {
        const struct sw_value *need = needs->list.v[i];
        /* Only what comes before it: an item that waits for a later one would wait for ever. */
        if (!sw_is(need, SW_INT) || need->i < 0 || (uint64_t)need->i >= index)
            return malformed(l, "an item needs one that does not come before it");
        item->needs[i] = (uint32_t)need->i;
    }
    return load_diffs(l, v, item);
}

static int load_hosts(struct loader *l, const struct sw_value *list, struct sw_plan *plan) {
    plan->n_hosts = list->list.n;
    plan->hosts = sw_new_n(l->arena, const struct sw_host *, plan->n_hosts + 1);
    for (size_t i = 0; i < plan->n_hosts; i++) {
        struct sw_host *host = sw_new(l->arena, struct sw_host);
        if (take_text(l, list->list.v[i], "name", true, &host->name) || take_pos(l, list->list.v[i], &host->pos)) return SW_EINVAL;
        host->connection = sw_get(list->list.v[i], "connection");
        plan->hosts[i] = host;
    }
    return 0;
}

static int load_outputs(struct loader *l, const struct sw_value *list, struct sw_plan *plan) {
    struct sw_output *outputs = sw_new_n(l->arena, struct sw_output, list->list.n + 1);
    for (size_t i = 0; i < list->list.n; i++) {
        if (take_text(l, list->list.v[i], "name", true, &outputs[i].name) || take_text(l, list->list.v[i], "doc", false, &outputs[i].doc))
            return SW_EINVAL;
        outputs[i].value = sw_get(list->list.v[i], "value");
    }
    plan->outputs = outputs;
    plan->n_outputs = list->list.n;
    return 0;
}

static int load_moved(struct loader *l, const struct sw_value *list, struct sw_plan *plan) {
    struct sw_moved *moved = sw_new_n(l->arena, struct sw_moved, list->list.n + 1);
    for (size_t i = 0; i < list->list.n; i++)
        if (take_text(l, list->list.v[i], "from", true, &moved[i].from) || take_text(l, list->list.v[i], "to", true, &moved[i].to))
            return SW_EINVAL;
    plan->moved = moved;
    plan->n_moved = list->list.n;
    return 0;
}

static int load_head(struct loader *l, const struct sw_value *v, struct sw_plan *plan) {
    const struct sw_value *hosts = &SW_EMPTY_LIST, *outputs = &SW_EMPTY_LIST, *moved = &SW_EMPTY_LIST;
    int64_t n_items = 0;
    if (!sw_is(v, SW_MAP)) return malformed(l, "the head is not an object");
    if (take_text(l, v, "inventory", false, &plan->inventory) || take_text(l, v, "lineage", false, &plan->lineage) ||
        take_int(l, v, "serial", INT64_MAX, &plan->serial) || take_int(l, v, "created_ms", INT64_MAX, &plan->created_ms) ||
        take_flag(l, v, "destroy", &plan->destroy) || take_flag(l, v, "refresh_only", &plan->refresh_only) ||
        take_flag(l, v, "partial", &plan->partial) || take_int(l, v, "n_items", UINT32_MAX, &n_items) ||
        take_texts(l, v, "warnings", &plan->warnings, &plan->n_warnings) || take_list(l, v, "hosts", &hosts) ||
        take_list(l, v, "outputs", &outputs) || load_hosts(l, hosts, plan) || load_outputs(l, outputs, plan) ||
        take_list(l, v, "moved", &moved) || load_moved(l, moved, plan))
        return SW_EINVAL;
    plan->providers = sw_get(v, "providers");
    plan->modules = sw_get(v, "modules");
    plan->n_items = (size_t)n_items;
    return 0;
}

/* Moves past `word` when the text goes on with it. */
static bool skip(struct loader *l, const char *word) {
    size_t n = strlen(word);
    if ((size_t)(l->end - l->at) < n || memcmp(l->at, word, n) != 0) return false;
    l->at += n;
    return true;
}

static int read_value(struct loader *l, const char *end, const char *context, const struct sw_value **ret) {
    int rc = sw_value_unseal(l->arena, l->at, (size_t)(end - l->at), l->key, context, ret, l->err);
    l->at = end;
    return rc;
}

static int load_text(struct loader *l, struct sw_plan *plan) {
    char context[40];
    const struct sw_value *v = NULL;
    const char *line = memchr(l->at, '\n', (size_t)(l->end - l->at));
    size_t tail = strlen(SW_PLAN__ITEMS);
    if (!line || (size_t)(line - l->at) < tail) return malformed(l, "it ends in its head");
    int rc = read_value(l, line - tail, sw_plan__context(context, true, 0), &v);
    if (!rc && !skip(l, SW_PLAN__ITEMS)) rc = malformed(l, "its head has no end");
    if (!rc) rc = load_head(l, v, plan);
    /* Each item takes more than two bytes of text: no allocation beyond what the file can hold. */
    if (!rc && plan->n_items > (size_t)(l->end - l->at) / 2) rc = malformed(l, "it has fewer items than it says");
    if (rc) return rc;
    plan->items = sw_new_n(l->arena, struct sw_plan_item, plan->n_items + 1);
    for (size_t i = 0; i < plan->n_items; i++) {
        if (!skip(l, i ? ",\n" : "\n")) return malformed(l, "it has fewer items than it says");
        line = memchr(l->at, '\n', (size_t)(l->end - l->at));
        if (!line) return malformed(l, "it ends in an item");
        if (i + 1 < plan->n_items && line > l->at) line--; /* the comma */
        rc = read_value(l, line, sw_plan__context(context, false, i), &v);
        if (!rc) rc = load_item(l, v, i, &plan->items[i]);
        if (rc) return sw_err_frame(l->err, "reading item %zu", i);
        sw_plan_count(plan, &plan->items[i]);
    }
    if (!skip(l, SW_PLAN__END) || l->at != l->end) return malformed(l, "it goes on after its last item");
    return 0;
}

/* The envelope: ours, of a version we know, untouched since. Leaves l->at at the head. */
static int open_envelope(struct loader *l, const char *path) {
    unsigned long version = 0;
    if (!skip(l, SW_PLAN__BEGIN)) {
        sw_err_set(l->err, SW_EINVAL, "'%s' is not a saved plan", path);
        sw_err_hint(l->err, "make one with: slipway plan --out FILE");
        return SW_EINVAL;
    }
    while (l->at < l->end && *l->at >= '0' && *l->at <= '9' && version < 1000000) version = version * 10 + (unsigned long)(*l->at++ - '0');
    if (version > SW_PLAN__VERSION) {
        sw_err_set(l->err, SW_EINVAL, "the plan '%s' is from a newer slipway: its format is %lu, this one (" SLIPWAY_VERSION ") knows %d",
                   path, version, SW_PLAN__VERSION);
        sw_err_hint(l->err, "plan again, or use the slipway that wrote it");
        return SW_EINVAL;
    }
    if (version != SW_PLAN__VERSION || !skip(l, SW_PLAN__TAG) || l->end - l->at < 64) {
        sw_err_set(l->err, SW_EINVAL, "the plan '%s' is truncated or was changed by hand", path);
        sw_err_hint(l->err, "plan again");
        return SW_EINVAL;
    }
    char tag[65];
    const char *body = l->at + 64;
    sw_secretbox__mac(l->key, SW_PLAN__MAC_PURPOSE, body, (size_t)(l->end - body), tag);
    if (!sw_secretbox__same(tag, l->at)) {
        sw_err_set(l->err, SW_EREFUSED, "the plan '%s' was changed after it was made, is truncated, or belongs to another state", path);
        sw_err_hint(l->err, "plan again; a saved plan is applied exactly as it was reviewed or not at all");
        return SW_EREFUSED;
    }
    l->at = body;
    return skip(l, SW_PLAN__HEAD) ? 0 : malformed(l, "it has no head");
}

/* The code that goes back is this function's own, whatever `err` holds or when it is NULL. */
static int give_error(struct sw_err *local, const char *name, struct sw_err *err) {
    sw_err_frame(local, "reading the plan '%s'", name);
    return sw_err_give(err, local);
}

int sw_plan_read(struct sw_arena *arena, const char *name, const char *text, size_t len, const unsigned char *key,
                 sw_find_schema_fn *find_schema, void *ctx, struct sw_plan **ret, struct sw_err *err) {
    if (!key) return sw_err_set(err, SW_EINVAL, "the plan '%s' cannot be read: there is no state, and so no key for it", name);
    struct sw_err local = {0};
    struct sw_plan *plan = sw_new(arena, struct sw_plan);
    struct loader l = {arena, key, find_schema, ctx, &local, text, text + len};
    if (open_envelope(&l, name) || load_text(&l, plan)) return give_error(&local, name, err);
    *ret = plan;
    return 0;
}

int sw_plan_load(struct sw_arena *arena, const char *path, const unsigned char *key, sw_find_schema_fn *find_schema, void *ctx,
                 struct sw_plan **ret, struct sw_err *err) {
    struct sw_err local = {0};
    struct sw_str text = {0};
    int rc = key ? sw_file_read(path, SW_PLAN__MAX_BYTES, &text, &local) : 0;
    rc = rc ? give_error(&local, path, err) : sw_plan_read(arena, path, sw_str_z(&text), text.len, key, find_schema, ctx, ret, err);
    sw_str_done(&text);
    return rc;
}
