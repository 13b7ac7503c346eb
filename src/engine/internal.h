/* Private to engine/: the working data of one operation.
 *
 * `plan` fills a table of items (items.c), orders it (order.c), reads the world in rounds (read.c, rounds.c) and decides each item once what it needs is
 * decided (decide.c). `apply` walks the finished plan (apply*.c). Connections live in hosts.c and are shared by both.
 */
#ifndef SLIPWAY_ENGINE_INTERNAL_H
#define SLIPWAY_ENGINE_INTERNAL_H

#include "slipway/engine.h"
#include "slipway/graph.h"
#include "slipway/map.h"
#include "slipway/remote.h"

/* ---- connections (hosts.c) ---- */

struct eng_host {
    const char *name;
    const struct sw_value *connection; /* resolved; NULL until it is known */
    struct sw_remote *remote;          /* opened at first use */
    bool booting;                      /* made in this run: give it time to come up */
    bool announced;
};

struct sw_engine_op {
    struct sw_map hosts;                             /* name -> struct eng_host */
    unsigned interrupt;                              /* 0, 1, 2 */
    void (*on_interrupt)(void *ctx, unsigned level); /* of the phase that runs, or NULL */
    void *on_interrupt_ctx;
};

struct sw_engine_op *eng_op(struct sw_engine *engine); /* made on first use */
struct eng_host *eng_host_get(struct sw_engine *engine, const char *name);
/* The open remote of a host whose connection is known. */
int eng_host_open(struct sw_engine *engine, struct eng_host *host, struct sw_remote **ret, struct sw_err *err);
/* Adds one job's cost to the engine's stats and says "connected" once. */
void eng_host_account(struct sw_engine *engine, struct eng_host *host, const struct sw_job_result *result);
void eng_host_close(struct eng_host *host);

/* ---- reading (read.c) ---- */

struct eng_read;
/* Called once, on the loop. `have[i]` belongs to items[i], NULL = absent. err is NULL when all went well; the callee may move from it. */
typedef void eng_read_done(void *ctx, struct eng_read *read, struct sw_err *err);

/* One batch of reads: everything on one host, or everything of one API type. */
struct eng_read {
    struct sw_engine *engine;
    struct eng_host *host;           /* of a host read */
    const struct sw_type *type;      /* of an API read */
    const struct sw_value *provider; /* its configuration */
    struct sw_item *items;
    const struct sw_type **types; /* per item */
    const struct sw_value **have;
    size_t n;
    eng_read_done *done;
    void *ctx;
    /* private */
    struct sw_batch *batch;
    struct eng_fragment *fragments;
    size_t n_fragments;
    uint64_t started_ms;
    struct sw_err early; /* failed before it ran */
};
void eng_read_start(struct eng_read *read);

/* ---- items ---- */

struct eng_item {
    struct sw_plan_item plan; /* what becomes of it */
    const struct sw_type *type;
    const struct sw_state_resource *recorded; /* or NULL */
    const struct sw_intent *open;             /* a creation that did not finish, of an API type; or NULL */
    const struct sw_host *host;               /* declared, or as recorded; NULL for API items */
    bool declared;                            /* in the playbook (and not being destroyed) */
    bool selected;                            /* by --target and --exclude */
    bool forgotten;                           /* named by removed {} */
    bool due;                                 /* a trigger of it changed in a run that did not get to it */
    bool asked;                               /* a data source whose turn to be read came */
    bool decided;
    bool unread; /* may not be asked for a stranger's playbook: what is recorded stands for what is there */
    const struct sw_value *have;
    struct eng_item *next_deposed; /* of the same address */
    size_t reader;                 /* index of its reader, SIZE_MAX = none */
};

struct eng_reader {
    struct eng_read read;
    const struct sw_host *host;    /* of a host reader */
    const struct sw_value *config; /* connection or provider configuration, with references */
    struct {
        size_t *v;
        size_t n, cap;
    } items; /* indices into plan.items */
    enum { READER_WAITS, READER_RUNS, READER_DONE } stage;
    struct sw_err err;
};

struct eng_plan {
    struct sw_engine *engine;
    const struct sw_config *config;
    const struct sw_plan_options *options;
    struct eng_item *items;
    size_t n_items;
    struct sw_map by_address; /* address -> struct eng_item */
    struct sw_map hosts;      /* name -> const struct sw_host (declared or recorded) */
    struct sw_graph *graph;
    uint32_t *order;
    struct eng_reader *readers;
    size_t n_readers;
    size_t running; /* readers at work */
    bool idle;      /* running == 0: ends the loop */
    struct {
        const char **v;
        size_t n, cap;
    } warnings; /* beside those of the playbook */
};

