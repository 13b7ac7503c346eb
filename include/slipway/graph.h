/* A directed graph over indices: order, cycles, reachability. Linear in nodes plus edges. */
#ifndef SLIPWAY_GRAPH_H
#define SLIPWAY_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "slipway/err.h"

struct sw_graph;

struct sw_graph *sw_graph_new(size_t n_nodes);
void sw_graph_free(struct sw_graph *graph);
/* `node` comes after `needs`. Duplicates are fine. */
void sw_graph_edge(struct sw_graph *graph, size_t node, size_t needs);
/* Ends adding: builds both directions. Call once, before anything below. */
void sw_graph_seal(struct sw_graph *graph);
/* What `node` needs / what needs `node`. Borrowed. */
size_t sw_graph_needs(const struct sw_graph *graph, size_t node, const uint32_t **ret);
size_t sw_graph_needed_by(const struct sw_graph *graph, size_t node, const uint32_t **ret);
/* Fills order[n] so that needs come first; among equals the lower index first. On a cycle SW_EINVAL, and the message names
 * the whole cycle by `label(i, ctx)`: "a -> b -> a". */
int sw_graph_order(const struct sw_graph *graph, uint32_t *order, const char *(*label)(size_t, void *), void *ctx, struct sw_err *err);
/* Marks everything reachable from the nodes already true in `set`, along needs (forward = false) or needed_by (true). */
void sw_graph_spread(const struct sw_graph *graph, bool *set, bool forward);

#endif
