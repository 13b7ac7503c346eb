#ifndef SLIPWAY_NET_BASTION_H
#define SLIPWAY_NET_BASTION_H

#include "ssh_parts.h"

/* For the threads of hosts. The last one to let go waits, a second at most, until the bastions' threads have noticed and are gone: the
 * process may end next, and OpenSSL's clean-up at exit must not meet a thread. */
void sw_bastions_hold(void);
void sw_bastions_let_go(void);

#endif
