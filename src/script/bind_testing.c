/* testing.*: resource types on a host as pure functions, for tests/lua. Each takes a type, a name, attributes as a playbook gives them, and
 * what the engine would know: { have, prior, triggered, action, out, status, err }. */
#include "type.h"

#include <string.h>

struct subject {
    const struct sw_lua_type *type;
    struct sw_resource resource;
    struct sw_item item;
    struct sw_batch_result output;
    struct sw_type_call call;
};

static const struct sw_value *optional_map(lua_State *L, int index, const char *key, const struct sw_lua_type *t, struct sw_arena *arena) {
    if (!lua_istable(L, index)) return NULL;
    const struct sw_value *v =
        lua_getfield(L, index, key) == LUA_TTABLE ? sw_script__to_map(L, -1, arena, &t->schema, false, NULL, key) : NULL;
    lua_pop(L, 1);
    return v;
}

/* Attributes as the engine gets them from a playbook: checked, with defaults, normalised when nothing is unknown. */
static const struct sw_value *desired_of(lua_State *L, const struct sw_lua_type *t, int index, const char *name, struct sw_arena *arena) {
    sw_script__declare_attributes(L, t, index, name); // attributes
    const struct sw_value *v = sw_script__to_map(L, -1, arena, &t->schema, true, NULL, "the attributes");
    struct sw_err *err = sw_script__error_new(L);
    if (sw_schema_check(sw_script__wants_absent(v) ? &t->absent : &t->schema, v, (struct sw_pos){0}, arena, &v, err)) lua_error(L);
    lua_pop(L, 2);
    return sw_value_has_unknown(v) ? v : sw_script__normalise(L, t, v, name, arena);
}

/* Arguments: type, name, attributes, known. The subject lives in a userdata. */
static struct subject *subject(lua_State *L) {
    struct sw_script *s = sw_script__of(L);
    const char *type = luaL_checkstring(L, 1), *name = luaL_checkstring(L, 2), *action = "create";
    lua_settop(L, 4);
    struct subject *u = lua_newuserdatauv(L, sizeof *u, 0); // … known subject
    *u = (struct subject){.type = sw_script__type(L, type)};
    if (!u->type) luaL_error(L, "there is no resource type '%s'", type);
    u->resource = (struct sw_resource){.type = u->type->type.name,
                                       .name = sw_strdup(s->arena, name),
                                       .address = sw_printf(s->arena, "n1/%s:%s", type, name),
                                       .host = "n1"};
    u->item.resource = &u->resource;
    if (lua_istable(L, 3)) u->item.desired = desired_of(L, u->type, 3, name, s->arena);
    u->item.have = optional_map(L, 4, "have", u->type, s->arena);
    u->item.prior = optional_map(L, 4, "prior", u->type, s->arena);
    u->output = (struct sw_batch_result){.ran = true, .ended = true, .out = "", .err = ""};
    if (lua_istable(L, 4)) {
        lua_getfield(L, 4, "triggered");
        u->item.triggered = lua_toboolean(L, -1);
        lua_getfield(L, 4, "action");
        action = luaL_optstring(L, -1, u->item.have ? "update" : "create");
        lua_getfield(L, 4, "out"); /* the texts stay in the caller's table */
        u->output.out = luaL_optlstring(L, -1, "", &u->output.out_len);
        lua_getfield(L, 4, "err");
        u->output.err = luaL_optlstring(L, -1, "", &u->output.err_len);
        lua_getfield(L, 4, "status");
        u->output.status = (int)luaL_optinteger(L, -1, 0);
        lua_pop(L, 5);
    }
    u->item.action = strcmp(action, "update") == 0 ? SW_UPDATE : strcmp(action, "delete") == 0 ? SW_DELETE : SW_CREATE;
    u->call = (struct sw_type_call){.type = u->type, .items = &u->item, .n = 1, .output = &u->output, .arena = s->arena};
    return u;
}

static void run(lua_State *L, struct subject *u, const char *function, lua_CFunction fn) {
    u->call.function = function;
    lua_pushcfunction(L, fn);
    lua_pushlightuserdata(L, &u->call);
    lua_call(L, 1, 0);
}

/* testing.attributes(type, name, attributes) -> what the engine compares */
static int attributes(lua_State *L) {
    sw_script__push_value(L, subject(L)->item.desired);
    return 1;
}

