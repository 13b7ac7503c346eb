/* The lock: one row. Whoever holds it wrote its own generation there, and generations only grow; every write of a holder first compares
 * (fencing), in the same transaction. So a process that slept through its lease and wakes up after somebody took over cannot write.
 *
 * An owner is dead for sure when its process is gone, or when its pid now belongs to a process that started at another time. That can only
 * be said inside one boot of one machine and one pid namespace: `machine` names these. Everywhere else (a container that shares
 * the directory, a machine that rebooted) the lease decides. Wall clock, since it is all that two machines share. */
#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "slipway/clock.h"
#include "state_db.h"

/* The lease is written again when a twelfth of it has passed: touching often is then a read. */
#define TOUCH_PART 12

struct owner {
    int64_t generation, pid, started, since_ms, until_ms;
    const char *user, *host, *machine, *operation;
};

static bool read_text(const char *path, char *buf, size_t size) {
    FILE *f = fopen(path, "re");
    if (!f) return false;
    size_t n = fread(buf, 1, size - 1, f);
    fclose(f);
    buf[n] = 0;
    return n > 0;
}

/* Start time in ticks since boot, and whether it is only waiting to be reaped (then it writes no more). 0 = not known. */
static int64_t process_start(int64_t pid, bool *ret_zombie) {
    char path[64], text[1024];
    *ret_zombie = false;
    snprintf(path, sizeof path, "/proc/%lld/stat", (long long)pid);
    if (!read_text(path, text, sizeof text)) return 0;
    char *p = strrchr(text, ')'); /* the name before it may hold anything, also ')' and spaces */
    if (!p || p[1] != ' ' || !p[2]) return 0;
    *ret_zombie = p[2] == 'Z' || p[2] == 'X';
    p += 2; /* field 3; the start time is field 22 */
    for (int field = 3; field < 22; field++) {
        p = strchr(p, ' ');
        if (!p) return 0;
        p++;
    }
    return strtoll(p, NULL, 10);
}

static char *machine_name(void) {
    char boot[64];
    struct stat ns;
    if (read_text("/proc/sys/kernel/random/boot_id", boot, sizeof boot) && stat("/proc/self/ns/pid", &ns) == 0) {
        boot[strcspn(boot, "\n")] = 0;
        return sw_xprintf("%s/%llu", boot, (unsigned long long)ns.st_ino);
    }
    char host[256] = "";
    gethostname(host, sizeof host - 1);
    return sw_xstrdup(host);
}

static char *user_name(void) {
    struct passwd entry, *found = NULL;
    char buf[4096];
    if (getpwuid_r(geteuid(), &entry, buf, sizeof buf, &found) == 0 && found && *found->pw_name) return sw_xstrdup(found->pw_name);
    return sw_xprintf("uid %u", (unsigned)geteuid());
}

static char *host_name(void) {
    char host[256] = "";
    gethostname(host, sizeof host - 1);
    return sw_xstrdup(*host ? host : "localhost");
}

char *sw_lock__who(void) {
    char *user = user_name(), *host = host_name();
    char *who = sw_xprintf("%s@%s", user, host);
    free(user);
    free(host);
    return who;
}

/* Why the owner does not hold the lock any more, or NULL when it does. */
static const char *why_free(struct sw_state *state, const struct owner *owner, struct sw_arena *arena) {
    char *here = machine_name();
    bool same = strcmp(here, owner->machine) == 0;
    free(here);
    if (same) {
        bool zombie;
        if (kill((pid_t)owner->pid, 0) && errno == ESRCH) return "that process is gone";
        int64_t started = process_start(owner->pid, &zombie);
        if (zombie) return "that process is gone";
        if (started && owner->started && started != owner->started) return "that process is gone, its number belongs to another";
    }
    if (owner->until_ms < state->wall()) {
        char until[32];
        return sw_printf(arena, "its lease ran out at %s", sw_format_time(owner->until_ms, until));
    }
    return NULL;
}

