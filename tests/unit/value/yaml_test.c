#include "arena_fixture.h"

#include <sys/stat.h>
#include <unistd.h>

#include "random_value.h"
#include "slipway/file.h"
#include "slipway/yaml_tags.h"

static const struct sw_value *yaml(const char *text) {
    const struct sw_value *v = NULL;
    struct sw_err err = {0};
    int rc = sw_yaml_read(arena, "x.yaml", text, strlen(text), NULL, NULL, NULL, &v, &err);
    if (rc < 0) print_error("%u:%u: %s\n", err.line, err.column, err.message);
    assert_int_equal(rc, 0);
    return v;
}

static void assert_refused_n(const char *text, size_t len, int code, unsigned line, unsigned column, const char *message) {
    const struct sw_value *v = &SW_TRUE_VALUE;
    struct sw_err err = {0};
    assert_int_equal(sw_yaml_read(arena, "x.yaml", text, len, NULL, NULL, NULL, &v, &err), code);
    assert_ptr_equal(v, &SW_TRUE_VALUE);
    assert_string_equal(err.message, message);
    assert_string_equal(err.file, "x.yaml");
    assert_int_equal(err.line, line);
    assert_int_equal(err.column, column);
    sw_err_done(&err);
}

static void assert_refused(const char *text, unsigned line, unsigned column, const char *message) {
    assert_refused_n(text, strlen(text), SW_EINVAL, line, column, message);
}

static void core_schema(void **state) {
    (void)state;
    assert_json(yaml("[true, False, null, ~, 12, -3, +4, 0x1F, 0o17, 1.5, .5, 1e3, -1.5E-2]"),
                "[true,false,null,null,12,-3,4,31,15,1.5,0.5,1000.0,-0.015]");
    assert_json(yaml("[yes, on, 12:30, 1_000, 0644, 1.36.2, 0b1, 2001-01-01, '5', \"true\", -, 1e, .]"),
                "[\"yes\",\"on\",\"12:30\",\"1_000\",\"0644\",\"1.36.2\",\"0b1\",\"2001-01-01\",\"5\",\"true\",\"-\",\"1e\",\".\"]");
    assert_json(yaml("a: !!str 5\nb: !!int '7'\nc: !!float 2\nd: !!binary aGk=\ne: ! x\nf: !!map {}\ng: !!null ''"),
                "{\"a\":\"5\",\"b\":7,\"c\":2.0,\"d\":\"hi\",\"e\":\"x\",\"f\":{},\"g\":null}");
    assert_json(yaml("1: a\ntrue: b\n'': c"), "{\"\":\"c\",\"1\":\"a\",\"true\":\"b\"}");
    assert_json(yaml("big: 99999999999999999999\nmin: -9223372036854775808"), "{\"big\":1e+20,\"min\":-9223372036854775808}");
    assert_int_equal(yaml("")->kind, SW_NULL);
    assert_int_equal(yaml("# nothing\n")->kind, SW_NULL);
    assert_int_equal(yaml("\xEF\xBB\xBF{}")->kind, SW_MAP);
}

static void lines(void **state) {
    (void)state;
    const struct sw_value *v = yaml("a: 1\nb:\n  - x\n  - {c: true,\n     d: ~}\n");
    assert_int_equal(v->line, 1);
    assert_int_equal(sw_get(v, "a")->line, 1);
    assert_int_equal(sw_get(v, "b")->line, 3);
    assert_int_equal(sw_get_path(v, "b.1.c")->line, 4);
    assert_int_equal(sw_get_path(v, "b.1.d")->line, 5);
}

static void anchors_and_merge_keys(void **state) {
    (void)state;
    const struct sw_value *v = yaml("base: &b {x: 1, y: 2}\nmore: &m {y: 3, z: 4}\n"
                                    "one: {<<: *b, y: 9}\ntwo: {<<: [*b, *m]}\nthree: *b\nfour: {<<: *m, <<: *b}\n'<<': text\n");
    assert_json(v, "{\"<<\":\"text\",\"base\":{\"x\":1,\"y\":2},\"four\":{\"x\":1,\"y\":3,\"z\":4},\"more\":{\"y\":3,\"z\":4},"
                   "\"one\":{\"x\":1,\"y\":9},\"three\":{\"x\":1,\"y\":2},\"two\":{\"x\":1,\"y\":2,\"z\":4}}");
    assert_ptr_equal(sw_get(v, "three"), sw_get(v, "base"));
    assert_json(yaml("- &a 1\n- *a\n- &a 2\n- *a"), "[1,1,2,2]");
    assert_refused("a: {<<: 5}", 1, 5, "'<<' merges maps, and this is none");
    assert_refused("a: {<<: [[{}]]}", 1, 5, "'<<' merges maps, and this is none");
}

