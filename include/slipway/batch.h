/* Batches: many shell fragments in one exec, their results framed. Pure text in and out, no I/O: tested and fuzzed alone.
 *
 * The script is fed to `sh` on stdin. It is one compound command, so the shell has read all of it before it runs any of it, and fragments run
 * with stdin from /dev/null. Frames are lines that hold a random 128-bit nonce, unknown to anything that prints before the script was sent; login banners and
 * output that imitates a frame are therefore plain output. Marks are written to both streams, so each can be cut on its own.
 * Probes run in the batch's shell in order and never stop it. Steps run in a subshell each; the first that fails ends the batch (the rest is
 * reported as not run). POSIX sh only; nothing is written to the node's disk.
 */
#ifndef SLIPWAY_BATCH_H
#define SLIPWAY_BATCH_H

#include <stdint.h>
#include "slipway/err.h"
#include "slipway/str.h"

struct sw_batch;

enum sw_batch_kind { SW_BATCH_PROBES, SW_BATCH_STEPS };

struct sw_batch_result {
    bool ran;   /* its begin mark was seen */
    bool ended; /* its end mark was seen: status holds */
    int status;
    const char *out; /* stdout of the fragment, exactly its bytes; NUL-terminated */
    size_t out_len;
    const char *err; /* stderr of the fragment */
    size_t err_len;
    bool truncated; /* a stream was longer than the limit; the rest was dropped */
};

struct sw_batch_events { /* all optional */
    void (*begin)(void *ctx, size_t id);
    /* A step's output, line by line, without the \n; cut at 4 KiB. */
    void (*line)(void *ctx, size_t id, int stream, const char *line, size_t len);
    void (*end)(void *ctx, size_t id, const struct sw_batch_result *result); /* when both streams have passed its end mark */
    void *ctx;
};

/* max_output: bytes kept per fragment and stream; 0 = 1 MiB. */
struct sw_batch *sw_batch_new(enum sw_batch_kind kind, size_t max_output, const struct sw_batch_events *events);
void sw_batch_free(struct sw_batch *batch);
/* Adds a fragment; ids count from 0. `shared` code for all fragments (functions) goes before the first by sw_batch_prelude(). */
size_t sw_batch_add(struct sw_batch *batch, const char *fragment, size_t len);
void sw_batch_prelude(struct sw_batch *batch, const char *code, size_t len);
/* The text for `sh`'s stdin. Borrowed; no fragments may be added after. */
const char *sw_batch_script(struct sw_batch *batch, size_t *ret_len);
/* Process id of the shell that runs the steps, once it has said so; else 0. USR1 sent to it ends the batch after the step at work. */
size_t sw_batch_pid(const struct sw_batch *batch);
/* Bytes from the node, in any portions. */
void sw_batch_feed(struct sw_batch *batch, int stream, const char *p, size_t len);
/* No more bytes. SW_OK when the batch's final mark was seen on both streams; else SW_EREMOTE with what was seen outside of frames (banner, "sh: not found",
 * "No space left") as detail. */
int sw_batch_finish(struct sw_batch *batch, struct sw_err *err);
const struct sw_batch_result *sw_batch_result(const struct sw_batch *batch, size_t id);

#endif
