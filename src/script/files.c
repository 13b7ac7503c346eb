/* The few files a script may read: those below the inventory's directory and those of playbooks/. */
#include "host.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "embed.h"
#include "slipway/file.h"

#define FILE_NAMES "slipway.file_names"

enum { MAX_TEXT = 16 << 20, MAX_NAMES = 1000 };

static bool leads_out(const char *name, struct sw_err *err) {
    if (*name != '/' && strcmp(name, "..") != 0 && !sw_starts_with(name, "../") && !strstr(name, "/../") && !sw_ends_with(name, "/.."))
        return false;
    sw_err_set(err, SW_EREFUSED, "'%s' leads out of the inventory's directory", name);
    return true;
}

char *sw_script__inside(const char *dir, const char *name, struct sw_err *err) {
    char path[PATH_MAX], real[PATH_MAX];
    size_t n = strlen(dir);
    if (leads_out(name, err)) return NULL;
    if (n + strlen(name) + 2 > sizeof path) return NULL;
    snprintf(path, sizeof path, "%s/%s", dir, name);
    if (!realpath(path, real)) return NULL;
    if (strncmp(real, dir, n) != 0 || (real[n] != '/' && strcmp(dir, "/") != 0)) {
        sw_err_set(err, SW_EREFUSED, "'%s' leads out of the inventory's directory, by a link", name);
        return NULL;
    }
    /* A plan for a stranger's playbook is shown to the stranger; the state's key opens what is sealed in it. */
    if (strstr(real + n, "/.slipway/") || sw_ends_with(real, "/state.key") || sw_ends_with(real, "/state.db")) {
        sw_err_set(err, SW_EREFUSED, "'%s' belongs to the state, which playbooks do not read", name);
        return NULL;
    }
    return sw_xstrdup(real);
}

static bool read_from(struct sw_scope *scope, const char *dir, const char *folder, const char *name, struct sw_err *err) {
    char relative[PATH_MAX];
    if (!dir || strlen(folder) + strlen(name) + 1 > sizeof relative) return false;
    snprintf(relative, sizeof relative, "%s%s", folder, name);
    char *path = sw_script__inside(dir, relative, err);
    if (!path) return false;
    struct sw_err why = {0};
    int code = sw_file_read(path, MAX_TEXT, &scope->str, &why);
    free(path);
    if (code && code != SW_ENOTFOUND) sw_err_move(err, &why);
    sw_err_done(&why);
    return code == 0;
}

static bool is_outside(const char *name) {
    return *name == '/' || sw_starts_with(name, "~/");
}

/* Files anywhere on this machine (a bundle's directory in the inventory): for the owner's own playbooks, and for the stock ones in any
 * case. */
static bool may_go_outside(lua_State *L, const char *name, struct sw_err *err) {
    if (!sw_script__of(L)->options.untrusted || sw_script__caller(L) != SW_FROM_USER) return true;
    sw_err_set(err, SW_EREFUSED, "'%s' is outside of the inventory's directory", name);
    return false;
}

/* [-2, +2] What slipway.file() gives, text and path: the template made of this text will be called by the file's name. */
static int give(lua_State *L, struct sw_scope *scope) {
    lua_getfield(L, LUA_REGISTRYINDEX, FILE_NAMES); // text path names
    lua_pushvalue(L, -3);
    lua_pushvalue(L, -3);
    lua_rawset(L, -3);
    lua_pop(L, 1);
    sw_script__scope_close(scope);
    return 2;
}

/* core.file_name(text) -> the path slipway.file() read it from, or nil */
static int file_name(lua_State *L) {
    luaL_checkany(L, 1);
    lua_settop(L, 1);
    lua_getfield(L, LUA_REGISTRYINDEX, FILE_NAMES);
    lua_insert(L, 1);
    lua_rawget(L, 1);
    return 1;
}

