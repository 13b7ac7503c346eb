/* AWS Signature Version 4, in the Authorization header. Source of the format: "Signature Version 4 signing process", AWS General Reference. */
#ifndef SLIPWAY_SIGV4_H
#define SLIPWAY_SIGV4_H

#include <stdbool.h>
#include <stdint.h>
#include "slipway/err.h"
#include "slipway/str.h"

struct sw_http_request;

struct sw_sigv4 {
    const char *service, *region; /* "ec2", "ap-northeast-2" */
    const char *key, *secret;
    const char *token; /* of temporary credentials, or NULL */
    int64_t time;      /* seconds since 1970-01-01 UTC */
    bool raw_path;     /* S3: the path counts as it is, and is encoded once; elsewhere it is normalised and encoded twice */
    bool body_hash;    /* S3: an x-amz-content-sha256 header */
};

/* Signing keys made so far: one for each day, region, service and access key. Zero-initialise; sw_sigv4_keys_done() wipes it. */
struct sw_sigv4_keys {
    struct {
        unsigned char id[32], key[32];
        uint64_t used;
    } v[16];
    uint64_t clock;
};

enum { SW_SIGV4_HEADERS = 5 };
/* What to send besides the request's own headers. sw_sigv4_headers_done() wipes and frees it. */
struct sw_sigv4_headers {
    char *lines[SW_SIGV4_HEADERS + 1]; /* "Name: value": X-Amz-Date, Authorization, ...; NULL-terminated, malloc'ed */
};

/* Signs `request` as it stands: every header but those that proxies change. Its URL is what travels, percent-encoded. `keys` may be NULL.
 * SW_EINVAL: the URL, a header or a credential is not fit to be signed; SW_ELIMIT: too many headers or query parameters. */
int sw_sigv4_sign(const struct sw_sigv4 *with, struct sw_sigv4_keys *keys, const struct sw_http_request *request,
                  struct sw_sigv4_headers *ret, struct sw_err *err);
void sw_sigv4_headers_done(struct sw_sigv4_headers *headers);
void sw_sigv4_keys_done(struct sw_sigv4_keys *keys);

#endif
