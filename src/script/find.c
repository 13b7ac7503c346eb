/* Finding Lua files. The embedded ones have their paths in the source tree as names. */
#include "find.h"

#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "embed.h"
#include "slipway/file.h"

enum { MAX_SOURCE = 4 << 20 };

static bool from_embedded(const char *path, struct sw_found *ret) {
    const struct sw_embedded *e = sw_script__find_embedded(path);
    if (!e) return false;
    ret->file = e->name;
    ret->text = e->data;
    ret->len = e->len;
    return true;
}

static bool from_disk(struct sw_script *s, const char *path, const char *shown, struct sw_scope *scope, struct sw_found *ret,
                      struct sw_err *err) {
    struct sw_err why = {0};
    int code = sw_file_read(path, MAX_SOURCE, &scope->str, &why);
    if (code && code != SW_ENOTFOUND) sw_err_move(err, &why);
    sw_err_done(&why);
    if (code) return false;
    ret->file = sw_strdup(s->arena, shown);
    ret->text = sw_str_z(&scope->str);
    ret->len = scope->str.len;
    return true;
}

bool sw_find__library(struct sw_script *s, const char *path, struct sw_scope *scope, struct sw_found *ret, struct sw_err *err) {
    char full[PATH_MAX];
    ret->origin = SW_FROM_LIBRARY;
    snprintf(full, sizeof full, "%s/%s", s->options.lua_dir ? s->options.lua_dir : "lua", path);
    return s->options.lua_dir ? from_disk(s, full, full, scope, ret, err) : from_embedded(full, ret);
}

bool sw_find__playbooks(struct sw_script *s, const char *path, struct sw_scope *scope, struct sw_found *ret, struct sw_err *err) {
    char full[PATH_MAX];
    ret->origin = SW_FROM_STOCK;
    snprintf(full, sizeof full, "%s/%s", s->options.playbook_dir ? s->options.playbook_dir : "playbooks", path);
    return s->options.playbook_dir ? from_disk(s, full, full, scope, ret, err) : from_embedded(full, ret);
}

bool sw_find__user(struct sw_script *s, const char *path, struct sw_scope *scope, struct sw_found *ret, struct sw_err *err) {
    ret->origin = SW_FROM_USER;
    char *real = s->dir ? sw_script__inside(s->dir, path, err) : NULL;
    if (!real) return false;
    char shown[PATH_MAX];
    snprintf(shown, sizeof shown, "%s%s", s->shown_dir, path);
    bool found = from_disk(s, real, shown, scope, ret, err);
    free(real);
    return found;
}

bool sw_script__library_has(struct sw_script *s, const char *path) {
    char full[PATH_MAX];
    snprintf(full, sizeof full, "%s/%s", s->options.lua_dir ? s->options.lua_dir : "lua", path);
    if (!s->options.lua_dir) return sw_script__find_embedded(full) != NULL;
    FILE *f = fopen(full, "re");
    if (f) fclose(f);
    return f != NULL;
}

bool sw_find__module(struct sw_script *s, enum sw_origin from, const char *name, struct sw_scope *scope, struct sw_found *ret,
                     struct sw_err *err) {
    static const char *const shapes[] = {"%s.lua", "%s/init.lua"};
    static const char *const library[] = {"slipway/%s.lua", "%s.lua", "%s/init.lua"};
    char path[PATH_MAX];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    for (size_t i = 0; from == SW_FROM_USER && i < sw_countof(shapes) && !err->code; i++) {
        snprintf(path, sizeof path, shapes[i], name);
        if (sw_find__user(s, path, scope, ret, err)) return true;
    }
    for (size_t i = 0; from != SW_FROM_LIBRARY && i < sw_countof(shapes) && !err->code; i++) {
        snprintf(path, sizeof path, shapes[i], name);
        if (sw_find__playbooks(s, path, scope, ret, err)) return true;
    }
    for (size_t i = 0; i < sw_countof(library) && !err->code; i++) {
        snprintf(path, sizeof path, library[i], name);
        if (sw_find__library(s, path, scope, ret, err)) return true;
    }
#pragma GCC diagnostic pop
    return false;
}

/* Does this file of the library define types? Then what to require for it: a folder with all it loads by itself, and what is loaded on
 * demand only: host/TYPE, aws/TYPE, FOLDER/data/TYPE, kube/addon/NAME. */
static bool defines_types(const char *path, const char **ret, size_t *ret_len) {
    const char *slash = strchr(path, '/'), *inner = slash ? strchr(slash + 1, '/') : NULL;
    if (!slash || !sw_ends_with(path, ".lua")) return false;
    *ret = path;
    *ret_len = strlen(path) - strlen(".lua");
    if (inner) return (sw_starts_with(slash, "/data/") || sw_starts_with(slash, "/addon/")) && !strchr(inner + 1, '/');
    if (sw_ends_with(path, "/init.lua")) *ret_len = (size_t)(slash - path);
    return sw_ends_with(path, "/init.lua") || sw_starts_with(path, "host/") || sw_starts_with(path, "aws/");
}

int sw_find__type_files(lua_State *L) {
    struct sw_script *s = sw_script__of(L);
    const char *name;
    size_t len;
    lua_Integer n = 0;
    lua_createtable(L, 64, 0);
    if (!s->options.lua_dir) {
        for (size_t i = 0; i < sw_script__n_embedded; i++) {
            const char *path = sw_script__embedded[i].name;
            if (!sw_starts_with(path, "lua/") || !defines_types(path + 4, &name, &len)) continue;
            lua_pushlstring(L, name, len);
            lua_rawseti(L, -2, ++n);
        }
        return 1;
    }
    struct sw_scope *scope = sw_script__scope(L); /* the paths move there, since pushing them may raise */
    glob_t found = {0};
    char pattern[PATH_MAX];
    snprintf(pattern, sizeof pattern, "%s/*/*.lua", s->options.lua_dir);
    glob(pattern, 0, NULL, &found);
    snprintf(pattern, sizeof pattern, "%s/*/data/*.lua", s->options.lua_dir);
    glob(pattern, GLOB_APPEND, NULL, &found);
    snprintf(pattern, sizeof pattern, "%s/*/addon/*.lua", s->options.lua_dir);
    glob(pattern, GLOB_APPEND, NULL, &found);
    char **names = found.gl_pathv;
    for (size_t i = 0; names && i < found.gl_pathc; i++) sw_str_add(&scope->str, names[i], strlen(names[i]) + 1);
    globfree(&found);
    for (const char *p = sw_str_z(&scope->str), *end = p + scope->str.len; p < end; p += strlen(p) + 1) {
        if (!defines_types(p + strlen(s->options.lua_dir) + 1, &name, &len)) continue;
        lua_pushlstring(L, name, len);
        lua_rawseti(L, -3, ++n);
    }
    sw_script__scope_close(scope);
    lua_pop(L, 1);
    return 1;
}
