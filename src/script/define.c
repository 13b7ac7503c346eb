/* resource "name" { ... }: a Lua table becomes a struct sw_type. The table was looked over by slipway/resource.lua. */
#include "host.h"

#include <stdlib.h>
#include <string.h>

#define DATA "data." /* what the name of a data source starts with */

static enum sw_attr_type type_of(lua_State *L, const char *name, const char *attr) {
    static const struct {
        const char *name;
        enum sw_attr_type type;
    } types[] = {
        {"any", SW_T_ANY},   {"string", SW_T_STRING}, {"int", SW_T_INT}, {"number", SW_T_NUMBER},
        {"bool", SW_T_BOOL}, {"list", SW_T_LIST},     {"map", SW_T_MAP},
    };
    for (size_t i = 0; name && i < sw_countof(types); i++)
        if (strcmp(types[i].name, name) == 0) return types[i].type;
    luaL_error(L, "schema of '%s': '%s' is no type; string, int, number, bool, list, map or any wanted", attr, name ? name : "nil");
    return SW_T_ANY;
}

static bool flag(lua_State *L, int row, const char *key) {
    lua_getfield(L, row, key);
    bool set = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return set;
}

static const char *text(lua_State *L, int row, const char *key) {
    struct sw_script *s = sw_script__of(L);
    lua_getfield(L, row, key);
    const char *copy = lua_type(L, -1) == LUA_TSTRING ? sw_strdup(s->arena, lua_tostring(L, -1)) : NULL;
    lua_pop(L, 1);
    return copy;
}

static void check_row(lua_State *L, int row, const char *attr) {
    static const char *const known[] = {"of",      "required", "default",    "immutable", "computed", "sensitive",
                                        "derived", "health",   "write_only", "one_of",    "doc",      "open"};
    for (lua_pushnil(L); lua_next(L, row); lua_pop(L, 1)) {
        if (lua_isinteger(L, -2) && lua_tointeger(L, -2) == 1) continue;
        const char *key = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "?";
        bool found = false;
        for (size_t i = 0; i < sw_countof(known); i++) found = found || strcmp(known[i], key) == 0;
        const char *near = found ? NULL : sw_nearest(key, known, sw_countof(known));
        if (!found && near) luaL_error(L, "schema of '%s': there is no '%s'; did you mean '%s'?", attr, key, near);
        if (!found) luaL_error(L, "schema of '%s': there is no '%s'", attr, key);
    }
}

static int compare_attrs(const void *a, const void *b) {
    return strcmp(((const struct sw_attr *)a)->name, ((const struct sw_attr *)b)->name);
}

/* The rows of the table at index. `extra` row, or NULL, is added when the table has none of its name. */
static void read_schema(lua_State *L, int index, const char *name, const struct sw_attr *extra, int depth, struct sw_schema *ret) {
    struct sw_script *s = sw_script__of(L);
    size_t n = 0;
    index = lua_absindex(L, index);
    luaL_checkstack(L, 12, NULL);
    if (depth > 16) luaL_error(L, "schema of '%s': nested too deeply", name);
    if (!lua_istable(L, index)) luaL_error(L, "schema of '%s': a table of rows wanted", name);
    if (sw_script__thaw(L, index)) lua_replace(L, index);
    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) n++;
    struct sw_attr *attrs = sw_new_n(s->arena, struct sw_attr, n + 1);
    n = 0;
    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) { // key row
        if (lua_type(L, -2) != LUA_TSTRING || !lua_istable(L, -1)) luaL_error(L, "schema of '%s': rows are NAME = { TYPE, ... }", name);
        const char *key = lua_tostring(L, -2);
        if (depth == 0 && sw_script__reserved(key)) luaL_error(L, "schema of '%s': every resource has '%s' already", name, key);
        int row = lua_gettop(L);
        bool view = sw_script__thaw(L, row);
        if (view) lua_replace(L, row);
        struct sw_attr *a = &attrs[n++];
        check_row(L, row, key);
        a->name = sw_strdup(s->arena, key);
        lua_rawgeti(L, row, 1);
        a->type = type_of(L, lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : NULL, key);
        lua_pop(L, 1);
        if (lua_getfield(L, row, "of") == LUA_TSTRING) {
            a->elem = type_of(L, lua_tostring(L, -1), key);
        } else if (lua_istable(L, -1)) { /* the shape of a map, or of each element of a list */
            struct sw_schema *object = sw_new(s->arena, struct sw_schema);
            read_schema(L, -1, key, NULL, depth + 1, object);
            object->open = flag(L, row, "open");
            a->elem = a->type == SW_T_LIST ? SW_T_MAP : SW_T_ANY;
            a->object = object;
        }
        lua_pop(L, 1);
        a->required = flag(L, row, "required");
        a->immutable = flag(L, row, "immutable");
        a->computed = flag(L, row, "computed");
        a->sensitive = flag(L, row, "sensitive");
        a->derived = flag(L, row, "derived");
        a->health = flag(L, row, "health");
        a->write_only = flag(L, row, "write_only");
        a->doc = text(L, row, "doc");
        if (lua_getfield(L, row, "default") != LUA_TNIL) a->fallback = sw_script__to_value(L, -1, s->arena, a, "default");
        lua_pop(L, 1);
        if (lua_getfield(L, row, "one_of") != LUA_TNIL) a->one_of = sw_script__to_value(L, -1, s->arena, NULL, "one_of");
        lua_pop(L, 1);
        if (extra && strcmp(a->name, extra->name) == 0) extra = NULL;
    }
    if (extra) attrs[n++] = *extra;
    qsort(attrs, n, sizeof *attrs, compare_attrs);
    ret->name = name;
    ret->attrs = attrs;
    ret->n_attrs = n;
}

