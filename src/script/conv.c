/* Lua values <-> struct sw_value.
 *
 * A table is a list or a map, never both. An empty one is a map, unless it is marked as a list (it came from YAML or JSON) or the schema's
 * row says list. nil in a map is "absent"; a null in a list is slipway.null.
 *
 * `like` is a value that the table was probably made from, and may be NULL. What is equal to it is it, part by part: an object that
 * goes to Lua and comes back takes no more memory for that. Values never change, so they can be shared; `like` has to live as long as the
 * result.
 */
#include "host.h"

#include <math.h>
#include <string.h>

enum { MAX_DEPTH = 64, MAX_NODES = 1000000 };

/* Where we are in the tree, for messages and to see a table inside itself. */
struct place {
    const struct place *up;
    const char *key; /* NULL: the list index below */
    lua_Integer index;
    const void *table;
    unsigned depth;
};

struct conv {
    lua_State *L;
    struct sw_arena *arena;
    size_t nodes;
};

static const struct sw_value *convert(struct conv *c, int index, const struct sw_attr *hint, const struct sw_value *like,
                                      const struct place *at) SW_LJMP;

static void add_path(luaL_Buffer *b, const struct place *at) {
    if (at->up) add_path(b, at->up);
    if (at->key) {
        if (at->up) luaL_addchar(b, '.');
        luaL_addstring(b, at->key);
    } else {
        lua_pushfstring(b->L, "[%I]", at->index);
        luaL_addvalue(b);
    }
}

static int fail_at(struct conv *c, const struct place *at, const char *problem) {
    luaL_Buffer b;
    luaL_buffinit(c->L, &b);
    add_path(&b, at);
    luaL_pushresult(&b);
    return sw_script__fail(c->L, SW_EINVAL, "%s %s", lua_tostring(c->L, -1), problem);
}

static void count(struct conv *c, size_t bytes, const struct place *at) {
    struct sw_script *s = sw_script__of(c->L);
    s->converted += bytes + sizeof(struct sw_value) + 32;
    if (++c->nodes > MAX_NODES || s->converted > s->limit) fail_at(c, at, "is too large");
}

/* `like`, where it may be given back for something of this kind. */
static const struct sw_value *usable(const struct sw_value *like, enum sw_kind kind) {
    return like && like->kind == kind && !like->secret ? like : NULL;
}

static const struct sw_value *convert_list(struct conv *c, int table, lua_Integer n, const struct sw_attr *hint,
                                           const struct sw_value *like, const struct place *at) {
    const struct sw_value *few[24];
    const struct sw_value **items = (size_t)n <= sw_countof(few) ? few : sw_new_n(c->arena, const struct sw_value *, (size_t)n);
    like = usable(like, SW_LIST);
    bool same = like && like->list.n == (size_t)n;
    const struct sw_attr element = {.type = hint ? hint->elem : SW_T_ANY, .object = hint ? hint->object : NULL};
    for (lua_Integer i = 1; i <= n; i++) {
        lua_rawgeti(c->L, table, i);
        struct place here = {at, NULL, i, NULL, at->depth + 1};
        const struct sw_value *was = like && (size_t)i <= like->list.n ? like->list.v[i - 1] : NULL;
        items[i - 1] = convert(c, lua_gettop(c->L), &element, was, &here);
        same = same && items[i - 1] == was;
        lua_pop(c->L, 1);
    }
    if (same) return like;
    return sw_value_list(c->arena, items, (size_t)n);
}

/* The members whose value is not nil, in Lua's order: sw_value_map sorts. */
static const struct sw_value *convert_map(struct conv *c, int table, const struct sw_schema *schema, const struct sw_attr *hint,
                                          bool skip_reserved, const struct sw_value *like, const struct place *at) {
    struct sw_pair few[24];
    size_t n = 0, cap = sw_countof(few);
    struct sw_pair *pairs = few;
    like = usable(like, SW_MAP);
    bool same = like;
    const struct sw_attr element = {.type = hint ? hint->elem : SW_T_ANY};
    if (hint && hint->object) schema = hint->object;
    lua_pushnil(c->L);
    while (lua_next(c->L, table)) { // key value
        if (lua_type(c->L, -2) != LUA_TSTRING) {
            if (lua_isinteger(c->L, -2)) fail_at(c, at, "mixes a list and a map, or is a list with a hole");
            fail_at(c, at, "has a key that is no text");
        }
        size_t len;
        const char *key = lua_tolstring(c->L, -2, &len);
        struct place here = {at, key, 0, NULL, at->depth + 1};
        if (strlen(key) != len) fail_at(c, at, "has a key with a NUL byte in it");
        if (skip_reserved && sw_script__reserved(key)) {
            lua_pop(c->L, 1);
            continue;
        }
        if (n == cap) {
            struct sw_pair *more = sw_new_n(c->arena, struct sw_pair, cap * 2);
            memcpy(more, pairs, n * sizeof *pairs);
            pairs = more;
            cap *= 2;
        }
        count(c, len, &here);
        const struct sw_attr *row = schema ? sw_schema_find(schema, key) : &element;
        const struct sw_value *was = like ? sw_get(like, key) : NULL;
        const struct sw_value *value = convert(c, lua_gettop(c->L), row, was, &here);
        pairs[n++] = (struct sw_pair){key, value}; /* the key stays alive in the table */
        same = same && value == was;
        lua_pop(c->L, 1);
    }
    if (same && n == like->map.n) return like;
    return sw_value_map(c->arena, pairs, n);
}

