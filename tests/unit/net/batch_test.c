#include "shell.h"

#include <signal.h>
#include <stdio.h>

#include "slipway/arena.h"

static char *const SHELLS[][4] = {{"sh", NULL}, {"dash", NULL}, {"bash", NULL}, {"bash", "--posix", NULL}, {"busybox", "sh", NULL}};
enum { N_SHELLS = sizeof SHELLS / sizeof *SHELLS };
static const size_t PORTIONS[] = {1, 2, 7, 0, 1 << 20};

/* Runs the fragments in every shell, cut in every way, and hands each result to check(). */
static void in_all(enum sw_batch_kind kind, const char *const *fragments, size_t n, size_t max,
                   void (*check)(struct sw_batch *batch, int finished, const struct sw_err *err)) {
    for (size_t shell = 0; shell < N_SHELLS; shell++) {
        for (size_t p = 0; p < sizeof PORTIONS / sizeof *PORTIONS; p++) {
            struct sw_batch *batch = sw_batch_new(kind, max, NULL);
            static const char prelude[] = "hello() { printf 'hello %s' \"$1\"; }";
            sw_batch_prelude(batch, prelude, strlen(prelude));
            for (size_t i = 0; i < n; i++) assert_int_equal(sw_batch_add(batch, fragments[i], strlen(fragments[i])), i);
            size_t len;
            const char *script = sw_batch_script(batch, &len);
            assert_int_equal(strlen(script), len);
            struct shell_output got = run_shell(SHELLS[shell], script, len);
            feed_batch(batch, &got, PORTIONS[p]);
            struct sw_err err = {0};
            int rc = sw_batch_finish(batch, &err);
            check(batch, rc, &err);
            sw_err_done(&err);
            shell_done(&got);
            sw_batch_free(batch);
        }
    }
}

static void expect(struct sw_batch *batch, size_t id, int status, const char *out, const char *errout) {
    const struct sw_batch_result *r = sw_batch_result(batch, id);
    assert_true(r->ran);
    assert_true(r->ended);
    assert_int_equal(r->status, status);
    assert_int_equal(r->out_len, strlen(out));
    assert_string_equal(r->out, out);
    if (errout) assert_string_equal(r->err, errout);
}

/* ---- probes ---- */

static const char *const PROBES[] = {
    "echo one; echo two >&2",
    "printf 'no newline'",
    "hello you",                          /* the prelude's function */
    "x=shared; false",                    /* a status, and no stop */
    "printf %s \"$x\"; cat; (exit 7)",    /* the shell is shared; stdin is empty */
    "cat <<'E'\nit's $HOME \\ here\nE\n", /* here-documents, quotes, backslashes */
    "if; then",                           /* a syntax error stops only itself */
    "",                                   /* nothing */
    "# a comment without a newline",
    "printf '\\036\\036 \\036abc\\001\\377'", /* bytes that look like the start of a mark */
    "set -e; set -u; set -f",                 /* must not last */
    "false; printf '%s' \"after$undefined\"; echo *sh_nothing*",
    "echo }; echo '{ unbalanced'; : \"}\"",
    "exec 3>&1; echo to-3 >&3; exec 3>&-",
    "printf r; return 3; printf not",
};

static void check_probes(struct sw_batch *batch, int finished, const struct sw_err *err) {
    if (finished != SW_OK) print_error("%s\n%s\n", err->message, err->detail ? err->detail : "");
    assert_int_equal(finished, SW_OK);
    expect(batch, 0, 0, "one\n", "two\n");
    expect(batch, 1, 0, "no newline", "");
    expect(batch, 2, 0, "hello you", "");
    expect(batch, 3, 1, "", "");
    expect(batch, 4, 7, "shared", "");
    expect(batch, 5, 0, "it's $HOME \\ here\n", "");
    const struct sw_batch_result *broken = sw_batch_result(batch, 6);
    assert_true(broken->ended);
    assert_int_not_equal(broken->status, 0);
    assert_true(broken->err_len > 0);
    expect(batch, 7, 0, "", "");
    expect(batch, 8, 0, "", "");
    expect(batch, 9, 0, "\036\036 \036abc\001\377", "");
    expect(batch, 10, 0, "", "");
    expect(batch, 11, 0, "after*sh_nothing*\n", "");
    expect(batch, 12, 0, "}\n{ unbalanced\n", "");
    expect(batch, 13, 0, "to-3\n", "");
    expect(batch, 14, 3, "r", "");
}

