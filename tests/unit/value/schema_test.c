#include "arena_fixture.h"

#include "slipway/schema.h"
#include "slipway/vec.h"

#define TEXT(z) (&(const struct sw_value){.kind = SW_STR, .s = {(z), sizeof(z) - 1}})

static const struct sw_value *const STATES[] = {TEXT("present"), TEXT("absent")};
static const struct sw_value STATE_LIST = {.kind = SW_LIST, .list = {(const struct sw_value **)STATES, 2}};
static const struct sw_attr RULE[] = {
    {"from", SW_T_STRING, .required = true, .doc = "Where traffic comes from."},
    {"port", SW_T_INT, .fallback = &(const struct sw_value){.kind = SW_INT, .i = 443}},
};
static const struct sw_schema RULE_SCHEMA = {"rule", "A rule.", RULE, 2, false};
static const struct sw_attr FILE_ATTRS[] = {
    {"content", SW_T_STRING, .write_only = true, .doc = "The text."},
    {"hash", SW_T_STRING},
    {"id", SW_T_STRING, .computed = true},
    {"labels", SW_T_MAP, SW_T_STRING},
    {"mode", SW_T_STRING, .fallback = TEXT("0644"), .doc = "The mode, in octal."},
    {"path", SW_T_STRING, .required = true, .immutable = true, .doc = "The file's path."},
    {"ratio", SW_T_NUMBER},
    {"rules", SW_T_LIST, .object = &RULE_SCHEMA},
    {"size", SW_T_INT},
    {"state", SW_T_STRING, .one_of = &STATE_LIST},
    {"tags", SW_T_LIST, SW_T_STRING},
    {"token", SW_T_STRING, .sensitive = true},
    {"where", SW_T_MAP, .object = &RULE_SCHEMA},
};
static const struct sw_schema FILE_SCHEMA = {"file", "A file.", FILE_ATTRS, sw_countof(FILE_ATTRS), false};

static const struct sw_value *check(const char *text) {
    const struct sw_value *v = NULL;
    struct sw_err err = {0};
    int rc = sw_schema_check(&FILE_SCHEMA, json(text), (struct sw_pos){"site.lua", 7, 0}, arena, &v, &err);
    if (rc < 0) print_error("%s\n", err.message);
    assert_int_equal(rc, 0);
    return v;
}

static void assert_refused(const char *text, const char *message, const char *hint) {
    const struct sw_value *v = NULL;
    struct sw_err err = {0};
    assert_int_equal(sw_schema_check(&FILE_SCHEMA, json(text), (struct sw_pos){"site.lua", 7, 0}, arena, &v, &err), SW_EINVAL);
    assert_null(v);
    assert_string_equal(err.message, message);
    if (hint)
        assert_string_equal(err.hint, hint);
    else
        assert_null(err.hint);
    assert_string_equal(err.file, "site.lua");
    assert_int_equal(err.line, 7);
    sw_err_done(&err);
}

static void defaults_and_conversions(void **state) {
    (void)state;
    assert_json(check("{\"path\":\"/a\"}"), "{\"mode\":\"0644\",\"path\":\"/a\"}");
    assert_json(check("{\"path\":\"/a\",\"mode\":null,\"size\":\"22\",\"ratio\":\"1.5\"}"),
                "{\"mode\":\"0644\",\"path\":\"/a\",\"ratio\":1.5,\"size\":22}");
    assert_json(check("{\"path\":\"/a\",\"size\":3.0,\"rules\":{},\"labels\":[]}"),
                "{\"labels\":{},\"mode\":\"0644\",\"path\":\"/a\",\"rules\":[],\"size\":3}");
    assert_json(check("{\"path\":\"/a\",\"rules\":[{\"from\":\"x\"}],\"where\":{\"from\":\"y\",\"port\":1}}"),
                "{\"mode\":\"0644\",\"path\":\"/a\",\"rules\":[{\"from\":\"x\",\"port\":443}],\"where\":{\"from\":\"y\",\"port\":1}}");
    assert_true(sw_get(check("{\"path\":\"/a\",\"token\":\"x\"}"), "token")->secret);
    assert_json(
        check("{\"path\":{\"$ref\":[\"a.b\",\"c\"]},\"size\":{\"$unknown\":true},\"tags\":[{\"$ref\":[\"a.b\",\"c\"]}]}"),
        "{\"mode\":\"0644\",\"path\":{\"$ref\":[\"a.b\",\"c\"]},\"size\":{\"$unknown\":true},\"tags\":[{\"$ref\":[\"a.b\",\"c\"]}]}");
}

