#include "slipway/vault.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "slipway/file.h"
#include "slipway/http.h"

enum { MAX_TOKEN = 64 << 10 };

struct reading {
    bool done;
    long status;
    struct sw_str body;
    struct sw_err err;
};

static void on_answer(void *ctx, struct sw_http_response *response) {
    struct reading *reading = ctx;
    reading->done = true;
    reading->status = response->status;
    sw_err_move(&reading->err, &response->err);
    reading->body = response->body; /* taken whole, so that no copy of the secret stays */
    response->body = (struct sw_str){0};
}

/* VAULT_x, or BAO_x as OpenBao calls it. */
static const char *setting(const char *vault, const char *bao) {
    const char *value = getenv(vault);
    if (!value || !*value) value = getenv(bao);
    return value && *value ? value : NULL;
}

static int get_token(struct sw_str *ret, struct sw_err *err) {
    const char *given = setting("VAULT_TOKEN", "BAO_TOKEN");
    if (given) {
        sw_str_addz(ret, given);
        return SW_OK;
    }
    char *path = sw_expand_home("~/.vault-token");
    int rc = sw_file_read(path, MAX_TOKEN, ret, NULL);
    free(path);
    while (ret->len && isspace((unsigned char)ret->p[ret->len - 1])) ret->p[--ret->len] = '\0';
    if (rc == SW_OK && ret->len) return SW_OK;
    sw_err_set(err, SW_EAUTH, "no Vault token");
    sw_err_hint(err, "run `vault login`, or set VAULT_TOKEN");
    return SW_EAUTH;
}

/* The path, percent-encoded but for its slashes. */
static void add_path(struct sw_str *url, const char *p, size_t len) {
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)p[i];
        if (isalnum(c) || strchr("/-_.~", c))
            sw_str_addc(url, (char)c);
        else
            sw_str_addf(url, "%%%02X", c);
    }
}

/* Vault's own words: {"errors": ["permission denied"]}. */
static void add_words(struct sw_arena *arena, const struct sw_str *body, struct sw_err *err) {
    const struct sw_value *answer;
    if (sw_json_read(arena, sw_str_z(body), body->len, SW_JSON_PLAIN, &answer, NULL) != SW_OK) return;
    const struct sw_value *errors = sw_get(answer, "errors");
    struct sw_str words = {0};
    for (size_t i = 0; sw_is(errors, SW_LIST) && i < errors->list.n; i++) {
        if (sw_is(errors->list.v[i], SW_STR)) sw_str_addf(&words, "%s\n", errors->list.v[i]->s.p);
    }
    if (words.len) sw_err_detail(err, words.p, words.len);
    sw_str_done(&words);
}

static int refuse(const char *ref, const struct reading *reading, struct sw_arena *arena, struct sw_err *err) {
    int code = SW_EREMOTE;
    if (reading->status == 403) {
        code = SW_EAUTH;
        sw_err_set(err, code, "Vault refused to show '%s'", ref);
        sw_err_hint(err, "is the token still valid, and does its policy allow to read this path?");
    } else if (reading->status == 404) {
        code = SW_ENOTFOUND;
        sw_err_set(err, code, "Vault has no secret '%s'", ref);
        sw_err_hint(err, strstr(ref, "/data/") ? "was its newest version deleted?"
                                               : "paths of the KV engine version 2 have /data/ after the mount: secret/data/…");
    } else if (reading->status == 503) {
        sw_err_set(err, code, "Vault is sealed or in maintenance");
    } else if (reading->status >= 300 && reading->status < 400) {
        sw_err_set(err, code, "Vault at VAULT_ADDR is a standby that redirects");
        sw_err_hint(err, "set VAULT_ADDR to the active node");
    } else {
        sw_err_set(err, code, "Vault answered %ld for '%s'", reading->status, ref);
    }
    add_words(arena, &reading->body, err);
    return code;
}

