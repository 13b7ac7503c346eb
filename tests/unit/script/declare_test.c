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
    assert_string_equal(fixture_json(&f, f.config->hosts[0]->connection), "{\"address\":{\"$ref\":[\"cloud_vm.n1\",\"address\"]},\"user\":\"root\"}");
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(declares),
        cmocka_unit_test(runs_types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
