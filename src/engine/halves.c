/* What a plan's items are to the walk: one node each, and two for what is replaced in an API, whose removal and creation are separate steps with
 * other things between them:
 *
 *     remove what stands on it -> remove it -> create it -> create what stands on it          (the usual order)
 *     create it -> create or change what stands on it -> remove what stood on the old one -> remove the old one    (create_before_destroy)
 *
 * On a host a replacement is one script, and one node. */
#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "slipway/vec.h"

bool eng_is_split(const struct sw_plan_item *item) {
    return item->action == SW_REPLACE && !item->resource->host;
}

struct gates {
    uint32_t *v;
    size_t n, cap;
};

struct build {
    const struct sw_plan *plan;
    struct eng_nodes *nodes;
    struct sw_map by_address; /* of what is replaced or created in an API: address -> struct sw_plan_item */
    struct gates *gates;      /* by item: creations that come before its removal */
};

static void add_gate(struct build *b, size_t d, uint32_t creation) {
    struct gates *gates = &b->gates[d];
    for (size_t k = 0; k < gates->n; k++)
        if (gates->v[k] == creation) return;
    sw_vec_push(gates, creation);
    sw_graph_edge(b->nodes->graph, b->nodes->removal[d], creation);
}

/* Nothing is removed for the sake of a new base before that is there: should it fail, what stood on the old one still does. */
static void add_gates(struct build *b, size_t d, size_t base) {
    if (b->plan->items[base].create_first) add_gate(b, d, (uint32_t)base);
    for (size_t k = 0; !b->plan->items[base].create_first && k < b->gates[base].n; k++) add_gate(b, d, b->gates[base].v[k]);
}

/* `d` stands, or stood, on the replaced item `base`. */
static void add_dependent(struct build *b, size_t d, size_t base) {
    const struct sw_plan_item *item = &b->plan->items[d];
    uint32_t removal = b->nodes->removal[base], own = b->nodes->removal[d];
    if (own != ENG_NO_NODE) {
        sw_graph_edge(b->nodes->graph, removal, own);
        add_gates(b, d, base);
    }
    if (item->action == SW_DELETE || (b->plan->items[base].create_first && eng_acts(item->action)))
        sw_graph_edge(b->nodes->graph, removal, d);
}

static void add_dependents(struct build *b, size_t d, const char **addresses) {
    for (size_t k = 0; addresses && addresses[k]; k++) {
        const struct sw_plan_item *item = sw_map_find(&b->by_address, addresses[k]);
        size_t base = item ? (size_t)(item - b->plan->items) : d;
        if (base == d) continue;
        if (eng_is_split(item))
            add_dependent(b, d, base);
        else if (b->nodes->removal[d] != ENG_NO_NODE)
            add_gate(b, d, (uint32_t)base);
    }
}

static void add_edges(struct build *b) {
    const struct sw_plan *plan = b->plan;
    struct eng_nodes *nodes = b->nodes;
    for (size_t i = 0; i < plan->n_items; i++) {
        const struct sw_plan_item *item = &plan->items[i];
        for (size_t k = 0; k < item->n_needs; k++) {
            uint32_t need = item->needs[k], removal = nodes->removal[need];
            /* What goes waits until the old one has let go of it, not until there is a new one. */
            sw_graph_edge(nodes->graph, i, item->action == SW_DELETE && removal != ENG_NO_NODE ? removal : need);
        }
        if (nodes->removal[i] != ENG_NO_NODE)
            sw_graph_edge(nodes->graph, item->create_first ? nodes->removal[i] : i, item->create_first ? i : nodes->removal[i]);
        if (!b->by_address.n) continue;
        add_dependents(b, i, item->resource->depends);
        add_dependents(b, i, item->built_on);
    }
}

struct machine {
    struct build *b;
    const struct sw_plan_item *found;
};

static void is_machine(const char *address, const char *path, void *ctx) {
    struct machine *m = ctx;
    (void)path;
    const struct sw_plan_item *item = sw_map_find(&m->b->by_address, address);
    if (item && eng_is_split(item) && item->create_first) m->found = item;
}

