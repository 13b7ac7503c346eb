#include "tfstate.h"

#include <inttypes.h>
#include <string.h>

#include "slipway/file.h"
#include "slipway/vec.h"

#define MAX_BYTES     ((size_t)64 << 20)
#define MAX_INSTANCES 100000

struct reader {
    struct sw_arena *arena;
    const char *file;
    struct tf_state *state;
    struct {
        struct tf_instance *v;
        size_t n, cap;
    } found;
    struct sw_err *err;
};

static int malformed(struct reader *r, const char *path, const char *wanted) {
    sw_err_set(r->err, SW_EINVAL, "%s: %s wanted", path, wanted);
    sw_err_at(r->err, (struct sw_pos){r->file, 0, 0});
    return SW_EINVAL;
}

static int refuse(struct reader *r, int code, const char *message, const char *hint) {
    sw_err_set(r->err, code, "%s", message);
    sw_err_at(r->err, (struct sw_pos){r->file, 0, 0});
    sw_err_hint(r->err, "%s", hint);
    return code;
}

static int check_head(struct reader *r, const struct sw_value *v) {
    const struct sw_value *version = sw_get(v, "version");
    if (!sw_is(v, SW_MAP)) return malformed(r, "the document", "an object");
    if (sw_get(v, "encrypted_data") || sw_get(v, "encryption_version"))
        return refuse(r, SW_EREFUSED, "this state is encrypted", "give the plain one: tofu state pull > plain.tfstate");
    if (sw_get(v, "backend") && !sw_get(v, "resources"))
        return refuse(r, SW_EREFUSED, "this file only says where the state is kept",
                      "fetch the state itself: terraform state pull > state.tfstate");
    if (sw_get(v, "format_version"))
        return refuse(r, SW_EINVAL, "this is what 'terraform show -json' prints, not a state",
                      "give the state: terraform state pull > state.tfstate");
    if (!sw_is(version, SW_INT)) return malformed(r, "version", "a number");
    if (version->i != 4) {
        sw_err_set(r->err, SW_EINVAL, "the state's format is %" PRId64 ", and 4 is wanted", version->i);
        sw_err_at(r->err, (struct sw_pos){r->file, 0, 0});
        sw_err_hint(r->err, "Terraform 0.12 and later write 4: 'terraform apply -refresh-only' rewrites the state");
        return SW_EINVAL;
    }
    r->state->terraform_version = sw_get_str(v, "terraform_version", "?");
    return 0;
}

/* sensitive_attributes: a list of paths, each a list of steps; the first names an attribute. What is sensitive in part is so as a whole. */
static const struct sw_value *mark(struct reader *r, const struct sw_value *attributes, const struct sw_value *paths) {
    for (size_t i = 0; sw_is(paths, SW_LIST) && i < paths->list.n; i++) {
        const struct sw_value *path = paths->list.v[i];
        const char *name = sw_is(path, SW_LIST) && path->list.n ? sw_get_str(path->list.v[0], "value", NULL) : NULL;
        const struct sw_value *v = name ? sw_get(attributes, name) : NULL;
        if (v) attributes = sw_map_with(r->arena, attributes, name, sw_value_secret(r->arena, v));
    }
    return attributes;
}

static const char *address_of(struct reader *r, const struct tf_instance *instance) {
    struct sw_str text = {0};
    if (instance->module) sw_str_addf(&text, "%s.", instance->module);
    sw_str_addf(&text, "%s.%s", instance->type, instance->name);
    const struct sw_value *index = instance->index;
    if (index && index->kind == SW_INT) sw_str_addf(&text, "[%" PRId64 "]", index->i);
    if (index && index->kind == SW_STR) {
        sw_str_addz(&text, "[\"");
        for (const char *p = index->s.p; *p; p++) sw_str_addf(&text, *p == '"' || *p == '\\' ? "\\%c" : "%c", *p);
        sw_str_addz(&text, "\"]");
    }
    const char *address = sw_strdup(r->arena, sw_str_z(&text));
    sw_str_done(&text);
    return address;
}

static int read_instance(struct reader *r, const struct sw_value *v, const char *path, struct tf_instance instance) {
    const struct sw_value *index = sw_get(v, "index_key"), *attributes = sw_get(v, "attributes");
    if (!sw_is(v, SW_MAP)) return malformed(r, path, "an object");
    if (sw_get(v, "deposed")) {
        r->state->n_deposed++;
        return 0;
    }
    if (!sw_is(attributes, SW_MAP)) {
        if (sw_get(v, "attributes_flat"))
            return refuse(r, SW_EINVAL, "the state holds resources as an old provider wrote them",
                          "'terraform apply -refresh-only' with the current provider rewrites them");
        return malformed(r, sw_printf(r->arena, "%s.attributes", path), "an object");
    }
    if (!sw_is_nil(index) && !sw_is(index, SW_INT) && !sw_is(index, SW_STR))
        return malformed(r, sw_printf(r->arena, "%s.index_key", path), "a number or a text");
    if (r->found.n >= MAX_INSTANCES) return sw_err_set(r->err, SW_ELIMIT, "'%s' holds more than %d resources", r->file, MAX_INSTANCES);
    instance.index = sw_is_nil(index) ? NULL : index;
    instance.attributes = mark(r, attributes, sw_get(v, "sensitive_attributes"));
    instance.id = sw_get_str(attributes, "id", NULL);
    instance.tainted = strcmp(sw_get_str(v, "status", ""), "tainted") == 0;
    instance.address = address_of(r, &instance);
    sw_vec_push(&r->found, instance);
    return 0;
}

