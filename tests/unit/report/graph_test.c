#include "report/fixture.h"

static struct fixture *small(void) {
    struct fixture *f = fixture_new();
    static uint32_t needs[] = {0};
    add(f, NULL, "lab_node", "n1", SW_CREATE);
    struct sw_plan_item *item = add(f, "n1", "file", "/etc/\"x\"]<b>#\\", SW_UPDATE);
    item->needs = needs;
    item->n_needs = 1;
    item = add(f, NULL, "kube_manifest", "app", SW_CREATE);
    item->needs = needs;
    item->n_needs = 1;
    return f;
}

static void formats(void **state) {
    (void)state;
    static const char *const names[] = {"mermaid", "dot", "json"};
    for (size_t i = 0; i < 3; i++) {
        struct fixture *f = small();
        struct sw_str out = {0};
        char file[64];
        assert_int_equal(sw_report_graph(&out, &f->plan, names[i], NULL), 0);
        snprintf(file, sizeof file, "graph_%s.txt", names[i]);
        assert_golden(&out, file);
        sw_str_done(&out);
        fixture_free(f);
    }
}

static void json_is_json(void **state) {
    (void)state;
    struct fixture *f = small();
    struct sw_str out = {0};
    const struct sw_value *v = NULL;
    assert_int_equal(sw_report_graph(&out, &f->plan, "json", NULL), 0);
    assert_int_equal(sw_json_read(f->arena, sw_str_z(&out), out.len, SW_JSON_PLAIN, &v, NULL), 0);
    assert_int_equal(sw_get(v, "nodes")->list.n, 3);
    assert_int_equal(sw_get_int(sw_get_path(v, "edges.1"), "to", -1), 2);
    sw_str_done(&out);
    fixture_free(f);
}

static void unknown_format(void **state) {
    (void)state;
    struct fixture *f = small();
    struct sw_str out = {0};
    struct sw_err err = {0};
    assert_int_equal(sw_report_graph(&out, &f->plan, "mermiad", &err), SW_EINVAL);
    assert_string_equal(err.hint, "mermaid");
    assert_int_equal(out.len, 0);
    sw_err_done(&err);
    fixture_free(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(formats), cmocka_unit_test(json_is_json), cmocka_unit_test(unknown_format)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
