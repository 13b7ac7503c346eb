#include "cost.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "policy.h"
#include "slipway/cost.h"
#include "slipway/file.h"

int sw_cost_estimate(struct sw_context *context, struct sw_plan *plan, struct sw_err *err) {
    struct sw_cli *cli = context->cli;
    const struct sw_inventory *inventory = context->inventory;
    const struct sw_value *named = sw_get(inventory->value, "cost");
    struct sw_prices *prices = NULL;
    char *expanded = sw_expand_home(sw_is(named, SW_STR) ? named->s.p : "prices.yaml");
    const char *path = expanded[0] == '/' ? sw_strdup(cli->arena, expanded) : sw_printf(cli->arena, "%s/%s", inventory->dir, expanded);
    free(expanded);
    if (!named && access(path, F_OK)) return 0;
    int rc = sw_policy_check_inside(context, "cost", path, err);
    if (rc == 0) rc = sw_prices_load(cli->arena, path, &prices, err);
    if (rc == SW_ENOTFOUND && named) sw_err_at(err, (struct sw_pos){inventory->file, named->line, 0});
    if (rc) return sw_err_frame(err, "reading the price list");
    plan->cost = sw_cost_of(cli->arena, prices, plan);
    if (cli->options.json && strcmp(cli->command->name, "show") != 0 && strcmp(cli->command->name, "validate") != 0) {
        struct sw_str text = {0};
        sw_report_cost_json(&text, plan);
        sw_cli_print(cli, &text);
        sw_str_done(&text);
    }
    return 0;
}
