/* Playbooks from C: run one, and give the struct sw_config it adds up to; load what a saved plan needs. */
#include "declare.h"

#include <stdlib.h>
#include <string.h>

struct entry {
    const struct sw_inventory *inventory;
};

static void set_inventory(lua_State *L, const struct sw_inventory *inventory) {
    sw_script__set_inventory(sw_script__of(L), inventory);
    lua_getfield(L, LUA_REGISTRYINDEX, "slipway.words"); // slipway
    sw_script__push_value(L, inventory->value);
    lua_setfield(L, -2, "inventory");
    lua_pop(L, 1);
}

static int run_playbook(lua_State *L) {
    const struct entry *entry = lua_touserdata(L, 1);
    const struct sw_inventory *inventory = entry->inventory;
    set_inventory(L, inventory);
    sw_script__run_playbook(L, inventory->playbook);
    sw_declare__finish(L);
    sw_script__forget_files(L);
    return 0;
}

#define COPY(list, type) ((list).n ? memcpy(sw_new_n(s->arena, type, (list).n), (list).v, (list).n * sizeof(type)) : NULL)

static struct sw_config *config_of(struct sw_script *s) {
    const struct sw_declare *d = s->declare;
    struct sw_config *c = sw_new(s->arena, struct sw_config);
    *c = (struct sw_config){
        .hosts = COPY(d->hosts, const struct sw_host *),
        .n_hosts = d->hosts.n,
        .resources = COPY(d->resources, const struct sw_resource *),
        .n_resources = d->resources.n,
        .outputs = COPY(d->outputs, struct sw_output),
        .n_outputs = d->outputs.n,
        .moved = COPY(d->moved, struct sw_moved),
        .n_moved = d->moved.n,
        .removed = COPY(d->removed, const char *),
        .n_removed = d->removed.n,
        .warnings = COPY(d->warnings, const char *),
        .n_warnings = d->warnings.n,
        .providers = sw_value_map(s->arena, d->providers.v, d->providers.n),
        .modules = sw_script__modules_value(s),
    };
    return c;
}

void sw_script__declare_done(struct sw_script *s) {
    struct sw_declare *d = s->declare;
    if (!d) return;
    sw_vec_done(&d->hosts);
    sw_vec_done(&d->resources);
    sw_vec_done(&d->outputs);
    sw_vec_done(&d->moved);
    sw_vec_done(&d->removed);
    sw_vec_done(&d->warnings);
    sw_vec_done(&d->providers);
    sw_vec_done(&d->begun);
    sw_vec_done(&d->needs);
    sw_vec_done(&d->scratch);
    sw_map_done(&d->by_address);
    sw_map_done(&d->by_host);
    sw_map_done(&d->by_output);
    free(d);
    s->declare = NULL;
}

enum { MUCH = 8 << 20 };

int sw_script_declare(struct sw_script *s, const struct sw_inventory *inventory, struct sw_config **ret, struct sw_err *err) {
    s->declare = sw_xcalloc(1, sizeof *s->declare);
    s->declare->inventory = inventory;
    s->pinned = NULL;
    int code = sw_script__run(s, run_playbook, &(struct entry){inventory}, err);
    if (code == 0) *ret = config_of(s);
    sw_script__declare_done(s);
    /* What was read and parsed is done with: its memory is for what the world says. */
    if (s->used > MUCH) lua_gc(s->L, LUA_GCCOLLECT);
    return code;
}

static int load_modules(lua_State *L) {
    const struct entry *entry = lua_touserdata(L, 1);
    struct sw_script *s = sw_script__of(L);
    set_inventory(L, entry->inventory);
    for (size_t i = 0; sw_is(s->pinned, SW_LIST) && i < s->pinned->list.n; i++) {
        sw_script__require_name(L, SW_FROM_USER, sw_get_str(s->pinned->list.v[i], "name", ""));
        lua_pop(L, 1);
    }
    return 0;
}

int sw_script_load_modules(struct sw_script *s, const struct sw_inventory *inventory, const struct sw_value *modules, struct sw_err *err) {
    s->pinned = modules ? modules : &SW_EMPTY_LIST;
    return sw_script__run(s, load_modules, &(struct entry){inventory}, err);
}
