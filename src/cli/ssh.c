/* `slipway ssh NODE`: the connection as the state remembers it, else as the playbook declares it. */
#include <signal.h>
#include <string.h>

#include "context.h"
#include "slipway/remote.h"

struct found {
    const struct sw_value *connection;
    const char **names;
    size_t n;
};

static void consider(struct found *found, const char *wanted, const char *name, const struct sw_value *connection) {
    found->names[found->n++] = name;
    if (strcmp(name, wanted) != 0 || found->connection) return;
    if (connection && !sw_value_has_unknown(connection)) found->connection = connection;
}

static int find(struct sw_context *context, const char *wanted, struct found *found, struct sw_err *err) {
    struct sw_host *recorded = NULL;
    size_t n = 0;
    int rc = sw_state_hosts(context->state, context->cli->arena, &recorded, &n, err);
    if (rc) return rc;
    found->names = sw_new_n(context->cli->arena, const char *, n + context->config->n_hosts + 1);
    /* What is declared now is newer than what was recorded, unless it hangs on a machine whose address only the state knows. */
    for (size_t i = 0; i < context->config->n_hosts; i++)
        consider(found, wanted, context->config->hosts[i]->name, context->config->hosts[i]->connection);
    for (size_t i = 0; i < n; i++) consider(found, wanted, recorded[i].name, recorded[i].connection);
    if (found->connection) return SW_OK;
    for (size_t i = 0; i < found->n; i++)
        if (strcmp(found->names[i], wanted) == 0) {
            sw_err_set(err, SW_ENOTFOUND, "the address of '%s' is not known yet: its machine was not made", wanted);
            sw_err_hint(err, "slipway apply --target %s", wanted);
            return SW_ENOTFOUND;
        }
    const char *near = sw_nearest(wanted, found->names, found->n);
    sw_err_set(err, SW_ENOTFOUND, "there is no node '%s' in the inventory or the state", wanted);
    if (near)
        sw_err_hint(err, "slipway ssh %s", near);
    else if (found->n)
        sw_err_hint(err, "slipway ssh %s", found->names[0]);
    return SW_ENOTFOUND;
}

int sw_cmd_ssh(struct sw_cli *cli) {
    struct sw_context context;
    struct sw_err err = {0};
    struct found found = {0};
    struct sw_remote_options options = {0};
    const char *node = cli->options.args[0];
    int rc = sw_context_open(&context, cli, SW_NEED_CONFIG | SW_NEED_STATE, &err);
    if (!rc) rc = find(&context, node, &found, &err);
    if (!rc) rc = sw_remote_options_from(found.connection, node, cli->arena, &options, &err);
    /* ssh takes this process's place; its options and the command live in the arena, the rest is closed before. */
    sw_context_close(&context);
    signal(SIGPIPE, SIG_DFL); /* what is ignored stays ignored across exec */
    if (!rc) sw_remote_exec_ssh(&options, cli->options.rest && cli->options.rest[0] ? cli->options.rest : NULL, &err);
    return sw_cli_fail(cli, &err);
}
