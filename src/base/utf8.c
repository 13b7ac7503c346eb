/* What str.h says about text as people see it: decoding, printing safely, columns. */
#include "slipway/str.h"

#include <stdint.h>
#include <string.h>

size_t sw_utf8_next(const char *text, size_t len, uint32_t *ret_code) {
    const unsigned char *p = (const unsigned char *)text;
    if (len == 0) return 0;
    if (p[0] < 0x80) {
        *ret_code = p[0];
        return 1;
    }
    size_t n = p[0] >= 0xC2 && p[0] <= 0xDF ? 2 : (p[0] & 0xF0) == 0xE0 ? 3 : p[0] >= 0xF0 && p[0] <= 0xF4 ? 4 : 0;
    if (n == 0 || n > len) return 0;
    uint32_t code = p[0] & (0x7Fu >> n);
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xC0) != 0x80) return 0;
        code = code << 6 | (p[i] & 0x3F);
    }
    /* Overlong forms, surrogates and what lies beyond Unicode. */
    if ((n == 3 && code < 0x800) || (n == 4 && (code < 0x10000 || code > 0x10FFFF)) || (code >= 0xD800 && code <= 0xDFFF)) return 0;
    *ret_code = code;
    return n;
}

size_t sw_utf8_valid(const char *text, size_t len) {
    size_t i = 0;
    while (i < len) {
        uint32_t code;
        size_t n = sw_utf8_next(text + i, len - i, &code);
        if (n == 0) break;
        i += n;
    }
    return i;
}

/* C1 controls can start escape sequences on a terminal; the bidirectional ones can make a line read as another. */
static bool is_control(uint32_t c) {
    return (c < 0x20 && c != '\n' && c != '\t') || (c >= 0x7F && c < 0xA0) || (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
}

void sw_str_add_printable(struct sw_str *s, const char *text, size_t len) {
    size_t i = 0;
    while (i < len) {
        uint32_t code = 0;
        size_t n = sw_utf8_next(text + i, len - i, &code);
        if (n && !is_control(code)) {
            sw_str_add(s, text + i, n);
            i += n;
            continue;
        }
        for (size_t end = i + (n ? n : 1); i < end; i++) sw_str_addf(s, "\\x%02x", (unsigned char)text[i]);
    }
    if (len == 0) sw_str_add(s, "", 0);
}

struct range {
    uint32_t first, last;
};

/* What terminals draw two columns wide (East Asian Wide and Fullwidth, emoji), and what takes none. wcwidth(3) would
 * need a locale, which a program that prints UTF-8 whatever LANG says does not have. */
static const struct range WIDE[] = {
    {0x1100, 0x115F},   {0x231A, 0x231B},   {0x2329, 0x232A},   {0x23E9, 0x23EC},   {0x23F0, 0x23F0},   {0x23F3, 0x23F3},
    {0x25FD, 0x25FE},   {0x2614, 0x2615},   {0x2648, 0x2653},   {0x267F, 0x267F},   {0x2693, 0x2693},   {0x26A1, 0x26A1},
    {0x26AA, 0x26AB},   {0x26BD, 0x26BE},   {0x26C4, 0x26C5},   {0x26CE, 0x26CE},   {0x26D4, 0x26D4},   {0x26EA, 0x26EA},
    {0x26F2, 0x26F3},   {0x26F5, 0x26F5},   {0x26FA, 0x26FA},   {0x26FD, 0x26FD},   {0x2705, 0x2705},   {0x270A, 0x270B},
    {0x2728, 0x2728},   {0x274C, 0x274C},   {0x274E, 0x274E},   {0x2753, 0x2755},   {0x2757, 0x2757},   {0x2795, 0x2797},
    {0x27B0, 0x27B0},   {0x27BF, 0x27BF},   {0x2B1B, 0x2B1C},   {0x2B50, 0x2B50},   {0x2B55, 0x2B55},   {0x2E80, 0x303E},
    {0x3041, 0x33FF},   {0x3400, 0x4DBF},   {0x4E00, 0x9FFF},   {0xA000, 0xA4CF},   {0xA960, 0xA97F},   {0xAC00, 0xD7A3},
    {0xF900, 0xFAFF},   {0xFE30, 0xFE6F},   {0xFF00, 0xFF60},   {0xFFE0, 0xFFE6},   {0x1F004, 0x1F004}, {0x1F0CF, 0x1F0CF},
    {0x1F18E, 0x1F18E}, {0x1F191, 0x1F19A}, {0x1F200, 0x1F320}, {0x1F32D, 0x1F335}, {0x1F337, 0x1F37C}, {0x1F37E, 0x1F393},
    {0x1F3A0, 0x1F3CA}, {0x1F3CF, 0x1F3D3}, {0x1F3E0, 0x1F3F0}, {0x1F3F4, 0x1F3F4}, {0x1F3F8, 0x1F43E}, {0x1F440, 0x1F440},
    {0x1F442, 0x1F4FC}, {0x1F4FF, 0x1F53D}, {0x1F54B, 0x1F54E}, {0x1F550, 0x1F567}, {0x1F57A, 0x1F57A}, {0x1F595, 0x1F596},
    {0x1F5A4, 0x1F5A4}, {0x1F5FB, 0x1F64F}, {0x1F680, 0x1F6C5}, {0x1F6CC, 0x1F6CC}, {0x1F6D0, 0x1F6D2}, {0x1F6D5, 0x1F6D7},
    {0x1F6DC, 0x1F6DF}, {0x1F6EB, 0x1F6EC}, {0x1F6F4, 0x1F6FC}, {0x1F7E0, 0x1F7EB}, {0x1F90C, 0x1F93A}, {0x1F93C, 0x1F945},
    {0x1F947, 0x1F9FF}, {0x1FA70, 0x1FAFF}, {0x20000, 0x2FFFD}, {0x30000, 0x3FFFD},
};
static const struct range ZERO[] = {
    {0x0300, 0x036F}, {0x0483, 0x0489}, {0x0591, 0x05BD}, {0x064B, 0x065F}, {0x200B, 0x200F}, {0x202A, 0x202E},
    {0x2060, 0x2064}, {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F}, {0xFEFF, 0xFEFF}, {0xE0100, 0xE01EF},
};

static bool in_ranges(const struct range *ranges, size_t n, uint32_t code) {
    size_t lo = 0, hi = n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (code > ranges[mid].last)
            lo = mid + 1;
        else if (code < ranges[mid].first)
            hi = mid;
        else
            return true;
    }
    return false;
}

