/* Schemas: what a map may hold. One row per attribute, from which validation, defaults, docs, completion and diffs come. */
#ifndef SLIPWAY_SCHEMA_H
#define SLIPWAY_SCHEMA_H

#include "slipway/value.h"

enum sw_attr_type { SW_T_ANY, SW_T_STRING, SW_T_INT, SW_T_NUMBER, SW_T_BOOL, SW_T_LIST, SW_T_MAP };

struct sw_attr {
    const char *name;
    enum sw_attr_type type;
    enum sw_attr_type elem;         /* of a LIST or MAP; SW_T_ANY = anything */
    const struct sw_schema *object; /* a MAP (or elements of a LIST) of this shape, or NULL */
    bool required;
    bool immutable; /* a change means replace */
    bool computed;  /* set by the world, not by the user */
    bool sensitive;
    bool derived;                    /* follows from other attributes: shown only where it changes */
    bool health;                     /* how it is doing, which moves by itself: no plan is stale for it */
    bool write_only;                 /* shown, but not compared: another attribute (a hash) tells of its change */
    const struct sw_value *fallback; /* the default, or NULL */
    const struct sw_value *one_of;   /* LIST of allowed values, or NULL */
    const char *doc;                 /* one sentence */
};

struct sw_schema {
    const char *name; /* "file", "inventory", … for messages */
    const char *doc;
    const struct sw_attr *attrs; /* sorted by name */
    size_t n_attrs;
    bool open; /* unknown keys are allowed */
};

const struct sw_attr *sw_schema_find(const struct sw_schema *schema, const char *name);

/* Checks `v` (a MAP) and returns it with defaults filled in and sensitive attributes marked secret. A number given as text
 * where a number is wanted ("22") is accepted and becomes one; INT/REAL/BOOL -> STRING never. UNKNOWN, REF and CONCAT fit any
 * type; null means not set; an empty LIST where a MAP is wanted, and the reverse, are the same (Lua's {}). Computed attributes
 * cannot be set.
 * Errors name the attribute, what was expected, "did you mean", and the value's line in pos.file. */
int sw_schema_check(const struct sw_schema *schema, const struct sw_value *v, struct sw_pos pos, struct sw_arena *arena,
                    const struct sw_value **ret, struct sw_err *err);

/* One attribute that differs. `before`/`after` NULL = absent there. */
struct sw_attr_diff {
    const char *name;
    const struct sw_attr *attr; /* NULL when the schema does not know it */
    const struct sw_value *before, *after;
    bool forces_replace;
};

/* What would change: every attribute of `after` (the desired map) that is not write_only and differs from `before`.
 * Within attributes that have an `object` shape, too, only what `after` sets is compared.
 * Attributes the user did not set (absent in `after`) and computed ones are not compared. UNKNOWN in `after` counts as a change.
 * `before` NULL: everything in `after` that is not derived (create). When anything differs, write_only attributes that differ are appended for display.
 * ignore: names not to compare, NULL-terminated, or NULL. Returns the number of diffs; *ret is in the arena. */
size_t sw_schema_diff(const struct sw_schema *schema, const struct sw_value *before, const struct sw_value *after,
                      const char *const *ignore, struct sw_arena *arena, struct sw_attr_diff **ret);

/* Whether one attribute differs, by the same rules: within what has an `object` shape only what `after` sets is compared. attr may be NULL. */
bool sw_attr_differs(const struct sw_attr *attr, const struct sw_value *before, const struct sw_value *after);

/* Unified diff (context 3) of two texts into `out`, without headers: lines start with ' ', '+', '-', hunks with "@@". A last line
 * without a newline is followed by git's "\\ No newline at end of file". Bounded: when the part that differs is beyond 4,000 lines a side
 * it says how many lines differ instead, in one "@@" line. */
void sw_text_diff(struct sw_str *out, const char *a, size_t a_len, const char *b, size_t b_len);

#endif
