/* What a plan costs. Internal to cli/. */
#ifndef SLIPWAY_CLI_COST_H
#define SLIPWAY_CLI_COST_H

#include "context.h"

/* Sets plan->cost where there is a price list: `cost` of the inventory, else prices.yaml beside it. With --json it is an event. */
int sw_cost_estimate(struct sw_context *context, struct sw_plan *plan, struct sw_err *err);

#endif
