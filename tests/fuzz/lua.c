/* Any Lua text in the sandbox, with small limits; what it returns becomes a value, goes back to Lua and becomes the same value. */
#include "fuzz.h"
#include "host.h"

struct job {
    const char *text;
    size_t len;
    struct sw_arena *arena;
    const struct sw_value *value, *again;
};

static int run(lua_State *L) {
    struct job *job = lua_touserdata(L, 1);
    sw_script__load(L, SW_FROM_USER, "@fuzz.lua", "fuzz.lua", job->text, job->len);
    lua_call(L, 0, 1);
    job->value = sw_script__to_value(L, -1, job->arena, NULL, "value");
    return 0;
}

static int back(lua_State *L) {
    struct job *job = lua_touserdata(L, 1);
    sw_script__push_value(L, job->value);
    job->again = sw_script__to_value(L, -1, job->arena, NULL, "value");
    return 0;
}

/* In a map, nil is "absent"; a text of parts may come back with its parts joined. */
static bool has_lossy(const struct sw_value *v) {
    bool found = v->kind == SW_NULL || v->kind == SW_CONCAT || v->kind == SW_UNKNOWN;
    for (size_t i = 0; v->kind == SW_LIST && i < v->list.n; i++) found = found || has_lossy(v->list.v[i]);
    for (size_t i = 0; v->kind == SW_MAP && i < v->map.n; i++) found = found || has_lossy(v->map.v[i].value);
    return found;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const struct sw_script_options options = {.max_memory = 4 << 20, .max_instructions = 200000, .untrusted = true};
    struct sw_arena *arena = sw_arena_new();
    struct sw_script *script = NULL;
    struct sw_err err = {0};
    int rc = sw_script_new(NULL, arena, &options, &script, &err);
    if (rc) fprintf(stderr, "%s\n", err.message);
    FUZZ_CHECK(rc == 0);
    struct job job = {(const char *)data, size, arena, NULL, NULL};
    rc = sw_script__run(script, run, &job, &err);
    fuzz_check_err(rc, &err);
    FUZZ_CHECK(script->used <= script->limit);
    sw_err_done(&err);
    if (rc == 0) {
        rc = sw_script__run(script, back, &job, &err);
        fuzz_check_err(rc, &err);
        FUZZ_CHECK(rc == 0 || rc == SW_ELIMIT || rc == SW_ESCRIPT || rc == SW_EINVAL);
        if (rc == 0 && !has_lossy(job.value)) FUZZ_CHECK(sw_value_equal(job.value, job.again));
        sw_err_done(&err);
    }
    sw_script_free(script);
    sw_arena_free(arena);
    return 0;
}
