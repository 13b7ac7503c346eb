/* One call of an API type's function: a coroutine, driven from the loop, and those it forks. */
#ifndef SLIPWAY_SCRIPT_TASK_H
#define SLIPWAY_SCRIPT_TASK_H

#include "await.h"

/* One coroutine of a task. */
struct sw_fiber {
    struct sw_task *task;
    lua_State *co; /* NULL until its first turn */
    int anchor;    /* registry: keeps co alive */
    struct sw_await *await;
    bool ready;
    struct sw_fiber *next_ready;
    struct sw_fiber *previous, *next;                        /* of the script */
    int (*make)(lua_State *L) SW_LJMP;                       /* pushes what to run and its arguments on fiber->co; L is the main state */
    void (*end)(struct sw_fiber *fiber, struct sw_err *err); /* once; the fiber is freed after it. Not called when the script goes */
    void *ctx;
};

struct sw_task {
    struct sw_script *script;
    bool cancelled;

    const struct sw_lua_type *type;
    const struct sw_value *provider;
    const struct sw_item *items;
    size_t n;
    struct sw_arena *arena;
    sw_list_done *list_done; /* a list, or: */
    sw_act_done *act_done;
    sw_act_line *line;
    void *ctx;
    struct sw_task *previous, *next;

    const struct sw_value **have; /* results */
    const struct sw_value *attributes;
};

struct sw_run;
struct sw_web;

struct sw_tasks {
    struct sw_script *script; /* NULL while it is being freed */
    bool idle;                /* the loop holds nothing of ours */
    unsigned posts;
    struct sw_task *first;
    struct sw_fiber *fibers;
    struct sw_fiber *current; /* while it runs */
    struct sw_fiber *ready, **ready_end;
    unsigned runs; /* programs running */
    struct sw_run *waiting, **waiting_end;
    struct sw_web *web; /* bind_http.c; NULL until the first request */
};

void sw_tasks__settle(struct sw_tasks *tasks); /* after posts or runs went down */
struct sw_tasks *sw_task__all(struct sw_script *script);
/* Starts it with the next turn of the loop. Owns `task` (malloc'ed) from here on. */
void sw_task__start(struct sw_task *task);
/* A coroutine of the task; its first turn is the next of the loop. */
void sw_fiber__start(struct sw_task *task, int (*make)(lua_State *L), void (*end)(struct sw_fiber *fiber, struct sw_err *err), void *ctx);
void sw_fiber__ready(struct sw_fiber *fiber);
/* api.c: the coroutine's first function, and what its end is reported by. */
int sw_task__body(lua_State *L) SW_LJMP;
void sw_task__report(struct sw_task *task, struct sw_err *err);

#endif
