/* `slipway completion SHELL`: completion scripts, from the tables. Addresses come from `slipway state list`, which reads only the state. */
#include <string.h>

#include "cli.h"
#include "slipway/vec.h"

/* The first word of each command once: `state` and not `state list`. `first` remembers the last one given. */
static bool is_family_head(size_t i, char word[32]) {
    size_t len = strcspn(sw_commands[i].name, " ");
    if (len >= 32) return false;
    memcpy(word, sw_commands[i].name, len);
    word[len] = '\0';
    for (size_t k = 0; k < i; k++)
        if (strncmp(sw_commands[k].name, word, len) == 0 && (sw_commands[k].name[len] == ' ' || !sw_commands[k].name[len])) return false;
    return true;
}

static bool has_members(const char *word) {
    size_t len = strlen(word);
    for (size_t i = 0; i < sw_n_commands; i++)
        if (strncmp(sw_commands[i].name, word, len) == 0 && sw_commands[i].name[len] == ' ') return true;
    return false;
}

static void add_members(struct sw_str *out, const char *word) {
    size_t len = strlen(word);
    bool first = true;
    for (size_t i = 0; i < sw_n_commands; i++) {
        if (strncmp(sw_commands[i].name, word, len) != 0 || sw_commands[i].name[len] != ' ') continue;
        sw_str_addf(out, "%s%s", first ? "" : " ", sw_commands[i].name + len + 1);
        first = false;
    }
}

static void add_options(struct sw_str *out, const struct sw_command *command) {
    bool first = true;
    for (size_t i = 0; i < sw_n_opts; i++) {
        if (!(sw_opts[i].id & (command->options | SW_OPTS_ALWAYS))) continue;
        sw_str_addf(out, "%s--%s", first ? "" : " ", sw_opts[i].name);
        first = false;
    }
}

/* Patterns for options that take a value: `--out|-o`. */
static void add_value_options(struct sw_str *out, unsigned long ids) {
    bool first = true;
    for (size_t i = 0; i < sw_n_opts; i++) {
        if (!(sw_opts[i].id & ids)) continue;
        sw_str_addf(out, "%s--%s", first ? "" : "|", sw_opts[i].name);
        if (sw_opts[i].letter) sw_str_addf(out, "|-%c", sw_opts[i].letter);
        first = false;
    }
}

#define ADDRESS_OPTIONS (SW_OPT_TARGET | SW_OPT_EXCLUDE | SW_OPT_REPLACE)
#define FILE_OPTIONS    (SW_OPT_OUT | SW_OPT_TRACE)
#define DIR_OPTIONS     (SW_OPT_LUA_DIR | SW_OPT_PLAYBOOK_DIR | SW_OPT_STATE_DIR)

