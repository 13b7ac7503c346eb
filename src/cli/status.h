/* The status of a cluster, for `status` and at the end of `bootstrap`. Internal to cli/. */
#ifndef SLIPWAY_CLI_STATUS_H
#define SLIPWAY_CLI_STATUS_H

#include "run.h"

/* Reads the world and prints. Returns the exit code: 1 when something is not healthy. */
int sw_status_run(struct sw_context *context);

/* The judgement alone: from a plan that has just read everything. */
struct sw_status_node {
    const char *name, *role, *address, *version, *ready; /* ready: "yes", "no", "unknown"; each "" when nothing is known */
};
struct sw_status_addon {
    const char *name;
    size_t objects, there, unready;
};
struct sw_status_app {
    const char *name, *parent, *sync, *health; /* parent "": nobody made it that is known */
    bool good;
};
struct sw_status {
    struct {
        struct sw_status_node *v;
        size_t n, cap;
    } nodes;
    struct {
        struct sw_status_addon *v;
        size_t n, cap;
    } addons; /* objects of the cluster by what declared them */
    struct {
        struct sw_status_app *v;
        size_t n, cap;
    } apps; /* Argo CD's Applications */
    struct {
        const char **v;
        size_t n, cap;
    } problems;     /* each one line: who, and why */
    size_t pending; /* changes that a plan would make to what is there */
    bool healthy;
};
/* `nodes`: the inventory's LIST of machines, or NULL. Strings are borrowed or in the arena. Free with sw_status_done(). */
void sw_status_judge(const struct sw_plan *plan, const struct sw_value *nodes, struct sw_arena *arena, struct sw_status *ret);
void sw_status_print(struct sw_str *out, const struct sw_status *status, const struct sw_style *style);
void sw_status_json(struct sw_str *out, const struct sw_status *status, struct sw_arena *arena);
void sw_status_done(struct sw_status *status);
/* Reads the world and judges it. */
int sw_status_look(struct sw_context *context, struct sw_status *ret, struct sw_err *err);
/* Prints it, as text or JSON. Returns the exit code. */
int sw_status_show(struct sw_context *context, const struct sw_status *status);
/* status_wait.c: looks again until it is healthy or the time is over, then prints. Returns the exit code. */
int sw_status_wait(struct sw_context *context, unsigned seconds);

#endif
