/* HTTP(S) on the loop: libcurl multi. Connections are reused, HTTP/2 is used where a server offers it over TLS, certificates are always
 * verified, bodies are bounded, redirects are never followed, proxies are taken from the environment. Nothing is sent twice but a GET or HEAD
 * whose reused connection turned out to be closed. */
#ifndef SLIPWAY_HTTP_H
#define SLIPWAY_HTTP_H

#include "slipway/loop.h"
#include "slipway/str.h"

struct sw_http;
struct sw_http_call;
struct sw_http_response;
struct sw_tunnel;

struct sw_http_request {
    const char *method;                /* [GET] */
    const char *url;                   /* http:// or https://, percent-encoded; its path travels as it is */
    const char *const *headers;        /* "Name: value", NULL-terminated, or NULL */
    const char *const *secret_headers; /* more of them, whose values the log must not show */
    const char *body;
    size_t body_len;
    const char *note;         /* for the log: what is asked ("DescribeVpcs"), or NULL */
    const char *ca_file;      /* or NULL for the system's */
    const char *ca;           /* PEM text: the only CAs trusted */
    const char *cert, *key;   /* PEM texts: the client's certificate (with its chain) and private key */
    const char *server_name;  /* what the server's certificate must say, where that is not the URL's host */
    const char *proxy;        /* a URL, instead of the environment's */
    struct sw_tunnel *tunnel; /* or NULL: connections go through it, whatever address the URL's host has */
    bool multiplex;           /* rather wait for a connection that is being made than make another: for servers that speak HTTP/2 */
    unsigned timeout_ms;      /* until the whole answer is there, from when it is its turn [30,000]; connecting takes at most 10 s of it */
    size_t max_body;          /* [8 MiB] */
    /* A stream: its body is given as it comes, and the response has none. Called from within libcurl: it starts, cancels and frees nothing.
     * false stops the flow until sw_http_go_on(), and what was given comes again then. Streams do not count among the requests under way. */
    bool (*on_data)(void *ctx, const struct sw_http_response *so_far, const char *p, size_t len);
};

/* Why no whole answer came. */
enum sw_http_failure {
    SW_HTTP_ANSWERED,    /* err.code 0: it did, of whatever status */
    SW_HTTP_INVALID,     /* the request itself: SW_EINVAL */
    SW_HTTP_UNREACHABLE, /* no connection, lost, or no HTTP: SW_EUNREACHABLE */
    SW_HTTP_TLS,         /* no trust: SW_EUNREACHABLE; a CA file that cannot be read: SW_EIO */
    SW_HTTP_TIMEOUT,     /* SW_ETIMEOUT */
    SW_HTTP_TOO_LARGE,   /* SW_ELIMIT */
    SW_HTTP_CANCELLED,   /* SW_ECANCELLED */
};

struct sw_http_response {
    struct sw_err err;
    enum sw_http_failure failure;
    bool sent; /* some of the request left: it may have had its effect, whatever came back */
    long status;
    struct sw_str body;
    struct sw_str headers; /* raw, of the final answer */
    uint64_t elapsed_ms;
};

struct sw_http *sw_http_new(struct sw_loop *loop);
void sw_http_free(struct sw_http *http); /* pending requests end with SW_ECANCELLED */
/* Strings are copied, and wiped when it is over; a tunnel is held. done(ctx, response) once, on the loop thread, never from within; the response and the call are
 * freed after it. At most 16 requests an origin and 64 in all are under way; the others wait in order. */
struct sw_http_call *sw_http_send(struct sw_http *http, const struct sw_http_request *request,
                                  void (*done)(void *ctx, struct sw_http_response *), void *ctx);
void sw_http_go_on(struct sw_http_call *call);
void sw_http_cancel(struct sw_http_call *call); /* done follows, with SW_ECANCELLED unless it was over already */
/* Calls fn for each header of raw headers: the name (of at most 127 bytes) in lower case, the value without white space around it. */
void sw_http_each_header(const struct sw_str *headers, void (*fn)(void *ctx, const char *name, const char *value, size_t len), void *ctx);

#endif