/* 1 = somebody holds it, 0 = nobody. */
static int read_owner(struct sw_state *state, struct sw_arena *arena, struct owner *ret, struct sw_err *err) {
    sqlite3_stmt *stmt =
        sw_db__statement(state, "SELECT generation, pid, started, since_ms, until_ms, user, host, machine, operation FROM lock", err);
    if (!stmt) return SW_EIO;
    int rc = sw_db__next(state, stmt, err);
    if (rc <= 0) return rc;
    *ret = (struct owner){
        .generation = sqlite3_column_int64(stmt, 0),
        .pid = sqlite3_column_int64(stmt, 1),
        .started = sqlite3_column_int64(stmt, 2),
        .since_ms = sqlite3_column_int64(stmt, 3),
        .until_ms = sqlite3_column_int64(stmt, 4),
        .user = sw_db__text(stmt, 5, arena),
        .host = sw_db__text(stmt, 6, arena),
        .machine = sw_db__text(stmt, 7, arena),
        .operation = sw_db__text(stmt, 8, arena),
    };
    sw_db__reset(stmt);
    return 1;
}

static const char *describe(const struct owner *owner, struct sw_arena *arena) {
    char since[32];
    return sw_printf(arena, "%s@%s (process %lld, '%s') since %s", owner->user, owner->host, (long long)owner->pid, owner->operation,
                     sw_format_time(owner->since_ms, since));
}

static int locked_by(struct sw_state *state, const struct owner *owner, struct sw_arena *arena, struct sw_err *err) {
    sw_err_set(err, SW_ELOCKED, "the state '%s' is locked by %s", state->path, describe(owner, arena));
    sw_err_hint(err, "wait until it is done; if it is certainly not running any more: slipway state unlock");
    return SW_ELOCKED;
}

int sw_lock__check(struct sw_state *state, struct sw_err *err) {
    /* On the way of every write: the generation alone decides the usual case, without copying names. */
    sqlite3_stmt *stmt = sw_db__statement(state, "SELECT generation FROM lock", err);
    if (!stmt) return SW_EIO;
    int rc = sw_db__next(state, stmt, err);
    if (rc < 0) return rc;
    int64_t generation = rc ? sqlite3_column_int64(stmt, 0) : 0;
    if (rc) sw_db__reset(stmt);
    if (generation == state->generation) return 0; /* ours; or nobody's, and this is a single write of a process without the lock */

    struct sw_arena *arena = sw_arena_new();
    struct owner owner = {0};
    rc = read_owner(state, arena, &owner, err);
    if (rc > 0 && !state->generation) {
        rc = locked_by(state, &owner, arena, err);
    } else if (rc >= 0 && state->generation) {
        int found = rc;
        rc = sw_err_set(err, SW_ELOCKED, "the lock of the state '%s' was lost: %s%s", state->path,
                        found ? "it was taken over by " : "it was broken by 'state unlock'", found ? describe(&owner, arena) : "");
        sw_err_hint(err, "nothing more is written by this run; see what the other one does, then run again");
    }
    sw_arena_free(arena);
    return rc;
}

static int write_owner(struct sw_state *state, const char *operation, int64_t *ret_generation, struct sw_err *err) {
    int rc = sw_db__int(state, "UPDATE meta SET value = value + 1 WHERE key = 'generation' RETURNING value", ret_generation, err);
    if (rc) return rc;
    sqlite3_stmt *stmt = sw_db__statement(state, "INSERT OR REPLACE INTO lock VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)", err);
    if (!stmt) return SW_EIO;
    bool zombie;
    int64_t now = state->wall();
    char *user = user_name(), *host = host_name(), *machine = machine_name();
    sw_db__bind_int(stmt, 1, *ret_generation);
    sw_db__bind_text(stmt, 2, user);
    sw_db__bind_text(stmt, 3, host);
    sw_db__bind_text(stmt, 4, machine);
    sw_db__bind_int(stmt, 5, getpid());
    sw_db__bind_int(stmt, 6, process_start(getpid(), &zombie));
    sw_db__bind_text(stmt, 7, operation);
    sw_db__bind_int(stmt, 8, now);
    sw_db__bind_int(stmt, 9, now + state->lease_ms);
    rc = sw_db__run(state, stmt, err);
    free(user);
    free(host);
    free(machine);
    return rc < 0 ? rc : 0;
}

