/* Edges between items, and the order they give.
 *
 * Declared items come after what they refer to, after what their host's connection refers to, and after the item declared before them on
 * the same host. Items to be removed come after everything that was built on them, on a host in reverse order of declaration, and after
 * what stays on that host has been changed.
 */
#include <stdlib.h>
#include <string.h>

#include "internal.h"

struct ctx {
    struct eng_plan *p;
    size_t from;
};

static size_t index_of(const struct eng_plan *p, const struct eng_item *it) { return (size_t)(it - p->items); }

static void need(const char *address, const char *path, void *ctx) {
    (void)path;
    struct ctx *c = ctx;
    const struct eng_item *it = eng_find(c->p, address);
    if (it && it->declared) sw_graph_edge(c->p->graph, c->from, index_of(c->p, it));
}

static void declared_edges(struct eng_plan *p, struct sw_map *last_on_host) {
    for (size_t i = 0; i < p->n_items; i++) {
        struct eng_item *it = &p->items[i];
        if (!it->declared) continue;
        struct ctx ctx = {p, i};
        const struct sw_resource *resource = it->plan.resource;
        for (size_t k = 0; resource->depends && resource->depends[k]; k++) need(resource->depends[k], NULL, &ctx);
        for (size_t k = 0; resource->triggers && resource->triggers[k]; k++) need(resource->triggers[k], NULL, &ctx);
        for (size_t k = 0; resource->lifecycle.replace_on && resource->lifecycle.replace_on[k]; k++)
            need(resource->lifecycle.replace_on[k], NULL, &ctx);
        if (!resource->host) continue;
        sw_value_each_ref(it->host->connection, need, &ctx);
        const struct eng_item *before = sw_map_set(last_on_host, resource->host, it);
        if (before) sw_graph_edge(p->graph, i, index_of(p, before));
    }
}

static int by_seq_descending(const void *a, const void *b) {
    const struct eng_item *x = *(struct eng_item *const *)a, *y = *(struct eng_item *const *)b;
    if (x->recorded->seq != y->recorded->seq) return x->recorded->seq < y->recorded->seq ? 1 : -1;
    return strcmp(x->plan.resource->address, y->plan.resource->address);
}

static void removal_edges(struct eng_plan *p, struct sw_map *last_on_host) {
    /* Whatever was recorded as depending on a leaving item goes (or changes) first. */
    for (size_t i = 0; i < p->n_items; i++) {
        const struct eng_item *it = &p->items[i];
        if (!it->recorded || !it->recorded->depends) continue;
        for (size_t k = 0; it->recorded->depends[k]; k++) {
            const struct eng_item *base = eng_find(p, it->recorded->depends[k]);
            if (base && !base->declared && base != it) sw_graph_edge(p->graph, index_of(p, base), i);
        }
    }
    struct eng_item **leaving = sw_new_n(p->engine->arena, struct eng_item *, p->n_items + 1);
    size_t n = 0;
    for (size_t i = 0; i < p->n_items; i++)
        if (!p->items[i].declared && p->items[i].plan.resource->host) leaving[n++] = &p->items[i];
    qsort(leaving, n, sizeof *leaving, by_seq_descending);
    for (size_t i = 0; i < n; i++) {
        const struct eng_item *before = sw_map_set(last_on_host, leaving[i]->plan.resource->host, leaving[i]);
        if (before) sw_graph_edge(p->graph, index_of(p, leaving[i]), index_of(p, before));
    }
}

static const char *label(size_t i, void *ctx) { return ((struct eng_plan *)ctx)->items[i].plan.resource->address; }

int eng_items_order(struct eng_plan *p, struct sw_err *err) {
    struct sw_map last_on_host = {0};
    p->graph = sw_graph_new(p->n_items);
    declared_edges(p, &last_on_host);
    removal_edges(p, &last_on_host);
    sw_map_done(&last_on_host);
    sw_graph_seal(p->graph);
    p->order = sw_new_n(p->engine->arena, uint32_t, p->n_items + 1);
    int rc = sw_graph_order(p->graph, p->order, label, p, err);
    if (rc != 0) sw_err_hint(err, "remove one of these references; on one host, declare what is needed first");
    return rc;
}
