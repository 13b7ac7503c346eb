/* Batches. The input is a program: a head byte, then operations that put bytes on the two streams.
 *
 *   head   bit 0: steps instead of probes; bits 1-2: fragments less one; bits 3-4: max_output (none, 1, 7, 64); bit 5: honest
 *   op     bit 0: stream; bits 1-2: what: 0 bytes (length, bytes), 1 begin mark (id), 2 end mark (id, status), 3 final mark
 *
 * In any case it makes no difference in which portions the bytes come. When honest, only the bytes are used: they are the output of the
 * fragments in turn, framed as the script frames it, and come out exactly as they went in. */
#include "slipway/batch.h"
#include "batch_internal.h"
#include "fuzz.h"

static const char NONCE[] = "00112233445566778899aabbccddeeff";
enum { FRAGMENTS_MAX = 4 };

struct input {
    const uint8_t *p, *end;
};

static uint8_t take(struct input *in) {
    return in->p < in->end ? *in->p++ : 0;
}

static const char *take_bytes(struct input *in, size_t *ret_len) {
    size_t len = take(in), left = (size_t)(in->end - in->p);
    const char *bytes = (const char *)in->p;
    *ret_len = len < left ? len : left;
    in->p += *ret_len;
    return bytes;
}

struct log {
    size_t next;
    bool open;
    struct sw_str lines[FRAGMENTS_MAX][2];
};

static void on_begin(void *ctx, size_t id) {
    struct log *log = ctx;
    FUZZ_CHECK(!log->open && id == log->next);
    log->open = true;
}

static void on_line(void *ctx, size_t id, int stream, const char *line, size_t len) {
    struct log *log = ctx;
    FUZZ_CHECK(log->open && id == log->next && (stream == 1 || stream == 2) && !memchr(line, '\n', len));
    sw_str_add(&log->lines[id][stream - 1], line, len);
    sw_str_addc(&log->lines[id][stream - 1], '\n');
}

static void on_end(void *ctx, size_t id, const struct sw_batch_result *result) {
    struct log *log = ctx;
    FUZZ_CHECK(log->open && id == log->next++ && result->ran && result->ended);
    log->open = false;
}

struct setup {
    enum sw_batch_kind kind;
    size_t fragments, max_output;
};

static struct sw_batch *start(const struct setup *setup, struct log *log) {
    struct sw_batch_events events = {on_begin, on_line, on_end, log};
    struct sw_batch *batch = sw_batch_new(setup->kind, setup->max_output, &events);
    memcpy(batch->nonce, NONCE, sizeof NONCE);
    for (size_t i = 0; i < setup->fragments; i++) FUZZ_CHECK(sw_batch_add(batch, "true", 4) == i);
    return batch;
}

static void end(struct sw_batch *batch, struct log *log) {
    for (size_t i = 0; i < FRAGMENTS_MAX; i++)
        for (size_t s = 0; s < 2; s++) sw_str_done(&log->lines[i][s]);
    sw_batch_free(batch);
}

static void finish(struct sw_batch *batch) {
    struct sw_err err = {0};
    fuzz_check_err(sw_batch_finish(batch, &err), &err);
    sw_err_done(&err);
}

static void add_mark(struct sw_str *stream, char kind, unsigned id, unsigned status) {
    sw_str_addf(stream, "\036%s %c", NONCE, kind);
    if (kind == 'b') sw_str_addf(stream, "%u", id);
    if (kind == 'e') sw_str_addf(stream, "%u %u", id, status);
    sw_str_addc(stream, '\n');
}

/* Feeds both streams in portions of 1 to 64 bytes, by turns; `seed` says which. Or each whole, when it is 0. */
static void feed(struct sw_batch *batch, const struct sw_str streams[2], uint32_t seed) {
    size_t at[2] = {0, 0};
    while (at[0] < streams[0].len || at[1] < streams[1].len) {
        size_t s = at[0] < streams[0].len ? 0 : 1, n = streams[s].len - at[s];
        if (seed) {
            seed = seed * 1103515245 + 12345;
            if ((seed >> 28 & 1) && at[1] < streams[1].len) s = 1;
            n = (seed >> 16 & 7) == 7 ? 64 : (seed >> 16 & 7) + 1;
            if (n > streams[s].len - at[s]) n = streams[s].len - at[s];
        }
        /* A copy of just these bytes: reading beyond a portion is an error that AddressSanitizer sees. */
        char *portion = sw_xmalloc(n ? n : 1);
        memcpy(portion, streams[s].p + at[s], n);
        sw_batch_feed(batch, (int)s + 1, portion, n);
        free(portion);
        at[s] += n;
    }
    finish(batch);
}

static void check_bounds(const struct setup *setup, const struct sw_batch *batch) {
    size_t max = setup->max_output ? setup->max_output : 1 << 20;
    for (size_t i = 0; i < setup->fragments; i++) {
        const struct sw_batch_result *r = sw_batch_result(batch, i);
        FUZZ_CHECK(r->out_len <= max && r->err_len <= max && r->out[r->out_len] == 0 && r->err[r->err_len] == 0);
        FUZZ_CHECK(!r->ended || (r->ran && r->status >= 0 && r->status <= 999));
    }
    FUZZ_CHECK(sw_batch_result(batch, setup->fragments) == NULL);
}

