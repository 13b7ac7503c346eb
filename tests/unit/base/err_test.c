#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "slipway/err.h"
#include "slipway/vec.h"

static void first_message_stays(void **state) {
    (void)state;
    struct sw_err err = {0};
    assert_int_equal(sw_err_set(&err, SW_ETIMEOUT, "no answer within %d s", 10), SW_ETIMEOUT);
    assert_int_equal(sw_err_set(&err, SW_EIO, "later"), SW_EIO);
    assert_int_equal(err.code, SW_ETIMEOUT);
    assert_string_equal(err.message, "no answer within 10 s");
    sw_err_hint(&err, "first %s", "hint");
    sw_err_hint(&err, "second");
    assert_string_equal(err.hint, "first hint");
    sw_err_at(&err, (struct sw_pos){"a.yaml", 3, 4});
    sw_err_at(&err, (struct sw_pos){"b.yaml", 5, 6});
    assert_string_equal(err.file, "a.yaml");
    assert_int_equal(err.line, 3);
    sw_err_done(&err);
    assert_int_equal(err.code, 0);
    assert_null(err.message);
}

static void null_is_fine(void **state) {
    (void)state;
    assert_int_equal(sw_err_set(NULL, SW_EIO, "x"), SW_EIO);
    assert_int_equal(sw_err_frame(NULL, "x"), SW_EINTERNAL);
    sw_err_hint(NULL, "x");
    sw_err_at(NULL, (struct sw_pos){"f", 1, 1});
    sw_err_detail(NULL, "x", 1);
    sw_err_done(NULL);
}

static void frames_move_and_copy(void **state) {
    (void)state;
    struct sw_err err = {0}, copy = {0}, moved = {0};
    sw_err_set(&err, SW_EREMOTE, "exit status 1");
    assert_int_equal(sw_err_frame(&err, "running '%s'", "true"), SW_EREMOTE);
    sw_err_frame(&err, "planning 'n1'");
    sw_err_copy(&copy, &err);
    sw_err_set(&moved, SW_EIO, "freed by the move");
    sw_err_move(&moved, &err);
    assert_int_equal(err.code, 0);
    assert_int_equal(moved.n_frames, 2);
    assert_string_equal(moved.frames[0], "running 'true'");
    assert_string_equal(moved.frames[1], "planning 'n1'");
    sw_err_done(&moved);
    assert_int_equal(copy.n_frames, 2);
    assert_string_equal(copy.message, "exit status 1");
    sw_err_done(&copy);
}

static void detail_keeps_the_end(void **state) {
    (void)state;
    struct sw_err err = {0};
    size_t len = 40000;
    char *text = sw_xmalloc(len);
    memset(text, 'a', len);
    memcpy(text + len - 4, "last", 4);
    sw_err_detail(&err, text, len);
    assert_int_equal(strlen(err.detail), 16 * 1024);
    assert_string_equal(err.detail + 16 * 1024 - 4, "last");
    free(text);
    sw_err_done(&err);
}

static void nearest(void **state) {
    (void)state;
    static const char *const words[] = {"content", "mode", "owner", "labels", "control-plane"};
    size_t n = sw_countof(words);
    assert_string_equal(sw_nearest("contnet", words, n), "content");
    assert_string_equal(sw_nearest("lables", words, n), "labels");
    assert_string_equal(sw_nearest("mod", words, n), "mode");
    assert_string_equal(sw_nearest("controlplane", words, n), "control-plane");
    assert_null(sw_nearest("elephant", words, n));
    assert_null(sw_nearest("", words, n));
    assert_null(sw_nearest("x", words, n));
    char long_word[5000];
    memset(long_word, 'a', sizeof long_word - 1);
    long_word[sizeof long_word - 1] = '\0';
    assert_null(sw_nearest(long_word, words, n));
}

static void code_names(void **state) {
    (void)state;
    assert_string_equal(sw_code_name(SW_EUNREACHABLE), "unreachable");
    assert_string_equal(sw_code_name(SW_ELOCKED), "locked");
    assert_string_equal(sw_code_name(-99), "unknown");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_message_stays),  cmocka_unit_test(null_is_fine), cmocka_unit_test(frames_move_and_copy),
        cmocka_unit_test(detail_keeps_the_end), cmocka_unit_test(nearest),      cmocka_unit_test(code_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
