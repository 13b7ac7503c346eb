/* What a chart holds: the hash over the names and contents of its files. */
#include "helm.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "slipway/file.h"
#include "slipway/hash.h"

enum { MAX_FILES = 5000, MAX_DEPTH = 32, MAX_BYTES = 64 << 20 };

struct walk {
    const struct sw_helm *helm;
    const struct sw_helm_chart *chart;
    struct sw_str list; /* a line a file: its hash and name */
    size_t files, bytes;
    struct sw_err *err;
};

static int fail(struct walk *w, int code, const char *name, const char *problem) {
    return sw_err_set(w->err, code, "the chart '%s': '%s' %s", w->chart->shown, name, problem);
}

static int add_file(struct walk *w, const char *path, const char *name) {
    struct sw_str text = {0};
    struct sw_err why = {0};
    char hex[65];
    int rc = sw_file_read(path, MAX_BYTES - w->bytes, &text, &why);
    if (rc == SW_ELIMIT || ++w->files > MAX_FILES) {
        sw_err_done(&why);
        sw_str_done(&text);
        sw_err_set(w->err, SW_ELIMIT, "the chart '%s' holds more than %d files or %d MiB", w->chart->shown, MAX_FILES, MAX_BYTES >> 20);
        sw_err_hint(w->err, "is it the chart's own directory, the one with Chart.yaml?");
        return SW_ELIMIT;
    }
    if (rc) {
        sw_err_move(w->err, &why);
        sw_str_done(&text);
        return rc;
    }
    w->bytes += text.len;
    sw_sha256(sw_str_z(&text), text.len, hex);
    sw_str_addf(&w->list, "%s %s\n", hex, name);
    sw_str_done(&text);
    return SW_OK;
}

static bool leads_out(const struct walk *w, const char *path) {
    const char *dir = w->helm->options.inside;
    char real[PATH_MAX];
    if (!dir) return false;
    size_t n = strlen(dir);
    return !realpath(path, real) || strncmp(real, dir, n) != 0 || (real[n] != '/' && real[n]);
}

static int add_directory(struct walk *w, const char *path, const char *name, unsigned depth);

static int add_entry(struct walk *w, const char *path, const char *name, unsigned depth) {
    struct stat st;
    if (lstat(path, &st)) return fail(w, SW_EIO, name, strerror(errno));
    if (S_ISLNK(st.st_mode)) {
        if (leads_out(w, path)) return fail(w, SW_EREFUSED, name, "leads out of the inventory's directory, by a link");
        if (stat(path, &st)) return fail(w, SW_EINVAL, name, "is a link to nothing");
    }
    if (S_ISDIR(st.st_mode)) return add_directory(w, path, name, depth + 1);
    if (!S_ISREG(st.st_mode)) return fail(w, SW_EINVAL, name, "is neither a file nor a directory");
    return add_file(w, path, name);
}

static int is_content(const struct dirent *entry) {
    return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 && strcmp(entry->d_name, ".git") != 0;
}

static int add_directory(struct walk *w, const char *path, const char *name, unsigned depth) {
    if (depth > MAX_DEPTH) return fail(w, SW_ELIMIT, name, "lies too deep: does a link lead in a circle?");
    struct dirent **entries = NULL;
    int n = scandir(path, &entries, is_content, alphasort);
    if (n < 0) return fail(w, SW_EIO, *name ? name : ".", strerror(errno));
    int rc = SW_OK;
    for (int i = 0; i < n; i++) {
        char *below = sw_xprintf("%s/%s", path, entries[i]->d_name);
        char *called = sw_xprintf("%s%s%s", name, *name ? "/" : "", entries[i]->d_name);
        if (rc == SW_OK) rc = add_entry(w, below, called, depth);
        free(below);
        free(called);
        free(entries[i]);
    }
    free(entries);
    return rc;
}

int sw_helm__hash_chart(const struct sw_helm *helm, const struct sw_helm_chart *chart, char ret_hex[static 65], struct sw_err *err) {
    struct walk w = {.helm = helm, .chart = chart, .err = err};
    struct stat st;
    int rc;
    if (stat(chart->path, &st) == 0 && S_ISDIR(st.st_mode)) {
        char *yaml = sw_xprintf("%s/Chart.yaml", chart->path);
        bool is_chart = stat(yaml, &st) == 0;
        free(yaml);
        if (!is_chart) {
            sw_err_set(err, SW_EINVAL, "the directory '%s' is no chart: it holds no Chart.yaml", chart->shown);
            return SW_EINVAL;
        }
        rc = add_directory(&w, chart->path, "", 0);
    } else {
        rc = add_file(&w, chart->path, "archive");
    }
    sw_sha256(sw_str_z(&w.list), w.list.len, ret_hex);
    sw_str_done(&w.list);
    return rc;
}
