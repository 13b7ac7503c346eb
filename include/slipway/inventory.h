/* The inventory: what the user edits. YAML, checked against one schema, expanded to a list of nodes. */
#ifndef SLIPWAY_INVENTORY_H
#define SLIPWAY_INVENTORY_H

#include "slipway/schema.h"
#include "slipway/yaml_tags.h"

struct sw_inventory {
    const char *file;             /* path of inventory.yaml */
    const char *dir;              /* the directory it lies in (absolute) */
    const char *name;             /* "lab" */
    const char *playbook;         /* "site" */
    const struct sw_value *value; /* the checked map with defaults, and `nodes`: the LIST of machines:
                                     {name, pool, role, index (1.. within its pool), labels, taints, type, zone, address,
                                     connection (what sw_remote_options_from() takes), + what its pool and host entry say} */
};

/* `path` is inventory.yaml or a directory that holds one. Nodes: pools times count with the lab and clouds (a `hosts` entry of a
 * node's name adds to that node), `hosts` with the static provider. `tags` NULL: sw_tags_read with a struct sw_tags of zeros.
 * SW_ENOTFOUND: no such file; SW_EINVAL and SW_ELIMIT: what is wrong, with file and line; SW_EREFUSED: a tag. */
int sw_inventory_load(struct sw_arena *arena, const char *path, sw_yaml_tag_fn *tags, void *tags_ctx, struct sw_inventory **ret,
                      struct sw_err *err);
const struct sw_schema *sw_inventory_schema(void);

#endif
