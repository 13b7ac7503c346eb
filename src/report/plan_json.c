/* Terraform's plan format (1.2), so that policies and tools that read it work on ours. What Terraform has no word for is below "slipway".
 */
#include <string.h>

#include "json.h"
#include "slipway/clock.h"
#include "text.h"

#define FORMAT_VERSION    "1.2"
#define TERRAFORM_VERSION "1.9.0" /* whose format this is; readers refuse what is not a version */

static bool is_unknown(const struct sw_value *v) {
    return v->kind == SW_UNKNOWN || v->kind == SW_REF || v->kind == SW_CONCAT;
}

/* Values as Terraform shows them: what is not known is left out of maps and null in lists; secrets are null. */
static void add_known(struct sw_str *out, const struct sw_value *v) {
    if (!v || v->secret || is_unknown(v)) {
        sw_str_addz(out, "null");
    } else if (v->kind == SW_MAP) {
        sw_str_addc(out, '{');
        for (size_t i = 0; i < v->map.n; i++) {
            if (!v->map.v[i].value->secret && is_unknown(v->map.v[i].value)) continue;
            sw_report__json_key(out, v->map.v[i].key);
            add_known(out, v->map.v[i].value);
        }
        sw_str_addc(out, '}');
    } else if (v->kind == SW_LIST) {
        sw_str_addc(out, '[');
        for (size_t i = 0; i < v->list.n; i++) {
            if (i) sw_str_addc(out, ',');
            add_known(out, v->list.v[i]);
        }
        sw_str_addc(out, ']');
    } else {
        sw_json_write(out, v, 0);
    }
}

typedef bool marked_fn(const struct sw_value *v);
static bool mark_unknown(const struct sw_value *v) {
    return is_unknown(v);
}
static bool mark_secret(const struct sw_value *v) {
    return v->secret;
}

static bool has_mark(const struct sw_value *v, marked_fn *marked) {
    if (!v) return false;
    if (marked(v)) return true;
    if (v->kind == SW_MAP)
        for (size_t i = 0; i < v->map.n; i++)
            if (has_mark(v->map.v[i].value, marked)) return true;
    if (v->kind == SW_LIST)
        for (size_t i = 0; i < v->list.n; i++)
            if (has_mark(v->list.v[i], marked)) return true;
    return false;
}

/* The shape of `v` with true where it is marked; what is not marked is left out of maps. */
static void add_marks(struct sw_str *out, const struct sw_value *v, marked_fn *marked) {
    if (v && marked(v)) {
        sw_str_addz(out, "true");
    } else if (v && v->kind == SW_MAP) {
        sw_str_addc(out, '{');
        for (size_t i = 0; i < v->map.n; i++) {
            if (!has_mark(v->map.v[i].value, marked)) continue;
            sw_report__json_key(out, v->map.v[i].key);
            add_marks(out, v->map.v[i].value, marked);
        }
        sw_str_addc(out, '}');
    } else if (v && v->kind == SW_LIST && has_mark(v, marked)) {
        sw_str_addc(out, '[');
        for (size_t i = 0; i < v->list.n; i++) {
            if (i) sw_str_addc(out, ',');
            add_marks(out, v->list.v[i], marked);
        }
        sw_str_addc(out, ']');
    } else {
        sw_str_addz(out, "false");
    }
}

static const char *actions(const struct sw_plan_item *item) {
    switch (item->action) {
    case SW_NOOP: return "[\"no-op\"]";
    case SW_CREATE: return "[\"create\"]";
    case SW_UPDATE: return "[\"update\"]";
    case SW_REPLACE: return item->resource->lifecycle.create_before_destroy ? "[\"create\",\"delete\"]" : "[\"delete\",\"create\"]";
    case SW_DELETE: return "[\"delete\"]";
    case SW_FORGET: return "[\"forget\"]";
    }
    return "[\"no-op\"]";
}

static const char *action_reason(const struct sw_plan *plan, const struct sw_plan_item *item) {
    if (item->action == SW_DELETE) return plan->destroy ? NULL : "delete_because_no_resource_config";
    if (item->action == SW_FORGET) return "forgot_because_no_resource_config";
    if (item->action != SW_REPLACE) return NULL;
    for (size_t i = 0; i < item->n_diffs; i++)
        if (item->diffs[i].forces_replace) return "replace_because_cannot_update";
    return item->resource->lifecycle.replace_on ? "replace_by_triggers" : "replace_by_request";
}

static void add_change(struct sw_str *out, const char *action_list, const struct sw_value *before, const struct sw_value *after) {
    sw_report__json_key(out, "change");
    sw_str_addz(out, "{\"actions\":");
    sw_str_addz(out, action_list);
    sw_report__json_key(out, "before");
    add_known(out, before);
    sw_report__json_key(out, "after");
    add_known(out, after);
    sw_report__json_key(out, "after_unknown");
    add_marks(out, after, mark_unknown);
    sw_report__json_key(out, "before_sensitive");
    add_marks(out, before, mark_secret);
    sw_report__json_key(out, "after_sensitive");
    add_marks(out, after, mark_secret);
}

