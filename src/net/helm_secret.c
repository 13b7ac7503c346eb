/* What follows from secret values. A chart is rendered with them, and once more with other texts in their place: the leaves that differ then follow
 * from them, however they were encoded, hashed or joined on the way. */
#include "helm.h"

#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "slipway/vec.h"

/* ---- stand-ins ---- */

/* Another character of the same kind, so that what is checked against a pattern, or decoded, still can be. */
static char other(char c, unsigned char random) {
    unsigned char u = (unsigned char)c;
    if (u >= '0' && u <= '9') return (char)('0' + (u - '0' + 1 + random % 9) % 10);
    if (u >= 'a' && u <= 'z') return (char)('a' + (u - 'a' + 1 + random % 25) % 26);
    if (u >= 'A' && u <= 'Z') return (char)('A' + (u - 'A' + 1 + random % 25) % 26);
    return c;
}

static const struct sw_value *stand_in_text(struct sw_arena *arena, const char *p, size_t len, struct sw_texts *list) {
    unsigned char *random = sw_alloc(arena, len + 1);
    char *text = sw_strndup(arena, p, len);
    RAND_bytes(random, (int)len); /* where it fails: the next character */
    for (size_t i = 0; i < len; i++) text[i] = other(text[i], random[i]);
    if (len == 0)
        text = sw_strdup(arena, "x");
    else if (memcmp(text, p, len) == 0) /* neither letters nor digits */
        text[0] = 'x';
    sw_vec_push(list, text);
    return sw_value_strn(arena, text, len ? len : 1);
}

static const struct sw_value *stand_in(struct sw_arena *arena, const struct sw_value *v, struct sw_texts *list) {
    switch ((enum sw_kind)v->kind) {
    case SW_BOOL: return sw_value_bool(!v->b);
    case SW_INT: return sw_value_int(arena, v->i >= 9 ? v->i - 1 : v->i + 1);
    case SW_REAL: return sw_value_real(arena, v->d / 2 + 1);
    case SW_STR: return stand_in_text(arena, v->s.p, v->s.len, list);
    default: return v;
    }
}

static const struct sw_value *replaced(struct sw_arena *arena, const struct sw_value *v, struct sw_texts *list) {
    if (!v || !sw_value_has_secret(v)) return v;
    if (v->kind == SW_MAP) {
        struct sw_pair *pairs = sw_new_n(arena, struct sw_pair, v->map.n + 1);
        for (size_t i = 0; i < v->map.n; i++) pairs[i] = (struct sw_pair){v->map.v[i].key, replaced(arena, v->map.v[i].value, list)};
        return sw_value_map(arena, pairs, v->map.n);
    }
    if (v->kind == SW_LIST) {
        const struct sw_value **items = sw_new_n(arena, const struct sw_value *, v->list.n + 1);
        for (size_t i = 0; i < v->list.n; i++) items[i] = replaced(arena, v->list.v[i], list);
        return sw_value_list(arena, items, v->list.n);
    }
    return stand_in(arena, v, list);
}

void sw_helm__write_values(struct sw_arena *arena, const struct sw_value *values, struct sw_texts *stand_ins, struct sw_str *ret) {
    sw_json_write(ret, stand_ins ? replaced(arena, values, stand_ins) : values, SW_JSON_PLAIN);
}

/* ---- what follows from them ---- */

struct veil {
    struct sw_arena *arena;
    struct sw_texts *leaves; /* that differ, or NULL */
    const char **ret_path;
};

static const char *below(struct sw_arena *arena, const char *path, const char *key) {
    return *path ? sw_printf(arena, "%s.%s", path, key) : key;
}

static bool is_leaf(const struct sw_value *v) {
    return v->kind != SW_MAP && v->kind != SW_LIST;
}

static const struct sw_value *veil(const struct veil *w, const struct sw_value *a, const struct sw_value *b, const char *path) {
    if (sw_value_equal(a, b)) return a;
    if (is_leaf(a) && is_leaf(b)) {
        if (w->leaves) sw_vec_push(w->leaves, path);
        return sw_value_secret(w->arena, a);
    }
    *w->ret_path = path; /* the innermost stays */
    if (a->kind != b->kind) return NULL;
    if (a->kind == SW_LIST) {
        if (a->list.n != b->list.n) return NULL;
        const struct sw_value **items = sw_new_n(w->arena, const struct sw_value *, a->list.n + 1);
        for (size_t i = 0; i < a->list.n; i++) {
            items[i] = veil(w, a->list.v[i], b->list.v[i], sw_printf(w->arena, "%s[%zu]", path, i));
            if (!items[i]) return NULL;
        }
        return sw_value_list(w->arena, items, a->list.n);
    }
    if (a->map.n != b->map.n) return NULL;
    struct sw_pair *pairs = sw_new_n(w->arena, struct sw_pair, a->map.n + 1);
    for (size_t i = 0; i < a->map.n; i++) {
        const char *key = a->map.v[i].key;
        if (strcmp(key, b->map.v[i].key) != 0) return NULL;
        pairs[i] = (struct sw_pair){key, veil(w, a->map.v[i].value, b->map.v[i].value, below(w->arena, path, key))};
        if (!pairs[i].value) return NULL;
    }
    return sw_value_map(w->arena, pairs, a->map.n);
}

const struct sw_value *sw_helm__veil(struct sw_arena *arena, const struct sw_value *a, const struct sw_value *b, struct sw_texts *leaves,
                                     const char **ret_path) {
    return veil(&(struct veil){arena, leaves, ret_path}, a, b, "");
}
