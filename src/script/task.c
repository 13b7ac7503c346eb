/* Coroutines and the loop. A coroutine is resumed by turn() only, and turn() runs from sw_loop_post() only: never from within a callback of
 * something it waited for, nor from within the engine's call. */
#include "task.h"

#include <stdlib.h>

struct sw_tasks *sw_task__all(struct sw_script *s) {
    if (!s->tasks) {
        s->tasks = sw_xcalloc(1, sizeof *s->tasks);
        s->tasks->script = s;
        s->tasks->waiting_end = &s->tasks->waiting;
        s->tasks->ready_end = &s->tasks->ready;
    }
    return s->tasks;
}

/* --- one coroutine
 * ------------------------------------------------------------------------------------------------------------------------- */

static void drop_fiber(struct sw_fiber *fiber) {
    struct sw_script *s = fiber->task->script;
    *(fiber->previous ? &fiber->previous->next : &s->tasks->fibers) = fiber->next;
    if (fiber->next) fiber->next->previous = fiber->previous;
    if (fiber->co) luaL_unref(s->L, LUA_REGISTRYINDEX, fiber->anchor);
    free(fiber);
}

static void finish(struct sw_fiber *fiber, struct sw_err *err) {
    struct sw_script *s = fiber->task->script;
    if (fiber->co && err->code) {
        sw_script__arm(s, fiber->co); /* to-be-closed variables run now */
        lua_resetthread(fiber->co);
        s->running = NULL;
    }
    /* `end` may start others, so this one is out of the way before. */
    struct sw_fiber done = *fiber;
    drop_fiber(fiber);
    done.end(&done, err);
    sw_err_done(err);
}

struct sealing {
    struct sw_fiber *fiber;
    struct sw_err *err;
};

/* Takes the error from the dead coroutine, with a traceback of it. Runs on the main state. */
static int seal(lua_State *L) {
    struct sealing *sealing = lua_touserdata(L, 1);
    lua_xmove(sealing->fiber->co, L, 1);
    sw_script__error_seal(L, sealing->fiber->co, 0);
    sw_err_move(sealing->err, sw_script__error_get(L, -1));
    return 0;
}

static int make_thread(lua_State *L) {
    struct sw_fiber *fiber = lua_touserdata(L, 1);
    lua_State *co = sw_script__new_thread(L);
    fiber->anchor = luaL_ref(L, LUA_REGISTRYINDEX);
    fiber->co = co;
    return fiber->make(L);
}

static void go_on(struct sw_fiber *fiber) {
    struct sw_script *s = fiber->task->script;
    struct sw_err err = {0};
    if (fiber->task->cancelled) {
        sw_err_set(&err, SW_ECANCELLED, "stopped");
        finish(fiber, &err);
        return;
    }
    int n = 0;
    if (!fiber->co) {
        if (sw_script__run(s, make_thread, fiber, &err)) {
            finish(fiber, &err);
            return;
        }
        n = lua_gettop(fiber->co) - 1;
    }
    sw_script__arm(s, fiber->co);
    s->tasks->current = fiber;
    int results = 0;
    int status = lua_resume(fiber->co, NULL, n, &results);
    s->tasks->current = NULL;
    bool spent = s->spent;
    struct sw_pos spent_at = s->spent_at;
    s->running = NULL;
    if (status == LUA_YIELD) {
        if (fiber->await && results == 0) return;
        sw_err_set(&err, SW_EINTERNAL, "a coroutine stopped without anything to wait for");
    } else if (status != LUA_OK) {
        struct sealing sealing = {fiber, &err};
        if (spent || status == LUA_ERRMEM) {
            s->spent = spent;
            s->spent_at = spent_at;
            sw_script__error_take(s, fiber->co, status, &err);
            s->spent = false;
        } else {
            sw_script__run(s, seal, &sealing, &err);
        }
    }
    finish(fiber, &err);
}

void sw_tasks__settle(struct sw_tasks *all) {
    all->idle = all->posts == 0 && all->runs == 0;
}

