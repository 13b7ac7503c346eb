/* Journal mode is WAL, chosen for three reasons.
 *
 *  - A commit is one fsync (of the WAL). A rollback journal needs three or four: journal, database, directory.
 *  - Readers never wait for the writer nor the writer for them: `plan` and `state list` work while an apply runs.
 *  - Commits are ordered in one file, so not every commit has to be synced: whatever an fsync covers includes all before it.
 *
 * The last point sets what each write costs. "Intent is on disk before the effect is in the world" needs synchronous=FULL: 500 intents
 * of one transaction are one fsync. Closing an intent happens after the effect; a close that a power cut loses leaves the intent open,
 * and an open intent is looked up in the world again, which is what it is for. So closes use synchronous=NORMAL, which in WAL mode
 * syncs nothing at commit, and kill -9 loses neither kind: the page cache outlives the process. The next FULL commit (the next batch of
 * intents, the end of the run, the unlock) makes all of them durable. The pragma is switched on the one connection, between transactions;
 * it costs no I/O, and a second connection would only bring a second writer to keep apart. */
#include "state_db.h"

#include <errno.h>
#include <string.h>

int sw_db__fail(struct sw_state *state, struct sw_err *err) {
    int rc = sqlite3_extended_errcode(state->db), os = sqlite3_system_errno(state->db);
    const char *path = state->path;
    switch (rc & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        sw_err_set(err, SW_EIO, "the state '%s' is damaged: %s", path, sqlite3_errmsg(state->db));
        sw_err_hint(err, "nothing was written to it; restore it from a backup, or save what is left with: sqlite3 '%s' .recover", path);
        return SW_EIO;
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return sw_err_set(err, SW_ELOCKED, "the state '%s' is busy: another process has been writing to it for 10 s", path);
    case SQLITE_FULL:
    full:
        sw_err_set(err, SW_EIO, "the disk is full: the state '%s' could not be written and is as it was before", path);
        sw_err_hint(err, "make room on that disk and run again");
        return SW_EIO;
    case SQLITE_READONLY:
    case SQLITE_PERM: return sw_err_set(err, SW_EIO, "the state '%s' cannot be written: %s", path, sqlite3_errmsg(state->db));
    case SQLITE_IOERR:
        if (os == ENOSPC || os == EDQUOT) goto full;
        return sw_err_set(err, SW_EIO, "the state '%s' could not be read or written: %s (%s)", path, sqlite3_errmsg(state->db),
                          os ? strerror(os) : "I/O error");
    case SQLITE_CANTOPEN:
        return sw_err_set(err, SW_EIO, "the state '%s' cannot be opened: %s", path, os ? strerror(os) : sqlite3_errmsg(state->db));
    default: return sw_err_set(err, SW_EINTERNAL, "the state '%s': %s (%d)", path, sqlite3_errmsg(state->db), rc);
    }
}

sqlite3_stmt *sw_db__statement(struct sw_state *state, const char *sql, struct sw_err *err) {
    for (size_t i = 0; i < state->n_statements; i++)
        if (state->statements[i].sql == sql) return state->statements[i].stmt;
    sqlite3_stmt *stmt;
    if (sqlite3_prepare_v3(state->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL)) {
        sw_db__fail(state, err);
        return NULL;
    }
    if (state->n_statements == sizeof state->statements / sizeof state->statements[0]) {
        /* More statements than places: the oldest goes. It would have to be in use to matter, and none is used across 48 others. */
        sqlite3_finalize(state->statements[0].stmt);
        memmove(state->statements, state->statements + 1, (--state->n_statements) * sizeof state->statements[0]);
    }
    state->statements[state->n_statements].sql = sql;
    state->statements[state->n_statements++].stmt = stmt;
    return stmt;
}

void sw_db__reset(sqlite3_stmt *stmt) {
    sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt); /* the text was borrowed */
}

/* Binding fails only for a position that does not exist, a bug that the tests see at once. */
void sw_db__bind_text(sqlite3_stmt *stmt, int at, const char *text) {
    sqlite3_bind_text(stmt, at, text, -1, SQLITE_STATIC);
}

void sw_db__bind_str(sqlite3_stmt *stmt, int at, const struct sw_str *text) {
    sqlite3_bind_text64(stmt, at, sw_str_z(text), text->len, SQLITE_STATIC, SQLITE_UTF8);
}

