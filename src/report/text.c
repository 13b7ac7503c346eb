#include "text.h"

#include <string.h>

static const char *tone_code(enum sw_tone tone) {
    switch (tone) {
    case SW_TONE_CREATE: return "\033[32m";
    case SW_TONE_CHANGE: return "\033[33m";
    case SW_TONE_REPLACE: return "\033[35m";
    case SW_TONE_DESTROY: return "\033[31m";
    case SW_TONE_DIM: return "\033[2m";
    case SW_TONE_BOLD: return "\033[1m";
    case SW_TONE_ERROR: return "\033[1;31m";
    case SW_TONE_HINT: return "\033[36m";
    case SW_TONE_NONE: break;
    }
    return NULL;
}

void sw_report__tone(struct sw_str *out, const struct sw_style *style, enum sw_tone tone) {
    const char *code = style->color ? tone_code(tone) : NULL;
    if (code) sw_str_addz(out, code);
}

void sw_report__tone_end(struct sw_str *out, const struct sw_style *style, enum sw_tone tone) {
    if (style->color && tone_code(tone)) sw_str_addz(out, "\033[0m");
}

void sw_report__paint(struct sw_str *out, const struct sw_style *style, enum sw_tone tone, const char *text) {
    sw_report__tone(out, style, tone);
    sw_str_add_printable(out, text, strlen(text));
    sw_report__tone_end(out, style, tone);
}

enum sw_tone sw_report__action_tone(enum sw_action action) {
    switch (action) {
    case SW_CREATE: return SW_TONE_CREATE;
    case SW_UPDATE: return SW_TONE_CHANGE;
    case SW_REPLACE: return SW_TONE_REPLACE;
    case SW_DELETE: return SW_TONE_DESTROY;
    case SW_NOOP:
    case SW_FORGET:
    case SW_READ: break;
    }
    return SW_TONE_DIM;
}

/* Bytes of the UTF-8 character at p. Never past the end, never 0 when len is not 0. */
static size_t char_len(const char *p, size_t len) {
    unsigned char c = (unsigned char)*p;
    size_t n = c < 0x80 ? 1 : c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc0 ? 2 : 1;
    if (n > len) n = len;
    for (size_t i = 1; i < n; i++)
        if (((unsigned char)p[i] & 0xc0) != 0x80) return i;
    return n;
}

size_t sw_report__clip(struct sw_str *out, const char *text, size_t len, size_t columns, bool unicode) {
    struct sw_str clean = {0};
    sw_str_add_printable(&clean, text, len);
    for (size_t i = 0; i < clean.len; i++)
        if (clean.p[i] == '\t' || clean.p[i] == '\n') clean.p[i] = ' ';

    size_t used = sw_columns(sw_str_z(&clean), clean.len);
    if (used <= columns) {
        sw_str_add(out, sw_str_z(&clean), clean.len);
        sw_str_done(&clean);
        return used;
    }
    size_t mark = unicode ? 1 : 3;
    size_t room = columns > mark ? columns - mark : 0;
    used = 0;
    for (size_t i = 0; i < clean.len;) {
        size_t n = char_len(clean.p + i, clean.len - i);
        size_t width = sw_columns(clean.p + i, n);
        if (used + width > room) break;
        sw_str_add(out, clean.p + i, n);
        used += width;
        i += n;
    }
    sw_str_done(&clean);
    if (columns < mark) return used; /* no room even for the mark */
    sw_str_addz(out, unicode ? "…" : "...");
    return used + mark;
}

void sw_report__spaces(struct sw_str *out, size_t n) {
    while (n--) sw_str_addc(out, ' ');
}

unsigned sw_report__columns(const struct sw_style *style) {
    return style->columns ? style->columns : 100;
}

const char *sw_report__layer_title(unsigned layer) {
    static const char *const titles[SW_REPORT_LAYERS] = {"machines and cloud", "nodes", "cluster"};
    return titles[layer < SW_REPORT_LAYERS ? layer : 0];
}

const char *sw_report__past(enum sw_action action) {
    switch (action) {
    case SW_NOOP: return "checked";
    case SW_CREATE: return "created";
    case SW_UPDATE: return "changed";
    case SW_REPLACE: return "replaced";
    case SW_DELETE: return "destroyed";
    case SW_FORGET: return "forgotten";
    case SW_READ: return "read";
    }
    return "done";
}

const char *sw_report__present(enum sw_action action) {
    switch (action) {
    case SW_NOOP: return "checking";
    case SW_CREATE: return "creating";
    case SW_UPDATE: return "changing";
    case SW_REPLACE: return "replacing";
    case SW_DELETE: return "destroying";
    case SW_FORGET: return "forgetting";
    case SW_READ: return "reading";
    }
    return "working on";
}

const char *sw_report__local_name(const struct sw_resource *resource) {
    if (!resource->host) return resource->address;
    size_t len = strlen(resource->host);
    bool prefixed = strncmp(resource->address, resource->host, len) == 0 && resource->address[len] == '/';
    return prefixed ? resource->address + len + 1 : resource->address;
}

void sw_report__counts(struct sw_str *out, const struct sw_plan *plan) {
    sw_str_addf(out, "%zu to create, %zu to change, %zu to replace, %zu to destroy", plan->count[SW_CREATE], plan->count[SW_UPDATE],
                plan->count[SW_REPLACE], plan->count[SW_DELETE]);
    if (plan->count[SW_FORGET]) sw_str_addf(out, ", %zu to forget", plan->count[SW_FORGET]);
}
