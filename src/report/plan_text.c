/* The plan for people. */
#include <string.h>

#include "slipway/cost.h"
#include "view.h"

bool sw_view__shown(const struct sw_view *view, const struct sw_plan_item *item) {
    return item->action != SW_NOOP || item->at_apply || view->show_unchanged;
}

/* Why, behind the name. Under a host's heading the host is not said again, so that equal hosts read equal. */
static void add_note(struct sw_view *view, const struct sw_plan_item *item) {
    struct sw_str note = {0};
    if (item->reason) {
        const char *reason = item->reason, *host = item->resource->host;
        size_t len = host ? strlen(host) : 0;
        if (len && strncmp(reason, host, len) == 0 && reason[len] == '/') reason += len + 1;
        sw_str_addf(&note, "# %s", reason);
        if (item->triggered && !strstr(reason, "->"))
            sw_str_addz(&note, strcmp(item->resource->type, "service") == 0 ? " -> restart" : " -> acts again");
    }
    bool said = view->all_at_apply || (item->reason && strstr(item->reason, "checked at apply"));
    if (item->at_apply && !said) sw_str_addz(&note, note.len ? " (checked at apply)" : "(checked at apply)");
    if (item->action == SW_FORGET && !item->reason) sw_str_addz(&note, item->before ? "# forgotten, left as it is" : "# gone already");
    if (note.len) {
        sw_str_addz(view->out, "  ");
        sw_report__paint(view->out, &view->style, SW_TONE_DIM, sw_str_z(&note));
    }
    sw_str_done(&note);
}

void sw_view__item(struct sw_view *view, size_t indent, const struct sw_plan_item *item, bool local) {
    const char *name = local ? sw_report__local_name(item->resource) : item->resource->address;
    const char *sign = item->create_first ? "+/-" : sw_action_sign(item->action);
    if (view->fenced) {
        static const char marks[] = {[SW_NOOP] = ' ',   [SW_CREATE] = '+', [SW_UPDATE] = '!', [SW_REPLACE] = '!',
                                     [SW_DELETE] = '-', [SW_FORGET] = ' ', [SW_READ] = ' '};
        sw_str_addc(view->out, marks[item->action]);
        sw_report__spaces(view->out, indent + 1);
        if (item->action == SW_REPLACE) sw_str_addf(view->out, "%s ", sign);
    } else {
        /* "-/+" stands two columns further left, so that all names begin in one column. */
        size_t width = strlen(sign);
        sw_report__spaces(view->out, indent + 1 > width ? indent + 1 - width : 0);
        sw_report__paint(view->out, &view->style, sw_report__action_tone(item->action), sign);
        sw_str_addc(view->out, ' ');
    }
    sw_report__paint(view->out, &view->style, item->action == SW_NOOP ? SW_TONE_DIM : SW_TONE_BOLD, name);
    add_note(view, item);
    sw_str_addc(view->out, '\n');
    if (item->action != SW_CREATE && item->action != SW_UPDATE && item->action != SW_REPLACE) return;
    view->creating = item->action == SW_CREATE;
    sw_view__diffs(view, indent + 4, item->diffs, item->n_diffs);
    view->creating = false;
}

size_t sw_view__layer(struct sw_view *view, const struct sw_plan *plan, unsigned layer, bool title) {
    size_t n = 0;
    for (size_t i = 0; i < plan->n_items; i++)
        if (sw_resource_layer(plan->items[i].resource) == layer && sw_view__shown(view, &plan->items[i])) n++;
    if (!n) return 0;
    if (title) {
        sw_report__tone(view->out, &view->style, SW_TONE_BOLD);
        sw_str_addf(view->out, "Layer %u: %s", layer, sw_report__layer_title(layer));
        sw_report__tone_end(view->out, &view->style, SW_TONE_BOLD);
        sw_str_addz(view->out, "\n\n");
    }
    if (layer == 1) return sw_view__nodes(view, plan);
    for (size_t i = 0; i < plan->n_items; i++)
        if (sw_resource_layer(plan->items[i].resource) == layer && sw_view__shown(view, &plan->items[i]))
            sw_view__item(view, 2, &plan->items[i], false);
    return n;
}

