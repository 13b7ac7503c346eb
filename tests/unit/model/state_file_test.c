/* Files that are not a state, or not one any more: a clear error, and not a byte of them changes. */
#include "support.h"

static void some_content(struct fixture *f) {
    struct sw_state *s = open_state(f);
    for (int i = 0; i < 200; i++) {
        char address[32];
        snprintf(address, sizeof address, "a.n%d", i);
        ok(f,
           sw_state_put(s, &(struct sw_state_resource){.address = address, .type = "a", .name = "n", .attributes = every_kind(f), .seq = i},
                        &f->err));
    }
    sw_state_close(s);
}

/* Opening (both ways) fails and says `text`; state.db stays as it is, and no file is added. */
static void refused(struct fixture *f, int code, const char *text) {
    struct sw_str before = read_bytes(f->db);
    for (int read_only = 0; read_only < 2; read_only++) {
        struct sw_state *s = NULL;
        int rc = sw_state_open(f->state, read_only, &s, &f->err);
        assert_null(s);
        if (rc != code || !strstr(f->err.message, text) || !strstr(f->err.message, f->state))
            fail_msg("%d '%s' is not %d '%s'", rc, f->err.message ? f->err.message : "(none)", code, text);
        assert_non_null(f->err.hint);
        sw_err_done(&f->err);
        assert_int_equal(sw_state_open(f->state, read_only, &s, NULL), code);
    }
    struct sw_str after = read_bytes(f->db);
    assert_int_equal(before.len, after.len);
    if (before.len) assert_memory_equal(before.p, after.p, before.len);
    sw_str_done(&before);
    sw_str_done(&after);
}

static void truncated_files(void **data) {
    struct fixture *f = *data;
    some_content(f);
    struct sw_str whole = read_bytes(f->db);
    assert_true(whole.len > 8 * 4096);
    const size_t sizes[] = {0, 1, 10, 50, 99};
    for (size_t i = 0; i < 5; i++) {
        write_bytes(f->db, whole.p, sizes[i]);
        refused(f, SW_EIO, "is truncated");
    }
    write_bytes(f->db, whole.p, 100);
    refused(f, SW_EIO, "is truncated: 100 of");
    write_bytes(f->db, whole.p, 4096);
    refused(f, SW_EIO, "is truncated: 4096 of");
    write_bytes(f->db, whole.p, whole.len - 1);
    refused(f, SW_EIO, "is truncated");
    write_bytes(f->db, whole.p, whole.len);
    sw_state_close(open_state(f)); /* and whole again it opens */
    sw_str_done(&whole);
}

static void corrupt_files(void **data) {
    struct fixture *f = *data;
    some_content(f);
    struct sw_str whole = read_bytes(f->db);
    char *copy = malloc(whole.len);
    size_t refusals = 0, pages = whole.len / 4096;
    for (size_t page = 0; page < pages; page++) { /* zeroes, then noise, over most of each page */
        for (int noise = 0; noise < 2; noise++) {
            memcpy(copy, whole.p, whole.len);
            char *at = copy + page * 4096 + (page ? 0 : 100);
            if (noise)
                for (size_t i = 0; i < 3900; i++) at[i] = (char)(i * 131 + page);
            else
                memset(at, 0, 3900);
            write_bytes(f->db, copy, whole.len);
            struct sw_state *s = NULL;
            struct sw_state_resource *r;
            size_t n = 0;
            int rc = sw_state_open(f->state, false, &s, &f->err);
            if (!rc) rc = sw_state_resources(s, f->arena, &r, &n, &f->err);
            if (rc) {
                assert_non_null(f->err.message);
                if (!strstr(f->err.message, f->db)) assert_true(f->err.n_frames > 0);
                refusals++;
            } else {
                assert_int_equal(n, 200);
            }
            sw_state_close(s);
            sw_err_done(&f->err);
            if (rc && rc != SW_EAUTH && !s) {
                struct sw_str now = read_bytes(f->db);
                assert_int_equal(now.len, whole.len);
                assert_memory_equal(now.p, copy, whole.len);
                sw_str_done(&now);
            }
        }
    }
    assert_true(refusals >= pages);
    memcpy(copy, whole.p, whole.len);
    memset(copy + 4096, 0xff, 4096); /* the root of meta */
    write_bytes(f->db, copy, whole.len);
    refused(f, SW_EIO, "is damaged");
    free(copy);
    sw_str_done(&whole);
}

static void foreign_files(void **data) {
    struct fixture *f = *data;
    assert_int_equal(mkdir(f->state, 0700), 0);
    write_bytes(f->db, "{\"version\": 4, \"terraform_version\": \"1.9\"}", 42);
    refused(f, SW_EINVAL, "is not a slipway state: it is not an SQLite database");
    char noise[9000];
    for (size_t i = 0; i < sizeof noise; i++) noise[i] = (char)(i * 7);
    write_bytes(f->db, noise, sizeof noise);
    refused(f, SW_EINVAL, "not an SQLite database");
    remove(f->db);

    some_content(f);
    struct sw_str whole = read_bytes(f->db);
    memset(whole.p + 68, 0, 4); /* application_id */
    write_bytes(f->db, whole.p, whole.len);
    refused(f, SW_EINVAL, "the database of another program");
    sw_str_done(&whole);
}

