#include "run.h"

#include "policy.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "slipway/clock.h"
#include "slipway/file.h"

struct sw_plan_options sw_run_options(const struct sw_cli *cli) {
    const struct sw_options *options = &cli->options;
    return (struct sw_plan_options){.targets = options->targets,
                                    .excludes = options->excludes,
                                    .replaces = options->replaces,
                                    .destroy = options->destroy,
                                    .refresh_only = options->refresh_only,
                                    .no_refresh = options->no_refresh};
}

int sw_run_plan(struct sw_context *context, const struct sw_plan_options *options, struct sw_plan **ret, struct sw_err *err) {
    sw_context_progress(context, STDERR_FILENO);
    int rc = sw_engine_plan(&context->engine, context->inventory->name, context->config, options, ret, err);
    sw_context_progress_end(context);
    return rc;
}

void sw_run_show(struct sw_context *context, const struct sw_plan *plan) {
    struct sw_cli *cli = context->cli;
    if (cli->options.json) return;
    struct sw_str text = {0};
    sw_report_plan(&text, plan, &cli->out, cli->options.unchanged);
    sw_cli_print(cli, &text);
    sw_str_done(&text);
}

int sw_run_confirm(struct sw_context *context, const struct sw_plan *plan, struct sw_err *err) {
    struct sw_cli *cli = context->cli;
    const char *what = plan->destroy ? "Destroy all of this?" : plan->refresh_only ? "Take this over into the state?" : "Do this?";
    const char *expected = "yes", *question;
    if (strcmp(sw_context_environment(context), "production") == 0 && !plan->refresh_only) {
        expected = context->inventory->name;
        question = sw_printf(cli->arena, "%s This is production: type the inventory's name, '%s', to go on:", what, expected);
    } else {
        question = sw_printf(cli->arena, "%s Only 'yes' goes on:", what);
    }
    return sw_cli_confirm(cli, question, expected, sw_context_touch, context, err);
}

/* Whether the error says itself what it is about. */
static bool says(const struct sw_err *err, const char *address) {
    if (err->message && strstr(err->message, address)) return true;
    for (size_t i = 0; i < err->n_frames; i++)
        if (strstr(err->frames[i], address)) return true;
    return false;
}

/* Each in full, but what was merely stopped only by name. */
static void add_failures(struct sw_str *text, const struct sw_context *context) {
    size_t stopped = 0;
    for (size_t i = 0; i < context->failures.n; i++) {
        const struct sw_failure *failure = &context->failures.v[i];
        if (failure->err.code == SW_ECANCELLED) {
            stopped++;
            continue;
        }
        sw_str_addc(text, '\n');
        if (!says(&failure->err, failure->address)) sw_str_addf(text, "%s\n", failure->address);
        sw_report_error(text, &failure->err, &context->cli->errout);
    }
    if (stopped) sw_str_addz(text, "\nStopped while at work, to be looked at by the next run:\n");
    for (size_t i = 0; i < context->failures.n; i++)
        if (context->failures.v[i].err.code == SW_ECANCELLED) sw_str_addf(text, "  %s\n", context->failures.v[i].address);
}

/* The engine's own error is mostly the first failure once more. */
static bool repeats(const struct sw_context *context, const struct sw_err *err) {
    if (err->code == SW_ECANCELLED && context->failures.n) return true;
    for (size_t i = 0; i < context->failures.n; i++) {
        const char *message = context->failures.v[i].err.message;
        if (err->message && message && strcmp(err->message, message) == 0) return true;
    }
    return err->code == SW_EREMOTE && context->failures.n;
}

/* Every failure in full, then the counts, then how to go on. */
static int conclude(struct sw_context *context, const struct sw_plan *plan, const struct sw_apply_result *result, struct sw_err *err,
                    uint64_t elapsed_ms) {
    struct sw_cli *cli = context->cli;
    struct sw_str text = {0};
    char elapsed[32];
    bool bad = err->code || result->failed || result->cancelled || context->lost.code;
    sw_format_duration(elapsed_ms, elapsed);
    if (!bad) {
        if (!cli->options.json) {
            sw_str_addf(&text, "\n%s: %zu done, %zu unchanged, in %s.\n", plan->destroy ? "Destroyed" : "Applied", result->done,
                        result->unchanged, elapsed);
            sw_cli_print(cli, &text);
            sw_str_done(&text);
        }
        return SW_EXIT_OK;
    }
    add_failures(&text, context);
    sw_cli_say(&text);
    sw_str_clear(&text);
    /* The world moved since the plan was made, and nothing was done: the plan is stale. */
    int code = err->code == SW_ECONFLICT && !result->done ? SW_EXIT_REFUSED : SW_EXIT_ERROR;
    if (context->lost.code)
        code = sw_cli_fail(cli, &context->lost);
    else if (err->code && !repeats(context, err))
        code = sw_cli_fail(cli, err);
    if (code != SW_EXIT_REFUSED && (result->done || result->failed || result->skipped))
        sw_str_addf(&text, "\n%s: %zu done, %zu failed, %zu skipped, in %s.\n", result->cancelled ? "Stopped" : "Failed", result->done,
                    result->failed, result->skipped, elapsed);
    /* A stale plan or a lost lock is not gone on from: its own hint says what to do. */
    if (code != SW_EXIT_REFUSED) {
        sw_str_addz(&text, "What was done is recorded. To go on: ");
        sw_advice_add_again(&text, context, plan);
        sw_str_addc(&text, '\n');
    }
    sw_cli_say(&text);
    if (code != SW_EXIT_REFUSED) sw_advice_say_way_back(context, plan);
    sw_str_done(&text);
    return code;
}

