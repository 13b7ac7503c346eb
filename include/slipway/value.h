/* Values: what attributes, inventories, states and plans are made of.
 *
 * Trees of JSON kinds plus three more: a reference to another resource's attribute, a text made of parts that hold
 * references, and "unknown" (known after apply). Any value can be marked secret: it prints as (sensitive).
 * Values are immutable once built and live in an arena; sharing subtrees is free.
 */
#ifndef SLIPWAY_VALUE_H
#define SLIPWAY_VALUE_H

#include <stdbool.h>
#include <stdint.h>
#include "slipway/arena.h"
#include "slipway/err.h"
#include "slipway/str.h"

enum sw_kind {
    SW_NULL,
    SW_BOOL,
    SW_INT,
    SW_REAL,
    SW_STR,
    SW_LIST,
    SW_MAP,     /* pairs sorted by key (strcmp): lookups are a binary search and output is canonical */
    SW_REF,     /* an attribute of another resource: address "lab_node.n1", path "address" or "network.0.ip" */
    SW_CONCAT,  /* a text made of parts: STR, REF, other scalars */
    SW_UNKNOWN, /* known after apply */
};

struct sw_pair {
    const char *key;
    const struct sw_value *value;
};

struct sw_value {
    uint8_t kind;  /* enum sw_kind */
    bool secret;   /* print as (sensitive); rests encrypted */
    uint32_t line; /* in the user's file, 0 = unknown */
    union {
        bool b;
        int64_t i;
        double d;
        struct {
            const char *p;
            size_t len;
        } s; /* NUL-terminated, may hold NULs */
        struct {
            const struct sw_value **v;
            size_t n;
        } list; /* LIST and CONCAT */
        struct {
            const struct sw_pair *v;
            size_t n;
        } map;
        struct {
            const char *address, *path;
        } ref;
    };
};

extern const struct sw_value SW_NULL_VALUE, SW_TRUE_VALUE, SW_FALSE_VALUE, SW_UNKNOWN_VALUE, SW_EMPTY_MAP, SW_EMPTY_LIST;

const struct sw_value *sw_value_str(struct sw_arena *arena, const char *z);              /* copies */
const struct sw_value *sw_value_strn(struct sw_arena *arena, const char *p, size_t len); /* copies */
const struct sw_value *sw_value_int(struct sw_arena *arena, int64_t i);
const struct sw_value *sw_value_real(struct sw_arena *arena, double d);
const struct sw_value *sw_value_bool(bool b);
const struct sw_value *sw_value_list(struct sw_arena *arena, const struct sw_value *const *items, size_t n); /* copies the array */
/* Copies and sorts the pairs (keys are copied). Of equal keys the last wins. */
const struct sw_value *sw_value_map(struct sw_arena *arena, const struct sw_pair *pairs, size_t n);
const struct sw_value *sw_value_ref(struct sw_arena *arena, const char *address, const char *path);
const struct sw_value *sw_value_concat(struct sw_arena *arena, const struct sw_value *const *parts, size_t n);
/* The same value marked secret (deep: every leaf below it is, too). */
const struct sw_value *sw_value_secret(struct sw_arena *arena, const struct sw_value *v);
/* Deep copy into another arena. */
const struct sw_value *sw_value_copy(struct sw_arena *arena, const struct sw_value *v);

/* Map access. `map` may be NULL or not a map: then NULL. */
const struct sw_value *sw_get(const struct sw_value *map, const char *key);
/* By dotted path through maps and lists ("network.zones.0"). NULL = absent. */
const struct sw_value *sw_get_path(const struct sw_value *v, const char *path);
/* The text of a STR member, or `fallback`. Borrowed. */
const char *sw_get_str(const struct sw_value *map, const char *key, const char *fallback);
int64_t sw_get_int(const struct sw_value *map, const char *key, int64_t fallback);
bool sw_get_bool(const struct sw_value *map, const char *key, bool fallback);
/* A copy of `map` with key set (value NULL removes it). */
const struct sw_value *sw_map_with(struct sw_arena *arena, const struct sw_value *map, const char *key, const struct sw_value *value);
/* `over`'s members over `base`'s, one level deep. */
const struct sw_value *sw_map_merge(struct sw_arena *arena, const struct sw_value *base, const struct sw_value *over);
static inline bool sw_is(const struct sw_value *v, enum sw_kind kind) {
    return v && v->kind == kind;
}
static inline bool sw_is_nil(const struct sw_value *v) {
    return !v || v->kind == SW_NULL;
}

/* NULL equals SW_NULL; INT 1 equals REAL 1.0; secret marks ignored. */
bool sw_value_equal(const struct sw_value *a, const struct sw_value *b);
bool sw_value_has_unknown(const struct sw_value *v); /* holds UNKNOWN, REF or CONCAT anywhere */
bool sw_value_has_secret(const struct sw_value *v);

/* Calls fn for every REF in the tree. */
void sw_value_each_ref(const struct sw_value *v, void (*fn)(const char *address, const char *path, void *ctx), void *ctx);

/* Replaces every REF by what `lookup` gives (NULL = not known: UNKNOWN takes its place) and joins CONCATs whose parts
 * are all known. A secret part makes the whole text secret. Subtrees without references are shared, not copied. */
typedef const struct sw_value *sw_lookup_fn(const char *address, const char *path, void *ctx);
const struct sw_value *sw_value_resolve(struct sw_arena *arena, const struct sw_value *v, sw_lookup_fn *lookup, void *ctx);

/* Canonical JSON (sorted keys, UTF-8; bytes that are not UTF-8 are written as {"$base64": "…"}).
 * Secrets as "(sensitive)" unless `reveal`; UNKNOWN as {"$unknown": true}; REF as {"$ref": [address, path]};
 * CONCAT as {"$concat": […]}; a map that would read back as one of these as {"$map": {…}}. With `reveal`, secret values as {"$secret": value} so that reading gives them back marked. */
enum sw_json_flags { SW_JSON_REVEAL = 1, SW_JSON_PRETTY = 2, SW_JSON_PLAIN = 4 /* reveal, and no $-objects: for users and Lua */ };
void sw_json_write(struct sw_str *out, const struct sw_value *v, unsigned flags);
/* Reads JSON, and the $-objects above back to their kinds unless SW_JSON_PLAIN. Limits: 64 MiB; depth 64 with PLAIN, 160 without. */
int sw_json_read(struct sw_arena *arena, const char *text, size_t len, unsigned flags, const struct sw_value **ret, struct sw_err *err);

/* One line for people: "abc", 12, true, [1, 2], {a = 1}, (sensitive), (known after apply). Cut at max_columns with "…"; 0 = not cut. */
void sw_value_format(struct sw_str *out, const struct sw_value *v, size_t max_columns);

/* SHA-256 of the canonical JSON with secrets revealed, as 64 hex digits. Equal values (sw_value_equal) have the same hash. */
void sw_value_hash(const struct sw_value *v, char ret_hex[static 65]);

#endif
