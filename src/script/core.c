/* The words of slipway itself: slipway.* for everybody, core.* for the library, and the two that types' functions fail with. */
#include "host.h"

#include <string.h>

void sw_script__shown(lua_State *L) {
    enum sw_opaque what = sw_script__opaque(L, -1);
    if (what == SW_O_NONE) return;
    lua_pushstring(L, what == SW_O_SECRET ? "(sensitive)" : what == SW_O_NULL ? "null" : "(known after apply)");
    lua_replace(L, -2);
}

/* secret(value): every text, number and reference in it is sensitive from here on. */
static int make_secret(lua_State *L) {
    luaL_checkany(L, 1);
    struct sw_scope *scope = sw_script__scope(L);
    struct sw_arena *arena = sw_script__scope_arena(scope);
    sw_script__push_value(L, sw_value_secret(arena, sw_script__to_value(L, 1, arena, NULL, "the secret")));
    sw_script__scope_close(scope);
    return 1;
}

static int is_kind(lua_State *L, enum sw_opaque what) {
    lua_pushboolean(L, sw_script__opaque(L, 1) == what);
    return 1;
}

static int is_secret(lua_State *L) {
    return is_kind(L, SW_O_SECRET);
}

/* is_known(v): nothing in it waits for another resource. */
static bool known(lua_State *L, int index, int depth) {
    enum sw_opaque what = sw_script__opaque(L, index);
    if (what == SW_O_REF || what == SW_O_CONCAT || what == SW_O_UNKNOWN) return false;
    if (lua_type(L, index) != LUA_TTABLE) return true;
    if (depth > 64) luaL_error(L, "a table nested too deeply");
    luaL_checkstack(L, 6, NULL);
    int top = lua_gettop(L);
    int table = sw_script__thaw(L, index) ? lua_gettop(L) : lua_absindex(L, index);
    bool all = true;
    for (lua_pushnil(L); all && lua_next(L, table); lua_pop(L, all ? 1 : 0)) all = known(L, lua_gettop(L), depth + 1);
    lua_settop(L, top);
    return all;
}

static int is_known(lua_State *L) {
    luaL_checkany(L, 1);
    lua_pushboolean(L, known(L, 1, 0));
    return 1;
}

/* equal(a, b): `==` that says so where it cannot tell. Lua asks no metamethod when the two are of different types, so that a reference or a
 * secret beside a text is silently unequal to it. */
static int equal(lua_State *L) {
    luaL_checkany(L, 1);
    luaL_checkany(L, 2);
    for (int i = 1; i <= 2; i++) {
        enum sw_opaque what = sw_script__opaque(L, i);
        if (what == SW_O_NONE || what == SW_O_NULL) continue;
        lua_getmetatable(L, i);
        lua_getfield(L, -1, "__eq");
        lua_pushvalue(L, 1);
        lua_pushvalue(L, 2);
        lua_call(L, 2, 1); /* raises, and says what it is that cannot be compared */
        return 1;
    }
    lua_pushboolean(L, lua_compare(L, 1, 2, LUA_OPEQ));
    return 1;
}

/* core.same(a, b): deep, and secrets are equal when what they hide is. For the library only: a playbook could guess with it. */
static int same(lua_State *L) {
    lua_settop(L, 2);
    bool equal = lua_rawequal(L, 1, 2);
    if (!equal && !lua_isnil(L, 1) && !lua_isnil(L, 2)) {
        struct sw_scope *scope = sw_script__scope(L);
        struct sw_arena *arena = sw_script__scope_arena(scope);
        const struct sw_value *a = sw_script__to_value(L, 1, arena, NULL, "value"), *b = sw_script__to_value(L, 2, arena, NULL, "value");
        equal = sw_value_equal(a, b);
        sw_script__scope_close(scope);
    }
    lua_pushboolean(L, equal);
    return 1;
}

static int mark_list(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    /* A list of the inventory's, or one that was marked before, is one already. */
    if (!sw_script__thaw(L, 1)) lua_pushvalue(L, 1);
    bool is_list = sw_script__is_array(L, 2) || (!lua_rawequal(L, 1, 2) && lua_rawlen(L, 2) > 0);
    lua_settop(L, 1);
    if (is_list) return 1;
    if (luaL_getmetafield(L, 1, "__metatable") != LUA_TNIL) return luaL_error(L, "this table cannot be marked");
    sw_script__mark_array(L, 1);
    return 1;
}

