#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "progress.h"
#include "report/fixture.h"

static uint64_t clock_ms;
static uint64_t test_now(void) {
    return clock_ms;
}

/* ---- a file to write to, and what was written ---- */

static int sink_file(void) {
    return memfd_create("progress", 0);
}

static char *written(int fd) {
    off_t size = lseek(fd, 0, SEEK_END);
    char *text = calloc(1, (size_t)size + 1);
    assert_int_equal(pread(fd, text, (size_t)size, 0), size);
    return text;
}

static void send(struct sw_progress *progress, struct sw_event event) {
    struct sw_sink sink = sw_progress_sink(progress);
    sw_emit(&sink, &event);
}

/* A run in which something of everything happens. */
static void story(struct fixture *f, struct sw_progress *progress) {
    struct sw_plan_item *file = add(f, "n1", "file", "/etc/x", SW_CREATE), *exec = add(f, "n1", "exec", "kubeadm init", SW_CREATE);
    struct sw_plan_item *node = add(f, NULL, "lab_node", "n2", SW_DELETE), *late = add(f, "n1", "service", "kubelet", SW_UPDATE);
    struct sw_err err = {0};
    sw_err_set(&err, SW_EREMOTE, "kubeadm ended with status 1");
    send(progress, (struct sw_event){.type = SW_EV_PHASE, .text = "refresh"});
    send(progress, (struct sw_event){.type = SW_EV_HOST_RETRY, .host = "n1", .text = "connection refused", .n = 2});
    send(progress, (struct sw_event){.type = SW_EV_HOST_CONNECTED, .host = "n1"});
    send(progress, (struct sw_event){.type = SW_EV_HOST_READ, .host = "n1", .n = 3, .elapsed_ms = 240});
    send(progress, (struct sw_event){.type = SW_EV_PHASE, .text = "apply", .total = 4});
    send(progress, (struct sw_event){.type = SW_EV_START, .item = file, .total = 4});
    clock_ms += 200;
    send(progress, (struct sw_event){.type = SW_EV_DONE, .item = file, .elapsed_ms = 200, .done = 1, .total = 4});
    send(progress, (struct sw_event){.type = SW_EV_START, .item = node, .total = 4, .done = 1});
    send(progress, (struct sw_event){.type = SW_EV_DONE, .item = node, .elapsed_ms = 0, .text = "already so", .done = 2, .total = 4});
    send(progress, (struct sw_event){.type = SW_EV_START, .item = exec, .done = 2, .total = 4});
    send(progress, (struct sw_event){
                       .type = SW_EV_OUTPUT, .item = exec, .text = "10%\r20%\r[preflight] \033[31mchecks\033[0m\r", .done = 2, .total = 4});
    clock_ms += 12000;
    sw_progress_tick(progress);
    send(progress, (struct sw_event){.type = SW_EV_NOTICE, .text = "finishing what runs"});
    send(progress,
         (struct sw_event){.type = SW_EV_FAILED, .item = exec, .error = &err, .elapsed_ms = 12000, .done = 2, .failed = 1, .total = 4});
    send(progress,
         (struct sw_event){
             .type = SW_EV_SKIPPED, .item = late, .text = "n1/exec:kubeadm init failed", .done = 2, .failed = 1, .skipped = 1, .total = 4});
    send(progress, (struct sw_event){.type = SW_EV_SUMMARY, .done = 2, .failed = 1, .skipped = 1, .elapsed_ms = 12200});
    sw_err_done(&err);
}

static char *tell(const char *kind, const struct sw_style *style) {
    struct fixture *f = fixture_new();
    int fd = sink_file();
    struct sw_progress *progress = sw_progress_new(kind, fd, style);
    progress->now = test_now;
    story(f, progress);
    sw_progress_free(progress);
    char *text = written(fd);
    close(fd);
    fixture_free(f);
    return text;
}

static void lines(void **state) {
    (void)state;
    char *text = tell("lines", &PLAIN);
    struct sw_str out = {0};
    sw_str_addz(&out, text);
    assert_golden(&out, "progress_lines.txt");
    sw_str_done(&out);
    free(text);
}

