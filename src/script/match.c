/* Lua patterns: find, match, gmatch, gsub as the reference manual (5.4, section 6.4.1) says, with one difference: the steps of a match are charged
 * to the script's budget. In the standard library a pattern like ("a?"):rep(40) .. ("a"):rep(40) runs for years, and no hook interrupts C.
 */
#include "host.h"

#include <ctype.h>
#include <string.h>

enum { MAX_CAPTURES = 32, MAX_DEPTH = 180, STEPS_PER_CHARGE = 4096 };
enum { CAPTURE_OPEN = -1, CAPTURE_POSITION = -2 };

struct match {
    lua_State *L;
    const char *text, *text_end; /* the subject */
    const char *pattern_end;
    unsigned depth, steps;
    int n; /* captures */
    struct { const char *at; ptrdiff_t len; } capture[MAX_CAPTURES];
};

static const char *match_here(struct match *m, const char *s, const char *p) SW_LJMP;

static void tick(struct match *m) {
    if (++m->steps < STEPS_PER_CHARGE) return;
    m->steps = 0;
    sw_script__charge(m->L, STEPS_PER_CHARGE);
}

/* The end of the single-character class that starts at p. */
static const char *class_end(struct match *m, const char *p) {
    if (p == m->pattern_end) luaL_error(m->L, "malformed pattern (ends with '%%')");
    if (*p++ == '%') {
        if (p == m->pattern_end) luaL_error(m->L, "malformed pattern (ends with '%%')");
        return p + 1;
    }
    if (p[-1] != '[') return p;
    if (p < m->pattern_end && *p == '^') p++;
    do { /* the first ']' is literal */
        if (p == m->pattern_end) luaL_error(m->L, "malformed pattern (missing ']')");
        if (*p++ == '%') {
            if (p == m->pattern_end) luaL_error(m->L, "malformed pattern (missing ']')");
            p++;
        }
    } while (p == m->pattern_end || *p != ']');
    return p + 1;
}

static bool in_letter_class(int c, int letter) {
    bool yes;
    switch (tolower(letter)) {
    case 'a': yes = isalpha(c); break;
    case 'c': yes = iscntrl(c); break;
    case 'd': yes = isdigit(c); break;
    case 'g': yes = isgraph(c); break;
    case 'l': yes = islower(c); break;
    case 'p': yes = ispunct(c); break;
    case 's': yes = isspace(c); break;
    case 'u': yes = isupper(c); break;
    case 'w': yes = isalnum(c); break;
    case 'x': yes = isxdigit(c); break;
    default: return letter == c;
    }
    return isupper(letter) ? !yes : yes;
}

/* p is at '[', end at its ']'. */
static bool in_set(int c, const char *p, const char *end) {
    bool yes = true;
    if (p[1] == '^') {
        yes = false;
        p++;
    }
    while (++p < end) {
        if (*p == '%') {
            p++;
            if (in_letter_class(c, (unsigned char)*p)) return yes;
        } else if (p + 2 < end && p[1] == '-') {
            p += 2;
            if ((unsigned char)p[-2] <= c && c <= (unsigned char)*p) return yes;
        } else if ((unsigned char)*p == c) {
            return yes;
        }
    }
    return !yes;
}

static bool single(struct match *m, const char *s, const char *p, const char *end) {
    if (s >= m->text_end) return false;
    tick(m);
    int c = (unsigned char)*s;
    switch (*p) {
    case '.': return true;
    case '%': return in_letter_class(c, (unsigned char)p[1]);
    case '[': return in_set(c, p, end - 1);
    default: return (unsigned char)*p == c;
    }
}

static const char *balanced(struct match *m, const char *s, const char *p) {
    if (p >= m->pattern_end - 1) luaL_error(m->L, "malformed pattern (missing arguments to '%%b')");
    if (s >= m->text_end || *s != *p) return NULL;
    int open = *p, close = p[1], level = 1;
    while (++s < m->text_end) {
        tick(m);
        if (*s == close) {
            if (--level == 0) return s + 1;
        } else if (*s == open) {
            level++;
        }
    }
    return NULL;
}

static const char *longest(struct match *m, const char *s, const char *p, const char *end) {
    ptrdiff_t i = 0;
    while (single(m, s + i, p, end)) i++;
    for (; i >= 0; i--) {
        const char *found = match_here(m, s + i, end + 1);
        if (found) return found;
    }
    return NULL;
}

static const char *shortest(struct match *m, const char *s, const char *p, const char *end) {
    for (;; s++) {
        const char *found = match_here(m, s, end + 1);
        if (found) return found;
        if (!single(m, s, p, end)) return NULL;
    }
}

static const char *open_capture(struct match *m, const char *s, const char *p, ptrdiff_t kind) {
    if (m->n >= MAX_CAPTURES) luaL_error(m->L, "too many captures");
    m->capture[m->n].at = s;
    m->capture[m->n].len = kind;
    m->n++;
    const char *found = match_here(m, s, p);
    if (!found) m->n--;
    return found;
}

static const char *close_capture(struct match *m, const char *s, const char *p) {
    int i = m->n - 1;
    while (i >= 0 && m->capture[i].len != CAPTURE_OPEN) i--;
    if (i < 0) luaL_error(m->L, "invalid pattern capture");
    m->capture[i].len = s - m->capture[i].at;
    const char *found = match_here(m, s, p);
    if (!found) m->capture[i].len = CAPTURE_OPEN;
    return found;
}