/* slipway.file(name) -> text, path for messages. Beside the inventory first, in its templates/, then the same in playbooks/; or /x, ~/x. */
static int file(lua_State *L) {
    static const char *const folders[] = {"", "templates/"};
    struct sw_script *s = sw_script__of(L);
    size_t name_len;
    const char *name = luaL_checklstring(L, 1, &name_len);
    luaL_argcheck(L, name_len > 0 && strlen(name) == name_len, 1, "a file's name wanted");
    struct sw_scope *scope = sw_script__scope(L);
    struct sw_err *err = sw_script__error_new(L);
    if (is_outside(name)) {
        char *path = may_go_outside(L, name, err) ? sw_expand_home(name) : NULL;
        if (path) sw_file_read(path, MAX_TEXT, &scope->str, err);
        free(path);
        if (err->code) return lua_error(L);
        lua_pushlstring(L, sw_str_z(&scope->str), scope->str.len);
        lua_pushvalue(L, 1);
        return give(L, scope);
    }
    if (leads_out(name, err)) return lua_error(L);
    for (size_t i = 0; i < sw_countof(folders); i++) {
        if (!read_from(scope, s->dir, folders[i], name, err)) {
            if (err->code) return lua_error(L);
            continue;
        }
        lua_pushlstring(L, sw_str_z(&scope->str), scope->str.len);
        lua_pushfstring(L, "%s%s%s", s->shown_dir ? s->shown_dir : "", folders[i], name);
        return give(L, scope);
    }
    for (size_t i = 0; i < sw_countof(folders); i++) {
        if (s->options.playbook_dir) {
            char real[PATH_MAX];
            const char *dir = realpath(s->options.playbook_dir, real);
            bool found = read_from(scope, dir, folders[i], name, err);
            if (err->code) return lua_error(L);
            if (!found) continue;
            lua_pushlstring(L, sw_str_z(&scope->str), scope->str.len);
            lua_pushfstring(L, "%s/%s%s", s->options.playbook_dir, folders[i], name);
            return give(L, scope);
        }
        const struct sw_embedded *e = sw_script__find_embedded(lua_pushfstring(L, "playbooks/%s%s", folders[i], name));
        if (!e) continue;
        lua_pushlstring(L, e->data, e->len);
        lua_pushstring(L, e->name);
        return give(L, scope);
    }
    sw_err_set(err, SW_ENOTFOUND, "there is no file '%s' beside the playbook", name);
    sw_err_hint(err, "looked in %s, its templates/, and playbooks/",
                s->shown_dir && *s->shown_dir ? s->shown_dir : "the inventory's directory");
    lua_pushvalue(L, 3);
    return lua_error(L);
}

static int hash_stream(FILE *f, const char *path, char ret_hex[static 65], struct sw_err *err) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    char *buffer = sw_xmalloc((size_t)256 << 10);
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    size_t n;
    EVP_DigestInit_ex(md, EVP_sha256(), NULL);
    while ((n = fread(buffer, 1, (size_t)256 << 10, f)) > 0) EVP_DigestUpdate(md, buffer, n);
    EVP_DigestFinal_ex(md, digest, NULL);
    EVP_MD_CTX_free(md);
    free(buffer);
    if (ferror(f)) return sw_err_set(err, SW_EIO, "cannot read '%s': %s", path, strerror(errno));
    for (unsigned i = 0; i < 32; i++) snprintf(ret_hex + (size_t)i * 2, 3, "%02x", digest[i]);
    return 0;
}

/* The absolute path of a file that `source` names, malloc'ed, or NULL with err set. */
static char *find_source(lua_State *L, const char *name, struct sw_err *err) {
    struct sw_script *s = sw_script__of(L);
    char *path = NULL;
    if (is_outside(name))
        path = may_go_outside(L, name, err) ? sw_expand_home(name) : NULL;
    else if (s->dir)
        path = sw_script__inside(s->dir, name, err);
    if (path && access(path, R_OK) == 0) return path;
    free(path);
    sw_err_set(err, SW_ENOTFOUND, "there is no file '%s', or it cannot be read", name);
    sw_err_hint(err, "names are relative to the inventory's directory");
    return NULL;
}

