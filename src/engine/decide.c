/* Deciding one item: desired, recorded and real, attribute by attribute, give an action. */
#include <string.h>

#include "internal.h"

const struct sw_value *eng_lookup(const char *address, const char *path, void *ctx) {
    struct eng_plan *p = ctx;
    const struct eng_item *it = eng_find(p, address);
    if (!it) return NULL;
    if (it->decided && it->declared) {
        const struct sw_value *v = sw_get_path(it->plan.after, path);
        /* What exists and does not have the attribute never will; what is still to be made may. */
        if (!v && it->plan.action == SW_NOOP && !it->plan.at_apply && !it->plan.resource->ephemeral) return &SW_NULL_VALUE;
        return v;
    }
    return sw_get_path(it->plan.prior, path);
}

struct machine {
    struct eng_plan *p;
    const struct eng_item *found;
};

static void is_machine(const char *address, const char *path, void *ctx) {
    (void)path;
    struct machine *m = ctx;
    const struct eng_item *it = eng_find(m->p, address);
    if (it && it->type->owns_host) m->found = it;
}

static const struct eng_item *machine_of_host(struct eng_plan *p, const struct sw_value *connection) {
    struct machine m = {p, NULL};
    sw_value_each_ref(connection, is_machine, &m);
    /* A host that left the playbook is known by its resolved connection, and by what was noted of its machine. */
    const char *noted = sw_get_str(connection, ENG_MACHINE, NULL);
    if (!m.found && noted) is_machine(noted, NULL, &m);
    return m.found;
}

static void is_on_machine(const char *address, const char *path, void *ctx) {
    (void)path;
    struct machine *m = ctx;
    const struct eng_item *it = eng_find(m->p, address);
    if (it && it->host && !m->found) m->found = machine_of_host(m->p, it->host->connection);
}

const struct eng_item *eng_machine(struct eng_plan *p, const struct eng_item *it) {
    if (it->host) return machine_of_host(p, it->host->connection);
    /* Where everything is destroyed, an API that a host's resource made (a cluster, by its kubeconfig) goes with that host. */
    if (!p->options->destroy) return NULL;
    struct machine m = {p, NULL};
    sw_value_each_ref(eng_provider(p->config->providers, it->plan.resource, it->type, NULL), is_on_machine, &m);
    return m.found && m.found->selected ? m.found : NULL;
}

static bool matches_any(const char *const *patterns, const char *address) {
    for (size_t k = 0; patterns && patterns[k]; k++)
        if (strcmp(patterns[k], address) == 0) return true;
    return false;
}

/* The first of `addresses` that is about to act. */
static const char *acting(struct eng_plan *p, const char *const *addresses) {
    for (size_t k = 0; addresses && addresses[k]; k++) {
        const struct eng_item *it = eng_find(p, addresses[k]);
        if (it && it->decided && eng_acts(it->plan.action)) return addresses[k];
    }
    return NULL;
}

static int protect(const struct eng_item *it, const char *what, struct sw_err *err) {
    if (!it->plan.resource->lifecycle.prevent_destroy) return 0;
    sw_err_set(err, SW_EREFUSED, "'%s' would be %s, and its lifecycle says prevent_destroy", it->plan.resource->address, what);
    sw_err_at(err, it->plan.resource->pos);
    sw_err_hint(err, "take prevent_destroy out of the playbook and apply that first, or leave it out with --exclude '%s'",
                it->plan.resource->address);
    return SW_EREFUSED;
}

