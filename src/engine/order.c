/* Edges between items, and the order they give.
 *
 * Declared items come after what they refer to, after what their host's connection refers to, and after the item declared before them on
 * the same host. Items to be removed come after everything that was built on them, on a host in reverse order of declaration, and after
 * what stays on that host has been changed.
 */
#include <stdlib.h>
#include <string.h>

#include "internal.h"

static size_t index_of(const struct eng_plan *p, const struct eng_item *it) {
    return (size_t)(it - p->items);
}

/* Edges are collected into one graph or another: `at` maps an item's index to its node. */
struct edges {
    struct eng_plan *p;
    struct sw_graph *graph;
    const uint32_t *at; /* NULL = the index itself */
    size_t from;        /* item the references belong to */
};

static void edge(const struct edges *e, size_t item, size_t needs) {
    sw_graph_edge(e->graph, e->at ? e->at[item] : item, e->at ? e->at[needs] : needs);
}

static void need(const char *address, const char *path, void *ctx) {
    (void)path;
    const struct edges *e = ctx;
    const struct eng_item *it = eng_find(e->p, address);
    if (it && it->declared) edge(e, e->from, index_of(e->p, it));
}

static void need_all(const char *const *addresses, struct edges *e) {
    for (size_t k = 0; addresses && addresses[k]; k++) need(addresses[k], NULL, e);
}

/* What was written down: references, connections, and the order of declared items on their host. */
static void add_declared(struct edges *e, struct sw_map *last_on_host) {
    struct eng_plan *p = e->p;
    for (size_t i = 0; i < p->n_items; i++) {
        struct eng_item *it = &p->items[i];
        const struct sw_resource *resource = it->plan.resource;
        if (!it->declared) continue;
        e->from = i;
        need_all((const char *const *)resource->depends, e);
        need_all((const char *const *)resource->triggers, e);
        need_all((const char *const *)resource->lifecycle.replace_on, e);
        if (!resource->host) {
            sw_value_each_ref(eng_provider(p->config->providers, resource, it->type, NULL), need, e);
            continue;
        }
        sw_value_each_ref(it->host->connection, need, e);
        const struct eng_item *before = sw_map_set(last_on_host, resource->host, it);
        if (before) edge(e, i, index_of(p, before));
    }
}

static void leaving_base(const char *address, const char *path, void *ctx) {
    (void)path;
    const struct edges *e = ctx;
    const struct eng_item *base = eng_find(e->p, address);
    if (!base || base == &e->p->items[e->from]) return;
    if (!base->declared) edge(e, index_of(e->p, base), e->from);
    /* What a data source found stands for what it looked at. */
    for (const char **d = base->plan.resource->data ? base->plan.resource->depends : NULL; d && *d; d++) leaving_base(*d, NULL, ctx);
}

static void leaving_bases(struct edges *e, const char **depends) {
    for (size_t k = 0; depends && depends[k]; k++) leaving_base(depends[k], NULL, e);
}

/* Whatever was recorded as depending on a leaving item goes (or changes) first. */
static void add_recorded(struct edges *e) {
    struct eng_plan *p = e->p;
    for (size_t i = 0; i < p->n_items; i++) {
        const struct eng_item *it = &p->items[i];
        e->from = i;
        leaving_bases(e, it->recorded ? it->recorded->depends : NULL);
        /* What a dead run began has no record of its own yet: when it is destroyed, the playbook still says what it was built on. */
        if (it->open) leaving_bases(e, it->plan.resource->depends);
        /* What its provider speaks to must be there for as long as it is. */
        if (!it->declared && !it->plan.resource->host)
            sw_value_each_ref(eng_provider(p->config->providers, it->plan.resource, it->type, NULL), leaving_base, e);
    }
}

