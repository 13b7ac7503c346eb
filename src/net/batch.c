/* The script of a batch, and its results. batch_parse.c cuts the streams. */
#include <stdlib.h>
#include <string.h>

#include "batch_internal.h"
#include "slipway/arena.h"
#include "slipway/clock.h"

enum { DEFAULT_MAX_OUTPUT = 1 << 20, OUTSIDE_MAX = 16 << 10 };

struct sw_batch *sw_batch_new(enum sw_batch_kind kind, size_t max_output, const struct sw_batch_events *events) {
    struct sw_batch *batch = sw_xcalloc(1, sizeof *batch);
    batch->kind = kind;
    batch->max_output = max_output ? max_output : DEFAULT_MAX_OUTPUT;
    if (events) batch->events = *events;
    unsigned char random[16];
    sw_random(random, sizeof random);
    struct sw_str nonce = {0};
    sw_str_add_hex(&nonce, random, sizeof random);
    memcpy(batch->nonce, sw_str_z(&nonce), SW_NONCE_LEN);
    sw_str_done(&nonce);
    for (size_t i = 0; i < 2; i++) {
        batch->streams[i].current = SW_OUTSIDE;
        batch->streams[i].outside.max = OUTSIDE_MAX;
    }
    return batch;
}

void sw_batch_free(struct sw_batch *batch) {
    if (!batch) return;
    for (size_t i = 0; i < batch->n; i++) {
        free(batch->fragments[i].code);
        for (size_t s = 0; s < 2; s++) sw_str_done(&batch->fragments[i].out[s]);
    }
    for (size_t s = 0; s < 2; s++) sw_str_done(&batch->streams[s].outside);
    free(batch->fragments);
    sw_str_done(&batch->prelude);
    sw_str_done(&batch->script);
    free(batch);
}

size_t sw_batch_add(struct sw_batch *batch, const char *fragment, size_t len) {
    if (batch->n == batch->cap) {
        batch->cap = batch->cap ? batch->cap * 2 : 32;
        batch->fragments = sw_xrealloc(batch->fragments, batch->cap * sizeof *batch->fragments);
    }
    struct sw_fragment *added = &batch->fragments[batch->n];
    *added = (struct sw_fragment){.code = sw_xstrndup(fragment, len), .len = len};
    added->result = (struct sw_batch_result){.status = -1, .out = "", .err = ""};
    return batch->n++;
}

void sw_batch_prelude(struct sw_batch *batch, const char *code, size_t len) {
    sw_str_add(&batch->prelude, code, len);
    if (len && code[len - 1] != '\n') sw_str_addc(&batch->prelude, '\n');
}

/* Writes one mark to both streams. printf is a builtin of every sh we meet, so a mark costs two writes and no process. */
static void add_mark(struct sw_str *s, const struct sw_batch *batch, const char *function, const char *format, const char *arguments) {
    sw_str_addf(s, "%s() { printf '\\036%s %s\\n'%s; printf '\\036%s %s\\n'%s >&2; }\n", function, batch->nonce, format, arguments,
                batch->nonce, format, arguments);
}

/* The whole is one { … } that ends in `exit`: the shell must have read all of it to find the closing brace, so it never waits for
 * more input and nothing that runs can eat the script. The fragments are single-quoted words given to eval, for three reasons: a syntax
 * error in one cannot break the others, none can close our brace, and here-documents in them work.
 *
 * `command eval`: without `command`, a syntax error in eval (a special builtin) ends a POSIX shell. In a function, so that a fragment may
 * `return`. The steps' status is taken after the subshell, not with || or if: those would switch `set -e` off inside it. */
static void write_script(struct sw_batch *batch) {
    struct sw_str *s = &batch->script;
    sw_str_addz(s, "{ exec </dev/null\n");
    add_mark(s, batch, "_sw_b", "b%s", " \"$1\"");
    add_mark(s, batch, "_sw_e", "e%s %s", " \"$1\" \"$2\"");
    add_mark(s, batch, "_sw_z", "z", "");
    sw_str_addz(s, "_sw_r() { command eval \"$1\"; }\n");
    /* A signal to this shell (and not to what it runs) ends the steps after the one at work: a trap waits for the foreground. */
    if (batch->kind == SW_BATCH_STEPS) {
        add_mark(s, batch, "_sw_p", "p%s", " $$");
        sw_str_addz(s, "_sw_stop=; trap _sw_stop=1 USR1; _sw_p\n");
    }
    if (batch->prelude.len) {
        sw_str_addz(s, "command eval "); /* not in a function: it defines things for all */
        sw_str_add_shell(s, batch->prelude.p, batch->prelude.len);
        sw_str_addc(s, '\n');
    }
    for (size_t i = 0; i < batch->n; i++) {
        const struct sw_fragment *fragment = &batch->fragments[i];
        bool step = batch->kind == SW_BATCH_STEPS;
        if (step && i) sw_str_addz(s, "[ -z \"$_sw_stop\" ] || { _sw_z; exit 0; }\n");
        sw_str_addf(s, step ? "_sw_b %zu; (set -e; _sw_r " : "_sw_b %zu; _sw_r ", i);
        sw_str_add_shell(s, fragment->code, fragment->len);
        if (step)
            sw_str_addf(s, "); _sw_s=$?; _sw_e %zu $_sw_s; [ $_sw_s = 0 ] || { _sw_z; exit 0; }\n", i);
        else
            sw_str_addf(s, "; _sw_e %zu $?; set +efu\n", i);
    }
    sw_str_addz(s, "_sw_z; exit 0; }\n");
}

const char *sw_batch_script(struct sw_batch *batch, size_t *ret_len) {
    if (!batch->script.len) write_script(batch);
    if (ret_len) *ret_len = batch->script.len;
    return batch->script.p;
}

size_t sw_batch_pid(const struct sw_batch *batch) {
    return batch->pid;
}

const struct sw_batch_result *sw_batch_result(const struct sw_batch *batch, size_t id) {
    if (id >= batch->n) return NULL;
    struct sw_fragment *fragment = &batch->fragments[id];
    fragment->result.out = sw_str_z(&fragment->out[0]);
    fragment->result.out_len = fragment->out[0].len;
    fragment->result.err = sw_str_z(&fragment->out[1]);
    fragment->result.err_len = fragment->out[1].len;
    return &fragment->result;
}
