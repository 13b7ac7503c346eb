/* xml.decode(text [, lists]) -> content, name. What is decoded from a secret is secret. */
#include "host.h"
#include "slipway/xml.h"

enum { MAX_LISTS = 64 };

static int decode(lua_State *L) {
    static const char *const usual[] = {"item", "member", NULL};
    struct sw_text text;
    const char *names[MAX_LISTS + 1] = {NULL};
    lua_settop(L, 2);
    if (lua_type(L, 1) == LUA_TNUMBER || lua_type(L, 1) == LUA_TBOOLEAN || !sw_script__text(L, 1, &text))
        return luaL_argerror(L, 1, "a text wanted");
    if (!lua_isnil(L, 2)) {
        luaL_checktype(L, 2, LUA_TTABLE);
        lua_Integer n = luaL_len(L, 2);
        luaL_argcheck(L, n <= MAX_LISTS, 2, "too many names");
        luaL_checkstack(L, (int)n + 10, NULL);
        for (lua_Integer i = 1; i <= n; i++) {
            if (lua_geti(L, 2, i) != LUA_TSTRING) return luaL_argerror(L, 2, "a list of names wanted");
            names[i - 1] = lua_tostring(L, -1); /* stays on the stack */
        }
    }
    struct sw_scope *scope = sw_script__scope(L);
    struct sw_arena *arena = sw_script__scope_arena(scope);
    struct sw_err *err = sw_script__error_new(L);
    const struct sw_value *v = NULL;
    const char *name = NULL;
    sw_script__charge(L, text.len / 4);
    if (sw_xml_read(arena, text.p, text.len, lua_isnil(L, 2) ? usual : names, &v, &name, err)) {
        unsigned line = err->line; /* it is no file: the place is the playbook's */
        err->line = err->column = 0;
        if (line) sw_err_frame(err, "reading line %u of the text", line);
        return lua_error(L);
    }
    if (text.secret) v = sw_value_secret(arena, v);
    sw_script__push_value(L, v);
    lua_pushstring(L, name);
    sw_script__scope_close(scope);
    return 2;
}

void sw_script__open_xml(lua_State *L) {
    static const luaL_Reg functions[] = {{"decode", decode}, {NULL, NULL}};
    luaL_newlib(L, functions);
    lua_setfield(L, -2, "xml");
}
