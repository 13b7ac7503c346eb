/* `slipway version`: must stay cheap, for it is what scripts ask first. No loop, no Lua, no curl. */
#include "cli.h"

int sw_cmd_version(struct sw_cli *cli) {
    if (cli->options.json)
        sw_cli_printf(cli, "{\"type\":\"version\",\"version\":\"%s\"}\n", SLIPWAY_VERSION);
    else
        sw_cli_printf(cli, "slipway %s\n", SLIPWAY_VERSION);
    return SW_EXIT_OK;
}