void sw_db__bind_int(sqlite3_stmt *stmt, int at, int64_t i) {
    sqlite3_bind_int64(stmt, at, i);
}

int sw_db__next(struct sw_state *state, sqlite3_stmt *stmt, struct sw_err *err) {
    int rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW) return 1;
    int ret = rc == SQLITE_DONE ? 0 : sw_db__fail(state, err);
    sw_db__reset(stmt);
    return ret;
}

int sw_db__run(struct sw_state *state, sqlite3_stmt *stmt, struct sw_err *err) {
    int rc = sw_db__next(state, stmt, err);
    if (rc < 0) return rc;
    if (rc > 0) sw_db__reset(stmt);
    return sqlite3_changes(state->db);
}

const char *sw_db__text(sqlite3_stmt *stmt, int column, struct sw_arena *arena) {
    const char *text = (const char *)sqlite3_column_text(stmt, column);
    return text ? sw_strndup(arena, text, (size_t)sqlite3_column_bytes(stmt, column)) : NULL;
}

int sw_db__value(struct sw_state *state, sqlite3_stmt *stmt, int column, const char *context, struct sw_arena *arena,
                 const struct sw_value **ret, struct sw_err *err) {
    const char *text = (const char *)sqlite3_column_text(stmt, column);
    if (!text) {
        *ret = NULL;
        return 0;
    }
    int rc = sw_value_unseal(arena, text, (size_t)sqlite3_column_bytes(stmt, column), state->key, context, ret, err);
    return rc ? sw_err_frame(err, "reading '%s' from the state '%s'", context, state->path) : 0;
}

int sw_db__int(struct sw_state *state, const char *sql, int64_t *ret, struct sw_err *err) {
    sqlite3_stmt *stmt = sw_db__statement(state, sql, err);
    if (!stmt) return SW_EIO;
    int rc = sw_db__next(state, stmt, err);
    if (rc < 0) return rc;
    if (!rc) return sw_err_set(err, SW_EIO, "the state '%s' is damaged: '%s' finds nothing", state->path, sql);
    *ret = sqlite3_column_int64(stmt, 0);
    sw_db__reset(stmt);
    return 0;
}

int sw_state__exec(struct sw_state *state, const char *sql, struct sw_err *err) {
    return sqlite3_exec(state->db, sql, NULL, NULL, NULL) ? sw_db__fail(state, err) : 0;
}

static int set_synchronous(struct sw_state *state, enum sw_state__durability durability, struct sw_err *err) {
    if (state->synchronous == (int)durability) return 0;
    int rc = sw_state__exec(state, durability == SW_STATE__DURABLE ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL", err);
    if (!rc) state->synchronous = (int)durability;
    return rc;
}

int sw_state__begin_unfenced(struct sw_state *state, enum sw_state__durability durability, struct sw_err *err) {
    if (state->read_only) return sw_err_set(err, SW_EINTERNAL, "the state '%s' was opened for reading only", state->path);
    int rc = set_synchronous(state, durability, err);
    if (rc) return rc;
    state->next_serial = 0;
    /* IMMEDIATE: what is checked below stays true until the commit. */
    return sw_state__exec(state, "BEGIN IMMEDIATE", err);
}

int sw_state__begin(struct sw_state *state, enum sw_state__durability durability, struct sw_err *err) {
    int rc = sw_state__begin_unfenced(state, durability, err);
    if (rc) return rc;
    rc = sw_lock__check(state, err);
    return rc ? sw_state__end(state, rc, err) : 0;
}

int sw_state__end(struct sw_state *state, int rc, struct sw_err *err) {
    if (rc >= 0) {
        rc = sw_state__exec(state, "COMMIT", err);
        if (!rc) {
            if (state->next_serial) state->serial = state->next_serial;
            return 0;
        }
    }
    /* Some errors (a full disk) have rolled back already: then this one fails, and that is fine. */
    sqlite3_exec(state->db, "ROLLBACK", NULL, NULL, NULL);
    return rc;
}

int sw_state__bump(struct sw_state *state, struct sw_err *err) {
    if (state->next_serial) return 0; /* once a transaction */
    return sw_db__int(state, "UPDATE meta SET value = value + 1 WHERE key = 'serial' RETURNING value", &state->next_serial, err);
}
