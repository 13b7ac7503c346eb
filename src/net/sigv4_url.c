/* The URL of a request that is signed: its parts, and its path and query in canonical form. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sigv4_url.h"
#include "slipway/vec.h"

enum { MAX_PARAMETERS = 2000 };

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

/* The byte that two hexadecimal digits say, or -1. */
static int hex_byte(const char *p) {
    int high = hex_digit(p[0]), low = hex_digit(p[1]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

/* Encodes what may be encoded already: once decoded, there is one way to write it. `keep` stays as it is. */
static void add_reencoded(struct sw_str *s, const char *p, size_t len, char keep) {
    for (size_t i = 0; i < len; i++) {
        int byte = p[i] == '%' && len - i > 2 ? hex_byte(p + i + 1) : -1;
        if (byte >= 0) {
            add_encoded(s, (unsigned char)byte);
            i += 2;
        } else if (p[i] == keep && keep) {
            sw_str_addc(s, keep);
        } else {
            add_encoded(s, (unsigned char)p[i]);
        }
    }
}

int sw_sigv4__split(const char *url, struct sigv4_url *s, struct sw_err *err) {
    const char *after = strstr(url, "://");
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

void sw_sigv4__add_path(struct sw_str *out, const struct sigv4_url *url, bool raw) {
    if (!url->path_len)
        sw_str_addc(out, '/');
    else if (raw)
        add_reencoded(out, url->path, url->path_len, '/');
    else
        add_normalised(out, url->path, url->path_len);
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
int sw_sigv4__add_query(struct sw_str *out, const struct sigv4_url *url, struct sw_err *err) {
    struct {
        struct parameter *v;
        size_t n, cap;
    } list = {0};
    struct sw_str texts = {0};
    for (size_t i = 0; i < url->query_len;) {
        const char *p = url->query + i;
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
        for (size_t i = 0; i < list.n; i++) sw_str_addf(out, "%s%s=%s", i ? "&" : "", texts.p + list.v[i].name, texts.p + list.v[i].value);
    }
    if (texts.p) sw_wipe(texts.p, texts.cap); /* a query may hold a secret */
    sw_str_done(&texts);
    sw_vec_done(&list);
    return rc;
}
