/* Both directions are kept as compressed rows (offset[n + 1], list[]): two arrays a direction, no node is an allocation,
 * and a walk over neighbours is a walk over memory. Rows are sorted and free of duplicates, so every order below is
 * the same on every run whatever the order in which edges came. */
#include "slipway/graph.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "slipway/str.h"
#include "slipway/vec.h"

struct edge {
    uint32_t node, needs;
};

struct rows {
    size_t *offset; /* n + 1 */
    uint32_t *list;
};

struct sw_graph {
    size_t n;
    bool sealed;
    struct {
        struct edge *v;
        size_t n, cap;
    } edges;
    struct rows needs, needed_by;
};

struct sw_graph *sw_graph_new(size_t n_nodes) {
    assert(n_nodes < UINT32_MAX);
    struct sw_graph *graph = sw_xcalloc(1, sizeof *graph);
    graph->n = n_nodes;
    return graph;
}

static void rows_done(struct rows *rows) {
    free(rows->offset);
    free(rows->list);
}

void sw_graph_free(struct sw_graph *graph) {
    if (!graph) return;
    sw_vec_done(&graph->edges);
    rows_done(&graph->needs);
    rows_done(&graph->needed_by);
    free(graph);
}

void sw_graph_edge(struct sw_graph *graph, size_t node, size_t needs) {
    if (graph->sealed || node >= graph->n || needs >= graph->n) abort(); /* also without assertions: it would be a wild write */
    struct edge edge = {(uint32_t)node, (uint32_t)needs};
    sw_vec_push(&graph->edges, edge);
}

/* One stable counting sort: rows of `from` -> `to`, each row in the order of the input. */
static struct rows rows_build(size_t n, const struct edge *edges, size_t n_edges, bool forward) {
    struct rows rows = {sw_xcalloc(n + 1, sizeof *rows.offset), sw_xcalloc(n_edges ? n_edges : 1, sizeof *rows.list)};
    for (size_t i = 0; i < n_edges; i++) rows.offset[(forward ? edges[i].needs : edges[i].node) + 1]++;
    for (size_t i = 0; i < n; i++) rows.offset[i + 1] += rows.offset[i];
    size_t *next = sw_xcalloc(n ? n : 1, sizeof *next);
    if (n) memcpy(next, rows.offset, n * sizeof *next);
    for (size_t i = 0; i < n_edges; i++) {
        uint32_t from = forward ? edges[i].needs : edges[i].node;
        rows.list[next[from]++] = forward ? edges[i].node : edges[i].needs;
    }
    free(next);
    return rows;
}

void sw_graph_seal(struct sw_graph *graph) {
    assert(!graph->sealed);
    graph->sealed = true;
    size_t n = graph->n, n_edges = graph->edges.n;
    struct edge *edges = graph->edges.v;

    /* Rows by `needs`, flattened in that order and bucketed again by `node`: a radix sort in two passes, so each row of
     * `needs` comes out sorted and equal neighbours can be dropped. Linear, where sorting each row would not be. */
    struct rows by_needs = rows_build(n, edges, n_edges, true);
    size_t k = 0;
    for (size_t need = 0; need < n; need++)
        for (size_t i = by_needs.offset[need]; i < by_needs.offset[need + 1]; i++)
            edges[k++] = (struct edge){by_needs.list[i], (uint32_t)need};
    rows_done(&by_needs);
    struct rows sorted = rows_build(n, edges, n_edges, false);

    size_t kept = 0;
    for (size_t node = 0; node < n; node++)
        for (size_t i = sorted.offset[node]; i < sorted.offset[node + 1]; i++)
            if (i == sorted.offset[node] || sorted.list[i] != sorted.list[i - 1])
                edges[kept++] = (struct edge){(uint32_t)node, sorted.list[i]};
    rows_done(&sorted);

    graph->needs = rows_build(n, edges, kept, false);
    graph->needed_by = rows_build(n, edges, kept, true);
    sw_vec_done(&graph->edges);
}

static size_t row(const struct rows *rows, size_t node, const uint32_t **ret) {
    *ret = rows->list + rows->offset[node];
    return rows->offset[node + 1] - rows->offset[node];
}

size_t sw_graph_needs(const struct sw_graph *graph, size_t node, const uint32_t **ret) {
    assert(graph->sealed && node < graph->n);
    return row(&graph->needs, node, ret);
}

