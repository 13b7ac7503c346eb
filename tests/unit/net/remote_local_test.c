/* The local transport, and the rules of remotes that hold for both. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "become.h"
#include "slipway/arena.h"
#include "slipway/clock.h"
#include "slipway/remote.h"

struct test {
    struct sw_loop *loop;
    struct sw_remote *remote;
    struct sw_str out, err, order;
    size_t n_out;
    int code, status;
    unsigned left;
    bool done;
    bool free_in_done, free_in_data, run_in_done;
};
struct job {
    struct test *test;
    char name;
};

static void on_done(void *ctx, struct sw_job_result *result);

static void on_data(void *ctx, int stream, const char *p, size_t len) {
    struct test *test = ((struct job *)ctx)->test;
    struct sw_str *to = stream == 1 ? &test->out : &test->err;
    if (stream == 1) test->n_out += len;
    if (to->len < 100000) sw_str_add(to, p, len);
    if (test->free_in_data && test->remote) {
        sw_remote_free(test->remote);
        test->remote = NULL;
    }
}

static void submit(struct test *test, struct job *job, const char *command, struct sw_job more) {
    more.command = command;
    more.on_data = on_data;
    more.on_done = on_done;
    more.ctx = job;
    job->test = test;
    test->left++;
    test->done = false;
    sw_remote_run(test->remote, &more);
}

static void on_done(void *ctx, struct sw_job_result *result) {
    struct job *job = ctx;
    struct test *test = job->test;
    sw_str_addf(&test->order, "%c%s ", job->name, result->err.code ? sw_code_name(result->err.code) : "");
    test->code = result->err.code;
    test->status = result->status;
    if (test->run_in_done) {
        test->run_in_done = false;
        submit(test, job, "echo more", (struct sw_job){0});
    }
    if (test->free_in_done && test->remote) {
        sw_remote_free(test->remote);
        test->remote = NULL;
    }
    if (--test->left == 0) test->done = true;
}

static void begin(struct test *test) {
    *test = (struct test){.loop = sw_loop_new()};
    struct sw_remote_options options = {.name = "here", .transport = "local", .idle_timeout_ms = 1500};
    test->remote = sw_remote_open(test->loop, &options);
}

static void end(struct test *test) {
    sw_remote_free(test->remote);
    sw_loop_free(test->loop);
    sw_str_done(&test->out);
    sw_str_done(&test->err);
    sw_str_done(&test->order);
}

static void test_jobs(void **state) {
    (void)state;
    struct test t;
    begin(&t);
    struct job a = {.name = 'a'}, b = {.name = 'b'};
    submit(&t, &a, "sh", (struct sw_job){.input = "echo one; echo e >&2; cat; exit 3", .input_len = 34});
    assert_int_equal(t.out.len, 0); /* nothing from within sw_remote_run() */
    sw_loop_run(t.loop, &t.done);
    assert_int_equal(t.status, 3);
    assert_string_equal(sw_str_z(&t.out), "one\n");
    assert_string_equal(sw_str_z(&t.err), "e\n");
    submit(&t, &a, "sleep 0.1; echo two", (struct sw_job){0});
    submit(&t, &b, "echo three; cat", (struct sw_job){0});
    sw_loop_run(t.loop, &t.done);
    assert_string_equal(sw_str_z(&t.out), "one\ntwo\nthree\n");
    assert_string_equal(sw_str_z(&t.order), "a a b ");
    struct sw_remote_stats stats;
    sw_remote_stats(t.remote, &stats);
    assert_int_equal(stats.channels, 3);
    assert_int_equal(stats.bytes_out, 34);
    end(&t);
}

static void test_files(void **state) {
    (void)state;
    char path[] = "/tmp/slipway-local-XXXXXX";
    int fd = mkstemp(path);
    assert_int_equal(ftruncate(fd, 5000000), 0);
    close(fd);
    struct test t;
    begin(&t);
    struct job a = {.name = 'a'};
    submit(&t, &a, "cat", (struct sw_job){.input_file = path});
    sw_loop_run(t.loop, &t.done);
    assert_int_equal(t.code, 0);
    assert_int_equal(t.n_out, 5000000);
    submit(&t, &a, "cat", (struct sw_job){.input_file = "/nonexistent"});
    sw_loop_run(t.loop, &t.done);
    assert_int_equal(t.code, SW_EIO);
    unlink(path);
    end(&t);
}

static void test_timeouts(void **state) {
    (void)state;
    struct test t;
    begin(&t);
    struct job a = {.name = 'a'};
    submit(&t, &a, "sleep 600", (struct sw_job){.timeout_ms = 200});
    sw_loop_run(t.loop, &t.done);
    assert_int_equal(t.code, SW_ETIMEOUT);
    uint64_t start = sw_now_ms();
    submit(&t, &a, "sleep 600", (struct sw_job){0});
    sw_loop_run(t.loop, &t.done);
    assert_int_equal(t.code, SW_ETIMEOUT);
    assert_true(sw_now_ms() - start >= 1400);
    end(&t);
}

