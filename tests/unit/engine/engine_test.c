/* The engine end to end, on fake types, a real sh and a real state. */
#include "fake.h"

static void creates_in_order_then_changes_nothing(void **unused) {
    (void)unused;
    declare_host("n1", text("here"));
    declare_box("a", map("color", text("red"), NULL));
    declare_note("n1", "one", ref("box.a", "address"));
    declare_note("n1", "two", text("second"));
    struct sw_plan *first = plan();
    assert_int_equal(first->count[SW_CREATE], 3);
    assert_int_equal(sw_get(item(first, "n1/note:one")->after, "content")->kind, SW_UNKNOWN);
    apply(first);
    assert_string_equal(sw_str_z(&w->log), "create box.a\ncreate n1/note:one\ncreate n1/note:two\n");
    assert_string_equal(slurp(note_path("one")), "addr-a");
    assert_string_equal(slurp(note_path("two")), "second");

    world_reopen();
    struct sw_plan *second = plan();
    assert_true(sw_plan_is_empty(second));
    assert_int_equal(second->n_items, 3);
    assert_int_equal(w->engine.stats.channels, 1);
    assert_int_equal(w->lists, 1);
    assert_int_equal(w->acts, 0);
}

static void shows_and_repairs_drift(void **unused) {
    (void)unused;
    declare_host("n1", text("here"));
    declare_note("n1", "one", text("as wanted"));
    apply(plan());
    spit(note_path("one"), "by hand");
    world_reopen();
    struct sw_plan *drifted = plan();
    const struct sw_plan_item *it = item(drifted, "n1/note:one");
    assert_int_equal(it->action, SW_UPDATE);
    assert_true(it->drifted);
    assert_int_equal(it->n_diffs, 1);
    assert_string_equal(sw_get_str(it->before, "content", ""), "by hand");
    apply(drifted);
    assert_string_equal(slurp(note_path("one")), "as wanted");
}

static void removes_what_left_in_reverse_order(void **unused) {
    (void)unused;
    declare_host("n1", text("here"));
    declare_box("a", map("color", text("red"), NULL));
    declare_note("n1", "one", text("1"));
    declare_note("n1", "two", ref("box.a", "address"));
    apply(plan());
    world_reopen();
    w->n_resources = 0;
    declare_note("n1", "three", text("3"));
    struct sw_plan *going = plan();
    assert_int_equal(going->count[SW_DELETE], 3);
    apply(going);
    const char *log = sw_str_z(&w->log), *two = strstr(log, "delete n1/note:two");
    assert_non_null(two);
    assert_true(strstr(log, "create n1/note:three") < two);
    assert_true(strstr(log, "delete n1/note:one") > two);
    assert_true(strstr(log, "delete box.a") > two);
    assert_null(slurp(note_path("one")));
    world_reopen();
    assert_true(sw_plan_is_empty(plan()));
}

static void a_failure_skips_what_needs_it_and_nothing_else(void **unused) {
    (void)unused;
    struct sw_apply_result result;
    struct sw_err err = {0};
    declare_host("n1", text("here"));
    declare_host("n2", text("here"));
    declare_note("n1", "one", text("1"));
    struct sw_resource *after = declare_note("n2", "two", text("2"));
    depends(after, "n1/note:one", NULL);
    declare_note("n2", "three", text("3"));
    declare_box("free", map("color", text("red"), NULL));
    snprintf(w->fail, sizeof w->fail, "n1/note:one");
    assert_int_equal(apply_fails(plan(), &result, &err), SW_EREMOTE);
    assert_string_equal(err.message, "exit status 3 on 'n1'");
    assert_string_equal(err.detail, "no luck\n");
    assert_string_equal(err.file, "site.lua");
    sw_err_done(&err);
    assert_int_equal(result.failed, 1);
    assert_int_equal(result.skipped, 2);
    assert_int_equal(result.done, 1);
    assert_null(slurp(note_path("three")));

    w->fail[0] = 0;
    world_reopen();
    apply(plan());
    assert_string_equal(slurp(note_path("three")), "3");
    world_reopen();
    assert_true(sw_plan_is_empty(plan()));
}

