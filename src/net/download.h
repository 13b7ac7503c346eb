/* Inside downloads. */
#ifndef SLIPWAY_NET_DOWNLOAD_H
#define SLIPWAY_NET_DOWNLOAD_H

#include "slipway/download.h"

/* What is pinned, or wanted; strings in the arena. */
struct sw_pin {
    const char *url;
    const char *sha256; /* of what is wanted, NULL: whatever comes is written to the lock */
};

struct sw_downloads {
    struct sw_arena *arena;
    struct sw_download_options options;
    struct sw_pins {
        struct sw_pin *v;
        size_t n, cap;
    } lock, wanted;
    bool lock_changed;
};

/* "https://example.org/a/b?c" -> "example.org/a/b" in the arena; NULL when it is no http(s) URL with a path that can be a file's. */
const char *sw_download__place(struct sw_arena *arena, const char *url);
/* Puts a file into the cache. */
int sw_download__keep(struct sw_downloads *downloads, const struct sw_str *body, const char *sha256, struct sw_err *err);
void sw_download__pin(struct sw_downloads *downloads, const char *url, const char *sha256);
int sw_download__write_lock(struct sw_downloads *downloads, struct sw_err *err);

#endif
