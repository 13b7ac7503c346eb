/* The state as a file: what it must look like before a database engine may touch it, and how it is read without leaving a trace.
 *
 * The file is looked at through SQLite's own VFS, never with open(2): closing any descriptor of a file drops all of this process's POSIX
 * locks on it, among them those of a connection that is open to the same state. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "state_db.h"

#ifdef __APPLE__
#define st_mtim st_mtimespec
#endif
#define SNAPSHOT_MAX ((int64_t)1 << 30)

/* A file opened through the VFS, for reading. */
struct peek {
    sqlite3_file *file;
    sqlite3_filename name;
    int64_t size;
};

static void peek_close(struct peek *peek) {
    if (peek->file && peek->file->pMethods) peek->file->pMethods->xClose(peek->file);
    free(peek->file);
    sqlite3_free_filename(peek->name);
    *peek = (struct peek){0};
}

static int peek_open(struct peek *peek, const char *path, struct sw_err *err) {
    sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
    *peek = (struct peek){.file = sw_xcalloc(1, (size_t)vfs->szOsFile), .name = sqlite3_create_filename(path, "", "", 0, NULL)};
    sqlite3_int64 size = 0;
    errno = 0;
    if (vfs->xOpen(vfs, peek->name, peek->file, SQLITE_OPEN_READONLY | SQLITE_OPEN_MAIN_DB, NULL) ||
        peek->file->pMethods->xFileSize(peek->file, &size)) {
        int saved = errno;
        peek_close(peek);
        return sw_err_set(err, SW_EIO, "the state '%s' cannot be read: %s", path, saved ? strerror(saved) : "I/O error");
    }
    peek->size = size;
    return 0;
}

