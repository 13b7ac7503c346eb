/* Fetching what is wanted, one after the other: there are few, and each is told of. */
#include "download.h"

#include <string.h>

#include "slipway/hash.h"
#include "slipway/http.h"
#include "slipway/vec.h"

enum { MAX_REDIRECTS = 5, ATTEMPTS = 3, TIMEOUT_MS = 120000 };

struct fetch {
    bool done;
    struct sw_http_response response;
    const char *location; /* in the arena */
    struct sw_arena *arena;
};

static void on_answer(void *ctx, struct sw_http_response *response) {
    struct fetch *fetch = ctx;
    fetch->response = *response; /* taken over */
    *response = (struct sw_http_response){0};
    fetch->done = true;
}

static void on_header(void *ctx, const char *name, const char *value, size_t len) {
    struct fetch *fetch = ctx;
    if (strcmp(name, "location") == 0) fetch->location = sw_strndup(fetch->arena, value, len);
}

static void drop(struct fetch *fetch) {
    sw_err_done(&fetch->response.err);
    sw_str_done(&fetch->response.body);
    sw_str_done(&fetch->response.headers);
}

/* One answer, with its redirects followed: from https to https only. */
static int get(struct sw_downloads *d, struct sw_http *http, struct sw_loop *loop, const char *url, struct sw_str *ret, bool *ret_again,
               struct sw_err *err) {
    const char *at = url;
    for (unsigned i = 0; i <= MAX_REDIRECTS; i++) {
        struct fetch fetch = {.arena = d->arena};
        struct sw_http_request request = {.url = at, .timeout_ms = TIMEOUT_MS, .max_body = SW_DOWNLOAD_MAX};
        sw_http_send(http, &request, on_answer, &fetch);
        sw_loop_run(loop, &fetch.done);
        long status = fetch.response.status;
        int rc = fetch.response.failure;
        if (rc) {
            *ret_again = rc == SW_HTTP_UNREACHABLE || rc == SW_HTTP_TIMEOUT;
            rc = fetch.response.err.code;
            sw_err_move(err, &fetch.response.err);
            if (rc == SW_ELIMIT) sw_err_hint(err, "a file may have %d MiB", SW_DOWNLOAD_MAX >> 20);
        } else if (status == 200) {
            sw_str_add(ret, sw_str_z(&fetch.response.body), fetch.response.body.len);
        } else if (status == 301 || status == 302 || status == 303 || status == 307 || status == 308) {
            sw_http_each_header(&fetch.response.headers, on_header, &fetch);
            if (!fetch.location || (!sw_starts_with(fetch.location, "https://") &&
                                    !(sw_starts_with(at, "http://") && sw_starts_with(fetch.location, "http://"))))
                rc = sw_err_set(err, SW_EREFUSED, "the server sends us on to '%s', which is not followed",
                                fetch.location ? fetch.location : "nowhere");
        } else {
            *ret_again = status == 429 || status >= 500;
            rc = sw_err_set(err, SW_EREMOTE, "the server answered %ld", status);
        }
        drop(&fetch);
        if (rc || status == 200) return rc;
        at = fetch.location;
    }
    return sw_err_set(err, SW_EREMOTE, "more than %d redirects", MAX_REDIRECTS);
}

static int fetch_one(struct sw_downloads *d, struct sw_http *http, struct sw_loop *loop, const struct sw_pin *wanted, struct sw_err *err) {
    const char *mirror = d->options.mirror, *from = wanted->url;
    char hex[65];
    if (mirror)
        from = sw_printf(d->arena, "%s%s%s", mirror, sw_ends_with(mirror, "/") ? "" : "/", sw_download__place(d->arena, wanted->url));
    if (!mirror && !wanted->sha256 && sw_starts_with(from, "http://")) {
        sw_err_set(err, SW_EREFUSED, "without https nobody knows who answers");
        sw_err_hint(err, "use https, or give its sha256");
        return SW_EREFUSED;
    }
    struct sw_str body = {0};
    int rc = SW_OK;
    for (unsigned i = 0; i < ATTEMPTS; i++) {
        struct sw_err own = {0};
        bool again = false;
        body.len = 0;
        rc = get(d, http, loop, from, &body, &again, &own);
        if (rc && (!again || i + 1 == ATTEMPTS)) sw_err_move(err, &own);
        sw_err_done(&own);
        if (!rc || !again) break;
    }
    if (rc == SW_OK) {
        sw_sha256(sw_str_z(&body), body.len, hex);
        if (wanted->sha256 && strcmp(hex, wanted->sha256) != 0) {
            rc = sw_err_set(err, SW_ECONFLICT, "it is not what was pinned: its SHA-256 is %s, wanted %s", hex, wanted->sha256);
            sw_err_hint(err, "somebody changed the file behind the URL: look why before you take the new one");
        }
    }
    if (rc == SW_OK) rc = sw_download__keep(d, &body, hex, err);
    if (rc == SW_OK && !wanted->sha256) sw_download__pin(d, wanted->url, hex);
    sw_str_done(&body);
    if (rc) sw_err_frame(err, "fetching '%s'", from);
    return rc;
}

int sw_downloads_fetch(struct sw_downloads *d, struct sw_loop *loop, void (*tell)(void *ctx, const char *url), void *ctx,
                       struct sw_err *err) {
    struct sw_http *http = sw_http_new(loop);
    int rc = SW_OK;
    for (size_t i = 0; i < d->wanted.n && rc == SW_OK; i++) {
        if (tell) tell(ctx, d->wanted.v[i].url);
        rc = fetch_one(d, http, loop, &d->wanted.v[i], err);
    }
    d->wanted.n = 0;
    sw_http_free(http);
    struct sw_err own = {0};
    int written = sw_download__write_lock(d, &own); /* also after a failure: what came is kept */
    if (rc == SW_OK && written) {
        rc = written;
        sw_err_move(err, &own);
    }
    sw_err_done(&own);
    return rc;
}
