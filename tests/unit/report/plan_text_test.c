#include "report/fixture.h"

/* A bit of everything, on three layers. */
static struct fixture *mixed(void) {
    struct fixture *f = fixture_new();
    struct sw_plan_item *item = add(f, NULL, "aws_vpc", "main", SW_CREATE);
    diff(f, item, "cidr_block", NULL, "\"10.0.0.0/16\"");
    diff(f, item, "enable_dns_hostnames", NULL, "true");
    diff(f, item, "id", NULL, "{\"$unknown\":true}");
    diff(f, item, "tags", NULL, "{\"Name\":\"ecoeco\",\"env\":\"production\"}");
    item = add(f, NULL, "aws_subnet", "a", SW_REPLACE);
    item->reason = "cidr_block cannot be changed in place";
    diff(f, item, "cidr_block", "\"10.0.1.0/24\"", "\"10.0.2.0/24\"")->forces_replace = true;
    diff(f, item, "vpc_id", "\"vpc-0a1b2c\"", "{\"$unknown\":true}");
    item = add(f, NULL, "aws_eip", "old", SW_DELETE);
    item->reason = "not in the playbook any more";
    add(f, NULL, "aws_key_pair", "mine", SW_FORGET)->reason = "removed from the playbook, left in place";
    item = add(f, "n1", "file", "/etc/containerd/config.toml", SW_UPDATE);
    diff(f, item, "content", "\"version = 2\\nroot = \\\"/var\\\"\\ndebug = false\\n\"",
         "\"version = 2\\nroot = \\\"/var\\\"\\ndebug = true\\n\"");
    diff(f, item, "mode", "\"0600\"", "\"0644\"");
    item = add(f, "n1", "service", "containerd", SW_UPDATE);
    item->reason = "n1/file:/etc/containerd/config.toml changes";
    item->triggered = true;
    item = add(f, "n1", "user", "deploy", SW_CREATE);
    struct sw_attr_diff *d = diff(f, item, "password", NULL, "\"hunter2\"");
    d->after = sw_value_secret(f->arena, d->after);
    diff(f, item, "groups", NULL, "[\"sudo\",\"docker\"]");
    item->at_apply = true;
    add(f, "n1", "package", "curl", SW_NOOP);
    item = add(f, NULL, "kube_manifest", "metallb", SW_CREATE);
    diff(f, item, "source", NULL, "\"metallb.yaml\"");
    diff(f, item, "content", NULL, "\"apiVersion: v1\\nkind: Namespace\\n\"");
    return f;
}

static void plan_shows_every_action(void **state) {
    (void)state;
    struct fixture *f = mixed();
    struct sw_str out = {0};
    sw_report_plan(&out, &f->plan, &PLAIN, false);
    assert_golden(&out, "mixed.txt");
    assert_null(strstr(sw_str_z(&out), "hunter2"));
    assert_null(strchr(sw_str_z(&out), '\033'));
    sw_str_done(&out);
    fixture_free(f);
}

static void plan_in_colour(void **state) {
    (void)state;
    struct fixture *f = mixed();
    struct sw_str out = {0};
    sw_report_plan(&out, &f->plan, &(struct sw_style){.color = true, .unicode = true, .columns = 100}, true);
    assert_golden(&out, "mixed_color.txt");
    sw_str_done(&out);
    fixture_free(f);
}

static void plan_on_a_narrow_terminal(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    struct sw_plan_item *item = add(f, NULL, "aws_instance", "n1", SW_UPDATE);
    diff(f, item, "user_data_base64", "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"",
         "\"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\"");
    diff(f, item, "名前", "\"日本\"", "\"東京\"");
    diff(f, item, "x", "1", "2");
    struct sw_str out = {0};
    sw_report_plan(&out, &f->plan, &(struct sw_style){.unicode = true, .columns = 40}, false);
    assert_golden(&out, "narrow.txt");
    for (const char *p = sw_str_z(&out); *p;) {
        size_t n = strcspn(p, "\n");
        if (strncmp(p, "Plan:", 5) != 0) assert_true(sw_columns(p, n) <= 40);
        p += n + (p[n] == '\n');
    }
    sw_str_done(&out);
    fixture_free(f);
}

