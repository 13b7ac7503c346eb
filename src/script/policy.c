/* Policies: Lua files that look at a finished plan and say what of it they do not like. They see the plan and nothing else, and what they
 * say can only add up: none takes back what another said. */
#include "find.h"

#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "slipway/cost.h"
#include "slipway/file.h"

enum { MAX_SOURCE = 1 << 20, MAX_FINDINGS = 1000, MAX_MESSAGE = 1000 };
#define PLAN "slipway.plan"

struct sw_policy {
    const struct sw_inventory *inventory;
    const struct sw_plan *plan;
    const char *name, *file;
    struct sw_str text;
    struct sw_map addresses; /* of the plan */
    struct sw_findings *findings;
};

/* ---- the plan as a policy sees it ---- */

static const struct sw_value *unknown(const char *address, const char *path, void *ctx) {
    (void)address;
    (void)path;
    (void)ctx;
    return NULL;
}

/* References and texts made of them are not known yet, and that is all a policy is told of them. */
static void set_value(lua_State *L, const char *key, const struct sw_value *v) {
    if (!v) return;
    sw_script__push_value(L, sw_value_resolve(sw_script__of(L)->arena, v, unknown, NULL));
    lua_setfield(L, -2, key);
}

static void set_text(lua_State *L, const char *key, const char *text) {
    if (!text) return;
    lua_pushstring(L, text);
    lua_setfield(L, -2, key);
}

static void set_flag(lua_State *L, const char *key, bool b) {
    lua_pushboolean(L, b);
    lua_setfield(L, -2, key);
}

static void set_number(lua_State *L, const char *key, double d) {
    lua_pushnumber(L, d);
    lua_setfield(L, -2, key);
}

/* [-0, +1] */
static void push_cost(lua_State *L, const char *currency, double before, double after) {
    lua_createtable(L, 0, 4);
    set_text(L, "currency", currency);
    set_number(L, "before", before);
    set_number(L, "after", after);
    set_number(L, "difference", after - before);
}

