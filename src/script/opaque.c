/* Values a script can pass on but not look into: references, texts that hold some, secrets, "unknown", null. */
#include "host.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define REF       "slipway.ref"
#define CONCAT    "slipway.concat"
#define SECRET    "slipway.secret"
#define UNKNOWN   "slipway.unknown"
#define NULL_NAME "slipway.null"
#define RESOURCE  "slipway.resource"

struct resource_box {
    const struct sw_resource *resource;
    const struct sw_schema *schema;
};

struct secret {
    enum sw_kind kind;
    bool b;
    int64_t i;
    double d;
    size_t len;
    char p[]; /* NUL-terminated; wiped by the collector */
};

enum sw_opaque sw_script__opaque(lua_State *L, int index) {
    static const struct {
        const char *name;
        enum sw_opaque what;
    } kinds[] = {
        {REF, SW_O_REF},         {CONCAT, SW_O_CONCAT},  {SECRET, SW_O_SECRET},
        {UNKNOWN, SW_O_UNKNOWN}, {NULL_NAME, SW_O_NULL}, {RESOURCE, SW_O_RESOURCE},
    };
    if (lua_type(L, index) != LUA_TUSERDATA) return SW_O_NONE;
    for (size_t i = 0; i < sw_countof(kinds); i++)
        if (luaL_testudata(L, index, kinds[i].name)) return kinds[i].what;
    return SW_O_NONE;
}

const struct sw_opaque_ref *sw_script__ref(lua_State *L, int index) {
    return luaL_testudata(L, index, REF);
}

const struct sw_resource *sw_script__resource(lua_State *L, int index) {
    struct resource_box *box = luaL_testudata(L, index, RESOURCE);
    return box ? box->resource : NULL;
}

void sw_script__push_ref(lua_State *L, const char *address, const char *path, bool secret) {
    size_t a = strlen(address) + 1, p = strlen(path) + 1;
    struct sw_opaque_ref *ref = lua_newuserdatauv(L, sizeof *ref + a + p, 0); // ref
    char *text = (char *)(ref + 1);
    memcpy(text, address, a);
    memcpy(text + a, path, p);
    *ref = (struct sw_opaque_ref){secret, text, text + a};
    luaL_setmetatable(L, REF);
}

void sw_script__push_secret_text(lua_State *L, const char *p, size_t len) {
    struct secret *s = lua_newuserdatauv(L, sizeof *s + len + 1, 0); // secret
    *s = (struct secret){.kind = SW_STR, .len = len};
    if (len) memcpy(s->p, p, len);
    s->p[len] = '\0';
    luaL_setmetatable(L, SECRET);
}

void sw_script__push_secret(lua_State *L, const struct sw_value *v) {
    if (v->kind == SW_STR) {
        sw_script__push_secret_text(L, v->s.p, v->s.len);
        return;
    }
    struct secret *s = lua_newuserdatauv(L, sizeof *s + 1, 0); // secret
    *s = (struct secret){.kind = v->kind};
    s->p[0] = '\0';
    if (v->kind == SW_BOOL)
        s->b = v->b;
    else if (v->kind == SW_INT)
        s->i = v->i;
    else if (v->kind == SW_REAL)
        s->d = v->d;
    luaL_setmetatable(L, SECRET);
}

void sw_script__secret_value(lua_State *L, int index, struct sw_arena *arena, const struct sw_value **ret) {
    const struct secret *s = lua_touserdata(L, index);
    const struct sw_value *v = &SW_NULL_VALUE;
    if (s->kind == SW_STR)
        v = sw_value_strn(arena, s->p, s->len);
    else if (s->kind == SW_INT)
        v = sw_value_int(arena, s->i);
    else if (s->kind == SW_REAL)
        v = sw_value_real(arena, s->d);
    else if (s->kind == SW_BOOL)
        v = sw_value_bool(s->b);
    *ret = sw_value_secret(arena, v);
}

/* The one unknown and the one null live in the registry. */
void sw_script__push_unknown(lua_State *L) {
    lua_getfield(L, LUA_REGISTRYINDEX, UNKNOWN ".value");
}

void sw_script__push_null(lua_State *L) {
    lua_getfield(L, LUA_REGISTRYINDEX, NULL_NAME ".value");
}

