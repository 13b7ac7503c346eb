#include "slipway/schema.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "slipway/vec.h"
#include "value_internal.h"

#define MAX_COLUMNS 40
#define MAX_LISTED 16

struct check {
    struct sw_arena *arena;
    struct sw_pos pos;
    const char *root; /* the outermost schema's name */
    struct sw_err *err;
};

static int check_map(const struct check *c, const struct sw_schema *schema, const struct sw_value *v, const char *path,
                     const struct sw_value **ret);

const struct sw_attr *sw_schema_find(const struct sw_schema *schema, const char *name)
{
    size_t lo = 0, hi = schema->n_attrs;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int order = strcmp(name, schema->attrs[mid].name);
        if (order == 0)
            return &schema->attrs[mid];
        if (order < 0)
            hi = mid;
        else
            lo = mid + 1;
    }
    return NULL;
}

bool sw_value__parse_int(const char *text, int64_t *ret)
{
    char *end;
    const char *digits = text + (*text == '-' || *text == '+');
    if (*digits < '0' || *digits > '9')
        return false;
    errno = 0;
    long long i = strtoll(text, &end, 10);
    if (*end || errno)
        return false;
    *ret = i;
    return true;
}

bool sw_value__parse_real(const char *text, double *ret)
{
    const char *digits = text + (*text == '-' || *text == '+');
    /* strtod would take " 1", "0x1p3", "inf" and "nan" as well. */
    if (strspn(digits, "0123456789.eE+-") != strlen(digits) || !strpbrk(digits, "0123456789") || *digits == 'e' || *digits == 'E')
        return false;
    char *end;
    double d = strtod(text, &end);
    if (*end || !isfinite(d))
        return false;
    *ret = d;
    return true;
}

static const char *type_words(enum sw_attr_type type)
{
    switch (type) {
    case SW_T_STRING: return "a string";
    case SW_T_INT: return "a whole number";
    case SW_T_NUMBER: return "a number";
    case SW_T_BOOL: return "true or false";
    case SW_T_LIST: return "a list";
    case SW_T_MAP: return "a map";
    case SW_T_ANY: break;
    }
    return "a value";
}

/* `the number 420`, `the string "x"`, `a list`: what was found instead. Secrets only by their kind. */
static void describe(struct sw_str *out, const struct sw_value *v, bool hide)
{
    static const char *const kinds[] = {[SW_NULL] = "null", [SW_BOOL] = "a boolean", [SW_INT] = "a number",
                                        [SW_REAL] = "a number", [SW_STR] = "a string", [SW_LIST] = "a list",
                                        [SW_MAP] = "a map", [SW_REF] = "a reference", [SW_CONCAT] = "a text with references",
                                        [SW_UNKNOWN] = "an unknown value"};
    const char *noun = v->kind == SW_STR ? "the string " : v->kind == SW_INT || v->kind == SW_REAL ? "the number " : "";
    if (hide || v->secret || !(*noun || v->kind == SW_BOOL)) {
        sw_str_addz(out, kinds[v->kind]);
        return;
    }
    sw_str_addz(out, noun);
    sw_value_format(out, v, MAX_COLUMNS);
}

static int fail_at(const struct check *c, const struct sw_value *v, int rc)
{
    struct sw_pos pos = c->pos;
    if (v && v->line) {
        pos.line = v->line;
        pos.column = 0;
    }
    sw_err_at(c->err, pos);
    return rc;
}