/* testing.probe(type, name, attributes [, known]) -> the fragment */
static int probe(lua_State *L) {
    struct subject *u = subject(L);
    struct sw_scope *scope = sw_script__scope(L);
    u->call.fragment = &scope->str;
    run(L, u, u->type->type.batched ? "probe_all" : "probe", sw_type__probe);
    lua_pushlstring(L, sw_str_z(&scope->str), scope->str.len);
    sw_script__scope_close(scope);
    return 1;
}

/* testing.read(type, name, attributes, { out, status, prior }) -> the attributes found, or nil */
static int read_output(lua_State *L) {
    struct subject *u = subject(L);
    const struct sw_value *found = NULL;
    u->call.ret = &found;
    run(L, u, u->type->type.batched ? "read_all" : "read", sw_type__read);
    sw_script__push_value(L, found);
    return 1;
}

static int push_step(lua_State *L, const struct sw_step *step) {
    lua_createtable(L, 0, 4);
    lua_pushlstring(L, step->script, step->len);
    lua_setfield(L, -2, "script");
    lua_pushboolean(L, step->reconnect);
    lua_setfield(L, -2, "reconnect");
    if (step->timeout_ms) {
        lua_pushnumber(L, step->timeout_ms / 1000.0);
        lua_setfield(L, -2, "timeout");
    }
    lua_createtable(L, (int)step->n_uploads, 0);
    for (size_t i = 0; i < step->n_uploads; i++) {
        const struct sw_upload *upload = &step->uploads[i];
        lua_createtable(L, 0, 4);
        lua_pushstring(L, upload->path);
        lua_setfield(L, -2, "path");
        if (upload->data)
            lua_pushlstring(L, upload->data, upload->len);
        else
            lua_pushnil(L);
        lua_setfield(L, -2, "data");
        lua_pushstring(L, upload->source);
        lua_setfield(L, -2, "source");
        lua_pushstring(L, upload->sha256);
        lua_setfield(L, -2, "sha256");
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_setfield(L, -2, "uploads");
    return 1;
}

/* testing.apply(type, name, attributes, { have, prior, triggered, action }) -> { script, uploads, timeout, reconnect } */
static int apply(lua_State *L) {
    struct subject *u = subject(L);
    struct sw_step step;
    bool removes = u->item.action == SW_DELETE || sw_script__wants_absent(u->item.desired);
    u->call.step = &step;
    run(L, u, removes ? "remove" : "apply", sw_type__step);
    return push_step(L, &step);
}

/* testing.result(type, name, attributes, { out, have, prior }) -> the attributes after a step */
static int result(lua_State *L) {
    struct subject *u = subject(L);
    const struct sw_value *made = NULL;
    u->call.ret = &made;
    run(L, u, "result", sw_type__result);
    sw_script__push_value(L, made);
    return 1;
}

/* testing.user(text) -> what the text gives when it is run with a playbook's rights */
static int user(lua_State *L) {
    size_t len;
    const char *text = luaL_checklstring(L, 1, &len);
    sw_script__load(L, SW_FROM_USER, "@user.lua", "user.lua", text, len);
    lua_call(L, 0, LUA_MULTRET);
    return lua_gettop(L) - 1;
}

/* testing.words() -> what the library's chunks see, and what playbooks see: two tables name -> value */
static int words(lua_State *L) {
    static const enum sw_origin origins[] = {SW_FROM_LIBRARY, SW_FROM_USER};
    for (size_t i = 0; i < sw_countof(origins); i++) {
        lua_rawgeti(L, LUA_REGISTRYINDEX, sw_script__of(L)->globals[origins[i]]);
        lua_getfield(L, -1, "__index");
        lua_remove(L, -2);
        lua_createtable(L, 0, 64); /* a copy: the table itself raises for what is not in it */
        for (lua_pushnil(L); lua_next(L, -3); lua_pop(L, 1)) {
            lua_pushvalue(L, -2);
            lua_pushvalue(L, -2);
            lua_rawset(L, -5);
        }
        lua_remove(L, -2);
    }
    return 2;
}

void sw_script__open_testing(lua_State *L) {
    static const luaL_Reg functions[] = {{"attributes", attributes}, {"probe", probe}, {"read", read_output}, {"apply", apply},
                                         {"result", result},         {"user", user},   {"words", words},      {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}
