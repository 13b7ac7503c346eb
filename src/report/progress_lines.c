/* One line an event, for logs and pipes. What runs long says so. */
#include "progress.h"

#include <string.h>

#include "slipway/clock.h"

static void add_elapsed(struct sw_str *out, const struct sw_style *style, uint64_t ms) {
    char text[32];
    sw_report__tone(out, style, SW_TONE_DIM);
    sw_str_addf(out, " (%s)", sw_format_duration(ms, text));
    sw_report__tone_end(out, style, SW_TONE_DIM);
}

static void add_item(struct sw_str *out, const struct sw_style *style, const struct sw_event *event, enum sw_tone tone, const char *word) {
    sw_str_add_printable(out, event->item->resource->address, strlen(event->item->resource->address));
    sw_str_addc(out, ' ');
    sw_report__paint(out, style, tone, word);
}

bool sw_progress__line(struct sw_str *out, const struct sw_progress *progress, const struct sw_event *event) {
    const struct sw_style *style = &progress->style;
    switch (event->type) {
    case SW_EV_HOST_RETRY:
        sw_str_addf(out, "%s not reachable yet", event->host ? event->host : "?");
        if (event->n) sw_str_addf(out, " (attempt %zu)", event->n);
        if (event->text) {
            sw_str_addz(out, ": ");
            sw_str_add_printable(out, event->text, strlen(event->text));
        }
        return true;
    case SW_EV_HOST_READ:
        sw_str_addf(out, "%s read, %zu resource%s", event->host ? event->host : "?", event->n, event->n == 1 ? "" : "s");
        add_elapsed(out, style, event->elapsed_ms);
        return true;
    case SW_EV_DONE:
        if (!event->item) return false;
        if (event->text) /* "already so": nothing was changed, whatever the plan expected */
            add_item(out, style, event, SW_TONE_DIM, event->text);
        else
            add_item(out, style, event, sw_report__action_tone(event->item->action), sw_report__past(event->item->action));
        add_elapsed(out, style, event->elapsed_ms);
        return true;
    case SW_EV_FAILED:
        if (!event->item) return false;
        add_item(out, style, event, SW_TONE_ERROR, "failed");
        add_elapsed(out, style, event->elapsed_ms);
        if (event->error && event->error->message) {
            sw_str_addz(out, ": ");
            sw_str_add_printable(out, event->error->message, strcspn(event->error->message, "\n"));
        }
        return true;
    case SW_EV_SKIPPED:
        if (!event->item) return false;
        add_item(out, style, event, SW_TONE_DIM, "skipped");
        if (event->text) {
            sw_str_addz(out, ": ");
            sw_str_add_printable(out, event->text, strlen(event->text));
        }
        return true;
    case SW_EV_NOTICE:
        if (!event->text) return false;
        sw_report__paint(out, style, SW_TONE_HINT, event->text);
        return true;
    default: return false;
    }
}

static void lines_emit(struct sw_progress *progress, const struct sw_event *event) {
    struct sw_str line = {0};
    if (sw_progress__line(&line, progress, event)) {
        sw_str_addc(&line, '\n');
        sw_progress__write(progress->fd, sw_str_z(&line), line.len);
    }
    sw_str_done(&line);
}

static void say_still(struct sw_progress *progress, const struct sw_running *running, uint64_t elapsed_ms) {
    struct sw_str line = {0};
    char elapsed[32];
    sw_str_addf(&line, "still %s ", sw_report__present(running->action));
    sw_str_add_printable(&line, running->address, strlen(running->address));
    sw_str_addf(&line, " (%s)", sw_format_duration(elapsed_ms, elapsed));
    if (running->last && *running->last) {
        sw_str_addz(&line, ": ");
        sw_report__clip(&line, running->last, strlen(running->last), 120, progress->style.unicode);
    }
    sw_str_addc(&line, '\n');
    sw_progress__write(progress->fd, sw_str_z(&line), line.len);
    sw_str_done(&line);
}

static void lines_tick(struct sw_progress *progress) {
    sw_progress__beat(progress, say_still);
}

void sw_progress__lines_init(struct sw_progress *progress) {
    progress->emit = lines_emit;
    progress->tick = lines_tick;
}
