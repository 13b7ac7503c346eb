/* The tags of an inventory: where secrets come from, other than the file itself.
 *
 *   !env NAME      the environment variable; an error when it is not set
 *   !file PATH     the text of a file of at most 1 MiB, relative to `dir`; a file of one line loses its newline
 *   !vault TEXT    what `vault` answers (HTTP lives in net/)
 *
 * What they give is secret. With `untrusted` (a stranger's pull request) !env is refused, !file reads only below `dir` and
 * not slipway's own state, and !vault gives an unknown secret without asking anybody.
 */
#ifndef SLIPWAY_YAML_TAGS_H
#define SLIPWAY_YAML_TAGS_H

#include "slipway/yaml.h"

struct sw_tags {
    const char *dir; /* NULL: the inventory's, which sw_inventory_load() fills in */
    int (*vault)(void *ctx, struct sw_arena *arena, const char *text, const struct sw_value **ret, struct sw_err *err); /* or NULL */
    void *vault_ctx;
    bool untrusted;
};

/* A sw_yaml_tag_fn; `ctx` is a struct sw_tags. SW_EINVAL, SW_ENOTFOUND, SW_EREFUSED, SW_ELIMIT, SW_EIO, and what `vault` gives. */
int sw_tags_read(void *ctx, struct sw_arena *arena, const char *tag, const char *text, const struct sw_value **ret, struct sw_err *err);

#endif
