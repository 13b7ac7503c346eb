/* What the files that speak to the network share: bind_http.c, bind_stream.c, bind_tunnel.c. */
#ifndef SLIPWAY_SCRIPT_WEB_H
#define SLIPWAY_SCRIPT_WEB_H

#include "slipway/http.h"
#include "slipway/tunnel.h"
#include "task.h"

/* [-0, +1] { status, body, headers, elapsed }, or { error, message, sent, elapsed }. The body is wiped. */
void sw_script__push_answer(lua_State *L, struct sw_http_response *response) SW_LJMP;
/* Sends it as a stream. [-0, +1] the object, as the one result. */
int sw_script__stream(lua_State *L, struct sw_http *http, struct sw_http_request *request) SW_LJMP;
/* What io.tunnel gave. */
struct sw_tunnel *sw_script__tunnel(lua_State *L, int index) SW_LJMP;

#endif
