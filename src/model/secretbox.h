/* What the model needs of secretbox beyond state.h: a keyed checksum for whole files. */
#ifndef SLIPWAY_MODEL_SECRETBOX_H
#define SLIPWAY_MODEL_SECRETBOX_H

#include <stdbool.h>
#include <stddef.h>

/* HMAC-SHA-256 of `data` under a key derived from `key` for `purpose`, as 64 hex digits. The derivation keeps the key that seals
 * secrets out of any other use. */
void sw_secretbox__mac(const unsigned char *key, const char *purpose, const void *data, size_t len, char ret_hex[static 65]);
/* Compares two such texts in constant time. */
bool sw_secretbox__same(const char a[static 64], const char b[static 64]);

#endif
