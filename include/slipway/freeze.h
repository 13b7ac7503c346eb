/* Freezes: times in which nothing is changed. The inventory's list `freeze`, of { from, to, reason, utc_offset }. */
#ifndef SLIPWAY_FREEZE_H
#define SLIPWAY_FREEZE_H

#include "slipway/inventory.h"

struct sw_freeze {
    const char *reason; /* "" when none was given */
    const char *until;  /* as the inventory has it: "2027-01-03", "mon 08:00" */
    unsigned line;
};

/* Is one on at `now` (seconds since 1970)? The first one in the list counts. The inventory was checked when it was loaded. */
bool sw_freeze_active(const struct sw_inventory *inventory, int64_t now, struct sw_freeze *ret);

#endif
