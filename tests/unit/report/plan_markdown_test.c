#include "report/fixture.h"

static void a_comment(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    const char *warnings[] = {"<b>bold</b> @team *x*"};
    struct sw_plan_item *item = add(f, NULL, "aws_vpc", "main", SW_CREATE);
    diff(f, item, "cidr_block", NULL, "\"10.0.0.0/16\"");
    diff(f, add(f, NULL, "aws_subnet", "a", SW_REPLACE), "cidr_block", "\"10.0.1.0/24\"", "\"10.0.2.0/24\"")->forces_replace = true;
    add(f, NULL, "aws_eip", "old", SW_DELETE);
    for (int i = 0; i < 2; i++)
        diff(f, add(f, i ? "n2" : "n1", "file", "/etc/x", SW_UPDATE), "content", "\"- a\\nb\\n\"", "\"- a\\nc\\n\"");
    item = add(f, "n1", "file", "/etc/motd", SW_UPDATE);
    item->drifted = true;
    item->prior = json(f, "{\"mode\":\"0644\"}");
    item->before = json(f, "{\"mode\":\"0600\"}");
    diff(f, item, "mode", "\"0600\"", "\"0644\"");
    f->plan.warnings = warnings;
    f->plan.n_warnings = 1;
    struct sw_str out = {0};
    sw_report_plan_markdown(&out, &f->plan);
    assert_golden(&out, "comment.md.txt");
    sw_str_done(&out);
    fixture_free(f);
}

/* Lines that are a fence of at least `n` backticks and nothing else but "diff". */
static size_t count_fences(const char *text, size_t n) {
    size_t count = 0;
    for (const char *p = text; *p;) {
        size_t len = strcspn(p, "\n"), ticks = strspn(p, "`");
        if (ticks >= n && (ticks == len || strncmp(p + ticks, "diff", 4) == 0)) count++;
        p += len + (p[len] == '\n');
    }
    return count;
}

static void nothing_breaks_out_of_the_fence(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    struct sw_plan_item *item = add(f, "n1", "file", "/README.md", SW_CREATE);
    diff(f, item, "content", NULL, "\"```sh\\nx\\n```\\n`````\\n</details>\\n# heading\\n\"");
    struct sw_str out = {0};
    sw_report_plan_markdown(&out, &f->plan);
    assert_non_null(strstr(sw_str_z(&out), "``````diff\n"));
    assert_int_equal(count_fences(sw_str_z(&out), 6), 2);
    sw_str_done(&out);
    fixture_free(f);
}

static void a_long_plan_fits_into_a_comment(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    struct sw_str text = {0};
    sw_str_addc(&text, '"');
    for (int i = 0; i < 30; i++) {
        for (int k = 0; k < 100; k++) sw_str_addz(&text, "0123456789");
        sw_str_addz(&text, "\\n");
    }
    sw_str_addc(&text, '"');
    for (int i = 0; i < 10; i++) diff(f, add(f, "n1", "file", sw_printf(f->arena, "/f%d", i), SW_CREATE), "content", NULL, sw_str_z(&text));
    add(f, NULL, "kube_manifest", "x", SW_CREATE);
    struct sw_str out = {0};
    sw_report_plan_markdown(&out, &f->plan);
    assert_true(out.len < 65536);
    assert_non_null(strstr(sw_str_z(&out), "more lines did not fit"));
    assert_int_equal(count_fences(sw_str_z(&out), 3) % 2, 0);
    sw_str_done(&text);
    sw_str_done(&out);
    fixture_free(f);
}

static void no_changes(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    add(f, "n1", "package", "curl", SW_NOOP);
    struct sw_str out = {0};
    sw_report_plan_markdown(&out, &f->plan);
    assert_string_equal(sw_str_z(&out), "### Plan for ecoeco\n\n**No changes.** 1 unchanged.\n");
    sw_str_done(&out);
    fixture_free(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_comment),
        cmocka_unit_test(nothing_breaks_out_of_the_fence),
        cmocka_unit_test(a_long_plan_fits_into_a_comment),
        cmocka_unit_test(no_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
