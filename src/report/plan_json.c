/* Terraform's plan format (1.2), so that policies and tools that read it work on ours. What Terraform has no word for is below "slipway".
 */
#include <string.h>

#include "plan_json.h"
#include "slipway/clock.h"
#include "text.h"

#define FORMAT_VERSION    "1.2"
#define TERRAFORM_VERSION "1.9.0" /* whose format this is; readers refuse what is not a version */

static const char *actions(const struct sw_plan_item *item) {
    switch (item->action) {
    case SW_NOOP: return "[\"no-op\"]";
    case SW_CREATE: return "[\"create\"]";
    case SW_UPDATE: return "[\"update\"]";
    case SW_REPLACE: return item->create_first ? "[\"create\",\"delete\"]" : "[\"delete\",\"create\"]";
    case SW_DELETE: return "[\"delete\"]";
    case SW_FORGET: return "[\"forget\"]";
    case SW_READ: return "[\"read\"]";
    }
    return "[\"no-op\"]";
}

static const char *action_reason(const struct sw_plan *plan, const struct sw_plan_item *item) {
    if (item->action == SW_DELETE) return plan->destroy ? NULL : "delete_because_no_resource_config";
    if (item->action == SW_FORGET) return "forgot_because_no_resource_config";
    if (item->action == SW_READ) return "read_because_config_unknown";
    if (item->action != SW_REPLACE) return NULL;
    for (size_t i = 0; i < item->n_diffs; i++)
        if (item->diffs[i].forces_replace) return "replace_because_cannot_update";
    return item->resource->lifecycle.replace_on ? "replace_by_triggers" : "replace_by_request";
}

void plan_json__next(struct sw_str *out) {
    sw_str_addz(out, out->p[out->len - 1] == '[' ? "\n{" : ",\n{");
}

static void add_change(const struct plan_json *pj, const struct sw_plan_item *item, const char *action_list, const struct sw_value *before,
                       const struct sw_value *after) {
    struct sw_str *out = pj->out;
    const struct sw_schema *schema = plan_json__schema(pj, item->resource);
    sw_report__json_key(out, "change");
    sw_str_addz(out, "{\"actions\":");
    sw_str_addz(out, action_list);
    sw_report__json_key(out, "before");
    plan_json__known(out, before, schema);
    sw_report__json_key(out, "after");
    plan_json__known(out, after, schema);
    sw_report__json_key(out, "after_unknown");
    if (after && after == item->after)
        plan_json__after_unknown(out, item, schema);
    else
        plan_json__marks(out, after, MARK_UNKNOWN, schema);
    sw_report__json_key(out, "before_sensitive");
    plan_json__marks(out, before, MARK_SECRET, schema);
    sw_report__json_key(out, "after_sensitive");
    plan_json__marks(out, after, MARK_SECRET, schema);
}

static void add_resource_change(const struct plan_json *pj, const struct sw_plan_item *item) {
    struct sw_str *out = pj->out;
    plan_json__next(out);
    plan_json__identity(out, item->resource);
    add_change(pj, item, actions(item), item->before, item->after);
    sw_report__json_key(out, "replace_paths");
    sw_str_addc(out, '[');
    bool first = true;
    for (size_t i = 0; i < item->n_diffs; i++) {
        if (!item->diffs[i].forces_replace) continue;
        sw_str_addz(out, first ? "[" : ",[");
        sw_report__json_text(out, item->diffs[i].name, strlen(item->diffs[i].name));
        sw_str_addc(out, ']');
        first = false;
    }
    sw_str_addz(out, "]}");
    const char *reason = action_reason(pj->plan, item);
    if (reason) sw_report__json_str(out, "action_reason", reason);
    sw_report__json_key(out, "slipway");
    sw_str_addz(out, "{");
    sw_report__json_str(out, "address", item->resource->address);
    sw_report__json_int(out, "layer", sw_resource_layer(item->resource));
    if (item->resource->host) sw_report__json_str(out, "host", item->resource->host);
    if (item->reason) sw_report__json_str(out, "reason", item->reason);
    sw_report__json_bool(out, "at_apply", item->at_apply);
    sw_report__json_bool(out, "triggered", item->triggered);
    sw_str_addz(out, "}}");
}

