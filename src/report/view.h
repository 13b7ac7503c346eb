/* A plan drawn line by line, for a terminal or for a fenced diff in Markdown: the two differ only in where the sign stands.
 * Internal to report/. */
#ifndef SLIPWAY_REPORT_VIEW_H
#define SLIPWAY_REPORT_VIEW_H

#include "text.h"

struct sw_view {
    struct sw_str *out;
    struct sw_style style;
    bool fenced;       /* a ```diff fence: signs in column 0 as + - !, no colours */
    bool creating;     /* below a + item: every line is new, so its sign would say nothing */
    bool all_at_apply; /* the heading says so already */
    bool show_unchanged;
};

/* Starts a line: `sign` is 0 + - ~ or ! (replace). Text begins in column indent + 2. */
void sw_view__begin(struct sw_view *view, size_t indent, char sign);
/* What is below an item's first line: its attributes. */
void sw_view__diffs(struct sw_view *view, size_t indent, const struct sw_attr_diff *diffs, size_t n);
/* An item whole: first line and attributes. `local` under a host's heading. */
void sw_view__item(struct sw_view *view, size_t indent, const struct sw_plan_item *item, bool local);
/* The parts of a plan. */
void sw_view__warnings(struct sw_view *view, const struct sw_plan *plan);
void sw_view__drift(struct sw_view *view, const struct sw_plan *plan);
void sw_view__findings(struct sw_view *view, const struct sw_plan *plan); /* without a heading */
void sw_view__cost(struct sw_view *view, const struct sw_plan *plan);     /* without a heading */
void sw_view__moved(struct sw_view *view, const struct sw_plan *plan);    /* renames, without a heading */
/* All items of a layer that are worth showing; returns how many changes that were. With `title`, a heading first. */
size_t sw_view__layer(struct sw_view *view, const struct sw_plan *plan, unsigned layer, bool title);
/* plan_fold.c: layer 1. */
size_t sw_view__nodes(struct sw_view *view, const struct sw_plan *plan);
bool sw_view__shown(const struct sw_view *view, const struct sw_plan_item *item);

/* What `item->before` has that differs from `item->prior`. Allocated in `arena`. */
size_t sw_report__drift_diffs(const struct sw_plan_item *item, struct sw_arena *arena, struct sw_attr_diff **ret);

#endif