void sw_script__push_resource(lua_State *L, const struct sw_resource *resource, const struct sw_schema *schema) {
    struct resource_box *box = lua_newuserdatauv(L, sizeof *box, 0); // resource
    *box = (struct resource_box){resource, schema};
    luaL_setmetatable(L, RESOURCE);
}

static void real_text(char *text, size_t size, double d) {
    snprintf(text, size, "%.14g", d);
    if (strspn(text, "-0123456789") == strlen(text)) snprintf(text, size, "%.14g.0", d);
}

bool sw_script__text(lua_State *L, int index, struct sw_text *ret) {
    *ret = (struct sw_text){0};
    switch (lua_type(L, index)) {
    case LUA_TSTRING: ret->p = lua_tolstring(L, index, &ret->len); return true;
    case LUA_TBOOLEAN: ret->p = lua_toboolean(L, index) ? "true" : "false"; break;
    case LUA_TNUMBER:
        if (lua_isinteger(L, index))
            snprintf(ret->number, sizeof ret->number, "%lld", (long long)lua_tointeger(L, index));
        else
            real_text(ret->number, sizeof ret->number, lua_tonumber(L, index));
        ret->p = ret->number;
        break;
    case LUA_TUSERDATA: {
        const struct secret *s = luaL_testudata(L, index, SECRET);
        if (!s) return false;
        ret->secret = true;
        ret->p = s->p;
        ret->len = s->len;
        if (s->kind == SW_STR) return true;
        if (s->kind == SW_BOOL)
            ret->p = s->b ? "true" : "false";
        else if (s->kind == SW_INT)
            snprintf(ret->number, sizeof ret->number, "%lld", (long long)s->i);
        else if (s->kind == SW_REAL)
            real_text(ret->number, sizeof ret->number, s->d);
        if (s->kind != SW_BOOL) ret->p = ret->number;
        break;
    }
    default: return false;
    }
    ret->len = strlen(ret->p);
    return true;
}

/* --- what they refuse
 * ---------------------------------------------------------------------------------------------------------------------- */

static int refuse(lua_State *L) {
    const char *what = lua_tostring(L, lua_upvalueindex(1));
    for (int i = 1; i <= 2; i++) {
        const struct sw_opaque_ref *ref = sw_script__ref(L, i);
        if (ref)
            return sw_script__fail(L, SW_EINVAL, "'%s.%s' is a reference, known after apply: it cannot be %s here", ref->address, ref->path,
                                   what);
        switch (sw_script__opaque(L, i)) {
        case SW_O_CONCAT:
            return sw_script__fail(L, SW_EINVAL, "a text that holds a reference is known after apply: it cannot be %s here", what);
        case SW_O_SECRET: return sw_script__fail(L, SW_EINVAL, "a secret cannot be %s: pass it on, join it by '..' or in a template", what);
        case SW_O_UNKNOWN: return sw_script__fail(L, SW_EREFUSED, "a value that is not known yet cannot be %s", what);
        case SW_O_NULL: return sw_script__fail(L, SW_EINVAL, "null cannot be %s", what);
        case SW_O_RESOURCE:
            return sw_script__fail(L, SW_EINVAL, "'%s' is a resource: it cannot be %s; name one of its attributes",
                                   sw_script__resource(L, i)->address, what);
        default: break;
        }
    }
    return luaL_error(L, "this cannot be %s", what);
}

static void refuse_in(lua_State *L, const char *event, const char *what) {
    lua_pushstring(L, what);
    lua_pushcclosure(L, refuse, 1);
    lua_setfield(L, -2, event);
}

/* [-0, +1] a metatable that refuses everything. */
static void new_meta(lua_State *L, const char *name) {
    static const char *const computed[] = {"__add",  "__sub",  "__mul", "__div",  "__mod", "__pow", "__unm",
                                           "__idiv", "__band", "__bor", "__bxor", "__shl", "__shr", "__bnot"};
    luaL_newmetatable(L, name); // mt
    for (size_t i = 0; i < sw_countof(computed); i++) refuse_in(L, computed[i], "computed with");
    refuse_in(L, "__eq", "compared");
    refuse_in(L, "__lt", "compared");
    refuse_in(L, "__le", "compared");
    refuse_in(L, "__len", "measured");
    refuse_in(L, "__tostring", "turned into text by tostring or string.format");
    refuse_in(L, "__call", "called");
    refuse_in(L, "__index", "taken apart");
    refuse_in(L, "__newindex", "changed");
    refuse_in(L, "__concat", "joined");
    refuse_in(L, "__pairs", "iterated over");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
}

