/* --target and --exclude: which items a plan is about. */
#include <fnmatch.h>
#include <string.h>

#include "internal.h"

/* A pattern is an address, a shell glob over addresses, or a host's name (everything on it). */
static bool matches(const char *pattern, const struct sw_resource *resource) {
    if (strcmp(pattern, resource->address) == 0) return true;
    if (resource->host && strcmp(pattern, resource->host) == 0) return true;
    return fnmatch(pattern, resource->address, 0) == 0;
}

static int mark(struct eng_plan *p, const char *const *patterns, const char *option, bool *set, struct sw_err *err) {
    for (size_t k = 0; patterns[k]; k++) {
        size_t hits = 0;
        for (size_t i = 0; i < p->n_items; i++)
            if (matches(patterns[k], p->items[i].plan.resource)) set[i] = true, hits++;
        if (hits) continue;
        const char **addresses = sw_new_n(p->engine->arena, const char *, p->n_items + 1);
        for (size_t i = 0; i < p->n_items; i++) addresses[i] = p->items[i].plan.resource->address;
        const char *near = sw_nearest(patterns[k], addresses, p->n_items);
        sw_err_set(err, SW_EINVAL, "%s '%s' matches no resource", option, patterns[k]);
        if (near)
            sw_err_hint(err, "did you mean '%s'?", near);
        else
            sw_err_hint(err, "list the addresses with: slipway graph --format json");
        return SW_EINVAL;
    }
    return 0;
}

static void need(const char *address, const char *path, void *ctx) {
    (void)path;
    struct {
        struct eng_plan *p;
        struct sw_graph *graph;
        size_t from;
    } *c = ctx;
    const struct eng_item *it = eng_find(c->p, address);
    if (it) sw_graph_edge(c->graph, c->from, (size_t)(it - c->p->items));
}

/* Dependencies a user wrote. The order on a host is not one: a targeted file does not pull in the packages declared before it. */
static struct sw_graph *dependencies(struct eng_plan *p) {
    struct sw_graph *graph = sw_graph_new(p->n_items);
    for (size_t i = 0; i < p->n_items; i++) {
        const struct eng_item *it = &p->items[i];
        struct {
            struct eng_plan *p;
            struct sw_graph *graph;
            size_t from;
        } ctx = {p, graph, i};
        const char **depends = it->plan.resource->depends;
        for (size_t k = 0; depends && depends[k]; k++) need(depends[k], NULL, &ctx);
        if (!it->host) sw_value_each_ref(eng_provider(p->config->providers, it->plan.resource, it->type, NULL), need, &ctx);
        if (it->host && it->host->connection) sw_value_each_ref(it->host->connection, need, &ctx);
    }
    sw_graph_seal(graph);
    return graph;
}

int eng_items_select(struct eng_plan *p, struct sw_err *err) {
    const char **targets = p->options->targets, **excludes = p->options->excludes;
    int rc = 0;
    if (p->options->replaces) {
        bool *set = sw_new_n(p->engine->arena, bool, p->n_items + 1);
        if ((rc = mark(p, (const char *const *)p->options->replaces, "--replace", set, err)) != 0) return rc;
    }
    if (!targets && !excludes) return 0;
    struct sw_graph *graph = dependencies(p);
    bool *in = sw_new_n(p->engine->arena, bool, p->n_items + 1);
    bool *out = sw_new_n(p->engine->arena, bool, p->n_items + 1);
    if (targets && (rc = mark(p, (const char *const *)targets, "--target", in, err)) == 0)
        /* Building takes what a target needs; destroying takes what needs the target. */
        sw_graph_spread(graph, in, p->options->destroy);
    if (rc == 0 && excludes && (rc = mark(p, (const char *const *)excludes, "--exclude", out, err)) == 0)
        sw_graph_spread(graph, out, !p->options->destroy);
    for (size_t i = 0; i < p->n_items; i++) p->items[i].selected = (!targets || in[i]) && !out[i];
    sw_graph_free(graph);
    return rc;
}