static void newer_version(void **data) {
    struct fixture *f = *data;
    some_content(f);
    struct sw_str whole = read_bytes(f->db);
    whole.p[63] = 2; /* user_version */
    write_bytes(f->db, whole.p, whole.len);
    refused(f, SW_EINVAL, "is from a newer slipway: its format is 2, this one");
    whole.p[63] = 0;
    write_bytes(f->db, whole.p, whole.len);
    refused(f, SW_EINVAL, "has format 0, this slipway");
    sw_str_done(&whole);
}

/* A newer slipway that was killed: its version is in the write-ahead log only. */
static void newer_version_in_the_log(void **data) {
    struct fixture *f = *data;
    some_content(f);
    pid_t child = fork();
    if (!child) {
        struct sw_state *s = NULL;
        if (sw_state_open(f->state, false, &s, NULL) || sw_state__exec(s, "PRAGMA user_version=3", NULL)) _exit(1);
        kill(getpid(), SIGKILL);
    }
    int status;
    waitpid(child, &status, 0);
    assert_true(WIFSIGNALED(status));
    char wal[160];
    snprintf(wal, sizeof wal, "%s-wal", f->db);
    struct sw_str before = read_bytes(wal), after = {0};
    assert_true(before.len > 0);
    refused(f, SW_EINVAL, "has format 3");
    refused(f, SW_EINVAL, "has format 3");
    after = read_bytes(wal);
    assert_int_equal(before.len, after.len);
    assert_memory_equal(before.p, after.p, before.len);
    sw_str_done(&before);
    sw_str_done(&after);
}

static void not_even_a_file(void **data) {
    struct fixture *f = *data;
    assert_int_equal(mkdir(f->state, 0700), 0);
    assert_int_equal(mkdir(f->db, 0700), 0);
    refused(f, SW_EINVAL, "is a directory, not a file");
    rmdir(f->db);
    assert_int_equal(mkfifo(f->db, 0600), 0);
    struct sw_state *s = NULL;
    fails(f, SW_EINVAL, "is a device or a socket", sw_state_open(f->state, false, &s, &f->err));
    fails(f, SW_EINVAL, "is a device or a socket", sw_state_open(f->state, true, &s, &f->err));
    remove(f->db);
    rmdir(f->state);
    write_bytes(f->state, "x", 1); /* the directory is a file */
    fails(f, SW_EIO, "is not a directory", sw_state_open(f->state, false, &s, &f->err));
    remove(f->state);
    assert_int_equal(mkdir(f->state, 0700), 0);
    char wal[160];
    snprintf(wal, sizeof wal, "%s-wal", f->db);
    write_bytes(wal, "x", 1);
    refused(f, SW_EIO, "is missing, but its write-ahead log");
}

/* As somebody who may not read it. Only root can become nobody; without root the mode alone does it. */
static void unreadable(void **data) {
    struct fixture *f = *data;
    some_content(f);
    chmod(f->db, 0);
    chmod(f->dir, 0755);
    chmod(f->state, 0755);
    pid_t child = fork();
    if (!child) {
        if (geteuid() == 0 && setuid(65534)) _exit(9);
        struct sw_err err = {0};
        struct sw_state *s = NULL;
        int bad = 0;
        for (int read_only = 0; read_only < 2; read_only++) {
            if (sw_state_open(f->state, read_only, &s, &err) != SW_EIO || !strstr(err.message, "cannot be read: Permission denied"))
                bad = 1;
            if (bad) fprintf(stderr, "%s\n", err.message);
            sw_err_done(&err);
        }
        _exit(bad);
    }
    int status;
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
    chmod(f->db, 0600);
}

