/* The plan as a picture: resources by host and layer, an arrow from what is needed to what needs it. */
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "slipway/vec.h"
#include "text.h"

/* Hosts in the order of their first resource. */
struct hosts {
    const char **v;
    size_t n, cap;
};

static struct hosts find_hosts(const struct sw_plan *plan) {
    struct hosts hosts = {0};
    for (size_t i = 0; i < plan->n_items; i++) {
        const char *host = plan->items[i].resource->host;
        bool known = !host;
        /* Backwards: a host's resources mostly stand together. */
        for (size_t k = hosts.n; !known && k--;) known = strcmp(hosts.v[k], host) == 0;
        if (!known) sw_vec_push(&hosts, host);
    }
    return hosts;
}

static const char *action_class(enum sw_action action) {
    switch (action) {
    case SW_CREATE: return "create";
    case SW_UPDATE: return "change";
    case SW_REPLACE: return "replace";
    case SW_DELETE: return "destroy";
    case SW_NOOP:
    case SW_FORGET:
    case SW_READ: break;
    }
    return "same";
}

/* ---- mermaid ---- */

/* Labels stand in double quotes; Mermaid's own escapes are #code; and HTML in a label would be drawn, so nothing of it is let through. */
static void add_mermaid_text(struct sw_str *out, const char *text) {
    struct sw_str clean = {0};
    sw_str_add_printable(&clean, text, strlen(text));
    for (const char *p = sw_str_z(&clean); *p; p++) {
        if (*p == '\n' || *p == '\t')
            sw_str_addc(out, ' ');
        else if (strchr("\"#&<>`;{}[]()|\\", *p))
            sw_str_addf(out, "#%d;", (unsigned char)*p);
        else
            sw_str_addc(out, *p);
    }
    sw_str_done(&clean);
}

static void mermaid_node(struct sw_str *out, const struct sw_plan *plan, size_t i, const char *indent) {
    const struct sw_plan_item *item = &plan->items[i];
    sw_str_addf(out, "%sn%zu[\"", indent, i);
    add_mermaid_text(out, sw_report__local_name(item->resource));
    sw_str_addf(out, "\"]:::%s\n", action_class(item->action));
}

static void add_mermaid(struct sw_str *out, const struct sw_plan *plan) {
    struct hosts hosts = find_hosts(plan);
    sw_str_addz(out, "flowchart TD\n");
    for (unsigned layer = 0; layer < SW_REPORT_LAYERS; layer++) {
        if (layer == 1) {
            for (size_t h = 0; h < hosts.n; h++) {
                sw_str_addf(out, "  subgraph h%zu[\"", h);
                add_mermaid_text(out, hosts.v[h]);
                sw_str_addz(out, "\"]\n");
                for (size_t i = 0; i < plan->n_items; i++)
                    if (plan->items[i].resource->host && strcmp(plan->items[i].resource->host, hosts.v[h]) == 0)
                        mermaid_node(out, plan, i, "    ");
                sw_str_addz(out, "  end\n");
            }
            continue;
        }
        bool open = false;
        for (size_t i = 0; i < plan->n_items; i++) {
            if (sw_resource_layer(plan->items[i].resource) != layer) continue;
            if (!open) sw_str_addf(out, "  subgraph l%u[\"%s\"]\n", layer, sw_report__layer_title(layer));
            open = true;
            mermaid_node(out, plan, i, "    ");
        }
        if (open) sw_str_addz(out, "  end\n");
    }
    for (size_t i = 0; i < plan->n_items; i++)
        for (size_t k = 0; k < plan->items[i].n_needs; k++) sw_str_addf(out, "  n%u --> n%zu\n", (unsigned)plan->items[i].needs[k], i);
    sw_str_addz(
        out, "  classDef create stroke:#1a7f37,stroke-width:2px\n  classDef change stroke:#9a6700,stroke-width:2px\n"
             "  classDef replace stroke:#8250df,stroke-width:2px\n  classDef destroy stroke:#cf222e,stroke-width:2px,stroke-dasharray:4\n"
             "  classDef same stroke:#8c959f\n");
    sw_vec_done(&hosts);
}

/* ---- dot ---- */

