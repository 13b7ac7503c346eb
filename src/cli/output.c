/* Outputs of the last apply, from the state alone. */
#include <string.h>

#include "context.h"

static void add_bare(struct sw_str *out, const struct sw_value *v, bool json) {
    if (!json && sw_is(v, SW_STR)) {
        sw_str_add(out, v->s.p, v->s.len);
        if (!v->s.len || v->s.p[v->s.len - 1] != '\n') sw_str_addc(out, '\n');
        return;
    }
    sw_json_write(out, v, SW_JSON_PLAIN | SW_JSON_PRETTY);
    sw_str_addc(out, '\n');
}

static int not_there(const struct sw_value *outputs, const char *name, struct sw_arena *arena, struct sw_err *err) {
    size_t n = sw_is(outputs, SW_MAP) ? outputs->map.n : 0;
    const char **names = sw_new_n(arena, const char *, n + 1);
    for (size_t i = 0; i < n; i++) names[i] = outputs->map.v[i].key;
    sw_err_set(err, SW_ENOTFOUND,
               n ? "there is no output '%s'" : "there is no output '%s': nothing was applied yet, or the playbook has none", name);
    const char *near = sw_nearest(name, names, n);
    if (near)
        sw_err_hint(err, "slipway output %s", near);
    else
        sw_err_hint(err, n ? "slipway output" : "slipway apply");
    return SW_ENOTFOUND;
}

static void add_table(struct sw_str *out, const struct sw_value *outputs) {
    size_t width = 0;
    for (size_t i = 0; i < outputs->map.n; i++)
        if (strlen(outputs->map.v[i].key) > width) width = strlen(outputs->map.v[i].key);
    for (size_t i = 0; i < outputs->map.n; i++) {
        sw_str_addf(out, "%-*s = ", (int)width, outputs->map.v[i].key);
        sw_value_format(out, outputs->map.v[i].value, 120);
        sw_str_addc(out, '\n');
    }
}

int sw_cmd_output(struct sw_cli *cli) {
    struct sw_context context;
    struct sw_err err = {0};
    struct sw_str text = {0};
    const struct sw_value *outputs = NULL;
    const char *name = cli->options.n_args ? cli->options.args[0] : NULL;
    int code = SW_EXIT_OK;
    int rc = sw_context_open(&context, cli, SW_NEED_INVENTORY | SW_NEED_STATE, &err);
    if (!rc) rc = sw_state_outputs(context.state, cli->arena, &outputs, &err);
    if (!rc && name && !sw_get(outputs, name)) rc = not_there(outputs, name, cli->arena, &err);
    if (rc) {
        cli->options.json = false; /* stdout is for the value */
        code = sw_cli_fail(cli, &err);
    } else if (name) {
        add_bare(&text, sw_get(outputs, name), cli->options.json);
    } else if (cli->options.json) {
        /* As Terraform's `output -json`: whoever asks for all of it by program gets the secrets too. */
        add_bare(&text, outputs ? outputs : &SW_EMPTY_MAP, true);
    } else if (sw_is(outputs, SW_MAP) && outputs->map.n) {
        add_table(&text, outputs);
    } else {
        sw_cli_note(cli, "No outputs: nothing was applied yet, or the playbook has none.");
    }
    sw_cli_print(cli, &text);
    sw_str_done(&text);
    sw_context_close(&context);
    return code;
}