static void test_cancel(void **state) {
    (void)state;
    struct test t;
    begin(&t);
    struct job a = {.name = 'a'}, b = {.name = 'b'}, c = {.name = 'c'};
    submit(&t, &a, "sleep 600", (struct sw_job){0});
    submit(&t, &b, "sleep 600", (struct sw_job){0});
    sw_remote_cancel(t.remote);
    submit(&t, &c, "echo after", (struct sw_job){0});
    sw_loop_run(t.loop, &t.done);
    assert_non_null(strstr(sw_str_z(&t.order), "acancelled "));
    assert_non_null(strstr(sw_str_z(&t.order), "bcancelled "));
    assert_non_null(strstr(sw_str_z(&t.order), "c "));
    assert_string_equal(sw_str_z(&t.out), "after\n");
    end(&t);
}

static void test_free_with_jobs_left(void **state) {
    (void)state;
    struct test t;
    begin(&t);
    struct job a = {.name = 'a'}, b = {.name = 'b'};
    submit(&t, &a, "sleep 600", (struct sw_job){0});
    submit(&t, &b, "sleep 600", (struct sw_job){0});
    sw_remote_free(t.remote);
    t.remote = NULL;
    assert_true(t.done);
    assert_int_equal(t.order.len, strlen("acancelled bcancelled "));
    end(&t);
}

static void test_free_from_callbacks(void **state) {
    (void)state;
    for (int data = 0; data < 2; data++) {
        struct test t;
        begin(&t);
        t.free_in_data = data;
        t.free_in_done = !data;
        struct job a = {.name = 'a'}, b = {.name = 'b'};
        submit(&t, &a, "echo x; sleep 0.2", (struct sw_job){0});
        submit(&t, &b, "sleep 600", (struct sw_job){0});
        sw_loop_run(t.loop, &t.done);
        assert_null(t.remote);
        assert_non_null(strstr(sw_str_z(&t.order), "bcancelled "));
        end(&t);
    }
}

static void test_run_from_callbacks(void **state) {
    (void)state;
    struct test t;
    begin(&t);
    t.run_in_done = true;
    struct job a = {.name = 'a'};
    submit(&t, &a, "echo first", (struct sw_job){0});
    sw_loop_run(t.loop, &t.done);
    assert_string_equal(sw_str_z(&t.out), "first\nmore\n");
    end(&t);
}

/* ---- sudo's dialogue, byte by byte ---- */

static enum sw_become_step feed(struct sw_become *become, const char *text, size_t *rest) {
    enum sw_become_step step = SW_BECOME_WAIT;
    for (; *text && step == SW_BECOME_WAIT; text++) step = sw_become_feed(become, text, 1, rest);
    return step;
}

static void test_become(void **state) {
    (void)state;
    struct sw_become become;
    struct sw_str command = {0};
    struct sw_err err = {0};
    char text[200];
    size_t rest = 9;
    sw_become_init(&become, "geheim");
    sw_become_command(&become, "sh -c 'echo'", &command);
    assert_null(strstr(command.p, "geheim"));
    assert_non_null(strstr(command.p, become.mark));
    assert_int_equal(feed(&become, "We trust you have received the usual lecture\n", &rest), SW_BECOME_WAIT);
    snprintf(text, sizeof text, "%sP\n", become.mark);
    assert_int_equal(feed(&become, text, &rest), SW_BECOME_ASKS);
    snprintf(text, sizeof text, "%sR\nown words", become.mark);
    assert_int_equal(sw_become_feed(&become, text, strlen(text), &rest), SW_BECOME_READY);
    assert_int_equal(rest, 9);
    sw_become_done(&become);

    sw_become_init(&become, "geheim");
    snprintf(text, sizeof text, "%sP\n", become.mark);
    assert_int_equal(feed(&become, text, &rest), SW_BECOME_ASKS);
    assert_int_equal(feed(&become, "Sorry, try again.\n", &rest), SW_BECOME_WAIT);
    assert_int_equal(feed(&become, text, &rest), SW_BECOME_REFUSED);
    assert_int_equal(sw_become_error(&become, 1, "n1", &err), SW_EAUTH);
    assert_string_equal(err.message, "sudo on 'n1' refused the password");
    assert_string_equal(err.detail, "Sorry, try again.\n");
    sw_err_done(&err);
    sw_become_done(&become);

    sw_become_init(&become, NULL);
    sw_str_clear(&command);
    sw_become_command(&become, "sh", &command);
    assert_true(sw_starts_with(command.p, "sudo -n "));
    assert_int_equal(feed(&become, "sudo: a password is required\n", &rest), SW_BECOME_WAIT);
    assert_int_equal(sw_become_error(&become, 1, "n1", &err), SW_EAUTH);
    assert_non_null(strstr(err.hint, "become_password"));
    sw_err_done(&err);
    assert_int_equal(sw_become_error(&become, 127, "n1", &err), SW_EREMOTE);
    sw_err_done(&err);
    sw_become_done(&become);
    sw_str_done(&command);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_jobs),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_timeouts),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_free_with_jobs_left),
        cmocka_unit_test(test_free_from_callbacks),
        cmocka_unit_test(test_run_from_callbacks),
        cmocka_unit_test(test_become),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
