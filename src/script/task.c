/* Coroutines and the loop. A coroutine is resumed by turn() only, and turn() runs from sw_loop_post() only: never from within a callback of
 * something it waited for, nor from within the engine's call. */
#include "task.h"

#include <stdlib.h>

struct sw_tasks *sw_task__all(struct sw_script *s) {
    if (!s->tasks) {
        s->tasks = sw_xcalloc(1, sizeof *s->tasks);
        s->tasks->script = s;
        s->tasks->waiting_end = &s->tasks->waiting;
    }
    return s->tasks;
}

static void drop(struct sw_task *task) {
    struct sw_tasks *all = task->script->tasks;
    if (task->previous)
        task->previous->next = task->next;
    else
        all->first = task->next;
    if (task->next) task->next->previous = task->previous;
    if (task->co) luaL_unref(task->script->L, LUA_REGISTRYINDEX, task->anchor);
    free(task);
}

/* The end, whatever it was. The callback may start other tasks, so the task is out of the way before. */
static void finish(struct sw_task *task, struct sw_err *err) {
    struct sw_script *s = task->script;
    if (task->co && err && err->code) {
        sw_script__arm(s, task->co); /* to-be-closed variables run now */
        lua_resetthread(task->co);
        s->running = NULL;
    }
    struct sw_task done = *task;
    drop(task);
    sw_task__report(&done, err);
    sw_err_done(err);
}

struct sealing {
    struct sw_task *task;
    struct sw_err *err;
};

/* Takes the error from the dead coroutine, with a traceback of it. Runs on the main state. */
static int seal(lua_State *L) {
    struct sealing *sealing = lua_touserdata(L, 1);
    lua_xmove(sealing->task->co, L, 1);
    sw_script__error_seal(L, sealing->task->co, 0);
    sw_err_move(sealing->err, sw_script__error_get(L, -1));
    return 0;
}

static int make_thread(lua_State *L) {
    struct sw_task *task = lua_touserdata(L, 1);
    lua_State *co = lua_newthread(L);
    task->anchor = luaL_ref(L, LUA_REGISTRYINDEX);
    task->co = co;
    lua_pushcfunction(co, sw_task__body);
    lua_pushlightuserdata(co, task);
    return 0;
}

static void go_on(struct sw_task *task) {
    struct sw_script *s = task->script;
    struct sw_err err = {0};
    task->ready = false;
    if (task->cancelled) {
        sw_err_set(&err, SW_ECANCELLED, "stopped");
        finish(task, &err);
        return;
    }
    int n = 0;
    if (!task->co) {
        if (sw_script__run(s, make_thread, task, &err)) {
            finish(task, &err);
            return;
        }
        n = 1;
    }
    sw_script__arm(s, task->co);
    int results = 0;
    int status = lua_resume(task->co, NULL, n, &results);
    bool spent = s->spent;
    struct sw_pos spent_at = s->spent_at;
    s->running = NULL;
    if (status == LUA_YIELD) {
        if (task->await && results == 0) return;
        sw_err_set(&err, SW_EINTERNAL, "a coroutine stopped without anything to wait for");
    } else if (status != LUA_OK) {
        struct sealing sealing = {task, &err};
        if (spent || status == LUA_ERRMEM) {
            s->spent = spent;
            s->spent_at = spent_at;
            sw_script__error_take(s, task->co, status, &err);
            s->spent = false;
        } else {
            sw_script__run(s, seal, &sealing, &err);
        }
    }
    finish(task, &err);
}

void sw_tasks__settle(struct sw_tasks *all) {
    all->idle = all->posts == 0 && all->runs == 0;
}

static void turn(void *ctx) {
    struct sw_tasks *all = ctx;
    all->posts--;
    sw_tasks__settle(all);
    if (!all->script) return;
    if (all->ready.n) { /* one post, one task */
        struct sw_task *task = all->ready.v[0];
        for (size_t i = 1; i < all->ready.n; i++) all->ready.v[i - 1] = all->ready.v[i];
        all->ready.n--;
        go_on(task);
    }
}

void sw_task__ready(struct sw_task *task) {
    struct sw_tasks *all = task->script->tasks;
    if (task->ready) return;
    task->ready = true;
    sw_vec_push(&all->ready, task);
    all->posts++;
    sw_loop_post(task->script->loop, turn, all);
}

void sw_task__start(struct sw_task *task) {
    struct sw_tasks *all = sw_task__all(task->script);
    task->next = all->first;
    if (all->first) all->first->previous = task;
    all->first = task;
    sw_task__ready(task);
}

void sw_script__cancel(void *ctx) {
    struct sw_script *s = ctx;
    for (struct sw_task *task = s->tasks ? s->tasks->first : NULL; task; task = task->next) {
        task->cancelled = true;
        if (task->await) task->await->cancel(task->await);
    }
}

/* The script goes: tasks end without a word, since whoever started them is gone, too. Programs are stopped, and the loop runs until they
 * are. */
void sw_script__tasks_done(struct sw_script *s) {
    struct sw_tasks *all = s->tasks;
    if (!all) return;
    for (struct sw_task *task = all->first, *next; task; task = next) {
        next = task->next;
        if (task->await) {
            task->await->task = NULL;
            task->await->cancel(task->await);
        }
        drop(task);
    }
    sw_vec_done(&all->ready);
    all->script = NULL;
    s->tasks = NULL;
    sw_tasks__settle(all);
    sw_loop_run(s->loop, &all->idle);
    free(all);
}