static void test_probes(void **state) {
    (void)state;
    in_all(SW_BATCH_PROBES, PROBES, sizeof PROBES / sizeof *PROBES, 0, check_probes);
}

/* A probe that exits ends the shell: said so, and what came before holds. */
static void check_exit(struct sw_batch *batch, int finished, const struct sw_err *err) {
    assert_int_equal(finished, SW_EREMOTE);
    assert_non_null(strstr(err->message, "part 2 of 3"));
    expect(batch, 0, 0, "a", NULL);
    const struct sw_batch_result *r = sw_batch_result(batch, 1);
    assert_true(r->ran);
    assert_false(r->ended);
    assert_string_equal(r->out, "b");
    assert_false(sw_batch_result(batch, 2)->ran);
}

static void test_probe_exits(void **state) {
    (void)state;
    in_all(SW_BATCH_PROBES, (const char *const[]){"printf a", "printf b; exit 0", "printf c"}, 3, 0, check_exit);
}

/* ---- steps ---- */

static void check_steps(struct sw_batch *batch, int finished, const struct sw_err *err) {
    (void)err;
    assert_int_equal(finished, SW_OK);
    expect(batch, 0, 0, "one\n", "");
    expect(batch, 1, 0, "hello two", "");     /* exit 0 ends only the step */
    expect(batch, 2, 0, "", "");              /* and its variables are its own */
    expect(batch, 3, 1, "before\n", "why\n"); /* set -e */
    assert_false(sw_batch_result(batch, 4)->ran);
    assert_int_equal(sw_batch_result(batch, 4)->status, -1);
}

static void test_steps(void **state) {
    (void)state;
    in_all(SW_BATCH_STEPS,
           (const char *const[]){"x=1; echo one", "hello two; exit 0; echo not", "test -z \"$x\"; cat",
                                 "echo before; echo why >&2; false; echo after", "echo never"},
           5, 0, check_steps);
}

static void check_function(struct sw_batch *batch, int finished, const struct sw_err *err) {
    (void)err;
    assert_int_equal(finished, SW_OK);
    expect(batch, 0, 3, "in\n", "");
}

/* set -e holds inside functions and groups of the step, too. */
static void test_steps_stop_in_functions(void **state) {
    (void)state;
    in_all(SW_BATCH_STEPS, (const char *const[]){"f() { echo in; (exit 3); echo not; }\n{ f; echo nor; }\n"}, 1, 0, check_function);
}

static void check_killed(struct sw_batch *batch, int finished, const struct sw_err *err) {
    (void)err;
    assert_int_equal(finished, SW_OK);
    assert_int_equal(sw_batch_result(batch, 0)->status, 128 + SIGTERM);
    assert_false(sw_batch_result(batch, 1)->ran);
}

static void test_step_killed(void **state) {
    (void)state;
    in_all(SW_BATCH_STEPS, (const char *const[]){"sh -c 'kill -TERM $PPID'; sleep 0.3", "echo never"}, 2, 0, check_killed);
}

static void check_shell_killed(struct sw_batch *batch, int finished, const struct sw_err *err) {
    assert_int_equal(finished, SW_EREMOTE);
    assert_non_null(strstr(err->message, "middle of the script, at part 2 of 3"));
    assert_non_null(strstr(err->detail, "last words"));
    expect(batch, 0, 0, "one\n", "");
    assert_true(sw_batch_result(batch, 1)->ran);
    assert_false(sw_batch_result(batch, 1)->ended);
    assert_string_equal(sw_batch_result(batch, 1)->out, "partial");
    assert_false(sw_batch_result(batch, 2)->ran);
}

