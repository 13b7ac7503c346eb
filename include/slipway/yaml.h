/* YAML with source positions and limits.
 *
 * Every value carries its line. Anchors and merge keys (<<) work; aliases may expand to at most max_nodes in all.
 * Duplicate keys, NUL bytes, invalid UTF-8, cycles, several documents (unless asked for) are errors with file:line:column.
 * Plain scalars follow the YAML 1.2 core schema (true/false, null/~, decimal, 0x, 0o, floats); `yes`, `on`, `12:30` stay text.
 * Two choices of our own: 0644 (a mode to people) is text; a text may hold no NUL, bytes are written as !!binary.
 */
#ifndef SLIPWAY_YAML_H
#define SLIPWAY_YAML_H

#include "slipway/value.h"

struct sw_yaml_limits {
    size_t max_bytes;   /* 0 = 8 MiB */
    size_t max_nodes;   /* 0 = 1,000,000, aliases counted as expanded */
    unsigned max_depth; /* 0 = 64 */
};

/* Resolves a tag such as `!env NAME`, `!file PATH`, `!vault "secret/data/x#key"`. `tag` without the "!".
 * Returns 0 and a value (usually secret), or an error. */
typedef int sw_yaml_tag_fn(void *ctx, struct sw_arena *arena, const char *tag, const char *text, const struct sw_value **ret,
                           struct sw_err *err);

/* `name` is the file's name in messages. tag_fn NULL: every local tag is an error. */
int sw_yaml_read(struct sw_arena *arena, const char *name, const char *text, size_t len, const struct sw_yaml_limits *limits,
                 sw_yaml_tag_fn *tag_fn, void *tag_ctx, const struct sw_value **ret, struct sw_err *err);
/* All documents of a stream, as a LIST; empty documents are left out. For Kubernetes manifests: 0644 is octal here, as kubectl reads it. */
int sw_yaml_read_all(struct sw_arena *arena, const char *name, const char *text, size_t len, const struct sw_yaml_limits *limits,
                     const struct sw_value **ret, struct sw_err *err);
/* Block style YAML of a value without unknowns (for kubeadm configs and the like). Strings are quoted when they would read as something else. */
void sw_yaml_write(struct sw_str *out, const struct sw_value *v);

#endif
