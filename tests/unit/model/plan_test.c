#include "support.h"

static const unsigned char key[32] = "0123456789abcdef0123456789abcde";

static const struct sw_attr attrs[] = {{.name = "int", .type = SW_T_INT, .immutable = true},
                                       {.name = "secret", .type = SW_T_STRING, .sensitive = true}};
static const struct sw_schema schema = {.name = "file", .attrs = attrs, .n_attrs = 2, .open = true};

static const struct sw_schema *find_schema(void *ctx, const char *type) {
    (void)ctx;
    return strcmp(type, "file") == 0 ? &schema : NULL;
}

static void names_and_signs(void **data) {
    (void)data;
    for (int i = SW_NOOP; i < SW_N_ACTIONS; i++) {
        assert_true(*sw_action_name((enum sw_action)i));
        assert_true(*sw_action_sign((enum sw_action)i));
    }
    assert_string_equal(sw_action_name(SW_REPLACE), "replace");
    assert_string_equal(sw_action_sign(SW_REPLACE), "-/+");
    struct sw_plan_item items[2] = {{.action = SW_NOOP}, {.action = SW_NOOP}};
    struct sw_plan plan = {.items = items, .n_items = 2};
    assert_true(sw_plan_is_empty(&plan));
    items[1].action = SW_FORGET;
    assert_false(sw_plan_is_empty(&plan));
    plan.n_items = 0;
    assert_true(sw_plan_is_empty(&plan));
}

/* Everything a plan can hold, once. */
static struct sw_plan *full_plan(struct fixture *f) {
    struct sw_arena *a = f->arena;
    static const char *two[] = {"a.one", "a.two", NULL}, *none[] = {NULL}, *warnings[] = {"careful", "very\ncareful"};
    struct sw_resource *r0 = sw_new(a, struct sw_resource), *r1 = sw_new(a, struct sw_resource), *r2 = sw_new(a, struct sw_resource);
    *r0 = (struct sw_resource){.address = "lab_node.n1", .type = "lab_node", .name = "n1", .desired = &SW_EMPTY_MAP};
    *r1 = (struct sw_resource){
        .address = "n1/file:/etc/x",
        .type = "file",
        .name = "/etc/x",
        .host = "n1",
        .provider = "p",
        .pos = {"site.lua", 12, 3},
        .desired = every_kind(f),
        .depends = two,
        .triggers = none,
        .lifecycle = {.prevent_destroy = true, .create_before_destroy = true, .ignore_changes = none, .replace_on = two},
        .ephemeral = true,
        .index = 41};
    *r2 = (struct sw_resource){.address = "a.gone", .type = "a", .name = "gone"};
    struct sw_plan *plan = sw_new(a, struct sw_plan);
    struct sw_plan_item *items = sw_new_n(a, struct sw_plan_item, 3);
    items[0] = (struct sw_plan_item){.resource = r0, .action = SW_CREATE, .after = &SW_EMPTY_MAP, .at_apply = true};
    items[1] = (struct sw_plan_item){.resource = r1,
                                     .action = SW_REPLACE,
                                     .reason = "because",
                                     .before = json(f, "{\"int\": 1, \"only_before\": null}"),
                                     .after = every_kind(f),
                                     .prior = json(f, "{\"int\": 2}"),
                                     .drifted = true,
                                     .triggered = true};
    struct sw_attr_diff *diffs = sw_new_n(a, struct sw_attr_diff, 4);
    diffs[0] = (struct sw_attr_diff){.name = "int",
                                     .attr = &attrs[0],
                                     .before = sw_get(items[1].before, "int"),
                                     .after = sw_get(items[1].after, "int"),
                                     .forces_replace = true};
    diffs[1] = (struct sw_attr_diff){.name = "secret",
                                     .attr = &attrs[1],
                                     .before = sw_value_secret(a, sw_value_str(a, "hunter2-old")),
                                     .after = sw_get(items[1].after, "secret")};
    diffs[2] = (struct sw_attr_diff){.name = "only_before", .before = NULL, .after = NULL}; /* differs from what the map says */
    diffs[3] = (struct sw_attr_diff){.name = "nowhere", .after = &SW_NULL_VALUE};
    items[1].diffs = diffs;
    items[1].n_diffs = 4;
    items[2] =
        (struct sw_plan_item){.resource = r2, .action = SW_DELETE, .reason = "not in the playbook any more", .before = &SW_NULL_VALUE};
    items[2].needs = sw_new_n(a, uint32_t, 2);
    items[2].needs[0] = 1, items[2].needs[1] = 0;
    items[2].n_needs = 2;

