/* io.tunnel { address =, user =, key =, ..., to_address =, to_port = } -> a way to one port through a machine's SSH session, for io.http. */
#include "web.h"

#define TUNNEL "slipway.tunnel"

static int collect(lua_State *L) {
    struct sw_tunnel **slot = lua_touserdata(L, 1);
    struct sw_tunnel *tunnel = *slot;
    *slot = NULL;
    sw_tunnel_unref(tunnel);
    return 0;
}

struct sw_tunnel *sw_script__tunnel(lua_State *L, int index) {
    return *(struct sw_tunnel **)luaL_checkudata(L, index, TUNNEL);
}

/* Takes what is not the connection's own out of the (copied) table on top. */
static void take(lua_State *L, const char *name) {
    lua_getfield(L, 1, name); // … copy value
    lua_pushnil(L);
    lua_setfield(L, -3, name);
    lua_insert(L, -2); // … value copy
}

static int tunnel(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    struct sw_tunnel **slot = lua_newuserdatauv(L, sizeof *slot, 0); // options slot
    *slot = NULL;
    if (luaL_newmetatable(L, TUNNEL)) {
        lua_pushcfunction(L, collect);
        lua_setfield(L, -2, "__gc");
        lua_pushboolean(L, 0);
        lua_setfield(L, -2, "__metatable");
    }
    lua_setmetatable(L, -2);
    struct sw_scope *scope = sw_script__scope(L); // options slot scope
    lua_newtable(L);
    for (lua_pushnil(L); lua_next(L, 1);) {
        lua_pushvalue(L, -2);
        lua_insert(L, -2);
        lua_settable(L, 4);
    }
    take(L, "to_address"); // options slot scope to_address copy
    take(L, "to_port");    // options slot scope to_address to_port copy
    const char *address = luaL_optstring(L, 4, "127.0.0.1");
    int isnum;
    lua_Integer port = lua_tointegerx(L, 5, &isnum);
    if (!isnum || port < 1 || port > 65535) luaL_error(L, "tunnel: to_port is no port");
    struct sw_arena *arena = sw_script__scope_arena(scope);
    const struct sw_value *connection = sw_script__to_value(L, 6, arena, NULL, "tunnel");
    struct sw_err *err = sw_script__error_new(L);
    struct sw_remote_options options;
    const char *name = sw_get_str(connection, "address", "?");
    int rc = sw_remote_options_from(connection, name, arena, &options, err);
    if (rc == SW_OK && options.transport[0] != 's') rc = sw_err_set(err, SW_EINVAL, "a tunnel goes through a machine reached over ssh");
    if (rc == SW_OK) *slot = sw_tunnel_new(sw_script__of(L)->loop, &options, address, (unsigned)port, err);
    if (!*slot) return lua_error(L);
    lua_settop(L, 2);
    return 1;
}

void sw_script__open_tunnel(lua_State *L) {
    lua_pushcfunction(L, tunnel);
    lua_setfield(L, -2, "tunnel");
}
