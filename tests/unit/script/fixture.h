/* A script host over a directory of its own, for tests. */
#ifndef SLIPWAY_TESTS_SCRIPT_FIXTURE_H
#define SLIPWAY_TESTS_SCRIPT_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "slipway/file.h"
#include "slipway/script.h"
#include "slipway/yaml.h"

struct fixture {
    struct sw_loop *loop;
    struct sw_arena *arena;
    struct sw_script *script;
    struct sw_inventory inventory;
    struct sw_config *config;
    struct sw_err err;
    char dir[64];
};

static inline void fixture_write(struct fixture *f, const char *name, const char *text) {
    char path[256];
    snprintf(path, sizeof path, "%s/%s", f->dir, name);
    char *slash = strrchr(path, '/');
    *slash = '\0';
    assert_int_equal(sw_mkdirs(path, 0700, NULL), 0);
    *slash = '/';
    assert_int_equal(sw_file_write(path, text, strlen(text), 0600, NULL), 0);
}

/* inventory: YAML, or NULL for two nodes. */
static inline void fixture_begin(struct fixture *f, const struct sw_script_options *options, const char *inventory) {
    *f = (struct fixture){0};
    snprintf(f->dir, sizeof f->dir, "/tmp/slipway-script-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    f->loop = sw_loop_new();
    f->arena = sw_arena_new();
    int code = sw_script_new(f->loop, f->arena, options, &f->script, &f->err);
    if (code)
        print_error("%s: %s (%s:%u)\n%s\n", "sw_script_new", f->err.message, f->err.file ? f->err.file : "?", f->err.line,
                    f->err.detail ? f->err.detail : "");
    assert_int_equal(code, 0);
    if (!inventory)
        inventory =
            "name: test\nnodes: [{name: n1, connection: {address: 192.0.2.1, user: root}}, {name: n2, connection: {address: 192.0.2.2}}]\n";
    code = sw_yaml_read(f->arena, "inventory.yaml", inventory, strlen(inventory), NULL, NULL, NULL, &f->inventory.value, &f->err);
    assert_int_equal(code, 0);
    f->inventory.dir = f->dir;
    f->inventory.file = sw_printf(f->arena, "%s/inventory.yaml", f->dir);
    f->inventory.name = "test";
    f->inventory.playbook = "site";
}

static inline int fixture_declare(struct fixture *f, const char *playbook) {
    fixture_write(f, "site.lua", playbook);
    sw_err_done(&f->err);
    return sw_script_declare(f->script, &f->inventory, &f->config, &f->err);
}

static inline void fixture_show(struct fixture *f) {
    if (f->err.code)
        print_error("%s:%u: %s\nhint: %s\n%s\n", f->err.file ? f->err.file : "?", f->err.line, f->err.message,
                    f->err.hint ? f->err.hint : "", f->err.detail ? f->err.detail : "");
}

static inline void fixture_end(struct fixture *f) {
    char command[128];
    sw_err_done(&f->err);
    sw_script_free(f->script);
    sw_loop_free(f->loop);
    sw_arena_free(f->arena);
    snprintf(command, sizeof command, "rm -rf %s", f->dir);
    assert_int_equal(system(command), 0);
}

static inline const struct sw_resource *fixture_find(struct fixture *f, const char *address) {
    for (size_t i = 0; i < f->config->n_resources; i++)
        if (strcmp(f->config->resources[i]->address, address) == 0) return f->config->resources[i];
    return NULL;
}

/* The value as JSON, for comparing. In the arena. */
static inline const char *fixture_json(struct fixture *f, const struct sw_value *v) {
    struct sw_str out = {0};
    if (v) sw_json_write(&out, v, 0);
    const char *text = v ? sw_strdup(f->arena, sw_str_z(&out)) : "NULL";
    sw_str_done(&out);
    return text;
}

#endif
