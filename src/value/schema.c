#include "slipway/schema.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "schema_internal.h"
#include "value_internal.h"

static int check_map(const struct check *c, const struct sw_schema *schema, const struct sw_value *v, const struct path *path,
                     const struct sw_value **ret);

const struct sw_attr *sw_schema_find(const struct sw_schema *schema, const char *name) {
    size_t lo = 0, hi = schema->n_attrs;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int order = strcmp(name, schema->attrs[mid].name);
        if (order == 0) return &schema->attrs[mid];
        if (order < 0)
            hi = mid;
        else
            lo = mid + 1;
    }
    return NULL;
}

static const struct sw_value *with_line(struct sw_arena *arena, const struct sw_value *made, const struct sw_value *from) {
    struct sw_value *copy = sw_new(arena, struct sw_value);
    *copy = *made;
    copy->line = from->line;
    copy->secret = from->secret;
    return copy;
}

/* The value as `type`, converted where the contract allows it. NULL = it does not fit. */
static const struct sw_value *fit(struct sw_arena *arena, enum sw_attr_type type, const struct sw_value *v) {
    int64_t i;
    double d;
    bool text = v->kind == SW_STR && strlen(v->s.p) == v->s.len;
    switch (type) {
    case SW_T_ANY: return v;
    case SW_T_STRING: return v->kind == SW_STR ? v : NULL;
    case SW_T_BOOL: return v->kind == SW_BOOL ? v : NULL;
    case SW_T_INT:
        if (v->kind == SW_INT) return v;
        if (v->kind == SW_REAL && fabs(v->d) < 9007199254740992.0 && v->d == floor(v->d))
            return with_line(arena, sw_value_int(arena, (int64_t)v->d), v);
        if (text && sw_value__parse_int(v->s.p, &i)) return with_line(arena, sw_value_int(arena, i), v);
        return NULL;
    case SW_T_NUMBER:
        if (v->kind == SW_INT || v->kind == SW_REAL) return v;
        if (text && sw_value__parse_int(v->s.p, &i)) return with_line(arena, sw_value_int(arena, i), v);
        if (text && sw_value__parse_real(v->s.p, &d)) return with_line(arena, sw_value_real(arena, d), v);
        return NULL;
    case SW_T_LIST:
        if (v->kind == SW_MAP && v->map.n == 0) return with_line(arena, &SW_EMPTY_LIST, v);
        return v->kind == SW_LIST ? v : NULL;
    case SW_T_MAP:
        if (v->kind == SW_LIST && v->list.n == 0) return with_line(arena, &SW_EMPTY_MAP, v);
        return v->kind == SW_MAP ? v : NULL;
    }
    return NULL;
}

static bool is_open(const struct sw_value *v) {
    return v->kind == SW_UNKNOWN || v->kind == SW_REF || v->kind == SW_CONCAT;
}

/* One element of a LIST or MAP. */
static int check_element(const struct check *c, const struct sw_attr *attr, const struct sw_value *v, const struct path *path,
                         const struct sw_value **ret) {
    bool shaped = attr->object && attr->type == SW_T_LIST;
    enum sw_attr_type type = shaped ? SW_T_MAP : attr->elem;
    *ret = v;
    if ((type == SW_T_ANY && !shaped) || is_open(v)) return 0;
    const struct sw_value *fitted = fit(c->arena, type, v);
    if (!fitted) return sw_schema__fail_type(c, attr, type, path, v);
    *ret = fitted;
    return shaped ? check_map(c, attr->object, fitted, path, ret) : 0;
}

static int check_list(const struct check *c, const struct sw_attr *attr, const struct sw_value *v, const struct path *path,
                      const struct sw_value **ret) {
    struct sw_value *copy = sw_new(c->arena, struct sw_value);
    *copy = *v;
    copy->list.v = sw_new_n(c->arena, const struct sw_value *, v->list.n);
    for (size_t i = 0; i < v->list.n; i++) {
        struct path at = {path, NULL, i};
        int rc = check_element(c, attr, v->list.v[i], &at, &copy->list.v[i]);
        if (rc < 0) return rc;
    }
    *ret = copy;
    return 0;
}

static int check_members(const struct check *c, const struct sw_attr *attr, const struct sw_value *v, const struct path *path,
                         const struct sw_value **ret) {
    struct sw_pair *pairs = sw_new_n(c->arena, struct sw_pair, v->map.n);
    for (size_t i = 0; i < v->map.n; i++) {
        pairs[i].key = v->map.v[i].key;
        struct path at = {path, pairs[i].key, 0};
        int rc = check_element(c, attr, v->map.v[i].value, &at, &pairs[i].value);
        if (rc < 0) return rc;
    }
    *ret = sw_value__map_like(c->arena, v, pairs, v->map.n);
    return 0;
}

