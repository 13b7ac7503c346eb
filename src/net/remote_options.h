/* The options' inside: a deep copy with the defaults filled in, and the wiping of secrets. */
#ifndef SLIPWAY_NET_REMOTE_OPTIONS_H
#define SLIPWAY_NET_REMOTE_OPTIONS_H

#include "slipway/remote.h"

void sw_remote_options__copy(struct sw_arena *arena, const struct sw_remote_options *from, struct sw_remote_options *ret);
void sw_remote_options__wipe(struct sw_remote_options *options);
/* A text that is the same for options that lead to the same session. Holds the secrets. */
void sw_remote_options__key(const struct sw_remote_options *options, struct sw_str *ret);

#endif
