/* `slipway lab …`: the machines of the lab inventory and nothing else. Plain plans with targets. */
#include <string.h>

#include "run.h"

#define LAB_TYPE "lab_node"

/* Addresses of the lab's machines: all, or those named. NULL-terminated. */
static int find_targets(struct sw_context *context, const char ***ret, struct sw_err *err) {
    const struct sw_options *options = &context->cli->options;
    const struct sw_config *config = context->config;
    const char **targets = sw_new_n(context->cli->arena, const char *, config->n_resources + 1);
    const char **names = sw_new_n(context->cli->arena, const char *, config->n_resources + 1);
    size_t n_targets = 0, n_names = 0;
    for (size_t i = 0; i < config->n_resources; i++) {
        const struct sw_resource *r = config->resources[i];
        if (strcmp(r->type, LAB_TYPE) != 0) continue;
        names[n_names++] = r->name;
        bool wanted = options->n_args == 0;
        for (size_t k = 0; k < options->n_args && !wanted; k++) wanted = strcmp(options->args[k], r->name) == 0;
        if (wanted) targets[n_targets++] = r->address;
    }
    for (size_t k = 0; k < options->n_args; k++) {
        bool known = false;
        for (size_t i = 0; i < n_names && !known; i++) known = strcmp(names[i], options->args[k]) == 0;
        if (known) continue;
        const char *near = sw_nearest(options->args[k], names, n_names);
        sw_err_set(err, SW_ENOTFOUND, "the inventory '%s' has no lab node '%s'", context->inventory->name, options->args[k]);
        if (near) sw_err_hint(err, "slipway %s %s", context->cli->command->name, near);
        return SW_ENOTFOUND;
    }
    if (!n_targets) {
        sw_err_set(err, SW_ENOTFOUND, "the inventory '%s' has no lab nodes", context->inventory->name);
        sw_err_hint(err, "-i lab, or an inventory with provider: { name: lab }");
        return SW_ENOTFOUND;
    }
    *ret = targets;
    return SW_OK;
}

int sw_cmd_lab_up(struct sw_cli *cli) {
    struct sw_context context;
    struct sw_err err = {0};
    struct sw_plan *plan = NULL;
    struct sw_plan_options options = {0};
    int code;
    int rc = sw_context_open(&context, cli, SW_NEED_CONFIG | SW_NEED_LOCK, &err);
    if (!rc) rc = find_targets(&context, &options.targets, &err);
    if (!rc) rc = sw_run_plan(&context, &options, &plan, &err);
    if (rc) {
        code = sw_cli_fail(cli, &err);
    } else {
        /* Starting local machines is what was asked for; only a loss is worth a question. */
        if (!plan->count[SW_DELETE] && !plan->count[SW_REPLACE]) cli->options.yes = true;
        code = sw_run_rest(&context, plan, NULL);
    }
    sw_context_close(&context);
    return code;
}

int sw_cmd_lab_down(struct sw_cli *cli) {
    struct sw_context context;
    struct sw_err err = {0};
    struct sw_plan_options options = {.destroy = true};
    int code;
    int rc = sw_context_open(&context, cli, SW_NEED_CONFIG | SW_NEED_LOCK, &err);
    if (!rc) rc = find_targets(&context, &options.targets, &err);
    code = rc ? sw_cli_fail(cli, &err) : sw_run_all(&context, &options, NULL);
    sw_context_close(&context);
    return code;
}

static void add_row(struct sw_str *out, struct sw_cli *cli, const struct sw_plan_item *item) {
    const char *address = sw_get_str(item->before, "address", "-");
    const char *state = item->before ? sw_get_str(item->before, "state", "up") : "not made";
    if (cli->options.json) {
        struct sw_pair pairs[] = {{"type", sw_value_str(cli->arena, "lab_node")},
                                  {"name", sw_value_str(cli->arena, item->resource->name)},
                                  {"address", sw_value_str(cli->arena, address)},
                                  {"state", sw_value_str(cli->arena, state)}};
        sw_json_write(out, sw_value_map(cli->arena, pairs, 4), 0);
    } else {
        sw_str_addf(out, "%-20s  %-16s  %s", item->resource->name, address, state);
    }
    sw_str_addc(out, '\n');
}

int sw_cmd_lab_list(struct sw_cli *cli) {
    struct sw_context context;
    struct sw_err err = {0};
    struct sw_plan *plan = NULL;
    struct sw_plan_options options = {0};
    struct sw_str text = {0};
    int code = SW_EXIT_OK;
    int rc = sw_context_open(&context, cli, SW_NEED_CONFIG | SW_NEED_STATE, &err);
    if (!rc) rc = find_targets(&context, &options.targets, &err);
    if (!rc) rc = sw_run_plan(&context, &options, &plan, &err);
    if (rc) {
        code = sw_cli_fail(cli, &err);
    } else {
        if (!cli->options.json) sw_str_addf(&text, "%-20s  %-16s  %s\n", "NODE", "ADDRESS", "STATE");
        for (size_t i = 0; i < plan->n_items; i++)
            if (strcmp(plan->items[i].resource->type, LAB_TYPE) == 0) add_row(&text, cli, &plan->items[i]);
        sw_cli_print(cli, &text);
    }
    sw_str_done(&text);
    sw_context_close(&context);
    return code;
}
