#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "context.h"
#include "slipway/file.h"

static char base[64];

static void put(const char *path, const char *text) {
    char dir[256];
    snprintf(dir, sizeof dir, "%.*s", (int)(strrchr(path, '/') - path), path);
    assert_int_equal(sw_mkdirs(dir, 0700, NULL), 0);
    assert_int_equal(sw_file_write(path, text, strlen(text), 0600, NULL), 0);
}

static int enter(void **state) {
    (void)state;
    snprintf(base, sizeof base, "/tmp/slipway-find-XXXXXX");
    if (!mkdtemp(base) || chdir(base)) return -1;
    unsetenv("SLIPWAY_INVENTORY");
    setenv("XDG_DATA_HOME", base, 1);
    return 0;
}

static int leave(void **state) {
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", base);
    return chdir("/") || system(command);
}

/* What -i NAME is found as; NULL when it is an error whose hint is left in `hint`. */
static const char *find(struct sw_cli *cli, const char *name, char *hint, size_t size) {
    struct sw_err err = {0};
    const char *path = NULL;
    cli->options.inventory = name;
    if (sw_cli_find_inventory(cli, &path, &err)) snprintf(hint, size, "%s", err.hint ? err.hint : "");
    sw_err_done(&err);
    return path;
}

static void by_name_directory_and_file(void **state) {
    (void)state;
    struct sw_cli cli = {.arena = sw_arena_new()};
    char hint[128] = "";
    put("./inventories/aws/inventory.yaml", "name: aws\n");
    put("./elsewhere/inventory.yaml", "name: x\n");
    put("./elsewhere/other.yaml", "name: x\n");
    assert_string_equal(find(&cli, "aws", hint, sizeof hint), "inventories/aws");
    assert_string_equal(find(&cli, "inventories/aws", hint, sizeof hint), "inventories/aws");
    assert_string_equal(find(&cli, "elsewhere", hint, sizeof hint), "elsewhere");
    assert_string_equal(find(&cli, "elsewhere/other.yaml", hint, sizeof hint), "elsewhere/other.yaml");
    assert_null(find(&cli, "asw", hint, sizeof hint));
    assert_string_equal(hint, "-i aws");
    assert_null(find(&cli, "something-else", hint, sizeof hint));
    assert_non_null(strstr(hint, "-i lab"));
    assert_null(find(&cli, "inventories", hint, sizeof hint));
    sw_arena_free(cli.arena);
}

static void the_default(void **state) {
    (void)state;
    struct sw_cli cli = {.arena = sw_arena_new()};
    char hint[128] = "";
    put("./inventories/lab/inventory.yaml", "name: lab\n");
    put("./inventories/aws/inventory.yaml", "name: aws\n");
    assert_string_equal(find(&cli, NULL, hint, sizeof hint), "inventories/lab");
    setenv("SLIPWAY_INVENTORY", "aws", 1);
    assert_string_equal(find(&cli, NULL, hint, sizeof hint), "inventories/aws");
    unsetenv("SLIPWAY_INVENTORY");
    put("./inventory.yaml", "name: here\n");
    assert_string_equal(find(&cli, NULL, hint, sizeof hint), ".");
    sw_arena_free(cli.arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(by_name_directory_and_file, enter, leave),
        cmocka_unit_test_setup_teardown(the_default, enter, leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
