/* What a plan costs by the month. */
#include "slipway/cost.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "json.h"
#include "slipway/clock.h"
#include "view.h"

#define COLUMN 14 /* of an amount: 999,999,999.99 would be one */

static void add_amount(struct sw_str *out, double amount, bool sign) {
    char text[40];
    if (fabs(amount) < 0.005) amount = 0;
    int n = snprintf(text, sizeof text, sign && amount > 0 ? "+%.2f" : "%.2f", amount);
    sw_report__spaces(out, n < COLUMN ? COLUMN - (size_t)n : 0);
    sw_str_addz(out, text);
}

static void add_amounts(struct sw_str *out, double before, double after) {
    add_amount(out, before, false);
    sw_str_addz(out, " ->");
    add_amount(out, after, false);
    add_amount(out, after - before, true);
    sw_str_addc(out, '\n');
}

static void add_gaps(struct sw_view *view, const struct sw_cost *cost) {
    for (size_t i = 0; i < cost->n_gaps; i++) {
        struct sw_str line = {0};
        sw_str_addf(&line, "not priced: %s (%zu): %s", cost->gaps[i].type, cost->gaps[i].n, cost->gaps[i].why);
        sw_report__spaces(view->out, 2);
        sw_report__paint(view->out, &view->style, SW_TONE_DIM, sw_str_z(&line));
        sw_str_addc(view->out, '\n');
        sw_str_done(&line);
    }
}

void sw_view__cost(struct sw_view *view, const struct sw_plan *plan) {
    const struct sw_cost *cost = plan->cost;
    size_t width = strlen("Total");
    for (size_t i = 0; i < cost->n_changes; i++) {
        const char *address = cost->changes[i].item->resource->address;
        size_t columns = sw_columns(address, strlen(address));
        if (columns > width) width = columns;
    }
    if (width > 60) width = 60;
    for (size_t i = 0; i < cost->n_changes; i++) {
        const struct sw_cost_change *change = &cost->changes[i];
        const char *address = change->item->resource->address;
        sw_report__spaces(view->out, 2);
        size_t columns = sw_report__clip(view->out, address, strlen(address), width, view->style.unicode);
        sw_report__spaces(view->out, width - columns);
        add_amounts(view->out, change->before, change->after);
    }
    sw_report__spaces(view->out, 2);
    sw_report__paint(view->out, &view->style, SW_TONE_BOLD, "Total");
    sw_report__spaces(view->out, width - strlen("Total"));
    add_amounts(view->out, cost->before, cost->after);
    add_gaps(view, cost);
}

/* Two digits behind the point: cents are what an estimate is good for. */
static void add_number(struct sw_str *out, const char *key, double amount) {
    sw_report__json_key(out, key);
    sw_str_addf(out, "%.2f", fabs(amount) < 0.005 ? 0.0 : amount);
}

void sw_report__cost_members(struct sw_str *out, const struct sw_cost *cost) {
    sw_report__json_str(out, "currency", cost->currency);
    sw_report__json_str(out, "per", "month");
    add_number(out, "before", cost->before);
    add_number(out, "after", cost->after);
    add_number(out, "difference", cost->after - cost->before);
    sw_report__json_key(out, "changes");
    sw_str_addc(out, '[');
    for (size_t i = 0; i < cost->n_changes; i++) {
        const struct sw_cost_change *change = &cost->changes[i];
        sw_str_addz(out, i ? ",{" : "{");
        sw_report__json_str(out, "address", change->item->resource->address);
        sw_report__json_str(out, "action", sw_action_name(change->item->action));
        add_number(out, "before", change->before);
        add_number(out, "after", change->after);
        sw_str_addc(out, '}');
    }
    sw_str_addc(out, ']');
    sw_report__json_key(out, "not_priced");
    sw_str_addc(out, '[');
    for (size_t i = 0; i < cost->n_gaps; i++) {
        sw_str_addz(out, i ? ",{" : "{");
        sw_report__json_str(out, "type", cost->gaps[i].type);
        sw_report__json_int(out, "resources", (int64_t)cost->gaps[i].n);
        sw_report__json_str(out, "why", cost->gaps[i].why);
        sw_str_addc(out, '}');
    }
    sw_str_addc(out, ']');
}

void sw_report_cost_json(struct sw_str *out, const struct sw_plan *plan) {
    char time[32];
    if (!plan->cost) return;
    sw_str_addc(out, '{');
    sw_report__json_str(out, "type", "cost");
    sw_report__json_str(out, "timestamp", sw_format_time(sw_wall_ms(), time));
    sw_report__cost_members(out, plan->cost);
    sw_str_addz(out, "}\n");
}
