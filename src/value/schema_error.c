/* What the schema check says when it refuses. */
#include <stdlib.h>
#include <string.h>

#include "schema_internal.h"

#define MAX_COLUMNS 40
#define MAX_LISTED  16

static void add_path(struct sw_str *out, const struct path *path) {
    if (!path) return;
    add_path(out, path->up);
    if (path->up) sw_str_addc(out, '.');
    if (path->key)
        sw_str_add_printable(out, path->key, strlen(path->key));
    else
        sw_str_addf(out, "%zu", path->index);
}

/* In the arena: an error is the last thing it is needed for. */
static const char *show(const struct check *c, const struct path *path) {
    struct sw_str text = {0};
    add_path(&text, path);
    const char *copy = sw_strdup(c->arena, sw_str_z(&text));
    sw_str_done(&text);
    return copy;
}

const char *sw_schema__type_words(enum sw_attr_type type) {
    switch (type) {
    case SW_T_STRING: return "a string";
    case SW_T_INT: return "a whole number";
    case SW_T_NUMBER: return "a number";
    case SW_T_BOOL: return "true or false";
    case SW_T_LIST: return "a list";
    case SW_T_MAP: return "a map";
    case SW_T_ANY: break;
    }
    return "a value";
}

/* `the number 420`, `the string "x"`, `a list`: what was found instead. Secrets only by their kind. */
static void describe(struct sw_str *out, const struct sw_value *v, bool hide) {
    static const char *const kinds[] = {[SW_NULL] = "null",
                                        [SW_BOOL] = "a boolean",
                                        [SW_INT] = "a number",
                                        [SW_REAL] = "a number",
                                        [SW_STR] = "a string",
                                        [SW_LIST] = "a list",
                                        [SW_MAP] = "a map",
                                        [SW_REF] = "a reference",
                                        [SW_CONCAT] = "a text with references",
                                        [SW_UNKNOWN] = "an unknown value"};
    const char *noun = v->kind == SW_STR ? "the string " : v->kind == SW_INT || v->kind == SW_REAL ? "the number " : "";
    if (hide || v->secret || !(*noun || v->kind == SW_BOOL)) {
        sw_str_addz(out, kinds[v->kind]);
        return;
    }
    sw_str_addz(out, noun);
    sw_value_format(out, v, MAX_COLUMNS);
}

int sw_schema__fail_at(const struct check *c, const struct sw_value *v) {
    struct sw_pos pos = c->pos;
    if (v && v->line) {
        pos.line = v->line;
        pos.column = 0;
    }
    sw_err_at(c->err, pos);
    return SW_EINVAL;
}

int sw_schema__fail_type(const struct check *c, const struct sw_attr *attr, enum sw_attr_type type, const struct path *path,
                         const struct sw_value *v) {
    struct sw_str found = {0};
    describe(&found, v, attr->sensitive);
    sw_err_set(c->err, SW_EINVAL, "'%s' of '%s' must be %s, not %s", show(c, path), c->root, sw_schema__type_words(type), sw_str_z(&found));
    bool scalar = v->kind == SW_BOOL || v->kind == SW_INT || v->kind == SW_REAL;
    if (type == SW_T_STRING && scalar && !attr->sensitive && !v->secret) {
        sw_str_clear(&found);
        sw_value_format(&found, v, MAX_COLUMNS);
        sw_err_hint(c->err, "put it in quotes: \"%s\"", sw_str_z(&found));
    } else if (type == SW_T_LIST && (scalar || v->kind == SW_STR || v->kind == SW_MAP)) {
        sw_err_hint(c->err, "a list of one is written [ ... ] in YAML and { ... } in Lua");
    } else if (attr->doc) {
        sw_err_hint(c->err, "%s: %s", show(c, path), attr->doc);
    }
    sw_str_done(&found);
    return sw_schema__fail_at(c, v);
}

int sw_schema__fail_unknown(const struct check *c, const struct sw_schema *schema, const char *key, const struct path *path,
                            const struct sw_value *v, const struct sw_value *map) {
    sw_err_set(c->err, SW_EINVAL, "'%s' has no attribute '%s'", c->root, show(c, path));
    const char **names = sw_xcalloc(schema->n_attrs, sizeof *names);
    struct sw_str list = {0};
    size_t n = 0;
    for (size_t i = 0; i < schema->n_attrs; i++) {
        if (schema->attrs[i].computed) continue;
        names[n++] = schema->attrs[i].name;
        if (n <= MAX_LISTED) sw_str_addf(&list, "%s%s", n > 1 ? ", " : "", schema->attrs[i].name);
    }
    const char *near = sw_nearest(key, names, n);
    if (near)
        sw_err_hint(c->err, "did you mean '%s'?", near);
    else if (n > 0)
        sw_err_hint(c->err, "it may hold: %s%s", sw_str_z(&list), n > MAX_LISTED ? ", …" : "");
    sw_str_done(&list);
    free(names);
    return sw_schema__fail_at(c, v->line ? v : map);
}

int sw_schema__fail_one_of(const struct check *c, const struct sw_attr *attr, const struct path *path, const struct sw_value *v) {
    struct sw_str text = {0}, found = {0};
    const struct sw_value *allowed = attr->one_of;
    const char **words = sw_xcalloc(allowed->list.n, sizeof *words);
    size_t n = 0;
    for (size_t i = 0; i < allowed->list.n; i++) {
        const struct sw_value *item = allowed->list.v[i];
        sw_str_addz(&text, i == 0 ? "" : i + 1 == allowed->list.n ? " or " : ", ");
        sw_value_format(&text, item, MAX_COLUMNS);
        if (item->kind == SW_STR) words[n++] = item->s.p;
    }
    describe(&found, v, attr->sensitive);
    sw_err_set(c->err, SW_EINVAL, "'%s' of '%s' must be %s, not %s", show(c, path), c->root, sw_str_z(&text), sw_str_z(&found));
    const char *near = v->kind == SW_STR ? sw_nearest(v->s.p, words, n) : NULL;
    if (near)
        sw_err_hint(c->err, "did you mean '%s'?", near);
    else if (attr->doc)
        sw_err_hint(c->err, "%s: %s", show(c, path), attr->doc);
    free(words);
    sw_str_done(&text);
    sw_str_done(&found);
    return sw_schema__fail_at(c, v);
}

int sw_schema__fail_missing(const struct check *c, const struct sw_attr *attr, const struct path *path, const struct sw_value *map) {
    sw_err_set(c->err, SW_EINVAL, "'%s' needs '%s' (%s)", c->root, show(c, path), sw_schema__type_words(attr->type));
    if (attr->doc) sw_err_hint(c->err, "%s: %s", attr->name, attr->doc);
    return sw_schema__fail_at(c, map);
}

int sw_schema__fail_computed(const struct check *c, const struct path *path, const struct sw_value *v) {
    sw_err_set(c->err, SW_EINVAL, "'%s' of '%s' cannot be set: it is known only after apply", show(c, path), c->root);
    return sw_schema__fail_at(c, v);
}

int sw_schema__fail_kind(const struct check *c, const struct sw_value *v) {
    struct sw_str found = {0};
    describe(&found, v, false);
    sw_err_set(c->err, SW_EINVAL, "'%s' must be a map, not %s", c->root, sw_str_z(&found));
    sw_str_done(&found);
    return sw_schema__fail_at(c, v);
}