int sw_run_apply(struct sw_context *context, const struct sw_plan *plan) {
    struct sw_apply_result result = {0};
    struct sw_err err = {0};
    uint64_t start = sw_now_ms();
    sw_context_progress(context, STDOUT_FILENO);
    sw_engine_apply(&context->engine, plan, &result, &err);
    sw_context_progress_end(context);
    int code = conclude(context, plan, &result, &err, sw_now_ms() - start);
    sw_err_done(&err);
    return code;
}

bool sw_run_has_bookkeeping(struct sw_context *context, const struct sw_plan *plan) {
    const struct sw_value *outputs = NULL;
    if (plan->n_moved) return true;
    for (size_t i = 0; i < plan->n_items; i++) {
        if (plan->items[i].drifted || plan->items[i].unsettled) return true;
        if (plan->items[i].before && !plan->items[i].prior && !plan->items[i].resource->ephemeral) return true;
    }
    if (plan->destroy || sw_state_outputs(context->state, context->cli->arena, &outputs, NULL)) return false;
    if ((sw_is(outputs, SW_MAP) ? outputs->map.n : 0) != plan->n_outputs) return true;
    const struct sw_value *wanted = sw_engine_outputs(plan, context->cli->arena);
    for (size_t i = 0; i < plan->n_outputs; i++) {
        const struct sw_value *have = sw_get(outputs, plan->outputs[i].name);
        if (!have || !sw_value_equal(have, sw_get(wanted, plan->outputs[i].name))) return true;
    }
    return false;
}

int sw_run_rest(struct sw_context *context, struct sw_plan *plan, bool *ret_applied) {
    struct sw_err err = {0};
    if (ret_applied) *ret_applied = false;
    if (sw_policy_ask(context, plan, &err)) return sw_cli_fail(context->cli, &err);
    sw_run_show(context, plan);
    if (sw_policy_denied(plan, &err)) return sw_cli_fail(context->cli, &err);
    bool bookkeeping = sw_plan_is_empty(plan) && sw_run_has_bookkeeping(context, plan);
    if (sw_plan_is_empty(plan) && !(bookkeeping && plan->refresh_only)) {
        /* Nothing in the world changes. Whatever the state does not know yet, it learns without a question. */
        struct sw_apply_result result = {0};
        if (bookkeeping && sw_engine_apply(&context->engine, plan, &result, &err)) return sw_cli_fail(context->cli, &err);
        if (ret_applied) *ret_applied = true;
        return SW_EXIT_OK;
    }
    if (sw_run_freeze(context, plan, &err)) return sw_cli_fail(context->cli, &err);
    if (sw_policy_approve(context, plan, &err) || sw_run_confirm(context, plan, &err)) return sw_cli_fail(context->cli, &err);
    int code = sw_run_apply(context, plan);
    if (ret_applied) *ret_applied = code == SW_EXIT_OK;
    return code;
}

int sw_run_all(struct sw_context *context, const struct sw_plan_options *options, bool *ret_applied) {
    struct sw_err err = {0};
    struct sw_plan *plan = NULL;
    if (ret_applied) *ret_applied = false;
    if (sw_run_plan(context, options, &plan, &err)) return sw_cli_fail(context->cli, &err);
    return sw_run_rest(context, plan, ret_applied);
}

const struct sw_schema *sw_run_find_schema(void *ctx, const char *type) {
    const struct sw_types *types = ctx;
    const struct sw_type *found = types->find(types->ctx, type);
    return found ? found->schema : NULL;
}

/* A plan may use types that Lua files beside the playbook define: they are named in it. So it is read twice: nothing it says is followed
 * before all of it was found to be ours. */
int sw_run_load(struct sw_context *context, const char *path, struct sw_plan **ret, struct sw_err *err) {
    struct sw_arena *arena = context->cli->arena;
    const unsigned char *key = sw_state_key(context->state);
    struct sw_plan *plan = NULL;
    int rc = sw_plan_load(arena, path, key, NULL, NULL, &plan, err);
    if (!rc && sw_is(plan->modules, SW_LIST) && plan->modules->list.n)
        rc = sw_script_load_modules(context->script, context->inventory, plan->modules, err);
    if (!rc) rc = sw_plan_load(arena, path, key, sw_run_find_schema, (void *)sw_script_types(context->script), ret, err);
    return rc;
}
