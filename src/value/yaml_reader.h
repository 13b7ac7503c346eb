/* The YAML reader's own parts: yaml_read.c (documents, errors), yaml_node.c (values), yaml_map.c (maps). */
#ifndef SLIPWAY_YAML_READER_H
#define SLIPWAY_YAML_READER_H

#include <yaml.h>

#include "slipway/map.h"
#include "slipway/vec.h"
#include "slipway/yaml.h"
#include "yaml_internal.h"

/* A value and what it stands for when its aliases are expanded. */
struct node {
    const struct sw_value *value;
    size_t nodes;
    unsigned depth;
};

struct items {
    const struct sw_value **v;
    size_t n, cap;
};

struct reader {
    yaml_parser_t parser;
    yaml_event_t event;
    bool has_event;
    struct sw_arena *arena;
    const char *name, *text;
    size_t len;
    struct sw_yaml_limits limits;
    enum sw_yaml__octal octal;
    sw_yaml_tag_fn *tag_fn;
    void *tag_ctx;
    size_t nodes; /* so far, aliases expanded */
    unsigned depth;
    struct sw_map anchors;
    struct sw_err *err;
};

/* Fails with a message at a place of the file. Returns `code`. */
int sw_yaml__fail(struct reader *r, int code, unsigned line, unsigned column, const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* Where the current event starts. */
static inline unsigned line_of(const struct reader *r) {
    return (unsigned)r->event.start_mark.line + 1;
}

static inline unsigned column_of(const struct reader *r) {
    return (unsigned)r->event.start_mark.column + 1;
}

#define sw_yaml__fail_here(r, code, ...) sw_yaml__fail((r), (code), line_of(r), column_of(r), __VA_ARGS__)

/* Moves on to the next event. */
int sw_yaml__next(struct reader *r);

/* Counts values against the limit, and checks that `levels` more fit under the depth limit. */
int sw_yaml__count(struct reader *r, size_t nodes);
int sw_yaml__check_depth(struct reader *r, unsigned levels);

/* Adds what `part`, a member of `sum`, stands for. */
static inline void absorb(struct node *sum, const struct node *part) {
    sum->nodes += part->nodes;
    if (part->depth + 1 > sum->depth) sum->depth = part->depth + 1;
}

/* Reads the value that starts at the current event; its last event is current afterwards. */
int sw_yaml__read_node(struct reader *r, struct node *ret);
/* The same for the pairs of a map whose start is current. */
int sw_yaml__read_pairs(struct reader *r, struct node *ret);

#endif
