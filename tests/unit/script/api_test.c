/* Types in an API: coroutines over the loop, io.run, cancelling. */
#include "fixture.h"

static const char CLOUD[] =
    "local resource, provider = require 'resource', require 'provider'\n"
    "local made = 0\n"
    "provider.define('cloud', { client = function(config, io)\n"
    "  made = made + 1\n"
    "  return { n = made, config = config, run = function(_, o) return io.run(o) end }\n"
    "end })\n"
    "local vm = resource 'cloud_vm' { on = 'api', provider = 'cloud', owns_host = true,\n"
    "  schema = { size = { 'int', required = true }, id = { 'string', computed = true }, password = { 'string', sensitive = true }, tags = "
    "{ 'list', of = 'string' } },\n"
    "  list = function(c, items)\n"
    "    local out = c:run { argv = { 'sh', '-c', 'cat; echo $X; echo err >&2; exit 3' }, input = 'in', env = { X = 'y' } }\n"
    "    assert(out.out == 'iny\\n' and out.err == 'err\\n' and out.status == 3 and not out.ok)\n"
    "    local found = {}\n"
    "    for _, item in ipairs(items) do\n"
    "      if item.name ~= 'gone' then found[item.name] = { size = item.size, id = 'id-' .. item.name .. c.n, password = 'read', tags = {} "
    "} end\n"
    "    end\n"
    "    return found\n"
    "  end,\n"
    "  create = function(c, r, line)\n"
    "    line('making ' .. r.name)\n"
    "    if r.size == 13 then fail('no room', 'try later') end\n"
    "    if r.size == 14 then error('a bug') end\n"
    "    if r.size == 15 then while true do end end\n"
    "    if r.size == 16 then c:run { argv = { '/nonexistent/program' } } end\n"
    "    if r.size == 17 then pcall(c.run, c, { argv = { 'sleep', '60' } }) return { id = 'never' } end\n"
    "    if r.size == 18 then return c:run { argv = 'x' } end\n"
    "    if r.size == 19 then return 7 end\n"
    "    local a = c:run { argv = { 'echo', r.password or 'none' } }\n"
    "    local b = c:run { argv = { 'echo', a.out } }\n"
    "    return { id = 'new-' .. #b.out }\n"
    "  end,\n"
    "  update = function(c, r) assert(r.have.id == 'old' and r.action == 'update') return {} end,\n"
    "  import = function(c, id) c:run { argv = { 'true' } } return { id = id, size = 5 } end,\n"
    "  delete = function(c, r) assert(r.prior.id == 'old') end,\n"
    "}\n"
    "resource 'cloud_doc' { on = 'api', provider = 'cloud', schema = { doc = { 'map' }, key = { 'string', sensitive = true }, n = { "
    "'number' } },\n"
    "  list = function(_, items)\n"
    "    local found = {}\n"
    "    for _, i in ipairs(items) do found[i.name] = { doc = i.doc, key = i.key, n = i.n } end\n"
    "    if #items > 1 then found[items[2].name].doc.deep.c[2].x = 5 end\n"
    "    return found\n"
    "  end, create = function() return {} end }\n"
    "resource 'cloud_fixed' { on = 'api', provider = 'cloud', list = function() return {} end, create = function() return {} end }\n"
    "return { vm = vm }\n";

struct outcome {
    bool done;
    unsigned calls, lines;
    const struct sw_value *have[64], *attributes;
    size_t n;
    struct sw_err err;
    char line[64];
};

static void on_list(void *ctx, const struct sw_value *const *have, struct sw_err *err) {
    struct outcome *o = ctx;
    o->calls++;
    o->done = true;
    for (size_t i = 0; have && i < o->n; i++) o->have[i] = have[i];
    if (err) sw_err_move(&o->err, err);
}

static void on_act(void *ctx, const struct sw_value *attributes, struct sw_err *err) {
    struct outcome *o = ctx;
    o->calls++;
    o->done = true;
    o->attributes = attributes;
    if (err) sw_err_move(&o->err, err);
}

static void on_line(void *ctx, const char *line) {
    struct outcome *o = ctx;
    o->lines++;
    snprintf(o->line, sizeof o->line, "%s", line);
}

static const struct sw_value *json(struct fixture *f, const char *text) {
    const struct sw_value *v;
    assert_int_equal(sw_json_read(f->arena, text, strlen(text), 0, &v, NULL), 0);
    return v;
}

static const struct sw_type *begin(struct fixture *f, const char *name) {
    fixture_begin(f, NULL, NULL);
    fixture_write(f, "cloud.lua", CLOUD);
    int code = fixture_declare(f, "local cloud = require 'cloud' cloud.vm 'a' { size = 1 } cloud.vm 'gone' { size = 2 }\n"
                                  "cloud.vm 'b' { size = 3, password = secret 'hunter2' }");
    fixture_show(f);
    assert_int_equal(code, 0);
    const struct sw_types *types = sw_script_types(f->script);
    const struct sw_type *type = types->find(types->ctx, name);
    assert_non_null(type);
    return type;
}

