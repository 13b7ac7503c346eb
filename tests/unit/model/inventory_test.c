#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "slipway/file.h"
#include "slipway/inventory.h"

static struct sw_arena *arena;
static char dir[64], *file;

static int set_up(void **state) {
    (void)state;
    arena = sw_arena_new();
    snprintf(dir, sizeof dir, "/tmp/slipway-inventory-XXXXXX");
    setenv("HOME", "/home/me", 1);
    if (!mkdtemp(dir)) return -1;
    file = sw_printf(arena, "%s/inventory.yaml", dir);
    return sw_file_write(sw_printf(arena, "%s/pw", dir), "hunter2\n", 8, 0600, NULL);
}

static int tear_down(void **state) {
    (void)state;
    char command[100];
    snprintf(command, sizeof command, "rm -rf %s", dir);
    sw_arena_free(arena);
    return system(command);
}

static int try(const char *text, struct sw_inventory **ret, struct sw_err *err) {
    assert_int_equal(sw_file_write(file, text, strlen(text), 0600, NULL), 0);
    return sw_inventory_load(arena, dir, NULL, NULL, ret, err);
}

static struct sw_inventory *load(const char *text) {
    struct sw_inventory *inventory = NULL;
    struct sw_err err = {0};
    int rc = try(text, &inventory, &err);
    if (rc < 0) print_error("line %u: %s\n", err.line, err.message);
    sw_err_done(&err);
    assert_int_equal(rc, 0);
    return inventory;
}

static void assert_refused(const char *text, unsigned line, const char *message, const char *hint) {
    struct sw_inventory *inventory = NULL;
    struct sw_err err = {0};
    assert_true(try(text, &inventory, &err) < 0);
    assert_null(inventory);
    assert_string_equal(err.message, message);
    if (hint) assert_string_equal(err.hint, hint);
    assert_string_equal(err.file, file);
    assert_int_equal(err.line, line);
    sw_err_done(&err);
}

/* The value at a path as JSON. DIR in `expected` stands for the inventory's directory. */
static void assert_at(const struct sw_inventory *inventory, const char *path, const char *expected) {
    struct sw_str text = {0};
    sw_json_write(&text, sw_get_path(inventory->value, path), SW_JSON_PLAIN);
    struct sw_str wanted = {0};
    for (const char *at; (at = strstr(expected, "DIR")); expected = at + 3) {
        sw_str_add(&wanted, expected, (size_t)(at - expected));
        sw_str_addz(&wanted, dir);
    }
    sw_str_addz(&wanted, expected);
    assert_string_equal(sw_str_z(&text), wanted.p);
    sw_str_done(&text);
    sw_str_done(&wanted);
}

static void a_cloud(void **state) {
    (void)state;
    const struct sw_inventory *inventory =
        load("name: ecoeco\n"
             "environment: production\n"
             "provider: { name: aws, region: ap-northeast-2 }\n"
             "ssh: { user: ubuntu, key: ~/.ssh/ecoeco, become: sudo, bastion: { host: 203.0.113.7 } }\n"
             "network: { cidr: 10.0.0.0/16, zones: [a, c], nat: single, ingress: { domain: api.example.org } }\n"
             "kubernetes: { version: 1.36.2, pod_cidr: 192.168.0.0/16, endpoint: nlb, source: packages, cni: calico }\n"
             "pools:\n"
             "  - { name: control-plane, role: control-plane, count: 3, type: t3.large }\n"
             "  - { name: auth, count: 1, type: t3.small, labels: { domain: auth }, taints: [\"domain=auth:NoSchedule\"] }\n"
             "addons:\n"
             "  metallb: { addresses: [192.168.0.200-192.168.0.220] }\n"
             "  argo-cd:\n"
             "secrets: { grafana_password: !file pw }\n"
             "vars: { anything: [goes] }\n");
    assert_string_equal(inventory->name, "ecoeco");
    assert_string_equal(inventory->playbook, "site");
    assert_string_equal(inventory->file, file);
    assert_string_equal(inventory->dir, dir);
    assert_int_equal(sw_get(inventory->value, "nodes")->list.n, 4);
    assert_at(inventory, "nodes.1",
              "{\"connection\":{\"bastion\":{\"address\":\"203.0.113.7\",\"key\":\"/home/me/.ssh/ecoeco\",\"user\":\"ubuntu\"},"
              "\"become\":\"sudo\",\"key\":\"/home/me/.ssh/ecoeco\",\"user\":\"ubuntu\"},\"index\":2,\"labels\":{},"
              "\"name\":\"control-plane-2\",\"pool\":\"control-plane\",\"role\":\"control-plane\",\"taints\":[],\"type\":\"t3.large\","
              "\"zone\":\"c\"}");
    assert_at(inventory, "nodes.3.labels", "{\"domain\":\"auth\"}");
    assert_at(inventory, "nodes.3.taints", "[\"domain=auth:NoSchedule\"]");
    assert_at(inventory, "nodes.3.role", "\"worker\"");
    assert_at(inventory, "kubernetes.service_cidr", "\"10.96.0.0/12\"");
    assert_at(inventory, "addons.argo-cd", "{}");
    assert_at(inventory, "provider.region", "\"ap-northeast-2\"");
    assert_true(sw_get_path(inventory->value, "secrets.grafana_password")->secret);
    assert_at(inventory, "secrets.grafana_password", "\"hunter2\"");
}

