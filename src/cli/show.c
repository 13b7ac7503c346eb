/* `slipway show PLANFILE`: a saved plan, for people or for programs. */
#include "policy.h"
#include "run.h"

int sw_cmd_show(struct sw_cli *cli) {
    struct sw_context context;
    struct sw_err err = {0};
    struct sw_plan *plan = NULL;
    struct sw_str text = {0};
    int code;
    if (sw_context_open(&context, cli, SW_NEED_INVENTORY | SW_NEED_SCRIPT | SW_NEED_STATE, &err) ||
        sw_run_load(&context, cli->options.args[0], &plan, &err) || sw_policy_ask(&context, plan, &err)) {
        /* --json here asks for a document, not for events: an error is only on stderr, or the reader would take it for a plan. */
        cli->options.json = false;
        code = sw_cli_fail(cli, &err);
    } else {
        if (cli->options.json) {
            sw_report_plan_json(&text, plan, sw_run_find_schema, (void *)sw_script_types(context.script));
            sw_str_addc(&text, '\n');
        } else if (cli->options.markdown) {
            sw_report_plan_markdown(&text, plan);
        } else {
            sw_report_plan(&text, plan, &cli->out, cli->options.unchanged);
        }
        code = sw_cli_deliver(cli, &text, 0644);
    }
    sw_str_done(&text);
    sw_context_close(&context);
    return code;
}
