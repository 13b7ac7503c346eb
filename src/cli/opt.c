#include "opt.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "slipway/str.h"
#include "slipway/vec.h"

#define FLAG(id, name, letter, member, doc) \
    { id, name, letter, SW_OPT_KIND_FLAG, NULL, doc, offsetof(struct sw_options, member) }
#define TEXT(id, name, letter, value, member, doc) \
    { id, name, letter, SW_OPT_KIND_TEXT, value, doc, offsetof(struct sw_options, member) }
#define LIST(id, name, value, member, doc) \
    { id, name, 0, SW_OPT_KIND_LIST, value, doc, offsetof(struct sw_options, member) }

const struct sw_opt sw_opts[] = {
    TEXT(SW_OPT_INVENTORY, "inventory", 'i', "NAME", inventory,
         "inventories/NAME, a directory or a file (SLIPWAY_INVENTORY; default ./inventory.yaml, else 'lab')"),
    TEXT(SW_OPT_OUT, "out", 'o', "FILE", out, "write it to FILE (a plan: to be applied verbatim later)"),
    LIST(SW_OPT_TARGET, "target", "ADDRESS", targets,
         "only this address, pattern ('n1/file:*') or host ('n1') and what it needs (repeatable)"),
    LIST(SW_OPT_EXCLUDE, "exclude", "ADDRESS", excludes, "everything but this address, pattern or host and what needs it (repeatable)"),
    LIST(SW_OPT_REPLACE, "replace", "ADDRESS", replaces, "destroy and create it anew (repeatable)"),
    FLAG(SW_OPT_DESTROY, "destroy", 0, destroy, "plan to destroy everything"),
    FLAG(SW_OPT_REFRESH_ONLY, "refresh-only", 0, refresh_only, "only take over into the state what changed in the world"),
    FLAG(SW_OPT_NO_REFRESH, "no-refresh", 0, no_refresh, "trust the state, do not read the world"),
    FLAG(SW_OPT_DETAILED, "detailed-exitcode", 0, detailed_exitcode, "exit 2 when there are changes"),
    FLAG(SW_OPT_UNCHANGED, "unchanged", 0, unchanged, "show what stays as it is, too"),
    FLAG(SW_OPT_UNTRUSTED, "untrusted", 0, untrusted, "the playbook is a stranger's: run no probe or guard it defines"),
    LIST(SW_OPT_POLICIES, "policies", "PATH", policies,
         "a policy or a directory of them, besides those of the inventory (repeatable; SLIPWAY_POLICIES)"),
    TEXT(SW_OPT_OVERRIDE_FREEZE, "override-freeze", 0, "REASON", override_freeze,
         "change things although the inventory's freeze is on; the run's record keeps why"),
    LIST(SW_OPT_APPROVE, "approve", "POLICY", approvals, "what this policy wants approved is (repeatable)"),
    TEXT(SW_OPT_FILE, "file", 0, "FILE", file, "what to import: a YAML file of lines 'ADDRESS: ID'"),
    TEXT(SW_OPT_TERRAFORM, "from-terraform-state", 0, "FILE", terraform_state,
         "what to import: everything in this state of Terraform's that the playbook declares; without --yes it is only shown"),
    TEXT(SW_OPT_MAP, "map", 0, "FILE", map, "whose name is not found by rule: a YAML file of lines 'TERRAFORM_ADDRESS: ADDRESS'"),
    FLAG(SW_OPT_YES, "yes", 'y', yes, "do not ask"),
    {SW_OPT_PARALLELISM, "parallelism", 0, SW_OPT_KIND_COUNT, "N", "API calls at a time (default 64; hosts are not counted)",
     offsetof(struct sw_options, parallelism)},
    {SW_OPT_WAIT, "wait", 0, SW_OPT_KIND_COUNT, "SECONDS", "look again until it is healthy, for so long",
     offsetof(struct sw_options, wait)},
    TEXT(SW_OPT_FORMAT, "format", 'f', "FORMAT", format, "mermaid, dot or json"),
    FLAG(SW_OPT_MARKDOWN, "markdown", 0, markdown, "as Markdown"),
    FLAG(SW_OPT_JSON, "json", 0, json, "for programs: JSON on stdout"),
    FLAG(SW_OPT_QUIET, "quiet", 'q', quiet, "no progress, only the result"),
    TEXT(SW_OPT_STATE_DIR, "state-dir", 0, "DIR", state_dir,
         "where the state lives (SLIPWAY_STATE_DIR; default .slipway beside the inventory)"),
    TEXT(SW_OPT_LUA_DIR, "lua-dir", 0, "DIR", lua_dir, "use this Lua library instead of the built-in one"),
    TEXT(SW_OPT_PLAYBOOK_DIR, "playbook-dir", 0, "DIR", playbook_dir, "use these stock playbooks instead of the built-in ones"),
    FLAG(SW_OPT_NO_COLOR, "no-color", 0, no_color, "no colours (also NO_COLOR)"),
    TEXT(SW_OPT_TRACE, "trace", 0, "FILE", trace, "write a debug log to FILE ('-' = stderr)"),
    FLAG(SW_OPT_HELP, "help", 'h', help, "this text"),
};
const size_t sw_n_opts = sw_countof(sw_opts);

