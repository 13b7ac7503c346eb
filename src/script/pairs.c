/* pairs and next in sorted order: numbers, then texts, then booleans, then the rest. The same playbook gives the same plan on every run;
 * Lua's own order depends on where the strings happen to lie in memory. */
#include "host.h"

#include <stdlib.h>
#include <string.h>

struct key {
    int rank;
    bool is_integer;
    lua_Integer i;
    lua_Number d;
    const char *p; /* alive as long as the table has the key */
    size_t len;
    lua_Integer at; /* in the list of keys */
};

static struct key key_of(lua_State *L, int index) {
    struct key k = {0};
    switch (lua_type(L, index)) {
    case LUA_TNUMBER:
        k.is_integer = lua_isinteger(L, index);
        k.i = lua_tointeger(L, index);
        k.d = lua_tonumber(L, index);
        break;
    case LUA_TSTRING:
        k.rank = 1;
        k.p = lua_tolstring(L, index, &k.len);
        break;
    case LUA_TBOOLEAN:
        k.rank = 2;
        k.i = lua_toboolean(L, index);
        k.is_integer = true;
        break;
    default: k.rank = 3; break;
    }
    return k;
}

static int compare(const void *left, const void *right) {
    const struct key *a = left, *b = right;
    if (a->rank != b->rank) return a->rank < b->rank ? -1 : 1;
    if (a->rank == 1) {
        int order = memcmp(a->p, b->p, a->len < b->len ? a->len : b->len);
        return order ? order : a->len < b->len ? -1 : a->len > b->len;
    }
    if (a->rank == 3) return a->at < b->at ? -1 : a->at > b->at;
    if (a->is_integer && b->is_integer) return a->i < b->i ? -1 : a->i > b->i;
    return a->d < b->d ? -1 : a->d > b->d;
}

enum { FEW = 64 };

static void sort(struct key *list, lua_Integer n) {
    bool sorted = true;
    for (lua_Integer i = 1; i < n && sorted; i++) sorted = compare(&list[i - 1], &list[i]) <= 0;
    if (!sorted) qsort(list, (size_t)n, sizeof *list, compare);
}

/* The same for many. */
static void push_many_keys(lua_State *L, int table, lua_Integer n) {
    struct key *list = lua_newuserdatauv(L, (size_t)n * sizeof *list, 0);
    lua_createtable(L, (int)n, 0);
    lua_createtable(L, (int)n, 0);
    lua_pushnil(L);
    for (lua_Integer i = 1; i <= n && lua_next(L, table); i++) { // list sorted keys key value
        lua_pop(L, 1);
        list[i - 1] = key_of(L, -1);
        list[i - 1].at = i;
        lua_pushvalue(L, -1);
        lua_rawseti(L, -3, i);
    }
    lua_pop(L, 1);
    sort(list, n);
    for (lua_Integer i = 1; i <= n; i++) { // list sorted keys
        lua_rawgeti(L, -1, list[i - 1].at);
        lua_rawseti(L, -3, i);
    }
    lua_pop(L, 1);
    lua_remove(L, -2);
}

/* [-0, +1] the list of the keys of the table at index, sorted. The keys of most tables are few: they wait on the stack. */
static void push_keys(lua_State *L, int table) {
    struct key list[FEW];
    lua_Integer n = 0;
    luaL_checkstack(L, FEW + 6, NULL);
    table = lua_absindex(L, table);
    int base = lua_gettop(L);
    lua_pushnil(L);
    while (lua_next(L, table)) { // ... key value
        if (n < FEW) {
            list[n] = key_of(L, -2);
            list[n].at = n + 1;
            lua_pop(L, 1);
            lua_pushvalue(L, -1); // it stays, and its copy is looked from
        } else {
            lua_pop(L, 1);
        }
        n++;
    }
    sw_script__charge(L, (size_t)n);
    if (n > FEW) {
        lua_settop(L, base);
        push_many_keys(L, table, n);
        return;
    }
    sort(list, n);
    lua_createtable(L, (int)n, 0);
    for (lua_Integer i = 1; i <= n; i++) {
        lua_pushvalue(L, base + (int)list[i - 1].at);
        lua_rawseti(L, -2, i);
    }
    if (n > 0) lua_replace(L, base + 1);
    lua_settop(L, base + 1);
}

/* upvalues: table, its sorted keys, how many were given, whether the values are shown as views */
static int step(lua_State *L) {
    lua_Integer i = lua_tointeger(L, lua_upvalueindex(3));
    for (;;) {
        i++;
        if (lua_rawgeti(L, lua_upvalueindex(2), i) == LUA_TNIL) return 1;
        lua_pushvalue(L, -1);
        if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL) break; /* removed meanwhile otherwise */
        lua_pop(L, 2);
    }
    lua_pushinteger(L, i);
    lua_replace(L, lua_upvalueindex(3));
    if (lua_toboolean(L, lua_upvalueindex(4))) {
        sw_script__freeze(L, -1);
        lua_remove(L, -2);
    }
    return 2;
}

static int sorted_pairs(lua_State *L) {
    luaL_checkany(L, 1);
    bool view = sw_script__thaw(L, 1);
    if (!view) {
        if (luaL_getmetafield(L, 1, "__pairs") != LUA_TNIL) {
            lua_pushvalue(L, 1);
            lua_call(L, 1, 3);
            return 3;
        }
        luaL_checktype(L, 1, LUA_TTABLE);
        lua_pushvalue(L, 1);
    } // table
    push_keys(L, -1);
    lua_pushinteger(L, 0);
    lua_pushboolean(L, view);
    lua_pushcclosure(L, step, 4);
    return 1;
}

/* The smallest key above the one given: linear, but next() is used to see whether a table is empty. */
static int sorted_next(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 2);
    bool first = lua_isnil(L, 2), found = false, view = sw_script__thaw(L, 1);
    if (!view) lua_pushvalue(L, 1);
    struct key after = key_of(L, 2), best = {0};
    lua_Integer n = 0;
    lua_pushnil(L); // table best
    lua_pushnil(L);
    while (lua_next(L, 3)) { // table best key value
        lua_pop(L, 1);
        struct key k = key_of(L, -1);
        k.at = ++n;
        if ((first || compare(&k, &after) > 0) && (!found || compare(&k, &best) < 0)) {
            best = k;
            found = true;
            lua_pushvalue(L, -1);
            lua_replace(L, 4);
        }
    }
    sw_script__charge(L, (size_t)n);
    if (!found) {
        lua_pushnil(L);
        return 1;
    }
    lua_pushvalue(L, 4);
    lua_pushvalue(L, 4);
    lua_rawget(L, 3); // key value
    if (view) {
        sw_script__freeze(L, -1);
        lua_remove(L, -2);
    }
    return 2;
}

void sw_script__open_pairs(lua_State *L) {
    lua_pushcfunction(L, sorted_pairs);
    lua_setfield(L, -2, "pairs");
    lua_pushcfunction(L, sorted_next);
    lua_setfield(L, -2, "next");
}
