#include "json.h"

#include <inttypes.h>
#include <string.h>

/* Length of the valid UTF-8 sequence at p (no overlong forms, no surrogates), or 0. */
static size_t utf8_len(const unsigned char *p, size_t len) {
    if (p[0] < 0x80) return 1;
    size_t n = p[0] >= 0xc2 && p[0] < 0xe0 ? 2 : p[0] >= 0xe0 && p[0] < 0xf0 ? 3 : p[0] >= 0xf0 && p[0] < 0xf5 ? 4 : 0;
    if (!n || n > len) return 0;
    for (size_t i = 1; i < n; i++)
        if ((p[i] & 0xc0) != 0x80) return 0;
    if (p[0] == 0xe0 && p[1] < 0xa0) return 0;
    if (p[0] == 0xed && p[1] > 0x9f) return 0;
    if (p[0] == 0xf0 && p[1] < 0x90) return 0;
    if (p[0] == 0xf4 && p[1] > 0x8f) return 0;
    return n;
}

void sw_report__json_text(struct sw_str *out, const char *text, size_t len) {
    sw_str_addc(out, '"');
    for (size_t i = 0; i < len;) {
        unsigned char c = (unsigned char)text[i];
        size_t n = utf8_len((const unsigned char *)text + i, len - i);
        if (!n) {
            sw_str_addz(out, "\xef\xbf\xbd");
            n = 1;
        } else if (c == '"' || c == '\\') {
            sw_str_addc(out, '\\');
            sw_str_addc(out, (char)c);
        } else if (c == '\n') {
            sw_str_addz(out, "\\n");
        } else if (c == '\t') {
            sw_str_addz(out, "\\t");
        } else if (c < 0x20 || c == 0x7f) {
            sw_str_addf(out, "\\u%04x", c);
        } else {
            sw_str_add(out, text + i, n);
        }
        i += n;
    }
    sw_str_addc(out, '"');
}

void sw_report__json_key(struct sw_str *out, const char *key) {
    if (out->len && !strchr("{[", out->p[out->len - 1])) sw_str_addc(out, ',');
    sw_report__json_text(out, key, strlen(key));
    sw_str_addc(out, ':');
}

void sw_report__json_str(struct sw_str *out, const char *key, const char *text) {
    sw_report__json_key(out, key);
    if (text)
        sw_report__json_text(out, text, strlen(text));
    else
        sw_str_addz(out, "null");
}

void sw_report__json_int(struct sw_str *out, const char *key, int64_t n) {
    sw_report__json_key(out, key);
    sw_str_addf(out, "%" PRId64, n);
}

void sw_report__json_bool(struct sw_str *out, const char *key, bool b) {
    sw_report__json_key(out, key);
    sw_str_addz(out, b ? "true" : "false");
}
