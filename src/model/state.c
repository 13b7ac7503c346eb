/* Opening: in this order, so that nothing is touched before it is known to be ours, whole, not too new, and written with our key. */
#include <stdlib.h>
#include <string.h>

#include "slipway/clock.h"
#include "slipway/file.h"
#include "state_db.h"

/* Above this size only the pages of the tables that decide what happens in the world are checked at every opening: a history of years
 * must not make each command slower. 32 MiB take about 30 ms. */
#define CHECK_ALL_MAX ((int64_t)32 << 20)

static int quick_check(struct sw_state *state, const char *pragma, struct sw_err *err) {
    sqlite3_stmt *stmt;
    if (sqlite3_prepare_v2(state->db, pragma, -1, &stmt, NULL)) return sw_db__fail(state, err);
    int rc = 0, step = sqlite3_step(stmt);
    const char *text = step == SQLITE_ROW ? (const char *)sqlite3_column_text(stmt, 0) : NULL;
    if (step != SQLITE_ROW) {
        rc = sw_db__fail(state, err);
    } else if (!text || strcmp(text, "ok") != 0) {
        struct sw_str line = {0};
        sw_str_add_printable(&line, text ? text : "?", text ? strcspn(text, "\n") : 1);
        rc = sw_err_set(err, SW_EIO, "the state '%s' is damaged: %s", state->path, sw_str_z(&line));
        sw_err_hint(err, "nothing was written to it; restore it from a backup, or save what is left with: sqlite3 '%s' .recover",
                    state->path);
        sw_str_done(&line);
    }
    sqlite3_finalize(stmt);
    return rc;
}

static int check_integrity(struct sw_state *state, struct sw_err *err) {
    int64_t version, pages, page_size;
    int rc = sw_db__int(state, "PRAGMA page_count", &pages, err);
    if (!rc) rc = sw_db__int(state, "PRAGMA page_size", &page_size, err);
    if (!rc && pages * page_size <= CHECK_ALL_MAX) {
        rc = quick_check(state, "PRAGMA quick_check(1)", err);
    } else if (!rc) {
        rc = quick_check(state, "PRAGMA quick_check('resource')", err);
        if (!rc) rc = quick_check(state, "PRAGMA quick_check('meta')", err);
        if (!rc) rc = quick_check(state, "PRAGMA quick_check('host')", err);
    }
    if (!rc) sqlite3_db_release_memory(state->db); /* the pages that only the check looked at */
    /* Once more in SQL: the header on disk may be older than what the write-ahead log says. */
    if (!rc) rc = sw_db__int(state, "PRAGMA user_version", &version, err);
    if (!rc && version != SW_STATE__VERSION) {
        rc = sw_err_set(err, SW_EINVAL, "the state '%s' has format %lld, this slipway (" SLIPWAY_VERSION ") knows %d", state->path,
                        (long long)version, SW_STATE__VERSION);
        sw_err_hint(err, "nothing was written to it; use the slipway that wrote it");
    }
    return rc;
}

/* Lineage, serial, and whether the key is the one this state was written with: what was sealed at its creation must open. */
static int read_meta(struct sw_state *state, struct sw_err *err) {
    int rc = sw_db__int(state, "SELECT value FROM meta WHERE key = 'serial'", &state->serial, err);
    if (rc) return rc;
    sqlite3_stmt *stmt = sw_db__statement(
        state, "SELECT (SELECT value FROM meta WHERE key = 'lineage'), (SELECT value FROM meta WHERE key = 'key_check')", err);
    if (!stmt) return SW_EIO;
    rc = sw_db__next(state, stmt, err);
    if (rc < 0) return rc;
    struct sw_arena *arena = sw_arena_new();
    const char *lineage = sw_db__text(stmt, 0, arena), *check = sw_db__text(stmt, 1, arena);
    sw_db__reset(stmt);
    struct sw_str plain = {0};
    if (!lineage || strlen(lineage) >= sizeof state->lineage || !check) {
        rc = sw_err_set(err, SW_EIO, "the state '%s' is damaged: it does not say which state it is", state->path);
    } else {
        memcpy(state->lineage, lineage, strlen(lineage) + 1);
        rc = sw_unseal(state->key, sw_printf(arena, "key check %s", lineage), check, &plain, NULL);
        if (rc || plain.len != strlen(lineage) || memcmp(plain.p, lineage, plain.len) != 0) {
            rc =
                sw_err_set(err, SW_EAUTH, "the state '%s' was written with another key than the one in %s", state->path, state->key_origin);
            sw_err_hint(err, "restore the state.key that belongs to it, or give its key in SLIPWAY_STATE_KEY");
        }
    }
    sw_str_done(&plain);
    sw_arena_free(arena);
    return rc;
}

