/* The journal of intents. Opening is DURABLE: one fsync for the whole batch, before the first effect. Closing is RELAXED: see state_db.c for
 * why an fsync would buy nothing there. */
#include <stdlib.h>
#include <string.h>

#include "slipway/clock.h"
#include "slipway/vec.h"
#include "state_db.h"

#define INTENT_COLUMNS "id, run, address, type, name, host, provider, action, token, desired, opened_ms, closed_ms, outcome"

static int supersede(struct sw_state *state, int64_t intent, int64_t now, struct sw_err *err) {
    if (!intent) return 0;
    sqlite3_stmt *stmt = sw_db__statement(
        state, "UPDATE intent SET outcome = 'unknown', closed_ms = ?2, desired = NULL WHERE id = ?1 AND outcome IS NULL", err);
    if (!stmt) return SW_EIO;
    sw_db__bind_int(stmt, 1, intent);
    sw_db__bind_int(stmt, 2, now);
    int rc = sw_db__run(state, stmt, err);
    return rc < 0 ? rc : 0;
}

int sw_journal__drop(struct sw_state *state, const char *address, struct sw_err *err) {
    sqlite3_stmt *stmt = sw_db__statement(
        state, "UPDATE intent SET outcome = 'unknown', closed_ms = ?2, desired = NULL WHERE outcome IS NULL AND address = ?1", err);
    if (!stmt) return SW_EIO;
    sw_db__bind_text(stmt, 1, address);
    sw_db__bind_int(stmt, 2, state->wall());
    int rc = sw_db__run(state, stmt, err);
    return rc < 0 ? rc : 0;
}

int sw_journal__rename(struct sw_state *state, const char *from, const char *to, struct sw_err *err) {
    sqlite3_stmt *stmt = sw_db__statement(state, "UPDATE intent SET address = ?2 WHERE outcome IS NULL AND address = ?1", err);
    if (!stmt) return SW_EIO;
    sw_db__bind_text(stmt, 1, from);
    sw_db__bind_text(stmt, 2, to);
    int rc = sw_db__run(state, stmt, err);
    return rc < 0 ? rc : 0;
}

static int open_one(struct sw_state *state, struct sw_arena *arena, struct sw_intent *intent, int64_t now, struct sw_err *err) {
    if (!intent->address || !intent->type || !intent->name)
        return sw_err_set(err, SW_EINTERNAL, "an intent without address, type or name was to be written");
    int rc = supersede(state, intent->supersedes, now, err);
    if (!rc && intent->depose_address) rc = sw_state__depose(state, intent->address, intent->depose_address, intent->depose_name, err);
    if (rc) return rc;
    sqlite3_stmt *stmt = sw_db__statement(state,
                                          "INSERT INTO intent (run, address, type, name, host, provider, action, token, desired, opened_ms)"
                                          " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
                                          err);
    if (!stmt) return SW_EIO;
    if (!intent->token) {
        unsigned char random[16];
        struct sw_str hex = {0};
        sw_random(random, sizeof random);
        sw_str_add_hex(&hex, random, sizeof random);
        intent->token = sw_strdup(arena, hex.p);
        sw_str_done(&hex);
    }
    struct sw_str desired = {0};
    if (intent->desired) {
        char *context = sw_xprintf("intent %s", intent->token);
        sw_value_seal(&desired, intent->desired, state->key, context);
        free(context);
    }
    sw_db__bind_int(stmt, 1, intent->run);
    sw_db__bind_text(stmt, 2, intent->address);
    sw_db__bind_text(stmt, 3, intent->type);
    sw_db__bind_text(stmt, 4, intent->name);
    sw_db__bind_text(stmt, 5, intent->host);
    sw_db__bind_text(stmt, 6, intent->provider);
    sw_db__bind_text(stmt, 7, sw_action_name(intent->action));
    sw_db__bind_text(stmt, 8, intent->token);
    if (intent->desired) sw_db__bind_str(stmt, 9, &desired);
    sw_db__bind_int(stmt, 10, now);
    rc = sw_db__run(state, stmt, err);
    sw_str_done(&desired);
    if (rc < 0) return rc;
    intent->id = sqlite3_last_insert_rowid(state->db);
    intent->opened_ms = now;
    intent->closed_ms = 0;
    intent->outcome = NULL;
    return 0;
}

int sw_journal_open(struct sw_state *state, struct sw_arena *arena, struct sw_intent *intents, size_t n, struct sw_err *err) {
    if (!n) return 0;
    int rc = sw_state__begin(state, SW_STATE__DURABLE, err);
    if (rc) return rc;
    int64_t now = state->wall();
    for (size_t i = 0; !rc && i < n; i++) rc = open_one(state, arena, &intents[i], now, err);
    rc = sw_state__end(state, rc, err);
    for (size_t i = 0; rc && i < n; i++) intents[i].id = 0; /* none of them is there */
    return rc;
}