static uint32_t big_endian(const unsigned char *p) {
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static bool has_wal(const char *path) {
    char *wal = sw_xprintf("%s-wal", path);
    struct stat st;
    bool is = stat(wal, &st) == 0;
    free(wal);
    return is;
}

static int truncated(const char *path, int64_t size, int64_t expected, struct sw_err *err) {
    if (expected)
        sw_err_set(err, SW_EIO, "the state '%s' is truncated: %lld of %lld bytes are there", path, (long long)size, (long long)expected);
    else
        sw_err_set(err, SW_EIO, "the state '%s' is truncated: %lld bytes are there", path, (long long)size);
    sw_err_hint(err, "nothing was written to it; restore it from a backup (without a state slipway does not know what it made)");
    return SW_EIO;
}

static int check_header(const char *path, struct peek *peek, struct sw_err *err) {
    unsigned char header[100] = {0};
    size_t n = peek->size < (int64_t)sizeof header ? (size_t)peek->size : sizeof header;
    if (n && peek->file->pMethods->xRead(peek->file, header, (int)n, 0))
        return sw_err_set(err, SW_EIO, "the state '%s' cannot be read: I/O error", path);
    static const char magic[16] = "SQLite format 3";
    if (memcmp(header, magic, n < 16 ? n : 16) != 0) {
        sw_err_set(err, SW_EINVAL, "'%s' is not a slipway state: it is not an SQLite database", path);
        sw_err_hint(err, "nothing was written to it; move it away, or name another directory in SLIPWAY_STATE_DIR");
        return SW_EINVAL;
    }
    if (n < sizeof header) return truncated(path, peek->size, 0, err);
    if (big_endian(header + 68) != SW_STATE__APPLICATION_ID) {
        sw_err_set(err, SW_EINVAL, "'%s' is not a slipway state: it is the database of another program", path);
        sw_err_hint(err, "nothing was written to it; move it away, or name another directory in SLIPWAY_STATE_DIR");
        return SW_EINVAL;
    }
    uint32_t version = big_endian(header + 60);
    if (version > SW_STATE__VERSION) {
        sw_err_set(err, SW_EINVAL, "the state '%s' is from a newer slipway: its format is %u, this one (" SLIPWAY_VERSION ") knows %d",
                   path, version, SW_STATE__VERSION);
        sw_err_hint(err, "nothing was written to it; use the slipway that wrote it, or a newer one");
        return SW_EINVAL;
    }
    /* With a WAL the end of the database may still be in there. */
    int64_t page = header[16] << 8 | header[17];
    int64_t expected = (page == 1 ? 65536 : page) * (int64_t)big_endian(header + 28);
    if (peek->size < expected && !has_wal(path)) return truncated(path, peek->size, expected, err);
    return 0;
}

int sw_state__probe(const char *path, enum sw_state__presence *ret, struct sw_err *err) {
    struct stat st;
    if (stat(path, &st)) {
        if (errno != ENOENT && errno != ENOTDIR) return sw_err_set(err, SW_EIO, "the state '%s' cannot be read: %s", path, strerror(errno));
        if (has_wal(path)) {
            sw_err_set(err, SW_EIO, "the state '%s' is missing, but its write-ahead log '%s-wal' is there", path, path);
            sw_err_hint(err, "restore both from the same backup; or, if the state was removed on purpose, remove that file too");
            return SW_EIO;
        }
        *ret = SW_STATE__ABSENT;
        return 0;
    }
    if (!S_ISREG(st.st_mode)) {
        sw_err_set(err, SW_EINVAL, "the state '%s' is %s, not a file", path, S_ISDIR(st.st_mode) ? "a directory" : "a device or a socket");
        sw_err_hint(err, "move it away, or name another directory in SLIPWAY_STATE_DIR");
        return SW_EINVAL;
    }
    struct peek peek;
    int rc = peek_open(&peek, path, err);
    if (rc) return rc;
    rc = check_header(path, &peek, err);
    peek_close(&peek);
    if (!rc) *ret = SW_STATE__PRESENT;
    return rc;
}

/* Reading without a trace. A clean close leaves no -wal and no -shm, and SQLite makes both even for a read-only connection. So a state at
 * rest is read whole into memory and opened there; that the file did not move meanwhile is checked like a seqlock: a writer has a -wal
 * for as long as it is there, and what it leaves has another time. */
static int read_at_rest(struct sw_state *state, bool *ret_busy, struct sw_err *err) {
    struct stat before, after;
    struct peek peek;
    *ret_busy = false;
    if (stat(state->path, &before)) return sw_err_set(err, SW_EIO, "the state '%s' cannot be read: %s", state->path, strerror(errno));
    int rc = peek_open(&peek, state->path, err);
    if (rc) return rc;
    if (peek.size > SNAPSHOT_MAX) {
        peek_close(&peek);
        *ret_busy = true; /* too much to hold: let SQLite page it */
        return 0;
    }
    unsigned char *image = sqlite3_malloc64((sqlite3_uint64)peek.size);
    if (!image) abort();
    for (int64_t at = 0; !rc && at < peek.size; at += 1 << 20) {
        int64_t n = peek.size - at < 1 << 20 ? peek.size - at : 1 << 20;
        if (peek.file->pMethods->xRead(peek.file, image + at, (int)n, at))
            rc = sw_err_set(err, SW_EIO, "the state '%s' cannot be read: I/O error", state->path);
    }
    int64_t size = peek.size;
    peek_close(&peek);
    if (!rc && (stat(state->path, &after) || after.st_ino != before.st_ino || after.st_size != before.st_size ||
                after.st_mtim.tv_sec != before.st_mtim.tv_sec || after.st_mtim.tv_nsec != before.st_mtim.tv_nsec || has_wal(state->path)))
        *ret_busy = true;
    if (rc || *ret_busy) {
        sqlite3_free(image);
        return rc;
    }
    image[18] = image[19] = 1; /* there is no WAL in memory */
    if (sqlite3_open(":memory:", &state->db)) {
        sqlite3_free(image);
        return sw_db__fail(state, err);
    }
    /* From here on the image is SQLite's, even when this fails. */
    if (sqlite3_deserialize(state->db, "main", image, size, size, SQLITE_DESERIALIZE_FREEONCLOSE | SQLITE_DESERIALIZE_READONLY))
        return sw_db__fail(state, err);
    return 0;
}

int sw_state__attach(struct sw_state *state, struct sw_err *err) {
    if (state->read_only) {
        for (int i = 0; i < 3 && !has_wal(state->path); i++) {
            bool busy;
            int rc = read_at_rest(state, &busy, err);
            if (rc || !busy) return rc;
        }
    }
    /* A state with a WAL is open elsewhere, or its last process was killed: -wal and -shm are there already and are only used. */
    int flags = (state->read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE) | SQLITE_OPEN_PRIVATECACHE;
    if (sqlite3_open_v2(state->path, &state->db, flags, NULL)) return sw_db__fail(state, err);
    sqlite3_busy_timeout(state->db, 10000);
    /* Until it is known to be ours and whole, closing it again must not fold the log into it (sw_state__accept allows that). */
    sqlite3_db_config(state->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    return 0;
}

int sw_state__accept(struct sw_state *state, struct sw_err *err) {
    if (state->read_only) return 0;
    chmod(state->path, 0600); /* one that came back from a backup; secrets are sealed, so this is a courtesy and may fail */
    sqlite3_db_config(state->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
    /* fullfsync: on macOS fsync(2) alone does not reach the disk. A database that was restored from a dump is not WAL: make it so. */
    return sw_state__exec(state, "PRAGMA fullfsync=1; PRAGMA checkpoint_fullfsync=1; PRAGMA journal_mode=WAL", err);
}