static void add_bash(struct sw_str *out) {
    char word[32];
    sw_str_addz(out, "# bash completion for slipway; made by `slipway completion bash`\n"
                     "_slipway() {\n"
                     "  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command= inventory= i word\n"
                     "  COMPREPLY=()\n"
                     "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
                     "    word=${COMP_WORDS[i]}\n"
                     "    case $word in\n"
                     "      -i|--inventory) inventory=${COMP_WORDS[++i]};;\n"
                     "      ");
    add_value_options(out, ADDRESS_OPTIONS | FILE_OPTIONS | DIR_OPTIONS | SW_OPT_PARALLELISM | SW_OPT_WAIT | SW_OPT_FORMAT);
    sw_str_addz(out, ") ((++i));;\n      -*) ;;\n      *) command=\"${command:+$command }$word\";;\n    esac\n  done\n  case $prev in\n"
                     "    -i|--inventory) COMPREPLY=($(compgen -W \"lab $(cd inventories 2>/dev/null && echo *)\" -- \"$cur\") $(compgen "
                     "-f -- \"$cur\")); return;;\n"
                     "    ");
    add_value_options(out, ADDRESS_OPTIONS);
    sw_str_addz(out,
                ")\n      COMPREPLY=($(compgen -W \"$(slipway state list ${inventory:+-i \"$inventory\"} 2>/dev/null)\" -- \"$cur\"))\n"
                "      declare -F __ltrim_colon_completions >/dev/null && __ltrim_colon_completions \"$cur\"\n      return;;\n    ");
    add_value_options(out, FILE_OPTIONS);
    sw_str_addz(out, ") COMPREPLY=($(compgen -f -- \"$cur\")); return;;\n    ");
    add_value_options(out, DIR_OPTIONS);
    sw_str_addz(out, ") COMPREPLY=($(compgen -d -- \"$cur\")); return;;\n"
                     "    --format|-f) COMPREPLY=($(compgen -W 'mermaid dot json' -- \"$cur\")); return;;\n"
                     "    --parallelism|--wait) return;;\n  esac\n  local words=\n  case $command in\n    '') words='");
    for (size_t i = 0; i < sw_n_commands; i++)
        if (is_family_head(i, word)) sw_str_addf(out, "%s ", word);
    sw_str_addz(out, "--help --version';;\n");
    for (size_t i = 0; i < sw_n_commands; i++) {
        if (!is_family_head(i, word) || !has_members(word)) continue;
        sw_str_addf(out, "    %s) words='", word);
        add_members(out, word);
        sw_str_addz(out, "';;\n");
    }
    sw_str_addz(out, "    completion) words='bash zsh fish';;\n");
    for (size_t i = 0; i < sw_n_commands; i++) {
        if (strcmp(sw_commands[i].name, "completion") == 0) continue;
        sw_str_addf(out, "    '%s'|'%s '*) words='", sw_commands[i].name, sw_commands[i].name);
        add_options(out, &sw_commands[i]);
        sw_str_addz(out, "';;\n");
    }
    sw_str_addz(out, "  esac\n  COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
                     "  case $command in apply|show|graph) [[ $cur == -* ]] || COMPREPLY+=($(compgen -f -- \"$cur\"));; esac\n"
                     "}\ncomplete -o filenames -F _slipway slipway\n");
}

/* Single quotes doubled the way each shell wants them. */
static void add_quoted(struct sw_str *out, const char *text, const char *quote) {
    for (; *text; text++) {
        if (*text == '\'')
            sw_str_addz(out, quote);
        else
            sw_str_addc(out, *text);
    }
}

static void zsh_option(struct sw_str *out, const struct sw_opt *opt) {
    const char *action = opt->id & ADDRESS_OPTIONS     ? ":address:_slipway_addresses"
                         : opt->id & FILE_OPTIONS      ? ":file:_files"
                         : opt->id & DIR_OPTIONS       ? ":directory:_files -/"
                         : opt->id == SW_OPT_FORMAT    ? ":format:(mermaid dot json)"
                         : opt->id == SW_OPT_INVENTORY ? ":inventory:_slipway_inventories"
                         : opt->value                  ? ":value:"
                                                       : "";
    struct sw_str doc = {0};
    for (const char *p = opt->doc; *p; p++) {
        if (*p == '[' || *p == ']' || *p == ':') sw_str_addc(&doc, '\\');
        sw_str_addc(&doc, *p);
    }
    sw_str_addf(out, " '%s--%s%s[", opt->kind == SW_OPT_KIND_LIST ? "*" : "", opt->name, opt->value ? "=" : "");
    add_quoted(out, sw_str_z(&doc), "'\\''");
    sw_str_addf(out, "]%s'", action);
    sw_str_done(&doc);
}

static void add_zsh(struct sw_str *out) {
    char word[32];
    sw_str_addz(out, "#compdef slipway\n# zsh completion for slipway; made by `slipway completion zsh`\n"
                     "_slipway_addresses() { local -a a; a=(${(f)\"$(slipway state list 2>/dev/null)\"}); compadd -a a }\n"
                     "_slipway_inventories() { local -a a; a=(lab inventories/*(N:t)); compadd -a a; _files }\n"
                     "_slipway() {\n  local command=${words[2]}\n  if (( CURRENT == 2 )); then\n    local -a commands\n    commands=(\n");
    for (size_t i = 0; i < sw_n_commands; i++) {
        if (!is_family_head(i, word)) continue;
        sw_str_addf(out, "      '%s:", word);
        add_quoted(out, has_members(word) ? "" : sw_commands[i].summary, "'\\''");
        sw_str_addz(out, "'\n");
    }
    sw_str_addz(out, "    )\n    _describe command commands\n    return\n  fi\n  case $command in\n");
    for (size_t i = 0; i < sw_n_commands; i++) {
        if (!is_family_head(i, word) || !has_members(word)) continue;
        sw_str_addf(out, "    %s) if (( CURRENT == 3 )); then compadd ", word);
        add_members(out, word);
        sw_str_addz(out, "; return; fi; command=\"$command ${words[3]}\";;\n");
    }
    sw_str_addz(out, "  esac\n  case $command in\n");
    for (size_t i = 0; i < sw_n_commands; i++) {
        sw_str_addf(out, "    '%s') _arguments", sw_commands[i].name);
        for (size_t k = 0; k < sw_n_opts; k++)
            if (sw_opts[k].id & (sw_commands[i].options | SW_OPTS_ALWAYS)) zsh_option(out, &sw_opts[k]);
        sw_str_addz(out, strcmp(sw_commands[i].name, "completion") == 0 ? " '*:shell:(bash zsh fish)'" : " '*:argument:_files'");
        sw_str_addz(out, ";;\n");
    }
    sw_str_addz(out, "  esac\n}\nif [ \"$funcstack[1]\" = _slipway ]; then _slipway \"$@\"; else compdef _slipway slipway; fi\n");
}

