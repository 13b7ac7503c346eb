/* Playbooks: what the words host, h:TYPE, output, moved, … of the library come down to, and the struct sw_config they add up to. */
#include "host.h"

#include <stdlib.h>
#include <string.h>

/* h:file "x" without its table declares nothing, silently: so what was begun is remembered. */
struct begun {
    const char *what;
    struct sw_pos pos;
    bool done;
};

struct explicit_need { /* an address given as text, looked up at the end */
    const char *address;
    struct sw_pos pos;
};

struct sw_declare {
    const struct sw_inventory *inventory;
    struct { const struct sw_host **v; size_t n, cap; } hosts;
    struct { const struct sw_resource **v; size_t n, cap; } resources;
    struct { struct sw_output *v; size_t n, cap; } outputs;
    struct { struct sw_moved *v; size_t n, cap; } moved;
    struct { const char **v; size_t n, cap; } removed;
    struct { const char **v; size_t n, cap; } warnings;
    struct { struct sw_pair *v; size_t n, cap; } providers;
    struct { struct begun *v; size_t n, cap; } begun;
    struct { struct explicit_need *v; size_t n, cap; } needs;
    struct { const char **v; size_t n, cap; } scratch; /* addresses one resource depends on */
    struct sw_map by_address, by_host, by_output;
};

static struct sw_declare *declaring(lua_State *L) {
    struct sw_declare *d = sw_script__of(L)->declare;
    if (!d) sw_script__fail(L, SW_EINVAL, "nothing can be declared here: this belongs in a playbook");
    return d;
}

static struct sw_pos here(lua_State *L) {
    struct sw_pos pos = {0};
    sw_script__where(L, 1, &pos);
    return pos;
}

void sw_script__warn(lua_State *L, const char *text) {
    struct sw_script *s = sw_script__of(L);
    if (!s->declare) return;
    struct sw_pos pos = here(L);
    const char *line = pos.file ? sw_printf(s->arena, "%s:%u: %s", pos.file, pos.line, text) : sw_strdup(s->arena, text);
    if (s->declare->warnings.n < 1000) sw_vec_push(&s->declare->warnings, line);
}

/* --- hosts --------------------------------------------------------------------------------------------------------------------------------- */

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
static const struct sw_schema CONNECTION = {.name = "host", .doc = "How to reach a machine.", .attrs = CONNECTION_ATTRS, .n_attrs = sw_countof(CONNECTION_ATTRS)};

/* core.host(name, connection) */
static int declare_host(lua_State *L) {
    struct sw_declare *d = declaring(L);
    struct sw_script *s = sw_script__of(L);
    const char *name = luaL_checkstring(L, 1);
    struct sw_pos pos = here(L);
    if (!*name || strpbrk(name, "/ \t\n")) return sw_script__fail(L, SW_EINVAL, "'%s' is no name for a host", name);
    const struct sw_value *connection = sw_script__to_map(L, 2, s->arena, &CONNECTION, false, "host");
    struct sw_err *err = sw_script__error_new(L);
    if (sw_schema_check(&CONNECTION, connection, pos, s->arena, &connection, err)) {
        sw_err_frame(err, "declaring the host '%s'", name);
        return lua_error(L);
    }
    const struct sw_host *before = sw_map_find(&d->by_host, name);
    if (before) { /* several files may speak of one machine, as long as they mean the same */
        if (sw_value_equal(before->connection, connection) || connection->map.n == 0) return 0;
        return sw_script__fail(L, SW_EEXISTS, "the host '%s' is declared already, at %s:%u, with another connection", name, before->pos.file,
                               before->pos.line);
    }
    struct sw_host *host = sw_new(s->arena, struct sw_host);
    *host = (struct sw_host){sw_strdup(s->arena, name), connection, pos};
    sw_vec_push(&d->hosts, host);
    sw_map_set(&d->by_host, host->name, host);
    return 0;
}

/* --- what a resource depends on --------------------------------------------------------------------------------------------------------------- */

static void add_ref(const char *address, const char *path, void *ctx) {
    struct sw_script *s = ctx;
    (void)path;
    for (size_t i = 0; i < s->declare->scratch.n; i++)
        if (strcmp(s->declare->scratch.v[i], address) == 0) return;
    sw_vec_push(&s->declare->scratch, address);
}