const struct sw_command *sw_command_find(const char *name) {
    for (size_t i = 0; i < sw_n_commands; i++)
        if (strcmp(sw_commands[i].name, name) == 0) return &sw_commands[i];
    return NULL;
}

static int unknown_option(const char *name, size_t len, struct sw_err *err) {
    char word[64];
    const char *names[sw_countof(sw_opts)];
    for (size_t i = 0; i < sw_n_opts; i++) names[i] = sw_opts[i].name;
    if (len >= sizeof word) len = sizeof word - 1;
    memcpy(word, name, len);
    word[len] = '\0';
    const char *near = sw_nearest(word, names, sw_n_opts);
    sw_err_set(err, SW_EINVAL, "unknown option '--%s'", word);
    if (near)
        sw_err_hint(err, "--%s", near);
    else
        sw_err_hint(err, "slipway COMMAND --help");
    return SW_EINVAL;
}

/* The whole name or, as GNU programs take it, an unambiguous beginning of it. */
static const struct sw_opt *find_long(const char *name, size_t len, struct sw_err *err) {
    const struct sw_opt *found = NULL, *second = NULL;
    for (size_t i = 0; i < sw_n_opts; i++) {
        if (strncmp(sw_opts[i].name, name, len) != 0) continue;
        if (sw_opts[i].name[len] == '\0') return &sw_opts[i];
        if (found) second = &sw_opts[i];
        if (!found) found = &sw_opts[i];
    }
    if (found && second) {
        sw_err_set(err, SW_EINVAL, "option '--%.*s' is ambiguous: --%s or --%s", (int)len, name, found->name, second->name);
        return NULL;
    }
    if (!found) unknown_option(name, len, err);
    return found;
}

static const struct sw_opt *find_short(char letter, struct sw_err *err) {
    for (size_t i = 0; i < sw_n_opts; i++)
        if (sw_opts[i].letter == letter) return &sw_opts[i];
    sw_err_set(err, SW_EINVAL, "unknown option '-%c'", letter);
    sw_err_hint(err, "slipway COMMAND --help");
    return NULL;
}

