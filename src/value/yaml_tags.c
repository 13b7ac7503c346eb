#include "slipway/yaml_tags.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "slipway/file.h"
#include "slipway/vec.h"

#define FILE_MAX ((size_t)1024 * 1024)

static int read_env(const struct sw_tags *tags, struct sw_arena *arena, const char *name, const struct sw_value **ret, struct sw_err *err) {
    if (tags->untrusted)
        return sw_err_set(err, SW_EREFUSED, "'!env %s' is refused: this inventory is not trusted with the environment", name);
    const char *text = *name ? getenv(name) : NULL;
    if (!text) {
        sw_err_set(err, SW_EINVAL, "environment variable '%s' is not set", name);
        sw_err_hint(err, "export %s=... before running slipway", *name ? name : "NAME");
        return SW_EINVAL;
    }
    *ret = sw_value_str(arena, text);
    return 0;
}

/* Below `dir` once all symbolic links are followed, and not in .slipway, where the state and its key lie. */
static int check_inside(const char *dir, const char *path, const char *shown, struct sw_err *err) {
    char *real_dir = realpath(dir, NULL), *real_path = realpath(path, NULL);
    int rc = 0;
    if (!real_path || !real_dir) {
        rc = sw_err_set(err, SW_ENOTFOUND, "no such file '%s'", shown);
    } else {
        size_t len = strlen(real_dir);
        bool inside = strncmp(real_path, real_dir, len) == 0 && (real_path[len] == '/' || strcmp(real_dir, "/") == 0);
        if (!inside || strstr(real_path + len, "/.slipway/"))
            rc =
                sw_err_set(err, SW_EREFUSED, "'!file %s' is refused: an inventory that is not trusted reads its own directory only", shown);
    }
    free(real_dir);
    free(real_path);
    return rc;
}

static int read_file(const struct sw_tags *tags, struct sw_arena *arena, const char *name, const struct sw_value **ret,
                     struct sw_err *err) {
    if (!*name) {
        sw_err_set(err, SW_EINVAL, "'!file' needs a path");
        sw_err_hint(err, "write: !file secrets/password");
        return SW_EINVAL;
    }
    const char *dir = tags->dir ? tags->dir : ".";
    char *expanded = sw_expand_home(name);
    char *path = expanded[0] == '/' ? sw_xstrdup(expanded) : sw_xprintf("%s/%s", dir, expanded);
    free(expanded);
    struct sw_str text = {0};
    int rc = tags->untrusted ? check_inside(dir, path, name, err) : 0;
    if (rc == 0) rc = sw_file_read(path, FILE_MAX, &text, err);
    if (rc == 0) {
        /* A password that was written with an editor or echo: nobody means the newline. */
        const char *newline = text.len ? memchr(text.p, '\n', text.len) : NULL;
        if (newline && newline == text.p + text.len - 1) text.len--;
        *ret = sw_value_strn(arena, sw_str_z(&text), text.len);
    }
    sw_wipe(text.p, text.cap);
    sw_str_done(&text);
    free(path);
    return rc;
}

static int read_vault(const struct sw_tags *tags, struct sw_arena *arena, const char *text, const struct sw_value **ret,
                      struct sw_err *err) {
    if (tags->untrusted) {
        *ret = &SW_UNKNOWN_VALUE;
        return 0;
    }
    if (!tags->vault) {
        sw_err_set(err, SW_EINVAL, "'!vault' cannot be read here");
        sw_err_hint(err, "set VAULT_ADDR and VAULT_TOKEN");
        return SW_EINVAL;
    }
    return tags->vault(tags->vault_ctx, arena, text, ret, err);
}

int sw_tags_read(void *ctx, struct sw_arena *arena, const char *tag, const char *text, const struct sw_value **ret, struct sw_err *err) {
    static const char *const known[] = {"env", "file", "vault"};
    const struct sw_tags *tags = ctx;
    const struct sw_value *v = NULL;
    int rc;
    if (strcmp(tag, "env") == 0) {
        rc = read_env(tags, arena, text, &v, err);
    } else if (strcmp(tag, "file") == 0) {
        rc = read_file(tags, arena, text, &v, err);
    } else if (strcmp(tag, "vault") == 0) {
        rc = read_vault(tags, arena, text, &v, err);
    } else {
        const char *near = sw_nearest(tag, known, sw_countof(known));
        rc = sw_err_set(err, SW_EINVAL, "unknown tag '!%s'", tag);
        if (near)
            sw_err_hint(err, "did you mean '!%s'?", near);
        else
            sw_err_hint(err, "there are !env NAME, !file PATH and !vault \"PATH#KEY\"");
    }
    if (rc == 0) *ret = sw_value_secret(arena, v);
    return rc;
}
