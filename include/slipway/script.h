/* The Lua host: sandbox, resource types, playbooks. Nobody else includes lua.h. Loop thread only. */
#ifndef SLIPWAY_SCRIPT_H
#define SLIPWAY_SCRIPT_H

#include "slipway/download.h"
#include "slipway/helm.h"
#include "slipway/inventory.h"
#include "slipway/loop.h"
#include "slipway/provider.h"
#include "slipway/resource.h"

struct sw_script;

struct sw_script_options {
    const char *lua_dir;            /* overrides the embedded library while developing, or NULL */
    const char *playbook_dir;       /* stock playbooks override, or NULL: embedded */
    size_t max_memory;              /* bytes; 0 = 256 MiB */
    uint64_t max_instructions;      /* per entry from C; 0 = 200 million */
    struct sw_downloads *downloads; /* files by URL, or NULL: there are none */
    struct sw_helm *helm;           /* Helm charts, or NULL: there are none */
    bool only_plans;                /* nothing is applied in this run: types may try out what they cannot read */
    bool untrusted;                 /* a stranger's pull request: guards and probes of the playbook are not run at plan time */
};

int sw_script_new(struct sw_loop *loop, struct sw_arena *arena, const struct sw_script_options *options, struct sw_script **ret,
                  struct sw_err *err);
void sw_script_free(struct sw_script *script);
const struct sw_types *sw_script_types(struct sw_script *script);
/* Evaluates the inventory's playbook. Everything in `ret` lives in the arena given to sw_script_new. */
int sw_script_declare(struct sw_script *script, const struct sw_inventory *inventory, struct sw_config **ret, struct sw_err *err);
/* For a saved plan: loads the Lua files beside the playbook that define its types, checking their sha256. */
int sw_script_load_modules(struct sw_script *script, const struct sw_inventory *inventory, const struct sw_value *modules,
                           struct sw_err *err);
/* Asks one policy (a Lua file of the operator's, or a stranger's where the script is untrusted): runs it over the plan and appends what it says.
 * A script that was made for policies only: no playbook may have run in it. What a policy requires lies beside it. Findings live in the arena.
 * slipway's own are called SW_OWN_POLICIES "policies/NAME.lua". */
#define SW_OWN_POLICIES "[slipway]/"
struct sw_findings {
    struct sw_finding *v;
    size_t n, cap;
};
int sw_script_policy(struct sw_script *script, const char *path, const struct sw_inventory *inventory, const struct sw_plan *plan,
                     struct sw_findings *ret, struct sw_err *err);
/* Names of all known types, sorted; loads the whole library. For docs and completion. */
int sw_script_type_names(struct sw_script *script, const char *const **ret, size_t *ret_n, struct sw_err *err);
/* What an add-on ("metallb"), the hand-over ("gitops") takes, or the list of "addons", as text for people. *ret NULL = there is none of that name. */
int sw_script_addon_docs(struct sw_script *script, const char *name, bool markdown, const char **ret, struct sw_err *err);
/* A file that travels in the binary, by its path in the source tree ("inventories/lab/inventory.yaml"). NULL = absent. */
const char *sw_script_embedded(const char *path, size_t *ret_len);
/* Runs a Lua test file in the host (tests/lua). Returns the number of failed checks, or < 0. */
int sw_script_selftest(struct sw_script *script, const char *path, struct sw_err *err);

#endif
