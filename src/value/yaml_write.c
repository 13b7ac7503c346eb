/* YAML out, in block style, such that both YAML 1.2 and 1.1 readers get the same values back. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "slipway/yaml.h"
#include "value_internal.h"
#include "yaml_internal.h"

#define INDENT 2
/* Readers look for the ':' of a key within 1024 characters only. */
#define SIMPLE_KEY_MAX 200

static void write_node(struct sw_str *out, const struct sw_value *v, unsigned indent);

static void spaces(struct sw_str *out, unsigned n) {
    for (unsigned i = 0; i < n; i++) sw_str_addc(out, ' ');
}

static bool is_plain(const char *text, size_t len) {
    if (len == 0 || len > SIMPLE_KEY_MAX || sw_yaml__reads_otherwise(text, len)) return false;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '/';
        bool inside = (c >= '0' && c <= '9') || (c && strchr(".+-=@,", c));
        if (c == ':') inside = i + 1 < len && text[i + 1] != ' ';
        if (c == ' ') inside = i + 1 < len && text[i + 1] != ' ';
        if (!letter && !(inside && i > 0)) return false;
    }
    return true;
}

/* What a YAML stream may hold as it is: not controls, not the line breaks of Unicode, no byte order mark. */
static bool is_shown(uint32_t c) {
    return (c >= 0x20 && c < 0x7F) || (c >= 0xA0 && c <= 0xFFFD && c != 0x2028 && c != 0x2029 && c != 0xFEFF) || c >= 0x10000;
}

static void add_double_quoted(struct sw_str *out, const char *text, size_t len) {
    sw_str_addc(out, '"');
    for (size_t i = 0; i < len;) {
        uint32_t c = 0;
        size_t n = sw_utf8_next(text + i, len - i, &c);
        if (c == '"' || c == '\\')
            sw_str_addf(out, "\\%c", (char)c);
        else if (c == '\n')
            sw_str_addz(out, "\\n");
        else if (c == '\t')
            sw_str_addz(out, "\\t");
        else if (is_shown(c))
            sw_str_add(out, text + i, n);
        else
            sw_str_addf(out, c < 0x100 ? "\\x%02x" : "\\u%04x", (unsigned)c);
        i += n;
    }
    sw_str_addc(out, '"');
}

static bool fits_literal(const char *text, size_t len) {
    /* A first line that starts with white space would set the indentation. */
    if (!memchr(text, '\n', len) || text[0] == ' ' || text[0] == '\t' || text[0] == '\n') return false;
    for (size_t i = 0; i < len;) {
        uint32_t c = 0;
        i += sw_utf8_next(text + i, len - i, &c);
        if (!is_shown(c) && c != '\n' && c != '\t') return false;
    }
    return true;
}

static void add_literal(struct sw_str *out, const char *text, size_t len, unsigned indent) {
    bool ends = text[len - 1] == '\n', more = ends && text[len - 2] == '\n';
    sw_str_addz(out, !ends ? "|-" : more ? "|+" : "|");
    while (len) {
        const char *newline = memchr(text, '\n', len);
        size_t n = newline ? (size_t)(newline - text) : len;
        sw_str_addc(out, '\n');
        if (n) {
            spaces(out, indent ? indent : INDENT);
            sw_str_add(out, text, n);
        }
        n += newline != NULL;
        text += n;
        len -= n;
    }
}

static void add_string(struct sw_str *out, const char *text, size_t len, unsigned indent) {
    if (memchr(text, '\0', len) || sw_utf8_valid(text, len) < len) {
        sw_str_addz(out, "!!binary \"");
        sw_str_add_base64(out, text, len);
        sw_str_addc(out, '"');
    } else if (is_plain(text, len)) {
        sw_str_add(out, text, len);
    } else if (fits_literal(text, len)) {
        add_literal(out, text, len, indent);
    } else {
        add_double_quoted(out, text, len);
    }
}

static void add_key(struct sw_str *out, const char *key, unsigned indent) {
    size_t len = strlen(key);
    struct sw_str fixed = {0};
    if (is_plain(key, len)) {
        sw_str_add(out, key, len);
    } else {
        /* A key cannot be !!binary here: what is not UTF-8 is replaced, as in JSON. */
        for (size_t i = 0; i < len;) {
            size_t valid = sw_utf8_valid(key + i, len - i);
            sw_str_add(&fixed, key + i, valid);
            i += valid;
            if (i < len) {
                sw_str_addz(&fixed, "\xEF\xBF\xBD");
                i++;
            }
        }
        if (len > SIMPLE_KEY_MAX) sw_str_addz(out, "? ");
        add_double_quoted(out, sw_str_z(&fixed), fixed.len);
        if (len > SIMPLE_KEY_MAX) {
            sw_str_addc(out, '\n');
            spaces(out, indent);
        }
    }
    sw_str_addc(out, ':');
    sw_str_done(&fixed);
}

static void add_real(struct sw_str *out, double d) {
    if (isnan(d))
        sw_str_addz(out, ".nan");
    else if (isinf(d))
        sw_str_addz(out, d < 0 ? "-.inf" : ".inf");
    else
        sw_value__add_real(out, d);
}

/* The first member goes where the writer stands, the others on lines of their own. */
static void write_map(struct sw_str *out, const struct sw_value *v, unsigned indent) {
    for (size_t i = 0; i < v->map.n; i++) {
        const struct sw_value *member = v->map.v[i].value;
        if (i) {
            sw_str_addc(out, '\n');
            spaces(out, indent);
        }
        add_key(out, v->map.v[i].key, indent);
        bool nested = (member->kind == SW_MAP || member->kind == SW_LIST) && !sw_value__is_empty(member);
        if (nested) {
            sw_str_addc(out, '\n');
            spaces(out, indent + INDENT);
        } else {
            sw_str_addc(out, ' ');
        }
        write_node(out, member, indent + INDENT);
    }
}

static void write_list(struct sw_str *out, const struct sw_value *v, unsigned indent) {
    for (size_t i = 0; i < v->list.n; i++) {
        if (i) {
            sw_str_addc(out, '\n');
            spaces(out, indent);
        }
        sw_str_addz(out, "- ");
        write_node(out, v->list.v[i], indent + INDENT);
    }
}

static void write_node(struct sw_str *out, const struct sw_value *v, unsigned indent) {
    switch ((enum sw_kind)v->kind) {
    case SW_BOOL: sw_str_addz(out, v->b ? "true" : "false"); break;
    case SW_INT: sw_str_addf(out, "%" PRId64, v->i); break;
    case SW_REAL: add_real(out, v->d); break;
    case SW_STR: add_string(out, v->s.p, v->s.len, indent); break;
    case SW_LIST:
        if (v->list.n == 0) sw_str_addz(out, "[]");
        write_list(out, v, indent);
        break;
    case SW_MAP:
        if (v->map.n == 0) sw_str_addz(out, "{}");
        write_map(out, v, indent);
        break;
    case SW_NULL:
    case SW_REF:
    case SW_CONCAT:
    case SW_UNKNOWN: sw_str_addz(out, "null"); break;
    }
}

void sw_yaml_write(struct sw_str *out, const struct sw_value *v) {
    write_node(out, v ? v : &SW_NULL_VALUE, 0);
    sw_str_addc(out, '\n');
}
