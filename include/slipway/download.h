/* Files from elsewhere that a playbook names by URL: fetched once, and the same ever after.
 *
 * slipway.lock, beside the inventory, keeps the SHA-256 of each URL that was fetched without one being given. The files lie in a cache, named by
 * their SHA-256. Before the network, a bundle is asked: a directory with files HOST/PATH or named by their SHA-256. A mirror serves HOST/PATH
 * below its own URL.
 */
#ifndef SLIPWAY_DOWNLOAD_H
#define SLIPWAY_DOWNLOAD_H

#include "slipway/arena.h"
#include "slipway/loop.h"
#include "slipway/str.h"

struct sw_downloads;

struct sw_download_options {
    const char *lock_file; /* path of slipway.lock, which may be absent */
    const char *cache_dir; /* made when something is fetched */
    const char *bundle;    /* directory, or NULL */
    const char *mirror;    /* URL, or NULL */
    bool offline;          /* nothing is fetched: what is not at hand is an error */
};

enum { SW_DOWNLOAD_MAX = 32 << 20 }; /* bytes of one file */

/* Strings are copied. Errors: a lock file that cannot be read, with its line. */
int sw_downloads_new(const struct sw_download_options *options, struct sw_downloads **ret, struct sw_err *err);
void sw_downloads_free(struct sw_downloads *downloads);
/* The file's bytes, where they are at hand. sha256: 64 hexadecimal digits, or NULL for the lock's. When it has to be fetched first:
 * SW_ENOTFOUND, and sw_downloads_wanted() counts it. SW_EINVAL: no URL of ours; SW_ECONFLICT: not what the lock says. */
int sw_downloads_read(struct sw_downloads *downloads, const char *url, const char *sha256, struct sw_str *ret, struct sw_err *err);
/* The same, as a file of the cache: its path, in the arena. */
int sw_downloads_file(struct sw_downloads *downloads, const char *url, const char *sha256, struct sw_arena *arena, const char **ret,
                      struct sw_err *err);
size_t sw_downloads_wanted(const struct sw_downloads *downloads);
/* Fetches what is wanted, checks it, keeps it, and writes the lock. tell: called with the URL before each. Runs the loop. */
int sw_downloads_fetch(struct sw_downloads *downloads, struct sw_loop *loop, void (*tell)(void *ctx, const char *url), void *ctx,
                       struct sw_err *err);

#endif
