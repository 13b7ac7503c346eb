/* --help and docs/commands.md, from the tables. An example comes first: it is what most people came for. */
#include <string.h>

#include "cli.h"

#define WIDTH 100

/* Words of `text` in lines of at most WIDTH columns, each indented. */
static void add_wrapped(struct sw_str *out, const char *text, size_t indent) {
    size_t column = 0;
    while (*text) {
        size_t word = strcspn(text, " ");
        if (column && column + 1 + word > WIDTH - indent) {
            sw_str_addc(out, '\n');
            column = 0;
        }
        if (column) {
            sw_str_addc(out, ' ');
            column++;
        } else {
            for (size_t i = 0; i < indent; i++) sw_str_addc(out, ' ');
        }
        sw_str_add(out, text, word);
        column += word;
        text += word;
        while (*text == ' ') text++;
    }
    sw_str_addc(out, '\n');
}

static void add_indented(struct sw_str *out, const char *lines, const char *indent) {
    while (*lines) {
        size_t n = strcspn(lines, "\n");
        sw_str_addz(out, indent);
        sw_str_add(out, lines, n);
        sw_str_addc(out, '\n');
        lines += n + (lines[n] == '\n');
    }
}

static void option_label(struct sw_str *out, const struct sw_opt *opt) {
    if (opt->letter) sw_str_addf(out, "-%c, ", opt->letter);
    sw_str_addf(out, "--%s", opt->name);
    if (opt->value) sw_str_addf(out, " %s", opt->value);
}

static void add_option(struct sw_str *out, const struct sw_opt *opt) {
    struct sw_str label = {0};
    option_label(&label, opt);
    /* Long options stand in one column, below those that have a letter before them. */
    sw_str_addf(out, opt->letter ? "  %-25s %s\n" : "      %-21s %s\n", sw_str_z(&label), opt->doc);
    sw_str_done(&label);
}

void sw_help_overview(struct sw_str *out) {
    sw_str_addz(out, "Example:\n  slipway plan -i inventories/lab\n  slipway apply -i inventories/lab\n\n"
                     "slipway takes an inventory and leaves a running Kubernetes cluster: machines, nodes and add-ons in one plan.\n\n"
                     "Usage: slipway COMMAND [options]\n\nCommands:\n");
    for (size_t i = 0; i < sw_n_commands; i++) sw_str_addf(out, "  %-15s %s\n", sw_commands[i].name, sw_commands[i].summary);
    sw_str_addz(out, "\nslipway COMMAND --help tells of one.\n"
                     "Exit codes: 0 done; 1 error; 2 changes (drift, or plan with --detailed-exitcode); 3 refused (lock, stale plan, "
                     "policy, confirmation).\n");
}

void sw_help_command(struct sw_str *out, const struct sw_command *command) {
    sw_str_addz(out, "Example:\n");
    add_indented(out, command->example, "  ");
    sw_str_addf(out, "\nUsage: slipway %s%s%s [options]\n\n", command->name, *command->args ? " " : "", command->args);
    struct sw_str text = {0};
    sw_str_addf(&text, "%c%s.", command->summary[0] >= 'a' && command->summary[0] <= 'z' ? command->summary[0] - 32 : command->summary[0],
                command->summary + 1);
    if (command->more) sw_str_addf(&text, " %s", command->more);
    add_wrapped(out, sw_str_z(&text), 0);
    sw_str_done(&text);
    sw_str_addz(out, "\nOptions:\n");
    for (size_t i = 0; i < sw_n_opts; i++)
        if (sw_opts[i].id & (command->options | SW_OPTS_ALWAYS)) add_option(out, &sw_opts[i]);
}

static void reference_command(struct sw_str *out, const struct sw_command *command) {
    sw_str_addf(out, "\n### slipway %s%s%s\n\n```sh\n%s\n```\n\n", command->name, *command->args ? " " : "", command->args,
                command->example);
    struct sw_str text = {0};
    sw_str_addf(&text, "%c%s.", command->summary[0] - 32, command->summary + 1);
    if (command->more) sw_str_addf(&text, " %s", command->more);
    add_wrapped(out, sw_str_z(&text), 0);
    sw_str_done(&text);
    bool any = false;
    for (size_t i = 0; i < sw_n_opts; i++) {
        if (!(sw_opts[i].id & command->options)) continue;
        struct sw_str label = {0};
        option_label(&label, &sw_opts[i]);
        sw_str_addf(out, "%s`%s`", any ? ", " : "\nOptions: ", sw_str_z(&label));
        sw_str_done(&label);
        any = true;
    }
    if (any) sw_str_addc(out, '\n');
}

void sw_help_reference(struct sw_str *out) {
    sw_str_addz(
        out,
        "# Commands\n\nThis page is made by `slipway docs commands`, from the tables that also make `--help` and the shell completions.\n\n"
        "`slipway COMMAND -i inventories/NAME [options]`. Options and words may come in any order; long options may be shortened as long "
        "as they\n"
        "are unambiguous, and take their value as `--name value` or `--name=value`.\n\n"
        "Exit codes: 0 done; 1 error; 2 there are changes (`drift`, and `plan --detailed-exitcode`); 3 refused (lock, stale plan, policy,\n"
        "confirmation). Results go to stdout, progress of reading commands and errors to stderr.\n\n## Options\n\n| option | does |\n| --- "
        "| --- |\n");
    for (size_t i = 0; i < sw_n_opts; i++) {
        struct sw_str label = {0};
        option_label(&label, &sw_opts[i]);
        sw_str_addf(out, "| `%s` | %s |\n", sw_str_z(&label), sw_opts[i].doc);
        sw_str_done(&label);
    }
    sw_str_addz(out, "\n`--no-color`, `--trace` and `--help` are for every command.\n\n## The commands\n");
    for (size_t i = 0; i < sw_n_commands; i++) reference_command(out, &sw_commands[i]);
    sw_str_addz(out, sw_help_events);
}
