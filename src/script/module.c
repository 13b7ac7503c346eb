/* require: beside the playbook, in playbooks/, in the library; nothing else. Each chunk looks where its own kind lives and further inward,
 * so that a file beside the playbook can never take the place of one the library asks for. */
#include "find.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "slipway/hash.h"

#define MODULES "slipway.modules"
#define LOADING "slipway.loading"

static void check_name(lua_State *L, const char *name, size_t len) {
    bool fine = len > 0 && len < 200 && strlen(name) == len && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_./-") == len;
    for (size_t i = 0; fine && i < len; i++) /* no part of it is empty: neither "..", nor "/x", nor "x/" */
        fine = strchr("./", name[i]) == NULL || (i > 0 && i + 1 < len && strchr("./", name[i + 1]) == NULL);
    if (!fine) sw_script__fail(L, SW_EINVAL, "'%s' is no name for require: small letters, digits and _ - . / only", name);
}

/* --- compiling
 * ---------------------------------------------------------------------------------------------------------------------------- */

static struct sw_source *register_source(lua_State *L, const char *chunk, const char *file, enum sw_origin origin) {
    struct sw_script *s = sw_script__of(L);
    struct sw_source *source = sw_map_find(&s->sources, chunk);
    if (source) { /* rights go by the name of the chunk: nobody takes another's */
        if (source->origin != origin) sw_script__fail(L, SW_EINVAL, "the name '%s' is taken", file);
        return source;
    }
    source = sw_xcalloc(1, sizeof *source);
    *source = (struct sw_source){sw_strdup(s->arena, chunk), sw_strdup(s->arena, file), origin};
    sw_vec_push(&s->source_list, source);
    sw_map_set(&s->sources, source->chunk, source);
    return source;
}

/* The compiler's message is "chunk:line: problem", with a long chunk name cut. */
static int fail_syntax(lua_State *L, const struct sw_source *source) {
    const char *message = lua_tostring(L, -1);
    size_t name = strlen(source->chunk + 1);
    const char *at = strlen(message) > LUA_IDSIZE - 1 && name >= LUA_IDSIZE - 1 ? message + LUA_IDSIZE - 1 : message + name;
    if (at > message + strlen(message)) at = message;
    while (at > message && *at != ':') at--;
    unsigned line = 0;
    const char *text = message;
    if (*at == ':') {
        char *end;
        line = (unsigned)strtoul(at + 1, &end, 10);
        if (strncmp(end, ": ", 2) == 0) text = end + 2;
    }
    struct sw_err *e = sw_script__error_new(L);
    sw_err_set(e, SW_ESCRIPT, "%s", text);
    sw_err_at(e, (struct sw_pos){source->file, line, 0});
    return lua_error(L);
}

void sw_script__load(lua_State *L, enum sw_origin origin, const char *chunk, const char *file, const char *text, size_t len) {
    struct sw_source *source = register_source(L, chunk, file, origin);
    sw_script__charge(L, len);
    int status = luaL_loadbufferx(L, text, len, source->chunk, "t");
    if (status == LUA_ERRSYNTAX) fail_syntax(L, source);
    if (status != LUA_OK) { /* nested too deeply for the compiler: an error object already, but without a place */
        struct sw_err *e = sw_script__error_get(L, -1);
        if (e) sw_err_at(e, (struct sw_pos){source->file, 0, 0});
        lua_error(L);
    }
    sw_script__push_env(L, origin);
    lua_setupvalue(L, -2, 1);
}

static void load_found(lua_State *L, const struct sw_found *found) {
    const char *mark = found->origin == SW_FROM_LIBRARY && !sw_script__of(L)->options.lua_dir ? "@[slipway]" : "@";
    const char *file = found->file;
    if (mark[1]) file += strlen("lua");
    lua_pushfstring(L, "%s%s", mark, file);
    sw_script__load(L, found->origin, lua_tostring(L, -1), found->file, found->text, found->len);
    lua_remove(L, -2);
}

void sw_script__load_library(lua_State *L, const char *path) {
    struct sw_scope *scope = sw_script__scope(L);
    struct sw_err *err = sw_script__error_new(L); // scope err
    struct sw_found found = {0};
    if (!sw_find__library(sw_script__of(L), path, scope, &found, err)) {
        sw_err_set(err, SW_ENOTFOUND, "the library has no file '%s'", path);
        lua_error(L);
    }
    load_found(L, &found); // scope err chunk
    sw_script__scope_close(scope);
    lua_call(L, 0, 1);
    lua_replace(L, -3);
    lua_pop(L, 1);
}

/* --- modules
 * ------------------------------------------------------------------------------------------------------------------------------- */

static int close_loading(lua_State *L) {
    struct sw_script *s = sw_script__of(L);
    const size_t *depth = lua_touserdata(L, 1);
    s->loading.n = s->loading_module.n = *depth;
    return 0;
}

