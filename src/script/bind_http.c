/* io.http { method, url, headers, body, timeout, max_body, ca_file, note, sign } -> { status, body, headers, elapsed }, or { error, message,
 * sent, elapsed } when no whole answer came. All requests of the program share one client, and so its connections. */
#include "slipway/http.h"
#include "slipway/sigv4.h"
#include "web.h"

#include <stdlib.h>
#include <string.h>

#include "slipway/clock.h"

enum { MAX_HEADERS = 100, MAX_ANSWER = 128 << 20 };

struct sw_web {
    struct sw_http *http;
    struct sw_sigv4_keys keys;
};

struct web_call {
    struct sw_await base;
    struct sw_http_call *call; /* NULL once it is over */
    struct {
        char **v;
        size_t n, cap;
    } lines, secret_lines; /* headers, each list with a NULL at its end */
    struct sw_sigv4_headers signature;
    struct sw_http_response response;
};

static struct sw_web *web_of(struct sw_tasks *tasks) {
    if (!tasks->web) {
        tasks->web = sw_xcalloc(1, sizeof *tasks->web);
        tasks->web->http = sw_http_new(tasks->script->loop);
    }
    return tasks->web;
}

void sw_script__http_done(struct sw_tasks *tasks) {
    if (!tasks->web) return;
    sw_http_free(tasks->web->http);
    sw_sigv4_keys_done(&tasks->web->keys);
    free(tasks->web);
    tasks->web = NULL;
}

/* --- the end
 * ------------------------------------------------------------------------------------------------------------------------------- */

static void drop_lines(struct web_call *call) {
    for (size_t i = 0; i < call->lines.n; i++) free(call->lines.v[i]);
    for (size_t i = 0; i < call->secret_lines.n; i++) {
        char *line = call->secret_lines.v[i];
        if (line) sw_wipe(line, strlen(line));
        free(line);
    }
    sw_vec_done(&call->lines);
    sw_vec_done(&call->secret_lines);
}

static void on_done(void *ctx, struct sw_http_response *response) {
    struct web_call *call = ctx;
    call->call = NULL;
    call->response = *response; /* taken over */
    *response = (struct sw_http_response){0};
    sw_await__settle(&call->base);
}

static void cancel(struct sw_await *await) {
    struct web_call *call = (struct web_call *)await;
    if (call->call) sw_http_cancel(call->call);
}

static void free_call(struct sw_await *await) {
    struct web_call *call = (struct web_call *)await;
    drop_lines(call);
    sw_sigv4_headers_done(&call->signature);
    sw_err_done(&call->response.err);
    if (call->response.body.p) sw_wipe(call->response.body.p, call->response.body.len);
    sw_str_done(&call->response.body);
    sw_str_done(&call->response.headers);
    free(call);
}

/* Of one that comes twice, both: HTTP's own rule. */
static void add_header(void *ctx, const char *name, const char *value, size_t len) {
    lua_State *L = ctx; // headers
    if (lua_getfield(L, -1, name) == LUA_TSTRING) {
        lua_pushliteral(L, ", ");
        lua_pushlstring(L, value, len);
        lua_concat(L, 3);
    } else {
        lua_pop(L, 1);
        lua_pushlstring(L, value, len);
    }
    lua_setfield(L, -2, name);
}

void sw_script__push_answer(lua_State *L, struct sw_http_response *r) {
    static const char *const words[] = {
        [SW_HTTP_INVALID] = "invalid", [SW_HTTP_UNREACHABLE] = "unreachable", [SW_HTTP_TLS] = "tls",
        [SW_HTTP_TIMEOUT] = "timeout", [SW_HTTP_TOO_LARGE] = "too_large",     [SW_HTTP_CANCELLED] = "cancelled"};
    luaL_checkstack(L, 8, NULL);
    lua_createtable(L, 0, 4);
    lua_pushnumber(L, (lua_Number)r->elapsed_ms / 1000);
    lua_setfield(L, -2, "elapsed");
    if (r->failure != SW_HTTP_ANSWERED) {
        lua_pushstring(L, words[r->failure]);
        lua_setfield(L, -2, "error");
        lua_pushstring(L, r->err.message);
        lua_setfield(L, -2, "message");
        lua_pushboolean(L, r->sent);
        lua_setfield(L, -2, "sent");
        return;
    }
    lua_pushinteger(L, r->status);
    lua_setfield(L, -2, "status");
    lua_pushlstring(L, sw_str_z(&r->body), r->body.len);
    lua_setfield(L, -2, "body");
    if (r->body.p) sw_wipe(r->body.p, r->body.len); /* it may be credentials */
    sw_str_done(&r->body);                          /* now: the collector does not know how much it holds */
    lua_createtable(L, 0, 16);
    sw_http_each_header(&r->headers, add_header, L);
    lua_setfield(L, -2, "headers");
}

