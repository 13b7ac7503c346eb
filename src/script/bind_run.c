/* io.run { argv = {...}, input = "...", env = {...}, timeout = seconds } -> { ok, status, out, err }.
 * At most MAX_RUNS programs run at a time; the rest wait in order. */
#include "slipway/exec.h"
#include "task.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_RUNS = 16, DEFAULT_TIMEOUT_MS = 600000, MAX_OUTPUT = 16 << 20 };

struct sw_run {
    struct sw_await base;
    struct sw_tasks *tasks;
    struct sw_arena *arena; /* of the options */
    struct sw_exec_options options;
    struct sw_exec *exec; /* NULL while it waits for its turn */
    bool cancelled;
    struct sw_err err;
    int status;
    struct sw_str out, errout;
    struct sw_run *next;
};

static void start(struct sw_run *run);

static void start_next(struct sw_tasks *tasks) {
    while (tasks->script && tasks->waiting && tasks->runs < MAX_RUNS) {
        struct sw_run *run = tasks->waiting;
        tasks->waiting = run->next;
        if (!tasks->waiting) tasks->waiting_end = &tasks->waiting;
        start(run);
    }
}

static void on_done(void *ctx, struct sw_exec_result *result) {
    struct sw_run *run = ctx;
    struct sw_tasks *tasks = run->tasks;
    run->exec = NULL;
    run->status = result->status;
    sw_err_move(&run->err, &result->err);
    run->out = result->out; /* taken over */
    run->errout = result->errout;
    result->out = result->errout = (struct sw_str){0};
    tasks->runs--;
    sw_await__settle(&run->base);
    start_next(tasks);
    sw_tasks__settle(tasks);
}

static void start(struct sw_run *run) {
    run->tasks->runs++;
    run->exec = sw_exec_start(run->tasks->script->loop, &run->options);
}

static void cancel(struct sw_await *await) {
    struct sw_run *run = (struct sw_run *)await;
    if (run->cancelled) return;
    run->cancelled = true;
    if (run->exec) {
        sw_exec_cancel(run->exec);
        return;
    }
    struct sw_tasks *tasks = run->tasks;
    for (struct sw_run **at = &tasks->waiting; *at; at = &(*at)->next) {
        if (*at != run) continue;
        *at = run->next;
        if (!*at) tasks->waiting_end = at;
        break;
    }
    sw_err_set(&run->err, SW_ECANCELLED, "stopped before it ran");
    sw_await__settle(await);
}

static void free_run(struct sw_await *await) {
    struct sw_run *run = (struct sw_run *)await;
    sw_arena_free(run->arena);
    sw_err_done(&run->err);
    sw_str_done(&run->out);
    sw_str_done(&run->errout);
    free(run);
}

static int push(lua_State *L, struct sw_await *await) {
    struct sw_run *run = (struct sw_run *)await;
    if (run->err.code) {
        struct sw_err *err = sw_script__error_new(L);
        sw_err_move(err, &run->err);
        return lua_error(L);
    }
    lua_createtable(L, 0, 4);
    lua_pushboolean(L, run->status == 0);
    lua_setfield(L, -2, "ok");
    lua_pushinteger(L, run->status);
    lua_setfield(L, -2, "status");
    lua_pushlstring(L, sw_str_z(&run->out), run->out.len);
    lua_setfield(L, -2, "out");
    lua_pushlstring(L, sw_str_z(&run->errout), run->errout.len);
    lua_setfield(L, -2, "err");
    return 1;
}

static const char *argument(lua_State *L, int index, struct sw_arena *arena, const char *what) {
    struct sw_text text;
    if (!sw_script__text(L, index, &text)) luaL_error(L, "run: %s is a %s, not a text", what, luaL_typename(L, index));
    if (memchr(text.p, '\0', text.len)) luaL_error(L, "run: %s holds a NUL byte", what);
    return sw_strndup(arena, text.p, text.len);
}

