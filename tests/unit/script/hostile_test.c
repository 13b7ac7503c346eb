/* Playbooks that mean harm, or are just wrong: each ends with one clear error, in bounded time and memory. */
#include "fixture.h"

#include <time.h>

static const struct sw_script_options small = {.max_memory = (size_t)128 << 20, .max_instructions = 20000000};

struct attack {
    const char *name, *playbook, *message; /* message: part of the error's */
    int code;
    unsigned line; /* 0 = any */
};

static const struct attack attacks[] = {
    {"endless loop", "\nwhile true do end", "an endless loop?", SW_ELIMIT, 2},
    {"swallowed by pcall", "while true do pcall(function() while true do end end) end", "an endless loop?", SW_ELIMIT, 1},
    {"swallowed by xpcall", "while true do xpcall(function() while true do end end, function() while true do end end) end",
     "an endless loop?", SW_ELIMIT, 1},
    {"swallowed in a metamethod",
     "local t = setmetatable({}, { __index = function() while true do end end })\nwhile true do pcall(function() return t.x end) end",
     "an endless loop?", SW_ELIMIT, 0},
    {"to-be-closed loop",
     "local c = setmetatable({}, { __close = function() while true do end end })\nwhile true do pcall(function() local x <close> = c end) "
     "end",
     "an endless loop?", SW_ELIMIT, 0},
    {"string doubling", "local s = 'x'\nwhile true do s = s .. s end", "128 MiB", SW_ELIMIT, 2},
    {"one large table", "local t = {}\nfor i = 1, 1e9 do\n  t[i] = i end", "128 MiB", SW_ELIMIT, 3},
    {"many small tables", "local t = {}\nfor i = 1, 1e9 do\n  t = { t, i } end", "128 MiB", SW_ELIMIT, 3},
    {"string doubling, caught",
     "local s = ('x'):rep(1 << 20) while true do pcall(function() local t = s while true do t = t .. t end end) end", "", SW_ELIMIT, 0},
    {"table growth", "local t = {} for i = 1, 1e9 do t[i] = { i } end", "", SW_ELIMIT, 0},
    {"string.rep bomb", "return ('x'):rep(1 << 40)", "too large", SW_ESCRIPT, 0},
    {"string.rep within Lua's own bound", "\nreturn ('x'):rep(1 << 30)", "128 MiB", SW_ELIMIT, 2},
    {"string.rep, over and over", "while true do local s = ('x'):rep(1 << 24) end", "an endless loop?", SW_ELIMIT, 0},
    {"concat bomb", "local t = {} for i = 1, 1000 do t[i] = ('x'):rep(100000) end return table.concat(t) .. 'y'", "128 MiB", SW_ELIMIT, 0},
    {"format bomb", "local s = ('x'):rep(1 << 24) return ('%s%s%s%s%s'):format(s, s, s, s, s)", "128 MiB", SW_ELIMIT, 0},
    {"backtracking bomb", "return (('a'):rep(40)):find(('a?'):rep(40) .. ('a'):rep(41))", "an endless loop?", SW_ELIMIT, 1},
    {"backtracking bomb, lazy", "return (('a'):rep(4000)):find(('a-'):rep(30) .. 'b')", "an endless loop?", SW_ELIMIT, 1},
    {"gmatch bomb", "for w in ('a'):rep(3000):gmatch('.-.-.-b') do end", "an endless loop?", SW_ELIMIT, 1},
    {"deep recursion", "local function f() return 1 + f() end\nf()", "stack overflow", SW_ELIMIT, 1},
    {"joins at every depth", "local s = secret 'x'\nlocal function f(n) local t = 'a' .. s .. n .. 'b' return 1 + f(n + #t) end\nf(1)",
     "stack overflow", SW_ELIMIT, 2},
    {"joins at every depth, caught",
     "local s = secret 'x' local function f(n) local t = 'a' .. s .. n .. 'b' return 1 + f(n + #t) end for i = 1, 3 do pcall(f, i) end "
     "error 'fine'",
     "fine", SW_ESCRIPT, 1},
    {"endless tail calls", "local function f() return f() end return f()", "an endless loop?", SW_ELIMIT, 1},
    {"recursion in C", "local t = setmetatable({}, {}) getmetatable(t).__index = function(_, k) return t[k] end return t.x", "", SW_ESCRIPT,
     0},
    {"nested brackets", NULL, "overflow", SW_ESCRIPT, 0}, /* made below */
    {"bytecode", "\033LuaT", "binary", SW_ESCRIPT, 0},
    {"unknown module", "\n\nrequire 'no-such'", "there is no file 'no-such.lua'", SW_ENOTFOUND, 3},
    {"syntax", "local x = 1\nlocal y = = 2", "unexpected symbol", SW_ESCRIPT, 2},
    {"a value's size", "local t = {} for i = 1, 40 do t = { t, t } end output 'x' { value = t }", "too large", SW_EINVAL, 1},
    {"a value's depth", "local t = {} for i = 1, 100 do t = { t } end output 'x' { value = t }", "nested too deeply", SW_EINVAL, 1},
    {"many copies of a value", "local s = ('x'):rep(1 << 20) for i = 1, 1000 do output(tostring(i)) { value = s } end", "too large",
     SW_EINVAL, 1},
    {"yield", "coroutine.yield()", "there is no 'coroutine' here", SW_ESCRIPT, 1},
    {"sort that yields nothing", "local t = {} for i = 1, 1000 do t[i] = i end table.sort(t, function() return true end)",
     "invalid order function", SW_ESCRIPT, 1},
    {"sort that never ends", "local t = {} for i = 1, 1000 do t[i] = i end table.sort(t, function() while true do end end)",
     "an endless loop?", SW_ELIMIT, 1},
    {"error with a table", "error { message = 'mine' }", "mine", SW_ESCRIPT, 1},
    {"error with nothing", "error()", "error(nil)", SW_ESCRIPT, 1},
    {"error in __tostring", "print(setmetatable({}, { __tostring = function() error 'inner' end }))", "inner", SW_ESCRIPT, 1},
    {"__name of a userdata", "local m = setmetatable({}, { __name = 'slipway.ref' }) local x = 'a' .. m", "attempt to concatenate",
     SW_ESCRIPT, 1},
};

