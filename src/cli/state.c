/* `slipway state …`: look at what is recorded, and repair it. Repairs take the lock and leave a run in the history. */
#include <string.h>

#include "context.h"
#include "slipway/clock.h"

static int load(struct sw_context *context, struct sw_cli *cli, struct sw_state_resource **ret, size_t *ret_n, struct sw_err *err) {
    int rc = sw_context_open(context, cli, SW_NEED_INVENTORY | SW_NEED_STATE, err);
    return rc ? rc : sw_state_resources(context->state, cli->arena, ret, ret_n, err);
}

int sw_cmd_state_list(struct sw_cli *cli) {
    struct sw_context context;
    struct sw_err err = {0};
    struct sw_state_resource *resources = NULL;
    size_t n = 0;
    const char *prefix = cli->options.n_args ? cli->options.args[0] : "";
    int code = SW_EXIT_OK;
    if (load(&context, cli, &resources, &n, &err)) {
        code = sw_cli_fail(cli, &err);
    } else {
        struct sw_str text = {0};
        for (size_t i = 0; i < n; i++) {
            if (!sw_starts_with(resources[i].address, prefix)) continue;
            if (cli->options.json) {
                struct sw_pair pairs[] = {{"address", sw_value_str(cli->arena, resources[i].address)},
                                          {"type", sw_value_str(cli->arena, resources[i].type)},
                                          {"host", resources[i].host ? sw_value_str(cli->arena, resources[i].host) : &SW_NULL_VALUE},
                                          {"status", sw_value_str(cli->arena, resources[i].status)}};
                sw_json_write(&text, sw_value_map(cli->arena, pairs, 4), SW_JSON_PLAIN);
            } else {
                sw_str_addz(&text, resources[i].address);
                if (strcmp(resources[i].status, "ok") != 0) sw_str_addf(&text, "  (%s)", resources[i].status);
            }
            sw_str_addc(&text, '\n');
        }
        sw_cli_print(cli, &text);
        sw_str_done(&text);
    }
    sw_context_close(&context);
    return code;
}

static const struct sw_state_resource *find(const struct sw_state_resource *resources, size_t n, const char *address,
                                            struct sw_arena *arena, struct sw_err *err) {
    const char **names = sw_new_n(arena, const char *, n + 1);
    for (size_t i = 0; i < n; i++) {
        if (strcmp(resources[i].address, address) == 0) return &resources[i];
        names[i] = resources[i].address;
    }
    const char *near = sw_nearest(address, names, n);
    sw_err_set(err, SW_ENOTFOUND, "there is no '%s' in the state", address);
    if (near)
        sw_err_hint(err, "'%s'", near);
    else
        sw_err_hint(err, "slipway state list");
    return NULL;
}

static void add_resource(struct sw_str *text, const struct sw_state_resource *r) {
    char time[32];
    sw_str_addf(text, "%s\n  type     %s\n", r->address, r->type);
    if (r->host) sw_str_addf(text, "  host     %s\n", r->host);
    if (r->provider) sw_str_addf(text, "  provider %s\n", r->provider);
    sw_str_addf(text, "  status   %s\n  updated  %s\n", r->status, sw_format_time(r->updated_ms, time));
    for (size_t i = 0; r->depends && r->depends[i]; i++) sw_str_addf(text, "%s%s\n", i ? "           " : "  needs    ", r->depends[i]);
    size_t width = 0;
    for (size_t i = 0; i < r->attributes->map.n; i++)
        if (strlen(r->attributes->map.v[i].key) > width) width = strlen(r->attributes->map.v[i].key);
    sw_str_addc(text, '\n');
    for (size_t i = 0; i < r->attributes->map.n; i++) {
        sw_str_addf(text, "  %-*s = ", (int)width, r->attributes->map.v[i].key);
        sw_value_format(text, r->attributes->map.v[i].value, 4000);
        sw_str_addc(text, '\n');
    }
}

int sw_cmd_state_show(struct sw_cli *cli) {
    struct sw_context context;
    struct sw_err err = {0};
    struct sw_state_resource *resources = NULL;
    const struct sw_state_resource *r = NULL;
    size_t n = 0;
    int code = SW_EXIT_OK;
    if (load(&context, cli, &resources, &n, &err) || !(r = find(resources, n, cli->options.args[0], cli->arena, &err))) {
        code = sw_cli_fail(cli, &err);
    } else {
        struct sw_str text = {0};
        if (cli->options.json) {
            struct sw_pair pairs[] = {
                {"address", sw_value_str(cli->arena, r->address)}, {"type", sw_value_str(cli->arena, r->type)},
                {"name", sw_value_str(cli->arena, r->name)},       {"host", r->host ? sw_value_str(cli->arena, r->host) : &SW_NULL_VALUE},
                {"status", sw_value_str(cli->arena, r->status)},   {"attributes", r->attributes}};
            sw_json_write(&text, sw_value_map(cli->arena, pairs, 6), SW_JSON_PRETTY);
            sw_str_addc(&text, '\n');
        } else {
            add_resource(&text, r);
        }
        sw_cli_print(cli, &text);
        sw_str_done(&text);
    }
    sw_context_close(&context);
    return code;
}