/* [-0, +1] ends with the calling C function, however that ends. */
static void begin_loading(lua_State *L, const char *key, long module) {
    struct sw_script *s = sw_script__of(L);
    size_t *depth = lua_newuserdatauv(L, sizeof *depth, 0);
    *depth = s->loading.n;
    if (luaL_newmetatable(L, LOADING)) {
        lua_pushcfunction(L, close_loading);
        lua_setfield(L, -2, "__close");
    }
    lua_setmetatable(L, -2);
    lua_toclose(L, -1);
    sw_vec_push(&s->loading, key);
    sw_vec_push(&s->loading_module, module);
}

static void check_cycle(lua_State *L, const char *key) {
    struct sw_script *s = sw_script__of(L);
    for (size_t i = 0; i < s->loading.n; i++) {
        if (strcmp(s->loading.v[i], key) != 0) continue;
        luaL_Buffer b;
        luaL_buffinit(L, &b);
        for (; i < s->loading.n; i++) {
            luaL_addstring(&b, s->loading.v[i] + 2);
            luaL_addstring(&b, " -> ");
        }
        luaL_addstring(&b, key + 2);
        luaL_pushresult(&b);
        sw_script__fail(L, SW_EINVAL, "files that require each other: %s", lua_tostring(L, -1));
    }
}

static long module_index(struct sw_script *s, const char *name) {
    for (size_t i = 0; i < s->modules.n; i++)
        if (strcmp(s->modules.v[i].name, name) == 0) return (long)i;
    return -1;
}

static long add_module(lua_State *L, const char *name, const struct sw_found *found) {
    struct sw_script *s = sw_script__of(L);
    struct sw_module module = {.name = sw_strdup(s->arena, name)};
    sw_sha256(found->text, found->len, module.sha256);
    if (s->pinned) {
        const char *allowed = NULL;
        for (size_t i = 0; sw_is(s->pinned, SW_LIST) && i < s->pinned->list.n; i++)
            if (strcmp(sw_get_str(s->pinned->list.v[i], "name", ""), name) == 0) allowed = sw_get_str(s->pinned->list.v[i], "sha256", "");
        if (!allowed) sw_script__fail(L, SW_ECONFLICT, "'%s' was not there when the plan was made", found->file);
        if (strcmp(allowed, module.sha256) != 0) sw_script__fail(L, SW_ECONFLICT, "'%s' changed since the plan was made", found->file);
    }
    long index = module_index(s, name);
    if (index >= 0) {
        memcpy(s->modules.v[index].sha256, module.sha256, sizeof module.sha256);
        return index;
    }
    sw_vec_push(&s->modules, module);
    return (long)s->modules.n - 1;
}

static void note_use(struct sw_script *s, const char *name) {
    long used = module_index(s, name);
    for (size_t i = s->loading_module.n; used >= 0 && i-- > 0;) {
        if (s->loading_module.v[i] < 0) continue;
        struct sw_module *user = &s->modules.v[s->loading_module.v[i]];
        if (s->loading_module.v[i] != used) sw_vec_push(&user->uses, (size_t)used);
        return;
    }
}

int sw_script__require(lua_State *L) {
    struct sw_script *s = sw_script__of(L);
    enum sw_origin from = (enum sw_origin)lua_tointeger(L, lua_upvalueindex(1));
    size_t len;
    const char *name = luaL_checklstring(L, 1, &len);
    check_name(L, name, len);
    lua_settop(L, 1);
    name = luaL_gsub(L, name, ".", "/"); /* "host.lib.stat" is "host/lib/stat" */
    lua_replace(L, 1);
    lua_getfield(L, LUA_REGISTRYINDEX, MODULES);     // name modules
    for (int origin = from; origin >= 0; origin--) { /* what was found once is found again */
        lua_pushfstring(L, "%d:%s", origin, name);
        if (lua_rawget(L, 2) != LUA_TNIL) {
            if (origin == SW_FROM_USER) note_use(s, name);
            goto give;
        }
        lua_pop(L, 1);
    }
    struct sw_scope *scope = sw_script__scope(L); // name modules scope
    struct sw_err *err = sw_script__error_new(L); // name modules scope err
    struct sw_found found = {0};
    if (!sw_find__module(s, from, name, scope, &found, err)) {
        if (err->code) return lua_error(L);
        sw_err_set(err, SW_ENOTFOUND, "there is no file '%s.lua'", name);
        sw_err_hint(err, from == SW_FROM_USER ? "looked beside the playbook, in playbooks/, and in the library"
                                              : "looked in playbooks/ and in the library");
        return lua_error(L);
    }
    const char *key = lua_pushfstring(L, "%d:%s", found.origin, name); // ... key
    if (lua_pushvalue(L, -1), lua_rawget(L, 2) != LUA_TNIL) goto give; /* found further inward, loaded before */
    lua_pop(L, 1);
    check_cycle(L, key);
    long module = found.origin == SW_FROM_USER ? add_module(L, name, &found) : -1;
    if (module >= 0) note_use(s, name);
    load_found(L, &found); // ... key chunk
    sw_script__scope_close(scope);
    begin_loading(L, key, module); // ... key chunk loading
    lua_pushvalue(L, -2);
    lua_call(L, 0, 1);
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        lua_pushboolean(L, 1);
    }
    lua_pushvalue(L, 5);
    lua_pushvalue(L, -2);
    lua_rawset(L, 2);
