/* The journal: what it keeps, what it costs, and what a killed process leaves. */
#include "support.h"

#include <signal.h>
#include <sys/syscall.h>

/* Every sync of this process is counted: SQLite's calls come here too. */
static unsigned syncs;
int fdatasync(int fd) {
    syncs++;
    return (int)syscall(SYS_fdatasync, fd);
}
int fsync(int fd) {
    syncs++;
    return (int)syscall(SYS_fsync, fd);
}

static void intents_round_trip(void **data) {
    struct fixture *f = *data;
    struct sw_state *s = open_state(f);
    int64_t run;
    ok(f, sw_state_lock(s, "apply", f->arena, NULL, &f->err));
    ok(f, sw_run_begin(s, "apply", &run, &f->err));
    struct sw_intent intents[] = {
        {.run = run, .address = "a.n1", .type = "a", .name = "n1", .action = SW_CREATE, .desired = every_kind(f)},
        {.run = run,
         .address = "n1/file:/x",
         .type = "file",
         .name = "/x",
         .host = "n1",
         .provider = "p",
         .action = SW_REPLACE,
         .token = "my token"},
        {.run = run, .address = "a.n3", .type = "a", .name = "n3", .action = SW_DELETE},
        {.run = run, .address = "a.n4", .type = "a", .name = "n4", .action = SW_DELETE},
    };
    ok(f, sw_state_put(s, &(struct sw_state_resource){.address = "a.n3", .type = "a", .name = "n3"}, &f->err));
    ok(f, sw_journal_open(s, f->arena, intents, 4, &f->err));
    ok(f, sw_journal_open(s, f->arena, NULL, 0, &f->err));
    assert_int_equal(strlen(intents[0].token), 32);
    assert_string_not_equal(intents[0].token, intents[2].token);
    struct sw_intent *pending, *all;
    size_t n;
    ok(f, sw_journal_pending(s, f->arena, &pending, &n, &f->err));
    assert_int_equal(n, 4);
    assert_int_equal(pending[0].id, intents[0].id);
    assert_int_equal(pending[0].action, SW_CREATE);
    assert_string_equal(pending[0].token, intents[0].token);
    assert_same_value(pending[0].desired, every_kind(f));
    assert_null(pending[0].host);
    assert_null(pending[0].outcome);
    assert_int_equal(pending[0].closed_ms, 0);
    assert_true(pending[0].opened_ms > 1600000000000);
    assert_string_equal(pending[1].host, "n1");
    assert_string_equal(pending[1].provider, "p");
    assert_string_equal(pending[1].token, "my token");
    assert_null(pending[1].desired);
    assert_int_equal(pending[1].action, SW_REPLACE);
    assert_int_equal(pending[1].run, run);

    struct sw_state_resource made = {.address = "a.n1", .type = "a", .name = "n1", .attributes = every_kind(f)}, *r;
    ok(f, sw_journal_close(s, intents[0].id, "ok", &made, false, &f->err));
    ok(f, sw_journal_close(s, intents[1].id, "failed", NULL, false, &f->err));
    ok(f, sw_journal_close(s, intents[2].id, "ok", NULL, true, &f->err));
    ok(f, sw_journal_close(s, intents[3].id, "ok", NULL, true, &f->err)); /* forgets what was never recorded */
    fails(f, SW_ENOTFOUND, "is not open", sw_journal_close(s, intents[0].id, "ok", NULL, false, &f->err));
    fails(f, SW_ENOTFOUND, "intent 99 is not open", sw_journal_close(s, 99, "ok", &made, false, &f->err));
    ok(f, sw_state_resources(s, f->arena, &r, &n, &f->err));
    assert_int_equal(n, 1);
    assert_string_equal(r[0].address, "a.n1");
    ok(f, sw_journal_pending(s, f->arena, &pending, &n, &f->err));
    assert_int_equal(n, 0);
    ok(f, sw_journal_of_run(s, run, f->arena, &all, &n, &f->err));
    assert_int_equal(n, 4);
    assert_string_equal(all[1].outcome, "failed");
    assert_true(all[1].closed_ms >= all[1].opened_ms);
    ok(f, sw_journal_of_run(s, run + 1, f->arena, &all, &n, &f->err));
    assert_int_equal(n, 0);

    /* One bad intent: none of the batch is there. */
    struct sw_intent bad[] = {{.run = run, .address = "a.n5", .type = "a", .name = "n5"}, {.run = run}};
    fails(f, SW_EINTERNAL, "without address", sw_journal_open(s, f->arena, bad, 2, &f->err));
    ok(f, sw_journal_pending(s, f->arena, &pending, &n, &f->err));
    assert_int_equal(n, 0);
    sw_state_close(s);
}