static void the_lab(void **state) {
    (void)state;
    const struct sw_inventory *inventory = load("name: lab\nprovider: { name: lab }\nnetwork: { gateway: 10.88.0.12 }\n"
                                                "pools:\n  - { name: cp, role: control-plane, names: [n1, n2], addresses: [10.88.0.14] }\n"
                                                "  - { name: w, count: 3 }\n  - { name: none, count: 0 }\n"
                                                "hosts:\n  - { name: w-2, address: 10.88.0.50, labels: { a: b }, user: me }\n");
    static const char *const expected[][2] = {
        {"n1", "10.88.0.14"}, {"n2", "10.88.0.11"}, {"w-1", "10.88.0.13"}, {"w-2", "10.88.0.50"}, {"w-3", "10.88.0.15"}};
    const struct sw_value *nodes = sw_get(inventory->value, "nodes");
    assert_int_equal(nodes->list.n, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_string_equal(sw_get_str(nodes->list.v[i], "name", ""), expected[i][0]);
        assert_string_equal(sw_get_str(nodes->list.v[i], "address", ""), expected[i][1]);
        assert_string_equal(sw_get_path(nodes->list.v[i], "connection.address")->s.p, expected[i][1]);
    }
    assert_at(inventory, "network.cidr", "\"10.88.0.0/24\"");
    assert_at(inventory, "nodes.3.labels", "{\"a\":\"b\"}");
    assert_at(inventory, "nodes.3.connection.user", "\"me\"");
    assert_refused("name: lab\nprovider: { name: lab }\nnetwork: { cidr: 10.1.0.0/28 }\npools:\n  - { name: w, count: 5 }\n", 5,
                   "'network.cidr' (10.1.0.0/28) has no address left for 'w-5'",
                   "addresses start at .11; give a larger network, such as 10.88.0.0/20");
}