static void quiet(void **state) {
    (void)state;
    char *text = tell("quiet", &PLAIN);
    assert_string_equal(text, "");
    free(text);
}

static void json_lines(void **state) {
    (void)state;
    char *text = tell("json", &PLAIN);
    struct sw_arena *arena = sw_arena_new();
    char types[512] = "";
    const struct sw_value *failed = NULL, *done = NULL;
    for (char *p = text; *p;) {
        size_t n = strcspn(p, "\n");
        const struct sw_value *v = NULL;
        struct sw_err err = {0};
        if (sw_json_read(arena, p, n, SW_JSON_PLAIN, &v, &err)) fail_msg("%s: %.*s", err.message, (int)n, p);
        size_t used = strlen(types);
        snprintf(types + used, sizeof types - used, "%s ", sw_get_str(v, "type", "?"));
        if (strcmp(sw_get_str(v, "type", ""), "failed") == 0) failed = v;
        if (strcmp(sw_get_str(v, "type", ""), "done") == 0 && !done) done = v;
        assert_non_null(sw_get(v, "timestamp"));
        p += n + (p[n] == '\n');
    }
    assert_string_equal(
        types, "phase host_retry host_connected host_read phase start done start done start output still notice failed skipped summary ");
    assert_string_equal(sw_get_str(done, "address", ""), "n1/file:/etc/x");
    assert_string_equal(sw_get_str(done, "action", ""), "create");
    assert_string_equal(sw_get_str(done, "host", ""), "n1");
    assert_int_equal(sw_get_int(done, "elapsed_ms", -1), 200);
    assert_int_equal(sw_get_int(done, "total", -1), 4);
    assert_string_equal(sw_get_str(sw_get(failed, "error"), "code", ""), "remote");
    free(text);
    sw_arena_free(arena);
}

static void a_plan_as_json_lines(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    int fd = sink_file();
    struct sw_progress *progress = sw_progress_new("json", fd, &PLAIN);
    add(f, "n1", "file", "/a", SW_CREATE)->reason = "why";
    add(f, "n1", "file", "/b", SW_NOOP)->drifted = true;
    send(progress, (struct sw_event){.type = SW_EV_PLAN, .plan = &f->plan});
    sw_progress_free(progress);
    char *text = written(fd);
    assert_non_null(strstr(text, "\"type\":\"planned_change\""));
    assert_non_null(strstr(text, "\"type\":\"drift\""));
    assert_non_null(strstr(text, "\"unchanged\":1,\"create\":1,\"update\":0"));
    free(text);
    close(fd);
    fixture_free(f);
}

/* ---- the tree, on a terminal that is a grid of bytes ---- */

#define ROWS 60
struct screen {
    char line[ROWS][400];
    size_t row, col;
    bool cursor_hidden;
    int redraws;
};

/* Knows what the tree uses: \r \n ESC[nA ESC[J ESC[?25l ESC[?25h and colours. Anything else fails the test. */
static void feed(struct screen *s, const char *p, size_t len) {
    for (size_t i = 0; i < len; i++) {
        if (p[i] == '\r') {
            s->col = 0;
        } else if (p[i] == '\n') {
            s->row++;
            s->col = 0;
            assert_true(s->row < ROWS);
        } else if (p[i] == '\033') {
            size_t n = 0;
            char final = 0;
            char args[16] = "";
            assert_int_equal(p[++i], '[');
            while (i + 1 < len && !((final = p[++i]) >= 'A' && final <= 'z' && final != '[')) args[n++] = final;
            args[n] = '\0';
            if (final == 'A') {
                size_t up = strtoul(args, NULL, 10);
                assert_true(up <= s->row);
                s->row -= up;
            } else if (final == 'J') {
                for (size_t r = s->row; r < ROWS; r++)
                    memset(s->line[r] + (r == s->row ? s->col : 0), 0, sizeof s->line[r] - (r == s->row ? s->col : 0));
                s->redraws++;
            } else if (final == 'l' || final == 'h') {
                assert_string_equal(args, "?25");
                s->cursor_hidden = final == 'l';
            } else {
                assert_int_equal(final, 'm');
            }
        } else {
            s->line[s->row][s->col++] = p[i];
        }
    }
}

