/* string.find, match, gmatch and gsub over our own matcher. */
#include "match.h"

#include <ctype.h>
#include <string.h>

static void push_capture(struct sw_match *m, int i, const char *from, const char *to) {
    if (i >= m->n) {
        if (i != 0) luaL_error(m->L, "invalid capture index %%%d", i + 1);
        lua_pushlstring(m->L, from, (size_t)(to - from)); /* the whole match */
    } else if (m->capture[i].len == CAPTURE_POSITION) {
        lua_pushinteger(m->L, m->capture[i].at - m->text + 1);
    } else {
        if (m->capture[i].len == CAPTURE_OPEN) luaL_error(m->L, "unfinished capture");
        lua_pushlstring(m->L, m->capture[i].at, (size_t)m->capture[i].len);
    }
}

static int push_captures(struct sw_match *m, const char *from, const char *to, bool whole_when_none) {
    int n = m->n == 0 && whole_when_none ? 1 : m->n;
    luaL_checkstack(m->L, n, "too many captures");
    for (int i = 0; i < n; i++) push_capture(m, i, from, to);
    return n;
}

static void begin(struct sw_match *m, lua_State *L, const char *text, size_t len, const char *pattern, size_t pattern_len) {
    m->L = L;
    m->text = text;
    m->text_end = text + len;
    m->pattern_end = pattern + pattern_len;
    m->steps = 0;
    m->depth = 0;
    m->n = 0;
}

static void again(struct sw_match *m) {
    m->depth = 0;
    m->n = 0;
}

static const char *find_plain(const char *text, size_t len, const char *what, size_t what_len) {
    return memmem(text, len, what, what_len);
}

static int find_or_match(lua_State *L, bool find) {
    size_t len, pattern_len;
    const char *text = luaL_checklstring(L, 1, &len), *pattern = luaL_checklstring(L, 2, &pattern_len);
    lua_Integer init = luaL_optinteger(L, 3, 1);
    if (init < 0) init = (size_t) - (init + 1) >= len ? 1 : (lua_Integer)len + init + 1;
    if (init == 0) init = 1;
    if ((size_t)init > len + 1) {
        luaL_pushfail(L);
        return 1;
    }
    const char *s = text + init - 1;
    sw_script__charge(L, len / 64 + 1);
    if (find && (lua_toboolean(L, 4) || (!memchr(pattern, '\0', pattern_len) && strcspn(pattern, "^$*+?.([%-") == pattern_len))) {
        const char *found = find_plain(s, len - (size_t)(s - text), pattern, pattern_len);
        if (found) {
            lua_pushinteger(L, found - text + 1);
            lua_pushinteger(L, found - text + (lua_Integer)pattern_len);
            return 2;
        }
        luaL_pushfail(L);
        return 1;
    }
    bool anchored = pattern_len && *pattern == '^';
    struct sw_match m;
    begin(&m, L, text, len, pattern, pattern_len);
    if (anchored) pattern++;
    do {
        again(&m);
        const char *end = sw_match__here(&m, s, pattern);
        if (!end) continue;
        if (!find) return push_captures(&m, s, end, true);
        lua_pushinteger(L, s - text + 1);
        lua_pushinteger(L, end - text);
        return 2 + push_captures(&m, s, end, false);
    } while (s++ < m.text_end && !anchored);
    luaL_pushfail(L);
    return 1;
}

static int find(lua_State *L) {
    return find_or_match(L, true);
}

static int match(lua_State *L) {
    return find_or_match(L, false);
}

/* upvalues: text, pattern, where to go on, the end of the last match (-1 = none) */
static int gmatch_step(lua_State *L) {
    size_t len, pattern_len;
    const char *text = lua_tolstring(L, lua_upvalueindex(1), &len), *pattern = lua_tolstring(L, lua_upvalueindex(2), &pattern_len);
    lua_Integer last = lua_tointeger(L, lua_upvalueindex(4));
    struct sw_match m;
    begin(&m, L, text, len, pattern, pattern_len);
    for (const char *s = text + lua_tointeger(L, lua_upvalueindex(3)); s <= m.text_end; s++) {
        again(&m);
        sw_match__tick(&m);
        const char *end = sw_match__here(&m, s, pattern);
        if (!end || end - text == last) continue;
        lua_pushinteger(L, end - text);
        lua_copy(L, -1, lua_upvalueindex(3));
        lua_copy(L, -1, lua_upvalueindex(4));
        lua_pop(L, 1);
        return push_captures(&m, s, end, true);
    }
    return 0;
}

