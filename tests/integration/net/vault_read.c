/* vault_read REF: prints the value as JSON, or the error as "code: message / hint / detail" with status 1. */
#include <stdio.h>

#include "slipway/vault.h"

int main(int argc, char **argv) {
    struct sw_err err = {0};
    struct sw_arena *arena = sw_arena_new();
    const struct sw_value *value;
    int rc = argc == 2 ? sw_vault_read(argv[1], arena, &value, &err) : 2;
    if (rc == SW_OK) {
        struct sw_str text = {0};
        sw_json_write(&text, value, SW_JSON_PLAIN);
        printf("%s%s\n", sw_value_has_secret(value) ? "secret " : "", sw_str_z(&text));
        sw_str_done(&text);
    } else if (err.code) {
        printf("%s: %s / %s / %s\n", sw_code_name(err.code), err.message, err.hint ? err.hint : "", err.detail ? err.detail : "");
    }
    sw_err_done(&err);
    sw_arena_free(arena);
    return rc != SW_OK;
}
