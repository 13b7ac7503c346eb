#include "support.h"

static void opens_closes_and_stays_the_same(void **data) {
    struct fixture *f = *data;
    struct sw_state *s = open_state(f);
    char lineage[64], *key = malloc(32);
    assert_int_equal(strlen(sw_state_lineage(s)), 32);
    snprintf(lineage, sizeof lineage, "%s", sw_state_lineage(s));
    memcpy(key, sw_state_key(s), 32);
    assert_int_equal(sw_state_serial(s), 0);
    sw_state_close(s);

    struct stat st;
    assert_int_equal(stat(f->state, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    assert_int_equal(stat(f->db, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    char path[256];
    snprintf(path, sizeof path, "%s/state.key", f->state);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(st.st_size, 65);
    snprintf(path, sizeof path, "%s-wal", f->db); /* a clean close leaves one file */
    assert_int_not_equal(stat(path, &st), 0);

    s = open_state(f);
    assert_string_equal(sw_state_lineage(s), lineage);
    assert_memory_equal(sw_state_key(s), key, 32);
    sw_state_close(s);
    sw_state_close(NULL);
    free(key);
}

static void resources_round_trip(void **data) {
    struct fixture *f = *data;
    struct sw_state *s = open_state(f);
    const char *depends[] = {"lab_node.n1", "quote\"d \\ and\nnew line", NULL};
    struct sw_state_resource full = {.address = "n1/file:/etc/x",
                                     .type = "file",
                                     .name = "/etc/x",
                                     .host = "n1",
                                     .provider = "p",
                                     .attributes = every_kind(f),
                                     .depends = depends,
                                     .status = "partial",
                                     .seq = 7,
                                     .updated_ms = 1234,
                                     .prevent_destroy = true};
    struct sw_state_resource bare = {.address = "lab_node.n1", .type = "lab_node", .name = "n1", .seq = 3, .create_before_destroy = true};
    ok(f, sw_state_put(s, &full, &f->err));
    ok(f, sw_state_put(s, &bare, &f->err));
    assert_int_equal(sw_state_serial(s), 2);
    sw_state_close(s);

    s = open_state(f);
    assert_int_equal(sw_state_serial(s), 2);
    struct sw_state_resource *r = NULL;
    size_t n = 0;
    ok(f, sw_state_resources(s, f->arena, &r, &n, &f->err));
    assert_int_equal(n, 2);
    assert_string_equal(r[0].address, "lab_node.n1");
    assert_null(r[0].host);
    assert_null(r[0].provider);
    assert_string_equal(r[0].status, "ok");
    assert_null(r[0].depends[0]);
    assert_int_equal(r[0].attributes->map.n, 0);
    assert_true(r[0].updated_ms > 1600000000000);
    assert_true(r[0].create_before_destroy && !r[0].prevent_destroy);
    assert_string_equal(r[1].host, "n1");
    assert_string_equal(r[1].provider, "p");
    assert_string_equal(r[1].name, "/etc/x");
    assert_string_equal(r[1].type, "file");
    assert_string_equal(r[1].status, "partial");
    assert_int_equal(r[1].seq, 7);
    assert_int_equal(r[1].updated_ms, 1234);
    assert_true(r[1].prevent_destroy && !r[1].create_before_destroy);
    assert_string_equal(r[1].depends[1], depends[1]);
    assert_null(r[1].depends[2]);
    assert_same_value(r[1].attributes, full.attributes);

    full.status = "ok";
    ok(f, sw_state_put(s, &full, &f->err)); /* replaces */
    ok(f, sw_state_forget(s, "lab_node.n1", &f->err));
    fails(f, SW_ENOTFOUND, "'lab_node.n1' is not in the state", sw_state_forget(s, "lab_node.n1", &f->err));
    assert_int_equal(sw_state_serial(s), 4);
    ok(f, sw_state_resources(s, f->arena, &r, &n, &f->err));
    assert_int_equal(n, 1);
    assert_string_equal(r[0].status, "ok");
    fails(f, SW_EINTERNAL, "without address", sw_state_put(s, &(struct sw_state_resource){0}, &f->err));
    sw_state_close(s);
}

static void rename_moves_secrets_and_dependencies(void **data) {
    struct fixture *f = *data;
    struct sw_state *s = open_state(f);
    const char *depends[] = {"lab_node.n1", "lab_node.n10", NULL};
    struct sw_state_resource a = {.address = "lab_node.n1", .type = "lab_node", .name = "n1", .attributes = every_kind(f), .seq = 1};
    struct sw_state_resource b = {.address = "n1/file:/x", .type = "file", .name = "/x", .host = "n1", .depends = depends, .seq = 2};
    struct sw_state_resource c = {.address = "lab_node.n3", .type = "lab_node", .name = "n3", .seq = 3};
    ok(f, sw_state_put(s, &a, &f->err));
    ok(f, sw_state_put(s, &b, &f->err));
    ok(f, sw_state_put(s, &c, &f->err));
    fails(f, SW_ENOTFOUND, "'x.y' is not in the state", sw_state_rename(s, "x.y", "x.z", &f->err));
    fails(f, SW_EEXISTS, "'lab_node.n3' is in the state already", sw_state_rename(s, "lab_node.n1", "lab_node.n3", &f->err));
    ok(f, sw_state_rename(s, "lab_node.n1", "lab_node.n2", &f->err));
    struct sw_state_resource *r;
    size_t n;
    ok(f, sw_state_resources(s, f->arena, &r, &n, &f->err));
    assert_int_equal(n, 3);
    assert_string_equal(r[0].address, "lab_node.n2");
    assert_string_equal(r[0].name, "n2");
    assert_same_value(r[0].attributes, a.attributes);
    assert_string_equal(r[1].depends[0], "lab_node.n2");
    assert_string_equal(r[1].depends[1], "lab_node.n10");
    assert_int_equal(sw_state_serial(s), 4);
    sw_state_close(s);
}

static void hosts_and_outputs_round_trip(void **data) {
    struct fixture *f = *data;
    struct sw_state *s = open_state(f);
    const struct sw_value *out;
    ok(f, sw_state_outputs(s, f->arena, &out, &f->err));
    assert_int_equal(out->map.n, 0);
    ok(f, sw_state_put_outputs(s, every_kind(f), &f->err));
    ok(f, sw_state_put_outputs(s, every_kind(f), &f->err)); /* the same again is no change */
    assert_int_equal(sw_state_serial(s), 1);
    struct sw_pair pair = {"only", sw_value_int(f->arena, 1)};
    ok(f, sw_state_outputs(s, f->arena, &out, &f->err));
    assert_same_value(out, every_kind(f));
    ok(f, sw_state_put_outputs(s, sw_value_map(f->arena, &pair, 1), &f->err));
    ok(f, sw_state_outputs(s, f->arena, &out, &f->err));
    assert_same_value(out, sw_value_map(f->arena, &pair, 1));
    assert_int_equal(sw_state_serial(s), 2);

    const struct sw_value *plain = json(f, "{\"address\": \"192.0.2.1\", \"password\": \"hunter2\"}");
    struct sw_pair secret[] = {{"address", sw_value_str(f->arena, "192.0.2.1")},
                               {"password", sw_value_secret(f->arena, sw_value_str(f->arena, "hunter2"))}};
    const struct sw_value *marked = sw_value_map(f->arena, secret, 2);
    ok(f, sw_state_put_host(s, "n2", plain, &f->err));
    ok(f, sw_state_put_host(s, "n2", marked, &f->err)); /* only the mark differs: it must be written */
    ok(f, sw_state_put_host(s, "n1", &SW_EMPTY_MAP, &f->err));
    struct sw_host *hosts;
    size_t n;
    ok(f, sw_state_hosts(s, f->arena, &hosts, &n, &f->err));
    assert_int_equal(n, 2);
    assert_string_equal(hosts[1].name, "n2");
    assert_same_value(hosts[1].connection, marked);
    assert_int_equal(sw_state_serial(s), 2); /* how a host is reached is not what a plan was made against */
    sw_state_close(s);
}

static void runs_are_kept(void **data) {
    struct fixture *f = *data;
    struct sw_state *s = open_state(f);
    int64_t a, b;
    ok(f, sw_run_begin(s, "apply", &a, &f->err));
    ok(f, sw_run_begin(s, "destroy", &b, &f->err)); /* the first was never ended: it crashed */
    ok(f, sw_run_end(s, b, "failed", 1, 2, 3, &f->err));
    fails(f, SW_ENOTFOUND, "is not open", sw_run_end(s, b, "ok", 0, 0, 0, &f->err));
    struct sw_run *runs;
    size_t n;
    ok(f, sw_runs(s, f->arena, &runs, &n, &f->err));
    assert_int_equal(n, 2);
    assert_int_equal(runs[0].id, b);
    assert_string_equal(runs[0].operation, "destroy");
    assert_string_equal(runs[0].outcome, "failed");
    assert_true(runs[0].done == 1 && runs[0].failed == 2 && runs[0].skipped == 3);
    assert_true(runs[0].ended_ms >= runs[0].started_ms && runs[0].started_ms > 0);
    assert_non_null(strchr(runs[0].who, '@'));
    assert_string_equal(runs[1].outcome, "crashed");
    assert_int_equal(runs[1].ended_ms, 0);
    sw_state_close(s);
}

static void reading_creates_nothing(void **data) {
    struct fixture *f = *data;
    struct sw_state *s = NULL;
    struct stat st;
    ok(f, sw_state_open(f->state, true, &s, &f->err)); /* not there: empty */
    struct sw_state_resource *r;
    struct sw_host *hosts;
    struct sw_run *runs;
    struct sw_intent *intents;
    const struct sw_value *out;
    size_t n = 9;
    assert_string_equal(sw_state_lineage(s), "");
    assert_int_equal(sw_state_serial(s), 0);
    assert_null(sw_state_key(s));
    ok(f, sw_state_resources(s, f->arena, &r, &n, &f->err));
    assert_int_equal(n, 0);
    ok(f, sw_state_hosts(s, f->arena, &hosts, &n, &f->err));
    ok(f, sw_runs(s, f->arena, &runs, &n, &f->err));
    ok(f, sw_journal_pending(s, f->arena, &intents, &n, &f->err));
    ok(f, sw_journal_of_run(s, 1, f->arena, &intents, &n, &f->err));
    ok(f, sw_state_outputs(s, f->arena, &out, &f->err));
    fails(f, SW_EINTERNAL, "for reading only", sw_state_lock(s, "apply", f->arena, NULL, &f->err));
    fails(f, SW_EINTERNAL, "for reading only", sw_state_force_unlock(s, &f->err));
    sw_state_unlock(s);
    sw_state_close(s);
    assert_int_not_equal(stat(f->state, &st), 0);

    s = open_state(f);
    ok(f, sw_state_put(s, &(struct sw_state_resource){.address = "a.b", .type = "a", .name = "b"}, &f->err));
    sw_state_close(s);
    struct sw_str before = read_bytes(f->db);
    ok(f, sw_state_open(f->state, true, &s, &f->err)); /* at rest: read from memory */
    ok(f, sw_state_resources(s, f->arena, &r, &n, &f->err));
    assert_int_equal(n, 1);
    assert_int_equal(sw_state_serial(s), 1);
    assert_non_null(sw_state_key(s));
    char path[160];
    snprintf(path, sizeof path, "%s-wal", f->db);
    assert_int_not_equal(stat(path, &st), 0);
    snprintf(path, sizeof path, "%s-shm", f->db);
    assert_int_not_equal(stat(path, &st), 0);
    fails(f, SW_EINTERNAL, "for reading only", sw_state_forget(s, "a.b", &f->err));
    sw_state_close(s);
    struct sw_str after = read_bytes(f->db);
    assert_int_equal(before.len, after.len);
    assert_memory_equal(before.p, after.p, before.len);
    sw_str_done(&before);
    sw_str_done(&after);
}

static void reads_while_another_writes(void **data) {
    struct fixture *f = *data;
    struct sw_state *writer = open_state(f), *reader = NULL;
    ok(f, sw_state_lock(writer, "apply", f->arena, NULL, &f->err));
    struct sw_state_resource one = {.address = "a.b", .type = "a", .name = "b"};
    ok(f, sw_state_put(writer, &one, &f->err));
    ok(f, sw_state_open(f->state, true, &reader, &f->err));
    struct sw_state_resource *r;
    size_t n;
    ok(f, sw_state_resources(reader, f->arena, &r, &n, &f->err));
    assert_int_equal(n, 1);
    ok(f, sw_state__exec(writer, "BEGIN IMMEDIATE; DELETE FROM resource", &f->err)); /* a transaction in the middle */
    ok(f, sw_state_resources(reader, f->arena, &r, &n, &f->err));
    assert_int_equal(n, 1);
    ok(f, sw_state__exec(writer, "ROLLBACK", &f->err));
    one.address = "a.c";
    ok(f, sw_state_put(writer, &one, &f->err));
    ok(f, sw_state_resources(reader, f->arena, &r, &n, &f->err));
    assert_int_equal(n, 2);
    assert_int_equal(sw_state_serial(reader), 2);
    sw_state_close(reader);
    ok(f, sw_state_put(writer, &one, &f->err));
    sw_state_unlock(writer);
    sw_state_close(writer);
}

static void secrets_rest_sealed(void **data) {
    struct fixture *f = *data;
    struct sw_state *s = open_state(f);
    int64_t run;
    ok(f, sw_state_lock(s, "apply", f->arena, NULL, &f->err));
    ok(f, sw_run_begin(s, "apply", &run, &f->err));
    ok(f, sw_state_put(s, &(struct sw_state_resource){.address = "a.b", .type = "a", .name = "b", .attributes = every_kind(f)}, &f->err));
    ok(f, sw_state_put_host(s, "n1", every_kind(f), &f->err));
    ok(f, sw_state_put_outputs(s, every_kind(f), &f->err));
    struct sw_intent intent = {.run = run, .address = "a.b", .type = "a", .name = "b", .action = SW_CREATE, .desired = every_kind(f)};
    ok(f, sw_journal_open(s, f->arena, &intent, 1, &f->err));
    char wal[160];
    struct sw_str hex = {0};
    snprintf(wal, sizeof wal, "%s-wal", f->db);
    sw_str_add_hex(&hex, sw_state_key(s), 32);
    assert_true(file_holds(wal, "caf\xc3\xa9")); /* the search would find it */
    assert_false(file_holds(wal, "hunter2"));
    assert_false(file_holds(wal, "424242"));
    assert_false(file_holds(wal, hex.p));
    sw_state_close(s);
    assert_true(file_holds(f->db, "caf\xc3\xa9"));
    assert_false(file_holds(f->db, "hunter2"));
    assert_false(file_holds(f->db, "424242"));
    assert_false(file_holds(f->db, hex.p));
    sw_str_done(&hex);
}

static void ten_thousand_resources(void **data) {
    struct fixture *f = *data;
    struct sw_state *s = open_state(f);
    ok(f, sw_state_lock(s, "apply", f->arena, NULL, &f->err));
    struct sw_pair pairs[] = {{"path", sw_value_str(f->arena, "/etc/some/file/name")},
                              {"mode", sw_value_str(f->arena, "0644")},
                              {"owner", sw_value_str(f->arena, "root")},
                              {"size", sw_value_int(f->arena, 12345)},
                              {"sha256", sw_value_str(f->arena, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")},
                              {"tags", json(f, "{\"a\": [1, 2, 3], \"b\": {\"c\": true}}")}};
    const struct sw_value *attributes = sw_value_map(f->arena, pairs, 6);
    const char *depends[] = {"n1/package:containerd.io", NULL};
    uint64_t start = sw_now_ms();
    for (int i = 0; i < 10000; i++) {
        char address[64];
        snprintf(address, sizeof address, "n%d/file:/etc/%d", i % 100, i);
        struct sw_state_resource r = {
            .address = address, .type = "file", .name = "x", .host = "n1", .attributes = attributes, .depends = depends, .seq = i};
        ok(f, sw_state_put(s, &r, &f->err));
    }
    uint64_t written = sw_now_ms() - start;
    sw_state_close(s);
    start = sw_now_ms();
    struct sw_state_resource *r;
    size_t n;
    ok(f, sw_state_open(f->state, true, &s, &f->err));
    uint64_t opened = sw_now_ms() - start;
    start = sw_now_ms();
    ok(f, sw_state_resources(s, f->arena, &r, &n, &f->err));
    uint64_t loaded = sw_now_ms() - start;
    assert_int_equal(n, 10000);
    assert_string_equal(r[9999].address, "n99/file:/etc/9999");
    sw_state_close(s);
    print_message("10,000 resources: written in %d ms, opened in %d ms, loaded in %d ms\n", (int)written, (int)opened, (int)loaded);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(opens_closes_and_stays_the_same, setup, teardown),
        cmocka_unit_test_setup_teardown(resources_round_trip, setup, teardown),
        cmocka_unit_test_setup_teardown(rename_moves_secrets_and_dependencies, setup, teardown),
        cmocka_unit_test_setup_teardown(hosts_and_outputs_round_trip, setup, teardown),
        cmocka_unit_test_setup_teardown(runs_are_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(reading_creates_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(reads_while_another_writes, setup, teardown),
        cmocka_unit_test_setup_teardown(secrets_rest_sealed, setup, teardown),
        cmocka_unit_test_setup_teardown(ten_thousand_resources, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
