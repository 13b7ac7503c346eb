/* io.http { stream = true, ... } -> s: s:line([seconds]) waits for a line of the answer, s:result() tells how it went, s:close() ends it. One
 * coroutine at a time waits. */
#include <stdlib.h>
#include <string.h>

#include "web.h"

#define STREAM "slipway.stream"

enum { ENOUGH = 1 << 20 }; /* bytes that nobody has read yet: the flow stops */

struct line_wait;

struct stream {
    unsigned refs;             /* the userdata, the call, and who waits */
    struct sw_http_call *call; /* NULL once it is over */
    struct sw_str text;
    size_t at, searched;              /* read up to here; no line break before there */
    struct sw_http_response so_far;   /* status and headers, then how it ended */
    bool began, over, stopped, long_; /* long_: a line does not fit */
    struct line_wait *waits;
};

struct line_wait {
    struct sw_await base;
    struct stream *stream;
    struct sw_timer *timer;
};

static void unref(struct stream *s) {
    if (--s->refs) return;
    if (s->text.p) sw_wipe(s->text.p, s->text.cap);
    sw_str_done(&s->text);
    sw_err_done(&s->so_far.err);
    sw_str_done(&s->so_far.headers);
    free(s);
}

/* The length of the next line, without its end; SIZE_MAX when there is none yet. */
static size_t next_line(struct stream *s) {
    const char *from = sw_str_z(&s->text) + s->searched;
    const char *found = memchr(from, '\n', s->text.len - s->searched);
    s->searched = found ? (size_t)(found - s->text.p) : s->text.len;
    if (found) return s->searched - s->at;
    return s->over && s->text.len > s->at ? s->text.len - s->at : SIZE_MAX;
}

static void settle(struct stream *s) {
    struct line_wait *wait = s->waits;
    if (!wait) return;
    s->waits = NULL;
    sw_timer_free(wait->timer);
    wait->timer = NULL;
    sw_await__settle(&wait->base);
}

/* From within libcurl: it only notes, and wakes. */
static bool on_data(void *ctx, const struct sw_http_response *so_far, const char *p, size_t len) {
    struct stream *s = ctx;
    if (!s->began) {
        s->so_far.status = so_far->status;
        sw_str_add(&s->so_far.headers, so_far->headers.p, so_far->headers.len);
        s->began = true;
    }
    if (s->text.len - s->at >= ENOUGH && next_line(s) != SIZE_MAX) {
        s->stopped = true;
        return false;
    }
    sw_str_add(&s->text, p, len);
    if (s->text.overflow) s->long_ = true;
    if (s->long_ || next_line(s) != SIZE_MAX) settle(s);
    return true;
}

static void on_done(void *ctx, struct sw_http_response *response) {
    struct stream *s = ctx;
    s->call = NULL;
    s->over = true;
    sw_err_done(&s->so_far.err);
    sw_str_done(&s->so_far.headers);
    s->so_far = *response; /* taken over */
    *response = (struct sw_http_response){0};
    settle(s);
    unref(s);
}

static void end(struct stream *s) {
    if (s->call) sw_http_cancel(s->call);
    s->call = NULL;
    s->over = true;
}

/* Gives a line, nil at the end, false when the time was up. */
static int give(lua_State *L, struct stream *s) {
    if (s->long_) {
        end(s);
        return sw_script__fail(L, SW_ELIMIT, "a line of the answer is longer than %zu bytes", s->text.max);
    }
    size_t n = next_line(s);
    if (n == SIZE_MAX) {
        if (s->over)
            lua_pushnil(L);
        else
            lua_pushboolean(L, 0);
        return 1;
    }
    lua_pushlstring(L, sw_str_z(&s->text) + s->at, n);
    s->at += n + (s->at + n < s->text.len);
    s->searched = s->at;
    if (s->at == s->text.len || s->at > ENOUGH / 2) { /* what is read goes */
        size_t left = s->text.len - s->at;
        if (left) memmove(s->text.p, s->text.p + s->at, left);
        s->text.len = left;
        s->at = s->searched = 0;
        if (s->text.p) s->text.p[left] = '\0';
    }
    if (s->stopped && s->call && s->text.len - s->at < ENOUGH) {
        s->stopped = false;
        sw_http_go_on(s->call); /* calls on_data() */
    }
    return 1;
}

static int push(lua_State *L, struct sw_await *await) {
    return give(L, ((struct line_wait *)await)->stream);
}

static void on_time(void *ctx) {
    settle(((struct line_wait *)ctx)->stream);
}

static void cancel(struct sw_await *await) {
    settle(((struct line_wait *)await)->stream);
}

static void free_wait(struct sw_await *await) {
    unref(((struct line_wait *)await)->stream);
    free(await);
}

static struct stream *check(lua_State *L) {
    return *(struct stream **)luaL_checkudata(L, 1, STREAM);
}

/* s:line([seconds]) */
static int line(lua_State *L) {
    struct stream *s = check(L);
    lua_Number seconds = luaL_optnumber(L, 2, -1);
    luaL_argcheck(L, lua_isnoneornil(L, 2) || (seconds >= 0 && seconds <= 86400), 2, "0 to 86400 seconds wanted");
    lua_settop(L, 2);
    struct sw_fiber *fiber = sw_fiber__current(L, "line");
    if (s->waits) return luaL_error(L, "another coroutine waits for this stream");
    if (s->long_ || s->over || next_line(s) != SIZE_MAX) return give(L, s);
    struct sw_await **slot = sw_await__slot(L);
    struct line_wait *wait = sw_xcalloc(1, sizeof *wait);
    wait->base = (struct sw_await){.fiber = fiber, .refs = 2, .push = push, .cancel = cancel, .free = free_wait};
    wait->stream = s;
    s->refs++;
    s->waits = wait;
    *slot = &wait->base;
    if (seconds >= 0) wait->timer = sw_timer_new(fiber->task->script->loop, (uint64_t)(seconds * 1000 + 0.999), 0, on_time, wait);
    return sw_await__yield(L);
}

/* s:result() -> what io.http gives, without the body; nil before the answer has begun */
static int result(lua_State *L) {
    struct stream *s = check(L);
    if (!s->began && !s->over) return 0;
    sw_script__push_answer(L, &s->so_far);
    return 1;
}

/* s:close() */
static int close_stream(lua_State *L) {
    struct stream *s = check(L);
    end(s);
    settle(s);
    return 0;
}

static int collect(lua_State *L) {
    struct stream **slot = lua_touserdata(L, 1);
    struct stream *s = *slot;
    *slot = NULL;
    if (!s) return 0;
    end(s);
    unref(s);
    return 0;
}

int sw_script__stream(lua_State *L, struct sw_http *http, struct sw_http_request *request) {
    static const luaL_Reg methods[] = {{"line", line}, {"result", result}, {"close", close_stream}, {NULL, NULL}};
    struct stream **slot = lua_newuserdatauv(L, sizeof *slot, 0);
    *slot = NULL;
    if (luaL_newmetatable(L, STREAM)) {
        luaL_newlib(L, methods);
        lua_setfield(L, -2, "__index");
        lua_pushcfunction(L, collect);
        lua_setfield(L, -2, "__gc");
        lua_pushboolean(L, 0);
        lua_setfield(L, -2, "__metatable");
    }
    lua_setmetatable(L, -2);
    struct stream *s = *slot = sw_xcalloc(1, sizeof *s);
    s->refs = 2;
    s->text.max = request->max_body + ENOUGH;
    request->on_data = on_data;
    s->call = sw_http_send(http, request, on_done, s);
    return 1;
}
