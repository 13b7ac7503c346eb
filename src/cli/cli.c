#include "cli.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include "slipway/clock.h"
#include "slipway/file.h"
#include "slipway/log.h"

static bool env_is_utf8(void) {
    /* The first of these that is set decides, as in setlocale(3); slipway itself stays in the C locale. */
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (size_t i = 0; i < 3; i++) {
        const char *value = getenv(names[i]);
        if (value && *value) return strcasestr(value, "utf-8") || strcasestr(value, "utf8");
    }
    return false;
}

struct sw_style sw_cli_style(int fd, bool no_color) {
    struct sw_style style = {.unicode = env_is_utf8()};
    if (!isatty(fd)) return style;
    const char *term = getenv("TERM"), *off = getenv("NO_COLOR");
    struct winsize size = {0};
    style.color = !no_color && !(off && *off) && !(term && strcmp(term, "dumb") == 0);
    if (ioctl(fd, TIOCGWINSZ, &size) == 0) style.columns = size.ws_col;
    return style;
}

/* All of it, or false with errno set. */
static bool write_all(int fd, const char *p, size_t len) {
    while (len) {
        ssize_t n = write(fd, p, len);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno == EAGAIN) {
            struct pollfd wait = {.fd = fd, .events = POLLOUT};
            if (poll(&wait, 1, -1) > 0) continue;
        }
        if (n < 0) return false;
        p += n;
        len -= (size_t)n;
    }
    return true;
}

void sw_cli_print(struct sw_cli *cli, const struct sw_str *text) {
    (void)cli;
    if (write_all(STDOUT_FILENO, sw_str_z(text), text->len) || errno == EPIPE) return;
    /* A full disk must not look like success. Nothing runs at this point that would have to be ended in order. */
    static const char message[] = "error: cannot write to standard output\n";
    write_all(STDERR_FILENO, message, sizeof message - 1);
    exit(SW_EXIT_ERROR);
}

void sw_cli_printf(struct sw_cli *cli, const char *fmt, ...) {
    struct sw_str text = {0};
    va_list ap;
    va_start(ap, fmt);
    sw_str_addv(&text, fmt, ap);
    va_end(ap);
    sw_cli_print(cli, &text);
    sw_str_done(&text);
}

void sw_cli_note(struct sw_cli *cli, const char *fmt, ...) {
    if (cli->options.quiet || cli->options.json) return;
    struct sw_str text = {0};
    va_list ap;
    va_start(ap, fmt);
    sw_str_addv(&text, fmt, ap);
    va_end(ap);
    sw_str_addc(&text, '\n');
    write_all(STDERR_FILENO, sw_str_z(&text), text.len);
    sw_str_done(&text);
}

void sw_cli_say(const struct sw_str *text) {
    if (text->len) write_all(STDERR_FILENO, text->p, text->len);
}

int sw_cli_exit_code(int code) {
    switch (code) {
    case SW_OK: return SW_EXIT_OK;
    case SW_ELOCKED:
    case SW_ECONFLICT:
    case SW_EREFUSED: return SW_EXIT_REFUSED;
    default: return SW_EXIT_ERROR;
    }
}

int sw_cli_fail(struct sw_cli *cli, struct sw_err *err) {
    struct sw_str text = {0};
    int code = sw_cli_exit_code(err->code ? err->code : SW_EINTERNAL);
    if (cli->options.json) {
        sw_report_error_json(&text, err);
        sw_str_addc(&text, '\n');
        sw_cli_print(cli, &text);
        sw_str_clear(&text);
    }
    sw_report_error(&text, err, &cli->errout);
    write_all(STDERR_FILENO, sw_str_z(&text), text.len);
    sw_str_done(&text);
    sw_err_done(err);
    return code;
}

int sw_cli_deliver(struct sw_cli *cli, const struct sw_str *text, unsigned mode) {
    const char *path = cli->options.out;
    if (!path || strcmp(path, "-") == 0) {
        sw_cli_print(cli, text);
        return SW_EXIT_OK;
    }
    struct sw_err err = {0};
    if (sw_file_write(path, sw_str_z(text), text->len, mode, &err)) return sw_cli_fail(cli, &err);
    sw_cli_note(cli, "Written to %s", path);
    return SW_EXIT_OK;
}

