#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "remote_options.h"

static struct sw_arena *arena;

static int from(const char *json, struct sw_remote_options *ret, struct sw_err *err) {
    const struct sw_value *v;
    assert_int_equal(sw_json_read(arena, json, strlen(json), SW_JSON_PLAIN, &v, err), SW_OK);
    return sw_remote_options_from(v, "n1", arena, ret, err);
}

static void test_all(void **state) {
    (void)state;
    struct sw_remote_options o;
    assert_int_equal(from("{\"address\": \"10.0.0.1\", \"port\": 2222, \"user\": \"ops\", \"keys\": [\"a\", \"b\"], \"passphrase\": \"p\", "
                          "\"password\": \"w\","
                          "\"agent\": false, \"host_key\": \"ssh-ed25519 AAAA\", \"known_hosts\": \"k\", \"become\": \"sudo\", "
                          "\"become_password\": \"s\","
                          "\"connect_timeout\": 1.5, \"connect_deadline\": 300, \"idle_timeout\": 20, \"keepalive\": 5,"
                          "\"bastion\": {\"address\": \"b\", \"key\": \"c\", \"bastion\": {\"address\": \"bb\"}}}",
                          &o, NULL),
                     SW_OK);
    assert_string_equal(o.name, "n1");
    assert_string_equal(o.transport, "ssh");
    assert_string_equal(o.address, "10.0.0.1");
    assert_int_equal(o.port, 2222);
    assert_string_equal(o.user, "ops");
    assert_string_equal(o.keys[0], "a");
    assert_string_equal(o.keys[1], "b");
    assert_null(o.keys[2]);
    assert_string_equal(o.passphrase, "p");
    assert_string_equal(o.password, "w");
    assert_false(o.agent);
    assert_string_equal(o.host_key, "ssh-ed25519 AAAA");
    assert_string_equal(o.become_password, "s");
    assert_int_equal(o.connect_timeout_ms, 1500);
    assert_int_equal(o.connect_deadline_ms, 300000);
    assert_int_equal(o.idle_timeout_ms, 20000);
    assert_int_equal(o.keepalive_ms, 5000);
    assert_string_equal(o.bastion->address, "b");
    assert_string_equal(o.bastion->keys[0], "c");
    assert_int_equal(o.bastion->port, 22);
    assert_true(o.bastion->agent);
    assert_string_equal(o.bastion->bastion->address, "bb");

    struct sw_arena *other = sw_arena_new();
    struct sw_remote_options copy;
    sw_remote_options__copy(other, &o, &copy);
    assert_string_equal(copy.bastion->bastion->address, "bb");
    assert_string_equal(copy.keys[1], "b");
    assert_ptr_not_equal(copy.password, o.password);
    struct sw_str a = {0}, b = {0};
    sw_remote_options__key(&o, &a);
    sw_remote_options__key(&copy, &b);
    assert_string_equal(a.p, b.p);
    sw_remote_options__wipe(&copy);
    assert_string_equal(copy.password, "");
    assert_string_equal(o.password, "w");
    sw_str_done(&a);
    sw_str_done(&b);
    sw_arena_free(other);
}

static void test_defaults(void **state) {
    (void)state;
    struct sw_remote_options o;
    assert_int_equal(from("{\"address\": \"h\", \"key\": \"k\"}", &o, NULL), SW_OK);
    assert_int_equal(o.port, 22);
    assert_true(o.agent);
    assert_non_null(o.user);
    assert_string_equal(o.keys[0], "k");
    assert_null(o.keys[1]);
    assert_null(o.become);
    assert_int_equal(o.connect_deadline_ms, 0);
    struct sw_remote_options copy;
    sw_remote_options__copy(arena, &o, &copy);
    assert_int_equal(copy.connect_timeout_ms, 10000);
    assert_int_equal(copy.idle_timeout_ms, 600000);
    assert_int_equal(copy.keepalive_ms, 15000);
    assert_int_equal(from("{\"transport\": \"local\"}", &o, NULL), SW_OK);
}

static void test_refused(void **state) {
    (void)state;
    static const char *const bad[][2] = {
        {"{}", "'address' must be"},
        {"{\"address\": 1}", "'address' must be a text"},
        {"{\"address\": \"-oProxyCommand=x\"}", "'address'"},
        {"{\"address\": \"h\", \"user\": \"-x\"}", "'user'"},
        {"{\"address\": \"h\", \"port\": 0}", "'port'"},
        {"{\"address\": \"h\", \"port\": 70000}", "'port'"},
        {"{\"address\": \"h\", \"port\": \"22\"}", "'port'"},
        {"{\"address\": \"h\", \"keys\": []}", "'keys'"},
        {"{\"address\": \"h\", \"keys\": [1]}", "'keys'"},
        {"{\"address\": \"h\", \"agent\": 1}", "'agent'"},
        {"{\"address\": \"h\", \"become\": \"su\"}", "'become'"},
        {"{\"address\": \"h\", \"host_key\": \"AAAA\"}", "'host_key'"},
        {"{\"address\": \"h\", \"connect_timeout\": -1}", "'connect_timeout'"},
        {"{\"address\": \"h\", \"transport\": \"telnet\"}", "'transport'"},
        {"{\"address\": \"h\", \"adress\": \"h\"}", "no setting 'adress'"},
        {"{\"address\": \"h\", \"bastion\": \"b\"}", "must be a map"},
        {"{\"address\": \"h\", \"bastion\": {\"address\": \"b\", \"prot\": 1}}", "no setting 'prot'"},
        {"{\"address\": \"h\", \"bastion\": {\"transport\": \"local\"}}", "'bastion'"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct sw_remote_options o;
        struct sw_err err = {0};
        assert_int_equal(from(bad[i][0], &o, &err), SW_EINVAL);
        if (!strstr(err.message, bad[i][1])) fail_msg("%s: %s", bad[i][0], err.message);
        if (strstr(bad[i][0], "adress")) assert_string_equal(err.hint, "did you mean 'address'?");
        sw_err_done(&err);
    }
    struct sw_remote_options o;
    assert_int_equal(sw_remote_options_from(&SW_TRUE_VALUE, "n1", arena, &o, NULL), SW_EINVAL);
}

int main(void) {
    arena = sw_arena_new();
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_all), cmocka_unit_test(test_defaults), cmocka_unit_test(test_refused)};
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    sw_arena_free(arena);
    return rc;
}