static void static_hosts(void **state) {
    (void)state;
    const struct sw_inventory *inventory =
        load("name: onprem\n"
             "ssh: { user: ops, keys: [k1, /abs/k2], port: 2222, become: sudo, known_hosts: kh, bastion: { host: b, key: bk, port: 22 } }\n"
             "pools:\n  - { name: workers, labels: { tier: w, a: pool }, type: big, rack: r1 }\n"
             "hosts:\n"
             "  - { name: n1, address: 192.0.2.11, host_key: ssh-ed25519 AAAA, role: control-plane }\n"
             "  - { name: n2, address: 192.0.2.12, port: 22, pool: workers, key: own, labels: { a: host }, become: none, rack: r2 }\n"
             "  - { name: n3, transport: local, pool: workers, user: me }\n");
    assert_at(inventory, "provider", "{\"name\":\"static\"}");
    assert_at(
        inventory, "nodes.0",
        "{\"address\":\"192.0.2.11\",\"connection\":{\"address\":\"192.0.2.11\","
        "\"bastion\":{\"address\":\"b\",\"key\":\"DIR/bk\",\"known_hosts\":\"DIR/kh\",\"port\":22,\"user\":\"ops\"},\"become\":\"sudo\","
        "\"host_key\":\"ssh-ed25519 AAAA\",\"keys\":[\"DIR/k1\",\"/abs/k2\"],\"known_hosts\":\"DIR/kh\",\"port\":2222,\"user\":\"ops\"},"
        "\"host_key\":\"ssh-ed25519 AAAA\",\"index\":1,\"labels\":{},\"name\":\"n1\",\"role\":\"control-plane\",\"taints\":[]}");
    assert_at(inventory, "nodes.1.connection.key", "\"DIR/own\"");
    assert_null(sw_get_path(inventory->value, "nodes.1.connection.keys"));
    assert_null(sw_get_path(inventory->value, "nodes.1.connection.become"));
    assert_at(inventory, "nodes.1.connection.port", "22");
    assert_at(inventory, "nodes.1.labels", "{\"a\":\"host\",\"tier\":\"w\"}");
    assert_at(inventory, "nodes.1.rack", "\"r2\"");
    assert_at(inventory, "nodes.2.rack", "\"r1\"");
    assert_at(inventory, "nodes.2.type", "\"big\"");
    assert_at(inventory, "nodes.2.index", "2");
    assert_at(inventory, "nodes.2.connection.transport", "\"local\"");
    assert_at(inventory, "nodes.2.connection.bastion.user", "\"ops\"");
    /* No machines at all: a cluster that exists already. */
    inventory = load("name: x\nkubeconfig: kc\n");
    assert_at(inventory, "nodes", "[]");
    assert_at(inventory, "kubeconfig", "\"DIR/kc\"");
}

static void passwords_are_secret(void **state) {
    (void)state;
    const struct sw_inventory *inventory =
        load("name: x\nssh: { password: a, become_password: b, passphrase: c }\nhosts:\n  - { name: n, address: h, password: d }\n");
    struct sw_str text = {0};
    sw_json_write(&text, inventory->value, 0);
    static const char *const words[] = {"\"a\"", "\"b\"", "\"c\"", "\"d\""};
    for (size_t i = 0; i < 4; i++) assert_null(strstr(text.p, words[i]));
    assert_at(inventory, "nodes.0.connection.password", "\"d\"");
    sw_str_done(&text);
}

static void names_and_references(void **state) {
    (void)state;
    assert_refused("environment: x\n", 1, "'inventory' needs 'name' (a string)",
                   "name: The cluster's name, in lower-case letters, digits and '-'.");
    assert_refused("\nname: My_Lab\n", 2, "inventory 'My_Lab' is not a valid name", NULL);
    assert_refused("name: x\nhots: []\n", 2, "'inventory' has no attribute 'hots'", "did you mean 'hosts'?");
    assert_refused("name: x\nssh:\n  usr: y\n", 3, "'inventory' has no attribute 'ssh.usr'", "did you mean 'user'?");
    assert_refused("name: x\nplaybook: ../../etc/x\n", 2, "'playbook' must be a name of letters, digits, '-' and '_'", NULL);
    assert_refused("name: x\nkubernetes:\n  version: 1.36\n", 3,
                   "'kubernetes.version' of 'inventory' must be a string, not the number 1.36", "put it in quotes: \"1.36\"");
    assert_refused("name: x\nhosts:\n  - { name: n1, address: a }\n  - { name: n1, address: b }\n", 4, "duplicate host name 'n1'",
                   "the first one is on line 3");
    assert_refused("name: x\nprovider: { name: lab }\npools:\n  - { name: w, names: [a] }\n  - { name: v, names: [a] }\n", 5,
                   "duplicate node name 'a'", "the first one comes from line 4");
    assert_refused("name: x\nprovider: { name: lab }\npools:\n  - { name: w }\n  - { name: w }\n", 5, "duplicate pool name 'w'",
                   "the first one is on line 4");
    assert_refused("name: x\npools: [{ name: workers }]\nhosts:\n  - { name: n1, address: a, pool: workes }\n", 4,
                   "no pool is named 'workes'", "did you mean 'workers'?");
    assert_refused("name: x\nhosts:\n  - { name: N1, address: a }\n", 3, "host 'N1' is not a valid name", NULL);
    assert_refused("name: x\nhosts:\n  - { name: n1, adress: a }\n", 3, "host 'n1' needs an 'address'", NULL);
    assert_refused("name: x\nprovider: { name: lab }\nhosts:\n  - { name: n1, address: a }\n", 4,
                   "host 'n1' is none of the pools' machines", NULL);
    assert_refused("name: x\nhosts:\n  - { name: n1, address: a, role: master }\n", 3,
                   "'hosts.0.role' of 'inventory' must be \"control-plane\" or \"worker\", not the string \"master\"", NULL);
    assert_refused("name: x\nhosts:\n  - { name: n1, address: a, port: 70000 }\n", 3, "'port' must be between 1 and 65535, not 70000",
                   NULL);
    assert_refused("name: x\nhosts:\n  - name: n1\n    address: a\n    taints: [\"a=b:NoScedule\"]\n", 5, "'a=b:NoScedule' is not a taint",
                   "did you mean 'a=b:NoSchedule'?");
    assert_refused("name: x\nprovider: { name: lab }\npools:\n  - { name: w, names: [a, b], count: 3 }\n", 4,
                   "pool 'w' has 2 names but a count of 3", NULL);
}

