/* table.*: the standard functions behind a guard. They loop in C, where no hook interrupts, over as many steps as a metamethod or an
 * argument says; so they take plain tables (and read-only views, to read) and ranges that make sense. */
#include "host.h"

enum { MAX_RANGE = 4000000 };

/* upvalue 1: the standard function; upvalue 2: whether it changes its first argument */
static int guarded(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    int n = lua_gettop(L);
    bool writes = lua_toboolean(L, lua_upvalueindex(2));
    for (int i = 1; i <= n; i++) {
        if (i > 1 && i < 5 && lua_isinteger(L, i)) { /* concat's i and j, unpack's, move's three, insert's position */
            lua_Integer at = lua_tointeger(L, i);
            if (lua_type(L, 1) == LUA_TTABLE && (at > MAX_RANGE || at < -MAX_RANGE) && !(writes && i == n && n < 4))
                return luaL_argerror(L, i, "out of range");
        }
        if (lua_type(L, i) != LUA_TTABLE || !lua_getmetatable(L, i)) continue;
        lua_pop(L, 1);
        if (sw_script__is_array(L, i)) continue;
        if (sw_script__thaw(L, i)) {
            lua_pop(L, 1);
            if (!writes || i != 1) continue;
            return sw_script__fail(L, SW_EINVAL, "this table is read-only");
        }
        if (i == 1 || i == 5) return luaL_argerror(L, i, "a table without a metatable wanted");
    }
    sw_script__charge(L, 16 + (size_t)(lua_rawlen(L, 1) / 4));
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, n, LUA_MULTRET);
    return lua_gettop(L);
}

/* table.concat: as the standard one, and for lists that hold secrets or references. */
static int concat(lua_State *L) {
    lua_settop(L, 4);
    lua_Integer from = luaL_optinteger(L, 3, 1), to = lua_istable(L, 1) ? luaL_opt(L, luaL_checkinteger, 4, luaL_len(L, 1)) : 0;
    bool opaque = sw_script__opaque(L, 2) != SW_O_NONE;
    if (from < -MAX_RANGE || to > MAX_RANGE) return luaL_argerror(L, 3, "out of range");
    for (lua_Integer i = from; lua_istable(L, 1) && i <= to && !opaque; i++) {
        opaque = lua_geti(L, 1, i) == LUA_TUSERDATA;
        lua_pop(L, 1);
    }
    if (!opaque) {
        while (lua_gettop(L) > 1 && lua_isnil(L, -1)) lua_pop(L, 1);
        return guarded(L);
    }
    if (to - from > 100000) return luaL_error(L, "too many parts");
    int n = 0;
    for (lua_Integer i = from; i <= to; i++) {
        if (i > from && !lua_isnil(L, 2)) lua_pushvalue(L, 2), n++;
        lua_geti(L, 1, i);
        n = sw_script__join_some(L, n + 1);
    }
    sw_script__join(L, n);
    return 1;
}

static int unpack(lua_State *L) {
    lua_Integer from = luaL_optinteger(L, 2, 1), to = lua_istable(L, 1) ? luaL_opt(L, luaL_checkinteger, 3, luaL_len(L, 1)) : 0;
    if (from < -MAX_RANGE || to > MAX_RANGE || to - from >= SW_MANY_VALUES)
        return luaL_error(L, "too many results to unpack: %d at most", SW_MANY_VALUES);
    return guarded(L);
}

void sw_script__open_table(lua_State *L) {
    static const struct {
        const char *name;
        bool writes;
        lua_CFunction call; /* NULL: the standard one, which takes anything and loops over its arguments only */
    } functions[] = {
        {"concat", false, concat}, {"insert", true, guarded}, {"move", false, guarded},  {"pack", false, NULL},
        {"remove", true, guarded}, {"sort", true, guarded},   {"unpack", false, unpack},
    };
    luaL_requiref(L, LUA_TABLIBNAME, luaopen_table, 0); // standard
    lua_createtable(L, 0, 8);                           // standard table
    for (size_t i = 0; i < sw_countof(functions); i++) {
        lua_getfield(L, -2, functions[i].name);
        if (functions[i].call) {
            lua_pushboolean(L, functions[i].writes);
            lua_pushcclosure(L, functions[i].call, 2);
        }
        lua_setfield(L, -2, functions[i].name);
    }
    lua_remove(L, -2);
    lua_setfield(L, -2, "table");
}
