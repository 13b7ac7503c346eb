#include "slipway/value.h"

#include <stdlib.h>
#include <string.h>

#include "value_internal.h"

const struct sw_value SW_NULL_VALUE = {.kind = SW_NULL};
const struct sw_value SW_TRUE_VALUE = {.kind = SW_BOOL, .b = true};
const struct sw_value SW_FALSE_VALUE = {.kind = SW_BOOL, .b = false};
const struct sw_value SW_UNKNOWN_VALUE = {.kind = SW_UNKNOWN};
const struct sw_value SW_EMPTY_MAP = {.kind = SW_MAP};
const struct sw_value SW_EMPTY_LIST = {.kind = SW_LIST};

static struct sw_value *new_value(struct sw_arena *arena, enum sw_kind kind) {
    struct sw_value *v = sw_new(arena, struct sw_value);
    v->kind = (uint8_t)kind;
    return v;
}

const struct sw_value *sw_value_str(struct sw_arena *arena, const char *z) {
    return sw_value_strn(arena, z, strlen(z));
}

const struct sw_value *sw_value_strn(struct sw_arena *arena, const char *p, size_t len) {
    struct sw_value *v = new_value(arena, SW_STR);
    v->s.p = sw_strndup(arena, p, len);
    v->s.len = len;
    return v;
}

const struct sw_value *sw_value_int(struct sw_arena *arena, int64_t i) {
    struct sw_value *v = new_value(arena, SW_INT);
    v->i = i;
    return v;
}

const struct sw_value *sw_value_real(struct sw_arena *arena, double d) {
    struct sw_value *v = new_value(arena, SW_REAL);
    v->d = d;
    return v;
}

const struct sw_value *sw_value_bool(bool b) {
    return b ? &SW_TRUE_VALUE : &SW_FALSE_VALUE;
}

static const struct sw_value *sequence(struct sw_arena *arena, enum sw_kind kind, const struct sw_value *const *items, size_t n) {
    struct sw_value *v = new_value(arena, kind);
    v->list.n = n;
    if (n) {
        v->list.v = sw_new_n(arena, const struct sw_value *, n);
        for (size_t i = 0; i < n; i++) v->list.v[i] = items[i] ? items[i] : &SW_NULL_VALUE;
    }
    return v;
}

const struct sw_value *sw_value_list(struct sw_arena *arena, const struct sw_value *const *items, size_t n) {
    return sequence(arena, SW_LIST, items, n);
}

const struct sw_value *sw_value_concat(struct sw_arena *arena, const struct sw_value *const *parts, size_t n) {
    return sequence(arena, SW_CONCAT, parts, n);
}

/* Stable, so that of equal keys the last given stays last. Runs that are sorted already cost one pass. */
static void sort_pairs(struct sw_pair *pairs, struct sw_pair *scratch, size_t n) {
    for (size_t width = 1; width < n; width *= 2) {
        for (size_t lo = 0; lo + width < n; lo += 2 * width) {
            size_t mid = lo + width, hi = mid + width < n ? mid + width : n;
            if (strcmp(pairs[mid - 1].key, pairs[mid].key) <= 0) continue;
            memcpy(scratch, pairs + lo, width * sizeof *pairs);
            size_t a = 0, b = mid, out = lo;
            while (a < width && b < hi) pairs[out++] = strcmp(scratch[a].key, pairs[b].key) <= 0 ? scratch[a++] : pairs[b++];
            while (a < width) pairs[out++] = scratch[a++];
        }
    }
}

const struct sw_value *sw_value_map(struct sw_arena *arena, const struct sw_pair *pairs, size_t n) {
    struct sw_value *v = new_value(arena, SW_MAP);
    if (n == 0) return v;
    struct sw_pair *sorted = sw_new_n(arena, struct sw_pair, n);
    memcpy(sorted, pairs, n * sizeof *sorted);
    bool ordered = true;
    for (size_t i = 1; i < n && ordered; i++) ordered = strcmp(sorted[i - 1].key, sorted[i].key) < 0;
    size_t kept = n;
    if (!ordered) {
        struct sw_pair *scratch = sw_xmalloc(n * sizeof *scratch);
        sort_pairs(sorted, scratch, n);
        free(scratch);
        kept = 0;
        for (size_t i = 0; i < n; i++)
            if (i + 1 == n || strcmp(sorted[i].key, sorted[i + 1].key) != 0) sorted[kept++] = sorted[i];
    }
    for (size_t i = 0; i < kept; i++) {
        sorted[i].key = sw_strdup(arena, sorted[i].key);
        if (!sorted[i].value) sorted[i].value = &SW_NULL_VALUE;
    }
    v->map.v = sorted;
    v->map.n = kept;
    return v;
}