static int open_present(struct sw_state *state, struct sw_err *err) {
    if (!state->has_key) {
        int rc = sw_state__load_key(state, false, err);
        if (rc == SW_ENOTFOUND)
            sw_err_hint(err, "the secrets in '%s' can only be read with it: restore it from a backup, or give the key in SLIPWAY_STATE_KEY",
                        state->path);
        if (rc) return rc;
    }
    int rc = sw_state__attach(state, err);
    if (!rc) rc = check_integrity(state, err);
    if (!rc) rc = read_meta(state, err);
    if (!rc) rc = sw_state__accept(state, err);
    if (!rc && !state->read_only) sw_state__clear_leftovers(state->dir);
    return rc;
}

/* A state that is not there yet: empty for readers, made for writers. */
static int open_absent(struct sw_state *state, struct sw_err *err) {
    if (state->read_only) {
        struct sw_err local = {0};
        int rc = sw_state__load_key(state, false, &local);
        if (rc && rc != SW_ENOTFOUND) return sw_err_give(err, &local);
        sw_err_done(&local);
        return 0;
    }
    int rc = sw_mkdirs(state->dir, 0700, err);
    if (!rc) rc = sw_state__load_key(state, true, err);
    if (rc) return rc;
    struct sw_err local = {0};
    rc = sw_state__create(state, &local);
    if (rc && rc != SW_EEXISTS) return sw_err_give(err, &local);
    sw_err_done(&local);
    return open_present(state, err);
}

int sw_state_open(const char *dir, bool read_only, struct sw_state **ret, struct sw_err *err) {
    struct sw_state *state = sw_xcalloc(1, sizeof *state);
    state->dir = sw_xstrdup(dir);
    state->path = sw_xprintf("%s/state.db", dir);
    state->read_only = read_only;
    state->lease_ms = SW_STATE__LEASE_MS;
    state->wall = sw_wall_ms;
    enum sw_state__presence presence;
    int rc = sw_state__probe(state->path, &presence, err);
    if (!rc) rc = presence == SW_STATE__PRESENT ? open_present(state, err) : open_absent(state, err);
    if (rc) {
        sw_state_close(state);
        return rc;
    }
    *ret = state;
    return 0;
}

void sw_state_close(struct sw_state *state) {
    if (!state) return;
    for (size_t i = 0; i < state->n_statements; i++) sqlite3_finalize(state->statements[i].stmt);
    sqlite3_close(state->db);
    sw_wipe(state->key, sizeof state->key);
    free(state->key_origin);
    free(state->path);
    free(state->dir);
    free(state);
}

const char *sw_state_lineage(const struct sw_state *state) {
    return state->lineage;
}
int64_t sw_state_serial(const struct sw_state *state) {
    return state->serial;
}
const unsigned char *sw_state_key(const struct sw_state *state) {
    return state->has_key ? state->key : NULL;
}

void sw_state__set_clock(struct sw_state *state, int64_t (*wall)(void), int64_t lease_ms) {
    if (wall) state->wall = wall;
    if (lease_ms) state->lease_ms = lease_ms;
}
