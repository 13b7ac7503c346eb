/* Where Lua files lie: beside the playbook, in playbooks/, in the library. */
#ifndef SLIPWAY_SCRIPT_FIND_H
#define SLIPWAY_SCRIPT_FIND_H

#include "host.h"

struct sw_found {
    enum sw_origin origin;
    const char *file; /* for people; in the script's arena */
    const char *text;
    size_t len;
};

/* Each looks in one place, by a path with its ".lua". false = not there, or *err is set. Text read from a disk lives in the scope. */
bool sw_find__library(struct sw_script *script, const char *path, struct sw_scope *scope, struct sw_found *ret, struct sw_err *err);
bool sw_find__playbooks(struct sw_script *script, const char *path, struct sw_scope *scope, struct sw_found *ret, struct sw_err *err);
bool sw_find__user(struct sw_script *script, const char *path, struct sw_scope *scope, struct sw_found *ret, struct sw_err *err);
/* What require finds for a chunk of the origin `from`. */
bool sw_find__module(struct sw_script *script, enum sw_origin from, const char *name, struct sw_scope *scope, struct sw_found *ret,
                     struct sw_err *err);
/* core.type_files() */
int sw_find__type_files(lua_State *L) SW_LJMP;

#endif
