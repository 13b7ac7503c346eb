/* Tests in Lua, run in the host: tests/lua. They see what the library sees, and check, equal, raises and testing. */
#include "host.h"

#include <stdlib.h>
#include <string.h>

#include "slipway/file.h"

struct selftest {
    const char *path;
    struct sw_str text;
    struct sw_str failures;
    unsigned failed;
};

static struct selftest *running(lua_State *L) {
    return lua_touserdata(L, lua_upvalueindex(1));
}

static void failed(lua_State *L, const char *message) {
    struct selftest *t = running(L);
    lua_Debug ar;
    int line = 0;
    for (int i = 1; lua_getstack(L, i, &ar); i++) {
        lua_getinfo(L, "l", &ar);
        if (ar.currentline > 0) {
            line = ar.currentline;
            break;
        }
    }
    t->failed++;
    if (t->failed <= 50) sw_str_addf(&t->failures, "%s:%d: %s\n", t->path, line, message);
}

static int check(lua_State *L) {
    luaL_checkany(L, 1);
    if (!lua_toboolean(L, 1)) failed(L, luaL_optstring(L, 2, "check failed"));
    return 0;
}

/* [-0, +1] the value as JSON, or in Lua's words where it is none. */
static const char *shown(lua_State *L, int index, struct sw_scope *scope) {
    struct sw_str out = {0};
    enum sw_opaque what = sw_script__opaque(L, index);
    if (lua_isnil(L, index)) return lua_pushliteral(L, "nil");
    if (lua_type(L, index) == LUA_TSTRING) return lua_pushfstring(L, "'%s'", lua_tostring(L, index));
    if (lua_isfunction(L, index) || what == SW_O_RESOURCE) return lua_pushstring(L, luaL_typename(L, index));
    const struct sw_value *v = sw_script__to_value(L, index, sw_script__scope_arena(scope), NULL, "value");
    sw_json_write(&out, v, 0);
    lua_pushlstring(L, sw_str_z(&out), out.len < 2000 ? out.len : 2000);
    sw_str_done(&out);
    return lua_tostring(L, -1);
}

/* equal(got, wanted): deep; secrets are equal when what they hide is. */
static int equal(lua_State *L) {
    lua_settop(L, 3);
    struct sw_scope *scope = sw_script__scope(L);
    bool same = lua_rawequal(L, 1, 2);
    if (!same && !lua_isfunction(L, 1) && !lua_isfunction(L, 2) && !sw_script__resource(L, 1) && !sw_script__resource(L, 2)) {
        struct sw_arena *arena = sw_script__scope_arena(scope);
        const struct sw_value *a = sw_script__to_value(L, 1, arena, NULL, "value"), *b = sw_script__to_value(L, 2, arena, NULL, "value");
        bool empty = (a->kind == SW_LIST || a->kind == SW_MAP) && (b->kind == SW_LIST || b->kind == SW_MAP) &&
                     (a->kind == SW_LIST ? a->list.n : a->map.n) == 0 && (b->kind == SW_LIST ? b->list.n : b->map.n) == 0;
        same = empty || sw_value_equal(a, b);
    }
    if (!same) {
        const char *got = shown(L, 1, scope), *wanted = shown(L, 2, scope);
        failed(L, lua_pushfstring(L, "%s%sgot %s, wanted %s", luaL_optstring(L, 3, ""), lua_isnil(L, 3) ? "" : ": ", got, wanted));
    }
    sw_script__scope_close(scope);
    return 0;
}

/* raises(fn, pattern): it ends with an error whose message matches. Returns the message. */
static int raises(lua_State *L) {
    luaL_checktype(L, 1, LUA_TFUNCTION);
    const char *pattern = luaL_optstring(L, 2, NULL);
    lua_pushcfunction(L, sw_script__message_handler);
    lua_pushvalue(L, 1);
    if (lua_pcall(L, 0, 0, -2) == LUA_OK) {
        failed(L, "no error was raised");
        return 0;
    }
    struct sw_err *e = sw_script__error_get(L, -1);
    const char *message = e && e->message ? e->message : lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "?";
    lua_pushstring(L, message);
    lua_pushvalue(L, -1);
    lua_getfield(L, LUA_REGISTRYINDEX, "slipway.find");
    lua_insert(L, -2);
    lua_pushstring(L, pattern ? pattern : "");
    lua_call(L, 2, 1);
    if (!lua_toboolean(L, -1)) failed(L, lua_pushfstring(L, "the error is '%s', not '%s'", message, pattern));
    lua_pop(L, 1);
    lua_pushstring(L, e ? e->hint : NULL);
    return 2;
}

static int run_test(lua_State *L) {
    struct selftest *t = lua_touserdata(L, 1);
    static const luaL_Reg functions[] = {{"check", check}, {"equal", equal}, {"raises", raises}, {NULL, NULL}};
    lua_pushfstring(L, "@%s", t->path);
    sw_script__load(L, SW_FROM_LIBRARY, lua_tostring(L, -1), t->path, sw_str_z(&t->text), t->text.len); // name chunk
    lua_getupvalue(L, -1, 1);                                                                           // name chunk env
    lua_pushlightuserdata(L, t);
    luaL_setfuncs(L, functions, 1);
    lua_createtable(L, 0, 12);
    sw_script__open_testing(L);
    lua_setfield(L, -2, "testing");
    lua_pop(L, 1);
    lua_call(L, 0, 0);
    return 0;
}

int sw_script_selftest(struct sw_script *s, const char *path, struct sw_err *err) {
    struct selftest t = {.path = path};
    int code = sw_file_read(path, (size_t)4 << 20, &t.text, err);
    s->testing = true;
    if (code == 0) code = sw_script__run(s, run_test, &t, err);
    s->testing = false;
    sw_script__declare_done(s);
    if (code == 0 && t.failed) {
        sw_err_set(err, SW_ESCRIPT, "%u checks failed", t.failed);
        sw_err_detail(err, sw_str_z(&t.failures), t.failures.len);
        code = (int)t.failed;
    }
    sw_str_done(&t.text);
    sw_str_done(&t.failures);
    return code;
}
