/* Plans built by hand, and texts compared with files. UPDATE_GOLDEN=1 rewrites tests/golden/report/. */
#ifndef SLIPWAY_TEST_REPORT_FIXTURE_H
#define SLIPWAY_TEST_REPORT_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "slipway/file.h"
#include "slipway/report.h"
#include "slipway/vec.h"

#define MAX_ITEMS 64

struct fixture {
    struct sw_arena *arena;
    struct sw_plan plan;
    struct sw_plan_item items[MAX_ITEMS];
};

static inline struct fixture *fixture_new(void) {
    struct fixture *f = calloc(1, sizeof *f);
    f->arena = sw_arena_new();
    f->plan = (struct sw_plan){.inventory = "ecoeco", .lineage = "5f1c", .serial = 7, .created_ms = 1795777200000, .items = f->items};
    return f;
}

static inline void fixture_free(struct fixture *f) {
    sw_arena_free(f->arena);
    free(f);
}

/* On a host when `host` is not NULL; the address follows. */
static inline struct sw_plan_item *add(struct fixture *f, const char *host, const char *type, const char *name, enum sw_action action) {
    struct sw_resource *r = sw_new(f->arena, struct sw_resource);
    *r = (struct sw_resource){.type = type,
                              .name = name,
                              .host = host,
                              .address =
                                  host ? sw_printf(f->arena, "%s/%s:%s", host, type, name) : sw_printf(f->arena, "%s.%s", type, name)};
    assert_true(f->plan.n_items < MAX_ITEMS);
    struct sw_plan_item *item = &f->items[f->plan.n_items++];
    *item = (struct sw_plan_item){.resource = r, .action = action, .after = action == SW_DELETE ? NULL : &SW_EMPTY_MAP};
    f->plan.count[action]++;
    return item;
}

static inline const struct sw_value *json(struct fixture *f, const char *text) {
    const struct sw_value *v = NULL;
    struct sw_err err = {0};
    if (sw_json_read(f->arena, text, strlen(text), 0, &v, &err)) fail_msg("fixture: %s: %s", text, err.message);
    return v;
}

/* JSON texts, or NULL for absent. */
static inline struct sw_attr_diff *diff(struct fixture *f, struct sw_plan_item *item, const char *name, const char *before,
                                        const char *after) {
    struct sw_attr_diff *diffs = sw_new_n(f->arena, struct sw_attr_diff, item->n_diffs + 1);
    if (item->n_diffs) memcpy(diffs, item->diffs, item->n_diffs * sizeof *diffs);
    diffs[item->n_diffs] =
        (struct sw_attr_diff){.name = name, .before = before ? json(f, before) : NULL, .after = after ? json(f, after) : NULL};
    item->diffs = diffs;
    return &diffs[item->n_diffs++];
}

/* Compares with tests/golden/report/NAME, or rewrites it. */
static inline void assert_golden(const struct sw_str *text, const char *name) {
    char path[1024];
    const char *end = strstr(__FILE__, "unit/report/");
    assert_non_null(end);
    snprintf(path, sizeof path, "%.*sgolden/report/%s", (int)(end - __FILE__), __FILE__, name);
    if (getenv("UPDATE_GOLDEN")) {
        struct sw_err err = {0};
        if (sw_file_write(path, sw_str_z(text), text->len, 0644, &err)) fail_msg("%s", err.message);
        return;
    }
    struct sw_str want = {0};
    if (sw_file_read(path, 1 << 20, &want, NULL)) fail_msg("%s is missing: UPDATE_GOLDEN=1 makes it", path);
    if (want.len != text->len || memcmp(sw_str_z(&want), sw_str_z(text), text->len) != 0)
        fail_msg("differs from %s\n--- wanted\n%s\n--- got\n%s", path, sw_str_z(&want), sw_str_z(text));
    sw_str_done(&want);
}

static const struct sw_style PLAIN = {.columns = 80};

#endif