static void act(struct fixture *f, const struct sw_type *type, struct sw_item *item, struct outcome *o) {
    *o = (struct outcome){0};
    item->resource = f->config->resources[0];
    type->ops->act(type, json(f, "{\"name\":\"cloud\"}"), item, f->arena, on_line, on_act, o);
    assert_false(o->done);
    sw_loop_run(f->loop, &o->done);
    assert_int_equal(o->calls, 1);
}

static void lists(void **state) {
    struct fixture f;
    (void)state;
    const struct sw_type *type = begin(&f, "cloud_vm");
    assert_true(type->owns_host);
    assert_string_equal(type->provider, "cloud");
    struct sw_item items[3] = {0};
    for (size_t i = 0; i < 3; i++)
        items[i] = (struct sw_item){.resource = f.config->resources[i], .desired = f.config->resources[i]->desired};
    /* Many at a time; the client of one configuration is made once. */
    struct outcome o[40];
    for (size_t k = 0; k < 40; k++) {
        o[k] = (struct outcome){.n = 3};
        type->ops->list(type, json(&f, "{\"name\":\"cloud\"}"), items, 3, f.arena, on_list, &o[k]);
        assert_false(o[k].done);
    }
    for (size_t k = 0; k < 40; k++) {
        sw_loop_run(f.loop, &o[k].done);
        assert_int_equal(o[k].calls, 1);
        if (o[k].err.code) print_error("%s\n%s\n", o[k].err.message, o[k].err.detail);
        assert_int_equal(o[k].err.code, 0);
        assert_string_equal(fixture_json(&f, o[k].have[0]), "{\"id\":\"id-a1\",\"password\":\"(sensitive)\",\"size\":1,\"tags\":[]}");
        assert_null(o[k].have[1]);
        assert_string_equal(sw_get_str(o[k].have[2], "id", ""), "id-b1");
    }
    struct outcome adopted = {.n = 1};
    items[1].prior = json(&f, "{\"id\":\"i-7\"}");
    type->ops->list(type, json(&f, "{\"name\":\"cloud\"}"), &items[1], 1, f.arena, on_list, &adopted);
    sw_loop_run(f.loop, &adopted.done);
    assert_string_equal(fixture_json(&f, adopted.have[0]), "{\"id\":\"i-7\",\"size\":5}");
    fixture_end(&f);
}

/* What a type gives back as it got it takes no memory, and what it changed is changed in this one place only. */
static void shares(void **state) {
    static const char text[] =
        "{\"doc\":{\"a\":[1,2.5,true,\"x\",[],{}],\"deep\":{\"b\":{\"y\":\"z\"},\"c\":[{\"x\":1},{\"x\":2}]}},\"n\":1.0}";
    struct fixture f;
    (void)state;
    begin(&f, "cloud_vm");
    const struct sw_types *types = sw_script_types(f.script);
    const struct sw_type *type = types->find(types->ctx, "cloud_doc");
    const struct sw_value *was[] = {json(&f, text), json(&f, text)};
    struct sw_item items[2] = {{.resource = f.config->resources[0], .desired = was[0]},
                               {.resource = f.config->resources[1], .prior = was[1]}};
    struct outcome o = {.n = 2};
    type->ops->list(type, json(&f, "{\"name\":\"cloud\"}"), items, 2, f.arena, on_list, &o);
    sw_loop_run(f.loop, &o.done);
    assert_int_equal(o.err.code, 0);
    assert_ptr_equal(o.have[0], was[0]);
    assert_string_equal(fixture_json(&f, was[0]), text);
    assert_ptr_not_equal(o.have[1], was[1]);
    assert_ptr_equal(sw_get_path(o.have[1], "doc.a"), sw_get_path(was[1], "doc.a"));
    assert_ptr_equal(sw_get_path(o.have[1], "doc.deep.b"), sw_get_path(was[1], "doc.deep.b"));
    assert_string_equal(fixture_json(&f, sw_get_path(o.have[1], "doc.deep.c")), "[{\"x\":1},{\"x\":5}]");
    assert_string_equal(fixture_json(&f, was[1]), text);
    fixture_end(&f);
}

static void acts(void **state) {
    struct fixture f;
    struct outcome o;
    (void)state;
    const struct sw_type *type = begin(&f, "cloud_vm");
    struct sw_item item = {.desired = f.config->resources[2]->desired, .action = SW_CREATE};
    act(&f, type, &item, &o);
    if (o.err.code) print_error("%s\n%s\n", o.err.message, o.err.detail);
    assert_string_equal(fixture_json(&f, o.attributes), "{\"id\":\"new-9\",\"password\":\"(sensitive)\",\"size\":3}");
    assert_string_equal(o.line, "making a");
    item =
        (struct sw_item){.desired = f.config->resources[0]->desired, .have = json(&f, "{\"id\":\"old\",\"size\":9}"), .action = SW_UPDATE};
    act(&f, type, &item, &o);
    assert_string_equal(fixture_json(&f, o.attributes), "{\"id\":\"old\",\"size\":1}");
    item = (struct sw_item){.prior = json(&f, "{\"id\":\"old\",\"size\":9}"), .action = SW_DELETE};
    act(&f, type, &item, &o);
    assert_int_equal(o.err.code, 0);
    assert_null(o.attributes);
    fixture_end(&f);
}

