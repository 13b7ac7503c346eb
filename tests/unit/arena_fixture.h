/* An arena a test: cmocka_unit_test_setup_teardown(test, open_arena, close_arena). */
#ifndef SLIPWAY_TEST_ARENA_FIXTURE_H
#define SLIPWAY_TEST_ARENA_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "slipway/value.h"

static struct sw_arena *arena;

static inline int open_arena(void **state) {
    (void)state;
    arena = sw_arena_new();
    return 0;
}

static inline int close_arena(void **state) {
    (void)state;
    sw_arena_free(arena);
    return 0;
}

static inline const struct sw_value *json(const char *text) {
    const struct sw_value *v = NULL;
    assert_int_equal(sw_json_read(arena, text, strlen(text), 0, &v, NULL), 0);
    return v;
}

static inline void assert_json_as(const struct sw_value *v, unsigned flags, const char *expected) {
    struct sw_str text = {0};
    sw_json_write(&text, v, flags);
    assert_string_equal(sw_str_z(&text), expected);
    sw_str_done(&text);
}

static inline void assert_json(const struct sw_value *v, const char *expected) {
    assert_json_as(v, 0, expected);
}

#endif
