/* `slipway destroy`: a plan in which everything leaves. */
#include "run.h"

int sw_cmd_destroy(struct sw_cli *cli) {
    struct sw_context context;
    struct sw_err err = {0};
    int code;
    if (sw_context_open(&context, cli, SW_NEED_CONFIG | SW_NEED_LOCK, &err)) {
        code = sw_cli_fail(cli, &err);
    } else {
        struct sw_plan_options options = sw_run_options(cli);
        options.destroy = true;
        code = sw_run_all(&context, &options, NULL);
    }
    sw_context_close(&context);
    return code;
}