static const struct sw_value *convert_table(struct conv *c, int index, const struct sw_attr *hint, const struct sw_value *like,
                                            const struct place *at) {
    lua_State *L = c->L;
    luaL_checkstack(L, 12, NULL);
    int top = lua_gettop(L);
    int table = index;
    if (sw_script__thaw(L, index)) table = lua_gettop(L);
    struct place here = *at;
    here.table = lua_topointer(L, table);
    for (const struct place *up = at->up; up; up = up->up)
        if (up->table == here.table) fail_at(c, at, "holds itself");
    if (at->depth > MAX_DEPTH) fail_at(c, at, "is nested too deeply");
    lua_Integer n = (lua_Integer)lua_rawlen(L, table);
    const struct sw_value *v;
    bool list = n > 0;
    if (n == 0) {
        lua_pushnil(L);
        bool empty = !lua_next(L, table);
        lua_settop(L, top + (table != index));
        if (empty) {
            list = sw_script__is_array(L, table) || (hint && hint->type == SW_T_LIST);
            if (!list && luaL_getmetafield(L, table, "__name") == LUA_TSTRING)
                fail_at(c, at, lua_pushfstring(L, "is a %s, not a value", lua_tostring(L, -1)));
        }
    } else { /* exactly the keys 1..n? */
        lua_Integer seen = 0;
        for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1)) {
            if (!lua_isinteger(L, -2) || lua_tointeger(L, -2) < 1 || lua_tointeger(L, -2) > n)
                fail_at(c, at, "mixes a list and a map, or is a list with a hole");
            seen++;
        }
        if (seen != n) fail_at(c, at, "is a list with a hole");
    }
    v = list ? convert_list(c, table, n, hint, like, &here) : convert_map(c, table, NULL, hint, false, like, &here);
    lua_settop(L, top);
    return v;
}

static const struct sw_value *convert_opaque(struct conv *c, int index, const struct place *at) {
    lua_State *L = c->L;
    const struct sw_value *v = NULL;
    switch (sw_script__opaque(L, index)) {
    case SW_O_REF: {
        const struct sw_opaque_ref *ref = sw_script__ref(L, index);
        v = sw_value_ref(c->arena, ref->address, ref->path);
        return ref->secret ? sw_value_secret(c->arena, v) : v;
    }
    case SW_O_CONCAT: {
        luaL_checkstack(L, 6, NULL);
        lua_getiuservalue(L, index, 1); // parts
        int parts = lua_gettop(L);
        size_t n = lua_rawlen(L, parts);
        const struct sw_value **items = sw_new_n(c->arena, const struct sw_value *, n);
        for (size_t i = 0; i < n; i++) {
            lua_rawgeti(L, parts, (lua_Integer)i + 1);
            items[i] = convert(c, lua_gettop(L), NULL, NULL, at);
            lua_pop(L, 1);
        }
        lua_pop(L, 1);
        return sw_value_concat(c->arena, items, n);
    }
    case SW_O_SECRET: sw_script__secret_value(L, index, c->arena, &v); return v;
    case SW_O_UNKNOWN: return &SW_UNKNOWN_VALUE;
    case SW_O_NULL: return &SW_NULL_VALUE;
    case SW_O_RESOURCE: fail_at(c, at, "is a resource, not a value: name one of its attributes"); break;
    default: fail_at(c, at, "is no value"); break;
    }
    return NULL;
}

/* Not -0.0 for 0.0, nor 1.0 for 1. */
static bool is_real(const struct sw_value *like, double d) {
    like = usable(like, SW_REAL);
    return like && like->d == d && signbit(like->d) == signbit(d);
}