static void add_identity(struct sw_str *out, const struct sw_resource *resource) {
    size_t prefix = strcspn(resource->type, "_");
    sw_report__json_str(out, "address", resource->address);
    sw_report__json_str(out, "mode", "managed");
    sw_report__json_str(out, "type", resource->type);
    sw_report__json_str(out, "name", resource->name);
    sw_report__json_key(out, "provider_name");
    struct sw_str provider = {0};
    if (resource->host)
        sw_str_addz(&provider, "slipway/host");
    else if (resource->provider)
        sw_str_addf(&provider, "slipway/%s", resource->provider);
    else
        sw_str_addf(&provider, "slipway/%.*s", (int)prefix, resource->type);
    sw_report__json_text(out, sw_str_z(&provider), provider.len);
    sw_str_done(&provider);
}

/* Objects of a list, with commas only between them. */
static void next(struct sw_str *out) {
    if (out->p[out->len - 1] != '[') sw_str_addc(out, ',');
    sw_str_addc(out, '{');
}

static void add_resource_change(struct sw_str *out, const struct sw_plan *plan, const struct sw_plan_item *item) {
    next(out);
    add_identity(out, item->resource);
    add_change(out, actions(item), item->before, item->after);
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
    const char *reason = action_reason(plan, item);
    if (reason) sw_report__json_str(out, "action_reason", reason);
    sw_report__json_key(out, "slipway");
    sw_str_addz(out, "{");
    sw_report__json_int(out, "layer", sw_report__layer(item->resource));
    if (item->resource->host) sw_report__json_str(out, "host", item->resource->host);
    if (item->reason) sw_report__json_str(out, "reason", item->reason);
    sw_report__json_bool(out, "at_apply", item->at_apply);
    sw_report__json_bool(out, "triggered", item->triggered);
    sw_str_addz(out, "}}");
}

static void add_drift(struct sw_str *out, const struct sw_plan *plan) {
    sw_report__json_key(out, "resource_drift");
    sw_str_addc(out, '[');
    for (size_t i = 0; i < plan->n_items; i++) {
        const struct sw_plan_item *item = &plan->items[i];
        if (!item->drifted) continue;
        next(out);
        add_identity(out, item->resource);
        add_change(out, item->before ? "[\"update\"]" : "[\"delete\"]", item->prior, item->before);
        sw_str_addz(out, "}}");
    }
    sw_str_addc(out, ']');
}

static void add_planned_values(struct sw_str *out, const struct sw_plan *plan) {
    sw_report__json_key(out, "planned_values");
    sw_str_addz(out, "{\"outputs\":{");
    for (size_t i = 0; i < plan->n_outputs; i++) {
        const struct sw_value *v = plan->outputs[i].value;
        sw_report__json_key(out, plan->outputs[i].name);
        sw_str_addc(out, '{');
        sw_report__json_bool(out, "sensitive", has_mark(v, mark_secret));
        if (v && !has_mark(v, mark_unknown)) {
            sw_report__json_key(out, "value");
            add_known(out, v);
        }
        sw_str_addc(out, '}');
    }
    sw_str_addz(out, "},\"root_module\":{\"resources\":[");
    for (size_t i = 0; i < plan->n_items; i++) {
        const struct sw_plan_item *item = &plan->items[i];
        if (!item->after) continue;
        next(out);
        add_identity(out, item->resource);
        sw_report__json_int(out, "schema_version", 0);
        sw_report__json_key(out, "values");
        add_known(out, item->after);
        sw_report__json_key(out, "sensitive_values");
        add_marks(out, item->after, mark_secret);
        sw_str_addc(out, '}');
    }
    sw_str_addz(out, "]}}");
}

/* The plan does not hold what the outputs were: to a reader each is set anew. */
static void add_output_changes(struct sw_str *out, const struct sw_plan *plan) {
    sw_report__json_key(out, "output_changes");
    sw_str_addc(out, '{');
    for (size_t i = 0; i < plan->n_outputs; i++) {
        const struct sw_value *v = plan->outputs[i].value;
        sw_report__json_key(out, plan->outputs[i].name);
        sw_str_addz(out, "{\"actions\":[\"create\"],\"before\":null,\"after\":");
        add_known(out, v);
        sw_report__json_key(out, "after_unknown");
        add_marks(out, v, mark_unknown);
        sw_str_addz(out, ",\"before_sensitive\":false,\"after_sensitive\":");
        add_marks(out, v, mark_secret);
        sw_str_addc(out, '}');
    }
    sw_str_addc(out, '}');
}

void sw_report_plan_json(struct sw_str *out, const struct sw_plan *plan) {
    char time[32];
    sw_str_addc(out, '{');
    sw_report__json_str(out, "format_version", FORMAT_VERSION);
    sw_report__json_str(out, "terraform_version", TERRAFORM_VERSION);
    add_planned_values(out, plan);
    sw_report__json_key(out, "resource_changes");
    sw_str_addc(out, '[');
    for (size_t i = 0; i < plan->n_items; i++) add_resource_change(out, plan, &plan->items[i]);
    sw_str_addc(out, ']');
    add_drift(out, plan);
    add_output_changes(out, plan);
    sw_report__json_key(out, "configuration");
    sw_str_addz(out, "{\"root_module\":{}}");
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
    sw_str_addz(out, "}}");
}
