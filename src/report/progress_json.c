/* One JSON object a line, for programs. The members are documented in docs/commands.md: adding some is fine, changing their meaning is not.
 */
#include "json.h"
#include "progress.h"

#include "slipway/clock.h"

static const char *type_name(enum sw_event_type type) {
    switch (type) {
    case SW_EV_PHASE: return "phase";
    case SW_EV_HOST_CONNECTED: return "host_connected";
    case SW_EV_HOST_RETRY: return "host_retry";
    case SW_EV_HOST_READ: return "host_read";
    case SW_EV_PLAN: return "plan";
    case SW_EV_START: return "start";
    case SW_EV_OUTPUT: return "output";
    case SW_EV_DONE: return "done";
    case SW_EV_FAILED: return "failed";
    case SW_EV_SKIPPED: return "skipped";
    case SW_EV_NOTICE: return "notice";
    case SW_EV_SUMMARY: return "summary";
    }
    return "unknown";
}

static void open_line(struct sw_str *line, const char *type) {
    char time[32];
    sw_str_addc(line, '{');
    sw_report__json_str(line, "type", type);
    sw_report__json_str(line, "timestamp", sw_format_time(sw_wall_ms(), time));
}

static void close_line(struct sw_progress *progress, struct sw_str *line) {
    sw_str_addz(line, "}\n");
    sw_progress__write(progress->fd, sw_str_z(line), line->len);
    sw_str_clear(line);
}

static void add_item(struct sw_str *line, const struct sw_plan_item *item) {
    sw_report__json_str(line, "address", item->resource->address);
    sw_report__json_str(line, "action", sw_action_name(item->action));
    if (item->resource->host) sw_report__json_str(line, "host", item->resource->host);
}

/* The plan as a stream: what is planned, what drifted, and then the counts. */
static void emit_plan(struct sw_progress *progress, const struct sw_plan *plan) {
    struct sw_str line = {0};
    for (size_t i = 0; i < plan->n_items; i++) {
        const struct sw_plan_item *item = &plan->items[i];
        if (item->drifted) {
            open_line(&line, "drift");
            add_item(&line, item);
            close_line(progress, &line);
        }
        if (item->action == SW_NOOP && !item->at_apply) continue;
        open_line(&line, "planned_change");
        add_item(&line, item);
        if (item->reason) sw_report__json_str(&line, "reason", item->reason);
        if (item->at_apply) sw_report__json_bool(&line, "at_apply", true);
        close_line(progress, &line);
    }
    open_line(&line, "plan");
    for (unsigned action = SW_NOOP; action < SW_N_ACTIONS; action++) {
        const char *name = action == SW_NOOP ? "unchanged" : sw_action_name((enum sw_action)action);
        sw_report__json_int(&line, name, (int64_t)plan->count[action]);
    }
    for (size_t i = 0; i < plan->n_warnings; i++) {
        close_line(progress, &line);
        open_line(&line, "warning");
        sw_report__json_str(&line, "message", plan->warnings[i]);
    }
    close_line(progress, &line);
    sw_str_done(&line);
}

static void json_emit(struct sw_progress *progress, const struct sw_event *event) {
    if (event->type == SW_EV_PLAN) {
        if (event->plan) emit_plan(progress, event->plan);
        return;
    }
    struct sw_str line = {0};
    open_line(&line, type_name(event->type));
    if (event->item) add_item(&line, event->item);
    if (event->host && !(event->item && event->item->resource->host)) sw_report__json_str(&line, "host", event->host);
    if (event->type == SW_EV_PHASE && event->text)
        sw_report__json_str(&line, "phase", event->text);
    else if (event->text)
        sw_report__json_str(&line, "message", event->text);
    if (event->type == SW_EV_HOST_RETRY) sw_report__json_int(&line, "attempt", (int64_t)event->n);
    if (event->type == SW_EV_HOST_READ) sw_report__json_int(&line, "resources", (int64_t)event->n);
    if (event->type == SW_EV_HOST_READ || event->type == SW_EV_DONE || event->type == SW_EV_FAILED || event->type == SW_EV_SUMMARY)
        sw_report__json_int(&line, "elapsed_ms", (int64_t)event->elapsed_ms);
    if (event->type == SW_EV_SUMMARY) sw_report__json_int(&line, "critical_ms", (int64_t)event->critical_ms);
    if (event->error) {
        sw_report__json_key(&line, "error");
        sw_str_addc(&line, '{');
        sw_report__error_members(&line, event->error);
        sw_str_addc(&line, '}');
    }
    bool counts = event->type == SW_EV_DONE || event->type == SW_EV_FAILED || event->type == SW_EV_SKIPPED || event->type == SW_EV_SUMMARY;
    if (counts) {
        sw_report__json_int(&line, "done", (int64_t)event->done);
        sw_report__json_int(&line, "failed", (int64_t)event->failed);
        sw_report__json_int(&line, "skipped", (int64_t)event->skipped);
        if (event->total) sw_report__json_int(&line, "total", (int64_t)event->total);
    }
    close_line(progress, &line);
    sw_str_done(&line);
}

static void say_still(struct sw_progress *progress, const struct sw_running *running, uint64_t elapsed_ms) {
    struct sw_str line = {0};
    open_line(&line, "still");
    sw_report__json_str(&line, "address", running->address);
    sw_report__json_str(&line, "action", sw_action_name(running->action));
    if (running->host) sw_report__json_str(&line, "host", running->host);
    sw_report__json_int(&line, "elapsed_ms", (int64_t)elapsed_ms);
    close_line(progress, &line);
    sw_str_done(&line);
}

static void json_tick(struct sw_progress *progress) {
    sw_progress__beat(progress, say_still);
}

void sw_progress__json_init(struct sw_progress *progress) {
    progress->emit = json_emit;
    progress->tick = json_tick;
}