static inline struct eng_item *eng_find(const struct eng_plan *p, const char *address) {
    return sw_map_find(&p->by_address, address);
}
static inline bool eng_acts(enum sw_action action) {
    return action != SW_NOOP && action != SW_FORGET && action != SW_READ;
}
/* The configuration of an API resource's provider, which may hold references, and its alias ("" when it has none). */
const struct sw_value *eng_provider(const struct sw_value *providers, const struct sw_resource *resource, const struct sw_type *type,
                                    const char **ret_alias);

/* items.c: config + state -> items, hosts. */
int eng_items_collect(struct eng_plan *p, struct sw_err *err);
/* select.c: --target, --exclude. */
int eng_items_select(struct eng_plan *p, struct sw_err *err);
/* order.c: edges and topological order. */
int eng_items_order(struct eng_plan *p, struct sw_err *err);
/* rounds.c: reads the world and decides, in rounds. */
int eng_rounds(struct eng_plan *p, struct sw_err *err);
/* data.c: data sources. */
/* Readers for those that can be asked now; what can only be asked at apply is marked. Returns how many it dealt with. */
size_t eng_data_round(struct eng_plan *p);
int eng_data_decide(struct eng_plan *p, struct eng_item *it, const struct sw_value *desired, struct sw_err *err);
/* The error of one that finds nothing: what it asked for. */
int eng_data_missing(const struct sw_resource *resource, const struct sw_value *desired, struct sw_err *err);
/* Those that providers and connections refer to, which a destroy needs too: address -> const struct sw_resource. */
void eng_data_needed(const struct sw_config *config, struct sw_map *ret);
/* decide.c */
int eng_decide(struct eng_plan *p, struct eng_item *it, struct sw_err *err);
void eng_decide_ephemeral(struct eng_plan *p);
/* Key in a recorded connection: the address of the item that owns the machine. */
#define ENG_MACHINE "machine"
/* The item that owns the machine under this item's host (a VM), or NULL where nothing in the plan does. */
const struct eng_item *eng_machine(struct eng_plan *p, const struct eng_item *it);
/* Whether that machine is leaving: what lives on it goes with it. */
static inline bool eng_leaving(const struct eng_item *machine) {
    return machine && !machine->declared && !machine->forgotten;
}
sw_lookup_fn eng_lookup; /* ctx = struct eng_plan */

/* halves.c: the nodes of the walk. */
#define ENG_NO_NODE UINT32_MAX
struct eng_nodes {
    struct sw_arena *arena;
    size_t n;               /* the plan's items, then the removals of what is replaced in an API */
    uint32_t *item;         /* of a node */
    uint32_t *removal;      /* of an item: the node that removes its old self, or ENG_NO_NODE */
    uint32_t *order;        /* needs first */
    struct sw_graph *graph; /* over nodes */
};
bool eng_is_split(const struct sw_plan_item *item);
int eng_nodes_build(struct sw_arena *arena, const struct sw_plan *plan, struct eng_nodes *ret, struct sw_err *err);
void eng_nodes_done(struct eng_nodes *nodes);
/* Sets create_first where the lifecycle says so, and below that. */
void eng_create_first(struct sw_plan *plan);

/* record.c: what the state is told. */
/* A state's view of a resource after it was made. */
struct sw_state_resource eng_record(const struct sw_resource *resource, const struct sw_value *attributes, const char *status);
/* The attributes of something whose creation has begun. */
const struct sw_value *eng_begun(struct sw_engine *engine, const char *type_name, const struct sw_value *desired);
/* Open intents of a crashed run become resources of status "partial", so that the next refresh finds or forgets them.
 * In memory (state_resources grown in the arena), or on disk too when `persist`. */
int eng_recover(struct sw_engine *engine, bool persist, struct sw_state_resource **resources, size_t *n, struct sw_err *err);
/* Open creations of API types: address -> const struct sw_intent, the newest of each. They are resolved by their token: `list` looks for what a
 * dead run made; what is found is finished by `create`, what is not is created with the same token. */
int eng_open_creates(struct sw_engine *engine, struct sw_map *ret, struct sw_err *err);

#endif
