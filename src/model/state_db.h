/* A few words for SQLite: cached statements, binding, stepping, and errors that people understand. */
#ifndef SLIPWAY_MODEL_STATE_DB_H
#define SLIPWAY_MODEL_STATE_DB_H

#include <sqlite3.h>

#include "state_internal.h"

/* A cached statement, reset and without bindings. `sql` is a literal: the cache compares pointers. NULL = failed, err says why. */
sqlite3_stmt *sw_db__statement(struct sw_state *state, const char *sql, struct sw_err *err);
/* Bind by position from 1. Text is borrowed until the statement has run; NULL is NULL. */
void sw_db__bind_text(sqlite3_stmt *stmt, int at, const char *text);
void sw_db__bind_str(sqlite3_stmt *stmt, int at, const struct sw_str *text);
void sw_db__bind_int(sqlite3_stmt *stmt, int at, int64_t i);
/* 1 = a row, 0 = no more (reset), < 0 = failed (reset). */
int sw_db__next(struct sw_state *state, sqlite3_stmt *stmt, struct sw_err *err);
/* Runs a statement without rows to its end. Returns rows changed, or < 0. */
int sw_db__run(struct sw_state *state, sqlite3_stmt *stmt, struct sw_err *err);
void sw_db__reset(sqlite3_stmt *stmt);
const char *sw_db__text(sqlite3_stmt *stmt, int column, struct sw_arena *arena); /* a copy, or NULL */
/* Unseals the JSON of a column. NULL column: *ret = NULL. */
int sw_db__value(struct sw_state *state, sqlite3_stmt *stmt, int column, const char *context, struct sw_arena *arena,
                 const struct sw_value **ret, struct sw_err *err);
/* One whole number out of a query without parameters. */
int sw_db__int(struct sw_state *state, const char *sql, int64_t *ret, struct sw_err *err);
/* Turns the connection's last error into ours. */
int sw_db__fail(struct sw_state *state, struct sw_err *err);

#endif
