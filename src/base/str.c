#include "slipway/str.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "slipway/arena.h"

/* Makes room for `more` bytes and the NUL. Returns how many of them fit. */
static size_t reserve(struct sw_str *s, size_t more) {
    size_t max = s->max ? s->max : SW_STR_MAX;
    size_t room = s->len < max ? max - s->len : 0;
    if (more > room) {
        more = room;
        s->overflow = true;
    }
    size_t need = s->len + more + 1;
    if (need > s->cap) {
        size_t cap = s->cap ? s->cap : 32;
        while (cap < need) cap *= 2;
        s->p = sw_xrealloc(s->p, cap);
        s->cap = cap;
    }
    return more;
}

void sw_str_add(struct sw_str *s, const char *p, size_t len) {
    len = reserve(s, len);
    if (len) memcpy(s->p + s->len, p, len);
    s->len += len;
    s->p[s->len] = '\0';
}

void sw_str_addz(struct sw_str *s, const char *z) {
    sw_str_add(s, z, strlen(z));
}

void sw_str_addc(struct sw_str *s, char c) {
    sw_str_add(s, &c, 1);
}

void sw_str_addv(struct sw_str *s, const char *fmt, va_list ap) {
    char small[256];
    va_list again;
    va_copy(again, ap);
    int n = vsnprintf(small, sizeof small, fmt, ap);
    if (n < 0) abort();
    if ((size_t)n < sizeof small) {
        sw_str_add(s, small, (size_t)n);
    } else {
        char *large = sw_xmalloc((size_t)n + 1);
        vsnprintf(large, (size_t)n + 1, fmt, again);
        sw_str_add(s, large, (size_t)n);
        free(large);
    }
    va_end(again);
}

void sw_str_addf(struct sw_str *s, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    sw_str_addv(s, fmt, ap);
    va_end(ap);
}

void sw_str_clear(struct sw_str *s) {
    s->len = 0;
    s->overflow = false;
    if (s->p) s->p[0] = '\0';
}

void sw_str_done(struct sw_str *s) {
    free(s->p);
    *s = (struct sw_str){.max = s->max};
}

const char *sw_str_z(const struct sw_str *s) {
    return s->p ? s->p : "";
}

char *sw_str_take(struct sw_str *s) {
    char *p = s->p ? s->p : sw_xstrdup("");
    *s = (struct sw_str){.max = s->max};
    return p;
}

void sw_str_add_shell(struct sw_str *s, const char *text, size_t len) {
    len = strnlen(text, len);
    sw_str_addc(s, '\'');
    while (len) {
        const char *quote = memchr(text, '\'', len);
        size_t part = quote ? (size_t)(quote - text) : len;
        sw_str_add(s, text, part);
        text += part;
        len -= part;
        if (quote) {
            sw_str_addz(s, "'\\''");
            text++;
            len--;
        }
    }
    sw_str_addc(s, '\'');
}

void sw_str_add_base64(struct sw_str *s, const void *data, size_t len) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *p = data;
    for (size_t i = 0; i < len; i += 3) {
        size_t left = len - i;
        uint32_t v = (uint32_t)p[i] << 16 | (left > 1 ? (uint32_t)p[i + 1] << 8 : 0) | (left > 2 ? p[i + 2] : 0);
        char four[4] = {digits[v >> 18], digits[v >> 12 & 63], left > 1 ? digits[v >> 6 & 63] : '=', left > 2 ? digits[v & 63] : '='};
        sw_str_add(s, four, 4);
    }
    if (len == 0) sw_str_add(s, "", 0);
}

static int base64_digit(char c) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool sw_base64_decode(const char *text, size_t len, struct sw_str *ret) {
    uint32_t bits = 0;
    unsigned n = 0, pad = 0;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (c == ' ' || c == '\t' || c == '\n' || c == '\r') continue;
        if (c == '=') {
            if (++pad > 2 || n + pad > 4 || n < 2) return false;
            continue;
        }
        int digit = base64_digit(c);
        if (digit < 0 || pad) return false;
        bits = bits << 6 | (uint32_t)digit;
        if (++n == 4) {
            char three[3] = {(char)(bits >> 16), (char)(bits >> 8), (char)bits};
            sw_str_add(ret, three, 3);
            bits = n = 0;
        }
    }
    if ((n || pad) && n + pad != 4) return false;
    /* Bits beyond the last byte must be zero (RFC 4648, 3.5): one text for one content, so that a changed character always shows. */
    if ((n == 2 && bits & 15) || (n == 3 && bits & 3)) return false;
    if (n == 2) sw_str_addc(ret, (char)(bits >> 4));
    if (n == 3) {
        char two[2] = {(char)(bits >> 10), (char)(bits >> 2)};
        sw_str_add(ret, two, 2);
    }
    return true;
}

void sw_str_add_hex(struct sw_str *s, const void *data, size_t len) {
    static const char digits[] = "0123456789abcdef";
    const unsigned char *p = data;
    for (size_t i = 0; i < len; i++) {
        char two[2] = {digits[p[i] >> 4], digits[p[i] & 15]};
        sw_str_add(s, two, 2);
    }
}

bool sw_starts_with(const char *s, const char *prefix) {
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool sw_ends_with(const char *s, const char *suffix) {
    size_t n = strlen(s), m = strlen(suffix);
    return n >= m && memcmp(s + n - m, suffix, m) == 0;
}

void sw_wipe(void *p, size_t len) {
    if (p && len) explicit_bzero(p, len);
}