static const char *back_reference(struct match *m, const char *s, int digit) {
    int i = digit - '1';
    if (i < 0 || i >= m->n || m->capture[i].len == CAPTURE_OPEN) luaL_error(m->L, "invalid capture index %%%d", i + 1);
    size_t len = m->capture[i].len < 0 ? 0 : (size_t)m->capture[i].len;
    if ((size_t)(m->text_end - s) < len || memcmp(m->capture[i].at, s, len) != 0) return NULL;
    return s + len;
}

/* %f[set]: between a character outside of the set and one in it. */
static bool at_frontier(struct match *m, const char *s, const char *p, const char *end) {
    int before = s == m->text ? 0 : (unsigned char)s[-1], after = s == m->text_end ? 0 : (unsigned char)*s;
    return !in_set(before, p, end - 1) && in_set(after, p, end - 1);
}

static const char *match_steps(struct match *m, const char *s, const char *p) {
    while (p != m->pattern_end) {
        tick(m);
        if (*p == '(') {
            if (p + 1 < m->pattern_end && p[1] == ')') return open_capture(m, s, p + 2, CAPTURE_POSITION);
            return open_capture(m, s, p + 1, CAPTURE_OPEN);
        }
        if (*p == ')') return close_capture(m, s, p + 1);
        if (*p == '$' && p + 1 == m->pattern_end) return s == m->text_end ? s : NULL;
        if (*p == '%' && p + 1 < m->pattern_end) {
            if (p[1] == 'b') {
                s = balanced(m, s, p + 2);
                if (!s) return NULL;
                p += 4;
                continue;
            }
            if (p[1] == 'f') {
                p += 2;
                if (p >= m->pattern_end || *p != '[') luaL_error(m->L, "missing '[' after '%%f' in pattern");
                const char *end = class_end(m, p);
                if (!at_frontier(m, s, p, end)) return NULL;
                p = end;
                continue;
            }
            if (isdigit((unsigned char)p[1])) {
                s = back_reference(m, s, p[1]);
                if (!s) return NULL;
                p += 2;
                continue;
            }
        }
        const char *end = class_end(m, p);
        char repeat = end < m->pattern_end ? *end : '\0';
        if (repeat == '*') return longest(m, s, p, end);
        if (repeat == '+') return single(m, s, p, end) ? longest(m, s + 1, p, end) : NULL;
        if (repeat == '-') return shortest(m, s, p, end);
        if (repeat == '?') {
            if (single(m, s, p, end)) {
                const char *found = match_here(m, s + 1, end + 1);
                if (found) return found;
            }
            p = end + 1;
            continue;
        }
        if (!single(m, s, p, end)) return NULL;
        s++;
        p = end;
    }
    return s;
}

static const char *match_here(struct match *m, const char *s, const char *p) {
    if (++m->depth > MAX_DEPTH) luaL_error(m->L, "pattern too complex");
    const char *found = match_steps(m, s, p);
    m->depth--;
    return found;
}

/* --- the functions ------------------------------------------------------------------------------------------------------------------------ */

static void push_capture(struct match *m, int i, const char *from, const char *to) {
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

static int push_captures(struct match *m, const char *from, const char *to, bool whole_when_none) {
    int n = m->n == 0 && whole_when_none ? 1 : m->n;
    luaL_checkstack(m->L, n, "too many captures");
    for (int i = 0; i < n; i++) push_capture(m, i, from, to);
    return n;
}

static void begin(struct match *m, lua_State *L, const char *text, size_t len, const char *pattern, size_t pattern_len) {
    m->L = L;
    m->text = text;
    m->text_end = text + len;
    m->pattern_end = pattern + pattern_len;
    m->steps = 0;
    m->depth = 0;
    m->n = 0;
}

static void again(struct match *m) {
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
    if (init < 0) init = (size_t)-(init + 1) >= len ? 1 : (lua_Integer)len + init + 1;
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
    struct match m;
    begin(&m, L, text, len, pattern, pattern_len);
    if (anchored) pattern++;
    do {
        again(&m);
        const char *end = match_here(&m, s, pattern);
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
    struct match m;
    begin(&m, L, text, len, pattern, pattern_len);
    for (const char *s = text + lua_tointeger(L, lua_upvalueindex(3)); s <= m.text_end; s++) {
        again(&m);
        tick(&m);
        const char *end = match_here(&m, s, pattern);
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
    if (init < 0) init = (size_t)-(init + 1) >= len ? 1 : (lua_Integer)len + init + 1;
    if (init == 0) init = 1;
    if ((size_t)init > len + 1) init = (lua_Integer)len + 2;
    lua_settop(L, 2);
    lua_pushinteger(L, init - 1);
    lua_pushinteger(L, -1);
    lua_pushcclosure(L, gmatch_step, 4);
    return 1;
}

/* Adds the replacement text, with its %0..%9. */
static void add_text(struct match *m, luaL_Buffer *b, const char *from, const char *to) {
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

static bool add_value(struct match *m, luaL_Buffer *b, const char *from, const char *to, int type) {
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
    luaL_argexpected(L, type == LUA_TNUMBER || type == LUA_TSTRING || type == LUA_TFUNCTION || type == LUA_TTABLE, 3, "string/function/table");
    bool anchored = pattern_len && *pattern == '^', changed = false;
    struct match m;
    begin(&m, L, s, len, pattern, pattern_len);
    if (anchored) pattern++;
    luaL_Buffer b;
    luaL_buffinit(L, &b);
    sw_script__charge(L, len / 16 + 1);
    while (n < most) {
        again(&m);
        tick(&m);
        const char *end = match_here(&m, s, pattern);
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
