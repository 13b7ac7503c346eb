/* Errors in Lua: objects that hold a struct sw_err, so that code, hint and place survive the way up. */
#include "host.h"

#include <string.h>

#define ERROR "slipway.error"

static int collect(lua_State *L) {
    sw_err_done(lua_touserdata(L, 1));
    return 0;
}

static int to_string(lua_State *L) {
    struct sw_err *e = luaL_checkudata(L, 1, ERROR);
    lua_pushstring(L, e->message ? e->message : "error");
    return 1;
}

/* e.message, e.hint and e.code are for scripts that catch. */
static int index_error(lua_State *L) {
    struct sw_err *e = luaL_checkudata(L, 1, ERROR);
    const char *key = luaL_checkstring(L, 2);
    if (strcmp(key, "message") == 0)
        lua_pushstring(L, e->message);
    else if (strcmp(key, "hint") == 0)
        lua_pushstring(L, e->hint);
    else if (strcmp(key, "code") == 0)
        lua_pushstring(L, sw_code_name(e->code));
    else
        lua_pushnil(L);
    return 1;
}

struct sw_err *sw_script__error_new(lua_State *L) {
    struct sw_err *e = lua_newuserdatauv(L, sizeof *e, 0); // error
    *e = (struct sw_err){0};
    if (luaL_newmetatable(L, ERROR)) { // error mt
        lua_pushcfunction(L, collect);
        lua_setfield(L, -2, "__gc");
        lua_pushcfunction(L, to_string);
        lua_setfield(L, -2, "__tostring");
        lua_pushcfunction(L, index_error);
        lua_setfield(L, -2, "__index");
        lua_pushboolean(L, 0);
        lua_setfield(L, -2, "__metatable");
    }
    lua_setmetatable(L, -2);
    return e;
}

struct sw_err *sw_script__error_get(lua_State *L, int index) {
    return luaL_testudata(L, index, ERROR);
}

int sw_script__fail(lua_State *L, int code, const char *fmt, ...) {
    struct sw_err *e = sw_script__error_new(L);
    va_list ap;
    va_start(ap, fmt);
    sw_err_setv(e, code, fmt, ap);
    va_end(ap);
    lua_error(L);
}

static const struct sw_source *source_of(lua_State *L, const lua_Debug *ar) {
    return ar->source ? sw_map_find(&sw_script__of(L)->sources, ar->source) : NULL;
}

static bool find_place(lua_State *L, int level, bool library, struct sw_pos *ret) {
    lua_Debug ar;
    bool found = false;
    for (int i = level; lua_getstack(L, i, &ar); i++) {
        lua_getinfo(L, "Sl", &ar);
        const struct sw_source *source = source_of(L, &ar);
        if (!source || ar.currentline < 1) continue;
        bool theirs = source->origin != SW_FROM_LIBRARY;
        if (theirs || (library && !found)) *ret = (struct sw_pos){source->file, (unsigned)ar.currentline, 0};
        found = found || theirs || library;
        if (theirs) return true;
    }
    return found;
}

bool sw_script__where(lua_State *L, int level, struct sw_pos *ret) {
    return find_place(L, level, true, ret);
}

enum sw_origin sw_script__caller(lua_State *L) {
    lua_Debug ar;
    for (int i = 1; lua_getstack(L, i, &ar); i++) {
        lua_getinfo(L, "S", &ar);
        const struct sw_source *source = source_of(L, &ar);
        if (source && source->origin != SW_FROM_LIBRARY) return source->origin;
    }
    return SW_FROM_LIBRARY;
}

/* Lua puts "chunk:line: " in front of messages; the place travels apart. */
static const char *strip_place(lua_State *thread, int level, const char *message) {
    lua_Debug ar;
    for (int i = level; i < level + 8 && lua_getstack(thread, i, &ar); i++) {
        lua_getinfo(thread, "S", &ar);
        if (*ar.what == 'C') continue;
        size_t n = strlen(ar.short_src);
        if (strncmp(message, ar.short_src, n) != 0 || message[n] != ':') continue;
        size_t digits = strspn(message + n + 1, "0123456789");
        if (digits && strncmp(message + n + 1 + digits, ": ", 2) == 0) return message + n + digits + 3;
    }
    return message;
}

void sw_script__error_seal(lua_State *L, lua_State *thread, int level) {
    struct sw_pos pos = {0};
    int value = lua_absindex(L, -1);
    struct sw_err *e = sw_script__error_get(L, value);
    if (e) { /* raised on purpose: the place is the playbook's (a line of the library says nothing to people), the words are its own */
        if (!e->file && find_place(thread, level, false, &pos)) sw_err_at(e, pos);
        lua_pushvalue(L, value);
        return;
    }
    const char *message = NULL;
    bool trace = true;
    if (lua_type(L, value) == LUA_TSTRING) {
        message = strip_place(thread, level, lua_tostring(L, value));
        trace = message != lua_tostring(L, value); /* error("text", 0) is meant for people: where it was raised says nothing to them */
    } else if (lua_type(L, value) == LUA_TTABLE) {
        lua_pushliteral(L, "message");
        if (lua_rawget(L, value) == LUA_TSTRING) message = lua_tostring(L, -1); /* stays on the stack while it is used */
    }
    if (!message) message = lua_isnil(L, value) ? "error(nil)" : "error with something that is no text";
    e = sw_script__error_new(L); // [message] error
    sw_err_set(e, SW_ESCRIPT, "%s", message);
    if (sw_script__where(thread, level, &pos)) sw_err_at(e, pos);
    if (!trace) return;
    luaL_traceback(L, thread, NULL, level); // error traceback
    size_t len;
    const char *frames = lua_tolstring(L, -1, &len);
    sw_err_detail(e, frames, len);
    lua_pop(L, 1);
}

int sw_script__message_handler(lua_State *L) {
    sw_script__error_seal(L, L, 1);
    return 1;
}

int sw_script__error_take(struct sw_script *s, lua_State *L, int status, struct sw_err *err) {
    struct sw_err *e = sw_script__error_get(L, -1);
    if (s->spent) {
        sw_err_set(err, SW_ELIMIT, "the script did more than %llu million steps: an endless loop?",
                   (unsigned long long)(s->options.max_instructions / 1000000));
        if (s->spent_at.file) sw_err_at(err, s->spent_at);
    } else if (status == LUA_ERRMEM) {
        if (s->too_deep)
            sw_err_set(err, SW_ELIMIT, "stack overflow: a function calls itself without an end?");
        else
            sw_err_set(err, SW_ELIMIT, "the script wanted more than its %zu MiB of memory", s->limit >> 20);
        if (s->refused_at.file) sw_err_at(err, s->refused_at);
    } else if (e && err && !err->code) {
        sw_err_move(err, e);
    } else if (!e) { /* the handler itself failed: a stack overflow within it */
        const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "an error while handling an error";
        sw_err_set(err, SW_ESCRIPT, "%s", text);
    }
    int code = err && err->code ? err->code : e && e->code ? e->code : SW_ESCRIPT;
    lua_pop(L, 1);
    return code;
}