static int pty_of(unsigned columns, unsigned rows, int *ret_master) {
    int master, slave;
    struct winsize size = {.ws_col = (unsigned short)columns, .ws_row = (unsigned short)rows};
    assert_int_equal(openpty(&master, &slave, NULL, NULL, &size), 0);
    struct termios mode;
    tcgetattr(slave, &mode);
    cfmakeraw(&mode);
    tcsetattr(slave, TCSANOW, &mode);
    fcntl(master, F_SETFL, O_NONBLOCK);
    *ret_master = master;
    return slave;
}

/* What is written to a terminal arrives at its other end a moment later: read until nothing has come for a while. */
static size_t receive(int master, char *buf, size_t size) {
    size_t len = 0;
    struct pollfd wait = {.fd = master, .events = POLLIN};
    while (len + 1 < size && poll(&wait, 1, 50) > 0) {
        ssize_t n = read(master, buf + len, size - 1 - len);
        if (n <= 0) break;
        len += (size_t)n;
    }
    buf[len] = '\0';
    return len;
}

static void drain(struct screen *s, int master) {
    static char buf[65536];
    feed(s, buf, receive(master, buf, sizeof buf));
}

static void the_tree_leaves_only_finished_lines(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    struct screen *s = calloc(1, sizeof *s);
    int master, fd = pty_of(80, 24, &master);
    struct sw_progress *progress = sw_progress_new("tree", fd, &(struct sw_style){.unicode = true, .columns = 80});
    progress->now = test_now;
    struct sw_plan_item *a = add(f, "n1", "exec", "kubeadm init", SW_CREATE), *b = add(f, "n2", "package", "containerd.io", SW_CREATE);
    send(progress, (struct sw_event){.type = SW_EV_PHASE, .text = "apply", .total = 2});
    send(progress, (struct sw_event){.type = SW_EV_START, .item = a, .total = 2});
    send(progress, (struct sw_event){.type = SW_EV_START, .item = b, .total = 2});
    send(progress, (struct sw_event){.type = SW_EV_OUTPUT, .item = a, .text = "[preflight] Running pre-flight checks", .total = 2});
    clock_ms += 3000;
    sw_progress_tick(progress);
    drain(s, master);
    assert_true(s->cursor_hidden);
    assert_non_null(strstr(s->line[0], " apply 0/2  3.0s"));
    assert_string_equal(s->line[1], "  n1/exec:kubeadm init      3.0s    [preflight] Running pre-flight checks");
    assert_string_equal(s->line[2], "  n2/package:containerd.io  3.0s");
    send(progress, (struct sw_event){.type = SW_EV_DONE, .item = b, .elapsed_ms = 3000, .done = 1, .total = 2});
    clock_ms += 100;
    sw_progress_tick(progress);
    drain(s, master);
    assert_string_equal(s->line[0], "n2/package:containerd.io created (3.0s)");
    assert_non_null(strstr(s->line[1], "apply 1/2"));
    send(progress, (struct sw_event){.type = SW_EV_DONE, .item = a, .elapsed_ms = 4000, .done = 2, .total = 2});
    sw_progress_free(progress);
    drain(s, master);
    assert_false(s->cursor_hidden);
    assert_string_equal(s->line[0], "n2/package:containerd.io created (3.0s)");
    assert_string_equal(s->line[1], "n1/exec:kubeadm init created (4.0s)");
    assert_string_equal(s->line[2], "");
    assert_int_equal(s->row, 2);
    close(fd);
    close(master);
    free(s);
    fixture_free(f);
}

