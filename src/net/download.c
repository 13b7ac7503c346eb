/* What is at hand: the lock, the cache and the bundle. Fetching is download_fetch.c. */
#include "download.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "slipway/file.h"
#include "slipway/hash.h"
#include "slipway/vec.h"
#include "slipway/yaml.h"

enum { MAX_LOCK = 1 << 20, MAX_URL = 2048 };

static const char LOCK_HEAD[] =
    "# Written by slipway: what was fetched, by its SHA-256. Keep it with the inventory; take a line out to fetch that file anew.\n";

static bool is_sha256(const char *text) {
    return strspn(text, "0123456789abcdef") == 64 && !text[64];
}

const char *sw_download__place(struct sw_arena *arena, const char *url) {
    const char *p = sw_starts_with(url, "https://") ? url + 8 : sw_starts_with(url, "http://") ? url + 7 : NULL;
    if (!p || strlen(url) > MAX_URL) return NULL;
    size_t len = strcspn(p, "?#");
    const char *slash = memchr(p, '/', len);
    if (!slash || slash == p || slash + 1 == p + len || p[len - 1] == '/') return NULL;
    for (size_t i = 0; i < len; i++)
        if (iscntrl((unsigned char)p[i]) || strchr(" \\\"'`$@", p[i])) return NULL;
    const char *place = sw_strndup(arena, p, len);
    if (*place == '.') return NULL;
    return strstr(place, "/../") || strstr(place, "//") || sw_ends_with(place, "/..") ? NULL : place;
}

/* ---- the lock ---- */

static int read_lock(struct sw_downloads *d, struct sw_err *err) {
    struct sw_str text = {0};
    const struct sw_value *lock = NULL;
    struct sw_err why = {0};
    int rc = sw_file_read(d->options.lock_file, MAX_LOCK, &text, &why);
    if (rc == SW_OK) rc = sw_yaml_read(d->arena, d->options.lock_file, sw_str_z(&text), text.len, NULL, NULL, NULL, &lock, &why);
    sw_str_done(&text);
    if (rc == SW_ENOTFOUND) {
        sw_err_done(&why);
        return SW_OK;
    }
    const struct sw_value *files = rc == SW_OK ? sw_get(lock, "downloads") : NULL;
    if (rc == SW_OK && (!sw_is(files, SW_MAP) || lock->map.n != 1)) {
        rc = sw_err_set(&why, SW_EINVAL, "'downloads', a map of URLs and their SHA-256, and nothing else wanted");
        sw_err_at(&why, (struct sw_pos){d->options.lock_file, lock->line, 0});
    }
    for (size_t i = 0; rc == SW_OK && i < files->map.n; i++) {
        const struct sw_value *sha256 = files->map.v[i].value;
        if (!sw_is(sha256, SW_STR) || !is_sha256(sha256->s.p)) {
            rc = sw_err_set(&why, SW_EINVAL, "'%s': a SHA-256 of 64 hexadecimal digits wanted", files->map.v[i].key);
            sw_err_at(&why, (struct sw_pos){d->options.lock_file, sha256->line, 0});
        } else {
            sw_vec_push(&d->lock, ((struct sw_pin){files->map.v[i].key, sha256->s.p}));
        }
    }
    if (rc) {
        sw_err_move(err, &why);
        sw_err_hint(err, "it is written by slipway; take it from version control, or delete it to fetch everything anew");
    }
    sw_err_done(&why);
    return rc;
}

static const char *pinned(const struct sw_pins *pins, const char *url) {
    for (size_t i = 0; i < pins->n; i++)
        if (strcmp(pins->v[i].url, url) == 0) return pins->v[i].sha256;
    return NULL;
}

void sw_download__pin(struct sw_downloads *d, const char *url, const char *sha256) {
    sw_vec_push(&d->lock, ((struct sw_pin){sw_strdup(d->arena, url), sw_strdup(d->arena, sha256)}));
    d->lock_changed = true;
}

static int by_url(const void *a, const void *b) {
    return strcmp(((const struct sw_pin *)a)->url, ((const struct sw_pin *)b)->url);
}

