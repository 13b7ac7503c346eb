/* `slipway drift`: what the world has that the state does not say. A refresh-only plan knows exactly that. */
#include "run.h"

int sw_cmd_drift(struct sw_cli *cli) {
    struct sw_context context;
    struct sw_err err = {0};
    struct sw_plan *plan = NULL;
    int code;
    struct sw_plan_options options = sw_run_options(cli);
    options.refresh_only = true;
    if (sw_context_open(&context, cli, SW_NEED_CONFIG | SW_NEED_STATE, &err) || sw_run_plan(&context, &options, &plan, &err)) {
        code = sw_cli_fail(cli, &err);
    } else {
        size_t drifted = 0, compared = 0;
        struct sw_str unfinished = {0};
        for (size_t i = 0; i < plan->n_items; i++) {
            const struct sw_plan_item *item = &plan->items[i];
            bool ours = !item->drifted && item->reason && item->action == SW_NOOP;
            drifted += item->drifted;
            compared += item->prior && !ours;
            if (ours) sw_str_addf(&unfinished, "%s: %s\n", item->resource->address, item->reason);
        }
        if (!cli->options.json) {
            struct sw_str text = {0};
            if (drifted)
                sw_report_plan(&text, plan, &cli->out, false);
            else
                sw_str_addf(&text, "No drift: %zu resource%s as recorded.\n", compared, compared == 1 ? " is" : "s are");
            if (unfinished.len) {
                sw_str_add_printable(&text, sw_str_z(&unfinished), unfinished.len);
                sw_str_addz(&text, "The next apply goes on from there.\n");
            }
            sw_cli_print(cli, &text);
            sw_str_done(&text);
        }
        sw_str_done(&unfinished);
        code = drifted ? SW_EXIT_CHANGES : SW_EXIT_OK;
    }
    sw_context_close(&context);
    return code;
}
