/* What a coroutine can wait for. To add a kind (an HTTP request, a timer): embed struct sw_await first, start the work so that it ends in
 * sw_await__settle() on a later turn of the loop, and return sw_await__yield() as the last thing of the C function Lua called. */
#ifndef SLIPWAY_SCRIPT_AWAIT_H
#define SLIPWAY_SCRIPT_AWAIT_H

#include "host.h"

struct sw_fiber;
struct sw_tasks;

struct sw_await {
    struct sw_fiber *fiber; /* who waits; NULL when it is gone */
    unsigned refs;          /* one for the userdata on the coroutine's stack, one for the running work */
    bool settled;
    int (*push)(lua_State *L, struct sw_await *await) SW_LJMP; /* in the coroutine, when it goes on: pushes the results or raises */
    void (*cancel)(struct sw_await *await);                    /* the work ends soon, by settling */
    void (*free)(struct sw_await *await);
};

/* The coroutine that runs now, which is L. Raises when it is none that can wait, or was told to stop. */
struct sw_fiber *sw_fiber__current(lua_State *L, const char *what) SW_LJMP;
/* [-0, +1] A userdata for an await object, made before the object: *ret_slot takes the pointer. */
struct sw_await **sw_await__slot(lua_State *L) SW_LJMP;
/* Waits for the await object in the userdata on top. Use as: return sw_await__yield(L). */
int sw_await__yield(lua_State *L) SW_LJMP;
/* The work is done. Never resumes: the coroutine goes on with the next turn of the loop. */
void sw_await__settle(struct sw_await *await);
void sw_await__unref(struct sw_await *await);

/* What there is to wait for, in the table on top. */
void sw_script__open_run(lua_State *L) SW_LJMP;    /* bind_run.c: run */
void sw_script__open_http(lua_State *L) SW_LJMP;   /* bind_http.c: http */
void sw_script__open_tunnel(lua_State *L) SW_LJMP; /* bind_tunnel.c: tunnel */
void sw_script__open_io(lua_State *L) SW_LJMP;     /* bind_io.c: sleep, event, now, random, env, read_file */
void sw_script__open_fork(lua_State *L) SW_LJMP;   /* fork.c: fork */
/* bind_http.c: no request is left when it returns. */
void sw_script__http_done(struct sw_tasks *tasks);

#endif
