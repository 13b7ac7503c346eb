/* Saved plans. Nothing of a file is read before its tag is right, so the tag is made right here (unless it starts with an x);
 * what then loads can be saved and loaded again. */
#include <unistd.h>

#include "fuzz.h"
#include "secretbox.h"
#include "slipway/plan.h"

#include "plan_internal.h"

static const struct sw_attr ATTRS[] = {{"content", SW_T_STRING, .sensitive = true}, {"mode", SW_T_STRING}};
static const struct sw_schema FILE_SCHEMA = {"file", "", ATTRS, 2, false};

static const struct sw_schema *find_schema(void *ctx, const char *type) {
    (void)ctx;
    return strcmp(type, "file") == 0 ? &FILE_SCHEMA : NULL;
}

static bool is_deep(const struct sw_plan *plan) {
    for (size_t i = 0; i < plan->n_items; i++) {
        const struct sw_plan_item *item = &plan->items[i];
        const struct sw_value *values[] = {item->resource->desired, item->before, item->after, item->prior};
        for (size_t j = 0; j < sizeof values / sizeof *values; j++)
            if (fuzz_depth(values[j]) > FUZZ_DEPTH_MAX) return true;
        for (size_t j = 0; j < item->n_diffs; j++)
            if (fuzz_depth(item->diffs[j].before) > FUZZ_DEPTH_MAX || fuzz_depth(item->diffs[j].after) > FUZZ_DEPTH_MAX) return true;
    }
    for (size_t i = 0; i < plan->n_hosts; i++)
        if (fuzz_depth(plan->hosts[i]->connection) > FUZZ_DEPTH_MAX) return true;
    for (size_t i = 0; i < plan->n_outputs; i++)
        if (fuzz_depth(plan->outputs[i].value) > FUZZ_DEPTH_MAX) return true;
    return fuzz_depth(plan->providers) > FUZZ_DEPTH_MAX || fuzz_depth(plan->modules) > FUZZ_DEPTH_MAX;
}

static void check_again(struct sw_arena *arena, const struct sw_plan *plan) {
    struct sw_err err = {0};
    struct sw_plan *again = NULL;
    const char *path = fuzz_path("again.plan");
    int rc = sw_plan_save(plan, path, FUZZ_KEY, &err);
    if (!rc) rc = sw_plan_load(arena, path, FUZZ_KEY, find_schema, NULL, &again, &err);
    if (rc) fprintf(stderr, "%s\n", err.message);
    FUZZ_CHECK(rc == 0);
    FUZZ_CHECK(again->n_items == plan->n_items && again->n_hosts == plan->n_hosts && again->n_outputs == plan->n_outputs);
    FUZZ_CHECK(memcmp(again->count, plan->count, sizeof plan->count) == 0);
    for (size_t i = 0; i < plan->n_items; i++) {
        const struct sw_plan_item *a = &plan->items[i], *b = &again->items[i];
        FUZZ_CHECK(strcmp(a->resource->address, b->resource->address) == 0 && a->action == b->action);
        FUZZ_CHECK(sw_value_equal(a->before, b->before) && sw_value_equal(a->after, b->after) && sw_value_equal(a->prior, b->prior));
        FUZZ_CHECK(a->n_needs == b->n_needs && a->n_diffs == b->n_diffs);
        for (size_t j = 0; j < a->n_needs; j++) FUZZ_CHECK(a->needs[j] == b->needs[j] && a->needs[j] < i);
    }
    unlink(path);
    sw_err_done(&err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char BEGIN[] = SW_PLAN__BEGIN "1" SW_PLAN__TAG;
    const size_t tag_at = sizeof BEGIN - 1, body_at = tag_at + 64;
    char *text = sw_xstrndup((const char *)data, size);
    if (size > body_at && memcmp(text, BEGIN, tag_at) == 0 && text[tag_at] != 'x') {
        char tag[65];
        sw_secretbox__mac(FUZZ_KEY, SW_PLAN__MAC_PURPOSE, text + body_at, size - body_at, tag);
        memcpy(text + tag_at, tag, 64);
    }
    struct sw_arena *arena = sw_arena_new();
    struct sw_err err = {0};
    struct sw_plan *plan = NULL;
    int rc = sw_plan_load(arena, fuzz_file("fuzz.plan", text, size), FUZZ_KEY, find_schema, NULL, &plan, &err);
    fuzz_check_err(rc, &err);
    if (rc == 0 && !is_deep(plan)) check_again(arena, plan);
    sw_err_done(&err);
    sw_arena_free(arena);
    free(text);
    return 0;
}
