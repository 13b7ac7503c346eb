/* Plain scalars: the YAML 1.2 core schema, and what YAML 1.1 makes of them. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "slipway/vec.h"
#include "yaml_internal.h"

static bool is_one_of(const char *text, const char *const *words, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (strcmp(text, words[i]) == 0) return true;
    return false;
}

static bool only(const char *text, const char *set) {
    return *text && text[strspn(text, set)] == '\0';
}

#define DIGITS "0123456789"

static bool is_null(const char *text) {
    static const char *const words[] = {"", "~", "null", "Null", "NULL"};
    return is_one_of(text, words, sw_countof(words));
}

static bool is_true(const char *text) {
    static const char *const words[] = {"true", "True", "TRUE"};
    return is_one_of(text, words, sw_countof(words));
}

static bool is_false(const char *text) {
    static const char *const words[] = {"false", "False", "FALSE"};
    return is_one_of(text, words, sw_countof(words));
}

/* [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )? */
static bool is_float(const char *text) {
    const char *p = text + (*text == '-' || *text == '+');
    size_t before = strspn(p, DIGITS), after = 0;
    p += before;
    if (*p == '.') {
        after = strspn(++p, DIGITS);
        p += after;
    }
    if (before + after == 0) return false;
    if (*p == 'e' || *p == 'E') {
        p++;
        p += *p == '-' || *p == '+';
        size_t exponent = strspn(p, DIGITS);
        if (exponent == 0) return false;
        p += exponent;
    }
    return *p == '\0';
}

static bool is_infinity(const char *text) {
    static const char *const words[] = {".inf", ".Inf", ".INF"};
    return is_one_of(text + (*text == '-' || *text == '+'), words, sw_countof(words));
}

static bool is_nan(const char *text) {
    static const char *const words[] = {".nan", ".NaN", ".NAN"};
    return is_one_of(text, words, sw_countof(words));
}

/* An integer of `base`; one beyond 64 bits becomes a real, as in JSON readers everywhere. */
static const struct sw_value *integer(struct sw_arena *arena, const char *text, const char *digits, int base) {
    errno = 0;
    long long i = strtoll(digits, NULL, base);
    if (errno == 0) return sw_value_int(arena, i);
    return sw_value_real(arena, base == 10 ? strtod(text, NULL) : (double)strtoull(digits, NULL, base));
}

const struct sw_value *sw_yaml__plain(struct sw_arena *arena, const char *text, size_t len, enum sw_yaml__octal octal) {
    const char *unsigned_text = text + (*text == '-' || *text == '+');
    if (strlen(text) != len) return sw_value_strn(arena, text, len);
    if (is_null(text)) return sw_value_copy(arena, &SW_NULL_VALUE);
    if (is_true(text) || is_false(text)) return sw_value_copy(arena, is_true(text) ? &SW_TRUE_VALUE : &SW_FALSE_VALUE);
    if (only(unsigned_text, DIGITS)) {
        if (unsigned_text[0] != '0' || unsigned_text[1] == '\0') return integer(arena, text, text, 10);
        if (octal == SW_YAML__OCTAL_INT && only(unsigned_text, "01234567")) return integer(arena, text, text, 8);
        return sw_value_strn(arena, text, len);
    }
    if (strncmp(text, "0o", 2) == 0 && only(text + 2, "01234567")) return integer(arena, text, text + 2, 8);
    if (strncmp(text, "0x", 2) == 0 && only(text + 2, DIGITS "abcdefABCDEF")) return integer(arena, text, text + 2, 16);
    if (is_float(text)) return sw_value_real(arena, strtod(text, NULL));
    if (is_infinity(text)) return sw_value_real(arena, *text == '-' ? -INFINITY : INFINITY);
    if (is_nan(text)) return sw_value_real(arena, NAN);
    return sw_value_strn(arena, text, len);
}

bool sw_yaml__reads_otherwise(const char *text, size_t len) {
    static const char *const words[] = {"y",  "Y",  "yes", "Yes", "YES", "n",   "N",   "no", "No",
                                        "NO", "on", "On",  "ON",  "off", "Off", "OFF", "=",  "<<"};
    if (strlen(text) != len || is_null(text) || is_true(text) || is_false(text) || is_one_of(text, words, sw_countof(words))) return true;
    /* Numbers, dates and times of both versions start with a digit, a sign or a dot. */
    return strchr(DIGITS "+-.", text[0]) != NULL;
}
