/* Lua's basic functions as a script has them: the harmless ones, and those of ours that stand for the others. */
#include "host.h"

/* No addresses: they differ from run to run. A secret stays one; unknown stays unknown. */
static int to_string(lua_State *L) {
    luaL_checkany(L, 1);
    int type = lua_type(L, 1);
    enum sw_opaque what = sw_script__opaque(L, 1);
    if (what == SW_O_SECRET || what == SW_O_UNKNOWN) {
        lua_settop(L, 1);
        return 1;
    }
    if (luaL_getmetafield(L, 1, "__tostring") != LUA_TNIL || type < LUA_TTABLE) {
        lua_settop(L, 1);
        luaL_tolstring(L, 1, NULL);
        return 1;
    }
    if (luaL_getmetafield(L, 1, "__name") != LUA_TSTRING) lua_pushstring(L, luaL_typename(L, 1));
    return 1;
}

static int print(lua_State *L) {
    int n = lua_gettop(L);
    luaL_Buffer b;
    luaL_buffinit(L, &b);
    for (int i = 1; i <= n; i++) {
        if (i > 1) luaL_addchar(&b, ' ');
        lua_pushcfunction(L, to_string);
        lua_pushvalue(L, i);
        lua_call(L, 1, 1);
        sw_script__shown(L);
        luaL_addvalue(&b);
    }
    luaL_pushresult(&b);
    sw_script__warn(L, lua_tostring(L, -1));
    return 0;
}

static int protected_done(lua_State *L, int status, lua_KContext ctx) {
    (void)ctx;
    if (status == LUA_OK || status == LUA_YIELD) {
        lua_pushboolean(L, 1);
        lua_replace(L, 1);
        return lua_gettop(L);
    }
    lua_pushvalue(L, 1); // handler error handler
    lua_insert(L, -2);
    lua_call(L, 1, 1);
    lua_pushboolean(L, 0);
    lua_insert(L, -2);
    return 2;
}

/* xpcall(f, handler, ...): the handler runs after the stack is unwound. Lua's own runs it where the error is raised, and when that is the
 * budget's hook, no hook would stop the handler. Nothing in the sandbox looks at the stack, so nobody misses it. */
static int protected_call(lua_State *L) {
    luaL_checktype(L, 2, LUA_TFUNCTION);
    int n = lua_gettop(L);
    lua_pushvalue(L, 1); // f handler ... f
    lua_copy(L, 2, 1);
    lua_replace(L, 2); // handler f ...
    int status = lua_pcallk(L, n - 2, LUA_MULTRET, 0, 0, protected_done);
    return protected_done(L, status, 0);
}

/* __gc runs where no hook can stop it, __mode makes what is seen depend on the collector. */
static int set_metatable(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_argexpected(L, lua_isnil(L, 2) || lua_istable(L, 2), 2, "nil or table");
    static const char *const refused[] = {"__gc", "__mode"};
    for (size_t i = 0; i < sw_countof(refused) && lua_istable(L, 2); i++) {
        lua_pushstring(L, refused[i]);
        if (lua_rawget(L, 2) != LUA_TNIL) return luaL_error(L, "'%s' is not available", refused[i]);
        lua_pop(L, 1);
    }
    if (luaL_getmetafield(L, 1, "__metatable") != LUA_TNIL) return luaL_error(L, "cannot change a protected metatable");
    lua_settop(L, 2);
    lua_setmetatable(L, 1);
    return 1;
}

static int get_metatable(lua_State *L) {
    luaL_checkany(L, 1);
    if (!lua_getmetatable(L, 1)) return 0;
    luaL_getmetafield(L, 1, "__metatable"); /* pushes it when there is one */
    return 1;
}

void sw_script__open_basic(lua_State *L) {
    static const char *const kept[] = {"assert", "error", "ipairs", "pcall", "select", "tonumber", "type"};
    static const luaL_Reg functions[] = {{"tostring", to_string},         {"print", print},
                                         {"xpcall", protected_call},      {"setmetatable", set_metatable},
                                         {"getmetatable", get_metatable}, {NULL, NULL}};
    luaL_requiref(L, LUA_GNAME, luaopen_base, 0);
    for (size_t i = 0; i < sw_countof(kept); i++) {
        lua_getfield(L, -1, kept[i]);
        lua_setfield(L, -3, kept[i]);
    }
    lua_pop(L, 1);
    luaL_setfuncs(L, functions, 0);
}
