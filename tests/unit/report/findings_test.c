#include "report/fixture.h"

static struct fixture *policies(void) {
    static const struct sw_finding findings[] = {
        {SW_VERDICT_DENY, "no_public_ssh", "aws_instance.a", "ssh is open | to <everybody>", "p.lua", 3},
        {SW_VERDICT_APPROVAL, "cost", NULL, "it is much", "q.lua", 1},
        {SW_VERDICT_WARN, "names", "aws_instance.a", "an escape \033[2J in it", "r.lua", 1},
    };
    struct fixture *f = fixture_new();
    add(f, NULL, "aws_instance", "a", SW_CREATE);
    f->plan.findings = findings;
    f->plan.n_findings = 3;
    return f;
}

static void for_people(void **state) {
    (void)state;
    struct fixture *f = policies();
    struct sw_str out = {0};
    sw_report_plan(&out, &f->plan, &PLAIN, false);
    sw_report_plan_markdown(&out, &f->plan);
    assert_null(strchr(sw_str_z(&out), '\033'));
    assert_golden(&out, "findings.txt");
    sw_str_done(&out);
    fixture_free(f);
}

static void as_events(void **state) {
    (void)state;
    struct fixture *f = policies();
    struct sw_str out = {0};
    sw_report_findings_json(&out, &f->plan);
    size_t lines = 0;
    for (const char *line = sw_str_z(&out); *line; line = strchr(line, '\n') + 1, lines++) {
        const struct sw_value *v = NULL;
        assert_int_equal(sw_json_read(f->arena, line, (size_t)(strchr(line, '\n') - line), SW_JSON_PLAIN, &v, NULL), 0);
        assert_string_equal(sw_get_str(v, "type", ""), "policy");
        assert_string_equal(sw_get_str(v, "policy", ""), f->plan.findings[lines].policy);
        assert_true((sw_get(v, "address") != NULL) == (lines != 1));
    }
    assert_int_equal(lines, 3);
    assert_non_null(strstr(sw_str_z(&out), "\"verdict\":\"require_approval\""));
    sw_str_done(&out);
    fixture_free(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(for_people), cmocka_unit_test(as_events)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