static int warn(lua_State *L) {
    lua_settop(L, 1);
    sw_script__shown(L);
    sw_script__warn(L, luaL_checkstring(L, 1));
    return 0;
}

/* ---- failing ---- */

static int fail_with(lua_State *L, int code) {
    struct sw_err *e = sw_script__error_new(L); // message hint error
    lua_pushvalue(L, 1);
    sw_script__shown(L);
    sw_err_set(e, code, "%s", luaL_checkstring(L, -1));
    lua_pop(L, 1);
    if (lua_type(L, 2) == LUA_TSTRING) sw_err_hint(e, "%s", lua_tostring(L, 2));
    return lua_error(L);
}

static int fail(lua_State *L) {
    lua_settop(L, 2);
    return fail_with(L, SW_EREMOTE);
}

/* core.fail_as(code, message [, hint]): an error of that code. "timeout" and "unreachable" say that nobody knows what became of a call:
 * its intent stays open. */
static int fail_as(lua_State *L) {
    const char *word = luaL_checkstring(L, 1);
    int code = SW_EINVAL;
    while (code >= SW_EUNCERTAIN && strcmp(sw_code_name(code), word) != 0) code--;
    if (code < SW_EUNCERTAIN) return luaL_error(L, "'%s' is no code of an error", word);
    lua_settop(L, 3);
    lua_remove(L, 1);
    return fail_with(L, code);
}

/* fail_unknown(message, hint): the answer to a change was lost, so nobody knows whether it took effect */
static int fail_uncertain(lua_State *L) {
    lua_settop(L, 2);
    return fail_with(L, SW_EUNCERTAIN);
}

static int fail_input(lua_State *L) {
    lua_settop(L, 2);
    return fail_with(L, SW_EINVAL);
}

static int refuse(lua_State *L) {
    lua_settop(L, 2);
    return fail_with(L, SW_EREFUSED);
}

/* core.fail_at(file, line, message [, hint]) */
static int fail_at(lua_State *L) {
    const char *file = luaL_checkstring(L, 1), *message = luaL_checkstring(L, 3), *hint = luaL_optstring(L, 4, NULL);
    unsigned line = (unsigned)luaL_checkinteger(L, 2);
    struct sw_err *e = sw_script__error_new(L);
    sw_err_set(e, SW_EINVAL, "%s", message);
    sw_err_at(e, (struct sw_pos){file, line, 0});
    if (hint) sw_err_hint(e, "%s", hint);
    return lua_error(L);
}

/* core.unknown(what, word, words): an error that names the nearest of the words */
static int fail_unknown(lua_State *L) {
    const char *what = luaL_checkstring(L, 1), *word = luaL_checkstring(L, 2);
    luaL_checktype(L, 3, LUA_TTABLE);
    size_t n = (size_t)luaL_len(L, 3);
    struct sw_err *e = sw_script__error_new(L);
    const char **names = lua_newuserdatauv(L, (n + 1) * sizeof *names, 0);
    for (size_t i = 0; i < n; i++) {
        lua_rawgeti(L, 3, (lua_Integer)i + 1);
        names[i] = luaL_checkstring(L, -1);
        lua_pop(L, 1); /* the list keeps it */
    }
    const char *near = sw_nearest(word, names, n);
    sw_err_set(e, SW_EINVAL, "there is no %s '%s'", what, word);
    if (near) sw_err_hint(e, "did you mean '%s'?", near);
    lua_pop(L, 1);
    return lua_error(L);
}

/* ---- for the library ---- */

static int attempted(lua_State *L, int status, lua_KContext ctx) {
    (void)ctx;
    lua_pushboolean(L, status == LUA_OK || status == LUA_YIELD);
    lua_replace(L, 1); /* the handler's place */
    return lua_gettop(L);
}

/* core.attempt(f, ...): pcall whose error knows where it was raised, so that raising it again loses nothing. */
static int attempt(lua_State *L) {
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_pushcfunction(L, sw_script__message_handler); // f ... handler
    lua_insert(L, 1);
    return attempted(L, lua_pcallk(L, lua_gettop(L) - 2, LUA_MULTRET, 1, 0, attempted), 0);
}

