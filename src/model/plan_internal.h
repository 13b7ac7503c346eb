/* The saved plan: what plan_save.c writes and plan_load.c reads.
 *
 *     {"slipway_plan":1,"tag":"<64 hex digits>","value":{"head":{…},"items":[
 *     {…},
 *     {…}
 *     ]}}
 *
 * One JSON document, one item a line, so that neither side ever holds more than one item as a tree. The tag is an HMAC, under a key
 * derived from the state's, of every byte after it; secrets inside are sealed besides. */
#ifndef SLIPWAY_MODEL_PLAN_INTERNAL_H
#define SLIPWAY_MODEL_PLAN_INTERNAL_H

#include "slipway/plan.h"

#define SW_PLAN__VERSION     1
#define SW_PLAN__MAC_PURPOSE "slipway plan file 1"
#define SW_PLAN__BEGIN       "{\"slipway_plan\":"
#define SW_PLAN__TAG         ",\"tag\":\""
#define SW_PLAN__HEAD        "\",\"value\":{\"head\":"
#define SW_PLAN__ITEMS       ",\"items\":["
#define SW_PLAN__END         "\n]}}\n"
#define SW_PLAN__MAX_BYTES   ((size_t)256 << 20)
#define SW_PLAN__MAX_LINE    ((size_t)64 << 20) /* what sw_json_read takes */

/* What secrets are sealed for: the head, or item `i`. Into buf; returns buf. */
char *sw_plan__context(char buf[static 40], bool head, size_t i);

#endif