/* Adds the addresses of resources, references or texts; lists of them, too (what the `many` form gives). */
static void add_addresses(lua_State *L, int index, const char *what, struct sw_pos pos, int depth) {
    struct sw_script *s = sw_script__of(L);
    index = lua_absindex(L, index);
    luaL_checkstack(L, 6, NULL);
    const struct sw_resource *resource = sw_script__resource(L, index);
    const struct sw_opaque_ref *ref = sw_script__ref(L, index);
    if (resource) {
        add_ref(resource->address, NULL, s);
    } else if (ref) {
        add_ref(sw_strdup(s->arena, ref->address), NULL, s);
    } else if (lua_type(L, index) == LUA_TSTRING) {
        struct explicit_need need = {sw_strdup(s->arena, lua_tostring(L, index)), pos};
        sw_vec_push(&s->declare->needs, need);
        add_ref(need.address, NULL, s);
    } else if (lua_istable(L, index) && depth < 8) {
        lua_Integer n = luaL_len(L, index);
        bool view = sw_script__thaw(L, index);
        lua_pushnil(L);
        if (lua_next(L, view ? -2 : index)) {
            lua_pop(L, 2);
            if (n == 0) sw_script__fail(L, SW_EINVAL, "%s: a list of resources wanted", what);
        }
        if (view) lua_pop(L, 1);
        for (lua_Integer i = 1; i <= n; i++) {
            lua_geti(L, index, i);
            add_addresses(L, -1, what, pos, depth + 1);
            lua_pop(L, 1);
        }
    } else {
        sw_script__fail(L, SW_EINVAL, "%s: a list of resources wanted, not a %s", what, luaL_typename(L, index));
    }
}

static int compare_text(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* What gathered since `from`, as a NULL-terminated list, sorted; NULL when nothing did and `or_null`. */
static const char **take(struct sw_script *s, size_t from, bool or_null) {
    size_t n = s->declare->scratch.n - from;
    if (n == 0 && or_null) return NULL;
    const char **list = sw_new_n(s->arena, const char *, n + 1);
    if (n) memcpy(list, s->declare->scratch.v + from, n * sizeof *list);
    qsort(list, n, sizeof *list, compare_text);
    return list;
}

static const char **text_list(lua_State *L, int index, const char *what) {
    struct sw_script *s = sw_script__of(L);
    const struct sw_value *v = sw_script__to_value(L, index, s->arena, &(const struct sw_attr){.type = SW_T_LIST}, what);
    if (v->kind != SW_LIST) sw_script__fail(L, SW_EINVAL, "%s: a list of attribute names wanted", what);
    const char **list = sw_new_n(s->arena, const char *, v->list.n + 1);
    for (size_t i = 0; i < v->list.n; i++) {
        if (v->list.v[i]->kind != SW_STR) sw_script__fail(L, SW_EINVAL, "%s: a list of attribute names wanted", what);
        list[i] = v->list.v[i]->s.p;
    }
    return v->list.n ? list : NULL;
}

static void check_keys(lua_State *L, int index, const char *what, const char *const *known, size_t n) {
    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
        const char *key = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "?";
        bool fine = false;
        for (size_t i = 0; i < n; i++) fine = fine || strcmp(known[i], key) == 0;
        if (fine) continue;
        struct sw_err *err = sw_script__error_new(L);
        sw_err_set(err, SW_EINVAL, "%s has no '%s'", what, key);
        const char *near = sw_nearest(key, known, n);
        if (near) sw_err_hint(err, "did you mean '%s'?", near);
        lua_error(L);
    }
}

