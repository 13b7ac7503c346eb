#include "arena_fixture.h"

#include <unistd.h>

#include "slipway/cost.h"

static struct sw_plan_item items[8];
static struct sw_plan plan;

static void add(const char *type, enum sw_action action, const char *before, const char *after) {
    struct sw_resource *r = sw_new(arena, struct sw_resource);
    *r = (struct sw_resource){.type = type, .name = "x", .address = sw_printf(arena, "%s.x%zu", type, plan.n_items)};
    items[plan.n_items++] =
        (struct sw_plan_item){.resource = r, .action = action, .before = before ? json(before) : NULL, .after = after ? json(after) : NULL};
}

static int begin(void **state) {
    plan = (struct sw_plan){.items = items};
    return open_arena(state);
}

static int load(const char *text, struct sw_prices **ret, struct sw_err *err) {
    char path[] = "/tmp/slipway-prices-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
    int rc = sw_prices_load(arena, path, ret, err);
    remove(path);
    return rc;
}

static const struct sw_cost *estimate(const char *text) {
    struct sw_prices *prices = NULL;
    struct sw_err err = {0};
    if (load(text, &prices, &err)) fail_msg("%s", err.message);
    return sw_cost_of(arena, prices, &plan);
}

#define LIST                                                                                                                      \
    "currency: EUR\nprices:\n  vm:\n    - { match: { size: small }, hour: 1 }\n    - { match: { size: [big, 'x*'] }, hour: 2 }\n" \
    "    - { month: 0.5, per: disk.gb }\n  net: []\n"

static void adds_up(void **state) {
    (void)state;
    add("vm", SW_CREATE, NULL, "{\"size\":\"small\",\"disk\":{\"gb\":10}}");
    add("vm", SW_UPDATE, "{\"size\":\"small\",\"disk\":{\"gb\":10}}", "{\"size\":\"xl\",\"disk\":{\"gb\":10}}");
    add("vm", SW_DELETE, "{\"size\":\"big\",\"disk\":{\"gb\":0}}", NULL);
    add("vm", SW_FORGET, "{\"size\":\"big\",\"disk\":{\"gb\":0}}", NULL);
    add("vm", SW_NOOP, "{\"size\":\"big\",\"disk\":{\"gb\":2}}", "{\"size\":\"big\",\"disk\":{\"gb\":2}}");
    add("net", SW_CREATE, NULL, "{}");
    const struct sw_cost *cost = estimate(LIST);
    assert_string_equal(cost->currency, "EUR");
    assert_int_equal(cost->n_changes, 4);
    assert_int_equal(cost->n_gaps, 0);
    assert_true(cost->changes[0].before == 0 && cost->changes[0].after == 735);
    assert_true(cost->changes[1].before == 735 && cost->changes[1].after == 1465);
    assert_true(cost->changes[2].before == 1460 && cost->changes[2].after == 0);
    assert_true(cost->changes[3].before == 1460 && cost->changes[3].after == 1460);
    assert_true(cost->before == 735 + 1460 + 1460 + 1461 && cost->after == 735 + 1465 + 1460 + 1461);
    for (size_t i = 0; i < plan.n_items; i++) {
        const struct sw_cost_change *change = sw_cost_change_of(cost, &items[i]);
        assert_true((change != NULL) == (i < 4));
        if (change) assert_ptr_equal(change->item, &items[i]);
    }
}

static void says_what_it_cannot_price(void **state) {
    (void)state;
    add("vm", SW_CREATE, NULL, "{\"size\":\"huge\",\"disk\":{\"gb\":{\"$unknown\":true}}}");
    add("vm", SW_CREATE, NULL, "{\"size\":{\"$secret\":\"small\"}}");
    add("lb", SW_CREATE, NULL, "{}");
    add("lb", SW_NOOP, "{}", "{}");
    add("kube_object", SW_CREATE, NULL, "{}");
    const struct sw_cost *cost = estimate(LIST);
    static const struct {
        const char *type, *why;
        size_t n;
    } wanted[] = {{"vm", "no price for size huge", 1},
                  {"vm", "disk.gb is not known", 1},
                  {"vm", "size is not known", 1},
                  {"vm", "disk.gb is not set", 1},
                  {"lb", "no price", 2}};
    assert_int_equal(cost->n_gaps, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_string_equal(cost->gaps[i].type, wanted[i].type);
        assert_string_equal(cost->gaps[i].why, wanted[i].why);
        assert_int_equal(cost->gaps[i].n, wanted[i].n);
    }
    assert_true(cost->after == 0);
    assert_int_equal(cost->n_changes, 0);
}

static void refuses(void **state) {
    static const struct {
        const char *text, *message;
        unsigned line;
    } cases[] = {
        {"currency: EUR\nprices:\n  vm:\n    - { hour: 1, month: 1 }\n", "one price: 'hour' or 'month'", 4},
        {"currency: EUR\nprices:\n  vm:\n    - { per: size }\n", "one price: 'hour' or 'month'", 4},
        {"currency: EUR\nprices:\n  vm:\n    - { hour: .inf }\n", "a price wanted", 4},
        {"currency: EUR\nprices:\n  vm:\n    - { hour: 1, per: 3 }\n", "the name of an attribute", 4},
        {"currency: EUR\nprices:\n  vm: 3\n", "a list of rules wanted", 3},
        {"currency: EUR\nprices:\n  vm: [3]\n", "a rule wanted", 3},
        {"currency: EUR\n", "'prices': types and their rules wanted", 1},
        {"curency: EUR\nprices: {}\n", "has no 'curency'", 1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sw_prices *prices = NULL;
        struct sw_err err = {0};
        int rc = load(cases[i].text, &prices, &err);
        if (rc != SW_EINVAL || !strstr(err.message, cases[i].message) || err.line != cases[i].line)
            fail_msg("%s: %d %s (line %u)", cases[i].text, rc, err.message ? err.message : "(fine)", err.line);
        sw_err_done(&err);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(adds_up, begin, close_arena),
        cmocka_unit_test_setup_teardown(says_what_it_cannot_price, begin, close_arena),
        cmocka_unit_test_setup_teardown(refuses, begin, close_arena),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
