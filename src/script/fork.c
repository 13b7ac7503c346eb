/* core.fork(fn, n): n coroutines of one function within one call, which waits until all have ended. io.all is made of it (slipway/provider.lua). */
#include "task.h"

#include <stdlib.h>

struct sw_fork {
    struct sw_await base;
    unsigned left;
    struct sw_err err; /* of the first that failed */
};

static int push(lua_State *L, struct sw_await *await) {
    struct sw_fork *fork = (struct sw_fork *)await;
    if (!fork->err.code) return 0;
    sw_err_move(sw_script__error_new(L), &fork->err);
    return lua_error(L);
}

/* The forked ones are cancelled themselves, and this ends with the last of them. Only when the script goes, they end without a word. */
static void cancel(struct sw_await *await) {
    if (!await->fiber) sw_await__settle(await);
}

static void free_fork(struct sw_await *await) {
    struct sw_fork *fork = (struct sw_fork *)await;
    sw_err_done(&fork->err);
    free(fork);
}

/* The function waits in the registry, under the address of its fork. */
static int make(lua_State *L) {
    struct sw_fiber *fiber = lua_touserdata(L, 1);
    lua_rawgetp(fiber->co, LUA_REGISTRYINDEX, fiber->ctx);
    return 0;
}

static void end(struct sw_fiber *fiber, struct sw_err *err) {
    struct sw_fork *fork = fiber->ctx;
    if (err->code && !fork->err.code) sw_err_move(&fork->err, err);
    if (--fork->left > 0) return;
    lua_State *L = fiber->task->script->L;
    lua_pushnil(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, fork); /* the key is there: nothing is allocated */
    sw_await__settle(&fork->base);
}

static int fork_fibers(lua_State *L) {
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_Integer n = luaL_checkinteger(L, 2);
    luaL_argcheck(L, n >= 1 && n <= 1000, 2, "1 to 1000 wanted");
    struct sw_fiber *fiber = sw_fiber__current(L, "all");
    struct sw_await **slot = sw_await__slot(L);
    struct sw_fork *fork = sw_xcalloc(1, sizeof *fork);
    fork->base = (struct sw_await){.refs = 1, .push = push, .cancel = cancel, .free = free_fork};
    *slot = &fork->base; /* from here on the collector frees it */
    lua_pushvalue(L, 1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, fork);
    fork->base.fiber = fiber;
    fork->base.refs++;
    fork->left = (unsigned)n;
    for (lua_Integer i = 0; i < n; i++) sw_fiber__start(fiber->task, make, end, fork);
    return sw_await__yield(L);
}

void sw_script__open_fork(lua_State *L) {
    lua_pushcfunction(L, fork_fibers);
    lua_setfield(L, -2, "fork");
}
