/* Views of a plan, a run, a graph. Pure: from values to text, except the live terminal, which owns its file descriptor. */
#ifndef SLIPWAY_REPORT_H
#define SLIPWAY_REPORT_H

#include "slipway/event.h"

struct sw_style {
    bool color;
    bool unicode;
    unsigned columns;
}; /* columns 0 = 100 */

/* The plan for people: grouped by layer and host, + ~ - -/+, attribute and text diffs, summary line at the end. */
void sw_report_plan(struct sw_str *out, const struct sw_plan *plan, const struct sw_style *style, bool show_unchanged);
/* Terraform's plan JSON (format_version 1.2; secrets as null plus *_sensitive). The types' schemas (find_schema may be NULL) say what is a
 * block, and which attributes only an apply will tell. */
void sw_report_plan_json(struct sw_str *out, const struct sw_plan *plan, sw_find_schema_fn *find_schema, void *ctx);
void sw_report_plan_markdown(struct sw_str *out, const struct sw_plan *plan);
/* What the policies say, one event a line, as --json has it. */
void sw_report_findings_json(struct sw_str *out, const struct sw_plan *plan);
/* What the plan costs, as one event, as --json has it. */
void sw_report_cost_json(struct sw_str *out, const struct sw_plan *plan);
/* format: "mermaid", "dot", "json". SW_EINVAL for others. */
int sw_report_graph(struct sw_str *out, const struct sw_plan *plan, const char *format, struct sw_err *err);
void sw_report_error(struct sw_str *out, const struct sw_err *err, const struct sw_style *style);
void sw_report_error_json(struct sw_str *out, const struct sw_err *err);

/* Progress. kind: "tree" (live, needs a terminal), "lines", "json", "quiet". `fd` is where it goes. */
struct sw_progress;
struct sw_progress *sw_progress_new(const char *kind, int fd, const struct sw_style *style);
struct sw_sink sw_progress_sink(struct sw_progress *progress);
/* Redraws the live tree (elapsed times): called by a timer, 10 times a second. */
void sw_progress_tick(struct sw_progress *progress);
void sw_progress_free(struct sw_progress *progress); /* leaves the terminal as it was */

#endif
