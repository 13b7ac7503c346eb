/* Cuts the two streams of a batch at its marks. */
#include <string.h>

#include "batch_internal.h"

enum { LINE_MAX_BYTES = 4096 };

enum match { NO_MARK, MAYBE, MARK };

struct mark {
    char kind; /* 'b', 'e', 'p' or 'z' */
    size_t id;
    int status;
    size_t len;
};

/* Reads up to max_digits digits. Returns their number. */
static size_t read_number(const char *p, size_t len, size_t max_digits, size_t *ret) {
    size_t n = 0, value = 0;
    while (n < len && n < max_digits && p[n] >= '0' && p[n] <= '9') value = value * 10 + (size_t)(p[n++] - '0');
    *ret = value;
    return n;
}

/* Is there a mark at p (which holds SW_MARK_CHAR)? MAYBE when it could become one with more bytes. */
static enum match match_mark(const struct sw_batch *batch, const char *p, size_t len, struct mark *ret) {
    size_t compare = len - 1 < SW_NONCE_LEN ? len - 1 : SW_NONCE_LEN;
    if (memcmp(p + 1, batch->nonce, compare) != 0) return NO_MARK;
    size_t at = 1 + SW_NONCE_LEN;
    if (len <= at) return MAYBE;
    if (p[at++] != ' ') return NO_MARK;
    if (at == len) return MAYBE;

    *ret = (struct mark){.kind = p[at++]};
    if (ret->kind == 'b' || ret->kind == 'e' || ret->kind == 'p') {
        size_t digits = read_number(p + at, len - at, 9, &ret->id);
        at += digits;
        if (at == len) return MAYBE;
        if (digits == 0) return NO_MARK;
        if (ret->kind == 'e') {
            if (p[at++] != ' ') return NO_MARK;
            size_t status;
            digits = read_number(p + at, len - at, 3, &status);
            at += digits;
            if (at == len) return MAYBE;
            if (digits == 0) return NO_MARK;
            ret->status = (int)status;
        }
    } else if (ret->kind != 'z') {
        return NO_MARK;
    }
    if (at == len) return MAYBE;
    if (p[at++] != '\n') return NO_MARK;
    ret->len = at;
    return MARK;
}

static void add_payload(struct sw_batch *batch, size_t s, const char *p, size_t len) {
    struct sw_batch_stream *stream = &batch->streams[s];
    if (len == 0) return;
    if (stream->current == SW_OUTSIDE) {
        size_t room = stream->outside.max - stream->outside.len;
        sw_str_add(&stream->outside, p, len < room ? len : room);
        return;
    }
    struct sw_fragment *fragment = &batch->fragments[stream->current];
    size_t room = batch->max_output - fragment->out[s].len;
    if (len > room) {
        fragment->result.truncated = true;
        len = room;
    }
    if (len) sw_str_add(&fragment->out[s], p, len);
}

/* Applies a mark if it makes sense here. A mark out of order can only be our own script's text come back; it is payload then. */
static bool apply_mark(struct sw_batch *batch, size_t s, const struct mark *mark) {
    struct sw_batch_stream *stream = &batch->streams[s];
    if (stream->done) return false;
    if (mark->kind == 'p') {
        if (stream->current != SW_OUTSIDE || stream->next) return false;
        batch->pid = mark->id;
    } else if (mark->kind == 'b') {
        if (stream->current != SW_OUTSIDE || mark->id < stream->next || mark->id >= batch->n) return false;
        stream->current = mark->id;
        stream->next = mark->id + 1;
        batch->fragments[mark->id].result.ran = true;
    } else if (mark->kind == 'e') {
        if (stream->current != mark->id) return false;
        struct sw_fragment *fragment = &batch->fragments[mark->id];
        fragment->ended[s] = true;
        fragment->result.status = mark->status;
        fragment->result.ended = fragment->ended[0] && fragment->ended[1];
        stream->current = SW_OUTSIDE;
    } else {
        if (stream->current != SW_OUTSIDE) return false;
        stream->done = true;
    }
    return true;
}

/* Sends the line events for what came since the last call; the last line without \n only when the stream has ended. */
static void send_lines(struct sw_batch *batch, size_t id, size_t s) {
    struct sw_fragment *fragment = &batch->fragments[id];
    const struct sw_str *out = &fragment->out[s];
    while (fragment->lined[s] < out->len) {
        const char *start = out->p + fragment->lined[s];
        size_t left = out->len - fragment->lined[s];
        const char *newline = memchr(start, '\n', left);
        if (!newline && !fragment->ended[s]) return;
        size_t len = newline ? (size_t)(newline - start) : left;
        fragment->lined[s] += len + (newline != NULL);
        batch->events.line(batch->events.ctx, id, (int)s + 1, start, len < LINE_MAX_BYTES ? len : LINE_MAX_BYTES);
    }
}

