/* The text diff: applied to the first text as patch(1) would, it gives the second. */
#include "fuzz.h"
#include "slipway/schema.h"

struct cursor {
    const char *p, *end;
};

/* The next line with its newline, or the rest. */
static size_t line(const struct cursor *c) {
    const char *newline = memchr(c->p, '\n', (size_t)(c->end - c->p));
    return newline ? (size_t)(newline - c->p) + 1 : (size_t)(c->end - c->p);
}

static size_t number(struct cursor *c) {
    size_t n = 0;
    FUZZ_CHECK(c->p < c->end && *c->p >= '0' && *c->p <= '9');
    while (c->p < c->end && *c->p >= '0' && *c->p <= '9') n = n * 10 + (size_t)(*c->p++ - '0');
    return n;
}

static void range(struct cursor *c, char sign, size_t *ret_first, size_t *ret_count) {
    FUZZ_CHECK(c->p < c->end && *c->p++ == sign);
    *ret_first = number(c);
    *ret_count = 1;
    if (c->p < c->end && *c->p == ',') {
        c->p++;
        *ret_count = number(c);
    }
    if (*ret_count) --*ret_first; /* lines before the hunk */
    FUZZ_CHECK(c->p < c->end && *c->p++ == ' ');
}

/* One line of a hunk: takes from `a`, gives to `out`. */
static char hunk_line(struct cursor *diff, struct cursor *a, struct sw_str *out) {
    static const char MARK[] = "\\ No newline at end of file\n";
    FUZZ_CHECK(diff->p < diff->end);
    char op = *diff->p++;
    FUZZ_CHECK(op == ' ' || op == '+' || op == '-');
    size_t len = line(diff), text_len = len;
    const char *text = diff->p;
    diff->p += len;
    FUZZ_CHECK(len && text[len - 1] == '\n');
    if ((size_t)(diff->end - diff->p) >= sizeof MARK - 1 && memcmp(diff->p, MARK, sizeof MARK - 1) == 0) {
        diff->p += sizeof MARK - 1;
        text_len--;
    }
    if (op != '+') {
        FUZZ_CHECK(line(a) == text_len && memcmp(a->p, text, text_len) == 0);
        a->p += text_len;
    }
    if (op != '-') sw_str_add(out, text, text_len);
    return op;
}

static size_t copy_lines(struct cursor *a, size_t n, struct sw_str *out) {
    for (size_t i = 0; i < n; i++) {
        size_t len = line(a);
        FUZZ_CHECK(len);
        sw_str_add(out, a->p, len);
        a->p += len;
    }
    return n;
}

static void apply(struct cursor diff, struct cursor a, struct sw_str *out) {
    size_t a_at = 0, b_at = 0;
    while (diff.p < diff.end) {
        size_t a_first, a_count, b_first, b_count;
        FUZZ_CHECK(diff.end - diff.p > 3 && memcmp(diff.p, "@@ ", 3) == 0);
        diff.p += 3;
        range(&diff, '-', &a_first, &a_count);
        range(&diff, '+', &b_first, &b_count);
        FUZZ_CHECK(diff.end - diff.p > 2 && memcmp(diff.p, "@@\n", 3) == 0);
        diff.p += 3;
        FUZZ_CHECK(a_first >= a_at);
        b_at += copy_lines(&a, a_first - a_at, out);
        a_at = a_first;
        FUZZ_CHECK(b_at == b_first);
        while (a_count || b_count) {
            char op = hunk_line(&diff, &a, out);
            FUZZ_CHECK((op == '+' || a_count) && (op == '-' || b_count));
            a_count -= op != '+';
            b_count -= op != '-';
            a_at += op != '+';
            b_at += op != '-';
        }
    }
    sw_str_add(out, a.p, (size_t)(a.end - a.p));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct fuzz_halves in = fuzz_halves(data, size);
    struct sw_str diff = {0}, out = {0};
    sw_text_diff(&diff, in.a, in.a_len, in.b, in.b_len);
    /* Each line comes at most once a side, with a sign and perhaps the mark for no newline, and the heads of hunks. */
    FUZZ_CHECK(diff.len <= 64 + 64 * (in.a_len + in.b_len));
    bool equal = in.a_len == in.b_len && memcmp(in.a, in.b, in.a_len) == 0;
    FUZZ_CHECK(equal == (diff.len == 0));
    if (!sw_starts_with(sw_str_z(&diff), "@@ too large")) {
        apply((struct cursor){sw_str_z(&diff), sw_str_z(&diff) + diff.len}, (struct cursor){in.a, in.a + in.a_len}, &out);
        FUZZ_CHECK(out.len == in.b_len && memcmp(sw_str_z(&out), in.b, in.b_len) == 0);
    }
    sw_str_done(&diff);
    sw_str_done(&out);
    return 0;
}
