/* The walk over a plan: what is looked at before anything acts, what runs at the same time, what a part of a plan leaves due. */
#include "fake.h"
#include "slipway/clock.h"

static void refused(const struct sw_plan *made, const char *why) {
    struct sw_err err = {0};
    struct sw_apply_result result;
    sw_str_clear(&w->log);
    assert_int_equal(apply_fails(made, &result, &err), SW_ECONFLICT);
    assert_non_null(strstr(err.message, "the plan is stale"));
    if (!err.detail || !strstr(err.detail, why)) fail_msg("'%s' is not in '%s'", why, err.detail ? err.detail : "");
    sw_err_done(&err);
    assert_int_equal(result.done, 0);
    assert_string_equal(sw_str_z(&w->log), "");
}

static void one_stale_host_stops_them_all(void **unused) {
    (void)unused;
    declare_host("n1", text("here"));
    declare_host("n2", text("here"));
    declare_note("n1", "one", text("1"));
    declare_note("n2", "two", text("2"));
    declare_box("a", map("color", text("red"), NULL));
    struct sw_plan *made = plan();
    spit(note_path("two"), "theirs");
    refused(made, "n2/note:");
    assert_null(slurp(note_path("one")));
    assert_int_equal(w->n_boxes, 0);
    assert_string_equal(slurp(note_path("two")), "theirs");
    world_reopen();
    apply(plan());
    assert_string_equal(slurp(note_path("two")), "2");
}

static void a_stale_box_stops_hosts_too(void **unused) {
    (void)unused;
    declare_host("n1", text("here"));
    declare_box("a", map("color", text("red"), NULL));
    apply(plan());
    world_reopen();
    w->n_resources = 0;
    declare_box("a", map("color", text("blue"), NULL));
    declare_note("n1", "one", text("1"));
    struct sw_plan *made = plan();
    w->boxes[0].attributes = sw_map_with(w->arena, w->boxes[0].attributes, "color", text("green"));
    refused(made, "box.a: color was \"red\", is \"green\"");
    assert_null(slurp(note_path("one")));
    /* What it does not touch may change. */
    world_reopen();
    w->n_resources = 0;
    declare_box("a", map("color", text("green"), NULL));
    declare_note("n1", "one", text("1"));
    made = plan();
    w->boxes[0].attributes = sw_map_with(w->arena, w->boxes[0].attributes, "color", text("black"));
    apply(made);
    assert_string_equal(slurp(note_path("one")), "1");
}

/* A machine that this run makes cannot be stale; one that is there is read before the other is made. */
static void what_is_made_later_is_read_later(void **unused) {
    (void)unused;
    declare_host("n1", text("here"));
    declare_box("vm", map(NULL));
    declare_host("n2", ref("box.vm", "address"));
    declare_note("n1", "one", text("1"));
    declare_note("n2", "two", text("2"));
    struct sw_plan *made = plan();
    spit(note_path("two"), "2");
    unsigned before = w->engine.stats.channels;
    apply(made);
    assert_int_equal(w->engine.stats.channels - before, 3); /* n1: read, act; n2: read, nothing to do */
    assert_string_equal(sw_str_z(&w->log), "create box.vm\ncreate n1/note:one\n" + 0);
}

static void a_part_of_a_plan_leaves_restarts_due(void **unused) {
    (void)unused;
    const char *triggers[] = {"n1/note:config", NULL}, *target[] = {"n1/note:*config", NULL};
    char *config = sw_printf(w->arena, "n1/note:%s", "config");
    triggers[0] = config;
    declare_host("n1", text("here"));
    declare_note("n1", "config", text("1"));
    declare_note("n1", "service", text("on"))->triggers = triggers;
    apply(plan());
    world_reopen();
    w->n_resources = 0;
    declare_note("n1", "config", text("2"));
    declare_note("n1", "service", text("on"))->triggers = triggers;
    struct sw_plan *part = plan_with(&(struct sw_plan_options){.targets = target});
    assert_int_equal(part->n_items, 1);

    /* Through a file, too. */
    struct sw_err err = {0};
    char *path = note_path("plan");
    assert_int_equal(sw_plan_save(part, path, sw_state_key(w->state), &err), 0);
    assert_int_equal(sw_plan_load(w->arena, path, sw_state_key(w->state), NULL, NULL, &part, &err), 0);
    apply(part);
    assert_string_equal(sw_str_z(&w->log), "update n1/note:config\n");
    world_reopen();
    struct sw_plan *rest = plan();
    assert_int_equal(rest->count[SW_UPDATE], 1);
    assert_true(item(rest, "n1/note:service")->triggered);
    apply(rest);
    assert_string_equal(sw_str_z(&w->log), "update n1/note:service\n");
    world_reopen();
    assert_true(sw_plan_is_empty(plan()));

    /* Nothing changes: nothing is due. */
    apply(plan_with(&(struct sw_plan_options){.targets = target}));
    world_reopen();
    assert_true(sw_plan_is_empty(plan()));
}

/* Ten chains of one to five acts of 50 ms: all chains run at once, and the longest sets the time. */
static void calls_run_at_the_critical_path(void **unused) {
    (void)unused;
    enum { CHAINS = 10, LONGEST = 5, DELAY_MS = 50 };
    for (size_t chain = 0; chain < CHAINS; chain++)
        for (size_t i = 0; i < chain % LONGEST + 1; i++) {
            const struct sw_value *base = i ? ref(sw_printf(w->arena, "box.c%zu-%zu", chain, i - 1), "address") : NULL;
            declare_box(sw_printf(w->arena, "c%zu-%zu", chain, i), base ? map("base", base, NULL) : map(NULL));
        }
    struct sw_apply_result result;
    struct sw_plan *made = plan();
    w->delay_ms = DELAY_MS;
    assert_int_equal(sw_engine_apply(&w->engine, made, &result, NULL), 0);
    double ratio = (double)result.elapsed_ms / (double)result.critical_ms, ideal = (double)result.elapsed_ms / (LONGEST * DELAY_MS);
    print_message("%zu boxes in chains of up to %d acts of %d ms: %.2f of their longest chain, %.2f of what it could be\n", made->n_items,
                  LONGEST, DELAY_MS, ratio, ideal);
    assert_int_equal(w->most_acting, CHAINS);
    assert_true(result.critical_ms >= LONGEST * DELAY_MS);
    assert_true(result.elapsed_ms >= result.critical_ms);
}

/* With too few calls at a time the longest chain goes first. */
static void the_longest_chain_goes_first(void **unused) {
    (void)unused;
    declare_box("x", map(NULL));
    declare_box("y", map(NULL));
    declare_box("a", map(NULL));
    declare_box("b", map("base", ref("box.a", "address"), NULL));
    declare_box("c", map("base", ref("box.b", "address"), NULL));
    struct sw_plan *made = plan();
    w->engine.parallelism = 1;
    apply(made);
    assert_string_equal(sw_str_z(&w->log), "create box.a\ncreate box.b\ncreate box.x\ncreate box.y\ncreate box.c\n");
    assert_int_equal(w->most_acting, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        WORLD_TEST(one_stale_host_stops_them_all),    WORLD_TEST(a_stale_box_stops_hosts_too),
        WORLD_TEST(what_is_made_later_is_read_later), WORLD_TEST(a_part_of_a_plan_leaves_restarts_due),
        WORLD_TEST(calls_run_at_the_critical_path),   WORLD_TEST(the_longest_chain_goes_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
