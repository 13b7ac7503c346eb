#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "slipway/xml.h"

static const char *const LISTS[] = {"item", "member", NULL};

static void reads_as(const char *text, const char *name, const char *json) {
    struct sw_arena *arena = sw_arena_new();
    struct sw_err err = {0};
    struct sw_str out = {0};
    const struct sw_value *v = NULL;
    const char *got = NULL;
    if (sw_xml_read(arena, text, strlen(text), LISTS, &v, &got, &err)) fail_msg("%s: %s", text, err.message);
    sw_json_write(&out, v, SW_JSON_PLAIN);
    assert_string_equal(sw_str_z(&out), json);
    assert_string_equal(got, name);
    sw_str_done(&out);
    sw_arena_free(arena);
}

static void elements(void **state) {
    (void)state;
    reads_as("<a/>", "a", "\"\"");
    reads_as("<a></a>", "a", "\"\"");
    reads_as("<a> x </a>", "a", "\" x \"");
    reads_as("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<a>1</a>\n", "a", "\"1\"");
    reads_as("<a><b>1</b>\n<c/></a>", "a", "{\"b\":\"1\",\"c\":\"\"}");
    reads_as("<a><c>1</c><b><d>2</d></b></a>", "a", "{\"b\":{\"d\":\"2\"},\"c\":\"1\"}");
    reads_as("<n:a xmlns:n='u' x='y'><n:b n:i='j'>1</n:b></n:a>", "a", "{\"b\":\"1\"}");
    reads_as("<a>&lt;&gt;&amp;&quot;&apos;&#65;&#x2603;<!-- no --><![CDATA[<&>]]></a>", "a", "\"<>&\\\"'A\xe2\x98\x83<&>\"");
    reads_as("<a>dropped<b>1</b>too</a>", "a", "{\"b\":\"1\"}");
    reads_as("<a><b>x</b><b/>t</a>", "a", "{\"b\":[\"x\",\"\"]}");
}

static void lists(void **state) {
    (void)state;
    reads_as("<a><set><item>1</item></set></a>", "a", "{\"set\":[\"1\"]}");
    reads_as("<a><set><item><i>1</i></item><item><i>2</i></item></set><id>x</id></a>", "a",
             "{\"id\":\"x\",\"set\":[{\"i\":\"1\"},{\"i\":\"2\"}]}");
    reads_as("<a><set><item><set><item>1</item></set></item></set></a>", "a", "{\"set\":[{\"set\":[\"1\"]}]}");
    reads_as("<a><member>2</member><member>1</member></a>", "a", "[\"2\",\"1\"]");
    /* beside others, it is a member of its parent */
    reads_as("<a><item>1</item><more>true</more></a>", "a", "{\"item\":[\"1\"],\"more\":\"true\"}");
    reads_as("<a><item>1</item><member>2</member><item>3</item></a>", "a", "{\"item\":[\"1\",\"3\"],\"member\":[\"2\"]}");
    /* and what comes twice is a list, wherever it is */
    reads_as("<a><c>1</c><b>x</b><c>2</c></a>", "a", "{\"b\":\"x\",\"c\":[\"1\",\"2\"]}");

    struct sw_arena *arena = sw_arena_new();
    const struct sw_value *v;
    static const char text[] = "<a><item>1</item></a>";
    assert_int_equal(sw_xml_read(arena, text, strlen(text), NULL, &v, NULL, NULL), SW_OK);
    assert_string_equal(sw_get_str(v, "item", ""), "1");
    sw_arena_free(arena);
}

static void fails(const char *text, size_t len, int code, unsigned at, const char *words) {
    struct sw_arena *arena = sw_arena_new();
    struct sw_err err = {0};
    const struct sw_value *v = NULL;
    const char *name = NULL;
    assert_int_equal(sw_xml_read(arena, text, len, LISTS, &v, &name, &err), code);
    assert_int_equal(err.code, code);
    if (!strstr(err.message, words)) fail_msg("'%s' is not in '%s'", words, err.message);
    if (at) assert_int_equal(err.line, at);
    assert_null(v);
    sw_err_done(&err);
    assert_int_equal(sw_xml_read(arena, text, len, LISTS, &v, NULL, NULL), code);
    sw_arena_free(arena);
}

static void malformed(void **state) {
    (void)state;
    static const struct {
        const char *text;
        unsigned line;
        const char *words;
    } samples[] = {
        {"", 0, "not XML"},
        {"   ", 0, "not XML"},
        {"{\"a\": 1}", 1, "not XML"},
        {"<a>", 1, "not XML"},
        {"<a>\n<b>\n</a>", 3, "not XML"},
        {"<a></a><b/>", 1, "not XML"},
        {"<a x=1/>", 1, "not XML"},
        {"<a>\xff</a>", 1, "not XML"},
        {"<a>\n&nbsp;</a>", 2, "not XML"},
        {"<a>&#0;</a>", 1, "not XML"},
        {"<html><p>Service Unavailable<br></html>", 1, "not XML"},
        {"<!DOCTYPE a><a/>", 1, "document type"},
        {"<?xml version='1.0'?>\n<!DOCTYPE a [<!ENTITY x 'lol'><!ENTITY y '&x;&x;'>]>\n<a>&y;</a>", 2, "document type"},
        {"<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>", 1, "document type"},
    };
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++)
        fails(samples[i].text, strlen(samples[i].text), SW_EINVAL, samples[i].line, samples[i].words);
    fails("<a>\0</a>", 8, SW_EINVAL, 1, "not XML");
}

static void add(struct sw_str *s, const char *text, size_t times) {
    for (size_t i = 0; i < times; i++) sw_str_addz(s, text);
}

static void limits(void **state) {
    (void)state;
    struct sw_str text = {0};
    add(&text, "<a>", 64);
    add(&text, "</a>", 64);
    struct sw_arena *arena = sw_arena_new();
    const struct sw_value *v;
    assert_int_equal(sw_xml_read(arena, text.p, text.len, LISTS, &v, NULL, NULL), SW_OK);
    sw_arena_free(arena);

    sw_str_clear(&text);
    add(&text, "<a>", 65);
    fails(text.p, text.len, SW_ELIMIT, 1, "nested deeper than 64");

    sw_str_clear(&text);
    sw_str_addz(&text, "<a>\n");
    add(&text, "<b/>", 1000000);
    sw_str_addz(&text, "</a>");
    fails(text.p, text.len, SW_ELIMIT, 2, "1000000 elements");

    sw_str_clear(&text);
    add(&text, "<a>                                                             ", (size_t)1 << 20);
    sw_str_addc(&text, ' ');
    fails(text.p, text.len, SW_ELIMIT, 0, "64 MiB");
    sw_str_done(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(elements), cmocka_unit_test(lists), cmocka_unit_test(malformed),
                                       cmocka_unit_test(limits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