static void many_are_closed_together_or_none(void **data) {
    struct fixture *f = *data;
    struct sw_state *s = open_state(f);
    ok(f, sw_state_lock(s, "apply", f->arena, NULL, &f->err));
    struct sw_intent intents[3] = {0};
    for (int i = 0; i < 3; i++)
        intents[i] =
            (struct sw_intent){.run = 1, .address = sw_printf(f->arena, "a.n%d", i), .type = "a", .name = "n", .action = SW_CREATE};
    ok(f, sw_journal_open(s, f->arena, intents, 3, &f->err));
    int64_t serial = sw_state_serial(s);
    struct sw_state_resource made[] = {{.address = "a.n0", .type = "a", .name = "n"}, {.address = "a.n1", .type = "a", .name = "n"}}, *r;
    struct sw_closing closings[] = {
        {intents[0].id, "ok", &made[0], false}, {intents[1].id, "ok", &made[1], false}, {99, "ok", NULL, false}};
    struct sw_intent *pending;
    size_t n;
    fails(f, SW_ENOTFOUND, "intent 99 is not open", sw_journal_close_all(s, closings, 3, &f->err));
    ok(f, sw_state_resources(s, f->arena, &r, &n, &f->err));
    assert_int_equal(n, 0);
    assert_int_equal(sw_state_serial(s), serial);
    closings[2] = (struct sw_closing){intents[2].id, "failed", NULL, false};
    ok(f, sw_journal_close_all(s, closings, 3, &f->err));
    ok(f, sw_journal_close_all(s, NULL, 0, &f->err));
    ok(f, sw_state_resources(s, f->arena, &r, &n, &f->err));
    assert_int_equal(n, 2);
    assert_int_equal(sw_state_serial(s), serial + 1);
    ok(f, sw_journal_pending(s, f->arena, &pending, &n, &f->err));
    assert_int_equal(n, 0);
    sw_state_close(s);
}

static void a_batch_is_one_sync_and_a_close_is_none(void **data) {
    struct fixture *f = *data;
    struct sw_state *s = open_state(f);
    ok(f, sw_state_lock(s, "apply", f->arena, NULL, &f->err));
    struct sw_intent first = {.run = 1, .address = "a.first", .type = "a", .name = "n"};
    ok(f, sw_journal_open(s, f->arena, &first, 1, &f->err)); /* the first after opening also syncs the head of the log */
    struct sw_intent intents[500] = {0};
    for (int i = 0; i < 500; i++)
        intents[i] = (struct sw_intent){
            .run = 1, .address = sw_printf(f->arena, "n1/file:/x%d", i), .type = "file", .name = "x", .host = "n1", .action = SW_UPDATE};
    syncs = 0;
    ok(f, sw_journal_open(s, f->arena, intents, 500, &f->err));
    assert_int_equal(syncs, 1);
    syncs = 0;
    for (int i = 0; i < 100; i++) {
        struct sw_state_resource r = {.address = intents[i].address, .type = "file", .name = "x", .host = "n1"};
        ok(f, sw_journal_close(s, intents[i].id, "ok", &r, false, &f->err));
    }
    ok(f, sw_state_touch(s, &f->err));
    assert_int_equal(syncs, 0);
    ok(f, sw_journal_open(s, f->arena, &first, 1, &f->err)); /* and it is back to syncing for the next intent */
    assert_int_equal(syncs, 1);
    sw_state_close(s);
}

enum { THINGS = 12 };

/* One step of the child: opens three at a time, closes them one by one. Deterministic, so that the parent knows what step k leaves. */
static int step(struct sw_state *s, struct sw_arena *arena, int64_t run, int k) {
    static struct sw_intent batch[3];
    static int64_t ids[3];
    int in_round = k % 4, round = k / 4;
    if (in_round == 0) {
        for (int i = 0; i < 3; i++)
            batch[i] = (struct sw_intent){
                .run = run, .address = sw_printf(arena, "a.n%d", round * 3 + i), .type = "a", .name = "n", .action = SW_CREATE};
        int rc = sw_journal_open(s, arena, batch, 3, NULL);
        for (int i = 0; i < 3; i++) ids[i] = batch[i].id;
        return rc;
    }
    struct sw_state_resource r = {.address = batch[in_round - 1].address, .type = "a", .name = "n"};
    return sw_journal_close(s, ids[in_round - 1], "ok", &r, false, NULL);
}

static void expected(int steps, size_t *ret_pending, size_t *ret_resources) {
    int rounds = steps / 4, in_round = steps % 4;
    *ret_pending = in_round ? (size_t)(4 - in_round) : 0;
    *ret_resources = (size_t)(rounds * 3 + (in_round ? in_round - 1 : 0));
}

