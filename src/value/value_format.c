/* One line of a value for people. */
#include <inttypes.h>
#include <string.h>

#include "value_internal.h"

/* Bytes one column may take: a character of four bytes, shown as \xNN each. */
#define BYTES_PER_COLUMN 16

static void add(struct sw_str *out, const struct sw_value *v);

static void add_quoted(struct sw_str *out, const char *text, size_t len) {
    size_t max = out->max ? out->max : SW_STR_MAX;
    /* What is cut off anyway need not be escaped: texts may be megabytes. */
    if (len > max) {
        len = max;
        out->overflow = true;
    }
    sw_str_addc(out, '"');
    while (len) {
        size_t plain = 0;
        while (plain < len && !strchr("\"\\\n\t\r", text[plain])) plain++;
        sw_str_add_printable(out, text, plain);
        text += plain;
        len -= plain;
        if (len == 0) break;
        switch (*text) {
        case '\n': sw_str_addz(out, "\\n"); break;
        case '\t': sw_str_addz(out, "\\t"); break;
        case '\r': sw_str_addz(out, "\\r"); break;
        case '\0': sw_str_addz(out, "\\x00"); break; /* strchr finds the NUL as well */
        default: sw_str_addf(out, "\\%c", *text);
        }
        text++;
        len--;
    }
    sw_str_addc(out, '"');
}

static bool is_word(const char *key) {
    for (const char *p = key; *p; p++)
        if (!((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') || strchr("_-./", *p))) return false;
    return *key != '\0';
}

static void add_list(struct sw_str *out, const struct sw_value *v) {
    sw_str_addc(out, '[');
    for (size_t i = 0; i < v->list.n && !out->overflow; i++) {
        if (i) sw_str_addz(out, ", ");
        add(out, v->list.v[i]);
    }
    sw_str_addc(out, ']');
}

static void add_map(struct sw_str *out, const struct sw_value *v) {
    sw_str_addc(out, '{');
    for (size_t i = 0; i < v->map.n && !out->overflow; i++) {
        const struct sw_pair *pair = &v->map.v[i];
        if (i) sw_str_addz(out, ", ");
        if (is_word(pair->key))
            sw_str_addz(out, pair->key);
        else
            add_quoted(out, pair->key, strlen(pair->key));
        sw_str_addz(out, " = ");
        add(out, pair->value);
    }
    sw_str_addc(out, '}');
}

static void add(struct sw_str *out, const struct sw_value *v) {
    if (v->secret) {
        sw_str_addz(out, "(sensitive)");
        return;
    }
    switch ((enum sw_kind)v->kind) {
    case SW_NULL: sw_str_addz(out, "null"); break;
    case SW_BOOL: sw_str_addz(out, v->b ? "true" : "false"); break;
    case SW_INT: sw_str_addf(out, "%" PRId64, v->i); break;
    case SW_REAL: sw_value__add_real(out, v->d); break;
    case SW_STR: add_quoted(out, v->s.p, v->s.len); break;
    case SW_LIST: add_list(out, v); break;
    case SW_MAP: add_map(out, v); break;
    case SW_REF:
    case SW_CONCAT:
    case SW_UNKNOWN: sw_str_addz(out, "(known after apply)"); break;
    }
}

void sw_value_format(struct sw_str *out, const struct sw_value *v, size_t max_columns) {
    struct sw_str line = {0};
    if (max_columns && max_columns < SW_STR_MAX / BYTES_PER_COLUMN / 2) line.max = max_columns * BYTES_PER_COLUMN + BYTES_PER_COLUMN;
    add(&line, v ? v : &SW_NULL_VALUE);
    if (max_columns && (line.overflow || sw_columns(sw_str_z(&line), line.len) > max_columns)) {
        line.len = sw_utf8_cut(line.p, line.len, max_columns - 1);
        sw_str_add(out, line.p, line.len);
        sw_str_addz(out, "…");
    } else {
        sw_str_add(out, sw_str_z(&line), line.len);
    }
    sw_str_done(&line);
}