static void equal_hosts_are_folded(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    static const char *const hosts[] = {"n1", "n2", "n3"};
    for (size_t i = 0; i < 3; i++) {
        diff(f, add(f, hosts[i], "sysctl", "net.ipv4.ip_forward", SW_UPDATE), "value", "\"0\"", "\"1\"");
        diff(f, add(f, hosts[i], "hostname", "self", SW_CREATE), "value", NULL, sw_printf(f->arena, "\"%s\"", hosts[i]));
        struct sw_plan_item *item = add(f, hosts[i], "service", "containerd", SW_UPDATE);
        item->triggered = true;
        item->reason = sw_printf(f->arena, "%s/file:/etc/containerd/config.toml changes", hosts[i]);
    }
    /* The same on two of them only. */
    diff(f, add(f, "n2", "package", "nfs-common", SW_CREATE), "state", NULL, "\"present\"");
    diff(f, add(f, "n3", "package", "nfs-common", SW_CREATE), "state", NULL, "\"present\"");
    struct sw_str out = {0};
    sw_report_plan(&out, &f->plan, &PLAIN, false);
    assert_golden(&out, "folded.txt");
    sw_str_done(&out);
    fixture_free(f);
}

static void values_that_look_equal_when_cut_are_not_folded(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    char long_a[600], long_b[600];
    memset(long_a, 'x', sizeof long_a);
    memcpy(long_a + 596, "a\"\0", 3);
    long_a[0] = '"';
    memcpy(long_b, long_a, sizeof long_b);
    long_b[596] = 'b';
    diff(f, add(f, "n1", "file", "/x", SW_CREATE), "content", NULL, long_a);
    diff(f, add(f, "n2", "file", "/x", SW_CREATE), "content", NULL, long_b);
    struct sw_str out = {0};
    sw_report_plan(&out, &f->plan, &PLAIN, false);
    assert_null(strstr(sw_str_z(&out), "same on all"));
    sw_str_done(&out);
    fixture_free(f);
}

static void hosts_yet_to_be_made(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    add(f, NULL, "lab_node", "n1", SW_CREATE);
    for (int i = 0; i < 2; i++) {
        const char *host = i ? "n2" : "n1";
        add(f, host, "package", "curl", SW_CREATE)->at_apply = true;
        add(f, host, "swap", "off", SW_CREATE)->at_apply = true;
    }
    struct sw_str out = {0};
    sw_report_plan(&out, &f->plan, &PLAIN, false);
    assert_golden(&out, "at_apply.txt");
    sw_str_done(&out);
    fixture_free(f);
}

static void drift_comes_first(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    struct sw_plan_item *item = add(f, "n1", "file", "/etc/motd", SW_UPDATE);
    item->drifted = true;
    item->prior = json(f, "{\"content\":\"hello\\n\",\"mode\":\"0644\",\"sha256\":\"aa\",\"stat\":\"1\"}");
    item->before = json(f, "{\"mode\":\"0600\",\"sha256\":\"aa\",\"stat\":\"2\"}");
    diff(f, item, "mode", "\"0600\"", "\"0644\"");
    item = add(f, NULL, "aws_eip", "ingress", SW_CREATE);
    item->drifted = true;
    item->prior = json(f, "{\"id\":\"eip-1\"}");
    struct sw_str out = {0};
    sw_report_plan(&out, &f->plan, &PLAIN, false);
    assert_golden(&out, "drift.txt");
    sw_str_clear(&out);
    f->plan.refresh_only = true;
    f->items[0].action = f->items[1].action = SW_NOOP;
    sw_report_plan(&out, &f->plan, &PLAIN, false);
    assert_non_null(strstr(sw_str_z(&out), "Refresh: 2 to take over"));
    sw_str_done(&out);
    fixture_free(f);
}

