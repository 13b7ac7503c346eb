/* Playbooks -> struct sw_config, and types on a host through provider.h. */

#include "fixture.h"

static const char LINK[] =
    "local resource, sh = require 'resource', require 'sh'\n"
    "return resource 'link' {\n"
    "  doc = 'A link.',\n"
    "  name = { doc = 'the path', pattern = '^/' },\n"
    "  schema = { target = { 'string', required = true, doc = 'to' }, made = { 'int', computed = true } },\n"
    "  many = function(t) local l = {} for k, v in pairs(t) do l[#l + 1] = { k, { target = v } } end return l end,\n"
    "  probe = function(r) return sh('readlink -- {path}', { path = r.name }) end,\n"
    "  read = function(out, r) return out.ok and { target = out.text } or nil end,\n"
    "  apply = function(r) return sh('ln -sfn -- {target} {path} # {{x}}', { target = r.target, path = r.name }) end,\n"
    "  result = function(out, r) return { made = 7 } end,\n"
    "  remove = function(r) return sh('rm -f -- {path}', { path = r.name }) end,\n"
    "}\n";

static const char CLOUD[] =
    "local resource, provider = require 'resource', require 'provider'\n"
    "provider.define('cloud', { client = function(config, io) return { config = config, io = io } end })\n"
    "local vm = resource 'cloud_vm' { on = 'api', provider = 'cloud', owns_host = true,\n"
    "  schema = { size = { 'int', required = true }, address = { 'string', computed = true }, tags = { 'list', of = 'string' } },\n"
    "  list = function(c, items) return {} end,\n"
    "  create = function(c, r, line) return {} end }\n"
    "return { vm = vm }\n";

static void declares(void **state) {
    struct fixture f;
    (void)state;
    fixture_begin(&f, NULL, NULL);
    fixture_write(&f, "link.lua", LINK);
    fixture_write(&f, "cloud.lua", CLOUD);
    int code = fixture_declare(&f, "local host, cloud = require 'host', require 'cloud'\n"
                                   "for _, node in ipairs(slipway.inventory.nodes) do\n"
                                   "  local vm = cloud.vm(node.name) { size = 2, tags = {} }\n"
                                   "  local h = host(node) { address = vm.address }\n"
                                   "  local a = h:link '/a' { target = '/to/' .. vm.address }\n"
                                   "  h:link { ['/c'] = '/2', ['/b'] = '/1', depends_on = { vm } }\n"
                                   "  h:link '/d' { target = '/x', restart_on = { a }, lifecycle = { ignore_changes = { 'target' } } }\n"
                                   "end\n"
                                   "output 'where' { value = { 1, secret 'x' }, doc = 'it' }\n"
                                   "moved { from = 'a.b', to = 'a.c' }\n"
                                   "removed { 'x.y' }\n"
                                   "slipway.warn 'careful'\n");
    fixture_show(&f);
    assert_int_equal(code, 0);
    assert_int_equal(f.config->n_hosts, 2);
    assert_string_equal(f.config->hosts[0]->name, "n1");
    assert_string_equal(fixture_json(&f, f.config->hosts[0]->connection),
                        "{\"address\":{\"$ref\":[\"cloud_vm.n1\",\"address\"]},\"user\":\"root\"}");
    assert_int_equal(f.config->n_resources, 10);
    const struct sw_resource *a = fixture_find(&f, "n1/link:/a");
    assert_non_null(a);
    assert_int_equal(a->pos.line, 5);
    assert_string_equal(a->host, "n1");
    assert_string_equal(fixture_json(&f, a->desired),
                        "{\"state\":\"present\",\"target\":{\"$concat\":[\"/to/\",{\"$ref\":[\"cloud_vm.n1\",\"address\"]}]}}");
    assert_string_equal(a->depends[0], "cloud_vm.n1");
    assert_null(a->depends[1]);
    const struct sw_resource *d = fixture_find(&f, "n1/link:/d");
    assert_string_equal(d->triggers[0], "n1/link:/a");
    assert_string_equal(d->depends[0], "n1/link:/a");
    assert_string_equal(d->lifecycle.ignore_changes[0], "target");
    assert_string_equal(f.config->resources[2]->address, "n1/link:/b");
    assert_string_equal(f.config->resources[2]->depends[0], "cloud_vm.n1");
    assert_string_equal(fixture_json(&f, fixture_find(&f, "cloud_vm.n2")->desired), "{\"size\":2,\"tags\":[]}");
    assert_string_equal(fixture_json(&f, f.config->outputs[0].value), "[1,\"(sensitive)\"]");
    assert_string_equal(f.config->moved[0].to, "a.c");
    assert_string_equal(f.config->removed[0], "x.y");
    assert_int_equal(f.config->n_warnings, 1);
    assert_non_null(strstr(f.config->warnings[0], "site.lua:12: careful"));
    assert_string_equal(fixture_json(&f, f.config->providers), "{\"cloud\":{\"name\":\"cloud\"}}");
    assert_int_equal(f.config->modules->list.n, 2);
    fixture_end(&f);
}

