/* Types on a host, as the engine calls them. Each call is one entry into Lua: arguments in, one function, its result out.
 *
 * Presence is handled here, not in the types: `state = "absent"` in what is wanted turns a found thing into a difference, and its step into
 * `remove`.
 */
#include "type.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "slipway/hash.h"

bool sw_script__wants_absent(const struct sw_value *desired) {
    return strcmp(sw_get_str(desired, "state", ""), "absent") == 0;
}

bool sw_script__push_function(lua_State *L, const struct sw_lua_type *type, const char *name) {
    lua_rawgeti(L, LUA_REGISTRYINDEX, type->spec); // spec
    lua_getfield(L, -1, name);                     // spec function
    lua_remove(L, -2);
    if (!lua_isnil(L, -1)) return true;
    lua_pop(L, 1);
    return false;
}

static void set_value(lua_State *L, const char *key, const struct sw_value *v) {
    sw_script__push_value(L, v);
    lua_setfield(L, -2, key);
}

void sw_script__push_item(lua_State *L, const struct sw_lua_type *type, const struct sw_item *item, bool acting) {
    const struct sw_value *attributes = item->desired ? item->desired : item->prior ? item->prior : item->have;
    luaL_checkstack(L, 8, NULL);
    if (sw_is(attributes, SW_MAP))
        sw_script__push_value(L, attributes); // r
    else
        lua_createtable(L, 0, 8);
    /* An API's own `name`, where the user set one, is the name; else the resource's is. */
    if (!sw_schema_find(&type->schema, "name") || sw_is_nil(sw_get(attributes, "name"))) {
        lua_pushstring(L, item->resource->name);
        lua_setfield(L, -2, "name");
    }
    lua_pushstring(L, item->resource->name);
    lua_setfield(L, -2, "_name");
    lua_pushstring(L, item->resource->address);
    lua_setfield(L, -2, "_address");
    set_value(L, "prior", item->prior);
    if (item->token) {
        lua_pushstring(L, item->token);
        lua_setfield(L, -2, "_token");
    }
    set_value(L, "_begun", item->begun);
    lua_pushboolean(L, item->desired != NULL);
    lua_setfield(L, -2, "_declared");
    if (!acting) return;
    set_value(L, "have", item->have);
    lua_pushboolean(L, item->triggered);
    lua_setfield(L, -2, "triggered");
    if (!sw_schema_find(&type->schema, "action")) { /* what the type calls so itself is what its functions get */
        lua_pushstring(L, item->action == SW_UPDATE ? "update" : item->action == SW_DELETE ? "delete" : "create");
        lua_setfield(L, -2, "action");
    }
}

/* out.lines is made when somebody asks for it. */
static int index_output(lua_State *L) {
    if (lua_type(L, 2) != LUA_TSTRING || strcmp(lua_tostring(L, 2), "lines") != 0) return 0;
    lua_getfield(L, 1, "text");
    size_t len;
    const char *p = luaL_checklstring(L, -1, &len), *end = p + len;
    lua_createtable(L, 8, 0); // text lines
    for (lua_Integer i = 1; p < end; i++) {
        const char *stop = memchr(p, '\n', (size_t)(end - p));
        if (!stop) stop = end;
        lua_pushlstring(L, p, (size_t)(stop - p));
        lua_rawseti(L, -2, i);
        p = stop + 1;
    }
    lua_pushvalue(L, -1);
    lua_setfield(L, 1, "lines");
    return 1;
}

void sw_script__push_output(lua_State *L, const struct sw_batch_result *output) {
    size_t len = output->out_len;
    luaL_checkstack(L, 6, NULL);
    while (len && output->out[len - 1] == '\n') len--;
    lua_createtable(L, 0, 8); // out
    lua_pushboolean(L, output->ended && output->status == 0);
    lua_setfield(L, -2, "ok");
    lua_pushinteger(L, output->status);
    lua_setfield(L, -2, "status");
    lua_pushlstring(L, output->out ? output->out : "", output->out_len);
    lua_setfield(L, -2, "raw");
    lua_pushlstring(L, output->out ? output->out : "", len);
    lua_setfield(L, -2, "text");
    lua_pushlstring(L, output->err ? output->err : "", output->err_len);
    lua_setfield(L, -2, "err");
    lua_pushboolean(L, output->truncated);
    lua_setfield(L, -2, "truncated");
    if (luaL_newmetatable(L, "slipway.output")) {
        lua_pushcfunction(L, index_output);
        lua_setfield(L, -2, "__index");
        lua_pushboolean(L, 0);
        lua_setfield(L, -2, "__metatable");
    }
    lua_setmetatable(L, -2);
}

