/* `slipway plan`: shown, and saved with --out. It leaves no trace in the world, and without --out none in the state. */
#include "policy.h"
#include "run.h"

int sw_cmd_plan(struct sw_cli *cli) {
    struct sw_context context;
    struct sw_err err = {0};
    struct sw_plan *plan = NULL;
    const struct sw_options *options = &cli->options;
    /* A saved plan is sealed with the state's key: then the state must exist. Otherwise plan leaves no trace. */
    unsigned needs = SW_NEED_CONFIG | (options->out ? SW_NEED_STATE_RW : SW_NEED_STATE);
    int code = SW_EXIT_OK;
    if (options->destroy && options->refresh_only) {
        sw_err_set(&err, SW_EINVAL, "--destroy and --refresh-only exclude each other");
        return sw_cli_fail(cli, &err);
    }
    if (sw_context_open(&context, cli, needs, &err)) goto fail;
    struct sw_plan_options plan_options = sw_run_options(cli);
    if (sw_run_plan(&context, &plan_options, &plan, &err) || sw_policy_ask(&context, plan, &err)) goto fail;
    sw_run_show(&context, plan);
    if (options->out) {
        if (sw_plan_save(plan, options->out, sw_state_key(context.state), &err)) goto fail;
        sw_cli_note(cli, "\nSaved to %s. To do exactly this: slipway apply%s%s %s", options->out, options->inventory ? " -i " : "",
                    options->inventory ? options->inventory : "", options->out);
    }
    if (options->detailed_exitcode &&
        (!sw_plan_is_empty(plan) || plan->n_moved || (plan->refresh_only && sw_run_has_bookkeeping(&context, plan))))
        code = SW_EXIT_CHANGES;
    /* Saved all the same, so that it can be looked at: 'apply' asks the policies again. */
    if (sw_policy_denied(plan, &err)) goto fail;
    sw_context_close(&context);
    return code;
fail:
    code = sw_cli_fail(cli, &err);
    sw_context_close(&context);
    return code;
}