static int push(lua_State *L, struct sw_await *await) {
    sw_script__push_answer(L, &((struct web_call *)await)->response);
    return 1;
}

/* --- the request
 * --------------------------------------------------------------------------------------------------------------------------- */

/* [-0, +1] The text of a field, borrowed from the value that is pushed; NULL when it is not there. */
static const char *text_field(lua_State *L, int table, const char *name, bool secret, size_t *ret_len) {
    struct sw_text text;
    if (lua_getfield(L, table, name) == LUA_TNIL) return NULL;
    if (lua_type(L, -1) == LUA_TNUMBER || lua_type(L, -1) == LUA_TBOOLEAN || !sw_script__text(L, lua_gettop(L), &text))
        luaL_error(L, "http: %s is a %s, not a text", name, luaL_typename(L, -1));
    if (text.secret && !secret) luaL_error(L, "http: %s is shown in logs: it cannot be a secret", name);
    if (!ret_len && memchr(text.p, '\0', text.len)) luaL_error(L, "http: %s holds a NUL byte", name);
    if (ret_len) *ret_len = text.len;
    return text.p;
}

static lua_Number number_field(lua_State *L, int table, const char *name, lua_Number least, lua_Number most, lua_Number otherwise) {
    lua_Number number = otherwise;
    if (lua_getfield(L, table, name) != LUA_TNIL) {
        if (!lua_isnumber(L, -1)) luaL_error(L, "http: %s is a %s, not a number", name, luaL_typename(L, -1));
        number = lua_tonumber(L, -1);
        if (!(number >= least && number <= most)) luaL_error(L, "http: %s is out of range", name);
    }
    lua_pop(L, 1);
    return number;
}

static void check_names(lua_State *L, int table, const char *what, const char *const *known) {
    for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1)) {
        bool fine = false;
        for (size_t i = 0; lua_type(L, -2) == LUA_TSTRING && known[i]; i++) fine = fine || strcmp(lua_tostring(L, -2), known[i]) == 0;
        if (!fine) luaL_error(L, "%s has no '%s'", what, lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : luaL_typename(L, -2));
    }
}

static void read_headers(lua_State *L, struct web_call *call) {
    if (lua_getfield(L, 1, "headers") == LUA_TNIL) {
        lua_pop(L, 1);
        return;
    }
    if (!lua_istable(L, -1)) luaL_error(L, "http: headers is a %s, not a table", luaL_typename(L, -1));
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
        struct sw_text text;
        if (lua_type(L, -2) != LUA_TSTRING) luaL_error(L, "http: headers = { Name = text, ... } wanted");
        const char *name = lua_tostring(L, -2);
        if (!sw_script__text(L, lua_gettop(L), &text)) luaL_error(L, "http: the header '%s' is a %s", name, luaL_typename(L, -1));
        if (memchr(text.p, '\0', text.len)) luaL_error(L, "http: the header '%s' holds a NUL byte", name);
        if (call->lines.n + call->secret_lines.n >= MAX_HEADERS) luaL_error(L, "http: more than %d headers", MAX_HEADERS);
        char *line = sw_xprintf("%s: %s", name, text.p);
        if (text.secret)
            sw_vec_push(&call->secret_lines, line);
        else
            sw_vec_push(&call->lines, line);
    }
    lua_pop(L, 1);
}

