/* What a resource depends on, and the other attributes every resource has. */
#include "declare.h"

#include <stdlib.h>
#include <string.h>

static void add_ref(const char *address, const char *path, void *ctx) {
    struct sw_script *s = ctx;
    (void)path;
    sw_vec_push(&s->declare->scratch, address);
}

void sw_declare__add_refs(struct sw_script *s, const struct sw_value *v) {
    sw_value_each_ref(v, add_ref, s);
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

const char **sw_declare__take(struct sw_script *s, size_t from, bool or_null) {
    size_t n = s->declare->scratch.n - from;
    if (n == 0 && or_null) return NULL;
    const char **list = sw_new_n(s->arena, const char *, n + 1);
    if (n) memcpy(list, s->declare->scratch.v + from, n * sizeof *list);
    qsort(list, n, sizeof *list, compare_text);
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (!kept || strcmp(list[i], list[kept - 1]) != 0) list[kept++] = list[i];
    list[kept] = NULL;
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
        if (!sw_schema_find(schema, *name) && !schema->open)
            sw_script__fail(L, SW_EINVAL, "ignore_changes: there is no attribute '%s'", *name);
    if (lua_getfield(L, index, "replace_on") != LUA_TNIL) {
        size_t from = s->declare->scratch.n;
        add_addresses(L, -1, "replace_on", pos, 0);
        ret->replace_on = sw_declare__take(s, from, true);
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

void sw_declare__reserved(lua_State *L, int attrs, const struct sw_lua_type *t, struct sw_resource *r) {
    struct sw_script *s = sw_script__of(L);
    if (lua_getfield(L, attrs, "precondition") != LUA_TNIL) check_preconditions(L, -1, 0);
    if (lua_getfield(L, attrs, "restart_on") != LUA_TNIL) add_addresses(L, -1, "restart_on", r->pos, 0);
    r->triggers = sw_declare__take(s, 0, true);
    if (lua_getfield(L, attrs, "lifecycle") != LUA_TNIL) read_lifecycle(L, lua_gettop(L), &t->schema, r->pos, &r->lifecycle);
    if (lua_getfield(L, attrs, "depends_on") != LUA_TNIL) add_addresses(L, -1, "depends_on", r->pos, 0);
    if (lua_getfield(L, attrs, "provider") != LUA_TNIL) {
        if (t->type.on_host) sw_script__fail(L, SW_EINVAL, "provider: a resource on a host has none");
        if (lua_type(L, -1) != LUA_TSTRING) sw_script__fail(L, SW_EINVAL, "provider: the name of an alias wanted");
        r->provider = sw_strdup(s->arena, lua_tostring(L, -1));
    }
    lua_pop(L, 5);
}
