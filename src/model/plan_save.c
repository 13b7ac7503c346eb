/* Writing a plan as a file: see plan_internal.h. */
#include "plan_internal.h"

#include <stdio.h>
#include <string.h>

#include "secretbox.h"
#include "slipway/file.h"
#include "slipway/state.h"

/* A map under construction. What is NULL, false or 0 is left out: reading gives the same back. */
struct draft {
    struct sw_arena *arena;
    struct sw_pair pairs[32];
    size_t n;
};

char *sw_plan__context(char buf[static 40], bool head, size_t i) {
    snprintf(buf, 40, head ? "plan head" : "plan item %zu", i);
    return buf;
}

static void put(struct draft *d, const char *key, const struct sw_value *v) {
    if (v) d->pairs[d->n++] = (struct sw_pair){key, v};
}

static void put_text(struct draft *d, const char *key, const char *text) {
    if (text) put(d, key, sw_value_str(d->arena, text));
}

static void put_int(struct draft *d, const char *key, int64_t i) {
    if (i) put(d, key, sw_value_int(d->arena, i));
}

static void put_flag(struct draft *d, const char *key, bool b) {
    if (b) put(d, key, &SW_TRUE_VALUE);
}

static void put_texts(struct draft *d, const char *key, const char *const *texts, size_t n) {
    const struct sw_value **items = sw_new_n(d->arena, const struct sw_value *, n ? n : 1);
    for (size_t i = 0; i < n; i++) items[i] = sw_value_str(d->arena, texts[i]);
    put(d, key, sw_value_list(d->arena, items, n));
}

/* NULL-terminated; NULL stays different from empty. */
static void put_names(struct draft *d, const char *key, const char *const *names) {
    if (!names) return;
    size_t n = 0;
    while (names[n]) n++;
    put_texts(d, key, names, n);
}

static void put_pos(struct draft *d, struct sw_pos pos) {
    put_text(d, "file", pos.file);
    put_int(d, "line", pos.line);
    put_int(d, "column", pos.column);
}

static const struct sw_value *finish(struct draft *d) {
    return sw_value_map(d->arena, d->pairs, d->n);
}

static const struct sw_value *resource_value(struct sw_arena *arena, const struct sw_resource *r) {
    struct draft d = {.arena = arena};
    put_text(&d, "address", r->address);
    put_text(&d, "type", r->type);
    put_text(&d, "name", r->name);
    put_text(&d, "host", r->host);
    put_text(&d, "provider", r->provider);
    put_pos(&d, r->pos);
    put(&d, "desired", r->desired);
    put_names(&d, "depends", r->depends);
    put_names(&d, "triggers", r->triggers);
    put_flag(&d, "prevent_destroy", r->lifecycle.prevent_destroy);
    put_flag(&d, "create_before_destroy", r->lifecycle.create_before_destroy);
    put_names(&d, "ignore_changes", r->lifecycle.ignore_changes);
    put_names(&d, "replace_on", r->lifecycle.replace_on);
    put_flag(&d, "ephemeral", r->ephemeral);
    put_flag(&d, "data", r->data);
    put_int(&d, "index", (int64_t)r->index);
    return finish(&d);
}

/* Most diffs point into `before` and `after`: those are stored by their name alone. */
static const struct sw_value *diffs_value(struct sw_arena *arena, const struct sw_plan_item *item) {
    const struct sw_value **list = sw_new_n(arena, const struct sw_value *, item->n_diffs ? item->n_diffs : 1);
    for (size_t i = 0; i < item->n_diffs; i++) {
        const struct sw_attr_diff *diff = &item->diffs[i];
        struct draft d = {.arena = arena};
        put_text(&d, "name", diff->name);
        if (diff->before != sw_get(item->before, diff->name)) {
            put(&d, "before", diff->before);
            put_flag(&d, "no_before", !diff->before);
        }
        if (diff->after != sw_get(item->after, diff->name)) {
            put(&d, "after", diff->after);
            put_flag(&d, "no_after", !diff->after);
        }
        put_flag(&d, "forces_replace", diff->forces_replace);
        list[i] = finish(&d);
    }
    return sw_value_list(arena, list, item->n_diffs);
}

static const struct sw_value *item_value(struct sw_arena *arena, const struct sw_plan_item *item) {
    struct draft d = {.arena = arena};
    put(&d, "resource", resource_value(arena, item->resource));
    put_text(&d, "action", sw_action_name(item->action));
    put_text(&d, "reason", item->reason);
    put(&d, "before", item->before);
    put(&d, "after", item->after);
    put(&d, "prior", item->prior);
    if (item->n_diffs) put(&d, "diffs", diffs_value(arena, item));
    put_flag(&d, "at_apply", item->at_apply);
    put_flag(&d, "drifted", item->drifted);
    put_flag(&d, "triggered", item->triggered);
    put_flag(&d, "unsettled", item->unsettled);
    put_flag(&d, "create_first", item->create_first);
    put_names(&d, "built_on", item->built_on);
    put_names(&d, "restarts", item->restarts);
    if (item->n_needs) {
        const struct sw_value **needs = sw_new_n(arena, const struct sw_value *, item->n_needs);
        for (size_t i = 0; i < item->n_needs; i++) needs[i] = sw_value_int(arena, item->needs[i]);
        put(&d, "needs", sw_value_list(arena, needs, item->n_needs));
    }
    return finish(&d);
}