    const struct sw_host **hosts = sw_new_n(a, const struct sw_host *, 1);
    struct sw_host *host = sw_new(a, struct sw_host);
    *host = (struct sw_host){.name = "n1", .connection = every_kind(f), .pos = {"site.lua", 5, 1}};
    hosts[0] = host;
    struct sw_output *outputs = sw_new_n(a, struct sw_output, 2);
    outputs[0] = (struct sw_output){.name = "ip", .value = sw_value_ref(a, "lab_node.n1", "ip"), .doc = "its address"};
    outputs[1] = (struct sw_output){.name = "token", .value = sw_value_secret(a, sw_value_str(a, "hunter2-output"))};
    *plan = (struct sw_plan){.inventory = "lab",
                             .lineage = "0123",
                             .serial = 7,
                             .created_ms = 1700000000000,
                             .destroy = true,
                             .refresh_only = true,
                             .hosts = hosts,
                             .n_hosts = 1,
                             .items = items,
                             .n_items = 3,
                             .outputs = outputs,
                             .n_outputs = 2,
                             .providers = every_kind(f),
                             .modules = json(f, "[{\"name\": \"x\", \"sha256\": \"00\"}]"),
                             .warnings = warnings,
                             .n_warnings = 2};
    return plan;
}

static void same_names(const char *const *a, const char *const *b) {
    assert_true(!a == !b);
    for (size_t i = 0; a; i++) {
        assert_true(!a[i] == !b[i]);
        if (!a[i]) return;
        assert_string_equal(a[i], b[i]);
    }
}

static void same_text(const char *a, const char *b) {
    assert_true(!a == !b);
    if (a) assert_string_equal(a, b);
}

/* NULL and SW_NULL are told apart, unlike in sw_value_equal. */
static void same(const struct sw_value *a, const struct sw_value *b) {
    assert_true(!a == !b);
    if (a) assert_same_value(a, b);
}

static void same_resource(const struct sw_resource *a, const struct sw_resource *b) {
    same_text(a->address, b->address);
    same_text(a->type, b->type);
    same_text(a->name, b->name);
    same_text(a->host, b->host);
    same_text(a->provider, b->provider);
    same_text(a->pos.file, b->pos.file);
    assert_true(a->pos.line == b->pos.line && a->pos.column == b->pos.column);
    same(a->desired, b->desired);
    same_names(a->depends, b->depends);
    same_names(a->triggers, b->triggers);
    same_names(a->lifecycle.ignore_changes, b->lifecycle.ignore_changes);
    same_names(a->lifecycle.replace_on, b->lifecycle.replace_on);
    assert_true(a->lifecycle.prevent_destroy == b->lifecycle.prevent_destroy &&
                a->lifecycle.create_before_destroy == b->lifecycle.create_before_destroy);
    assert_true(a->ephemeral == b->ephemeral && a->index == b->index);
}

static void same_item(const struct sw_plan_item *a, const struct sw_plan_item *b) {
    same_resource(a->resource, b->resource);
    assert_int_equal(a->action, b->action);
    same_text(a->reason, b->reason);
    same(a->before, b->before);
    same(a->after, b->after);
    same(a->prior, b->prior);
    assert_int_equal(a->n_diffs, b->n_diffs);
    for (size_t i = 0; i < a->n_diffs; i++) {
        same_text(a->diffs[i].name, b->diffs[i].name);
        assert_ptr_equal(a->diffs[i].attr, b->diffs[i].attr);
        same(a->diffs[i].before, b->diffs[i].before);
        same(a->diffs[i].after, b->diffs[i].after);
        assert_int_equal(a->diffs[i].forces_replace, b->diffs[i].forces_replace);
    }
    assert_true(a->at_apply == b->at_apply && a->drifted == b->drifted && a->triggered == b->triggered);
    assert_int_equal(a->n_needs, b->n_needs);
    if (a->n_needs) assert_memory_equal(a->needs, b->needs, a->n_needs * sizeof *a->needs);
}

