#include "report/fixture.h"

static const struct sw_attr VERSIONING[] = {{"enabled", SW_T_BOOL}};
static const struct sw_schema VERSIONING_SCHEMA = {"versioning", "", VERSIONING, 1, false};
static const struct sw_attr BUCKET[] = {
    {"arn", SW_T_STRING, .computed = true},
    {"bucket", SW_T_STRING},
    {"tags", SW_T_MAP, SW_T_STRING},
    {"versioning", SW_T_MAP, .object = &VERSIONING_SCHEMA},
};
static const struct sw_schema BUCKET_SCHEMA = {"aws_s3_bucket", "", BUCKET, 4, false};

static const struct sw_schema *find_schema(void *ctx, const char *type) {
    (void)ctx;
    return strcmp(type, "aws_s3_bucket") == 0 ? &BUCKET_SCHEMA : NULL;
}

static const struct sw_value *render(struct fixture *f) {
    struct sw_str out = {0};
    sw_report_plan_json(&out, &f->plan, find_schema, NULL);
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
    item->create_first = true;
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
    sw_report_plan_json(&out, &f->plan, find_schema, NULL);
    assert_null(strstr(sw_str_z(&out), "hunter2"));
    sw_str_done(&out);
    fixture_free(f);
}

/* Terraform has blocks where we have maps of a known shape, and says what only an apply will tell. */
static void blocks_and_computed_attributes(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    struct sw_plan_item *item = add(f, NULL, "aws_s3_bucket", "logs", SW_CREATE);
    item->after = json(f, "{\"bucket\":\"b\",\"tags\":{\"a\":\"1\"},\"versioning\":{\"enabled\":{\"$unknown\":true}}}");
    const struct sw_value *v = render(f);
    assert_string_equal(path_str(v, "resource_changes.0.change.after.tags.a"), "1");
    assert_int_equal(sw_get_path(v, "resource_changes.0.change.after.versioning.0")->kind, SW_MAP);
    assert_true(path_true(v, "resource_changes.0.change.after_unknown.versioning.0.enabled"));
    assert_true(path_true(v, "resource_changes.0.change.after_unknown.arn"));
    assert_null(sw_get_path(v, "resource_changes.0.change.after_unknown.bucket"));
    fixture_free(f);
}

static void addresses_are_legal(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    add(f, NULL, "aws_instance", "auth-1", SW_CREATE);
    add(f, NULL, "aws_route53_record", "api.${x}\"", SW_CREATE);
    add(f, "n1", "file", "/etc/hosts", SW_CREATE);
    add(f, NULL, "data.aws_ami", "ubuntu", SW_NOOP);
    const struct sw_value *v = render(f);
    assert_string_equal(path_str(v, "resource_changes.0.address"), "aws_instance.auth-1");
    assert_string_equal(path_str(v, "resource_changes.1.address"), "aws_route53_record.api___x__[\"api.$${x}\\\"\"]");
    assert_string_equal(path_str(v, "resource_changes.1.name"), "api___x__");
    assert_string_equal(path_str(v, "resource_changes.1.index"), "api.${x}\"");
    assert_string_equal(path_str(v, "resource_changes.2.address"), "module.host[\"n1\"].file._etc_hosts[\"/etc/hosts\"]");
    assert_string_equal(path_str(v, "resource_changes.2.module_address"), "module.host[\"n1\"]");
    assert_string_equal(path_str(v, "resource_changes.2.slipway.address"), "n1/file:/etc/hosts");
    assert_string_equal(path_str(v, "planned_values.root_module.child_modules.0.address"), "module.host[\"n1\"]");
    assert_string_equal(path_str(v, "planned_values.root_module.child_modules.0.resources.0.index"), "/etc/hosts");
    assert_string_equal(path_str(v, "resource_changes.3.address"), "data.aws_ami.ubuntu");
    assert_string_equal(path_str(v, "resource_changes.3.mode"), "data");
    assert_string_equal(path_str(v, "resource_changes.3.type"), "aws_ami");
    fixture_free(f);
}

static void the_configuration_says_what_refers_to_what(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    struct sw_plan_item *item = add(f, NULL, "aws_subnet", "a", SW_CREATE);
    struct sw_resource r = *item->resource;
    r.desired = json(f, "{\"cidr_block\":\"10.0.0.0/24\",\"password\":{\"$secret\":\"hunter2\"},"
                        "\"vpc_id\":{\"$ref\":[\"aws_vpc.main\",\"ids.0.id\"]}}");
    item->resource = &r;
    f->plan.providers = json(f, "{\"west\":{\"name\":\"aws\",\"region\":\"us-west-2\",\"secret_key\":{\"$secret\":\"hunter2\"}}}");
    const struct sw_value *v = render(f);
    const char *expressions = "configuration.root_module.resources.0.expressions";
    assert_string_equal(path_str(sw_get_path(v, expressions), "cidr_block.constant_value"), "10.0.0.0/24");
    assert_string_equal(path_str(sw_get_path(v, expressions), "vpc_id.references.0"), "aws_vpc.main.ids[0].id");
    assert_string_equal(path_str(sw_get_path(v, expressions), "vpc_id.references.1"), "aws_vpc.main");
    assert_int_equal(sw_get_path(sw_get_path(v, expressions), "password")->map.n, 0);
    const struct sw_value *provider = sw_get(sw_get_path(v, "configuration.provider_config"), "aws.west");
    assert_string_equal(path_str(provider, "alias"), "west");
    assert_string_equal(path_str(provider, "expressions.region.constant_value"), "us-west-2");
    assert_int_equal(sw_get_path(provider, "expressions.secret_key")->map.n, 0);
    fixture_free(f);
}

static void the_state_before_is_what_was_read(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    add(f, NULL, "aws_vpc", "old", SW_DELETE)->before = json(f, "{\"id\":\"vpc-1\"}");
    const struct sw_value *v = render(f);
    assert_string_equal(path_str(v, "prior_state.values.root_module.resources.0.values.id"), "vpc-1");
    assert_int_equal(sw_get_path(v, "planned_values.root_module.resources")->list.n, 0);
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
    assert_non_null(strstr(path_str(v, "resource_changes.0.index"), "\xef\xbf\xbd\"\\\n\x01"));
    fixture_free(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_terraforms_format),
        cmocka_unit_test(actions_and_reasons),
        cmocka_unit_test(drift_and_outputs),
        cmocka_unit_test(blocks_and_computed_attributes),
        cmocka_unit_test(addresses_are_legal),
        cmocka_unit_test(the_configuration_says_what_refers_to_what),
        cmocka_unit_test(the_state_before_is_what_was_read),
        cmocka_unit_test(an_empty_plan_is_valid),
        cmocka_unit_test(odd_bytes_stay_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
