/* known_hosts files, sshd(8) "SSH_KNOWN_HOSTS FILE FORMAT": names with wildcards and negation, [name]:port, hashed names, @revoked.
 * Our own because libssh 0.10 takes "@revoked" for a host name. @cert-authority lines are skipped: libssh cannot check host certificates.
 */
#ifndef SLIPWAY_NET_KNOWN_HOSTS_H
#define SLIPWAY_NET_KNOWN_HOSTS_H

#include <stdbool.h>
#include "slipway/err.h"
#include "slipway/str.h"

struct sw_known_key {
    char *type;   /* "ssh-ed25519" */
    char *base64; /* the key */
    bool revoked;
    char *file;
    unsigned line;
};
struct sw_known_hosts {
    struct sw_known_key *v;
    size_t n, cap;
};

/* The name as known_hosts writes it: "host" or "[host]:2222". */
void sw_known_hosts_name(const char *address, unsigned port, struct sw_str *ret);
/* Adds the keys of this name that `text` lists. */
void sw_known_hosts_parse(struct sw_known_hosts *known, const char *text, size_t len, const char *file, const char *name);
/* The same from a file; a file that is not there has no keys. */
int sw_known_hosts_read(struct sw_known_hosts *known, const char *file, const char *name, struct sw_err *err);
void sw_known_hosts_done(struct sw_known_hosts *known);

#endif