/* What was replaced and is still there goes when its successor is there, and when everything that stood on it stands on that. */
static void add_deposed(struct edges *e) {
    struct eng_plan *p = e->p;
    struct sw_map by_address = {0};
    for (size_t i = 0; i < p->n_items; i++) {
        struct eng_item *it = &p->items[i];
        size_t len = it->recorded && !it->declared ? sw_plan_deposed(it->recorded->address, NULL) : 0;
        if (!len) continue;
        const char *address = sw_strndup(p->engine->arena, it->recorded->address, len);
        it->next_deposed = sw_map_set(&by_address, address, it);
        const struct eng_item *successor = eng_find(p, address);
        if (successor) edge(e, i, index_of(p, successor));
    }
    for (size_t i = 0; by_address.n && i < p->n_items; i++) {
        const char **lists[] = {p->items[i].plan.resource->depends, p->items[i].recorded ? p->items[i].recorded->depends : NULL};
        for (size_t k = 0; k < 2; k++)
            for (const char **d = lists[k]; d && *d; d++)
                for (struct eng_item *old = sw_map_find(&by_address, *d); old; old = old->next_deposed)
                    if (old != &p->items[i]) edge(e, index_of(p, old), i);
    }
    sw_map_done(&by_address);
}

static int by_declaration_descending(const void *a, const void *b) {
    const struct eng_item *x = *(struct eng_item *const *)a, *y = *(struct eng_item *const *)b;
    size_t i = x->plan.resource->index, k = y->plan.resource->index;
    if (i != k) return i < k ? 1 : -1;
    return strcmp(x->plan.resource->address, y->plan.resource->address);
}

struct ranked {
    struct eng_plan *p;
    struct eng_item **item;
};

static const char *ranked_label(size_t i, void *ctx) {
    return ((struct ranked *)ctx)->item[i]->plan.resource->address;
}

/* The order in which leaving items go: the last declared first, as far as dependencies allow. Places of declaration recorded by different runs
 * may contradict each other, so they only break ties: that way no cycle can come of them. ret[n_items], declared items included. */
static int removal_order(struct eng_plan *p, struct eng_item **ret, struct sw_err *err) {
    struct sw_arena *arena = p->engine->arena;
    struct ranked ranked = {p, sw_new_n(arena, struct eng_item *, p->n_items + 1)};
    uint32_t *at = sw_new_n(arena, uint32_t, p->n_items + 1), *order = sw_new_n(arena, uint32_t, p->n_items + 1);
    struct sw_map last_on_host = {0};
    size_t n = 0, declared;
    for (size_t i = 0; i < p->n_items; i++)
        if (p->items[i].declared) ranked.item[n++] = &p->items[i];
    declared = n;
    for (size_t i = 0; i < p->n_items; i++)
        if (!p->items[i].declared) ranked.item[n++] = &p->items[i];
    if (n > declared) qsort(ranked.item + declared, n - declared, sizeof *ranked.item, by_declaration_descending);
    for (size_t i = 0; i < n; i++) at[index_of(p, ranked.item[i])] = (uint32_t)i;

    struct edges e = {.p = p, .graph = sw_graph_new(n), .at = at};
    add_declared(&e, &last_on_host);
    add_recorded(&e);
    add_deposed(&e);
    sw_map_done(&last_on_host);
    sw_graph_seal(e.graph);
    int rc = sw_graph_order(e.graph, order, ranked_label, &ranked, err);
    for (size_t i = 0; rc == 0 && i < n; i++) ret[i] = ranked.item[order[i]];
    sw_graph_free(e.graph);
    return rc;
}

static const char *label(size_t i, void *ctx) {
    return ((struct eng_plan *)ctx)->items[i].plan.resource->address;
}

int eng_items_order(struct eng_plan *p, struct sw_err *err) {
    struct sw_arena *arena = p->engine->arena;
    struct eng_item **sequence = sw_new_n(arena, struct eng_item *, p->n_items + 1);
    struct sw_map last_on_host = {0};
    int rc = removal_order(p, sequence, err);
    if (rc != 0) {
        sw_err_hint(err, "remove one of these references; on one host, declare what is needed first");
        return rc;
    }
    struct edges e = {.p = p, .graph = p->graph = sw_graph_new(p->n_items)};
    add_declared(&e, &last_on_host);
    add_recorded(&e);
    add_deposed(&e);
    for (size_t i = 0; i < p->n_items; i++) {
        struct eng_item *it = sequence[i];
        if (it->declared || !it->plan.resource->host) continue;
        const struct eng_item *before = sw_map_set(&last_on_host, it->plan.resource->host, it);
        if (before) edge(&e, index_of(p, it), index_of(p, before));
    }
    sw_map_done(&last_on_host);
    sw_graph_seal(p->graph);
    p->order = sw_new_n(arena, uint32_t, p->n_items + 1);
    return sw_graph_order(p->graph, p->order, label, p, err);
}
