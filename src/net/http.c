/* libcurl's multi interface on libuv. libcurl tells which sockets to watch and when to call again (on_socket, on_timer_wish); every event
 * goes into curl_multi_socket_action(). Finished requests are collected after that returns and delivered on a later turn, so callbacks may
 * start or free anything: nothing of libcurl is on the stack then. */
#include "slipway/http.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "loop_uv.h"
#include "slipway/arena.h"

enum {
    TIMEOUT_MS = 30000,
    CONNECT_TIMEOUT_MS = 10000,
    MAX_BODY = 8 << 20,
    MAX_HEADERS = 256 << 10,
    MAX_CONNECTIONS = 64,
    MAX_PER_HOST = 16
};

struct request {
    struct sw_http *http;
    CURL *easy;
    struct curl_slist *headers;
    char *label; /* "GET https://host/path", without user, password and query: those can be secrets */
    char words[CURL_ERROR_SIZE];
    struct sw_http_response response;
    bool too_long;
    void (*done)(void *ctx, struct sw_http_response *);
    void *ctx;
    struct request *next;
};

struct watch { /* one socket */
    uv_poll_t poll;
    struct sw_http *http;
    curl_socket_t fd;
};

struct sw_http {
    struct sw_loop *loop;
    CURLM *multi;
    struct sw_timer *timer;
    struct request *running;
    struct request *finished, **finished_last;
    bool posted, freed;
    unsigned delivering;
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static void init_curl(void) {
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

/* ---- one request ---- */

static size_t on_body(char *p, size_t size, size_t n, void *ctx) {
    struct request *request = ctx;
    struct sw_str *body = &request->response.body;
    sw_str_add(body, p, size * n);
    request->too_long = body->overflow;
    return body->overflow ? 0 : size * n;
}

static size_t on_header(char *p, size_t size, size_t n, void *ctx) {
    struct request *request = ctx;
    struct sw_str *headers = &request->response.headers;
    if (size * n >= 5 && memcmp(p, "HTTP/", 5) == 0) sw_str_clear(headers); /* an answer such as 100 Continue came before */
    sw_str_add(headers, p, size * n);
    request->too_long = headers->overflow;
    return headers->overflow ? 0 : size * n;
}

static char *make_label(const char *method, const char *url) {
    const char *host = strstr(url, "://");
    host = host ? host + 3 : url;
    const char *at = memchr(host, '@', strcspn(host, "/?#"));
    const char *shown = at ? at + 1 : host;
    return sw_xprintf("%s %.*s%.*s", method, (int)(host - url), url, (int)strcspn(shown, "?#"), shown);
}

static void free_request(struct request *request) {
    curl_easy_cleanup(request->easy);
    curl_slist_free_all(request->headers);
    sw_err_done(&request->response.err);
    sw_str_done(&request->response.body);
    sw_str_done(&request->response.headers);
    free(request->label);
    free(request);
}

static void set_error(struct request *request, CURLcode code) {
    struct sw_err *err = &request->response.err;
    const char *words = request->words[0] ? request->words : curl_easy_strerror(code);
    switch (code) {
    case CURLE_OK: break;
    case CURLE_OPERATION_TIMEDOUT: sw_err_set(err, SW_ETIMEOUT, "%s: no answer in time", request->label); break;
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL: sw_err_set(err, SW_EINVAL, "%s: %s", request->label, words); break;
    case CURLE_PEER_FAILED_VERIFICATION:
        sw_err_set(err, SW_EUNREACHABLE, "%s: the server's TLS certificate is not trusted: %s", request->label, words);
        sw_err_hint(err, "name the CA that signed it");
        break;
    case CURLE_SSL_CACERT_BADFILE: sw_err_set(err, SW_EIO, "%s: %s", request->label, words); break;
    default:
        if (request->too_long || code == CURLE_FILESIZE_EXCEEDED)
            sw_err_set(err, SW_ELIMIT, "%s: the answer is longer than %zu bytes", request->label, request->response.body.max);
        else
            sw_err_set(err, SW_EUNREACHABLE, "%s: %s", request->label, words);
    }
}

/* ---- delivery ---- */

static void free_http(struct sw_http *http);

static void deliver(void *ctx) {
    struct sw_http *http = ctx;
    http->posted = false;
    http->delivering++;
    for (struct request *request; (request = http->finished);) {
        http->finished = request->next;
        if (!http->finished) http->finished_last = &http->finished;
        request->done(request->ctx, &request->response);
        free_request(request);
    }
    if (--http->delivering == 0 && http->freed) free_http(http);
}

static void finish(struct request *request) {
    struct sw_http *http = request->http;
    struct request **at = &http->running;
    while (*at && *at != request) at = &(*at)->next;
    if (*at) *at = request->next;
    request->next = NULL;
    *http->finished_last = request;
    http->finished_last = &request->next;
    if (!http->posted) sw_loop_post(http->loop, deliver, http);
    http->posted = true;
}

/* ---- the events ---- */

static void collect(struct sw_http *http) {
    int left;
    for (CURLMsg *message; (message = curl_multi_info_read(http->multi, &left));) {
        if (message->msg != CURLMSG_DONE) continue;
        CURL *easy = message->easy_handle;
        CURLcode code = message->data.result; /* the message dies with the removal */
        struct request *request = NULL;
        curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&request);
        curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &request->response.status);
        set_error(request, code);
        curl_multi_remove_handle(http->multi, easy);
        finish(request);
    }
}