/* A new machine is made ready before the old one goes. */
static void add_machines(struct build *b) {
    struct sw_map machines = {0}; /* host -> struct sw_plan_item */
    for (size_t i = 0; b->by_address.n && i < b->plan->n_hosts; i++) {
        struct machine m = {b, NULL};
        if (b->plan->hosts[i]->connection) sw_value_each_ref(b->plan->hosts[i]->connection, is_machine, &m);
        if (m.found) sw_map_set(&machines, b->plan->hosts[i]->name, (void *)m.found);
    }
    for (size_t i = 0; machines.n && i < b->plan->n_items; i++) {
        const char *host = b->plan->items[i].resource->host;
        const struct sw_plan_item *machine = host ? sw_map_find(&machines, host) : NULL;
        if (machine) sw_graph_edge(b->nodes->graph, b->nodes->removal[machine - b->plan->items], i);
    }
    sw_map_done(&machines);
}

static const char *label(size_t i, void *ctx) {
    const struct build *b = ctx;
    const char *address = b->plan->items[b->nodes->item[i]].resource->address;
    return i < b->plan->n_items ? address : sw_printf(b->nodes->arena, "the removal of %s", address);
}

int eng_nodes_build(struct sw_arena *arena, const struct sw_plan *plan, struct eng_nodes *ret, struct sw_err *err) {
    struct build b = {.plan = plan, .nodes = ret};
    size_t split = 0;
    for (size_t i = 0; i < plan->n_items; i++) split += eng_is_split(&plan->items[i]);
    *ret = (struct eng_nodes){.arena = arena, .n = plan->n_items + split};
    ret->item = sw_new_n(arena, uint32_t, ret->n + 1);
    ret->order = sw_new_n(arena, uint32_t, ret->n + 1);
    ret->removal = sw_new_n(arena, uint32_t, plan->n_items + 1);
    ret->graph = sw_graph_new(ret->n);
    size_t next = plan->n_items;
    for (size_t i = 0; i < plan->n_items; i++) {
        ret->item[i] = (uint32_t)i;
        ret->removal[i] = ENG_NO_NODE;
        bool splits = eng_is_split(&plan->items[i]);
        if (split && !plan->items[i].resource->host && (splits || plan->items[i].action == SW_CREATE))
            sw_map_set(&b.by_address, plan->items[i].resource->address, &plan->items[i]);
        if (!splits) continue;
        ret->removal[i] = (uint32_t)next;
        ret->item[next++] = (uint32_t)i;
    }
    b.gates = sw_xcalloc(plan->n_items + 1, sizeof *b.gates);
    add_edges(&b);
    add_machines(&b);
    for (size_t i = 0; i < plan->n_items; i++) sw_vec_done(&b.gates[i]);
    free(b.gates);
    sw_graph_seal(ret->graph);
    struct sw_err circle = {0};
    int rc = sw_graph_order(ret->graph, ret->order, label, &b, &circle);
    if (rc != 0) {
        sw_err_set(err, rc, "what is replaced cannot be ordered: %s", circle.message);
        sw_err_hint(err,
                    "with lifecycle = { create_before_destroy = true } on what is replaced the new one is there before the old one goes");
    }
    sw_err_done(&circle);
    sw_map_done(&b.by_address);
    return rc;
}

void eng_nodes_done(struct eng_nodes *nodes) {
    sw_graph_free(nodes->graph);
    nodes->graph = NULL;
}

/* What is created before its old self goes needs the new ones of what it stands on, before the old ones of those can go. */
void eng_create_first(struct sw_plan *plan) {
    struct sw_map by_address = {0};
    for (size_t i = 0; i < plan->n_items; i++)
        if (eng_is_split(&plan->items[i])) sw_map_set(&by_address, plan->items[i].resource->address, &plan->items[i]);
    for (size_t i = plan->n_items; by_address.n && i-- > 0;) {
        struct sw_plan_item *item = &plan->items[i];
        if (!eng_is_split(item)) continue;
        item->create_first = item->create_first || item->resource->lifecycle.create_before_destroy;
        for (const char **d = item->resource->depends; item->create_first && d && *d; d++) {
            struct sw_plan_item *base = sw_map_find(&by_address, *d);
            if (base) base->create_first = true;
        }
    }
    sw_map_done(&by_address);
}