static void nested_values(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    struct sw_plan_item *item = add(f, NULL, "aws_security_group", "nodes", SW_UPDATE);
    diff(f, item, "tags", "{\"a\":\"1\",\"b\":\"2\",\"same\":\"x\"}", "{\"b\":\"3\",\"c\":{\"deep\":[1,2]},\"same\":\"x\"}");
    diff(f, item, "cidrs", "[\"10.0.0.0/8\",\"192.168.0.0/16\"]", "[\"10.0.0.0/8\",\"172.16.0.0/12\"]");
    diff(f, item, "order", "[1,2]", "[2,1]");
    diff(f, item, "gone", "\"x\"", NULL);
    diff(f, item, "new", NULL, "[]");
    diff(f, item, "kind", "\"x\"", "[1]");
    struct sw_attr_diff *d = diff(f, item, "key", "\"old-secret\"", "\"new-secret\"");
    d->before = sw_value_secret(f->arena, d->before);
    d->after = sw_value_secret(f->arena, d->after);
    struct sw_str out = {0};
    sw_report_plan(&out, &f->plan, &PLAIN, false);
    assert_golden(&out, "nested.txt");
    assert_null(strstr(sw_str_z(&out), "-secret"));
    sw_str_done(&out);
    fixture_free(f);
}

static void defaults_are_not_told_of_what_is_new(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    const struct sw_attr attr = {.name = "state", .type = SW_T_STRING, .fallback = sw_value_str(f->arena, "present")};
    diff(f, add(f, "n1", "package", "curl", SW_CREATE), "state", NULL, "\"present\"")->attr = &attr;
    diff(f, add(f, "n1", "package", "vim", SW_UPDATE), "state", "\"absent\"", "\"present\"")->attr = &attr;
    struct sw_str out = {0};
    sw_report_plan(&out, &f->plan, &PLAIN, false);
    assert_non_null(strstr(sw_str_z(&out), "    + package:curl\n    ~ package:vim\n        ~ state = \"absent\" -> \"present\"\n"));
    sw_str_done(&out);
    fixture_free(f);
}

static void nothing_to_do(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    const char *warnings[] = {"kubernetes 1.36 is not tested with containerd 1.6"};
    add(f, "n1", "package", "curl", SW_NOOP);
    f->plan.warnings = warnings;
    f->plan.n_warnings = 1;
    struct sw_str out = {0};
    sw_report_plan(&out, &f->plan, &PLAIN, false);
    assert_string_equal(
        sw_str_z(&out),
        "warning: kubernetes 1.36 is not tested with containerd 1.6\n\nNo changes. Everything is as it should be. 1 unchanged.\n");
    sw_str_done(&out);
    fixture_free(f);
}

static void escape_sequences_are_shown_not_sent(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    struct sw_plan_item *item = add(f, "n1", "file", "/tmp/\033[2J", SW_CREATE);
    item->reason = "\033]0;title\007";
    diff(f, item, "content", NULL, "\"one\\u001b[31mred\\ntwo\\n\"");
    diff(f, item, "x\033[0m", NULL, "\"\\u001b[1m\"");
    struct sw_str out = {0};
    sw_report_plan(&out, &f->plan, &PLAIN, false);
    assert_null(strchr(sw_str_z(&out), '\033'));
    assert_null(strchr(sw_str_z(&out), '\007'));
    sw_str_done(&out);
    fixture_free(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plan_shows_every_action),
        cmocka_unit_test(plan_in_colour),
        cmocka_unit_test(plan_on_a_narrow_terminal),
        cmocka_unit_test(equal_hosts_are_folded),
        cmocka_unit_test(values_that_look_equal_when_cut_are_not_folded),
        cmocka_unit_test(hosts_yet_to_be_made),
        cmocka_unit_test(drift_comes_first),
        cmocka_unit_test(nested_values),
        cmocka_unit_test(defaults_are_not_told_of_what_is_new),
        cmocka_unit_test(nothing_to_do),
        cmocka_unit_test(escape_sequences_are_shown_not_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
