/* Terraform's states: whatever the file holds, an error or instances that each have an address and attributes. */
#include "tfstate.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct sw_arena *arena = sw_arena_new();
    struct sw_err err = {0};
    struct tf_state state;
    int rc = tf_state_parse(arena, "x.tfstate", (const char *)data, size, &state, &err);
    fuzz_check_err(rc, &err);
    for (size_t i = 0; rc == 0 && i < state.n; i++) {
        FUZZ_CHECK(*state.v[i].address && state.v[i].type && state.v[i].name);
        FUZZ_CHECK(sw_is(state.v[i].attributes, SW_MAP));
        FUZZ_CHECK(tf_candidates(arena, &state.v[i])[0]);
    }
    sw_err_done(&err);
    sw_arena_free(arena);
    return 0;
}
