/* What batch.c and batch_parse.c share. */
#ifndef SLIPWAY_NET_BATCH_INTERNAL_H
#define SLIPWAY_NET_BATCH_INTERNAL_H

#include "slipway/batch.h"

/* A mark is  RS nonce SP kind NL  where kind is  b<id>  (begin),  e<id> <status>  (end),  p<pid>  (the shell)
 * or  z  (the batch is done).
 * RS (0x1e) hardly ever occurs in text, so looking for marks is one memchr(). */
enum { SW_NONCE_LEN = 32, SW_MARK_MAX = 1 + SW_NONCE_LEN + 1 + 1 + 9 + 1 + 3 + 1 };
#define SW_MARK_CHAR '\036'
#define SW_OUTSIDE   ((size_t)-1) /* not in a fragment */

struct sw_fragment {
    char *code;
    size_t len;
    struct sw_str out[2];
    size_t lined[2]; /* bytes of out[] given to the line event */
    bool ended[2];   /* this stream has passed the end mark */
    struct sw_batch_result result;
};

struct sw_batch {
    enum sw_batch_kind kind;
    size_t max_output;
    struct sw_batch_events events;
    char nonce[SW_NONCE_LEN + 1];
    struct sw_str prelude, script;
    struct sw_fragment *fragments;
    size_t n, cap;
    struct sw_batch_stream {
        size_t current;            /* fragment the bytes belong to, or SW_OUTSIDE */
        size_t next;               /* the lowest id a begin mark may have */
        bool done;                 /* the final mark was seen */
        char partial[SW_MARK_MAX]; /* bytes that may turn out to be a mark */
        size_t partial_len;
        struct sw_str outside;
    } streams[2];
    size_t pid;      /* of the shell that runs the steps; 0 = not said yet */
    size_t reported; /* the fragment whose events come next: events are in order although the streams are not */
    bool begun;      /* its begin event was sent */
};

#endif
