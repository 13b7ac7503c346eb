/* Values made from a seed, for round-trip tests: all kinds, awkward texts. */
#ifndef SLIPWAY_RANDOM_VALUE_H
#define SLIPWAY_RANDOM_VALUE_H

#include <string.h>

#include "slipway/value.h"

enum { RANDOM_REFS = 1, RANDOM_SECRETS = 2, RANDOM_BYTES = 4 };

struct random_value {
    struct sw_arena *arena;
    uint32_t seed;
    unsigned what;
};

static inline uint32_t random_below(struct random_value *r, uint32_t n) {
    r->seed = r->seed * 1664525u + 1013904223u;
    return (r->seed >> 8) % n;
}

static inline const char *random_text(struct random_value *r, size_t *ret_len) {
    static const char *const pieces[] = {"a",
                                         "key",
                                         ": ",
                                         " #",
                                         "\n",
                                         "\n\n",
                                         "  ",
                                         "\t",
                                         "- ",
                                         "'",
                                         "\"",
                                         "\\",
                                         "{",
                                         "[",
                                         "]",
                                         "&a",
                                         "*a",
                                         "!x",
                                         "%",
                                         "@",
                                         "`",
                                         "true",
                                         "no",
                                         "12:30",
                                         "0644",
                                         "1e3",
                                         "~",
                                         "null",
                                         "é",
                                         "한글",
                                         "\xf0\x9f\x9a\x80",
                                         "|",
                                         ">",
                                         "\r",
                                         "\xc2\x85",
                                         "\xe2\x80\xa8",
                                         "\x01",
                                         "\x7f",
                                         "\xef\xbb\xbf",
                                         "---",
                                         "...",
                                         "<<",
                                         "=",
                                         ",",
                                         "?",
                                         "$",
                                         ".5",
                                         "0x1f",
                                         "-",
                                         ":",
                                         "#",
                                         "x: y"};
    struct sw_str text = {0};
    for (uint32_t n = random_below(r, 6); n > 0; n--) sw_str_addz(&text, pieces[random_below(r, sizeof pieces / sizeof pieces[0])]);
    if ((r->what & RANDOM_BYTES) && random_below(r, 8) == 0) sw_str_add(&text, "\xff\x00\x80", 3);
    *ret_len = text.len;
    const char *copy = sw_strndup(r->arena, sw_str_z(&text), text.len);
    sw_str_done(&text);
    return copy;
}

static inline const struct sw_value *random_scalar(struct random_value *r) {
    size_t len;
    const char *text;
    switch (random_below(r, 8)) {
    case 0: return &SW_NULL_VALUE;
    case 1: return sw_value_bool(random_below(r, 2));
    case 2: return sw_value_int(r->arena, (int64_t)((uint64_t)random_below(r, 1u << 24) << random_below(r, 40)) - 5000);
    case 3: return sw_value_real(r->arena, ((double)random_below(r, 1u << 24) - 5e6) / (1 + random_below(r, 1000)));
    default: text = random_text(r, &len); return sw_value_strn(r->arena, text, len);
    }
}

static inline const struct sw_value *random_value(struct random_value *r, unsigned depth) {
    const struct sw_value *items[5], *v;
    struct sw_pair pairs[5];
    uint32_t n = random_below(r, 5), kind = depth ? random_below(r, 10) : 9;
    if (kind < 3) {
        for (uint32_t i = 0; i < n; i++) items[i] = random_value(r, depth - 1);
        v = sw_value_list(r->arena, items, n);
    } else if (kind < 6) {
        for (uint32_t i = 0; i < n; i++) {
            unsigned what = r->what;
            size_t len;
            r->what = 0; /* keys are UTF-8 */
            pairs[i].key = random_text(r, &len);
            r->what = what;
            pairs[i].value = random_value(r, depth - 1);
        }
        v = sw_value_map(r->arena, pairs, n);
    } else if (kind == 6 && (r->what & RANDOM_REFS)) {
        items[0] = sw_value_str(r->arena, "x");
        items[1] = sw_value_ref(r->arena, "type.name", "id");
        v = random_below(r, 3) == 0 ? &SW_UNKNOWN_VALUE : random_below(r, 2) ? items[1] : sw_value_concat(r->arena, items, 2);
    } else {
        v = random_scalar(r);
    }
    return (r->what & RANDOM_SECRETS) && random_below(r, 10) == 0 ? sw_value_secret(r->arena, v) : v;
}

#endif
