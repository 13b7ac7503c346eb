/* The request log. Bodies are never in it; of headers and query parameters, only values whose names say that they are harmless. */
#include <string.h>
#include <strings.h>

#include "http_internal.h"
#include "slipway/arena.h"
#include "slipway/log.h"
#include "slipway/vec.h"

static bool tells_a_secret(const char *name, size_t len) {
    static const char *const words[] = {"auth",   "cookie",     "token", "secret", "passw",     "key",
                                        "signat", "credential", "code",  "sid",    "assertion", "session"};
    for (size_t i = 0; i < sw_countof(words); i++) {
        size_t n = strlen(words[i]);
        for (size_t at = 0; at + n <= len; at++)
            if (strncasecmp(name + at, words[i], n) == 0) return true;
    }
    return false;
}

static void add_url(struct sw_str *log, const char *url) {
    const char *host = strstr(url, "://");
    host = host ? host + 3 : url;
    const char *at = memchr(host, '@', strcspn(host, "/?#"));
    const char *shown = at ? at + 1 : host, *query = shown + strcspn(shown, "?#");
    sw_str_add(log, url, (size_t)(host - url));
    sw_str_add(log, shown, (size_t)(query - shown));
    for (size_t n; *query == '?' || *query == '&'; query += n) {
        size_t name = strcspn(query + 1, "=&#") + 1;
        n = strcspn(query + 1, "&#") + 1;
        sw_str_add(log, query, name);
        if (name == n) continue;
        if (tells_a_secret(query + 1, name - 1))
            sw_str_addz(log, "=(redacted)");
        else
            sw_str_add(log, query + name, n - name);
    }
}

static void add_headers(struct sw_str *log, const char *const *headers, bool secret, const char **between) {
    for (size_t i = 0; headers && headers[i]; i++) {
        const char *colon = strchr(headers[i], ':');
        size_t n = colon ? (size_t)(colon - headers[i]) : strlen(headers[i]);
        sw_str_addz(log, *between);
        sw_str_add(log, headers[i], n);
        if (colon) sw_str_addz(log, secret || tells_a_secret(headers[i], n) ? ": (redacted)" : colon);
        *between = ", ";
    }
}

char *sw_http__log_request(const struct sw_http_request *request) {
    if (!sw_log_on()) return NULL;
    struct sw_str log = {.max = 4096};
    const char *between = " {";
    sw_str_addf(&log, "%s ", request->method ? request->method : "GET");
    add_url(&log, request->url);
    if (request->note) sw_str_addf(&log, " (%s)", request->note);
    add_headers(&log, request->headers, false, &between);
    add_headers(&log, request->secret_headers, true, &between);
    if (*between == ',') sw_str_addc(&log, '}');
    return sw_str_take(&log);
}

void sw_http__log_end(const struct sw_http_call *call) {
    if (!call->log) return;
    const struct sw_http_response *r = &call->response;
    char result[32];
    snprintf(result, sizeof result, "%ld", r->status);
    /* An error's message starts with the request, which is there already. */
    size_t skip = strlen(call->label) + 2;
    const char *words = r->err.code ? (strlen(r->err.message) > skip ? r->err.message + skip : r->err.message) : result;
    long version = 0, connections = 0;
    if (call->easy) {
        curl_easy_getinfo(call->easy, CURLINFO_HTTP_VERSION, &version);
        curl_easy_getinfo(call->easy, CURLINFO_NUM_CONNECTS, &connections);
    }
    sw_log("http", "%s: %s in %llu ms, %zu bytes out, %zu bytes in%s%s%s%s", call->log, words, (unsigned long long)r->elapsed_ms,
           call->body_len, r->body.len, version == CURL_HTTP_VERSION_2_0 ? ", HTTP/2" : "", connections ? ", new connection" : "",
           r->err.code && r->sent ? ", sent" : "", r->err.code && !r->sent ? ", nothing sent" : "");
}
