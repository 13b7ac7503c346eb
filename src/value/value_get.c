/* Reading values: members, equality, what a tree holds, and resolving references. */
#include "slipway/value.h"

#include <stdlib.h>
#include <string.h>

#include "value_internal.h"

/* The first pair whose key is not less than key[0..len). */
static size_t lower_bound(const struct sw_value *map, const char *key, size_t len) {
    size_t lo = 0, hi = map->map.n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (strncmp(map->map.v[mid].key, key, len) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static const struct sw_value *get_n(const struct sw_value *map, const char *key, size_t len) {
    if (!sw_is(map, SW_MAP)) return NULL;
    size_t at = lower_bound(map, key, len);
    if (at == map->map.n) return NULL;
    const struct sw_pair *pair = &map->map.v[at];
    return strncmp(pair->key, key, len) == 0 && pair->key[len] == '\0' ? pair->value : NULL;
}

const struct sw_value *sw_get(const struct sw_value *map, const char *key) {
    return get_n(map, key, strlen(key));
}

static const struct sw_value *item(const struct sw_value *list, const char *digits, size_t len) {
    size_t index = 0;
    if (len == 0 || len > 9) return NULL;
    for (size_t i = 0; i < len; i++) {
        if (digits[i] < '0' || digits[i] > '9') return NULL;
        index = index * 10 + (size_t)(digits[i] - '0');
    }
    return index < list->list.n ? list->list.v[index] : NULL;
}

const struct sw_value *sw_get_path(const struct sw_value *v, const char *path) {
    while (v && *path) {
        size_t len = strcspn(path, ".");
        v = sw_is(v, SW_LIST) ? item(v, path, len) : get_n(v, path, len);
        path += len;
        if (*path == '.') path++;
    }
    return v;
}

const char *sw_get_str(const struct sw_value *map, const char *key, const char *fallback) {
    const struct sw_value *v = sw_get(map, key);
    return sw_is(v, SW_STR) ? v->s.p : fallback;
}

int64_t sw_get_int(const struct sw_value *map, const char *key, int64_t fallback) {
    const struct sw_value *v = sw_get(map, key);
    if (sw_is(v, SW_INT)) return v->i;
    if (sw_is(v, SW_REAL) && v->d >= -9e15 && v->d <= 9e15 && v->d == (double)(int64_t)v->d) return (int64_t)v->d;
    return fallback;
}

bool sw_get_bool(const struct sw_value *map, const char *key, bool fallback) {
    const struct sw_value *v = sw_get(map, key);
    return sw_is(v, SW_BOOL) ? v->b : fallback;
}

const struct sw_value *sw_value__map_like(struct sw_arena *arena, const struct sw_value *from, const struct sw_pair *pairs, size_t n) {
    struct sw_value *v = sw_new(arena, struct sw_value);
    v->kind = SW_MAP;
    v->line = from ? from->line : 0;
    v->secret = from && from->secret;
    v->map.v = pairs;
    v->map.n = n;
    return v;
}

const struct sw_value *sw_map_with(struct sw_arena *arena, const struct sw_value *map, const char *key, const struct sw_value *value) {
    if (!sw_is(map, SW_MAP)) map = &SW_EMPTY_MAP;
    size_t n = map->map.n;
    /* Lower bound for the whole key, NUL included: "a" sorts before "ab". */
    size_t at = lower_bound(map, key, strlen(key) + 1);
    bool there = at < n && strcmp(map->map.v[at].key, key) == 0;
    if (!value && !there) return map;
    struct sw_pair *pairs = sw_new_n(arena, struct sw_pair, n + 1);
    size_t out = at;
    if (at) memcpy(pairs, map->map.v, at * sizeof *pairs);
    if (value) pairs[out++] = (struct sw_pair){there ? map->map.v[at].key : sw_strdup(arena, key), value};
    size_t rest = at + there;
    if (n > rest) memcpy(pairs + out, map->map.v + rest, (n - rest) * sizeof *pairs);
    return sw_value__map_like(arena, map, pairs, out + n - rest);
}

const struct sw_value *sw_map_merge(struct sw_arena *arena, const struct sw_value *base, const struct sw_value *over) {
    if (!sw_is(over, SW_MAP) || over->map.n == 0) return sw_is(base, SW_MAP) ? base : &SW_EMPTY_MAP;
    if (!sw_is(base, SW_MAP) || base->map.n == 0) return over;
    size_t n = base->map.n, m = over->map.n, i = 0, j = 0, out = 0;
    struct sw_pair *pairs = sw_new_n(arena, struct sw_pair, n + m);
    while (i < n || j < m) {
        int order = i == n ? 1 : j == m ? -1 : strcmp(base->map.v[i].key, over->map.v[j].key);
        pairs[out++] = order < 0 ? base->map.v[i] : over->map.v[j];
        i += order <= 0;
        j += order >= 0;
    }
    return sw_value__map_like(arena, base, pairs, out);
}

static bool number_equal(const struct sw_value *a, const struct sw_value *b) {
    if (a->kind == SW_INT && b->kind == SW_INT) return a->i == b->i;
    if (a->kind == SW_REAL && b->kind == SW_REAL) return a->d == b->d || (a->d != a->d && b->d != b->d);
    int64_t i = a->kind == SW_INT ? a->i : b->i;
    double d = a->kind == SW_INT ? b->d : a->d;
    /* Through the integer, as large ones lose digits in a double. */
    return d >= -9223372036854775808.0 && d < 9223372036854775808.0 && d == (double)(int64_t)d && (int64_t)d == i;
}

bool sw_value_equal(const struct sw_value *a, const struct sw_value *b) {
    if (!a) a = &SW_NULL_VALUE;
    if (!b) b = &SW_NULL_VALUE;
    if (a == b) return true;
    bool a_number = a->kind == SW_INT || a->kind == SW_REAL, b_number = b->kind == SW_INT || b->kind == SW_REAL;
    if (a_number && b_number) return number_equal(a, b);
    if (a->kind != b->kind) return false;
    switch ((enum sw_kind)a->kind) {
    case SW_BOOL: return a->b == b->b;
    case SW_STR: return a->s.len == b->s.len && memcmp(a->s.p, b->s.p, a->s.len) == 0;
    case SW_LIST:
    case SW_CONCAT:
        if (a->list.n != b->list.n) return false;
        for (size_t i = 0; i < a->list.n; i++)
            if (!sw_value_equal(a->list.v[i], b->list.v[i])) return false;
        return true;
    case SW_MAP:
        if (a->map.n != b->map.n) return false;
        for (size_t i = 0; i < a->map.n; i++)
            if (strcmp(a->map.v[i].key, b->map.v[i].key) != 0 || !sw_value_equal(a->map.v[i].value, b->map.v[i].value)) return false;
        return true;
    case SW_REF: return strcmp(a->ref.address, b->ref.address) == 0 && strcmp(a->ref.path, b->ref.path) == 0;
    case SW_NULL:
    case SW_UNKNOWN:
    case SW_INT:
    case SW_REAL: break;
    }
    return true;
}

bool sw_value__any(const struct sw_value *v, bool (*test)(const struct sw_value *v)) {
    if (!v) return false;
    if (test(v)) return true;
    if (sw_value__is_sequence(v)) {
        for (size_t i = 0; i < v->list.n; i++)
            if (sw_value__any(v->list.v[i], test)) return true;
    } else if (v->kind == SW_MAP) {
        for (size_t i = 0; i < v->map.n; i++)
            if (sw_value__any(v->map.v[i].value, test)) return true;
    }
    return false;
}

static bool is_unknown(const struct sw_value *v) {
    return v->kind == SW_UNKNOWN || v->kind == SW_REF || v->kind == SW_CONCAT;
}

static bool is_secret(const struct sw_value *v) {
    return v->secret;
}

bool sw_value_has_unknown(const struct sw_value *v) {
    return sw_value__any(v, is_unknown);
}

bool sw_value_has_secret(const struct sw_value *v) {
    return sw_value__any(v, is_secret);
}

void sw_value_each_ref(const struct sw_value *v, void (*fn)(const char *address, const char *path, void *ctx), void *ctx) {
    if (!v) return;
    if (v->kind == SW_REF) {
        fn(v->ref.address, v->ref.path, ctx);
    } else if (sw_value__is_sequence(v)) {
        for (size_t i = 0; i < v->list.n; i++) sw_value_each_ref(v->list.v[i], fn, ctx);
    } else if (v->kind == SW_MAP) {
        for (size_t i = 0; i < v->map.n; i++) sw_value_each_ref(v->map.v[i].value, fn, ctx);
    }
}
