#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "slipway/arena.h"
#include "slipway/clock.h"
#include "slipway/map.h"
#include "slipway/vec.h"

static void memory_is_zeroed_aligned_and_apart(void **state) {
    (void)state;
    struct sw_arena *arena = sw_arena_new();
    unsigned char *blocks[200];
    for (size_t i = 0; i < sw_countof(blocks); i++) {
        size_t size = i * 37 % 5000;
        blocks[i] = sw_alloc(arena, size);
        assert_int_equal((uintptr_t)blocks[i] % _Alignof(max_align_t), 0);
        for (size_t j = 0; j < size; j++) assert_int_equal(blocks[i][j], 0);
        memset(blocks[i], (int)i, size);
    }
    for (size_t i = 0; i < sw_countof(blocks); i++)
        for (size_t j = 0; j < i * 37 % 5000; j++) assert_int_equal(blocks[i][j], (unsigned char)i);
    sw_arena_free(arena);
    sw_arena_free(NULL);
}

static void small_arenas_are_small(void **state) {
    (void)state;
    struct sw_arena *arena = sw_arena_new();
    sw_alloc(arena, 100);
    assert_true(sw_arena_bytes(arena) < 4096);
    sw_alloc(arena, 1000000);
    size_t before = sw_arena_bytes(arena);
    assert_true(before < 1010000);
    sw_alloc(arena, 100); /* the first chunk still has room */
    assert_true(sw_arena_bytes(arena) - before < 200);
    sw_arena_free(arena);
}

static void strings(void **state) {
    (void)state;
    struct sw_arena *arena = sw_arena_new();
    assert_null(sw_strdup(arena, NULL));
    assert_string_equal(sw_strdup(arena, "abc"), "abc");
    assert_memory_equal(sw_strndup(arena, "a\0b", 3), "a\0b", 4);
    assert_string_equal(sw_printf(arena, "%s-%d", "n", 7), "n-7");
    char wide[2000];
    memset(wide, 'x', sizeof wide - 1);
    wide[sizeof wide - 1] = '\0';
    assert_string_equal(sw_printf(arena, "%s", wide), wide);
    sw_arena_free(arena);
}

static void map_holds_many(void **state) {
    (void)state;
    struct sw_arena *arena = sw_arena_new();
    struct sw_map map = {0};
    assert_null(sw_map_find(&map, "nothing"));
    static int values[20000];
    for (size_t i = 0; i < sw_countof(values); i++) assert_null(sw_map_set(&map, sw_printf(arena, "key-%zu", i), &values[i]));
    assert_int_equal(map.n, sw_countof(values));
    for (size_t i = 0; i < sw_countof(values); i++) {
        char key[32];
        snprintf(key, sizeof key, "key-%zu", i);
        assert_ptr_equal(sw_map_find(&map, key), &values[i]);
    }
    assert_null(sw_map_find(&map, "key-20000"));
    assert_ptr_equal(sw_map_set(&map, "key-5", &values[6]), &values[5]);
    assert_int_equal(map.n, sw_countof(values));
    sw_map_done(&map);
    assert_null(sw_map_find(&map, "key-5"));
    sw_arena_free(arena);
}

static void times_and_chance(void **state) {
    (void)state;
    char buf[32];
    assert_string_equal(sw_format_time(0, buf), "1970-01-01T00:00:00Z");
    assert_string_equal(sw_format_time(1795776900000, buf), "2026-11-27T10:55:00Z");
    assert_string_equal(sw_format_time(-1, buf), "1969-12-31T23:59:59Z");
    assert_string_equal(sw_format_duration(0, buf), "0.0s");
    assert_string_equal(sw_format_duration(440, buf), "0.4s");
    assert_string_equal(sw_format_duration(9960, buf), "10s");
    assert_string_equal(sw_format_duration(12000, buf), "12s");
    assert_string_equal(sw_format_duration(59700, buf), "1m00s");
    assert_string_equal(sw_format_duration(185000, buf), "3m05s");
    assert_string_equal(sw_format_duration(7800000, buf), "2h10m");
    uint64_t a = 0, b = 0;
    sw_random(&a, sizeof a);
    sw_random(&b, sizeof b);
    assert_true(a != b);
    assert_true(sw_now_ms() <= sw_now_ms());
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_zeroed_aligned_and_apart),
        cmocka_unit_test(small_arenas_are_small),
        cmocka_unit_test(strings),
        cmocka_unit_test(map_holds_many),
        cmocka_unit_test(times_and_chance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
