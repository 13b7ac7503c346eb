/* Lua patterns as the reference manual (5.4, section 6.4.1) says, with one difference: the steps of a match are charged
 * to the script's budget. In the standard library a pattern like ("a?"):rep(40) .. ("a"):rep(40) runs for years, and no hook interrupts C.
 */
#include "match.h"

#include <ctype.h>
#include <string.h>

enum { MAX_DEPTH = 180, STEPS_PER_CHARGE = 4096 };

void sw_match__tick(struct sw_match *m) {
    if (++m->steps < STEPS_PER_CHARGE) return;
    m->steps = 0;
    sw_script__charge(m->L, STEPS_PER_CHARGE);
}

/* The end of the single-character class that starts at p. */
static const char *class_end(struct sw_match *m, const char *p) {
    if (p == m->pattern_end) luaL_error(m->L, "malformed pattern (ends with '%%')");
    if (*p++ == '%') {
        if (p == m->pattern_end) luaL_error(m->L, "malformed pattern (ends with '%%')");
        return p + 1;
    }
    if (p[-1] != '[') return p;
    if (p < m->pattern_end && *p == '^') p++;
    do { /* the first ']' is literal */
        if (p == m->pattern_end) luaL_error(m->L, "malformed pattern (missing ']')");
        if (*p++ == '%') {
            if (p == m->pattern_end) luaL_error(m->L, "malformed pattern (missing ']')");
            p++;
        }
    } while (p == m->pattern_end || *p != ']');
    return p + 1;
}

static bool in_letter_class(int c, int letter) {
    bool yes;
    switch (tolower(letter)) {
    case 'a': yes = isalpha(c); break;
    case 'c': yes = iscntrl(c); break;
    case 'd': yes = isdigit(c); break;
    case 'g': yes = isgraph(c); break;
    case 'l': yes = islower(c); break;
    case 'p': yes = ispunct(c); break;
    case 's': yes = isspace(c); break;
    case 'u': yes = isupper(c); break;
    case 'w': yes = isalnum(c); break;
    case 'x': yes = isxdigit(c); break;
    default: return letter == c;
    }
    return isupper(letter) ? !yes : yes;
}

/* p is at '[', end at its ']'. */
static bool in_set(int c, const char *p, const char *end) {
    bool yes = true;
    if (p[1] == '^') {
        yes = false;
        p++;
    }
    while (++p < end) {
        if (*p == '%') {
            p++;
            if (in_letter_class(c, (unsigned char)*p)) return yes;
        } else if (p + 2 < end && p[1] == '-') {
            p += 2;
            if ((unsigned char)p[-2] <= c && c <= (unsigned char)*p) return yes;
        } else if ((unsigned char)*p == c) {
            return yes;
        }
    }
    return !yes;
}

static bool single(struct sw_match *m, const char *s, const char *p, const char *end) {
    if (s >= m->text_end) return false;
    sw_match__tick(m);
    int c = (unsigned char)*s;
    switch (*p) {
    case '.': return true;
    case '%': return in_letter_class(c, (unsigned char)p[1]);
    case '[': return in_set(c, p, end - 1);
    default: return (unsigned char)*p == c;
    }
}

static const char *balanced(struct sw_match *m, const char *s, const char *p) {
    if (p >= m->pattern_end - 1) luaL_error(m->L, "malformed pattern (missing arguments to '%%b')");
    if (s >= m->text_end || *s != *p) return NULL;
    const char open = *p, close = p[1];
    int level = 1;
    while (++s < m->text_end) {
        sw_match__tick(m);
        if (*s == close) {
            if (--level == 0) return s + 1;
        } else if (*s == open) {
            level++;
        }
    }
    return NULL;
}

static const char *longest(struct sw_match *m, const char *s, const char *p, const char *end) {
    ptrdiff_t i = 0;
    while (single(m, s + i, p, end)) i++;
    for (; i >= 0; i--) {
        const char *found = sw_match__here(m, s + i, end + 1);
        if (found) return found;
    }
    return NULL;
}

