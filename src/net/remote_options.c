#include "remote_options.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "slipway/arena.h"

enum { PORT = 22, CONNECT_TIMEOUT_MS = 10000, IDLE_TIMEOUT_MS = 600000, KEEPALIVE_MS = 15000 };

/* The login name of whoever runs us; not from $USER, which sudo and cron set as they please. */
static const char *current_user(struct sw_arena *arena) {
    struct passwd entry, *found = NULL;
    char buffer[4096];
    if (getpwuid_r(geteuid(), &entry, buffer, sizeof buffer, &found) == 0 && found) return sw_strdup(arena, found->pw_name);
    const char *name = getenv("USER");
    return sw_strdup(arena, name && *name ? name : "root");
}

void sw_remote_options__copy(struct sw_arena *arena, const struct sw_remote_options *from, struct sw_remote_options *ret) {
    struct sw_remote_options o = *from;
    o.transport = from->transport ? sw_strdup(arena, from->transport) : "ssh";
    o.address = from->address ? sw_strdup(arena, from->address) : "localhost";
    o.name = from->name ? sw_strdup(arena, from->name) : o.address;
    o.user = from->user ? sw_strdup(arena, from->user) : current_user(arena);
    o.passphrase = sw_strdup(arena, from->passphrase);
    o.password = sw_strdup(arena, from->password);
    o.host_key = sw_strdup(arena, from->host_key);
    o.known_hosts = sw_strdup(arena, from->known_hosts);
    o.become = sw_strdup(arena, from->become);
    o.become_password = sw_strdup(arena, from->become_password);
    if (!o.port) o.port = PORT;
    if (!o.connect_timeout_ms) o.connect_timeout_ms = CONNECT_TIMEOUT_MS;
    if (!o.idle_timeout_ms) o.idle_timeout_ms = IDLE_TIMEOUT_MS;
    if (!o.keepalive_ms) o.keepalive_ms = KEEPALIVE_MS;
    if (from->keys) {
        size_t n = 0;
        while (from->keys[n]) n++;
        o.keys = sw_new_n(arena, const char *, n + 1);
        for (size_t i = 0; i < n; i++) o.keys[i] = sw_strdup(arena, from->keys[i]);
    }
    if (from->bastion) {
        struct sw_remote_options *bastion = sw_new(arena, struct sw_remote_options);
        sw_remote_options__copy(arena, from->bastion, bastion);
        o.bastion = bastion;
    }
    *ret = o;
}

static void wipe(const char *secret) {
    if (secret) sw_wipe((char *)secret, strlen(secret)); /* ours: sw_remote_options__copy() made it */
}

void sw_remote_options__wipe(struct sw_remote_options *options) {
    wipe(options->passphrase);
    wipe(options->password);
    wipe(options->become_password);
    if (options->bastion) sw_remote_options__wipe((struct sw_remote_options *)options->bastion);
}

void sw_remote_options__key(const struct sw_remote_options *o, struct sw_str *ret) {
    const char *parts[] = {o->address, o->user, o->passphrase, o->password, o->host_key, o->known_hosts};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) sw_str_addf(ret, "%s\x1f", parts[i] ? parts[i] : "\x1e");
    sw_str_addf(ret, "%u\x1f%d\x1f", o->port ? o->port : PORT, o->agent);
    for (size_t i = 0; o->keys && o->keys[i]; i++) sw_str_addf(ret, "%s\x1f", o->keys[i]);
    if (o->bastion) {
        sw_str_addz(ret, "\x1d");
        sw_remote_options__key(o->bastion, ret);
    }
}

/* ---- from a connection MAP ---- */

static const char *const KNOWN[] = {
    "address",
    "port",
    "user",
    "key",
    "keys",
    "passphrase",
    "password",
    "agent",
    "host_key",
    "known_hosts",
    "become",
    "become_password",
    "bastion",
    "transport",
    "connect_timeout",
    "connect_deadline",
    "idle_timeout",
    "keepalive",
    "machine", /* noted by the engine: the resource that is the machine */
};

struct reader {
    const struct sw_value *map;
    const char *what; /* "connection of 'n1'" */
    struct sw_arena *arena;
    struct sw_err *err;
    int rc;
};

static void fail(struct reader *r, const char *key, const char *wanted) {
    if (r->rc != SW_OK) return;
    r->rc = sw_err_set(r->err, SW_EINVAL, "%s: '%s' must be %s", r->what, key, wanted);
}

static const char *text(struct reader *r, const char *key) {
    const struct sw_value *v = sw_get(r->map, key);
    if (sw_is_nil(v)) return NULL;
    if (v->kind != SW_STR || v->s.len == 0 || strlen(v->s.p) != v->s.len) {
        fail(r, key, "a text");
        return NULL;
    }
    return v->s.p;
}

static unsigned number(struct reader *r, const char *key, int64_t max, const char *wanted) {
    const struct sw_value *v = sw_get(r->map, key);
    if (sw_is_nil(v)) return 0;
    if (v->kind == SW_INT && v->i >= 1 && v->i <= max) return (unsigned)v->i;
    fail(r, key, wanted);
    return 0;
}