static void read_lifecycle(lua_State *L, int index, const struct sw_schema *schema, struct sw_pos pos, struct sw_lifecycle *ret) {
    static const char *const known[] = {"prevent_destroy", "create_before_destroy", "ignore_changes", "replace_on"};
    struct sw_script *s = sw_script__of(L);
    if (!lua_istable(L, index)) sw_script__fail(L, SW_EINVAL, "lifecycle: a table wanted");
    check_keys(L, index, "lifecycle", known, sw_countof(known));
    lua_getfield(L, index, "prevent_destroy");
    ret->prevent_destroy = lua_toboolean(L, -1);
    lua_getfield(L, index, "create_before_destroy");
    ret->create_before_destroy = lua_toboolean(L, -1);
    if (lua_getfield(L, index, "ignore_changes") != LUA_TNIL) ret->ignore_changes = text_list(L, -1, "ignore_changes");
    for (const char **name = ret->ignore_changes; name && *name; name++)
        if (!sw_schema_find(schema, *name) && !schema->open) sw_script__fail(L, SW_EINVAL, "ignore_changes: there is no attribute '%s'", *name);
    if (lua_getfield(L, index, "replace_on") != LUA_TNIL) {
        size_t from = s->declare->scratch.n;
        add_addresses(L, -1, "replace_on", pos, 0);
        ret->replace_on = take(s, from, true);
    }
    lua_pop(L, 4);
}

/* { condition, "message" } or a list of such. */
static void check_preconditions(lua_State *L, int index, int depth) {
    index = lua_absindex(L, index);
    if (!lua_istable(L, index)) sw_script__fail(L, SW_EINVAL, "precondition: { condition, \"message\" } wanted");
    if (lua_geti(L, index, 1) == LUA_TTABLE && depth == 0) {
        lua_Integer n = luaL_len(L, index);
        for (lua_Integer i = 1; i <= n; i++) {
            lua_geti(L, index, i);
            check_preconditions(L, -1, 1);
            lua_pop(L, 1);
        }
    } else {
        enum sw_opaque what = sw_script__opaque(L, -1);
        if (what == SW_O_REF || what == SW_O_CONCAT || what == SW_O_UNKNOWN)
            sw_script__fail(L, SW_EINVAL, "precondition: its condition is a reference, known after apply");
        if (!lua_toboolean(L, -1)) {
            lua_geti(L, index, 2);
            const char *message = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "a precondition does not hold";
            sw_script__fail(L, SW_EINVAL, "%s", message);
        }
    }
    lua_pop(L, 1);
}

/* --- resources ------------------------------------------------------------------------------------------------------------------------------- */

static void read_reserved(lua_State *L, int attrs, const struct sw_lua_type *t, struct sw_resource *r) {
    struct sw_script *s = sw_script__of(L);
    if (lua_getfield(L, attrs, "precondition") != LUA_TNIL) check_preconditions(L, -1, 0);
    if (lua_getfield(L, attrs, "restart_on") != LUA_TNIL) add_addresses(L, -1, "restart_on", r->pos, 0);
    r->triggers = take(s, 0, true);
    if (lua_getfield(L, attrs, "lifecycle") != LUA_TNIL) read_lifecycle(L, lua_gettop(L), &t->schema, r->pos, &r->lifecycle);
    if (lua_getfield(L, attrs, "depends_on") != LUA_TNIL) add_addresses(L, -1, "depends_on", r->pos, 0);
    if (lua_getfield(L, attrs, "provider") != LUA_TNIL) {
        if (t->type.on_host) sw_script__fail(L, SW_EINVAL, "provider: a resource on a host has none");
        if (lua_type(L, -1) != LUA_TSTRING) sw_script__fail(L, SW_EINVAL, "provider: the name of an alias wanted");
        r->provider = sw_strdup(s->arena, lua_tostring(L, -1));
    }
    lua_pop(L, 5);
}

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
    if (lua_isnil(L, -1)) lua_pop(L, 1);
    else lua_remove(L, -2);
}

