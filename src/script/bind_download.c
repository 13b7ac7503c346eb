/* core.download(url [, sha256]) -> the bytes of a file from elsewhere. When it was not fetched yet, the evaluation ends with an error, the file
 * is fetched, and it begins anew: playbooks do no I/O. */
#include "host.h"

static int download(lua_State *L) {
    struct sw_script *s = sw_script__of(L);
    const char *url = luaL_checkstring(L, 1), *sha256 = luaL_optstring(L, 2, NULL);
    struct sw_scope *scope = sw_script__scope(L);
    struct sw_err *err = sw_script__error_new(L);
    if (!s->options.downloads)
        sw_err_set(err, SW_EREFUSED, "'%s': there are no downloads here", url);
    else
        sw_downloads_read(s->options.downloads, url, sha256, &scope->str, err);
    if (err->code) return lua_error(L);
    sw_script__charge(L, scope->str.len / 16);
    lua_pushlstring(L, sw_str_z(&scope->str), scope->str.len);
    sw_script__scope_close(scope);
    return 1;
}

void sw_script__open_download(lua_State *L) {
    lua_pushcfunction(L, download);
    lua_setfield(L, -2, "download");
}
