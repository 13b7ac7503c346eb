/* `slipway state history [RUN]`. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "context.h"
#include "slipway/clock.h"

static void add_number(struct sw_str *text, const char *key, int64_t n) {
    sw_str_addf(text, ",\"%s\":%" PRId64, key, n);
}

static void add_string(struct sw_str *text, struct sw_arena *arena, const char *key, const char *value) {
    sw_str_addf(text, ",\"%s\":", key);
    sw_json_write(text, value ? sw_value_str(arena, value) : &SW_NULL_VALUE, 0);
}

static void add_run(struct sw_str *text, struct sw_cli *cli, const struct sw_run *run) {
    char started[32], elapsed[32] = "";
    sw_format_time(run->started_ms, started);
    if (run->ended_ms) sw_format_duration((uint64_t)(run->ended_ms - run->started_ms), elapsed);
    const char *outcome = run->outcome ? run->outcome : "open";
    if (cli->options.json) {
        sw_str_addf(text, "{\"type\":\"run\",\"id\":%" PRId64, run->id);
        add_string(text, cli->arena, "operation", run->operation);
        add_string(text, cli->arena, "who", run->who);
        add_string(text, cli->arena, "started", started);
        if (run->ended_ms) add_number(text, "elapsed_ms", run->ended_ms - run->started_ms);
        add_string(text, cli->arena, "outcome", outcome);
        add_number(text, "done", run->done);
        add_number(text, "failed", run->failed);
        add_number(text, "skipped", run->skipped);
        sw_str_addz(text, "}\n");
        return;
    }
    sw_str_addf(text, "%5" PRId64 "  %s  %-9s %-9s %6s  %" PRId64 " done", run->id, started, run->operation, outcome, elapsed, run->done);
    if (run->failed) sw_str_addf(text, ", %" PRId64 " failed", run->failed);
    if (run->skipped) sw_str_addf(text, ", %" PRId64 " skipped", run->skipped);
    sw_str_addf(text, "  %s\n", run->who ? run->who : "");
}

static void add_intent(struct sw_str *text, struct sw_cli *cli, const struct sw_intent *intent) {
    char opened[32], elapsed[32] = "";
    sw_format_time(intent->opened_ms, opened);
    if (intent->closed_ms) sw_format_duration((uint64_t)(intent->closed_ms - intent->opened_ms), elapsed);
    const char *outcome = intent->outcome ? intent->outcome : "open";
    if (cli->options.json) {
        sw_str_addf(text, "{\"type\":\"intent\",\"id\":%" PRId64, intent->id);
        add_string(text, cli->arena, "address", intent->address);
        add_string(text, cli->arena, "action", sw_action_name(intent->action));
        add_string(text, cli->arena, "opened", opened);
        if (intent->closed_ms) add_number(text, "elapsed_ms", intent->closed_ms - intent->opened_ms);
        add_string(text, cli->arena, "outcome", outcome);
        sw_str_addz(text, "}\n");
        return;
    }
    sw_str_addf(text, "%s  %3s %-8s %6s  %s\n", opened, sw_action_sign(intent->action), outcome, elapsed, intent->address);
}

int sw_cli_parse_run(const char *word, int64_t *ret, struct sw_err *err) {
    char *end;
    errno = 0;
    long long n = strtoll(word, &end, 10);
    if (errno || end == word || *end || n < 1) return sw_err_set(err, SW_EINVAL, "'%s' is not the number of a run", word);
    *ret = n;
    return SW_OK;
}

static int history(struct sw_context *context, struct sw_str *text, struct sw_err *err) {
    struct sw_cli *cli = context->cli;
    struct sw_run *runs = NULL;
    struct sw_intent *intents = NULL;
    size_t n = 0;
    int64_t wanted = 0;
    int rc = sw_runs(context->state, cli->arena, &runs, &n, err);
    if (rc) return rc;
    if (!cli->options.n_args) {
        for (size_t i = 0; i < n; i++) add_run(text, cli, &runs[i]);
        if (!n) sw_cli_note(cli, "No runs yet.");
        return SW_OK;
    }
    if ((rc = sw_cli_parse_run(cli->options.args[0], &wanted, err))) return rc;
    bool found = false;
    for (size_t i = 0; i < n; i++) {
        if (runs[i].id != wanted) continue;
        found = true;
        add_run(text, cli, &runs[i]);
    }
    if (!found) {
        sw_err_set(err, SW_ENOTFOUND, "there is no run %" PRId64, wanted);
        sw_err_hint(err, "slipway state history");
        return SW_ENOTFOUND;
    }
    if ((rc = sw_journal_of_run(context->state, wanted, cli->arena, &intents, &n, err))) return rc;
    if (n && !cli->options.json) sw_str_addc(text, '\n');
    for (size_t i = 0; i < n; i++) add_intent(text, cli, &intents[i]);
    return SW_OK;
}

int sw_cmd_state_history(struct sw_cli *cli) {
    struct sw_context context;
    struct sw_err err = {0};
    struct sw_str text = {0};
    int code = SW_EXIT_OK;
    if (sw_context_open(&context, cli, SW_NEED_INVENTORY | SW_NEED_STATE, &err) || history(&context, &text, &err))
        code = sw_cli_fail(cli, &err);
    else
        sw_cli_print(cli, &text);
    sw_str_done(&text);
    sw_context_close(&context);
    return code;
}
