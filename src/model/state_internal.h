/* Inside the state: shared by state*.c, lock.c, runs.c and journal.c, and by their tests.
 *
 * Every change goes through sw_state__begin() / sw_state__commit(): that is where the lock is checked. sqlite3.h is included by
 * state_db.h only, so that tests can include this. */
#ifndef SLIPWAY_MODEL_STATE_INTERNAL_H
#define SLIPWAY_MODEL_STATE_INTERNAL_H

#include "slipway/state.h"

#define SW_STATE__APPLICATION_ID 0x536c7077 /* "Slpw", in the header of the database */
#define SW_STATE__VERSION        1          /* user_version: the tables this slipway knows */
#define SW_STATE__LEASE_MS       60000

struct sqlite3;
struct sqlite3_stmt;

struct sw_state {
    char *dir, *path;
    struct sqlite3 *db; /* NULL: read_only, and there is no state yet */
    bool read_only;
    bool has_key;
    unsigned char key[32];
    char *key_origin; /* for messages: the file, or SLIPWAY_STATE_KEY */
    char lineage[33];
    int64_t serial;
    int64_t next_serial; /* in the open transaction; 0 = unchanged */
    int synchronous;     /* as last set on the connection; 0 = not yet */
    int64_t generation;  /* of our lock; 0 = not taken */
    int64_t touched_ms;  /* when the lease was last written */
    int64_t lease_ms;
    int64_t (*wall)(void);
    struct {
        const char *sql;
        struct sqlite3_stmt *stmt;
    } statements[48];
    size_t n_statements;
};

/* For tests: another clock and lease; any SQL (PRAGMA max_page_count makes a full disk). */
void sw_state__set_clock(struct sw_state *state, int64_t (*wall)(void), int64_t lease_ms);
int sw_state__exec(struct sw_state *state, const char *sql, struct sw_err *err);

/* state_key.c. The key from SLIPWAY_STATE_KEY or dir/state.key; `create` makes the file when there is none. SW_ENOTFOUND. */
int sw_state__load_key(struct sw_state *state, bool create, struct sw_err *err);

/* state_file.c */
enum sw_state__presence { SW_STATE__ABSENT, SW_STATE__PRESENT };
/* Looks at the file without opening a database: absent, or a state this slipway can read; anything else is an error. */
int sw_state__probe(const char *path, enum sw_state__presence *ret, struct sw_err *err);
/* Opens the database at state->path (present, probed). */
int sw_state__attach(struct sw_state *state, struct sw_err *err);
/* Once what attach opened has been checked: from here on it may be written. */
int sw_state__accept(struct sw_state *state, struct sw_err *err);

/* state_create.c */
/* Writes a new file of mode 0600 that appears whole or not at all and replaces nothing. SW_EEXISTS. */
int sw_state__create_file(const char *path, const void *data, size_t len, struct sw_err *err);
/* Creates the database at state->path; somebody else's, created in the meantime, is fine. */
int sw_state__create(struct sw_state *state, struct sw_err *err);

/* Removes what a process that died while it created the two left in `dir`. */
void sw_state__clear_leftovers(const char *dir);

/* state_db.c. RELAXED: kill -9 loses nothing, a power cut may lose it, but never out of order. DURABLE: on disk when commit returns,
 * with everything before it. */
enum sw_state__durability { SW_STATE__RELAXED = 1, SW_STATE__DURABLE = 2 };
int sw_state__begin(struct sw_state *state, enum sw_state__durability durability, struct sw_err *err);
int sw_state__begin_unfenced(struct sw_state *state, enum sw_state__durability durability, struct sw_err *err); /* for the lock itself */
/* rc < 0: rolls back and returns rc. Else commits. */
int sw_state__end(struct sw_state *state, int rc, struct sw_err *err);
int sw_state__bump(struct sw_state *state, struct sw_err *err); /* one more serial, in the open transaction */

/* lock.c. Inside a transaction: are we allowed to write? */
int sw_lock__check(struct sw_state *state, struct sw_err *err);
/* "user@host"; malloc'ed. */
char *sw_lock__who(void);
/* runs.c: runs that never ended get the outcome "crashed". Within a transaction of somebody who is alone. */
int sw_runs__crashed(struct sw_state *state, struct sw_err *err);

/* journal.c. Inside a transaction: open intents of an address are closed, or follow its new name. */
int sw_journal__drop(struct sw_state *state, const char *address, struct sw_err *err);
int sw_journal__rename(struct sw_state *state, const char *from, const char *to, struct sw_err *err);

/* state_resources.c. Inside a transaction. */
/* Another address and name for one resource; what others depend on, what is due and what is open stays with the old address. Absent is fine. */
int sw_state__depose(struct sw_state *state, const char *from, const char *to, const char *name, struct sw_err *err);
int sw_state__write_resource(struct sw_state *state, const struct sw_state_resource *resource, struct sw_err *err);
int sw_state__delete_resource(struct sw_state *state, const char *address, struct sw_err *err); /* returns rows deleted, or < 0 */

#endif