static void push_item(lua_State *L, const struct sw_plan_item *item, const struct sw_cost *cost) {
    const struct sw_resource *resource = item->resource;
    lua_createtable(L, 0, 14);
    set_text(L, "address", resource->address);
    set_text(L, "type", resource->type);
    set_text(L, "name", resource->name);
    set_text(L, "host", resource->host);
    set_text(L, "provider", resource->provider);
    set_text(L, "mode", resource->data ? "data" : "managed");
    set_text(L, "action", sw_action_name(item->action));
    set_text(L, "reason", item->reason);
    set_value(L, "before", item->before);
    set_value(L, "after", item->after);
    set_flag(L, "at_apply", item->at_apply);
    set_flag(L, "drifted", item->drifted);
    lua_pushinteger(L, (lua_Integer)sw_resource_layer(resource));
    lua_setfield(L, -2, "layer");
    lua_createtable(L, (int)item->n_diffs, 0);
    sw_script__mark_array(L, -1);
    for (size_t i = 0; i < item->n_diffs; i++) {
        lua_pushstring(L, item->diffs[i].name);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_setfield(L, -2, "changed");
    const struct sw_cost_change *change = sw_cost_change_of(cost, item);
    if (!change) return;
    push_cost(L, cost->currency, change->before, change->after);
    lua_setfield(L, -2, "cost");
}

/* [-0, +1] made once for all policies of a script */
static void push_plan(lua_State *L, const struct sw_policy *p) {
    if (lua_getfield(L, LUA_REGISTRYINDEX, PLAN) != LUA_TNIL) return;
    lua_pop(L, 1);
    const struct sw_plan *plan = p->plan;
    lua_createtable(L, 0, 8); // plan
    set_text(L, "inventory", p->inventory->name);
    set_text(L, "environment", sw_get_str(p->inventory->value, "environment", NULL));
    set_flag(L, "destroy", plan->destroy);
    set_flag(L, "refresh_only", plan->refresh_only);
    if (plan->cost) {
        push_cost(L, plan->cost->currency, plan->cost->before, plan->cost->after);
        lua_setfield(L, -2, "cost");
    }
    lua_createtable(L, 0, SW_N_ACTIONS);
    for (unsigned action = SW_NOOP; action < SW_N_ACTIONS; action++) {
        lua_pushinteger(L, (lua_Integer)plan->count[action]);
        lua_setfield(L, -2, sw_action_name((enum sw_action)action));
    }
    lua_setfield(L, -2, "count");
    lua_createtable(L, (int)plan->n_items, 0);
    sw_script__mark_array(L, -1);
    for (size_t i = 0; i < plan->n_items; i++) {
        push_item(L, &plan->items[i], plan->cost);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_setfield(L, -2, "items");
    lua_createtable(L, 0, (int)plan->n_outputs);
    for (size_t i = 0; i < plan->n_outputs; i++) set_value(L, plan->outputs[i].name, plan->outputs[i].value);
    lua_setfield(L, -2, "outputs");
    sw_script__freeze(L, -1);
    lua_remove(L, -2);
    lua_pushvalue(L, -1);
    lua_setfield(L, LUA_REGISTRYINDEX, PLAN);
}

/* ---- what it says ---- */

static const char *readable(lua_State *L, int index) {
    enum sw_opaque what = sw_script__opaque(L, index);
    if (what == SW_O_SECRET) return "(sensitive)";
    if (what != SW_O_NONE) return "(known after apply)";
    return luaL_checkstring(L, index);
}

/* deny(address, message), warn(...), require_approval(...). Upvalue: the verdict. A file that policies share may keep the function: it speaks
 * for the policy that runs. */
static int say(lua_State *L) {
    struct sw_script *s = sw_script__of(L);
    struct sw_policy *p = s->policy;
    enum sw_verdict verdict = (enum sw_verdict)lua_tointeger(L, lua_upvalueindex(1));
    static const char *const words[] = {"warn", "require_approval", "deny"};
    struct sw_pos pos = {0};
    lua_settop(L, 2);
    if (!lua_isnil(L, 1) && lua_type(L, 1) != LUA_TSTRING)
        return sw_script__fail(L, SW_EINVAL, "%s(address, message): an address wanted, or nil for the plan as a whole", words[verdict]);
    const char *address = lua_tostring(L, 1), *message = readable(L, 2);
    if (address && !sw_map_find(&p->addresses, address)) return sw_script__fail(L, SW_EINVAL, "the plan has no '%s'", address);
    if (p->findings->n >= MAX_FINDINGS) return sw_script__fail(L, SW_ELIMIT, "the policies say more than %d things", MAX_FINDINGS);
    sw_script__where(L, 1, &pos);
    struct sw_finding finding = {
        verdict, p->name, sw_strdup(s->arena, address), sw_strndup(s->arena, message, strnlen(message, MAX_MESSAGE)), p->file, pos.line};
    sw_vec_push(p->findings, finding);
    return 0;
}

static int run_policy(lua_State *L) {
    struct sw_policy *p = lua_touserdata(L, 1);
    static const char *const words[] = {[SW_VERDICT_WARN] = "warn", [SW_VERDICT_APPROVAL] = "require_approval", [SW_VERDICT_DENY] = "deny"};
    lua_getfield(L, LUA_REGISTRYINDEX, "slipway.words");
    sw_script__push_value(L, p->inventory->value);
    lua_setfield(L, -2, "inventory");
    lua_pop(L, 1);
    lua_pushfstring(L, "@%s", p->file);
    sw_script__load(L, SW_FROM_USER, lua_tostring(L, -1), p->file, sw_str_z(&p->text), p->text.len); // chunk
    lua_getupvalue(L, -1, 1);                                                                        // chunk env
    push_plan(L, p);
    lua_setfield(L, -2, "plan");
    for (int verdict = SW_VERDICT_WARN; verdict <= SW_VERDICT_DENY; verdict++) {
        lua_pushinteger(L, verdict);
        lua_pushcclosure(L, say, 1);
        lua_setfield(L, -2, words[verdict]);
    }
    lua_pop(L, 1);
    lua_call(L, 0, 0);
    return 0;
}

/* What it requires lies beside it, and nowhere near the inventory. */
static void look_beside(struct sw_script *s, const char *path) {
    if (sw_starts_with(path, SW_OWN_POLICIES)) {
        s->dir = NULL;
        return;
    }
    char *copy = sw_xstrdup(path), real[PATH_MAX];
    const char *dir = dirname(copy);
    s->dir = realpath(dir, real) ? sw_strdup(s->arena, real) : NULL;
    s->shown_dir = strcmp(dir, ".") == 0 ? "" : sw_printf(s->arena, "%s/", dir);
    free(copy);
}

/* What travels with slipway, or an operator's file. */
static int read_text(struct sw_script *s, const char *path, struct sw_str *ret, struct sw_err *err) {
    if (!sw_starts_with(path, SW_OWN_POLICIES)) return sw_file_read(path, MAX_SOURCE, ret, err);
    struct sw_scope scope = {0};
    struct sw_found found;
    bool there = sw_find__library(s, path + strlen(SW_OWN_POLICIES), &scope, &found, err);
    if (there) sw_str_add(ret, found.text, found.len);
    sw_str_done(&scope.str);
    if (there) return 0;
    return err->code ? err->code : sw_err_set(err, SW_ENOTFOUND, "slipway has no policy '%s'", path);
}

int sw_script_policy(struct sw_script *s, const char *path, const struct sw_inventory *inventory, const struct sw_plan *plan,
                     struct sw_findings *ret, struct sw_err *err) {
    const char *base = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    size_t len = strlen(base);
    struct sw_policy p = {.inventory = inventory, .plan = plan, .file = sw_strdup(s->arena, path), .findings = ret};
    if (sw_ends_with(base, ".lua")) len -= strlen(".lua");
    p.name = sw_strndup(s->arena, base, len);
    int code = read_text(s, path, &p.text, err);
    for (size_t i = 0; i < plan->n_items; i++) sw_map_set(&p.addresses, plan->items[i].resource->address, &p);
    s->inventory = inventory;
    look_beside(s, path);
    s->policy = &p;
    if (code == 0) code = sw_script__run(s, run_policy, &p, err);
    s->policy = NULL;
    sw_map_done(&p.addresses);
    sw_str_done(&p.text);
    return code ? sw_err_frame(err, "asking the policy '%s'", p.name) : 0;
}
