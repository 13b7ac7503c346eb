#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "status.h"

static const struct sw_value *json(struct sw_arena *arena, const char *text) {
    const struct sw_value *v = NULL;
    if (sw_json_read(arena, text, strlen(text), 0, &v, NULL)) fail_msg("fixture: %s", text);
    return v;
}

static struct sw_plan_item item(struct sw_arena *arena, const char *type, const char *name, enum sw_action action, const char *before) {
    struct sw_resource *r = sw_new(arena, struct sw_resource);
    *r = (struct sw_resource){.type = type, .name = name, .address = sw_printf(arena, "%s.%s", type, name)};
    return (struct sw_plan_item){.resource = r, .action = action, .before = before ? json(arena, before) : NULL};
}

static void add_ons_and_applications(void **state) {
    (void)state;
    struct sw_arena *arena = sw_arena_new();
    struct sw_plan_item items[] = {
        item(arena, "kube_object", "metallb:Namespace:metallb-system", SW_NOOP, "{\"ready\":true}"),
        item(arena, "kube_object", "metallb:Deployment:metallb-system/controller", SW_UPDATE,
             "{\"ready\":false,\"message\":\"0 of 1 available\"}"),
        item(arena, "kube_object", "argo-cd:Deployment:argocd/argocd-server", SW_NOOP, "{\"ready\":true}"),
        item(arena, "kube_object", "argo-cd:Secret:argocd/argocd-secret", SW_NOOP, "{}"),
        item(arena, "kube_object", "single", SW_NOOP, "{}"),
        item(arena, "kube_object", "old:ConfigMap:default/gone", SW_DELETE, "{}"),
        item(arena, "data.kube_applications", "all", SW_READ,
             "{\"applications\":[{\"name\":\"db\",\"parent\":\"root\",\"sync\":\"OutOfSync\",\"health\":\"Degraded\",\"message\":\"no "
             "pods\","
             "\"good\":false},{\"name\":\"root\",\"sync\":\"Synced\",\"health\":\"Healthy\",\"good\":true},"
             "{\"name\":\"web\",\"parent\":\"shop\",\"sync\":\"Synced\",\"health\":\"Healthy\",\"good\":true}]}"),
    };
    struct sw_plan plan = {.items = items, .n_items = sizeof items / sizeof *items};
    struct sw_status status;
    struct sw_str out = {0};
    sw_status_judge(&plan, NULL, arena, &status);
    assert_false(status.healthy);
    sw_status_print(&out, &status, &(struct sw_style){0});
    assert_string_equal(sw_str_z(&out), "ADD-ON   OBJECTS  READY\n"
                                        "metallb  2        no\n"
                                        "argo-cd  2        yes\n"
                                        "\n"
                                        "APPLICATION  SYNC       HEALTH\n"
                                        "root         Synced     Healthy\n"
                                        "  db         OutOfSync  Degraded\n"
                                        "web          Synced     Healthy\n"
                                        "\n"
                                        "Not healthy:\n"
                                        "  kube_object.metallb:Deployment:metallb-system/controller: 0 of 1 available\n"
                                        "  application db: OutOfSync, Degraded: no pods\n");
    sw_str_clear(&out);
    sw_status_json(&out, &status, arena);
    const struct sw_value *v = json(arena, sw_str_z(&out));
    assert_int_equal(sw_get(v, "applications")->list.n, 3);
    assert_string_equal(sw_get_str(sw_get(v, "addons")->list.v[1], "name", ""), "argo-cd");
    assert_true(sw_get_bool(sw_get(v, "addons")->list.v[1], "ready", false));
    sw_str_done(&out);
    sw_status_done(&status);
    sw_arena_free(arena);
}