static void everything_round_trips(void **data) {
    struct fixture *f = *data;
    struct sw_plan *plan = full_plan(f), *back = NULL;
    char path[128];
    snprintf(path, sizeof path, "%s/p.plan", f->dir);
    ok(f, sw_plan_save(plan, path, key, &f->err));
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_true(file_holds(path, "{\"slipway_plan\":1,"));
    assert_true(file_holds(path, "because"));
    assert_false(file_holds(path, "hunter2"));
    assert_false(file_holds(path, "424242"));

    struct sw_arena *arena = sw_arena_new(); /* of its own: nothing may point into the old plan */
    ok(f, sw_plan_load(arena, path, key, find_schema, NULL, &back, &f->err));
    same_text(plan->inventory, back->inventory);
    same_text(plan->lineage, back->lineage);
    assert_true(back->serial == 7 && back->created_ms == 1700000000000 && back->destroy && back->refresh_only);
    assert_int_equal(back->n_hosts, 1);
    same_text(back->hosts[0]->name, "n1");
    same(back->hosts[0]->connection, plan->hosts[0]->connection);
    assert_int_equal(back->hosts[0]->pos.line, 5);
    assert_int_equal(back->n_items, 3);
    for (size_t i = 0; i < 3; i++) same_item(&plan->items[i], &back->items[i]);
    assert_true(back->items[1].diffs[1].before->secret);
    assert_int_equal(back->n_outputs, 2);
    for (size_t i = 0; i < 2; i++) {
        same_text(plan->outputs[i].name, back->outputs[i].name);
        same_text(plan->outputs[i].doc, back->outputs[i].doc);
        same(plan->outputs[i].value, back->outputs[i].value);
    }
    same(plan->providers, back->providers);
    same(plan->modules, back->modules);
    assert_int_equal(back->n_warnings, 2);
    same_text(back->warnings[1], "very\ncareful");
    assert_true(back->count[SW_CREATE] == 1 && back->count[SW_REPLACE] == 1 && back->count[SW_DELETE] == 1 && back->count[SW_NOOP] == 0);
    sw_arena_free(arena);

    struct sw_str text = read_bytes(path); /* the whole is one JSON document */
    const struct sw_value *v = NULL;
    ok(f, sw_json_read(f->arena, text.p, text.len, SW_JSON_PLAIN, &v, &f->err));
    assert_int_equal(sw_get_int(v, "slipway_plan", 0), 1);
    assert_int_equal(sw_get_path(v, "value.items")->list.n, 3);
    sw_str_done(&text);

    struct sw_plan empty = {0};
    ok(f, sw_plan_save(&empty, path, key, &f->err));
    ok(f, sw_plan_load(f->arena, path, key, NULL, NULL, &back, &f->err));
    assert_true(back->n_items == 0 && back->n_hosts == 0 && !back->inventory && sw_plan_is_empty(back));
}

static void any_change_is_refused(void **data) {
    struct fixture *f = *data;
    struct sw_plan *back = NULL;
    char path[128];
    snprintf(path, sizeof path, "%s/p.plan", f->dir);
    ok(f, sw_plan_save(full_plan(f), path, key, &f->err));
    struct sw_str text = read_bytes(path);
    unsigned char other[32] = {1};
    fails(f, SW_EREFUSED, "belongs to another state", sw_plan_load(f->arena, path, other, NULL, NULL, &back, &f->err));
    for (size_t i = 0; i < text.len; i += i < 200 ? 1 : 61) {
        char saved = text.p[i];
        text.p[i] ^= 1;
        write_bytes(path, text.p, text.len);
        int rc = sw_plan_load(f->arena, path, key, NULL, NULL, &back, &f->err);
        assert_true(rc == SW_EREFUSED || (i < 100 && rc == SW_EINVAL));
        assert_non_null(strstr(f->err.message, path));
        sw_err_done(&f->err);
        text.p[i] = saved;
    }
    for (size_t len = 0; len < text.len; len += len < 120 ? 1 : 97) {
        write_bytes(path, text.p, len);
        assert_true(sw_plan_load(f->arena, path, key, NULL, NULL, &back, NULL) < 0);
    }
    sw_str_add(&text, "\n", 1);
    write_bytes(path, text.p, text.len);
    fails(f, SW_EREFUSED, "was changed after it was made", sw_plan_load(f->arena, path, key, NULL, NULL, &back, &f->err));
    assert_null(back);
    sw_str_done(&text);
}

