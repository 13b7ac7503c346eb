/* What most commands need, opened in one go and closed in the right order: inventory, script, declared config, state, lock, loop, engine,
 * progress. Internal to cli/. */
#ifndef SLIPWAY_CLI_CONTEXT_H
#define SLIPWAY_CLI_CONTEXT_H

#include "cli.h"
#include "slipway/engine.h"
#include "slipway/inventory.h"
#include "slipway/loop.h"
#include "slipway/script.h"
#include "slipway/state.h"
#include "slipway/yaml_tags.h"

enum {
    SW_NEED_INVENTORY = 1,
    SW_NEED_SCRIPT = 2,                                      /* types */
    SW_NEED_CONFIG = 4 | SW_NEED_INVENTORY | SW_NEED_SCRIPT, /* the playbook, evaluated */
    SW_NEED_STATE = 8,                                       /* read-only: nothing is created */
    SW_NEED_STATE_RW = 16 | SW_NEED_STATE,                   /* created when missing */
    SW_NEED_LOCK = 32 | SW_NEED_STATE_RW,                    /* and nobody else writes */
};

/* One thing that failed during an operation. */
struct sw_failure {
    char *address;
    struct sw_err err;
};

struct sw_context {
    struct sw_cli *cli;
    struct sw_loop *loop;
    struct sw_tags tags; /* !env, !file, !vault of the inventory */
    struct sw_inventory *inventory;
    struct sw_downloads *downloads;
    struct sw_helm *helm;
    struct sw_script *script;
    struct sw_config *config;
    struct sw_state *state;
    const char *state_dir;
    struct sw_engine engine;
    struct sw_progress *progress; /* while an operation runs */
    struct sw_timer *tick, *lease;
    bool locked;
    unsigned interrupts; /* how often the user asked to stop */
    struct {
        struct sw_failure *v;
        size_t n, cap;
    } failures;
    struct {
        const char **v;
        size_t n, cap;
    } reached;          /* hosts that answered; names in the arena */
    struct sw_err lost; /* the lock was lost while we ran */
};

/* Opens what `needs` (SW_NEED_…) says. On failure sw_context_close() is still to be called. */
int sw_context_open(struct sw_context *context, struct sw_cli *cli, unsigned needs, struct sw_err *err);
void sw_context_close(struct sw_context *context);
/* Progress between these two. `fd`: where it goes unless it is JSON, which is always on stdout. */
void sw_context_progress(struct sw_context *context, int fd);
void sw_context_progress_end(struct sw_context *context);
/* Renews the lease; for those who keep the loop waiting. */
void sw_context_touch(void *context);
const char *sw_context_environment(const struct sw_context *context); /* "production", …, or "" */

/* inventory_find.c: what -i names, as a path that sw_inventory_load() takes. */
int sw_cli_find_inventory(struct sw_cli *cli, const char **ret_path, struct sw_err *err);

#endif
