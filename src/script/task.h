/* One call of an API type's function: a coroutine, driven from the loop. */
#ifndef SLIPWAY_SCRIPT_TASK_H
#define SLIPWAY_SCRIPT_TASK_H

#include "await.h"

struct sw_task {
    struct sw_script *script;
    lua_State *co; /* NULL until its first turn */
    int anchor;    /* registry: keeps co alive */
    struct sw_await *await;
    bool cancelled, ready;
    struct sw_task *previous, *next;

    const struct sw_lua_type *type;
    const struct sw_value *provider;
    const struct sw_item *items;
    size_t n;
    struct sw_arena *arena;
    sw_list_done *list_done; /* a list, or: */
    sw_act_done *act_done;
    sw_act_line *line;
    void *ctx;

    const struct sw_value **have; /* results */
    const struct sw_value *attributes;
};

struct sw_run;

struct sw_tasks {
    struct sw_script *script; /* NULL while it is being freed */
    bool idle;                /* the loop holds nothing of ours */
    unsigned posts;
    struct sw_task *first;
    struct {
        struct sw_task **v;
        size_t n, cap;
    } ready;
    unsigned runs; /* programs running */
    struct sw_run *waiting, **waiting_end;
};

void sw_tasks__settle(struct sw_tasks *tasks); /* after posts or runs went down */
struct sw_tasks *sw_task__all(struct sw_script *script);
/* Starts it with the next turn of the loop. Owns `task` (malloc'ed) from here on. */
void sw_task__start(struct sw_task *task);
void sw_task__ready(struct sw_task *task);
/* api.c: the coroutine's first function, and what its end is reported by. */
int sw_task__body(lua_State *L) SW_LJMP;
void sw_task__report(struct sw_task *task, struct sw_err *err);

#endif
