/* One request as libcurl wants it, and how its end is told. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "http_internal.h"
#include "slipway/arena.h"
#include "slipway/tunnel.h"
#include "slipway/vec.h"

enum {
    TIMEOUT_MS = 30000,
    CONNECT_TIMEOUT_MS = 10000,
    MAX_URL = 64 << 10,
    MAX_BODY = 8 << 20,
    MAX_HEADERS = 256 << 10, /* of an answer */
    MAX_HEADER = 64 << 10,   /* one of a request */
    MAX_TRIES_OF_A_GET = 5
};

/* ---- what libcurl calls ---- */

static size_t on_body(char *p, size_t size, size_t n, void *ctx) {
    struct sw_http_call *call = ctx;
    struct sw_str *body = &call->response.body;
    if (call->on_data) {
        curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &call->response.status);
        return call->on_data(call->ctx, &call->response, p, size * n) ? size * n : CURL_WRITEFUNC_PAUSE;
    }
    sw_str_add(body, p, size * n);
    call->too_long = body->overflow;
    return body->overflow ? 0 : size * n;
}

static size_t on_header(char *p, size_t size, size_t n, void *ctx) {
    struct sw_http_call *call = ctx;
    struct sw_str *headers = &call->response.headers;
    if (size * n >= 5 && memcmp(p, "HTTP/", 5) == 0) sw_str_clear(headers); /* an answer such as 100 Continue came before */
    sw_str_add(headers, p, size * n);
    call->too_long = headers->overflow;
    return headers->overflow ? 0 : size * n;
}

static bool may_be_repeated(const char *method) {
    return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
}

/* Before the request is written, each time: when a reused connection ends without an answer, libcurl writes it again on a new one. The server
 * may have acted by then, so that is for those only that change nothing. */
static int before_request(void *ctx, char *ip, char *local_ip, int port, int local_port) {
    (void)ip;
    (void)local_ip;
    (void)port;
    (void)local_port;
    struct sw_http_call *call = ctx;
    if (call->tries++ >= (may_be_repeated(call->method) ? MAX_TRIES_OF_A_GET : 1)) {
        call->refused = true;
        return CURL_PREREQFUNC_ABORT;
    }
    call->response.sent = true;
    return CURL_PREREQFUNC_OK;
}

/* ---- checks ---- */

static int check_url(const struct sw_http_request *from, const char *label, struct sw_err *err) {
    const char *url = from->url;
    size_t n = strlen(url);
    if (strncasecmp(url, "http://", 7) != 0 && strncasecmp(url, "https://", 8) != 0)
        return sw_err_set(err, SW_EINVAL, "%s: the URL starts with neither http:// nor https://", label);
    if (n > MAX_URL) return sw_err_set(err, SW_EINVAL, "%s: the URL is longer than %d bytes", label, MAX_URL);
    for (size_t i = 0; i < n; i++)
        if (!isgraph((unsigned char)url[i]))
            return sw_err_set(err, SW_EINVAL, "%s: the URL holds a character that must be percent-encoded (byte 0x%02x)", label,
                              (unsigned char)url[i]);
    return SW_OK;
}

static bool is_token(const char *p, size_t len) {
    if (!len) return false;
    for (size_t i = 0; i < len; i++)
        if (!p[i] || (!isalnum((unsigned char)p[i]) && !strchr("!#$%&'*+-.^_`|~", p[i]))) return false;
    return true;
}

static int check_header(const char *line, const char *label, struct sw_err *err) {
    const char *colon = strchr(line, ':');
    if (!colon || !is_token(line, (size_t)(colon - line)))
        return sw_err_set(err, SW_EINVAL, "%s: a header's name must be of letters, digits and '-'", label);
    int name = (int)(colon - line);
    if (strlen(line) > MAX_HEADER) return sw_err_set(err, SW_EINVAL, "%s: the header '%.*s' is too long", label, name, line);
    for (const char *p = colon; *p; p++)
        if ((unsigned char)*p < ' ' && *p != '\t')
            return sw_err_set(err, SW_EINVAL, "%s: the header '%.*s' holds a line break or another control character", label, name, line);
    return SW_OK;
}

static int check(const struct sw_http_request *from, const char *label, struct sw_err *err) {
    if (from->method && (!is_token(from->method, strlen(from->method)) || strlen(from->method) > 16))
        return sw_err_set(err, SW_EINVAL, "a request's method must be a word such as GET");
    int rc = check_url(from, label, err);
    const char *const *lists[] = {from->headers, from->secret_headers};
    for (size_t l = 0; l < 2; l++)
        for (size_t i = 0; rc == SW_OK && lists[l] && lists[l][i]; i++) rc = check_header(lists[l][i], label, err);
    return rc;
}

/* ---- making one ---- */

static char *make_label(const char *method, const char *url) {
    const char *host = strstr(url, "://");
    host = host ? host + 3 : url;
    const char *at = memchr(host, '@', strcspn(host, "/?#"));
    const char *shown = at ? at + 1 : host;
    return sw_xprintf("%s %.*s%.*s", method, (int)(host - url), url, (int)strcspn(shown, "?#"), shown);
}

