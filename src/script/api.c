/* Types in an API: list and act as the engine calls them. The Lua side of the call is slipway/api.lua. */
#include "task.h"

#include <stdlib.h>
#include <string.h>

#define DRIVER "slipway.api"

/* --- the coroutine
 * ------------------------------------------------------------------------------------------------------------------------- */

static struct sw_task *task_of(lua_State *L) {
    return lua_touserdata(L, 1);
}

static int line(lua_State *L) {
    struct sw_script *s = sw_script__of(L);
    lua_settop(L, 1);
    if (sw_script__opaque(L, 1) == SW_O_SECRET) {
        lua_pushliteral(L, "(sensitive)");
        lua_replace(L, 1);
    }
    const char *text = luaL_checkstring(L, 1);
    struct sw_fiber *fiber = s->tasks ? s->tasks->current : NULL;
    if (fiber && fiber->co == L && fiber->task->line) fiber->task->line(fiber->task->ctx, text);
    return 0;
}

/* Computed attributes (an id) stay over an update that does not name them. */
static const struct sw_value *computed_of(const struct sw_lua_type *type, const struct sw_value *map, struct sw_arena *arena) {
    if (!sw_is(map, SW_MAP)) return &SW_EMPTY_MAP;
    struct sw_pair *pairs = sw_new_n(arena, struct sw_pair, map->map.n);
    size_t n = 0;
    for (size_t i = 0; i < map->map.n; i++) {
        const struct sw_attr *attr = sw_schema_find(&type->schema, map->map.v[i].key);
        if (attr && attr->computed) pairs[n++] = map->map.v[i];
    }
    return sw_value_map(arena, pairs, n);
}

static void take_acted(lua_State *L, struct sw_task *task) {
    const struct sw_item *item = task->items;
    struct sw_arena *arena = task->arena;
    if (item->action == SW_DELETE) return;
    const struct sw_value *v = item->desired ? item->desired : &SW_EMPTY_MAP;
    const struct sw_value *was = item->have ? item->have : item->action == SW_UPDATE ? item->prior : NULL;
    if (was) v = sw_map_merge(arena, computed_of(task->type, was, arena), v);
    if (!lua_isnil(L, -1))
        v = sw_map_merge(arena, v, sw_script__attributes(L, task->type, lua_gettop(L), "the function", item->desired, arena));
    task->attributes = sw_script__mark(&task->type->schema, v, item->desired, NULL, arena);
}

static void take_listed(lua_State *L, struct sw_task *task) {
    if (!lua_istable(L, -1))
        luaL_error(L, "list of '%s' gave a %s, not a table name -> attributes", task->type->type.name, luaL_typename(L, -1));
    for (size_t i = 0; i < task->n; i++) {
        const struct sw_item *item = &task->items[i];
        lua_getfield(L, -1, item->resource->name);
        if (lua_toboolean(L, -1)) {
            const struct sw_value *like = item->desired ? item->desired : item->prior;
            const struct sw_value *v = sw_script__attributes(L, task->type, lua_gettop(L), "list", like, task->arena);
            task->have[i] = sw_script__mark(&task->type->schema, v, item->desired, item->prior, task->arena);
        }
        lua_pop(L, 1);
    }
}

static int body_done(lua_State *L, int status, lua_KContext ctx) {
    struct sw_task *task = task_of(L);
    (void)status;
    (void)ctx;
    if (task->list_done)
        take_listed(L, task);
    else
        take_acted(L, task);
    return 0;
}

