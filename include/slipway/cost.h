/* What a plan costs by the month, from a price list that the user supplies.
 *
 *     currency: USD
 *     prices:
 *       aws_instance:
 *         - { match: { instance_type: t3.small }, hour: 0.026 }
 *         - { month: 0.0912, per: root_block_device.volume_size }
 *       aws_vpc: []                # costs nothing
 *
 * Every rule that matches adds to the price. Rules that match on the same attributes price one part of a thing; a part that none of them
 * matches is a gap, which is told. A month has 730 hours.
 */
#ifndef SLIPWAY_COST_H
#define SLIPWAY_COST_H

#include "slipway/plan.h"

struct sw_prices;

struct sw_cost_change {
    const struct sw_plan_item *item;
    double before, after; /* by the month */
};

/* What could not be priced, or not in all its parts. */
struct sw_cost_gap {
    const char *type;
    const char *why; /* "no price", "no price for instance_type m5.large", "size is not known" */
    size_t n;        /* resources */
};

struct sw_cost {
    const char *currency;
    double before, after;           /* of everything in the plan that has a price, by the month */
    struct sw_cost_change *changes; /* those that act, in plan order */
    size_t n_changes;
    struct sw_cost_gap *gaps; /* by type */
    size_t n_gaps;
};

/* Reads a price list of at most 1 MiB. SW_ENOTFOUND, SW_EINVAL with file and line, SW_ELIMIT, SW_EIO. */
int sw_prices_load(struct sw_arena *arena, const char *path, struct sw_prices **ret, struct sw_err *err);
/* Everything in the arena. What is on hosts and in the cluster counts only where it has a price. */
const struct sw_cost *sw_cost_of(struct sw_arena *arena, const struct sw_prices *prices, const struct sw_plan *plan);
/* The item's line, or NULL when it has no price or does not act. */
const struct sw_cost_change *sw_cost_change_of(const struct sw_cost *cost, const struct sw_plan_item *item);

#endif
