/* Errors: one object owned by the caller, filled at the lowest layer, framed on the way up.
 *
 * A function that can fail returns 0 or a negative SW_E… code and takes `struct sw_err *err` last. `err` may be NULL.
 * The message of the first failure is never overwritten; callers add what they were doing with sw_err_frame().
 * Out of memory aborts: there is nothing sensible left to do.
 */
#ifndef SLIPWAY_ERR_H
#define SLIPWAY_ERR_H

#include <stdarg.h>
#include <stddef.h>

enum sw_code {
    SW_OK = 0,
    SW_EINVAL = -1,       /* the user's input is wrong */
    SW_ENOTFOUND = -2,    /* what was asked for is not there */
    SW_EEXISTS = -3,      /* it is there already */
    SW_ECONFLICT = -4,    /* the world or the state moved since the plan */
    SW_ELOCKED = -5,      /* somebody else holds the lock */
    SW_EAUTH = -6,        /* credentials refused */
    SW_EHOSTKEY = -7,     /* host key unknown or changed */
    SW_EUNREACHABLE = -8, /* no connection, or lost */
    SW_ETIMEOUT = -9,     /* a deadline passed */
    SW_ECANCELLED = -10,  /* stopped by the user */
    SW_EREMOTE = -11,     /* a command or an API answered with a failure */
    SW_ESCRIPT = -12,     /* a Lua error */
    SW_EIO = -13,         /* local file or disk */
    SW_ELIMIT = -14,      /* a limit was exceeded */
    SW_EREFUSED = -15,    /* policy, confirmation, prevent_destroy */
    SW_EINTERNAL = -16,   /* a bug in slipway */
    SW_EUNCERTAIN = -17,  /* the answer was lost: nobody knows whether it took effect */
};

/* A place in the user's files. `file` is borrowed; line and column count from 1, 0 = unknown. */
struct sw_pos {
    const char *file;
    unsigned line;
    unsigned column;
};

/* Zero-initialise. Free with sw_err_done(). */
struct sw_err {
    int code;
    char *message; /* one line, no final dot */
    char *hint;    /* what to try next, or NULL */
    char *detail;  /* the remote's own words, several lines, or NULL */
    char *file;    /* the user's file, or NULL */
    unsigned line, column;
    char **frames; /* "planning 'n1/file:/etc/hosts'", innermost first */
    size_t n_frames;
};

/* Sets code and message unless an error is set already. Returns `code`. */
int sw_err_set(struct sw_err *err, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
int sw_err_setv(struct sw_err *err, int code, const char *fmt, va_list ap) __attribute__((format(printf, 3, 0)));

/* Adds the place in the user's file, unless one is set. */
void sw_err_at(struct sw_err *err, struct sw_pos pos);

/* Adds the next thing to try, unless one is set. */
void sw_err_hint(struct sw_err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Adds the remote's own words (several lines, copied, cut at 16 KiB keeping the end), unless set. */
void sw_err_detail(struct sw_err *err, const char *text, size_t len);

/* Adds what was being done ("while …" without the "while"). Returns err's code (SW_EINTERNAL when err is NULL). */
int sw_err_frame(struct sw_err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Moves an error: `*from` is zeroed; `to` must be empty or is freed first. */
void sw_err_move(struct sw_err *to, struct sw_err *from);

/* Moves an error unless `to` holds one already; then `*from` is freed. Returns the code that `*from` had. */
int sw_err_give(struct sw_err *to, struct sw_err *from);

/* Copies deeply. */
void sw_err_copy(struct sw_err *to, const struct sw_err *from);

/* Frees the contents and zeroes. NULL and empty are fine. */
void sw_err_done(struct sw_err *err);

/* "unreachable", "locked", …: stable words, used in --json. */
const char *sw_code_name(int code);

/* "did you mean": the candidate nearest to `word` by edit distance, or NULL when none is near (distance <= max(1, len/3)). */
const char *sw_nearest(const char *word, const char *const *candidates, size_t n);

#endif
