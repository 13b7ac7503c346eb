/* `slipway kubeconfig`: the output of that name, as it was applied last. */
#include "context.h"

int sw_cmd_kubeconfig(struct sw_cli *cli) {
    struct sw_context context;
    struct sw_err err = {0};
    struct sw_str text = {0};
    const struct sw_value *outputs = NULL;
    int code;
    int rc = sw_context_open(&context, cli, SW_NEED_INVENTORY | SW_NEED_STATE, &err);
    if (!rc) rc = sw_state_outputs(context.state, cli->arena, &outputs, &err);
    const struct sw_value *kubeconfig = sw_get(outputs, "kubeconfig");
    if (!rc && !sw_is(kubeconfig, SW_STR)) {
        rc = sw_err_set(&err, SW_ENOTFOUND, "there is no kubeconfig yet: the playbook's output 'kubeconfig' was not applied");
        sw_err_hint(&err, "slipway bootstrap");
    }
    if (rc) {
        code = sw_cli_fail(cli, &err);
    } else {
        sw_str_add(&text, kubeconfig->s.p, kubeconfig->s.len);
        if (!text.len || text.p[text.len - 1] != '\n') sw_str_addc(&text, '\n');
        code = sw_cli_deliver(cli, &text, 0600);
        if (text.p) sw_wipe(text.p, text.len);
    }
    sw_str_done(&text);
    sw_context_close(&context);
    return code;
}
