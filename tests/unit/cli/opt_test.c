#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli.h"
#include "slipway/file.h"
#include "slipway/vec.h"

struct parsed {
    struct sw_arena *arena;
    const struct sw_command *command;
    struct sw_options options;
    struct sw_err err;
    int rc;
    char *argv[32];
};

/* Words separated by blanks. */
static struct parsed *parse(const char *line) {
    struct parsed *p = calloc(1, sizeof *p);
    p->arena = sw_arena_new();
    int argc = 0;
    for (char *word = sw_strdup(p->arena, line); *word;) {
        size_t n = strcspn(word, " ");
        bool last = !word[n];
        word[n] = '\0';
        p->argv[argc++] = word;
        word += n + !last;
        if (last) break;
    }
    p->rc = sw_opt_parse(argc, p->argv, p->arena, &p->command, &p->options, &p->err);
    return p;
}

static void done(struct parsed *p) {
    sw_err_done(&p->err);
    sw_arena_free(p->arena);
    free(p);
}

static void refuse(const char *line, const char *message, const char *hint) {
    struct parsed *p = parse(line);
    if (!p->rc) fail_msg("'%s' was taken", line);
    assert_string_equal(p->err.message, message);
    if (hint) assert_string_equal(p->err.hint, hint);
    done(p);
}

static void values_in_all_forms(void **state) {
    (void)state;
    static const char *const lines[] = {"plan -i lab --out x.plan", "plan --inventory=lab --out=x.plan", "plan -ilab -ox.plan",
                                        "-i lab --out x.plan plan", "--inv lab plan --ou x.plan"};
    for (size_t i = 0; i < sw_countof(lines); i++) {
        struct parsed *p = parse(lines[i]);
        assert_int_equal(p->rc, 0);
        assert_string_equal(p->command->name, "plan");
        assert_string_equal(p->options.inventory, "lab");
        assert_string_equal(p->options.out, "x.plan");
        done(p);
    }
}

static void lists_flags_and_numbers(void **state) {
    (void)state;
    struct parsed *p = parse("plan --target a --target=b --exclude c --json --parallelism 32 --detailed-exitcode");
    assert_int_equal(p->rc, 0);
    assert_string_equal(p->options.targets[0], "a");
    assert_string_equal(p->options.targets[1], "b");
    assert_null(p->options.targets[2]);
    assert_string_equal(p->options.excludes[0], "c");
    assert_null(p->options.replaces);
    assert_true(p->options.json && p->options.detailed_exitcode && !p->options.yes);
    assert_int_equal(p->options.parallelism, 32);
    done(p);
}

static void words_and_the_rest(void **state) {
    (void)state;
    struct parsed *p = parse("ssh n1 -i lab -- ls -l --json");
    assert_int_equal(p->rc, 0);
    assert_int_equal(p->options.n_args, 1);
    assert_string_equal(p->options.args[0], "n1");
    assert_string_equal(p->options.rest[0], "ls");
    assert_string_equal(p->options.rest[2], "--json");
    assert_false(p->options.json);
    done(p);
    p = parse("state mv a b");
    assert_string_equal(p->command->name, "state mv");
    assert_string_equal(p->options.args[1], "b");
    done(p);
    p = parse("-qy apply -");
    assert_true(p->options.quiet && p->options.yes);
    assert_string_equal(p->options.args[0], "-");
    done(p);
}

static void help_in_all_places(void **state) {
    (void)state;
    static const struct {
        const char *line, *command;
    } cases[] = {{"--help", NULL},
                 {"help", NULL},
                 {"help plan", "plan"},
                 {"plan --help", "plan"},
                 {"plan -h", "plan"},
                 {"import --help", "import"},
                 {"help state mv", "state mv"},
                 {"state --help", "state list"},
                 {"help lab", "lab up"}};
    for (size_t i = 0; i < sw_countof(cases); i++) {
        struct parsed *p = parse(cases[i].line);
        if (p->rc) fail_msg("%s: %s", cases[i].line, p->err.message);
        assert_true(p->options.help);
        if (cases[i].command)
            assert_string_equal(p->command->name, cases[i].command);
        else
            assert_null(p->command);
        done(p);
    }
}

static void mistakes(void **state) {
    (void)state;
    refuse("plna", "unknown command 'plna'", "slipway plan");
    refuse("frobnicate", "unknown command 'frobnicate'", "slipway --help");
    refuse("state", "'state' needs one of: list, show, mv, rm, history, unlock", "slipway state list");
    refuse("state lits", "unknown command 'state lits'", "slipway state list");
    refuse("plan --taget x", "unknown option '--taget'", "--target");
    refuse("plan -Z", "unknown option '-Z'", NULL);
    refuse("plan --re x", "option '--re' is ambiguous: --replace or --refresh-only", NULL);
    refuse("plan --out", "option '--out' needs a value: --out FILE", NULL);
    refuse("plan --json=yes", "option '--json' takes no value", NULL);
    refuse("plan --out=", "option '--out' needs a value that is not empty", NULL);
    refuse("plan --parallelism -3", "option '--parallelism' needs a number from 1 to 10000, not '-3'", NULL);
    refuse("plan --parallelism 1x", "option '--parallelism' needs a number from 1 to 10000, not '1x'", NULL);
    refuse("validate --yes", "option '--yes' is not for 'validate'", "slipway validate --help");
    refuse("plan x", "'plan' does not take 'x'", NULL);
    refuse("state mv a", "'state mv' needs FROM TO", NULL);
    refuse("plan -- x", "'plan' takes nothing after '--'", NULL);
    refuse("-i lab", "no command given", "slipway --help");
}

