/* The lock between handles, between processes, after a death, after a sleep. */
#include "support.h"

#include <signal.h>

static int64_t now_ms = 1700000000000;
static int64_t fake_clock(void) {
    return now_ms;
}

static struct sw_state_resource thing = {.address = "a.b", .type = "a", .name = "b"};

static void one_writer(void **data) {
    struct fixture *f = *data;
    struct sw_state *a = open_state(f), *b = open_state(f);
    const char *takeover = "x";
    ok(f, sw_state_lock(a, "apply", f->arena, &takeover, &f->err));
    assert_null(takeover);
    char pid[32];
    snprintf(pid, sizeof pid, "(process %d, 'apply')", (int)getpid());
    fails(f, SW_ELOCKED, pid, sw_state_lock(b, "destroy", f->arena, &takeover, &f->err));
    sw_state_lock(b, "destroy", f->arena, &takeover, &f->err);
    assert_non_null(strstr(f->err.hint, "state unlock"));
    sw_err_done(&f->err);
    fails(f, SW_ELOCKED, "is locked by", sw_state_lock(a, "again", f->arena, &takeover, &f->err));

    ok(f, sw_state_touch(a, &f->err));
    ok(f, sw_state_put(a, &thing, &f->err));
    fails(f, SW_ELOCKED, "is locked by", sw_state_put(b, &thing, &f->err)); /* also without having tried to lock */
    fails(f, SW_ELOCKED, "is locked by", sw_state_rename(b, "a.b", "a.c", &f->err));
    int64_t run;
    fails(f, SW_ELOCKED, "is locked by", sw_run_begin(b, "apply", &run, &f->err));
    sw_state_unlock(a);
    ok(f, sw_state_lock(b, "destroy", f->arena, &takeover, &f->err));
    assert_null(takeover);
    assert_int_equal(sw_state_serial(b), 1); /* what a wrote is what b starts from */
    fails(f, SW_ELOCKED, "is locked by", sw_state_put(a, &thing, &f->err));
    sw_state_unlock(b);
    sw_state_unlock(b);
    ok(f, sw_state_put(a, &thing, &f->err)); /* nobody holds it: a single write needs no lock */
    fails(f, SW_EINTERNAL, "never taken", sw_state_touch(a, &f->err));
    sw_state_close(a);
    sw_state_close(b);
}

static void lease_and_fencing(void **data) {
    struct fixture *f = *data;
    struct sw_state *a = open_state(f), *b = open_state(f);
    const char *takeover = NULL;
    sw_state__set_clock(a, fake_clock, 60000);
    sw_state__set_clock(b, fake_clock, 60000);
    ok(f, sw_state_lock(a, "apply", f->arena, &takeover, &f->err));
    for (int i = 0; i < 10; i++) { /* far beyond one lease, but touched */
        now_ms += 20000;
        ok(f, sw_state_touch(a, &f->err));
        fails(f, SW_ELOCKED, "is locked by", sw_state_lock(b, "apply", f->arena, &takeover, &f->err));
    }
    now_ms += 1000;
    ok(f, sw_state_touch(a, &f->err)); /* too early to write the lease again */
    now_ms += 59500;
    ok(f, sw_state_lock(b, "destroy", f->arena, &takeover, &f->err)); /* 60.5 s after the last renewal */
    assert_non_null(takeover);
    assert_non_null(strstr(takeover, "its lease ran out at 20"));
    assert_non_null(strstr(takeover, "'apply'"));

    fails(f, SW_ELOCKED, "was lost: it was taken over by", sw_state_put(a, &thing, &f->err));
    fails(f, SW_ELOCKED, "was lost: it was taken over by", sw_state_touch(a, &f->err));
    now_ms += 10000;
    fails(f, SW_ELOCKED, "was lost: it was taken over by", sw_state_touch(a, &f->err));
    ok(f, sw_state_put(b, &thing, &f->err));
    sw_state_unlock(b);
    /* Also after the other is done: the world moved on without this one. */
    fails(f, SW_ELOCKED, "was lost: it was broken", sw_state_put(a, &thing, &f->err));
    int64_t id = 0;
    fails(f, SW_ELOCKED, "was lost", sw_run_begin(a, "apply", &id, &f->err));
    sw_state_unlock(a); /* gives up its claim, takes nothing from others */
    ok(f, sw_state_lock(a, "apply", f->arena, &takeover, &f->err));
    sw_state_close(a);
    sw_state_close(b);
}

static void unlock_by_force(void **data) {
    struct fixture *f = *data;
    struct sw_state *a = open_state(f), *b = open_state(f);
    fails(f, SW_ENOTFOUND, "is not locked", sw_state_force_unlock(b, &f->err));
    ok(f, sw_state_lock(a, "apply", f->arena, NULL, &f->err));
    ok(f, sw_state_force_unlock(b, &f->err));
    fails(f, SW_ELOCKED, "broken by 'state unlock'", sw_state_put(a, &thing, &f->err));
    ok(f, sw_state_lock(b, "apply", f->arena, NULL, &f->err));
    sw_state_unlock(a); /* must not free b's */
    fails(f, SW_ELOCKED, "is locked by", sw_state_put(a, &thing, &f->err));
    ok(f, sw_state_put(b, &thing, &f->err));
    sw_state_close(a);
    sw_state_close(b);
}

/* Forks a child that locks the state, says so through the pipe and waits for its death. */
static pid_t locked_child(struct fixture *f, int *ret_fd) {
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    pid_t child = fork();
    if (!child) {
        struct sw_state *s = NULL;
        struct sw_arena *arena = sw_arena_new();
        char rc = (char)(sw_state_open(f->state, false, &s, NULL) || sw_state_lock(s, "apply", arena, NULL, NULL) ||
                         sw_state_put(s, &thing, NULL));
        if (write(fds[1], &rc, 1) != 1) _exit(1);
        for (;;) pause();
    }
    close(fds[1]);
    char rc = 1;
    assert_int_equal(read(fds[0], &rc, 1), 1);
    assert_int_equal(rc, 0);
    *ret_fd = fds[0];
    return child;
}