static const struct sw_value *head_value(struct sw_arena *arena, const struct sw_plan *plan) {
    struct draft d = {.arena = arena};
    put_text(&d, "inventory", plan->inventory);
    put_text(&d, "lineage", plan->lineage);
    put_int(&d, "serial", plan->serial);
    put_int(&d, "created_ms", plan->created_ms);
    put_flag(&d, "destroy", plan->destroy);
    put_flag(&d, "refresh_only", plan->refresh_only);
    put_flag(&d, "partial", plan->partial);
    put_int(&d, "n_items", (int64_t)plan->n_items);
    put(&d, "providers", plan->providers);
    put(&d, "modules", plan->modules);
    put_texts(&d, "warnings", plan->warnings, plan->n_warnings);

    const struct sw_value **hosts = sw_new_n(arena, const struct sw_value *, plan->n_hosts ? plan->n_hosts : 1);
    for (size_t i = 0; i < plan->n_hosts; i++) {
        struct draft h = {.arena = arena};
        put_text(&h, "name", plan->hosts[i]->name);
        put(&h, "connection", plan->hosts[i]->connection);
        put_pos(&h, plan->hosts[i]->pos);
        hosts[i] = finish(&h);
    }
    put(&d, "hosts", sw_value_list(arena, hosts, plan->n_hosts));

    const struct sw_value **outputs = sw_new_n(arena, const struct sw_value *, plan->n_outputs ? plan->n_outputs : 1);
    for (size_t i = 0; i < plan->n_outputs; i++) {
        struct draft o = {.arena = arena};
        put_text(&o, "name", plan->outputs[i].name);
        put(&o, "value", plan->outputs[i].value);
        put_text(&o, "doc", plan->outputs[i].doc);
        outputs[i] = finish(&o);
    }
    put(&d, "outputs", sw_value_list(arena, outputs, plan->n_outputs));

    const struct sw_value **moved = sw_new_n(arena, const struct sw_value *, plan->n_moved ? plan->n_moved : 1);
    for (size_t i = 0; i < plan->n_moved; i++) {
        struct draft m = {.arena = arena};
        put_text(&m, "from", plan->moved[i].from);
        put_text(&m, "to", plan->moved[i].to);
        moved[i] = finish(&m);
    }
    if (plan->n_moved) put(&d, "moved", sw_value_list(arena, moved, plan->n_moved));
    return finish(&d);
}

static int add_items(struct sw_str *text, const struct sw_plan *plan, const unsigned char *key, struct sw_err *err) {
    for (size_t i = 0; i < plan->n_items; i++) {
        char context[40];
        size_t start = text->len;
        struct sw_arena *arena = sw_arena_new();
        sw_str_addz(text, i ? ",\n" : "\n");
        sw_value_seal(text, item_value(arena, &plan->items[i]), key, sw_plan__context(context, false, i));
        sw_arena_free(arena);
        if (text->len - start > SW_PLAN__MAX_LINE)
            return sw_err_set(err, SW_ELIMIT, "'%s' is too large for a saved plan: more than 64 MiB", plan->items[i].resource->address);
        if (text->overflow) break;
    }
    return 0;
}

int sw_plan_write(const struct sw_plan *plan, const unsigned char *key, struct sw_str *ret, struct sw_err *err) {
    if (!key) return sw_err_set(err, SW_EINVAL, "a plan cannot be saved before there is a state: its secrets rest under the state's key");
    char context[40], tag[65];
    ret->max = SW_PLAN__MAX_BYTES;
    sw_str_addf(ret, SW_PLAN__BEGIN "%d" SW_PLAN__TAG, SW_PLAN__VERSION);
    size_t tag_at = ret->len;
    sw_str_addf(ret, "%064d", 0);
    sw_str_addz(ret, SW_PLAN__HEAD);
    struct sw_arena *arena = sw_arena_new();
    sw_value_seal(ret, head_value(arena, plan), key, sw_plan__context(context, true, 0));
    sw_arena_free(arena);
    sw_str_addz(ret, SW_PLAN__ITEMS);
    int rc = add_items(ret, plan, key, err);
    sw_str_addz(ret, SW_PLAN__END);
    if (!rc && ret->overflow) rc = sw_err_set(err, SW_ELIMIT, "the plan is too large to be saved: more than 256 MiB");
    if (rc) return rc;
    sw_secretbox__mac(key, SW_PLAN__MAC_PURPOSE, ret->p + tag_at + 64, ret->len - tag_at - 64, tag);
    memcpy(ret->p + tag_at, tag, 64);
    return 0;
}

int sw_plan_save(const struct sw_plan *plan, const char *path, const unsigned char *key, struct sw_err *err) {
    struct sw_str text = {0};
    int rc = sw_plan_write(plan, key, &text, err);
    if (!rc) rc = sw_file_write(path, text.p, text.len, 0600, err);
    sw_str_done(&text);
    return rc ? sw_err_frame(err, "saving the plan to '%s'", path) : 0;
}
