/* A growing byte string with a limit, and the few string helpers everybody needs. */
#ifndef SLIPWAY_STR_H
#define SLIPWAY_STR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zero-initialise; `p` is NUL-terminated whenever it is not NULL. Free with sw_str_done(). */
struct sw_str {
    char *p;
    size_t len;
    size_t cap;
    size_t max;    /* bytes; 0 means SW_STR_MAX */
    bool overflow; /* something did not fit; what fitted is kept */
};
#define SW_STR_MAX ((size_t)1 << 30)

void sw_str_add(struct sw_str *s, const char *p, size_t len);
void sw_str_addz(struct sw_str *s, const char *z);
void sw_str_addc(struct sw_str *s, char c);
void sw_str_addf(struct sw_str *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void sw_str_addv(struct sw_str *s, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
void sw_str_clear(struct sw_str *s); /* keeps the memory */
void sw_str_done(struct sw_str *s);
const char *sw_str_z(const struct sw_str *s); /* "" when empty; borrowed */
char *sw_str_take(struct sw_str *s);          /* the malloc'ed text, s is emptied; "" when empty */

/* Appends `text` quoted for a POSIX shell: 'it'\''s'. Text with NUL bytes is cut at the NUL: callers refuse it before. */
void sw_str_add_shell(struct sw_str *s, const char *text, size_t len);

void sw_str_add_base64(struct sw_str *s, const void *data, size_t len);
/* Decodes; white space is skipped. false on any other character, bad padding, or bits beyond the last byte that are not zero. */
bool sw_base64_decode(const char *text, size_t len, struct sw_str *ret);
void sw_str_add_hex(struct sw_str *s, const void *data, size_t len);

bool sw_starts_with(const char *s, const char *prefix);
bool sw_ends_with(const char *s, const char *suffix);
/* Zeroes memory in a way the compiler keeps. */
void sw_wipe(void *p, size_t len);
/* Appends `text` with control characters (other than \n and \t) and invalid UTF-8 shown as \xNN: for remote text on a terminal. */
void sw_str_add_printable(struct sw_str *s, const char *text, size_t len);
/* Number of terminal columns of UTF-8 text, counting wide characters as two and escape sequences (\033[…m) as none. */
size_t sw_columns(const char *text, size_t len);

/* Decodes one UTF-8 character. Returns its length in bytes, 0 when the text is empty or not UTF-8 there. */
size_t sw_utf8_next(const char *text, size_t len, uint32_t *ret_code);
/* The length of the valid UTF-8 at the start of `text`: `len` when all of it is. */
size_t sw_utf8_valid(const char *text, size_t len);
/* The length of the longest start of `text` that takes at most max_columns columns. */
size_t sw_utf8_cut(const char *text, size_t len, size_t max_columns);

#endif