static void read_argv(lua_State *L, struct sw_run *run) {
    if (lua_getfield(L, 1, "argv") != LUA_TTABLE) luaL_error(L, "run: argv = { program, ... } wanted");
    lua_Integer n = luaL_len(L, -1);
    if (n < 1 || n > 10000) luaL_error(L, "run: argv = { program, ... } wanted");
    const char **argv = sw_new_n(run->arena, const char *, (size_t)n + 1);
    for (lua_Integer i = 1; i <= n; i++) {
        lua_geti(L, -1, i);
        argv[i - 1] = argument(L, lua_gettop(L), run->arena, "an element of argv");
        lua_pop(L, 1);
    }
    run->options.argv = argv;
    lua_pop(L, 1);
}

static void read_env(lua_State *L, struct sw_run *run) {
    if (lua_getfield(L, 1, "env") != LUA_TTABLE) {
        lua_pop(L, 1);
        return;
    }
    size_t n = 0;
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) n++;
    const char **env = sw_new_n(run->arena, const char *, n + 1);
    n = 0;
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
        const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "";
        if (!*name || strchr(name, '=')) luaL_error(L, "run: '%s' is no name of a variable", name);
        env[n++] = sw_printf(run->arena, "%s=%s", name, argument(L, lua_gettop(L), run->arena, name));
    }
    run->options.env = env;
    lua_pop(L, 1);
}

static void read_options(lua_State *L, struct sw_run *run) {
    static const char *const known[] = {"argv", "input", "env", "timeout"};
    for (lua_pushnil(L); lua_next(L, 1); lua_pop(L, 1)) {
        bool fine = false;
        for (size_t i = 0; lua_type(L, -2) == LUA_TSTRING && i < sw_countof(known); i++)
            fine = fine || strcmp(lua_tostring(L, -2), known[i]) == 0;
        if (!fine) luaL_error(L, "run has argv, input, env and timeout");
    }
    read_argv(L, run);
    read_env(L, run);
    if (lua_getfield(L, 1, "input") != LUA_TNIL) {
        struct sw_text text;
        if (!sw_script__text(L, lua_gettop(L), &text)) luaL_error(L, "run: input is a %s, not a text", luaL_typename(L, -1));
        run->options.input = sw_strndup(run->arena, text.p, text.len);
        run->options.input_len = text.len;
    }
    run->options.timeout_ms = DEFAULT_TIMEOUT_MS;
    if (lua_getfield(L, 1, "timeout") != LUA_TNIL) {
        lua_Number seconds = luaL_checknumber(L, -1);
        if (!(seconds > 0 && seconds < 1000000)) luaL_error(L, "run: timeout in seconds wanted");
        run->options.timeout_ms = (unsigned)(seconds * 1000);
    }
    lua_pop(L, 2);
}

static int run_program(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    struct sw_fiber *fiber = sw_fiber__current(L, "run");
    struct sw_await **slot = sw_await__slot(L);
    struct sw_run *run = sw_xcalloc(1, sizeof *run);
    run->base = (struct sw_await){.refs = 1, .push = push, .cancel = cancel, .free = free_run};
    *slot = &run->base; /* from here on the collector frees it */
    run->arena = sw_arena_new();
    read_options(L, run);
    run->options.max_output = MAX_OUTPUT;
    run->options.on_done = on_done;
    run->options.ctx = run;
    run->tasks = fiber->task->script->tasks;
    run->base.fiber = fiber;
    run->base.refs++;
    lua_settop(L, 2); // options slot
    if (run->tasks->runs < MAX_RUNS) {
        start(run);
    } else {
        *run->tasks->waiting_end = run;
        run->tasks->waiting_end = &run->next;
    }
    return sw_await__yield(L);
}

void sw_script__open_run(lua_State *L) {
    lua_pushcfunction(L, run_program);
    lua_setfield(L, -2, "run");
}