static int gmatch(lua_State *L) {
    size_t len;
    luaL_checklstring(L, 1, &len);
    luaL_checkstring(L, 2);
    lua_Integer init = luaL_optinteger(L, 3, 1);
    if (init < 0) init = (size_t) - (init + 1) >= len ? 1 : (lua_Integer)len + init + 1;
    if (init == 0) init = 1;
    if ((size_t)init > len + 1) init = (lua_Integer)len + 2;
    lua_settop(L, 2);
    lua_pushinteger(L, init - 1);
    lua_pushinteger(L, -1);
    lua_pushcclosure(L, gmatch_step, 4);
    return 1;
}

/* Adds the replacement text, with its %0..%9. */
static void add_text(struct sw_match *m, luaL_Buffer *b, const char *from, const char *to) {
    size_t len;
    const char *r = lua_tolstring(m->L, 3, &len);
    for (const char *end = r + len; r < end; r++) {
        if (*r != '%') {
            luaL_addchar(b, *r);
        } else if (++r < end && *r == '%') {
            luaL_addchar(b, '%');
        } else if (r < end && *r == '0') {
            luaL_addlstring(b, from, (size_t)(to - from));
        } else if (r < end && isdigit((unsigned char)*r)) {
            push_capture(m, *r - '1', from, to);
            luaL_tolstring(m->L, -1, NULL);
            lua_remove(m->L, -2);
            luaL_addvalue(b);
        } else {
            luaL_error(m->L, "invalid use of '%%' in replacement string");
        }
    }
}

static bool add_value(struct sw_match *m, luaL_Buffer *b, const char *from, const char *to, int type) {
    lua_State *L = m->L;
    if (type == LUA_TSTRING || type == LUA_TNUMBER) {
        add_text(m, b, from, to);
        return true;
    }
    if (type == LUA_TFUNCTION) {
        lua_pushvalue(L, 3);
        lua_call(L, push_captures(m, from, to, true), 1);
    } else {
        push_capture(m, 0, from, to);
        lua_gettable(L, 3);
    }
    if (!lua_toboolean(L, -1)) {
        lua_pop(L, 1);
        luaL_addlstring(b, from, (size_t)(to - from));
        return false;
    }
    if (!lua_isstring(L, -1)) luaL_error(L, "invalid replacement value (a %s)", luaL_typename(L, -1));
    luaL_addvalue(b);
    return true;
}

static int gsub(lua_State *L) {
    size_t len, pattern_len;
    const char *s = luaL_checklstring(L, 1, &len), *pattern = luaL_checklstring(L, 2, &pattern_len), *last = NULL;
    int type = lua_type(L, 3);
    lua_Integer most = luaL_optinteger(L, 4, (lua_Integer)len + 1), n = 0;
    luaL_argexpected(L, type == LUA_TNUMBER || type == LUA_TSTRING || type == LUA_TFUNCTION || type == LUA_TTABLE, 3,
                     "string/function/table");
    bool anchored = pattern_len && *pattern == '^', changed = false;
    struct sw_match m;
    begin(&m, L, s, len, pattern, pattern_len);
    if (anchored) pattern++;
    luaL_Buffer b;
    luaL_buffinit(L, &b);
    sw_script__charge(L, len / 16 + 1);
    while (n < most) {
        again(&m);
        sw_match__tick(&m);
        const char *end = sw_match__here(&m, s, pattern);
        if (end && end != last) {
            n++;
            changed = add_value(&m, &b, s, end, type) || changed;
            s = last = end;
        } else if (s < m.text_end) {
            luaL_addchar(&b, *s++);
        } else {
            break;
        }
        if (anchored) break;
    }
    if (!changed) {
        lua_pushvalue(L, 1);
    } else {
        luaL_addlstring(&b, s, (size_t)(m.text_end - s));
        luaL_pushresult(&b);
    }
    lua_pushinteger(L, n);
    return 2;
}

void sw_script__open_match(lua_State *L) {
    static const luaL_Reg functions[] = {{"find", find}, {"match", match}, {"gmatch", gmatch}, {"gsub", gsub}, {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
    lua_pushcfunction(L, find);
    lua_setfield(L, LUA_REGISTRYINDEX, "slipway.find"); /* for raises() in tests */
}
