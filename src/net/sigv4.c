/* Signing: the canonical request is written into one buffer, hashed, and the hash signed with a key derived for day, region and service. */
#include "slipway/sigv4.h"

#include <ctype.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "slipway/arena.h"
#include "slipway/http.h"
#include "slipway/vec.h"

enum { MAX_PARAMETERS = 2000, MAX_FIELDS = 128, HASH = SHA256_DIGEST_LENGTH };

struct field { /* one header */
    char *name, *value;
};

struct signing {
    const struct sw_sigv4 *with;
    const struct sw_http_request *request;
    const char *authority, *path, *query; /* in the URL */
    size_t authority_len, path_len, query_len;
    struct field fields[MAX_FIELDS];
    size_t n_fields;
    char time[17]; /* 20150830T123600Z */
    char body_hash[2 * HASH + 1];
    struct sw_str scope, names, canonical;
};

/* ---- encoding ---- */

static bool unreserved(unsigned char c) {
    return isalnum(c) || c == '-' || c == '_' || c == '.' || c == '~';
}

static void add_encoded(struct sw_str *s, unsigned char c) {
    if (unreserved(c))
        sw_str_addc(s, (char)c);
    else
        sw_str_addf(s, "%%%02X", c);
}

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/* Encodes what may be encoded already: once decoded, there is one way to write it. `keep` stays as it is. */
static void add_reencoded(struct sw_str *s, const char *p, size_t len, char keep) {
    for (size_t i = 0; i < len; i++) {
        if (p[i] == '%' && len - i > 2 && hex_digit(p[i + 1]) >= 0 && hex_digit(p[i + 2]) >= 0) {
            add_encoded(s, (unsigned char)(hex_digit(p[i + 1]) << 4 | hex_digit(p[i + 2])));
            i += 2;
        } else if (p[i] == keep && keep) {
            sw_str_addc(s, keep);
        } else {
            add_encoded(s, (unsigned char)p[i]);
        }
    }
}

static void hex(const unsigned char *p, size_t len, char *ret) {
    for (size_t i = 0; i < len; i++) {
        ret[2 * i] = "0123456789abcdef"[p[i] >> 4];
        ret[2 * i + 1] = "0123456789abcdef"[p[i] & 15];
    }
    ret[2 * len] = '\0';
}

static void hash_hex(const char *p, size_t len, char ret[2 * HASH + 1]) {
    unsigned char hash[HASH];
    SHA256((const unsigned char *)p, len, hash);
    hex(hash, HASH, ret);
}

/* ---- the URL ---- */

static int split_url(struct signing *s, struct sw_err *err) {
    const char *url = s->request->url, *after = strstr(url, "://");
    if (!after) return sw_err_set(err, SW_EINVAL, "the URL has no scheme");
    s->authority = after + 3;
    s->authority_len = strcspn(s->authority, "/?#");
    const char *at = memchr(s->authority, '@', s->authority_len);
    if (at) {
        s->authority_len -= (size_t)(at + 1 - s->authority);
        s->authority = at + 1;
    }
    /* The port a scheme has anyway is not sent in Host. */
    const char *port = strncasecmp(url, "https", 5) == 0 ? ":443" : ":80";
    size_t n = strlen(port);
    if (s->authority_len > n && memcmp(s->authority + s->authority_len - n, port, n) == 0) s->authority_len -= n;
    if (!s->authority_len) return sw_err_set(err, SW_EINVAL, "the URL has no host");
    s->path = s->authority + strcspn(s->authority, "/?#");
    s->path_len = strcspn(s->path, "?#");
    s->query = s->path + s->path_len;
    if (*s->query == '?') s->query++;
    s->query_len = strcspn(s->query, "#");
    if (memchr(s->query, '+', s->query_len)) {
        sw_err_set(err, SW_EINVAL, "the URL's query holds a '+', which some read as a space");
        sw_err_hint(err, "write %%2B or %%20");
        return SW_EINVAL;
    }
    return SW_OK;
}

/* Without "." and "..", and with single slashes; a slash at the end stays. */
static void add_normalised(struct sw_str *out, const char *p, size_t len) {
    struct sw_str path = {0};
    bool slash = true;
    for (size_t i = 0; i < len;) {
        size_t n = strcspn(p + i, "/");
        if (n > len - i) n = len - i;
        bool dot = n == 1 && p[i] == '.', up = n == 2 && p[i] == '.' && p[i + 1] == '.';
        if (up) {
            while (path.len && path.p[path.len - 1] != '/') path.len--;
            if (path.len) path.len--;
        } else if (n && !dot) {
            sw_str_addc(&path, '/');
            sw_str_add(&path, p + i, n);
        }
        slash = i + n < len || dot || up;
        i += n + 1;
    }
    if (slash) sw_str_addc(&path, '/');
    for (size_t i = 0; i < path.len; i++) {
        if (path.p[i] == '/')
            sw_str_addc(out, '/');
        else
            add_encoded(out, (unsigned char)path.p[i]);
    }
    sw_str_done(&path);
}