/* One repair as a run of its own. */
static int repair(struct sw_context *context, int64_t n, int (*change)(struct sw_context *, struct sw_err *), struct sw_err *err) {
    int64_t run = 0;
    int rc = sw_run_begin(context->state, context->cli->command->name, &run, err);
    if (rc) return rc;
    rc = change(context, err);
    int ended = sw_run_end(context->state, run, rc ? "failed" : "ok", rc ? 0 : n, rc ? n : 0, 0, rc ? NULL : err);
    return rc ? rc : ended;
}

static int do_move(struct sw_context *context, struct sw_err *err) {
    return sw_state_rename(context->state, context->cli->options.args[0], context->cli->options.args[1], err);
}

static int do_forget(struct sw_context *context, struct sw_err *err) {
    for (size_t i = 0; i < context->cli->options.n_args; i++) {
        int rc = sw_state_forget(context->state, context->cli->options.args[i], err);
        if (rc) return rc;
    }
    return SW_OK;
}

int sw_cmd_state_mv(struct sw_cli *cli) {
    struct sw_context context;
    struct sw_err err = {0};
    struct sw_state_resource *resources = NULL;
    size_t n = 0;
    int code = SW_EXIT_OK;
    int rc = sw_context_open(&context, cli, SW_NEED_INVENTORY | SW_NEED_LOCK, &err);
    if (!rc) rc = sw_state_resources(context.state, cli->arena, &resources, &n, &err);
    if (!rc && !find(resources, n, cli->options.args[0], cli->arena, &err)) rc = SW_ENOTFOUND;
    if (!rc) rc = repair(&context, 1, do_move, &err);
    if (rc)
        code = sw_cli_fail(cli, &err);
    else
        sw_cli_note(cli, "%s is now %s.", cli->options.args[0], cli->options.args[1]);
    sw_context_close(&context);
    return code;
}

int sw_cmd_state_rm(struct sw_cli *cli) {
    struct sw_context context;
    struct sw_err err = {0};
    struct sw_state_resource *resources = NULL;
    size_t n = 0, count = cli->options.n_args;
    int code = SW_EXIT_OK;
    int rc = sw_context_open(&context, cli, SW_NEED_INVENTORY | SW_NEED_LOCK, &err);
    if (!rc) rc = sw_state_resources(context.state, cli->arena, &resources, &n, &err);
    /* All are looked up before the first is forgotten: a typing error in the third changes nothing. */
    for (size_t i = 0; !rc && i < count; i++)
        if (!find(resources, n, cli->options.args[i], cli->arena, &err)) rc = SW_ENOTFOUND;
    const char *question = sw_printf(cli->arena, "Forget %zu resource%s, and leave what they stand for alone? Only 'yes' goes on:", count,
                                     count == 1 ? "" : "s");
    if (!rc) rc = sw_cli_confirm(cli, question, "yes", sw_context_touch, &context, &err);
    if (!rc) rc = repair(&context, (int64_t)count, do_forget, &err);
    if (rc)
        code = sw_cli_fail(cli, &err);
    else
        sw_cli_note(cli, "Forgotten: %zu resource%s. The world was not touched.", count, count == 1 ? "" : "s");
    sw_context_close(&context);
    return code;
}

int sw_cmd_state_unlock(struct sw_cli *cli) {
    struct sw_context context;
    struct sw_err err = {0};
    int code = SW_EXIT_OK;
    int rc = sw_context_open(&context, cli, SW_NEED_INVENTORY | SW_NEED_STATE_RW, &err);
    if (!rc)
        rc = sw_cli_confirm(cli, "Break the lock? Whoever holds it is stopped at its next step. Only 'yes' goes on:", "yes", NULL, NULL,
                            &err);
    if (!rc) rc = sw_state_force_unlock(context.state, &err);
    if (rc)
        code = sw_cli_fail(cli, &err);
    else
        sw_cli_note(cli, "Unlocked.");
    sw_context_close(&context);
    return code;
}
