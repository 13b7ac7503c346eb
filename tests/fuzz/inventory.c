/* Inventories: YAML, schema, checks and the list of machines, whose connections must all be ones that net/ takes. */
#include "slipway/inventory.h"
#include "fuzz.h"
#include "slipway/remote.h"

/* What a stranger's inventory may do, but for the environment: that is a text here. */
static int tag(void *ctx, struct sw_arena *arena, const char *name, const char *text, const struct sw_value **ret, struct sw_err *err) {
    if (strcmp(name, "env") != 0) return sw_tags_read(ctx, arena, name, text, ret, err);
    *ret = sw_value_secret(arena, sw_value_str(arena, text));
    return 0;
}

static void check_node(struct sw_arena *arena, const struct sw_value *node) {
    const char *name = sw_get_str(node, "name", "");
    struct sw_remote_options options = {0};
    struct sw_err err = {0};
    FUZZ_CHECK(*name && strlen(name) <= 63);
    FUZZ_CHECK(sw_get_int(node, "index", 0) >= 1);
    FUZZ_CHECK(sw_is(sw_get(node, "labels"), SW_MAP));
    FUZZ_CHECK(sw_is(sw_get(node, "connection"), SW_MAP));
    int rc = sw_remote_options_from(sw_get(node, "connection"), name, arena, &options, &err);
    fuzz_check_err(rc, &err);
    FUZZ_CHECK(rc || options.port <= 65535);
    sw_err_done(&err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *path = fuzz_file("inventory.yaml", data, size);
    struct sw_tags tags = {.untrusted = true};
    char *dir = sw_xstrdup(path);
    *strrchr(dir, '/') = 0;
    tags.dir = dir;
    struct sw_arena *arena = sw_arena_new();
    struct sw_err err = {0};
    struct sw_inventory *inventory = NULL;
    int rc = sw_inventory_load(arena, path, tag, &tags, &inventory, &err);
    fuzz_check_err(rc, &err);
    if (rc == 0) {
        FUZZ_CHECK(*inventory->name);
        const struct sw_value *nodes = sw_get(inventory->value, "nodes");
        FUZZ_CHECK(sw_is(nodes, SW_LIST));
        for (size_t i = 0; i < nodes->list.n; i++) check_node(arena, nodes->list.v[i]);
    }
    sw_err_done(&err);
    sw_arena_free(arena);
    free(dir);
    return 0;
}