give:
    if (from != SW_FROM_LIBRARY) sw_script__freeze(L, -1);
    return 1;
}

void sw_script__require_name(lua_State *L, enum sw_origin origin, const char *name) {
    lua_pushinteger(L, origin);
    lua_pushcclosure(L, sw_script__require, 1);
    lua_pushstring(L, name);
    lua_call(L, 1, 1);
}

bool sw_script__module_exists(lua_State *L, const char *name) {
    struct sw_script *s = sw_script__of(L);
    if (strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") != strlen(name) || strlen(name) > 200) return false;
    struct sw_scope *scope = sw_script__scope(L);
    struct sw_found found = {0};
    struct sw_err *err = sw_script__error_new(L);
    char path[256];
    snprintf(path, sizeof path, "%s.lua", name);
    bool exists = sw_find__user(s, path, scope, &found, err) || (!err->code && sw_find__playbooks(s, path, scope, &found, err));
    if (err->code) lua_error(L);
    sw_script__scope_close(scope);
    lua_pop(L, 2);
    return exists;
}

void sw_script__run_playbook(lua_State *L, const char *name) {
    struct sw_script *s = sw_script__of(L);
    struct sw_scope *scope = sw_script__scope(L);
    struct sw_err *err = sw_script__error_new(L);
    struct sw_found found = {0};
    char path[PATH_MAX];
    check_name(L, name, strlen(name));
    snprintf(path, sizeof path, "%s.lua", name);
    if (!sw_find__user(s, path, scope, &found, err) && !err->code) sw_find__playbooks(s, path, scope, &found, err);
    if (err->code) lua_error(L);
    if (!found.text) {
        sw_err_set(err, SW_ENOTFOUND, "there is no playbook '%s'", name);
        sw_err_hint(err, "looked for %s%s and playbooks/%s", s->shown_dir, path, path);
        lua_error(L);
    }
    load_found(L, &found);
    sw_script__scope_close(scope);
    lua_call(L, 0, 0);
    lua_pop(L, 2);
}

/* slipway.asset(path) -> text of a file of the library ("lab/node.sh"). */
static int asset(lua_State *L) {
    struct sw_scope *scope = sw_script__scope(L);
    struct sw_err *err = sw_script__error_new(L);
    const char *path = luaL_checkstring(L, 1);
    struct sw_found found = {0};
    if (strstr(path, "..") || !sw_find__library(sw_script__of(L), path, scope, &found, err)) {
        sw_err_set(err, SW_ENOTFOUND, "the library has no file '%s'", path);
        return lua_error(L);
    }
    lua_pushlstring(L, found.text, found.len);
    sw_script__scope_close(scope);
    return 1;
}

void sw_script__open_modules(lua_State *L) {
    lua_pushcfunction(L, sw_find__type_files);
    lua_setfield(L, -2, "type_files");
    lua_createtable(L, 0, 32);
    lua_setfield(L, LUA_REGISTRYINDEX, MODULES);
}

void sw_script__open_assets(lua_State *L) {
    lua_pushcfunction(L, asset);
    lua_setfield(L, -2, "asset");
}

void sw_script__set_inventory(struct sw_script *s, const struct sw_inventory *inventory) {
    char real[PATH_MAX];
    s->inventory = inventory;
    s->dir = inventory->dir && realpath(inventory->dir, real) ? sw_strdup(s->arena, real) : NULL;
    const char *slash = inventory->file ? strrchr(inventory->file, '/') : NULL;
    s->shown_dir = slash ? sw_strndup(s->arena, inventory->file, (size_t)(slash - inventory->file) + 1) : "";
}

/* A saved plan needs the files that define types, and all they require. */
const struct sw_value *sw_script__modules_value(struct sw_script *s) {
    for (size_t i = 0; i < s->modules.n; i++) s->modules.v[i].needed = s->modules.v[i].defines;
    for (bool changed = true; changed;) {
        changed = false;
        for (size_t i = 0; i < s->modules.n; i++) {
            struct sw_module *m = &s->modules.v[i];
            for (size_t k = 0; m->needed && k < m->uses.n; k++) {
                if (s->modules.v[m->uses.v[k]].needed) continue;
                s->modules.v[m->uses.v[k]].needed = changed = true;
            }
        }
    }
    const struct sw_value **items = sw_new_n(s->arena, const struct sw_value *, s->modules.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < s->modules.n; i++) {
        const struct sw_module *m = &s->modules.v[i];
        if (!m->needed) continue;
        const struct sw_pair pairs[] = {{"name", sw_value_str(s->arena, m->name)}, {"sha256", sw_value_str(s->arena, m->sha256)}};
        items[n++] = sw_value_map(s->arena, pairs, 2);
    }
    return sw_value_list(s->arena, items, n);
}

void sw_script__modules_done(struct sw_script *s) {
    for (size_t i = 0; i < s->modules.n; i++) sw_vec_done(&s->modules.v[i].uses);
    sw_vec_done(&s->modules);
    sw_vec_done(&s->loading);
    sw_vec_done(&s->loading_module);
}