const struct sw_value *sw_value_ref(struct sw_arena *arena, const char *address, const char *path) {
    struct sw_value *v = new_value(arena, SW_REF);
    v->ref.address = sw_strdup(arena, address);
    v->ref.path = sw_strdup(arena, path ? path : "");
    return v;
}

bool sw_value__is_sequence(const struct sw_value *v) {
    return v->kind == SW_LIST || v->kind == SW_CONCAT;
}

bool sw_value__is_empty(const struct sw_value *v) {
    return (v->kind == SW_LIST && v->list.n == 0) || (v->kind == SW_MAP && v->map.n == 0);
}

static bool is_all_secret(const struct sw_value *v) {
    if (!v->secret) return false;
    if (sw_value__is_sequence(v))
        for (size_t i = 0; i < v->list.n; i++)
            if (!is_all_secret(v->list.v[i])) return false;
    if (v->kind == SW_MAP)
        for (size_t i = 0; i < v->map.n; i++)
            if (!is_all_secret(v->map.v[i].value)) return false;
    return true;
}

static const struct sw_value *mark(struct sw_arena *arena, const struct sw_value *v) {
    struct sw_value *copy = sw_new(arena, struct sw_value);
    *copy = *v;
    copy->secret = true;
    if (sw_value__is_sequence(v) && v->list.n) {
        copy->list.v = sw_new_n(arena, const struct sw_value *, v->list.n);
        for (size_t i = 0; i < v->list.n; i++) copy->list.v[i] = mark(arena, v->list.v[i]);
    } else if (v->kind == SW_MAP && v->map.n) {
        struct sw_pair *pairs = sw_new_n(arena, struct sw_pair, v->map.n);
        for (size_t i = 0; i < v->map.n; i++) pairs[i] = (struct sw_pair){v->map.v[i].key, mark(arena, v->map.v[i].value)};
        copy->map.v = pairs;
    }
    return copy;
}

const struct sw_value *sw_value_secret(struct sw_arena *arena, const struct sw_value *v) {
    return is_all_secret(v) ? v : mark(arena, v);
}

const struct sw_value *sw_value_copy(struct sw_arena *arena, const struct sw_value *v) {
    if (!v) return NULL;
    struct sw_value *copy = sw_new(arena, struct sw_value);
    *copy = *v;
    switch ((enum sw_kind)v->kind) {
    case SW_STR: copy->s.p = sw_strndup(arena, v->s.p, v->s.len); break;
    case SW_LIST:
    case SW_CONCAT:
        copy->list.v = v->list.n ? sw_new_n(arena, const struct sw_value *, v->list.n) : NULL;
        for (size_t i = 0; i < v->list.n; i++) copy->list.v[i] = sw_value_copy(arena, v->list.v[i]);
        break;
    case SW_MAP: {
        struct sw_pair *pairs = v->map.n ? sw_new_n(arena, struct sw_pair, v->map.n) : NULL;
        for (size_t i = 0; i < v->map.n; i++)
            pairs[i] = (struct sw_pair){sw_strdup(arena, v->map.v[i].key), sw_value_copy(arena, v->map.v[i].value)};
        copy->map.v = pairs;
        break;
    }
    case SW_REF:
        copy->ref.address = sw_strdup(arena, v->ref.address);
        copy->ref.path = sw_strdup(arena, v->ref.path);
        break;
    case SW_NULL:
    case SW_BOOL:
    case SW_INT:
    case SW_REAL:
    case SW_UNKNOWN: break;
    }
    return copy;
}
