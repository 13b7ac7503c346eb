/* The state: what slipway made, in SQLite. Resources, runs, the journal of intents, and the lock.
 *
 * Intent is journalled (committed to disk) before every mutating call and closed after it. Secrets rest encrypted.
 * A state that is truncated, from a newer slipway or unreadable is an error, and nothing is overwritten.
 */
#ifndef SLIPWAY_STATE_H
#define SLIPWAY_STATE_H

#include "slipway/plan.h"

struct sw_state;

struct sw_state_resource {
    const char *address, *type, *name, *host, *provider; /* host, provider may be NULL */
    const struct sw_value *attributes;                   /* MAP */
    const char **depends;                                /* NULL-terminated */
    const char *status;                                  /* "ok", "partial" (a create that did not finish) */
    int64_t seq;                                         /* order of declaration when last applied */
    int64_t updated_ms;
    bool prevent_destroy, create_before_destroy;
};

/* Opens or creates `dir`/state.db (directory 0700, file 0600) and its key `dir`/state.key (0600, created on first use; SLIPWAY_STATE_KEY,
 * 64 hex digits or a base64 of 32 bytes, wins). read_only: nothing is created, a missing state reads as empty (lineage "", serial 0).
 * Opening checks the whole: SW_EIO truncated or damaged, SW_EINVAL foreign or newer, SW_EAUTH another key, SW_ENOTFOUND the key is missing. */
int sw_state_open(const char *dir, bool read_only, struct sw_state **ret, struct sw_err *err);
void sw_state_close(struct sw_state *state);
const char *sw_state_lineage(const struct sw_state *state);
/* Grows with every change of resources and outputs (not of hosts, runs, journal). As of sw_state_open, sw_state_lock, the last
 * sw_state_resources (it is the serial of exactly what that gave), or the last write. */
int64_t sw_state_serial(const struct sw_state *state);
const unsigned char *sw_state_key(const struct sw_state *state); /* 32 bytes; NULL when read_only found neither state nor key */

/* The lock: one writer. Taken with a lease that sw_state_touch() renews (call at least every lease/3; lease 60 s). A lock whose owner process is dead on this
 * host, or whose lease ran out, is taken over, and *ret_takeover (arena) says so, else NULL. SW_ELOCKED names the owner, since when, and how to unlock.
 * Every write checks it: SW_ELOCKED when somebody else holds it, or when it was ours and is lost. A single write while nobody holds it is allowed. */
int sw_state_lock(struct sw_state *state, const char *operation, struct sw_arena *arena, const char **ret_takeover, struct sw_err *err);
int sw_state_touch(struct sw_state *state, struct sw_err *err); /* SW_ELOCKED when the lock was lost (fencing) */
void sw_state_unlock(struct sw_state *state);
int sw_state_force_unlock(struct sw_state *state, struct sw_err *err);

/* All resources, ordered by seq. */
int sw_state_resources(struct sw_state *state, struct sw_arena *arena, struct sw_state_resource **ret, size_t *ret_n, struct sw_err *err);
int sw_state_rename(struct sw_state *state, const char *from, const char *to, struct sw_err *err);
int sw_state_forget(struct sw_state *state, const char *address, struct sw_err *err);
/* Restarts that are due: a trigger changes in this run, or changed in one that did not get to what acts on it (restart_on). Kept until
 * sw_state_put_due(…, false), however the run ends. A rename takes them along, forgetting drops them. */
int sw_state_put_due(struct sw_state *state, const char *const *addresses, size_t n, bool due, struct sw_err *err);
int sw_state_due(struct sw_state *state, struct sw_arena *arena, const char ***ret, size_t *ret_n, struct sw_err *err);
/* Writes one resource outside of a run's operation (import, refresh). */
int sw_state_put(struct sw_state *state, const struct sw_state_resource *resource, struct sw_err *err);

/* Hosts as last connected to, so that what lives on a host that left the inventory can still be removed. */
int sw_state_put_host(struct sw_state *state, const char *name, const struct sw_value *connection, struct sw_err *err);
int sw_state_hosts(struct sw_state *state, struct sw_arena *arena, struct sw_host **ret, size_t *ret_n, struct sw_err *err);

/* Outputs of the last apply: MAP name -> value. */
int sw_state_put_outputs(struct sw_state *state, const struct sw_value *outputs, struct sw_err *err);
int sw_state_outputs(struct sw_state *state, struct sw_arena *arena, const struct sw_value **ret, struct sw_err *err);

