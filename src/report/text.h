/* Text for people: tones, clipping to columns, and the names that every view uses for the same thing. Internal to report/. */
#ifndef SLIPWAY_REPORT_TEXT_H
#define SLIPWAY_REPORT_TEXT_H

#include "slipway/report.h"
#include "slipway/str.h"

/* What a piece of text means; the colour follows from it. */
enum sw_tone {
    SW_TONE_NONE,
    SW_TONE_CREATE,
    SW_TONE_CHANGE,
    SW_TONE_REPLACE,
    SW_TONE_DESTROY,
    SW_TONE_DIM,
    SW_TONE_BOLD,
    SW_TONE_ERROR,
    SW_TONE_HINT,
};

void sw_report__tone(struct sw_str *out, const struct sw_style *style, enum sw_tone tone);     /* from here on */
void sw_report__tone_end(struct sw_str *out, const struct sw_style *style, enum sw_tone tone); /* back to normal */
/* One piece in one tone. `text` is made printable. */
void sw_report__paint(struct sw_str *out, const struct sw_style *style, enum sw_tone tone, const char *text);
enum sw_tone sw_report__action_tone(enum sw_action action);

/* Appends at most `columns` columns of UTF-8 `text`; what is cut ends in "…" (or "..." without unicode). Control characters are shown
 * as \xNN and tabs as a blank, so that the result is one line of known width. Returns the columns used. */
size_t sw_report__clip(struct sw_str *out, const char *text, size_t len, size_t columns, bool unicode);

void sw_report__spaces(struct sw_str *out, size_t n);
unsigned sw_report__columns(const struct sw_style *style); /* never 0 */

const char *sw_report__layer_title(unsigned layer); /* of sw_resource_layer() */
#define SW_REPORT_LAYERS 3

const char *sw_report__verdict(enum sw_verdict verdict); /* "deny" */
/* "created", "creating": what has been or is being done. */
const char *sw_report__past(enum sw_action action);
const char *sw_report__present(enum sw_action action);
/* The name of an item under its host's heading: "file:/etc/x"; elsewhere its address. Borrowed from the resource. */
const char *sw_report__local_name(const struct sw_resource *resource);
/* "12 to create, 3 to change, 1 to replace, 2 to destroy[, 1 to forget]" */
void sw_report__counts(struct sw_str *out, const struct sw_plan *plan);

#endif
