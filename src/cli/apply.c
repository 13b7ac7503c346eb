/* `slipway apply [PLANFILE]`: what is declared now, or a saved plan as it is. */
#include <string.h>

#include "policy.h"
#include "status.h"

/* In production, what was changed is looked at once more. */
static int look_after(struct sw_context *context, const struct sw_plan *plan, int code) {
    bool wanted = code == SW_EXIT_OK && !plan->destroy && !plan->refresh_only && !sw_plan_is_empty(plan);
    if (!wanted || strcmp(sw_context_environment(context), "production") != 0) return code;
    sw_cli_note(context->cli, "%s", "");
    code = sw_status_run(context);
    if (code != SW_EXIT_OK) sw_advice_say_way_back(context, plan);
    return code;
}

/* A saved plan was shown and reviewed when it was made: no question but those of the policies, which are asked as they are now. */
static int apply_saved(struct sw_context *context, const char *path) {
    struct sw_cli *cli = context->cli;
    struct sw_err err = {0};
    struct sw_plan *plan = NULL;
    if (cli->options.seen & (SW_OPTS_SELECT | SW_OPT_REPLACE | SW_OPT_REFRESH_ONLY)) {
        sw_err_set(&err, SW_EINVAL,
                   "a saved plan is applied as it is: --target, --exclude, --replace and --refresh-only belong to 'slipway plan'");
        return sw_cli_fail(cli, &err);
    }
    if (sw_run_load(context, path, &plan, &err) || sw_policy_ask(context, plan, &err)) return sw_cli_fail(cli, &err);
    if (plan->n_findings && !sw_plan_is_empty(plan)) sw_run_show(context, plan);
    if (sw_policy_denied(plan, &err)) return sw_cli_fail(cli, &err);
    if (sw_plan_is_empty(plan) && !sw_run_has_bookkeeping(context, plan)) {
        sw_run_show(context, plan);
        return SW_EXIT_OK;
    }
    if (sw_run_freeze(context, plan, &err) || sw_policy_approve(context, plan, &err)) return sw_cli_fail(cli, &err);
    int code = sw_run_apply(context, plan);
    /* The playbook of now may be another: what the plan declares is what is looked at. */
    context->config = sw_plan_config(plan, cli->arena);
    return look_after(context, plan, code);
}

int sw_run_anew(struct sw_context *context) {
    struct sw_plan_options options = sw_run_options(context->cli);
    struct sw_plan *plan = NULL;
    struct sw_err err = {0};
    bool applied = false;
    if (sw_run_plan(context, &options, &plan, &err)) return sw_cli_fail(context->cli, &err);
    int code = sw_run_rest(context, plan, &applied);
    return applied ? look_after(context, plan, code) : code;
}

int sw_cmd_apply(struct sw_cli *cli) {
    struct sw_context context;
    struct sw_err err = {0};
    const char *path = cli->options.n_args ? cli->options.args[0] : NULL;
    unsigned needs = (path ? SW_NEED_INVENTORY | SW_NEED_SCRIPT : SW_NEED_CONFIG) | SW_NEED_LOCK;
    int code;
    if (sw_context_open(&context, cli, needs, &err)) {
        code = sw_cli_fail(cli, &err);
    } else if (path) {
        code = apply_saved(&context, path);
    } else {
        code = sw_run_anew(&context);
    }
    sw_context_close(&context);
    return code;
}