static void the_tree_redraws_ten_times_a_second(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    struct screen *s = calloc(1, sizeof *s);
    int master, fd = pty_of(80, 24, &master);
    struct sw_progress *progress = sw_progress_new("tree", fd, &PLAIN);
    progress->now = test_now;
    struct sw_plan_item *a = add(f, "n1", "exec", "x", SW_CREATE);
    send(progress, (struct sw_event){.type = SW_EV_START, .item = a});
    for (int i = 0; i < 1000; i++) {
        clock_ms++;
        send(progress, (struct sw_event){.type = SW_EV_OUTPUT, .item = a, .text = "line"});
    }
    drain(s, master);
    assert_true(s->redraws <= 10);
    sw_progress_free(progress);
    close(fd);
    close(master);
    free(s);
    fixture_free(f);
}

static void the_tree_fits_a_narrow_terminal(void **state) {
    (void)state;
    for (unsigned columns = 1; columns <= 40; columns += 3) {
        struct fixture *f = fixture_new();
        struct screen *s = calloc(1, sizeof *s);
        int master, fd = pty_of(columns, 8, &master);
        struct sw_progress *progress = sw_progress_new("tree", fd, &(struct sw_style){.unicode = true});
        progress->now = test_now;
        send(progress, (struct sw_event){.type = SW_EV_PHASE, .text = "apply", .total = 20});
        for (int i = 0; i < 20; i++) {
            struct sw_plan_item *item = add(f, sw_printf(f->arena, "節点%d", i), "file", "/とても長い名前", SW_CREATE);
            send(progress, (struct sw_event){.type = SW_EV_START, .item = item, .total = 20});
            send(progress, (struct sw_event){.type = SW_EV_OUTPUT, .item = item, .text = "日本語の出力\tand a tab", .total = 20});
        }
        clock_ms += 150;
        sw_progress_tick(progress);
        drain(s, master);
        size_t used = 0;
        for (size_t r = 0; r < ROWS; r++) {
            if (s->line[r][0]) used = r + 1;
            assert_true(sw_columns(s->line[r], strlen(s->line[r])) <= (columns > 1 ? columns - 1 : 1));
        }
        assert_true(used <= 7);
        if (columns > 30) assert_non_null(strstr(s->line[used - 1], "and 16 more"));
        sw_progress_free(progress);
        close(fd);
        close(master);
        free(s);
        fixture_free(f);
    }
}

/* A terminal that became narrower has wrapped what we drew: more rows must be gone up. */
static void a_resize_is_taken_into_account(void **state) {
    (void)state;
    struct fixture *f = fixture_new();
    char buf[4096] = "";
    int master, fd = pty_of(80, 24, &master);
    struct sw_progress *progress = sw_progress_new("tree", fd, &PLAIN);
    progress->now = test_now;
    struct sw_plan_item *a = add(f, "n1", "exec", "x", SW_CREATE);
    send(progress, (struct sw_event){.type = SW_EV_PHASE, .text = "apply"});
    send(progress, (struct sw_event){.type = SW_EV_START, .item = a});
    send(progress, (struct sw_event){.type = SW_EV_OUTPUT, .item = a, .text = "0123456789012345678901234567890123456789"});
    clock_ms += 150;
    sw_progress_tick(progress);
    assert_true(receive(master, buf, sizeof buf) > 0);
    ioctl(fd, TIOCSWINSZ, &(struct winsize){.ws_col = 20, .ws_row = 24});
    clock_ms += 150;
    sw_progress_tick(progress);
    assert_true(receive(master, buf, sizeof buf) > 0);
    /* One row for the head line, and 61 columns of the other on 20 = 4. */
    assert_non_null(strstr(buf, "\r\033[5A\033[J"));
    sw_progress_free(progress);
    close(fd);
    close(master);
    fixture_free(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines),
        cmocka_unit_test(quiet),
        cmocka_unit_test(json_lines),
        cmocka_unit_test(a_plan_as_json_lines),
        cmocka_unit_test(the_tree_leaves_only_finished_lines),
        cmocka_unit_test(the_tree_redraws_ten_times_a_second),
        cmocka_unit_test(the_tree_fits_a_narrow_terminal),
        cmocka_unit_test(a_resize_is_taken_into_account),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
