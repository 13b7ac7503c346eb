/* A hash map from NUL-terminated strings to pointers. Keys are borrowed: they must outlive the map. */
#ifndef SLIPWAY_MAP_H
#define SLIPWAY_MAP_H

#include <stdbool.h>
#include <stddef.h>

struct sw_map_slot {
    const char *key;
    void *value;
};

/* Zero-initialise; free with sw_map_done(). */
struct sw_map {
    struct sw_map_slot *slots;
    size_t n, cap;
};

void *sw_map_find(const struct sw_map *map, const char *key); /* NULL = absent */
/* Sets or replaces. Returns the previous value or NULL. `value` must not be NULL. */
void *sw_map_set(struct sw_map *map, const char *key, void *value);
void sw_map_done(struct sw_map *map);

#endif