int sw_state_lock(struct sw_state *state, const char *operation, struct sw_arena *arena, const char **ret_takeover, struct sw_err *err) {
    /* A lock that a power cut loses had an owner that the power cut ended: no need to wait for the disk. */
    int rc = sw_state__begin_unfenced(state, SW_STATE__RELAXED, err);
    if (rc) return rc;
    struct owner owner;
    const char *takeover = NULL;
    int64_t generation = 0, serial = 0;
    rc = read_owner(state, arena, &owner, err);
    if (rc > 0) {
        const char *why = why_free(state, &owner, arena);
        rc = why ? 0 : locked_by(state, &owner, arena, err);
        if (why) takeover = sw_printf(arena, "took over the lock of %s: %s", describe(&owner, arena), why);
    }
    if (!rc) rc = write_owner(state, operation ? operation : "?", &generation, err);
    /* Who holds the lock is alone: a run that is still open died. */
    if (!rc) rc = sw_runs__crashed(state, err);
    if (!rc) rc = sw_db__int(state, "SELECT value FROM meta WHERE key = 'serial'", &serial, err);
    rc = sw_state__end(state, rc, err);
    if (rc) return rc;
    state->generation = generation;
    state->serial = serial;
    state->touched_ms = state->wall();
    if (ret_takeover) *ret_takeover = takeover;
    return 0;
}

int sw_state_touch(struct sw_state *state, struct sw_err *err) {
    if (!state->generation) return sw_err_set(err, SW_EINTERNAL, "a lock was to be renewed that was never taken");
    int64_t now = state->wall();
    if (now >= state->touched_ms && now - state->touched_ms < state->lease_ms / TOUCH_PART) return sw_lock__check(state, err);
    int rc = sw_state__begin(state, SW_STATE__RELAXED, err);
    if (rc) return rc;
    sqlite3_stmt *stmt = sw_db__statement(state, "UPDATE lock SET until_ms = ?1 WHERE generation = ?2", err);
    rc = SW_EIO;
    if (stmt) {
        sw_db__bind_int(stmt, 1, now + state->lease_ms);
        sw_db__bind_int(stmt, 2, state->generation);
        rc = sw_db__run(state, stmt, err);
    }
    rc = sw_state__end(state, rc, err);
    if (!rc) state->touched_ms = now;
    return rc;
}

void sw_state_unlock(struct sw_state *state) {
    if (!state || !state->generation) return;
    /* DURABLE: everything this run wrote is on disk when its lock is gone. When the lock was lost there is nothing to give back, and when
     * the write fails the lease or the end of this process frees it. */
    if (!sw_state__begin(state, SW_STATE__DURABLE, NULL)) sw_state__end(state, sw_state__exec(state, "DELETE FROM lock", NULL), NULL);
    state->generation = 0;
}

int sw_state_force_unlock(struct sw_state *state, struct sw_err *err) {
    if (!state->db && state->read_only) return sw_err_set(err, SW_EINTERNAL, "the state '%s' was opened for reading only", state->path);
    int rc = sw_state__begin_unfenced(state, SW_STATE__DURABLE, err);
    if (rc) return rc;
    sqlite3_stmt *stmt = sw_db__statement(state, "DELETE FROM lock", err);
    rc = stmt ? sw_db__run(state, stmt, err) : SW_EIO;
    if (!rc) rc = sw_err_set(err, SW_ENOTFOUND, "the state '%s' is not locked", state->path);
    return sw_state__end(state, rc, err);
}
