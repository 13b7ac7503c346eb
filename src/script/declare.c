/* Hosts and resources: what `host` and `h:TYPE` of the library come down to. */
#include "declare.h"

#include <stdlib.h>
#include <string.h>

struct sw_declare *sw_declare__current(lua_State *L) {
    struct sw_declare *d = sw_script__of(L)->declare;
    if (!d) sw_script__fail(L, SW_EINVAL, "nothing can be declared here: this belongs in a playbook");
    return d;
}

struct sw_pos sw_declare__here(lua_State *L) {
    struct sw_pos pos = {0};
    sw_script__where(L, 1, &pos);
    return pos;
}

void sw_script__warn(lua_State *L, const char *text) {
    struct sw_script *s = sw_script__of(L);
    if (!s->declare) return;
    struct sw_pos pos = sw_declare__here(L);
    const char *line = pos.file ? sw_printf(s->arena, "%s:%u: %s", pos.file, pos.line, text) : sw_strdup(s->arena, text);
    if (s->declare->warnings.n < 1000) sw_vec_push(&s->declare->warnings, line);
}

/* --- hosts
 * --------------------------------------------------------------------------------------------------------------------------------- */

static const struct sw_attr CONNECTION_ATTRS[] = {
    {"address", SW_T_STRING, .doc = "host name or address"},
    {"agent", SW_T_BOOL},
    {"bastion", SW_T_MAP},
    {"become", SW_T_STRING},
    {"become_password", SW_T_STRING, .sensitive = true},
    {"connect_deadline", SW_T_NUMBER},
    {"connect_timeout", SW_T_NUMBER},
    {"host_key", SW_T_STRING},
    {"key", SW_T_STRING},
    {"keys", SW_T_LIST, SW_T_STRING},
    {"known_hosts", SW_T_STRING},
    {"passphrase", SW_T_STRING, .sensitive = true},
    {"password", SW_T_STRING, .sensitive = true},
    {"port", SW_T_INT},
    {"transport", SW_T_STRING},
    {"user", SW_T_STRING},
};
static const struct sw_schema CONNECTION = {
    .name = "host", .doc = "How to reach a machine.", .attrs = CONNECTION_ATTRS, .n_attrs = sw_countof(CONNECTION_ATTRS)};

/* core.host(name, connection) */
static int declare_host(lua_State *L) {
    struct sw_declare *d = sw_declare__current(L);
    struct sw_script *s = sw_script__of(L);
    const char *name = luaL_checkstring(L, 1);
    struct sw_pos pos = sw_declare__here(L);
    if (!*name || strpbrk(name, "/ \t\n")) return sw_script__fail(L, SW_EINVAL, "'%s' is no name for a host", name);
    const struct sw_value *connection = sw_script__to_map(L, 2, s->arena, &CONNECTION, false, NULL, "host");
    struct sw_err *err = sw_script__error_new(L);
    if (sw_schema_check(&CONNECTION, connection, pos, s->arena, &connection, err)) {
        sw_err_frame(err, "declaring the host '%s'", name);
        return lua_error(L);
    }
    const struct sw_host *before = sw_map_find(&d->by_host, name);
    if (before) { /* several files may speak of one machine, as long as they mean the same */
        if (sw_value_equal(before->connection, connection) || connection->map.n == 0) return 0;
        return sw_script__fail(L, SW_EEXISTS, "the host '%s' is declared already, at %s:%u, with another connection", name,
                               before->pos.file, before->pos.line);
    }
    struct sw_host *host = sw_new(s->arena, struct sw_host);
    *host = (struct sw_host){sw_strdup(s->arena, name), connection, pos};
    sw_vec_push(&d->hosts, host);
    sw_map_set(&d->by_host, host->name, host);
    return 0;
}

/* --- resources
 * ------------------------------------------------------------------------------------------------------------------------------- */