/* vm.network[1].ip is the path "network.0.ip": Lua counts from 1, paths from 0. */
static int index_ref(lua_State *L) {
    const struct sw_opaque_ref *ref = luaL_checkudata(L, 1, REF);
    if (lua_isinteger(L, 2))
        lua_pushfstring(L, "%s.%I", ref->path, lua_tointeger(L, 2) - 1);
    else
        lua_pushfstring(L, "%s.%s", ref->path, luaL_checkstring(L, 2));
    sw_script__push_ref(L, ref->address, lua_tostring(L, -1), ref->secret);
    return 1;
}

static int index_resource(lua_State *L) {
    const struct resource_box *box = luaL_checkudata(L, 1, RESOURCE);
    const char *key = luaL_checkstring(L, 2);
    const struct sw_attr *attr = sw_schema_find(box->schema, key);
    if (!attr && !box->schema->open) {
        struct sw_err *e = sw_script__error_new(L);
        sw_err_set(e, SW_EINVAL, "'%s' has no attribute '%s'", box->resource->address, key);
        const char **names = lua_newuserdatauv(L, (box->schema->n_attrs + 1) * sizeof *names, 0);
        for (size_t i = 0; i < box->schema->n_attrs; i++) names[i] = box->schema->attrs[i].name;
        const char *near = sw_nearest(key, names, box->schema->n_attrs);
        if (near) sw_err_hint(e, "did you mean '%s'?", near);
        lua_pop(L, 1);
        return lua_error(L);
    }
    sw_script__push_ref(L, box->resource->address, key, attr && attr->sensitive);
    return 1;
}

static int resource_tostring(lua_State *L) {
    const struct resource_box *box = luaL_checkudata(L, 1, RESOURCE);
    lua_pushstring(L, box->resource->address);
    return 1;
}

/* How long a secret is: what decides how a file travels. */
static int secret_length(lua_State *L) {
    struct sw_text text;
    if (!sw_script__text(L, 1, &text)) return luaL_argerror(L, 1, "a secret wanted");
    lua_pushinteger(L, (lua_Integer)text.len);
    return 1;
}

/* Whatever hangs on an unknown is unknown. */
static int give_unknown(lua_State *L) {
    sw_script__push_unknown(L);
    return 1;
}

static int wipe_secret(lua_State *L) {
    struct secret *s = lua_touserdata(L, 1);
    sw_wipe(s, sizeof *s + s->len);
    return 0;
}

/* --- joining
 * ------------------------------------------------------------------------------------------------------------------------------------ */

/* Appends the value at index to the table of parts. */
static void add_parts(lua_State *L, int parts, int index) {
    if (sw_script__opaque(L, index) == SW_O_CONCAT) {
        lua_getiuservalue(L, index, 1); // theirs
        lua_Integer n = (lua_Integer)lua_rawlen(L, -1), at = (lua_Integer)lua_rawlen(L, parts);
        for (lua_Integer i = 1; i <= n; i++) {
            lua_rawgeti(L, -1, i);
            lua_rawseti(L, parts, at + i);
        }
        lua_pop(L, 1);
        return;
    }
    lua_pushvalue(L, index);
    lua_rawseti(L, parts, (lua_Integer)lua_rawlen(L, parts) + 1);
}

/* [-0, +1] the plain texts from `from` up to `end` as one. */
static void push_run(lua_State *L, int from, int end) {
    struct sw_text text;
    luaL_Buffer b;
    luaL_buffinit(L, &b);
    for (int i = from; i < end; i++) {
        sw_script__text(L, i, &text);
        luaL_addlstring(&b, text.p, text.len);
    }
    luaL_pushresult(&b);
}

int sw_script__join_some(lua_State *L, int n) {
    luaL_checkstack(L, 4, NULL);
    if (n < 1000) return n;
    sw_script__join(L, n);
    return 1;
}