static void wrong_documents(void **state) {
    (void)state;
    assert_refused("a: 1\nb: 2\na: 3\n", 3, 1, "duplicate key 'a'");
    assert_refused("a: 1\nb: [1\nc: 2", 3, 2,
                   "not valid YAML: did not find expected ',' or ']' while parsing a flow sequence (which starts at line 2)");
    assert_refused("a: b: c", 1, 5, "not valid YAML: mapping values are not allowed in this context");
    assert_refused("a:\n\t- b", 2, 1, "not valid YAML: found character that cannot start any token");
    assert_refused("a: *b", 1, 4, "alias '*b' has no anchor");
    assert_refused("a: &x [1, *x]", 1, 11, "alias '*x' stands inside the value it names");
    assert_refused("&x a: 1", 1, 1, "a key takes no anchor");
    assert_refused("a: 1\n---\nb: 2", 2, 1, "a second document");
    assert_refused("a: !foo x", 1, 4, "unknown tag '!foo'");
    assert_refused("a: !!foo x", 1, 4, "unknown tag '!!foo'");
    assert_refused("a: !!python/object:os.system x", 1, 4, "unknown tag '!!python/object:os.system'");
    assert_refused("a: !<tag:example.org,2000:x> x", 1, 4, "unknown tag 'tag:example.org,2000:x'");
    assert_refused("a: !env [x]", 1, 4, "tag '!env' before a list: it takes a text");
    assert_refused("a: !!int x", 1, 4, "the text after '!!int' is not of that kind");
    assert_refused("a: !!binary '*'", 1, 4, "the text after '!!binary' is not base64");
    assert_refused("? [a]\n: b", 1, 3, "a key must be a text, not a list");
    assert_refused("{{ x }}: b", 1, 1, "a key must be a text, not a map");
    assert_refused("?\n: b", 1, 2, "no key before the ':'");
    assert_refused("a: \"x\\0y\"", 1, 4, "a NUL byte in a text");
    assert_refused_n("a: b\nc: \0", 9, SW_EINVAL, 2, 4, "not valid YAML: a NUL byte");
    assert_refused_n("a: \xc3\xa9\xff", 6, SW_EINVAL, 1, 5, "not valid YAML: byte 0xff is not UTF-8");
    assert_refused_n("\xff\xfe"
                     "a\0",
                     4, SW_EINVAL, 1, 1, "not valid YAML: byte 0xff is not UTF-8");
    assert_refused("a: \x01", 1, 4, "not valid YAML: control characters are not allowed");
}

static void hints(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"a:\n\t- b", "indent with spaces: YAML forbids tabs"},
        {"a: [1", "a ']' is missing, or a ','"},
        {"a: {b: 1", "a '}' is missing, or a ','"},
        {"a: 'x", "the closing quote is missing"},
        {"a: @b", "put a text that starts with '@' in quotes"},
        {"a: 1\na: 2", "the first one is on line 1"},
        {"a: b: c", "put a text that holds ': ' in quotes, or check the indentation"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sw_err err = {0};
        const struct sw_value *v;
        assert_int_equal(sw_yaml_read(arena, "x", cases[i][0], strlen(cases[i][0]), NULL, NULL, NULL, &v, &err), SW_EINVAL);
        assert_string_equal(err.hint, cases[i][1]);
        sw_err_done(&err);
    }
}