static void add_drift(const struct plan_json *pj) {
    struct sw_str *out = pj->out;
    sw_report__json_key(out, "resource_drift");
    sw_str_addc(out, '[');
    for (size_t i = 0; i < pj->plan->n_items; i++) {
        const struct sw_plan_item *item = &pj->plan->items[i];
        if (!item->drifted) continue;
        plan_json__next(out);
        plan_json__identity(out, item->resource);
        add_change(pj, item, item->before ? "[\"update\"]" : "[\"delete\"]", item->prior, item->before);
        sw_str_addz(out, "}}");
    }
    sw_str_addc(out, ']');
}

/* ---- values: what is planned, and what was read ---- */

typedef const struct sw_value *side_fn(const struct sw_plan_item *item);
/* A data source that was read is part of what was there, and nothing that changes. */
static bool was_read(const struct sw_plan_item *item) {
    return item->resource->data && item->action == SW_NOOP;
}
static const struct sw_value *side_after(const struct sw_plan_item *item) {
    return was_read(item) ? NULL : item->after;
}
static const struct sw_value *side_before(const struct sw_plan_item *item) {
    return was_read(item) ? item->after : item->before;
}

static void add_resources(const struct plan_json *pj, side_fn *side, const char *host) {
    struct sw_str *out = pj->out;
    sw_report__json_key(out, "resources");
    sw_str_addc(out, '[');
    for (size_t i = 0; i < pj->plan->n_items; i++) {
        const struct sw_plan_item *item = &pj->plan->items[i];
        const char *own = item->resource->host;
        if (!side(item) || (host ? !own || strcmp(own, host) != 0 : own != NULL)) continue;
        const struct sw_schema *schema = plan_json__schema(pj, item->resource);
        plan_json__next(out);
        plan_json__identity(out, item->resource);
        sw_report__json_int(out, "schema_version", 0);
        sw_report__json_key(out, "values");
        plan_json__known(out, side(item), schema);
        sw_report__json_key(out, "sensitive_values");
        plan_json__marks(out, side(item), MARK_SECRET, schema);
        sw_str_addc(out, '}');
    }
    sw_str_addc(out, ']');
}

/* A module a host, in the order in which they appear. */
static void add_root_module(const struct plan_json *pj, side_fn *side) {
    struct sw_str *out = pj->out;
    struct sw_map seen = {0};
    sw_report__json_key(out, "root_module");
    sw_str_addc(out, '{');
    add_resources(pj, side, NULL);
    for (size_t i = 0; i < pj->plan->n_items; i++) {
        const char *host = pj->plan->items[i].resource->host;
        if (!host || !side(&pj->plan->items[i]) || sw_map_find(&seen, host)) continue;
        if (!seen.n) {
            sw_report__json_key(out, "child_modules");
            sw_str_addc(out, '[');
        }
        sw_map_set(&seen, host, (void *)host);
        struct sw_str address = {0};
        plan_json__module(&address, host);
        plan_json__next(out);
        sw_report__json_str(out, "address", sw_str_z(&address));
        sw_str_done(&address);
        add_resources(pj, side, host);
        sw_str_addc(out, '}');
    }
    sw_str_addz(out, seen.n ? "]}" : "}");
    sw_map_done(&seen);
}

static void add_planned_values(const struct plan_json *pj) {
    struct sw_str *out = pj->out;
    sw_report__json_key(out, "planned_values");
    sw_str_addz(out, "{\"outputs\":{");
    for (size_t i = 0; i < pj->plan->n_outputs; i++) {
        const struct sw_value *v = pj->plan->outputs[i].value;
        sw_report__json_key(out, pj->plan->outputs[i].name);
        sw_str_addc(out, '{');
        sw_report__json_bool(out, "sensitive", plan_json__has_mark(v, MARK_SECRET));
        if (v && !plan_json__has_mark(v, MARK_UNKNOWN)) {
            sw_report__json_key(out, "value");
            plan_json__known(out, v, NULL);
        }
        sw_str_addc(out, '}');
    }
    sw_str_addc(out, '}');
    add_root_module(pj, side_after);
    sw_str_addc(out, '}');
}