static void add_path(struct signing *s) {
    if (!s->path_len)
        sw_str_addc(&s->canonical, '/');
    else if (s->with->raw_path)
        add_reencoded(&s->canonical, s->path, s->path_len, '/');
    else
        add_normalised(&s->canonical, s->path, s->path_len);
}

struct parameter {
    size_t name, value; /* offsets of encoded, NUL-terminated texts */
    const struct sw_str *texts;
};

static int by_name_and_value(const void *a, const void *b) {
    const struct parameter *x = a, *y = b;
    const char *texts = x->texts->p;
    int order = strcmp(texts + x->name, texts + y->name);
    return order ? order : strcmp(texts + x->value, texts + y->value);
}

/* Sorted as pairs of encoded name and encoded value: "a=" and "a-b=" sort differently as whole texts. */
static int add_query(struct signing *s, struct sw_err *err) {
    struct {
        struct parameter *v;
        size_t n, cap;
    } list = {0};
    struct sw_str texts = {0};
    for (size_t i = 0; i < s->query_len;) {
        const char *p = s->query + i;
        size_t n = strcspn(p, "&#"), name = strcspn(p, "=&#");
        i += n + 1;
        if (!n) continue;
        struct parameter parameter = {.name = texts.len, .texts = &texts};
        add_reencoded(&texts, p, name, '\0');
        sw_str_addc(&texts, '\0');
        parameter.value = texts.len;
        if (name < n) add_reencoded(&texts, p + name + 1, n - name - 1, '\0');
        sw_str_addc(&texts, '\0');
        sw_vec_push(&list, parameter);
    }
    int rc = list.n > MAX_PARAMETERS ? sw_err_set(err, SW_ELIMIT, "the URL has more than %d query parameters", MAX_PARAMETERS) : SW_OK;
    if (rc == SW_OK && list.n) {
        qsort(list.v, list.n, sizeof *list.v, by_name_and_value);
        for (size_t i = 0; i < list.n; i++)
            sw_str_addf(&s->canonical, "%s%s=%s", i ? "&" : "", texts.p + list.v[i].name, texts.p + list.v[i].value);
    }
    if (texts.p) sw_wipe(texts.p, texts.cap); /* a query may hold a secret */
    sw_str_done(&texts);
    sw_vec_done(&list);
    return rc;
}

/* ---- headers ---- */

/* Proxies and libcurl change these on the way. */
static bool never_signed(const char *name) {
    static const char *const names[] = {"authorization", "connection",        "expect",     "keep-alive",     "te", "trailer",
                                        "upgrade",       "transfer-encoding", "user-agent", "x-amzn-trace-id"};
    for (size_t i = 0; i < sw_countof(names); i++)
        if (strcmp(name, names[i]) == 0) return true;
    return sw_starts_with(name, "proxy-");
}

/* Takes the name in lower case and the value with each run of white space as one space. */
static int add_field(struct signing *s, const char *line, struct sw_err *err) {
    const char *colon = strchr(line, ':');
    if (!colon) return SW_OK; /* libcurl's own forms: nothing is sent by them that could be signed */
    if (s->n_fields == MAX_FIELDS) return sw_err_set(err, SW_ELIMIT, "more than %d headers to sign", MAX_FIELDS);
    struct field field = {sw_xstrndup(line, (size_t)(colon - line)), NULL};
    for (char *p = field.name; *p; p++) *p = (char)tolower((unsigned char)*p);
    if (never_signed(field.name)) {
        free(field.name);
        return SW_OK;
    }
    field.value = sw_xmalloc(strlen(colon) + 1);
    size_t n = 0;
    for (const char *p = colon + 1; *p; p++) {
        if (!isspace((unsigned char)*p))
            field.value[n++] = *p;
        else if (n && field.value[n - 1] != ' ')
            field.value[n++] = ' ';
    }
    while (n && field.value[n - 1] == ' ') n--;
    field.value[n] = '\0';
    s->fields[s->n_fields++] = field;
    return SW_OK;
}

static bool has_field(const struct signing *s, const char *name) {
    for (size_t i = 0; i < s->n_fields; i++)
        if (strcmp(s->fields[i].name, name) == 0) return true;
    return false;
}