static void networks(void **state) {
    (void)state;
    assert_refused("name: x\nnetwork: { cidr: 10.0.0.0/33 }\n", 2, "'network.cidr' is not an IPv4 network: '10.0.0.0/33'",
                   "write it as 10.0.0.0/16");
    assert_refused("name: x\nnetwork: { cidr: 10.0.0.5/16 }\n", 2, "'network.cidr' is not an IPv4 network: '10.0.0.5/16'",
                   "it has bits beyond /16 set: did you mean '10.0.0.0/16'?");
    assert_refused("name: x\nnetwork: { cidr: 'fd00::/64' }\n", 2, "'network.cidr' is not an IPv4 network: 'fd00::/64'",
                   "IPv6 and dual-stack networks are not supported");
    assert_refused("name: x\nkubernetes:\n  pod_cidr: 10.1.0.0/16\nnetwork:\n  cidr: 10.0.0.0/8\n", 3,
                   "'kubernetes.pod_cidr' (10.1.0.0/16) overlaps 'network.cidr' (10.0.0.0/8, line 5)",
                   "machines, pods and services each need a network of their own");
    assert_refused("name: x\nkubernetes:\n  pod_cidr: 10.100.0.0/16\n", 3,
                   "'kubernetes.pod_cidr' (10.100.0.0/16) overlaps 'kubernetes.service_cidr' (10.96.0.0/12, the default)", NULL);
    assert_refused("name: x\nkubernetes: { pod_cidr: 192.168.0.0/16 }\nhosts:\n  - { name: n1, address: 192.168.1.5 }\n", 4,
                   "address 192.168.1.5 of host 'n1' lies in 'kubernetes.pod_cidr' (192.168.0.0/16)",
                   "set 'kubernetes.pod_cidr' to a network that no machine is in");
    assert_refused("name: x\nnetwork:\n  cidr: 10.0.0.0/16\n  subnets: { public: [10.0.0.0/24, 10.1.0.0/24] }\n", 4,
                   "'network.subnets.public.1' (10.1.0.0/24) is not inside 'network.cidr' (10.0.0.0/16)",
                   "a subnet is a part of the machines' network, with a longer prefix");
    assert_refused("name: x\nnetwork:\n  cidr: 10.0.0.0/16\n  subnets:\n    public: [10.0.0.0/23]\n    private: { a: 10.0.1.0/24 }\n", 5,
                   "'network.subnets.public.0' (10.0.0.0/23) overlaps 'network.subnets.private.a' (10.0.1.0/24, line 6)",
                   "each subnet is a network of its own");
    assert_refused("name: x\nnetwork: { subnets: [10.0.0.1/24] }\n", 2, "'network.subnets.0' is not an IPv4 network: '10.0.0.1/24'",
                   "it has bits beyond /24 set: did you mean '10.0.0.0/24'?");
    assert_refused("name: x\nnetwork: { cidr: 10.0.0.0/16, gateway: 10.1.0.1 }\n", 2,
                   "'network.gateway' (10.1.0.1) is not inside 'network.cidr' (10.0.0.0/16)", NULL);
    load("name: x\nnetwork: { cidr: 10.0.0.0/16, subnets: { public: [10.0.0.0/24], private: [10.0.1.0/24] }, gateway: 10.0.0.1 }\n");
    load("name: x\nnetwork: { cidr: 10.0.0.0/8 }\n");
    load("name: x\nnetwork: { cidr: 0.0.0.0/0 }\n");
}

