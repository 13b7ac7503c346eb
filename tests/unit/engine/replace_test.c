/* Replacements in an API across a graph: in which order old and new selves go and come, and what a failure between leaves. The fake API refuses what
 * a real one does: removing what something holds on to, standing on what is not there. */
#include "fake.h"

/* d stands on b, b stands on a; c is tied to a. */
static struct { struct sw_resource *a, *b, *c, *d; } boxes;

static void declare_tower(const char *kind, bool tied) {
    w->n_resources = 0;
    boxes.a = declare_box("a", map("kind", text(kind), NULL));
    boxes.b = declare_box("b", map("base", ref("box.a", "address"), NULL));
    if (tied) boxes.c = declare_box("c", map("link", ref("box.a", "address"), NULL));
    boxes.d = declare_box("d", map("base", ref("box.b", "address"), NULL));
}

static void settled(void) {
    struct sw_state_resource *all;
    struct sw_intent *open;
    size_t n;
    world_reopen();
    struct sw_plan *again = plan();
    assert_true(sw_plan_is_empty(again));
    assert_int_equal(sw_state_resources(w->state, w->arena, &all, &n, NULL), 0);
    assert_int_equal(n, w->n_resources);
    assert_int_equal(n, w->n_boxes);
    for (size_t i = 0; i < n; i++) assert_string_equal(all[i].status, "ok");
    assert_int_equal(sw_journal_pending(w->state, w->arena, &open, &n, NULL), 0);
    assert_int_equal(n, 0);
}

static void did(const char *wanted) {
    assert_string_equal(sw_str_z(&w->log), wanted);
}

static void build(bool tied) {
    declare_tower("round", tied);
    apply(plan());
    world_reopen();
}

static void what_stands_on_it_goes_first_and_comes_last(void **unused) {
    (void)unused;
    build(false);
    declare_tower("square", false);
    struct sw_plan *made = plan();
    assert_int_equal(made->count[SW_REPLACE], 3);
    struct sw_apply_result result;
    assert_int_equal(sw_engine_apply(&w->engine, made, &result, NULL), 0);
    did("delete box.d\ndelete box.b\ndelete box.a\ncreate box.a\ncreate box.b\ncreate box.d\n");
    assert_int_equal(result.done, 3);
    settled();
}

static void created_first_the_old_goes_last(void **unused) {
    (void)unused;
    build(true);
    declare_tower("square", true);
    boxes.a->lifecycle.create_before_destroy = true;
    struct sw_plan *made = plan();
    assert_int_equal(made->count[SW_REPLACE], 3);
    assert_int_equal(made->count[SW_UPDATE], 1);
    apply(made);
    const char *log = sw_str_z(&w->log), *last = strstr(log, "delete box.a\n");
    assert_int_equal(strncmp(log, "create box.a\n", 13), 0);
    assert_non_null(last);
    assert_string_equal(last, "delete box.a\n");
    assert_true(strstr(log, "delete box.d") < strstr(log, "delete box.b"));
    assert_true(strstr(log, "delete box.b") < strstr(log, "create box.b"));
    assert_non_null(strstr(log, "update box.c"));
    settled();
}

static void what_is_created_first_needs_a_new_base_first(void **unused) {
    (void)unused;
    build(false);
    declare_tower("square", false);
    boxes.d->lifecycle.create_before_destroy = true;
    apply(plan());
    did("create box.a\ncreate box.b\ncreate box.d\ndelete box.d\ndelete box.b\ndelete box.a\n");
    settled();
}

static void what_leaves_goes_before_its_replaced_base(void **unused) {
    (void)unused;
    build(false);
    declare_tower("square", false);
    w->n_resources = 1; /* b and d leave */
    struct sw_plan *made = plan();
    assert_int_equal(made->count[SW_DELETE], 2);
    apply(made);
    did("delete box.d\ndelete box.b\ndelete box.a\ncreate box.a\n");
    settled();
}

/* c was tied to a, and is tied to b from now on; a is replaced with all that stands on it. */
static void what_moves_elsewhere_has_moved_before_the_old_goes(void **unused) {
    (void)unused;
    declare_box("x", map(NULL));
    declare_box("a", map("kind", text("round"), NULL));
    declare_box("c", map("link", ref("box.a", "address"), NULL));
    apply(plan());
    world_reopen();
    w->n_resources = 0;
    declare_box("x", map(NULL));
    declare_box("a", map("kind", text("square"), NULL))->lifecycle.create_before_destroy = true;
    declare_box("c", map("link", ref("box.x", "address"), NULL));
    apply(plan());
    assert_true(strstr(sw_str_z(&w->log), "update box.c") < strstr(sw_str_z(&w->log), "delete box.a"));
    settled();
}

/* The removal of the old self fails: it is remembered, and the next run takes it away, after everything else. */
static void an_old_self_that_stays_is_removed_by_the_next_run(void **unused) {
    (void)unused;
    struct sw_err err = {0};
    struct sw_apply_result result;
    build(false);
    declare_tower("square", false);
    boxes.a->lifecycle.create_before_destroy = true;
    snprintf(w->fail, sizeof w->fail, "box.a");
    w->fail_action = SW_DELETE;
    assert_int_equal(apply_fails(plan(), &result, &err), SW_EREMOTE);
    assert_string_equal(err.frames[err.n_frames - 1], "removing the old self of 'box.a'");
    sw_err_done(&err);
    assert_int_equal(result.failed, 1);
    assert_int_equal(result.done, 2);
    assert_int_equal(w->n_boxes, 4);
    w->fail[0] = 0;
    world_reopen();
    struct sw_plan *rest = plan();
    assert_int_equal(rest->count[SW_DELETE], 1);
    assert_int_equal(rest->count[SW_NOOP], 3);
    const struct sw_plan_item *old = &rest->items[rest->n_items - 1];
    assert_int_equal(strncmp(old->resource->address, "box.a (deposed ", 15), 0);
    assert_string_equal(old->reason, "left over from a replacement");
    assert_string_equal(sw_get_str(old->before, "address", ""), "addr-a");
    apply(rest);
    settled();
}

