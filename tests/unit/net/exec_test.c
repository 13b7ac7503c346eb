#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "slipway/arena.h"
#include "slipway/clock.h"
#include "slipway/exec.h"

struct got {
    bool done;
    int code, status;
    char *message;
    struct sw_str out, err, lines;
    bool overflow;
    uint64_t ms;
};

static void on_line(void *ctx, int stream, const char *line, size_t len) {
    struct got *got = ctx;
    sw_str_addf(&got->lines, "%d:%.*s|", stream, (int)(len > 12 ? 12 : len), line);
}

static void on_done(void *ctx, struct sw_exec_result *result) {
    struct got *got = ctx;
    got->done = true;
    got->code = result->err.code;
    got->message = result->err.message ? sw_xstrdup(result->err.message) : NULL;
    got->status = result->status;
    got->overflow = result->out.overflow;
    sw_str_add(&got->out, sw_str_z(&result->out), result->out.len);
    sw_str_add(&got->err, sw_str_z(&result->errout), result->errout.len);
}

static struct got run(struct sw_exec_options options, const char *script, bool cancel) {
    const char *argv[] = {"sh", "-c", script, NULL};
    struct got got = {0};
    uint64_t start = sw_now_ms();
    struct sw_loop *loop = sw_loop_new();
    if (!options.argv) options.argv = argv;
    options.on_done = on_done;
    options.ctx = &got;
    struct sw_exec *exec = sw_exec_start(loop, &options);
    assert_false(got.done);
    if (cancel) sw_exec_cancel(exec);
    sw_loop_run(loop, &got.done);
    sw_loop_free(loop);
    got.ms = sw_now_ms() - start;
    return got;
}

static void done(struct got *got) {
    free(got->message);
    sw_str_done(&got->out);
    sw_str_done(&got->err);
    sw_str_done(&got->lines);
}

static void test_output_and_status(void **state) {
    (void)state;
    struct got got = run((struct sw_exec_options){0}, "echo out; echo err >&2; cat; exit 7", false);
    assert_int_equal(got.code, 0);
    assert_int_equal(got.status, 7);
    assert_string_equal(sw_str_z(&got.out), "out\n");
    assert_string_equal(sw_str_z(&got.err), "err\n");
    done(&got);
    got = run((struct sw_exec_options){0}, "kill -9 $$", false);
    assert_int_equal(got.status, 128 + SIGKILL);
    done(&got);
}

static void test_input(void **state) {
    (void)state;
    size_t len = 3000000; /* more than the pipes hold: input and output must interleave */
    char *input = sw_xmalloc(len);
    memset(input, 'x', len);
    struct got got = run((struct sw_exec_options){.input = input, .input_len = len, .max_output = 4000000}, "cat", false);
    assert_int_equal(got.status, 0);
    assert_int_equal(got.out.len, len);
    done(&got);
    got = run((struct sw_exec_options){.input = input, .input_len = len}, "exec <&-; echo early", false);
    assert_string_equal(sw_str_z(&got.out), "early\n");
    done(&got);
    got = run((struct sw_exec_options){.input = "", .input_len = 0}, "cat; echo end", false);
    assert_string_equal(sw_str_z(&got.out), "end\n");
    done(&got);
    free(input);
}

static void test_environment(void **state) {
    (void)state;
    setenv("SW_ONE", "1", 1);
    setenv("SW_TWO", "2", 1);
    const char *env[] = {"SW_TWO=changed", "SW_THREE=3", "SW_=x", NULL};
    struct got got = run((struct sw_exec_options){.env = env}, "echo $SW_ONE $SW_TWO $SW_THREE", false);
    assert_string_equal(sw_str_z(&got.out), "1 changed 3\n");
    done(&got);
}

static void test_lines(void **state) {
    (void)state;
    struct got got =
        run((struct sw_exec_options){.on_line = on_line}, "printf 'a\\n\\nb'; sleep 0.1; printf 'c\\nlast'; printf 'e\\n' >&2", false);
    assert_non_null(strstr(sw_str_z(&got.lines), "1:a|1:|1:bc|"));
    assert_non_null(strstr(sw_str_z(&got.lines), "1:last|"));
    assert_non_null(strstr(sw_str_z(&got.lines), "2:e|"));
    done(&got);
    got = run((struct sw_exec_options){.on_line = on_line}, "head -c 100000 /dev/zero | tr '\\0' x; echo; echo after", false);
    assert_string_equal(sw_str_z(&got.lines), "1:xxxxxxxxxxxx|1:after|");
    done(&got);
}

static void test_bounded(void **state) {
    (void)state;
    struct got got = run((struct sw_exec_options){.max_output = 1000}, "head -c 5000000 /dev/zero", false);
    assert_int_equal(got.status, 0);
    assert_int_equal(got.out.len, 1000);
    assert_true(got.overflow);
    done(&got);
}

static void test_failure_to_start(void **state) {
    (void)state;
    const char *argv[] = {"no-such-program-here", NULL};
    struct got got = run((struct sw_exec_options){.argv = argv, .input = "x", .input_len = 1, .timeout_ms = 1000}, NULL, false);
    assert_int_equal(got.code, SW_ENOTFOUND);
    assert_non_null(strstr(got.message, "no-such-program-here"));
    done(&got);
    got = run((struct sw_exec_options){.argv = argv}, NULL, true);
    assert_int_equal(got.code, SW_ENOTFOUND);
    done(&got);
}

static void test_timeout(void **state) {
    (void)state;
    /* The whole group hears it: nothing holds the pipes. */
    struct got got = run((struct sw_exec_options){.timeout_ms = 200}, "echo before; sleep 600 & sleep 600", false);
    assert_int_equal(got.code, SW_ETIMEOUT);
    assert_string_equal(sw_str_z(&got.out), "before\n");
    done(&got);
    got = run((struct sw_exec_options){.timeout_ms = 200}, "trap '' TERM; echo deaf; while :; do sleep 0.1; done", false);
    assert_int_equal(got.code, SW_ETIMEOUT);
    assert_int_equal(got.status, 128 + SIGKILL);
    assert_true(got.ms >= 2100);
    done(&got);
}

static void test_cancel(void **state) {
    (void)state;
    struct got got = run((struct sw_exec_options){0}, "sleep 600", true);
    assert_int_equal(got.code, SW_ECANCELLED);
    done(&got);
}

/* What a daemon keeps open does not keep us. */
static void test_daemon(void **state) {
    (void)state;
    struct got got = run((struct sw_exec_options){0}, "setsid sleep 600 & echo started $!", false);
    assert_int_equal(got.code, 0);
    assert_int_equal(got.status, 0);
    int pid = 0;
    assert_int_equal(sscanf(sw_str_z(&got.out), "started %d\n", &pid), 1);
    assert_int_equal(kill(pid, SIGKILL), 0); /* it runs still: it was not waited for */
    done(&got);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_output_and_status),
        cmocka_unit_test(test_input),
        cmocka_unit_test(test_environment),
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_bounded),
        cmocka_unit_test(test_failure_to_start),
        cmocka_unit_test(test_timeout),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_daemon),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