static void billion_laughs(void **state) {
    (void)state;
    struct sw_str text = {0};
    sw_str_addz(&text, "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]\n");
    for (int i = 1; i < 30; i++) {
        sw_str_addf(&text, "a%d: &a%d [", i, i);
        for (int j = 0; j < 10; j++) sw_str_addf(&text, "%s*a%d", j ? ", " : "", i - 1);
        sw_str_addz(&text, "]\n");
    }
    struct sw_arena *own = sw_arena_new();
    const struct sw_value *v;
    struct sw_err err = {0};
    assert_int_equal(sw_yaml_read(own, "x.yaml", text.p, text.len, NULL, NULL, NULL, &v, &err), SW_ELIMIT);
    assert_string_equal(err.message, "more than 1000000 values");
    assert_string_equal(err.hint, "an alias counts as all the values it stands for");
    assert_true(err.line > 1);
    assert_true(sw_arena_bytes(own) < 100000);
    sw_err_done(&err);
    /* The same by merge keys. */
    sw_str_clear(&text);
    sw_str_addz(&text, "a0: &a0 {x0: &b [1, 2, 3, 4, 5, 6, 7, 8, 9]}\n");
    for (int i = 1; i < 40; i++)
        sw_str_addf(&text, "a%d: &a%d {<<: [*a%d, *a%d, *a%d, *a%d], x%d: *b}\n", i, i, i - 1, i - 1, i - 1, i - 1, i);
    assert_int_equal(sw_yaml_read(own, "x.yaml", text.p, text.len, NULL, NULL, NULL, &v, &err), SW_ELIMIT);
    sw_err_done(&err);
    sw_str_done(&text);
    sw_arena_free(own);
}

static void limits(void **state) {
    (void)state;
    struct sw_str text = {0};
    const struct sw_value *v;
    struct sw_err err = {0};
    for (int i = 0; i < 100000; i++) sw_str_addc(&text, '[');
    assert_refused_n(text.p, text.len, SW_ELIMIT, 1, 65, "nested deeper than 64 levels");
    sw_str_clear(&text);
    /* Depth through aliases counts as well, or the printer's stack would pay. */
    sw_str_addz(&text, "- &a0 []\n");
    for (int i = 1; i < 100; i++) sw_str_addf(&text, "- &a%d [*a%d]\n", i, i - 1);
    assert_int_equal(sw_yaml_read(arena, "x", text.p, text.len, NULL, NULL, NULL, &v, &err), SW_ELIMIT);
    assert_string_equal(err.message, "nested deeper than 64 levels");
    sw_err_done(&err);
    struct sw_yaml_limits small = {.max_bytes = 10, .max_nodes = 4, .max_depth = 2};
    assert_int_equal(sw_yaml_read(arena, "x", "aaaaaaaaaaa", 11, &small, NULL, NULL, &v, &err), SW_ELIMIT);
    assert_string_equal(err.message, "'x' is larger than 10 bytes");
    sw_err_done(&err);
    assert_int_equal(sw_yaml_read(arena, "x", "[1,2,3]", 7, &small, NULL, NULL, &v, &err), 0);
    assert_int_equal(sw_yaml_read(arena, "x", "[1,2,3,4]", 9, &small, NULL, NULL, &v, &err), SW_ELIMIT);
    sw_err_done(&err);
    assert_int_equal(sw_yaml_read(arena, "x", "[[[]]]", 6, &small, NULL, NULL, &v, &err), SW_ELIMIT);
    sw_err_done(&err);
    /* libyaml takes quadratic time over these. */
    sw_str_clear(&text);
    for (int i = 0; i < 300000; i++) sw_str_addf(&text, "%%TAG !a%d! b\n", i);
    sw_str_addz(&text, "---\nx");
    assert_refused_n(text.p, text.len, SW_ELIMIT, 17, 1, "more than 16 %TAG lines");
    /* 100 MB is refused by its size alone. */
    size_t len = 100u << 20;
    char *big = sw_xcalloc(1, len);
    assert_int_equal(sw_yaml_read(arena, "x", big, len, NULL, NULL, NULL, &v, &err), SW_ELIMIT);
    free(big);
    sw_err_done(&err);
    sw_str_done(&text);
}

static void many_documents(void **state) {
    (void)state;
    const char *text = "---\n# empty\n---\na: 0644\n---\nb: &x 1\n...\n---\n- &x 2\n- *x\n";
    const struct sw_value *v = NULL;
    assert_int_equal(sw_yaml_read_all(arena, "m.yaml", text, strlen(text), NULL, &v, NULL), 0);
    assert_json(v, "[{\"a\":420},{\"b\":1},[2,2]]");
    assert_int_equal(v->list.v[1]->line, 6);
    struct sw_err err = {0};
    assert_int_equal(sw_yaml_read_all(arena, "m.yaml", "a: &x 1\n---\nb: *x", 18, NULL, &v, &err), SW_EINVAL);
    assert_int_equal(err.line, 3);
    sw_err_done(&err);
    assert_int_equal(sw_yaml_read_all(arena, "m.yaml", "", 0, NULL, &v, NULL), 0);
    assert_int_equal(v->list.n, 0);
}