static void a_sick_cluster(void **state) {
    (void)state;
    struct sw_arena *arena = sw_arena_new();
    struct sw_plan_item items[] = {
        item(arena, "kube_node", "cp-1", SW_NOOP, "{\"address\":\"10.0.0.1\",\"ready\":true,\"version\":\"v1.36.2\"}"),
        item(arena, "kube_node", "w-1", SW_NOOP,
             "{\"address\":\"10.0.0.2\",\"ready\":false,\"version\":\"v1.36.2\",\"message\":\"kubelet stopped posting node status\"}"),
        item(arena, "kube_node", "w-2", SW_CREATE, NULL),
        item(arena, "kube_manifest", "argo-cd", SW_NOOP, "{\"ready\":false,\"reason\":\"2 of 5 deployments are not available\"}"),
        item(arena, "kube_manifest", "metallb", SW_CREATE, NULL),
        item(arena, "aws_vpc", "main", SW_UPDATE, "{\"id\":\"vpc-1\"}"),
    };
    struct sw_plan plan = {.items = items, .n_items = 6};
    const struct sw_value *nodes = json(
        arena,
        "[{\"name\":\"cp-1\",\"role\":\"control-plane\"},{\"name\":\"w-1\",\"role\":\"worker\"},{\"name\":\"w-2\",\"role\":\"worker\"}]");
    struct sw_status status;
    struct sw_str out = {0};
    sw_status_judge(&plan, nodes, arena, &status);
    assert_false(status.healthy);
    sw_status_print(&out, &status, &(struct sw_style){0});
    assert_string_equal(sw_str_z(&out), "NODE  ROLE           ADDRESS   VERSION  READY\n"
                                        "cp-1  control-plane  10.0.0.1  v1.36.2  yes\n"
                                        "w-1   worker         10.0.0.2  v1.36.2  no\n"
                                        "w-2   worker         -         -        no\n"
                                        "\n"
                                        "Not healthy:\n"
                                        "  w-1: kubelet stopped posting node status\n"
                                        "  w-2: not in the cluster\n"
                                        "  kube_manifest.argo-cd: 2 of 5 deployments are not available\n"
                                        "  kube_manifest.metallb: not there\n");
    sw_str_clear(&out);
    sw_status_json(&out, &status, arena);
    const struct sw_value *v = json(arena, sw_str_z(&out));
    assert_int_equal(sw_get(v, "problems")->list.n, 4);
    assert_int_equal(sw_get_int(v, "pending", -1), 1);
    assert_false(sw_get_bool(v, "healthy", true));
    sw_str_done(&out);
    sw_status_done(&status);
    sw_arena_free(arena);
}

static void a_node_that_lacks_things_is_one_problem(void **state) {
    (void)state;
    struct sw_arena *arena = sw_arena_new();
    struct sw_plan_item items[3];
    struct sw_host n1 = {.name = "n1"}, n2 = {.name = "n2"};
    const struct sw_host *hosts[] = {&n1, &n2};
    for (size_t i = 0; i < 3; i++) {
        struct sw_resource *r = sw_new(arena, struct sw_resource);
        const char *host = i < 2 ? "n1" : "n2";
        *r = (struct sw_resource){.type = "package", .name = "p", .host = host, .address = sw_printf(arena, "%s/package:p%zu", host, i)};
        items[i] = (struct sw_plan_item){.resource = r, .action = SW_CREATE};
    }
    struct sw_plan plan = {.items = items, .n_items = 3, .hosts = hosts, .n_hosts = 2};
    struct sw_status status;
    sw_status_judge(&plan, NULL, arena, &status);
    assert_int_equal(status.problems.n, 2);
    assert_string_equal(status.problems.v[0], "n1: 2 resources are not there, n1/package:p0 first");
    assert_string_equal(status.problems.v[1], "n2/package:p2: not there");
    sw_status_done(&status);
    sw_arena_free(arena);
}

static void a_healthy_one(void **state) {
    (void)state;
    struct sw_arena *arena = sw_arena_new();
    struct sw_plan_item items[] = {item(arena, "kube_node", "n1", SW_NOOP, "{\"ready\":true}"),
                                   item(arena, "file", "/x", SW_UPDATE, "{\"mode\":\"0600\"}")};
    struct sw_plan plan = {.items = items, .n_items = 2};
    struct sw_status status;
    struct sw_str out = {0};
    sw_status_judge(&plan, NULL, arena, &status);
    assert_true(status.healthy);
    sw_status_print(&out, &status, &(struct sw_style){0});
    assert_non_null(strstr(sw_str_z(&out), "Healthy. 1 change is pending: slipway plan\n"));
    sw_str_done(&out);
    sw_status_done(&status);
    sw_arena_free(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_sick_cluster), cmocka_unit_test(add_ons_and_applications),
                                       cmocka_unit_test(a_node_that_lacks_things_is_one_problem), cmocka_unit_test(a_healthy_one)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