/* stderr may run ahead of stdout or the other way round; events are sent for one fragment at a time all the same. */
static void send_events(struct sw_batch *batch) {
    const struct sw_batch_events *events = &batch->events;
    while (batch->reported < batch->n) {
        size_t id = batch->reported;
        struct sw_fragment *fragment = &batch->fragments[id];
        if (!fragment->result.ran) return;
        if (!batch->begun) {
            batch->begun = true;
            if (events->begin) events->begin(events->ctx, id);
        }
        if (events->line && batch->kind == SW_BATCH_STEPS) {
            send_lines(batch, id, 0);
            send_lines(batch, id, 1);
        }
        if (!fragment->result.ended) return;
        if (events->end) events->end(events->ctx, id, sw_batch_result(batch, id));
        batch->reported++;
        batch->begun = false;
    }
}

/* Cuts p[0..len). Returns how many bytes were used up: those left may be the start of a mark. */
static size_t cut(struct sw_batch *batch, size_t s, const char *p, size_t len) {
    size_t at = 0;
    while (at < len) {
        const char *found = memchr(p + at, SW_MARK_CHAR, len - at);
        size_t end = found ? (size_t)(found - p) : len;
        add_payload(batch, s, p + at, end - at);
        at = end;
        if (!found) break;
        struct mark mark;
        enum match match = match_mark(batch, found, len - at, &mark);
        if (match == MAYBE) return at;
        if (match == MARK && apply_mark(batch, s, &mark)) {
            at += mark.len;
        } else {
            add_payload(batch, s, found, 1);
            at++;
        }
    }
    return at;
}

void sw_batch_feed(struct sw_batch *batch, int stream, const char *p, size_t len) {
    size_t s = stream == 2;
    struct sw_batch_stream *in = &batch->streams[s];
    /* A possible mark that was cut by the end of the last portion: complete it byte by byte until it is decided. It is at most
     * SW_MARK_MAX long, so this costs next to nothing. */
    while (in->partial_len && len) {
        in->partial[in->partial_len++] = *p++;
        len--;
        size_t used = cut(batch, s, in->partial, in->partial_len);
        in->partial_len -= used;
        memmove(in->partial, in->partial + used, in->partial_len);
    }
    if (len) {
        size_t used = cut(batch, s, p, len);
        in->partial_len = len - used;
        memcpy(in->partial, p + used, in->partial_len);
    }
    send_events(batch);
}

int sw_batch_finish(struct sw_batch *batch, struct sw_err *err) {
    for (size_t s = 0; s < 2; s++) {
        struct sw_batch_stream *stream = &batch->streams[s];
        add_payload(batch, s, stream->partial, stream->partial_len);
        stream->partial_len = 0;
    }
    send_events(batch);
    if (batch->streams[0].done && batch->streams[1].done) return SW_OK;

    size_t open = SW_OUTSIDE, ran = 0;
    for (size_t i = 0; i < batch->n; i++) {
        if (!batch->fragments[i].result.ran) continue;
        ran++;
        if (!batch->fragments[i].result.ended) open = i;
    }
    if (open != SW_OUTSIDE)
        sw_err_set(err, SW_EREMOTE, "the shell ended in the middle of the script, at part %zu of %zu", open + 1, batch->n);
    else if (ran)
        sw_err_set(err, SW_EREMOTE, "the shell ended in the middle of the script, after part %zu of %zu", ran, batch->n);
    else
        sw_err_set(err, SW_EREMOTE, "the shell did not run the script");

    struct sw_str seen = {0};
    for (size_t s = 2; s-- > 0;) { /* stderr first: it says more */
        const struct sw_str *outside = &batch->streams[s].outside;
        if (outside->len) sw_str_add(&seen, outside->p, outside->len);
    }
    if (open != SW_OUTSIDE && batch->fragments[open].out[1].len)
        sw_str_add(&seen, batch->fragments[open].out[1].p, batch->fragments[open].out[1].len);
    if (seen.len) sw_err_detail(err, seen.p, seen.len);
    sw_str_done(&seen);
    return SW_EREMOTE;
}
