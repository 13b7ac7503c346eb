/* The command line. Glue only: what is done is the engine's, how it looks is report's. */
#ifndef SLIPWAY_CLI_H
#define SLIPWAY_CLI_H

#include "opt.h"
#include "slipway/report.h"
#include "slipway/str.h"

enum sw_exit { SW_EXIT_OK = 0, SW_EXIT_ERROR = 1, SW_EXIT_CHANGES = 2, SW_EXIT_REFUSED = 3 };

/* One invocation. */
struct sw_cli {
    struct sw_arena *arena; /* freed when the command ends */
    const struct sw_command *command;
    struct sw_options options;
    struct sw_style out, errout; /* of stdout and stderr */
};

/* Everything: parse, run, exit code. */
int sw_cli_main(int argc, char **argv);

/* Writes a result to stdout. A reader that went away (`| head`) is not an error. */
void sw_cli_print(struct sw_cli *cli, const struct sw_str *text);
void sw_cli_printf(struct sw_cli *cli, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A remark for people, on stderr; nothing with --quiet or --json. */
void sw_cli_note(struct sw_cli *cli, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* What went wrong, on stderr whatever the options say. */
void sw_cli_say(const struct sw_str *text);
/* Prints the error (stderr; with --json also one line on stdout), frees it and returns the exit code it means. */
int sw_cli_fail(struct sw_cli *cli, struct sw_err *err);
int sw_cli_exit_code(int code);
/* Text to --out FILE, or to stdout. */
int sw_cli_deliver(struct sw_cli *cli, const struct sw_str *text, unsigned mode);
/* How `fd` wants to be written to. */
struct sw_style sw_cli_style(int fd, bool no_color);
/* Asks on the terminal. 0 when the answer is `expected`; SW_EREFUSED otherwise. keep_alive (or NULL) is called while waiting, every 10 s.
 */
int sw_cli_confirm(struct sw_cli *cli, const char *question, const char *expected, void (*keep_alive)(void *ctx), void *ctx,
                   struct sw_err *err);

/* help.c: from the tables. */
void sw_help_overview(struct sw_str *out);
void sw_help_command(struct sw_str *out, const struct sw_command *command);
void sw_help_reference(struct sw_str *out); /* docs/commands.md, whole */
extern const char sw_help_events[];         /* its section on --json, by hand */

/* complete.c. SW_EINVAL for a shell it does not know. */
int sw_complete_script(struct sw_str *out, const char *shell, struct sw_err *err);

/* One file a command. */
int sw_cmd_validate(struct sw_cli *cli);
int sw_cmd_plan(struct sw_cli *cli);
int sw_cmd_apply(struct sw_cli *cli);
int sw_cmd_destroy(struct sw_cli *cli);
int sw_cmd_bootstrap(struct sw_cli *cli);
int sw_cmd_status(struct sw_cli *cli);
int sw_cmd_drift(struct sw_cli *cli);
int sw_cmd_show(struct sw_cli *cli);
int sw_cmd_graph(struct sw_cli *cli);
int sw_cmd_state_list(struct sw_cli *cli);
int sw_cmd_state_show(struct sw_cli *cli);
int sw_cmd_state_mv(struct sw_cli *cli);
int sw_cmd_state_rm(struct sw_cli *cli);
int sw_cmd_state_history(struct sw_cli *cli);
int sw_cli_parse_run(const char *word, int64_t *ret, struct sw_err *err); /* history.c: "12" */
int sw_cmd_rollback(struct sw_cli *cli);
int sw_cmd_state_unlock(struct sw_cli *cli);
int sw_cmd_import(struct sw_cli *cli);
int sw_cmd_output(struct sw_cli *cli);
int sw_cmd_ssh(struct sw_cli *cli);
int sw_cmd_kubeconfig(struct sw_cli *cli);
int sw_cmd_lab_up(struct sw_cli *cli);
int sw_cmd_lab_down(struct sw_cli *cli);
int sw_cmd_lab_list(struct sw_cli *cli);
int sw_cmd_docs(struct sw_cli *cli);
int sw_cmd_completion(struct sw_cli *cli);
int sw_cmd_version(struct sw_cli *cli);

#endif