static bool is_among(const struct sw_value *allowed, const struct sw_value *v) {
    for (size_t i = 0; i < allowed->list.n; i++)
        if (sw_value_equal(v, allowed->list.v[i])) return true;
    return false;
}

/* The value itself, or each element of a list, is among those allowed. */
static int check_one_of(const struct check *c, const struct sw_attr *attr, const struct sw_value *v, const struct path *path) {
    if (attr->type == SW_T_LIST && v->kind == SW_LIST) {
        for (size_t i = 0; i < v->list.n; i++) {
            struct path at = {path, NULL, i};
            if (!is_open(v->list.v[i]) && !is_among(attr->one_of, v->list.v[i])) return sw_schema__fail_one_of(c, attr, &at, v->list.v[i]);
        }
        return 0;
    }
    return is_among(attr->one_of, v) ? 0 : sw_schema__fail_one_of(c, attr, path, v);
}

static int check_attr(const struct check *c, const struct sw_attr *attr, const struct sw_value *v, const struct path *path,
                      const struct sw_value **ret) {
    int rc = 0;
    if (!is_open(v)) {
        const struct sw_value *given = v;
        v = fit(c->arena, attr->type, given);
        if (!v) return sw_schema__fail_type(c, attr, attr->type, path, given);
        if (attr->type == SW_T_LIST && (attr->elem != SW_T_ANY || attr->object))
            rc = check_list(c, attr, v, path, &v);
        else if (attr->type == SW_T_MAP && attr->object)
            rc = check_map(c, attr->object, v, path, &v);
        else if (attr->type == SW_T_MAP && attr->elem != SW_T_ANY)
            rc = check_members(c, attr, v, path, &v);
        if (rc < 0) return rc;
        if (sw_is(attr->one_of, SW_LIST) && (rc = check_one_of(c, attr, v, path)) < 0) return rc;
    }
    *ret = attr->sensitive ? sw_value_secret(c->arena, v) : v;
    return 0;
}

/* Attributes and members are both sorted: one pass over the two finds what is missing and what is unknown. */
static int check_map(const struct check *c, const struct sw_schema *schema, const struct sw_value *v, const struct path *path,
                     const struct sw_value **ret) {
    struct sw_pair *pairs = sw_new_n(c->arena, struct sw_pair, v->map.n + schema->n_attrs);
    size_t i = 0, j = 0, n = 0;
    while (i < v->map.n || j < schema->n_attrs) {
        int order = i >= v->map.n ? 1 : j >= schema->n_attrs ? -1 : strcmp(v->map.v[i].key, schema->attrs[j].name);
        const struct sw_pair *pair = order <= 0 ? &v->map.v[i] : NULL;
        const struct sw_attr *attr = order >= 0 ? &schema->attrs[j] : NULL;
        struct path at = {path, order < 0 ? pair->key : attr->name, 0};
        i += order <= 0;
        j += order >= 0;
        if (order < 0) {
            if (!schema->open) return sw_schema__fail_unknown(c, schema, pair->key, &at, pair->value, v);
            pairs[n++] = *pair;
            continue;
        }
        const struct sw_value *given = order == 0 && !sw_is_nil(pair->value) ? pair->value : attr->fallback;
        if (!given) {
            if (!attr->required) continue;
            return sw_schema__fail_missing(c, attr, &at, v);
        }
        if (attr->computed && given != attr->fallback) return sw_schema__fail_computed(c, &at, given);
        /* A schema may not live as long as the value. */
        pairs[n].key = order == 0 ? pair->key : sw_strdup(c->arena, attr->name);
        int rc = check_attr(c, attr, given, &at, &pairs[n].value);
        if (rc < 0) return rc;
        n++;
    }
    *ret = sw_value__map_like(c->arena, v, pairs, n);
    return 0;
}

int sw_schema_check(const struct sw_schema *schema, const struct sw_value *v, struct sw_pos pos, struct sw_arena *arena,
                    const struct sw_value **ret, struct sw_err *err) {
    struct check c = {arena, pos, schema->name, err};
    if (sw_is_nil(v)) v = &SW_EMPTY_MAP;
    if (is_open(v)) {
        *ret = v;
        return 0;
    }
    const struct sw_value *map = fit(arena, SW_T_MAP, v), *checked = NULL;
    if (!map) return sw_schema__fail_kind(&c, v);
    int rc = check_map(&c, schema, map, NULL, &checked);
    if (rc == 0) *ret = checked;
    return rc;
}
