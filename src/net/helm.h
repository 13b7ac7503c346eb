/* Inside helm*.c: helm.c (what is at hand), helm_chart.c (a chart's hash), helm_run.c (the program), helm_objects.c (what it gave),
 * helm_secret.c (what follows from secrets). */
#ifndef SLIPWAY_NET_HELM_H
#define SLIPWAY_NET_HELM_H

#include "slipway/helm.h"

/* The renderings of one chart. The second tells what is another each time; the third, with other texts in the place of the secret values, what
 * follows from those. */
enum { SW_HELM_FIRST, SW_HELM_SECOND, SW_HELM_STAND_IN, SW_HELM_RENDERINGS };

struct sw_rendering {
    const char *key;
    const char *shown;
    bool secret; /* its values hold one */
    bool done;
    /* What is run; values and stand_in are wiped when it was. */
    const char *const *argv;
    struct sw_str values, stand_in;
    struct sw_texts {
        const char **v; /* in helm's arena */
        size_t n, cap;
    } stand_ins;                            /* the texts in the place of the secret ones */
    struct sw_err err;                      /* helm failed */
    struct sw_str text[SW_HELM_RENDERINGS]; /* the third without .p: there is none */
};

struct sw_helm {
    struct sw_arena *arena;
    struct sw_helm_options options;
    struct {
        struct sw_rendering **v;
        size_t n, cap;
    } renderings, wanted;
};

/* helm_chart.c: the hash of a chart's files, or of its archive. */
int sw_helm__hash_chart(const struct sw_helm *helm, const struct sw_helm_chart *chart, char ret_hex[static 65], struct sw_err *err);

/* helm_run.c */
void sw_helm__run(struct sw_helm *helm, struct sw_rendering *r, struct sw_loop *loop);

/* helm_secret.c */
/* The values as JSON. With `stand_ins`, every secret is another text of the same length and kinds of characters, and these are listed there. */
void sw_helm__write_values(struct sw_arena *arena, const struct sw_value *values, struct sw_texts *stand_ins, struct sw_str *ret);
/* `a` with every leaf that is another in `b` marked secret; `leaves` (or NULL) gets their paths. Where they differ in more than leaves: NULL, and
 * *ret_path says where. */
const struct sw_value *sw_helm__veil(struct sw_arena *arena, const struct sw_value *a, const struct sw_value *b, struct sw_texts *leaves,
                                     const char **ret_path);

/* helm_objects.c: the objects of the renderings, as sw_helm_read() gives them. */
int sw_helm__objects(const struct sw_rendering *r, struct sw_arena *arena, const struct sw_value **ret, struct sw_err *err);

#endif
