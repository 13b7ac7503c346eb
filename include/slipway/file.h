/* Local files, whole and safely: bounded reads, atomic writes. */
#ifndef SLIPWAY_FILE_H
#define SLIPWAY_FILE_H

#include <stdint.h>
#include "slipway/err.h"
#include "slipway/str.h"

/* Reads a whole regular file of at most max_bytes. SW_ENOTFOUND, SW_ELIMIT, SW_EIO. */
int sw_file_read(const char *path, size_t max_bytes, struct sw_str *ret, struct sw_err *err);
/* Writes to a temporary file beside `path`, fsyncs, renames. The old file is whole until then. mode e.g. 0600. */
int sw_file_write(const char *path, const void *data, size_t len, unsigned mode, struct sw_err *err);
/* What that is made of. All of `data`, then fsync(2); -1 with errno. */
int sw_write_synced(int fd, const void *data, size_t len);
/* Makes a rename(2) or link(2) to `path` itself last. Some file systems cannot sync a directory: the file is there all the same. */
void sw_sync_directory_of(const char *path);
/* mkdir -p with `mode` for the directories it makes. */
int sw_mkdirs(const char *path, unsigned mode, struct sw_err *err);
/* Expands a leading ~/ by $HOME. Result malloc'ed. */
char *sw_expand_home(const char *path);

#endif