static size_t code_columns(uint32_t code) {
    if (code < 0x20 || (code >= 0x7F && code < 0xA0)) return 0;
    if (code < 0x300) return 1;
    if (in_ranges(ZERO, sizeof ZERO / sizeof ZERO[0], code)) return 0;
    return in_ranges(WIDE, sizeof WIDE / sizeof WIDE[0], code) ? 2 : 1;
}

/* The length of an escape sequence ESC [ … letter at text, or 0. */
static size_t escape_length(const char *text, size_t len) {
    if (len < 2 || text[0] != '\033' || text[1] != '[') return 0;
    for (size_t i = 2; i < len; i++)
        if (text[i] >= 0x40 && text[i] <= 0x7E) return i + 1;
    return len;
}

size_t sw_utf8_cut(const char *text, size_t len, size_t max_columns) {
    size_t i = 0, columns = 0;
    while (i < len) {
        size_t n = escape_length(text + i, len - i);
        if (n == 0) {
            uint32_t code = 0;
            n = sw_utf8_next(text + i, len - i, &code);
            size_t width = n ? code_columns(code) : 1;
            if (columns + width > max_columns) break;
            columns += width;
        }
        i += n ? n : 1;
    }
    return i;
}

size_t sw_columns(const char *text, size_t len) {
    size_t columns = 0;
    for (size_t i = 0; i < len;) {
        size_t n = escape_length(text + i, len - i);
        if (n == 0) {
            uint32_t code = 0;
            n = sw_utf8_next(text + i, len - i, &code);
            columns += n ? code_columns(code) : 1;
        }
        i += n ? n : 1;
    }
    return columns;
}
