/* What is at hand: renderings of this run, and those in the cache. */
#include "helm.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "slipway/file.h"
#include "slipway/hash.h"
#include "slipway/vec.h"

enum { MAX_VALUES = 16 << 20, MAX_TEXT = 32 << 20 };

/* Raised when what the hash stands for, or what is kept under it, changes. */
#define FORMAT "1"

/* The helm in PATH, in the arena; NULL = none. */
static const char *find_helm(struct sw_arena *arena) {
    const char *path = getenv("PATH");
    for (const char *p = path ? path : ""; *p;) {
        size_t n = strcspn(p, ":");
        const char *file = sw_printf(arena, "%.*s/helm", (int)n, p);
        struct stat st;
        /* A relative entry would name another program in each directory. */
        if (*p == '/' && stat(file, &st) == 0 && S_ISREG(st.st_mode) && access(file, X_OK) == 0) return file;
        p += n + (p[n] == ':');
    }
    return NULL;
}

/* Which program it is, without running it. */
static const char *identity(struct sw_arena *arena, const char *file) {
    char real[PATH_MAX];
    struct stat st;
    if (!realpath(file, real) || stat(real, &st)) return file;
    return sw_printf(arena, "%s %lld %lld.%09ld %llu", real, (long long)st.st_size, (long long)st.st_mtim.tv_sec, (long)st.st_mtim.tv_nsec,
                     (unsigned long long)st.st_ino);
}

static int hash_file(const char *path, char ret_hex[static 65], struct sw_err *err) {
    struct sw_str text = {0};
    int rc = sw_file_read(path, MAX_VALUES, &text, err);
    sw_sha256(sw_str_z(&text), text.len, ret_hex);
    sw_str_done(&text);
    return rc;
}

static const struct sw_value *texts(struct sw_arena *arena, const char *const *v, size_t n) {
    const struct sw_value **items = sw_new_n(arena, const struct sw_value *, n + 1);
    for (size_t i = 0; i < n; i++) items[i] = sw_value_str(arena, v[i]);
    return sw_value_list(arena, items, n);
}

/* The hash of all that the rendering follows from. */
static int make_key(struct sw_helm *helm, const struct sw_helm_chart *chart, const char *program, char ret_hex[static 65],
                    struct sw_err *err) {
    struct sw_arena *arena = sw_arena_new();
    char content[65];
    const char **files = sw_new_n(arena, const char *, chart->n_files + 1);
    int rc = sw_helm__hash_chart(helm, chart, content, err);
    for (size_t i = 0; i < chart->n_files && rc == SW_OK; i++) {
        char hex[65];
        rc = hash_file(chart->files[i], hex, err);
        files[i] = sw_strdup(arena, hex);
    }
    if (rc == SW_OK) {
        const struct sw_pair pairs[] = {
            {"format", sw_value_str(arena, FORMAT)},
            {"program", sw_value_str(arena, identity(arena, program))},
            {"chart", sw_value_str(arena, content)},
            {"release", sw_value_str(arena, chart->release)},
            {"namespace", sw_value_str(arena, chart->space)},
            {"kube_version", sw_value_str(arena, chart->kube_version ? chart->kube_version : "")},
            {"apis", texts(arena, chart->apis, chart->n_apis)},
            {"files", texts(arena, files, chart->n_files)},
            {"values", chart->values},
            {"definitions", sw_value_bool(chart->definitions)},
        };
        sw_value_hash(sw_value_map(arena, pairs, sizeof pairs / sizeof *pairs), ret_hex);
    }
    sw_arena_free(arena);
    return rc;
}

static struct sw_rendering *find(struct sw_helm *helm, const char *key) {
    for (size_t i = 0; i < helm->renderings.n; i++)
        if (strcmp(helm->renderings.v[i]->key, key) == 0) return helm->renderings.v[i];
    return NULL;
}

