/* core.helm { chart = PATH | url = URL, sha256 = HEX, release, namespace, values, values_files, kube_version, api_versions, include_crds } -> the
 * chart's objects as sw_helm_read() gives them. When helm has to run first, the evaluation ends with an error, helm runs, and it begins anew:
 * playbooks do no I/O. */
#include "host.h"

#include <string.h>

enum { MAX_TEXTS = 100 };

/* [-0, +0] A text member in the arena, or NULL. */
static const char *member(lua_State *L, struct sw_arena *arena, const char *key) {
    size_t len;
    int type = lua_getfield(L, 1, key);
    const char *text = type == LUA_TSTRING ? lua_tolstring(L, -1, &len) : NULL;
    if (type != LUA_TNIL && (!text || strlen(text) != len)) luaL_error(L, "helm: %s: a text wanted", key);
    const char *kept = sw_strdup(arena, text);
    lua_pop(L, 1);
    return kept;
}

/* [-0, +0] A list of texts in the arena. */
static const char **members(lua_State *L, struct sw_arena *arena, const char *key, size_t *ret_n) {
    int type = lua_getfield(L, 1, key);
    size_t n = type == LUA_TTABLE ? lua_rawlen(L, -1) : 0;
    if ((type != LUA_TNIL && type != LUA_TTABLE) || n > MAX_TEXTS)
        luaL_error(L, "helm: %s: a list of at most %d texts wanted", key, MAX_TEXTS);
    const char **texts = sw_new_n(arena, const char *, n + 1);
    for (size_t i = 0; i < n; i++) {
        if (lua_rawgeti(L, -1, (lua_Integer)i + 1) != LUA_TSTRING) luaL_error(L, "helm: %s: a list of texts wanted", key);
        texts[i] = sw_strdup(arena, lua_tostring(L, -1));
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    *ret_n = n;
    return texts;
}

/* [-0, +1 where it raises] The path of what the user named. */
static const char *path_of(lua_State *L, const char *name, struct sw_err *err) {
    const char *path = NULL, *hex = ""; /* not hashed: helm's key has its own */
    if (sw_script__hash_file(L, name, &path, &hex, err)) lua_error(L);
    return path;
}

static void find_chart(lua_State *L, struct sw_arena *arena, struct sw_helm_chart *chart, struct sw_err *err) {
    struct sw_script *s = sw_script__of(L);
    const char *path = member(L, arena, "chart"), *url = member(L, arena, "url");
    chart->shown = path ? path : url;
    if (!chart->shown) luaL_error(L, "helm: chart or url wanted");
    lua_pushvalue(L, 2); /* the error, where it is raised */
    if (path) {
        chart->path = path_of(L, path, err);
    } else {
        if (!s->options.downloads)
            sw_err_set(err, SW_EREFUSED, "'%s': there are no downloads here", url);
        else
            sw_downloads_file(s->options.downloads, url, member(L, arena, "sha256"), arena, &chart->path, err);
        if (err->code) lua_error(L);
    }
    lua_pop(L, 1);
}

static void find_ref(const char *address, const char *path, void *ctx) {
    (void)path;
    *(const char **)ctx = address;
}

static void check_known(lua_State *L, const struct sw_value *values) {
    if (!sw_value_has_unknown(values)) return;
    const char *address = NULL;
    sw_value_each_ref(values, find_ref, &address);
    struct sw_err *err = sw_script__error_new(L);
    if (address)
        sw_err_set(err, SW_EINVAL, "the values hold a reference to '%s', known after apply: charts are rendered before there is a plan",
                   address);
    else
        sw_err_set(err, SW_EINVAL, "the values hold something that is known after apply: charts are rendered before there is a plan");
    sw_err_hint(err, "declare what needs it with kube.object, and name it in the values");
    lua_error(L);
}

static int helm(lua_State *L) {
    struct sw_script *s = sw_script__of(L);
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    struct sw_err *err = sw_script__error_new(L); // options error
    struct sw_scope *scope = sw_script__scope(L); // options error scope
    struct sw_arena *arena = sw_script__scope_arena(scope);
    struct sw_helm_chart chart = {
        .release = member(L, arena, "release"), .space = member(L, arena, "namespace"), .kube_version = member(L, arena, "kube_version")};
    if (!chart.release || !chart.space) luaL_error(L, "helm: release and namespace wanted");
    chart.apis = members(L, arena, "api_versions", &chart.n_apis);
    const char **files = members(L, arena, "values_files", &chart.n_files);
    chart.files = files;
    lua_getfield(L, 1, "values");
    chart.values = sw_script__to_map(L, -1, arena, NULL, false, NULL, "values");
    check_known(L, chart.values);
    lua_getfield(L, 1, "include_crds");
    chart.definitions = lua_toboolean(L, -1);
    lua_settop(L, 3);
    find_chart(L, arena, &chart, err);
    lua_pushvalue(L, 2); /* the error, where it is raised */
    for (size_t i = 0; i < chart.n_files; i++) files[i] = path_of(L, chart.files[i], err);
    const struct sw_value *found = NULL;
    if (!s->options.helm)
        sw_err_set(err, SW_EREFUSED, "the chart '%s': there are no charts here", chart.shown);
    else
        sw_helm_read(s->options.helm, &chart, arena, &found, err);
    if (err->code) return lua_error(L);
    sw_script__push_value(L, found);
    sw_script__scope_close(scope);
    return 1;
}

void sw_script__open_helm(lua_State *L) {
    lua_pushcfunction(L, helm);
    lua_setfield(L, -2, "helm");
}
