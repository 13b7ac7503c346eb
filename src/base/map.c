#include "slipway/map.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "slipway/arena.h"
#include "slipway/clock.h"

/* Open addressing with linear probing, at most three quarters full. Keys may come from strangers (a pull request's
 * inventory), so the hash is SipHash-1-3 under a key drawn once a process: nobody can aim at one bucket. */

#define ROTL(x, b) (((x) << (b)) | ((x) >> (64 - (b))))

static void sip_round(uint64_t v[4]) {
    /* clang-format off */
    v[0] += v[1]; v[1] = ROTL(v[1], 13); v[1] ^= v[0]; v[0] = ROTL(v[0], 32);
    v[2] += v[3]; v[3] = ROTL(v[3], 16); v[3] ^= v[2];
    v[0] += v[3]; v[3] = ROTL(v[3], 21); v[3] ^= v[0];
    v[2] += v[1]; v[1] = ROTL(v[1], 17); v[1] ^= v[2]; v[2] = ROTL(v[2], 32);
    /* clang-format on */
}

static uint64_t seed[2];
static pthread_once_t seed_once = PTHREAD_ONCE_INIT;

static void draw_seed(void) {
    sw_random(seed, sizeof seed);
}

static uint64_t hash_key(const char *key) {
    pthread_once(&seed_once, draw_seed);
    uint64_t v[4] = {seed[0] ^ 0x736f6d6570736575u, seed[1] ^ 0x646f72616e646f6du, seed[0] ^ 0x6c7967656e657261u,
                     seed[1] ^ 0x7465646279746573u};
    size_t len = strlen(key), i = 0;
    for (; i + 8 <= len; i += 8) {
        uint64_t m;
        memcpy(&m, key + i, 8);
        v[3] ^= m;
        sip_round(v);
        v[0] ^= m;
    }
    uint64_t last = (uint64_t)len << 56;
    for (size_t j = 0; i + j < len; j++) last |= (uint64_t)(unsigned char)key[i + j] << (8 * j);
    v[3] ^= last;
    sip_round(v);
    v[0] ^= last;
    v[2] ^= 0xff;
    for (int k = 0; k < 3; k++) sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static struct sw_map_slot *slot_for(const struct sw_map *map, const char *key) {
    size_t mask = map->cap - 1;
    for (size_t i = hash_key(key) & mask;; i = (i + 1) & mask) {
        struct sw_map_slot *slot = &map->slots[i];
        if (!slot->key || strcmp(slot->key, key) == 0) return slot;
    }
}

void *sw_map_find(const struct sw_map *map, const char *key) {
    return map->n ? slot_for(map, key)->value : NULL;
}

static void grow(struct sw_map *map) {
    struct sw_map old = *map;
    map->cap = old.cap ? old.cap * 2 : 16;
    map->slots = sw_xcalloc(map->cap, sizeof *map->slots);
    for (size_t i = 0; i < old.cap; i++)
        if (old.slots[i].key) *slot_for(map, old.slots[i].key) = old.slots[i];
    free(old.slots);
}

void *sw_map_set(struct sw_map *map, const char *key, void *value) {
    if ((map->n + 1) * 4 > map->cap * 3) grow(map);
    struct sw_map_slot *slot = slot_for(map, key);
    void *previous = slot->value;
    if (!slot->key) {
        slot->key = key;
        map->n++;
    }
    slot->value = value;
    return previous;
}

void sw_map_done(struct sw_map *map) {
    free(map->slots);
    *map = (struct sw_map){0};
}
