/* libcurl's multi interface on libuv. libcurl tells which sockets to watch and when to call again (on_socket, on_timer_wish); every event
 * goes into curl_multi_socket_action(). Finished requests are collected after that returns and delivered on a later turn, so callbacks may
 * start or free anything: nothing of libcurl is on the stack then. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "http_internal.h"
#include "loop_uv.h"
#include "slipway/arena.h"
#include "slipway/clock.h"

enum { MAX_RUNNING = 64, MAX_PER_ORIGIN = 16, MAX_STREAMS = 64 };

struct watch { /* one socket */
    uv_poll_t poll;
    struct sw_http *http;
    curl_socket_t fd;
};

struct calls { /* a list */
    struct sw_http_call *first, *last;
};

struct http_origin { /* few: found by a walk, kept until the end */
    char *name;
    unsigned running;
    struct calls waiting;
    struct http_origin *next;
};

struct sw_http {
    struct sw_loop *loop;
    CURLM *multi;
    CURLSH *share;
    struct sw_timer *timer;
    struct http_origin *origins;
    unsigned n_running, n_streams;
    struct calls running, finished;
    bool posted, freed;
    unsigned delivering;
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static void init_curl(void) {
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

static void append(struct calls *list, struct sw_http_call *call) {
    call->previous = list->last;
    call->next = NULL;
    *(list->last ? &list->last->next : &list->first) = call;
    list->last = call;
}

static void take(struct calls *list, struct sw_http_call *call) {
    *(call->previous ? &call->previous->next : &list->first) = call->next;
    *(call->next ? &call->next->previous : &list->last) = call->previous;
}

/* ---- delivery ---- */

static void free_http(struct sw_http *http);

static void deliver(void *ctx) {
    struct sw_http *http = ctx;
    http->posted = false;
    http->delivering++;
    for (struct sw_http_call *call; (call = http->finished.first);) {
        take(&http->finished, call);
        call->done(call->ctx, &call->response);
        sw_http__call_free(call);
    }
    if (--http->delivering == 0 && http->freed) free_http(http);
}

static void finish(struct sw_http_call *call) {
    struct sw_http *http = call->http;
    if (call->state == HTTP_RUNNING) {
        take(&http->running, call);
        if (call->on_data) {
            http->n_streams--;
        } else {
            http->n_running--;
            call->origin->running--;
        }
    } else if (call->origin) {
        take(&call->origin->waiting, call);
    }
    call->state = HTTP_FINISHED;
    if (call->started_ms) call->response.elapsed_ms = sw_now_ms() - call->started_ms;
    sw_http__log_end(call);
    append(&http->finished, call);
    if (!http->posted) sw_loop_post(http->loop, deliver, http);
    http->posted = true;
}

/* ---- starting ---- */

static void start(struct sw_http_call *call) {
    struct sw_http *http = call->http;
    take(&call->origin->waiting, call);
    append(&http->running, call);
    call->state = HTTP_RUNNING;
    if (call->on_data) {
        http->n_streams++;
    } else {
        call->origin->running++;
        http->n_running++;
    }
    call->started_ms = sw_now_ms();
    curl_easy_setopt(call->easy, CURLOPT_SHARE, http->share);
    CURLMcode code = curl_multi_add_handle(http->multi, call->easy);
    if (code == CURLM_OK) return;
    sw_err_set(&call->response.err, SW_EINTERNAL, "%s: %s", call->label, curl_multi_strerror(code));
    call->response.failure = SW_HTTP_UNREACHABLE;
    finish(call);
}

static void start_waiting(struct sw_http *http) {
    bool found = true;
    while (found && !http->freed) { /* one of each origin in turn */
        found = false;
        for (struct http_origin *origin = http->origins; origin && http->n_running < MAX_RUNNING; origin = origin->next) {
            if (!origin->waiting.first || origin->running >= MAX_PER_ORIGIN) continue;
            start(origin->waiting.first);
            found = true;
        }
    }
}

static struct http_origin *find_origin(struct sw_http *http, const char *url) {
    const char *host = strstr(url, "://") + 3;
    size_t len = (size_t)(host - url) + strcspn(host, "/?#");
    for (struct http_origin *origin = http->origins; origin; origin = origin->next)
        if (strncmp(origin->name, url, len) == 0 && !origin->name[len]) return origin;
    struct http_origin *origin = sw_xcalloc(1, sizeof *origin);
    origin->name = sw_xstrndup(url, len);
    origin->next = http->origins;
    http->origins = origin;
    return origin;
}

/* ---- the events ---- */

static void collect(struct sw_http *http) {
    int left;
    for (CURLMsg *message; (message = curl_multi_info_read(http->multi, &left));) {
        if (message->msg != CURLMSG_DONE) continue;
        CURL *easy = message->easy_handle;
        CURLcode code = message->data.result; /* the message dies with the removal */
        struct sw_http_call *call = NULL;
        curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&call);
        sw_http__call_ended(call, code);
        curl_multi_remove_handle(http->multi, easy);
        finish(call);
    }
    start_waiting(http);
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
    http->multi = curl_multi_init();
    http->share = curl_share_init();
    if (!http->multi || !http->share) abort(); /* out of memory */
    curl_share_setopt(http->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
    curl_multi_setopt(http->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(http->multi, CURLMOPT_SOCKETDATA, http);
    curl_multi_setopt(http->multi, CURLMOPT_TIMERFUNCTION, on_timer_wish);
    curl_multi_setopt(http->multi, CURLMOPT_TIMERDATA, http);
    curl_multi_setopt(http->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)(MAX_RUNNING + MAX_STREAMS));
    curl_multi_setopt(http->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)(MAX_PER_ORIGIN + MAX_STREAMS));
    return http;
}

static void free_http(struct sw_http *http) {
    curl_multi_cleanup(http->multi); /* still calls on_socket and on_timer_wish */
    curl_share_cleanup(http->share);
    sw_timer_free(http->timer);
    sw_loop__unpost(http->loop, http);
    for (struct http_origin *origin = http->origins, *next; origin; origin = next) {
        next = origin->next;
        free(origin->name);
        free(origin);
    }
    free(http);
}

void sw_http_cancel(struct sw_http_call *call) {
    if (call->state == HTTP_FINISHED) return;
    if (call->state == HTTP_RUNNING) {
        curl_easy_setopt(call->easy, CURLOPT_QUICK_EXIT, 1L); /* else it waits for a name server's answer */
        curl_multi_remove_handle(call->http->multi, call->easy);
    }
    sw_http__call_cancelled(call);
    finish(call);
    start_waiting(call->http);
}

void sw_http_go_on(struct sw_http_call *call) {
    if (call->state == HTTP_RUNNING) curl_easy_pause(call->easy, CURLPAUSE_CONT);
}

void sw_http_free(struct sw_http *http) {
    if (!http || http->freed) return;
    http->freed = true;
    while (http->running.first) sw_http_cancel(http->running.first);
    for (struct http_origin *origin = http->origins; origin; origin = origin->next)
        while (origin->waiting.first) sw_http_cancel(origin->waiting.first);
    if (!http->delivering) deliver(http); /* frees; else the deliver() we are in does */
}

struct sw_http_call *sw_http_send(struct sw_http *http, const struct sw_http_request *request,
                                  void (*done)(void *ctx, struct sw_http_response *), void *ctx) {
    struct sw_http_call *call = sw_http__call_new(request);
    call->http = http;
    call->done = done;
    call->ctx = ctx;
    if (!call->response.err.code && http->freed) sw_http__call_cancelled(call);
    if (call->response.err.code) {
        finish(call);
        return call;
    }
    call->origin = find_origin(http, call->url);
    append(&call->origin->waiting, call);
    if (!call->on_data) {
        start_waiting(http);
    } else if (http->n_streams < MAX_STREAMS) {
        start(call);
    } else { /* one that waits would wait for ever: streams end when they like */
        sw_err_set(&call->response.err, SW_ELIMIT, "%s: more than %d streams at a time", call->label, MAX_STREAMS);
        call->response.failure = SW_HTTP_INVALID;
        finish(call);
    }
    return call;
}
