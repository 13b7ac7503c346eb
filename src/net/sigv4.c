/* Signing: the canonical request is written into one buffer, hashed, and the hash signed with a key derived for day, region and service. */
#include "slipway/sigv4.h"

#include <ctype.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sigv4_url.h"
#include "slipway/arena.h"
#include "slipway/hash.h"
#include "slipway/http.h"
#include "slipway/vec.h"

enum { MAX_FIELDS = 128, HASH = SHA256_DIGEST_LENGTH };

struct field { /* one header */
    char *name, *value;
};

struct signing {
    const struct sw_sigv4 *with;
    const struct sw_http_request *request;
    struct sigv4_url url;
    struct field fields[MAX_FIELDS];
    size_t n_fields;
    char time[17]; /* 20150830T123600Z */
    char body_hash[2 * HASH + 1];
    struct sw_str scope, names, canonical;
};

/* ---- hashes ---- */

static void hex(const unsigned char *p, size_t len, char *ret) {
    for (size_t i = 0; i < len; i++) {
        ret[2 * i] = "0123456789abcdef"[p[i] >> 4];
        ret[2 * i + 1] = "0123456789abcdef"[p[i] & 15];
    }
    ret[2 * len] = '\0';
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
    if (!has_field(s, "host")) ret->lines[n++] = sw_xprintf("Host: %.*s", (int)s->url.authority_len, s->url.authority);
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
    sw_sha256(s->canonical.p, s->canonical.len, hash);
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
    if (rc == SW_OK) rc = sw_sigv4__split(request->url, &s->url, err);
    const char *const *lists[] = {request->headers, request->secret_headers};
    for (size_t l = 0; l < 2; l++)
        for (size_t i = 0; rc == SW_OK && lists[l] && lists[l][i]; i++) rc = add_field(s, lists[l][i], err);
    if (rc != SW_OK) return rc;
    sw_sha256(request->body_len ? request->body : "", request->body_len, s->body_hash);
    sw_str_addf(&s->scope, "%.8s/%s/%s/aws4_request", s->time, s->with->region, s->with->service);
    rc = own_headers(s, ret, err);
    if (rc != SW_OK) return rc;
    sort_fields(s);
    sw_str_addf(&s->canonical, "%s\n", request->method ? request->method : "GET");
    sw_sigv4__add_path(&s->canonical, &s->url, s->with->raw_path);
    sw_str_addc(&s->canonical, '\n');
    rc = sw_sigv4__add_query(&s->canonical, &s->url, err);
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