/* core.template_env(vars): what a template sees: its values, then what a playbook sees. */
static int template_env(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    sw_script__push_env(L, SW_FROM_USER); // vars env
    bool view = sw_script__thaw(L, 1);
    if (!view) lua_pushvalue(L, 1); // vars env from
    for (lua_pushnil(L); lua_next(L, 3); lua_pop(L, 1)) {
        lua_pushvalue(L, -2);
        if (view)
            sw_script__freeze(L, -2);
        else
            lua_pushvalue(L, -2);
        lua_rawset(L, 2);
    }
    lua_settop(L, 2);
    return 1;
}

/* core.join(list): one text of its parts. */
static int join(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_Integer all = luaL_len(L, 1);
    if (all > 250000) return luaL_error(L, "too many parts");
    int n = 0;
    for (lua_Integer i = 1; i <= all; i++) {
        lua_geti(L, 1, i);
        n = sw_script__join_some(L, n + 1);
    }
    sw_script__join(L, n);
    return 1;
}

static int freeze(lua_State *L) {
    luaL_checkany(L, 1);
    sw_script__freeze(L, 1);
    return 1;
}

/* core.export(name, value): a word for every kind of chunk. */
static int export(lua_State *L) {
    luaL_checkstring(L, 1);
    for (int origin = 0; origin < SW_N_ORIGINS; origin++) {
        lua_rawgeti(L, LUA_REGISTRYINDEX, sw_script__of(L)->globals[origin]); // mt
        lua_getfield(L, -1, "__index");
        lua_pushvalue(L, 1);
        if (origin == SW_FROM_LIBRARY)
            lua_pushvalue(L, 2);
        else
            sw_script__freeze(L, 2);
        lua_rawset(L, -3);
        lua_pop(L, 2);
    }
    return 0;
}

/* core.compile(text, name) -> function: text only, with a template's or a playbook's rights. */
static int compile(lua_State *L) {
    size_t len;
    const char *text = luaL_checklstring(L, 1, &len), *name = luaL_checkstring(L, 2);
    lua_pushfstring(L, "@%s", name);
    sw_script__load(L, SW_FROM_USER, lua_tostring(L, -1), name, text, len);
    return 1;
}

/* ---- the tables ---- */

void sw_script__open_fail(lua_State *L) {
    static const luaL_Reg functions[] = {{"fail", fail}, {"fail_unknown", fail_uncertain}, {"secret", make_secret}, {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}

void sw_script__push_slipway(lua_State *L) {
    static const luaL_Reg functions[] = {{"warn", warn},           {"fail", fail_input}, {"list", mark_list}, {"is_known", is_known},
                                         {"is_secret", is_secret}, {"equal", equal},     {NULL, NULL}};
    lua_createtable(L, 0, 24); // slipway
    luaL_setfuncs(L, functions, 0);
    sw_script__open_files(L);
    sw_script__open_cidr(L);
    sw_script__open_assets(L);
    sw_script__push_unknown(L);
    lua_setfield(L, -2, "unknown");
    sw_script__push_null(L);
    lua_setfield(L, -2, "null");
    lua_pushboolean(L, sw_script__of(L)->options.untrusted);
    lua_setfield(L, -2, "untrusted");
    lua_pushliteral(L, SLIPWAY_VERSION);
    lua_setfield(L, -2, "version");
    lua_pushvalue(L, -1);
    lua_setfield(L, LUA_REGISTRYINDEX, "slipway.words");
}

void sw_script__push_core(lua_State *L) {
    static const luaL_Reg functions[] = {
        {"join", join},     {"freeze", freeze},   {"export", export},   {"compile", compile},      {"fail", fail_input},
        {"refuse", refuse}, {"fail_at", fail_at}, {"fail_as", fail_as}, {"unknown", fail_unknown}, {"template_env", template_env},
        {"same", same},     {"attempt", attempt}, {NULL, NULL}};
    lua_createtable(L, 0, 32); // core
    luaL_setfuncs(L, functions, 0);
    sw_script__open_modules(L);
    sw_script__open_core_files(L);
    sw_script__open_download(L);
    sw_script__open_helm(L);
    sw_script__open_bcrypt(L);
    sw_script__open_sh(L);
    sw_script__open_define(L);
    sw_script__open_declare(L);
    sw_script__open_api(L);
    sw_script__open_core_text(L);
    lua_pushboolean(L, sw_script__of(L)->options.only_plans);
    lua_setfield(L, -2, "only_plans");
}