/* `desired` goes: it is for a recovery, and files in it would make every run's history as large as what the run carried. */
static int close_one(struct sw_state *state, const struct sw_closing *closing, struct sw_err *err) {
    sqlite3_stmt *stmt = sw_db__statement(
        state, "UPDATE intent SET outcome = ?2, closed_ms = ?3, desired = NULL WHERE id = ?1 AND outcome IS NULL RETURNING address", err);
    if (!stmt) return SW_EIO;
    sw_db__bind_int(stmt, 1, closing->intent);
    sw_db__bind_text(stmt, 2, closing->outcome ? closing->outcome : "ok");
    sw_db__bind_int(stmt, 3, state->wall());
    int rc = sw_db__next(state, stmt, err);
    if (rc < 0) return rc;
    if (!rc) return sw_err_set(err, SW_ENOTFOUND, "intent %lld is not open", (long long)closing->intent);
    const char *address = (const char *)sqlite3_column_text(stmt, 0);
    char *gone = sw_xstrdup(address ? address : "");
    sw_db__reset(stmt);
    rc = 0;
    if (closing->result)
        rc = sw_state__write_resource(state, closing->result, err);
    else if (closing->forget)
        rc = sw_state__delete_resource(state, gone, err); /* one that was never recorded is fine */
    free(gone);
    return rc < 0 ? rc : 0;
}

int sw_journal_close_all(struct sw_state *state, const struct sw_closing *closings, size_t n, struct sw_err *err) {
    if (!n) return 0;
    int rc = sw_state__begin(state, SW_STATE__RELAXED, err);
    if (rc) return rc;
    for (size_t i = 0; !rc && i < n; i++) rc = close_one(state, &closings[i], err);
    return sw_state__end(state, rc, err);
}

int sw_journal_close(struct sw_state *state, int64_t intent, const char *outcome, const struct sw_state_resource *result, bool forget,
                     struct sw_err *err) {
    return sw_journal_close_all(state, &(struct sw_closing){intent, outcome, result, forget}, 1, err);
}

static int read_intent(struct sw_state *state, sqlite3_stmt *stmt, struct sw_arena *arena, struct sw_intent *ret, struct sw_err *err) {
    *ret = (struct sw_intent){
        .id = sqlite3_column_int64(stmt, 0),
        .run = sqlite3_column_int64(stmt, 1),
        .address = sw_db__text(stmt, 2, arena),
        .type = sw_db__text(stmt, 3, arena),
        .name = sw_db__text(stmt, 4, arena),
        .host = sw_db__text(stmt, 5, arena),
        .provider = sw_db__text(stmt, 6, arena),
        .token = sw_db__text(stmt, 8, arena),
        .opened_ms = sqlite3_column_int64(stmt, 10),
        .closed_ms = sqlite3_column_int64(stmt, 11),
        .outcome = sw_db__text(stmt, 12, arena),
    };
    const char *name = (const char *)sqlite3_column_text(stmt, 7);
    for (int action = SW_NOOP;; action++) {
        if (action == SW_N_ACTIONS)
            return sw_err_set(err, SW_EIO, "the state '%s' is damaged: intent %lld is to '%s'", state->path, (long long)ret->id,
                              name ? name : "");
        if (name && strcmp(name, sw_action_name((enum sw_action)action)) == 0) {
            ret->action = (enum sw_action)action;
            break;
        }
    }
    return sw_db__value(state, stmt, 9, sw_printf(arena, "intent %s", ret->token), arena, &ret->desired, err);
}

static int read_intents(struct sw_state *state, sqlite3_stmt *stmt, struct sw_arena *arena, struct sw_intent **ret, size_t *ret_n,
                        struct sw_err *err) {
    struct {
        struct sw_intent *v;
        size_t n, cap;
    } found = {0};
    int rc = stmt ? 0 : SW_EIO;
    while (!rc && (rc = sw_db__next(state, stmt, err)) > 0) {
        struct sw_intent intent;
        rc = read_intent(state, stmt, arena, &intent, err);
        if (rc)
            sw_db__reset(stmt);
        else
            sw_vec_push(&found, intent);
    }
    if (!rc) {
        *ret = sw_new_n(arena, struct sw_intent, found.n ? found.n : 1);
        if (found.n) memcpy(*ret, found.v, found.n * sizeof **ret);
        *ret_n = found.n;
    }
    sw_vec_done(&found);
    return rc;
}

static int none(struct sw_arena *arena, struct sw_intent **ret, size_t *ret_n) {
    *ret = sw_new_n(arena, struct sw_intent, 1);
    *ret_n = 0;
    return 0;
}

int sw_journal_pending(struct sw_state *state, struct sw_arena *arena, struct sw_intent **ret, size_t *ret_n, struct sw_err *err) {
    if (!state->db) return none(arena, ret, ret_n);
    sqlite3_stmt *stmt = sw_db__statement(state, "SELECT " INTENT_COLUMNS " FROM intent WHERE outcome IS NULL ORDER BY id", err);
    return read_intents(state, stmt, arena, ret, ret_n, err);
}

int sw_journal_of_run(struct sw_state *state, int64_t run, struct sw_arena *arena, struct sw_intent **ret, size_t *ret_n,
                      struct sw_err *err) {
    if (!state->db) return none(arena, ret, ret_n);
    sqlite3_stmt *stmt = sw_db__statement(state, "SELECT " INTENT_COLUMNS " FROM intent WHERE run = ?1 ORDER BY id", err);
    if (stmt) sw_db__bind_int(stmt, 1, run);
    return read_intents(state, stmt, arena, ret, ret_n, err);
}
