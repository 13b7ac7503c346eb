/* A way to one TCP port through a host's SSH session: for API servers that only their own network reaches. The session is made when it is
 * first needed, shared by all connections, and made anew when it was lost.
 *
 * Its near end is a listening UNIX socket with an abstract name; connections of other processes are refused. */
#ifndef SLIPWAY_TUNNEL_H
#define SLIPWAY_TUNNEL_H

#include "slipway/remote.h"

struct sw_tunnel;

/* `host` is copied. The address is looked up on the host: "127.0.0.1" is the host itself. NULL with an error when there are no descriptors. */
struct sw_tunnel *sw_tunnel_new(struct sw_loop *loop, const struct sw_remote_options *host, const char *to_address, unsigned to_port,
                                struct sw_err *err);
struct sw_tunnel *sw_tunnel_ref(struct sw_tunnel *tunnel);
/* The last one frees it; connections that stand stay. NULL is fine. */
void sw_tunnel_unref(struct sw_tunnel *tunnel);
/* The near end's name, without the NUL byte that begins it. */
const char *sw_tunnel_name(const struct sw_tunnel *tunnel);
/* Why a connection made since then (sw_now_ms()) ended before it came about. false: none is known to have failed. */
bool sw_tunnel_error(struct sw_tunnel *tunnel, uint64_t since_ms, struct sw_err *ret);

#endif
