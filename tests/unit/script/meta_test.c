/* lua/meta says of every function what editors show: each has an entry there, and each entry is a function (or value) that exists. */
#include <glob.h>

#include "fixture.h"

/* "function a.b(" and "a.b = " at the start of a line. */
static void add_entries(struct sw_str *out, const char *text) {
    for (const char *line = text; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
        const char *name = strncmp(line, "function ", 9) == 0 ? line + 9 : line;
        size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_.");
        bool entry = name != line ? name[n] == '(' : n > 0 && strncmp(name + n, " = ", 3) == 0;
        if (entry) sw_str_addf(out, "  [\"%.*s\"] = true,\n", (int)n, name);
    }
}

static const char check_code[] =
    "local own = {}\n"
    "for _, name in ipairs { 'assert', 'error', 'getmetatable', 'ipairs', 'next', 'pairs', 'pcall', 'print', 'select', 'setmetatable', "
    "'tonumber',\n"
    "    'tostring', 'type', 'xpcall', 'string', 'table', 'math', 'utf8' } do own[name] = true end\n"
    "local library, user = testing.words()\n"
    "local there = {}\n"
    "local function add(name, value)\n"
    "  there[name] = true\n"
    "  if type(value) == 'table' then for key, inner in pairs(value) do add(name .. '.' .. key, inner) end end\n"
    "end\n"
    "for name, value in pairs(library) do if not own[name] then add(name, value) end end\n"
    "for name in pairs(user) do check(own[name] or there[name], 'only playbooks see ' .. name) end\n"
    "for name in pairs(library) do check(user[name] ~= nil or name == 'core', 'playbooks do not see ' .. name) end\n"
    "for key in pairs(require 'sh') do there['sh.' .. key] = true end\n"
    "for key in pairs(require 'provider') do there['provider_module.' .. key] = true end\n"
    "for key in pairs(testing) do there['testing.' .. key] = true end\n"
    "for _, name in ipairs { 'sh', 'testing', 'check', 'equal', 'raises', 'resource', 'slipway.inventory' } do there[name] = true end\n"
    "for _, name in ipairs { 'run', 'http', 'tunnel', 'sleep', 'event', 'all', 'now', 'random', 'env', 'read_file' } do\n"
    "  check(there['core.io.' .. name], 'there is no io.' .. name)\n"
    "  there['core.io.' .. name], there['io.' .. name] = nil, true\n"
    "end\n"
    "for name in pairs(there) do check(entries[name], 'lua/meta has no ' .. name) end\n"
    "for name in pairs(entries) do check(there[name], 'lua/meta tells of ' .. name .. ', which is not there') end\n";

static void agrees(void **state) {
    struct fixture f;
    struct sw_str out = {0}, text = {0};
    glob_t found = {0};
    char path[128];
    (void)state;
    fixture_begin(&f, NULL, NULL);
    sw_str_addz(&out, "local entries = {\n");
    glob(SW_LUA_META "/*.lua", 0, NULL, &found);
    assert_true(found.gl_pathc >= 3);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        assert_int_equal(sw_file_read(found.gl_pathv[i], 1 << 20, &text, &f.err), 0);
        add_entries(&out, sw_str_z(&text));
        sw_str_clear(&text);
    }
    globfree(&found);
    sw_str_addf(&out, "}\n%s", check_code);
    fixture_write(&f, "meta_test.lua", sw_str_z(&out));
    snprintf(path, sizeof path, "%s/meta_test.lua", f.dir);
    int failed = sw_script_selftest(f.script, path, &f.err);
    fixture_show(&f);
    assert_int_equal(failed, 0);
    sw_str_done(&out);
    sw_str_done(&text);
    fixture_end(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(agrees)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