static void messages(void **state) {
    (void)state;
    assert_refused("{}", "'file' needs 'path' (a string)", "path: The file's path.");
    assert_refused("{\"path\":\"/a\",\"contnet\":1}", "'file' has no attribute 'contnet'", "did you mean 'content'?");
    assert_refused("{\"path\":\"/a\",\"xyzzy\":null}", "'file' has no attribute 'xyzzy'",
                   "it may hold: content, hash, labels, mode, path, ratio, rules, size, state, tags, token, where");
    assert_refused("{\"path\":\"/a\",\"mode\":420}", "'mode' of 'file' must be a string, not the number 420", "put it in quotes: \"420\"");
    assert_refused("{\"path\":\"/a\",\"mode\":[]}", "'mode' of 'file' must be a string, not a list", "mode: The mode, in octal.");
    assert_refused("{\"path\":\"/a\",\"size\":\"2x\"}", "'size' of 'file' must be a whole number, not the string \"2x\"", NULL);
    assert_refused("{\"path\":\"/a\",\"size\":1.5}", "'size' of 'file' must be a whole number, not the number 1.5", NULL);
    assert_refused("{\"path\":\"/a\",\"ratio\":\"0x10\"}", "'ratio' of 'file' must be a number, not the string \"0x10\"", NULL);
    assert_refused("{\"path\":\"/a\",\"tags\":\"one\"}", "'tags' of 'file' must be a list, not the string \"one\"",
                   "a list of one is written [ ... ] in YAML and { ... } in Lua");
    assert_refused("{\"path\":\"/a\",\"tags\":[\"a\",true]}", "'tags.1' of 'file' must be a string, not true",
                   "put it in quotes: \"true\"");
    assert_refused("{\"path\":\"/a\",\"labels\":{\"tier\":1}}", "'labels.tier' of 'file' must be a string, not the number 1",
                   "put it in quotes: \"1\"");
    assert_refused("{\"path\":\"/a\",\"state\":\"presnt\"}",
                   "'state' of 'file' must be \"present\" or \"absent\", not the string \"presnt\"", "did you mean 'present'?");
    assert_refused("{\"path\":\"/a\",\"token\":5}", "'token' of 'file' must be a string, not a number", NULL);
    assert_refused("{\"path\":\"/a\",\"id\":\"x\"}", "'id' of 'file' cannot be set: it is known only after apply", NULL);
    assert_refused("{\"path\":\"/a\",\"rules\":[{\"from\":\"x\"},{\"prot\":1,\"from\":\"x\"}]}", "'file' has no attribute 'rules.1.prot'",
                   "did you mean 'port'?");
    assert_refused("{\"path\":\"/a\",\"rules\":[{}]}", "'file' needs 'rules.0.from' (a string)", "from: Where traffic comes from.");
    assert_refused("[1]", "'file' must be a map, not a list", NULL);
}

static void position_of_the_value(void **state) {
    (void)state;
    struct sw_value mode = {.kind = SW_INT, .i = 420, .line = 12};
    const struct sw_value *v = sw_map_with(arena, json("{\"path\":\"/a\"}"), "mode", &mode), *ret = NULL;
    struct sw_err err = {0};
    assert_int_equal(sw_schema_check(&FILE_SCHEMA, v, (struct sw_pos){"x.yaml", 1, 1}, arena, &ret, &err), SW_EINVAL);
    assert_int_equal(err.line, 12);
    assert_int_equal(err.column, 0);
    sw_err_done(&err);
}

static void assert_diff(const char *before, const char *after, const char *const *ignore, const char *expected) {
    struct sw_attr_diff *diffs = NULL;
    size_t n = sw_schema_diff(&FILE_SCHEMA, before ? json(before) : NULL, json(after), ignore, arena, &diffs);
    struct sw_str text = {0};
    for (size_t i = 0; i < n; i++) sw_str_addf(&text, "%s%s%s", i ? " " : "", diffs[i].name, diffs[i].forces_replace ? "!" : "");
    assert_string_equal(sw_str_z(&text), expected);
    sw_str_done(&text);
}

static void diffs(void **state) {
    (void)state;
    const char *have = "{\"path\":\"/a\",\"mode\":\"0644\",\"hash\":\"1\",\"id\":\"i\",\"labels\":{\"a\":\"b\"},"
                       "\"where\":{\"from\":\"x\",\"port\":443},\"rules\":[{\"from\":\"x\",\"port\":443}],\"tags\":[]}";
    assert_diff(have, have, NULL, "");
    assert_diff(have, "{\"path\":\"/a\",\"content\":\"new\"}", NULL, "");
    assert_diff(have, "{\"path\":\"/a\",\"content\":\"new\",\"hash\":\"2\"}", NULL, "hash content");
    assert_diff(have, "{\"path\":\"/b\",\"mode\":\"0600\"}", NULL, "mode path!");
    assert_diff(have, "{\"path\":\"/b\",\"mode\":\"0600\"}", (const char *const[]){"path", NULL}, "mode");
    assert_diff(have, "{\"path\":{\"$unknown\":true}}", NULL, "path!");
    assert_diff(have, "{\"id\":\"other\"}", NULL, "");
    assert_diff(have, "{\"where\":{\"from\":\"x\"},\"rules\":[{\"from\":\"x\"}]}", NULL, "");
    assert_diff(have, "{\"where\":{\"from\":\"y\"},\"rules\":[{\"from\":\"x\",\"port\":1}]}", NULL, "rules where");
    assert_diff(have, "{\"labels\":{}}", NULL, "labels");
    assert_diff(have, "{\"tags\":{}}", NULL, "");
    assert_diff(have, "{\"size\":null}", NULL, "");
    assert_diff(have, "{\"extra\":1}", NULL, "extra");
    assert_diff(NULL, "{\"path\":\"/a\",\"content\":\"x\",\"mode\":\"0644\",\"size\":null}", NULL, "mode path content");
}

