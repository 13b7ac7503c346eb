#include "arena_fixture.h"

#include <math.h>

#include "random_value.h"
#include "slipway/value.h"
#include "slipway/vec.h"

static void assert_format(const struct sw_value *v, size_t columns, const char *expected) {
    struct sw_str text = {0};
    sw_value_format(&text, v, columns);
    assert_string_equal(sw_str_z(&text), expected);
    sw_str_done(&text);
}

static void maps_are_sorted_and_the_last_wins(void **state) {
    (void)state;
    struct sw_pair pairs[] = {{"b", sw_value_int(arena, 1)}, {"a", NULL}, {"b", sw_value_int(arena, 2)}, {"ab", &SW_TRUE_VALUE}};
    const struct sw_value *map = sw_value_map(arena, pairs, 4);
    assert_json_as(map, 0, "{\"a\":null,\"ab\":true,\"b\":2}");
    assert_int_equal(sw_get_int(map, "b", 0), 2);
    assert_null(sw_get(map, "abc"));
    assert_null(sw_get(map, ""));
    assert_null(sw_get(NULL, "a"));
    assert_null(sw_get(&SW_TRUE_VALUE, "a"));
    struct sw_pair many[1000];
    for (size_t i = 0; i < 1000; i++) many[i] = (struct sw_pair){sw_printf(arena, "k%zu", i * 7919 % 500), sw_value_int(arena, (int64_t)i)};
    map = sw_value_map(arena, many, 1000);
    assert_int_equal(map->map.n, 500);
    for (size_t i = 500; i < 1000; i++) assert_int_equal(sw_get_int(map, many[i].key, -1), i);
}

static void paths_and_fallbacks(void **state) {
    (void)state;
    const struct sw_value *v = json("{\"network\":{\"zones\":[\"a\",\"c\"],\"n\":5,\"r\":3.0,\"on\":true}}");
    assert_string_equal(sw_get_path(v, "network.zones.1")->s.p, "c");
    assert_ptr_equal(sw_get_path(v, ""), v);
    assert_null(sw_get_path(v, "network.zones.2"));
    assert_null(sw_get_path(v, "network.zones.-1"));
    assert_null(sw_get_path(v, "network.zones.99999999999999999999"));
    assert_null(sw_get_path(v, "network.zone"));
    assert_null(sw_get_path(v, "network.n.x"));
    const struct sw_value *network = sw_get(v, "network");
    assert_int_equal(sw_get_int(network, "n", 0), 5);
    assert_int_equal(sw_get_int(network, "r", 0), 3);
    assert_int_equal(sw_get_int(network, "on", 7), 7);
    assert_true(sw_get_bool(network, "on", false));
    assert_string_equal(sw_get_str(network, "n", "none"), "none");
}

static void with_and_merge(void **state) {
    (void)state;
    const struct sw_value *map = json("{\"a\":1,\"ab\":2,\"c\":3}");
    assert_json_as(sw_map_with(arena, map, "b", sw_value_int(arena, 9)), 0, "{\"a\":1,\"ab\":2,\"b\":9,\"c\":3}");
    assert_json_as(sw_map_with(arena, map, "a", sw_value_int(arena, 9)), 0, "{\"a\":9,\"ab\":2,\"c\":3}");
    assert_json_as(sw_map_with(arena, map, "a", NULL), 0, "{\"ab\":2,\"c\":3}");
    assert_json_as(sw_map_with(arena, map, "", &SW_NULL_VALUE), 0, "{\"\":null,\"a\":1,\"ab\":2,\"c\":3}");
    assert_json_as(sw_map_with(arena, map, "z", &SW_NULL_VALUE), 0, "{\"a\":1,\"ab\":2,\"c\":3,\"z\":null}");
    assert_ptr_equal(sw_map_with(arena, map, "x", NULL), map);
    assert_json_as(sw_map_with(arena, NULL, "x", &SW_TRUE_VALUE), 0, "{\"x\":true}");
    assert_json_as(map, 0, "{\"a\":1,\"ab\":2,\"c\":3}");
    assert_json_as(sw_map_merge(arena, map, json("{\"0\":0,\"ab\":{},\"d\":4}")), 0, "{\"0\":0,\"a\":1,\"ab\":{},\"c\":3,\"d\":4}");
    assert_json_as(sw_map_merge(arena, NULL, NULL), 0, "{}");
}