int sw_download__write_lock(struct sw_downloads *d, struct sw_err *err) {
    if (!d->lock_changed) return SW_OK;
    struct sw_pair *pairs = sw_new_n(d->arena, struct sw_pair, d->lock.n + 1);
    qsort(d->lock.v, d->lock.n, sizeof *d->lock.v, by_url);
    for (size_t i = 0; i < d->lock.n; i++) pairs[i] = (struct sw_pair){d->lock.v[i].url, sw_value_str(d->arena, d->lock.v[i].sha256)};
    struct sw_pair root = {"downloads", sw_value_map(d->arena, pairs, d->lock.n)};
    struct sw_str text = {0};
    sw_str_addz(&text, LOCK_HEAD);
    sw_yaml_write(&text, sw_value_map(d->arena, &root, 1));
    int rc = sw_file_write(d->options.lock_file, text.p, text.len, 0644, err);
    sw_str_done(&text);
    if (rc == SW_OK) d->lock_changed = false;
    return rc;
}

/* ---- files ---- */

static const char *cached(struct sw_downloads *d, const char *sha256) {
    return sw_printf(d->arena, "%s/%s", d->options.cache_dir, sha256);
}

int sw_download__keep(struct sw_downloads *d, const struct sw_str *body, const char *sha256, struct sw_err *err) {
    int rc = sw_mkdirs(d->options.cache_dir, 0700, err);
    return rc ? rc : sw_file_write(cached(d, sha256), sw_str_z(body), body->len, 0644, err);
}

/* true: the file is there and is what it should be. A damaged one counts as absent: it is fetched anew. */
static bool read_checked(const char *path, const char *sha256, struct sw_str *ret) {
    char hex[65];
    ret->len = 0;
    if (sw_file_read(path, SW_DOWNLOAD_MAX, ret, NULL) != SW_OK) return false;
    sw_sha256(sw_str_z(ret), ret->len, hex);
    return strcmp(hex, sha256) == 0;
}

/* A stranger's bundle may hold links to what is none of his. */
static bool leads_out(const struct sw_downloads *d, const char *path) {
    char real[PATH_MAX], bundle[PATH_MAX];
    if (!d->options.offline || !realpath(path, real)) return false;
    size_t n = realpath(d->options.bundle, bundle) ? strlen(bundle) : 0;
    return n == 0 || strncmp(real, bundle, n) != 0 || real[n] != '/';
}

/* From the bundle. What it has for a URL without a known SHA-256 is taken and written to the lock, as a download would be. */
static int from_bundle(struct sw_downloads *d, const char *url, const char *place, const char *sha256, struct sw_str *ret,
                       struct sw_err *err) {
    const char *bundle = d->options.bundle;
    char hex[65];
    if (!bundle) return SW_ENOTFOUND;
    if (sha256 && read_checked(sw_printf(d->arena, "%s/%s", bundle, sha256), sha256, ret)) return SW_OK;
    const char *path = sw_printf(d->arena, "%s/%s", bundle, place);
    ret->len = 0;
    if (leads_out(d, path)) return sw_err_set(err, SW_EREFUSED, "'%s' of a stranger's bundle leads out of it", place);
    /* What lies there and cannot be used is not fetched from elsewhere instead. */
    int rc = sw_file_read(path, SW_DOWNLOAD_MAX, ret, err);
    if (rc == SW_ELIMIT) sw_err_hint(err, "a file may have %d MiB", SW_DOWNLOAD_MAX >> 20);
    if (rc == SW_ENOTFOUND) sw_err_done(err);
    if (rc != SW_OK) return rc;
    sw_sha256(sw_str_z(ret), ret->len, hex);
    if (sha256 && strcmp(hex, sha256) != 0) {
        sw_err_set(err, SW_ECONFLICT, "'%s' of the bundle is not what was pinned: its SHA-256 is %s, wanted %s", place, hex, sha256);
        sw_err_hint(err, "put the right file at %s", path);
        return SW_ECONFLICT;
    }
    if (!sha256 && !d->options.offline) {
        sw_download__pin(d, url, hex);
        return sw_download__write_lock(d, err);
    }
    return SW_OK;
}

