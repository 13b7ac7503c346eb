/* What a coroutine can wait for. To add a kind (an HTTP request, a timer): embed struct sw_await first, start the work so that it ends in
 * sw_await__settle() on a later turn of the loop, and return sw_await__yield() as the last thing of the C function Lua called. */
#ifndef SLIPWAY_SCRIPT_AWAIT_H
#define SLIPWAY_SCRIPT_AWAIT_H

#include "host.h"

struct sw_task;

struct sw_await {
    struct sw_task *task; /* who waits; NULL when it is gone */
    unsigned refs;        /* one for the userdata on the coroutine's stack, one for the running work */
    bool settled;
    int (*push)(lua_State *L, struct sw_await *await) SW_LJMP; /* in the coroutine, when it goes on: pushes the results or raises */
    void (*cancel)(struct sw_await *await);                    /* the work ends soon, by settling */
    void (*free)(struct sw_await *await);
};

/* The task whose coroutine L is. Raises when there is none or it cannot wait here. */
struct sw_task *sw_task__current(lua_State *L, const char *what) SW_LJMP;
/* [-0, +1] A userdata for an await object, made before the object: *ret_slot takes the pointer. */
struct sw_await **sw_await__slot(lua_State *L) SW_LJMP;
/* Waits for the await object in the userdata on top. Use as: return sw_await__yield(L). */
int sw_await__yield(lua_State *L) SW_LJMP;
/* The work is done. Never resumes: the task goes on with the next turn of the loop. */
void sw_await__settle(struct sw_await *await);
void sw_await__unref(struct sw_await *await);

/* bind_run.c */
void sw_script__open_run(lua_State *L) SW_LJMP; /* run in the table on top */

#endif
