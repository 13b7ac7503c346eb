#ifndef SLIPWAY_HASH_H
#define SLIPWAY_HASH_H

#include <stddef.h>

/* SHA-256 in 64 hexadecimal digits, and a NUL byte. */
void sw_sha256(const void *data, size_t len, char ret_hex[static 65]);

#endif
