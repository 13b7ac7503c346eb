/* Hosts and outputs: names with a value each. */
#include <stdlib.h>
#include <string.h>

#include "slipway/vec.h"
#include "state_db.h"

/* The value of one row, or NULL. */
static int get(struct sw_state *state, const char *sql, const char *kind, const char *name, struct sw_arena *arena,
               const struct sw_value **ret, struct sw_err *err) {
    sqlite3_stmt *stmt = sw_db__statement(state, sql, err);
    if (!stmt) return SW_EIO;
    sw_db__bind_text(stmt, 1, name);
    *ret = NULL;
    int rc = sw_db__next(state, stmt, err);
    if (rc <= 0) return rc;
    rc = sw_db__value(state, stmt, 0, sw_printf(arena, "%s %s", kind, name), arena, ret, err);
    sw_db__reset(stmt);
    return rc;
}

static int put(struct sw_state *state, const char *sql, const char *kind, const char *name, const struct sw_value *value,
               struct sw_err *err) {
    sqlite3_stmt *stmt = sw_db__statement(state, sql, err);
    if (!stmt) return SW_EIO;
    struct sw_str text = {0};
    char *context = sw_xprintf("%s %s", kind, name);
    sw_value_seal(&text, value, state->key, context);
    free(context);
    sw_db__bind_text(stmt, 1, name);
    sw_db__bind_str(stmt, 2, &text);
    int rc = sw_db__run(state, stmt, err);
    sw_str_done(&text);
    return rc < 0 ? rc : 0;
}

/* Equal in text, secret marks included: a value that becomes secret has changed. */
static bool same_json(const struct sw_value *a, const struct sw_value *b) {
    struct sw_str x = {0}, y = {0};
    sw_json_write(&x, a, SW_JSON_REVEAL);
    sw_json_write(&y, b, SW_JSON_REVEAL);
    bool same = x.len == y.len && memcmp(sw_str_z(&x), sw_str_z(&y), x.len) == 0;
    if (x.p) sw_wipe(x.p, x.cap);
    if (y.p) sw_wipe(y.p, y.cap);
    sw_str_done(&x);
    sw_str_done(&y);
    return same;
}

int sw_state_put_host(struct sw_state *state, const char *name, const struct sw_value *connection, struct sw_err *err) {
    int rc = sw_state__begin(state, SW_STATE__RELAXED, err);
    if (rc) return rc;
    /* Every run says how it reached each host; it is nearly always the same. */
    struct sw_arena *arena = sw_arena_new();
    const struct sw_value *known = NULL;
    rc = get(state, "SELECT connection FROM host WHERE name = ?1", "host", name, arena, &known, err);
    if (!rc && !(known && same_json(known, connection)))
        rc = put(state, "INSERT INTO host VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET connection = ?2", "host", name, connection, err);
    sw_arena_free(arena);
    return sw_state__end(state, rc, err);
}

int sw_state_hosts(struct sw_state *state, struct sw_arena *arena, struct sw_host **ret, size_t *ret_n, struct sw_err *err) {
    struct {
        struct sw_host *v;
        size_t n, cap;
    } found = {0};
    int rc = 0;
    if (state->db) {
        sqlite3_stmt *stmt = sw_db__statement(state, "SELECT name, connection FROM host ORDER BY name", err);
        if (!stmt) return SW_EIO;
        while (!rc && (rc = sw_db__next(state, stmt, err)) > 0) {
            struct sw_host host = {.name = sw_db__text(stmt, 0, arena)};
            rc = sw_db__value(state, stmt, 1, sw_printf(arena, "host %s", host.name), arena, &host.connection, err);
            if (rc)
                sw_db__reset(stmt);
            else
                sw_vec_push(&found, host);
        }
    }
    if (!rc) {
        *ret = sw_new_n(arena, struct sw_host, found.n ? found.n : 1);
        if (found.n) memcpy(*ret, found.v, found.n * sizeof **ret);
        *ret_n = found.n;
    }
    sw_vec_done(&found);
    return rc;
}

static int read_outputs(struct sw_state *state, struct sw_arena *arena, const struct sw_value **ret, struct sw_err *err) {
    struct {
        struct sw_pair *v;
        size_t n, cap;
    } found = {0};
    sqlite3_stmt *stmt = sw_db__statement(state, "SELECT name, value FROM output ORDER BY name", err);
    if (!stmt) return SW_EIO;
    int rc = 0;
    while (!rc && (rc = sw_db__next(state, stmt, err)) > 0) {
        struct sw_pair pair = {.key = sw_db__text(stmt, 0, arena)};
        rc = sw_db__value(state, stmt, 1, sw_printf(arena, "output %s", pair.key), arena, &pair.value, err);
        if (rc)
            sw_db__reset(stmt);
        else
            sw_vec_push(&found, pair);
    }
    if (!rc) *ret = sw_value_map(arena, found.v, found.n);
    sw_vec_done(&found);
    return rc;
}

int sw_state_put_outputs(struct sw_state *state, const struct sw_value *outputs, struct sw_err *err) {
    if (!sw_is(outputs, SW_MAP)) return sw_err_set(err, SW_EINTERNAL, "outputs are not a map");
    int rc = sw_state__begin(state, SW_STATE__RELAXED, err);
    if (rc) return rc;
    struct sw_arena *arena = sw_arena_new();
    const struct sw_value *known;
    rc = read_outputs(state, arena, &known, err);
    if (!rc && !same_json(known, outputs)) {
        rc = sw_state__exec(state, "DELETE FROM output", err);
        for (size_t i = 0; !rc && i < outputs->map.n; i++)
            rc = put(state, "INSERT INTO output VALUES (?1, ?2)", "output", outputs->map.v[i].key, outputs->map.v[i].value, err);
        if (!rc) rc = sw_state__bump(state, err);
    }
    sw_arena_free(arena);
    return sw_state__end(state, rc, err);
}

int sw_state_outputs(struct sw_state *state, struct sw_arena *arena, const struct sw_value **ret, struct sw_err *err) {
    if (state->db) return read_outputs(state, arena, ret, err);
    *ret = &SW_EMPTY_MAP;
    return 0;
}