/* {"data": {"data": {fields}, "metadata": {…}}} */
static int pick(const char *ref, const char *field, const struct sw_str *body, struct sw_arena *arena, const struct sw_value **ret,
                struct sw_err *err) {
    const struct sw_value *answer;
    if (sw_json_read(arena, sw_str_z(body), body->len, SW_JSON_PLAIN, &answer, NULL) != SW_OK)
        return sw_err_set(err, SW_EREMOTE, "Vault's answer for '%s' is not JSON", ref);
    const struct sw_value *fields = sw_get(sw_get(answer, "data"), "data");
    if (!sw_is(fields, SW_MAP)) {
        sw_err_set(err, SW_EREMOTE, "'%s' is not a secret of the KV engine version 2", ref);
        return SW_EREMOTE;
    }
    const struct sw_value *found = field ? sw_get(fields, field) : fields;
    if (!found) {
        struct sw_str names = {0};
        for (size_t i = 0; i < fields->map.n; i++) sw_str_addf(&names, "%s%s", i ? ", " : "", fields->map.v[i].key);
        sw_err_set(err, SW_ENOTFOUND, "the Vault secret '%s' has no such field (it has: %s)", ref, sw_str_z(&names));
        sw_str_done(&names);
        return SW_ENOTFOUND;
    }
    *ret = sw_value_secret(arena, found);
    return SW_OK;
}

static int fetch(const char *url, struct sw_str *token, struct reading *reading, struct sw_err *err) {
    const char *namespace = setting("VAULT_NAMESPACE", "BAO_NAMESPACE");
    char *token_header = sw_xprintf("X-Vault-Token: %s", sw_str_z(token));
    char *namespace_header = namespace ? sw_xprintf("X-Vault-Namespace: %s", namespace) : NULL;
    const char *headers[] = {"X-Vault-Request: true", namespace_header, NULL}, *secret[] = {token_header, NULL};
    struct sw_http_request request = {
        .url = url, .headers = headers, .secret_headers = secret, .ca_file = setting("VAULT_CACERT", "BAO_CACERT")};
    struct sw_loop *loop = sw_loop_new();
    struct sw_http *http = sw_http_new(loop);
    sw_http_send(http, &request, on_answer, reading);
    sw_loop_run(loop, &reading->done);
    sw_http_free(http);
    sw_loop_free(loop);
    sw_wipe(token_header, strlen(token_header));
    free(token_header);
    free(namespace_header);
    if (!reading->err.code) return SW_OK;
    int rc = reading->err.code;
    sw_err_move(err, &reading->err);
    return rc;
}

int sw_vault_read(const char *ref, struct sw_arena *arena, const struct sw_value **ret, struct sw_err *err) {
    const char *hash = strchr(ref, '#');
    size_t path_len = hash ? (size_t)(hash - ref) : strlen(ref);
    if (path_len == 0 || *ref == '/' || (hash && !hash[1]) || strstr(ref, ".."))
        return sw_err_set(err, SW_EINVAL, "'%s' is not a Vault reference such as secret/data/grafana#password", ref);
    const char *address = setting("VAULT_ADDR", "BAO_ADDR");
    if (!address) {
        sw_err_set(err, SW_EINVAL, "no Vault address");
        sw_err_hint(err, "set VAULT_ADDR, such as https://vault.example.com:8200");
        return SW_EINVAL;
    }
    struct sw_str token = {0}, url = {0};
    int rc = get_token(&token, err);
    if (rc == SW_OK && strpbrk(sw_str_z(&token), "\r\n")) rc = sw_err_set(err, SW_EINVAL, "the Vault token holds a line break");
    struct reading reading = {0};
    if (rc == SW_OK) {
        size_t len = strlen(address);
        while (len && address[len - 1] == '/') len--;
        sw_str_add(&url, address, len);
        sw_str_addz(&url, "/v1/");
        add_path(&url, ref, path_len);
        rc = fetch(sw_str_z(&url), &token, &reading, err);
    }
    if (rc == SW_OK) {
        rc = reading.status == 200 ? pick(ref, hash ? hash + 1 : NULL, &reading.body, arena, ret, err) : refuse(ref, &reading, arena, err);
    }
    if (rc != SW_OK) sw_err_frame(err, "reading '%s' from Vault", ref);
    if (reading.body.p) sw_wipe(reading.body.p, reading.body.cap);
    sw_str_done(&reading.body);
    if (token.p) sw_wipe(token.p, token.cap);
    sw_str_done(&token);
    sw_str_done(&url);
    return rc;
}
