/* Values at rest: JSON as everybody else's, with each secret replaced by {"$sealed": "v1:…"}. What is inside is that secret's JSON with
 * its marks, so that reading gives back exactly what was written. */
#include <stdlib.h>
#include <string.h>

#include "slipway/state.h"

#define SEALED "$sealed"

struct sealing {
    const unsigned char *key;
    const char *context;
    struct sw_arena *arena;
    struct sw_err *err;
};

/* A user's own map {"$sealed": …} must not be taken for ours: its key gets one more '$' at rest and loses it when read. */
static bool is_escaped(const struct sw_value *v, size_t min_dollars) {
    if (!sw_is(v, SW_MAP) || v->map.n != 1 || !sw_starts_with(v->map.v[0].key, SEALED)) return false;
    const char *rest = v->map.v[0].key + sizeof SEALED - 1;
    size_t n = strspn(rest, "$");
    return !rest[n] && n >= min_dollars;
}

/* Does anything below have to be written differently? Most values hold no secret and are then written as they are. */
static bool is_plain(const struct sw_value *v) {
    if (!v) return true;
    if (v->secret || is_escaped(v, 0)) return false;
    switch (v->kind) {
    case SW_LIST:
    case SW_CONCAT:
        for (size_t i = 0; i < v->list.n; i++)
            if (!is_plain(v->list.v[i])) return false;
        return true;
    case SW_MAP:
        for (size_t i = 0; i < v->map.n; i++)
            if (!is_plain(v->map.v[i].value)) return false;
        return true;
    default: return true;
    }
}

static const struct sw_value *seal_one(struct sealing *s, const struct sw_value *v) {
    struct sw_str plain = {0}, text = {0};
    sw_json_write(&plain, v, SW_JSON_REVEAL);
    /* A secret that cannot be sealed must not be written in any other way, and there is no one to tell. */
    if (sw_seal(s->key, s->context, sw_str_z(&plain), plain.len, &text)) abort();
    struct sw_pair pair = {SEALED, sw_value_strn(s->arena, text.p, text.len)};
    if (plain.p) sw_wipe(plain.p, plain.cap);
    sw_str_done(&plain);
    sw_str_done(&text);
    return sw_value_map(s->arena, &pair, 1);
}

static const struct sw_value *seal_tree(struct sealing *s, const struct sw_value *v) {
    if (is_plain(v)) return v;
    /* A text made of parts is sealed whole when any part is secret: JSON's {"$concat": […]} takes no objects of ours. */
    if (v->secret || v->kind == SW_CONCAT) return seal_one(s, v);
    if (v->kind == SW_LIST) {
        const struct sw_value **items = sw_new_n(s->arena, const struct sw_value *, v->list.n);
        for (size_t i = 0; i < v->list.n; i++) items[i] = seal_tree(s, v->list.v[i]);
        return sw_value_list(s->arena, items, v->list.n);
    }
    struct sw_pair *pairs = sw_new_n(s->arena, struct sw_pair, v->map.n);
    for (size_t i = 0; i < v->map.n; i++) pairs[i] = (struct sw_pair){v->map.v[i].key, seal_tree(s, v->map.v[i].value)};
    if (is_escaped(v, 0)) pairs[0].key = sw_printf(s->arena, "%s$", pairs[0].key);
    return sw_value_map(s->arena, pairs, v->map.n);
}

void sw_value_seal(struct sw_str *out, const struct sw_value *v, const unsigned char *key, const char *context) {
    if (is_plain(v)) {
        sw_json_write(out, v ? v : &SW_NULL_VALUE, SW_JSON_REVEAL);
        return;
    }
    struct sealing s = {.key = key, .context = context, .arena = sw_arena_new()};
    sw_json_write(out, seal_tree(&s, v), SW_JSON_REVEAL);
    sw_arena_free(s.arena);
}

static const struct sw_value *unseal_one(struct sealing *s, const struct sw_value *sealed) {
    struct sw_str plain = {0};
    const struct sw_value *v = NULL;
    if (!sealed->s.len || strlen(sealed->s.p) != sealed->s.len)
        sw_err_set(s->err, SW_EINVAL, "a sealed secret is damaged: it is not whole base64");
    else if (!sw_unseal(s->key, s->context, sealed->s.p, &plain, s->err))
        if (sw_json_read(s->arena, sw_str_z(&plain), plain.len, 0, &v, s->err)) v = NULL;
    if (plain.p) sw_wipe(plain.p, plain.cap);
    sw_str_done(&plain);
    return v;
}

/* NULL = failed, and s->err says why. */
static const struct sw_value *unseal_tree(struct sealing *s, const struct sw_value *v) {
    if (v->kind == SW_LIST) {
        const struct sw_value **items = sw_new_n(s->arena, const struct sw_value *, v->list.n);
        for (size_t i = 0; i < v->list.n; i++)
            if (!(items[i] = unseal_tree(s, v->list.v[i]))) return NULL;
        return sw_value_list(s->arena, items, v->list.n);
    }
    if (v->kind != SW_MAP) return v;
    if (v->map.n == 1 && strcmp(v->map.v[0].key, SEALED) == 0 && sw_is(v->map.v[0].value, SW_STR)) return unseal_one(s, v->map.v[0].value);
    struct sw_pair *pairs = sw_new_n(s->arena, struct sw_pair, v->map.n);
    for (size_t i = 0; i < v->map.n; i++) {
        pairs[i] = (struct sw_pair){v->map.v[i].key, unseal_tree(s, v->map.v[i].value)};
        if (!pairs[i].value) return NULL;
    }
    if (is_escaped(v, 1)) pairs[0].key = sw_strndup(s->arena, pairs[0].key, strlen(pairs[0].key) - 1);
    return sw_value_map(s->arena, pairs, v->map.n);
}

int sw_value_unseal(struct sw_arena *arena, const char *json, size_t len, const unsigned char *key, const char *context,
                    const struct sw_value **ret, struct sw_err *err) {
    struct sw_err local = {0};
    const struct sw_value *v = NULL;
    int rc = sw_json_read(arena, json, len, 0, &v, &local);
    /* The word is nowhere in the text of most values: then there is no tree to walk and to copy. */
    if (!rc && memmem(json, len, SEALED, sizeof SEALED - 1)) {
        struct sealing s = {.key = key, .context = context, .arena = arena, .err = &local};
        v = unseal_tree(&s, v);
        if (!v) rc = local.code;
    }
    if (!rc) {
        *ret = v;
        return 0;
    }
    sw_err_give(err, &local);
    return rc;
}