/* A shallow copy goes in, so that the caller's table stays as it is. */
void sw_script__declare_attributes(lua_State *L, const struct sw_lua_type *t, int attrs, const char *name) {
    if (!t->has_declare || !sw_script__push_function(L, t, "declare")) {
        lua_pushvalue(L, attrs);
        return;
    }
    bool view = sw_script__thaw(L, attrs);
    if (!view) lua_pushvalue(L, attrs);
    int from = lua_gettop(L);
    lua_createtable(L, 0, 8); // declare attrs copy
    for (lua_pushnil(L); lua_next(L, from); lua_pop(L, 1)) {
        if (lua_type(L, -2) == LUA_TSTRING && sw_script__reserved(lua_tostring(L, -2))) continue;
        lua_pushvalue(L, -2);
        lua_pushvalue(L, -2);
        lua_rawset(L, from + 1);
    }
    lua_remove(L, from);
    lua_pushvalue(L, -1);
    lua_insert(L, from - 1); // copy declare copy
    lua_pushstring(L, name);
    lua_call(L, 2, 1);
    if (lua_isnil(L, -1))
        lua_pop(L, 1);
    else
        lua_remove(L, -2);
}

/* core.declare(type, host or nil, name, attributes) -> resource */
static int declare(lua_State *L) {
    struct sw_declare *d = sw_declare__current(L);
    struct sw_script *s = sw_script__of(L);
    const char *type_name = luaL_checkstring(L, 1), *host = luaL_optstring(L, 2, NULL);
    size_t name_len;
    const char *name = luaL_checklstring(L, 3, &name_len);
    lua_settop(L, 4);
    const struct sw_lua_type *t = sw_script__type(L, type_name);
    if (!t) return sw_script__fail(L, SW_EINVAL, "there is no resource type '%s'", type_name);
    struct sw_resource *r = sw_new(s->arena, struct sw_resource);
    r->pos = sw_declare__here(L);
    struct sw_err *err = sw_script__error_new(L); // type host name attrs err
    if (name_len == 0 || strlen(name) != name_len || strpbrk(name, "\n\r"))
        return sw_script__fail(L, SW_EINVAL, "the name of a resource is one line of text");
    if (!lua_istable(L, 4)) return sw_script__fail(L, SW_EINVAL, "%s \"%s\": a table of attributes wanted", type_name, name);
    r->type = t->type.name;
    r->name = sw_strdup(s->arena, name);
    const struct sw_host *on = host ? sw_map_find(&d->by_host, host) : NULL;
    r->host = on ? on->name : NULL;
    r->address = host ? sw_printf(s->arena, "%s/%s:%s", host, t->type.name, name) : sw_printf(s->arena, "%s.%s", t->type.name, name);
    const struct sw_resource *before = sw_map_find(&d->by_address, r->address);
    if (before) {
        sw_err_set(err, SW_EEXISTS, "'%s' is declared twice: first at %s:%u", r->address, before->pos.file ? before->pos.file : "?",
                   before->pos.line);
        sw_err_at(err, r->pos);
        return lua_error(L);
    }
    d->scratch.n = 0;
    sw_declare__reserved(L, 4, t, r);
    sw_script__declare_attributes(L, t, 4, name); // type host name attrs err attributes
    const struct sw_value *desired = sw_script__to_map(L, 6, s->arena, &t->schema, true, NULL, "the attributes");
    const struct sw_schema *schema = sw_script__wants_absent(desired) && t->type.on_host ? &t->absent : &t->schema;
    if (sw_schema_check(schema, desired, r->pos, s->arena, &desired, err)) {
        sw_err_at(err, r->pos);
        sw_err_frame(err, "declaring '%s'", r->address);
        lua_pushvalue(L, 5);
        return lua_error(L);
    }
    if (!sw_value_has_unknown(desired)) desired = sw_script__normalise(L, t, desired, r->name, s->arena);
    r->desired = desired;
    sw_declare__add_refs(s, desired);
    r->depends = sw_declare__take(s, 0, false);
    r->ephemeral = t->ephemeral;
    r->data = t->type.data;
    r->index = d->resources.n;
    sw_vec_push(&d->resources, r);
    sw_map_set(&d->by_address, r->address, r);
    sw_script__push_resource(L, r, &t->schema);
    return 1;
}

void sw_script__open_declare(lua_State *L) {
    static const luaL_Reg functions[] = {{"host", declare_host}, {"declare", declare}, {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
    sw_declare__open_rest(L);
}