static void equality(void **state) {
    (void)state;
    assert_true(sw_value_equal(NULL, &SW_NULL_VALUE));
    assert_true(sw_value_equal(sw_value_int(arena, 1), sw_value_real(arena, 1.0)));
    assert_false(sw_value_equal(sw_value_int(arena, INT64_MAX), sw_value_real(arena, 9223372036854775808.0)));
    assert_false(sw_value_equal(sw_value_int(arena, 9007199254740993), sw_value_real(arena, 9007199254740992.0)));
    assert_false(sw_value_equal(sw_value_str(arena, "1"), sw_value_int(arena, 1)));
    assert_false(sw_value_equal(sw_value_strn(arena, "a\0b", 3), sw_value_strn(arena, "a\0c", 3)));
    assert_true(sw_value_equal(sw_value_secret(arena, sw_value_str(arena, "x")), sw_value_str(arena, "x")));
    assert_false(sw_value_equal(sw_value_ref(arena, "a.b", "id"), sw_value_ref(arena, "a.b", "ip")));
    assert_false(sw_value_equal(&SW_UNKNOWN_VALUE, &SW_NULL_VALUE));
}

static void equal_values_have_equal_hashes(void **state) {
    (void)state;
    char a[65], b[65];
    sw_value_hash(sw_value_int(arena, 1), a);
    assert_string_equal(a, "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b"); /* sha256("1") */
    sw_value_hash(sw_value_real(arena, 1.0), b);
    assert_string_equal(a, b);
    sw_value_hash(sw_value_secret(arena, sw_value_int(arena, 1)), b);
    assert_string_equal(a, b);
    sw_value_hash(sw_value_str(arena, "1"), b);
    assert_string_not_equal(a, b);
    sw_value_hash(NULL, a);
    sw_value_hash(&SW_NULL_VALUE, b);
    assert_string_equal(a, b);
}

static void json_objects_of_our_own(void **state) {
    (void)state;
    const struct sw_value *parts[] = {sw_value_str(arena, "http://"), sw_value_ref(arena, "lab_node.n1", "address")};
    struct sw_pair pairs[] = {
        {"secret", sw_value_secret(arena, json("{\"password\":\"x\"}"))},
        {"ref", parts[1]},
        {"url", sw_value_concat(arena, parts, 2)},
        {"later", &SW_UNKNOWN_VALUE},
        {"bytes", sw_value_strn(arena, "\xff\x00", 2)},
    };
    const struct sw_value *v = sw_value_map(arena, pairs, 5);
    assert_json_as(v, 0,
                   "{\"bytes\":{\"$base64\":\"/wA=\"},\"later\":{\"$unknown\":true},"
                   "\"ref\":{\"$ref\":[\"lab_node.n1\",\"address\"]},\"secret\":\"(sensitive)\","
                   "\"url\":{\"$concat\":[\"http://\",{\"$ref\":[\"lab_node.n1\",\"address\"]}]}}");
    assert_json_as(v, SW_JSON_PLAIN,
                   "{\"bytes\":\"\xEF\xBF\xBD\\u0000\",\"later\":null,\"ref\":null,\"secret\":{\"password\":\"x\"},\"url\":null}");
    struct sw_str text = {0};
    sw_json_write(&text, v, SW_JSON_REVEAL);
    assert_non_null(strstr(text.p, "\"secret\":{\"$secret\":{\"password\":\"x\"}}"));
    const struct sw_value *back = NULL;
    assert_int_equal(sw_json_read(arena, text.p, text.len, 0, &back, NULL), 0);
    assert_true(sw_value_equal(v, back));
    assert_true(sw_get(back, "secret")->secret);
    assert_true(sw_get_path(back, "secret.password")->secret);
    sw_str_done(&text);
}

static void a_users_dollar_keys_stay_the_users(void **state) {
    (void)state;
    const struct sw_value *v = NULL, *back = NULL;
    const char *text = "{\"$ref\":[\"x.y\",\"id\"]}";
    assert_int_equal(sw_json_read(arena, text, strlen(text), SW_JSON_PLAIN, &v, NULL), 0);
    assert_int_equal(v->kind, SW_MAP);
    struct sw_str out = {0};
    sw_json_write(&out, v, 0);
    assert_string_equal(out.p, "{\"$map\":{\"$ref\":[\"x.y\",\"id\"]}}");
    assert_int_equal(sw_json_read(arena, out.p, out.len, 0, &back, NULL), 0);
    assert_true(sw_value_equal(v, back));
    sw_str_done(&out);
    /* A JSON schema's $ref is no reference of ours. */
    assert_int_equal(json("{\"$ref\":\"#/definitions/a\"}")->kind, SW_MAP);
    assert_int_equal(json("{\"$base64\":\"*\"}")->kind, SW_MAP);
}