static void writing(void **state) {
    (void)state;
    static const char *const json =
        "{\"a\":[1,[2,3],{\"x\":\"yy\",\"z\":[]}],\"b\":{},\"c\":\"yes\",\"d\":\"one\\ntwo\\n\",\"e\":\"x\\n\\n\",\"f\":\"\\tq\\n\","
        "\"g\":\"a: b\",\"h\":\"kube-system/x.y:z\",\"i\":1.5,\"j\":null,\"k l\":\"1.36.2\",\"true\":\"it's #1\"}";
    const struct sw_value *v = NULL;
    assert_int_equal(sw_json_read(arena, json, strlen(json), 0, &v, NULL), 0);
    struct sw_str out = {0};
    sw_yaml_write(&out, v);
    assert_string_equal(
        out.p, "a:\n  - 1\n  - - 2\n    - 3\n  - x: yy\n    z: []\nb: {}\nc: \"yes\"\nd: |\n  one\n  two\ne: |+\n  x\n\nf: \"\\tq\\n\"\n"
               "g: \"a: b\"\nh: kube-system/x.y:z\ni: 1.5\nj: null\nk l: \"1.36.2\"\n\"true\": \"it's #1\"\n");
    sw_str_done(&out);
}

static void written_values_read_back(void **state) {
    (void)state;
    for (unsigned seed = 1; seed <= 3000; seed++) {
        struct random_value r = {arena, seed, RANDOM_BYTES};
        const struct sw_value *v = random_value(&r, 5), *back = NULL;
        struct sw_str out = {0};
        struct sw_err err = {0};
        sw_yaml_write(&out, v);
        int rc = sw_yaml_read(arena, "x", out.p, out.len, NULL, NULL, NULL, &back, &err);
        if (rc < 0 || !sw_value_equal(v, back)) print_error("seed %u: %s\n%s", seed, err.message ? err.message : "differs", out.p);
        assert_int_equal(rc, 0);
        assert_true(sw_value_equal(v, back));
        sw_str_done(&out);
        sw_err_done(&err);
    }
    /* A key too long to be found by looking ahead. */
    struct sw_str key = {0}, out = {0};
    for (int i = 0; i < 3000; i++) sw_str_addc(&key, 'k');
    const struct sw_value *v = sw_map_with(arena, NULL, key.p, sw_value_str(arena, "x\ny")), *back = NULL;
    v = sw_value_list(arena, &v, 1);
    sw_yaml_write(&out, v);
    assert_int_equal(sw_yaml_read(arena, "x", out.p, out.len, NULL, NULL, NULL, &back, NULL), 0);
    assert_true(sw_value_equal(v, back));
    sw_str_done(&key);
    sw_str_done(&out);
}

/* Whatever the bytes: an answer, no crash, in time. */
static void mangled_documents(void **state) {
    (void)state;
    static const char text[] = "a: &x {b: [1, 'two', \"three\\n\"], <<: {c: d}}\ne: *x\nf: |\n  g\n  h\n? i\n: !!str j\n# k\nl: >-\n  m\n";
    uint32_t seed = 7;
    for (int round = 0; round < 20000; round++) {
        char copy[sizeof text];
        memcpy(copy, text, sizeof text);
        for (int i = 0; i < 3; i++) {
            seed = seed * 1664525u + 1013904223u;
            static const char bytes[] = "\n\t :-[]{}&*!|>'\"#%@,?\x01\xff~<";
            copy[(seed >> 8) % (sizeof text - 1)] = bytes[(seed >> 3) % (sizeof bytes - 1)];
        }
        struct sw_arena *own = sw_arena_new();
        const struct sw_value *v = NULL;
        struct sw_err err = {0};
        int rc = sw_yaml_read(own, "x", copy, sizeof text - 1, NULL, NULL, NULL, &v, &err);
        assert_true(rc == 0 ? v != NULL : err.message != NULL && err.line > 0);
        sw_err_done(&err);
        sw_arena_free(own);
    }
}

static int fake_vault(void *ctx, struct sw_arena *a, const char *text, const struct sw_value **ret, struct sw_err *err) {
    (void)err;
    ++*(int *)ctx;
    *ret = sw_value_str(a, sw_printf(a, "<%s>", text));
    return 0;
}

static int read_tagged(struct sw_tags *tags, const char *text, const struct sw_value **ret, struct sw_err *err) {
    return sw_yaml_read(arena, "i.yaml", text, strlen(text), NULL, sw_tags_read, tags, ret, err);
}

