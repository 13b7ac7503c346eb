/* Helm charts, rendered by the helm that is on this machine: `helm template`, and nothing of a cluster, a repository or the user's own settings of it.
 *
 * A rendering is pure: the same program, chart and values give the same text. So it is kept in a cache by the hash of all that goes into it, and
 * helm runs only for what is not there. What may hold secrets (secret values, a Secret) stays in memory and is rendered anew by each run.
 * Loop thread only.
 */
#ifndef SLIPWAY_HELM_H
#define SLIPWAY_HELM_H

#include "slipway/arena.h"
#include "slipway/loop.h"
#include "slipway/value.h"

struct sw_helm;

struct sw_helm_options {
    const char *cache_dir; /* made when something is kept */
    const char *inside;    /* a stranger's chart must not lead out of this directory (resolved) by a link; NULL: it may */
    bool offline;          /* helm is not run: what is not in the cache is an error */
};

struct sw_helm_chart {
    const char *path;         /* of a chart's directory or archive, absolute */
    const char *shown;        /* what the user called it, for messages */
    const char *release;      /* a name helm takes */
    const char *space;        /* the release's namespace */
    const char *kube_version; /* "1.30.1", or NULL: helm's own idea */
    const char *const *apis;  /* "GROUP/VERSION[/KIND]" that the cluster is to have besides */
    size_t n_apis;
    const char *const *files; /* values, absolute paths; later ones win */
    size_t n_files;
    const struct sw_value *values; /* a MAP without unknowns, over the files */
    bool definitions;              /* those of crds/, too */
};

/* Strings are copied. */
struct sw_helm *sw_helm_new(const struct sw_helm_options *options);
void sw_helm_free(struct sw_helm *helm); /* NULL is fine */
/* The chart's objects, in helm's order: { pieces = [{ source = "shop/templates/a.yaml", objects = [...] }, ...], changing = ["Secret a: data.password", ...] }.
 * Leaves that follow from secret values are secrets. `changing`: what is another at each rendering. When helm has to run first: SW_ENOTFOUND,
 * and sw_helm_wanted() counts it. Other errors: there is no helm, no chart; what helm said of it. */
int sw_helm_read(struct sw_helm *helm, const struct sw_helm_chart *chart, struct sw_arena *arena, const struct sw_value **ret,
                 struct sw_err *err);
size_t sw_helm_wanted(const struct sw_helm *helm);
/* Renders what is wanted. tell: called with the chart's `shown` before each. Runs the loop. What helm makes of it, also that it fails, is told by
 * sw_helm_read(). */
void sw_helm_run(struct sw_helm *helm, struct sw_loop *loop, void (*tell)(void *ctx, const char *chart), void *ctx);

#endif