static void add_fish(struct sw_str *out) {
    char word[32];
    sw_str_addz(out, "# fish completion for slipway; made by `slipway completion fish`\n");
    for (size_t i = 0; i < sw_n_commands; i++) {
        if (!is_family_head(i, word)) continue;
        sw_str_addf(out, "complete -c slipway -n __fish_use_subcommand -f -a %s -d '", word);
        add_quoted(out, has_members(word) ? "" : sw_commands[i].summary, "\\'");
        sw_str_addz(out, "'\n");
        if (!has_members(word)) continue;
        sw_str_addf(out, "complete -c slipway -n '__fish_seen_subcommand_from %s' -f -a '", word);
        add_members(out, word);
        sw_str_addz(out, "'\n");
    }
    for (size_t k = 0; k < sw_n_opts; k++) {
        const struct sw_opt *opt = &sw_opts[k];
        sw_str_addz(out, "complete -c slipway -n '__fish_seen_subcommand_from");
        for (size_t i = 0; i < sw_n_commands; i++)
            if (opt->id & (sw_commands[i].options | SW_OPTS_ALWAYS) && is_family_head(i, word)) sw_str_addf(out, " %s", word);
        sw_str_addf(out, "' -l %s", opt->name);
        if (opt->letter) sw_str_addf(out, " -s %c", opt->letter);
        if (opt->id & ADDRESS_OPTIONS)
            sw_str_addz(out, " -x -a '(slipway state list 2>/dev/null)'");
        else if (opt->id == SW_OPT_FORMAT)
            sw_str_addz(out, " -x -a 'mermaid dot json'");
        else if (opt->id & (SW_OPT_PARALLELISM | SW_OPT_WAIT))
            sw_str_addz(out, " -x");
        else if (opt->value)
            sw_str_addz(out, " -r");
        sw_str_addz(out, " -d '");
        add_quoted(out, opt->doc, "\\'");
        sw_str_addz(out, "'\n");
    }
    sw_str_addz(out, "complete -c slipway -n '__fish_seen_subcommand_from completion' -f -a 'bash zsh fish'\n");
}

int sw_complete_script(struct sw_str *out, const char *shell, struct sw_err *err) {
    static const char *const shells[] = {"bash", "zsh", "fish"};
    if (strcmp(shell, "bash") == 0) {
        add_bash(out);
    } else if (strcmp(shell, "zsh") == 0) {
        add_zsh(out);
    } else if (strcmp(shell, "fish") == 0) {
        add_fish(out);
    } else {
        const char *near = sw_nearest(shell, shells, sw_countof(shells));
        sw_err_set(err, SW_EINVAL, "there is no completion for '%s'", shell);
        sw_err_hint(err, "slipway completion %s", near ? near : "bash");
        return SW_EINVAL;
    }
    return SW_OK;
}

int sw_cmd_completion(struct sw_cli *cli) {
    struct sw_str text = {0};
    struct sw_err err = {0};
    int code = SW_EXIT_OK;
    if (sw_complete_script(&text, cli->options.args[0], &err))
        code = sw_cli_fail(cli, &err);
    else
        sw_cli_print(cli, &text);
    sw_str_done(&text);
    return code;
}