static void tags(void **state) {
    (void)state;
    char dir[] = "/tmp/slipway-tags-XXXXXX";
    assert_non_null(mkdtemp(dir));
    char *inside = sw_xprintf("%s/in", dir), *file = sw_xprintf("%s/in/f", dir), *outside = sw_xprintf("%s/out", dir),
         *key = sw_xprintf("%s/in/.slipway/key", dir), *link = sw_xprintf("%s/in/link", dir),
         *state_dir = sw_xprintf("%s/in/.slipway", dir);
    assert_int_equal(mkdir(inside, 0700), 0);
    assert_int_equal(mkdir(state_dir, 0700), 0);
    assert_int_equal(sw_file_write(file, "pass\n", 5, 0600, NULL), 0);
    assert_int_equal(sw_file_write(outside, "a\nb\n", 4, 0600, NULL), 0);
    assert_int_equal(sw_file_write(key, "k", 1, 0600, NULL), 0);
    assert_int_equal(symlink(outside, link), 0);
    setenv("SLIPWAY_TEST", "value", 1);
    unsetenv("SLIPWAY_TEST_NOT");
    int asked = 0;
    struct sw_tags t = {.dir = inside, .vault = fake_vault, .vault_ctx = &asked};
    const struct sw_value *v = NULL;
    struct sw_err err = {0};
    assert_int_equal(read_tagged(&t, "a: !env SLIPWAY_TEST\nb: !file f\nc: !vault \"s/d#k\"\nd: !file ../out", &v, &err), 0);
    assert_string_equal(sw_get_str(v, "a", ""), "value");
    assert_string_equal(sw_get_str(v, "b", ""), "pass");
    assert_string_equal(sw_get_str(v, "c", ""), "<s/d#k>");
    assert_string_equal(sw_get_str(v, "d", ""), "a\nb\n");
    assert_true(sw_get(v, "a")->secret && sw_get(v, "b")->secret && sw_get(v, "c")->secret);
    assert_int_equal(sw_get(v, "c")->line, 3);
    assert_int_equal(asked, 1);

    assert_int_equal(read_tagged(&t, "x: 1\na: !env SLIPWAY_TEST_NOT", &v, &err), SW_EINVAL);
    assert_string_equal(err.message, "environment variable 'SLIPWAY_TEST_NOT' is not set");
    assert_int_equal(err.line, 2);
    assert_int_equal(err.column, 4);
    sw_err_done(&err);
    assert_int_equal(read_tagged(&t, "a: !file missing", &v, &err), SW_ENOTFOUND);
    sw_err_done(&err);
    assert_int_equal(read_tagged(&t, "a: !evn X", &v, &err), SW_EINVAL);
    assert_string_equal(err.message, "unknown tag '!evn'");
    assert_string_equal(err.hint, "did you mean '!env'?");
    sw_err_done(&err);

    t.untrusted = true;
    static const char *const refused[] = {"a: !env SLIPWAY_TEST", "a: !file ../out", "a: !file link", "a: !file /etc/passwd",
                                          "a: !file .slipway/key"};
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        assert_int_equal(read_tagged(&t, refused[i], &v, &err), SW_EREFUSED);
        sw_err_done(&err);
    }
    assert_int_equal(read_tagged(&t, "a: !file f\nb: !vault x", &v, &err), 0);
    assert_string_equal(sw_get_str(v, "a", ""), "pass");
    assert_int_equal(sw_get(v, "b")->kind, SW_UNKNOWN);
    assert_true(sw_get(v, "b")->secret);
    assert_int_equal(asked, 1);

    char *command = sw_xprintf("rm -rf %s", dir);
    assert_int_equal(system(command), 0);
    free(command);
    free(inside);
    free(file);
    free(outside);
    free(key);
    free(link);
    free(state_dir);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(core_schema),
        cmocka_unit_test(lines),
        cmocka_unit_test(anchors_and_merge_keys),
        cmocka_unit_test(wrong_documents),
        cmocka_unit_test(hints),
        cmocka_unit_test(billion_laughs),
        cmocka_unit_test(limits),
        cmocka_unit_test(many_documents),
        cmocka_unit_test(writing),
        cmocka_unit_test(written_values_read_back),
        cmocka_unit_test(mangled_documents),
        cmocka_unit_test(tags),
    };
    return cmocka_run_group_tests(tests, open_arena, close_arena);
}
