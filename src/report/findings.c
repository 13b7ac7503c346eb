/* What the policies say of a plan. */
#include <string.h>

#include "json.h"
#include "slipway/clock.h"
#include "view.h"

const char *sw_report__verdict(enum sw_verdict verdict) {
    static const char *const words[] = {[SW_VERDICT_WARN] = "warn", [SW_VERDICT_APPROVAL] = "needs approval", [SW_VERDICT_DENY] = "deny"};
    return words[verdict];
}

void sw_view__findings(struct sw_view *view, const struct sw_plan *plan) {
    static const enum sw_tone tones[] = {SW_TONE_CHANGE, SW_TONE_REPLACE, SW_TONE_ERROR};
    for (size_t i = 0; i < plan->n_findings; i++) {
        const struct sw_finding *finding = &plan->findings[i];
        const char *word = sw_report__verdict(finding->verdict);
        sw_report__spaces(view->out, 2);
        sw_report__paint(view->out, &view->style, tones[finding->verdict], word);
        sw_report__spaces(view->out, strlen("needs approval") - strlen(word) + 2);
        if (finding->address) {
            sw_report__paint(view->out, &view->style, SW_TONE_BOLD, finding->address);
            sw_str_addz(view->out, ": ");
        }
        sw_str_add_printable(view->out, finding->message, strlen(finding->message));
        sw_str_addz(view->out, "  ");
        struct sw_str note = {0};
        sw_str_addf(&note, "# policy %s", finding->policy);
        sw_report__paint(view->out, &view->style, SW_TONE_DIM, sw_str_z(&note));
        sw_str_done(&note);
        sw_str_addc(view->out, '\n');
    }
}

void sw_report__finding_members(struct sw_str *out, const struct sw_finding *finding) {
    static const char *const words[] = {[SW_VERDICT_WARN] = "warn", [SW_VERDICT_APPROVAL] = "require_approval", [SW_VERDICT_DENY] = "deny"};
    sw_report__json_str(out, "policy", finding->policy);
    sw_report__json_str(out, "verdict", words[finding->verdict]);
    if (finding->address) sw_report__json_str(out, "address", finding->address);
    sw_report__json_str(out, "message", finding->message);
}

void sw_report_findings_json(struct sw_str *out, const struct sw_plan *plan) {
    char time[32];
    for (size_t i = 0; i < plan->n_findings; i++) {
        sw_str_addc(out, '{');
        sw_report__json_str(out, "type", "policy");
        sw_report__json_str(out, "timestamp", sw_format_time(sw_wall_ms(), time));
        sw_report__finding_members(out, &plan->findings[i]);
        sw_str_addz(out, "}\n");
    }
}
