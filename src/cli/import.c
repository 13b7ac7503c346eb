#include <unistd.h>

#include "context.h"

int sw_cmd_import(struct sw_cli *cli) {
    struct sw_context context;
    struct sw_err err = {0};
    const char *address = cli->options.args[0], *id = cli->options.args[1];
    int rc = sw_context_open(&context, cli, SW_NEED_CONFIG | SW_NEED_LOCK, &err), code = SW_EXIT_OK;
    if (!rc) {
        sw_context_progress(&context, STDERR_FILENO);
        rc = sw_engine_import(&context.engine, context.config, address, id, &err);
        sw_context_progress_end(&context);
    }
    if (rc)
        code = sw_cli_fail(cli, &err);
    else if (!cli->options.json)
        sw_cli_printf(cli, "%s now stands for %s. 'slipway plan' shows what the playbook would change on it.\n", address, id);
    sw_context_close(&context);
    return code;
}