static int decide_removal(struct eng_plan *p, struct eng_item *it, struct sw_err *err) {
    struct sw_plan_item *plan = &it->plan;
    const struct eng_item *machine = eng_machine(p, it);
    plan->before = it->have ? (plan->prior ? sw_map_merge(p->engine->arena, plan->prior, it->have) : it->have) : NULL;
    plan->action = SW_FORGET;
    if (it->forgotten) {
        plan->reason = "removed from the playbook, left in place";
    } else if (eng_leaving(machine)) {
        plan->reason = sw_printf(p->engine->arena, "goes with %s", machine->plan.resource->address);
        plan->at_apply = false;
    } else if (p->options->refresh_only) {
        plan->action = it->have || plan->at_apply || it->unread ? SW_NOOP : SW_FORGET;
        plan->reason = it->have ? NULL : "gone already";
    } else if ((p->options->no_refresh && !it->open) || plan->at_apply || it->unread || it->have) {
        plan->action = SW_DELETE;
        plan->before = plan->before ? plan->before : plan->prior;
        plan->reason = p->options->destroy                              ? NULL
                       : sw_plan_deposed(plan->resource->address, NULL) ? "left over from a replacement"
                                                                        : "not in the playbook any more";
        return protect(it, "destroyed", err);
    } else {
        plan->reason = "gone already";
    }
    return 0;
}

/* Attributes the playbook speaks of that were recorded, read again, and differ. */
static bool has_drifted(const struct sw_type *type, const struct sw_value *desired, const struct sw_value *prior,
                        const struct sw_value *have) {
    if (!have) return true;
    for (size_t i = 0; i < have->map.n; i++) {
        const struct sw_attr *attr = sw_schema_find(type->schema, have->map.v[i].key);
        const struct sw_value *was = sw_get(prior, have->map.v[i].key);
        if (!attr || attr->computed || attr->write_only || !was || !sw_get(desired, have->map.v[i].key)) continue;
        if (sw_attr_differs(attr, have->map.v[i].value, was)) return true;
    }
    return false;
}

static void decide_change(struct eng_plan *p, struct eng_item *it) {
    struct sw_plan_item *plan = &it->plan;
    const struct sw_resource *resource = plan->resource;
    bool replace = false;
    for (size_t i = 0; i < plan->n_diffs; i++)
        if (plan->diffs[i].forces_replace) {
            replace = true;
            plan->reason = sw_printf(p->engine->arena, "%s cannot be changed in place", plan->diffs[i].name);
        }
    const char *by = acting(p, (const char *const *)resource->lifecycle.replace_on);
    if (by) replace = true, plan->reason = sw_printf(p->engine->arena, "%s changes", by);
    if (matches_any((const char *const *)p->options->replaces, resource->address)) replace = true, plan->reason = "asked for by --replace";
    if (replace) {
        plan->action = SW_REPLACE;
        return;
    }
    plan->action = plan->n_diffs ? SW_UPDATE : SW_NOOP;
    if (it->open) {
        plan->action = SW_UPDATE;
        plan->reason = "begun by a run that did not finish it";
    }
    by = acting(p, (const char *const *)resource->triggers);
    if (by) {
        plan->action = SW_UPDATE;
        plan->triggered = true;
        plan->reason = sw_printf(p->engine->arena, "%s changes", by);
    } else if (it->due) {
        plan->action = SW_UPDATE;
        plan->triggered = true;
        plan->reason = "due since a run that did not get to it";
    }
}

static int resolve_desired(struct eng_plan *p, struct eng_item *it, const struct sw_value **ret, struct sw_err *err) {
    const struct sw_resource *resource = it->plan.resource;
    const struct sw_value *desired = sw_value_resolve(p->engine->arena, resource->desired, eng_lookup, p);
    /* Without references it was normalised when it was declared. */
    bool had_references = desired != resource->desired;
    *ret = desired;
    if (had_references && !sw_value_has_unknown(desired) && it->type->ops->normalise)
        return it->type->ops->normalise(it->type, desired, resource->name, p->engine->arena, ret, err);
    return 0;
}

