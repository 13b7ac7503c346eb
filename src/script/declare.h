/* The playbook that is being declared. declare.c: hosts and resources; declare_needs.c: what they depend on; declare_rest.c: outputs,
 * providers, the end; playbook.c: the way in from C. */
#ifndef SLIPWAY_SCRIPT_DECLARE_H
#define SLIPWAY_SCRIPT_DECLARE_H

#include "host.h"

/* h:file "x" without its table declares nothing, silently: so what was begun is remembered. */
struct begun {
    const char *what;
    struct sw_pos pos;
    bool done;
};

struct explicit_need { /* an address given as text, looked up at the end */
    const char *address;
    struct sw_pos pos;
};

struct sw_declare {
    const struct sw_inventory *inventory;
    struct {
        const struct sw_host **v;
        size_t n, cap;
    } hosts;
    struct {
        const struct sw_resource **v;
        size_t n, cap;
    } resources;
    struct {
        struct sw_output *v;
        size_t n, cap;
    } outputs;
    struct {
        struct sw_moved *v;
        size_t n, cap;
    } moved;
    struct {
        const char **v;
        size_t n, cap;
    } removed;
    struct {
        const char **v;
        size_t n, cap;
    } warnings;
    struct {
        struct sw_pair *v;
        size_t n, cap;
    } providers;
    struct {
        struct begun *v;
        size_t n, cap;
    } begun;
    struct {
        struct explicit_need *v;
        size_t n, cap;
    } needs;
    struct {
        const char **v;
        size_t n, cap;
    } scratch; /* addresses one resource depends on */
    struct sw_map by_address, by_host, by_output;
};

struct sw_declare *sw_declare__current(lua_State *L) SW_LJMP; /* raises when no playbook runs */
struct sw_pos sw_declare__here(lua_State *L);

/* The attributes every resource has: needs, triggers, lifecycle, provider, preconditions. Leaves the explicit needs gathered. */
void sw_declare__reserved(lua_State *L, int attributes, const struct sw_lua_type *type, struct sw_resource *ret) SW_LJMP;
void sw_declare__add_refs(struct sw_script *script, const struct sw_value *v);
/* Ends the gathering: what was gathered since `from`, NULL-terminated, sorted; NULL when it is nothing and `or_null`. */
const char **sw_declare__take(struct sw_script *script, size_t from, bool or_null);

void sw_declare__open_rest(lua_State *L) SW_LJMP; /* into the table on top */
void sw_declare__finish(lua_State *L) SW_LJMP;    /* what can only be said when the playbook is through */

#endif
