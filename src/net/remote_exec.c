/* `slipway ssh`: hands the terminal to ssh(1), with the same ideas about keys and hosts. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "known_hosts.h"
#include "remote_options.h"
#include "slipway/arena.h"
#include "slipway/file.h"

struct args {
    struct sw_arena *arena;
    const char **v;
    size_t n, cap;
};

static void add(struct args *args, const char *arg) {
    if (args->n + 1 >= args->cap) {
        args->cap = args->cap ? args->cap * 2 : 32;
        args->v = sw_xrealloc(args->v, args->cap * sizeof *args->v);
    }
    args->v[args->n++] = arg;
    args->v[args->n] = NULL;
}

static void option(struct args *args, const char *name, const char *value) {
    add(args, "-o");
    add(args, sw_printf(args->arena, "%s=%s", name, value));
}

/* The pinned key by KnownHostsCommand (OpenSSH 8.5): a temporary file would be left behind, for nobody is there to remove it after the
 * exec. */
static void add_pinned(struct args *args, const struct sw_remote_options *o) {
    struct sw_str line = {0};
    sw_str_addz(&line, access("/bin/echo", X_OK) == 0 ? "/bin/echo " : "/usr/bin/echo ");
    sw_known_hosts_name(o->address, o->port, &line);
    sw_str_addf(&line, " %s", o->host_key);
    option(args, "KnownHostsCommand", sw_strdup(args->arena, sw_str_z(&line)));
    option(args, "UserKnownHostsFile", "/dev/null");
    option(args, "GlobalKnownHostsFile", "/dev/null");
    sw_str_done(&line);
}

/* Everything before the destination. ssh takes an option's first value, so the user's ssh_config cannot undo these. */
static int add_options(struct args *args, const struct sw_remote_options *o, struct sw_err *err);

/* The bastion as a ProxyCommand, not a ProxyJump: options given with -o do not reach a ProxyJump's hop. */
static int add_bastion(struct args *args, const struct sw_remote_options *o, struct sw_err *err) {
    struct args inner = {.arena = args->arena};
    add(&inner, "ssh");
    int rc = add_options(&inner, o->bastion, err);
    if (rc == SW_OK) {
        add(&inner, "-W");
        add(&inner, sw_printf(args->arena, "[%s]:%u", o->address, o->port)); /* as text: '%' in it would be ssh's */
        add(&inner, "--");
        add(&inner, o->bastion->address);
        struct sw_str command = {0};
        for (size_t i = 0; i < inner.n; i++) {
            if (i) sw_str_addc(&command, ' ');
            struct sw_str doubled = {0};
            for (const char *c = inner.v[i]; *c; c++) sw_str_addz(&doubled, *c == '%' ? "%%" : (char[]){*c, 0});
            sw_str_add_shell(&command, sw_str_z(&doubled), doubled.len);
            sw_str_done(&doubled);
        }
        option(args, "ProxyCommand", sw_strdup(args->arena, sw_str_z(&command)));
        sw_str_done(&command);
    }
    free(inner.v);
    return rc;
}

static int add_options(struct args *args, const struct sw_remote_options *o, struct sw_err *err) {
    option(args, "StrictHostKeyChecking", "yes");
    option(args, "UpdateHostKeys", "no");
    if (o->host_key && !sw_starts_with(o->host_key, "SHA256:")) {
        add_pinned(args, o);
    } else if (o->host_key) {
        return sw_err_set(err, SW_EINVAL, "'%s' is pinned by a fingerprint, which ssh(1) cannot check; pin the whole key", o->name);
    } else if (o->known_hosts) {
        char *path = sw_expand_home(o->known_hosts);
        option(args, "UserKnownHostsFile", sw_printf(args->arena, "\"%s\"", path));
        option(args, "GlobalKnownHostsFile", "/dev/null");
        free(path);
    }
    for (size_t i = 0; o->keys && o->keys[i]; i++) {
        char *path = sw_expand_home(o->keys[i]);
        add(args, "-i");
        add(args, sw_strdup(args->arena, path));
        free(path);
    }
    if (o->keys) option(args, "IdentitiesOnly", o->agent ? "no" : "yes");
    if (!o->agent) option(args, "IdentityAgent", "none");
    option(args, "ConnectTimeout", sw_printf(args->arena, "%u", (o->connect_timeout_ms + 999) / 1000));
    option(args, "ServerAliveInterval", sw_printf(args->arena, "%u", (o->keepalive_ms + 999) / 1000));
    add(args, "-p");
    add(args, sw_printf(args->arena, "%u", o->port));
    add(args, "-l");
    add(args, o->user);
    return o->bastion ? add_bastion(args, o, err) : SW_OK;
}

static int exec_local(struct args *args, char *const *command, struct sw_err *err) {
    const char *shell = getenv("SHELL");
    add(args, shell && *shell ? shell : "/bin/sh");
    if (command && *command) {
        struct sw_str line = {0};
        for (size_t i = 0; command[i]; i++) sw_str_addf(&line, "%s%s", i ? " " : "", command[i]); /* as ssh joins them */
        add(args, "-c");
        add(args, sw_strdup(args->arena, sw_str_z(&line)));
        sw_str_done(&line);
    }
    execvp(args->v[0], (char *const *)args->v);
    return sw_err_set(err, SW_EIO, "cannot start %s: %s", args->v[0], strerror(errno));
}

int sw_remote_exec_ssh(const struct sw_remote_options *options, char *const *command, struct sw_err *err) {
    struct sw_arena *arena = sw_arena_new();
    struct sw_remote_options o;
    sw_remote_options__copy(arena, options, &o);
    struct args args = {.arena = arena};
    int rc;
    if (strcmp(o.transport, "local") == 0) {
        rc = exec_local(&args, command, err);
    } else {
        add(&args, "ssh");
        rc = add_options(&args, &o, err);
        if (rc == SW_OK) {
            add(&args, "--");
            add(&args, o.address);
            for (size_t i = 0; command && command[i]; i++) add(&args, command[i]);
            execvp("ssh", (char *const *)args.v);
            rc = errno == ENOENT ? sw_err_set(err, SW_ENOTFOUND, "ssh(1) is not installed")
                                 : sw_err_set(err, SW_EIO, "cannot start ssh: %s", strerror(errno));
        }
    }
    free(args.v);
    sw_remote_options__wipe(&o);
    sw_arena_free(arena);
    return rc;
}