static void want(struct sw_downloads *d, const char *url, const char *sha256) {
    for (size_t i = 0; i < d->wanted.n; i++)
        if (strcmp(d->wanted.v[i].url, url) == 0) return;
    sw_vec_push(&d->wanted, ((struct sw_pin){sw_strdup(d->arena, url), sha256 ? sw_strdup(d->arena, sha256) : NULL}));
}

int sw_downloads_read(struct sw_downloads *d, const char *url, const char *sha256, struct sw_str *ret, struct sw_err *err) {
    const char *place = sw_download__place(d->arena, url);
    if (!place) {
        sw_err_set(err, SW_EINVAL, "'%s' is no URL of a file: https://HOST/PATH wanted", url);
        return SW_EINVAL;
    }
    if (sha256 && !is_sha256(sha256)) return sw_err_set(err, SW_EINVAL, "sha256 of '%s': 64 hexadecimal digits wanted", url);
    const char *locked = pinned(&d->lock, url);
    if (sha256 && locked && strcmp(sha256, locked) != 0) {
        sw_err_set(err, SW_ECONFLICT, "'%s' is pinned to another SHA-256 in %s", url, d->options.lock_file);
        sw_err_hint(err, "where the new one is right, take its line out of the file");
        return SW_ECONFLICT;
    }
    const char *wanted = sha256 ? sha256 : locked;
    if (wanted && read_checked(cached(d, wanted), wanted, ret)) return SW_OK;
    struct sw_err own = {0};
    int rc = from_bundle(d, url, place, wanted, ret, &own);
    if (own.code) {
        sw_err_move(err, &own);
        return rc;
    }
    if (rc == SW_OK) return SW_OK;
    if (d->options.offline) {
        sw_err_set(err, SW_EREFUSED, "'%s' is not at hand, and nothing is fetched for a stranger's playbook", url);
        sw_err_hint(err, "fetch it once with a plan of your own");
        return SW_EREFUSED;
    }
    want(d, url, wanted);
    return sw_err_set(err, SW_ENOTFOUND, "'%s' was not fetched yet", url);
}

int sw_downloads_file(struct sw_downloads *d, const char *url, const char *sha256, struct sw_arena *arena, const char **ret,
                      struct sw_err *err) {
    struct sw_str text = {0};
    char hex[65];
    int rc = sw_downloads_read(d, url, sha256, &text, err);
    if (rc == SW_OK) {
        sw_sha256(sw_str_z(&text), text.len, hex);
        *ret = sw_strdup(arena, cached(d, hex));
        struct sw_str kept = {0};
        if (!read_checked(*ret, hex, &kept)) /* it came from the bundle */
            rc = d->options.offline
                     ? sw_err_set(err, SW_EREFUSED, "'%s' was not used yet, and nothing is kept for a stranger's playbook", url)
                     : sw_download__keep(d, &text, hex, err);
        sw_str_done(&kept);
    }
    sw_str_done(&text);
    return rc;
}

size_t sw_downloads_wanted(const struct sw_downloads *d) {
    return d->wanted.n;
}

int sw_downloads_new(const struct sw_download_options *options, struct sw_downloads **ret, struct sw_err *err) {
    struct sw_downloads *d = sw_xcalloc(1, sizeof *d);
    d->arena = sw_arena_new();
    d->options = *options;
    d->options.lock_file = sw_strdup(d->arena, options->lock_file);
    d->options.cache_dir = sw_strdup(d->arena, options->cache_dir);
    d->options.bundle = options->bundle ? sw_strdup(d->arena, options->bundle) : NULL;
    d->options.mirror = options->mirror ? sw_strdup(d->arena, options->mirror) : NULL;
    int rc = read_lock(d, err);
    if (rc) {
        sw_downloads_free(d);
        return rc;
    }
    *ret = d;
    return SW_OK;
}

void sw_downloads_free(struct sw_downloads *d) {
    if (!d) return;
    sw_vec_done(&d->wanted);
    sw_vec_done(&d->lock);
    sw_arena_free(d->arena);
    free(d);
}