static void run_attack(void **state) {
    const struct attack *a = *state;
    struct fixture f;
    fixture_begin(&f, &small, NULL);
    char *made = NULL;
    if (!a->playbook) { /* ((((…1)))) */
        made = sw_xcalloc(1, 200010);
        memcpy(made, "return ", 7);
        memset(made + 7, '(', 100000);
    }
    int code = fixture_declare(&f, a->playbook ? a->playbook : made);
    free(made);
    if (code != a->code || !f.err.message || !strstr(f.err.message, a->message) || (a->line && f.err.line != a->line)) {
        print_error("code %d, wanted %d\n", code, a->code);
        fixture_show(&f);
        fail();
    }
    /* The host is as good as new. */
    code = fixture_declare(&f, "output 'x' { value = 1 }");
    fixture_show(&f);
    assert_int_equal(code, 0);
    fixture_end(&f);
}

/* What a secret hides is in no message, warning or traceback. */
static void keeps_secrets(void **state) {
    static const char *const uses[] = {
        "error(s)",
        "error('x' .. s)",
        "slipway.fail(s)",
        "slipway.fail('x' .. s)",
        "local t = {} t[s] = 1 output 'x' { value = t }",
        "return s + 1",
        "return #s < s",
        "s()",
        "s.x = 1",
        "require(s)",
        "print(s)\nslipway.warn(s)\nslipway.warn('x' .. s)\nerror 'end'",
        "host(s) {}",
        "host 'n1' { address = s, x = s }",
        "host 'n1' {}:file('/x') { content = s, conten = s }",
        "host 'n1' {}:file('/x') { content = s, mode = s, lifecycle = s }",
        "host 'n1' {}:file('/x') { content = s, depends_on = s }",
        "output(s) {}",
        "slipway.template(s, {})",
        "slipway.template('{{ s.x }}', { s = s })",
        "json.decode(s)",
        "yaml.decode('a: [' .. s)",
        "base64.decode(s)",
        "slipway.cidr(s, 1)",
        "('x'):rep(s)",
        "table.concat({ s, {} })",
        "assert(false, s)",
        "setmetatable({}, s)",
        "output 'x' { value = { [s] = 1 } }",
        "slipway.file(s)",
        "string.format('%d', s)",
        "host 'n1' { port = s }",
        "return ('a'):find(s)",
        "fail(s, s)",
        "fail('x' .. s, 'y')",
    };
    (void)state;
    for (size_t i = 0; i < sizeof uses / sizeof *uses; i++) {
        struct fixture f;
        fixture_begin(&f, &small, NULL);
        char *text = sw_xprintf("local s = secret 'hunter2'\n%s\nerror 'nothing happened'", uses[i]);
        int code = fixture_declare(&f, text);
        free(text);
        assert_int_not_equal(code, 0);
        const char *parts[] = {f.err.message, f.err.hint, f.err.detail};
        for (size_t k = 0; k < 3; k++)
            if (parts[k] && strstr(parts[k], "hunter")) fail_msg("%s: %s", uses[i], parts[k]);
        for (size_t k = 0; k < f.err.n_frames; k++) assert_null(strstr(f.err.frames[k], "hunter"));
        fixture_end(&f);
    }
}