static void any(const struct setup *setup, struct input in, uint32_t seed) {
    struct sw_str streams[2] = {{0}, {0}};
    while (in.p < in.end) {
        uint8_t op = take(&in);
        struct sw_str *stream = &streams[op & 1];
        if ((op >> 1 & 3) == 0) {
            size_t len;
            const char *bytes = take_bytes(&in, &len);
            sw_str_add(stream, bytes, len);
        } else {
            char kind = "?bez"[op >> 1 & 3];
            unsigned id = kind == 'z' ? 0 : take(&in), status = kind == 'e' ? take(&in) : 0;
            add_mark(stream, kind, id, status);
        }
    }
    struct log whole_log = {0}, cut_log = {0};
    struct sw_batch *whole = start(setup, &whole_log), *cut = start(setup, &cut_log);
    feed(whole, streams, 0);
    feed(cut, streams, seed | 1);
    check_bounds(setup, whole);
    check_bounds(setup, cut);
    FUZZ_CHECK(whole_log.next == cut_log.next && whole_log.open == cut_log.open);
    for (size_t i = 0; i < setup->fragments; i++) { /* but for the status: streams that contradict each other, the last says */
        const struct sw_batch_result *a = sw_batch_result(whole, i), *b = sw_batch_result(cut, i);
        FUZZ_CHECK(a->ran == b->ran && a->ended == b->ended && a->truncated == b->truncated);
        FUZZ_CHECK(a->out_len == b->out_len && memcmp(a->out, b->out, a->out_len) == 0);
        FUZZ_CHECK(a->err_len == b->err_len && memcmp(a->err, b->err, a->err_len) == 0);
        for (size_t s = 0; s < 2; s++) FUZZ_CHECK(strcmp(sw_str_z(&whole_log.lines[i][s]), sw_str_z(&cut_log.lines[i][s])) == 0);
    }
    end(whole, &whole_log);
    end(cut, &cut_log);
    sw_str_done(&streams[0]);
    sw_str_done(&streams[1]);
}

static void honest(const struct setup *setup, struct input in, uint32_t seed) {
    struct sw_str streams[2] = {{0}, {0}}, sent[FRAGMENTS_MAX][2] = {0};
    sw_str_addz(&streams[0], "Welcome!\n\036");
    for (size_t i = 0; i < setup->fragments; i++) {
        uint8_t status = i + 1 < setup->fragments && setup->kind == SW_BATCH_STEPS ? 0 : take(&in);
        for (size_t s = 0; s < 2; s++) {
            size_t len;
            const char *bytes = take_bytes(&in, &len);
            if (memmem(bytes, len, NONCE, 32)) len = 0; /* nobody on the node can know it */
            sw_str_add(&sent[i][s], bytes, len);
            add_mark(&streams[s], 'b', (unsigned)i, 0);
            sw_str_add(&streams[s], bytes, len);
            add_mark(&streams[s], 'e', (unsigned)i, status);
        }
    }
    for (size_t s = 0; s < 2; s++) add_mark(&streams[s], 'z', 0, 0);
    struct log log = {0};
    struct sw_batch *batch = start(setup, &log);
    feed(batch, streams, seed);
    check_bounds(setup, batch);
    FUZZ_CHECK(log.next == setup->fragments && sw_batch_finish(batch, NULL) == 0);
    size_t max = setup->max_output ? setup->max_output : 1 << 20;
    for (size_t i = 0; i < setup->fragments; i++) {
        const struct sw_batch_result *r = sw_batch_result(batch, i);
        size_t out = sent[i][0].len < max ? sent[i][0].len : max, err = sent[i][1].len < max ? sent[i][1].len : max;
        FUZZ_CHECK(r->ended && r->truncated == (sent[i][0].len > max || sent[i][1].len > max));
        FUZZ_CHECK(r->out_len == out && memcmp(r->out, sw_str_z(&sent[i][0]), out) == 0);
        FUZZ_CHECK(r->err_len == err && memcmp(r->err, sw_str_z(&sent[i][1]), err) == 0);
        for (size_t s = 0; s < 2; s++) sw_str_done(&sent[i][s]);
    }
    end(batch, &log);
    sw_str_done(&streams[0]);
    sw_str_done(&streams[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const size_t max_output[] = {0, 1, 7, 64};
    struct input in = {data, data + size};
    uint8_t head = take(&in);
    struct setup setup = {head & 1 ? SW_BATCH_STEPS : SW_BATCH_PROBES, (head >> 1 & 3) + 1u, max_output[head >> 3 & 3]};
    uint32_t seed = (uint32_t)size * 2654435761u;
    if (head & 32)
        honest(&setup, in, seed);
    else
        any(&setup, in, seed);
    return 0;
}
