/* string.*: Lua's own, without the functions that make bytecode or show addresses, and with those that could run unbounded behind a guard.
 */
#include "host.h"

#include <string.h>

/* string.rep: an empty text is repeated at no cost in memory, so nothing but this would stop ("").rep("", 2^60). */
static int repeat(lua_State *L) {
    size_t len, sep_len;
    luaL_checklstring(L, 1, &len);
    luaL_checkinteger(L, 2);
    luaL_optlstring(L, 3, "", &sep_len);
    if (len + sep_len == 0) {
        lua_pushliteral(L, "");
        return 1;
    }
    int n = lua_gettop(L);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, n, 1);
    sw_script__charge(L, lua_rawlen(L, -1) / 16);
    return 1;
}

/* string.format: %p shows an address; %s of a table would, too, and of a secret or a reference must not look as if it worked. */
static int format(lua_State *L) {
    const char *at = luaL_checkstring(L, 1);
    while ((at = strchr(at, '%'))) {
        at += 1 + strspn(at + 1, "-+ #0123456789.");
        if (*at == 'p') return luaL_argerror(L, 1, "'%p' is not available");
        if (*at) at++;
    }
    int n = lua_gettop(L);
    for (int i = 2; i <= n; i++) {
        int type = lua_type(L, i);
        if (type == LUA_TUSERDATA) {
            luaL_tolstring(L, i, NULL); /* raises for what must not become text */
            lua_replace(L, i);
        } else if (type == LUA_TTABLE || type == LUA_TFUNCTION) {
            if (luaL_getmetafield(L, i, "__tostring") == LUA_TNIL)
                lua_pushstring(L, luaL_typename(L, i));
            else
                lua_pop(L, 1), luaL_tolstring(L, i, NULL);
            lua_replace(L, i);
        }
    }
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, n, 1);
    return 1;
}

/* string.byte and utf8.codepoint: upvalue 1 is the standard one, which gives up to one result a byte. */
static int few_results(lua_State *L) {
    lua_Integer from = luaL_optinteger(L, 2, 1), to = luaL_optinteger(L, 3, from), len = luaL_len(L, 1);
    if (from < 0) from += len + 1;
    if (to < 0) to += len + 1;
    if ((to < len ? to : len) - (from > 1 ? from : 1) >= SW_MANY_VALUES) return luaL_error(L, "too many bytes: %d at most", SW_MANY_VALUES);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
    return lua_gettop(L);
}

void sw_script__few_results(lua_State *L, const char *name) {
    lua_getfield(L, -1, name);
    lua_pushcclosure(L, few_results, 1);
    lua_setfield(L, -2, name);
}

void sw_script__open_string(lua_State *L) {
    static const char *const kept[] = {"byte", "char", "len", "lower", "reverse", "sub", "upper"};
    luaL_requiref(L, LUA_STRLIBNAME, luaopen_string, 0); // standard
    lua_createtable(L, 0, 16);                           // standard string
    for (size_t i = 0; i < sw_countof(kept); i++) {
        lua_getfield(L, -2, kept[i]);
        lua_setfield(L, -2, kept[i]);
    }
    sw_script__few_results(L, "byte");
    lua_getfield(L, -2, "rep");
    lua_pushcclosure(L, repeat, 1);
    lua_setfield(L, -2, "rep");
    lua_getfield(L, -2, "format");
    lua_pushcclosure(L, format, 1);
    lua_setfield(L, -2, "format");
    sw_script__open_match(L);
    lua_pushliteral(L, "");
    lua_getmetatable(L, -1); // standard string "" mt
    lua_pushvalue(L, -3);
    lua_setfield(L, -2, "__index");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 2);
    lua_remove(L, -2);
    lua_setfield(L, -2, "string");
}
