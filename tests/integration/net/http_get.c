/* http_get FILE [LOG]: sends the requests that a JSON list describes, all at once, and prints the answers, a JSON object a line.
 *   [{"method", "url", "headers": […], "secret_headers": […], "body", "ca_file", "timeout_ms", "max_body", "note", "cancel_after_ms",
 *    "ca", "cert", "key", "server_name", "multiplex", "stream": true, "tunnel": {"connection": {…}, "to_port"},
 *    "then": {another request, sent from the callback}}]
 * A last element {"free_after_ms": n} frees the client with what is under way. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "slipway/clock.h"
#include "slipway/file.h"
#include "slipway/http.h"
#include "slipway/log.h"
#include "slipway/tunnel.h"
#include "slipway/value.h"

static struct sw_arena *arena;
static struct sw_loop *loop;
static struct sw_http *http;
static size_t left;
static struct sw_tunnel *tunnel;
static bool done;
static uint64_t started_ms;

static void send_one(const struct sw_value *v);

static void on_answer(void *ctx, struct sw_http_response *r) {
    const struct sw_value *request = ctx;
    struct sw_pair pairs[] = {
        {"url", sw_get(request, "url")},
        {"code", r->err.code ? sw_value_str(arena, sw_code_name(r->err.code)) : &SW_NULL_VALUE},
        {"message", r->err.message ? sw_value_str(arena, r->err.message) : &SW_NULL_VALUE},
        {"failure", sw_value_int(arena, r->failure)},
        {"sent", sw_value_bool(r->sent)},
        {"status", sw_value_int(arena, r->status)},
        {"body", sw_value_strn(arena, sw_str_z(&r->body), r->body.len)},
        {"headers", sw_value_str(arena, sw_str_z(&r->headers))},
        {"at_ms", sw_value_int(arena, (int64_t)(sw_now_ms() - started_ms))},
    };
    struct sw_str line = {0};
    sw_json_write(&line, sw_value_map(arena, pairs, sizeof pairs / sizeof *pairs), SW_JSON_PLAIN);
    puts(sw_str_z(&line));
    sw_str_done(&line);
    if (sw_get(request, "then")) send_one(sw_get(request, "then"));
    if (--left == 0) done = true;
}

/* A stream's pieces, as they come. */
static bool on_data(void *ctx, const struct sw_http_response *so_far, const char *p, size_t len) {
    (void)ctx;
    struct sw_pair pairs[] = {
        {"at_ms", sw_value_int(arena, (int64_t)(sw_now_ms() - started_ms))},
        {"data", sw_value_strn(arena, p, len)},
        {"status", sw_value_int(arena, so_far->status)},
    };
    struct sw_str line = {0};
    sw_json_write(&line, sw_value_map(arena, pairs, sizeof pairs / sizeof *pairs), SW_JSON_PLAIN);
    puts(sw_str_z(&line));
    sw_str_done(&line);
    return true;
}

/* { connection, to_port }: the same one for all requests. */
static struct sw_tunnel *tunnel_of(const struct sw_value *v) {
    struct sw_remote_options options;
    struct sw_err err = {0};
    if (!v || tunnel) return v ? tunnel : NULL;
    if (sw_remote_options_from(sw_get(v, "connection"), "n1", arena, &options, &err) != 0) abort();
    tunnel = sw_tunnel_new(loop, &options, "127.0.0.1", (unsigned)sw_get_int(v, "to_port", 0), &err);
    return tunnel;
}

static void on_cancel(void *ctx) {
    sw_http_cancel(ctx);
    sw_http_cancel(ctx);
}

static void take_list(const struct sw_value *list, const char *ret[static 16]) {
    for (size_t i = 0; sw_is(list, SW_LIST) && i < list->list.n && i < 15; i++) ret[i] = list->list.v[i]->s.p;
}

static void send_one(const struct sw_value *v) {
    const char *headers[16] = {NULL}, *secret_headers[16] = {NULL};
    take_list(sw_get(v, "headers"), headers);
    take_list(sw_get(v, "secret_headers"), secret_headers);
    struct sw_http_request request = {
        .method = sw_get_str(v, "method", NULL),
        .url = sw_get_str(v, "url", ""),
        .headers = headers,
        .secret_headers = secret_headers,
        .note = sw_get_str(v, "note", NULL),
        .body = sw_get_str(v, "body", NULL),
        .ca_file = sw_get_str(v, "ca_file", NULL),
        .timeout_ms = (unsigned)sw_get_int(v, "timeout_ms", 0),
        .max_body = (size_t)sw_get_int(v, "max_body", 0),
        .ca = sw_get_str(v, "ca", NULL),
        .cert = sw_get_str(v, "cert", NULL),
        .key = sw_get_str(v, "key", NULL),
        .server_name = sw_get_str(v, "server_name", NULL),
        .multiplex = sw_get_bool(v, "multiplex", false),
        .tunnel = tunnel_of(sw_get(v, "tunnel")),
        .on_data = sw_get_bool(v, "stream", false) ? on_data : NULL,
    };
    if (request.body) request.body_len = strlen(request.body);
    left++;
    struct sw_http_call *call = sw_http_send(http, &request, on_answer, (void *)(uintptr_t)v);
    int64_t cancel = sw_get_int(v, "cancel_after_ms", 0);
    if (cancel) sw_timer_new(loop, (uint64_t)cancel, 0, on_cancel, call);
}

static void on_free(void *ctx) {
    (void)ctx;
    sw_http_free(http);
    http = NULL;
    done = true;
}

int main(int argc, char **argv) {
    struct sw_str file = {0};
    const struct sw_value *list;
    arena = sw_arena_new();
    if (argc == 3) sw_log_open(argv[2]);
    started_ms = sw_now_ms();
    if (argc < 2 || argc > 3 || sw_file_read(argv[1], 1 << 20, &file, NULL) ||
        sw_json_read(arena, sw_str_z(&file), file.len, SW_JSON_PLAIN, &list, NULL))
        return 2;
    loop = sw_loop_new();
    http = sw_http_new(loop);
    for (size_t i = 0; i < list->list.n; i++) {
        int64_t leave = sw_get_int(list->list.v[i], "free_after_ms", 0);
        if (leave)
            sw_timer_new(loop, (uint64_t)leave, 0, on_free, NULL);
        else
            send_one(list->list.v[i]);
    }
    sw_loop_run(loop, &done);
    sw_http_free(http);
    sw_tunnel_unref(tunnel);
    sw_loop_free(loop);
    sw_str_done(&file);
    sw_arena_free(arena);
    return 0;
}