static struct sw_rendering *add(struct sw_helm *helm, const struct sw_helm_chart *chart, const char *key) {
    struct sw_rendering *r = sw_new(helm->arena, struct sw_rendering);
    r->key = sw_strdup(helm->arena, key);
    r->shown = sw_strdup(helm->arena, chart->shown);
    r->secret = sw_value_has_secret(chart->values);
    sw_vec_push(&helm->renderings, r);
    return r;
}

static const char *cached(struct sw_helm *helm, const char *key) {
    return sw_printf(helm->arena, "%s/%s.yaml", helm->options.cache_dir, key);
}

static struct sw_rendering *from_cache(struct sw_helm *helm, const struct sw_helm_chart *chart, const char *key) {
    struct sw_str text = {0};
    if (sw_value_has_secret(chart->values) || sw_file_read(cached(helm, key), MAX_TEXT, &text, NULL) != SW_OK) {
        sw_str_done(&text);
        return NULL;
    }
    struct sw_rendering *r = add(helm, chart, key);
    r->text[SW_HELM_FIRST] = text;
    r->done = true;
    return r;
}

/* --values takes a list with commas, as in CSV. */
static const char *list_item(struct sw_arena *arena, const char *text) {
    if (!strpbrk(text, ",\"\n")) return text;
    struct sw_str quoted = {0};
    sw_str_addc(&quoted, '"');
    for (const char *p = text; *p; p++) {
        if (*p == '"') sw_str_addc(&quoted, '"');
        sw_str_addc(&quoted, *p);
    }
    sw_str_addc(&quoted, '"');
    const char *kept = sw_strdup(arena, quoted.p);
    sw_str_done(&quoted);
    return kept;
}

static void want(struct sw_helm *helm, const struct sw_helm_chart *chart, const char *key, const char *program) {
    struct sw_rendering *r = add(helm, chart, key);
    const char **argv = sw_new_n(helm->arena, const char *, 12 + 2 * (chart->n_apis + chart->n_files));
    size_t n = 0;
    argv[n++] = program;
    argv[n++] = "template";
    argv[n++] = sw_strdup(helm->arena, chart->release);
    argv[n++] = sw_strdup(helm->arena, chart->path);
    argv[n++] = "--namespace";
    argv[n++] = sw_strdup(helm->arena, chart->space);
    if (chart->definitions) argv[n++] = "--include-crds";
    if (chart->kube_version) {
        argv[n++] = "--kube-version";
        argv[n++] = sw_strdup(helm->arena, chart->kube_version);
    }
    for (size_t i = 0; i < chart->n_apis; i++) {
        argv[n++] = "--api-versions";
        argv[n++] = sw_strdup(helm->arena, chart->apis[i]);
    }
    for (size_t i = 0; i < chart->n_files; i++) {
        argv[n++] = "--values";
        argv[n++] = list_item(helm->arena, sw_strdup(helm->arena, chart->files[i]));
    }
    argv[n++] = "--values";
    argv[n++] = "-"; /* stdin: no values on a command line or a disk */
    argv[n] = NULL;
    r->argv = argv;
    struct sw_arena *arena = sw_arena_new();
    sw_helm__write_values(arena, chart->values, NULL, &r->values);
    if (r->secret) sw_helm__write_values(helm->arena, chart->values, &r->stand_ins, &r->stand_in);
    sw_arena_free(arena);
    sw_vec_push(&helm->wanted, r);
}

