/* A freeze holds every change back, unless somebody says why not: --override-freeze REASON, which the run's record keeps. */
#include "slipway/freeze.h"

#include "run.h"
#include "slipway/clock.h"

int sw_run_freeze(struct sw_context *context, const struct sw_plan *plan, struct sw_err *err) {
    struct sw_cli *cli = context->cli;
    struct sw_freeze freeze;
    if (plan->refresh_only || sw_plan_is_empty(plan)) return 0;
    if (!sw_freeze_active(context->inventory, sw_wall_ms() / 1000, &freeze)) return 0;
    const char *separator = *freeze.reason ? ": " : "";
    if (cli->options.override_freeze) {
        sw_cli_note(cli, "The freeze until %s%s%s is overridden: %s", freeze.until, separator, freeze.reason, cli->options.override_freeze);
        const char *note = context->engine.note;
        context->engine.note =
            sw_printf(cli->arena, "%s%sfreeze overridden: %s", note ? note : "", note ? "; " : "", cli->options.override_freeze);
        return 0;
    }
    sw_err_set(err, SW_EREFUSED, "nothing is changed during the freeze until %s%s%s", freeze.until, separator, freeze.reason);
    sw_err_at(err, (struct sw_pos){context->inventory->file, freeze.line, 0});
    sw_err_hint(err, "wait, or say why not: --override-freeze REASON (it is recorded)");
    return SW_EREFUSED;
}
