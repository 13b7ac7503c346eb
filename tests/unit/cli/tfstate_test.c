#include "arena_fixture.h"
#include "tfstate.h"

#define HEAD "{\"version\":4,\"terraform_version\":\"1.5.7\",\"serial\":1,\"lineage\":\"x\",\"outputs\":{},\"resources\":"

static struct tf_state parse(const char *text) {
    struct tf_state found;
    struct sw_err err = {0};
    if (tf_state_parse(arena, "x.tfstate", text, strlen(text), &found, &err)) fail_msg("%s: %s", text, err.message);
    return found;
}

static void instances_and_their_addresses(void **state) {
    (void)state;
    struct tf_state found = parse(
        HEAD
        "[{\"module\":\"module.net[\\\"a\\\"].module.x\",\"mode\":\"managed\",\"type\":\"aws_subnet\",\"name\":\"private\",\"instances\":["
        "{\"index_key\":0,\"attributes\":{\"id\":\"s-0\"}},{\"index_key\":\"a\\\"b\",\"attributes\":{\"id\":\"s-1\"},\"status\":"
        "\"tainted\"},"
        "{\"deposed\":\"0a1b\",\"attributes\":{\"id\":\"s-2\"}}]},"
        "{\"mode\":\"data\",\"type\":\"aws_ami\",\"name\":\"x\",\"instances\":[{},{}]},"
        "{\"mode\":\"managed\",\"type\":\"aws_db_instance\",\"name\":\"db\",\"instances\":[{\"attributes\":{\"id\":\"db\",\"password\":"
        "\"hunter2\","
        "\"user\":\"u\"},\"sensitive_attributes\":[[{\"type\":\"get_attr\",\"value\":\"password\"}]]}]}]}");
    assert_int_equal(found.n, 3);
    assert_int_equal(found.n_data, 2);
    assert_int_equal(found.n_deposed, 1);
    assert_string_equal(found.terraform_version, "1.5.7");
    assert_string_equal(found.v[0].address, "module.net[\"a\"].module.x.aws_subnet.private[0]");
    assert_string_equal(found.v[1].address, "module.net[\"a\"].module.x.aws_subnet.private[\"a\\\"b\"]");
    assert_true(found.v[1].tainted && !found.v[0].tainted);
    assert_string_equal(found.v[2].address, "aws_db_instance.db");
    assert_string_equal(found.v[2].id, "db");
    assert_true(sw_get(found.v[2].attributes, "password")->secret);
    assert_false(sw_get(found.v[2].attributes, "user")->secret);
}

static void what_is_no_state(void **state) {
    static const struct {
        const char *text, *message;
        int code;
    } cases[] = {
        {"", "not valid JSON", SW_EINVAL},
        {"[1", "not valid JSON", SW_EINVAL},
        {"PK\003\004", "a saved plan of Terraform's", SW_EINVAL},
        {"5", "an object wanted", SW_EINVAL},
        {"{}", "version: a number wanted", SW_EINVAL},
        {"{\"version\":3,\"modules\":[]}", "the state's format is 3, and 4 is wanted", SW_EINVAL},
        {"{\"version\":4}", "resources: a list wanted", SW_EINVAL},
        {"{\"version\":3,\"serial\":1,\"backend\":{\"type\":\"s3\"}}", "only says where the state is kept", SW_EREFUSED},
        {"{\"encrypted_data\":\"hunter2\",\"encryption_version\":\"v0\"}", "is encrypted", SW_EREFUSED},
        {"{\"format_version\":\"1.0\",\"values\":{}}", "terraform show -json", SW_EINVAL},
        {HEAD "[5]}", "resources[0]: an object wanted", SW_EINVAL},
        {HEAD "[{\"mode\":\"managed\",\"type\":\"a\",\"name\":\"b\"}]}", "resources[0].instances: a list wanted", SW_EINVAL},
        {HEAD "[{\"mode\":\"odd\",\"type\":\"a\",\"name\":\"b\",\"instances\":[]}]}", "resources[0].mode", SW_EINVAL},
        {HEAD "[{\"mode\":\"managed\",\"type\":\"a\",\"name\":\"b\",\"instances\":[{\"attributes\":\"hunter2\"}]}]}",
         "resources[0].instances[0].attributes: an object wanted", SW_EINVAL},
        {HEAD "[{\"mode\":\"managed\",\"type\":\"a\",\"name\":\"b\",\"instances\":[{\"attributes\":{},\"index_key\":[]}]}]}",
         "resources[0].instances[0].index_key", SW_EINVAL},
        {HEAD "[{\"mode\":\"managed\",\"type\":\"a\",\"name\":\"b\",\"instances\":[{\"attributes_flat\":{\"id\":\"x\"}}]}]}",
         "an old provider", SW_EINVAL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tf_state found;
        struct sw_err err = {0};
        int rc = tf_state_parse(arena, "x.tfstate", cases[i].text, strlen(cases[i].text), &found, &err);
        if (rc != cases[i].code || !err.message || !strstr(err.message, cases[i].message))
            fail_msg("%s: %d %s", cases[i].text, rc, err.message ? err.message : "(fine)");
        assert_string_equal(err.file, "x.tfstate");
        assert_null(strstr(err.message, "hunter2"));
        sw_err_done(&err);
    }
}

static void candidates(void **state) {
    (void)state;
    const struct sw_value *zero = sw_value_int(arena, 0), *web = sw_value_str(arena, "web");
    const struct {
        struct tf_instance instance;
        const char *names;
    } cases[] = {
        {{.name = "main"}, "main"},
        {{.name = "private", .index = zero}, "private-0 private_0"},
        {{.name = "node", .index = web}, "node-web node_web web"},
        {{.name = "private", .module = "module.net", .index = zero},
         "private-0 private_0 net-private-0 net-private_0 net_private-0 net_private_0"},
        {{.name = "this", .module = "module.net[\"a.b\"].module.x[1]"}, "this net-a.b-x-1-this net-a.b-x-1 net_a.b_x_1_this net_a.b_x_1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sw_str all = {0};
        for (const char **name = tf_candidates(arena, &cases[i].instance); *name; name++)
            sw_str_addf(&all, "%s%s", all.len ? " " : "", *name);
        assert_string_equal(sw_str_z(&all), cases[i].names);
        sw_str_done(&all);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(instances_and_their_addresses, open_arena, close_arena),
        cmocka_unit_test_setup_teardown(what_is_no_state, open_arena, close_arena),
        cmocka_unit_test_setup_teardown(candidates, open_arena, close_arena),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
