/* `slipway bootstrap`: from an inventory to a cluster one can log in to, in one go. */
#include "slipway/file.h"
#include "status.h"

static int write_kubeconfig(struct sw_context *context, struct sw_err *err) {
    const struct sw_value *outputs = NULL;
    struct sw_cli *cli = context->cli;
    int rc = sw_state_outputs(context->state, cli->arena, &outputs, err);
    const struct sw_value *kubeconfig = sw_get(outputs, "kubeconfig");
    if (rc || !sw_is(kubeconfig, SW_STR)) return rc;
    const char *path = sw_printf(cli->arena, "%s/kubeconfig", context->state_dir);
    if (sw_file_write(path, kubeconfig->s.p, kubeconfig->s.len, 0600, err)) return sw_err_frame(err, "writing the kubeconfig");
    sw_cli_note(cli, "\nexport KUBECONFIG=%s\n", path);
    return SW_OK;
}

static int bootstrap(struct sw_context *context) {
    struct sw_cli *cli = context->cli;
    struct sw_err err = {0};
    struct sw_plan *plan = NULL;
    struct sw_plan_options options = {0};
    bool applied = false;
    sw_cli_note(cli, "%s is valid: %zu hosts, %zu resources", context->inventory->name, context->config->n_hosts,
                context->config->n_resources);
    if (sw_run_plan(context, &options, &plan, &err)) return sw_cli_fail(cli, &err);
    sw_cli_note(cli, "%zu of %zu hosts reached%s\n", context->reached.n, context->config->n_hosts,
                context->reached.n < context->config->n_hosts ? ", the others are yet to be made" : "");
    int code = sw_run_rest(context, plan, &applied);
    if (!applied) return code;
    if (write_kubeconfig(context, &err)) return sw_cli_fail(cli, &err);
    return sw_status_run(context);
}

int sw_cmd_bootstrap(struct sw_cli *cli) {
    struct sw_context context;
    struct sw_err err = {0};
    int code = sw_context_open(&context, cli, SW_NEED_CONFIG | SW_NEED_LOCK, &err) ? sw_cli_fail(cli, &err) : bootstrap(&context);
    sw_context_close(&context);
    return code;
}
