/* Running helm: no shell, an environment of its own, values by its stdin, limits; and what its errors say. */
#include "helm.h"

#include <stdlib.h>
#include <string.h>

#include "slipway/exec.h"
#include "slipway/vec.h"

enum { TIMEOUT_MS = 60000, MAX_OUTPUT = 32 << 20 };

struct run {
    struct sw_exec *exec; /* while it runs */
    bool *done;
    unsigned *left;
    struct sw_exec_result result;
};

static void on_done(void *ctx, struct sw_exec_result *result) {
    struct run *run = ctx;
    run->exec = NULL;
    run->result = *result; /* taken over */
    *result = (struct sw_exec_result){0};
    if (--*run->left == 0) *run->done = true;
}

/* Ctrl-C: helm, which has a process group of its own, does not outlive us. */
static void on_interrupt(unsigned count, void *ctx) {
    struct run *runs = ctx;
    (void)count;
    for (size_t i = 0; i < SW_HELM_RENDERINGS; i++)
        if (runs[i].exec) sw_exec_cancel(runs[i].exec);
}

/* Of our environment only what a wrapper around helm may need. No cluster, no repositories, plugins or settings of the user's, no network: a
 * rendering follows from the chart and its values. */
static const char *const *environment(struct sw_helm *helm) {
    static const char *const taken[] = {"PATH", "HOME", "TMPDIR", "LANG"};
    static const char *const places[] = {"HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME", "KUBECONFIG"};
    static const char *const proxies[] = {"HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"};
    const char **env = sw_new_n(helm->arena, const char *, 16);
    size_t n = 0;
    for (size_t i = 0; i < sw_countof(taken); i++)
        if (getenv(taken[i])) env[n++] = sw_printf(helm->arena, "%s=%s", taken[i], getenv(taken[i]));
    for (size_t i = 0; i < sw_countof(places); i++) env[n++] = sw_printf(helm->arena, "%s=%s/none", places[i], helm->options.cache_dir);
    for (size_t i = 0; i < sw_countof(proxies); i++) env[n++] = sw_printf(helm->arena, "%s=http://127.0.0.1:0", proxies[i]);
    env[n] = NULL;
    return env;
}

/* ---- what it says when it fails ---- */

/* The next line of its words that tells something, without "Error: ". false = no more. */
static bool next_line(const char **p, const char *end, const char **ret, size_t *ret_len) {
    static const char *const noise[] = {"Use --debug flag", "level=", "time=", "WARNING:", "walk.go:"};
    while (*p < end) {
        const char *line = *p, *newline = memchr(line, '\n', (size_t)(end - line)), *stop = newline ? newline : end;
        *p = newline ? newline + 1 : end;
        if (sw_starts_with(line, "Error: ")) line += strlen("Error: ");
        bool skipped = line == stop;
        for (size_t i = 0; i < sw_countof(noise); i++) skipped = skipped || sw_starts_with(line, noise[i]);
        if (skipped) continue;
        *ret = line;
        *ret_len = (size_t)(stop - line);
        return true;
    }
    return false;
}

/* A line that may hold something of a secret value: up to the place in a template, or the name of the value. */
static size_t safe_length(const char *line, size_t len) {
    const char *at = memmem(line, len, " at (", 5), *close = at ? memchr(at, ')', len - (size_t)(at - line)) : NULL;
    if (close) return (size_t)(close - line) + 1;
    const char *on = memmem(line, len, "error on ", 9), *colon = on ? memchr(on, ':', len - (size_t)(on - line)) : NULL;
    if (colon) return (size_t)(colon - line);
    colon = len > 2 && memcmp(line, "- ", 2) == 0 ? memchr(line, ':', len) : NULL;
    if (colon) return (size_t)(colon - line);
    return 0;
}

static void redact(const struct sw_texts *hidden, struct sw_str *text) {
    for (size_t i = 0; i < hidden->n; i++) {
        size_t len = strlen(hidden->v[i]);
        struct sw_str out = {0};
        if (len < 3) continue;
        for (const char *p = sw_str_z(text); *p;) {
            const char *at = strstr(p, hidden->v[i]);
            sw_str_add(&out, p, at ? (size_t)(at - p) : strlen(p));
            if (at) sw_str_addz(&out, "(sensitive)");
            p = at ? at + len : p + strlen(p);
        }
        sw_str_done(text);
        *text = out;
    }
}

/* withheld: the words may hold a secret. hidden: texts not to be shown. */
static void words_of(const struct sw_str *said, bool withheld, const struct sw_texts *hidden, struct sw_str *ret) {
    const char *p = sw_str_z(said), *end = p + said->len, *line;
    size_t len;
    while (next_line(&p, end, &line, &len)) {
        if (withheld) len = safe_length(line, len);
        if (!len) continue;
        if (ret->len) sw_str_addc(ret, '\n');
        sw_str_add_printable(ret, line, len);
    }
    redact(hidden, ret);
}

