/* XML: what is read is made of texts, lists and maps only, and is no deeper than the limit. */
#include "slipway/xml.h"
#include "fuzz.h"

static void check(const struct sw_value *v, int depth) {
    FUZZ_CHECK(depth <= 2 * 64); /* a list of its own for what comes more than once */
    FUZZ_CHECK(!v->secret);
    if (v->kind == SW_LIST) {
        for (size_t i = 0; i < v->list.n; i++) check(v->list.v[i], depth + 1);
    } else if (v->kind == SW_MAP) {
        FUZZ_CHECK(v->map.n > 0);
        for (size_t i = 0; i < v->map.n; i++) {
            const char *colon = strrchr(v->map.v[i].key, ':');
            FUZZ_CHECK(*v->map.v[i].key && (!colon || !colon[1]));
            FUZZ_CHECK(i == 0 || strcmp(v->map.v[i - 1].key, v->map.v[i].key) < 0);
            check(v->map.v[i].value, depth + 1);
        }
    } else {
        FUZZ_CHECK(v->kind == SW_STR);
        FUZZ_CHECK(sw_utf8_valid(v->s.p, v->s.len) == v->s.len);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const lists[] = {"item", "member", NULL};
    struct sw_arena *arena = sw_arena_new();
    struct sw_err err = {0};
    const struct sw_value *v = NULL;
    const char *name = NULL;
    fuzz_check_err(sw_xml_read(arena, (const char *)data, size, lists, &v, &name, &err), &err);
    if (v) {
        FUZZ_CHECK(name && *name);
        check(v, 0);
    }
    sw_err_done(&err);
    v = NULL;
    fuzz_check_err(sw_xml_read(arena, (const char *)data, size, NULL, &v, NULL, &err), &err);
    if (v) check(v, 0);
    sw_err_done(&err);
    sw_arena_free(arena);
    return 0;
}