static void warns_without_secrets(void **state) {
    struct fixture f;
    (void)state;
    fixture_begin(&f, NULL, NULL);
    assert_int_equal(fixture_declare(&f, "local s = secret 'hunter2'\nprint('a', s, {}, 1)\nslipway.warn('x' .. s)"), 0);
    assert_int_equal(f.config->n_warnings, 2);
    assert_non_null(strstr(f.config->warnings[0], "a (sensitive) table 1"));
    assert_null(strstr(f.config->warnings[1], "hunter"));
    fixture_end(&f);
}

/* Nothing outside of the inventory's directory is read, by whatever name. */
static void stays_inside(void **state) {
    struct fixture f;
    char path[128];
    (void)state;
    fixture_begin(&f, &(struct sw_script_options){.untrusted = true}, NULL);
    snprintf(path, sizeof path, "%s/link.lua", f.dir);
    assert_int_equal(symlink("/etc/passwd", path), 0);
    snprintf(path, sizeof path, "%s/out", f.dir);
    assert_int_equal(symlink("/etc", path), 0);
    static const char *const ways[] = {
        "require 'link'",
        "require 'out/passwd'",
        "slipway.file 'link.lua'",
        "slipway.file 'out/passwd'",
        "slipway.file '/etc/passwd'",
        "slipway.file '~/.ssh/id_rsa'",
        "slipway.file '../etc/passwd'",
        "slipway.file_info '/etc/passwd'",
        "slipway.file_info 'out/passwd'",
        "host 'n1' {}:file '/x' { source = '/etc/passwd' }",
    };
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        int code = fixture_declare(&f, ways[i]);
        if (code != SW_EREFUSED && code != SW_ENOTFOUND && code != SW_EINVAL) {
            fixture_show(&f);
            fail_msg("%s: %d", ways[i], code);
        }
        assert_null(strstr(f.err.message, "root:"));
    }
    fixture_end(&f);
}