const struct sw_value *sw_script__attributes(lua_State *L, const struct sw_lua_type *type, int index, const char *function,
                                             const struct sw_value *like, struct sw_arena *arena) {
    if (!lua_istable(L, index))
        luaL_error(L, "%s of '%s' gave a %s, not a table of attributes", function, type->type.name, luaL_typename(L, index));
    return sw_script__to_map(L, index, arena, &type->schema, false, like, function);
}

static const struct sw_value *mark_like(const struct sw_value *v, const struct sw_value *const *likes, size_t n, struct sw_arena *arena);

/* What the members `key` of the likes, or (NULL) their elements, tell of the one of `v`: lists may have been put in another order. */
static const struct sw_value *mark_part(const struct sw_value *v, const struct sw_value *const *likes, size_t n, const char *key,
                                        struct sw_arena *arena) {
    size_t most = n, m = 0;
    for (size_t i = 0; i < n && !key; i++) most += likes[i]->list.n;
    const struct sw_value **parts = sw_new_n(arena, const struct sw_value *, most + 1);
    for (size_t i = 0; i < n; i++) {
        if (key)
            parts[m++] = sw_get(likes[i], key);
        else
            for (size_t k = 0; k < likes[i]->list.n; k++) parts[m++] = likes[i]->list.v[k];
    }
    return mark_like(v, parts, m, arena);
}

/* Marks the leaves of `v` that are secret in one of the likes; all of what has another shape there. */
static const struct sw_value *mark_like(const struct sw_value *v, const struct sw_value *const *likes, size_t n, struct sw_arena *arena) {
    const struct sw_value **telling = sw_new_n(arena, const struct sw_value *, n + 1);
    size_t m = 0;
    for (size_t i = 0; i < n; i++) {
        if (!likes[i] || !sw_value_has_secret(likes[i])) continue;
        if (likes[i]->kind != v->kind || (v->kind != SW_MAP && v->kind != SW_LIST)) return sw_value_secret(arena, v);
        telling[m++] = likes[i];
    }
    if (m == 0) return v;
    if (v->kind == SW_LIST) {
        const struct sw_value **items = sw_new_n(arena, const struct sw_value *, v->list.n + 1);
        for (size_t i = 0; i < v->list.n; i++) items[i] = mark_part(v->list.v[i], telling, m, NULL, arena);
        return sw_value_list(arena, items, v->list.n);
    }
    struct sw_pair *pairs = sw_new_n(arena, struct sw_pair, v->map.n + 1);
    for (size_t i = 0; i < v->map.n; i++)
        pairs[i] = (struct sw_pair){v->map.v[i].key, mark_part(v->map.v[i].value, telling, m, v->map.v[i].key, arena)};
    return sw_value_map(arena, pairs, v->map.n);
}

const struct sw_value *sw_script__mark(const struct sw_schema *schema, const struct sw_value *map, const struct sw_value *like,
                                       const struct sw_value *like2, struct sw_arena *arena) {
    bool any = false;
    for (size_t i = 0; sw_is(map, SW_MAP) && i < map->map.n && !any; i++) {
        const struct sw_attr *attr = sw_schema_find(schema, map->map.v[i].key);
        any = (attr && attr->sensitive) || sw_value_has_secret(sw_get(like, map->map.v[i].key)) ||
              sw_value_has_secret(sw_get(like2, map->map.v[i].key));
    }
    if (!any) return map;
    struct sw_pair *pairs = sw_new_n(arena, struct sw_pair, map->map.n);
    for (size_t i = 0; i < map->map.n; i++) {
        const char *key = map->map.v[i].key;
        const struct sw_value *v = map->map.v[i].value, *likes[] = {sw_get(like, key), sw_get(like2, key)};
        const struct sw_attr *attr = sw_schema_find(schema, key);
        pairs[i] = (struct sw_pair){key, attr && attr->sensitive ? sw_value_secret(arena, v) : mark_like(v, likes, 2, arena)};
    }
    return sw_value_map(arena, pairs, map->map.n);
}

/* --- the calls
 * ----------------------------------------------------------------------------------------------------------------------------- */

static int enter(struct sw_type_call *c, lua_CFunction fn, struct sw_err *err) {
    int code = sw_script__run(c->type->script, fn, c, err);
    if (code) sw_err_frame(err, "running '%s' of the resource type '%s'", c->function, c->type->type.name);
    return code;
}

