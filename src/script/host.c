/* The Lua state: its instruction budget, and the one protected way in. */
#include "host.h"

#include <stdio.h>
#include <stdlib.h>

/* The hook costs nothing measurable at this interval, and a loop is caught within a fraction of a millisecond. */
enum { HOOK_INTERVAL = 10000 };
/* Allocated bytes count like instructions, 16 to 1: a loop over string.rep() runs few instructions and moves gigabytes. */
enum { BYTES_PER_INSTRUCTION = 16 };
/* A collection begins when half as much again is in use as was left by the last one. Lua's own is twice as much: with the largest manifests
 * 8 MB more, and no less time. */
enum { PAUSE = 150 };

struct sw_script *sw_script__of(lua_State *L) {
    return *(struct sw_script **)lua_getextraspace(L);
}

static void hook(lua_State *L, lua_Debug *ar) {
    (void)ar;
    struct sw_script *s = sw_script__of(L);
    if (!s->spent) {
        s->left -= HOOK_INTERVAL;
        if (s->left > 0) return;
        s->spent = true;
        sw_script__where(L, 0, &s->spent_at);
    }
    /* A pcall in the script may catch this. So from now on every instruction raises, until nothing is left that could catch. */
    lua_sethook(L, hook, LUA_MASKCOUNT, 1);
    luaL_error(L, "too much work");
}

void sw_script__charge(lua_State *L, size_t work) {
    struct sw_script *s = sw_script__of(L);
    s->left -= work > INT32_MAX ? INT32_MAX : (int64_t)work;
    if (s->left > 0) return;
    hook(L, NULL);
}

void sw_script__allocated(struct sw_script *s, size_t bytes) {
    s->left -= (int64_t)(bytes / BYTES_PER_INSTRUCTION);
    if (s->left <= 0 && s->running && !s->spent)
        lua_sethook(s->running, hook, LUA_MASKCOUNT, 1); /* the one call that may come at any time */
}

static int panic(lua_State *L) {
    const char *text = lua_tostring(L, -1);
    fprintf(stderr, "slipway: bug: a Lua error outside of any protected call: %s\n", text ? text : "?");
    return 0; /* Lua aborts */
}

void sw_script__arm(struct sw_script *s, lua_State *L) {
    s->left = (int64_t)s->options.max_instructions;
    s->spent = false;
    s->spent_at = s->refused_at = (struct sw_pos){0};
    s->running = L;
    s->converted = 0;
    lua_sethook(L, hook, LUA_MASKCOUNT, HOOK_INTERVAL);
}

int sw_script__run(struct sw_script *s, lua_CFunction fn, void *arg, struct sw_err *err) {
    lua_State *L = s->L;
    int top = lua_gettop(L);
    lua_State *was_running = s->running;
    sw_script__arm(s, L);
    lua_pushcfunction(L, sw_script__message_handler);
    lua_pushcfunction(L, fn);
    lua_pushlightuserdata(L, arg);
    int status = lua_pcall(L, 1, 0, top + 1);
    int code = 0;
    if (status != LUA_OK) code = sw_script__error_take(s, L, status, err);
    s->running = was_running;
    lua_settop(L, top);
    return code;
}

static int init(lua_State *L) {
    sw_script__open_scope(L);
    sw_script__open_opaque(L);
    sw_script__open_readonly(L);
    sw_script__open_sandbox(L);
    return 0;
}

int sw_script_new(struct sw_loop *loop, struct sw_arena *arena, const struct sw_script_options *options, struct sw_script **ret,
                  struct sw_err *err) {
    struct sw_script *s = sw_xcalloc(1, sizeof *s);
    s->loop = loop;
    s->arena = arena;
    if (options) s->options = *options;
    s->options.lua_dir = sw_strdup(arena, s->options.lua_dir);
    s->options.playbook_dir = sw_strdup(arena, s->options.playbook_dir);
    if (!s->options.max_memory) s->options.max_memory = (size_t)256 << 20;
    if (!s->options.max_instructions) s->options.max_instructions = 200000000;
    s->limit = s->options.max_memory;
    s->left = INT64_MAX;
    s->iface = (struct sw_types){sw_script__find_type, sw_script__prelude, sw_script__cancel, s};
    s->L = lua_newstate(sw_script__allocate, s);
    if (!s->L) {
        free(s);
        return sw_err_set(err, SW_ELIMIT, "no memory for a Lua state");
    }
    lua_atpanic(s->L, panic);
    lua_gc(s->L, LUA_GCINC, PAUSE, 0, 0);
    *(struct sw_script **)lua_getextraspace(s->L) = s;
    int code = sw_script__reserve_main(s->L) ? sw_script__run(s, init, NULL, err) : sw_err_set(err, SW_ELIMIT, "no memory");
    if (code) {
        sw_script_free(s);
        return sw_err_frame(err, "loading the Lua library");
    }
    *ret = s;
    return 0;
}

void sw_script_free(struct sw_script *s) {
    if (!s) return;
    sw_script__tasks_done(s);
    sw_script__declare_done(s);
    s->running = NULL;
    lua_close(s->L);
    sw_script__modules_done(s);
    for (size_t i = 0; i < s->source_list.n; i++) free(s->source_list.v[i]);
    sw_vec_done(&s->source_list);
    sw_vec_done(&s->type_names);
    sw_map_done(&s->sources);
    sw_map_done(&s->types);
    sw_map_done(&s->hashes);
    sw_str_done(&s->prelude);
    free(s);
}

const struct sw_types *sw_script_types(struct sw_script *s) {
    return &s->iface;
}
