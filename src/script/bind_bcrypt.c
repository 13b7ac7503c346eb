/* core.bcrypt(password, seed): the bcrypt hash ($2b$10$..., OpenBSD's form) that Argo CD and others want of a password. The salt follows from
 * password and seed, so that the same password gives the same hash in every plan; the seed keeps clusters apart. */
#include "host.h"

#include <crypt.h>
#include <openssl/evp.h>
#include <string.h>

enum { SALT_BYTES = 16, SALT_TEXT = 22 };

/* bcrypt's own base64: another alphabet, no padding. */
static void salt_text(const unsigned char salt[static SALT_BYTES], char ret[static SALT_TEXT + 1]) {
    static const char alphabet[] = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    for (unsigned i = 0; i < SALT_TEXT; i++) {
        unsigned bit = i * 6, value = (unsigned)salt[bit / 8] << 8;
        if (bit / 8 + 1 < SALT_BYTES) value |= salt[bit / 8 + 1];
        ret[i] = alphabet[value >> (10 - bit % 8) & 63];
    }
    ret[SALT_TEXT] = '\0';
}

static int bcrypt(lua_State *L) {
    struct sw_text text;
    size_t seed_len;
    const char *seed = luaL_checklstring(L, 2, &seed_len);
    lua_settop(L, 2);
    if (sw_script__opaque(L, 1) == SW_O_UNKNOWN) {
        sw_script__push_unknown(L);
        return 1;
    }
    if (lua_type(L, 1) == LUA_TBOOLEAN || !sw_script__text(L, 1, &text)) return luaL_argerror(L, 1, "a text known now wanted");
    if (text.len == 0 || text.len > 72 || memchr(text.p, '\0', text.len))
        return sw_script__fail(L, SW_EINVAL, "a password of 1 to 72 bytes wanted: bcrypt takes no more");
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    EVP_DigestInit_ex(md, EVP_sha256(), NULL);
    EVP_DigestUpdate(md, seed, seed_len + 1);
    EVP_DigestUpdate(md, text.p, text.len);
    EVP_DigestFinal_ex(md, digest, &n);
    EVP_MD_CTX_free(md);
    char setting[7 + SALT_TEXT + 1] = "$2b$10$";
    salt_text(digest, setting + 7);
    sw_wipe(digest, sizeof digest);
    struct crypt_data *data = lua_newuserdatauv(L, sizeof *data, 0);
    memset(data, 0, sizeof *data);
    const char *hash = crypt_r(text.p, setting, data);
    bool fine = hash && strlen(hash) == 60;
    if (fine) sw_script__push_secret_text(L, hash, 60);
    sw_wipe(data, sizeof *data);
    if (!fine) return sw_script__fail(L, SW_EREFUSED, "this machine's crypt library knows no bcrypt");
    return 1;
}

void sw_script__open_bcrypt(lua_State *L) {
    lua_pushcfunction(L, bcrypt);
    lua_setfield(L, -2, "bcrypt");
}
