#include "support.h"

#include "slipway/graph.h"

static const char *letter(size_t i, void *ctx) {
    static char names[64][8];
    (void)ctx;
    snprintf(names[i % 64], sizeof names[0], "n%zu", i);
    return names[i % 64];
}

static void orders_needs_first_and_lower_index_first(void **data) {
    struct fixture *f = *data;
    struct sw_graph *g = sw_graph_new(6);
    sw_graph_edge(g, 0, 5);
    sw_graph_edge(g, 0, 5);
    sw_graph_edge(g, 2, 0);
    sw_graph_edge(g, 2, 4);
    sw_graph_edge(g, 2, 1);
    sw_graph_seal(g);
    uint32_t order[6];
    ok(f, sw_graph_order(g, order, letter, NULL, &f->err));
    const uint32_t want[] = {1, 3, 4, 5, 0, 2};
    assert_memory_equal(order, want, sizeof want);

    const uint32_t *list;
    assert_int_equal(sw_graph_needs(g, 0, &list), 1); /* the duplicate is gone */
    assert_int_equal(sw_graph_needs(g, 2, &list), 3);
    assert_true(list[0] == 0 && list[1] == 1 && list[2] == 4);
    assert_int_equal(sw_graph_needed_by(g, 5, &list), 1);
    assert_int_equal(list[0], 0);
    assert_int_equal(sw_graph_needed_by(g, 3, &list), 0);
    sw_graph_free(g);
}

static void names_the_whole_cycle(void **data) {
    struct fixture *f = *data;
    struct sw_graph *g = sw_graph_new(6);
    sw_graph_edge(g, 0, 4); /* leads into the cycle, is not in it */
    sw_graph_edge(g, 4, 3);
    sw_graph_edge(g, 3, 1);
    sw_graph_edge(g, 1, 4);
    sw_graph_edge(g, 3, 5);
    sw_graph_seal(g);
    uint32_t order[6];
    fails(f, SW_EINVAL, "circle: n1 -> n4 -> n3 -> n1", sw_graph_order(g, order, letter, NULL, &f->err));
    sw_graph_free(g);

    g = sw_graph_new(2);
    sw_graph_edge(g, 1, 1);
    sw_graph_seal(g);
    fails(f, SW_EINVAL, "circle: n1 -> n1", sw_graph_order(g, order, letter, NULL, &f->err));
    sw_graph_free(g);
}

static void spreads_both_ways(void **data) {
    (void)data;
    struct sw_graph *g = sw_graph_new(5);
    sw_graph_edge(g, 1, 0);
    sw_graph_edge(g, 2, 1);
    sw_graph_edge(g, 3, 1);
    sw_graph_edge(g, 3, 4);
    sw_graph_seal(g);
    bool set[5] = {[1] = true};
    sw_graph_spread(g, set, true);
    const bool forward[5] = {false, true, true, true, false};
    assert_memory_equal(set, forward, sizeof set);
    bool back[5] = {[3] = true};
    sw_graph_spread(g, back, false);
    const bool backward[5] = {true, true, false, true, true};
    assert_memory_equal(back, backward, sizeof back);
    sw_graph_free(g);
}

static void empty_and_large(void **data) {
    struct fixture *f = *data;
    struct sw_graph *g = sw_graph_new(0);
    sw_graph_seal(g);
    ok(f, sw_graph_order(g, NULL, letter, NULL, &f->err));
    sw_graph_spread(g, NULL, true);
    sw_graph_free(g);
    sw_graph_free(NULL);

    size_t n = 200000; /* a chain, backwards, and a million edges besides */
    g = sw_graph_new(n);
    for (size_t i = 0; i + 1 < n; i++) sw_graph_edge(g, i, i + 1);
    for (size_t i = 0; i < 1000000; i++) sw_graph_edge(g, i * 7919 % (n / 2), n / 2 + i * 104729 % (n / 2));
    sw_graph_seal(g);
    uint32_t *order = calloc(n, sizeof *order);
    ok(f, sw_graph_order(g, order, letter, NULL, &f->err));
    for (size_t i = 0; i < n; i++) assert_int_equal(order[i], n - 1 - i);
    bool *set = calloc(n, 1);
    set[n - 1] = true;
    sw_graph_spread(g, set, true);
    for (size_t i = 0; i < n; i++) assert_true(set[i]);
    free(set);
    free(order);
    sw_graph_free(g);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(orders_needs_first_and_lower_index_first, setup, teardown),
        cmocka_unit_test_setup_teardown(names_the_whole_cycle, setup, teardown),
        cmocka_unit_test_setup_teardown(spreads_both_ways, setup, teardown),
        cmocka_unit_test_setup_teardown(empty_and_large, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