/* By name; equal names stay in order. There are few. */
static void sort_fields(struct signing *s) {
    for (size_t i = 1; i < s->n_fields; i++) {
        struct field field = s->fields[i];
        size_t at = i;
        for (; at > 0 && strcmp(s->fields[at - 1].name, field.name) > 0; at--) s->fields[at] = s->fields[at - 1];
        s->fields[at] = field;
    }
}

/* The headers that come from the signature itself, into `ret` and among those that are signed. */
static int own_headers(struct signing *s, struct sw_sigv4_headers *ret, struct sw_err *err) {
    static const char *const own[] = {"x-amz-date", "x-amz-security-token", "x-amz-content-sha256"};
    for (size_t i = 0; i < sw_countof(own); i++)
        if (has_field(s, own[i])) return sw_err_set(err, SW_EINVAL, "the header '%s' is the signature's own: leave it out", own[i]);
    size_t n = 0;
    if (!has_field(s, "host")) ret->lines[n++] = sw_xprintf("Host: %.*s", (int)s->authority_len, s->authority);
    ret->lines[n++] = sw_xprintf("X-Amz-Date: %s", s->time);
    if (s->with->token) ret->lines[n++] = sw_xprintf("X-Amz-Security-Token: %s", s->with->token);
    if (s->with->body_hash) ret->lines[n++] = sw_xprintf("X-Amz-Content-Sha256: %s", s->body_hash);
    int rc = SW_OK;
    for (size_t i = 0; i < n && rc == SW_OK; i++) rc = add_field(s, ret->lines[i], err);
    return rc;
}

static void add_fields(struct signing *s) {
    for (size_t i = 0; i < s->n_fields; i++) {
        const struct field *field = &s->fields[i];
        bool again = i > 0 && strcmp(field->name, s->fields[i - 1].name) == 0;
        if (again) {
            sw_str_addf(&s->canonical, ",%s", field->value);
            continue;
        }
        sw_str_addf(&s->canonical, "%s%s:%s", i ? "\n" : "", field->name, field->value);
        sw_str_addf(&s->names, "%s%s", i ? ";" : "", field->name);
    }
    sw_str_addf(&s->canonical, "\n\n%s\n", s->names.p);
}

/* ---- the signature ---- */

static void hmac(const unsigned char *key, size_t key_len, const char *text, unsigned char ret[HASH]) {
    unsigned len = 0;
    if (!HMAC(EVP_sha256(), key, (int)key_len, (const unsigned char *)text, strlen(text), ret, &len)) abort(); /* out of memory */
}

static void derive(const struct signing *s, unsigned char key[HASH]) {
    char *first = sw_xprintf("AWS4%s", s->with->secret);
    char day[9];
    snprintf(day, sizeof day, "%.8s", s->time);
    hmac((const unsigned char *)first, strlen(first), day, key);
    hmac(key, HASH, s->with->region, key);
    hmac(key, HASH, s->with->service, key);
    hmac(key, HASH, "aws4_request", key);
    sw_wipe(first, strlen(first));
    free(first);
}

static void signing_key(const struct signing *s, struct sw_sigv4_keys *keys, unsigned char key[HASH]) {
    if (!keys) {
        derive(s, key);
        return;
    }
    unsigned char id[HASH]; /* the secret is part of it: the same access key may come with a wrong one first */
    char *text = sw_xprintf("%s/%s/%s", s->with->key, sw_str_z(&s->scope), s->with->secret);
    SHA256((unsigned char *)text, strlen(text), id);
    sw_wipe(text, strlen(text));
    free(text);
    size_t oldest = 0;
    for (size_t i = 0; i < sw_countof(keys->v); i++) {
        if (keys->v[i].used && memcmp(keys->v[i].id, id, HASH) == 0) {
            keys->v[i].used = ++keys->clock;
            memcpy(key, keys->v[i].key, HASH);
            return;
        }
        if (keys->v[i].used < keys->v[oldest].used) oldest = i;
    }
    derive(s, key);
    memcpy(keys->v[oldest].id, id, HASH);
    memcpy(keys->v[oldest].key, key, HASH);
    keys->v[oldest].used = ++keys->clock;
}

static char *authorization(struct signing *s, struct sw_sigv4_keys *keys) {
    unsigned char key[HASH], signature[HASH];
    char hash[2 * HASH + 1], text[2 * HASH + 1];
    hash_hex(s->canonical.p, s->canonical.len, hash);
    signing_key(s, keys, key);
    char *to_sign = sw_xprintf("AWS4-HMAC-SHA256\n%s\n%s\n%s", s->time, s->scope.p, hash);
    hmac(key, HASH, to_sign, signature);
    hex(signature, HASH, text);
    sw_wipe(key, sizeof key);
    free(to_sign);
    return sw_xprintf("Authorization: AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s", s->with->key, s->scope.p,
                      s->names.p, text);
}

