/* A unified diff of two texts: Myers' O(ND) algorithm ("An O(ND) Difference Algorithm and Its Variations", 1986). */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "slipway/schema.h"
#include "slipway/vec.h"

#define MAX_LINES 4000
/* The trace takes (edits+1)^2 ints: 4 MB at this many. Texts that differ more are shown as wholly replaced. */
#define MAX_EDITS 1000
#define CONTEXT   3

struct line {
    const char *p;
    size_t len; /* with its newline */
    uint64_t hash;
};

struct lines {
    struct line *v;
    size_t n, cap;
};

/* One line of the result: ' ' is in both, '-' only in a, '+' only in b. */
struct edit {
    char op;
    size_t a, b;
};

struct script {
    struct edit *v;
    size_t n, cap;
};

static struct lines split(const char *text, size_t len) {
    struct lines lines = {0};
    while (len) {
        const char *newline = memchr(text, '\n', len);
        struct line line = {text, newline ? (size_t)(newline - text) + 1 : len, 1469598103934665603u};
        for (size_t i = 0; i < line.len; i++) line.hash = (line.hash ^ (unsigned char)text[i]) * 1099511628211u;
        sw_vec_push(&lines, line);
        text += line.len;
        len -= line.len;
    }
    return lines;
}

static bool same(const struct line *a, const struct line *b) {
    return a->hash == b->hash && a->len == b->len && memcmp(a->p, b->p, a->len) == 0;
}

static void push(struct script *script, char op, size_t a, size_t b) {
    struct edit edit = {op, a, b};
    sw_vec_push(script, edit);
}

/* Walks the trace back from (n, m). trace[d] is the row of furthest x before step d; diagonal k is at index d + k. */
static void backtrack(int *const *trace, int edits, int n, int m, size_t skip, struct script *script) {
    size_t first = script->n;
    int x = n, y = m;
    for (int d = edits; d > 0; d--) {
        const int *row = trace[d - 1];
        int k = x - y, mid = d - 1;
        bool down = k == -d || (k != d && row[mid + k - 1] < row[mid + k + 1]);
        int from = down ? k + 1 : k - 1;
        int from_x = row[mid + from], from_y = from_x - from;
        for (int start = down ? from_x : from_x + 1; x > start;) {
            x--, y--;
            push(script, ' ', skip + (size_t)x, skip + (size_t)y);
        }
        push(script, down ? '+' : '-', skip + (size_t)from_x, skip + (size_t)from_y);
        x = from_x;
        y = from_y;
    }
    while (x > 0) { /* before the first edit both run alike: x == y */
        x--, y--;
        push(script, ' ', skip + (size_t)x, skip + (size_t)y);
    }
    for (size_t i = first, j = script->n; i + 1 < j; i++) {
        struct edit swap = script->v[i];
        script->v[i] = script->v[--j];
        script->v[j] = swap;
    }
}

/* Appends the edits that turn a[skip..skip+n) into b[skip..skip+m). false when there are more than MAX_EDITS. */
static bool myers(const struct line *a, int n, const struct line *b, int m, size_t skip, struct script *script) {
    int *trace[MAX_EDITS + 1];
    int d, found = -1;
    for (d = 0; d <= MAX_EDITS && d <= n + m && found < 0; d++) {
        int *row = sw_xcalloc(2 * (size_t)d + 1, sizeof *row);
        const int *previous = d ? trace[d - 1] + (d - 1) : NULL; /* previous[k] */
        trace[d] = row;
        for (int k = -d; k <= d; k += 2) {
            int x = 0;
            if (d > 0) x = k == -d || (k != d && previous[k - 1] < previous[k + 1]) ? previous[k + 1] : previous[k - 1] + 1;
            int y = x - k;
            while (x < n && y < m && same(&a[x], &b[y])) x++, y++;
            row[d + k] = x;
            if (x >= n && y >= m) {
                found = d;
                break;
            }
        }
    }
    if (found >= 0) backtrack(trace, found, n, m, skip, script);
    while (d > 0) free(trace[--d]);
    return found >= 0;
}

static void add_line(struct sw_str *out, char op, const struct line *line) {
    sw_str_addc(out, op);
    sw_str_add(out, line->p, line->len);
    if (line->p[line->len - 1] != '\n') sw_str_addz(out, "\n\\ No newline at end of file\n");
}

/* "-12,3": the first line (or the one before, when there are none) and their number, as diff(1) writes it. */
static void add_range(struct sw_str *out, char sign, size_t first, size_t count) {
    sw_str_addf(out, "%c%zu", sign, count ? first + 1 : first);
    if (count != 1) sw_str_addf(out, ",%zu", count);
}

static void add_hunk(struct sw_str *out, const struct edit *edits, size_t n, const struct line *a, const struct line *b) {
    size_t removed = 0, added = 0;
    for (size_t i = 0; i < n; i++) {
        removed += edits[i].op != '+';
        added += edits[i].op != '-';
    }
    sw_str_addz(out, "@@ ");
    add_range(out, '-', edits[0].a, removed);
    sw_str_addc(out, ' ');
    add_range(out, '+', edits[0].b, added);
    sw_str_addz(out, " @@\n");
    for (size_t i = 0; i < n; i++) add_line(out, edits[i].op, edits[i].op == '+' ? &b[edits[i].b] : &a[edits[i].a]);
}

/* Cuts the script into hunks: changes with at most 2 * CONTEXT equal lines between them belong together. */
static void add_hunks(struct sw_str *out, const struct script *script, const struct line *a, const struct line *b) {
    size_t i = 0;
    while (i < script->n) {
        if (script->v[i].op == ' ') {
            i++;
            continue;
        }
        size_t first = i, last = i; /* the first and last change of the hunk */
        for (size_t j = i; j < script->n && j - last <= 2 * CONTEXT + 1; j++)
            if (script->v[j].op != ' ') last = j;
        first -= first < CONTEXT ? first : CONTEXT;
        size_t end = last + CONTEXT < script->n ? last + CONTEXT + 1 : script->n;
        add_hunk(out, script->v + first, end - first, a, b);
        i = last + 1;
    }
}

void sw_text_diff(struct sw_str *out, const char *a, size_t a_len, const char *b, size_t b_len) {
    struct lines x = split(a, a_len), y = split(b, b_len);
    size_t head = 0, tail = 0, least = x.n < y.n ? x.n : y.n;
    while (head < least && same(&x.v[head], &y.v[head])) head++;
    while (tail < least - head && same(&x.v[x.n - 1 - tail], &y.v[y.n - 1 - tail])) tail++;
    size_t n = x.n - head - tail, m = y.n - head - tail;
    if (n > MAX_LINES || m > MAX_LINES) {
        sw_str_addf(out, "@@ too large to show: %zu lines removed, %zu lines added @@\n", n, m);
    } else if (n || m) {
        struct script script = {0};
        for (size_t i = head > CONTEXT ? head - CONTEXT : 0; i < head; i++) push(&script, ' ', i, i);
        const struct line *from = x.v ? x.v + head : NULL, *to = y.v ? y.v + head : NULL; /* an empty text has no lines to point at */
        if (!myers(from, (int)n, to, (int)m, head, &script)) {
            for (size_t i = 0; i < n; i++) push(&script, '-', head + i, head);
            for (size_t i = 0; i < m; i++) push(&script, '+', head + n, head + i);
        }
        for (size_t i = 0; i < tail && i < CONTEXT; i++) push(&script, ' ', head + n + i, head + m + i);
        add_hunks(out, &script, x.v, y.v);
        sw_vec_done(&script);
    }
    sw_vec_done(&x);
    sw_vec_done(&y);
}
