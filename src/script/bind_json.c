/* json.* and yaml.*. What is encoded from secrets is a secret; what hangs on something unknown is unknown. */
#include "host.h"

#include "slipway/yaml.h"

typedef void write_fn(struct sw_str *out, const struct sw_value *v, unsigned flags);

static void write_yaml(struct sw_str *out, const struct sw_value *v, unsigned flags) {
    (void)flags;
    sw_yaml_write(out, v);
}

static void find_ref(const char *address, const char *path, void *ctx) {
    const char **found = ctx;
    (void)path;
    *found = address;
}

static int encode(lua_State *L, write_fn *write, unsigned flags) {
    luaL_checkany(L, 1);
    struct sw_scope *scope = sw_script__scope(L);
    const struct sw_value *v = sw_script__to_value(L, 1, sw_script__scope_arena(scope), NULL, "the value");
    if (sw_value_has_unknown(v)) {
        const char *address = NULL;
        sw_value_each_ref(v, find_ref, &address);
        if (!address) {
            sw_script__push_unknown(L);
            return 1;
        }
        struct sw_err *err = sw_script__error_new(L);
        sw_err_set(err, SW_EINVAL, "the value holds a reference to '%s', known after apply: it cannot be encoded here", address);
        sw_err_hint(err, "write it as a template, with the reference in {{ }}");
        return lua_error(L);
    }
    bool secret = sw_value_has_secret(v);
    scope->str.max = sw_script__of(L)->limit;
    write(&scope->str, v, flags);
    if (scope->str.overflow) return sw_script__fail(L, SW_ELIMIT, "the text is too large");
    if (secret)
        sw_script__push_secret_text(L, sw_str_z(&scope->str), scope->str.len);
    else
        lua_pushlstring(L, sw_str_z(&scope->str), scope->str.len);
    if (secret && scope->str.p) sw_wipe(scope->str.p, scope->str.len);
    sw_script__scope_close(scope);
    return 1;
}

enum format { JSON, YAML, YAML_ALL };

/* It is no file: the place in the text is part of the message, and the error's own is the playbook's. Nothing of a secret is quoted. */
static void place(struct sw_err *err, bool secret, enum format format) {
    char *message = secret ? sw_xprintf("a secret is not valid %s", format == JSON ? "JSON" : "YAML") : sw_xstrdup(err->message);
    unsigned line = err->line;
    int code = err->code;
    sw_err_done(err);
    if (line)
        sw_err_set(err, code, "line %u: %s", line, message);
    else
        sw_err_set(err, code, "%s", message);
    free(message);
}

static int decode(lua_State *L, enum format format) {
    struct sw_text text;
    if (sw_script__opaque(L, 1) == SW_O_UNKNOWN) {
        sw_script__push_unknown(L);
        return 1;
    }
    if (!sw_script__text(L, 1, &text)) return luaL_argerror(L, 1, "a text wanted");
    struct sw_scope *scope = sw_script__scope(L);
    struct sw_arena *arena = sw_script__scope_arena(scope);
    struct sw_err *err = sw_script__error_new(L);
    const struct sw_value *v = NULL;
    int code;
    sw_script__charge(L, text.len);
    if (format == JSON)
        code = sw_json_read(arena, text.p, text.len, SW_JSON_PLAIN, &v, err);
    else if (format == YAML)
        code = sw_yaml_read(arena, "the text", text.p, text.len, NULL, NULL, NULL, &v, err);
    else
        code = sw_yaml_read_all(arena, "the text", text.p, text.len, NULL, &v, err);
    if (code) {
        place(err, text.secret, format);
        return lua_error(L);
    }
    if (text.secret) v = sw_value_secret(arena, v);
    if (format == YAML_ALL && lua_toboolean(L, 2))
        sw_script__push_with_nulls(L, v);
    else
        sw_script__push_value(L, v);
    sw_script__scope_close(scope);
    return 1;
}

static unsigned json_flags(lua_State *L) {
    unsigned flags = SW_JSON_PLAIN;
    if (!lua_istable(L, 2)) return flags;
    lua_getfield(L, 2, "pretty");
    if (lua_toboolean(L, -1)) flags |= SW_JSON_PRETTY;
    lua_pop(L, 1);
    return flags;
}

static int json_encode(lua_State *L) {
    return encode(L, sw_json_write, json_flags(L));
}

static int json_decode(lua_State *L) {
    return decode(L, JSON);
}

static int yaml_encode(lua_State *L) {
    return encode(L, write_yaml, 0);
}

static int yaml_decode(lua_State *L) {
    return decode(L, YAML);
}

static int yaml_decode_all(lua_State *L) {
    return decode(L, YAML_ALL);
}

void sw_script__open_json(lua_State *L) {
    static const luaL_Reg json[] = {{"encode", json_encode}, {"decode", json_decode}, {NULL, NULL}};
    static const luaL_Reg yaml[] = {{"encode", yaml_encode}, {"decode", yaml_decode}, {"decode_all", yaml_decode_all}, {NULL, NULL}};
    luaL_newlib(L, json);
    lua_setfield(L, -2, "json");
    luaL_newlib(L, yaml);
    lua_setfield(L, -2, "yaml");
}
