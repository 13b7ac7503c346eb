/* Errors, for people and for programs: the one place that says how a failure looks. */
#include <string.h>

#include "json.h"
#include "text.h"

/* Several lines, each behind a bar, so that the remote's words cannot be taken for ours. */
static void add_detail(struct sw_str *out, const char *text, const struct sw_style *style) {
    size_t len = strlen(text);
    while (len && (text[len - 1] == '\n' || text[len - 1] == '\r')) len--;
    for (const char *end = text + len; text < end;) {
        const char *nl = memchr(text, '\n', (size_t)(end - text));
        size_t n = nl ? (size_t)(nl - text) : (size_t)(end - text);
        size_t shown = n && text[n - 1] == '\r' ? n - 1 : n;
        sw_report__paint(out, style, SW_TONE_DIM, style->unicode ? "    │ " : "    | ");
        sw_str_add_printable(out, text, shown);
        sw_str_addc(out, '\n');
        text += n + (nl ? 1 : 0);
    }
}

/* The first line stands beside `label`, others are indented below it. */
static void add_lines(struct sw_str *out, const char *text, size_t indent) {
    for (;;) {
        const char *nl = strchr(text, '\n');
        sw_str_add_printable(out, text, nl ? (size_t)(nl - text) : strlen(text));
        sw_str_addc(out, '\n');
        if (!nl || !nl[1]) return;
        sw_report__spaces(out, indent);
        text = nl + 1;
    }
}

void sw_report_error(struct sw_str *out, const struct sw_err *err, const struct sw_style *style) {
    sw_report__paint(out, style, SW_TONE_ERROR, "error:");
    sw_str_addc(out, ' ');
    add_lines(out, err->message ? err->message : sw_code_name(err->code), 7);
    if (err->file) {
        sw_str_addz(out, "  at ");
        sw_report__tone(out, style, SW_TONE_BOLD);
        sw_str_add_printable(out, err->file, strlen(err->file));
        if (err->line) sw_str_addf(out, ":%u", err->line);
        if (err->line && err->column) sw_str_addf(out, ":%u", err->column);
        sw_report__tone_end(out, style, SW_TONE_BOLD);
        sw_str_addc(out, '\n');
    }
    for (size_t i = 0; i < err->n_frames; i++) {
        sw_str_addz(out, "  while ");
        add_lines(out, err->frames[i], 8);
    }
    if (err->detail && *err->detail) add_detail(out, err->detail, style);
    if (err->hint) {
        sw_str_addz(out, "  ");
        sw_report__paint(out, style, SW_TONE_HINT, "try:");
        sw_str_addc(out, ' ');
        add_lines(out, err->hint, 7);
    }
}

void sw_report__error_members(struct sw_str *out, const struct sw_err *err) {
    sw_report__json_str(out, "code", sw_code_name(err->code));
    sw_report__json_str(out, "message", err->message ? err->message : sw_code_name(err->code));
    if (err->file) {
        sw_report__json_str(out, "file", err->file);
        if (err->line) sw_report__json_int(out, "line", err->line);
        if (err->column) sw_report__json_int(out, "column", err->column);
    }
    if (err->n_frames) {
        sw_report__json_key(out, "frames");
        sw_str_addc(out, '[');
        for (size_t i = 0; i < err->n_frames; i++) {
            if (i) sw_str_addc(out, ',');
            sw_report__json_text(out, err->frames[i], strlen(err->frames[i]));
        }
        sw_str_addc(out, ']');
    }
    if (err->detail) sw_report__json_str(out, "detail", err->detail);
    if (err->hint) sw_report__json_str(out, "hint", err->hint);
}

void sw_report_error_json(struct sw_str *out, const struct sw_err *err) {
    sw_str_addz(out, "{\"type\":\"error\"");
    sw_report__error_members(out, err);
    sw_str_addc(out, '}');
}