static void a_host_that_does_not_exist_yet_is_planned_and_read_at_apply(void **unused) {
    (void)unused;
    declare_box("vm", map("color", text("red"), NULL));
    declare_host("n1", ref("box.vm", "address"));
    declare_note("n1", "one", text("1"));
    declare_note("n1", "two", text("2"));
    spit(note_path("one"), "1");
    struct sw_plan *made = plan();
    assert_true(item(made, "n1/note:one")->at_apply);
    assert_int_equal(item(made, "n1/note:one")->action, SW_CREATE);
    assert_int_equal(w->engine.stats.channels, 0);
    apply(made);
    /* `one` was already as wanted: seen at first contact, left alone. */
    assert_string_equal(sw_str_z(&w->log), "create box.vm\ncreate n1/note:two\n");
    world_reopen();
    assert_true(sw_plan_is_empty(plan()));

    /* Destroying the machine takes what is on it along, without touching it. */
    world_reopen();
    struct sw_plan *going = plan_with(&(struct sw_plan_options){.destroy = true});
    assert_int_equal(going->count[SW_DELETE], 1);
    assert_int_equal(going->count[SW_FORGET], 2);
    assert_int_equal(w->engine.stats.channels, 0);
    apply(going);
    world_reopen();
    forget_playbook();
    assert_int_equal(plan()->n_items, 0);
}

static void what_cannot_be_asked_yet_is_read_at_apply(void **unused) {
    (void)unused;
    declare_host("n1", text("here"));
    declare_box("a", map("color", text("red"), NULL));
    declare_note("n1", "late", ref("box.a", "address"));
    declare_note("n1", "early", text("1"));
    struct sw_plan *made = plan();
    assert_true(item(made, "n1/note:late")->at_apply);
    assert_false(item(made, "n1/note:early")->at_apply);
    apply(made);
    assert_string_equal(slurp(note_path("late")), "addr-a");
    world_reopen();
    assert_true(sw_plan_is_empty(plan()));
}

static void a_change_of_an_immutable_attribute_replaces(void **unused) {
    (void)unused;
    struct sw_err err = {0};
    declare_box("a", map("kind", text("round"), "color", text("red"), NULL));
    apply(plan());
    world_reopen();
    w->n_resources = 0;
    struct sw_resource *a = declare_box("a", map("kind", text("square"), "color", text("red"), NULL));
    struct sw_plan *made = plan();
    assert_int_equal(item(made, "box.a")->action, SW_REPLACE);
    assert_string_equal(item(made, "box.a")->reason, "kind cannot be changed in place");
    a->lifecycle.prevent_destroy = true;
    assert_int_equal(plan_fails(&err), SW_EREFUSED);
    assert_non_null(strstr(err.message, "prevent_destroy"));
    sw_err_done(&err);
    a->lifecycle.prevent_destroy = false;
    apply(made);
    assert_string_equal(sw_str_z(&w->log), "delete box.a\ncreate box.a\n");
}

static void a_trigger_acts_again(void **unused) {
    (void)unused;
    declare_host("n1", text("here"));
    declare_note("n1", "config", text("1"));
    struct sw_resource *service = declare_note("n1", "service", text("on"));
    const char *triggers[] = {"n1/note:config", NULL};
    service->triggers = triggers;
    apply(plan());
    world_reopen();
    w->n_resources = 0;
    declare_note("n1", "config", text("2"));
    service = declare_note("n1", "service", text("on"));
    service->triggers = triggers;
    struct sw_plan *made = plan();
    assert_int_equal(item(made, "n1/note:service")->action, SW_UPDATE);
    assert_true(item(made, "n1/note:service")->triggered);
    apply(made);
    assert_string_equal(sw_str_z(&w->log), "update n1/note:config\nupdate n1/note:service\n");
}

static void an_ephemeral_item_acts_only_when_needed(void **unused) {
    (void)unused;
    declare_box("token", map(NULL))->ephemeral = true;
    declare_box("user", map("color", ref("box.token", "address"), NULL));
    struct sw_plan *made = plan();
    assert_int_equal(item(made, "box.token")->action, SW_CREATE);
    apply(made);
    assert_string_equal(sw_str_z(&w->log), "create box.token\ncreate box.user\n");
    struct sw_state_resource *recorded;
    size_t n;
    assert_int_equal(sw_state_resources(w->state, w->arena, &recorded, &n, NULL), 0);
    assert_int_equal(n, 1);
    assert_string_equal(recorded[0].address, "box.user");
}

