/* What is recorded of the world: resources, one row each. Secrets are sealed under the row's own name, so that a sealed
 * text moved to another row does not open. */
#include <stdlib.h>
#include <string.h>

#include "slipway/vec.h"
#include "state_db.h"

static char *context_of(const char *kind, const char *name) {
    return sw_xprintf("%s %s", kind, name);
}

static void add_list(struct sw_str *out, const char *const *names, struct sw_arena *arena) {
    size_t n = 0;
    while (names && names[n]) n++;
    const struct sw_value **items = sw_new_n(arena, const struct sw_value *, n ? n : 1);
    for (size_t i = 0; i < n; i++) items[i] = sw_value_str(arena, names[i]);
    sw_json_write(out, sw_value_list(arena, items, n), SW_JSON_REVEAL);
}

int sw_state__write_resource(struct sw_state *state, const struct sw_state_resource *r, struct sw_err *err) {
    if (!r->address || !r->type || !r->name)
        return sw_err_set(err, SW_EINTERNAL, "a resource without address, type or name was to be written");
    sqlite3_stmt *stmt = sw_db__statement(
        state,
        "INSERT INTO resource VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) ON CONFLICT (address) DO UPDATE SET"
        " type = ?2, name = ?3, host = ?4, provider = ?5, attributes = ?6, depends = ?7, status = ?8, seq = ?9,"
        " updated_ms = ?10, prevent_destroy = ?11, create_before_destroy = ?12",
        err);
    if (!stmt) return SW_EIO;
    struct sw_str attributes = {0}, depends = {0};
    char *context = context_of("resource", r->address);
    sw_value_seal(&attributes, r->attributes ? r->attributes : &SW_EMPTY_MAP, state->key, context);
    free(context);
    if (r->depends && *r->depends) {
        struct sw_arena *arena = sw_arena_new();
        add_list(&depends, r->depends, arena);
        sw_arena_free(arena);
    } else {
        sw_str_addz(&depends, "[]");
    }
    sw_db__bind_text(stmt, 1, r->address);
    sw_db__bind_text(stmt, 2, r->type);
    sw_db__bind_text(stmt, 3, r->name);
    sw_db__bind_text(stmt, 4, r->host);
    sw_db__bind_text(stmt, 5, r->provider);
    sw_db__bind_str(stmt, 6, &attributes);
    sw_db__bind_str(stmt, 7, &depends);
    sw_db__bind_text(stmt, 8, r->status ? r->status : "ok");
    sw_db__bind_int(stmt, 9, r->seq);
    sw_db__bind_int(stmt, 10, r->updated_ms ? r->updated_ms : state->wall());
    sw_db__bind_int(stmt, 11, r->prevent_destroy);
    sw_db__bind_int(stmt, 12, r->create_before_destroy);
    int rc = sw_db__run(state, stmt, err);
    sw_str_done(&attributes);
    sw_str_done(&depends);
    return rc < 0 ? rc : sw_state__bump(state, err);
}

/* A row of its own in `meta`: what is due need not be recorded as a resource yet. */
static int put_due(struct sw_state *state, const char *address, bool due, struct sw_err *err) {
    sqlite3_stmt *stmt = due ? sw_db__statement(state, "INSERT OR REPLACE INTO meta VALUES ('due ' || ?1, 1)", err)
                             : sw_db__statement(state, "DELETE FROM meta WHERE key = 'due ' || ?1", err);
    if (!stmt) return SW_EIO;
    sw_db__bind_text(stmt, 1, address);
    return sw_db__run(state, stmt, err);
}

int sw_state__delete_resource(struct sw_state *state, const char *address, struct sw_err *err) {
    sqlite3_stmt *stmt = sw_db__statement(state, "DELETE FROM resource WHERE address = ?1", err);
    if (!stmt) return SW_EIO;
    sw_db__bind_text(stmt, 1, address);
    int n = sw_db__run(state, stmt, err);
    if (n <= 0) return n;
    if (put_due(state, address, false, err) < 0 || sw_journal__drop(state, address, err) < 0) return SW_EIO;
    int rc = sw_state__bump(state, err);
    return rc ? rc : n;
}

static int read_list(const char *json, size_t len, struct sw_arena *arena, const char ***ret, struct sw_err *err) {
    const struct sw_value *list = &SW_EMPTY_LIST;
    if (len > 2) { /* not "[]" */
        int rc = sw_json_read(arena, json, len, 0, &list, err);
        if (rc) return rc;
        if (list->kind != SW_LIST) return sw_err_set(err, SW_EIO, "a list of dependencies is not a list");
    }
    const char **names = sw_new_n(arena, const char *, list->list.n + 1);
    for (size_t i = 0; i < list->list.n; i++) {
        if (!sw_is(list->list.v[i], SW_STR)) return sw_err_set(err, SW_EIO, "a list of dependencies holds something else than addresses");
        names[i] = list->list.v[i]->s.p;
    }
    *ret = names;
    return 0;
}