static void test_shell_killed(void **state) {
    (void)state;
    in_all(SW_BATCH_STEPS, (const char *const[]){"echo one", "printf partial; echo last words >&2; kill -9 $$; sleep 0.1", "echo never"}, 3,
           0, check_shell_killed);
}

/* ---- limits ---- */

static void check_flood(struct sw_batch *batch, int finished, const struct sw_err *err) {
    (void)err;
    assert_int_equal(finished, SW_OK);
    const struct sw_batch_result *r = sw_batch_result(batch, 0);
    assert_true(r->truncated);
    assert_int_equal(r->out_len, 1000);
    assert_int_equal(r->err_len, 3);
    assert_false(sw_batch_result(batch, 1)->truncated);
    expect(batch, 1, 0, "fine", "");
}

static void test_flood_is_bounded(void **state) {
    (void)state;
    in_all(SW_BATCH_PROBES,
           (const char *const[]){"i=0; while [ $i -lt 400 ]; do echo 0123456789; i=$((i+1)); done; echo ok >&2", "printf fine"}, 2, 1000,
           check_flood);
}

static void test_large_script(void **state) {
    (void)state;
    /* Larger than a pipe and than any shell's buffer, with each byte of it needed. */
    for (size_t shell = 0; shell < N_SHELLS; shell++) {
        struct sw_batch *batch = sw_batch_new(SW_BATCH_PROBES, 0, NULL);
        struct sw_str fragment = {0};
        sw_str_addz(&fragment, "x='");
        for (int i = 0; i < 40000; i++) sw_str_addf(&fragment, "%07d\n", i);
        sw_str_addz(&fragment, "'; printf %s \"$x\" | cksum; printf '%s' \"${#x}\" >&2");
        for (int i = 0; i < 5; i++) sw_batch_add(batch, fragment.p, fragment.len);
        size_t len;
        const char *script = sw_batch_script(batch, &len);
        assert_true(len > 1500000);
        struct shell_output got = run_shell(SHELLS[shell], script, len);
        feed_batch(batch, &got, 4096);
        assert_int_equal(sw_batch_finish(batch, NULL), SW_OK);
        for (size_t i = 0; i < 5; i++) {
            expect(batch, i, 0, sw_batch_result(batch, 0)->out, "320000");
            assert_true(sw_batch_result(batch, i)->out_len > 10);
        }
        shell_done(&got);
        sw_str_done(&fragment);
        sw_batch_free(batch);
    }
}

/* ---- what stands around the frames ---- */

static void test_banner_and_missing_shell(void **state) {
    (void)state;
    struct sw_batch *batch = sw_batch_new(SW_BATCH_PROBES, 0, NULL);
    sw_batch_add(batch, "echo hi", 7);
    size_t len;
    const char *script = sw_batch_script(batch, &len);
    char *const argv[] = {"sh", "-c", "echo 'Welcome to \036n1'; echo motd >&2; sh", NULL};
    struct shell_output got = run_shell(argv, script, len);
    feed_batch(batch, &got, 3);
    assert_int_equal(sw_batch_finish(batch, NULL), SW_OK);
    expect(batch, 0, 0, "hi\n", "");
    shell_done(&got);
    sw_batch_free(batch);

    batch = sw_batch_new(SW_BATCH_PROBES, 0, NULL);
    sw_batch_add(batch, "echo hi", 7);
    sw_batch_feed(batch, 1, "This account is not available.\n", 31);
    sw_batch_feed(batch, 2, "sh: not found\n", 14);
    struct sw_err err = {0};
    assert_int_equal(sw_batch_finish(batch, &err), SW_EREMOTE);
    assert_string_equal(err.message, "the shell did not run the script");
    assert_non_null(strstr(err.detail, "sh: not found"));
    assert_non_null(strstr(err.detail, "not available"));
    sw_err_done(&err);
    sw_batch_free(batch);
}

/* The nonce is 32 hex digits after the first \036 of the script. */
static void get_nonce(struct sw_batch *batch, char ret[33]) {
    const char *script = sw_batch_script(batch, NULL);
    const char *at = strstr(script, "\\036");
    memcpy(ret, at + 4, 32);
    ret[32] = 0;
}

