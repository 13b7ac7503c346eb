/* JSON: what is read and written reads back the same, with the same hash, in all ways of writing. */
#include "fuzz.h"

static const struct sw_value *again(struct sw_arena *arena, const struct sw_value *v, unsigned flags) {
    struct sw_str text = {0};
    const struct sw_value *back = NULL;
    sw_json_write(&text, v, flags);
    FUZZ_CHECK(sw_utf8_valid(sw_str_z(&text), text.len) == text.len);
    FUZZ_CHECK(sw_json_read(arena, sw_str_z(&text), text.len, flags & SW_JSON_PLAIN, &back, NULL) == 0);
    sw_str_done(&text);
    return back;
}

static void check(struct sw_arena *arena, const struct sw_value *v, unsigned flags) {
    const struct sw_value *back = again(arena, v, flags);
    FUZZ_CHECK(sw_value_equal(v, back));
    FUZZ_CHECK(sw_value_has_secret(v) == sw_value_has_secret(back));
    FUZZ_CHECK(sw_value_has_unknown(v) == sw_value_has_unknown(back));
    char hash[65], back_hash[65];
    sw_value_hash(v, hash);
    sw_value_hash(back, back_hash);
    FUZZ_CHECK(strcmp(hash, back_hash) == 0);
}

static const struct sw_value *lookup(const char *address, const char *path, void *ctx) {
    (void)path;
    return *address == 'u' ? NULL : ctx;
}

static void use(struct sw_arena *arena, const struct sw_value *v) {
    struct sw_str text = {0};
    sw_value_format(&text, v, 0);
    sw_str_clear(&text);
    sw_value_format(&text, v, 20);
    FUZZ_CHECK(sw_columns(sw_str_z(&text), text.len) <= 20);
    sw_str_clear(&text);
    sw_json_write(&text, v, SW_JSON_PRETTY); /* "(sensitive)" */
    sw_str_done(&text);
    FUZZ_CHECK(sw_value_equal(v, sw_value_copy(arena, v)));
    FUZZ_CHECK(sw_value_equal(v, sw_value_secret(arena, v)));
    sw_value_resolve(arena, v, lookup, (void *)(uintptr_t)sw_value_str(arena, "x"));
    /* Once the plain form has lost what it cannot say, it loses no more. */
    const struct sw_value *plain = again(arena, v, SW_JSON_PLAIN);
    FUZZ_CHECK(sw_value_equal(plain, again(arena, plain, SW_JSON_PLAIN)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct sw_arena *arena = sw_arena_new();
    struct sw_err err = {0};
    const struct sw_value *v = NULL;
    fuzz_check_err(sw_json_read(arena, (const char *)data, size, 0, &v, &err), &err);
    if (v) {
        check(arena, v, SW_JSON_REVEAL);
        check(arena, v, SW_JSON_REVEAL | SW_JSON_PRETTY);
        use(arena, v);
    }
    sw_err_done(&err);
    v = NULL;
    fuzz_check_err(sw_json_read(arena, (const char *)data, size, SW_JSON_PLAIN, &v, &err), &err);
    if (v) {
        FUZZ_CHECK(sw_value_equal(v, again(arena, v, SW_JSON_PLAIN)));
        check(arena, v, SW_JSON_REVEAL); /* maps that look like ours are the user's here */
    }
    sw_err_done(&err);
    sw_arena_free(arena);
    return 0;
}
