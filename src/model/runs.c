/* Runs: who did what and how it ended. All of them are kept. */
#include <stdlib.h>
#include <string.h>

#include "slipway/vec.h"
#include "state_db.h"

int sw_runs__crashed(struct sw_state *state, struct sw_err *err) {
    return sw_state__exec(state, "UPDATE run SET outcome = 'crashed' WHERE outcome IS NULL", err);
}

int sw_run_begin(struct sw_state *state, const char *operation, int64_t *ret_run, struct sw_err *err) {
    /* RELAXED: the first batch of intents makes it durable, and a run without one did nothing. */
    int rc = sw_state__begin(state, SW_STATE__RELAXED, err);
    if (rc) return rc;
    /* We may write, so nobody else is running: what is open was never closed. Its end is not known and stays 0. */
    rc = sw_runs__crashed(state, err);
    sqlite3_stmt *stmt = rc ? NULL : sw_db__statement(state, "INSERT INTO run (operation, who, started_ms) VALUES (?1, ?2, ?3)", err);
    if (!rc && !stmt) rc = SW_EIO;
    int64_t run = 0;
    if (!rc) {
        char *who = sw_lock__who();
        sw_db__bind_text(stmt, 1, operation);
        sw_db__bind_text(stmt, 2, who);
        sw_db__bind_int(stmt, 3, state->wall());
        rc = sw_db__run(state, stmt, err);
        run = sqlite3_last_insert_rowid(state->db);
        free(who);
    }
    rc = sw_state__end(state, rc, err);
    if (!rc) *ret_run = run;
    return rc;
}

int sw_run_note(struct sw_state *state, int64_t run, const char *note, struct sw_err *err) {
    int rc = sw_state__begin(state, SW_STATE__RELAXED, err);
    if (rc) return rc;
    sqlite3_stmt *stmt = sw_db__statement(state, "UPDATE run SET who = who || ' (' || ?2 || ')' WHERE id = ?1", err);
    rc = SW_EIO;
    if (stmt) {
        sw_db__bind_int(stmt, 1, run);
        sw_db__bind_text(stmt, 2, note);
        rc = sw_db__run(state, stmt, err);
    }
    return sw_state__end(state, rc, err);
}

int sw_run_end(struct sw_state *state, int64_t run, const char *outcome, int64_t done, int64_t failed, int64_t skipped,
               struct sw_err *err) {
    int rc = sw_state__begin(state, SW_STATE__DURABLE, err);
    if (rc) return rc;
    sqlite3_stmt *stmt = sw_db__statement(
        state, "UPDATE run SET ended_ms = ?2, outcome = ?3, done = ?4, failed = ?5, skipped = ?6 WHERE id = ?1 AND outcome IS NULL", err);
    rc = SW_EIO;
    if (stmt) {
        sw_db__bind_int(stmt, 1, run);
        sw_db__bind_int(stmt, 2, state->wall());
        sw_db__bind_text(stmt, 3, outcome ? outcome : "ok");
        sw_db__bind_int(stmt, 4, done);
        sw_db__bind_int(stmt, 5, failed);
        sw_db__bind_int(stmt, 6, skipped);
        rc = sw_db__run(state, stmt, err);
        if (!rc) rc = sw_err_set(err, SW_ENOTFOUND, "run %lld is not open", (long long)run);
    }
    return sw_state__end(state, rc, err);
}

int sw_runs(struct sw_state *state, struct sw_arena *arena, struct sw_run **ret, size_t *ret_n, struct sw_err *err) {
    struct {
        struct sw_run *v;
        size_t n, cap;
    } found = {0};
    int rc = 0;
    if (state->db) {
        sqlite3_stmt *stmt = sw_db__statement(
            state, "SELECT id, operation, who, started_ms, ended_ms, outcome, done, failed, skipped FROM run ORDER BY id DESC", err);
        if (!stmt) return SW_EIO;
        while ((rc = sw_db__next(state, stmt, err)) > 0) {
            struct sw_run run = {
                .id = sqlite3_column_int64(stmt, 0),
                .operation = sw_db__text(stmt, 1, arena),
                .who = sw_db__text(stmt, 2, arena),
                .started_ms = sqlite3_column_int64(stmt, 3),
                .ended_ms = sqlite3_column_int64(stmt, 4),
                .outcome = sw_db__text(stmt, 5, arena),
                .done = sqlite3_column_int64(stmt, 6),
                .failed = sqlite3_column_int64(stmt, 7),
                .skipped = sqlite3_column_int64(stmt, 8),
            };
            sw_vec_push(&found, run);
        }
    }
    if (!rc) {
        *ret = sw_new_n(arena, struct sw_run, found.n ? found.n : 1);
        if (found.n) memcpy(*ret, found.v, found.n * sizeof **ret);
        *ret_n = found.n;
    }
    sw_vec_done(&found);
    return rc;
}