static int decide(struct eng_plan *p, struct eng_item *it, struct sw_err *err) {
    struct sw_plan_item *plan = &it->plan;
    struct sw_arena *arena = p->engine->arena;
    const struct sw_value *desired;
    int rc;
    it->decided = true;
    if (!it->declared) return decide_removal(p, it, err);
    if ((rc = resolve_desired(p, it, &desired, err)) != 0) return rc;
    plan->after = desired;
    if (plan->resource->data) return eng_data_decide(p, it, desired, err);
    if (plan->resource->ephemeral) return 0; /* eng_decide_ephemeral() */

    bool trusts = it->unread || (p->options->no_refresh && !it->open);
    const struct sw_value *have = trusts ? plan->prior : it->have;
    if (plan->at_apply) {
        const struct eng_item *machine = eng_machine(p, it);
        bool fresh = !plan->prior || (machine && (machine->plan.action == SW_CREATE || machine->plan.action == SW_REPLACE));
        plan->before = fresh ? NULL : plan->prior;
        plan->action = fresh ? SW_CREATE : SW_UPDATE;
        plan->reason = fresh ? NULL : "checked at apply";
        plan->triggered = it->due;
        if (!fresh) plan->after = sw_map_merge(arena, plan->prior, desired);
        plan->n_diffs =
            sw_schema_diff(it->type->schema, plan->before, desired, plan->resource->lifecycle.ignore_changes, arena, &plan->diffs);
        return 0;
    }
    /* A create that did not finish is not there because it failed, not because somebody took it away. */
    bool whole = it->recorded && strcmp(it->recorded->status, "partial") != 0;
    bool differs = !p->options->no_refresh && !it->unread && has_drifted(it->type, desired, plan->prior, have);
    const char *unfinished = it->recorded && !whole && have && differs && !it->open ? "left by a run that did not finish" : NULL;
    plan->drifted = whole && differs;
    /* What was asked for says nothing of how far an open creation got: only what was read does. */
    plan->before = have && plan->prior && !it->open ? sw_map_merge(arena, plan->prior, have) : have;
    if (p->options->refresh_only) {
        plan->action = plan->prior && !have ? SW_FORGET : SW_NOOP;
        plan->after = plan->before;
        plan->reason = unfinished;
        if (plan->drifted && have) plan->n_diffs = sw_schema_diff(it->type->schema, plan->prior, have, NULL, arena, &plan->diffs);
        return 0;
    }
    plan->n_diffs = sw_schema_diff(it->type->schema, plan->before, desired, (const char *const *)plan->resource->lifecycle.ignore_changes,
                                   arena, &plan->diffs);
    if (!plan->before) {
        plan->action = SW_CREATE;
        return 0;
    }
    plan->unsettled = it->recorded && !whole && !it->unread;
    decide_change(p, it);
    if (plan->action == SW_UPDATE && !plan->reason) plan->reason = unfinished;
    if (plan->action == SW_REPLACE) return protect(it, "replaced", err);
    plan->after = sw_map_merge(arena, plan->before, desired);
    return 0;
}

int eng_decide(struct eng_plan *p, struct eng_item *it, struct sw_err *err) {
    int rc = decide(p, it, err);
    if (rc == 0 && it->unread && !it->plan.reason) it->plan.reason = "not read: untrusted";
    return rc;
}

/* An ephemeral item acts when something that depends on it does. Later items first, so that chains of them work. */
void eng_decide_ephemeral(struct eng_plan *p) {
    bool *wanted = sw_new_n(p->engine->arena, bool, p->n_items + 1);
    for (size_t k = p->n_items; k-- > 0;) {
        struct eng_item *it = &p->items[p->order[k]];
        if (!it->selected || !it->declared) continue;
        if (it->plan.resource->ephemeral) {
            it->plan.action = wanted[p->order[k]] ? SW_CREATE : SW_NOOP;
            if (wanted[p->order[k]]) {
                it->plan.reason = "needed by what follows";
                it->plan.n_diffs = sw_schema_diff(it->type->schema, NULL, it->plan.after, NULL, p->engine->arena, &it->plan.diffs);
            }
        }
        if (!eng_acts(it->plan.action)) continue;
        for (size_t d = 0; it->plan.resource->depends && it->plan.resource->depends[d]; d++) {
            const struct eng_item *base = eng_find(p, it->plan.resource->depends[d]);
            if (base) wanted[base - p->items] = true;
        }
    }
}
