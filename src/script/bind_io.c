/* The smaller doors to the outside, for providers' clients: io.sleep, io.event, io.now, io.random, io.env, io.read_file. */
#include "slipway/clock.h"
#include "slipway/file.h"
#include "task.h"

#include <stdlib.h>
#include <string.h>

#define EVENT "slipway.event"

enum { MAX_FILE = 1 << 20 };

struct event {
    bool set;
    struct wait *first;
};

/* Somebody waits: for a time, for an event, or for whichever comes first. */
struct wait {
    struct sw_await base;
    struct sw_timer *timer;
    struct event *event; /* a userdata that is on the coroutine's stack */
    struct wait *previous, *next;
    bool came;
};

static void settle(struct wait *wait) {
    sw_timer_free(wait->timer);
    wait->timer = NULL;
    if (wait->event) {
        *(wait->previous ? &wait->previous->next : &wait->event->first) = wait->next;
        if (wait->next) wait->next->previous = wait->previous;
        wait->event = NULL;
    }
    sw_await__settle(&wait->base);
}

static void on_time(void *ctx) {
    settle(ctx);
}

static void cancel(struct sw_await *await) {
    settle((struct wait *)await);
}

static void free_wait(struct sw_await *await) {
    free(await);
}

static int push_nothing(lua_State *L, struct sw_await *await) {
    (void)L;
    (void)await;
    return 0;
}

static int push_came(lua_State *L, struct sw_await *await) {
    lua_pushboolean(L, ((struct wait *)await)->came);
    return 1;
}

/* [-0, +1] */
static struct wait *new_wait(lua_State *L, struct sw_fiber *fiber, int (*push)(lua_State *L, struct sw_await *await)) {
    struct sw_await **slot = sw_await__slot(L);
    struct wait *wait = sw_xcalloc(1, sizeof *wait);
    wait->base = (struct sw_await){.fiber = fiber, .refs = 2, .push = push, .cancel = cancel, .free = free_wait};
    *slot = &wait->base;
    return wait;
}

static uint64_t milliseconds(lua_State *L, int index) {
    lua_Number seconds = luaL_checknumber(L, index);
    luaL_argcheck(L, seconds >= 0 && seconds <= 86400, index, "0 to 86400 seconds wanted");
    return (uint64_t)(seconds * 1000 + 0.999); /* not before its time */
}

/* io.sleep(seconds) */
static int io_sleep(lua_State *L) {
    uint64_t ms = milliseconds(L, 1);
    struct sw_fiber *fiber = sw_fiber__current(L, "sleep");
    struct wait *wait = new_wait(L, fiber, push_nothing);
    wait->timer = sw_timer_new(fiber->task->script->loop, ms, 0, on_time, wait);
    return sw_await__yield(L);
}

/* event:set() */
static int event_set(lua_State *L) {
    struct event *event = luaL_checkudata(L, 1, EVENT);
    event->set = true;
    while (event->first) {
        event->first->came = true;
        settle(event->first);
    }
    return 0;
}

/* event:wait([seconds]) -> was it set? */
static int event_wait(lua_State *L) {
    struct event *event = luaL_checkudata(L, 1, EVENT);
    bool limited = !lua_isnoneornil(L, 2);
    uint64_t ms = limited ? milliseconds(L, 2) : 0;
    struct sw_fiber *fiber = sw_fiber__current(L, "wait");
    if (event->set) {
        lua_pushboolean(L, 1);
        return 1;
    }
    struct wait *wait = new_wait(L, fiber, push_came);
    if (limited) wait->timer = sw_timer_new(fiber->task->script->loop, ms, 0, on_time, wait);
    wait->event = event;
    wait->next = event->first;
    if (event->first) event->first->previous = wait;
    event->first = wait;
    return sw_await__yield(L);
}

/* io.event() */
static int io_event(lua_State *L) {
    static const luaL_Reg methods[] = {{"set", event_set}, {"wait", event_wait}, {NULL, NULL}};
    struct event *event = lua_newuserdatauv(L, sizeof *event, 0);
    *event = (struct event){0};
    if (luaL_newmetatable(L, EVENT)) {
        luaL_newlib(L, methods);
        lua_setfield(L, -2, "__index");
        lua_pushboolean(L, 0);
        lua_setfield(L, -2, "__metatable");
    }
    lua_setmetatable(L, -2);
    return 1;
}

/* io.now() -> seconds since 1970 */
static int io_now(lua_State *L) {
    lua_pushnumber(L, (lua_Number)sw_wall_ms() / 1000);
    return 1;
}

/* io.random() -> 0 <= x < 1 */
static int io_random(lua_State *L) {
    uint64_t bits;
    sw_random(&bits, sizeof bits);
    lua_pushnumber(L, (lua_Number)(bits >> 11) * 0x1p-53);
    return 1;
}

static int give(lua_State *L, const char *p, size_t len) {
    if (lua_toboolean(L, 2))
        sw_script__push_secret_text(L, p, len);
    else
        lua_pushlstring(L, p, len);
    return 1;
}

/* io.env(name [, secret]) -> text or nil */
static int io_env(lua_State *L) {
    const char *value = getenv(luaL_checkstring(L, 1));
    if (!value) return 0;
    return give(L, value, strlen(value));
}

/* io.read_file(path [, secret]) -> text, or nil when there is none */
static int read_file(lua_State *L) {
    size_t len;
    const char *name = luaL_checklstring(L, 1, &len);
    luaL_argcheck(L, len > 0 && strlen(name) == len, 1, "a path wanted");
    lua_settop(L, 2);
    struct sw_scope *scope = sw_script__scope(L);
    struct sw_err *err = sw_script__error_new(L);
    char *path = sw_expand_home(name);
    int rc = sw_file_read(path, MAX_FILE, &scope->str, err);
    free(path);
    if (rc == SW_ENOTFOUND) return 0;
    if (rc != SW_OK) return lua_error(L);
    give(L, sw_str_z(&scope->str), scope->str.len);
    if (scope->str.p) sw_wipe(scope->str.p, scope->str.cap);
    sw_script__scope_close(scope);
    return 1;
}

void sw_script__open_io(lua_State *L) {
    static const luaL_Reg functions[] = {{"sleep", io_sleep}, {"event", io_event},      {"now", io_now}, {"random", io_random},
                                         {"env", io_env},     {"read_file", read_file}, {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}