/* A stranger's resource types and providers run nothing before they are merged; nor do they get into what runs for everybody. */
static void strangers_wait(void **state) {
    struct fixture f;
    (void)state;
    fixture_begin(&f, &(struct sw_script_options){.untrusted = true}, NULL);
    fixture_write(
        &f, "evil.lua",
        "local resource, sh = require 'resource', require 'sh'\nsh.prelude 'curl evil'\n"
        "return resource 'evil' { probe = function() return 'curl evil' end, read = function() end, apply = function() return '' end }");
    fixture_write(&f, "sh.lua", "return { join = function() return 'curl evil' end }");
    int code = fixture_declare(&f, "local h = host 'n1' {}\nh:evil 'x' {}\nh:directory '/tmp/x' {}");
    fixture_show(&f);
    assert_int_equal(code, 0);
    const struct sw_types *types = sw_script_types(f.script);
    assert_null(strstr(types->prelude(types->ctx), "evil"));
    for (size_t i = 0; i < 2; i++) {
        struct sw_item item = {.resource = f.config->resources[i], .desired = f.config->resources[i]->desired};
        const struct sw_type *type = types->find(types->ctx, item.resource->type);
        struct sw_str out = {0};
        code = type->ops->probe(type, &item, 1, &out, &f.err);
        assert_int_equal(code, i == 0 ? SW_EREFUSED : 0);
        assert_null(strstr(sw_str_z(&out), "evil"));
        sw_str_done(&out);
        sw_err_done(&f.err);
    }
    fixture_end(&f);
}

/* Whatever allocation is the one that fails: an error, no crash, no leak (with the sanitizers), and the host can be freed. */
static void survives_any_limit(void **state) {
    bool started = false, done = false;
    (void)state;
    for (size_t limit = 64 << 10; limit < (size_t)8 << 20 && !done; limit += 1777) {
        struct sw_script_options options = {.max_memory = limit};
        struct sw_arena *arena = sw_arena_new();
        struct sw_loop *loop = sw_loop_new();
        struct sw_script *script;
        struct sw_err err = {0};
        int code = sw_script_new(loop, arena, &options, &script, &err);
        if (code) {
            assert_false(started);
            assert_int_equal(code, SW_ELIMIT);
        } else {
            struct fixture f = {.loop = loop, .arena = arena, .script = script};
            const struct sw_pair nodes = {"nodes", &SW_EMPTY_LIST};
            started = true;
            snprintf(f.dir, sizeof f.dir, "/tmp/slipway-script-XXXXXX");
            assert_non_null(mkdtemp(f.dir));
            f.inventory =
                (struct sw_inventory){.dir = f.dir, .file = "inventory.yaml", .playbook = "site", .value = sw_value_map(arena, &nodes, 1)};
            code = fixture_declare(
                &f, "local h = host 'n1' { address = 'x' }\n"
                    "local s = secret 'x'\n"
                    "local ok, e = pcall(function() return s + 1 end)\n"
                    "h:file '/a' { content = slipway.template('{{ a }} {{ b }}', { a = 1, b = s }) .. json.encode { s, 'y' } }\n"
                    "h:directory { '/b', '/c' }\n"
                    "for k, v in pairs { b = 1, a = 2 } do output(k) { value = ('%d'):format(v):rep(10) } end\n"
                    "require('sh')('x {y}', { y = { s, 1 } })");
            if (code) assert_int_equal(code, SW_ELIMIT);
            done = code == 0;
            sw_err_move(&err, &f.err);
            char command[128];
            snprintf(command, sizeof command, "%s/site.lua", f.dir);
            unlink(command);
            rmdir(f.dir);
            sw_script_free(script);
        }
        sw_err_done(&err);
        sw_loop_free(loop);
        sw_arena_free(arena);
    }
    assert_true(done);
}

int main(void) {
    struct CMUnitTest tests[128];
    size_t n = 0;
    for (size_t i = 0; i < sizeof attacks / sizeof *attacks; i++)
        tests[n++] = (struct CMUnitTest){attacks[i].name, run_attack, NULL, NULL, (void *)(uintptr_t)&attacks[i]};
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(keeps_secrets);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(warns_without_secrets);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(stays_inside);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(strangers_wait);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(survives_any_limit);
    return _cmocka_run_group_tests("hostile", tests, n, NULL, NULL);
}