static const struct sw_lua_type *lua_type_of(const struct sw_type *type) {
    return type->impl;
}

static void push_items(lua_State *L, const struct sw_type_call *c) {
    lua_createtable(L, (int)c->n, 0);
    for (size_t i = 0; i < c->n; i++) {
        sw_script__push_item(L, c->type, &c->items[i], false);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
}

int sw_type__probe(lua_State *L) {
    struct sw_type_call *c = lua_touserdata(L, 1);
    struct sw_text text;
    if (!sw_script__push_function(L, c->type, c->function))
        return luaL_error(L, "the resource type '%s' has no '%s'", c->type->type.name, c->function);
    if (c->type->type.batched)
        push_items(L, c);
    else
        sw_script__push_item(L, c->type, c->items, false);
    lua_call(L, 1, 1);
    if (sw_script__opaque(L, -1) == SW_O_UNKNOWN) return sw_script__fail(L, SW_EREFUSED, "cannot be read yet");
    if (lua_type(L, -1) == LUA_TNUMBER || lua_type(L, -1) == LUA_TBOOLEAN || !sw_script__text(L, -1, &text))
        return luaL_error(L, "%s of '%s' gave a %s, not a fragment", c->function, c->type->type.name, luaL_typename(L, -1));
    /* A stranger says which machine is asked. */
    if (text.secret && c->type->script->options.untrusted)
        return sw_script__fail(L, SW_EREFUSED, "it is asked with a secret: that is for apply");
    sw_str_add(c->fragment, text.len ? text.p : ":", text.len ? text.len : 1);
    return 0;
}

static int probe(const struct sw_type *type, const struct sw_item *items, size_t n, struct sw_str *fragment, struct sw_err *err) {
    const struct sw_lua_type *t = lua_type_of(type);
    struct sw_type_call c = {.type = t, .function = type->batched ? "probe_all" : "probe", .items = items, .n = n, .fragment = fragment};
    if (t->origin == SW_FROM_USER && t->script->options.untrusted)
        return sw_err_set(err, SW_EREFUSED, "the probe of '%s' is the playbook's own: it runs at apply", type->name);
    return enter(&c, sw_type__probe, err);
}

/* What was read (on top, or nil) as the engine compares it: with `state`, as far as that is the library's. */
static const struct sw_value *found(lua_State *L, const struct sw_type_call *c, const struct sw_item *item) {
    bool absent = sw_script__wants_absent(item->desired);
    if (lua_isnil(L, -1) || (lua_isboolean(L, -1) && !lua_toboolean(L, -1))) return absent ? item->desired : NULL;
    if (sw_script__opaque(L, -1) == SW_O_UNKNOWN) return &SW_UNKNOWN_VALUE;
    const struct sw_value *v = sw_script__attributes(L, c->type, lua_gettop(L), c->function, item->desired, c->arena);
    if (!c->type->own_state && sw_schema_find(&c->type->schema, "state"))
        v = sw_map_with(c->arena, v, "state", sw_value_str(c->arena, "present"));
    return sw_script__mark(&c->type->schema, v, item->desired, item->prior, c->arena);
}

int sw_type__read(lua_State *L) {
    struct sw_type_call *c = lua_touserdata(L, 1);
    if (!sw_script__push_function(L, c->type, c->function))
        return luaL_error(L, "the resource type '%s' has no '%s'", c->type->type.name, c->function);
    sw_script__push_output(L, c->output);
    if (!c->type->type.batched) {
        sw_script__push_item(L, c->type, c->items, false);
        lua_call(L, 2, 1);
        c->ret[0] = found(L, c, c->items);
        return 0;
    }
    push_items(L, c);
    lua_call(L, 2, 1);
    if (!lua_istable(L, -1))
        return luaL_error(L, "read_all of '%s' gave a %s, not a table name -> attributes", c->type->type.name, luaL_typename(L, -1));
    for (size_t i = 0; i < c->n; i++) {
        lua_getfield(L, -1, c->items[i].resource->name);
        c->ret[i] = found(L, c, &c->items[i]);
        lua_pop(L, 1);
    }
    return 0;
}

static int read_output(const struct sw_type *type, const struct sw_item *items, size_t n, const struct sw_batch_result *output,
                       struct sw_arena *arena, const struct sw_value **ret, struct sw_err *err) {
    struct sw_type_call c = {.type = lua_type_of(type),
                             .function = type->batched ? "read_all" : "read",
                             .items = items,
                             .n = n,
                             .output = output,
                             .arena = arena,
                             .ret = ret};
    return enter(&c, sw_type__read, err);
}

/* --- steps
 * --------------------------------------------------------------------------------------------------------------------------------- */

static const char *copy_text(lua_State *L, int index, struct sw_arena *arena, size_t *ret_len, const char *what) {
    struct sw_text text;
    enum sw_opaque opaque = sw_script__opaque(L, index);
    if (opaque == SW_O_UNKNOWN || opaque == SW_O_REF || opaque == SW_O_CONCAT) sw_script__fail(L, SW_EREFUSED, "%s is not known yet", what);
    if (lua_type(L, index) == LUA_TNUMBER || lua_type(L, index) == LUA_TBOOLEAN || !sw_script__text(L, index, &text))
        luaL_error(L, "%s is a %s, not a text", what, luaL_typename(L, index));
    *ret_len = text.len;
    return sw_strndup(arena, text.p, text.len);
}

static const char *plain_text(lua_State *L, int index, struct sw_arena *arena, const char *what) {
    size_t len;
    const char *text = copy_text(L, index, arena, &len, what);
    if (strlen(text) != len) sw_script__fail(L, SW_EINVAL, "%s holds a NUL byte", what);
    return text;
}

static void read_upload(lua_State *L, int index, struct sw_arena *arena, struct sw_upload *u) {
    char hex[65];
    size_t len;
    if (!lua_istable(L, index)) luaL_error(L, "an upload is a table { path, source or data }");
    lua_getfield(L, index, "path");
    u->path = plain_text(L, -1, arena, "path of an upload");
    if (*u->path != '/') luaL_error(L, "path of an upload: '%s' is not absolute", u->path);
    bool data = lua_getfield(L, index, "data") != LUA_TNIL;
    if (data) u->data = copy_text(L, -1, arena, &u->len, "data of an upload");
    bool hashed = lua_getfield(L, index, "sha256") != LUA_TNIL;
    if (hashed) u->sha256 = copy_text(L, -1, arena, &len, "sha256 of an upload");
    if (lua_getfield(L, index, "source") != LUA_TNIL && !data) {
        struct sw_err *err = sw_script__error_new(L);
        const char *source = plain_text(L, -2, arena, "source of an upload");
        if (*source == '/' && hashed)
            u->source = source; /* found and hashed when it was declared; the node checks */
        else if (sw_script__hash_file(L, source, &u->source, &u->sha256, err))
            lua_error(L);
        lua_pop(L, 1);
    } else if (!data) {
        luaL_error(L, "upload of '%s': no source and no data", u->path);
    } else if (!hashed) {
        sw_sha256(u->data, u->len, hex);
        u->sha256 = sw_strdup(arena, hex);
    }
    lua_pop(L, 4);
}

void sw_script__step_from(lua_State *L, const struct sw_lua_type *type, int index, const char *function, struct sw_arena *arena,
                          struct sw_step *ret) {
    struct sw_step step = {.script = ":", .len = 1}; /* nothing to do is a fragment, too */
    index = lua_absindex(L, index);
    if (lua_isnil(L, index)) {
        *ret = step;
        return;
    }
    if (!lua_istable(L, index)) {
        step.script = copy_text(L, index, arena, &step.len, function);
    } else {
        static const char *const known[] = {"script", "uploads", "timeout", "reconnect"};
        for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
            bool fine = false;
            for (size_t i = 0; lua_type(L, -2) == LUA_TSTRING && i < sw_countof(known); i++)
                fine = fine || strcmp(lua_tostring(L, -2), known[i]) == 0;
            if (!fine) luaL_error(L, "%s of '%s': a step has script, uploads, timeout and reconnect", function, type->type.name);
        }
        if (lua_getfield(L, index, "script") != LUA_TNIL) step.script = copy_text(L, -1, arena, &step.len, "script");
        if (lua_getfield(L, index, "timeout") != LUA_TNIL) {
            lua_Number seconds = luaL_checknumber(L, -1);
            if (!(seconds > 0 && seconds < 1000000)) luaL_error(L, "timeout: seconds above 0 wanted");
            step.timeout_ms = (unsigned)(seconds * 1000);
        }
        lua_getfield(L, index, "reconnect");
        step.reconnect = lua_toboolean(L, -1);
        if (lua_getfield(L, index, "uploads") != LUA_TNIL) {
            size_t n = (size_t)luaL_len(L, -1);
            if (n > 10000) luaL_error(L, "too many uploads");
            struct sw_upload *uploads = sw_new_n(arena, struct sw_upload, n);
            for (size_t i = 0; i < n; i++) {
                lua_geti(L, -1, (lua_Integer)i + 1);
                read_upload(L, lua_gettop(L), arena, &uploads[i]);
                lua_pop(L, 1);
            }
            step.uploads = uploads;
            step.n_uploads = n;
        }
        lua_pop(L, 4);
    }
    if (step.len == 0) step = (struct sw_step){":", 1, step.uploads, step.n_uploads, step.timeout_ms, step.reconnect};
    *ret = step;
}