static void cycles_are_named(void **unused) {
    (void)unused;
    struct sw_err err = {0};
    declare_box("a", map("color", ref("box.b", "address"), NULL));
    declare_box("b", map("color", ref("box.a", "address"), NULL));
    assert_int_equal(plan_fails(&err), SW_EINVAL);
    assert_non_null(strstr(err.message, "box.a"));
    assert_non_null(strstr(err.message, "box.b"));
    sw_err_done(&err);
}

static void a_stale_plan_is_refused(void **unused) {
    (void)unused;
    struct sw_err err = {0};
    struct sw_apply_result result;
    declare_host("n1", text("here"));
    declare_box("a", map("color", text("red"), NULL));
    struct sw_plan *old = plan();
    apply(plan());
    assert_int_equal(apply_fails(old, NULL, &err), SW_ECONFLICT);
    sw_err_done(&err);

    /* The state is the plan's, the world is not. */
    world_reopen();
    declare_note("n1", "one", text("1"));
    struct sw_plan *made = plan();
    spit(note_path("one"), "somebody else");
    assert_int_equal(apply_fails(made, &result, &err), SW_ECONFLICT);
    assert_string_equal(slurp(note_path("one")), "somebody else");
    sw_err_done(&err);
}

static size_t open_intents(void) {
    struct sw_intent *open;
    size_t n;
    assert_int_equal(sw_journal_pending(w->state, w->arena, &open, &n, NULL), 0);
    return n;
}

static const struct sw_state_resource *recorded(const char *address) {
    struct sw_state_resource *all;
    size_t n;
    assert_int_equal(sw_state_resources(w->state, w->arena, &all, &n, NULL), 0);
    for (size_t i = 0; i < n; i++)
        if (strcmp(all[i].address, address) == 0) return &all[i];
    return NULL;
}

static void a_crash_after_create_is_neither_doubled_nor_lost(void **unused) {
    (void)unused;
    int64_t run;
    declare_box("a", map("color", text("red"), NULL));
    assert_int_equal(sw_run_begin(w->state, "apply", &run, NULL), 0);
    struct sw_intent intent = {
        .run = run, .address = "box.a", .type = "box", .name = "a", .action = SW_CREATE, .desired = map("color", text("red"), NULL)};
    assert_int_equal(sw_journal_open(w->state, w->arena, &intent, 1, NULL), 0);
    /* The effect is in the world, the record is not. */
    snprintf(w->boxes[0].name, sizeof w->boxes[0].name, "a");
    snprintf(w->boxes[0].token, sizeof w->boxes[0].token, "%s", intent.token);
    w->boxes[0].attributes = map("color", text("red"), "address", text("addr-a"), NULL);
    w->n_boxes = 1;
    world_reopen();
    struct sw_plan *made = plan();
    assert_int_equal(item(made, "box.a")->action, SW_UPDATE);
    assert_string_equal(item(made, "box.a")->reason, "begun by a run that did not finish it");
    assert_int_equal(open_intents(), 1);
    apply(made);
    assert_string_equal(sw_str_z(&w->log), "create box.a\n");
    assert_int_equal(w->n_boxes, 1);
    assert_int_equal(open_intents(), 0);
    assert_string_equal(recorded("box.a")->status, "ok");
    world_reopen();
    assert_true(sw_plan_is_empty(plan()));

    /* And when the playbook does not want it any more, it goes. */
    world_reopen();
    forget_playbook();
    apply(plan());
    assert_int_equal(w->n_boxes, 0);
    assert_int_equal(open_intents(), 0);
}

/* The answer to a creation is lost, with or without its effect. */
static void create_and_lose(bool effect, int code) {
    struct sw_err err = {0};
    snprintf(w->fail, sizeof w->fail, "box.a");
    w->fail_code = code;
    w->effect = effect;
    assert_int_equal(apply_fails(plan(), NULL, &err), code);
    sw_err_done(&err);
    w->fail[0] = 0;
    w->tokens[0] = 0;
    assert_int_equal(open_intents(), 1);
    world_reopen();
}

