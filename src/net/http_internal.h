/* What the files http*.c share: one request. */
#ifndef SLIPWAY_NET_HTTP_INTERNAL_H
#define SLIPWAY_NET_HTTP_INTERNAL_H

#include <curl/curl.h>

#include "slipway/http.h"

struct http_origin;

enum http_state { HTTP_WAITING, HTTP_RUNNING, HTTP_FINISHED };

struct sw_http_call {
    struct sw_http *http;
    struct http_origin *origin; /* scheme, host and port: what has its own queue */
    enum http_state state;
    CURL *easy;
    struct curl_slist *headers;
    char *method;
    char *url;   /* wiped: a query may be secret */
    char *label; /* "GET https://host/path", without user, password and query: those can be secrets */
    char *log;   /* the request as the log shows it, or NULL */
    char *body;
    size_t body_len;
    char *ca, *cert, *pkey; /* PEM; libcurl reads them where they are */
    struct sw_tunnel *tunnel;
    struct curl_slist *connect_to;
    bool (*on_data)(void *ctx, const struct sw_http_response *so_far, const char *p, size_t len);
    char words[CURL_ERROR_SIZE];
    struct sw_http_response response;
    uint64_t started_ms;
    unsigned tries; /* times the request was about to be written */
    bool too_long, refused;
    void (*done)(void *ctx, struct sw_http_response *);
    void *ctx;
    struct sw_http_call *previous, *next;
};

/* A request ready to be given to libcurl. One that is not fit to be sent has response.err set and no `easy`. */
struct sw_http_call *sw_http__call_new(const struct sw_http_request *request);
void sw_http__call_free(struct sw_http_call *call);
/* Fills response.err and response.failure, from how libcurl ended. */
void sw_http__call_ended(struct sw_http_call *call, CURLcode code);
void sw_http__call_cancelled(struct sw_http_call *call);

/* http_tls.c: trust, the client's certificate, and where the connection goes. */
void sw_http__set_connection(struct sw_http_call *call, const struct sw_http_request *from);
void sw_http__drop_connection(struct sw_http_call *call);

/* http_trace.c: "GET https://host/path?a=1 (note) {Header: value, …}", with everything that could be a secret left out. malloc'ed. */
char *sw_http__log_request(const struct sw_http_request *request);
void sw_http__log_end(const struct sw_http_call *call);

#endif