/* core.declare(type, host or nil, name, attributes) -> resource */
static int declare(lua_State *L) {
    struct sw_declare *d = declaring(L);
    struct sw_script *s = sw_script__of(L);
    const char *type_name = luaL_checkstring(L, 1), *host = luaL_optstring(L, 2, NULL);
    size_t name_len;
    const char *name = luaL_checklstring(L, 3, &name_len);
    lua_settop(L, 4);
    const struct sw_lua_type *t = sw_script__type(L, type_name);
    if (!t) return sw_script__fail(L, SW_EINVAL, "there is no resource type '%s'", type_name);
    struct sw_resource *r = sw_new(s->arena, struct sw_resource);
    r->pos = here(L);
    struct sw_err *err = sw_script__error_new(L); // type host name attrs err
    if (name_len == 0 || strlen(name) != name_len || strpbrk(name, "\n\r")) return sw_script__fail(L, SW_EINVAL, "the name of a resource is one line of text");
    if (!lua_istable(L, 4)) return sw_script__fail(L, SW_EINVAL, "%s \"%s\": a table of attributes wanted", type_name, name);
    r->type = t->type.name;
    r->name = sw_strdup(s->arena, name);
    const struct sw_host *on = host ? sw_map_find(&d->by_host, host) : NULL;
    r->host = on ? on->name : NULL;
    r->address = host ? sw_printf(s->arena, "%s/%s:%s", host, t->type.name, name) : sw_printf(s->arena, "%s.%s", t->type.name, name);
    const struct sw_resource *before = sw_map_find(&d->by_address, r->address);
    if (before) {
        sw_err_set(err, SW_EEXISTS, "'%s' is declared twice: first at %s:%u", r->address, before->pos.file ? before->pos.file : "?", before->pos.line);
        sw_err_at(err, r->pos);
        return lua_error(L);
    }
    d->scratch.n = 0;
    read_reserved(L, 4, t, r);
    sw_script__declare_attributes(L, t, 4, name); // type host name attrs err attributes
    const struct sw_value *desired = sw_script__to_map(L, 6, s->arena, &t->schema, true, "the attributes");
    const struct sw_schema *schema = sw_script__wants_absent(desired) && t->type.on_host ? &t->absent : &t->schema;
    if (sw_schema_check(schema, desired, r->pos, s->arena, &desired, err)) {
        sw_err_at(err, r->pos);
        sw_err_frame(err, "declaring '%s'", r->address);
        lua_pushvalue(L, 5);
        return lua_error(L);
    }
    if (!sw_value_has_unknown(desired)) desired = sw_script__normalise(L, t, desired, r->name, s->arena);
    r->desired = desired;
    sw_value_each_ref(desired, add_ref, s);
    r->depends = take(s, 0, false);
    r->ephemeral = t->ephemeral;
    r->index = d->resources.n;
    sw_vec_push(&d->resources, r);
    sw_map_set(&d->by_address, r->address, r);
    sw_script__push_resource(L, r, &t->schema);
    return 1;
}

/* --- the rest of a playbook ---------------------------------------------------------------------------------------------------------------------- */

/* core.begin(what) -> number; core.done(number) */
static int begin(lua_State *L) {
    struct sw_declare *d = declaring(L);
    struct begun b = {sw_strdup(sw_script__of(L)->arena, luaL_checkstring(L, 1)), here(L), false};
    sw_vec_push(&d->begun, b);
    lua_pushinteger(L, (lua_Integer)d->begun.n - 1);
    return 1;
}

static int done(lua_State *L) {
    struct sw_declare *d = declaring(L);
    lua_Integer i = luaL_checkinteger(L, 1);
    if (i >= 0 && (size_t)i < d->begun.n) d->begun.v[i].done = true;
    return 0;
}

/* core.output(name, value, doc) */
static int output(lua_State *L) {
    struct sw_declare *d = declaring(L);
    struct sw_script *s = sw_script__of(L);
    struct sw_output out = {.name = sw_strdup(s->arena, luaL_checkstring(L, 1)), .doc = sw_strdup(s->arena, luaL_optstring(L, 3, NULL))};
    out.value = sw_script__to_value(L, 2, s->arena, NULL, out.name);
    if (sw_map_find(&d->by_output, out.name)) return sw_script__fail(L, SW_EEXISTS, "the output '%s' is declared twice", out.name);
    sw_vec_push(&d->outputs, out);
    sw_map_set(&d->by_output, out.name, (void *)out.value);
    return 0;
}

static int moved(lua_State *L) {
    struct sw_declare *d = declaring(L);
    struct sw_script *s = sw_script__of(L);
    struct sw_moved m = {sw_strdup(s->arena, luaL_checkstring(L, 1)), sw_strdup(s->arena, luaL_checkstring(L, 2))};
    sw_vec_push(&d->moved, m);
    return 0;
}