static volatile sig_atomic_t prompt_interrupted;
static void on_prompt_signal(int sig) {
    (void)sig;
    prompt_interrupted = 1;
}

/* Reads one line while the loop stands still; SIGINT ends it at once instead of waiting for the loop. */
static bool read_answer(char *line, size_t size, void (*keep_alive)(void *), void *ctx) {
    struct sigaction ours = {.sa_handler = on_prompt_signal}, old;
    sigemptyset(&ours.sa_mask);
    prompt_interrupted = 0;
    sigaction(SIGINT, &ours, &old);
    size_t len = 0;
    bool ended = false;
    while (!prompt_interrupted && !ended) {
        struct pollfd wait = {.fd = STDIN_FILENO, .events = POLLIN};
        int ready = poll(&wait, 1, 10000);
        if (ready == 0 && keep_alive) keep_alive(ctx);
        if (ready <= 0) continue;
        char c;
        ssize_t n = read(STDIN_FILENO, &c, 1);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        if (c == '\n')
            ended = true;
        else if (len + 1 < size)
            line[len++] = c;
    }
    line[len] = '\0';
    sigaction(SIGINT, &old, NULL);
    return ended && !prompt_interrupted;
}

int sw_cli_confirm(struct sw_cli *cli, const char *question, const char *expected, void (*keep_alive)(void *ctx), void *ctx,
                   struct sw_err *err) {
    if (cli->options.yes) return SW_OK;
    if (cli->options.json || !isatty(STDIN_FILENO)) {
        sw_err_set(err, SW_EREFUSED, "not confirmed: there is no terminal to ask on");
        sw_err_hint(err, "--yes, or review a saved plan ('slipway plan --out FILE') and apply that");
        return SW_EREFUSED;
    }
    char answer[256];
    struct sw_str text = {0};
    sw_str_addf(&text, "\n%s ", question);
    write_all(STDERR_FILENO, sw_str_z(&text), text.len);
    sw_str_done(&text);
    bool answered = read_answer(answer, sizeof answer, keep_alive, ctx);
    write_all(STDERR_FILENO, answered ? "" : "\n", answered ? 0 : 1);
    if (answered && strcmp(answer, expected) == 0) return SW_OK;
    return sw_err_set(err, SW_EREFUSED, "not confirmed, nothing was changed");
}

/* Secrets pass through this memory: no core dump, and no other process of the same user may look into it. */
static void protect_process(void) {
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
#ifdef __linux__
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
}

static int run(struct sw_cli *cli, int argc, char **argv) {
    struct sw_err err = {0};
    struct sw_str text = {0};
    cli->out = sw_cli_style(STDOUT_FILENO, false);
    cli->errout = sw_cli_style(STDERR_FILENO, false);
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        cli->command = sw_command_find("version");
        return cli->command->run(cli);
    }
    if (sw_opt_parse(argc - 1, argv + 1, cli->arena, &cli->command, &cli->options, &err)) return sw_cli_fail(cli, &err);
    if (cli->options.no_color) cli->out.color = cli->errout.color = false;
    if (!cli->command || cli->options.help) {
        if (cli->command)
            sw_help_command(&text, cli->command);
        else
            sw_help_overview(&text);
        sw_cli_print(cli, &text);
        sw_str_done(&text);
        return cli->command || cli->options.help ? SW_EXIT_OK : SW_EXIT_ERROR;
    }
    if (cli->options.trace) sw_log_open(strcmp(cli->options.trace, "-") == 0 ? NULL : cli->options.trace);
    return cli->command->run(cli);
}

int sw_cli_main(int argc, char **argv) {
    protect_process();
    signal(SIGPIPE, SIG_IGN);
    struct sw_cli cli = {.arena = sw_arena_new()};
    int code = run(&cli, argc, argv);
    sw_arena_free(cli.arena);
    return code;
}