static void add_prior_state(const struct plan_json *pj) {
    struct sw_str *out = pj->out;
    sw_report__json_key(out, "prior_state");
    sw_str_addc(out, '{');
    sw_report__json_str(out, "format_version", "1.0");
    sw_report__json_str(out, "terraform_version", TERRAFORM_VERSION);
    sw_report__json_key(out, "values");
    sw_str_addc(out, '{');
    add_root_module(pj, side_before);
    sw_str_addz(out, "}}");
}

/* The plan does not hold what the outputs were: to a reader each is set anew. */
static void add_output_changes(struct sw_str *out, const struct sw_plan *plan) {
    sw_report__json_key(out, "output_changes");
    sw_str_addc(out, '{');
    for (size_t i = 0; i < plan->n_outputs; i++) {
        const struct sw_value *v = plan->outputs[i].value;
        sw_report__json_key(out, plan->outputs[i].name);
        sw_str_addz(out, "{\"actions\":[\"create\"],\"before\":null,\"after\":");
        plan_json__known(out, v, NULL);
        sw_report__json_key(out, "after_unknown");
        plan_json__marks(out, v, MARK_UNKNOWN, NULL);
        sw_str_addz(out, ",\"before_sensitive\":false,\"after_sensitive\":");
        plan_json__marks(out, v, MARK_SECRET, NULL);
        sw_str_addc(out, '}');
    }
    sw_str_addc(out, '}');
}

void sw_report_plan_json(struct sw_str *out, const struct sw_plan *plan, sw_find_schema_fn *find_schema, void *ctx) {
    struct plan_json pj = {.out = out, .plan = plan, .find_schema = find_schema, .ctx = ctx};
    char time[32];
    for (size_t i = 0; i < plan->n_items; i++)
        sw_map_set(&pj.by_address, plan->items[i].resource->address, (void *)plan->items[i].resource);
    sw_str_addc(out, '{');
    sw_report__json_str(out, "format_version", FORMAT_VERSION);
    sw_report__json_str(out, "terraform_version", TERRAFORM_VERSION);
    add_planned_values(&pj);
    sw_report__json_key(out, "resource_changes");
    sw_str_addc(out, '[');
    for (size_t i = 0; i < plan->n_items; i++)
        if (!was_read(&plan->items[i])) add_resource_change(&pj, &plan->items[i]);
    sw_str_addc(out, ']');
    add_drift(&pj);
    add_output_changes(out, plan);
    add_prior_state(&pj);
    plan_json__configuration(&pj);
    sw_report__json_str(out, "timestamp", sw_format_time(plan->created_ms, time));
    sw_report__json_bool(out, "applyable", !sw_plan_is_empty(plan));
    sw_report__json_bool(out, "complete", true);
    sw_report__json_bool(out, "errored", false);
    sw_report__json_key(out, "slipway");
    sw_str_addc(out, '{');
    sw_report__json_str(out, "version", SLIPWAY_VERSION);
    sw_report__json_str(out, "inventory", plan->inventory ? plan->inventory : "");
    if (plan->lineage) sw_report__json_str(out, "lineage", plan->lineage);
    sw_report__json_int(out, "serial", plan->serial);
    sw_report__json_bool(out, "destroy", plan->destroy);
    sw_report__json_bool(out, "refresh_only", plan->refresh_only);
    if (plan->cost) {
        sw_report__json_key(out, "cost");
        sw_str_addc(out, '{');
        sw_report__cost_members(out, plan->cost);
        sw_str_addc(out, '}');
    }
    if (plan->n_findings) {
        sw_report__json_key(out, "policies");
        sw_str_addc(out, '[');
        for (size_t i = 0; i < plan->n_findings; i++) {
            plan_json__next(out);
            sw_report__finding_members(out, &plan->findings[i]);
            sw_str_addc(out, '}');
        }
        sw_str_addc(out, ']');
    }
    sw_str_addz(out, "}}");
    sw_map_done(&pj.by_address);
}