static int read_resource(struct sw_state *state, sqlite3_stmt *stmt, struct sw_arena *arena, struct sw_state_resource *r,
                         struct sw_err *err) {
    *r = (struct sw_state_resource){
        .address = sw_db__text(stmt, 0, arena),
        .type = sw_db__text(stmt, 1, arena),
        .name = sw_db__text(stmt, 2, arena),
        .host = sw_db__text(stmt, 3, arena),
        .provider = sw_db__text(stmt, 4, arena),
        .status = sw_db__text(stmt, 7, arena),
        .seq = sqlite3_column_int64(stmt, 8),
        .updated_ms = sqlite3_column_int64(stmt, 9),
        .prevent_destroy = sqlite3_column_int(stmt, 10),
        .create_before_destroy = sqlite3_column_int(stmt, 11),
    };
    if (!r->address || !r->type || !r->name || !r->status)
        return sw_err_set(err, SW_EIO, "the state '%s' is damaged: a resource has no name", state->path);
    char *context = context_of("resource", r->address);
    int rc = sw_db__value(state, stmt, 5, context, arena, &r->attributes, err);
    free(context);
    if (rc) return rc;
    const char *depends = (const char *)sqlite3_column_text(stmt, 6);
    rc = read_list(depends ? depends : "", depends ? (size_t)sqlite3_column_bytes(stmt, 6) : 0, arena, &r->depends, err);
    return rc ? sw_err_frame(err, "reading '%s' from the state '%s'", r->address, state->path) : 0;
}

/* What read_resource() reads. */
#define COLUMNS                                                                                                                        \
    "SELECT address, type, name, host, provider, attributes, depends, status, seq, updated_ms, prevent_destroy, create_before_destroy" \
    " FROM resource "

struct rows {
    struct sw_state_resource *v;
    size_t n, cap;
};

static int read_resources(struct sw_state *state, sqlite3_stmt *stmt, struct sw_arena *arena, struct rows *found, struct sw_err *err) {
    int rc;
    while ((rc = sw_db__next(state, stmt, err)) > 0) {
        struct sw_state_resource r;
        rc = read_resource(state, stmt, arena, &r, err);
        if (rc) {
            sw_db__reset(stmt);
            return rc;
        }
        sw_vec_push(found, r);
    }
    return rc;
}

int sw_state_resources(struct sw_state *state, struct sw_arena *arena, struct sw_state_resource **ret, size_t *ret_n, struct sw_err *err) {
    struct rows found = {0};
    int rc = 0;
    if (state->db) {
        /* One read transaction: the serial is the serial of exactly these resources, whatever is written meanwhile. */
        int64_t serial = 0;
        rc = sw_state__exec(state, "BEGIN", err);
        if (rc) return rc;
        rc = sw_db__int(state, "SELECT value FROM meta WHERE key = 'serial'", &serial, err);
        sqlite3_stmt *stmt = rc ? NULL : sw_db__statement(state, COLUMNS "ORDER BY seq, address", err);
        if (!rc) rc = stmt ? read_resources(state, stmt, arena, &found, err) : SW_EIO;
        if (!rc) state->serial = serial;
        sqlite3_exec(state->db, "COMMIT", NULL, NULL, NULL); /* nothing was written: it only ends the transaction */
    }
    if (!rc) {
        *ret = sw_new_n(arena, struct sw_state_resource, found.n ? found.n : 1);
        if (found.n) memcpy(*ret, found.v, found.n * sizeof **ret);
        *ret_n = found.n;
    }
    sw_vec_done(&found);
    return rc;
}

int sw_state_put(struct sw_state *state, const struct sw_state_resource *resource, struct sw_err *err) {
    int rc = sw_state__begin(state, SW_STATE__RELAXED, err);
    return rc ? rc : sw_state__end(state, sw_state__write_resource(state, resource, err), err);
}

static bool is_due(struct sw_state *state, const char *address, struct sw_err *err) {
    sqlite3_stmt *stmt = sw_db__statement(state, "SELECT 1 FROM meta WHERE key = 'due ' || ?1", err);
    if (!stmt) return false;
    sw_db__bind_text(stmt, 1, address);
    bool found = sw_db__next(state, stmt, err) > 0;
    sw_db__reset(stmt);
    return found;
}

int sw_state_put_due(struct sw_state *state, const char *const *addresses, size_t n, bool due, struct sw_err *err) {
    if (!n) return 0;
    int rc = sw_state__begin(state, due ? SW_STATE__DURABLE : SW_STATE__RELAXED, err);
    if (rc) return rc;
    for (size_t i = 0; rc >= 0 && i < n; i++) rc = put_due(state, addresses[i], due, err);
    return sw_state__end(state, rc < 0 ? rc : 0, err);
}