static void other_files_are_named(void **data) {
    struct fixture *f = *data;
    struct sw_plan *back = NULL;
    char path[128];
    snprintf(path, sizeof path, "%s/p.plan", f->dir);
    fails(f, SW_ENOTFOUND, path, sw_plan_load(f->arena, path, key, NULL, NULL, &back, &f->err));
    const struct {
        const char *text, *says;
        int code;
    } cases[] = {
        {"", "is not a saved plan", SW_EINVAL},
        {"PK\x03\x04", "is not a saved plan", SW_EINVAL},
        {"{\"slipway_plan\":2,\"anything\":1}", "is from a newer slipway: its format is 2", SW_EINVAL},
        {"{\"slipway_plan\":99999999999999999999}", "is from a newer slipway", SW_EINVAL},
        {"{\"slipway_plan\":0}", "is truncated or was changed by hand", SW_EINVAL},
        {"{\"slipway_plan\":1}", "is truncated or was changed by hand", SW_EINVAL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        write_bytes(path, cases[i].text, strlen(cases[i].text));
        fails(f, cases[i].code, cases[i].says, sw_plan_load(f->arena, path, key, NULL, NULL, &back, &f->err));
    }
    fails(f, SW_EIO, "is not a regular file", sw_plan_load(f->arena, f->dir, key, NULL, NULL, &back, &f->err));
    assert_int_equal(truncate(path, ((off_t)256 << 20) + 1), 0); /* sparse: costs no disk */
    fails(f, SW_ELIMIT, "is larger than", sw_plan_load(f->arena, path, key, NULL, NULL, &back, &f->err));
    fails(f, SW_EINVAL, "there is no state", sw_plan_load(f->arena, path, NULL, NULL, NULL, &back, &f->err));
    fails(f, SW_EINVAL, "before there is a state", sw_plan_save(full_plan(f), path, NULL, &f->err));
    snprintf(path, sizeof path, "%s/nowhere/p.plan", f->dir);
    fails(f, SW_EIO, "No such file", sw_plan_save(full_plan(f), path, key, &f->err));
}

/* Signed by us and wrong all the same: a bug in what wrote it. */
static void impossible_plans_are_malformed(void **data) {
    struct fixture *f = *data;
    struct sw_plan *plan = full_plan(f), *back = NULL;
    char path[128];
    snprintf(path, sizeof path, "%s/p.plan", f->dir);
    plan->items[2].needs[0] = 2; /* itself */
    ok(f, sw_plan_save(plan, path, key, &f->err));
    fails(f, SW_EINVAL, "an item needs one that does not come before it", sw_plan_load(f->arena, path, key, NULL, NULL, &back, &f->err));
    plan->items[2].needs[0] = 4000000000;
    ok(f, sw_plan_save(plan, path, key, &f->err));
    fails(f, SW_EINVAL, "does not come before it", sw_plan_load(f->arena, path, key, NULL, NULL, &back, &f->err));
    plan->items[2].n_needs = 0;
    struct sw_resource nameless = *plan->items[0].resource;
    nameless.type = NULL;
    plan->items[0].resource = &nameless;
    ok(f, sw_plan_save(plan, path, key, &f->err));
    fails(f, SW_EINVAL, "malformed: type", sw_plan_load(f->arena, path, key, NULL, NULL, &back, &f->err));
    assert_null(back);
}

static void ten_thousand_items(void **data) {
    struct fixture *f = *data;
    size_t n = 10000;
    struct sw_plan plan = {.inventory = "big", .n_items = n, .items = sw_new_n(f->arena, struct sw_plan_item, n)}, *back;
    const struct sw_value *desired = json(f, "{\"path\": \"/etc/x\", \"mode\": \"0644\", \"content\": \"some text, a line or two\\n\"}");
    for (size_t i = 0; i < n; i++) {
        struct sw_resource *r = sw_new(f->arena, struct sw_resource);
        *r = (struct sw_resource){
            .address = sw_printf(f->arena, "n1/file:/etc/%zu", i), .type = "file", .name = "/etc/x", .desired = desired, .index = i};
        plan.items[i] = (struct sw_plan_item){.resource = r, .action = SW_CREATE, .after = desired};
        if (i) {
            plan.items[i].needs = sw_new(f->arena, uint32_t);
            plan.items[i].needs[0] = (uint32_t)(i - 1);
            plan.items[i].n_needs = 1;
        }
    }
    char path[128];
    snprintf(path, sizeof path, "%s/p.plan", f->dir);
    uint64_t start = sw_now_ms();
    ok(f, sw_plan_save(&plan, path, key, &f->err));
    uint64_t saved = sw_now_ms() - start;
    start = sw_now_ms();
    ok(f, sw_plan_load(f->arena, path, key, find_schema, NULL, &back, &f->err));
    print_message("10,000 items: saved in %d ms, loaded in %d ms\n", (int)saved, (int)(sw_now_ms() - start));
    assert_int_equal(back->count[SW_CREATE], n);
    same_item(&plan.items[n - 1], &back->items[n - 1]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(names_and_signs, setup, teardown),
        cmocka_unit_test_setup_teardown(everything_round_trips, setup, teardown),
        cmocka_unit_test_setup_teardown(any_change_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(other_files_are_named, setup, teardown),
        cmocka_unit_test_setup_teardown(impossible_plans_are_malformed, setup, teardown),
        cmocka_unit_test_setup_teardown(ten_thousand_items, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