static void feed_text(struct sw_batch *batch, int stream, const char *text) {
    for (; *text; text++) sw_batch_feed(batch, stream, text, 1);
}

static void test_imitations_are_payload(void **state) {
    (void)state;
    struct sw_batch *batch = sw_batch_new(SW_BATCH_PROBES, 0, NULL);
    sw_batch_add(batch, "a", 1);
    sw_batch_add(batch, "b", 1);
    char nonce[33], other[33], text[2000];
    get_nonce(batch, nonce);
    memset(other, '0', 32);
    other[32] = 0;
    /* another nonce, a nonce almost right, marks out of order, malformed ones */
    char almost[33];
    memcpy(almost, nonce, 33);
    almost[31] = almost[31] == 'f' ? 'e' : 'f';
    char payload[1500];
    snprintf(payload, sizeof payload,
             "\036%s e0 0\n\036%s e0 0\n\036%s b1\n\036%s e1 0\n\036%s e 0\n\036%s e0\n\036%s e0 \n\036%s x\n\036%s z\n\036%s e0 "
             "1234\n\036%s b1234567890\n\036%s e0 0\036\036",
             other, almost, nonce, nonce, nonce, nonce, nonce, nonce, nonce, nonce, nonce, nonce);
    snprintf(text, sizeof text, "\036%s b0\n%s\036%s e0 0\n\036%s b1\nx\036%s e1 5\n\036%s z\n", nonce, payload, nonce, nonce, nonce,
             nonce);
    feed_text(batch, 1, text);
    snprintf(text, sizeof text, "\036%s b0\n\036%s e0 0\n\036%s b1\n\036%s e1 5\n\036%s z\n", nonce, nonce, nonce, nonce, nonce);
    feed_text(batch, 2, text);
    assert_int_equal(sw_batch_finish(batch, NULL), SW_OK);
    expect(batch, 0, 0, payload, "");
    expect(batch, 1, 5, "x", "");
    sw_batch_free(batch);
}

static void test_cut_in_a_mark(void **state) {
    (void)state;
    struct sw_batch *batch = sw_batch_new(SW_BATCH_PROBES, 0, NULL);
    sw_batch_add(batch, "a", 1);
    char nonce[33], text[200];
    get_nonce(batch, nonce);
    snprintf(text, sizeof text, "\036%s b0\nout\036%s e0", nonce, nonce);
    feed_text(batch, 1, text);
    assert_string_equal(sw_batch_result(batch, 0)->out, "out");
    struct sw_err err = {0};
    assert_int_equal(sw_batch_finish(batch, &err), SW_EREMOTE);
    assert_int_equal(sw_batch_result(batch, 0)->out_len, 3 + 1 + 32 + 3); /* it was output after all */
    assert_false(sw_batch_result(batch, 0)->ended);
    sw_err_done(&err);
    sw_batch_free(batch);
}

/* ---- events ---- */

struct log {
    struct sw_str text;
};
static void on_begin(void *ctx, size_t id) {
    sw_str_addf(&((struct log *)ctx)->text, "b%zu ", id);
}
static void on_line(void *ctx, size_t id, int stream, const char *line, size_t len) {
    sw_str_addf(&((struct log *)ctx)->text, "%zu.%d[%.*s] ", id, stream, (int)(len > 20 ? 20 : len), line);
    if (len > 20) sw_str_addf(&((struct log *)ctx)->text, "(%zu) ", len);
}
static void on_end(void *ctx, size_t id, const struct sw_batch_result *result) {
    sw_str_addf(&((struct log *)ctx)->text, "e%zu=%d(%zu,%zu) ", id, result->status, result->out_len, result->err_len);
}