static void add_hint(const struct sw_rendering *r, const char *words, struct sw_err *err) {
    if (strstr(words, "missing in charts/"))
        sw_err_hint(err, "run `helm dependency build` in the chart once, and keep its charts/ with it: nothing is fetched here");
    else if (strstr(words, "incompatible with Kubernetes"))
        sw_err_hint(err, "set kube_version, or use another version of the chart");
    else if (strstr(words, "meet the specifications of the schema"))
        sw_err_hint(err, "see values.schema.json of the chart '%s'", r->shown);
    else if (strstr(words, "unknown command") || strstr(words, "unknown flag"))
        sw_err_hint(err, "helm 3.8 or later wanted; `%s version` says which it is", r->argv[0]);
}

static void fail(struct sw_rendering *r, const struct sw_exec_result *result, bool withheld) {
    struct sw_str words = {0};
    words_of(&result->errout, withheld, &r->stand_ins, &words);
    char *newline = words.p ? strchr(words.p, '\n') : NULL;
    if (newline) *newline = '\0';
    if (words.len)
        sw_err_set(&r->err, SW_EREMOTE, "the chart '%s': %s", r->shown, words.p);
    else
        sw_err_set(&r->err, SW_EREMOTE, "helm could not render the chart '%s'", r->shown);
    if (newline) {
        *newline = '\n';
        sw_err_detail(&r->err, newline + 1, strlen(newline + 1));
    }
    if (withheld) sw_err_hint(&r->err, "the rest of helm's words may hold a secret value; `helm template` with the same values says them");
    add_hint(r, sw_str_z(&words), &r->err);
    sw_str_done(&words);
}

static bool failed(const struct sw_exec_result *result) {
    return result->err.code || result->status || result->out.overflow;
}

static void take(struct sw_rendering *r, struct run *runs, size_t n) {
    const struct sw_exec_result *first = &runs[SW_HELM_FIRST].result,
                                *stand_in = n > SW_HELM_STAND_IN ? &runs[SW_HELM_STAND_IN].result : NULL;
    if (first->err.code) {
        sw_err_copy(&r->err, &first->err);
        sw_err_frame(&r->err, "rendering the chart '%s' by %s", r->shown, r->argv[0]);
    } else if (first->out.overflow) {
        sw_err_set(&r->err, SW_ELIMIT, "the chart '%s': helm's output has more than %d MiB", r->shown, MAX_OUTPUT >> 20);
    } else if (failed(first)) {
        /* What it says of other texts in the place of the secrets tells nothing of them. */
        bool same = stand_in && !stand_in->err.code && stand_in->status;
        fail(r, same ? stand_in : first, r->secret && !same);
    } else if (stand_in && failed(stand_in)) {
        fail(r, stand_in, false);
        sw_err_frame(&r->err, "rendering it with other texts in the place of secret values, to see what follows from them");
        sw_err_hint(&r->err, "the chart looks into the values: put the secret into a Secret (kube.object), and name that in the values");
    } else {
        for (size_t i = 0; i < n; i++) {
            if (failed(&runs[i].result)) continue;
            r->text[i] = runs[i].result.out; /* taken over */
            runs[i].result.out = (struct sw_str){0};
        }
    }
}

static struct sw_exec *start(const struct sw_rendering *r, const char *const *env, const struct sw_str *values, struct sw_loop *loop,
                             struct run *run) {
    struct sw_exec_options options = {
        .argv = r->argv,
        .env = env,
        .env_only = true,
        .input = sw_str_z(values),
        .input_len = values->len,
        .timeout_ms = TIMEOUT_MS,
        .max_output = MAX_OUTPUT,
        .on_done = on_done,
        .ctx = run,
    };
    return sw_exec_start(loop, &options);
}

void sw_helm__run(struct sw_helm *helm, struct sw_rendering *r, struct sw_loop *loop) {
    struct run runs[SW_HELM_RENDERINGS] = {{0}};
    size_t n = r->secret ? SW_HELM_RENDERINGS : SW_HELM_STAND_IN;
    unsigned left = (unsigned)n;
    bool done = false;
    const char *const *env = environment(helm);
    for (size_t i = 0; i < n; i++) {
        runs[i].left = &left;
        runs[i].done = &done;
        runs[i].exec = start(r, env, i == SW_HELM_STAND_IN ? &r->stand_in : &r->values, loop, &runs[i]);
    }
    sw_loop_on_interrupt(loop, on_interrupt, runs);
    sw_loop_run(loop, &done);
    sw_loop_on_interrupt(loop, NULL, NULL);
    take(r, runs, n);
    for (size_t i = 0; i < n; i++) {
        struct sw_exec_result *result = &runs[i].result;
        if (result->out.p) sw_wipe(result->out.p, result->out.len);
        if (result->errout.p) sw_wipe(result->errout.p, result->errout.len);
        sw_str_done(&result->out);
        sw_str_done(&result->errout);
        sw_err_done(&result->err);
    }
}
