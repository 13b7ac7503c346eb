/* What a script sees. Nothing here reaches a file, a clock, a process, another chunk's variables or an address in memory.
 *
 * The library's chunks see `core` (the primitives of the host) and the tables themselves; playbooks and what lies beside them see views.
 * Every chunk has an _ENV of its own: its globals are the file's, and reading one that does not exist is an error.
 */
#include "host.h"

#include <string.h>

static int unknown_name(lua_State *L) {
    if (lua_type(L, 2) != LUA_TSTRING) return 0;
    const char *key = lua_tostring(L, 2);
    size_t n = 0;
    for (lua_pushnil(L); lua_next(L, 1); lua_pop(L, 1)) n++;
    struct sw_err *e = sw_script__error_new(L);
    const char **names = lua_newuserdatauv(L, (n + 1) * sizeof *names, 0);
    n = 0;
    for (lua_pushnil(L); lua_next(L, 1); lua_pop(L, 1)) names[n++] = lua_tostring(L, -2);
    const char *near = sw_nearest(key, names, n);
    sw_err_set(e, SW_ESCRIPT, "there is no '%s' here", key);
    static const char *const absent[] = {"io",      "os", "debug",  "load",  "loadstring", "dofile", "coroutine", "collectgarbage",
                                         "package", "_G", "rawset", "rawget"};
    for (size_t i = 0; i < sw_countof(absent); i++)
        if (strcmp(absent[i], key) == 0) sw_err_hint(e, "playbooks do no I/O and see nothing of the machine they run on");
    if (near) sw_err_hint(e, "did you mean '%s'?", near);
    lua_pop(L, 1);
    return lua_error(L);
}

/* [-0, +1] what the library's chunks see. */
static void push_words(lua_State *L) {
    static const char *const math_removed[] = {"random", "randomseed"};
    lua_createtable(L, 0, 48); // words
    sw_script__open_basic(L);
    sw_script__open_fail(L);
    sw_script__open_pairs(L);
    sw_script__open_table(L);
    sw_script__open_string(L);
    luaL_requiref(L, LUA_MATHLIBNAME, luaopen_math, 0);
    for (size_t i = 0; i < sw_countof(math_removed); i++) {
        lua_pushnil(L);
        lua_setfield(L, -2, math_removed[i]);
    }
    lua_setfield(L, -2, "math");
    luaL_requiref(L, LUA_UTF8LIBNAME, luaopen_utf8, 0);
    sw_script__few_results(L, "codepoint");
    lua_setfield(L, -2, "utf8");
    sw_script__open_json(L);
    sw_script__open_text(L);
    sw_script__open_xml(L);
    sw_script__push_slipway(L);
    lua_setfield(L, -2, "slipway");
    lua_pushnil(L); /* luaL_requiref left every library there */
    lua_setfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lua_createtable(L, 0, 0);
    lua_rawseti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
}

/* [-1, +0] takes the table of words and keeps it as what chunks of that origin see. */
static void keep_words(lua_State *L, enum sw_origin origin) {
    lua_pushinteger(L, origin);
    lua_pushcclosure(L, sw_script__require, 1);
    lua_setfield(L, -2, "require");
    lua_createtable(L, 0, 1); // words mt
    lua_pushcfunction(L, unknown_name);
    lua_setfield(L, -2, "__index");
    lua_setmetatable(L, -2);
    lua_createtable(L, 0, 2); // words mt
    lua_insert(L, -2);
    lua_setfield(L, -2, "__index");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    sw_script__of(L)->globals[origin] = luaL_ref(L, LUA_REGISTRYINDEX);
}

void sw_script__push_env(lua_State *L, enum sw_origin origin) {
    lua_createtable(L, 0, 0);
    lua_rawgeti(L, LUA_REGISTRYINDEX, sw_script__of(L)->globals[origin]);
    lua_setmetatable(L, -2);
}

void sw_script__open_sandbox(lua_State *L) {
    push_words(L); // words
    for (int origin = SW_FROM_STOCK; origin < SW_N_ORIGINS; origin++) {
        lua_createtable(L, 0, 48);                             // words theirs
        for (lua_pushnil(L); lua_next(L, -3); lua_pop(L, 1)) { // words theirs name value
            lua_pushvalue(L, -2);
            sw_script__freeze(L, -2);
            lua_rawset(L, -5);
        }
        keep_words(L, origin);
    }
    sw_script__push_core(L);
    lua_setfield(L, -2, "core");
    keep_words(L, SW_FROM_LIBRARY);
    sw_script__load_library(L, "slipway/prelude.lua");
    lua_pop(L, 1);
}
