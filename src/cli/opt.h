/* Options and commands as tables. The parser, --help, the shell completions and docs/commands.md all read these and nothing else.
 * A new option: a row in opt.c and a bit here. A new command: a row in commands.c and a file. Internal to cli/. */
#ifndef SLIPWAY_CLI_OPT_H
#define SLIPWAY_CLI_OPT_H

#include <stdbool.h>
#include <stddef.h>

#include "slipway/arena.h"
#include "slipway/err.h"

/* What was said on the command line. Lists are NULL-terminated, or NULL when not given. */
struct sw_options {
    const char *inventory, *out, *format, *lua_dir, *playbook_dir, *state_dir, *trace, *file, *terraform_state, *map, *override_freeze;
    const char **targets, **excludes, **replaces, **policies, **approvals;
    unsigned parallelism, wait;
    bool help, json, quiet, yes, no_color, refresh_only, no_refresh, destroy, detailed_exitcode, unchanged, untrusted, markdown;
    char **args; /* words after the command's name */
    size_t n_args;
    char **rest;        /* after "--"; NULL-terminated, or NULL */
    unsigned long seen; /* SW_OPT_… bits */
};

enum {
    SW_OPT_INVENTORY = 1 << 0,
    SW_OPT_OUT = 1 << 1,
    SW_OPT_JSON = 1 << 2,
    SW_OPT_TARGET = 1 << 3,
    SW_OPT_EXCLUDE = 1 << 4,
    SW_OPT_REPLACE = 1 << 5,
    SW_OPT_REFRESH_ONLY = 1 << 6,
    SW_OPT_NO_REFRESH = 1 << 7,
    SW_OPT_DESTROY = 1 << 8,
    SW_OPT_DETAILED = 1 << 9,
    SW_OPT_PARALLELISM = 1 << 10,
    SW_OPT_YES = 1 << 11,
    SW_OPT_UNCHANGED = 1 << 12,
    SW_OPT_UNTRUSTED = 1 << 13,
    SW_OPT_FORMAT = 1 << 14,
    SW_OPT_MARKDOWN = 1 << 15,
    SW_OPT_QUIET = 1 << 16,
    SW_OPT_NO_COLOR = 1 << 17,
    SW_OPT_LUA_DIR = 1 << 18,
    SW_OPT_PLAYBOOK_DIR = 1 << 19,
    SW_OPT_STATE_DIR = 1 << 20,
    SW_OPT_TRACE = 1 << 21,
    SW_OPT_HELP = 1 << 22,
    SW_OPT_POLICIES = 1 << 23,
    SW_OPT_APPROVE = 1 << 24,
    SW_OPT_FILE = 1 << 25,
    SW_OPT_TERRAFORM = 1 << 26,
    SW_OPT_MAP = 1 << 27,
    SW_OPT_OVERRIDE_FREEZE = 1 << 28,
    SW_OPT_WAIT = 1 << 29,
};
/* Sets that belong together. */
#define SW_OPTS_ALWAYS (SW_OPT_NO_COLOR | SW_OPT_TRACE | SW_OPT_HELP)
#define SW_OPTS_SCRIPT (SW_OPT_LUA_DIR | SW_OPT_PLAYBOOK_DIR)
#define SW_OPTS_RUN    (SW_OPT_INVENTORY | SW_OPTS_SCRIPT | SW_OPT_STATE_DIR | SW_OPT_PARALLELISM | SW_OPT_JSON | SW_OPT_QUIET)
#define SW_OPTS_APPLY  (SW_OPT_YES | SW_OPT_POLICIES | SW_OPT_APPROVE | SW_OPT_OVERRIDE_FREEZE)
#define SW_OPTS_SELECT (SW_OPT_TARGET | SW_OPT_EXCLUDE)

enum sw_opt_kind { SW_OPT_KIND_FLAG, SW_OPT_KIND_TEXT, SW_OPT_KIND_LIST, SW_OPT_KIND_COUNT };

struct sw_opt {
    unsigned long id;
    const char *name; /* without the dashes */
    char letter;      /* short form, or 0 */
    enum sw_opt_kind kind;
    const char *value; /* what the value is called: "FILE" */
    const char *doc;   /* no final dot */
    size_t offset;     /* of the member in struct sw_options */
};
extern const struct sw_opt sw_opts[];
extern const size_t sw_n_opts;

struct sw_cli;
struct sw_command {
    const char *name;      /* "plan", "state list" */
    const char *args;      /* "[PLANFILE]", or "" */
    const char *summary;   /* one line, no final dot */
    const char *example;   /* lines without indent */
    const char *more;      /* a paragraph, or NULL */
    unsigned long options; /* SW_OPT_… besides SW_OPTS_ALWAYS */
    size_t min_args, max_args;
    int (*run)(struct sw_cli *cli); /* the exit code */
};
extern const struct sw_command sw_commands[];
extern const size_t sw_n_commands;

/* Reads argv (without the program's name): options and words in any order, "--" ends both. Everything lives in the arena or in argv.
 * *ret_command is NULL when no command was named. SW_EINVAL with "did you mean" for what is unknown, incomplete or not for this command. */
int sw_opt_parse(int argc, char **argv, struct sw_arena *arena, const struct sw_command **ret_command, struct sw_options *ret,
                 struct sw_err *err);
const struct sw_command *sw_command_find(const char *name);

#endif