static int read_resource(struct reader *r, const struct sw_value *v, const char *path) {
    const char *mode = sw_get_str(v, "mode", NULL);
    struct tf_instance instance = {
        .module = sw_get_str(v, "module", NULL), .type = sw_get_str(v, "type", NULL), .name = sw_get_str(v, "name", NULL)};
    const struct sw_value *instances = sw_get(v, "instances");
    if (!sw_is(v, SW_MAP)) return malformed(r, path, "an object");
    if (!mode || !instance.type || !instance.name) return malformed(r, path, "'mode', 'type' and 'name'");
    if (!sw_is(instances, SW_LIST)) return malformed(r, sw_printf(r->arena, "%s.instances", path), "a list");
    if (strcmp(mode, "data") == 0) {
        r->state->n_data += instances->list.n;
        return 0;
    }
    if (strcmp(mode, "managed") != 0) return malformed(r, sw_printf(r->arena, "%s.mode", path), "'managed' or 'data'");
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < instances->list.n; i++)
        rc = read_instance(r, instances->list.v[i], sw_printf(r->arena, "%s.instances[%zu]", path, i), instance);
    return rc;
}

int tf_state_parse(struct sw_arena *arena, const char *name, const char *text, size_t len, struct tf_state *ret, struct sw_err *err) {
    struct reader r = {.arena = arena, .file = name, .state = ret, .err = err};
    const struct sw_value *v = NULL;
    *ret = (struct tf_state){0};
    if (len >= 2 && memcmp(text, "PK", 2) == 0)
        return refuse(&r, SW_EINVAL, "this is a saved plan of Terraform's, not a state",
                      "give the state: terraform state pull > state.tfstate");
    int rc = sw_json_read(arena, text, len, SW_JSON_PLAIN, &v, err);
    if (rc) {
        sw_err_at(err, (struct sw_pos){name, 0, 0});
        return rc;
    }
    rc = check_head(&r, v);
    const struct sw_value *resources = sw_get(v, "resources");
    if (rc == 0 && !sw_is(resources, SW_LIST)) rc = malformed(&r, "resources", "a list");
    for (size_t i = 0; rc == 0 && i < resources->list.n; i++)
        rc = read_resource(&r, resources->list.v[i], sw_printf(arena, "resources[%zu]", i));
    if (rc == 0 && r.found.v) {
        ret->v = sw_new_n(arena, struct tf_instance, r.found.n);
        memcpy(ret->v, r.found.v, r.found.n * sizeof *ret->v);
        ret->n = r.found.n;
    }
    sw_vec_done(&r.found);
    return rc;
}

int tf_state_read(struct sw_arena *arena, const char *path, struct tf_state *ret, struct sw_err *err) {
    struct sw_str text = {0};
    int rc = sw_file_read(path, MAX_BYTES, &text, err);
    if (rc == 0) rc = tf_state_parse(arena, path, sw_str_z(&text), text.len, ret, err);
    if (text.p) sw_wipe(text.p, text.cap); /* Terraform's states hold secrets in the clear */
    sw_str_done(&text);
    return rc;
}

/* ---- names ---- */

struct names {
    struct sw_arena *arena;
    const char *v[24];
    size_t n;
};

static void add(struct names *names, const char *name) {
    for (size_t i = 0; i < names->n; i++)
        if (strcmp(names->v[i], name) == 0) return;
    if (names->n < sw_countof(names->v)) names->v[names->n++] = name;
}

/* "module.net[\"a\"].module.x" -> "net-a-x". */
static const char *module_name(struct sw_arena *arena, const char *module, char separator) {
    struct sw_str text = {0};
    for (const char *p = module; *p;) {
        if (sw_starts_with(p, "module.")) p += strlen("module.");
        if (text.len) sw_str_addc(&text, separator);
        for (; *p && *p != '.' && *p != '['; p++) sw_str_addc(&text, *p);
        if (*p == '[') {
            sw_str_addc(&text, separator);
            bool quoted = p[1] == '"';
            for (p += quoted ? 2 : 1; *p && *p != (quoted ? '"' : ']'); p++) {
                if (quoted && *p == '\\' && p[1]) p++;
                sw_str_addc(&text, *p);
            }
            while (*p && *p != '.') p++;
        }
        if (*p == '.') p++;
    }
    const char *name = sw_strdup(arena, sw_str_z(&text));
    sw_str_done(&text);
    return name;
}

const char **tf_candidates(struct sw_arena *arena, const struct tf_instance *instance) {
    static const char *const usual[] = {"this", "main", "default"};
    static const char separators[] = "-_";
    struct names names = {.arena = arena};
    const char *index = sw_is(instance->index, SW_STR)   ? instance->index->s.p
                        : sw_is(instance->index, SW_INT) ? sw_printf(arena, "%" PRId64, instance->index->i)
                                                         : NULL;
    bool plain = false; /* a name that says nothing: module.vpc.aws_vpc.this is "vpc" */
    for (size_t i = 0; i < sw_countof(usual); i++) plain = plain || strcmp(instance->name, usual[i]) == 0;
    if (!index) add(&names, instance->name);
    for (const char *s = separators; index && *s; s++) add(&names, sw_printf(arena, "%s%c%s", instance->name, *s, index));
    if (index && sw_is(instance->index, SW_STR)) add(&names, index);
    size_t own = names.n;
    for (const char *s = separators; instance->module && *s; s++) {
        const char *module = module_name(arena, instance->module, *s);
        for (size_t i = 0; i < own; i++) add(&names, sw_printf(arena, "%s%c%s", module, *s, names.v[i]));
        if (plain && !index) add(&names, module);
        if (plain && index) add(&names, sw_printf(arena, "%s%c%s", module, *s, index));
    }
    const char **ret = sw_new_n(arena, const char *, names.n + 1);
    memcpy(ret, names.v, names.n * sizeof *ret);
    return ret;
}
