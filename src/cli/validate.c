/* `slipway validate`: inventory, playbook and policies are sound. No host and no API is asked. */
#include <string.h>

#include "policy.h"

static void add_warnings(struct sw_cli *cli, const struct sw_config *config) {
    for (size_t i = 0; i < config->n_warnings; i++) sw_cli_note(cli, "warning: %s", config->warnings[i]);
}

int sw_cmd_validate(struct sw_cli *cli) {
    struct sw_context context;
    struct sw_err err = {0};
    int code = SW_EXIT_OK;
    /* Policies that do not even run over an empty plan are found here. */
    if (sw_context_open(&context, cli, SW_NEED_CONFIG, &err) || sw_policy_ask(&context, &(struct sw_plan){0}, &err)) {
        code = sw_cli_fail(cli, &err);
    } else {
        const struct sw_config *config = context.config;
        add_warnings(cli, config);
        if (cli->options.json)
            sw_cli_printf(cli, "{\"type\":\"validate\",\"valid\":true,\"hosts\":%zu,\"resources\":%zu,\"outputs\":%zu,\"warnings\":%zu}\n",
                          config->n_hosts, config->n_resources, config->n_outputs, config->n_warnings);
        else
            sw_cli_printf(cli, "%s is valid: %zu host%s, %zu resource%s, %zu output%s.\n", context.inventory->name, config->n_hosts,
                          config->n_hosts == 1 ? "" : "s", config->n_resources, config->n_resources == 1 ? "" : "s", config->n_outputs,
                          config->n_outputs == 1 ? "" : "s");
    }
    sw_context_close(&context);
    return code;
}