static void test_events(void **state) {
    (void)state;
    struct log log = {0};
    struct sw_batch_events events = {on_begin, on_line, on_end, &log};
    struct sw_batch *batch = sw_batch_new(SW_BATCH_STEPS, 0, &events);
    sw_batch_add(batch, "a", 1);
    sw_batch_add(batch, "b", 1);
    char nonce[33], text[500];
    get_nonce(batch, nonce);
    /* stderr runs far ahead of stdout: the events of part 1 wait for the end of part 0 */
    snprintf(text, sizeof text, "\036%s b0\nwarn\nrest\036%s e0 0\n\036%s b1\nearly\n", nonce, nonce, nonce);
    feed_text(batch, 2, text);
    assert_string_equal(sw_str_z(&log.text), "b0 0.2[warn] 0.2[rest] ");
    snprintf(text, sizeof text, "\036%s b0\none\ntwo\036%s e0 0\n", nonce, nonce);
    feed_text(batch, 1, text);
    assert_string_equal(sw_str_z(&log.text), "b0 0.2[warn] 0.2[rest] 0.1[one] 0.1[two] e0=0(7,9) b1 1.2[early] ");
    sw_str_clear(&log.text);
    snprintf(text, sizeof text, "\036%s b1\n\n", nonce);
    feed_text(batch, 1, text);
    char *longer = sw_xmalloc(6001);
    memset(longer, 'x', 6000);
    longer[6000] = 0;
    feed_text(batch, 1, longer);
    snprintf(text, sizeof text, "\n\036%s e1 2\n\036%s z\n", nonce, nonce);
    feed_text(batch, 1, text);
    snprintf(text, sizeof text, "\036%s e1 2\n\036%s z\n", nonce, nonce);
    feed_text(batch, 2, text);
    assert_string_equal(sw_str_z(&log.text), "1.1[] 1.1[xxxxxxxxxxxxxxxxxxxx] (4096) e1=2(6002,6) ");
    assert_int_equal(sw_batch_finish(batch, NULL), SW_OK);
    free(longer);
    sw_str_done(&log.text);
    sw_batch_free(batch);
}

/* ---- garbage ---- */

static void test_random_bytes(void **state) {
    (void)state;
    srand(1);
    for (int round = 0; round < 300; round++) {
        struct sw_batch *batch = sw_batch_new(round % 2, 50, NULL);
        for (int i = 0; i < 3; i++) sw_batch_add(batch, "x", 1);
        char nonce[33];
        get_nonce(batch, nonce);
        for (int i = 0; i < 200; i++) {
            static const char *const pieces[] = {"\036",      " b0\n", " b1\n", " b2\n", " e0 0\n", " e1 1\n",
                                                 " e2 255\n", " z\n",  "text",  "\n",    " e9 9\n", " b99\n"};
            const char *piece = rand() % 3 ? pieces[rand() % 12] : nonce;
            size_t len = strlen(piece);
            if (rand() % 4 == 0) len = len ? (size_t)rand() % len : 0;
            sw_batch_feed(batch, 1 + rand() % 2, piece, len);
        }
        struct sw_err err = {0};
        sw_batch_finish(batch, &err);
        for (size_t i = 0; i < 3; i++) assert_true(sw_batch_result(batch, i)->out_len <= 50);
        sw_err_done(&err);
        sw_batch_free(batch);
    }
}

static void test_empty(void **state) {
    (void)state;
    struct sw_batch *batch = sw_batch_new(SW_BATCH_STEPS, 0, NULL);
    size_t len;
    const char *script = sw_batch_script(batch, &len);
    struct shell_output got = run_shell(SHELLS[0], script, len);
    feed_batch(batch, &got, 1);
    assert_int_equal(sw_batch_finish(batch, NULL), SW_OK);
    assert_null(sw_batch_result(batch, 0));
    shell_done(&got);
    sw_batch_free(batch);
}

int main(void) {
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_probes),
        cmocka_unit_test(test_probe_exits),
        cmocka_unit_test(test_steps),
        cmocka_unit_test(test_steps_stop_in_functions),
        cmocka_unit_test(test_step_killed),
        cmocka_unit_test(test_shell_killed),
        cmocka_unit_test(test_flood_is_bounded),
        cmocka_unit_test(test_large_script),
        cmocka_unit_test(test_banner_and_missing_shell),
        cmocka_unit_test(test_imitations_are_payload),
        cmocka_unit_test(test_cut_in_a_mark),
        cmocka_unit_test(test_events),
        cmocka_unit_test(test_random_bytes),
        cmocka_unit_test(test_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