/* Hashes a file once: several nodes get the same one. */
static int hash_file(struct sw_script *s, const char *path, const char **ret_hex, struct sw_err *err) {
    char *known = sw_map_find(&s->hashes, path);
    if (!known) {
        FILE *f = fopen(path, "re");
        if (!f) return sw_err_set(err, SW_EIO, "cannot read '%s': %s", path, strerror(errno));
        known = sw_alloc(s->arena, 65);
        int code = hash_stream(f, path, known, err);
        fclose(f);
        if (code) return code;
        sw_map_set(&s->hashes, sw_strdup(s->arena, path), known);
    }
    *ret_hex = known;
    return 0;
}

int sw_script__hash_file(lua_State *L, const char *name, const char **ret_path, const char **ret_hex, struct sw_err *err) {
    struct sw_script *s = sw_script__of(L);
    char *found = find_source(L, name, err);
    if (!found) return err->code;
    *ret_path = sw_strdup(s->arena, found);
    free(found);
    return *ret_hex ? 0 : hash_file(s, *ret_path, ret_hex, err);
}

/* slipway.file_info(name [, sha256]) -> { path, sha256 }: of a file of any size, as `source` names it. A hash that is given is taken: the
 * node checks it when the file has arrived. */
static int file_info(lua_State *L) {
    const char *name = luaL_checkstring(L, 1), *path = NULL, *hex = luaL_optstring(L, 2, NULL);
    luaL_argcheck(L, !hex || strlen(hex) == 64, 2, "64 hexadecimal digits wanted");
    struct sw_err *err = sw_script__error_new(L);
    if (sw_script__hash_file(L, name, &path, &hex, err)) return lua_error(L);
    lua_createtable(L, 0, 2);
    lua_pushstring(L, path);
    lua_setfield(L, -2, "path");
    lua_pushstring(L, hex);
    lua_setfield(L, -2, "sha256");
    return 1;
}

void sw_script__forget_files(lua_State *L) {
    lua_createtable(L, 0, 8);
    lua_setfield(L, LUA_REGISTRYINDEX, FILE_NAMES);
}

void sw_script__open_files(lua_State *L) {
    static const luaL_Reg functions[] = {{"file", file}, {"file_info", file_info}, {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
    sw_script__forget_files(L);
}

static int skip_hidden(const struct dirent *entry) {
    return entry->d_name[0] != '.';
}

/* core.files(name) -> the names in a directory beside the playbook (or /x, ~/x), in order, those with a dot in front left out; nil: it is no
 * directory. */
static int files(lua_State *L) {
    struct sw_script *s = sw_script__of(L);
    const char *name = luaL_checkstring(L, 1);
    struct sw_err *err = sw_script__error_new(L);
    char *path = NULL;
    if (is_outside(name))
        path = may_go_outside(L, name, err) ? sw_expand_home(name) : NULL;
    else if (s->dir)
        path = sw_script__inside(s->dir, name, err);
    if (err->code) return lua_error(L);
    struct dirent **entries = NULL;
    int n = path ? scandir(path, &entries, skip_hidden, NULL) : -1;
    free(path);
    if (n < 0) return 0;
    struct sw_scope *scope = sw_script__scope(L); /* the names outlive scandir's memory, which an error would leak */
    for (int i = 0; i < n; i++) {
        if (i < MAX_NAMES) sw_str_add(&scope->str, entries[i]->d_name, strlen(entries[i]->d_name) + 1);
        free(entries[i]);
    }
    free(entries);
    if (n > MAX_NAMES) return sw_script__fail(L, SW_ELIMIT, "'%s' holds more than %d names", name, MAX_NAMES);
    lua_createtable(L, n, 0);
    const char *p = sw_str_z(&scope->str);
    for (int i = 1; i <= n; i++, p += strlen(p) + 1) {
        lua_pushstring(L, p);
        lua_rawseti(L, -2, i);
    }
    return 1;
}

void sw_script__open_core_files(lua_State *L) {
    static const luaL_Reg functions[] = {{"file_name", file_name}, {"files", files}, {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}
