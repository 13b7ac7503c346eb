/* The inventory's parts: inventory.c (loading), inventory_schema.c (the tables), inventory_check.c (what a schema cannot say),
 * inventory_nodes.c (the list of machines). */
#ifndef SLIPWAY_INVENTORY_INTERNAL_H
#define SLIPWAY_INVENTORY_INTERNAL_H

#include "slipway/inventory.h"

#define SW_INVENTORY__MAX_NODES 5000

struct inventory_load {
    struct sw_arena *arena;
    const char *file, *dir;
    const struct sw_value *value; /* checked by the schema */
    bool is_static, is_lab;
    struct sw_err *err;
};

struct cidr {
    uint32_t network;
    unsigned bits;
};

/* Fails at the line of `at` (NULL = none). Returns SW_EINVAL. */
int sw_inventory__fail(struct inventory_load *in, const struct sw_value *at, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

bool sw_inventory__parse_ip(const char *text, uint32_t *ret);
bool sw_inventory__parse_cidr(const char *text, struct cidr *ret); /* false as well when host bits are set */
bool sw_inventory__contains(struct cidr net, uint32_t ip);

/* Names, ranges, networks and references between entries. */
int sw_inventory__check(struct inventory_load *in);
int sw_inventory__check_freezes(struct inventory_load *in); /* freeze.c */
/* A name a Kubernetes node or DNS can carry. */
bool sw_inventory__is_label(const char *text);
bool sw_inventory__is_host_name(const char *text);

/* The list of machines. */
int sw_inventory__expand(struct inventory_load *in, const struct sw_value **ret_nodes);

/* The names that make up a connection, NULL-terminated. */
extern const char *const SW_INVENTORY__CONNECTION_KEYS[];
/* "~/x" and relative paths to absolute ones. */
const struct sw_value *sw_inventory__path(struct inventory_load *in, const struct sw_value *path);

#endif
