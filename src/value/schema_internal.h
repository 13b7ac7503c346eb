/* The schema check's own parts: schema.c (the check), schema_error.c (what it says). */
#ifndef SLIPWAY_SCHEMA_INTERNAL_H
#define SLIPWAY_SCHEMA_INTERNAL_H

#include "slipway/schema.h"

/* Where the check is, from the innermost outwards: made into "pools.0.count" only when something is wrong. NULL = the top. */
struct path {
    const struct path *up;
    const char *key; /* NULL: the element `index` of a list */
    size_t index;
};

struct check {
    struct sw_arena *arena;
    struct sw_pos pos;
    const char *root; /* the outermost schema's name */
    struct sw_err *err;
};

/* "a string", "a whole number", ... */
const char *sw_schema__type_words(enum sw_attr_type type);

/* Each sets the error, its place and its hint, and returns SW_EINVAL. `path` is the attribute's, from the outermost map. */
int sw_schema__fail_at(const struct check *c, const struct sw_value *v);
int sw_schema__fail_kind(const struct check *c, const struct sw_value *v);
int sw_schema__fail_type(const struct check *c, const struct sw_attr *attr, enum sw_attr_type type, const struct path *path,
                         const struct sw_value *v);
int sw_schema__fail_unknown(const struct check *c, const struct sw_schema *schema, const char *key, const struct path *path,
                            const struct sw_value *v, const struct sw_value *map);
int sw_schema__fail_one_of(const struct check *c, const struct sw_attr *attr, const struct path *path, const struct sw_value *v);
int sw_schema__fail_missing(const struct check *c, const struct sw_attr *attr, const struct path *path, const struct sw_value *map);
int sw_schema__fail_computed(const struct check *c, const struct path *path, const struct sw_value *v);

#endif
