#include "report/fixture.h"

static const struct sw_value *render(struct fixture *f) {
    struct sw_str out = {0};
    sw_report_plan_json(&out, &f->plan);
    const struct sw_value *v = NULL;
    struct sw_err err = {0};
    if (sw_json_read(f->arena, sw_str_z(&out), out.len, SW_JSON_PLAIN, &v, &err)) fail_msg("%s\n%s", err.message, sw_str_z(&out));
    sw_str_done(&out);
    return v;
}

static const char *path_str(const struct sw_value *v, const char *path) {
    const struct sw_value *found = sw_get_path(v, path);
    if (!sw_is(found, SW_STR)) fail_msg("no text at %s", path);
    return found->s.p;
}

static bool path_true(const struct sw_value *v, const char *path) {
    const struct sw_value *found = sw_get_path(v, path);
    return sw_is(found, SW_BOOL) && found->b;
}

static void it_is_terraforms_format(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    struct sw_plan_item *item = add(f, NULL, "aws_vpc", "main", SW_CREATE);
    item->after = json(f, "{\"cidr_block\":\"10.0.0.0/"
                          "16\",\"id\":{\"$unknown\":true},\"list\":[1,{\"$unknown\":true}],\"password\":{\"$secret\":\"hunter2\"}}");
    const struct sw_value *v = render(f);
    assert_string_equal(path_str(v, "format_version"), "1.2");
    assert_string_equal(path_str(v, "resource_changes.0.address"), "aws_vpc.main");
    assert_string_equal(path_str(v, "resource_changes.0.type"), "aws_vpc");
    assert_string_equal(path_str(v, "resource_changes.0.name"), "main");
    assert_string_equal(path_str(v, "resource_changes.0.mode"), "managed");
    assert_string_equal(path_str(v, "resource_changes.0.provider_name"), "slipway/aws");
    assert_string_equal(path_str(v, "resource_changes.0.change.actions.0"), "create");
    assert_true(sw_is_nil(sw_get_path(v, "resource_changes.0.change.before")));
    assert_string_equal(path_str(v, "resource_changes.0.change.after.cidr_block"), "10.0.0.0/16");
    assert_null(sw_get_path(v, "resource_changes.0.change.after.id"));
    assert_true(path_true(v, "resource_changes.0.change.after_unknown.id"));
    assert_null(sw_get_path(v, "resource_changes.0.change.after_unknown.cidr_block"));
    assert_true(path_true(v, "resource_changes.0.change.after_unknown.list.1"));
    assert_false(path_true(v, "resource_changes.0.change.after_unknown.list.0"));
    assert_true(sw_is(sw_get_path(v, "resource_changes.0.change.after.password"), SW_NULL));
    assert_true(path_true(v, "resource_changes.0.change.after_sensitive.password"));
    assert_string_equal(path_str(v, "planned_values.root_module.resources.0.values.cidr_block"), "10.0.0.0/16");
    assert_string_equal(path_str(v, "timestamp"), "2026-11-27T11:00:00Z");
    fixture_free(f);
}

static void actions_and_reasons(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    struct sw_plan_item *item = add(f, NULL, "aws_subnet", "a", SW_REPLACE);
    diff(f, item, "cidr_block", "\"a\"", "\"b\"")->forces_replace = true;
    item = add(f, NULL, "aws_subnet", "b", SW_REPLACE);
    struct sw_resource r = *item->resource;
    r.lifecycle.create_before_destroy = true;
    item->resource = &r;
    add(f, "n1", "file", "/etc/x", SW_DELETE)->before = json(f, "{\"mode\":\"0644\"}");
    add(f, "n1", "file", "/etc/y", SW_NOOP);
    add(f, NULL, "aws_key_pair", "k", SW_FORGET);
    const struct sw_value *v = render(f);
    assert_string_equal(path_str(v, "resource_changes.0.change.actions.0"), "delete");
    assert_string_equal(path_str(v, "resource_changes.0.change.actions.1"), "create");
    assert_string_equal(path_str(v, "resource_changes.0.change.replace_paths.0.0"), "cidr_block");
    assert_string_equal(path_str(v, "resource_changes.0.action_reason"), "replace_because_cannot_update");
    assert_string_equal(path_str(v, "resource_changes.1.change.actions.0"), "create");
    assert_string_equal(path_str(v, "resource_changes.1.action_reason"), "replace_by_request");
    assert_string_equal(path_str(v, "resource_changes.2.action_reason"), "delete_because_no_resource_config");
    assert_true(sw_is_nil(sw_get_path(v, "resource_changes.2.change.after")));
    assert_string_equal(path_str(v, "resource_changes.2.slipway.host"), "n1");
    assert_string_equal(path_str(v, "resource_changes.3.change.actions.0"), "no-op");
    assert_string_equal(path_str(v, "resource_changes.4.change.actions.0"), "forget");
    fixture_free(f);
}

static void drift_and_outputs(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    struct sw_plan_item *item = add(f, "n1", "file", "/etc/x", SW_UPDATE);
    item->drifted = true;
    item->prior = json(f, "{\"mode\":\"0644\"}");
    item->before = json(f, "{\"mode\":\"0600\"}");
    struct sw_output outputs[] = {{.name = "endpoint", .value = sw_value_ref(f->arena, "aws_lb.api", "dns_name")},
                                  {.name = "token", .value = sw_value_secret(f->arena, sw_value_str(f->arena, "hunter2"))}};
    f->plan.outputs = outputs;
    f->plan.n_outputs = 2;
    const struct sw_value *v = render(f);
    assert_string_equal(path_str(v, "resource_drift.0.change.before.mode"), "0644");
    assert_string_equal(path_str(v, "resource_drift.0.change.after.mode"), "0600");
    assert_true(path_true(v, "output_changes.endpoint.after_unknown"));
    assert_true(path_true(v, "output_changes.token.after_sensitive"));
    assert_true(sw_is_nil(sw_get_path(v, "output_changes.token.after")));
    assert_true(path_true(v, "planned_values.outputs.token.sensitive"));
    struct sw_str out = {0};
    sw_report_plan_json(&out, &f->plan);
    assert_null(strstr(sw_str_z(&out), "hunter2"));
    sw_str_done(&out);
    fixture_free(f);
}

static void an_empty_plan_is_valid(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    const struct sw_value *v = render(f);
    assert_int_equal(sw_get(v, "resource_changes")->list.n, 0);
    assert_false(path_true(v, "applyable"));
    fixture_free(f);
}

static void odd_bytes_stay_json(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    struct sw_plan_item *item = add(f, "n1", "file", "/tmp/\xff\"\\\n\x01", SW_CREATE);
    item->reason = "\xc3(";
    item->after = sw_map_with(f->arena, &SW_EMPTY_MAP, "content", sw_value_strn(f->arena, "\xff\xfe", 2));
    const struct sw_value *v = render(f);
    assert_non_null(strstr(path_str(v, "resource_changes.0.name"), "\xef\xbf\xbd\"\\\n\x01"));
    fixture_free(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_terraforms_format), cmocka_unit_test(actions_and_reasons), cmocka_unit_test(drift_and_outputs),
        cmocka_unit_test(an_empty_plan_is_valid),  cmocka_unit_test(odd_bytes_stay_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