void sw_view__warnings(struct sw_view *view, const struct sw_plan *plan) {
    for (size_t i = 0; i < plan->n_warnings; i++) {
        sw_report__paint(view->out, &view->style, SW_TONE_CHANGE, "warning:");
        sw_str_addc(view->out, ' ');
        sw_str_add_printable(view->out, plan->warnings[i], strlen(plan->warnings[i]));
        sw_str_addc(view->out, '\n');
    }
    if (plan->n_warnings) sw_str_addc(view->out, '\n');
}

void sw_view__drift(struct sw_view *view, const struct sw_plan *plan) {
    struct sw_arena *arena = sw_arena_new();
    size_t n = 0;
    for (size_t i = 0; i < plan->n_items; i++) {
        const struct sw_plan_item *item = &plan->items[i];
        if (!item->drifted) continue;
        if (!n++) {
            sw_report__paint(view->out, &view->style, SW_TONE_BOLD, "Changed behind our back");
            sw_str_addz(view->out, "\n\n");
        }
        struct sw_attr_diff *diffs;
        size_t n_diffs = sw_report__drift_diffs(item, arena, &diffs);
        sw_view__begin(view, 2, item->before ? '~' : '-');
        sw_report__paint(view->out, &view->style, SW_TONE_BOLD, item->resource->address);
        if (!item->before) {
            sw_str_addz(view->out, "  ");
            sw_report__paint(view->out, &view->style, SW_TONE_DIM, "# is gone");
        }
        sw_str_addc(view->out, '\n');
        sw_view__diffs(view, 6, diffs, n_diffs);
    }
    if (n) sw_str_addc(view->out, '\n');
    sw_arena_free(arena);
}

void sw_view__moved(struct sw_view *view, const struct sw_plan *plan) {
    for (size_t i = 0; i < plan->n_moved; i++) {
        sw_str_addz(view->out, "  ");
        sw_str_add_printable(view->out, plan->moved[i].from, strlen(plan->moved[i].from));
        sw_str_addz(view->out, " -> ");
        sw_str_add_printable(view->out, plan->moved[i].to, strlen(plan->moved[i].to));
        sw_str_addc(view->out, '\n');
    }
}

static void add_summary(struct sw_str *out, const struct sw_plan *plan, const struct sw_style *style) {
    size_t drifted = 0;
    for (size_t i = 0; i < plan->n_items; i++) drifted += plan->items[i].drifted;
    if (plan->refresh_only && drifted) {
        sw_report__paint(out, style, SW_TONE_BOLD, "Refresh:");
        sw_str_addf(out, " %zu to take over into the state; nothing in the world changes.\n", drifted);
        return;
    }
    if (sw_plan_is_empty(plan)) {
        sw_report__paint(out, style, SW_TONE_BOLD,
                         plan->destroy ? "No changes. There is nothing to destroy." : "No changes. Everything is as it should be.");
        if (plan->count[SW_NOOP]) sw_str_addf(out, " %zu unchanged.", plan->count[SW_NOOP]);
        sw_str_addc(out, '\n');
        return;
    }
    sw_report__paint(out, style, SW_TONE_BOLD, "Plan:");
    sw_str_addc(out, ' ');
    sw_report__counts(out, plan);
    sw_str_addf(out, "; %zu unchanged.\n", plan->count[SW_NOOP]);
}

void sw_report_plan(struct sw_str *out, const struct sw_plan *plan, const struct sw_style *style, bool show_unchanged) {
    struct sw_view view = {.out = out, .style = *style, .show_unchanged = show_unchanged};
    sw_view__warnings(&view, plan);
    sw_view__drift(&view, plan);
    if (plan->n_moved) {
        sw_report__paint(out, style, SW_TONE_BOLD, "Renamed in the state");
        sw_str_addz(out, "\n\n");
        sw_view__moved(&view, plan);
        sw_str_addc(out, '\n');
    }
    for (unsigned layer = 0; layer < SW_REPORT_LAYERS; layer++)
        if (sw_view__layer(&view, plan, layer, true)) sw_str_addc(out, '\n');
    add_summary(out, plan, style);
    if (plan->cost) {
        sw_str_addc(out, '\n');
        sw_report__paint(out, style, SW_TONE_BOLD, "Cost per month, estimated");
        sw_str_addf(out, " (%s)\n\n", plan->cost->currency);
        sw_view__cost(&view, plan);
    }
    if (plan->n_findings) {
        sw_str_addc(out, '\n');
        sw_report__paint(out, style, SW_TONE_BOLD, "Policies");
        sw_str_addz(out, "\n\n");
        sw_view__findings(&view, plan);
    }
}