static const struct sw_attr *state_row(struct sw_script *s) {
    static const char *const words[] = {"present", "absent"};
    const struct sw_value *items[2];
    struct sw_attr *row = sw_new(s->arena, struct sw_attr);
    for (size_t i = 0; i < 2; i++) items[i] = sw_value_str(s->arena, words[i]);
    *row = (struct sw_attr){.name = "state",
                            .type = SW_T_STRING,
                            .fallback = items[0],
                            .one_of = sw_value_list(s->arena, items, 2),
                            .doc = "absent: it is removed where it is found"};
    return row;
}

static void read_type(lua_State *L, int spec, struct sw_lua_type *t) {
    struct sw_script *s = t->script;
    lua_getfield(L, spec, "on");
    t->type.on_host = strcmp(luaL_optstring(L, -1, "host"), "host") == 0;
    lua_pop(L, 1);
    t->type.doc = text(L, spec, "doc");
    t->type.provider = text(L, spec, "provider");
    t->type.owns_host = flag(L, spec, "owns_host");
    t->type.data = flag(L, spec, "data");
    t->type.batched = flag(L, spec, "probe_all");
    t->ephemeral = flag(L, spec, "ephemeral");
    t->has_normalise = flag(L, spec, "normalise");
    t->has_declare = flag(L, spec, "declare");
    t->has_remove = flag(L, spec, "remove");
    lua_getfield(L, spec, "schema");
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        lua_createtable(L, 0, 0);
    }
    const struct sw_attr *state = t->type.on_host && t->has_remove && !t->ephemeral ? state_row(s) : NULL;
    read_schema(L, -1, t->type.name, state, 0, &t->schema);
    t->schema.doc = t->type.doc;
    t->schema.open = flag(L, spec, "open");
    const struct sw_attr *own = sw_schema_find(&t->schema, "state");
    t->own_state = own && (!state || own->doc != state->doc);
    struct sw_attr *relaxed = sw_new_n(s->arena, struct sw_attr, t->schema.n_attrs + 1);
    for (size_t i = 0; i < t->schema.n_attrs; i++) {
        relaxed[i] = t->schema.attrs[i];
        relaxed[i].required = false;
    }
    t->absent = t->schema;
    t->absent.attrs = relaxed;
    lua_pop(L, 1);
}