static int removed(lua_State *L) {
    struct sw_declare *d = declaring(L);
    const char *address = sw_strdup(sw_script__of(L)->arena, luaL_checkstring(L, 1));
    sw_vec_push(&d->removed, address);
    return 0;
}

/* core.provider(alias, configuration) */
static int provider(lua_State *L) {
    struct sw_declare *d = declaring(L);
    struct sw_script *s = sw_script__of(L);
    const char *alias = sw_strdup(s->arena, luaL_checkstring(L, 1));
    const struct sw_value *v = sw_script__to_map(L, 2, s->arena, NULL, false, "provider");
    if (!sw_get_str(v, "name", NULL)) return sw_script__fail(L, SW_EINVAL, "provider \"%s\": name = \"...\" says which one it is", alias);
    for (size_t i = 0; i < d->providers.n; i++)
        if (strcmp(d->providers.v[i].key, alias) == 0) return sw_script__fail(L, SW_EEXISTS, "the provider '%s' is declared twice", alias);
    struct sw_pair pair = {alias, v};
    sw_vec_push(&d->providers, pair);
    return 0;
}

static const struct sw_value *find_provider(const struct sw_declare *d, const char *alias) {
    for (size_t i = 0; i < d->providers.n; i++)
        if (strcmp(d->providers.v[i].key, alias) == 0) return d->providers.v[i].value;
    return NULL;
}

/* Every alias that is used has a configuration: what the playbook says, else what the inventory says of the provider of that name, else its name. */
static void settle_providers(lua_State *L) {
    struct sw_script *s = sw_script__of(L);
    struct sw_declare *d = s->declare;
    const struct sw_value *own = sw_get(d->inventory->value, "provider");
    const char *own_name = sw_get_str(own, "name", NULL);
    for (size_t i = 0; i < d->resources.n; i++) {
        const struct sw_resource *r = d->resources.v[i];
        const struct sw_lua_type *t = sw_script__type(L, r->type);
        if (t->type.on_host) continue;
        const char *alias = r->provider ? r->provider : t->type.provider;
        if (!alias || find_provider(d, alias)) continue;
        if (r->provider && t->type.provider && strcmp(r->provider, t->type.provider) != 0) {
            struct sw_err *err = sw_script__error_new(L);
            sw_err_set(err, SW_EINVAL, "'%s' names the provider '%s', which is not declared", r->address, r->provider);
            sw_err_hint(err, "provider \"%s\" { name = \"%s\", ... }", r->provider, t->type.provider);
            sw_err_at(err, r->pos);
            lua_error(L);
        }
        const struct sw_pair named = {"name", sw_value_str(s->arena, alias)};
        struct sw_pair pair = {alias, own_name && strcmp(own_name, alias) == 0 ? own : sw_value_map(s->arena, &named, 1)};
        sw_vec_push(&d->providers, pair);
    }
}

/* What can only be said when the playbook is through. */
static void check_end(lua_State *L) {
    struct sw_declare *d = sw_script__of(L)->declare;
    for (size_t i = 0; i < d->begun.n; i++) {
        if (d->begun.v[i].done) continue;
        struct sw_err *err = sw_script__error_new(L);
        sw_err_set(err, SW_EINVAL, "%s is not given its attributes, so nothing is declared", d->begun.v[i].what);
        sw_err_hint(err, "%s { }", d->begun.v[i].what);
        sw_err_at(err, d->begun.v[i].pos);
        lua_error(L);
    }
    for (size_t i = 0; i < d->needs.n; i++) {
        const char *address = d->needs.v[i].address;
        if (sw_map_find(&d->by_address, address)) continue;
        struct sw_err *err = sw_script__error_new(L);
        sw_err_set(err, SW_EINVAL, "there is no resource '%s'", address);
        sw_err_at(err, d->needs.v[i].pos);
        const char **names = lua_newuserdatauv(L, (d->resources.n + 1) * sizeof *names, 0);
        for (size_t k = 0; k < d->resources.n; k++) names[k] = d->resources.v[k]->address;
        const char *near = sw_nearest(address, names, d->resources.n);
        if (near) sw_err_hint(err, "did you mean '%s'?", near);
        lua_pop(L, 1);
        lua_error(L);
    }
}