static void the_dead_hold_nothing(void **data) {
    struct fixture *f = *data;
    sw_state_close(open_state(f));
    for (int reaped = 0; reaped < 2; reaped++) {
        int fd;
        pid_t child = locked_child(f, &fd);
        struct sw_state *s = open_state(f);
        const char *takeover = NULL;
        char who[48];
        snprintf(who, sizeof who, "(process %d, 'apply')", (int)child);
        fails(f, SW_ELOCKED, who, sw_state_lock(s, "plan", f->arena, &takeover, &f->err));
        kill(child, SIGKILL);
        siginfo_t info;
        waitid(P_PID, (id_t)child, &info, WEXITED | (reaped ? 0 : WNOWAIT)); /* a zombie is dead, too */
        ok(f, sw_state_lock(s, "plan", f->arena, &takeover, &f->err));
        assert_non_null(takeover);
        assert_non_null(strstr(takeover, who));
        assert_non_null(strstr(takeover, "that process is gone"));
        struct sw_state_resource *r;
        size_t n;
        ok(f, sw_state_resources(s, f->arena, &r, &n, &f->err));
        assert_int_equal(n, 1);
        sw_state_unlock(s);
        sw_state_close(s);
        if (!reaped) waitpid(child, NULL, 0);
        close(fd);
    }
}

static void a_pid_used_again_is_somebody_else(void **data) {
    struct fixture *f = *data;
    struct sw_state *a = open_state(f), *b = open_state(f);
    const char *takeover = NULL;
    ok(f, sw_state_lock(a, "apply", f->arena, NULL, &f->err));
    ok(f, sw_state__exec(a, "UPDATE lock SET started = started - 1", &f->err));
    ok(f, sw_state_lock(b, "apply", f->arena, &takeover, &f->err));
    assert_non_null(strstr(takeover, "its number belongs to another"));
    fails(f, SW_ELOCKED, "was lost", sw_state_put(a, &thing, &f->err));
    sw_state_close(a);
    sw_state_close(b);
}

static void another_machine_is_judged_by_its_lease(void **data) {
    struct fixture *f = *data;
    struct sw_state *a = open_state(f), *b = open_state(f);
    const char *takeover = NULL;
    sw_state__set_clock(a, fake_clock, 60000);
    sw_state__set_clock(b, fake_clock, 60000);
    ok(f, sw_state_lock(a, "apply", f->arena, NULL, &f->err));
    ok(f, sw_state__exec(a, "UPDATE lock SET machine = 'elsewhere', pid = 999999999", &f->err)); /* no such process here: says nothing */
    now_ms += 59000;
    fails(f, SW_ELOCKED, "is locked by", sw_state_lock(b, "apply", f->arena, &takeover, &f->err));
    now_ms += 2000;
    ok(f, sw_state_lock(b, "apply", f->arena, &takeover, &f->err));
    assert_non_null(strstr(takeover, "its lease ran out"));
    sw_state_close(a);
    sw_state_close(b);
}

/* Eight processes fight for the lock, each adds 20 times to what the last one wrote. Nothing is lost and nothing overlaps. */
static void processes_take_turns(void **data) {
    struct fixture *f = *data;
    pid_t children[8];
    for (int i = 0; i < 8; i++) { /* none of them finds a state: they also race to create it */
        children[i] = fork();
        if (children[i]) continue;
        struct sw_state *s = NULL;
        struct sw_err err = {0};
        struct sw_arena *arena = sw_arena_new();
        if (sw_state_open(f->state, false, &s, &err)) {
            fprintf(stderr, "%s\n", err.message);
            _exit(1);
        }
        for (int round = 0; round < 20; round++) {
            int rc;
            while ((rc = sw_state_lock(s, "apply", arena, NULL, &err)) == SW_ELOCKED) {
                sw_err_done(&err);
                usleep(500);
            }
            struct sw_state_resource *r = NULL;
            size_t n = 0;
            if (!rc) rc = sw_state_resources(s, arena, &r, &n, &err);
            if (!rc) {
                struct sw_state_resource next = thing;
                next.seq = n ? r[0].seq + 1 : 1;
                rc = sw_state_put(s, &next, &err);
            }
            if (rc) {
                fprintf(stderr, "%s\n", err.message);
                _exit(2);
            }
            sw_state_unlock(s);
        }
        sw_state_close(s);
        sw_arena_free(arena);
        _exit(0);
    }
    for (int i = 0; i < 8; i++) {
        int status;
        waitpid(children[i], &status, 0);
        assert_int_equal(status, 0);
    }
    struct sw_state *s = open_state(f);
    struct sw_state_resource *r;
    size_t n;
    ok(f, sw_state_resources(s, f->arena, &r, &n, &f->err));
    assert_int_equal(n, 1);
    assert_int_equal(r[0].seq, 160);
    assert_int_equal(sw_state_serial(s), 160);
    sw_state_close(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_writer, setup, teardown),
        cmocka_unit_test_setup_teardown(lease_and_fencing, setup, teardown),
        cmocka_unit_test_setup_teardown(unlock_by_force, setup, teardown),
        cmocka_unit_test_setup_teardown(the_dead_hold_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(a_pid_used_again_is_somebody_else, setup, teardown),
        cmocka_unit_test_setup_teardown(another_machine_is_judged_by_its_lease, setup, teardown),
        cmocka_unit_test_setup_teardown(processes_take_turns, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
