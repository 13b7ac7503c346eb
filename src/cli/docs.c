/* `slipway docs [TYPE|ADDON]`: what a type is and takes, from its schema; what an add-on takes, from its rows. */
#include <string.h>

#include "context.h"

static const char *type_name(enum sw_attr_type type) {
    switch (type) {
    case SW_T_ANY: return "any";
    case SW_T_STRING: return "string";
    case SW_T_INT: return "int";
    case SW_T_NUMBER: return "number";
    case SW_T_BOOL: return "bool";
    case SW_T_LIST: return "list";
    case SW_T_MAP: return "map";
    }
    return "any";
}

static void add_type(struct sw_str *out, const struct sw_attr *attr) {
    sw_str_addz(out, type_name(attr->type));
    if ((attr->type == SW_T_LIST || attr->type == SW_T_MAP) && (attr->object || attr->elem != SW_T_ANY))
        sw_str_addf(out, " of %s", attr->object ? "objects" : type_name(attr->elem));
}

/* "the text; required; one of "a", "b"; default "a"" */
static void add_doc(struct sw_str *out, const struct sw_attr *attr) {
    const char *separator = attr->doc && *attr->doc ? "; " : "";
    if (attr->doc) sw_str_addz(out, attr->doc);
    struct {
        bool on;
        const char *text;
    } marks[] = {
        {attr->required, "required"},   {attr->computed, "set by the world"},      {attr->immutable, "a change replaces it"},
        {attr->sensitive, "sensitive"}, {attr->write_only, "shown, not compared"},
    };
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
        if (!marks[i].on) continue;
        sw_str_addf(out, "%s%s", separator, marks[i].text);
        separator = "; ";
    }
    if (sw_is(attr->one_of, SW_LIST)) {
        sw_str_addf(out, "%sone of ", separator);
        for (size_t i = 0; i < attr->one_of->list.n; i++) {
            if (i) sw_str_addz(out, ", ");
            sw_value_format(out, attr->one_of->list.v[i], 60);
        }
        separator = "; ";
    }
    if (attr->fallback) {
        sw_str_addf(out, "%sdefault ", separator);
        sw_value_format(out, attr->fallback, 60);
    }
}

static void add_rows(struct sw_str *out, const struct sw_schema *schema, size_t indent, bool markdown, const char *prefix,
                     struct sw_arena *arena) {
    size_t name_width = 0, type_width = 0;
    for (size_t i = 0; i < schema->n_attrs; i++) {
        struct sw_str type = {0};
        add_type(&type, &schema->attrs[i]);
        if (type.len > type_width) type_width = type.len;
        if (strlen(schema->attrs[i].name) > name_width) name_width = strlen(schema->attrs[i].name);
        sw_str_done(&type);
    }
    for (size_t i = 0; i < schema->n_attrs; i++) {
        const struct sw_attr *attr = &schema->attrs[i];
        struct sw_str type = {0}, doc = {0};
        add_type(&type, attr);
        add_doc(&doc, attr);
        if (markdown)
            sw_str_addf(out, "| `%s%s` | %s | %s |\n", prefix, attr->name, sw_str_z(&type), sw_str_z(&doc));
        else
            sw_str_addf(out, "%*s%-*s  %-*s  %s\n", (int)indent, "", (int)name_width, attr->name, (int)type_width, sw_str_z(&type),
                        sw_str_z(&doc));
        sw_str_done(&type);
        sw_str_done(&doc);
        if (attr->object) add_rows(out, attr->object, indent + 4, markdown, sw_printf(arena, "%s%s.", prefix, attr->name), arena);
    }
}

static void add_one(struct sw_str *out, const struct sw_type *type, bool markdown, struct sw_arena *arena) {
    const char *where = type->on_host ? "on a node" : type->provider ? type->provider : "in an API";
    if (markdown) {
        sw_str_addf(out, "## %s\n\n%s (%s)\n\n", type->name, type->doc ? type->doc : "", where);
        sw_str_addz(out, "| attribute | type | |\n| --- | --- | --- |\n");
        add_rows(out, type->schema, 0, true, "", arena);
        sw_str_addc(out, '\n');
        return;
    }
    sw_str_addf(out, "%s (%s)\n", type->name, where);
    if (type->doc) sw_str_addf(out, "%s\n", type->doc);
    sw_str_addc(out, '\n');
    add_rows(out, type->schema, 2, false, "", arena);
    if (type->on_host) sw_str_addf(out, "\nExample:\n  h:%s \"NAME\" { ... }\n", type->name);
}

static int list_types(struct sw_context *context, const char *const *names, size_t n, struct sw_str *out) {
    const struct sw_types *types = sw_script_types(context->script);
    size_t width = 0;
    for (size_t i = 0; i < n; i++)
        if (strlen(names[i]) > width) width = strlen(names[i]);
    for (size_t i = 0; i < n; i++) {
        const struct sw_type *type = types->find(types->ctx, names[i]);
        if (!type) continue;
        if (context->cli->options.markdown)
            add_one(out, type, true, context->cli->arena);
        else
            sw_str_addf(out, "%-*s  %s\n", (int)width, names[i], type->doc ? type->doc : "");
    }
    return SW_OK;
}

static int docs(struct sw_context *context, struct sw_str *out, struct sw_err *err) {
    const char *wanted = context->cli->options.n_args ? context->cli->options.args[0] : NULL;
    const char *const *names = NULL;
    size_t n = 0;
    int rc = sw_script_type_names(context->script, &names, &n, err);
    if (rc) return rc;
    if (!wanted) return list_types(context, names, n, out);
    const struct sw_types *types = sw_script_types(context->script);
    const struct sw_type *type = types->find(types->ctx, wanted);
    const char *addon = NULL;
    if (!type && (rc = sw_script_addon_docs(context->script, wanted, context->cli->options.markdown, &addon, err))) return rc;
    if (addon) {
        sw_str_addz(out, addon);
        return SW_OK;
    }
    if (!type) {
        const char *near = sw_nearest(wanted, names, n);
        sw_err_set(err, SW_ENOTFOUND, "there is no resource type or add-on '%s'", wanted);
        if (near)
            sw_err_hint(err, "slipway docs %s", near);
        else
            sw_err_hint(err, "slipway docs");
        return SW_ENOTFOUND;
    }
    add_one(out, type, context->cli->options.markdown, context->cli->arena);
    return SW_OK;
}

int sw_cmd_docs(struct sw_cli *cli) {
    struct sw_context context;
    struct sw_err err = {0};
    struct sw_str text = {0};
    int code = SW_EXIT_OK;
    if (cli->options.n_args && strcmp(cli->options.args[0], "commands") == 0) {
        sw_help_reference(&text);
        sw_cli_print(cli, &text);
        sw_str_done(&text);
        return code;
    }
    /* With an inventory, the types that files beside its playbook define are known too. */
    if (sw_context_open(&context, cli, cli->options.inventory ? SW_NEED_CONFIG : SW_NEED_SCRIPT, &err) || docs(&context, &text, &err))
        code = sw_cli_fail(cli, &err);
    else
        sw_cli_print(cli, &text);
    sw_str_done(&text);
    sw_context_close(&context);
    return code;
}