static void act(struct sw_http *http, curl_socket_t fd, int events) {
    int running;
    curl_multi_socket_action(http->multi, fd, events, &running);
    collect(http);
}

static void on_timer(void *ctx) {
    struct sw_http *http = ctx;
    sw_timer_free(http->timer);
    http->timer = NULL;
    act(http, CURL_SOCKET_TIMEOUT, 0);
}

static int on_timer_wish(CURLM *multi, long timeout_ms, void *ctx) {
    (void)multi;
    struct sw_http *http = ctx;
    sw_timer_free(http->timer);
    http->timer = timeout_ms < 0 ? NULL
                                 : sw_timer_new(http->loop, (uint64_t)timeout_ms, 0, on_timer,
                                                http); /* also for 0: libcurl must not be called from here */
    return 0;
}

static void on_poll(uv_poll_t *poll, int status, int events) {
    struct watch *watch = poll->data;
    int flags = status < 0 ? CURL_CSELECT_ERR : 0;
    if (events & UV_READABLE) flags |= CURL_CSELECT_IN;
    if (events & UV_WRITABLE) flags |= CURL_CSELECT_OUT;
    act(watch->http, watch->fd, flags);
}

static void on_watch_closed(uv_handle_t *handle) {
    free(handle->data);
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *per_socket) {
    (void)easy;
    struct sw_http *http = ctx;
    struct watch *watch = per_socket;
    if (what == CURL_POLL_REMOVE) {
        if (watch) {
            curl_multi_assign(http->multi, fd, NULL);
            uv_poll_stop(&watch->poll);
            uv_close((uv_handle_t *)&watch->poll, on_watch_closed);
        }
        return 0;
    }
    if (!watch) {
        watch = sw_xcalloc(1, sizeof *watch);
        watch->http = http;
        watch->fd = fd;
        watch->poll.data = watch;
        if (uv_poll_init_socket(sw_loop__uv(http->loop), &watch->poll, fd) < 0) {
            free(watch);
            return -1;
        }
        curl_multi_assign(http->multi, fd, watch);
    }
    int events = (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0);
    uv_poll_start(&watch->poll, events, on_poll);
    return 0;
}

/* ---- the interface ---- */