static void add_header(struct sw_http_call *call, const char *line) {
    const char *value = strchr(line, ':') + 1;
    while (*value == ' ' || *value == '\t') value++;
    /* "Name:" would take a header out; "Name;" sends an empty one. */
    char *empty = *value ? NULL : sw_xprintf("%.*s;", (int)strcspn(line, ":"), line);
    call->headers = curl_slist_append(call->headers, empty ? empty : line);
    free(empty);
}

static void add_headers(struct sw_http_call *call, const struct sw_http_request *from) {
    bool typed = false;
    const char *const *lists[] = {from->headers, from->secret_headers};
    for (size_t l = 0; l < 2; l++) {
        for (size_t i = 0; lists[l] && lists[l][i]; i++) {
            typed |= strncasecmp(lists[l][i], "Content-Type:", 13) == 0;
            add_header(call, lists[l][i]);
        }
    }
    call->headers = curl_slist_append(call->headers, "Expect:"); /* else libcurl waits a second for 100 Continue */
    if (!typed) call->headers = curl_slist_append(call->headers, "Content-Type:");
    curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, call->headers);
}

static void set_body(struct sw_http_call *call, const struct sw_http_request *from) {
    const char *method = call->method;
    bool sends = from->body_len || strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 || strcmp(method, "PATCH") == 0;
    if (sends) {
        call->body = sw_xmalloc(from->body_len + 1);
        call->body_len = from->body_len;
        if (from->body_len) memcpy(call->body, from->body, from->body_len);
        call->body[from->body_len] = '\0';
        curl_easy_setopt(call->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)from->body_len);
        curl_easy_setopt(call->easy, CURLOPT_POSTFIELDS, call->body); /* not copied by libcurl: it would not wipe it */
    } else if (strcmp(method, "HEAD") == 0) {
        curl_easy_setopt(call->easy, CURLOPT_NOBODY, 1L);
        return;
    }
    curl_easy_setopt(call->easy, CURLOPT_CUSTOMREQUEST, method);
}

/* A cloud's metadata service is on the machine itself: a proxy cannot reach it, and must not see what it gives. */
static bool is_link_local(const char *url) {
    const char *host = strstr(url, "://") + 3;
    return strncmp(host, "169.254.", 8) == 0 || strncasecmp(host, "[fe80:", 6) == 0 || strncasecmp(host, "[fd00:ec2:", 10) == 0;
}

static void set_up(struct sw_http_call *call, const struct sw_http_request *from) {
    CURL *easy = call->easy = curl_easy_init();
    if (!easy) abort(); /* out of memory */
    curl_easy_setopt(easy, CURLOPT_PRIVATE, (char *)call);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->words);
    curl_easy_setopt(easy, CURLOPT_URL, from->url);
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L); /* what was signed is what travels */
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "slipway/" SLIPWAY_VERSION);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)(from->timeout_ms ? from->timeout_ms : TIMEOUT_MS));
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS);
    curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE,
                     (curl_off_t)call->response.body.max); /* when the server tells the size: refused at once */
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, call);
    curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L); /* a proxy's own answers */
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, before_request);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, call);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    /* A server that closes an idle connection while a request is under way leaves it unknown whether that was heard. */
    curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, may_be_repeated(call->method) ? 60L : 15L);
    if (is_link_local(from->url)) curl_easy_setopt(easy, CURLOPT_PROXY, "");
    sw_http__set_connection(call, from);
    set_body(call, from);
    add_headers(call, from);
}

struct sw_http_call *sw_http__call_new(const struct sw_http_request *from) {
    struct sw_http_call *call = sw_xcalloc(1, sizeof *call);
    call->method = sw_xstrdup(from->method ? from->method : "GET");
    call->url = sw_xstrdup(from->url);
    call->label = make_label(call->method, from->url);
    call->log = sw_http__log_request(from);
    call->response.body.max = from->max_body ? from->max_body : MAX_BODY;
    call->response.headers.max = MAX_HEADERS;
    call->on_data = from->on_data;
    if (check(from, call->label, &call->response.err) == SW_OK)
        set_up(call, from);
    else
        call->response.failure = SW_HTTP_INVALID;
    return call;
}

static void wipe_text(char *text) {
    if (text) sw_wipe(text, strlen(text));
    free(text);
}

void sw_http__call_free(struct sw_http_call *call) {
    curl_easy_cleanup(call->easy);
    sw_http__drop_connection(call);
    for (struct curl_slist *at = call->headers; at; at = at->next) sw_wipe(at->data, strlen(at->data));
    curl_slist_free_all(call->headers);
    if (call->body) sw_wipe(call->body, call->body_len);
    free(call->body);
    wipe_text(call->url);
    sw_err_done(&call->response.err);
    if (call->response.body.p) sw_wipe(call->response.body.p, call->response.body.len); /* it may be credentials */
    sw_str_done(&call->response.body);
    sw_str_done(&call->response.headers);
    free(call->method);
    free(call->label);
    free(call->log);
    free(call);
}

/* ---- how it ended ---- */

