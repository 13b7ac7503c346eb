/* Policies: where they lie, what they say of a plan, and what follows. Internal to cli/. */
#ifndef SLIPWAY_CLI_POLICY_H
#define SLIPWAY_CLI_POLICY_H

#include "context.h"

/* SW_EREFUSED for what a stranger's inventory names outside of its directory. */
int sw_policy_check_inside(struct sw_context *context, const char *what, const char *path, struct sw_err *err);
/* Estimates the plan's cost, then asks all policies of the plan; what they say becomes plan->findings (warnings first to last as they were said). With --json each is an
 * event. A policy that fails is an error: a plan that could not be checked is not approved. */
int sw_policy_ask(struct sw_context *context, struct sw_plan *plan, struct sw_err *err);
/* SW_EREFUSED, with what was said, when a policy denies the plan. */
int sw_policy_denied(const struct sw_plan *plan, struct sw_err *err);
/* Whatever wants approval gets it by --approve or from the terminal; else SW_EREFUSED. */
int sw_policy_approve(struct sw_context *context, const struct sw_plan *plan, struct sw_err *err);

#endif