static void turn(void *ctx) {
    struct sw_tasks *all = ctx;
    all->posts--;
    sw_tasks__settle(all);
    struct sw_fiber *fiber = all->ready;
    if (!all->script || !fiber) return;
    all->ready = fiber->next_ready; /* one post, one coroutine */
    if (!all->ready) all->ready_end = &all->ready;
    fiber->ready = false;
    go_on(fiber);
}

void sw_fiber__ready(struct sw_fiber *fiber) {
    struct sw_tasks *all = fiber->task->script->tasks;
    if (fiber->ready) return;
    fiber->ready = true;
    fiber->next_ready = NULL;
    *all->ready_end = fiber;
    all->ready_end = &fiber->next_ready;
    all->posts++;
    sw_tasks__settle(all);
    sw_loop_post(all->script->loop, turn, all);
}

void sw_fiber__start(struct sw_task *task, int (*make)(lua_State *L), void (*end)(struct sw_fiber *fiber, struct sw_err *err), void *ctx) {
    struct sw_tasks *all = sw_task__all(task->script);
    struct sw_fiber *fiber = sw_xcalloc(1, sizeof *fiber);
    *fiber = (struct sw_fiber){.task = task, .make = make, .end = end, .ctx = ctx, .next = all->fibers};
    if (all->fibers) all->fibers->previous = fiber;
    all->fibers = fiber;
    sw_fiber__ready(fiber);
}

/* --- the call
 * ------------------------------------------------------------------------------------------------------------------------------ */

static int make_call(lua_State *L) {
    struct sw_fiber *fiber = lua_touserdata(L, 1);
    lua_pushcfunction(fiber->co, sw_task__body);
    lua_pushlightuserdata(fiber->co, fiber->task);
    return 0;
}

static void drop_task(struct sw_task *task) {
    struct sw_tasks *all = task->script->tasks;
    *(task->previous ? &task->previous->next : &all->first) = task->next;
    if (task->next) task->next->previous = task->previous;
    free(task);
}

/* The end, whatever it was. What a call forked has ended before. */
static void end_call(struct sw_fiber *fiber, struct sw_err *err) {
    struct sw_task done = *fiber->task;
    drop_task(fiber->task);
    sw_task__report(&done, err);
}

void sw_task__start(struct sw_task *task) {
    struct sw_tasks *all = sw_task__all(task->script);
    task->next = all->first;
    if (all->first) all->first->previous = task;
    all->first = task;
    sw_fiber__start(task, make_call, end_call, NULL);
}

void sw_script__cancel(void *ctx) {
    struct sw_script *s = ctx;
    for (struct sw_task *task = s->tasks ? s->tasks->first : NULL; task; task = task->next) task->cancelled = true;
    for (struct sw_fiber *fiber = s->tasks ? s->tasks->fibers : NULL; fiber; fiber = fiber->next)
        if (fiber->await) fiber->await->cancel(fiber->await);
}

/* The script goes: calls end without a word, since whoever started them is gone, too. What they wait for is stopped, and the loop runs until it
 * is. */
void sw_script__tasks_done(struct sw_script *s) {
    struct sw_tasks *all = s->tasks;
    if (!all) return;
    for (struct sw_fiber *fiber = all->fibers; fiber; fiber = fiber->next) {
        struct sw_await *await = fiber->await;
        if (!await) continue;
        fiber->await = NULL;
        await->fiber = NULL;
        await->cancel(await);
    }
    for (struct sw_fiber *fiber = all->fibers, *next; fiber; fiber = next) {
        next = fiber->next;
        drop_fiber(fiber);
    }
    for (struct sw_task *task = all->first, *next; task; task = next) {
        next = task->next;
        drop_task(task);
    }
    sw_script__http_done(all);
    all->script = NULL;
    s->tasks = NULL;
    sw_tasks__settle(all);
    sw_loop_run(s->loop, &all->idle);
    free(all);
}