static void add_dot_text(struct sw_str *out, const char *text) {
    struct sw_str clean = {0};
    sw_str_add_printable(&clean, text, strlen(text));
    sw_str_addc(out, '"');
    for (const char *p = sw_str_z(&clean); *p; p++) {
        if (*p == '"' || *p == '\\') sw_str_addc(out, '\\');
        sw_str_addc(out, *p == '\n' || *p == '\t' ? ' ' : *p);
    }
    sw_str_addc(out, '"');
    sw_str_done(&clean);
}

static void dot_node(struct sw_str *out, const struct sw_plan *plan, size_t i, const char *indent) {
    static const char *const colors[] = {
        [SW_NOOP] = "#8c959f",   [SW_CREATE] = "#1a7f37", [SW_UPDATE] = "#9a6700", [SW_REPLACE] = "#8250df",
        [SW_DELETE] = "#cf222e", [SW_FORGET] = "#8c959f", [SW_READ] = "#8c959f"};
    const struct sw_plan_item *item = &plan->items[i];
    sw_str_addf(out, "%sn%zu [label=", indent, i);
    add_dot_text(out, sw_report__local_name(item->resource));
    sw_str_addf(out, ", color=\"%s\"];\n", colors[item->action]);
}

static void add_dot(struct sw_str *out, const struct sw_plan *plan) {
    struct hosts hosts = find_hosts(plan);
    sw_str_addz(out, "digraph ");
    add_dot_text(out, plan->inventory ? plan->inventory : "plan");
    sw_str_addz(out, " {\n  rankdir=TB;\n  node [shape=box, style=rounded, fontname=\"sans-serif\"];\n");
    for (size_t h = 0; h < hosts.n; h++) {
        sw_str_addf(out, "  subgraph cluster_%zu {\n    label=", h);
        add_dot_text(out, hosts.v[h]);
        sw_str_addz(out, ";\n");
        for (size_t i = 0; i < plan->n_items; i++)
            if (plan->items[i].resource->host && strcmp(plan->items[i].resource->host, hosts.v[h]) == 0) dot_node(out, plan, i, "    ");
        sw_str_addz(out, "  }\n");
    }
    for (size_t i = 0; i < plan->n_items; i++)
        if (!plan->items[i].resource->host) dot_node(out, plan, i, "  ");
    for (size_t i = 0; i < plan->n_items; i++)
        for (size_t k = 0; k < plan->items[i].n_needs; k++) sw_str_addf(out, "  n%u -> n%zu;\n", (unsigned)plan->items[i].needs[k], i);
    sw_str_addz(out, "}\n");
    sw_vec_done(&hosts);
}

/* ---- json ---- */

static void add_json(struct sw_str *out, const struct sw_plan *plan) {
    sw_str_addz(out, "{\"nodes\":[");
    for (size_t i = 0; i < plan->n_items; i++) {
        const struct sw_plan_item *item = &plan->items[i];
        sw_str_addz(out, i ? ",{" : "{");
        sw_report__json_int(out, "id", (int64_t)i);
        sw_report__json_str(out, "address", item->resource->address);
        sw_report__json_str(out, "type", item->resource->type);
        sw_report__json_str(out, "name", item->resource->name);
        if (item->resource->host) sw_report__json_str(out, "host", item->resource->host);
        sw_report__json_int(out, "layer", sw_resource_layer(item->resource));
        sw_report__json_str(out, "action", sw_action_name(item->action));
        sw_str_addc(out, '}');
    }
    sw_str_addz(out, "],\"edges\":[");
    bool first = true;
    for (size_t i = 0; i < plan->n_items; i++)
        for (size_t k = 0; k < plan->items[i].n_needs; k++) {
            sw_str_addf(out, "%s{\"from\":%u,\"to\":%zu}", first ? "" : ",", (unsigned)plan->items[i].needs[k], i);
            first = false;
        }
    sw_str_addz(out, "]}\n");
}

int sw_report_graph(struct sw_str *out, const struct sw_plan *plan, const char *format, struct sw_err *err) {
    static const char *const formats[] = {"mermaid", "dot", "json"};
    if (strcmp(format, "mermaid") == 0) {
        add_mermaid(out, plan);
    } else if (strcmp(format, "dot") == 0) {
        add_dot(out, plan);
    } else if (strcmp(format, "json") == 0) {
        add_json(out, plan);
    } else {
        const char *near = sw_nearest(format, formats, sw_countof(formats));
        sw_err_set(err, SW_EINVAL, "there is no graph format '%s'", format);
        sw_err_hint(err, "%s", near ? near : "mermaid, dot or json");
        return SW_EINVAL;
    }
    return SW_OK;
}