static const struct sw_value *convert(struct conv *c, int index, const struct sw_attr *hint, const struct sw_value *like,
                                      const struct place *at) {
    lua_State *L = c->L;
    count(c, 0, at);
    switch (lua_type(L, index)) {
    case LUA_TNIL: return &SW_NULL_VALUE;
    case LUA_TBOOLEAN: return sw_value_bool(lua_toboolean(L, index));
    case LUA_TNUMBER: {
        if (lua_isinteger(L, index)) {
            lua_Integer i = lua_tointeger(L, index);
            like = usable(like, SW_INT);
            return like && like->i == i ? like : sw_value_int(c->arena, i);
        }
        double d = lua_tonumber(L, index);
        if (!isfinite(d)) fail_at(c, at, "is not a finite number");
        return is_real(like, d) ? like : sw_value_real(c->arena, d);
    }
    case LUA_TSTRING: {
        size_t len;
        const char *p = lua_tolstring(L, index, &len);
        count(c, len, at);
        like = usable(like, SW_STR);
        return like && like->s.len == len && memcmp(like->s.p, p, len) == 0 ? like : sw_value_strn(c->arena, p, len);
    }
    case LUA_TTABLE: return convert_table(c, index, hint, like, at);
    case LUA_TUSERDATA: return convert_opaque(c, index, at);
    case LUA_TFUNCTION: fail_at(c, at, "is a function, not a value"); break;
    default: fail_at(c, at, "is no value"); break;
    }
    return NULL;
}

const struct sw_value *sw_script__to_value(lua_State *L, int index, struct sw_arena *arena, const struct sw_attr *hint, const char *what) {
    struct conv c = {L, arena, 0};
    struct place root = {NULL, what, 0, NULL, 0};
    return convert(&c, lua_absindex(L, index), hint, NULL, &root);
}

const struct sw_value *sw_script__to_map(lua_State *L, int index, struct sw_arena *arena, const struct sw_schema *schema,
                                         bool skip_reserved, const struct sw_value *like, const char *what) {
    struct conv c = {L, arena, 0};
    int top = lua_gettop(L);
    index = lua_absindex(L, index);
    struct place root = {NULL, what, 0, NULL, 0};
    if (lua_type(L, index) != LUA_TTABLE) fail_at(&c, &root, "is no table of attributes");
    if (sw_script__thaw(L, index)) index = lua_gettop(L);
    root.table = lua_topointer(L, index);
    const struct sw_value *v = convert_map(&c, index, schema, NULL, skip_reserved, like, &root);
    lua_settop(L, top);
    return v;
}

bool sw_script__reserved(const char *key) {
    static const char *const names[] = {"depends_on", "lifecycle", "precondition", "provider", "restart_on"};
    for (size_t i = 0; i < sw_countof(names); i++)
        if (strcmp(key, names[i]) == 0) return true;
    return false;
}

/* nulls: they stay in maps, too. */
static void push(lua_State *L, const struct sw_value *v, bool in_list, bool nulls) {
    if (!v) {
        lua_pushnil(L);
        return;
    }
    luaL_checkstack(L, 6, NULL);
    if (v->secret && (v->kind == SW_STR || v->kind == SW_INT || v->kind == SW_REAL || v->kind == SW_BOOL)) {
        sw_script__push_secret(L, v);
        return;
    }
    switch ((enum sw_kind)v->kind) {
    case SW_NULL:
        if (in_list || nulls)
            sw_script__push_null(L);
        else
            lua_pushnil(L);
        break;
    case SW_BOOL: lua_pushboolean(L, v->b); break;
    case SW_INT: lua_pushinteger(L, v->i); break;
    case SW_REAL: lua_pushnumber(L, v->d); break;
    case SW_STR: lua_pushlstring(L, v->s.p, v->s.len); break;
    case SW_LIST:
        lua_createtable(L, (int)v->list.n, 0);
        if (v->list.n == 0) sw_script__mark_array(L, -1);
        for (size_t i = 0; i < v->list.n; i++) {
            push(L, v->list.v[i], true, nulls);
            lua_rawseti(L, -2, (lua_Integer)i + 1);
        }
        break;
    case SW_MAP:
        lua_createtable(L, 0, (int)v->map.n);
        for (size_t i = 0; i < v->map.n; i++) {
            push(L, v->map.v[i].value, false, nulls);
            lua_setfield(L, -2, v->map.v[i].key);
        }
        break;
    case SW_REF: sw_script__push_ref(L, v->ref.address, v->ref.path, v->secret); break;
    case SW_CONCAT: {
        int n = 0;
        for (size_t i = 0; i < v->list.n; i++) {
            push(L, v->list.v[i], true, nulls);
            n = sw_script__join_some(L, n + 1);
        }
        sw_script__join(L, n);
        break;
    }
    case SW_UNKNOWN: sw_script__push_unknown(L); break;
    }
}

void sw_script__push_value(lua_State *L, const struct sw_value *v) {
    push(L, v, false, false);
}

void sw_script__push_with_nulls(lua_State *L, const struct sw_value *v) {
    push(L, v, false, true);
}