static int check_words(const struct sw_sigv4 *with, struct sw_err *err) {
    const struct {
        const char *what, *text;
    } words[] = {{"service", with->service}, {"region", with->region}, {"access key", with->key}, {"secret key", with->secret}};
    for (size_t i = 0; i < sw_countof(words); i++) {
        const char *text = words[i].text;
        size_t n = text ? strlen(text) : 0;
        if (n == 0 || n > 512) return sw_err_set(err, SW_EINVAL, "signing needs a %s of 1 to 512 characters", words[i].what);
        for (size_t at = 0; at < n; at++)
            if (!isgraph((unsigned char)text[at]) || (i < 3 && strchr("/,;", text[at])))
                return sw_err_set(err, SW_EINVAL, "the %s holds a character that does not belong there", words[i].what);
    }
    if (with->token) {
        size_t n = strlen(with->token);
        if (n == 0 || n > 16384) return sw_err_set(err, SW_EINVAL, "signing needs a session token of 1 to 16384 characters, or none");
        for (size_t at = 0; at < n; at++)
            if (!isgraph((unsigned char)with->token[at]))
                return sw_err_set(err, SW_EINVAL, "the session token holds a character that does not belong there");
    }
    return SW_OK;
}

static int canonicalise(struct signing *s, struct sw_sigv4_headers *ret, struct sw_err *err) {
    const struct sw_http_request *request = s->request;
    struct tm tm;
    time_t at = (time_t)s->with->time;
    if (s->with->time < 0 || s->with->time > 253402300799 || !gmtime_r(&at, &tm) ||
        !strftime(s->time, sizeof s->time, "%Y%m%dT%H%M%SZ", &tm))
        return sw_err_set(err, SW_EINVAL, "the time to sign at is out of range");
    int rc = check_words(s->with, err);
    if (rc == SW_OK) rc = split_url(s, err);
    const char *const *lists[] = {request->headers, request->secret_headers};
    for (size_t l = 0; l < 2; l++)
        for (size_t i = 0; rc == SW_OK && lists[l] && lists[l][i]; i++) rc = add_field(s, lists[l][i], err);
    if (rc != SW_OK) return rc;
    hash_hex(request->body_len ? request->body : "", request->body_len, s->body_hash);
    sw_str_addf(&s->scope, "%.8s/%s/%s/aws4_request", s->time, s->with->region, s->with->service);
    rc = own_headers(s, ret, err);
    if (rc != SW_OK) return rc;
    sort_fields(s);
    sw_str_addf(&s->canonical, "%s\n", request->method ? request->method : "GET");
    add_path(s);
    sw_str_addc(&s->canonical, '\n');
    rc = add_query(s, err);
    sw_str_addc(&s->canonical, '\n');
    add_fields(s);
    sw_str_addz(&s->canonical, s->body_hash);
    return rc;
}

int sw_sigv4_sign(const struct sw_sigv4 *with, struct sw_sigv4_keys *keys, const struct sw_http_request *request,
                  struct sw_sigv4_headers *ret, struct sw_err *err) {
    struct signing s = {.with = with, .request = request};
    *ret = (struct sw_sigv4_headers){0};
    int rc = canonicalise(&s, ret, err);
    if (rc == SW_OK) {
        size_t n = 0;
        while (ret->lines[n]) n++;
        ret->lines[n] = authorization(&s, keys);
    } else {
        sw_sigv4_headers_done(ret);
        sw_err_frame(err, "signing a request for %s", with->service ? with->service : "AWS");
    }
    for (size_t i = 0; i < s.n_fields; i++) {
        sw_wipe(s.fields[i].value, strlen(s.fields[i].value));
        free(s.fields[i].value);
        free(s.fields[i].name);
    }
    if (s.canonical.p) sw_wipe(s.canonical.p, s.canonical.cap);
    sw_str_done(&s.canonical);
    sw_str_done(&s.scope);
    sw_str_done(&s.names);
    return rc;
}

void sw_sigv4_headers_done(struct sw_sigv4_headers *headers) {
    for (size_t i = 0; headers->lines[i]; i++) {
        sw_wipe(headers->lines[i], strlen(headers->lines[i]));
        free(headers->lines[i]);
    }
    *headers = (struct sw_sigv4_headers){0};
}

void sw_sigv4_keys_done(struct sw_sigv4_keys *keys) {
    sw_wipe(keys, sizeof *keys);
}
