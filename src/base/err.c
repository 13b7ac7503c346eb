#include "slipway/err.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "slipway/arena.h"

#define DETAIL_MAX  ((size_t)16 * 1024)
#define NEAREST_MAX 64

static char *format(const char *fmt, va_list ap) __attribute__((format(printf, 1, 0)));

static char *format(const char *fmt, va_list ap) {
    char *text = NULL;
    if (vasprintf(&text, fmt, ap) < 0) abort();
    return text;
}

int sw_err_setv(struct sw_err *err, int code, const char *fmt, va_list ap) {
    if (err && err->code == 0) {
        err->code = code;
        free(err->message);
        err->message = format(fmt, ap);
    }
    return code;
}

int sw_err_set(struct sw_err *err, int code, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    sw_err_setv(err, code, fmt, ap);
    va_end(ap);
    return code;
}

void sw_err_at(struct sw_err *err, struct sw_pos pos) {
    if (!err || err->file || err->line || (!pos.file && !pos.line)) return;
    err->file = pos.file ? sw_xstrdup(pos.file) : NULL;
    err->line = pos.line;
    err->column = pos.column;
}

void sw_err_hint(struct sw_err *err, const char *fmt, ...) {
    if (!err || err->hint) return;
    va_list ap;
    va_start(ap, fmt);
    err->hint = format(fmt, ap);
    va_end(ap);
}

void sw_err_detail(struct sw_err *err, const char *text, size_t len) {
    if (!err || err->detail || !text || len == 0) return;
    /* The end is kept: that is where programs say what went wrong. */
    if (len > DETAIL_MAX) {
        text += len - DETAIL_MAX;
        len = DETAIL_MAX;
        while (len > 0 && ((unsigned char)*text & 0xC0) == 0x80) {
            text++;
            len--;
        }
    }
    err->detail = sw_xstrndup(text, len);
}

int sw_err_frame(struct sw_err *err, const char *fmt, ...) {
    if (!err) return SW_EINTERNAL;
    va_list ap;
    va_start(ap, fmt);
    char *frame = format(fmt, ap);
    va_end(ap);
    err->frames = sw_xrealloc(err->frames, (err->n_frames + 1) * sizeof *err->frames);
    err->frames[err->n_frames++] = frame;
    return err->code;
}

void sw_err_move(struct sw_err *to, struct sw_err *from) {
    if (!from || to == from) return;
    if (to) {
        sw_err_done(to);
        *to = *from;
        *from = (struct sw_err){0};
    } else {
        sw_err_done(from);
    }
}

int sw_err_give(struct sw_err *to, struct sw_err *from) {
    int code = from->code;
    if (to && !to->code)
        sw_err_move(to, from);
    else
        sw_err_done(from);
    return code;
}

static char *copy_or_null(const char *s) {
    return s ? sw_xstrdup(s) : NULL;
}

void sw_err_copy(struct sw_err *to, const struct sw_err *from) {
    if (!to || to == from) return;
    sw_err_done(to);
    to->code = from->code;
    to->message = copy_or_null(from->message);
    to->hint = copy_or_null(from->hint);
    to->detail = copy_or_null(from->detail);
    to->file = copy_or_null(from->file);
    to->line = from->line;
    to->column = from->column;
    if (from->n_frames) {
        to->frames = sw_xcalloc(from->n_frames, sizeof *to->frames);
        for (size_t i = 0; i < from->n_frames; i++) to->frames[i] = sw_xstrdup(from->frames[i]);
        to->n_frames = from->n_frames;
    }
}

void sw_err_done(struct sw_err *err) {
    if (!err) return;
    free(err->message);
    free(err->hint);
    free(err->detail);
    free(err->file);
    for (size_t i = 0; i < err->n_frames; i++) free(err->frames[i]);
    free(err->frames);
    *err = (struct sw_err){0};
}

const char *sw_code_name(int code) {
    switch (code) {
    case SW_OK: return "ok";
    case SW_EINVAL: return "invalid";
    case SW_ENOTFOUND: return "not_found";
    case SW_EEXISTS: return "exists";
    case SW_ECONFLICT: return "conflict";
    case SW_ELOCKED: return "locked";
    case SW_EAUTH: return "auth";
    case SW_EHOSTKEY: return "host_key";
    case SW_EUNREACHABLE: return "unreachable";
    case SW_ETIMEOUT: return "timeout";
    case SW_ECANCELLED: return "cancelled";
    case SW_EREMOTE: return "remote";
    case SW_ESCRIPT: return "script";
    case SW_EIO: return "io";
    case SW_ELIMIT: return "limit";
    case SW_EREFUSED: return "refused";
    case SW_EINTERNAL: return "internal";
    case SW_EUNCERTAIN: return "uncertain";
    default: return "unknown";
    }
}

static size_t min3(size_t a, size_t b, size_t c) {
    size_t m = a < b ? a : b;
    return m < c ? m : c;
}

/* Edit distance in which swapping two neighbours counts once ("lables"), as that is the commonest slip. */
static size_t distance(const char *a, size_t n, const char *b, size_t m) {
    size_t rows[3][NEAREST_MAX + 1];
    for (size_t j = 0; j <= m; j++) rows[0][j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t *cur = rows[i % 3], *prev = rows[(i + 2) % 3], *prev2 = rows[(i + 1) % 3];
        cur[0] = i;
        for (size_t j = 1; j <= m; j++) {
            cur[j] = min3(prev[j] + 1, cur[j - 1] + 1, prev[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && prev2[j - 2] + 1 < cur[j]) cur[j] = prev2[j - 2] + 1;
        }
    }
    return rows[n % 3][m];
}

const char *sw_nearest(const char *word, const char *const *candidates, size_t n) {
    size_t len = strlen(word);
    if (len > NEAREST_MAX) return NULL;
    size_t best = len / 3 > 1 ? len / 3 : 1;
    const char *found = NULL;
    for (size_t i = 0; i < n; i++) {
        size_t other = strlen(candidates[i]);
        if (other > NEAREST_MAX) continue;
        size_t d = distance(word, len, candidates[i], other);
        /* One edit of a one-letter word is any word at all: that is no help. */
        if (d >= len) continue;
        if (d < best || (d == best && !found)) {
            best = d;
            found = candidates[i];
        }
    }
    return found;
}
