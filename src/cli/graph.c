/* `slipway graph [PLANFILE]`: a plan as a picture. */
#include "run.h"

int sw_cmd_graph(struct sw_cli *cli) {
    struct sw_context context;
    struct sw_err err = {0};
    struct sw_plan *plan = NULL;
    struct sw_str text = {0};
    const char *format = cli->options.format ? cli->options.format : "mermaid";
    int code, rc;
    if (cli->options.json) format = "json";
    /* The stream of events would mix with the picture: with --json the picture is the JSON. */
    cli->options.json = false;
    const char *path = cli->options.n_args ? cli->options.args[0] : NULL;
    rc = sw_context_open(&context, cli, (path ? SW_NEED_INVENTORY | SW_NEED_SCRIPT : SW_NEED_CONFIG) | SW_NEED_STATE, &err);
    struct sw_plan_options options = sw_run_options(cli);
    if (!rc) rc = path ? sw_run_load(&context, path, &plan, &err) : sw_run_plan(&context, &options, &plan, &err);
    if (!rc) rc = sw_report_graph(&text, plan, format, &err);
    code = rc ? sw_cli_fail(cli, &err) : sw_cli_deliver(cli, &text, 0644);
    sw_str_done(&text);
    sw_context_close(&context);
    return code;
}