/* The new self cannot be made: the old one is there and remembered; the next run makes the new one, moves what stands on it, removes the old. */
static void a_new_self_that_fails_loses_nothing(void **unused) {
    (void)unused;
    static const bool effects[] = {false, true};
    for (size_t i = 0; i < 2; i++) {
        struct sw_err err = {0};
        build(true);
        declare_tower("square", true);
        boxes.a->lifecycle.create_before_destroy = true;
        snprintf(w->fail, sizeof w->fail, "box.a");
        w->fail_action = SW_CREATE;
        w->fail_code = SW_EUNCERTAIN;
        w->effect = effects[i];
        assert_int_equal(apply_fails(plan(), NULL, &err), SW_EUNCERTAIN);
        sw_err_done(&err);
        assert_int_equal(w->n_boxes, effects[i] ? 5 : 4);
        w->fail[0] = 0;
        world_reopen();
        apply(plan());
        const char *log = sw_str_z(&w->log), *last = strstr(log, "delete box.a (deposed ");
        assert_non_null(last);
        assert_true(strstr(log, "delete box.b") < last);
        assert_true(strstr(log, "update box.c") < last);
        if (!effects[i]) assert_true(strstr(log, "create box.a") < strstr(log, "delete box.d"));
        settled();
        w->n_resources = 0;
        apply(plan());
        assert_int_equal(w->n_boxes, 0);
        world_reopen();
    }
}

static void a_destroy_takes_old_selves_along(void **unused) {
    (void)unused;
    struct sw_err err = {0};
    build(false);
    declare_tower("square", false);
    boxes.a->lifecycle.create_before_destroy = true;
    snprintf(w->fail, sizeof w->fail, "box.b");
    w->fail_action = SW_DELETE; /* d is gone by then, b stands on the old a */
    apply_fails(plan(), NULL, &err);
    sw_err_done(&err);
    w->fail[0] = 0;
    world_reopen();
    apply(plan_with(&(struct sw_plan_options){.destroy = true}));
    assert_int_equal(w->n_boxes, 0);
    w->n_resources = 0;
    settled();
}

static void a_removal_that_fails_keeps_the_rest(void **unused) {
    (void)unused;
    struct sw_err err = {0};
    struct sw_apply_result result;
    build(false);
    declare_tower("square", false);
    snprintf(w->fail, sizeof w->fail, "box.b");
    w->fail_action = SW_DELETE;
    assert_int_equal(apply_fails(plan(), &result, &err), SW_EREMOTE);
    sw_err_done(&err);
    did("delete box.d\ndelete box.b\n");
    assert_int_equal(result.failed, 1);
    assert_int_equal(result.skipped, 2);
    w->fail[0] = 0;
    world_reopen();
    struct sw_plan *rest = plan();
    assert_int_equal(rest->count[SW_REPLACE], 2);
    assert_int_equal(rest->count[SW_CREATE], 1);
    apply(rest);
    settled();
}

/* What cannot be ordered is said when the plan is made, with what helps. */
static void an_impossible_order_is_named(void **unused) {
    (void)unused;
    struct sw_err err = {0};
    /* x stands on a; c is tied to x, and shall be tied to a instead; x leaves. The old a cannot go before x, x not before c has let go, c not
     * before the new a is there. */
    declare_box("a", map("kind", text("round"), NULL));
    declare_box("x", map("base", ref("box.a", "address"), NULL));
    declare_box("c", map("link", ref("box.x", "address"), NULL));
    apply(plan());
    world_reopen();
    w->n_resources = 0;
    struct sw_resource *a = declare_box("a", map("kind", text("square"), NULL));
    declare_box("c", map("link", ref("box.a", "address"), NULL));
    assert_int_equal(plan_fails(&err), SW_EINVAL);
    assert_non_null(strstr(err.message, "box.x"));
    assert_non_null(strstr(err.message, "the removal of box.a"));
    assert_non_null(strstr(err.hint, "create_before_destroy"));
    sw_err_done(&err);
    a->lifecycle.create_before_destroy = true;
    apply(plan());
    did("create box.a\nupdate box.c\ndelete box.x\ndelete box.a\n");
    settled();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        WORLD_TEST(what_stands_on_it_goes_first_and_comes_last),
        WORLD_TEST(created_first_the_old_goes_last),
        WORLD_TEST(what_is_created_first_needs_a_new_base_first),
        WORLD_TEST(what_leaves_goes_before_its_replaced_base),
        WORLD_TEST(what_moves_elsewhere_has_moved_before_the_old_goes),
        WORLD_TEST(an_old_self_that_stays_is_removed_by_the_next_run),
        WORLD_TEST(a_new_self_that_fails_loses_nothing),
        WORLD_TEST(a_destroy_takes_old_selves_along),
        WORLD_TEST(a_removal_that_fails_keeps_the_rest),
        WORLD_TEST(an_impossible_order_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
