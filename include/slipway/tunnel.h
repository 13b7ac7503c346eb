/* A way to one TCP port through a host's SSH session: for API servers that only their own network reaches. The session is made when it is
 * first needed, shared by all connections, and made anew when it was lost. */
#ifndef SLIPWAY_TUNNEL_H
#define SLIPWAY_TUNNEL_H

#include "slipway/remote.h"

struct sw_tunnel;

/* `host` is copied. The address is looked up on the host: "127.0.0.1" is the host itself. */
struct sw_tunnel *sw_tunnel_new(const struct sw_remote_options *host, const char *to_address, unsigned to_port);
struct sw_tunnel *sw_tunnel_ref(struct sw_tunnel *tunnel);
/* The last one frees it; connections that stand stay. NULL is fine. */
void sw_tunnel_unref(struct sw_tunnel *tunnel);
/* Different for each. */
unsigned sw_tunnel_id(const struct sw_tunnel *tunnel);
/* A socket that can be written to at once. When no connection comes about it ends, and sw_tunnel_error() says why. -1: no descriptors left. */
int sw_tunnel_connect(struct sw_tunnel *tunnel);
/* Why a connection asked for since then (sw_now_ms()) did not come about. false: none is known to have failed. */
bool sw_tunnel_error(struct sw_tunnel *tunnel, uint64_t since_ms, struct sw_err *ret);

#endif