static bool is_type_name(const char *name) {
    const char *bare = name + (sw_starts_with(name, DATA) ? strlen(DATA) : 0);
    return *bare && strspn(bare, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(bare);
}

/* core.define(name, spec): registers the type. */
static int define(lua_State *L) {
    struct sw_script *s = sw_script__of(L);
    const char *name = luaL_checkstring(L, 1);
    luaL_checktype(L, 2, LUA_TTABLE);
    if (!is_type_name(name)) return sw_script__fail(L, SW_EINVAL, "'%s' is no name for a resource type: small letters, digits and _", name);
    if (s->loading.n == 0 && !s->testing)
        return sw_script__fail(L, SW_EINVAL, "the resource type '%s' belongs in a file of its own, loaded by require", name);
    struct sw_lua_type *t = sw_new(s->arena, struct sw_lua_type);
    const char *key = s->loading.n ? s->loading.v[s->loading.n - 1] : "2:test";
    t->origin = (enum sw_origin)(*key - '0');
    t->source = sw_strdup(s->arena, key);
    const struct sw_type *before = sw_map_find(&s->types, name);
    if (before && strcmp(((const struct sw_lua_type *)before->impl)->source, t->source) != 0)
        return sw_script__fail(L, SW_EEXISTS, "there is a resource type '%s' already, from '%s'", name,
                               ((const struct sw_lua_type *)before->impl)->source + 2);
    t->script = s;
    t->type.name = sw_strdup(s->arena, name);
    t->type.schema = &t->schema;
    t->type.ops = &sw_script__ops;
    t->type.impl = t;
    read_type(L, 2, t);
    static const char *const origins[] = {"library", "playbooks", "user"};
    lua_pushstring(L, origins[t->origin]);
    lua_setfield(L, 2, "origin");
    lua_pushvalue(L, 2);
    t->spec = luaL_ref(L, LUA_REGISTRYINDEX);
    if (!before) sw_vec_push(&s->type_names, t->type.name);
    sw_map_set(&s->types, t->type.name, &t->type);
    if (s->loading_module.n && s->loading_module.v[s->loading_module.n - 1] >= 0)
        s->modules.v[s->loading_module.v[s->loading_module.n - 1]].defines = true;
    return 0;
}

static struct sw_lua_type *known(struct sw_script *s, const char *name) {
    const struct sw_type *type = sw_map_find(&s->types, name);
    return type ? type->impl : NULL;
}

/* aws_vpc comes with the folder aws: with its init.lua, or is aws/vpc.lua; data.aws_ami is aws/data/ami.lua. */
static struct sw_lua_type *load_prefix(lua_State *L, const char *name) {
    struct sw_script *s = sw_script__of(L);
    const bool data = sw_starts_with(name, DATA);
    const char *bare = name + (data ? strlen(DATA) : 0);
    for (const char *p = strchr(bare, '_'); p && !known(s, name); p = strchr(p + 1, '_')) {
        int top = lua_gettop(L);
        const char *prefix = lua_pushlstring(L, bare, (size_t)(p - bare));
        bool library = sw_script__library_has(s, lua_pushfstring(L, "%s/init.lua", prefix));
        if (library || sw_script__module_exists(L, prefix)) sw_script__require_name(L, library ? SW_FROM_LIBRARY : SW_FROM_USER, prefix);
        const char *file = lua_pushfstring(L, "%s/%s%s", prefix, data ? "data/" : "", p + 1);
        if (library && !known(s, name) && sw_script__library_has(s, lua_pushfstring(L, "%s.lua", file)))
            sw_script__require_name(L, SW_FROM_LIBRARY, file);
        lua_settop(L, top);
    }
    return known(s, name);
}

struct sw_lua_type *sw_script__type(lua_State *L, const char *name) {
    struct sw_script *s = sw_script__of(L);
    struct sw_lua_type *t = known(s, name);
    if (t) return t;
    if (!is_type_name(name) || strlen(name) > 100) return NULL;
    const char *path = lua_pushfstring(L, "host/%s", name);
    if (sw_script__library_has(s, lua_pushfstring(L, "%s.lua", path))) {
        sw_script__require_name(L, SW_FROM_LIBRARY, path);
        lua_pop(L, 1);
    } else if (sw_script__module_exists(L, name)) {
        sw_script__require_name(L, SW_FROM_USER, name);
        lua_pop(L, 1);
    }
    lua_pop(L, 2);
    t = known(s, name);
    return t ? t : load_prefix(L, name);
}

static int load_all(lua_State *L) {
    lua_rawgeti(L, LUA_REGISTRYINDEX, sw_script__of(L)->globals[SW_FROM_LIBRARY]);
    lua_getfield(L, -1, "__index");
    lua_getfield(L, -1, "core");
    lua_getfield(L, -1, "load_all");
    lua_call(L, 0, 0);
    return 0;
}

static int find_it(lua_State *L) {
    const struct lookup { const char *name; } *lookup = lua_touserdata(L, 1);
    /* kube_node comes with kubeadm: where the name does not tell, everything is looked through */
    if (!sw_script__type(L, lookup->name)) load_all(L);
    return 0;
}

const struct sw_type *sw_script__find_type(void *ctx, const char *name) {
    struct sw_script *s = ctx;
    struct sw_lua_type *t = known(s, name);
    if (!t) {
        struct {
            const char *name;
        } lookup = {name};
        struct sw_err err = {0};
        sw_script__run(s, find_it, &lookup, &err); /* a file that does not load defines nothing: unknown */
        sw_err_done(&err);
        t = known(s, name);
    }
    return t ? &t->type : NULL;
}

static int compare_names(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int sw_script_type_names(struct sw_script *s, const char *const **ret, size_t *ret_n, struct sw_err *err) {
    int code = sw_script__run(s, load_all, NULL, err);
    if (code) return code;
    const char **names = sw_new_n(s->arena, const char *, s->type_names.n + 1);
    for (size_t i = 0; i < s->type_names.n; i++) names[i] = s->type_names.v[i];
    qsort(names, s->type_names.n, sizeof *names, compare_names);
    *ret = names;
    *ret_n = s->type_names.n;
    return 0;
}

/* core.type_info(name) -> what the library's Lua needs of a type, or nil */
static int type_info(lua_State *L) {
    const struct sw_lua_type *t = sw_script__type(L, luaL_checkstring(L, 1));
    if (!t) return 0;
    lua_createtable(L, 0, 4);
    lua_pushboolean(L, t->type.on_host);
    lua_setfield(L, -2, "on_host");
    lua_rawgeti(L, LUA_REGISTRYINDEX, t->spec);
    lua_setfield(L, -2, "spec");
    return 1;
}

/* core.type_names() -> names of the types known so far, for "did you mean" */
static int type_names(lua_State *L) {
    struct sw_script *s = sw_script__of(L);
    lua_createtable(L, (int)s->type_names.n, 0);
    for (size_t i = 0; i < s->type_names.n; i++) {
        lua_pushstring(L, s->type_names.v[i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

void sw_script__open_define(lua_State *L) {
    static const luaL_Reg functions[] = {{"define", define}, {"type_info", type_info}, {"type_names", type_names}, {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}
