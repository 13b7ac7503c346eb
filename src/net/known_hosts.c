#include "known_hosts.h"

#include <ctype.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

#include "slipway/arena.h"
#include "slipway/file.h"

enum { MAX_FILE = 16 << 20, SHA1_LEN = 20 };

void sw_known_hosts_name(const char *address, unsigned port, struct sw_str *ret) {
    if (port == 22)
        sw_str_addz(ret, address);
    else
        sw_str_addf(ret, "[%s]:%u", address, port);
}

/* Shell-like * and ?, letters compared without case. Only the last * is ever tried again: at most pattern times name steps. */
static bool match_pattern(const char *pattern, size_t len, const char *name) {
    size_t at = 0, star = SIZE_MAX;
    const char *retry = NULL;
    while (*name) {
        if (at < len && pattern[at] == '*') {
            star = at++;
            retry = name;
        } else if (at < len && (pattern[at] == '?' || tolower((unsigned char)pattern[at]) == tolower((unsigned char)*name))) {
            at++;
            name++;
        } else if (retry) {
            at = star + 1;
            name = ++retry;
        } else {
            return false;
        }
    }
    while (at < len && pattern[at] == '*') at++;
    return at == len;
}

/* "|1|salt|HMAC-SHA1(salt, name)", both in base64. */
static bool match_hashed(const char *p, size_t len, const char *name) {
    const char *end = p + len, *salt = p + 3;
    const char *bar = memchr(salt, '|', (size_t)(end - salt));
    if (!bar) return false;
    struct sw_str key = {0}, want = {0}, lower = {0};
    bool good = sw_base64_decode(salt, (size_t)(bar - salt), &key) && sw_base64_decode(bar + 1, (size_t)(end - bar - 1), &want) &&
                want.len == SHA1_LEN && key.len > 0;
    if (good) {
        for (const char *c = name; *c; c++) sw_str_addc(&lower, (char)tolower((unsigned char)*c));
        unsigned char got[EVP_MAX_MD_SIZE];
        unsigned got_len = 0;
        good = HMAC(EVP_sha1(), key.p, (int)key.len, (const unsigned char *)sw_str_z(&lower), lower.len, got, &got_len) &&
               got_len == SHA1_LEN && memcmp(got, want.p, SHA1_LEN) == 0;
    }
    sw_str_done(&key);
    sw_str_done(&want);
    sw_str_done(&lower);
    return good;
}

/* A comma-separated list: one "!pattern" that matches excludes the name whatever else does. */
static bool match_names(const char *p, size_t len, const char *name) {
    if (len > 3 && memcmp(p, "|1|", 3) == 0) return match_hashed(p, len, name);
    bool found = false;
    while (len) {
        const char *comma = memchr(p, ',', len);
        size_t part = comma ? (size_t)(comma - p) : len;
        bool negated = part && *p == '!';
        if (match_pattern(p + negated, part - negated, name)) {
            if (negated) return false;
            found = true;
        }
        p += part + (comma != NULL);
        len -= part + (comma != NULL);
    }
    return found;
}

/* The next word of a line, or NULL. */
static const char *word(const char **at, const char *end, size_t *ret_len) {
    const char *p = *at;
    while (p < end && (*p == ' ' || *p == '\t')) p++;
    const char *start = p;
    while (p < end && *p != ' ' && *p != '\t' && *p != '\r') p++;
    *at = p;
    *ret_len = (size_t)(p - start);
    return *ret_len ? start : NULL;
}

static void parse_line(struct sw_known_hosts *known, const char *p, const char *end, const char *file, unsigned line, const char *name) {
    size_t names_len, type_len, key_len, marker_len;
    const char *names = word(&p, end, &names_len);
    if (!names || *names == '#') return;
    bool revoked = false;
    if (*names == '@') {
        const char *marker = names;
        marker_len = names_len;
        if (marker_len != 8 || memcmp(marker, "@revoked", 8) != 0) return;
        revoked = true;
        names = word(&p, end, &names_len);
        if (!names) return;
    }
    const char *type = word(&p, end, &type_len);
    const char *key = type ? word(&p, end, &key_len) : NULL;
    if (!key || !match_names(names, names_len, name)) return;
    if (known->n == known->cap) {
        known->cap = known->cap ? known->cap * 2 : 4;
        known->v = sw_xrealloc(known->v, known->cap * sizeof *known->v);
    }
    known->v[known->n++] = (struct sw_known_key){
        .type = sw_xstrndup(type, type_len),
        .base64 = sw_xstrndup(key, key_len),
        .revoked = revoked,
        .file = sw_xstrdup(file),
        .line = line,
    };
}

void sw_known_hosts_parse(struct sw_known_hosts *known, const char *text, size_t len, const char *file, const char *name) {
    const char *end = text + len;
    for (unsigned line = 1; text < end; line++) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        const char *stop = newline ? newline : end;
        parse_line(known, text, stop, file, line, name);
        text = stop + 1;
    }
}

int sw_known_hosts_read(struct sw_known_hosts *known, const char *file, const char *name, struct sw_err *err) {
    if (strcmp(file, "/dev/null") == 0) return SW_OK; /* the usual way to say "none" */
    struct sw_str text = {0};
    struct sw_err mine = {0};
    int rc = sw_file_read(file, MAX_FILE, &text, &mine);
    if (rc == SW_OK)
        sw_known_hosts_parse(known, sw_str_z(&text), text.len, file, name);
    else if (rc != SW_ENOTFOUND && err)
        sw_err_move(err, &mine);
    sw_err_done(&mine);
    sw_str_done(&text);
    return rc == SW_ENOTFOUND ? SW_OK : rc;
}

void sw_known_hosts_done(struct sw_known_hosts *known) {
    for (size_t i = 0; i < known->n; i++) {
        free(known->v[i].type);
        free(known->v[i].base64);
        free(known->v[i].file);
    }
    free(known->v);
    *known = (struct sw_known_hosts){0};
}
