/* What sigv4.c needs of a URL. */
#ifndef SLIPWAY_NET_SIGV4_URL_H
#define SLIPWAY_NET_SIGV4_URL_H

#include "slipway/err.h"
#include "slipway/str.h"

struct sigv4_url { /* parts of the URL, borrowed from it */
    const char *authority, *path, *query;
    size_t authority_len, path_len, query_len;
};

/* authority: as Host is sent, without user and without the port that the scheme has anyway. SW_EINVAL. */
int sw_sigv4__split(const char *url, struct sigv4_url *ret, struct sw_err *err);
/* raw: as it is, encoded once. Else normalised and encoded, though it is encoded already. */
void sw_sigv4__add_path(struct sw_str *out, const struct sigv4_url *url, bool raw);
int sw_sigv4__add_query(struct sw_str *out, const struct sigv4_url *url, struct sw_err *err); /* SW_ELIMIT */

#endif
