#include "report/fixture.h"

static void fill(struct sw_err *err) {
    sw_err_set(err, SW_EREMOTE, "apt-get failed with status 100");
    sw_err_at(err, (struct sw_pos){"inventories/lab/site.lua", 12, 3});
    sw_err_frame(err, "applying 'n1/package:curl'");
    sw_err_frame(err, "working on n1");
    sw_err_detail(err, "E: Unable to locate package \033[31mcurl\033[0m\r\nE: no\n", 50);
    sw_err_hint(err, "slipway ssh n1 -- apt-get update");
}

static void for_people(void **state) {
    (void)state;
    struct sw_err err = {0};
    struct sw_str out = {0};
    fill(&err);
    sw_report_error(&out, &err, &PLAIN);
    assert_golden(&out, "error.txt");
    sw_str_clear(&out);
    sw_report_error(&out, &err, &(struct sw_style){.color = true, .unicode = true});
    assert_golden(&out, "error_color.txt");
    sw_str_done(&out);
    sw_err_done(&err);
}

static void bare(void **state) {
    (void)state;
    struct sw_err err = {0};
    struct sw_str out = {0};
    sw_err_set(&err, SW_ELOCKED, "one\ntwo");
    sw_report_error(&out, &err, &PLAIN);
    assert_string_equal(sw_str_z(&out), "error: one\n       two\n");
    sw_str_done(&out);
    sw_err_done(&err);
    err.code = SW_ETIMEOUT;
    sw_report_error(&out, &err, &PLAIN);
    assert_string_equal(sw_str_z(&out), "error: timeout\n");
    sw_str_done(&out);
}

static void for_programs(void **state) {
    (void)state;
    struct sw_err err = {0};
    struct sw_str out = {0};
    struct sw_arena *arena = sw_arena_new();
    const struct sw_value *v = NULL;
    fill(&err);
    sw_report_error_json(&out, &err);
    assert_null(strchr(sw_str_z(&out), '\n'));
    assert_int_equal(sw_json_read(arena, sw_str_z(&out), out.len, SW_JSON_PLAIN, &v, NULL), 0);
    assert_string_equal(sw_get_str(v, "type", ""), "error");
    assert_string_equal(sw_get_str(v, "code", ""), "remote");
    assert_string_equal(sw_get_str(v, "file", ""), "inventories/lab/site.lua");
    assert_int_equal(sw_get_int(v, "line", 0), 12);
    assert_int_equal(sw_get(v, "frames")->list.n, 2);
    assert_string_equal(sw_get_str(v, "hint", ""), "slipway ssh n1 -- apt-get update");
    sw_str_done(&out);
    sw_err_done(&err);
    sw_arena_free(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(for_people), cmocka_unit_test(bare), cmocka_unit_test(for_programs)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