static void fails(void **state) {
    static const struct {
        int size, code;
        const char *message;
        bool traceback;
    } cases[] = {
        {13, SW_EREMOTE, "no room", false},
        {14, SW_ESCRIPT, "a bug", true},
        {15, SW_ELIMIT, "an endless loop?", false},
        {16, 1, "nonexistent", false},
        {18, SW_ESCRIPT, "argv = { program, ... } wanted", true},
        {19, SW_ESCRIPT, "gave a number", false},
    };
    struct fixture f;
    struct outcome o;
    (void)state;
    const struct sw_type *type = begin(&f, "cloud_vm");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sw_item item = {.desired = json(&f, sw_printf(f.arena, "{\"size\":%d}", cases[i].size)), .action = SW_CREATE};
        act(&f, type, &item, &o);
        if (cases[i].code <= 0) assert_int_equal(o.err.code, cases[i].code);
        if (!o.err.message || !strstr(o.err.message, cases[i].message)) fail_msg("%d: %s", cases[i].size, o.err.message);
        if (cases[i].traceback) assert_non_null(strstr(o.err.detail, "cloud.lua"));
        if (cases[i].size == 13) assert_string_equal(o.err.hint, "try later");
        if (cases[i].code == SW_EREMOTE) assert_null(o.err.detail);
        sw_err_done(&o.err);
    }
    const struct sw_type *fixed = sw_script_types(f.script)->find(sw_script_types(f.script)->ctx, "cloud_fixed");
    struct sw_item item = {.desired = &SW_EMPTY_MAP, .action = SW_UPDATE};
    act(&f, fixed, &item, &o);
    assert_non_null(strstr(o.err.message, "cannot be changed in place"));
    sw_err_done(&o.err);
    item.action = SW_DELETE;
    act(&f, fixed, &item, &o);
    assert_int_equal(o.err.code, 0);
    fixture_end(&f);
}

static void cancels(void **state) {
    struct fixture f;
    (void)state;
    const struct sw_type *type = begin(&f, "cloud_vm");
    struct outcome o[24];
    struct sw_item item = {.resource = f.config->resources[0], .desired = json(&f, "{\"size\":17}"), .action = SW_CREATE};
    for (size_t k = 0; k < 24; k++) { /* more than run at a time: some wait for their turn */
        o[k] = (struct outcome){0};
        type->ops->act(type, json(&f, "{\"name\":\"cloud\"}"), &item, f.arena, on_line, on_act, &o[k]);
    }
    struct sw_item quick = {.resource = f.config->resources[0], .desired = json(&f, "{\"size\":13}"), .action = SW_CREATE};
    struct outcome last = {0};
    type->ops->act(type, json(&f, "{\"name\":\"cloud\"}"), &quick, f.arena, on_line, on_act, &last);
    sw_loop_run(f.loop, &last.done); /* by now the others sleep, or wait */
    const struct sw_types *types = sw_script_types(f.script);
    types->cancel(types->ctx);
    for (size_t k = 0; k < 24; k++) {
        sw_loop_run(f.loop, &o[k].done);
        assert_int_equal(o[k].calls, 1);
        assert_int_equal(o[k].err.code, SW_ECANCELLED);
        sw_err_done(&o[k].err);
    }
    sw_err_done(&last.err);
    fixture_end(&f);
}

/* The script goes while programs run: nobody is called any more, nothing leaks. */
static void is_freed_meanwhile(void **state) {
    struct fixture f;
    (void)state;
    const struct sw_type *type = begin(&f, "cloud_vm");
    struct outcome o[20] = {0};
    struct sw_item item = {.resource = f.config->resources[0], .desired = json(&f, "{\"size\":17}"), .action = SW_CREATE};
    for (size_t k = 0; k < 20; k++) type->ops->act(type, json(&f, "{\"name\":\"cloud\"}"), &item, f.arena, on_line, on_act, &o[k]);
    struct sw_item quick = {.resource = f.config->resources[0], .desired = json(&f, "{\"size\":13}"), .action = SW_CREATE};
    struct outcome first = {0};
    type->ops->act(type, json(&f, "{\"name\":\"cloud\"}"), &quick, f.arena, on_line, on_act, &first);
    sw_loop_run(f.loop, &first.done);
    sw_err_done(&first.err);
    sw_script_free(f.script);
    f.script = NULL;
    for (size_t k = 0; k < 20; k++) assert_false(o[k].done);
    fixture_end(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists), cmocka_unit_test(shares),  cmocka_unit_test(acts),
        cmocka_unit_test(fails), cmocka_unit_test(cancels), cmocka_unit_test(is_freed_meanwhile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
