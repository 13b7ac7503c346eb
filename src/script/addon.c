/* What an add-on takes: the library's Lua knows. */
#include "host.h"

struct question {
    const char *name;
    bool markdown;
    const char *text;
};

static int ask(lua_State *L) {
    struct question *q = lua_touserdata(L, 1);
    sw_script__require_name(L, SW_FROM_LIBRARY, "kube/addon_docs");
    lua_getfield(L, -1, "of");
    lua_pushstring(L, q->name);
    lua_pushboolean(L, q->markdown);
    lua_call(L, 2, 1);
    q->text = sw_strdup(sw_script__of(L)->arena, lua_tostring(L, -1));
    return 0;
}

int sw_script_addon_docs(struct sw_script *script, const char *name, bool markdown, const char **ret, struct sw_err *err) {
    struct question question = {.name = name, .markdown = markdown};
    int rc = sw_script__run(script, ask, &question, err);
    *ret = rc ? NULL : question.text;
    return rc;
}
