/* Waiting: the coroutine yields with the await object on its stack; settling makes the coroutine ready; the continuation pushes the results. */
#include "await.h"

#include "task.h"

#define AWAIT "slipway.await"

static int collect(lua_State *L) {
    struct sw_await **slot = lua_touserdata(L, 1);
    struct sw_await *await = *slot;
    *slot = NULL;
    if (await) sw_await__unref(await);
    return 0;
}

struct sw_fiber *sw_fiber__current(lua_State *L, const char *what) {
    struct sw_script *s = sw_script__of(L);
    struct sw_fiber *fiber = s->tasks ? s->tasks->current : NULL;
    if (!fiber || fiber->co != L || !lua_isyieldable(L))
        sw_script__fail(L, SW_EINVAL, "%s cannot wait here: only list, create, update, delete and import of a resource type can", what);
    if (fiber->task->cancelled) sw_script__fail(L, SW_ECANCELLED, "stopped");
    return fiber;
}

struct sw_await **sw_await__slot(lua_State *L) {
    struct sw_await **slot = lua_newuserdatauv(L, sizeof(void *), 0);
    *slot = NULL;
    if (luaL_newmetatable(L, AWAIT)) {
        lua_pushcfunction(L, collect);
        lua_setfield(L, -2, "__gc");
        lua_pushboolean(L, 0);
        lua_setfield(L, -2, "__metatable");
    }
    lua_setmetatable(L, -2);
    return slot;
}

/* The stack is as it was: the userdata on top. */
static int go_on(lua_State *L, int status, lua_KContext ctx) {
    (void)status;
    (void)ctx;
    struct sw_await **slot = luaL_checkudata(L, -1, AWAIT);
    struct sw_await *await = *slot;
    if (!await->settled) return luaL_error(L, "resumed too early");
    return await->push(L, await);
}

int sw_await__yield(lua_State *L) {
    struct sw_await **slot = luaL_checkudata(L, -1, AWAIT);
    (*slot)->fiber->await = *slot;
    return lua_yieldk(L, 0, 0, go_on);
}

void sw_await__settle(struct sw_await *await) {
    struct sw_fiber *fiber = await->fiber;
    await->settled = true;
    await->fiber = NULL;
    if (fiber) {
        fiber->await = NULL;
        sw_fiber__ready(fiber);
    }
    sw_await__unref(await);
}

void sw_await__unref(struct sw_await *await) {
    if (--await->refs == 0) await->free(await);
}
