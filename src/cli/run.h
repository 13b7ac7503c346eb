/* Plan, show, ask, apply: the steps that apply, destroy, bootstrap and the lab share. Internal to cli/. */
#ifndef SLIPWAY_CLI_RUN_H
#define SLIPWAY_CLI_RUN_H

#include "context.h"

/* Options of the command line as the engine takes them. */
struct sw_plan_options sw_run_options(const struct sw_cli *cli);
/* Makes a plan with progress on stderr. */
int sw_run_plan(struct sw_context *context, const struct sw_plan_options *options, struct sw_plan **ret, struct sw_err *err);
/* Prints it for people; nothing with --json (the events said it). */
void sw_run_show(struct sw_context *context, const struct sw_plan *plan);
/* Asks whether it may run. The environment "production" wants the inventory's name. */
int sw_run_confirm(struct sw_context *context, const struct sw_plan *plan, struct sw_err *err);
/* freeze.c: SW_EREFUSED while a freeze is on that nobody overrides. */
int sw_run_freeze(struct sw_context *context, const struct sw_plan *plan, struct sw_err *err);
/* Applies with progress on stdout and prints the summary. Returns the exit code; all is said. */
int sw_run_apply(struct sw_context *context, const struct sw_plan *plan);
/* Policies, show, ask, apply. Returns the exit code; all is said. *ret_applied (or NULL): whether the world is now as planned. */
int sw_run_rest(struct sw_context *context, struct sw_plan *plan, bool *ret_applied);
/* Plan and the rest. Returns the exit code; all is said. */
int sw_run_all(struct sw_context *context, const struct sw_plan_options *options, bool *ret_applied);
/* apply.c: the same for what is declared now, and in production a look at what came of it: 1 when the cluster is not healthy afterwards. */
int sw_run_anew(struct sw_context *context);
/* advice.c. The command that goes on from here, as the user would type it. */
void sw_advice_add_again(struct sw_str *out, const struct sw_context *context, const struct sw_plan *plan);
/* How to undo it, in production: the command, and where the snapshot of etcd is. On stderr; nothing elsewhere. */
void sw_advice_say_way_back(struct sw_context *context, const struct sw_plan *plan);
/* Reads a saved plan with the types it needs. */
int sw_run_load(struct sw_context *context, const char *path, struct sw_plan **ret, struct sw_err *err);
/* A sw_find_schema_fn; ctx is the script's struct sw_types. */
const struct sw_schema *sw_run_find_schema(void *ctx, const char *type);
/* Whether an apply of an empty plan still has something to write: adopted resources, new outputs, a refresh. */
bool sw_run_has_bookkeeping(struct sw_context *context, const struct sw_plan *plan);

#endif