static int store(struct sw_options *options, const struct sw_opt *opt, const char *value, struct sw_arena *arena, struct sw_err *err) {
    void *member = (char *)options + opt->offset;
    options->seen |= opt->id;
    switch (opt->kind) {
    case SW_OPT_KIND_FLAG: *(bool *)member = true; return SW_OK;
    case SW_OPT_KIND_TEXT:
        if (!*value) return sw_err_set(err, SW_EINVAL, "option '--%s' needs a value that is not empty", opt->name);
        *(const char **)member = value;
        return SW_OK;
    case SW_OPT_KIND_LIST: {
        const char **old = *(const char ***)member;
        size_t n = 0;
        while (old && old[n]) n++;
        const char **list = sw_new_n(arena, const char *, n + 2);
        if (n) memcpy(list, old, n * sizeof *list);
        list[n] = value;
        *(const char ***)member = list;
        return SW_OK;
    }
    case SW_OPT_KIND_COUNT: {
        char *end;
        errno = 0;
        unsigned long n = strtoul(value, &end, 10);
        if (errno || end == value || *end || n == 0 || n > 10000 || *value == '-')
            return sw_err_set(err, SW_EINVAL, "option '--%s' needs a number from 1 to 10000, not '%s'", opt->name, value);
        *(unsigned *)member = (unsigned)n;
        return SW_OK;
    }
    }
    return SW_EINTERNAL;
}

/* One argument that begins with a dash; `next` is the one after it, or NULL. *ret_used: whether next was its value. */
static int parse_option(const char *arg, const char *next, struct sw_arena *arena, struct sw_options *ret, bool *ret_used,
                        struct sw_err *err) {
    *ret_used = false;
    if (arg[1] == '-') {
        const char *name = arg + 2, *equals = strchr(name, '=');
        const struct sw_opt *opt = find_long(name, equals ? (size_t)(equals - name) : strlen(name), err);
        if (!opt) return SW_EINVAL;
        if (opt->kind == SW_OPT_KIND_FLAG) {
            if (equals) return sw_err_set(err, SW_EINVAL, "option '--%s' takes no value", opt->name);
            return store(ret, opt, NULL, arena, err);
        }
        *ret_used = !equals;
        if (!equals && !next) return sw_err_set(err, SW_EINVAL, "option '--%s' needs a value: --%s %s", opt->name, opt->name, opt->value);
        return store(ret, opt, equals ? equals + 1 : next, arena, err);
    }
    for (const char *p = arg + 1; *p; p++) {
        const struct sw_opt *opt = find_short(*p, err);
        if (!opt) return SW_EINVAL;
        if (opt->kind == SW_OPT_KIND_FLAG) {
            store(ret, opt, NULL, arena, err);
            continue;
        }
        *ret_used = !p[1];
        if (!p[1] && !next) return sw_err_set(err, SW_EINVAL, "option '-%c' needs a value: -%c %s", *p, *p, opt->value);
        return store(ret, opt, p[1] ? p + 1 : next, arena, err);
    }
    return SW_OK;
}

/* "state list" before "state": the longest name wins. *ret_used: words that are the name. */
static const struct sw_command *find_command(char **words, size_t n, struct sw_arena *arena, size_t *ret_used, struct sw_err *err) {
    const struct sw_command *command = NULL;
    if (n > 1 && (command = sw_command_find(sw_printf(arena, "%s %s", words[0], words[1])))) {
        *ret_used = 2;
        return command;
    }
    if ((command = sw_command_find(words[0]))) {
        *ret_used = 1;
        return command;
    }
    const char **names = sw_new_n(arena, const char *, sw_n_commands);
    size_t n_names = 0;
    char *prefix = sw_printf(arena, "%s ", words[0]);
    for (size_t i = 0; i < sw_n_commands; i++)
        if (sw_starts_with(sw_commands[i].name, prefix)) names[n_names++] = sw_commands[i].name + strlen(prefix);
    if (n_names) {
        struct sw_str list = {0};
        for (size_t i = 0; i < n_names; i++) sw_str_addf(&list, "%s%s", i ? ", " : "", names[i]);
        if (n > 1)
            sw_err_set(err, SW_EINVAL, "unknown command '%s %s'", words[0], words[1]);
        else
            sw_err_set(err, SW_EINVAL, "'%s' needs one of: %s", words[0], sw_str_z(&list));
        const char *near = n > 1 ? sw_nearest(words[1], names, n_names) : NULL;
        sw_err_hint(err, "slipway %s %s", words[0], near ? near : names[0]);
        sw_str_done(&list);
        return NULL;
    }
    for (size_t i = 0; i < sw_n_commands; i++) names[i] = sw_commands[i].name;
    const char *near = sw_nearest(words[0], names, sw_n_commands);
    sw_err_set(err, SW_EINVAL, "unknown command '%s'", words[0]);
    if (near)
        sw_err_hint(err, "slipway %s", near);
    else
        sw_err_hint(err, "slipway --help");
    return NULL;
}

