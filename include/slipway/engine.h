/* The engine: refresh, diff, plan, apply. It decides when; the types decide how. */
#ifndef SLIPWAY_ENGINE_H
#define SLIPWAY_ENGINE_H

#include "slipway/event.h"
#include "slipway/loop.h"
#include "slipway/provider.h"
#include "slipway/state.h"

/* What the last operations cost: for benchmarks, tests and --json. */
struct sw_engine_stats {
    unsigned hosts;    /* connected to */
    unsigned channels; /* exec channels opened */
    unsigned lists;    /* API list calls */
    uint64_t bytes_in, bytes_out;
};

struct sw_engine_op; /* what runs, and the open connections; private */

/* What an operation needs, borrowed. Zero-initialise, fill the upper part, end with sw_engine_done(). */
struct sw_engine {
    struct sw_loop *loop;
    struct sw_arena *arena; /* lifetime of the run */
    const struct sw_types *types;
    struct sw_state *state;
    struct sw_sink sink;
    unsigned parallelism; /* API calls at a time; 0 = 64. Hosts are not counted */
    const char *note;     /* for the record of an apply, beside who runs it; or NULL */
    bool untrusted;       /* the playbook is a stranger's: nobody is shown a secret in order to be read */

    struct sw_engine_op *op;
    struct sw_engine_stats stats;
};

/* Closes the connections. Plan and apply on one engine share them. */
void sw_engine_done(struct sw_engine *engine);

struct sw_plan_options {
    const char **targets; /* addresses, globs over addresses, or host names, NULL-terminated, or NULL */
    const char **excludes;
    const char **replaces;
    bool destroy, refresh_only;
    bool no_refresh;                         /* trust the state */
    const struct sw_state_resource *assumed; /* as if they were recorded, too: what an import is told of */
    size_t n_assumed;
};

/* Makes a plan. Reads the world: one exec per reachable host, one list per API type. */
int sw_engine_plan(struct sw_engine *engine, const char *inventory, const struct sw_config *config, const struct sw_plan_options *options,
                   struct sw_plan **ret, struct sw_err *err);

/* The plan's outputs, MAP name -> value; what only an apply can tell is UNKNOWN. */
const struct sw_value *sw_engine_outputs(const struct sw_plan *plan, struct sw_arena *arena);

struct sw_apply_result {
    size_t done, failed, skipped, unchanged;
    uint64_t elapsed_ms, critical_ms; /* of the run; of the longest chain in it */
    bool cancelled;
};
/* Runs a plan and nothing else. The state is right whatever happens. SW_EREMOTE when something failed; SW_ECONFLICT when the plan is stale. */
int sw_engine_apply(struct sw_engine *engine, const struct sw_plan *plan, struct sw_apply_result *ret, struct sw_err *err);
/* Asks a running apply or plan to stop: level 1 = finish what runs and start nothing, 2 = stop now. Loop thread. */
void sw_engine_interrupt(struct sw_engine *engine, unsigned level);

/* A thing that exists, to be adopted under an address that the config declares. */
struct sw_import {
    const char *address;
    const struct sw_value *known;       /* MAP: its id, and whatever else is known of it */
    const struct sw_resource *resource; /* set by sw_engine_find */
    const struct sw_value *found;       /* set by sw_engine_find: what was read, NULL = there is none */
    bool differs;                       /* set by sw_engine_find: the playbook would change it */
};
/* Looks for all of them in one refresh, and writes nothing. SW_ENOTFOUND: not declared; SW_EEXISTS: in the state already, or a run that did not
 * finish made something else under the address. */
int sw_engine_find(struct sw_engine *engine, const struct sw_config *config, struct sw_import *imports, size_t n, struct sw_err *err);
/* May an import take the record's place? So it is of what a create in an API left that failed before anything had an id. */
bool sw_engine_replaceable(const struct sw_state_resource *recorded);
/* Records those that were found. */
int sw_engine_adopt(struct sw_engine *engine, const struct sw_import *imports, size_t n, struct sw_err *err);

#endif
