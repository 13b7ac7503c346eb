/* What was declared in the newest runs, to go back to. The table comes with the first run that keeps something. */
#include <inttypes.h>
#include <string.h>

#include "slipway/vec.h"
#include "state_db.h"

#define KEPT_RUNS "10"

static int open_table(struct sw_state *state, struct sw_err *err) {
    return sw_state__exec(state, "CREATE TABLE IF NOT EXISTS kept (run INTEGER PRIMARY KEY, plan TEXT NOT NULL)", err);
}

static bool has_table(struct sw_state *state) {
    int64_t n = 0;
    return state->db && sw_db__int(state, "SELECT count(*) FROM sqlite_master WHERE name = 'kept'", &n, NULL) == 0 && n;
}

static int put(struct sw_state *state, int64_t run, const struct sw_str *text, struct sw_err *err) {
    sqlite3_stmt *stmt = sw_db__statement(state, "INSERT INTO kept VALUES (?1, ?2)", err);
    if (!stmt) return SW_EIO;
    sw_db__bind_int(stmt, 1, run);
    sw_db__bind_str(stmt, 2, text);
    int rc = sw_db__run(state, stmt, err);
    return rc < 0 ? rc : 0;
}

int sw_run_keep(struct sw_state *state, int64_t run, const struct sw_plan *plan, struct sw_err *err) {
    struct sw_arena *arena = sw_arena_new();
    struct sw_plan declared = sw_plan_declared(plan, arena);
    struct sw_str text = {0};
    int rc = sw_plan_write(&declared, state->key, &text, err);
    sw_arena_free(arena);
    /* RELAXED, as the run itself: the first batch of intents makes both durable. */
    if (!rc && !(rc = sw_state__begin(state, SW_STATE__RELAXED, err))) {
        rc = open_table(state, err);
        if (!rc) rc = put(state, run, &text, err);
        if (!rc)
            rc = sw_state__exec(state, "DELETE FROM kept WHERE run NOT IN (SELECT run FROM kept ORDER BY run DESC LIMIT " KEPT_RUNS ")",
                                err);
        rc = sw_state__end(state, rc, err);
    }
    sw_str_done(&text);
    return rc ? sw_err_frame(err, "recording what run %" PRId64 " declares", run) : 0;
}

int sw_runs_kept(struct sw_state *state, struct sw_arena *arena, int64_t **ret_runs, size_t *ret_n, struct sw_err *err) {
    struct {
        int64_t *v;
        size_t n, cap;
    } found = {0};
    int rc = 0;
    if (has_table(state)) {
        sqlite3_stmt *stmt = sw_db__statement(state, "SELECT run FROM kept ORDER BY run DESC", err);
        if (!stmt) return SW_EIO;
        while ((rc = sw_db__next(state, stmt, err)) > 0) sw_vec_push(&found, sqlite3_column_int64(stmt, 0));
    }
    if (!rc) {
        *ret_runs = sw_new_n(arena, int64_t, found.n + 1);
        if (found.n) memcpy(*ret_runs, found.v, found.n * sizeof **ret_runs);
        *ret_n = found.n;
    }
    sw_vec_done(&found);
    return rc;
}

int sw_run_kept(struct sw_state *state, int64_t run, struct sw_arena *arena, struct sw_plan **ret, struct sw_err *err) {
    const char *text = NULL;
    if (has_table(state)) {
        sqlite3_stmt *stmt = sw_db__statement(state, "SELECT plan FROM kept WHERE run = ?1", err);
        if (!stmt) return SW_EIO;
        sw_db__bind_int(stmt, 1, run);
        int rc = sw_db__next(state, stmt, err);
        if (rc < 0) return rc;
        if (rc > 0) text = sw_db__text(stmt, 0, arena);
        sw_db__reset(stmt);
    }
    if (!text) return sw_err_set(err, SW_ENOTFOUND, "what was declared in run %" PRId64 " is not kept", run);
    return sw_plan_read(arena, sw_printf(arena, "run %" PRId64, run), text, strlen(text), state->key, NULL, NULL, ret, err);
}
