/* JSON in: jansson parses, and its tree becomes values, $-objects included. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "value_internal.h"

#define MAX_BYTES ((size_t)64 * 1024 * 1024)
/* Users' own documents are held to 64 levels. What slipway wrote itself wraps values in $-objects, which come on top. */
enum { MAX_PLAIN_DEPTH = 64, MAX_OWN_DEPTH = 160 };

struct reader {
    struct sw_arena *arena;
    bool plain;
    bool ints_as_reals; /* the document holds an integer beyond 64 bits */
    struct sw_err *err;
};

static int convert(struct reader *r, json_t *json, unsigned depth, const struct sw_value **ret);

static bool too_deep(struct reader *r, unsigned depth) {
    unsigned limit = r->plain ? MAX_PLAIN_DEPTH : MAX_OWN_DEPTH;
    if (depth > limit) sw_err_set(r->err, SW_ELIMIT, "JSON is nested deeper than %u levels", limit);
    return depth > limit;
}

static int convert_array(struct reader *r, json_t *json, enum sw_kind kind, unsigned depth, const struct sw_value **ret) {
    if (too_deep(r, depth)) return r->err ? r->err->code : SW_ELIMIT;
    size_t n = json_array_size(json);
    struct sw_value *v = sw_new(r->arena, struct sw_value);
    v->kind = (uint8_t)kind;
    v->list.n = n;
    v->list.v = n ? sw_new_n(r->arena, const struct sw_value *, n) : NULL;
    for (size_t i = 0; i < n; i++) {
        int rc = convert(r, json_array_get(json, i), depth + 1, &v->list.v[i]);
        if (rc < 0) return rc;
    }
    *ret = v;
    return 0;
}

static int convert_pairs(struct reader *r, json_t *json, unsigned depth, const struct sw_value **ret) {
    if (too_deep(r, depth)) return r->err ? r->err->code : SW_ELIMIT;
    size_t n = json_object_size(json), i = 0;
    struct sw_pair *pairs = sw_xcalloc(n, sizeof *pairs);
    const char *key;
    json_t *member;
    int rc = 0;
    json_object_foreach(json, key, member) {
        pairs[i].key = key;
        rc = convert(r, member, depth + 1, &pairs[i].value);
        if (rc < 0) break;
        i++;
    }
    if (rc == 0) *ret = sw_value_map(r->arena, pairs, n);
    free(pairs);
    return rc;
}

static const struct sw_value *read_base64(struct reader *r, json_t *json) {
    struct sw_str bytes = {0};
    const struct sw_value *v = NULL;
    if (json_is_string(json) && sw_base64_decode(json_string_value(json), json_string_length(json), &bytes))
        v = sw_value_strn(r->arena, sw_str_z(&bytes), bytes.len);
    sw_str_done(&bytes);
    return v;
}

/* One of the writer's $-objects. *ret stays NULL when it is not one after all: then it is the user's map. */
static int convert_special(struct reader *r, json_t *json, unsigned depth, const struct sw_value **ret) {
    const char *key = json_object_iter_key(json_object_iter(json));
    json_t *inner = json_object_iter_value(json_object_iter(json));
    if (strcmp(key, "$secret") == 0) {
        const struct sw_value *v;
        int rc = convert(r, inner, depth, &v);
        if (rc < 0) return rc;
        *ret = sw_value_secret(r->arena, v);
    } else if (strcmp(key, "$map") == 0 && json_is_object(inner)) {
        return convert_pairs(r, inner, depth, ret);
    } else if (strcmp(key, "$unknown") == 0 && json_is_true(inner)) {
        *ret = &SW_UNKNOWN_VALUE;
    } else if (strcmp(key, "$base64") == 0) {
        *ret = read_base64(r, inner);
    } else if (strcmp(key, "$concat") == 0 && json_is_array(inner)) {
        return convert_array(r, inner, SW_CONCAT, depth, ret);
    } else if (strcmp(key, "$ref") == 0 && json_array_size(inner) == 2) {
        const char *address = json_string_value(json_array_get(inner, 0)), *path = json_string_value(json_array_get(inner, 1));
        if (address && path) *ret = sw_value_ref(r->arena, address, path);
    }
    return 0;
}

static int convert_object(struct reader *r, json_t *json, unsigned depth, const struct sw_value **ret) {
    if (!r->plain && json_object_size(json) == 1 && json_object_iter_key(json_object_iter(json))[0] == '$') {
        const struct sw_value *special = NULL;
        int rc = convert_special(r, json, depth, &special);
        if (rc < 0 || special) {
            *ret = special;
            return rc;
        }
    }
    return convert_pairs(r, json, depth, ret);
}

static int convert(struct reader *r, json_t *json, unsigned depth, const struct sw_value **ret) {
    switch (json_typeof(json)) {
    case JSON_NULL: *ret = &SW_NULL_VALUE; return 0;
    case JSON_TRUE: *ret = &SW_TRUE_VALUE; return 0;
    case JSON_FALSE: *ret = &SW_FALSE_VALUE; return 0;
    case JSON_INTEGER: *ret = sw_value_int(r->arena, json_integer_value(json)); return 0;
    case JSON_STRING: *ret = sw_value_strn(r->arena, json_string_value(json), json_string_length(json)); return 0;
    case JSON_REAL: {
        double d = json_real_value(json);
        bool whole = r->ints_as_reals && fabs(d) < 9007199254740992.0 && d == floor(d);
        *ret = whole ? sw_value_int(r->arena, (int64_t)d) : sw_value_real(r->arena, d);
        return 0;
    }
    case JSON_ARRAY: return convert_array(r, json, SW_LIST, depth, ret);
    case JSON_OBJECT: return convert_object(r, json, depth, ret);
    }
    return sw_err_set(r->err, SW_EINTERNAL, "unknown kind of JSON value");
}

int sw_json_read(struct sw_arena *arena, const char *text, size_t len, unsigned flags, const struct sw_value **ret, struct sw_err *err) {
    if (len > MAX_BYTES) return sw_err_set(err, SW_ELIMIT, "JSON is larger than %zu MiB", MAX_BYTES >> 20);
    struct reader r = {.arena = arena, .plain = (flags & SW_JSON_PLAIN) != 0, .err = err};
    size_t how = JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES;
    json_error_t failure;
    json_t *json = json_loadb(text, len, how, &failure);
    if (!json && json_error_code(&failure) == json_error_numeric_overflow) {
        r.ints_as_reals = true;
        json = json_loadb(text, len, how | JSON_DECODE_INT_AS_REAL, &failure);
    }
    if (!json) {
        /* jansson adds "near '…'", a piece of the document: it may be a secret, and no terminal should see it raw. */
        const char *near = strstr(failure.text, " near ");
        int words = near ? (int)(near - failure.text) : (int)strlen(failure.text);
        sw_err_set(err, SW_EINVAL, "not valid JSON: %.*s (line %d, column %d)", words, failure.text, failure.line, failure.column);
        return SW_EINVAL;
    }
    const struct sw_value *v = NULL;
    int rc = convert(&r, json, 1, &v);
    json_decref(json);
    if (rc == 0) *ret = v;
    return rc;
}