static void every_command_has_help(void **state) {
    (void)state;
    for (size_t i = 0; i < sw_n_commands; i++) {
        struct sw_str out = {0};
        sw_help_command(&out, &sw_commands[i]);
        assert_true(strncmp(sw_str_z(&out), "Example:\n  ", 11) == 0);
        assert_non_null(strstr(sw_str_z(&out), sw_commands[i].name));
        assert_non_null(strstr(sw_str_z(&out), "--help"));
        assert_non_null(sw_commands[i].run);
        sw_str_done(&out);
    }
}

/* No two options share a bit, a name or a letter. */
static void the_table_is_sound(void **state) {
    (void)state;
    for (size_t i = 0; i < sw_n_opts; i++)
        for (size_t k = i + 1; k < sw_n_opts; k++) {
            assert_true((sw_opts[i].id & sw_opts[k].id) == 0);
            assert_string_not_equal(sw_opts[i].name, sw_opts[k].name);
            assert_true(!sw_opts[i].letter || sw_opts[i].letter != sw_opts[k].letter);
        }
}

static void the_reference_is_up_to_date(void **state) {
    (void)state;
    char path[1024];
    const char *end = strstr(__FILE__, "tests/unit/cli/");
    struct sw_str out = {0}, have = {0};
    snprintf(path, sizeof path, "%.*sdocs/commands.md", (int)(end - __FILE__), __FILE__);
    sw_help_reference(&out);
    if (getenv("UPDATE_GOLDEN")) assert_int_equal(sw_file_write(path, out.p, out.len, 0644, NULL), 0);
    assert_int_equal(sw_file_read(path, 1 << 20, &have, NULL), 0);
    if (strcmp(sw_str_z(&have), sw_str_z(&out)) != 0) fail_msg("docs/commands.md is old: slipway docs commands > docs/commands.md");
    sw_str_done(&out);
    sw_str_done(&have);
}

static void completions(void **state) {
    (void)state;
    static const char *const shells[] = {"bash", "zsh", "fish"};
    for (size_t i = 0; i < 3; i++) {
        struct sw_str out = {0};
        assert_int_equal(sw_complete_script(&out, shells[i], NULL), 0);
        assert_non_null(strstr(sw_str_z(&out), "bootstrap"));
        assert_non_null(strstr(sw_str_z(&out), "detailed-exitcode"));
        sw_str_done(&out);
    }
    struct sw_str out = {0};
    struct sw_err err = {0};
    assert_int_equal(sw_complete_script(&out, "basj", &err), SW_EINVAL);
    assert_string_equal(err.hint, "slipway completion bash");
    sw_err_done(&err);
}

/* The script is fed to a real bash, which is asked what it would offer. */
static void bash_completes(void **state) {
    (void)state;
    static const struct {
        const char *words, *want;
    } cases[] = {{"slipway boo", "bootstrap"},
                 {"slipway state hi", "history"},
                 {"slipway plan --detai", "--detailed-exitcode"},
                 {"slipway completion fi", "fish"},
                 {"slipway -i lab graph --format mer", "mermaid"},
                 {"slipway state mv --state-d", "--state-dir"}};
    struct sw_str script = {0};
    assert_int_equal(system("bash -c true"), 0); /* the completion is tried in a real one */
    sw_complete_script(&script, "bash", NULL);
    char path[] = "/tmp/slipway-completion-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(sw_file_write(path, script.p, script.len, 0600, NULL), 0);
    for (size_t i = 0; i < sw_countof(cases); i++) {
        char command[1024], got[256] = "";
        snprintf(command, sizeof command,
                 "bash -c 'source %s; COMP_WORDS=(%s); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); compopt() { :; }; _slipway; echo "
                 "\"${COMPREPLY[*]}\"'",
                 path, cases[i].words);
        FILE *pipe = popen(command, "r");
        assert_non_null(pipe);
        assert_non_null(fgets(got, sizeof got, pipe));
        pclose(pipe);
        got[strcspn(got, "\n")] = '\0';
        assert_string_equal(got, cases[i].want);
    }
    remove(path);
    sw_str_done(&script);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_in_all_forms),
        cmocka_unit_test(lists_flags_and_numbers),
        cmocka_unit_test(words_and_the_rest),
        cmocka_unit_test(help_in_all_places),
        cmocka_unit_test(mistakes),
        cmocka_unit_test(every_command_has_help),
        cmocka_unit_test(the_table_is_sound),
        cmocka_unit_test(the_reference_is_up_to_date),
        cmocka_unit_test(completions),
        cmocka_unit_test(bash_completes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