static int fail_type(const struct check *c, const struct sw_attr *attr, enum sw_attr_type type, const char *path,
                     const struct sw_value *v)
{
    struct sw_str found = {0};
    describe(&found, v, attr->sensitive);
    sw_err_set(c->err, SW_EINVAL, "'%s' of '%s' must be %s, not %s", path, c->root, type_words(type), sw_str_z(&found));
    bool scalar = v->kind == SW_BOOL || v->kind == SW_INT || v->kind == SW_REAL;
    if (type == SW_T_STRING && scalar && !attr->sensitive && !v->secret) {
        sw_str_clear(&found);
        sw_value_format(&found, v, MAX_COLUMNS);
        sw_err_hint(c->err, "put it in quotes: \"%s\"", sw_str_z(&found));
    } else if (type == SW_T_LIST && (scalar || v->kind == SW_STR || v->kind == SW_MAP)) {
        sw_err_hint(c->err, "a list of one is written [ ... ] in YAML and { ... } in Lua");
    } else if (attr->doc) {
        sw_err_hint(c->err, "%s: %s", path, attr->doc);
    }
    sw_str_done(&found);
    return fail_at(c, v, SW_EINVAL);
}

static int fail_unknown(const struct check *c, const struct sw_schema *schema, const char *key, const char *path,
                        const struct sw_value *v, const struct sw_value *map)
{
    sw_err_set(c->err, SW_EINVAL, "'%s' has no attribute '%s'", c->root, path);
    const char **names = sw_xcalloc(schema->n_attrs, sizeof *names);
    struct sw_str list = {0};
    size_t n = 0;
    for (size_t i = 0; i < schema->n_attrs; i++) {
        if (schema->attrs[i].computed)
            continue;
        names[n++] = schema->attrs[i].name;
        if (n <= MAX_LISTED)
            sw_str_addf(&list, "%s%s", n > 1 ? ", " : "", schema->attrs[i].name);
    }
    const char *near = sw_nearest(key, names, n);
    if (near)
        sw_err_hint(c->err, "did you mean '%s'?", near);
    else if (n > 0)
        sw_err_hint(c->err, "it may hold: %s%s", sw_str_z(&list), n > MAX_LISTED ? ", …" : "");
    sw_str_done(&list);
    free(names);
    return fail_at(c, v->line ? v : map, SW_EINVAL);
}

static int fail_one_of(const struct check *c, const struct sw_attr *attr, const char *path, const struct sw_value *v)
{
    struct sw_str text = {0}, found = {0};
    const struct sw_value *allowed = attr->one_of;
    const char **words = sw_xcalloc(allowed->list.n, sizeof *words);
    size_t n = 0;
    for (size_t i = 0; i < allowed->list.n; i++) {
        const struct sw_value *item = allowed->list.v[i];
        sw_str_addz(&text, i == 0 ? "" : i + 1 == allowed->list.n ? " or " : ", ");
        sw_value_format(&text, item, MAX_COLUMNS);
        if (item->kind == SW_STR)
            words[n++] = item->s.p;
    }
    describe(&found, v, attr->sensitive);
    sw_err_set(c->err, SW_EINVAL, "'%s' of '%s' must be %s, not %s", path, c->root, sw_str_z(&text), sw_str_z(&found));
    const char *near = v->kind == SW_STR ? sw_nearest(v->s.p, words, n) : NULL;
    if (near)
        sw_err_hint(c->err, "did you mean '%s'?", near);
    else if (attr->doc)
        sw_err_hint(c->err, "%s: %s", path, attr->doc);
    free(words);
    sw_str_done(&text);
    sw_str_done(&found);
    return fail_at(c, v, SW_EINVAL);
}

static const struct sw_value *with_line(struct sw_arena *arena, const struct sw_value *made, const struct sw_value *from)
{
    struct sw_value *copy = sw_new(arena, struct sw_value);
    *copy = *made;
    copy->line = from->line;
    copy->secret = from->secret;
    return copy;
}

