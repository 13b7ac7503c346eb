/* References become values: one pass over the tree, sharing what does not change. */
#include "slipway/value.h"

#include <stdlib.h>
#include <string.h>

#include "value_internal.h"

struct resolve {
    struct sw_arena *arena;
    sw_lookup_fn *lookup;
    void *ctx;
};

static const struct sw_value *resolve(const struct resolve *r, const struct sw_value *v);

static const struct sw_value *resolve_ref(const struct resolve *r, const struct sw_value *v) {
    const struct sw_value *found = r->lookup(v->ref.address, v->ref.path, r->ctx);
    if (!found) found = &SW_UNKNOWN_VALUE;
    if (v->secret) return sw_value_secret(r->arena, found);
    return found;
}

/* Resolves the items of a LIST or CONCAT. NULL when none changed: the caller keeps its own. */
static const struct sw_value **resolve_items(const struct resolve *r, const struct sw_value *v) {
    const struct sw_value **items = NULL;
    for (size_t i = 0; i < v->list.n; i++) {
        const struct sw_value *item = resolve(r, v->list.v[i]);
        if (!items && item != v->list.v[i]) {
            items = sw_new_n(r->arena, const struct sw_value *, v->list.n);
            memcpy(items, v->list.v, i * sizeof *items);
        }
        if (items) items[i] = item;
    }
    return items;
}

static const struct sw_value *resolve_list(const struct resolve *r, const struct sw_value *v) {
    const struct sw_value **items = resolve_items(r, v);
    if (!items) return v;
    struct sw_value *copy = sw_new(r->arena, struct sw_value);
    *copy = *v;
    copy->list.v = items;
    return copy;
}

static const struct sw_value *resolve_map(const struct resolve *r, const struct sw_value *v) {
    struct sw_pair *pairs = NULL;
    for (size_t i = 0; i < v->map.n; i++) {
        const struct sw_value *member = resolve(r, v->map.v[i].value);
        if (!pairs && member != v->map.v[i].value) {
            pairs = sw_new_n(r->arena, struct sw_pair, v->map.n);
            memcpy(pairs, v->map.v, v->map.n * sizeof *pairs);
        }
        if (pairs) pairs[i].value = member;
    }
    if (!pairs) return v;
    struct sw_value *copy = sw_new(r->arena, struct sw_value);
    *copy = *v;
    copy->map.v = pairs;
    return copy;
}

static void add_part(struct sw_str *text, const struct sw_value *part) {
    if (part->kind == SW_STR)
        sw_str_add(text, part->s.p, part->s.len);
    else if (part->kind != SW_NULL)
        sw_json_write(text, part, SW_JSON_PLAIN);
}

/* A text whose parts are not all known stays a CONCAT: people then still see the parts that are. */
static const struct sw_value *resolve_concat(const struct resolve *r, const struct sw_value *v) {
    const struct sw_value **items = resolve_items(r, v);
    struct sw_value *copy = sw_new(r->arena, struct sw_value);
    *copy = *v;
    if (items) copy->list.v = items;
    bool known = true, secret = v->secret;
    for (size_t i = 0; i < copy->list.n; i++) {
        const struct sw_value *part = copy->list.v[i];
        known = known && !sw_value_has_unknown(part);
        secret = secret || sw_value_has_secret(part);
    }
    copy->secret = secret;
    if (!known) return !items && secret == v->secret ? v : copy;
    struct sw_str text = {0};
    for (size_t i = 0; i < copy->list.n; i++) add_part(&text, copy->list.v[i]);
    copy->kind = SW_STR;
    copy->s.p = sw_strndup(r->arena, sw_str_z(&text), text.len);
    copy->s.len = text.len;
    if (secret) sw_wipe(text.p, text.len);
    sw_str_done(&text);
    return copy;
}

static const struct sw_value *resolve(const struct resolve *r, const struct sw_value *v) {
    switch ((enum sw_kind)v->kind) {
    case SW_REF: return resolve_ref(r, v);
    case SW_CONCAT: return resolve_concat(r, v);
    case SW_LIST: return resolve_list(r, v);
    case SW_MAP: return resolve_map(r, v);
    case SW_NULL:
    case SW_BOOL:
    case SW_INT:
    case SW_REAL:
    case SW_STR:
    case SW_UNKNOWN: break;
    }
    return v;
}

const struct sw_value *sw_value_resolve(struct sw_arena *arena, const struct sw_value *v, sw_lookup_fn *lookup, void *ctx) {
    struct resolve r = {arena, lookup, ctx};
    return v ? resolve(&r, v) : NULL;
}