static void runs_types(void **state) {
    struct fixture f;
    (void)state;
    fixture_begin(&f, NULL, NULL);
    fixture_write(&f, "link.lua", LINK);
    int code = fixture_declare(&f, "local h = host 'n1' {}\nh:link \"/it's\" { target = 'a b' }\nh:link '/gone' { state = 'absent' }\n");
    fixture_show(&f);
    assert_int_equal(code, 0);
    const struct sw_types *types = sw_script_types(f.script);
    const struct sw_type *type = types->find(types->ctx, "link");
    assert_non_null(type);
    assert_true(type->on_host);
    assert_null(types->find(types->ctx, "nothing_like_it"));
    struct sw_item item = {.resource = f.config->resources[0], .desired = f.config->resources[0]->desired, .action = SW_CREATE};
    struct sw_str fragment = {0};
    assert_int_equal(type->ops->probe(type, &item, 1, &fragment, &f.err), 0);
    assert_string_equal(sw_str_z(&fragment), "readlink -- '/it'\\''s'");
    sw_str_done(&fragment);
    struct sw_batch_result out = {.ran = true, .ended = true, .out = "a b\n", .out_len = 4, .err = ""};
    const struct sw_value *have = NULL;
    assert_int_equal(type->ops->read(type, &item, 1, &out, f.arena, &have, &f.err), 0);
    assert_string_equal(fixture_json(&f, have), "{\"state\":\"present\",\"target\":\"a b\"}");
    struct sw_step step;
    assert_int_equal(type->ops->step(type, &item, f.arena, &step, &f.err), 0);
    assert_string_equal(step.script, "ln -sfn -- 'a b' '/it'\\''s' # {x}");
    assert_int_equal(type->ops->result(type, &item, &out, f.arena, &have, &f.err), 0);
    assert_string_equal(fixture_json(&f, have), "{\"made\":7,\"state\":\"present\",\"target\":\"a b\"}");
    struct sw_batch_result none = {.ran = true, .ended = true, .status = 1, .out = "", .err = ""};
    assert_int_equal(type->ops->read(type, &item, 1, &none, f.arena, &have, &f.err), 0);
    assert_null(have);
    /* absent */
    struct sw_item gone = {.resource = f.config->resources[1], .desired = f.config->resources[1]->desired, .action = SW_UPDATE};
    assert_int_equal(type->ops->read(type, &gone, 1, &none, f.arena, &have, &f.err), 0);
    assert_true(sw_value_equal(have, gone.desired));
    assert_int_equal(type->ops->read(type, &gone, 1, &out, f.arena, &have, &f.err), 0);
    assert_false(sw_value_equal(have, gone.desired));
    assert_int_equal(type->ops->step(type, &gone, f.arena, &step, &f.err), 0);
    assert_string_equal(step.script, "rm -f -- '/gone'");
    struct sw_item left = {.resource = f.config->resources[0], .prior = f.config->resources[0]->desired, .action = SW_DELETE};
    assert_int_equal(type->ops->step(type, &left, f.arena, &step, &f.err), 0);
    assert_string_equal(step.script, "rm -f -- '/it'\\''s'");
    fixture_end(&f);
}