int sw_helm_read(struct sw_helm *helm, const struct sw_helm_chart *chart, struct sw_arena *arena, const struct sw_value **ret,
                 struct sw_err *err) {
    const char *program = find_helm(helm->arena);
    char key[65];
    if (!program) {
        sw_err_set(err, SW_ENOTFOUND, "there is no helm on this machine, which is to render the chart '%s'", chart->shown);
        sw_err_hint(err, "install helm 3.8 or later, and see that it is in PATH");
        return SW_ENOTFOUND;
    }
    int rc = make_key(helm, chart, program, key, err);
    if (rc) return rc;
    struct sw_rendering *r = find(helm, key);
    if (!r) r = from_cache(helm, chart, key);
    if (r && r->err.code) {
        sw_err_copy(err, &r->err);
        return r->err.code;
    }
    if (r && r->done) return sw_helm__objects(r, arena, ret, err);
    if (helm->options.offline) {
        sw_err_set(err, SW_EREFUSED,
                   "the chart '%s' was not rendered yet as it is here, and helm is not run for a stranger: a chart is a program",
                   chart->shown);
        sw_err_hint(err, sw_value_has_secret(chart->values) ? "with secrets in its values it is rendered by a plan of your own only"
                                                            : "render it once with a plan of your own");
        return SW_EREFUSED;
    }
    if (!r) want(helm, chart, key, program);
    return sw_err_set(err, SW_ENOTFOUND, "the chart '%s' was not rendered yet", chart->shown);
}

size_t sw_helm_wanted(const struct sw_helm *helm) {
    return helm->wanted.n;
}

/* Does it hold a Secret? A line that looks like one is enough. */
static bool has_secret(const struct sw_str *text) {
    const char *p = sw_str_z(text), *end = p + text->len;
    while ((p = memmem(p, (size_t)(end - p), "kind", 4))) {
        const char *newline = memchr(p, '\n', (size_t)(end - p)), *stop = newline ? newline : end;
        if (memmem(p, (size_t)(stop - p), "Secret", 6)) return true;
        p += 4;
    }
    return false;
}

static void keep(struct sw_helm *helm, struct sw_rendering *r) {
    const struct sw_str *first = &r->text[SW_HELM_FIRST], *second = &r->text[SW_HELM_SECOND];
    if (r->secret || has_secret(first) || first->len != second->len || memcmp(first->p, second->p, first->len) != 0) return;
    /* Where it cannot be kept it is rendered anew next time. */
    if (sw_mkdirs(helm->options.cache_dir, 0700, NULL) == SW_OK)
        sw_file_write(cached(helm, r->key), sw_str_z(first), first->len, 0600, NULL);
}

static void forget(struct sw_str *text) {
    if (text->p) sw_wipe(text->p, text->len);
    sw_str_done(text);
}

void sw_helm_run(struct sw_helm *helm, struct sw_loop *loop, void (*tell)(void *ctx, const char *chart), void *ctx) {
    for (size_t i = 0; i < helm->wanted.n; i++) {
        struct sw_rendering *r = helm->wanted.v[i];
        if (tell) tell(ctx, r->shown);
        sw_helm__run(helm, r, loop);
        r->done = true;
        forget(&r->values);
        forget(&r->stand_in);
        if (!r->err.code) keep(helm, r);
    }
    helm->wanted.n = 0;
}

struct sw_helm *sw_helm_new(const struct sw_helm_options *options) {
    struct sw_helm *helm = sw_xcalloc(1, sizeof *helm);
    helm->arena = sw_arena_new();
    helm->options = *options;
    helm->options.cache_dir = sw_strdup(helm->arena, options->cache_dir);
    helm->options.inside = options->inside ? sw_strdup(helm->arena, options->inside) : NULL;
    return helm;
}

void sw_helm_free(struct sw_helm *helm) {
    if (!helm) return;
    for (size_t i = 0; i < helm->renderings.n; i++) {
        struct sw_rendering *r = helm->renderings.v[i];
        forget(&r->values);
        forget(&r->stand_in);
        for (size_t k = 0; k < SW_HELM_RENDERINGS; k++) forget(&r->text[k]);
        sw_vec_done(&r->stand_ins);
        sw_err_done(&r->err);
    }
    sw_vec_done(&helm->renderings);
    sw_vec_done(&helm->wanted);
    sw_arena_free(helm->arena);
    free(helm);
}