static void assert_text_diff(const char *a, const char *b, const char *expected) {
    struct sw_str out = {0};
    sw_text_diff(&out, a, strlen(a), b, strlen(b));
    assert_string_equal(sw_str_z(&out), expected);
    sw_str_done(&out);
}

static void text_diffs(void **state) {
    (void)state;
    assert_text_diff("a\nb\n", "a\nb\n", "");
    assert_text_diff("", "", "");
    assert_text_diff("", "a\n", "@@ -0,0 +1 @@\n+a\n");
    assert_text_diff("a\n", "", "@@ -1 +0,0 @@\n-a\n");
    assert_text_diff("a\nb\nc\n", "a\nB\nc\n", "@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n");
    assert_text_diff("a\n", "a", "@@ -1 +1 @@\n-a\n+a\n\\ No newline at end of file\n");
    assert_text_diff("1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n", "0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n",
                     "@@ -1,3 +1,4 @@\n+0\n 1\n 2\n 3\n@@ -9,4 +10,3 @@\n 9\n 10\n 11\n-12\n");
    assert_text_diff("a\nb\nc\na\nb\nb\na\n", "c\nb\na\nb\na\nc\n", "@@ -1,7 +1,6 @@\n-a\n-b\n c\n+b\n a\n b\n-b\n a\n+c\n");
}

/* Applies the diff's lines to check that it says the truth. Hunks without context gaps only: small texts. */
static void text_diff_round_trips(void **state) {
    (void)state;
    uint32_t seed = 1;
    for (int round = 0; round < 500; round++) {
        struct sw_str a = {0}, b = {0}, out = {0};
        for (int side = 0; side < 2; side++)
            for (int i = 0; i < 7; i++) {
                seed = seed * 1664525u + 1013904223u;
                sw_str_addf(side ? &b : &a, "%c\n", 'a' + (int)(seed >> 24) % 3);
            }
        sw_text_diff(&out, a.p, a.len, b.p, b.len);
        if (out.len) {
            struct sw_str from = {0}, to = {0};
            for (const char *p = strchr(out.p, '\n') + 1; *p; p = strchr(p, '\n') + 1) {
                size_t len = strcspn(p + 1, "\n") + 1;
                if (*p == '@') continue;
                if (*p != '+') sw_str_add(&from, p + 1, len);
                if (*p != '-') sw_str_add(&to, p + 1, len);
            }
            /* Equal ends beyond the context are not in the diff. */
            assert_non_null(strstr(a.p, sw_str_z(&from)));
            assert_non_null(strstr(b.p, sw_str_z(&to)));
            assert_int_equal(a.len - from.len, b.len - to.len);
            sw_str_done(&from);
            sw_str_done(&to);
        } else {
            assert_string_equal(a.p, b.p);
        }
        sw_str_done(&a);
        sw_str_done(&b);
        sw_str_done(&out);
    }
}

static void large_text_diffs_are_bounded(void **state) {
    (void)state;
    struct sw_str a = {0}, b = {0}, out = {0};
    for (int i = 0; i < 3000; i++) {
        sw_str_addf(&a, "a%d\n", i);
        sw_str_addf(&b, "b%d\n", i);
    }
    sw_text_diff(&out, a.p, a.len, b.p, b.len);
    assert_true(sw_starts_with(out.p, "@@ -1,3000 +1,3000 @@\n-a0\n"));
    sw_str_clear(&out);
    for (int i = 3000; i < 5000; i++) sw_str_addf(&a, "a%d\n", i);
    sw_text_diff(&out, a.p, a.len, b.p, b.len);
    assert_string_equal(out.p, "@@ too large to show: 5000 lines removed, 3000 lines added @@\n");
    sw_str_clear(&out);
    size_t len = a.len;
    sw_str_addz(&a, "more\n");
    sw_text_diff(&out, a.p, len, a.p, a.len);
    assert_string_equal(out.p, "@@ -4998,3 +4998,4 @@\n a4997\n a4998\n a4999\n+more\n");
    sw_str_done(&a);
    sw_str_done(&b);
    sw_str_done(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_and_conversions),
        cmocka_unit_test(messages),
        cmocka_unit_test(position_of_the_value),
        cmocka_unit_test(diffs),
        cmocka_unit_test(text_diffs),
        cmocka_unit_test(text_diff_round_trips),
        cmocka_unit_test(large_text_diffs_are_bounded),
    };
    return cmocka_run_group_tests(tests, open_arena, close_arena);
}
