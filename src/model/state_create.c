/* A state comes into being: tables, lineage, and the file put in place whole. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "slipway/clock.h"
#include "slipway/file.h"
#include "state_db.h"

static const char schema_sql[] =
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE resource (address TEXT PRIMARY KEY, type TEXT NOT NULL, name TEXT NOT NULL, host TEXT, provider TEXT, attributes TEXT "
    "NOT NULL,"
    " depends TEXT NOT NULL, status TEXT NOT NULL, seq INTEGER NOT NULL, updated_ms INTEGER NOT NULL, prevent_destroy INTEGER NOT NULL,"
    " create_before_destroy INTEGER NOT NULL);"
    "CREATE INDEX resource_seq ON resource (seq);"
    "CREATE TABLE host (name TEXT PRIMARY KEY, connection TEXT NOT NULL);"
    "CREATE TABLE output (name TEXT PRIMARY KEY, value TEXT NOT NULL);"
    "CREATE TABLE run (id INTEGER PRIMARY KEY AUTOINCREMENT, operation TEXT NOT NULL, who TEXT NOT NULL, started_ms INTEGER NOT NULL,"
    " ended_ms INTEGER NOT NULL DEFAULT 0, outcome TEXT, done INTEGER NOT NULL DEFAULT 0, failed INTEGER NOT NULL DEFAULT 0,"
    " skipped INTEGER NOT NULL DEFAULT 0);"
    "CREATE TABLE intent (id INTEGER PRIMARY KEY AUTOINCREMENT, run INTEGER NOT NULL, address TEXT NOT NULL, type TEXT NOT NULL, name TEXT "
    "NOT NULL,"
    " host TEXT, provider TEXT, action TEXT NOT NULL, token TEXT NOT NULL, desired TEXT, opened_ms INTEGER NOT NULL,"
    " closed_ms INTEGER NOT NULL DEFAULT 0, outcome TEXT);"
    "CREATE INDEX intent_run ON intent (run);"
    "CREATE INDEX intent_open ON intent (id) WHERE outcome IS NULL;"
    "CREATE TABLE lock (id INTEGER PRIMARY KEY CHECK (id = 1), generation INTEGER NOT NULL, user TEXT NOT NULL, host TEXT NOT NULL,"
    " machine TEXT NOT NULL, pid INTEGER NOT NULL, started INTEGER NOT NULL, operation TEXT NOT NULL, since_ms INTEGER NOT NULL,"
    " until_ms INTEGER NOT NULL);";

/* link(2) and not rename(2): it refuses to replace. Of two processes that create a state at once one wins and the other uses that one. */
int sw_state__create_file(const char *path, const void *data, size_t len, struct sw_err *err) {
    char *temporary = sw_xprintf("%s.new-XXXXXX", path);
    int rc = 0, fd = mkostemp(temporary, O_CLOEXEC); /* O_EXCL, 0600 */
    if (fd < 0) {
        rc = sw_err_set(err, SW_EIO, "'%s' cannot be created: %s", path, strerror(errno));
        free(temporary);
        return rc;
    }
    bool ok = sw_write_synced(fd, data, len) == 0;
    int saved = errno;
    if (close(fd) && ok) ok = false, saved = errno;
    if (ok && link(temporary, path)) {
        ok = false, saved = errno;
        if (saved == ENOENT && access(path, F_OK) == 0) saved = EEXIST; /* it is there, and whoever made it cleared ours away */
    }
    unlink(temporary);
    if (ok)
        sw_sync_directory_of(path);
    else if (saved == EEXIST)
        rc = sw_err_set(err, SW_EEXISTS, "'%s' exists already", path);
    else
        rc = sw_err_set(err, SW_EIO, "'%s' cannot be created: %s", path, strerror(saved));
    free(temporary);
    return rc;
}

/* What a process that was killed while it created the key or the state left beside them: a key that is in no use, or another name of the
 * one that is. Once the two are there nobody can put another in their place, so whoever is still at it loses nothing. */
void sw_state__clear_leftovers(const char *dir) {
    static const char *const names[] = {"state.key", "state.db"};
    DIR *d = opendir(dir);
    for (struct dirent *entry; d && (entry = readdir(d));) {
        for (size_t i = 0; i < 2; i++) {
            size_t len = strlen(names[i]);
            struct stat st;
            if (strncmp(entry->d_name, names[i], len) != 0 || strncmp(entry->d_name + len, ".new-", 5) != 0 ||
                strlen(entry->d_name) != len + 11 || faccessat(dirfd(d), names[i], F_OK, 0))
                continue;
            if (fstatat(dirfd(d), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode))
                unlinkat(dirfd(d), entry->d_name, 0);
        }
    }
    if (d) closedir(d);
}

static bool insert_meta(sqlite3 *db, const char *lineage, const char *check, int64_t now) {
    sqlite3_stmt *stmt = NULL;
    bool ok = sqlite3_prepare_v2(
                  db, "INSERT INTO meta VALUES ('lineage', ?1), ('key_check', ?2), ('created_ms', ?3), ('serial', 0), ('generation', 0)",
                  -1, &stmt, NULL) == SQLITE_OK;
    if (ok) {
        sw_db__bind_text(stmt, 1, lineage);
        sw_db__bind_text(stmt, 2, check);
        sw_db__bind_int(stmt, 3, now);
        ok = sqlite3_step(stmt) == SQLITE_DONE;
    }
    sqlite3_finalize(stmt);
    return ok;
}

/* The new database is made in memory and put in place whole: a state.db that is short or empty was never written by slipway, so it can be
 * refused as truncated instead of being taken for a new one. */
int sw_state__create(struct sw_state *state, struct sw_err *err) {
    unsigned char random[16];
    struct sw_str lineage = {0}, check = {0};
    sw_random(random, sizeof random);
    sw_str_add_hex(&lineage, random, sizeof random);
    char *context = sw_xprintf("key check %s", lineage.p);
    if (sw_seal(state->key, context, lineage.p, lineage.len, &check)) abort();
    free(context);

    char *pragmas = sw_xprintf("PRAGMA application_id=%d; PRAGMA user_version=%d", SW_STATE__APPLICATION_ID, SW_STATE__VERSION);
    sqlite3 *db = NULL;
    sqlite3_int64 size = 0;
    unsigned char *image = NULL;
    bool ok = sqlite3_open(":memory:", &db) == SQLITE_OK && sqlite3_exec(db, pragmas, NULL, NULL, NULL) == SQLITE_OK &&
              sqlite3_exec(db, schema_sql, NULL, NULL, NULL) == SQLITE_OK && insert_meta(db, lineage.p, check.p, state->wall());
    if (ok) image = sqlite3_serialize(db, "main", &size, 0);
    int rc;
    if (image) {
        image[18] = image[19] = 2; /* WAL from its first byte on: two first openers need not agree on a change of mode */
        rc = sw_state__create_file(state->path, image, (size_t)size, err);
    } else {
        rc = sw_err_set(err, SW_EINTERNAL, "a new state could not be made: %s", db ? sqlite3_errmsg(db) : "no memory");
    }
    sqlite3_free(image);
    sqlite3_close(db);
    free(pragmas);
    sw_str_done(&check);
    sw_str_done(&lineage);
    return rc;
}
