/* The loop: libuv behind a small door, so that nobody else includes uv.h. Everything below runs on the one loop thread unless it says "any thread". */
#ifndef SLIPWAY_LOOP_H
#define SLIPWAY_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include "slipway/err.h"

struct sw_loop;
struct sw_timer;

struct sw_loop *sw_loop_new(void);
void sw_loop_free(struct sw_loop *loop); /* closes what is left */
/* Runs until `*done` is true. Returns at once when it already is. */
void sw_loop_run(struct sw_loop *loop, const bool *done);
/* Queues fn(ctx) for the loop thread, in order. Any thread. */
void sw_loop_post(struct sw_loop *loop, void (*fn)(void *ctx), void *ctx);
/* Calls fn(ctx) after delay_ms, and every repeat_ms after that when not 0. Free stops it. */
struct sw_timer *sw_timer_new(struct sw_loop *loop, uint64_t delay_ms, uint64_t repeat_ms, void (*fn)(void *ctx), void *ctx);
void sw_timer_free(struct sw_timer *timer); /* NULL is fine; never from another thread */
/* SIGINT and SIGTERM: fn(count, ctx) on the loop thread, count = 1, 2, … fn NULL: they end the process, as before. SIGPIPE is
 * ignored from sw_loop_new on. */
void sw_loop_on_interrupt(struct sw_loop *loop, void (*fn)(unsigned count, void *ctx), void *ctx);

#endif