/* Runs. Every run is kept. */
struct sw_run {
    int64_t id;
    const char *operation;        /* "apply", "destroy", "import" */
    const char *who;              /* user@host, and " (NOTE)" where there is one */
    int64_t started_ms, ended_ms; /* ended 0 = running or crashed */
    const char *outcome;          /* "ok", "failed", "cancelled", "crashed", NULL = open */
    int64_t done, failed, skipped;
};
int sw_run_begin(struct sw_state *state, const char *operation, int64_t *ret_run, struct sw_err *err);
/* Something to be kept beside who runs it. */
int sw_run_note(struct sw_state *state, int64_t run, const char *note, struct sw_err *err);
int sw_run_end(struct sw_state *state, int64_t run, const char *outcome, int64_t done, int64_t failed, int64_t skipped, struct sw_err *err);
int sw_runs(struct sw_state *state, struct sw_arena *arena, struct sw_run **ret, size_t *ret_n, struct sw_err *err); /* newest first */
/* What was declared in a run, to go back to: kept for the newest ten whose plan held everything (not of a destroy, a refresh, or --target).
 * Reading gives SW_ENOTFOUND for a run of which nothing is kept. ret_runs: their numbers, newest first. */
int sw_run_keep(struct sw_state *state, int64_t run, const struct sw_plan *plan, struct sw_err *err);
int sw_run_kept(struct sw_state *state, int64_t run, struct sw_arena *arena, struct sw_plan **ret, struct sw_err *err);
int sw_runs_kept(struct sw_state *state, struct sw_arena *arena, int64_t **ret_runs, size_t *ret_n, struct sw_err *err);

/* The journal. One transaction opens any number of intents (a host's script opens all its steps at once): one fsync, on disk when it returns.
 * Closing costs none: kill -9 loses no close, a power cut may, and the intent is then pending again. */
struct sw_intent {
    int64_t id; /* set by sw_journal_open */
    int64_t run;
    const char *address, *type, *name, *host, *provider;
    enum sw_action action;
    const char *token;  /* idempotency token (32 hex digits), generated when NULL */
    int64_t supersedes; /* an open intent of a dead run that this one goes on with: closed as "unknown" in the same transaction; 0 = none */
    /* When set, the resource recorded under `address` becomes this one in the same transaction: its successor is about to be created. */
    const char *depose_address, *depose_name;
    const struct sw_value
        *desired; /* what a create was asked for, so that a crashed one can be found by natural key; dropped when it is closed */
    int64_t opened_ms, closed_ms;
    const char *outcome; /* NULL while open; "ok", "failed", "unknown" */
};
int sw_journal_open(struct sw_state *state, struct sw_arena *arena, struct sw_intent *intents, size_t n, struct sw_err *err);
/* Closes an intent and writes (result != NULL) or forgets (result NULL and forget) the resource, in one transaction. */
int sw_journal_close(struct sw_state *state, int64_t intent, const char *outcome, const struct sw_state_resource *result, bool forget,
                     struct sw_err *err);
/* The same for many, in one transaction: all of them or none. Pages that several of them touch are written once. */
struct sw_closing {
    int64_t intent;
    const char *outcome;
    const struct sw_state_resource *result;
    bool forget;
};
int sw_journal_close_all(struct sw_state *state, const struct sw_closing *closings, size_t n, struct sw_err *err);
/* Intents that a run left open, because it died or because nobody knows what became of them, oldest first. Forgetting a resource closes those of
 * its address, renaming takes them along. */
int sw_journal_pending(struct sw_state *state, struct sw_arena *arena, struct sw_intent **ret, size_t *ret_n, struct sw_err *err);
/* All of a run's intents, in order: for `state history RUN`. */
int sw_journal_of_run(struct sw_state *state, int64_t run, struct sw_arena *arena, struct sw_intent **ret, size_t *ret_n,
                      struct sw_err *err);

/* secretbox: AES-256-GCM with a random nonce; text form "v1:" base64(nonce || ciphertext || tag). `context` is authenticated too. */
int sw_seal(const unsigned char *key, const char *context, const void *plain, size_t len, struct sw_str *ret);
int sw_unseal(const unsigned char *key, const char *context, const char *text, struct sw_str *ret, struct sw_err *err);
/* A value's JSON with every secret sealed ({"$sealed": "v1:…"}, inside sw_json_write's {"$map": …}), and back. */
void sw_value_seal(struct sw_str *out, const struct sw_value *v, const unsigned char *key, const char *context);
int sw_value_unseal(struct sw_arena *arena, const char *json, size_t len, const unsigned char *key, const char *context,
                    const struct sw_value **ret, struct sw_err *err);

#endif
