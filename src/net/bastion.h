#ifndef SLIPWAY_NET_BASTION_H
#define SLIPWAY_NET_BASTION_H

#include "ssh_internal.h"

/* For the threads of hosts. The last one to let go waits, a second at most, until the bastions' threads have noticed and are gone: the
 * process may end next, and OpenSSL's clean-up at exit must not meet a thread. */
void sw_bastions_hold(void);
void sw_bastions_let_go(void);

/* A connection that is not waited for: `fd` is our end, and taken; its other end can be written to already. When it does not come about,
 * failed(ctx, err) is called on the bastion's thread, and then fd is closed. `ctx` names it for sw_bastion_forget(). */
int sw_bastion_connect(const struct sw_remote_options *options, const char *address, unsigned port, int fd,
                       void (*failed)(void *ctx, const struct sw_err *err), void *ctx, struct sw_err *err);
/* No call of failed(ctx, …) is under way or follows. What is still being made is given up. */
void sw_bastion_forget(const void *ctx);

#endif
