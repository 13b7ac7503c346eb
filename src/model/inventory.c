#include "slipway/inventory.h"

#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "inventory_internal.h"
#include "slipway/file.h"

#define FILE_NAME "inventory.yaml"
#define MAX_BYTES ((size_t)8 * 1024 * 1024)

int sw_inventory__fail(struct inventory_load *in, const struct sw_value *at, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    sw_err_setv(in->err, SW_EINVAL, fmt, ap);
    va_end(ap);
    sw_err_at(in->err, (struct sw_pos){.file = in->file, .line = at ? at->line : 0});
    return SW_EINVAL;
}

const struct sw_value *sw_inventory__path(struct inventory_load *in, const struct sw_value *path) {
    if (!sw_is(path, SW_STR)) return path;
    char *expanded = sw_expand_home(path->s.p);
    const char *text = expanded[0] == '/' || !*expanded ? expanded : sw_printf(in->arena, "%s/%s", in->dir, expanded);
    struct sw_value *v = sw_new(in->arena, struct sw_value);
    *v = *path;
    v->s.p = sw_strdup(in->arena, text);
    v->s.len = strlen(text);
    free(expanded);
    return v;
}

static int find_file(struct sw_arena *arena, const char *path, const char **ret_file, const char **ret_dir, struct sw_err *err) {
    struct stat st;
    const char *file = path;
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) file = sw_printf(arena, "%s%s" FILE_NAME, path, sw_ends_with(path, "/") ? "" : "/");
    char *real = realpath(file, NULL);
    if (!real) {
        sw_err_set(err, SW_ENOTFOUND, "no inventory at '%s'", path);
        if (file != path)
            sw_err_hint(err, "a directory given with -i holds a file " FILE_NAME);
        else
            sw_err_hint(err, "give a directory that holds " FILE_NAME ", or the file itself");
        return SW_ENOTFOUND;
    }
    *ret_file = sw_strdup(arena, file);
    *ret_dir = sw_strdup(arena, dirname(real));
    free(real);
    return 0;
}

static int read_file(struct inventory_load *in, sw_yaml_tag_fn *tags, void *tags_ctx) {
    struct sw_tags own = {0};
    if (!tags) tags = sw_tags_read;
    if (tags == sw_tags_read) {
        if (tags_ctx) own = *(const struct sw_tags *)tags_ctx;
        if (!own.dir) own.dir = in->dir;
        tags_ctx = &own;
    }
    struct sw_str text = {0};
    const struct sw_value *v = NULL;
    int rc = sw_file_read(in->file, MAX_BYTES, &text, in->err);
    if (rc == 0) rc = sw_yaml_read(in->arena, in->file, sw_str_z(&text), text.len, NULL, tags, tags_ctx, &v, in->err);
    if (rc == 0) rc = sw_schema_check(sw_inventory_schema(), v, (struct sw_pos){in->file, 1, 0}, in->arena, &in->value, in->err);
    sw_wipe(text.p, text.cap);
    sw_str_done(&text);
    return rc;
}

static void set(struct inventory_load *in, const char *key, const struct sw_value *value) {
    in->value = sw_map_with(in->arena, in->value, key, value);
}

/* `metallb:` with nothing after it asks for the add-on as it comes; a null would vanish in Lua. */
static void fill_addons(struct inventory_load *in) {
    const struct sw_value *addons = sw_get(in->value, "addons");
    if (!sw_is(addons, SW_MAP)) return;
    for (size_t i = 0; i < addons->map.n; i++)
        if (sw_is_nil(addons->map.v[i].value)) addons = sw_map_with(in->arena, addons, addons->map.v[i].key, &SW_EMPTY_MAP);
    set(in, "addons", addons);
}

static void fill_paths(struct inventory_load *in) {
    const struct sw_value *kubeconfig = sw_get(in->value, "kubeconfig"), *kubernetes = sw_get(in->value, "kubernetes");
    const struct sw_value *bundle = sw_get(kubernetes, "bundle");
    if (kubeconfig) set(in, "kubeconfig", sw_inventory__path(in, kubeconfig));
    if (bundle) set(in, "kubernetes", sw_map_with(in->arena, kubernetes, "bundle", sw_inventory__path(in, bundle)));
}

int sw_inventory_load(struct sw_arena *arena, const char *path, sw_yaml_tag_fn *tags, void *tags_ctx, struct sw_inventory **ret,
                      struct sw_err *err) {
    struct inventory_load in = {.arena = arena, .err = err};
    int rc = find_file(arena, path, &in.file, &in.dir, err);
    if (rc == 0) rc = read_file(&in, tags, tags_ctx);
    if (rc < 0) return rc;

    const char *provider = sw_get_str(sw_get(in.value, "provider"), "name", "");
    in.is_static = strcmp(provider, "static") == 0;
    in.is_lab = strcmp(provider, "lab") == 0;
    const struct sw_value *network = sw_get(in.value, "network");
    if (in.is_lab && !sw_get(network, "cidr"))
        set(&in, "network", sw_map_with(arena, network, "cidr", sw_value_str(arena, "10.88.0.0/24")));
    fill_addons(&in);
    fill_paths(&in);
    const struct sw_value *nodes = NULL;
    rc = sw_inventory__check(&in);
    if (rc == 0) rc = sw_inventory__expand(&in, &nodes);
    if (rc < 0) return rc;
    set(&in, "nodes", nodes);

    struct sw_inventory *inventory = sw_new(arena, struct sw_inventory);
    *inventory = (struct sw_inventory){
        .file = in.file,
        .dir = in.dir,
        .name = sw_get_str(in.value, "name", ""),
        .playbook = sw_get_str(in.value, "playbook", ""),
        .value = in.value,
    };
    *ret = inventory;
    return 0;
}