static const char *shortest(struct sw_match *m, const char *s, const char *p, const char *end) {
    for (;; s++) {
        const char *found = sw_match__here(m, s, end + 1);
        if (found) return found;
        if (!single(m, s, p, end)) return NULL;
    }
}

static const char *open_capture(struct sw_match *m, const char *s, const char *p, ptrdiff_t kind) {
    if (m->n >= MAX_CAPTURES) luaL_error(m->L, "too many captures");
    m->capture[m->n].at = s;
    m->capture[m->n].len = kind;
    m->n++;
    const char *found = sw_match__here(m, s, p);
    if (!found) m->n--;
    return found;
}

static const char *close_capture(struct sw_match *m, const char *s, const char *p) {
    int i = m->n - 1;
    while (i >= 0 && m->capture[i].len != CAPTURE_OPEN) i--;
    if (i < 0) luaL_error(m->L, "invalid pattern capture");
    m->capture[i].len = s - m->capture[i].at;
    const char *found = sw_match__here(m, s, p);
    if (!found) m->capture[i].len = CAPTURE_OPEN;
    return found;
}

static const char *back_reference(struct sw_match *m, const char *s, int digit) {
    int i = digit - '1';
    if (i < 0 || i >= m->n || m->capture[i].len == CAPTURE_OPEN) luaL_error(m->L, "invalid capture index %%%d", i + 1);
    size_t len = m->capture[i].len < 0 ? 0 : (size_t)m->capture[i].len;
    if ((size_t)(m->text_end - s) < len || memcmp(m->capture[i].at, s, len) != 0) return NULL;
    return s + len;
}

/* %f[set]: between a character outside of the set and one in it. */
static bool at_frontier(struct sw_match *m, const char *s, const char *p, const char *end) {
    int before = s == m->text ? 0 : (unsigned char)s[-1], after = s == m->text_end ? 0 : (unsigned char)*s;
    return !in_set(before, p, end - 1) && in_set(after, p, end - 1);
}

static const char *match_steps(struct sw_match *m, const char *s, const char *p) {
    while (p != m->pattern_end) {
        sw_match__tick(m);
        if (*p == '(') {
            if (p + 1 < m->pattern_end && p[1] == ')') return open_capture(m, s, p + 2, CAPTURE_POSITION);
            return open_capture(m, s, p + 1, CAPTURE_OPEN);
        }
        if (*p == ')') return close_capture(m, s, p + 1);
        if (*p == '$' && p + 1 == m->pattern_end) return s == m->text_end ? s : NULL;
        if (*p == '%' && p + 1 < m->pattern_end) {
            if (p[1] == 'b') {
                s = balanced(m, s, p + 2);
                if (!s) return NULL;
                p += 4;
                continue;
            }
            if (p[1] == 'f') {
                p += 2;
                if (p >= m->pattern_end || *p != '[') luaL_error(m->L, "missing '[' after '%%f' in pattern");
                const char *end = class_end(m, p);
                if (!at_frontier(m, s, p, end)) return NULL;
                p = end;
                continue;
            }
            if (isdigit((unsigned char)p[1])) {
                s = back_reference(m, s, p[1]);
                if (!s) return NULL;
                p += 2;
                continue;
            }
        }
        const char *end = class_end(m, p);
        char repeat = end < m->pattern_end ? *end : '\0';
        if (repeat == '*') return longest(m, s, p, end);
        if (repeat == '+') return single(m, s, p, end) ? longest(m, s + 1, p, end) : NULL;
        if (repeat == '-') return shortest(m, s, p, end);
        if (repeat == '?') {
            if (single(m, s, p, end)) {
                const char *found = sw_match__here(m, s + 1, end + 1);
                if (found) return found;
            }
            p = end + 1;
            continue;
        }
        if (!single(m, s, p, end)) return NULL;
        s++;
        p = end;
    }
    return s;
}

const char *sw_match__here(struct sw_match *m, const char *s, const char *p) {
    if (++m->depth > MAX_DEPTH) luaL_error(m->L, "pattern too complex");
    const char *found = match_steps(m, s, p);
    m->depth--;
    return found;
}