int sw_type__step(lua_State *L) {
    struct sw_type_call *c = lua_touserdata(L, 1);
    if (!sw_script__push_function(L, c->type, c->function)) {
        lua_pushnil(L); /* a type that cannot be removed leaves what it made */
    } else {
        sw_script__push_item(L, c->type, c->items, true);
        lua_call(L, 1, 1);
    }
    sw_script__step_from(L, c->type, -1, c->function, c->arena, c->step);
    return 0;
}

static bool removes(const struct sw_item *item) {
    return item->action == SW_DELETE || sw_script__wants_absent(item->desired);
}

static int step(const struct sw_type *type, const struct sw_item *item, struct sw_arena *arena, struct sw_step *ret, struct sw_err *err) {
    struct sw_step made;
    struct sw_type_call c = {
        .type = lua_type_of(type), .function = removes(item) ? "remove" : "apply", .items = item, .n = 1, .arena = arena, .step = &made};
    int code = enter(&c, sw_type__step, err);
    if (code == 0) *ret = made;
    return code;
}

int sw_type__result(lua_State *L) {
    struct sw_type_call *c = lua_touserdata(L, 1);
    const struct sw_value *desired = c->items->desired ? c->items->desired : &SW_EMPTY_MAP;
    *c->ret = desired;
    if (removes(c->items) || !sw_script__push_function(L, c->type, c->function)) return 0;
    sw_script__push_output(L, c->output);
    sw_script__push_item(L, c->type, c->items, true);
    lua_call(L, 2, 1);
    if (lua_isnil(L, -1)) return 0;
    const struct sw_value *computed = sw_script__attributes(L, c->type, lua_gettop(L), c->function, desired, c->arena);
    *c->ret = sw_map_merge(c->arena, desired, sw_script__mark(&c->type->schema, computed, NULL, NULL, c->arena));
    return 0;
}