int sw_state_due(struct sw_state *state, struct sw_arena *arena, const char ***ret, size_t *ret_n, struct sw_err *err) {
    struct {
        const char **v;
        size_t n, cap;
    } found = {0};
    int rc = 0;
    if (state->db) {
        sqlite3_stmt *stmt = sw_db__statement(state, "SELECT substr(key, 5) FROM meta WHERE key >= 'due ' AND key < 'due!'", err);
        if (!stmt) rc = SW_EIO;
        while (!rc && (rc = sw_db__next(state, stmt, err)) > 0) {
            const char *address = sw_db__text(stmt, 0, arena);
            if (address) sw_vec_push(&found, address);
            rc = 0;
        }
    }
    if (!rc) {
        *ret = sw_new_n(arena, const char *, found.n + 1);
        if (found.n) memcpy(*ret, found.v, found.n * sizeof **ret);
        *ret_n = found.n;
    }
    sw_vec_done(&found);
    return rc;
}

static int forget(struct sw_state *state, const char *address, struct sw_err *err) {
    int n = sw_state__delete_resource(state, address, err);
    return n ? n : sw_err_set(err, SW_ENOTFOUND, "'%s' is not in the state", address);
}

int sw_state_forget(struct sw_state *state, const char *address, struct sw_err *err) {
    int rc = sw_state__begin(state, SW_STATE__DURABLE, err);
    return rc ? rc : sw_state__end(state, forget(state, address, err), err);
}

int sw_state__depose(struct sw_state *state, const char *from, const char *to, const char *name, struct sw_err *err) {
    sqlite3_stmt *stmt =
        sw_db__statement(state,
                         "SELECT address, type, name, host, provider, attributes, depends, status, seq, updated_ms, prevent_destroy,"
                         " create_before_destroy FROM resource WHERE address = ?1",
                         err);
    if (!stmt) return SW_EIO;
    sw_db__bind_text(stmt, 1, from);
    int rc = sw_db__next(state, stmt, err);
    if (rc <= 0) return rc;
    struct sw_arena *arena = sw_arena_new();
    struct sw_state_resource r;
    rc = read_resource(state, stmt, arena, &r, err);
    sw_db__reset(stmt);
    r.address = to;
    r.name = name;
    if (!rc) rc = sw_state__write_resource(state, &r, err);
    sw_arena_free(arena);
    stmt = rc ? NULL : sw_db__statement(state, "DELETE FROM resource WHERE address = ?1", err);
    if (rc || !stmt) return rc ? rc : SW_EIO;
    sw_db__bind_text(stmt, 1, from);
    rc = sw_db__run(state, stmt, err);
    return rc < 0 ? rc : 0;
}

/* The new row is sealed anew, for its secrets are bound to the address; who depends on the old address now depends on the new one. */
static int rename_all(struct sw_state *state, const char *from, const char *to, struct sw_arena *arena, struct sw_err *err) {
    sqlite3_stmt *stmt = sw_db__statement(state, COLUMNS "WHERE address IN (?1, ?2) OR instr(depends, ?3)", err);
    if (!stmt) return SW_EIO;
    struct sw_str quoted = {0}; /* as it stands in the JSON */
    sw_json_write(&quoted, sw_value_str(arena, from), SW_JSON_REVEAL);
    sw_db__bind_text(stmt, 1, from);
    sw_db__bind_text(stmt, 2, to);
    sw_db__bind_str(stmt, 3, &quoted);
    struct rows found = {0};
    int rc = read_resources(state, stmt, arena, &found, err);
    struct sw_state_resource *all = found.v, *moved = NULL;
    size_t n = found.n;
    for (size_t i = 0; !rc && i < n; i++) {
        if (strcmp(all[i].address, to) == 0) rc = sw_err_set(err, SW_EEXISTS, "'%s' is in the state already", to);
        if (strcmp(all[i].address, from) == 0) moved = &all[i];
    }
    if (!rc && !moved) {
        rc = sw_err_set(err, SW_ENOTFOUND, "'%s' is not in the state", from);
    } else if (!rc) {
        bool due = is_due(state, from, err);
        rc = sw_journal__rename(state, from, to, err);
        int deleted = rc ? 0 : sw_state__delete_resource(state, from, err);
        if (deleted < 0)
            rc = deleted;
        else if (due && put_due(state, to, true, err) < 0)
            rc = SW_EIO;
        moved->address = to;
        /* "type.name": the name changes with the address. On a host ("n1/file:/etc/x") it is part of what the thing is and stays. */
        size_t type_len = strlen(moved->type);
        if (!moved->host && strncmp(to, moved->type, type_len) == 0 && to[type_len] == '.') moved->name = to + type_len + 1;
    }
    for (size_t i = 0; !rc && i < n; i++) {
        for (const char **d = all[i].depends; *d; d++)
            if (strcmp(*d, from) == 0) *d = to;
        rc = sw_state__write_resource(state, &all[i], err);
    }
    sw_vec_done(&found);
    sw_str_done(&quoted);
    return rc;
}

int sw_state_rename(struct sw_state *state, const char *from, const char *to, struct sw_err *err) {
    int rc = sw_state__begin(state, SW_STATE__DURABLE, err);
    if (rc) return rc;
    struct sw_arena *arena = sw_arena_new();
    rc = sw_state__end(state, rename_all(state, from, to, arena, err), err);
    sw_arena_free(arena);
    return rc;
}
