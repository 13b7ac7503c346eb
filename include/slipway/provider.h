/* Resource types as the engine sees them: a schema and a table of functions. The Lua host implements it; tests implement it in C.
 *
 * Two families. Types "on a host" are pure: they give shell fragments and read their output; the engine carries both. Types "in an API" do their own
 * I/O, asynchronously: `list` reads many in one go, `act` changes one. At plan time the engine calls probe, read and list, and nothing else.
 */
#ifndef SLIPWAY_PROVIDER_H
#define SLIPWAY_PROVIDER_H

#include "slipway/batch.h"
#include "slipway/plan.h"

struct sw_type;

/* One resource as handed to a type. */
struct sw_item {
    const struct sw_resource *resource;
    const struct sw_value *desired; /* resolved as far as known (may hold UNKNOWN); NULL when it only exists in the state */
    const struct sw_value *prior;   /* attributes in the state, or NULL */
    const struct sw_value *have;    /* what was read, or NULL (for steps and act) */
    enum sw_action action;          /* for steps and act */
    bool triggered;                 /* restart_on fired */
    const char *token;              /* of its creation: for act the idempotency token; for list one that a dead run used, else NULL */
    const struct sw_value *begun;   /* with such a token, for list: what that run set out to make */
};

/* A step on a host: shell code and files to carry there first. Strings in the arena. */
struct sw_upload {
    const char *path;   /* final place of the staged file on the node (a temporary name beside its destination; the script renames it) */
    const char *source; /* local file, streamed; or NULL: */
    const char *data;   /* bytes */
    size_t len;         /* of data */
    const char *sha256; /* 64 hex digits; checked on the node */
};
struct sw_step {
    const char *script; /* one fragment */
    size_t len;
    const struct sw_upload *uploads;
    size_t n_uploads;
    unsigned timeout_ms; /* 0 = the default, 900,000 */
    bool reconnect;      /* the connection may drop at its end (reboot): reconnect until it is back, `timeout_ms` at most */
};

typedef void sw_list_done(void *ctx, const struct sw_value *const *have /* n, NULL = absent */, struct sw_err *err /* NULL = fine */);
typedef void sw_act_done(void *ctx, const struct sw_value *attributes /* MAP, NULL for a delete */, struct sw_err *err);
typedef void sw_act_line(void *ctx, const char *line);

struct sw_type_ops {
    /* On a host. probe: appends one fragment that reads all `n` items (n is 1 unless the type is batched). SW_EREFUSED: they cannot be read at plan
     * time (something is not known yet, or the probe is a stranger's own): read at apply. */
    int (*probe)(const struct sw_type *type, const struct sw_item *items, size_t n, struct sw_str *fragment, struct sw_err *err);
    /* Reads the fragment's output into attributes, one per item, NULL = absent, UNKNOWN = could not be read: at apply. */
    int (*read)(const struct sw_type *type, const struct sw_item *items, size_t n, const struct sw_batch_result *output,
                struct sw_arena *arena, const struct sw_value **ret, struct sw_err *err);
    /* The step that makes item.desired true (CREATE, UPDATE) or removes it (DELETE). */
    int (*step)(const struct sw_type *type, const struct sw_item *item, struct sw_arena *arena, struct sw_step *ret, struct sw_err *err);
    /* Attributes after a successful step, from its output (desired plus computed ones). */
    int (*result)(const struct sw_type *type, const struct sw_item *item, const struct sw_batch_result *output, struct sw_arena *arena,
                  const struct sw_value **ret, struct sw_err *err);
    /* In an API. Both finish on a later turn of the loop. */
    void (*list)(const struct sw_type *type, const struct sw_value *provider, const struct sw_item *items, size_t n, struct sw_arena *arena,
                 sw_list_done *done, void *ctx);
    void (*act)(const struct sw_type *type, const struct sw_value *provider, const struct sw_item *item, struct sw_arena *arena,
                sw_act_line *line, sw_act_done *done, void *ctx);
    /* Desired attributes normalised once all are known (a file's sha256 from its content), or `desired` itself. NULL = nothing to do. */
    int (*normalise)(const struct sw_type *type, const struct sw_value *desired, const char *name, struct sw_arena *arena,
                     const struct sw_value **ret, struct sw_err *err);
};

struct sw_type {
    const char *name; /* "file", "aws_vpc" */
    const char *doc;
    bool on_host;
    bool batched;         /* probe and read take all of a host's items of this type at once */
    bool data;            /* in an API: only listed */
    bool owns_host;       /* deleting one takes everything on hosts that refer to it with it (a VM) */
    const char *provider; /* default provider alias of an API type, e.g. "lab" */
    const struct sw_schema *schema;
    const struct sw_type_ops *ops;
    void *impl;
};

/* Finds types by name. */
struct sw_types {
    const struct sw_type *(*find)(void *ctx, const char *name); /* NULL = unknown */
    const char *(*prelude)(void *ctx);                          /* shell functions shared by all fragments, "" when none */
    void (*cancel)(void *ctx);                                  /* ends running list and act calls with SW_ECANCELLED */
    void *ctx;
};

#endif
