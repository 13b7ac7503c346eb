/* What the model's tests share: a directory of their own, files as bytes, errors as text. */
#ifndef SLIPWAY_TEST_MODEL_SUPPORT_H
#define SLIPWAY_TEST_MODEL_SUPPORT_H

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "slipway/clock.h"
#include "slipway/file.h"
#include "slipway/state.h"
#include "state_internal.h"

struct fixture {
    char dir[64];   /* of the test */
    char state[96]; /* dir/state: does not exist yet */
    char db[128];   /* dir/state/state.db */
    struct sw_arena *arena;
    struct sw_err err;
};

static int setup(void **data) {
    struct fixture *f = calloc(1, sizeof *f);
    unsetenv("SLIPWAY_STATE_KEY");
    snprintf(f->dir, sizeof f->dir, "/tmp/slipway-model-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->state, sizeof f->state, "%s/state", f->dir);
    snprintf(f->db, sizeof f->db, "%s/state.db", f->state);
    f->arena = sw_arena_new();
    *data = f;
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw) {
    (void)st, (void)kind, (void)ftw;
    return remove(path);
}

static int teardown(void **data) {
    struct fixture *f = *data;
    nftw(f->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    sw_arena_free(f->arena);
    sw_err_done(&f->err);
    free(f);
    return 0;
}

/* rc is 0, or the test ends with the error's text. */
#define ok(f, call)                                                                                       \
    do {                                                                                                  \
        int rc_ = (call);                                                                                 \
        if (rc_) fail_msg("%s: %d %s", #call, rc_, (f)->err.message ? (f)->err.message : "(no message)"); \
    } while (0)

/* The call fails with `code`, says `text` somewhere, and gives a hint unless the code needs none. */
#define fails(f, want, text, call)                                                                           \
    do {                                                                                                     \
        int rc_ = (call);                                                                                    \
        assert_int_equal(rc_, (want));                                                                       \
        assert_int_equal((f)->err.code, (want));                                                             \
        if (!strstr((f)->err.message, (text))) fail_msg("'%s' does not say '%s'", (f)->err.message, (text)); \
        assert_null(strchr((f)->err.message, '\n'));                                                         \
        sw_err_done(&(f)->err);                                                                              \
    } while (0)

__attribute__((unused)) static struct sw_state *open_state(struct fixture *f) {
    struct sw_state *state = NULL;
    ok(f, sw_state_open(f->state, false, &state, &f->err));
    return state;
}

__attribute__((unused)) static struct sw_str read_bytes(const char *path) {
    struct sw_str s = {0};
    FILE *file = fopen(path, "rb");
    if (!file) return s;
    char buf[65536];
    size_t n;
    while ((n = fread(buf, 1, sizeof buf, file)) > 0) sw_str_add(&s, buf, n);
    fclose(file);
    return s;
}

__attribute__((unused)) static void write_bytes(const char *path, const void *p, size_t len) {
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(p, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

__attribute__((unused)) static bool file_holds(const char *path, const char *word) {
    struct sw_str s = read_bytes(path);
    bool found = s.len && memmem(s.p, s.len, word, strlen(word));
    sw_str_done(&s);
    return found;
}

__attribute__((unused)) static void assert_same_value(const struct sw_value *a, const struct sw_value *b) {
    struct sw_str x = {0}, y = {0};
    sw_json_write(&x, a, SW_JSON_REVEAL);
    sw_json_write(&y, b, SW_JSON_REVEAL);
    assert_string_equal(sw_str_z(&x), sw_str_z(&y));
    sw_str_done(&x);
    sw_str_done(&y);
}

__attribute__((unused)) static const struct sw_value *json(struct fixture *f, const char *text) {
    const struct sw_value *v = NULL;
    ok(f, sw_json_read(f->arena, text, strlen(text), 0, &v, &f->err));
    return v;
}

/* A map with every kind, a secret at every depth, and a few traps. */
__attribute__((unused)) static const struct sw_value *every_kind(struct fixture *f) {
    struct sw_arena *a = f->arena;
    const struct sw_value *parts[] = {sw_value_str(a, "https://"), sw_value_ref(a, "lab_node.n1", "address"), sw_value_int(a, 80)};
    const struct sw_value *secret_parts[] = {sw_value_str(a, "user:"), sw_value_secret(a, sw_value_str(a, "hunter2-part"))};
    const struct sw_value *items[] = {&SW_NULL_VALUE, sw_value_secret(a, sw_value_str(a, "hunter2-item")), sw_value_int(a, -7)};
    struct sw_pair pairs[] = {
        {"null", &SW_NULL_VALUE},
        {"yes", &SW_TRUE_VALUE},
        {"int", sw_value_int(a, INT64_MIN)},
        {"real", sw_value_real(a, 1.0)},
        {"real2", sw_value_real(a, 0.1)},
        {"text", sw_value_str(a, "caf\xc3\xa9 \"quoted\"\n")},
        {"bytes", sw_value_strn(a, "a\0\xff\xfe", 4)},
        {"list", sw_value_list(a, items, 3)},
        {"empty", &SW_EMPTY_LIST},
        {"none", &SW_EMPTY_MAP},
        {"ref", sw_value_ref(a, "lab_node.n1", "network.0.ip")},
        {"concat", sw_value_concat(a, parts, 3)},
        {"secret_concat", sw_value_concat(a, secret_parts, 2)},
        {"unknown", &SW_UNKNOWN_VALUE},
        {"secret", sw_value_secret(a, sw_value_str(a, "hunter2"))},
        {"secret_empty", sw_value_secret(a, sw_value_str(a, ""))},
        {"secret_int", sw_value_secret(a, sw_value_int(a, 424242))},
        {"secret_unknown", sw_value_secret(a, &SW_UNKNOWN_VALUE)},
        {"secret_map", sw_value_secret(a, json(f, "{\"a\": {\"b\": [\"hunter2-deep\"]}}"))},
        {"trap1", json(f, "{\"$sealed\": \"v1:AAAA\"}")},
        {"trap2", json(f, "{\"$sealed$\": 1}")},
        {"trap3", json(f, "{\"$map\": {\"$secret\": \"not really\"}}")},
    };
    return sw_value_map(a, pairs, sizeof pairs / sizeof pairs[0]);
}

#endif
