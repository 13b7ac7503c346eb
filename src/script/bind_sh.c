/* Shell fragments: the only way from what a user says into code that runs as root on a node.
 *
 * sh("text {key}", { key = value }) puts values in as quoted words. A {key} within quotes of the text would leave its value unprotected
 * there
 * ("…'value'…" in double quotes expands $(…) in it), so that is an error in the type's file; "$(command {key})" is fine, quoting starts
 * anew in it.
 */
#include "host.h"

#include <string.h>

enum { MAX_NESTING = 32 };

/* What the shell would think at this point of the text. */
struct quoting {
    char stack[MAX_NESTING]; /* per $( or (: the quote we are in: 0, '\'' or '"' */
    unsigned depth;
    bool comment, escaped;
    char last;
};

static void follow(lua_State *L, struct quoting *q, char c) {
    char *quote = &q->stack[q->depth];
    bool word_start = q->last == 0 || strchr(" \t\n;&|(", q->last);
    char last = q->last;
    q->last = c;
    if (q->comment) {
        if (c == '\n') q->comment = false;
    } else if (q->escaped) {
        q->escaped = false;
        q->last = 'x';
    } else if (*quote == '\'') {
        if (c == '\'') *quote = 0;
    } else if (c == '\\') {
        q->escaped = true;
    } else if (c == '"') {
        *quote = *quote ? 0 : '"';
    } else if (c == '(' && (last == '$' || !*quote)) {
        if (++q->depth == MAX_NESTING) luaL_error(L, "sh: nested too deeply");
        q->stack[q->depth] = 0;
    } else if (*quote) {
        return;
    } else if (c == '\'') {
        *quote = '\'';
    } else if (c == ')') {
        if (q->depth) q->depth--;
    } else if (c == '#' && word_start) {
        q->comment = true;
    }
}

static void add_word(lua_State *L, struct sw_scope *scope, int index, const char *key, bool *secret) {
    struct sw_text text;
    enum sw_opaque what = sw_script__opaque(L, index);
    if (what == SW_O_UNKNOWN || what == SW_O_REF || what == SW_O_CONCAT) sw_script__fail(L, SW_EREFUSED, "'%s' is not known yet", key);
    if (!sw_script__text(L, index, &text))
        luaL_error(L, "sh: {%s} is a %s, not a text, number, boolean or list", key, luaL_typename(L, index));
    if (memchr(text.p, '\0', text.len)) sw_script__fail(L, SW_EINVAL, "'%s' holds a NUL byte, which no shell word can", key);
    if (text.secret) *secret = true;
    sw_str_add_shell(&scope->str, text.p, text.len);
}

static void add_value(lua_State *L, struct sw_scope *scope, int index, const char *key, bool *secret) {
    if (lua_type(L, index) != LUA_TTABLE) {
        if (lua_isnil(L, index)) luaL_error(L, "sh: no value for {%s}", key);
        add_word(L, scope, index, key, secret);
        return;
    }
    lua_Integer n = luaL_len(L, index);
    if (n == 0 && !sw_script__thaw(L, index)) {
        lua_pushnil(L);
        if (lua_next(L, index)) luaL_error(L, "sh: {%s} is a map, not a text, number, boolean or list", key);
    }
    for (lua_Integer i = 1; i <= n; i++) {
        if (i > 1) sw_str_addc(&scope->str, ' ');
        lua_geti(L, index, i);
        add_word(L, scope, lua_gettop(L), key, secret);
        lua_pop(L, 1);
    }
}

static int push_fragment(lua_State *L, struct sw_scope *scope, bool secret) {
    if (scope->str.overflow) return sw_script__fail(L, SW_ELIMIT, "the shell code is too large");
    if (secret) {
        sw_script__push_secret_text(L, sw_str_z(&scope->str), scope->str.len);
        if (scope->str.p) sw_wipe(scope->str.p, scope->str.len);
    } else {
        lua_pushlstring(L, sw_str_z(&scope->str), scope->str.len);
    }
    sw_script__scope_close(scope);
    return 1;
}

static bool is_key(const char *p, const char *end, size_t *ret_len) {
    const char *at = p;
    while (at < end && (*at == '_' || (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') || (*at >= '0' && *at <= '9'))) at++;
    *ret_len = (size_t)(at - p);
    return at > p && at < end && *at == '}' && !(*p >= '0' && *p <= '9');
}

/* core.sh(text, vars) */
static int sh(lua_State *L) {
    size_t len, key_len;
    const char *p = luaL_checklstring(L, 1, &len), *end = p + len;
    lua_settop(L, 2);
    if (!lua_isnil(L, 2)) luaL_checktype(L, 2, LUA_TTABLE);
    struct sw_scope *scope = sw_script__scope(L);
    scope->str.max = sw_script__of(L)->limit;
    struct quoting q = {0};
    bool secret = false;
    while (p < end) {
        if ((*p == '{' || *p == '}') && p + 1 < end && p[1] == *p) {
            follow(L, &q, *p);
            sw_str_addc(&scope->str, *p);
            p += 2;
        } else if (*p == '{' && is_key(p + 1, end, &key_len)) {
            const char *key = lua_pushlstring(L, p + 1, key_len); // key
            if (q.stack[q.depth] || q.escaped) return luaL_error(L, "sh: {%s} stands within quotes: values are quoted already", key);
            if (q.comment) return luaL_error(L, "sh: {%s} stands in a comment", key);
            if (lua_isnil(L, 2)) return luaL_error(L, "sh: no value for {%s}", key);
            lua_getfield(L, 2, key); // key value
            add_value(L, scope, lua_gettop(L), key, &secret);
            lua_pop(L, 2);
            q.last = 'x';
            p += key_len + 2;
        } else {
            follow(L, &q, *p);
            sw_str_addc(&scope->str, *p++);
        }
    }
    if (q.stack[q.depth] == '\'' || q.stack[q.depth] == '"') return luaL_error(L, "sh: a quote is not closed");
    return push_fragment(L, scope, secret);
}

/* core.sh_quote(value) -> its quoted word or words */
static int sh_quote(lua_State *L) {
    luaL_checkany(L, 1);
    struct sw_scope *scope = sw_script__scope(L);
    bool secret = false;
    add_value(L, scope, 1, "value", &secret);
    return push_fragment(L, scope, secret);
}

/* core.sh_prelude(code): once per text, and only from a file that is being loaded. It runs with every batch, so a stranger's does not get
 * in. */
static int sh_prelude(lua_State *L) {
    size_t len;
    const char *code = luaL_checklstring(L, 1, &len);
    struct sw_script *s = sw_script__of(L);
    if (s->loading.n == 0 && !s->testing) return sw_script__fail(L, SW_EINVAL, "sh.prelude belongs at the top of a resource type's file");
    bool user = s->loading_module.n && s->loading_module.v[s->loading_module.n - 1] >= 0;
    if (user && s->options.untrusted) return 0;
    if (s->prelude.len && memmem(s->prelude.p, s->prelude.len, code, len)) return 0;
    sw_str_add(&s->prelude, code, len);
    if (len && code[len - 1] != '\n') sw_str_addc(&s->prelude, '\n');
    return 0;
}

const char *sw_script__prelude(void *ctx) {
    return sw_str_z(&((struct sw_script *)ctx)->prelude);
}

void sw_script__open_sh(lua_State *L) {
    static const luaL_Reg functions[] = {{"sh", sh}, {"sh_quote", sh_quote}, {"sh_prelude", sh_prelude}, {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}
