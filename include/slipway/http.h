/* HTTP(S) on the loop: libcurl multi. Connections are reused; TLS is verified; bodies are bounded. */
#ifndef SLIPWAY_HTTP_H
#define SLIPWAY_HTTP_H

#include "slipway/loop.h"
#include "slipway/str.h"

struct sw_http;

struct sw_http_request {
    const char *method;         /* "GET" */
    const char *url;            /* http:// or https:// */
    const char *const *headers; /* "Name: value", NULL-terminated, or NULL */
    const char *body;
    size_t body_len;
    const char *ca_file; /* or NULL for the system's */
    unsigned timeout_ms; /* [30,000] */
    size_t max_body;     /* [8 MiB] */
};
struct sw_http_response {
    struct sw_err err; /* code 0: an answer came, of whatever status */
    long status;
    struct sw_str body;
    struct sw_str headers; /* raw, of the final answer */
};

struct sw_http *sw_http_new(struct sw_loop *loop);
void sw_http_free(struct sw_http *http); /* pending requests end with SW_ECANCELLED */
/* Strings are copied. done(ctx, response) once, on the loop thread, never from within; the response is freed after the call. */
void sw_http_send(struct sw_http *http, const struct sw_http_request *request, void (*done)(void *ctx, struct sw_http_response *),
                  void *ctx);

#endif
