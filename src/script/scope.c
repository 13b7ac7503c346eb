/* Memory of C functions that may raise, owned by a userdata so that an error frees it. */
#include "host.h"

#define SCOPE "slipway.scope"

static int collect(lua_State *L) {
    sw_script__scope_close(lua_touserdata(L, 1));
    return 0;
}

struct sw_scope *sw_script__scope(lua_State *L) {
    struct sw_scope *scope = lua_newuserdatauv(L, sizeof *scope, 0); // scope
    *scope = (struct sw_scope){0};
    luaL_setmetatable(L, SCOPE);
    return scope;
}

struct sw_arena *sw_script__scope_arena(struct sw_scope *scope) {
    if (!scope->arena) scope->arena = sw_arena_new();
    return scope->arena;
}

void sw_script__scope_close(struct sw_scope *scope) {
    sw_arena_free(scope->arena);
    scope->arena = NULL;
    sw_str_done(&scope->str);
}

void sw_script__open_scope(lua_State *L) {
    luaL_newmetatable(L, SCOPE);
    lua_pushcfunction(L, collect);
    lua_setfield(L, -2, "__gc");
    lua_pop(L, 1);
}