static int result(const struct sw_type *type, const struct sw_item *item, const struct sw_batch_result *output, struct sw_arena *arena,
                  const struct sw_value **ret, struct sw_err *err) {
    const struct sw_value *made = NULL;
    struct sw_type_call c = {
        .type = lua_type_of(type), .function = "result", .items = item, .n = 1, .output = output, .arena = arena, .ret = &made};
    int code = enter(&c, sw_type__result, err);
    if (code == 0) *ret = made;
    return code;
}

/* --- normalise
 * ------------------------------------------------------------------------------------------------------------------------------ */

const struct sw_value *sw_script__normalise(lua_State *L, const struct sw_lua_type *type, const struct sw_value *desired, const char *name,
                                            struct sw_arena *arena) {
    if (!type->has_normalise || sw_script__wants_absent(desired) || !sw_script__push_function(L, type, "normalise")) return desired;
    sw_script__push_value(L, desired);
    lua_pushstring(L, name);
    lua_call(L, 2, 1);
    const struct sw_value *v = desired;
    if (!lua_isnil(L, -1)) {
        v = sw_script__attributes(L, type, lua_gettop(L), "normalise", desired, arena);
        v = sw_script__mark(&type->schema, v, desired, NULL, arena);
    }
    lua_pop(L, 1);
    return v;
}

static int do_normalise(lua_State *L) {
    struct sw_type_call *c = lua_touserdata(L, 1);
    *c->ret = sw_script__normalise(L, c->type, c->desired, c->name, c->arena);
    return 0;
}

static int normalise(const struct sw_type *type, const struct sw_value *desired, const char *name, struct sw_arena *arena,
                     const struct sw_value **ret, struct sw_err *err) {
    const struct sw_value *made = NULL;
    struct sw_type_call c = {
        .type = lua_type_of(type), .function = "normalise", .desired = desired, .name = name, .arena = arena, .ret = &made};
    int code = enter(&c, do_normalise, err);
    if (code == 0) *ret = made;
    return code;
}

const struct sw_type_ops sw_script__ops = {probe, read_output, step, result, sw_script__list, sw_script__act, normalise};