static unsigned seconds(struct reader *r, const char *key) {
    const struct sw_value *v = sw_get(r->map, key);
    if (sw_is(v, SW_REAL) && v->d > 0 && v->d <= 86400) return v->d * 1000 < 1 ? 1 : (unsigned)(v->d * 1000);
    return number(r, key, 86400, "seconds, more than 0 and at most 86,400") * 1000;
}

static const char **key_files(struct reader *r) {
    const struct sw_value *one = sw_get(r->map, "key"), *many = sw_get(r->map, "keys");
    if (sw_is_nil(many)) many = one;
    if (sw_is_nil(many)) return NULL;
    if (many->kind == SW_STR) {
        const char **keys = sw_new_n(r->arena, const char *, 2);
        keys[0] = many->s.p;
        return keys;
    }
    if (many->kind == SW_LIST && many->list.n) {
        const char **keys = sw_new_n(r->arena, const char *, many->list.n + 1);
        for (size_t i = 0; i < many->list.n; i++) {
            if (!sw_is(many->list.v[i], SW_STR)) {
                fail(r, "keys", "a list of files");
                return NULL;
            }
            keys[i] = many->list.v[i]->s.p;
        }
        return keys;
    }
    fail(r, "keys", "a file or a list of files");
    return NULL;
}

static void check_names(struct reader *r) {
    for (size_t i = 0; i < r->map->map.n && r->rc == SW_OK; i++) {
        const char *key = r->map->map.v[i].key;
        bool known = false;
        for (size_t k = 0; k < sizeof KNOWN / sizeof *KNOWN; k++) known |= strcmp(key, KNOWN[k]) == 0;
        if (known) continue;
        r->rc = sw_err_set(r->err, SW_EINVAL, "%s: there is no setting '%s'", r->what, key);
        const char *near = sw_nearest(key, KNOWN, sizeof KNOWN / sizeof *KNOWN);
        if (near) sw_err_hint(r->err, "did you mean '%s'?", near);
    }
}

static void read_bastion(struct reader *r, const char *name, struct sw_remote_options *ret) {
    const struct sw_value *v = sw_get(r->map, "bastion");
    if (sw_is_nil(v) || r->rc != SW_OK) return;
    struct sw_remote_options *bastion = sw_new(r->arena, struct sw_remote_options);
    const char *address = sw_get_str(v, "address", NULL);
    r->rc = sw_remote_options_from(v, address ? address : sw_printf(r->arena, "bastion of %s", name), r->arena, bastion, r->err);
    if (r->rc == SW_OK && strcmp(bastion->transport, "ssh") != 0) fail(r, "bastion", "reached over ssh");
    ret->bastion = bastion;
}

int sw_remote_options_from(const struct sw_value *v, const char *name, struct sw_arena *arena, struct sw_remote_options *ret,
                           struct sw_err *err) {
    if (!sw_is(v, SW_MAP)) return sw_err_set(err, SW_EINVAL, "the connection of '%s' must be a map", name);
    struct reader r = {.map = v, .what = sw_printf(arena, "connection of '%s'", name), .arena = arena, .err = err};
    struct sw_remote_options o = {.name = name};
    check_names(&r);
    o.transport = text(&r, "transport");
    if (!o.transport) o.transport = "ssh";
    if (strcmp(o.transport, "ssh") != 0 && strcmp(o.transport, "local") != 0) fail(&r, "transport", "ssh or local");
    o.address = text(&r, "address");
    if (!o.address && strcmp(o.transport, "ssh") == 0) fail(&r, "address", "a host name or an IP address");
    /* A name that starts with '-' would be an option to ssh(1). */
    if (o.address && *o.address == '-') fail(&r, "address", "a host name or an IP address");
    o.user = text(&r, "user");
    if (o.user && *o.user == '-') fail(&r, "user", "a login name");
    o.port = number(&r, "port", 65535, "a number from 1 to 65,535");
    o.keys = key_files(&r);
    o.passphrase = text(&r, "passphrase");
    o.password = text(&r, "password");
    o.host_key = text(&r, "host_key");
    o.known_hosts = text(&r, "known_hosts");
    o.become = text(&r, "become");
    if (o.become && strcmp(o.become, "sudo") != 0) fail(&r, "become", "sudo");
    o.become_password = text(&r, "become_password");
    const struct sw_value *agent = sw_get(v, "agent");
    if (!sw_is_nil(agent) && agent->kind != SW_BOOL) fail(&r, "agent", "true or false");
    o.agent = sw_get_bool(v, "agent", true);
    o.connect_timeout_ms = seconds(&r, "connect_timeout");
    o.connect_deadline_ms = seconds(&r, "connect_deadline");
    o.idle_timeout_ms = seconds(&r, "idle_timeout");
    o.keepalive_ms = seconds(&r, "keepalive");
    read_bastion(&r, name, &o);
    if (o.host_key && !sw_starts_with(o.host_key, "SHA256:") && !strchr(o.host_key, ' '))
        fail(&r, "host_key", "\"TYPE BASE64\" or \"SHA256:…\"");
    if (r.rc != SW_OK) return r.rc;
    if (!o.user) o.user = current_user(arena);
    if (!o.port) o.port = PORT;
    *ret = o;
    return SW_OK;
}