/* The child does a step for each byte it gets and answers with one. After `steps` answers it is killed: at rest, or (in_the_act) some
 * microseconds after it was told to do one more. */
static void kill_after(struct fixture *f, int steps, bool in_the_act, unsigned delay_us) {
    int to[2], from[2];
    assert_int_equal(pipe(to), 0);
    assert_int_equal(pipe(from), 0);
    pid_t child = fork();
    if (!child) {
        close(to[1]);
        close(from[0]);
        struct sw_state *s = NULL;
        struct sw_arena *arena = sw_arena_new();
        int64_t run;
        char c = 0;
        if (sw_state_open(f->state, false, &s, NULL) || sw_state_lock(s, "apply", arena, NULL, NULL) ||
            sw_run_begin(s, "apply", &run, NULL) || write(from[1], &c, 1) != 1)
            _exit(1);
        for (int k = 0; read(to[0], &c, 1) == 1; k++)
            if (step(s, arena, run, k) || write(from[1], &c, 1) != 1) _exit(2);
        _exit(3);
    }
    close(to[0]);
    close(from[1]);
    char c = 'x';
    assert_int_equal(read(from[0], &c, 1), 1); /* it has the lock and a run */
    for (int k = 0; k < steps; k++) {
        assert_int_equal(write(to[1], &c, 1), 1);
        assert_int_equal(read(from[0], &c, 1), 1);
    }
    if (in_the_act) {
        assert_int_equal(write(to[1], &c, 1), 1);
        usleep(delay_us);
    }
    kill(child, SIGKILL);
    int status;
    waitpid(child, &status, 0);
    assert_true(WIFSIGNALED(status));
    close(to[1]);
    close(from[0]);

    struct sw_state *s = NULL;
    struct sw_intent *pending;
    struct sw_state_resource *r;
    struct sw_run *runs;
    size_t n_pending, n_resources, n_runs, want_pending, want_resources;
    for (int read_only = 1; read_only >= 0; read_only--) {      /* first as a reader: the log of the dead is still there */
        ok(f, sw_state_open(f->state, read_only, &s, &f->err)); /* opening checks the integrity */
        ok(f, sw_journal_pending(s, f->arena, &pending, &n_pending, &f->err));
        ok(f, sw_state_resources(s, f->arena, &r, &n_resources, &f->err));
        expected(steps, &want_pending, &want_resources);
        if (in_the_act && (n_pending != want_pending || n_resources != want_resources)) expected(steps + 1, &want_pending, &want_resources);
        assert_int_equal(n_pending, want_pending);
        assert_int_equal(n_resources, want_resources);
        for (size_t i = 0; i < n_pending; i++) {
            char address[32];
            snprintf(address, sizeof address, "a.n%zu", n_resources + i);
            assert_string_equal(pending[i].address, address);
        }
        if (!read_only) {
            const char *takeover = NULL;
            ok(f, sw_state_lock(s, "apply", f->arena, &takeover, &f->err));
            assert_non_null(takeover);
            for (size_t i = 0; i < n_pending; i++) ok(f, sw_journal_close(s, pending[i].id, "unknown", NULL, false, &f->err));
            for (size_t i = 0; i < n_resources; i++) ok(f, sw_state_forget(s, r[i].address, &f->err));
            int64_t run;
            ok(f, sw_run_begin(s, "apply", &run, &f->err));
            ok(f, sw_runs(s, f->arena, &runs, &n_runs, &f->err));
            assert_string_equal(runs[1].outcome, "crashed");
            ok(f, sw_run_end(s, run, "ok", 0, 0, 0, &f->err));
            sw_state_unlock(s);
        }
        sw_state_close(s);
    }
}

static void killed_between_any_two_calls(void **data) {
    struct fixture *f = *data;
    sw_state_close(open_state(f));
    for (int steps = 0; steps <= 4 * (THINGS / 3); steps++) kill_after(f, steps, false, 0);
}

static void killed_inside_a_call(void **data) {
    struct fixture *f = *data;
    sw_state_close(open_state(f));
    for (unsigned i = 0; i < 60; i++) kill_after(f, (int)(i % 9), true, i * 37 % 900);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(intents_round_trip, setup, teardown),
        cmocka_unit_test_setup_teardown(many_are_closed_together_or_none, setup, teardown),
        cmocka_unit_test_setup_teardown(a_batch_is_one_sync_and_a_close_is_none, setup, teardown),
        cmocka_unit_test_setup_teardown(killed_between_any_two_calls, setup, teardown),
        cmocka_unit_test_setup_teardown(killed_inside_a_call, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
