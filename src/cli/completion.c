#include "cli.h"

int sw_cmd_completion(struct sw_cli *cli) {
    struct sw_str text = {0};
    struct sw_err err = {0};
    int code = SW_EXIT_OK;
    if (sw_complete_script(&text, cli->options.args[0], &err))
        code = sw_cli_fail(cli, &err);
    else
        sw_cli_print(cli, &text);
    sw_str_done(&text);
    return code;
}