void sw_script__join(lua_State *L, int n) {
    int first = lua_gettop(L) - n + 1;
    bool refs = false, unknown = false, secret = false;
    size_t total = 0;
    struct sw_text text;
    luaL_checkstack(L, 10, NULL);
    for (int i = first; i < first + n; i++) {
        enum sw_opaque what = sw_script__opaque(L, i);
        if (what == SW_O_UNKNOWN) {
            unknown = true;
        } else if (what == SW_O_REF || what == SW_O_CONCAT) {
            refs = true;
        } else if (what == SW_O_RESOURCE) {
            sw_script__fail(L, SW_EINVAL, "'%s' is a resource, not a text: name one of its attributes", sw_script__resource(L, i)->address);
        } else if (sw_script__text(L, i, &text)) {
            secret = secret || text.secret;
            total += text.len;
        } else {
            luaL_error(L, "attempt to join a %s value to a text", lua_isnil(L, i) ? "nil" : luaL_typename(L, i));
        }
    }
    if (unknown) {
        sw_script__push_unknown(L);
    } else if (refs) {
        lua_createtable(L, n, 0); // parts
        int parts = lua_gettop(L);
        for (int i = first; i < first + n;) {
            int end = i;
            while (end < first + n && sw_script__text(L, end, &text) && !text.secret) end++;
            if (end > i) push_run(L, i, end);
            add_parts(L, parts, end > i ? lua_gettop(L) : i);
            lua_settop(L, parts);
            i = end > i ? end : i + 1;
        }
        sw_script__charge(L, lua_rawlen(L, parts));
        lua_newuserdatauv(L, 0, 1); // parts concat
        luaL_setmetatable(L, CONCAT);
        lua_insert(L, parts); // concat parts
        lua_setiuservalue(L, -2, 1);
    } else { /* two passes over the text rather than a buffer: secrets leave no copies behind */
        char *to = NULL;
        luaL_Buffer buffer;
        if (secret) {
            struct secret *s = lua_newuserdatauv(L, sizeof *s + total + 1, 0); // secret
            *s = (struct secret){.kind = SW_STR, .len = total};
            to = s->p;
            to[total] = '\0';
            luaL_setmetatable(L, SECRET);
        } else {
            to = luaL_buffinitsize(L, &buffer, total);
        }
        for (int i = first; i < first + n; i++) {
            if (!sw_script__text(L, i, &text)) continue; /* it was one above */
            memcpy(to, text.p, text.len);
            to += text.len;
        }
        if (!secret) luaL_pushresultsize(&buffer, total);
    }
    if (n > 0) lua_replace(L, first);
    lua_settop(L, first);
}

static int concat(lua_State *L) {
    lua_settop(L, 2);
    sw_script__join(L, 2);
    return 1;
}

static void set_function(lua_State *L, const char *event, lua_CFunction fn) {
    lua_pushcfunction(L, fn);
    lua_setfield(L, -2, event);
}

void sw_script__open_opaque(lua_State *L) {
    new_meta(L, REF);
    set_function(L, "__index", index_ref);
    set_function(L, "__concat", concat);
    new_meta(L, CONCAT);
    set_function(L, "__concat", concat);
    new_meta(L, SECRET);
    set_function(L, "__concat", concat);
    set_function(L, "__len", secret_length);
    set_function(L, "__gc", wipe_secret);
    new_meta(L, RESOURCE);
    set_function(L, "__index", index_resource);
    set_function(L, "__tostring", resource_tostring);
    lua_pushnil(L);
    lua_setfield(L, -2, "__eq");
    new_meta(L, UNKNOWN);
    set_function(L, "__index", give_unknown);
    set_function(L, "__concat", concat);
    lua_newuserdatauv(L, 0, 0);
    luaL_setmetatable(L, UNKNOWN);
    lua_setfield(L, LUA_REGISTRYINDEX, UNKNOWN ".value");
    new_meta(L, NULL_NAME);
    lua_pushnil(L);
    lua_setfield(L, -2, "__eq");
    lua_newuserdatauv(L, 0, 0);
    luaL_setmetatable(L, NULL_NAME);
    lua_setfield(L, LUA_REGISTRYINDEX, NULL_NAME ".value");
    lua_pop(L, 6);
}
