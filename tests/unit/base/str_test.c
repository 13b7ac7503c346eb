#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "slipway/clock.h"
#include "slipway/str.h"

static void grows_and_stops_at_its_limit(void **state) {
    (void)state;
    struct sw_str s = {.max = 10};
    assert_string_equal(sw_str_z(&s), "");
    sw_str_addz(&s, "abc");
    sw_str_addf(&s, "%d", 42);
    assert_false(s.overflow);
    sw_str_addz(&s, "0123456789");
    assert_true(s.overflow);
    assert_string_equal(s.p, "abc4201234");
    assert_int_equal(s.len, 10);
    sw_str_clear(&s);
    assert_string_equal(s.p, "");
    assert_false(s.overflow);
    char *text = sw_str_take(&s);
    assert_string_equal(text, "");
    free(text);
    assert_null(s.p);
    sw_str_done(&s);
}

static void shell_quoting_survives_a_shell(void **state) {
    (void)state;
    static const char *const texts[] = {"it's", "", "a b", "$HOME `id`", "'", "''", "-n", "a\nb", "\\", "!x", "~", "*"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct sw_str s = {0};
        sw_str_addz(&s, "printf %s ");
        sw_str_add_shell(&s, texts[i], strlen(texts[i]));
        FILE *f = popen(s.p, "r");
        char out[64] = "";
        size_t n = fread(out, 1, sizeof out - 1, f);
        out[n] = '\0';
        pclose(f);
        assert_string_equal(out, texts[i]);
        sw_str_done(&s);
    }
    struct sw_str s = {0};
    sw_str_add_shell(&s, "it's", 4);
    assert_string_equal(s.p, "'it'\\''s'");
    sw_str_done(&s);
}

static void base64_round_trips(void **state) {
    (void)state;
    unsigned char bytes[300];
    sw_random(bytes, sizeof bytes);
    for (size_t len = 0; len < sizeof bytes; len++) {
        struct sw_str text = {0}, back = {0};
        sw_str_add_base64(&text, bytes, len);
        assert_int_equal(text.len, (len + 2) / 3 * 4);
        assert_true(sw_base64_decode(text.p, text.len, &back));
        assert_int_equal(back.len, len);
        if (len) assert_memory_equal(back.p, bytes, len);
        sw_str_done(&text);
        sw_str_done(&back);
    }
}

static void base64_refuses_rubbish(void **state) {
    (void)state;
    static const char *const bad[] = {"A", "AA", "AAA", "AA=", "A===", "AA==AA==", "AAA*", "====", "=", "AAAA="};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct sw_str out = {0};
        assert_false(sw_base64_decode(bad[i], strlen(bad[i]), &out));
        sw_str_done(&out);
    }
    struct sw_str out = {0};
    assert_true(sw_base64_decode(" aGVs\nbG8= ", 11, &out));
    assert_string_equal(out.p, "hello");
    sw_str_done(&out);
}

static void printable_shows_what_a_terminal_would_obey(void **state) {
    (void)state;
    struct sw_str s = {0};
    sw_str_add_printable(&s, "a\033[2J\tb\n\x7f\xff\xc2\x9b \xe2\x80\xae \xc3\xa9", 19);
    assert_string_equal(s.p, "a\\x1b[2J\tb\n\\x7f\\xff\\xc2\\x9b \\xe2\\x80\\xae \xc3\xa9");
    sw_str_done(&s);
}

static void utf8(void **state) {
    (void)state;
    uint32_t code;
    assert_int_equal(sw_utf8_next("\xf0\x9f\x98\x80", 4, &code), 4);
    assert_int_equal(code, 0x1F600);
    static const char *const bad[] = {"\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\x80", "\xc3", "\xf8\x88\x80\x80"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) assert_int_equal(sw_utf8_next(bad[i], strlen(bad[i]), &code), 0);
    assert_int_equal(sw_utf8_valid("ab\xff", 3), 2);
    assert_int_equal(sw_utf8_valid("a\0b", 3), 3);
}

static void columns(void **state) {
    (void)state;
    assert_int_equal(sw_columns("abc", 3), 3);
    assert_int_equal(sw_columns("\033[1;31mred\033[0m", 14), 3);
    assert_int_equal(sw_columns("\xed\x95\x9c\xea\xb8\x80", 6), 4); /* Hangul */
    assert_int_equal(sw_columns("e\xcc\x81", 3), 1);                /* combining accent */
    assert_int_equal(sw_columns("\xf0\x9f\x9a\x80", 4), 2);
    assert_int_equal(sw_utf8_cut("\xed\x95\x9c\xea\xb8\x80", 6, 3), 3);
}

static void prefixes(void **state) {
    (void)state;
    assert_true(sw_starts_with("abc", "ab"));
    assert_false(sw_starts_with("a", "ab"));
    assert_true(sw_ends_with("a.yaml", ".yaml"));
    assert_false(sw_ends_with("l", ".yaml"));
    struct sw_str s = {0};
    sw_str_add_hex(&s, "\x00\xff\x1a", 3);
    assert_string_equal(s.p, "00ff1a");
    sw_str_done(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grows_and_stops_at_its_limit),
        cmocka_unit_test(shell_quoting_survives_a_shell),
        cmocka_unit_test(base64_round_trips),
        cmocka_unit_test(base64_refuses_rubbish),
        cmocka_unit_test(printable_shows_what_a_terminal_would_obey),
        cmocka_unit_test(utf8),
        cmocka_unit_test(columns),
        cmocka_unit_test(prefixes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
