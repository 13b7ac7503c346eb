/* One call of a host type's function, from the engine (type.c) or from a test (bind_testing.c). The functions run below sw_script__run()
 * and take a struct sw_type_call as light userdata. */
#ifndef SLIPWAY_SCRIPT_TYPE_H
#define SLIPWAY_SCRIPT_TYPE_H

#include "host.h"

struct sw_type_call {
    const struct sw_lua_type *type;
    const char *function;
    const struct sw_item *items;
    size_t n;
    const struct sw_batch_result *output;
    struct sw_arena *arena;
    const struct sw_value *desired;
    const char *name;
    struct sw_str *fragment;
    struct sw_step *step;
    const struct sw_value **ret;
};

int sw_type__probe(lua_State *L) SW_LJMP;  /* appends to fragment */
int sw_type__read(lua_State *L) SW_LJMP;   /* fills ret[n] */
int sw_type__step(lua_State *L) SW_LJMP;   /* fills *step */
int sw_type__result(lua_State *L) SW_LJMP; /* fills *ret */

#endif
