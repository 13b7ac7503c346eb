/* Read-only views of tables: what a playbook gets of the library, of `string` and its kin, and of the inventory.
 *
 * Without them a playbook could put its own function in the place of one that quotes shell words for everybody. A view is an empty table,
 * so that nothing can be written past __newindex; rawset and rawget are not in the sandbox.
 */
#include "host.h"

#define FROZEN "slipway.frozen"
#define VIEWS  "slipway.views"
#define ARRAY  "slipway.array"

static const char data_key; /* in a view: the table behind it */

bool sw_script__thaw(lua_State *L, int index) {
    if (lua_type(L, index) != LUA_TTABLE) return false;
    if (lua_rawgetp(L, index, &data_key) == LUA_TTABLE) return true;
    lua_pop(L, 1);
    return false;
}

static bool is_locked(lua_State *L, int index) {
    if (luaL_getmetafield(L, index, "__metatable") == LUA_TNIL) return false;
    lua_pop(L, 1);
    return true;
}

void sw_script__freeze(lua_State *L, int index) {
    luaL_checkstack(L, 6, NULL);
    index = lua_absindex(L, index);
    if (lua_type(L, index) != LUA_TTABLE || (is_locked(L, index) && !sw_script__is_array(L, index))) {
        lua_pushvalue(L, index); /* views are locked themselves */
        return;
    }
    lua_getfield(L, LUA_REGISTRYINDEX, VIEWS); // views
    lua_pushvalue(L, index);
    if (lua_rawget(L, -2) == LUA_TNIL) { // views nil
        lua_pop(L, 1);
        lua_createtable(L, 0, 1); // views view
        lua_pushvalue(L, index);
        lua_rawsetp(L, -2, &data_key);
        luaL_setmetatable(L, FROZEN);
        lua_pushvalue(L, index);
        lua_pushvalue(L, -2);
        lua_rawset(L, -4); // views view
    }
    lua_remove(L, -2);
}

static int index_view(lua_State *L) {
    if (!sw_script__thaw(L, 1)) lua_pushvalue(L, 1);
    lua_pushvalue(L, 2);
    lua_gettable(L, -2);
    sw_script__freeze(L, -1);
    return 1;
}

static int refuse_write(lua_State *L) {
    if (lua_type(L, 2) == LUA_TSTRING)
        return sw_script__fail(L, SW_EINVAL, "'%s' cannot be set: this table is read-only", lua_tostring(L, 2));
    return sw_script__fail(L, SW_EINVAL, "this table is read-only");
}

static int length(lua_State *L) {
    if (!sw_script__thaw(L, 1)) lua_pushvalue(L, 1);
    lua_pushinteger(L, luaL_len(L, -1));
    return 1;
}

static int call_done(lua_State *L, int status, lua_KContext ctx) {
    (void)status;
    (void)ctx;
    return lua_gettop(L);
}

static int call(lua_State *L) {
    if (sw_script__thaw(L, 1)) lua_replace(L, 1);
    int n = lua_gettop(L);
    lua_callk(L, n - 1, LUA_MULTRET, 0, call_done);
    return call_done(L, LUA_OK, 0);
}

void sw_script__mark_array(lua_State *L, int index) {
    index = lua_absindex(L, index);
    luaL_getmetatable(L, ARRAY);
    lua_setmetatable(L, index);
}

bool sw_script__is_array(lua_State *L, int index) {
    if (!lua_getmetatable(L, index)) return false;
    luaL_getmetatable(L, ARRAY);
    bool same = lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
    return same;
}

void sw_script__open_readonly(lua_State *L) {
    static const luaL_Reg events[] = {
        {"__index", index_view}, {"__newindex", refuse_write}, {"__len", length}, {"__call", call}, {NULL, NULL}};
    luaL_newmetatable(L, FROZEN);
    luaL_setfuncs(L, events, 0);
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    luaL_newmetatable(L, ARRAY);
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_createtable(L, 0, 0); // views, by what they show: weak, and the views hold what they show
    lua_createtable(L, 0, 1);
    lua_pushliteral(L, "k");
    lua_setfield(L, -2, "__mode");
    lua_setmetatable(L, -2);
    lua_setfield(L, LUA_REGISTRYINDEX, VIEWS);
    lua_pop(L, 2);
}