size_t sw_graph_needed_by(const struct sw_graph *graph, size_t node, const uint32_t **ret) {
    assert(graph->sealed && node < graph->n);
    return row(&graph->needed_by, node, ret);
}

/* A binary heap of node indices, lowest first: what is ready is taken in order of declaration. */
static void heap_push(uint32_t *heap, size_t *n, uint32_t x) {
    size_t i = (*n)++;
    while (i && heap[(i - 1) / 2] > x) {
        heap[i] = heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    heap[i] = x;
}

static uint32_t heap_pop(uint32_t *heap, size_t *n) {
    uint32_t top = heap[0], x = heap[--*n];
    size_t i = 0;
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= *n) break;
        if (child + 1 < *n && heap[child + 1] < heap[child]) child++;
        if (heap[child] >= x) break;
        heap[i] = heap[child];
        i = child;
    }
    heap[i] = x;
    return top;
}

/* Names one cycle among the nodes whose `waiting` count never fell to 0. Each of them has a need that is waiting too, so a
 * walk along those must come back to a node it has seen; from there on it is the cycle. */
static int report_cycle(const struct sw_graph *graph, const size_t *waiting, const char *(*label)(size_t, void *), void *ctx,
                        struct sw_err *err) {
    size_t *seen_at = sw_xcalloc(graph->n, sizeof *seen_at);
    uint32_t *path = sw_xcalloc(graph->n, sizeof *path);
    size_t len = 0, node = 0;
    while (!waiting[node]) node++;
    while (!seen_at[node]) {
        path[len++] = (uint32_t)node;
        seen_at[node] = len;
        const uint32_t *needs;
        size_t n = sw_graph_needs(graph, node, &needs), i = 0;
        while (i < n && !waiting[needs[i]]) i++;
        assert(i < n);
        node = needs[i];
    }
    size_t start = seen_at[node] - 1, size = len - start, first = 0;
    for (size_t i = 1; i < size; i++)
        if (path[start + i] < path[start + first]) first = i;

    struct sw_str text = {0};
    for (size_t i = 0; i <= size; i++) {
        if (i) sw_str_addz(&text, " -> ");
        sw_str_addz(&text, label(path[start + (first + i) % size], ctx));
    }
    sw_err_set(err, SW_EINVAL, "these need each other in a circle: %s", sw_str_z(&text));
    sw_err_hint(err, "take one of these dependencies away");
    sw_str_done(&text);
    free(path);
    free(seen_at);
    return SW_EINVAL;
}

int sw_graph_order(const struct sw_graph *graph, uint32_t *order, const char *(*label)(size_t, void *), void *ctx, struct sw_err *err) {
    assert(graph->sealed);
    size_t n = graph->n;
    if (!n) return 0;
    size_t *waiting = sw_xcalloc(n, sizeof *waiting);
    uint32_t *heap = sw_xcalloc(n, sizeof *heap);
    size_t in_heap = 0, done = 0;
    const uint32_t *list;
    for (size_t i = 0; i < n; i++) {
        waiting[i] = sw_graph_needs(graph, i, &list);
        if (!waiting[i]) heap_push(heap, &in_heap, (uint32_t)i);
    }
    while (in_heap) {
        uint32_t node = heap_pop(heap, &in_heap);
        order[done++] = node;
        size_t n_list = sw_graph_needed_by(graph, node, &list);
        for (size_t i = 0; i < n_list; i++)
            if (!--waiting[list[i]]) heap_push(heap, &in_heap, list[i]);
    }
    int rc = done == n ? 0 : report_cycle(graph, waiting, label, ctx, err);
    free(heap);
    free(waiting);
    return rc;
}

void sw_graph_spread(const struct sw_graph *graph, bool *set, bool forward) {
    assert(graph->sealed);
    if (!graph->n) return;
    uint32_t *stack = sw_xcalloc(graph->n, sizeof *stack);
    size_t depth = 0;
    for (size_t i = 0; i < graph->n; i++)
        if (set[i]) stack[depth++] = (uint32_t)i;
    while (depth) {
        const uint32_t *list;
        size_t n = row(forward ? &graph->needed_by : &graph->needs, stack[--depth], &list);
        for (size_t i = 0; i < n; i++) {
            if (set[list[i]]) continue;
            set[list[i]] = true;
            stack[depth++] = list[i];
        }
    }
    free(stack);
}
