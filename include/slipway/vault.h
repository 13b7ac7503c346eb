/* Secrets from HashiCorp Vault or OpenBao, key-value engine version 2. */
#ifndef SLIPWAY_VAULT_H
#define SLIPWAY_VAULT_H

#include "slipway/value.h"

/* Reads one secret: "secret/data/grafana#password" is the field 'password' of the newest version; without '#', all fields as a MAP.
 * The value is marked secret. From the environment (BAO_* for VAULT_* works, too): VAULT_ADDR, VAULT_TOKEN or else ~/.vault-token,
 * VAULT_NAMESPACE, VAULT_CACERT. Blocks (30 s at most), on a loop of its own.
 * SW_EINVAL, SW_EAUTH (403), SW_ENOTFOUND (404, or no such field), SW_EREMOTE, SW_EUNREACHABLE, SW_ETIMEOUT. */
int sw_vault_read(const char *ref, struct sw_arena *arena, const struct sw_value **ret, struct sw_err *err);

#endif
