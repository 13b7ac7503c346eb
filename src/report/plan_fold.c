/* Layer 1 of a plan: what is the same on several hosts is drawn once, under their names. */
#include <stdlib.h>
#include <string.h>

#include "slipway/map.h"
#include "slipway/vec.h"
#include "view.h"

/* Identical items of several hosts are drawn once: a cell is one such item and the hosts that have it. */
struct cell {
    const struct sw_plan_item *item; /* the first of them */
    struct {
        const char **v;
        size_t n, cap;
    } hosts;
    char *key; /* equal for items that are equal */
    bool drawn;
    struct cell *next;
};

static void add_hash(struct sw_str *key, const struct sw_value *v) {
    char hex[65];
    if (!v) {
        sw_str_addz(key, "|-");
        return;
    }
    sw_value_hash(v, hex);
    sw_str_addf(key, "|%s%s", v->secret ? "s" : "", hex);
}

/* Everything that is drawn, with values by hash: two items with one key look the same and mean the same. */
static char *item_key(const struct sw_plan_item *item) {
    struct sw_str key = {0};
    const char *reason = item->reason ? item->reason : "", *host = item->resource->host;
    size_t len = strlen(host);
    if (strncmp(reason, host, len) == 0 && reason[len] == '/') reason += len + 1;
    const char *name = sw_report__local_name(item->resource);
    /* Lengths before texts: no name can pretend to be a name and a reason. */
    sw_str_addf(&key, "%d%d%d|%zu:%s|%zu:%s", (int)item->action, item->at_apply, item->triggered, strlen(name), name, strlen(reason),
                reason);
    for (size_t i = 0; i < item->n_diffs; i++) {
        sw_str_addf(&key, "|%zu:%s%d", strlen(item->diffs[i].name), item->diffs[i].name, item->diffs[i].forces_replace);
        add_hash(&key, item->diffs[i].before);
        add_hash(&key, item->diffs[i].after);
    }
    return sw_str_take(&key);
}

static bool same_hosts(const struct cell *a, const struct cell *b) {
    if (a->hosts.n != b->hosts.n) return false;
    for (size_t i = 0; i < a->hosts.n; i++)
        if (strcmp(a->hosts.v[i], b->hosts.v[i]) != 0) return false;
    return true;
}

/* Nothing on a machine that is yet to be made can be read: said once for the host instead of on every line. */
static bool all_at_apply(const struct cell *first) {
    for (const struct cell *cell = first; cell; cell = cell->next)
        if (same_hosts(first, cell) && (!cell->item->at_apply || cell->item->action != SW_CREATE)) return false;
    return true;
}

static void add_hosts_heading(struct sw_view *view, const struct cell *cell) {
    size_t columns = sw_report__columns(&view->style), used = 2;
    sw_report__spaces(view->out, 2);
    for (size_t i = 0; i < cell->hosts.n; i++) {
        size_t width = sw_columns(cell->hosts.v[i], strlen(cell->hosts.v[i])) + 2;
        if (i && used + width > columns) {
            sw_str_addz(view->out, "\n  ");
            used = 2;
        }
        sw_report__paint(view->out, &view->style, SW_TONE_BOLD, cell->hosts.v[i]);
        if (i + 1 < cell->hosts.n) sw_str_addz(view->out, ", ");
        used += width;
    }
    bool several = cell->hosts.n > 1;
    if (several || view->all_at_apply) {
        sw_str_addc(view->out, ' ');
        const char *note = !view->all_at_apply ? "(same on all)" : several ? "(same on all, checked at apply)" : "(checked at apply)";
        sw_report__paint(view->out, &view->style, SW_TONE_DIM, note);
    }
    sw_str_addc(view->out, '\n');
}

/* Hosts are gathered in plan order, which may interleave them; `by host` wants each host's items together. */
static struct cell *gather(const struct sw_view *view, const struct sw_plan *plan) {
    struct cell *first = NULL, **end = &first;
    struct sw_map by_key = {0};
    for (size_t i = 0; i < plan->n_items; i++) {
        const struct sw_plan_item *item = &plan->items[i];
        if (sw_resource_layer(item->resource) != 1 || !sw_view__shown(view, item)) continue;
        char *key = item_key(item);
        struct cell *cell = sw_map_find(&by_key, key);
        if (cell) {
            free(key);
        } else {
            cell = sw_xcalloc(1, sizeof *cell);
            cell->item = item;
            cell->key = key;
            sw_map_set(&by_key, key, cell);
            *end = cell;
            end = &cell->next;
        }
        sw_vec_push(&cell->hosts, item->resource->host);
    }
    sw_map_done(&by_key);
    return first;
}

static int compare_names(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Cells of one set of hosts stand together, under those hosts' names. Sets come in the order of their first item. */
size_t sw_view__nodes(struct sw_view *view, const struct sw_plan *plan) {
    struct cell *first = gather(view, plan), *next;
    size_t n = 0, sets = 0;
    for (struct cell *cell = first; cell; cell = cell->next) qsort(cell->hosts.v, cell->hosts.n, sizeof(const char *), compare_names);
    for (struct cell *head = first; head; head = head->next) {
        if (head->drawn) continue;
        if (sets++) sw_str_addc(view->out, '\n');
        if (view->fenced) sw_str_addc(view->out, ' ');
        view->all_at_apply = all_at_apply(head);
        add_hosts_heading(view, head);
        for (struct cell *cell = head; cell; cell = cell->next) {
            if (cell->drawn || !same_hosts(head, cell)) continue;
            cell->drawn = true;
            sw_view__item(view, 4, cell->item, true);
            n += cell->hosts.n;
        }
    }
    view->all_at_apply = false;
    for (struct cell *cell = first; cell; cell = next) {
        next = cell->next;
        sw_vec_done(&cell->hosts);
        free(cell->key);
        free(cell);
    }
    return n;
}
