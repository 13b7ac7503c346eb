/* YAML: within its limits whatever the text, and what is read and written reads back the same. */
#include "slipway/yaml.h"
#include "fuzz.h"

static const struct sw_yaml_limits LIMITS = {.max_bytes = 1 << 20, .max_nodes = 20000, .max_depth = 32};
enum { WRITTEN_MAX = 4 << 20 };

static int tag(void *ctx, struct sw_arena *arena, const char *name, const char *text, const struct sw_value **ret, struct sw_err *err) {
    (void)ctx;
    if (*name == 'n') return sw_err_set(err, SW_EREFUSED, "'!%s %s' is refused", name, text);
    *ret = *name == 'u' ? &SW_UNKNOWN_VALUE : sw_value_secret(arena, sw_value_str(arena, text));
    return 0;
}

static void check_limits(const struct sw_value *v, unsigned depth, size_t *nodes) {
    FUZZ_CHECK(depth <= LIMITS.max_depth);
    FUZZ_CHECK(++*nodes <= LIMITS.max_nodes);
    if (v->kind == SW_LIST)
        for (size_t i = 0; i < v->list.n; i++) check_limits(v->list.v[i], depth + 1, nodes);
    if (v->kind == SW_MAP)
        for (size_t i = 0; i < v->map.n; i++) {
            FUZZ_CHECK(i == 0 || strcmp(v->map.v[i - 1].key, v->map.v[i].key) < 0);
            check_limits(v->map.v[i].value, depth + 1, nodes);
        }
}

static void check_written(struct sw_arena *arena, const struct sw_value *v) {
    struct sw_str text = {.max = WRITTEN_MAX};
    struct sw_err err = {0};
    const struct sw_yaml_limits none = {.max_bytes = WRITTEN_MAX, .max_depth = LIMITS.max_depth};
    const struct sw_value *back = NULL;
    sw_yaml_write(&text, v);
    if (!text.overflow) { /* aliases make much of little */
        int rc = sw_yaml_read(arena, "written.yaml", sw_str_z(&text), text.len, &none, NULL, NULL, &back, &err);
        if (rc || !sw_value_equal(v, back)) fprintf(stderr, "written:\n%s\n%s\n", sw_str_z(&text), err.message ? err.message : "");
        FUZZ_CHECK(rc == 0);
        FUZZ_CHECK(sw_value_equal(v, back));
    }
    sw_err_done(&err);
    sw_str_done(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct sw_arena *arena = sw_arena_new();
    struct sw_err err = {0};
    const struct sw_value *v = NULL, *all = NULL;
    int rc = sw_yaml_read(arena, "fuzz.yaml", (const char *)data, size, &LIMITS, tag, NULL, &v, &err);
    fuzz_check_err(rc, &err);
    FUZZ_CHECK(!rc || (err.file && strcmp(err.file, "fuzz.yaml") == 0));
    sw_err_done(&err);
    if (v) {
        size_t nodes = 0;
        check_limits(v, 0, &nodes);
        if (!sw_value_has_unknown(v)) check_written(arena, v);
    }
    fuzz_check_err(sw_yaml_read_all(arena, "fuzz.yaml", (const char *)data, size, &LIMITS, &all, &err), &err);
    sw_err_done(&err);
    if (all) {
        FUZZ_CHECK(sw_is(all, SW_LIST));
        check_written(arena, all);
    }
    sw_arena_free(arena);
    return 0;
}
