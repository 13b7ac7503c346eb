/* base64.*, sha256 and, for the library, sha1 and uri_escape. Of a secret they give a secret. */
#include "host.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "slipway/hash.h"

/* false: the argument is unknown, and unknown was pushed. */
static bool text_argument(lua_State *L, struct sw_text *ret) {
    enum sw_opaque what = sw_script__opaque(L, 1);
    if (what == SW_O_UNKNOWN) {
        sw_script__push_unknown(L);
        return false;
    }
    if (what == SW_O_REF || what == SW_O_CONCAT) sw_script__fail(L, SW_EINVAL, "a text that holds a reference is known after apply");
    if (lua_type(L, 1) == LUA_TBOOLEAN || !sw_script__text(L, 1, ret)) luaL_argerror(L, 1, "a text wanted");
    sw_script__charge(L, ret->len / 16 + 1);
    return true;
}

static int give(lua_State *L, bool secret, const char *p, size_t len) {
    if (secret)
        sw_script__push_secret_text(L, p, len);
    else
        lua_pushlstring(L, p, len);
    return 1;
}

static int encode(lua_State *L) {
    struct sw_text text;
    if (!text_argument(L, &text)) return 1;
    struct sw_scope *scope = sw_script__scope(L);
    sw_str_add_base64(&scope->str, text.p, text.len);
    give(L, text.secret, sw_str_z(&scope->str), scope->str.len);
    sw_script__scope_close(scope);
    return 1;
}

static int decode(lua_State *L) {
    struct sw_text text;
    if (!text_argument(L, &text)) return 1;
    struct sw_scope *scope = sw_script__scope(L);
    if (!sw_base64_decode(text.p, text.len, &scope->str)) return sw_script__fail(L, SW_EINVAL, "the text is not base64");
    give(L, text.secret, sw_str_z(&scope->str), scope->str.len);
    sw_script__scope_close(scope);
    return 1;
}

static int sha256(lua_State *L) {
    struct sw_text text;
    char hex[65];
    if (!text_argument(L, &text)) return 1;
    sw_sha256(text.p, text.len, hex);
    return give(L, text.secret, hex, 64);
}

/* core.sha1(text): names of files that other programs chose that way. */
static int sha1(lua_State *L) {
    struct sw_text text;
    char hex[41];
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    if (!text_argument(L, &text)) return 1;
    EVP_Digest(text.p, text.len, digest, &n, EVP_sha1(), NULL);
    for (unsigned i = 0; i < 20; i++) snprintf(hex + (size_t)i * 2, 3, "%02x", digest[i]);
    return give(L, text.secret, hex, 40);
}

/* core.reveal(text): what a secret is, for the library to take apart (a kubeconfig, an answer with credentials in it). */
static int reveal(lua_State *L) {
    struct sw_text text;
    if (!text_argument(L, &text)) return 1;
    return give(L, false, text.p, text.len);
}

/* core.uri_escape(text): everything but unreserved characters as %XX (RFC 3986). */
static int uri_escape(lua_State *L) {
    static const char hex[] = "0123456789ABCDEF";
    struct sw_text text;
    if (!text_argument(L, &text)) return 1;
    struct sw_scope *scope = sw_script__scope(L);
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (letter || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == '~')
            sw_str_addc(&scope->str, (char)c);
        else
            sw_str_add(&scope->str, (char[]){'%', hex[c >> 4], hex[c & 15]}, 3);
    }
    give(L, text.secret, sw_str_z(&scope->str), scope->str.len);
    if (text.secret && scope->str.p) sw_wipe(scope->str.p, scope->str.len);
    sw_script__scope_close(scope);
    return 1;
}

void sw_script__open_core_text(lua_State *L) {
    static const luaL_Reg functions[] = {{"sha1", sha1}, {"uri_escape", uri_escape}, {"reveal", reveal}, {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}

void sw_script__open_text(lua_State *L) {
    static const luaL_Reg base64[] = {{"encode", encode}, {"decode", decode}, {NULL, NULL}};
    luaL_newlib(L, base64);
    lua_setfield(L, -2, "base64");
    lua_pushcfunction(L, sha256);
    lua_setfield(L, -2, "sha256");
}
