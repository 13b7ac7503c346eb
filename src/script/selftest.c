/* Tests in Lua, run in the host: tests/lua. They see what the library sees, and check, equal, raises, and testing. */
#include "host.h"

int sw_script_selftest(struct sw_script *s, const char *path, struct sw_err *err) {
    (void)s; (void)path;
    return sw_err_set(err, SW_EINTERNAL, "not yet");
}
void sw_script__open_testing(lua_State *L) { (void)L; }
