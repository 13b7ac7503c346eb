/* Time: monotonic for durations, wall clock for records. */
#ifndef SLIPWAY_CLOCK_H
#define SLIPWAY_CLOCK_H

#include <stddef.h>
#include <stdint.h>

uint64_t sw_now_ms(void); /* monotonic */
int64_t sw_wall_ms(void); /* since 1970-01-01 UTC */
/* "2026-11-27T10:55:00Z" into buf. Returns buf. */
char *sw_format_time(int64_t wall_ms, char buf[static 32]);
/* "0.4s" "12s" "3m05s" "2h10m" into buf. Returns buf. */
char *sw_format_duration(uint64_t ms, char buf[static 32]);
/* Random bytes from the kernel; aborts when it has none. */
void sw_random(void *p, size_t len);

#endif
