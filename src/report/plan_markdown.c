/* The plan as a comment on a pull request: a short summary, details folded, changes as fenced diffs.
 *
 * What stands in a fence may be anything, a README with fences of its own too: each fence is longer than the longest run of
 * backticks inside. What stands outside of fences is ours or escaped. */
#include <string.h>

#include "slipway/cost.h"
#include "view.h"

#define MAX_BYTES 60000 /* GitHub takes 65,536 characters a comment; the text around ours needs room as well */

/* Names of the user's in running Markdown. */
static void add_escaped(struct sw_str *out, const char *text) {
    struct sw_str clean = {0};
    sw_str_add_printable(&clean, text, strlen(text));
    for (const char *p = sw_str_z(&clean); *p; p++) {
        if (*p == '<')
            sw_str_addz(out, "&lt;");
        else if (*p == '>')
            sw_str_addz(out, "&gt;");
        else if (*p == '&')
            sw_str_addz(out, "&amp;");
        else if (*p == '@')
            sw_str_addz(out, "&#64;"); /* nobody is notified by a plan */
        else if (*p == '\n' || *p == '\t')
            sw_str_addc(out, ' ');
        else if (strchr("\\`*_{}[]()#|!~", *p))
            sw_str_addf(out, "\\%c", *p);
        else
            sw_str_addc(out, *p);
    }
    sw_str_done(&clean);
}

static size_t longest_backticks(const char *text, size_t len) {
    size_t longest = 0, run = 0;
    for (size_t i = 0; i < len; i++) {
        run = text[i] == '`' ? run + 1 : 0;
        if (run > longest) longest = run;
    }
    return longest;
}

/* A folded block. Cut at whole lines when the comment is full. */
static void add_details(struct sw_str *out, const char *title, size_t n, const char *unit, const struct sw_str *body) {
    size_t room = out->len < MAX_BYTES ? MAX_BYTES - out->len : 0, len = body->len, cut = 0;
    if (len > room) {
        len = room;
        while (len && body->p[len - 1] != '\n') len--;
        for (size_t i = len; i < body->len; i++) cut += body->p[i] == '\n';
    }
    size_t fence = longest_backticks(sw_str_z(body), len) + 1;
    if (fence < 3) fence = 3;
    sw_str_addf(out, "\n<details><summary>%s: %zu %s%s</summary>\n\n", title, n, unit, n == 1 ? "" : "s");
    for (size_t i = 0; i < fence; i++) sw_str_addc(out, '`');
    sw_str_addz(out, "diff\n");
    sw_str_add(out, sw_str_z(body), len);
    for (size_t i = 0; i < fence; i++) sw_str_addc(out, '`');
    sw_str_addz(out, "\n\n");
    if (cut) sw_str_addf(out, "%zu more lines did not fit into this comment.\n\n", cut);
    sw_str_addz(out, "</details>\n");
}

static struct sw_view new_view(struct sw_str *body) {
    return (struct sw_view){.out = body, .style = {.unicode = true, .columns = 120}, .fenced = true};
}

/* Drift without its heading, which the summary line has. */
static void add_drift(struct sw_str *out, const struct sw_plan *plan) {
    struct sw_str body = {0};
    struct sw_view view = new_view(&body);
    size_t n = 0;
    for (size_t i = 0; i < plan->n_items; i++) n += plan->items[i].drifted;
    if (!n) return;
    sw_view__drift(&view, plan);
    const char *start = strstr(sw_str_z(&body), "\n\n");
    struct sw_str rest = {0};
    if (start) sw_str_addz(&rest, start + 2);
    if (rest.len > 1 && rest.p[rest.len - 2] == '\n') rest.p[--rest.len] = '\0';
    add_details(out, "Changed behind our back", n, "resource", &rest);
    sw_str_done(&rest);
    sw_str_done(&body);
}

static void add_moved(struct sw_str *out, const struct sw_plan *plan) {
    struct sw_str body = {0};
    struct sw_view view = new_view(&body);
    if (!plan->n_moved) return;
    sw_view__moved(&view, plan);
    add_details(out, "Renamed in the state", plan->n_moved, "resource", &body);
    sw_str_done(&body);
}

/* Not folded: who reviews the plan must not miss them. */
static void add_findings(struct sw_str *out, const struct sw_plan *plan) {
    if (plan->n_findings) sw_str_addz(out, "\n| policy | says | of | why |\n| --- | --- | --- | --- |\n");
    for (size_t i = 0; i < plan->n_findings && out->len < MAX_BYTES / 2; i++) {
        const struct sw_finding *finding = &plan->findings[i];
        sw_str_addz(out, "| ");
        add_escaped(out, finding->policy);
        sw_str_addf(out, " | **%s** | ", sw_report__verdict(finding->verdict));
        add_escaped(out, finding->address ? finding->address : "the plan");
        sw_str_addz(out, " | ");
        add_escaped(out, finding->message);
        sw_str_addz(out, " |\n");
    }
}

static void add_cost(struct sw_str *out, const struct sw_plan *plan) {
    struct sw_str body = {0};
    struct sw_view view = new_view(&body);
    const struct sw_cost *cost = plan->cost;
    if (!cost) return;
    sw_str_addf(out, "\nCost per month, estimated: **%.2f -> %.2f ", cost->before, cost->after);
    add_escaped(out, cost->currency);
    sw_str_addz(out, "**\n");
    sw_view__cost(&view, plan);
    if (cost->n_changes || cost->n_gaps) add_details(out, "Cost", cost->n_changes, "change", &body);
    sw_str_done(&body);
}

void sw_report_plan_markdown(struct sw_str *out, const struct sw_plan *plan) {
    sw_str_addz(out, "### Plan for ");
    add_escaped(out, plan->inventory ? plan->inventory : "?");
    sw_str_addz(out, "\n\n");
    if (sw_plan_is_empty(plan)) {
        sw_str_addf(out, "**No changes.** %zu unchanged.\n", plan->count[SW_NOOP]);
    } else {
        sw_str_addz(out, "**");
        sw_report__counts(out, plan);
        sw_str_addf(out, "**; %zu unchanged.\n", plan->count[SW_NOOP]);
    }
    for (size_t i = 0; i < plan->n_warnings; i++) {
        sw_str_addz(out, i ? "> " : "\n> ");
        sw_str_addz(out, "⚠ ");
        add_escaped(out, plan->warnings[i]);
        sw_str_addz(out, i + 1 < plan->n_warnings ? "\\\n" : "\n");
    }
    add_findings(out, plan);
    add_cost(out, plan);
    add_drift(out, plan);
    add_moved(out, plan);
    for (unsigned layer = 0; layer < SW_REPORT_LAYERS; layer++) {
        struct sw_str body = {0}, title = {0};
        struct sw_view view = new_view(&body);
        size_t n = sw_view__layer(&view, plan, layer, false);
        sw_str_addf(&title, "Layer %u, %s", layer, sw_report__layer_title(layer));
        if (n) add_details(out, sw_str_z(&title), n, "change", &body);
        sw_str_done(&title);
        sw_str_done(&body);
    }
}