static const char *pending_token(void) {
    struct sw_intent *open;
    size_t n;
    assert_int_equal(sw_journal_pending(w->state, w->arena, &open, &n, NULL), 0);
    assert_int_equal(n, 1);
    assert_int_equal(strlen(open[0].token), 32);
    return open[0].token;
}

static void a_lost_answer_is_adopted_by_its_token(void **unused) {
    (void)unused;
    static const int codes[] = {SW_EUNCERTAIN, SW_EREMOTE}; /* unknown; and a failure for certain, half way */
    for (size_t i = 0; i < 2; i++) {
        declare_box("a", map("color", text("red"), NULL));
        create_and_lose(true, codes[i]);
        const char *token = pending_token();
        apply(plan());
        assert_string_equal(sw_str_z(&w->log), "create box.a\n");
        assert_string_equal(w->tokens, sw_printf(w->arena, "%s ", token));
        assert_int_equal(w->n_boxes, 1);
        assert_int_equal(open_intents(), 0);
        assert_string_equal(sw_get_str(recorded("box.a")->attributes, "address", ""), i ? "addr-a-2" : "addr-a");
        world_reopen();
        forget_playbook();
        apply(plan());
        assert_int_equal(w->n_boxes, 0);
        world_reopen();
    }
}

static void a_lost_creation_without_effect_uses_its_token_again(void **unused) {
    (void)unused;
    declare_box("a", map("color", text("red"), NULL));
    create_and_lose(false, SW_EUNCERTAIN);
    const char *token = pending_token();
    struct sw_plan *made = plan();
    assert_int_equal(item(made, "box.a")->action, SW_CREATE);
    snprintf(w->fail, sizeof w->fail, "box.a");
    struct sw_err err = {0};
    apply_fails(made, NULL, &err); /* and again */
    sw_err_done(&err);
    assert_string_equal(pending_token(), token);
    w->fail[0] = 0;
    world_reopen();

    /* Other words are another creation. */
    w->n_resources = 0;
    declare_box("a", map("color", text("blue"), NULL));
    apply(plan());
    assert_int_equal(strlen(w->tokens), 33);
    assert_null(strstr(w->tokens, token));
    assert_int_equal(open_intents(), 0);
    world_reopen();
    assert_true(sw_plan_is_empty(plan()));
}

static void a_stranger_is_not_adopted(void **unused) {
    (void)unused;
    declare_box("a", map("color", text("red"), NULL));
    create_and_lose(false, SW_EUNCERTAIN);
    snprintf(w->boxes[0].name, sizeof w->boxes[0].name, "a");
    snprintf(w->boxes[0].token, sizeof w->boxes[0].token, "somebody else's");
    w->boxes[0].attributes = map("color", text("red"), NULL);
    w->n_boxes = 1;
    assert_int_equal(item(plan(), "box.a")->action, SW_CREATE);
    w->n_boxes = 0;

    /* Not wanted any more, and not there: the intent goes with it, also in a destroy. */
    world_reopen();
    apply(plan_with(&(struct sw_plan_options){.destroy = true}));
    assert_int_equal(open_intents(), 0);
    assert_null(recorded("box.a"));
}

static void an_unfinished_creation_is_removed_before_its_base(void **unused) {
    (void)unused;
    declare_box("base", map("color", text("red"), NULL));
    declare_box("a", map("color", ref("box.base", "address"), NULL));
    create_and_lose(true, SW_EUNCERTAIN);
    struct sw_plan *going = plan_with(&(struct sw_plan_options){.destroy = true});
    assert_int_equal(going->count[SW_DELETE], 2);
    apply(going);
    assert_string_equal(sw_str_z(&w->log), "delete box.a\ndelete box.base\n");
    assert_int_equal(open_intents(), 0);
}