static void fail(struct sw_http_call *call, enum sw_http_failure failure, int code, const char *words) {
    call->response.failure = failure;
    sw_err_set(&call->response.err, code, "%s: %s", call->label, words);
}

/* What kept the tunnel from coming about, if that is it. */
static bool tunnel_failed(struct sw_http_call *call) {
    struct sw_err why = {0};
    if (!call->tunnel || call->response.sent || !sw_tunnel_error(call->tunnel, call->started_ms, &why)) return false;
    bool trust = why.code == SW_EHOSTKEY || why.code == SW_EAUTH;
    fail(call, trust ? SW_HTTP_TLS : why.code == SW_ETIMEOUT ? SW_HTTP_TIMEOUT : SW_HTTP_UNREACHABLE, why.code, why.message);
    if (why.hint) sw_err_hint(&call->response.err, "%s", why.hint);
    sw_err_done(&why);
    return true;
}

/* Of a failed handshake: no word of TLS, but that the connection ended, as it does when a server starts or stops. */
static bool has_ended(const char *words) {
    static const char *const starts[] = {"OpenSSL SSL_connect:", "Recv failure:", "Send failure:"};
    for (size_t i = 0; i < sw_countof(starts); i++)
        if (sw_starts_with(words, starts[i])) return true;
    return false;
}

static void set_error(struct sw_http_call *call, CURLcode code) {
    struct sw_err *err = &call->response.err;
    const char *words = call->words[0] ? call->words : curl_easy_strerror(code);
    if (code != CURLE_OK && tunnel_failed(call)) return;
    switch (code) {
    case CURLE_OK: break;
    case CURLE_OPERATION_TIMEDOUT: fail(call, SW_HTTP_TIMEOUT, SW_ETIMEOUT, "no answer in time"); break;
    case CURLE_URL_MALFORMAT: fail(call, SW_HTTP_INVALID, SW_EINVAL, words); break;
    case CURLE_UNSUPPORTED_PROTOCOL: /* of the URL, or what answered speaks no HTTP */
        if (call->response.sent)
            fail(call, SW_HTTP_UNREACHABLE, SW_EUNREACHABLE, words);
        else
            fail(call, SW_HTTP_INVALID, SW_EINVAL, words);
        break;
    case CURLE_PEER_FAILED_VERIFICATION:
        call->response.failure = SW_HTTP_TLS;
        sw_err_set(err, SW_EUNREACHABLE, "%s: the server's TLS certificate is not trusted: %s", call->label, words);
        sw_err_hint(err, "name the CA that signed it");
        break;
    case CURLE_SSL_CACERT_BADFILE: fail(call, SW_HTTP_TLS, SW_EIO, words); break;
    case CURLE_SSL_CONNECT_ERROR:
        if (has_ended(words)) {
            fail(call, SW_HTTP_UNREACHABLE, SW_EUNREACHABLE, words);
            break;
        }
        __attribute__((fallthrough));
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS: fail(call, SW_HTTP_TLS, SW_EUNREACHABLE, words); break;
    default:
        if (call->refused) {
            fail(call, SW_HTTP_UNREACHABLE, SW_EUNREACHABLE, "the connection ended before an answer came");
        } else if (call->too_long || code == CURLE_FILESIZE_EXCEEDED) {
            call->response.failure = SW_HTTP_TOO_LARGE;
            if (call->response.headers.overflow)
                sw_err_set(err, SW_ELIMIT, "%s: the answer's headers are longer than %d bytes", call->label, MAX_HEADERS);
            else
                sw_err_set(err, SW_ELIMIT, "%s: the answer is longer than %zu bytes", call->label, call->response.body.max);
        } else {
            fail(call, SW_HTTP_UNREACHABLE, SW_EUNREACHABLE, words);
        }
    }
}

void sw_http__call_ended(struct sw_http_call *call, CURLcode code) {
    curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &call->response.status);
    set_error(call, code);
}

void sw_http__call_cancelled(struct sw_http_call *call) {
    fail(call, SW_HTTP_CANCELLED, SW_ECANCELLED, "cancelled");
}

/* ---- headers of an answer ---- */

void sw_http_each_header(const struct sw_str *headers, void (*fn)(void *ctx, const char *name, const char *value, size_t len), void *ctx) {
    char name[128]; /* not on the heap: fn may leave by longjmp */
    const char *line = sw_str_z(headers), *end = line + headers->len;
    for (const char *newline; line < end; line = newline + 1) {
        newline = memchr(line, '\n', (size_t)(end - line));
        if (!newline) newline = end;
        const char *colon = memchr(line, ':', (size_t)(newline - line));
        if (!colon) continue; /* the status line, the empty line */
        size_t n = (size_t)(colon - line);
        if (n >= sizeof name || !is_token(line, n)) continue;
        for (size_t i = 0; i < n; i++) name[i] = (char)tolower((unsigned char)line[i]);
        name[n] = '\0';
        const char *from = colon + 1, *to = newline;
        while (from < to && isspace((unsigned char)*from)) from++;
        while (to > from && isspace((unsigned char)to[-1])) to--;
        fn(ctx, name, from, (size_t)(to - from));
    }
}