/* The value as `type`, converted where the contract allows it. NULL = it does not fit. */
static const struct sw_value *fit(struct sw_arena *arena, enum sw_attr_type type, const struct sw_value *v)
{
    int64_t i;
    double d;
    bool text = v->kind == SW_STR && strlen(v->s.p) == v->s.len;
    switch (type) {
    case SW_T_ANY: return v;
    case SW_T_STRING: return v->kind == SW_STR ? v : NULL;
    case SW_T_BOOL: return v->kind == SW_BOOL ? v : NULL;
    case SW_T_INT:
        if (v->kind == SW_INT)
            return v;
        if (v->kind == SW_REAL && fabs(v->d) < 9007199254740992.0 && v->d == floor(v->d))
            return with_line(arena, sw_value_int(arena, (int64_t)v->d), v);
        if (text && sw_value__parse_int(v->s.p, &i))
            return with_line(arena, sw_value_int(arena, i), v);
        return NULL;
    case SW_T_NUMBER:
        if (v->kind == SW_INT || v->kind == SW_REAL)
            return v;
        if (text && sw_value__parse_int(v->s.p, &i))
            return with_line(arena, sw_value_int(arena, i), v);
        if (text && sw_value__parse_real(v->s.p, &d))
            return with_line(arena, sw_value_real(arena, d), v);
        return NULL;
    case SW_T_LIST:
        if (v->kind == SW_MAP && v->map.n == 0)
            return with_line(arena, &SW_EMPTY_LIST, v);
        return v->kind == SW_LIST ? v : NULL;
    case SW_T_MAP:
        if (v->kind == SW_LIST && v->list.n == 0)
            return with_line(arena, &SW_EMPTY_MAP, v);
        return v->kind == SW_MAP ? v : NULL;
    }
    return NULL;
}

static bool is_open(const struct sw_value *v)
{
    return v->kind == SW_UNKNOWN || v->kind == SW_REF || v->kind == SW_CONCAT;
}

static char *join(struct sw_arena *arena, const char *path, const char *key)
{
    return *path ? sw_printf(arena, "%s.%s", path, key) : sw_strdup(arena, key);
}

/* One element of a LIST or MAP. */
static int check_element(const struct check *c, const struct sw_attr *attr, const struct sw_value *v, const char *path,
                         const char *key, const struct sw_value **ret)
{
    bool shaped = attr->object && attr->type == SW_T_LIST;
    enum sw_attr_type type = shaped ? SW_T_MAP : attr->elem;
    *ret = v;
    if ((type == SW_T_ANY && !shaped) || is_open(v))
        return 0;
    const struct sw_value *fitted = fit(c->arena, type, v);
    if (!fitted)
        return fail_type(c, attr, type, join(c->arena, path, key), v);
    *ret = fitted;
    return shaped ? check_map(c, attr->object, fitted, join(c->arena, path, key), ret) : 0;
}

static int check_list(const struct check *c, const struct sw_attr *attr, const struct sw_value *v, const char *path,
                      const struct sw_value **ret)
{
    struct sw_value *copy = sw_new(c->arena, struct sw_value);
    *copy = *v;
    copy->list.v = v->list.n ? sw_new_n(c->arena, const struct sw_value *, v->list.n) : NULL;
    for (size_t i = 0; i < v->list.n; i++) {
        char index[24];
        snprintf(index, sizeof index, "%zu", i);
        int rc = check_element(c, attr, v->list.v[i], path, index, &copy->list.v[i]);
        if (rc < 0)
            return rc;
    }
    *ret = copy;
    return 0;
}

static int check_members(const struct check *c, const struct sw_attr *attr, const struct sw_value *v, const char *path,
                         const struct sw_value **ret)
{
    struct sw_pair *pairs = v->map.n ? sw_new_n(c->arena, struct sw_pair, v->map.n) : NULL;
    for (size_t i = 0; i < v->map.n; i++) {
        pairs[i].key = v->map.v[i].key;
        int rc = check_element(c, attr, v->map.v[i].value, path, pairs[i].key, &pairs[i].value);
        if (rc < 0)
            return rc;
    }
    *ret = sw_value__map_like(c->arena, v, pairs, v->map.n);
    return 0;
}