/* Each playbook is wrong in one way; the error says so at the playbook's line. */
static void says_what_is_wrong(void **state) {
    static const struct {
        const char *playbook, *message, *hint;
        int code;
        unsigned line;
    } cases[] = {
        {"local h = host 'n1' {}\n\nh:link '/a' { targt = '/x' }", "targt", "target", SW_EINVAL, 3},
        {"local h = host 'n1' {}\nh:link '/a' {\n  target = 5,\n}", "target", NULL, SW_EINVAL, 2},
        {"local h = host 'n1' {}\nh:link '/a' {}", "target", NULL, SW_EINVAL, 2},
        {"local h = host 'n1' {}\nh:link 'a' { target = 'x' }", "'a' is no name for a 'link'", NULL, SW_EINVAL, 2},
        {"local h = host 'n1' {}\nh:link '/a' { target = 'x' }\nh:link '/a' { target = 'y' }", "declared twice: first at ", NULL,
         SW_EEXISTS, 3},
        {"local h = host 'n1' {}\nh:fiel '/a' { target = 'x' }", "there is no resource type 'fiel'", "file", SW_EINVAL, 2},
        {"local h = host 'n1' {}\nh:link '/a'\n", "h:link \"/a\" is not given its attributes", "h:link \"/a\" { }", SW_EINVAL, 2},
        {"local h = host 'n1' {}\nh.link('/a', {})", "h:link wanted, with a colon", NULL, SW_EINVAL, 2},
        {"local h = host 'n1' {}\nh:link '/a' { target = 'x', depends_on = { 'n1/link:/b' } }", "no resource 'n1/link:/b'", "n1/link:/a",
         SW_EINVAL, 2},
        {"local h = host 'n1' {}\nh:link '/a' { target = 'x', depends_on = { 5 } }", "depends_on: a list of resources wanted", NULL,
         SW_EINVAL, 2},
        {"local h = host 'n1' {}\nh:link '/a' { target = 'x', lifecycle = { prevent_destory = true } }",
         "lifecycle has no 'prevent_destory'", "prevent_destroy", SW_EINVAL, 2},
        {"local h = host 'n1' {}\nh:link '/a' { target = 'x', lifecycle = { ignore_changes = { 'x' } } }", "there is no attribute 'x'",
         NULL, SW_EINVAL, 2},
        {"local h = host 'n1' {}\nh:link '/a' { target = 'x', precondition = { 1 == 2, 'one is not two' } }", "one is not two", NULL,
         SW_EINVAL, 2},
        {"local h = host 'n1' {}\nh:link '/a' { target = 'x', precondition = { { true, 'a' }, { nil, 'b' } } }", "b", NULL, SW_EINVAL, 2},
        {"local h = host 'n1' {}\nh:link '/a' { target = 'x', provider = 'y' }", "a resource on a host has none", NULL, SW_EINVAL, 2},
        {"slipway.template('a\\n{% if true then %}\\nb\\n', {})", "'end' expected", NULL, SW_ESCRIPT, 3},
        {"slipway.template('a\\n{% if true then %}b', {})", "'end' expected", NULL, SW_ESCRIPT, 2},
        {"host 'n1' { adress = 'x' }", "adress", "address", SW_EINVAL, 1},
        {"host 'n1' { address = 'x' }\nhost 'n1' { address = 'y' }", "declared already", NULL, SW_EEXISTS, 2},
        {"host('n1', {})\n", "is not given its attributes", NULL, SW_EINVAL, 1},
        {"local c = require 'cloud'\nlocal vm = c.vm 'x' { size = 1 }\nif vm.size > 1 then end", "cannot be compared", NULL, SW_EINVAL, 3},
        {"local c = require 'cloud'\nlocal vm = c.vm 'x' { size = 1 }\nlocal x = vm.size + 1",
         "'cloud_vm.x.size' is a reference, known after apply: it cannot be computed with", NULL, SW_EINVAL, 3},
        {"local c = require 'cloud'\nlocal vm = c.vm 'x' { size = 1 }\nlocal x = #vm.address", "cannot be measured", NULL, SW_EINVAL, 3},
        {"local c = require 'cloud'\nlocal vm = c.vm 'x' { size = 1 }\nlocal x = tostring(vm.address)", "cannot be turned into text", NULL,
         SW_EINVAL, 3},
        {"local c = require 'cloud'\nlocal vm = c.vm 'x' { size = 1 }\nlocal x = ('%s'):format(vm.address)", "cannot be turned into text",
         NULL, SW_EINVAL, 3},
        {"local c = require 'cloud'\nlocal vm = c.vm 'x' { size = 1 }\nlocal x = ('a' .. vm.address):upper()",
         "a text that holds a reference", NULL, SW_EINVAL, 3},
        {"local c = require 'cloud'\nlocal vm = c.vm 'x' { size = 1 }\nlocal x = vm.adress", "'cloud_vm.x' has no attribute 'adress'",
         "address", SW_EINVAL, 3},
        {"local c = require 'cloud'\nlocal vm = c.vm 'x' { size = 1 }\nvm.size = 2", "cannot be changed", NULL, SW_EINVAL, 3},
        {"local c = require 'cloud'\nc.vm 'x' { size = 1, tags = { c.vm 'y' { size = 2 } } }",
         "the attributes.tags[1] is a resource, not a value", NULL, SW_EINVAL, 2},
        {"local c = require 'cloud'\nc.vm 'x' { size = 1, provider = 'second' }", "names the provider 'second', which is not declared",
         NULL, SW_EINVAL, 2},
        {"local c = require 'cloud'\nc.vm { 'x' }", "a name wanted", NULL, SW_EINVAL, 2},
        {"output 'x' { valu = 1 }", "output has no 'valu'", NULL, SW_EINVAL, 1},
        {"output 'x' { value = 1 }\noutput 'x' { value = 2 }", "declared twice", NULL, SW_EEXISTS, 2},
        {"moved { from = 'a' }", "wanted", NULL, SW_EINVAL, 1},
        {"provider 'x' { region = 'y' }", "which one it is", NULL, SW_EINVAL, 1},
        {"\nslipway.fail('no', 'do this')", "no", "do this", SW_EINVAL, 2},
        {"\n\nslipway.inventory.name = 'x'", "read-only", NULL, SW_EINVAL, 3},
        {"slipway.inventory.nodes[1].name = 'x'", "read-only", NULL, SW_EINVAL, 1},
        {"local x = slipway.template('a\\n{{ y }}\\n', {})", "there is no 'y' here", NULL, SW_ESCRIPT, 2},
        {"require 'bad'", "<name> expected", NULL, SW_ESCRIPT, 4},
        {"require 'one'", "files that require each other: one -> two -> one", NULL, SW_EINVAL, 1},
        {"require 'resource' 'x' { probe = print, read = print, apply = print }", "belongs in a file of its own", NULL, SW_EINVAL, 1},
        {"require 'typo'", "a type on a host has no 'aply'", NULL, SW_ESCRIPT, 1},
        {"require 'twice'", "there is a resource type 'file' already", NULL, SW_EEXISTS, 3},
        {"host 'n1' {}:broken 'x' {}", "attempt to index a nil value", NULL, SW_ESCRIPT, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fixture f;
        fixture_begin(&f, NULL, NULL);
        fixture_write(&f, "link.lua", LINK);
        fixture_write(&f, "cloud.lua", CLOUD);
        fixture_write(&f, "bad.lua", "\n\n\nlocal = 3");
        fixture_write(&f, "one.lua", "require 'two'");
        fixture_write(&f, "two.lua", "require 'one'");
        fixture_write(&f, "typo.lua", "require 'resource' 'typo' { probe = print, read = print, aply = print }");
        fixture_write(&f, "twice.lua",
                      "require('resource') 'twice' { probe = print, read = print, apply = print }\n"
                      "host 'n1' {}:file '/x' {}\nrequire('resource') 'file' { probe = print, read = print, apply = print }");
        fixture_write(&f, "broken.lua",
                      "require('resource') 'broken' { probe = print, read = print, apply = print,\n normalise = function() local x\n "
                      "return x.y end }");
        int code = fixture_declare(&f, cases[i].playbook);
        if (code != cases[i].code || !strstr(f.err.message, cases[i].message) || (cases[i].line && f.err.line != cases[i].line) ||
            (cases[i].hint && (!f.err.hint || !strstr(f.err.hint, cases[i].hint)))) {
            if (!(cases[i].hint && strstr(f.err.message, cases[i].hint))) {
                print_error("%s\ncode %d\n", cases[i].playbook, code);
                fixture_show(&f);
                fixture_end(&f);
                fail();
            }
        }
        fixture_end(&f);
    }
}

static void renders_templates(void **state) {
    struct fixture f;
    (void)state;
    fixture_begin(&f, NULL, NULL);
    fixture_write(&f, "cloud.lua", CLOUD);
    fixture_write(&f, "templates/app.conf",
                  "listen {{ address }}:{{ port }}\n{% for _, x in ipairs(list) do %}\nitem {{ x }}\n{% end %}\n");
    int code = fixture_declare(
        &f, "local c = require 'cloud'\nlocal vm = c.vm 'x' { size = 1 }\n"
            "local h = host 'n1' {}\n"
            "h:file '/a' { template = 'app.conf', vars = { address = vm.address, port = 80, list = { 'p', vm.tags[1] } } }\n"
            "h:file '/b' { template = 'app.conf', vars = { address = '::', port = secret(80), list = {} } }\n");
    fixture_show(&f);
    assert_int_equal(code, 0);
    assert_string_equal(fixture_json(&f, sw_get(fixture_find(&f, "n1/file:/a")->desired, "content")),
                        "{\"$concat\":[\"listen \",{\"$ref\":[\"cloud_vm.x\",\"address\"]},\":80\\nitem p\\nitem \","
                        "{\"$ref\":[\"cloud_vm.x\",\"tags.0\"]},\"\\n\"]}");
    const struct sw_value *b = fixture_find(&f, "n1/file:/b")->desired;
    assert_true(sw_get(b, "content")->secret);
    assert_string_equal(sw_get_str(b, "content", ""), "listen :::80\n");
    assert_string_equal(fixture_json(&f, sw_get(b, "sha256")), "\"(sensitive)\"");
    code = fixture_declare(&f, "host 'n1' {}:file '/a' { template = 'app.conf', vars = { address = '' } }");
    assert_int_equal(code, SW_ESCRIPT);
    assert_non_null(strstr(f.err.file, "templates/app.conf"));
    assert_int_equal(f.err.line, 1);
    fixture_end(&f);
}

/* A saved plan finds its types again, and only as they were. */
static void pins_modules(void **state) {
    struct fixture f;
    (void)state;
    fixture_begin(&f, NULL, NULL);
    fixture_write(&f, "link.lua", "local helper = require 'lib/helper'\n");
    char *text = sw_xprintf("%s%s", "local helper = require 'lib/helper'\n", LINK);
    fixture_write(&f, "link.lua", text);
    fixture_write(&f, "lib/helper.lua", "return { x = 1 }");
    fixture_write(&f, "unrelated.lua", "return {}");
    assert_int_equal(fixture_declare(&f, "require 'unrelated' require 'lib/helper' host 'n1' {}:link '/a' { target = 'x' }"), 0);
    const struct sw_value *modules = f.config->modules;
    assert_int_equal(modules->list.n, 2);

    struct sw_script *fresh;
    assert_int_equal(sw_script_new(f.loop, f.arena, NULL, &fresh, NULL), 0);
    assert_int_equal(sw_script_load_modules(fresh, &f.inventory, modules, &f.err), 0);
    const struct sw_types *types = sw_script_types(fresh);
    assert_non_null(types->find(types->ctx, "link"));
    sw_script_free(fresh);

    fixture_write(&f, "lib/helper.lua", "return { x = 2 }");
    assert_int_equal(sw_script_new(f.loop, f.arena, NULL, &fresh, NULL), 0);
    assert_int_equal(sw_script_load_modules(fresh, &f.inventory, modules, &f.err), SW_ECONFLICT);
    assert_non_null(strstr(f.err.message, "helper.lua' changed since the plan was made"));
    sw_err_done(&f.err);
    sw_script_free(fresh);

    free(text);
    text = sw_xprintf("%s%s", "require 'unrelated'\n", LINK);
    fixture_write(&f, "link.lua", text);
    free(text);
    assert_int_equal(sw_script_new(f.loop, f.arena, NULL, &fresh, NULL), 0);
    assert_int_equal(sw_script_load_modules(fresh, &f.inventory, modules, &f.err), SW_ECONFLICT);
    sw_script_free(fresh);
    fixture_end(&f);
}

static void declares_again(void **state) {
    struct fixture f;
    (void)state;
    fixture_begin(&f, NULL, NULL);
    fixture_write(&f, "link.lua", LINK);
    fixture_write(&f, "part.lua", "return function(h) h:link '/p' { target = 'x' } end");
    for (int i = 0; i < 3; i++) {
        int code = fixture_declare(&f, "local h = host 'n1' {} require 'part'(h)\nassert(host('n1') {}.name == 'n1')");
        fixture_show(&f);
        assert_int_equal(code, 0);
        assert_int_equal(f.config->n_resources, 1);
        assert_non_null(strstr(f.config->resources[0]->pos.file, "part.lua"));
    }
    fixture_end(&f);
}

/* A file that came from the playbook's author is told from the node's: what was secret stays so on the way back. */
static void marks_what_is_read(void **state) {
    struct fixture f;
    (void)state;
    fixture_begin(&f, NULL, NULL);
    fixture_write(&f, "link.lua", LINK);
    assert_int_equal(fixture_declare(&f, "host 'n1' {}:link '/a' { target = secret 'hunter2' }"), 0);
    const struct sw_types *types = sw_script_types(f.script);
    const struct sw_type *type = types->find(types->ctx, "link");
    struct sw_item item = {.resource = f.config->resources[0], .desired = f.config->resources[0]->desired, .action = SW_CREATE};
    struct sw_batch_result out = {.ran = true, .ended = true, .out = "old\n", .out_len = 4, .err = ""};
    const struct sw_value *have;
    assert_int_equal(type->ops->read(type, &item, 1, &out, f.arena, &have, &f.err), 0);
    assert_string_equal(fixture_json(&f, have), "{\"state\":\"present\",\"target\":\"(sensitive)\"}");
    struct sw_step step;
    assert_int_equal(type->ops->step(type, &item, f.arena, &step, &f.err), 0);
    assert_non_null(strstr(step.script, "'hunter2'"));
    fixture_end(&f);
}

static void names_types(void **state) {
    struct fixture f;
    const char *const *names;
    size_t n;
    (void)state;
    fixture_begin(&f, NULL, NULL);
    int code = sw_script_type_names(f.script, &names, &n, &f.err);
    fixture_show(&f);
    assert_int_equal(code, 0);
    assert_true(n > 20);
    bool file = false;
    for (size_t i = 0; i < n; i++) {
        file = file || strcmp(names[i], "file") == 0;
        if (i) assert_true(strcmp(names[i - 1], names[i]) < 0);
        const struct sw_type *type = sw_script_types(f.script)->find(sw_script_types(f.script)->ctx, names[i]);
        assert_non_null(type);
        assert_non_null(type->doc);
    }
    assert_true(file);
    fixture_end(&f);
}

/* While the library is being worked on, it and the stock playbooks are read from the disk. */
static void reads_the_library_from_disk(void **state) {
    struct fixture f;
    const char *const *names, *const *embedded;
    size_t n, n_embedded;
    (void)state;
    fixture_begin(&f, NULL, NULL);
    assert_int_equal(sw_script_type_names(f.script, &embedded, &n_embedded, &f.err), 0);
    struct sw_script *other;
    struct sw_script_options options = {.lua_dir = SW_LUA_META "/..", .playbook_dir = f.dir};
    int code = sw_script_new(f.loop, f.arena, &options, &other, &f.err);
    fixture_show(&f);
    assert_int_equal(code, 0);
    code = sw_script_type_names(other, &names, &n, &f.err);
    fixture_show(&f);
    assert_int_equal(code, 0);
    assert_int_equal(n, n_embedded);
    fixture_write(&f, "stock.lua", "host 'n1' {}:file '/x' { template = 't.conf', vars = { x = 1 } }");
    fixture_write(&f, "templates/t.conf", "{{ x }}");
    struct sw_inventory elsewhere = f.inventory;
    elsewhere.dir = "/tmp";
    elsewhere.playbook = "stock";
    code = sw_script_declare(other, &elsewhere, &f.config, &f.err);
    fixture_show(&f);
    assert_int_equal(code, 0);
    assert_string_equal(sw_get_str(f.config->resources[0]->desired, "content", ""), "1");
    sw_script_free(other);
    fixture_end(&f);
}

/* A batched type reads all of a host's items at once; the order of the table it gives does not matter. */
static void batches(void **state) {
    struct fixture f;
    (void)state;
    fixture_begin(&f, NULL, NULL);
    fixture_write(
        &f, "many.lua",
        "local resource, sh = require 'resource', require 'sh'\n"
        "return resource 'many' { schema = { v = { 'string' } },\n"
        "  probe_all = function(rs) local names = {} for i, r in ipairs(rs) do names[i] = r.name end return sh('get {names}', { names = "
        "names }) end,\n"
        "  read_all = function(out) local t = {} for _, l in ipairs(out.lines) do local k, v = l:match '(%w+)=(%w*)' t[k] = { v = v } end "
        "return t end,\n"
        "  apply = function() return { script = 'x', uploads = { { path = '/t', data = 'abc' } }, timeout = 1.5, reconnect = true } end }");
    assert_int_equal(fixture_declare(&f, "local h = host 'n1' {} for _, n in ipairs { 'a', 'b', 'c' } do h:many(n) { v = n } end"), 0);
    const struct sw_types *types = sw_script_types(f.script);
    const struct sw_type *type = types->find(types->ctx, "many");
    assert_true(type->batched);
    assert_null(sw_schema_find(type->schema, "state")); /* it has no `remove` */
    struct sw_item items[3] = {0};
    for (size_t i = 0; i < 3; i++)
        items[i] = (struct sw_item){.resource = f.config->resources[i], .desired = f.config->resources[i]->desired};
    struct sw_str fragment = {0};
    assert_int_equal(type->ops->probe(type, items, 3, &fragment, &f.err), 0);
    assert_string_equal(sw_str_z(&fragment), "get 'a' 'b' 'c'");
    sw_str_done(&fragment);
    struct sw_batch_result out = {.ran = true, .ended = true, .out = "c=3\na=1\n", .out_len = 8, .err = ""};
    const struct sw_value *have[3];
    assert_int_equal(type->ops->read(type, items, 3, &out, f.arena, have, &f.err), 0);
    assert_string_equal(fixture_json(&f, have[0]), "{\"v\":\"1\"}");
    assert_null(have[1]);
    assert_string_equal(fixture_json(&f, have[2]), "{\"v\":\"3\"}");
    struct sw_step step;
    assert_int_equal(type->ops->step(type, items, f.arena, &step, &f.err), 0);
    assert_int_equal(step.timeout_ms, 1500);
    assert_true(step.reconnect);
    assert_string_equal(step.uploads[0].sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    items[0].action = SW_DELETE;
    items[0].prior = items[0].desired;
    items[0].desired = NULL;
    assert_int_equal(type->ops->step(type, items, f.arena, &step, &f.err), 0);
    assert_string_equal(step.script, ":");
    /* What is not known yet cannot get into a fragment: read at apply. */
    items[1].desired = sw_map_with(f.arena, items[1].desired, "v", &SW_UNKNOWN_VALUE);
    assert_int_equal(type->ops->probe(type, items + 1, 1, &fragment, &f.err), 0);
    sw_str_done(&fragment);
    fixture_end(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(declares),
        cmocka_unit_test(runs_types),
        cmocka_unit_test(says_what_is_wrong),
        cmocka_unit_test(renders_templates),
        cmocka_unit_test(pins_modules),
        cmocka_unit_test(declares_again),
        cmocka_unit_test(marks_what_is_read),
        cmocka_unit_test(names_types),
        cmocka_unit_test(batches),
        cmocka_unit_test(reads_the_library_from_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