static void five_thousand_and_no_more(void **state) {
    (void)state;
    const struct sw_inventory *inventory = load("name: x\nprovider: { name: aws }\npools:\n  - { name: w, count: 5000 }\n");
    assert_int_equal(sw_get(inventory->value, "nodes")->list.n, 5000);
    assert_at(inventory, "nodes.4999.name", "\"w-5000\"");
    assert_refused("name: x\nprovider: { name: aws }\npools:\n  - { name: w, count: 5001 }\n", 4,
                   "'count' must be between 0 and 5000, not 5001", NULL);
    assert_refused("name: x\nprovider: { name: aws }\npools:\n  - { name: w, count: 5000 }\n  - { name: v }\n", 5,
                   "more than 5000 machines", NULL);
    assert_refused("name: x\nprovider: { name: aws }\npools:\n  - { name: w, count: -1 }\n", 4,
                   "'count' must be between 0 and 5000, not -1", NULL);
    struct sw_str text = {0};
    sw_str_addz(&text, "name: x\npools: [{ name: p }]\nhosts:\n");
    for (int i = 0; i < 5000; i++) sw_str_addf(&text, "- { name: n%d, address: 10.%d.%d.1, pool: p }\n", i, i / 250, i % 250);
    inventory = load(text.p);
    assert_at(inventory, "nodes.4999.index", "5000");
    sw_str_addz(&text, "- { name: last, address: 10.99.1.1, pool: p }\n");
    assert_refused(text.p, 5004, "more than 5000 machines", NULL);
    sw_str_done(&text);
}

static void where_it_lies(void **state) {
    (void)state;
    struct sw_inventory *inventory = NULL;
    struct sw_err err = {0};
    assert_int_equal(sw_inventory_load(arena, "/nowhere/at/all", NULL, NULL, &inventory, &err), SW_ENOTFOUND);
    assert_string_equal(err.message, "no inventory at '/nowhere/at/all'");
    sw_err_done(&err);
    load("name: x\n");
    assert_int_equal(sw_inventory_load(arena, file, NULL, NULL, &inventory, &err), 0);
    assert_string_equal(inventory->dir, dir);
    assert_refused("", 1, "'inventory' needs 'name' (a string)", NULL);
    assert_refused("- a\n", 1, "'inventory' must be a map, not a list", NULL);
    assert_refused("name: x\nssh: { password: !env SLIPWAY_NOT_SET }\n", 2, "environment variable 'SLIPWAY_NOT_SET' is not set", NULL);
    struct sw_tags tags = {.untrusted = true};
    assert_int_equal(sw_file_write(file, "name: x\nsecrets: { a: !file pw, b: !vault v }\n", 46, 0600, NULL), 0);
    assert_int_equal(sw_inventory_load(arena, dir, sw_tags_read, &tags, &inventory, &err), 0);
    assert_at(inventory, "secrets", "{\"a\":\"hunter2\",\"b\":null}");
}

static void every_attribute_has_a_sentence(void **state) {
    const struct sw_schema *schema = *state ? *state : (void *)sw_inventory_schema();
    for (size_t i = 0; i < schema->n_attrs; i++) {
        const struct sw_attr *attr = &schema->attrs[i];
        assert_non_null(attr->doc);
        assert_true(sw_ends_with(attr->doc, "."));
        if (i) assert_true(strcmp(schema->attrs[i - 1].name, attr->name) < 0);
        assert_ptr_equal(sw_schema_find(schema, attr->name), attr);
        void *inner = (void *)attr->object;
        if (inner) every_attribute_has_a_sentence(&inner);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cloud),
        cmocka_unit_test(the_lab),
        cmocka_unit_test(static_hosts),
        cmocka_unit_test(passwords_are_secret),
        cmocka_unit_test(names_and_references),
        cmocka_unit_test(networks),
        cmocka_unit_test(five_thousand_and_no_more),
        cmocka_unit_test(where_it_lies),
        cmocka_unit_test(every_attribute_has_a_sentence),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