static void json_round_trips(void **state) {
    (void)state;
    for (unsigned seed = 1; seed <= 400; seed++) {
        struct random_value r = {arena, seed, RANDOM_REFS | RANDOM_SECRETS | RANDOM_BYTES};
        const struct sw_value *v = random_value(&r, 5), *back = NULL;
        for (unsigned flags = SW_JSON_REVEAL; flags <= (SW_JSON_REVEAL | SW_JSON_PRETTY); flags += SW_JSON_PRETTY) {
            struct sw_str text = {0}, again = {0};
            sw_json_write(&text, v, flags);
            assert_int_equal(sw_json_read(arena, text.p, text.len, 0, &back, NULL), 0);
            assert_true(sw_value_equal(v, back));
            sw_json_write(&again, back, flags);
            assert_string_equal(text.p, again.p);
            sw_str_done(&text);
            sw_str_done(&again);
        }
    }
}

static void assert_no_json(const char *text, size_t len, int code, const char *message) {
    const struct sw_value *v = &SW_TRUE_VALUE;
    struct sw_err err = {0};
    assert_int_equal(sw_json_read(arena, text, len, 0, &v, &err), code);
    assert_ptr_equal(v, &SW_TRUE_VALUE);
    if (message) assert_string_equal(err.message, message);
    sw_err_done(&err);
}

static void hostile_json(void **state) {
    (void)state;
    assert_no_json("", 0, SW_EINVAL, NULL);
    assert_no_json("{\"a\":1,\"a\":2}", 13, SW_EINVAL, "not valid JSON: duplicate object key (line 1, column 10)");
    assert_no_json("[\"\xff\"]", 5, SW_EINVAL, NULL);
    assert_no_json("[1] x", 5, SW_EINVAL, NULL);
    assert_no_json("{\"a\\u0000b\":1}", 14, SW_EINVAL, NULL);
    struct sw_str deep = {0};
    for (int i = 0; i < 161; i++) sw_str_addc(&deep, '[');
    for (int i = 0; i < 161; i++) sw_str_addc(&deep, ']');
    assert_no_json(deep.p, deep.len, SW_ELIMIT, "JSON is nested deeper than 160 levels");
    const struct sw_value *v;
    assert_int_equal(sw_json_read(arena, deep.p + 1, deep.len - 2, 0, &v, NULL), 0);
    sw_str_clear(&deep);
    for (int i = 0; i < 1000000; i++) sw_str_addc(&deep, '[');
    assert_no_json(deep.p, deep.len, SW_EINVAL, NULL);
    sw_str_done(&deep);
    /* An error never repeats the document: it may be a secret. */
    struct sw_err err = {0};
    assert_int_equal(sw_json_read(arena, "{\"a\": hunter2}", 14, 0, &v, &err), SW_EINVAL);
    assert_null(strstr(err.message, "hunter2"));
    sw_err_done(&err);
}

static void json_numbers_and_texts(void **state) {
    (void)state;
    assert_json_as(json("[9223372036854775807,-9223372036854775808,1e2,0.1,-0.0]"), 0,
                   "[9223372036854775807,-9223372036854775808,100.0,0.1,-0.0]");
    const struct sw_value *big = json("[18446744073709551616, 5]");
    assert_int_equal(big->list.v[0]->kind, SW_REAL);
    assert_int_equal(big->list.v[1]->kind, SW_INT);
    assert_json_as(sw_value_real(arena, NAN), 0, "null");
    assert_json_as(sw_value_str(arena, "\"\\/\n\t\r\x01\x7f\xc3\xa9"), 0, "\"\\\"\\\\/\\n\\t\\r\\u0001\\u007f\xc3\xa9\"");
    assert_json_as(json("\"a\\u0000b\""), 0, "\"a\\u0000b\"");
    assert_json_as(json("{\"b\":[1,{}],\"a\":[]}"), SW_JSON_PRETTY, "{\n  \"a\": [],\n  \"b\": [\n    1,\n    {}\n  ]\n}");
}

static const struct sw_value *lookup(const char *address, const char *path, void *ctx) {
    (*(size_t *)ctx)++;
    if (strcmp(address, "n.gone") == 0) return NULL;
    if (strcmp(path, "password") == 0) return sw_value_secret(arena, sw_value_str(arena, "hunter2"));
    if (strcmp(path, "port") == 0) return sw_value_int(arena, 6443);
    return sw_value_str(arena, "10.0.0.1");
}

