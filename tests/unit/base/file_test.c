#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "slipway/arena.h"
#include "slipway/file.h"
#include "slipway/log.h"

static char dir[64];

static int make_dir(void **state) {
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/slipway-file-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state) {
    (void)state;
    char command[100];
    snprintf(command, sizeof command, "rm -rf %s", dir);
    return system(command);
}

static void writes_and_reads(void **state) {
    (void)state;
    struct sw_err err = {0};
    struct sw_str text = {0};
    char *path = sw_xprintf("%s/a", dir);
    assert_int_equal(sw_file_write(path, "one", 3, 0600, &err), 0);
    assert_int_equal(sw_file_write(path, "a\0b", 3, 0644, &err), 0);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0644);
    assert_int_equal(sw_file_read(path, 3, &text, &err), 0);
    assert_int_equal(text.len, 3);
    assert_memory_equal(text.p, "a\0b", 3);
    sw_str_done(&text);
    assert_int_equal(sw_file_read(path, 2, &text, &err), SW_ELIMIT);
    assert_int_equal(text.len, 0);
    sw_err_done(&err);
    free(path);
}

static void no_temporary_files_stay(void **state) {
    (void)state;
    struct sw_err err = {0};
    char *path = sw_xprintf("%s/sub/x", dir), *sub = sw_xprintf("%s/sub", dir), *target = sw_xprintf("%s/sub/x/y", dir);
    /* The target is a directory: the rename fails. */
    assert_int_equal(sw_mkdirs(target, 0755, &err), 0);
    assert_int_equal(sw_file_write(path, "x", 1, 0600, &err), SW_EIO);
    assert_non_null(strstr(err.message, "cannot write"));
    char *command = sw_xprintf("test $(ls -A %s | wc -l) = 1", sub);
    assert_int_equal(system(command), 0);
    sw_err_done(&err);
    free(command);
    free(path);
    free(sub);
    free(target);
}

static void refuses_what_is_no_file(void **state) {
    (void)state;
    struct sw_err err = {0};
    struct sw_str text = {0};
    char *fifo = sw_xprintf("%s/fifo", dir), *missing = sw_xprintf("%s/missing", dir), *inside = sw_xprintf("%s/fifo/x", dir);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    assert_int_equal(sw_file_read(fifo, 100, &text, &err), SW_EIO); /* and does not hang */
    sw_err_done(&err);
    assert_int_equal(sw_file_read(missing, 100, &text, &err), SW_ENOTFOUND);
    sw_err_done(&err);
    assert_int_equal(sw_file_read(dir, 100, &text, &err), SW_EIO);
    sw_err_done(&err);
    assert_int_equal(sw_mkdirs(inside, 0755, &err), SW_EIO);
    sw_err_done(&err);
    free(fifo);
    free(missing);
    free(inside);
}

static void makes_directories(void **state) {
    (void)state;
    struct sw_err err = {0};
    char *path = sw_xprintf("%s//p/q/r/", dir);
    struct stat st;
    assert_int_equal(sw_mkdirs(path, 0700, &err), 0);
    assert_int_equal(sw_mkdirs(path, 0700, &err), 0);
    assert_int_equal(stat(path, &st), 0);
    assert_true(S_ISDIR(st.st_mode));
    assert_int_equal(st.st_mode & 0777, 0700);
    free(path);
}

static void expands_home(void **state) {
    (void)state;
    setenv("HOME", "/home/me", 1);
    static const char *const cases[][2] = {{"~/x", "/home/me/x"}, {"~", "/home/me"}, {"~other/x", "~other/x"}, {"/a/~", "/a/~"}, {"", ""}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *path = sw_expand_home(cases[i][0]);
        assert_string_equal(path, cases[i][1]);
        free(path);
    }
}

static void logs_one_clean_line(void **state) {
    (void)state;
    struct sw_str text = {0};
    char *path = sw_xprintf("%s/log", dir);
    assert_false(sw_log_on());
    sw_log("ssh", "not written");
    sw_log_open(path);
    assert_true(sw_log_on());
    sw_log("ssh", "a\033[2J%d", 5);
    assert_int_equal(sw_file_read(path, 1000, &text, NULL), 0);
    assert_non_null(strstr(text.p, " ssh      a\\x1b[2J5\n"));
    sw_str_done(&text);
    free(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_and_reads),
        cmocka_unit_test(no_temporary_files_stay),
        cmocka_unit_test(refuses_what_is_no_file),
        cmocka_unit_test(makes_directories),
        cmocka_unit_test(expands_home),
        cmocka_unit_test(logs_one_clean_line),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