/* What a killed change left is not somebody else's doing. */
static void a_killed_change_is_no_drift(void **unused) {
    (void)unused;
    int64_t run;
    declare_host("n1", text("here"));
    declare_note("n1", "one", text("1"));
    apply(plan());
    assert_int_equal(sw_run_begin(w->state, "apply", &run, NULL), 0);
    struct sw_intent intent = {.run = run, .address = "n1/note:one", .type = "note", .name = "one", .host = "n1", .action = SW_UPDATE};
    assert_int_equal(sw_journal_open(w->state, w->arena, &intent, 1, NULL), 0);
    spit(note_path("one"), "half");
    world_reopen();
    forget_playbook();
    declare_host("n1", text("here"));
    declare_note("n1", "one", text("2"));
    const struct sw_plan_item *it = item(plan_with(&(struct sw_plan_options){.refresh_only = true}), "n1/note:one");
    assert_false(it->drifted);
    assert_string_equal(it->reason, "left by a run that did not finish");
    /* A run that began with it and died, too, before it got that far. */
    declare_note("n1", "two", text("2"));
    struct sw_apply_result result;
    struct sw_err err = {0};
    snprintf(w->fail, sizeof w->fail, "n1/note:two");
    const char *targets[] = {"n1/note:two", NULL};
    apply_fails(plan_with(&(struct sw_plan_options){.targets = targets}), &result, &err);
    sw_err_done(&err);
    w->fail[0] = '\0';
    world_reopen();
    struct sw_plan *made = plan();
    it = item(made, "n1/note:one");
    assert_false(it->drifted);
    assert_int_equal(it->action, SW_UPDATE);
    assert_string_equal(it->reason, "left by a run that did not finish");
    apply(made);
    assert_string_equal(slurp(note_path("one")), "2");

    /* Once it is done, a change is somebody's again. */
    spit(note_path("one"), "theirs");
    world_reopen();
    assert_true(item(plan(), "n1/note:one")->drifted);
}

static void targets_take_what_they_need(void **unused) {
    (void)unused;
    declare_host("n1", text("here"));
    declare_box("a", map("color", text("red"), NULL));
    declare_box("b", map("color", ref("box.a", "address"), NULL));
    declare_box("c", map("color", text("blue"), NULL));
    declare_note("n1", "one", text("1"));
    declare_note("n1", "two", text("2"));
    const char *targets[] = {"box.b", "n1/note:two", NULL};
    struct sw_plan *made = plan_with(&(struct sw_plan_options){.targets = targets});
    assert_int_equal(made->n_items, 3);
    const char *excludes[] = {"box.a", NULL};
    made = plan_with(&(struct sw_plan_options){.excludes = excludes});
    assert_int_equal(made->n_items, 3);
    const char *wrong[] = {"box.aa", NULL};
    struct sw_err err = {0};
    struct sw_plan *none;
    struct sw_config config = {.hosts = w->hosts, .n_hosts = w->n_hosts, .resources = w->resources, .n_resources = w->n_resources};
    assert_int_equal(sw_engine_plan(&w->engine, "test", &config, &(struct sw_plan_options){.targets = wrong}, &none, &err), SW_EINVAL);
    assert_string_equal(err.hint, "did you mean 'box.a'?");
    sw_err_done(&err);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        WORLD_TEST(creates_in_order_then_changes_nothing),
        WORLD_TEST(shows_and_repairs_drift),
        WORLD_TEST(removes_what_left_in_reverse_order),
        WORLD_TEST(a_failure_skips_what_needs_it_and_nothing_else),
        WORLD_TEST(a_host_that_does_not_exist_yet_is_planned_and_read_at_apply),
        WORLD_TEST(what_cannot_be_asked_yet_is_read_at_apply),
        WORLD_TEST(a_change_of_an_immutable_attribute_replaces),
        WORLD_TEST(a_trigger_acts_again),
        WORLD_TEST(an_ephemeral_item_acts_only_when_needed),
        WORLD_TEST(cycles_are_named),
        WORLD_TEST(a_stale_plan_is_refused),
        WORLD_TEST(a_crash_after_create_is_neither_doubled_nor_lost),
        WORLD_TEST(a_killed_change_is_no_drift),
        WORLD_TEST(a_lost_answer_is_adopted_by_its_token),
        WORLD_TEST(a_lost_creation_without_effect_uses_its_token_again),
        WORLD_TEST(a_stranger_is_not_adopted),
        WORLD_TEST(an_unfinished_creation_is_removed_before_its_base),
        WORLD_TEST(targets_take_what_they_need),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
