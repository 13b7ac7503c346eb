/* AES-256-GCM. The nonce is random: 96 bits are safe for 2^32 messages under one key, and a state seals a few thousand. */
#include "secretbox.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

#include "slipway/clock.h"
#include "slipway/state.h"

enum { NONCE = 12, TAG = 16, KEY = 32 };
#define PREFIX    "v1:"
#define PLAIN_MAX ((size_t)1 << 28) /* far below INT_MAX: EVP counts in int */

int sw_seal(const unsigned char *key, const char *context, const void *plain, size_t len, struct sw_str *ret) {
    if (len > PLAIN_MAX) return SW_ELIMIT;
    size_t size = NONCE + len + TAG;
    unsigned char *box = sw_xmalloc(size);
    sw_random(box, NONCE);
    int n = 0, rc = SW_EINTERNAL;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    if (!ctx) goto out;
    /* A NULL output adds authenticated data; an empty plain text needs no update call. */
    if (EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, box) != 1) goto out;
    if (EVP_EncryptUpdate(ctx, NULL, &n, (const unsigned char *)context, (int)strlen(context)) != 1) goto out;
    if (len && EVP_EncryptUpdate(ctx, box + NONCE, &n, plain, (int)len) != 1) goto out;
    if (EVP_EncryptFinal_ex(ctx, box + NONCE + len, &n) != 1) goto out;
    if (EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, TAG, box + NONCE + len) != 1) goto out;
    sw_str_addz(ret, PREFIX);
    sw_str_add_base64(ret, box, size);
    rc = 0;
out:
    EVP_CIPHER_CTX_free(ctx);
    free(box);
    return rc;
}

static bool decrypt(const unsigned char *key, const char *context, const unsigned char *box, size_t size, unsigned char *plain) {
    int n = 0;
    size_t len = size - NONCE - TAG;
    bool ok = false;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    if (!ctx) return false;
    if (EVP_DecryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, box) != 1) goto out;
    if (EVP_DecryptUpdate(ctx, NULL, &n, (const unsigned char *)context, (int)strlen(context)) != 1) goto out;
    if (len && EVP_DecryptUpdate(ctx, plain, &n, box + NONCE, (int)len) != 1) goto out;
    if (EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, TAG, (void *)(box + NONCE + len)) != 1) goto out;
    ok = EVP_DecryptFinal_ex(ctx, plain + len, &n) == 1; /* nothing of `plain` is used before this says yes */
out:
    EVP_CIPHER_CTX_free(ctx);
    return ok;
}

int sw_unseal(const unsigned char *key, const char *context, const char *text, struct sw_str *ret, struct sw_err *err) {
    if (!sw_starts_with(text, PREFIX))
        return sw_err_set(err, SW_EINVAL, "a sealed secret is of an unknown kind: it does not start with '" PREFIX "'");
    const char *body = text + sizeof PREFIX - 1;
    struct sw_str box = {0};
    if (!sw_base64_decode(body, strlen(body), &box) || box.len < NONCE + TAG || box.len - NONCE - TAG > PLAIN_MAX) {
        sw_str_done(&box);
        return sw_err_set(err, SW_EINVAL, "a sealed secret is damaged: it is not whole base64");
    }
    size_t len = box.len - NONCE - TAG;
    unsigned char *plain = sw_xmalloc(len + 1);
    int rc = 0;
    if (decrypt(key, context, (const unsigned char *)box.p, box.len, plain))
        sw_str_add(ret, (const char *)plain, len);
    else
        rc = sw_err_set(err, SW_EAUTH, "a secret cannot be decrypted: it was sealed with another key, or was changed since");
    sw_wipe(plain, len + 1);
    free(plain);
    sw_str_done(&box);
    return rc;
}

void sw_secretbox__mac(const unsigned char *key, const char *purpose, const void *data, size_t len, char ret_hex[static 65]) {
    unsigned char derived[32], mac[32];
    unsigned n = sizeof derived;
    bool ok = HMAC(EVP_sha256(), key, KEY, (const unsigned char *)purpose, strlen(purpose), derived, &n) &&
              HMAC(EVP_sha256(), derived, sizeof derived, data, len, mac, &n);
    if (!ok) abort(); /* only without SHA-256 or memory */
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < sizeof mac; i++) {
        ret_hex[2 * i] = digits[mac[i] >> 4];
        ret_hex[2 * i + 1] = digits[mac[i] & 15];
    }
    ret_hex[64] = 0;
    sw_wipe(derived, sizeof derived);
}

bool sw_secretbox__same(const char a[static 64], const char b[static 64]) {
    return CRYPTO_memcmp(a, b, 64) == 0;
}