struct sw_http *sw_http_new(struct sw_loop *loop) {
    pthread_once(&once, init_curl);
    struct sw_http *http = sw_xcalloc(1, sizeof *http);
    http->loop = loop;
    http->finished_last = &http->finished;
    http->multi = curl_multi_init();
    if (!http->multi) abort(); /* out of memory */
    curl_multi_setopt(http->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(http->multi, CURLMOPT_SOCKETDATA, http);
    curl_multi_setopt(http->multi, CURLMOPT_TIMERFUNCTION, on_timer_wish);
    curl_multi_setopt(http->multi, CURLMOPT_TIMERDATA, http);
    curl_multi_setopt(http->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)MAX_CONNECTIONS);
    curl_multi_setopt(http->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)MAX_PER_HOST);
    return http;
}

static void free_http(struct sw_http *http) {
    curl_multi_cleanup(http->multi); /* still calls on_socket and on_timer_wish */
    sw_timer_free(http->timer);
    sw_loop__unpost(http->loop, http);
    free(http);
}

void sw_http_free(struct sw_http *http) {
    if (!http || http->freed) return;
    http->freed = true;
    while (http->running) {
        struct request *request = http->running;
        curl_multi_remove_handle(http->multi, request->easy);
        sw_err_set(&request->response.err, SW_ECANCELLED, "%s: cancelled", request->label);
        finish(request);
    }
    if (!http->delivering) deliver(http); /* frees; else the deliver() we are in does */
}

static void add_headers(struct request *request, const struct sw_http_request *from) {
    bool typed = false;
    for (size_t i = 0; from->headers && from->headers[i]; i++) {
        typed |= strncasecmp(from->headers[i], "Content-Type:", 13) == 0;
        request->headers = curl_slist_append(request->headers, from->headers[i]);
    }
    request->headers = curl_slist_append(request->headers, "Expect:"); /* else libcurl waits a second for 100 Continue */
    if (!typed) request->headers = curl_slist_append(request->headers, "Content-Type:");
    curl_easy_setopt(request->easy, CURLOPT_HTTPHEADER, request->headers);
}

static void set_method(CURL *easy, const char *method, const struct sw_http_request *from) {
    bool sends = from->body_len || strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 || strcmp(method, "PATCH") == 0;
    if (sends) {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)from->body_len);
        curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, from->body_len ? from->body : "");
    } else if (strcmp(method, "HEAD") == 0) {
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
        return;
    }
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
}

void sw_http_send(struct sw_http *http, const struct sw_http_request *from, void (*done)(void *ctx, struct sw_http_response *), void *ctx) {
    const char *method = from->method ? from->method : "GET";
    struct request *request = sw_xcalloc(1, sizeof *request);
    request->http = http;
    request->done = done;
    request->ctx = ctx;
    request->label = make_label(method, from->url);
    request->response.body.max = from->max_body ? from->max_body : MAX_BODY;
    request->response.headers.max = MAX_HEADERS;
    CURL *easy = request->easy = curl_easy_init();
    if (!easy) abort(); /* out of memory */
    curl_easy_setopt(easy, CURLOPT_PRIVATE, (char *)request);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, request->words);
    curl_easy_setopt(easy, CURLOPT_URL, from->url);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "slipway/" SLIPWAY_VERSION);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)(from->timeout_ms ? from->timeout_ms : TIMEOUT_MS));
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS);
    curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE,
                     (curl_off_t)request->response.body.max); /* when the server tells the size: refused at once */
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, request);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, request);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    if (from->ca_file) curl_easy_setopt(easy, CURLOPT_CAINFO, from->ca_file);
    set_method(easy, method, from);
    add_headers(request, from);
    request->next = http->running;
    http->running = request;
    if (http->freed) {
        sw_err_set(&request->response.err, SW_ECANCELLED, "%s: cancelled", request->label);
        finish(request);
        return;
    }
    CURLMcode code = curl_multi_add_handle(http->multi, easy);
    if (code != CURLM_OK) {
        sw_err_set(&request->response.err, SW_EINTERNAL, "%s: %s", request->label, curl_multi_strerror(code));
        finish(request);
    }
}
