#include "import.h"

#include <string.h>
#include <unistd.h>

#include "slipway/file.h"
#include "slipway/yaml.h"

int sw_import_read_map(struct sw_context *context, const char *path, const char *what, bool nulls, const struct sw_value **ret,
                       struct sw_err *err) {
    struct sw_str text = {0};
    const struct sw_value *v = NULL;
    int rc = sw_file_read(path, (size_t)8 << 20, &text, err);
    if (rc == 0) rc = sw_yaml_read(context->cli->arena, path, sw_str_z(&text), text.len, NULL, NULL, NULL, &v, err);
    sw_str_done(&text);
    if (rc == 0 && !sw_is(v, SW_MAP)) {
        rc = sw_err_set(err, SW_EINVAL, "%s wanted, one a line", what);
        sw_err_at(err, (struct sw_pos){path, v ? v->line : 1, 0});
    }
    for (size_t i = 0; rc == 0 && i < v->map.n; i++) {
        const struct sw_value *one = v->map.v[i].value;
        if ((sw_is(one, SW_STR) && one->s.len) || (nulls && sw_is_nil(one))) continue;
        rc = sw_err_set(err, SW_EINVAL, "'%s': a text wanted", v->map.v[i].key);
        sw_err_at(err, (struct sw_pos){path, one->line, 0});
        if (!sw_is_nil(one)) sw_err_hint(err, "quote what YAML takes for a number or a list");
    }
    if (rc == 0) *ret = v;
    return rc;
}

static int not_there(const struct sw_import *import, struct sw_err *err) {
    const struct sw_resource *resource = import->resource;
    sw_err_set(err, SW_ENOTFOUND, "there is no %s with the id '%s'", resource->type, sw_get_str(import->known, "id", ""));
    sw_err_at(err, resource->pos);
    sw_err_hint(err, "see 'slipway docs %s' for what its id looks like", resource->type);
    return SW_ENOTFOUND;
}

static void report(struct sw_context *context, const struct sw_import *imports, size_t n) {
    struct sw_cli *cli = context->cli;
    for (size_t i = 0; i < n; i++) {
        const char *id = sw_get_str(imports[i].known, "id", "");
        if (cli->options.json) {
            struct sw_pair pairs[] = {{"type", sw_value_str(cli->arena, "import")},
                                      {"address", sw_value_str(cli->arena, imports[i].address)},
                                      {"id", sw_value_str(cli->arena, id)},
                                      {"result", sw_value_str(cli->arena, "adopted")}};
            struct sw_str line = {0};
            sw_json_write(&line, sw_value_map(cli->arena, pairs, 4), 0);
            sw_str_addc(&line, '\n');
            sw_cli_print(cli, &line);
            sw_str_done(&line);
        } else {
            sw_cli_printf(cli, "%s now stands for %s.\n", imports[i].address, id);
        }
    }
    if (n) sw_cli_note(cli, "'slipway plan' shows what the playbook would change.");
}

/* All or nothing: one that is not there is a mistake. */
static int adopt(struct sw_context *context, struct sw_import *imports, size_t n, struct sw_err *err) {
    sw_context_progress(context, STDERR_FILENO);
    int rc = sw_engine_find(&context->engine, context->config, imports, n, err);
    for (size_t i = 0; rc == 0 && i < n; i++)
        if (!imports[i].found) rc = not_there(&imports[i], err);
    if (rc == 0) rc = sw_engine_adopt(&context->engine, imports, n, err);
    sw_context_progress_end(context);
    if (rc == 0) report(context, imports, n);
    return rc;
}

static const struct sw_value *by_id(struct sw_arena *arena, const struct sw_value *id) {
    return sw_value_map(arena, &(struct sw_pair){"id", id}, 1);
}

static int from_arguments(struct sw_context *context, struct sw_err *err) {
    char **args = context->cli->options.args;
    struct sw_arena *arena = context->cli->arena;
    struct sw_import import = {.address = args[0], .known = by_id(arena, sw_value_str(arena, args[1]))};
    return adopt(context, &import, 1, err);
}

static int from_file(struct sw_context *context, const char *path, struct sw_err *err) {
    struct sw_arena *arena = context->cli->arena;
    const struct sw_value *map = NULL;
    int rc = sw_import_read_map(context, path, "'address: id'", false, &map, err);
    if (rc) return rc;
    struct sw_import *imports = sw_new_n(arena, struct sw_import, map->map.n + 1);
    for (size_t i = 0; i < map->map.n; i++)
        imports[i] = (struct sw_import){.address = map->map.v[i].key, .known = by_id(arena, map->map.v[i].value)};
    rc = adopt(context, imports, map->map.n, err);
    return rc ? sw_err_frame(err, "importing from '%s'", path) : 0;
}

/* ADDRESS ID, or one of the files. */
static int check_usage(const struct sw_options *options, struct sw_err *err) {
    int ways = (options->n_args > 0) + (options->file != NULL) + (options->terraform_state != NULL);
    if (ways == 1 && (!options->n_args || options->n_args == 2) && (!options->map || options->terraform_state)) return 0;
    if (options->map && !options->terraform_state) return sw_err_set(err, SW_EINVAL, "--map belongs to --from-terraform-state");
    sw_err_set(err, SW_EINVAL, ways > 1 ? "ADDRESS ID, --file and --from-terraform-state exclude each other" : "what is to be imported?");
    sw_err_hint(err, "slipway import ADDRESS ID, or --file FILE, or --from-terraform-state FILE");
    return SW_EINVAL;
}

int sw_cmd_import(struct sw_cli *cli) {
    struct sw_context context;
    struct sw_err err = {0};
    const struct sw_options *options = &cli->options;
    if (check_usage(options, &err)) return sw_cli_fail(cli, &err);
    /* Without --yes, what Terraform made is only looked at. */
    bool writes = !options->terraform_state || options->yes;
    int rc = sw_context_open(&context, cli, SW_NEED_CONFIG | (writes ? SW_NEED_LOCK : SW_NEED_STATE), &err), code = SW_EXIT_OK;
    if (rc == 0 && options->terraform_state)
        code = sw_import_terraform(&context, options->terraform_state, options->map);
    else if (rc == 0)
        rc = options->file ? from_file(&context, options->file, &err) : from_arguments(&context, &err);
    if (rc) code = sw_cli_fail(cli, &err);
    sw_context_close(&context);
    return code;
}