static int check(const struct sw_command *command, const struct sw_options *options, struct sw_err *err) {
    unsigned long extra = options->seen & ~(command->options | SW_OPTS_ALWAYS);
    for (size_t i = 0; extra && i < sw_n_opts; i++) {
        if (!(sw_opts[i].id & extra)) continue;
        sw_err_set(err, SW_EINVAL, "option '--%s' is not for '%s'", sw_opts[i].name, command->name);
        sw_err_hint(err, "slipway %s --help", command->name);
        return SW_EINVAL;
    }
    if (options->help) return SW_OK;
    if (options->n_args < command->min_args || options->n_args > command->max_args) {
        if (options->n_args < command->min_args)
            sw_err_set(err, SW_EINVAL, "'%s' needs %s", command->name, command->args);
        else
            sw_err_set(err, SW_EINVAL, "'%s' does not take '%s'", command->name, options->args[command->max_args]);
        sw_err_hint(err, "slipway %s%s%s, or slipway %s --help", command->name, *command->args ? " " : "", command->args, command->name);
        return SW_EINVAL;
    }
    if (options->rest && !strstr(command->args, "--")) return sw_err_set(err, SW_EINVAL, "'%s' takes nothing after '--'", command->name);
    return SW_OK;
}

int sw_opt_parse(int argc, char **argv, struct sw_arena *arena, const struct sw_command **ret_command, struct sw_options *ret,
                 struct sw_err *err) {
    struct sw_options options = {0};
    char **words = sw_new_n(arena, char *, (size_t)argc + 1);
    size_t n_words = 0, used = 0;
    for (int i = 0; i < argc; i++) {
        bool took_next;
        if (strcmp(argv[i], "--") == 0) {
            options.rest = argv + i + 1;
            break;
        }
        if (argv[i][0] != '-' || !argv[i][1]) {
            words[n_words++] = argv[i];
            continue;
        }
        int rc = parse_option(argv[i], i + 1 < argc ? argv[i + 1] : NULL, arena, &options, &took_next, err);
        if (rc) return rc;
        i += took_next;
    }
    const struct sw_command *command = NULL;
    if (n_words) {
        /* `slipway help plan` is what many type first. */
        if (strcmp(words[0], "help") == 0) {
            options.help = true;
            words++;
            n_words--;
        }
        if (n_words && options.help && !sw_command_find(words[0]) && n_words == 1) {
            /* `state --help`: the first of the family tells of all. */
            char *prefix = sw_printf(arena, "%s ", words[0]);
            for (size_t i = 0; i < sw_n_commands && !command; i++)
                if (sw_starts_with(sw_commands[i].name, prefix)) command = &sw_commands[i], used = 1;
        }
        if (n_words && !command && !(command = find_command(words, n_words, arena, &used, err))) return SW_EINVAL;
    } else if (options.seen & ~(unsigned long)SW_OPTS_ALWAYS) {
        sw_err_set(err, SW_EINVAL, "no command given");
        sw_err_hint(err, "slipway --help");
        return SW_EINVAL;
    }
    options.args = words + used;
    options.n_args = n_words - used;
    if (command) {
        int rc = check(command, &options, err);
        if (rc) return rc;
    }
    *ret = options;
    *ret_command = command;
    return SW_OK;
}