static void resolve_replaces_and_shares(void **state) {
    (void)state;
    size_t calls = 0;
    const struct sw_value *v =
        json("{\"deep\":{\"a\":[1,2,{\"x\":\"y\"}]},\"ip\":{\"$ref\":[\"n.n1\",\"ip\"]},"
             "\"url\":{\"$concat\":[\"https://\",{\"$ref\":[\"n.n1\",\"ip\"]},\":\",{\"$ref\":[\"n.n1\",\"port\"]}]},"
             "\"gone\":{\"$ref\":[\"n.gone\",\"ip\"]},"
             "\"half\":{\"$concat\":[\"a\",{\"$ref\":[\"n.gone\",\"ip\"]}]},"
             "\"secret\":[{\"$concat\":[\"p:\",{\"$ref\":[\"n.n1\",\"password\"]}]}]}");
    const struct sw_value *r = sw_value_resolve(arena, v, lookup, &calls);
    assert_int_equal(calls, 6);
    assert_string_equal(sw_get_str(r, "url", ""), "https://10.0.0.1:6443");
    assert_string_equal(sw_get_str(r, "ip", ""), "10.0.0.1");
    assert_int_equal(sw_get(r, "gone")->kind, SW_UNKNOWN);
    assert_true(sw_value_has_unknown(sw_get(r, "half")));
    assert_true(sw_get_path(r, "secret.0")->secret);
    assert_string_equal(sw_get_path(r, "secret.0")->s.p, "p:hunter2");
    assert_ptr_equal(sw_get(r, "deep"), sw_get(v, "deep"));
    assert_ptr_equal(sw_value_resolve(arena, sw_get(v, "deep"), lookup, &calls), sw_get(v, "deep"));
    assert_true(sw_value_has_unknown(v));
    assert_true(sw_value_has_secret(r));
    assert_false(sw_value_has_secret(v));
    assert_null(sw_value_resolve(arena, NULL, lookup, &calls));
}

static void count_ref(const char *address, const char *path, void *ctx) {
    (void)address;
    (void)path;
    ++*(size_t *)ctx;
}

static void each_ref_copy_and_secret(void **state) {
    (void)state;
    size_t n = 0;
    const struct sw_value *v = json("[{\"$ref\":[\"a.b\",\"c\"]},{\"x\":{\"$concat\":[{\"$ref\":[\"a.b\",\"d\"]},\"z\"]}}]");
    sw_value_each_ref(v, count_ref, &n);
    assert_int_equal(n, 2);
    struct sw_arena *other = sw_arena_new();
    const struct sw_value *copy = sw_value_copy(other, v);
    assert_true(sw_value_equal(copy, v));
    assert_ptr_not_equal(copy->list.v[0], v->list.v[0]);
    sw_arena_free(other);
    const struct sw_value *secret = sw_value_secret(arena, v);
    assert_true(secret->list.v[0]->secret);
    assert_ptr_equal(sw_value_secret(arena, secret), secret);
    assert_false(v->secret);
}

static void formats(void **state) {
    (void)state;
    assert_format(json("{\"a\":1,\"b c\":[true,null,\"x\\n\\\"\"]}"), 0, "{a = 1, \"b c\" = [true, null, \"x\\n\\\"\"]}");
    assert_format(sw_value_secret(arena, sw_value_int(arena, 5)), 80, "(sensitive)");
    assert_format(&SW_UNKNOWN_VALUE, 80, "(known after apply)");
    assert_format(sw_value_str(arena, "0123456789"), 6, "\"0123…");
    assert_format(sw_value_str(arena, "\xed\x95\x9c\xea\xb8\x80"), 5, "\"\xed\x95\x9c…");
    assert_format(sw_value_str(arena, "ab"), 4, "\"ab\"");
    assert_format(sw_value_strn(arena, "a\0\033[2J", 6), 0, "\"a\\x00\\x1b[2J\"");
    assert_format(NULL, 80, "null");
    struct sw_str big = {0};
    for (int i = 0; i < 1000000; i++) sw_str_addc(&big, 'x');
    struct sw_str out = {0};
    sw_value_format(&out, sw_value_strn(arena, big.p, big.len), 40);
    assert_int_equal(sw_columns(out.p, out.len), 40);
    sw_str_done(&out);
    sw_str_done(&big);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(maps_are_sorted_and_the_last_wins),
        cmocka_unit_test(paths_and_fallbacks),
        cmocka_unit_test(with_and_merge),
        cmocka_unit_test(equality),
        cmocka_unit_test(equal_values_have_equal_hashes),
        cmocka_unit_test(json_objects_of_our_own),
        cmocka_unit_test(a_users_dollar_keys_stay_the_users),
        cmocka_unit_test(json_round_trips),
        cmocka_unit_test(hostile_json),
        cmocka_unit_test(json_numbers_and_texts),
        cmocka_unit_test(resolve_replaces_and_shares),
        cmocka_unit_test(each_ref_copy_and_secret),
        cmocka_unit_test(formats),
    };
    return cmocka_run_group_tests(tests, open_arena, close_arena);
}
