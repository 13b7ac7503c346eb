/* What to type after a run: to go on, or to go back. */
#include <inttypes.h>
#include <string.h>

#include "run.h"

/* A word of a command as the user would type it, quoted only where it must be. */
static void add_word(struct sw_str *out, const char *option, const char *word) {
    sw_str_addf(out, " %s ", option);
    if (word[strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:=@-")])
        sw_str_add_shell(out, word, strlen(word));
    else
        sw_str_addz(out, word);
}

void sw_advice_add_again(struct sw_str *out, const struct sw_context *context, const struct sw_plan *plan) {
    const struct sw_options *options = &context->cli->options;
    const char *name = context->cli->command->name;
    sw_str_addf(out, "slipway %s", name);
    for (size_t i = 0; i < options->n_args && strcmp(name, "apply") != 0; i++) {
        sw_str_addc(out, ' ');
        sw_str_addz(out, options->args[i]);
    }
    if (options->inventory) add_word(out, "-i", options->inventory);
    for (size_t i = 0; options->targets && options->targets[i]; i++) add_word(out, "--target", options->targets[i]);
    for (size_t i = 0; options->excludes && options->excludes[i]; i++) add_word(out, "--exclude", options->excludes[i]);
    if (options->state_dir) add_word(out, "--state-dir", options->state_dir);
    if (plan->refresh_only) sw_str_addz(out, " --refresh-only");
}

/* The newest run that ended well and of which is kept what was declared; 0 = none. */
static int64_t last_good_run(struct sw_context *context) {
    struct sw_arena *arena = context->cli->arena;
    struct sw_run *runs = NULL;
    int64_t *kept = NULL;
    size_t n = 0, n_kept = 0;
    if (sw_runs(context->state, arena, &runs, &n, NULL) || sw_runs_kept(context->state, arena, &kept, &n_kept, NULL)) return 0;
    /* The newest is the one that went wrong. */
    for (size_t i = 1; i < n; i++) {
        if (!runs[i].outcome || strcmp(runs[i].outcome, "ok") != 0) continue;
        for (size_t k = 0; k < n_kept; k++)
            if (kept[k] == runs[i].id) return runs[i].id;
    }
    return 0;
}

static const struct sw_plan_item *find_snapshot(const struct sw_plan *plan) {
    for (size_t i = 0; i < plan->n_items; i++) {
        const struct sw_plan_item *item = &plan->items[i];
        if (strcmp(item->resource->type, "etcd_snapshot") == 0 && item->action != SW_NOOP && item->resource->host) return item;
    }
    return NULL;
}

static void add_inventory(struct sw_str *out, const struct sw_context *context) {
    const struct sw_options *options = &context->cli->options;
    if (options->inventory) add_word(out, "-i", options->inventory);
    if (options->state_dir) add_word(out, "--state-dir", options->state_dir);
}

void sw_advice_say_way_back(struct sw_context *context, const struct sw_plan *plan) {
    if (strcmp(sw_context_environment(context), "production") != 0 || plan->refresh_only) return;
    const struct sw_plan_item *snapshot = find_snapshot(plan);
    int64_t run = plan->destroy ? 0 : last_good_run(context);
    struct sw_str text = {0};
    if (run) {
        sw_str_addf(&text, "To go back to what was declared before: slipway rollback %" PRId64, run);
        add_inventory(&text, context);
        sw_str_addc(&text, '\n');
    }
    if (snapshot) {
        sw_str_addz(&text, "The cluster's own state of before is in the newest of: slipway ssh");
        add_inventory(&text, context);
        sw_str_addf(&text, " %s -- sudo ls -l %s (docs/production.md)\n", snapshot->resource->host,
                    sw_get_str(snapshot->after, "directory", ""));
    }
    sw_cli_say(&text);
    sw_str_done(&text);
}