/* --- from C ------------------------------------------------------------------------------------------------------------------------------------------ */

static void set_inventory(lua_State *L, const struct sw_inventory *inventory) {
    sw_script__set_inventory(sw_script__of(L), inventory);
    lua_getfield(L, LUA_REGISTRYINDEX, "slipway.words"); // slipway
    sw_script__push_value(L, inventory->value);
    lua_setfield(L, -2, "inventory");
    lua_pop(L, 1);
}

static int run_playbook(lua_State *L) {
    const struct sw_inventory *inventory = lua_touserdata(L, 1);
    set_inventory(L, inventory);
    sw_script__run_playbook(L, inventory->playbook);
    check_end(L);
    settle_providers(L);
    return 0;
}

#define COPY(list, type) ((list).n ? memcpy(sw_new_n(s->arena, type, (list).n), (list).v, (list).n * sizeof(type)) : NULL)

static struct sw_config *config_of(struct sw_script *s) {
    const struct sw_declare *d = s->declare;
    struct sw_config *c = sw_new(s->arena, struct sw_config);
    *c = (struct sw_config){
        .hosts = COPY(d->hosts, const struct sw_host *), .n_hosts = d->hosts.n,
        .resources = COPY(d->resources, const struct sw_resource *), .n_resources = d->resources.n,
        .outputs = COPY(d->outputs, struct sw_output), .n_outputs = d->outputs.n,
        .moved = COPY(d->moved, struct sw_moved), .n_moved = d->moved.n,
        .removed = COPY(d->removed, const char *), .n_removed = d->removed.n,
        .warnings = COPY(d->warnings, const char *), .n_warnings = d->warnings.n,
        .providers = sw_value_map(s->arena, d->providers.v, d->providers.n),
        .modules = sw_script__modules_value(s),
    };
    return c;
}

void sw_script__declare_done(struct sw_script *s) {
    struct sw_declare *d = s->declare;
    if (!d) return;
    sw_vec_done(&d->hosts);
    sw_vec_done(&d->resources);
    sw_vec_done(&d->outputs);
    sw_vec_done(&d->moved);
    sw_vec_done(&d->removed);
    sw_vec_done(&d->warnings);
    sw_vec_done(&d->providers);
    sw_vec_done(&d->begun);
    sw_vec_done(&d->needs);
    sw_vec_done(&d->scratch);
    sw_map_done(&d->by_address);
    sw_map_done(&d->by_host);
    sw_map_done(&d->by_output);
    free(d);
    s->declare = NULL;
}

int sw_script_declare(struct sw_script *s, const struct sw_inventory *inventory, struct sw_config **ret, struct sw_err *err) {
    s->declare = sw_xcalloc(1, sizeof *s->declare);
    s->declare->inventory = inventory;
    s->pinned = NULL;
    int code = sw_script__run(s, run_playbook, (void *)(uintptr_t)inventory, err);
    if (code == 0) *ret = config_of(s);
    sw_script__declare_done(s);
    return code;
}

static int load_modules(lua_State *L) {
    const struct sw_inventory *inventory = lua_touserdata(L, 1);
    struct sw_script *s = sw_script__of(L);
    set_inventory(L, inventory);
    for (size_t i = 0; sw_is(s->pinned, SW_LIST) && i < s->pinned->list.n; i++) {
        sw_script__require_name(L, SW_FROM_USER, sw_get_str(s->pinned->list.v[i], "name", ""));
        lua_pop(L, 1);
    }
    return 0;
}

int sw_script_load_modules(struct sw_script *s, const struct sw_inventory *inventory, const struct sw_value *modules, struct sw_err *err) {
    s->pinned = modules ? modules : &SW_EMPTY_LIST;
    return sw_script__run(s, load_modules, (void *)(uintptr_t)inventory, err);
}

void sw_script__open_declare(lua_State *L) {
    static const luaL_Reg functions[] = {{"host", declare_host}, {"declare", declare},   {"begin", begin},       {"done", done},   {"output", output},
                                         {"moved", moved},       {"removed", removed},   {"provider", provider}, {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}
