/* The plan: a value. What would be done, in which order, and what the world looked like when it was decided.
 * It is shown, saved, reviewed, checked by policies and then run verbatim. */
#ifndef SLIPWAY_PLAN_H
#define SLIPWAY_PLAN_H

#include "slipway/resource.h"
#include "slipway/schema.h"

enum sw_action {
    SW_NOOP,
    SW_CREATE,
    SW_UPDATE,
    SW_REPLACE, /* delete, then create, with what stands on it between; or the other way round (create_first) */
    SW_DELETE,
    SW_FORGET, /* drop from the state, leave the world alone */
    SW_READ, /* a data source that can be read at apply only; one that was read when the plan was made is a NOOP with its values in `after` */
};
enum { SW_N_ACTIONS = SW_READ + 1 };
const char *sw_action_name(enum sw_action action); /* "create" */
const char *sw_action_sign(enum sw_action action); /* "+" "~" "-/+" "-" "." */

unsigned sw_resource_layer(const struct sw_resource *resource); /* 0 machines and cloud, 1 nodes, 2 cluster */

struct sw_plan_item {
    const struct sw_resource *resource; /* for DELETE and FORGET: rebuilt from the state */
    enum sw_action action;
    const char *reason;            /* "file:/etc/x changes", "not in the playbook any more", … or NULL */
    const struct sw_value *before; /* what was read (NULL = absent) */
    const struct sw_value *after;  /* desired, resolved as far as known; NULL for DELETE and FORGET */
    const struct sw_value *prior;  /* as recorded in the state, or NULL */
    struct sw_attr_diff *diffs;
    size_t n_diffs;
    bool at_apply;         /* could not be read at plan time: read, and perhaps left alone, at apply */
    bool drifted;          /* before differs from prior: somebody else changed it */
    bool triggered;        /* acts because of restart_on */
    bool unsettled;        /* recorded as begun only, and found: to be recorded as done */
    bool create_first;     /* a replacement is created before its old self is removed */
    const char **built_on; /* what its recorded self depends on where that is not what it depends on now; NULL-terminated, or NULL */
    const char **restarts; /* what acts again when this changes and is no part of this plan (--target): it becomes due; or NULL */
    uint32_t *needs;       /* indices of items that must be done first */
    size_t n_needs;
};

/* What a policy says of a plan. Never saved with it: policies are asked again wherever the plan is used. */
enum sw_verdict { SW_VERDICT_WARN, SW_VERDICT_APPROVAL, SW_VERDICT_DENY };
struct sw_finding {
    enum sw_verdict verdict;
    const char *policy;  /* its name: that of its file without ".lua" */
    const char *address; /* of an item of the plan, or NULL: the plan as a whole */
    const char *message;
    const char *file; /* of the policy */
    unsigned line;
};

struct sw_plan {
    const char *inventory; /* name */
    const char *lineage;   /* of the state it was made against */
    int64_t serial;        /* of the state */
    int64_t created_ms;    /* wall clock */
    bool destroy, refresh_only;
    bool partial; /* --target or --exclude: it does not hold everything that was declared */
    const struct sw_host **hosts;
    size_t n_hosts;
    struct sw_plan_item *items; /* topological order */
    size_t n_items;
    const struct sw_output *outputs;
    size_t n_outputs;
    const struct sw_value *providers;
    const struct sw_value *modules;
    const struct sw_moved *moved; /* renames to make in the state first */
    size_t n_moved;
    const char **warnings;
    size_t n_warnings;
    size_t count[SW_N_ACTIONS];        /* by action */
    const struct sw_finding *findings; /* once the policies were asked */
    size_t n_findings;
    const struct sw_cost *cost; /* once it was estimated: cost.h */
};

/* The old self of something that was created anew, until it is removed, has the address and name "aws_lb.x (deposed 1a2b3c4d)". Gives the length of
 * what it was called before that; 0 = it is no such name. *ret_key (or NULL) is where the eight digits begin. */
size_t sw_plan_deposed(const char *name, const char **ret_key);

/* Counts an item's action. What was read when the plan was made is nothing that changes or stays: it does not count. */
void sw_plan_count(struct sw_plan *plan, const struct sw_plan_item *item);
bool sw_plan_is_empty(const struct sw_plan *plan); /* nothing but NOOPs */

/* The saved form: canonical JSON in a small envelope {"slipway_plan": 1, …}; every secret in it encrypted with `key`
 * (32 bytes: the state's key). Reading checks version and shape; the types' schemas are found again by `find_schema`. */
int sw_plan_save(const struct sw_plan *plan, const char *path, const unsigned char *key, struct sw_err *err);
typedef const struct sw_schema *sw_find_schema_fn(void *ctx, const char *type);
int sw_plan_load(struct sw_arena *arena, const char *path, const unsigned char *key, sw_find_schema_fn *find_schema, void *ctx,
                 struct sw_plan **ret, struct sw_err *err);
/* The same as a text, which is kept in another place; `name` is what errors call it. */
int sw_plan_write(const struct sw_plan *plan, const unsigned char *key, struct sw_str *ret, struct sw_err *err);
int sw_plan_read(struct sw_arena *arena, const char *name, const char *text, size_t len, const unsigned char *key,
                 sw_find_schema_fn *find_schema, void *ctx, struct sw_plan **ret, struct sw_err *err);

/* plan_declared.c: what the playbook declared when the plan was made, without what was read and decided; as a plan that does nothing, and as a
 * configuration to plan anew. Both point into the plan. */
struct sw_plan sw_plan_declared(const struct sw_plan *plan, struct sw_arena *arena);
struct sw_config *sw_plan_config(const struct sw_plan *declared, struct sw_arena *arena);

#endif
