/* The loop as the other files of net/ see it. */
#ifndef SLIPWAY_NET_LOOP_UV_H
#define SLIPWAY_NET_LOOP_UV_H

#include <uv.h>
#include "slipway/loop.h"

uv_loop_t *sw_loop__uv(struct sw_loop *loop);

/* Forgets what was posted with this ctx and has not run yet: whoever frees ctx calls it first. */
void sw_loop__unpost(struct sw_loop *loop, const void *ctx);

#endif