static int check_attr(const struct check *c, const struct sw_attr *attr, const struct sw_value *v, const char *path,
                      const struct sw_value **ret)
{
    int rc = 0;
    if (!is_open(v)) {
        const struct sw_value *given = v;
        v = fit(c->arena, attr->type, given);
        if (!v)
            return fail_type(c, attr, attr->type, path, given);
        if (attr->type == SW_T_LIST && (attr->elem != SW_T_ANY || attr->object))
            rc = check_list(c, attr, v, path, &v);
        else if (attr->type == SW_T_MAP && attr->object)
            rc = check_map(c, attr->object, v, path, &v);
        else if (attr->type == SW_T_MAP && attr->elem != SW_T_ANY)
            rc = check_members(c, attr, v, path, &v);
        if (rc < 0)
            return rc;
        if (sw_is(attr->one_of, SW_LIST)) {
            bool allowed = false;
            for (size_t i = 0; i < attr->one_of->list.n && !allowed; i++)
                allowed = sw_value_equal(v, attr->one_of->list.v[i]);
            if (!allowed)
                return fail_one_of(c, attr, path, v);
        }
    }
    *ret = attr->sensitive ? sw_value_secret(c->arena, v) : v;
    return 0;
}

/* Attributes and members are both sorted: one pass over the two finds what is missing and what is unknown. */
static int check_map(const struct check *c, const struct sw_schema *schema, const struct sw_value *v, const char *path,
                     const struct sw_value **ret)
{
    struct sw_pair *pairs = sw_new_n(c->arena, struct sw_pair, v->map.n + schema->n_attrs);
    size_t i = 0, j = 0, n = 0;
    while (i < v->map.n || j < schema->n_attrs) {
        const struct sw_attr *attr = j < schema->n_attrs ? &schema->attrs[j] : NULL;
        const struct sw_pair *pair = i < v->map.n ? &v->map.v[i] : NULL;
        int order = !pair ? 1 : !attr ? -1 : strcmp(pair->key, attr->name);
        i += order <= 0;
        j += order >= 0;
        if (order < 0) {
            if (!schema->open)
                return fail_unknown(c, schema, pair->key, join(c->arena, path, pair->key), pair->value, v);
            pairs[n++] = *pair;
            continue;
        }
        const struct sw_value *given = order == 0 && !sw_is_nil(pair->value) ? pair->value : attr->fallback;
        if (!given) {
            if (!attr->required)
                continue;
            sw_err_set(c->err, SW_EINVAL, "'%s' needs '%s' (%s)", c->root, join(c->arena, path, attr->name), type_words(attr->type));
            if (attr->doc)
                sw_err_hint(c->err, "%s: %s", attr->name, attr->doc);
            return fail_at(c, v, SW_EINVAL);
        }
        if (attr->computed && given != attr->fallback) {
            sw_err_set(c->err, SW_EINVAL, "'%s' of '%s' cannot be set: it is known only after apply",
                       join(c->arena, path, attr->name), c->root);
            return fail_at(c, given, SW_EINVAL);
        }
        pairs[n].key = attr->name;
        int rc = check_attr(c, attr, given, join(c->arena, path, attr->name), &pairs[n].value);
        if (rc < 0)
            return rc;
        n++;
    }
    *ret = sw_value__map_like(c->arena, v, pairs, n);
    return 0;
}

int sw_schema_check(const struct sw_schema *schema, const struct sw_value *v, struct sw_pos pos, struct sw_arena *arena,
                    const struct sw_value **ret, struct sw_err *err)
{
    struct check c = {arena, pos, schema->name, err};
    if (sw_is_nil(v))
        v = &SW_EMPTY_MAP;
    if (is_open(v)) {
        *ret = v;
        return 0;
    }
    const struct sw_value *map = fit(arena, SW_T_MAP, v), *checked;
    if (!map) {
        struct sw_str found = {0};
        describe(&found, v, false);
        sw_err_set(err, SW_EINVAL, "'%s' must be a map, not %s", schema->name, sw_str_z(&found));
        sw_str_done(&found);
        return fail_at(&c, v, SW_EINVAL);
    }
    int rc = check_map(&c, schema, map, "", &checked);
    if (rc == 0)
        *ret = checked;
    return rc;
}
