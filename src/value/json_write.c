/* Canonical JSON out, and the hash over it. Written by hand: jansson would want a second tree, and has no say over
 * secrets, bytes that are not UTF-8, and the order of keys. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "slipway/hash.h"
#include "value_internal.h"

/* For the hash: secrets in clear without the mark and 1.0 as 1, so that equal values (sw_value_equal) hash alike. */
#define FOR_HASH 0x100u

struct writer {
    struct sw_str *out;
    unsigned flags;
    unsigned depth;
    unsigned in_secret;
};

static void write_value(struct writer *w, const struct sw_value *v);

static void add_text(struct sw_str *out, const char *text, size_t len) {
    sw_str_addc(out, '"');
    size_t i = 0, plain = 0; /* text[plain..i) needs no escape and is not written yet */
    while (i < len) {
        unsigned char c = (unsigned char)text[i];
        uint32_t code;
        size_t n = c < 0x80 ? 1 : sw_utf8_next(text + i, len - i, &code);
        if (n && c >= 0x20 && c != '"' && c != '\\' && c != 0x7F) {
            i += n;
            continue;
        }
        sw_str_add(out, text + plain, i - plain);
        if (n == 0)
            sw_str_addz(out, "\xEF\xBF\xBD"); /* U+FFFD */
        else if (c == '"' || c == '\\')
            sw_str_addf(out, "\\%c", c);
        else if (c == '\n')
            sw_str_addz(out, "\\n");
        else if (c == '\t')
            sw_str_addz(out, "\\t");
        else if (c == '\r')
            sw_str_addz(out, "\\r");
        else
            sw_str_addf(out, "\\u%04x", c);
        i++;
        plain = i;
    }
    sw_str_add(out, text + plain, i - plain);
    sw_str_addc(out, '"');
}

void sw_value__add_real(struct sw_str *out, double d) {
    if (!isfinite(d)) {
        sw_str_addz(out, "null");
        return;
    }
    char text[40];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, d);
        if (strtod(text, NULL) == d) break;
    }
    sw_str_addz(out, text);
    if (!strpbrk(text, ".e")) sw_str_addz(out, ".0");
}

static void new_line(struct writer *w) {
    if (!(w->flags & SW_JSON_PRETTY)) return;
    sw_str_addc(w->out, '\n');
    for (unsigned i = 0; i < w->depth; i++) sw_str_addz(w->out, "  ");
}

static void key(struct writer *w, const char *text) {
    add_text(w->out, text, strlen(text));
    sw_str_addz(w->out, w->flags & SW_JSON_PRETTY ? ": " : ":");
}

static void open_object(struct writer *w, const char *first_key) {
    sw_str_addc(w->out, '{');
    w->depth++;
    new_line(w);
    key(w, first_key);
}

static void close_object(struct writer *w) {
    w->depth--;
    new_line(w);
    sw_str_addc(w->out, '}');
}

static void write_list(struct writer *w, const struct sw_value *v) {
    sw_str_addc(w->out, '[');
    w->depth++;
    for (size_t i = 0; i < v->list.n; i++) {
        if (i) sw_str_addc(w->out, ',');
        new_line(w);
        write_value(w, v->list.v[i]);
    }
    w->depth--;
    if (v->list.n) new_line(w);
    sw_str_addc(w->out, ']');
}

static void write_pairs(struct writer *w, const struct sw_value *v) {
    sw_str_addc(w->out, '{');
    w->depth++;
    for (size_t i = 0; i < v->map.n; i++) {
        if (i) sw_str_addc(w->out, ',');
        new_line(w);
        key(w, v->map.v[i].key);
        write_value(w, v->map.v[i].value);
    }
    w->depth--;
    if (v->map.n) new_line(w);
    sw_str_addc(w->out, '}');
}

static void write_map(struct writer *w, const struct sw_value *v) {
    /* A map that looks like one of our $-objects is wrapped, or reading would take the user's data for one. */
    bool looks_ours = !(w->flags & SW_JSON_PLAIN) && v->map.n == 1 && v->map.v[0].key[0] == '$';
    if (looks_ours) open_object(w, "$map");
    write_pairs(w, v);
    if (looks_ours) close_object(w);
}

static void write_string(struct writer *w, const struct sw_value *v) {
    if ((w->flags & SW_JSON_PLAIN) || sw_utf8_valid(v->s.p, v->s.len) == v->s.len) {
        add_text(w->out, v->s.p, v->s.len);
        return;
    }
    open_object(w, "$base64");
    sw_str_addc(w->out, '"');
    sw_str_add_base64(w->out, v->s.p, v->s.len);
    sw_str_addc(w->out, '"');
    close_object(w);
}

static void write_open(struct writer *w, const struct sw_value *v) {
    if (w->flags & SW_JSON_PLAIN) {
        sw_str_addz(w->out, "null");
        return;
    }
    if (v->kind == SW_UNKNOWN) {
        open_object(w, "$unknown");
        sw_str_addz(w->out, "true");
    } else if (v->kind == SW_REF) {
        open_object(w, "$ref");
        sw_str_addc(w->out, '[');
        add_text(w->out, v->ref.address, strlen(v->ref.address));
        sw_str_addc(w->out, ',');
        add_text(w->out, v->ref.path, strlen(v->ref.path));
        sw_str_addc(w->out, ']');
    } else {
        open_object(w, "$concat");
        write_list(w, v);
    }
    close_object(w);
}

static void write_real(struct writer *w, double d) {
    if ((w->flags & FOR_HASH) && d >= -9223372036854775808.0 && d < 9223372036854775808.0 && d == (double)(int64_t)d)
        sw_str_addf(w->out, "%" PRId64, (int64_t)d);
    else
        sw_value__add_real(w->out, d);
}

static void write_kind(struct writer *w, const struct sw_value *v) {
    switch ((enum sw_kind)v->kind) {
    case SW_NULL: sw_str_addz(w->out, "null"); break;
    case SW_BOOL: sw_str_addz(w->out, v->b ? "true" : "false"); break;
    case SW_INT: sw_str_addf(w->out, "%" PRId64, v->i); break;
    case SW_REAL: write_real(w, v->d); break;
    case SW_STR: write_string(w, v); break;
    case SW_LIST: write_list(w, v); break;
    case SW_MAP: write_map(w, v); break;
    case SW_REF:
    case SW_CONCAT:
    case SW_UNKNOWN: write_open(w, v); break;
    }
}

static void write_value(struct writer *w, const struct sw_value *v) {
    if (!v->secret || w->in_secret || (w->flags & (SW_JSON_PLAIN | FOR_HASH))) {
        write_kind(w, v);
    } else if (!(w->flags & SW_JSON_REVEAL)) {
        sw_str_addz(w->out, "\"(sensitive)\"");
    } else {
        open_object(w, "$secret");
        w->in_secret++;
        write_kind(w, v);
        w->in_secret--;
        close_object(w);
    }
}

void sw_json_write(struct sw_str *out, const struct sw_value *v, unsigned flags) {
    struct writer w = {.out = out, .flags = flags};
    write_value(&w, v ? v : &SW_NULL_VALUE);
}

void sw_value_hash(const struct sw_value *v, char ret_hex[static 65]) {
    struct sw_str text = {0};
    sw_json_write(&text, v, SW_JSON_REVEAL | FOR_HASH);
    sw_sha256(text.p, text.len, ret_hex);
    sw_wipe(text.p, text.len);
    sw_str_done(&text);
}
