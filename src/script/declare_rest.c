/* The smaller words of a playbook: outputs, moves, providers; and its end. */
#include "declare.h"

#include <string.h>

#define KEEPER "slipway.provider.kept"

/* core.begin(what) -> number; core.done(number) */
static int begin(lua_State *L) {
    struct sw_declare *d = sw_declare__current(L);
    struct begun b = {sw_strdup(sw_script__of(L)->arena, luaL_checkstring(L, 1)), sw_declare__here(L), false};
    sw_vec_push(&d->begun, b);
    lua_pushinteger(L, (lua_Integer)d->begun.n - 1);
    return 1;
}

static int done(lua_State *L) {
    struct sw_declare *d = sw_declare__current(L);
    lua_Integer i = luaL_checkinteger(L, 1);
    if (i >= 0 && (size_t)i < d->begun.n) d->begun.v[i].done = true;
    return 0;
}

/* core.output(name, value, doc) */
static int output(lua_State *L) {
    struct sw_declare *d = sw_declare__current(L);
    struct sw_script *s = sw_script__of(L);
    struct sw_output out = {.name = sw_strdup(s->arena, luaL_checkstring(L, 1)), .doc = sw_strdup(s->arena, luaL_optstring(L, 3, NULL))};
    out.value = sw_script__to_value(L, 2, s->arena, NULL, out.name);
    if (sw_map_find(&d->by_output, out.name)) return sw_script__fail(L, SW_EEXISTS, "the output '%s' is declared twice", out.name);
    sw_vec_push(&d->outputs, out);
    sw_map_set(&d->by_output, out.name, (void *)out.value);
    return 0;
}

static int moved(lua_State *L) {
    struct sw_declare *d = sw_declare__current(L);
    struct sw_script *s = sw_script__of(L);
    struct sw_moved m = {sw_strdup(s->arena, luaL_checkstring(L, 1)), sw_strdup(s->arena, luaL_checkstring(L, 2))};
    sw_vec_push(&d->moved, m);
    return 0;
}

static int removed(lua_State *L) {
    struct sw_declare *d = sw_declare__current(L);
    const char *address = sw_strdup(sw_script__of(L)->arena, luaL_checkstring(L, 1));
    sw_vec_push(&d->removed, address);
    return 0;
}

/* core.set_keeper(function): what gives a configuration as it is kept, with its secrets marked */
static int set_keeper(lua_State *L) {
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_settop(L, 1);
    lua_setfield(L, LUA_REGISTRYINDEX, KEEPER);
    return 0;
}

/* That of the inventory, as its provider wants it kept. */
static const struct sw_value *kept(lua_State *L, const struct sw_value *configuration) {
    lua_getfield(L, LUA_REGISTRYINDEX, KEEPER);
    sw_script__push_value(L, configuration);
    lua_call(L, 1, 1);
    const struct sw_value *v = sw_script__to_map(L, lua_gettop(L), sw_script__of(L)->arena, NULL, false, NULL, "provider");
    lua_pop(L, 1);
    return v;
}

/* core.provider(alias, configuration) */
static int provider(lua_State *L) {
    struct sw_declare *d = sw_declare__current(L);
    struct sw_script *s = sw_script__of(L);
    const char *alias = sw_strdup(s->arena, luaL_checkstring(L, 1));
    const struct sw_value *v = sw_script__to_map(L, 2, s->arena, NULL, false, NULL, "provider");
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

/* Every alias that is used has a configuration: what the playbook says, else what the inventory says of the provider of that name, else its
 * name. */
static void settle_providers(lua_State *L) {
    struct sw_script *s = sw_script__of(L);
    struct sw_declare *d = s->declare;
    const struct sw_value *own = sw_get(d->inventory->value, "provider");
    const char *own_name = sw_get_str(own, "name", NULL);
    /* The inventory's own, whether it is used or not: what was made with it and left the playbook is removed with it. */
    if (own_name && !find_provider(d, own_name)) {
        struct sw_pair pair = {own_name, kept(L, own)};
        sw_vec_push(&d->providers, pair);
    }
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
        struct sw_pair pair = {alias, sw_value_map(s->arena, &named, 1)};
        sw_vec_push(&d->providers, pair);
    }
}

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

/* core.inventory_place(key, ...) -> file, line: where the value below those keys stands, or as much of the way as there is. */
static int inventory_place(lua_State *L) {
    const struct sw_inventory *inventory = sw_script__of(L)->inventory;
    if (!inventory) return 0;
    unsigned line = 1;
    const struct sw_value *v = inventory->value;
    for (int i = 1; v && i <= lua_gettop(L); i++) {
        v = sw_get(v, luaL_checkstring(L, i));
        if (v && v->line) line = v->line;
    }
    lua_pushstring(L, inventory->file);
    lua_pushinteger(L, line);
    return 2;
}

void sw_declare__finish(lua_State *L) {
    check_end(L);
    settle_providers(L);
}

void sw_declare__open_rest(lua_State *L) {
    static const luaL_Reg functions[] = {
        {"begin", begin},     {"done", done},         {"output", output},         {"moved", moved},
        {"removed", removed}, {"provider", provider}, {"set_keeper", set_keeper}, {"inventory_place", inventory_place},
        {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}
