/* The schema check. Two JSON texts, before and after: what was checked passes again unchanged, and differs in nothing from itself. */
#include "fuzz.h"
#include "slipway/inventory.h"
#include "slipway/vec.h"

#define TEXT(z) (&(const struct sw_value){.kind = SW_STR, .s = {(z), sizeof(z) - 1}})

static const struct sw_value *const SIZES[] = {TEXT("large"), TEXT("small")};
static const struct sw_value SIZE = {.kind = SW_LIST, .list = {(const struct sw_value **)(uintptr_t)SIZES, 2}};
static const struct sw_value PORT = {.kind = SW_INT, .i = 22};

static const struct sw_attr RULE_ATTRS[] = {
    {"from", SW_T_STRING, .required = true},
    {"port", SW_T_INT, .fallback = &PORT},
    {"token", SW_T_STRING, .sensitive = true, .write_only = true},
};
static const struct sw_schema RULE = {"rule", "", RULE_ATTRS, sw_countof(RULE_ATTRS), false};
static const struct sw_attr ATTRS[] = {
    {"any", SW_T_ANY},
    {"count", SW_T_INT},
    {"enabled", SW_T_BOOL, .fallback = &SW_TRUE_VALUE},
    {"id", SW_T_STRING, .computed = true},
    {"labels", SW_T_MAP, SW_T_STRING},
    {"limits", SW_T_MAP, SW_T_NUMBER, .sensitive = true},
    {"name", SW_T_STRING, .immutable = true},
    {"ports", SW_T_LIST, SW_T_INT},
    {"ratio", SW_T_NUMBER},
    {"rule", SW_T_MAP, .object = &RULE},
    {"rules", SW_T_LIST, .object = &RULE},
    {"secret", SW_T_STRING, .sensitive = true, .write_only = true},
    {"size", SW_T_STRING, .one_of = &SIZE},
};
static const struct sw_schema CLOSED = {"thing", "", ATTRS, sw_countof(ATTRS), false};
static const struct sw_schema OPEN = {"thing", "", ATTRS, sw_countof(ATTRS), true};

static const struct sw_value *check(const struct sw_schema *schema, const struct sw_value *v, struct sw_arena *arena) {
    const struct sw_value *checked = NULL, *again = NULL;
    struct sw_err err = {0};
    struct sw_pos pos = {.file = "fuzz.lua", .line = 1};
    fuzz_check_err(sw_schema_check(schema, v, pos, arena, &checked, &err), &err);
    sw_err_done(&err);
    if (!checked) return NULL;
    int rc = sw_schema_check(schema, checked, pos, arena, &again, &err);
    if (rc) fprintf(stderr, "%s\n", err.message);
    FUZZ_CHECK(rc == 0);
    sw_err_done(&err);
    FUZZ_CHECK(sw_value_equal(checked, again));
    struct sw_attr_diff *diffs;
    if (!sw_value_has_unknown(checked)) FUZZ_CHECK(sw_schema_diff(schema, checked, again, NULL, arena, &diffs) == 0);
    return checked;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const struct sw_schema *const schemas[] = {&CLOSED, &OPEN, NULL};
    static const char *const ignore[] = {"name", NULL};
    struct fuzz_halves in = fuzz_halves(data, size);
    struct sw_arena *arena = sw_arena_new();
    const struct sw_value *before = NULL, *after = NULL;
    sw_json_read(arena, in.a, in.a_len, 0, &before, NULL);
    sw_json_read(arena, in.b, in.b_len, 0, &after, NULL);
    for (size_t i = 0; i < sw_countof(schemas); i++) {
        const struct sw_schema *schema = schemas[i] ? schemas[i] : sw_inventory_schema();
        const struct sw_value *a = check(schema, before, arena), *b = check(schema, after, arena);
        struct sw_attr_diff *diffs = NULL;
        size_t n = sw_schema_diff(schema, a, b ? b : after, NULL, arena, &diffs);
        for (size_t j = 0; j < n; j++) FUZZ_CHECK(diffs[j].name && diffs[j].after);
        FUZZ_CHECK(sw_schema_diff(schema, a, b ? b : after, ignore, arena, &diffs) <= n || !a);
    }
    sw_arena_free(arena);
    return 0;
}