/* Adds the signature's headers. An error of it is an answer, not a mistake of the caller: credentials come from the user. */
static void sign(lua_State *L, struct web_call *call, struct sw_tasks *tasks, struct sw_http_request *request) {
    static const char *const known[] = {"service", "region", "key", "secret", "token", "time", "s3", NULL};
    if (lua_getfield(L, 1, "sign") == LUA_TNIL) return;
    if (!lua_istable(L, -1)) luaL_error(L, "http: sign is a %s, not a table", luaL_typename(L, -1));
    int table = lua_gettop(L);
    check_names(L, table, "http: sign", known);
    struct sw_sigv4 with = {
        .service = text_field(L, table, "service", false, NULL),
        .region = text_field(L, table, "region", false, NULL),
        .key = text_field(L, table, "key", true, NULL),
        .secret = text_field(L, table, "secret", true, NULL),
        .token = text_field(L, table, "token", true, NULL),
        .time = (int64_t)number_field(L, table, "time", 0, 253402300799, (lua_Number)sw_wall_ms() / 1000),
    };
    lua_getfield(L, table, "s3");
    with.raw_path = with.body_hash = lua_toboolean(L, -1);
    int rc = sw_sigv4_sign(&with, &web_of(tasks)->keys, request, &call->signature, &call->response.err);
    if (rc != SW_OK) {
        call->response.failure = SW_HTTP_INVALID;
        return;
    }
    call->lines.n--, call->secret_lines.n--; /* the NULL at each end */
    for (size_t i = 0; call->signature.lines[i]; i++) {
        char *line = call->signature.lines[i];
        call->signature.lines[i] = NULL;
        if (sw_starts_with(line, "Authorization:") || sw_starts_with(line, "X-Amz-Security-Token:"))
            sw_vec_push(&call->secret_lines, line);
        else
            sw_vec_push(&call->lines, line);
    }
    sw_vec_push(&call->lines, NULL);
    sw_vec_push(&call->secret_lines, NULL);
    request->headers = (const char *const *)call->lines.v;
    request->secret_headers = (const char *const *)call->secret_lines.v;
}

/* Trust, and the way. */
static void read_connection(lua_State *L, struct sw_http_request *request) {
    request->ca_file = text_field(L, 1, "ca_file", false, NULL);
    request->ca = text_field(L, 1, "ca", true, NULL);
    request->cert = text_field(L, 1, "cert", true, NULL);
    request->key = text_field(L, 1, "key", true, NULL);
    request->server_name = text_field(L, 1, "server_name", false, NULL);
    request->proxy = text_field(L, 1, "proxy", true, NULL);
    if (request->server_name && strcspn(request->server_name, "/:?#@ []") != strlen(request->server_name))
        luaL_error(L, "http: server_name is no host name");
    if (lua_getfield(L, 1, "tunnel") != LUA_TNIL) request->tunnel = sw_script__tunnel(L, lua_gettop(L));
    lua_getfield(L, 1, "multiplex");
    request->multiplex = lua_toboolean(L, -1);
}

static int http(lua_State *L) {
    static const char *const known[] = {"method", "url",  "headers", "body",  "timeout",     "max_body", "ca_file",   "note",   "sign",
                                        "ca",     "cert", "key",     "proxy", "server_name", "tunnel",   "multiplex", "stream", NULL};
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    luaL_checkstack(L, 60, NULL);
    struct sw_fiber *fiber = sw_fiber__current(L, "http");
    struct sw_tasks *tasks = fiber->task->script->tasks;
    check_names(L, 1, "http", known);
    struct sw_await **slot = sw_await__slot(L); // options slot
    struct web_call *call = sw_xcalloc(1, sizeof *call);
    call->base = (struct sw_await){.refs = 1, .push = push, .cancel = cancel, .free = free_call};
    *slot = &call->base; /* from here on the collector frees it */
    read_headers(L, call);
    sw_vec_push(&call->lines, NULL);
    sw_vec_push(&call->secret_lines, NULL);
    struct sw_http_request request = {.headers = (const char *const *)call->lines.v,
                                      .secret_headers = (const char *const *)call->secret_lines.v,
                                      .timeout_ms = (unsigned)(number_field(L, 1, "timeout", 0.001, 86400, 30) * 1000),
                                      .max_body = (size_t)number_field(L, 1, "max_body", 1, MAX_ANSWER, 8 << 20)};
    request.method = text_field(L, 1, "method", false, NULL); /* what is borrowed stays on the stack until it is sent */
    request.url = text_field(L, 1, "url", false, NULL);
    if (!request.url) luaL_error(L, "http: url wanted");
    request.body = text_field(L, 1, "body", true, &request.body_len);
    request.note = text_field(L, 1, "note", false, NULL);
    read_connection(L, &request);
    sign(L, call, tasks, &request);
    if (call->response.failure) return push(L, &call->base);
    if (lua_getfield(L, 1, "stream") != LUA_TNIL && lua_toboolean(L, -1)) return sw_script__stream(L, web_of(tasks)->http, &request);
    call->base.fiber = fiber;
    call->base.refs++;
    call->call = sw_http_send(web_of(tasks)->http, &request, on_done, call);
    drop_lines(call); /* they are copied */
    lua_settop(L, 2); // options slot
    return sw_await__yield(L);
}

void sw_script__open_http(lua_State *L) {
    lua_pushcfunction(L, http);
    lua_setfield(L, -2, "http");
}