static void the_key_belongs_to_the_state(void **data) {
    struct fixture *f = *data;
    some_content(f);
    char path[128];
    snprintf(path, sizeof path, "%s/state.key", f->state);
    struct sw_str key = read_bytes(path);

    setenv("SLIPWAY_STATE_KEY", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=", 1);
    refused(f, SW_EAUTH, "was written with another key than the one in SLIPWAY_STATE_KEY");
    setenv("SLIPWAY_STATE_KEY", "abc", 1);
    struct sw_state *s = NULL;
    fails(f, SW_EINVAL, "SLIPWAY_STATE_KEY is not a key", sw_state_open(f->state, false, &s, &f->err));
    char hex[65] = {0};
    memcpy(hex, key.p, 64);
    setenv("SLIPWAY_STATE_KEY", hex, 1);
    remove(path);
    sw_state_close(open_state(f)); /* the right key from outside needs no file, and makes none */
    struct stat st;
    assert_int_not_equal(stat(path, &st), 0);
    unsetenv("SLIPWAY_STATE_KEY");

    refused(f, SW_ENOTFOUND, "is missing"); /* not replaced by a new one */
    assert_int_not_equal(stat(path, &st), 0);
    write_bytes(path, "", 0);
    chmod(path, 0600);
    refused(f, SW_EINVAL, "is not a key");
    write_bytes(path, key.p, key.len);
    chmod(path, 0644);
    refused(f, SW_EREFUSED, "is open to others (mode 0644)");
    chmod(path, 0600);
    key.p[0] = key.p[0] == 'a' ? 'b' : 'a';
    write_bytes(path, key.p, key.len);
    refused(f, SW_EAUTH, "was written with another key");
    sw_str_done(&key);
}

static void a_key_from_outside_makes_no_file(void **data) {
    struct fixture *f = *data;
    setenv("SLIPWAY_STATE_KEY", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=", 1);
    struct sw_state *s = open_state(f);
    assert_memory_equal(sw_state_key(s), "0123456789abcdef0123456789abcdef", 32);
    sw_state_close(s);
    struct stat st;
    char path[128];
    snprintf(path, sizeof path, "%s/state.key", f->state);
    assert_int_not_equal(stat(path, &st), 0);
    unsetenv("SLIPWAY_STATE_KEY");
}

static void what_a_killed_creation_left_is_cleared(void **data) {
    struct fixture *f = *data;
    struct stat st;
    char key[128], left[128], other[128], folder[128];
    snprintf(key, sizeof key, "%s/state.key", f->state);
    snprintf(left, sizeof left, "%s/state.key.new-aB3xYz", f->state);
    snprintf(other, sizeof other, "%s/state.key.new-kept-by-me", f->state);
    snprintf(folder, sizeof folder, "%s/state.db.new-folder", f->state);
    sw_state_close(open_state(f));
    assert_int_equal(link(key, left), 0); /* killed between link and unlink */
    write_bytes(other, "mine", 4);
    assert_int_equal(mkdir(folder, 0700), 0);
    struct sw_state *s = NULL;
    ok(f, sw_state_open(f->state, true, &s, &f->err));
    sw_state_close(s);
    assert_int_equal(stat(left, &st), 0); /* a reader leaves no trace */
    sw_state_close(open_state(f));
    assert_int_not_equal(stat(left, &st), 0);
    assert_int_equal(stat(other, &st), 0);
    assert_int_equal(stat(folder, &st), 0);
    assert_int_equal(stat(key, &st), 0);
    remove(other);
    rmdir(folder);
}

static void a_full_disk_leaves_the_old_state(void **data) {
    struct fixture *f = *data;
    some_content(f);
    struct sw_state *s = open_state(f);
    ok(f, sw_state_lock(s, "apply", f->arena, NULL, &f->err));
    ok(f, sw_state__exec(s, "PRAGMA max_page_count=1", &f->err)); /* as many as there are now */
    char *big = malloc(1 << 20);
    memset(big, 'x', 1 << 20);
    struct sw_pair pair = {"content", sw_value_strn(f->arena, big, 1 << 20)};
    struct sw_state_resource r = {.address = "a.n0", .type = "a", .name = "n", .attributes = sw_value_map(f->arena, &pair, 1)};
    fails(f, SW_EIO, "the disk is full", sw_state_put(s, &r, &f->err));
    struct sw_intent intents[2] = {{.run = 1, .address = "a.n0", .type = "a", .name = "n", .action = SW_UPDATE},
                                   {.run = 1, .address = "a.n1", .type = "a", .name = "n", .action = SW_UPDATE, .desired = r.attributes}};
    fails(f, SW_EIO, "the disk is full", sw_journal_open(s, f->arena, intents, 2, &f->err));
    assert_int_equal(intents[0].id, 0);
    assert_int_equal(sw_state_serial(s), 200);
    struct sw_state_resource *all;
    struct sw_intent *pending;
    size_t n;
    ok(f, sw_state_resources(s, f->arena, &all, &n, &f->err));
    assert_int_equal(n, 200);
    assert_same_value(all[0].attributes, every_kind(f));
    ok(f, sw_journal_pending(s, f->arena, &pending, &n, &f->err));
    assert_int_equal(n, 0);
    ok(f, sw_state__exec(s, "PRAGMA max_page_count=1000000", &f->err)); /* room again: it goes on */
    ok(f, sw_state_put(s, &r, &f->err));
    sw_state_close(s);
    free(big);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(truncated_files, setup, teardown),
        cmocka_unit_test_setup_teardown(corrupt_files, setup, teardown),
        cmocka_unit_test_setup_teardown(foreign_files, setup, teardown),
        cmocka_unit_test_setup_teardown(what_a_killed_creation_left_is_cleared, setup, teardown),
        cmocka_unit_test_setup_teardown(newer_version, setup, teardown),
        cmocka_unit_test_setup_teardown(newer_version_in_the_log, setup, teardown),
        cmocka_unit_test_setup_teardown(not_even_a_file, setup, teardown),
        cmocka_unit_test_setup_teardown(unreadable, setup, teardown),
        cmocka_unit_test_setup_teardown(the_key_belongs_to_the_state, setup, teardown),
        cmocka_unit_test_setup_teardown(a_key_from_outside_makes_no_file, setup, teardown),
        cmocka_unit_test_setup_teardown(a_full_disk_leaves_the_old_state, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
