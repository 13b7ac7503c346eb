/* When a freeze is on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <time.h>

#include "slipway/freeze.h"
#include "slipway/yaml.h"

static int64_t at(int year, int month, int day, int hour, int minute) {
    struct tm tm = {.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day, .tm_hour = hour, .tm_min = minute};
    return timegm(&tm);
}

static bool on(const char *freeze, int64_t now, struct sw_freeze *ret) {
    struct sw_arena *arena = sw_arena_new();
    struct sw_inventory inventory = {0};
    struct sw_freeze own;
    assert_int_equal(sw_yaml_read(arena, "t", freeze, strlen(freeze), NULL, NULL, NULL, &inventory.value, NULL), 0);
    bool found = sw_freeze_active(&inventory, now, ret ? ret : &own);
    if (found && ret) {
        assert_string_equal(ret->reason, "holidays");
        assert_string_equal(ret->until, "2027-01-03");
        assert_int_equal(ret->line, 2);
        ret->reason = ret->until = NULL;
    }
    sw_arena_free(arena);
    return found;
}

static void dates(void **state) {
    (void)state;
    struct sw_freeze freeze;
    const char *text = "freeze:\n- { from: 2026-12-20, to: 2027-01-03, reason: holidays }\n";
    assert_false(on(text, at(2026, 12, 19, 23, 59), NULL));
    assert_true(on(text, at(2026, 12, 20, 0, 0), &freeze));
    assert_true(on(text, at(2027, 1, 3, 23, 59), NULL));
    assert_false(on(text, at(2027, 1, 4, 0, 0), NULL));
    text = "freeze:\n- { from: 2026-12-20 18:00, to: 2026-12-21 08:30, utc_offset: \"+09:00\" }\n";
    assert_false(on(text, at(2026, 12, 20, 8, 59), NULL));
    assert_true(on(text, at(2026, 12, 20, 9, 0), NULL));
    assert_true(on(text, at(2026, 12, 20, 23, 29), NULL));
    assert_false(on(text, at(2026, 12, 20, 23, 30), NULL));
}

static void weeks(void **state) {
    (void)state;
    const char *text = "freeze:\n- { from: fri 18:00, to: mon 08:00 }\n";
    /* 2026-11-27 was a Friday. */
    assert_false(on(text, at(2026, 11, 27, 17, 59), NULL));
    assert_true(on(text, at(2026, 11, 27, 18, 0), NULL));
    assert_true(on(text, at(2026, 11, 29, 12, 0), NULL));
    assert_true(on(text, at(2026, 11, 30, 7, 59), NULL));
    assert_false(on(text, at(2026, 11, 30, 8, 0), NULL));
    text = "freeze:\n- { from: tue, to: wed }\n";
    assert_false(on(text, at(2026, 11, 30, 23, 59), NULL));
    assert_true(on(text, at(2026, 12, 1, 0, 0), NULL));
    assert_true(on(text, at(2026, 12, 2, 23, 59), NULL));
    assert_false(on(text, at(2026, 12, 3, 0, 0), NULL));
    text = "freeze:\n- { from: sun, to: sun, utc_offset: \"-05:00\" }\n";
    assert_false(on(text, at(2026, 11, 29, 4, 59), NULL));
    assert_true(on(text, at(2026, 11, 29, 5, 0), NULL));
    assert_true(on(text, at(2026, 11, 30, 4, 59), NULL));
    assert_false(on(text, at(2026, 11, 30, 5, 0), NULL));
}

static void several(void **state) {
    (void)state;
    assert_false(on("freeze: []\n", at(2026, 1, 1, 0, 0), NULL));
    assert_false(on("name: x\n", at(2026, 1, 1, 0, 0), NULL));
    assert_true(
        on("freeze:\n- { from: 2020-01-01, to: 2020-01-02 }\n- { from: 2026-01-01, to: 2026-01-01 }\n", at(2026, 1, 1, 12, 0), NULL));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(dates), cmocka_unit_test(weeks), cmocka_unit_test(several)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
