/* The table of items: everything declared, and everything recorded that is not declared any more. */
#include <string.h>

#include "internal.h"
#include "slipway/vec.h"

static const char *moved_to(const struct sw_map *moved, const char *address) {
    const char *to = sw_map_find(moved, address);
    return to ? to : address;
}

/* What the state knows of a resource, as if it had been declared: enough to remove it. */
static const struct sw_resource *from_record(struct eng_plan *p, const struct sw_state_resource *recorded, const char *address) {
    struct sw_resource *resource = sw_new(p->engine->arena, struct sw_resource);
    resource->address = address;
    resource->type = recorded->type;
    resource->name = recorded->name;
    resource->host = recorded->host;
    resource->provider = recorded->provider;
    resource->depends = recorded->depends;
    resource->lifecycle.prevent_destroy = recorded->prevent_destroy;
    resource->lifecycle.create_before_destroy = recorded->create_before_destroy;
    resource->index = (size_t)recorded->seq;
    return resource;
}

static int add(struct eng_plan *p, struct eng_item *it, struct sw_err *err) {
    const struct sw_resource *resource = it->plan.resource;
    it->type = p->engine->types->find(p->engine->types->ctx, resource->type);
    if (!it->type) {
        sw_err_set(err, SW_EINVAL, "no library defines the type '%s' of '%s'", resource->type, resource->address);
        sw_err_at(err, resource->pos);
        sw_err_hint(err, "add the Lua file that defines it, or drop the resource with: slipway state rm '%s'", resource->address);
        return SW_EINVAL;
    }
    if (resource->host) {
        it->host = sw_map_find(&p->hosts, resource->host);
        if (!it->host) {
            sw_err_set(err, SW_EINVAL, "'%s' lives on the host '%s', which is neither declared nor recorded", resource->address,
                       resource->host);
            sw_err_at(err, resource->pos);
            sw_err_hint(err, "drop it with: slipway state rm '%s'", resource->address);
            return SW_EINVAL;
        }
    }
    /* Without its configuration it would be looked for elsewhere (another region), not found, and forgotten. */
    if (!resource->host && resource->provider && !sw_get(p->config->providers, resource->provider)) {
        sw_err_set(err, SW_EINVAL, "'%s' was made with the provider '%s', which the playbook does not declare any more", resource->address,
                   resource->provider);
        sw_err_at(err, resource->pos);
        sw_err_hint(err, "declare it until its resources are gone: provider \"%s\" { name = \"%s\", ... }", resource->provider,
                    it->type->provider ? it->type->provider : "...");
        return SW_EINVAL;
    }
    it->selected = true;
    it->reader = SIZE_MAX;
    it->plan.prior = it->recorded ? it->recorded->attributes : NULL;
    sw_map_set(&p->by_address, resource->address, it);
    p->n_items++;
    return 0;
}

static int collect_hosts(struct eng_plan *p, struct sw_err *err) {
    struct sw_host *recorded;
    size_t n;
    if (sw_state_hosts(p->engine->state, p->engine->arena, &recorded, &n, err) != 0) return err ? err->code : SW_EIO;
    for (size_t i = 0; i < n; i++) sw_map_set(&p->hosts, recorded[i].name, &recorded[i]);
    for (size_t i = 0; i < p->config->n_hosts; i++) sw_map_set(&p->hosts, p->config->hosts[i]->name, (void *)p->config->hosts[i]);
    return 0;
}

/* What runs before this one left to be done: creations that are open, restarts that are due. */
static int mark_unfinished(struct eng_plan *p, const struct sw_map *moved, struct sw_err *err) {
    struct sw_map open = {0};
    const char **due;
    size_t n_due = 0;
    int rc = eng_open_creates(p->engine, &open, err);
    for (size_t i = 0; i < p->n_items && rc == 0; i++)
        if (p->items[i].recorded) p->items[i].open = sw_map_find(&open, p->items[i].recorded->address);
    sw_map_done(&open);
    /* What an import says a thing is counts for more. */
    for (size_t i = 0; i < p->options->n_assumed && rc == 0; i++) {
        struct eng_item *it = sw_map_find(&p->by_address, p->options->assumed[i].address);
        if (it) it->open = NULL;
    }
    if (rc == 0) rc = sw_state_due(p->engine->state, p->engine->arena, &due, &n_due, err);
    for (size_t i = 0; i < n_due && rc == 0; i++) {
        struct eng_item *it = sw_map_find(&p->by_address, moved_to(moved, due[i]));
        if (it) it->due = true;
    }
    return rc;
}

int eng_items_collect(struct eng_plan *p, struct sw_err *err) {
    struct sw_engine *engine = p->engine;
    const struct sw_config *config = p->config;
    struct sw_state_resource *recorded;
    size_t n_recorded;
    int rc;
    if ((rc = collect_hosts(p, err)) != 0) return rc;
    if ((rc = sw_state_resources(engine->state, engine->arena, &recorded, &n_recorded, err)) != 0) return rc;
    if ((rc = eng_recover(engine, false, &recorded, &n_recorded, err)) != 0) return rc;

    if (p->options->n_assumed) {
        struct sw_state_resource *all = sw_new_n(engine->arena, struct sw_state_resource, n_recorded + p->options->n_assumed);
        if (n_recorded) memcpy(all, recorded, n_recorded * sizeof *all);
        memcpy(all + n_recorded, p->options->assumed, p->options->n_assumed * sizeof *all);
        recorded = all;
        n_recorded += p->options->n_assumed;
    }
    struct sw_map by_address = {0}, moved = {0}, removed = {0};
    for (size_t i = 0; i < config->n_moved; i++) sw_map_set(&moved, config->moved[i].from, (void *)config->moved[i].to);
    for (size_t i = 0; i < config->n_removed; i++) sw_map_set(&removed, config->removed[i], (void *)config->removed[i]);
    for (size_t i = 0; i < n_recorded; i++) sw_map_set(&by_address, moved_to(&moved, recorded[i].address), &recorded[i]);

    struct sw_map data = {0};
    if (p->options->destroy) eng_data_needed(config, &data);
    p->items = sw_new_n(engine->arena, struct eng_item, config->n_resources + n_recorded + 1);
    for (size_t i = 0; i < config->n_resources && rc == 0; i++) {
        struct eng_item *it = &p->items[p->n_items];
        it->plan.resource = config->resources[i];
        bool needed = sw_map_find(&data, config->resources[i]->address) != NULL;
        it->declared = !p->options->destroy || needed;
        it->recorded = sw_map_find(&by_address, config->resources[i]->address);
        /* Destroying takes what was made, not what was only declared. */
        if (p->options->destroy && !it->recorded && !needed) continue;
        rc = add(p, it, err);
    }
    for (size_t i = 0; i < n_recorded && rc == 0; i++) {
        const char *address = moved_to(&moved, recorded[i].address);
        if (eng_find(p, address)) continue;
        struct eng_item *it = &p->items[p->n_items];
        it->recorded = &recorded[i];
        it->plan.resource = from_record(p, &recorded[i], address);
        it->forgotten = sw_map_find(&removed, recorded[i].address) != NULL;
        rc = add(p, it, err);
    }
    sw_map_done(&by_address);
    sw_map_done(&data);
    sw_map_done(&removed);
    if (rc == 0) rc = mark_unfinished(p, &moved, err);
    sw_map_done(&moved);
    return rc;
}