int sw_task__body(lua_State *L) {
    struct sw_task *task = task_of(L);
    char hash[65];
    const struct sw_value *config = task->provider ? task->provider : &SW_EMPTY_MAP;
    if (sw_value_has_unknown(config)) return sw_script__fail(L, SW_EREFUSED, "the provider's configuration is not known yet");
    sw_value_hash(config, hash);
    lua_getfield(L, LUA_REGISTRYINDEX, DRIVER); // task driver
    if (task->list_done)
        lua_pushliteral(L, "list");
    else
        lua_pushstring(L, task->items->action == SW_UPDATE ? "update" : task->items->action == SW_DELETE ? "delete" : "create");
    lua_rawgeti(L, LUA_REGISTRYINDEX, task->type->spec);
    lua_pushstring(L, sw_get_str(config, "name", task->type->type.provider));
    sw_script__push_value(L, config);
    lua_pushstring(L, hash);
    if (task->list_done) {
        lua_createtable(L, (int)task->n, 0);
        for (size_t i = 0; i < task->n; i++) {
            sw_script__push_item(L, task->type, &task->items[i], false);
            lua_rawseti(L, -2, (lua_Integer)i + 1);
        }
    } else {
        sw_script__push_item(L, task->type, task->items, true);
    }
    lua_pushcfunction(L, line);
    lua_callk(L, 7, 1, 0, body_done);
    return body_done(L, LUA_OK, 0);
}

void sw_task__report(struct sw_task *task, struct sw_err *err) {
    bool failed = err && err->code;
    if (failed && err->code == SW_ESCRIPT) /* a mistake in the type's own code; else which resource it was for says enough */
        sw_err_frame(err, "running '%s' of the resource type '%s'", task->list_done ? "list" : sw_action_name(task->items->action),
                     task->type->type.name);
    if (task->list_done)
        task->list_done(task->ctx, failed ? NULL : task->have, failed ? err : NULL);
    else
        task->act_done(task->ctx, failed ? NULL : task->attributes, failed ? err : NULL);
}

/* --- from the engine
 * -------------------------------------------------------------------------------------------------------------------------- */

static struct sw_task *new_task(const struct sw_type *type, const struct sw_value *provider, const struct sw_item *items, size_t n,
                                struct sw_arena *arena, void *ctx) {
    const struct sw_lua_type *t = type->impl;
    struct sw_task *task = sw_xcalloc(1, sizeof *task);
    task->script = t->script;
    task->type = t;
    task->provider = provider;
    struct sw_item *copy = sw_new_n(arena, struct sw_item, n);
    if (n) memcpy(copy, items, n * sizeof *items);
    task->items = copy;
    task->n = n;
    task->arena = arena;
    task->ctx = ctx;
    task->have = sw_new_n(arena, const struct sw_value *, n + 1);
    return task;
}

void sw_script__list(const struct sw_type *type, const struct sw_value *provider, const struct sw_item *items, size_t n,
                     struct sw_arena *arena, sw_list_done *done, void *ctx) {
    struct sw_task *task = new_task(type, provider, items, n, arena, ctx);
    task->list_done = done;
    sw_task__start(task);
}

void sw_script__act(const struct sw_type *type, const struct sw_value *provider, const struct sw_item *item, struct sw_arena *arena,
                    sw_act_line *on_line, sw_act_done *done, void *ctx) {
    struct sw_task *task = new_task(type, provider, item, 1, arena, ctx);
    task->act_done = done;
    task->line = on_line;
    sw_task__start(task);
}

/* --- for the library
 * ---------------------------------------------------------------------------------------------------------------------------- */

/* core.set_driver(function) */
static int set_driver(lua_State *L) {
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_settop(L, 1);
    lua_setfield(L, LUA_REGISTRYINDEX, DRIVER);
    return 0;
}

/* core.loading_origin() -> "library", "playbooks" or "user": whose file is being loaded; nil when none is */
static int loading_origin(lua_State *L) {
    static const char *const words[] = {"library", "playbooks", "user"};
    struct sw_script *s = sw_script__of(L);
    if (s->loading.n == 0) return 0;
    lua_pushstring(L, words[s->loading.v[s->loading.n - 1][0] - '0']);
    return 1;
}

void sw_script__open_api(lua_State *L) {
    static const luaL_Reg functions[] = {{"set_driver", set_driver}, {"loading_origin", loading_origin}, {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
    sw_script__open_fork(L);
    lua_createtable(L, 0, 10);
    sw_script__open_run(L);
    sw_script__open_http(L);
    sw_script__open_tunnel(L);
    sw_script__open_io(L);
    lua_setfield(L, -2, "io");
}
