/* A growing array of any type, as two macros. `struct { T *v; size_t n, cap; } xs = {0};` */
#ifndef SLIPWAY_VEC_H
#define SLIPWAY_VEC_H

#include <stdlib.h>
#include "slipway/arena.h"

/* Appends `item`. Heap memory: free(xs.v). */
#define sw_vec_push(xs, item)                                            \
    do {                                                                 \
        if ((xs)->n == (xs)->cap) {                                      \
            (xs)->cap = (xs)->cap ? (xs)->cap * 2 : 8;                   \
            (xs)->v = sw_xrealloc((xs)->v, (xs)->cap * sizeof *(xs)->v); \
        }                                                                \
        (xs)->v[(xs)->n++] = (item);                                     \
    } while (0)

#define sw_vec_done(xs)          \
    do {                         \
        free((xs)->v);           \
        (xs)->v = NULL;          \
        (xs)->n = (xs)->cap = 0; \
    } while (0)

#define sw_countof(array) (sizeof(array) / sizeof(array)[0])

#endif
