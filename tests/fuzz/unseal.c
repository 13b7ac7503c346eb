/* Secrets at rest. Two texts: the first is a sealed text, or JSON that may hold some; the second is where the first is damaged.
 * Nothing opens but what was sealed, and what was sealed opens to the same. */
#include "fuzz.h"
#include "slipway/state.h"

static const char CONTEXT[] = "fuzz";

static void check_text(const char *text, size_t len) {
    char *z = sw_xstrndup(text, len);
    struct sw_str plain = {0};
    struct sw_err err = {0};
    fuzz_check_err(sw_unseal(FUZZ_KEY, CONTEXT, z, &plain, &err), &err);
    sw_err_done(&err);
    sw_str_done(&plain);
    free(z);
}

/* Sealed, opened, then with one byte changed and with another context. */
static void check_seal(const char *text, size_t len, size_t damage) {
    struct sw_str sealed = {0}, plain = {0};
    FUZZ_CHECK(sw_seal(FUZZ_KEY, CONTEXT, text, len, &sealed) == 0);
    FUZZ_CHECK(sw_unseal(FUZZ_KEY, CONTEXT, sealed.p, &plain, NULL) == 0);
    FUZZ_CHECK(plain.len == len && memcmp(sw_str_z(&plain), text, len) == 0);
    sw_str_clear(&plain);
    FUZZ_CHECK(sw_unseal(FUZZ_KEY, "another", sealed.p, &plain, NULL) < 0 && plain.len == 0);
    char *byte = &sealed.p[damage % (sealed.len - 2)]; /* not in the padding, whose neighbour has bits that do not count */
    if (sealed.len - 4 > damage % (sealed.len - 2)) {
        *byte = *byte == 'A' ? 'B' : 'A';
        FUZZ_CHECK(sw_unseal(FUZZ_KEY, CONTEXT, sealed.p, &plain, NULL) < 0 && plain.len == 0);
    }
    sw_str_done(&sealed);
    sw_str_done(&plain);
}

static void check_value(struct sw_arena *arena, const struct sw_value *v) {
    if (fuzz_depth(v) > FUZZ_DEPTH_MAX) return;
    struct sw_str sealed = {0};
    struct sw_err err = {0};
    const struct sw_value *back = NULL;
    sw_value_seal(&sealed, v, FUZZ_KEY, CONTEXT);
    int rc = sw_value_unseal(arena, sw_str_z(&sealed), sealed.len, FUZZ_KEY, CONTEXT, &back, &err);
    if (rc) fprintf(stderr, "%s\n", err.message);
    FUZZ_CHECK(rc == 0);
    FUZZ_CHECK(sw_value_equal(v, back));
    struct sw_str one = {0}, two = {0};
    sw_json_write(&one, v, SW_JSON_REVEAL);
    sw_json_write(&two, back, SW_JSON_REVEAL);
    FUZZ_CHECK(one.len == two.len && memcmp(sw_str_z(&one), sw_str_z(&two), one.len) == 0); /* the marks, too */
    sw_str_done(&one);
    sw_str_done(&two);
    sw_str_done(&sealed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct fuzz_halves in = fuzz_halves(data, size);
    struct sw_arena *arena = sw_arena_new();
    struct sw_err err = {0};
    const struct sw_value *v = NULL;
    check_text(in.a, in.a_len);
    check_seal(in.a, in.a_len, in.b_len > 1 ? (size_t)(unsigned char)in.b[0] << 8 | (unsigned char)in.b[1] : in.b_len);
    fuzz_check_err(sw_value_unseal(arena, in.a, in.a_len, FUZZ_KEY, CONTEXT, &v, &err), &err);
    if (v) check_value(arena, v);
    sw_err_done(&err);
    v = NULL;
    if (sw_json_read(arena, in.a, in.a_len, 0, &v, NULL) == 0) check_value(arena, v);
    sw_arena_free(arena);
    return 0;
}
