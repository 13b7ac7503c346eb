/* What a provider's client gets: waiting, events, several coroutines in one call, the environment and files; and that all of it ends when it is
 * told to. Requests against real servers are in integration/test_io.py. */
#include <netinet/in.h>
#include <sys/socket.h>
#include <time.h>

#include "fixture.h"

static const char PROBE[] =
    "local resource, provider = require 'resource', require 'provider'\n"
    "local cases = {}\n"
    "provider.define('probe', { client = function(config, io) return io end })\n"
    "local function took(io, from, least, most)\n"
    "  local s = io.now() - from\n"
    "  assert(s >= least - 0.005 and s < most, s .. ' s')\n"
    "end\n"
    "local function refused(words, fn, ...)\n"
    "  local ok, e = pcall(fn, ...)\n"
    "  assert(not ok, 'not refused: ' .. words)\n"
    "  local text = type(e) == 'string' and e or e.message\n"
    "  assert(text:find(words, 1, true), text)\n"
    "end\n"

    "function cases.sleep(io)\n"
    "  local from = io.now()\n"
    "  io.sleep(0.05) took(io, from, 0.05, 5)\n"
    "  for _ = 1, 1000 do io.sleep(0) end\n"
    "  took(io, from, 0.05, 5)\n"
    "  refused('seconds', io.sleep, -1) refused('seconds', io.sleep, 0 / 0) refused('seconds', io.sleep, 1e9) refused('number', io.sleep, "
    "'x')\n"
    "end\n"

    "function cases.random(io)\n"
    "  local low, high, sum = 1, 0, 0\n"
    "  for _ = 1, 1000 do\n"
    "    local x = io.random()\n"
    "    low, high, sum = math.min(low, x), math.max(high, x), sum + x\n"
    "  end\n"
    "  assert(low >= 0 and low < 0.1 and high < 1 and high > 0.9 and sum > 400 and sum < 600, low .. ' ' .. high .. ' ' .. sum)\n"
    "  assert(io.now() > 1.7e9)\n"
    "end\n"

    "function cases.event(io)\n"
    "  local e, order = io.event(), {}\n"
    "  local from = io.now()\n"
    "  assert(e:wait(0.05) == false) took(io, from, 0.05, 5)\n"
    "  local function waits(name) return function() assert(e:wait(30) == true) order[#order + 1] = name end end\n"
    "  io.all { waits 'a', waits 'b', waits 'c', function() io.sleep(0.01) order[1] = 'set' e:set() end }\n"
    "  assert(#order == 4 and order[1] == 'set')\n"
    "  assert(e:wait() == true and e:wait(0) == true)\n"
    "  e:set()\n"
    "  refused('seconds', e.wait, io.event(), -1) refused('slipway.event', e.wait, {}) refused('slipway.event', e.set, 1)\n"
    "end\n"

    "function cases.all(io)\n"
    "  local from = io.now()\n"
    "  local r = io.all { function() io.sleep(0.8) return 'a', 'dropped' end, function() io.sleep(0.7) return 'b' end, function() end, "
    "function() "
    "return false end }\n"
    "  took(io, from, 0.8, 1.4)\n"
    "  assert(r[1] == 'a' and r[2] == 'b' and r[3] == nil and r[4] == false)\n"
    "  assert(#io.all {} == 0)\n"
    "  local inner = io.all { function() return io.all { function() io.sleep(0.01) return 1 end, function() return 2 end } end }\n"
    "  assert(inner[1][1] == 1 and inner[1][2] == 2)\n"
    "end\n"

    "function cases.limit(io)\n"
    "  local now, most, fns = 0, 0, {}\n"
    "  for i = 1, 20 do\n"
    "    fns[i] = function()\n"
    "      now = now + 1 most = math.max(most, now)\n"
    "      io.sleep(0.005)\n"
    "      now = now - 1\n"
    "      return i\n"
    "    end\n"
    "  end\n"
    "  local r = io.all(fns, 3)\n"
    "  for i = 1, 20 do assert(r[i] == i) end\n"
    "  assert(most == 3, most)\n"
    "  io.all(fns, 1000)\n"
    "  assert(most == 20, most)\n"
    "  refused('limit', io.all, fns, 0) refused('limit', io.all, fns, 1.5) refused('io.all', io.all) refused('number value', io.all, { 1 "
    "})\n"
    "end\n"

    "function cases.all_fails(io)\n"
    "  local ended = 0\n"
    "  local ok, e = pcall(io.all, {\n"
    "    function() io.sleep(0.05) ended = ended + 1 end,\n"
    "    function() io.sleep(0.02) error({ code = 'Second' }) end,\n"
    "    function() io.sleep(0.01) error({ code = 'First' }) end,\n"
    "    function() ended = ended + 1 end,\n"
    "  })\n"
    "  assert(not ok and e.code == 'First' and ended == 2)\n"
    "  io.all { function() fail('no room', 'elsewhere') end }\n"
    "end\n"

    "function cases.all_endless(io) io.all { function() io.sleep(0.01) end, function() while true do end end } end\n"

    "function cases.many(io)\n"
    "  local fns, sum = {}, 0\n"
    "  for i = 1, 3000 do fns[i] = function() for _ = 1, 10 do io.sleep(0) end sum = sum + 1 end end\n"
    "  io.all(fns, 5000)\n"
    "  assert(sum == 3000)\n"
    "end\n"

    "function cases.lines(io, line)\n"
    "  io.all { function() io.sleep(0) line('from within') end }\n"
    "end\n"

    "function cases.env(io)\n"
    "  assert(io.env('SLIPWAY_IO_TEST') == 'hunter2' and io.env('SLIPWAY_IO_NONE') == nil)\n"
    "  local s = io.env('SLIPWAY_IO_TEST', true)\n"
    "  assert(slipway.is_secret(s) and #s == 7)\n"
    "  assert(io.env('SLIPWAY_IO_NONE', true) == nil)\n"
    "end\n"

    "function cases.file(io)\n"
    "  assert(io.read_file('~/token') == 'tok\\0en\\n' and io.read_file('~/none') == nil and io.read_file('~/none/none') == nil)\n"
    "  local s = io.read_file('~/token', true)\n"
    "  assert(slipway.is_secret(s) and #s == 7)\n"
    "  refused('1048576', io.read_file, '~/large')\n"
    "  refused('regular file', io.read_file, '/dev/zero') refused('regular file', io.read_file, '~') refused('path', io.read_file, '')\n"
    "  refused('path', io.read_file, '~/token\\0x')\n"
    "end\n"

    "function cases.http(io)\n"
    "  local url = 'http://127.0.0.1:1/'\n"
    "  local a = io.http { url = url, method = 'POST', body = secret 'x' }\n"
    "  assert(a.error == 'unreachable' and a.sent == false and a.elapsed >= 0 and a.message:find(url, 1, true) and not a.status)\n"
    "  for _, bad in ipairs {\n"
    "    { url = 'ftp://x/' }, { url = 'http://x/a b' }, { url = 'http://x/\\n' }, { url = url, method = 'GET /' },\n"
    "    { url = url, headers = { ['X Y'] = '1' } }, { url = url, headers = { X = 'a\\r\\nb: c' } }, { url = url, headers = { X = secret "
    "'a\\nb' } },\n"
    "    { url = url, sign = { service = 'ec2', region = 'x', key = 'AK', secret = secret 'hunter2\\n' } },\n"
    "    { url = url .. '?a=b+c', sign = { service = 'ec2', region = 'x', key = 'AK', secret = 'y' } },\n"
    "    { url = url, headers = { ['x-amz-date'] = '1' }, sign = { service = 'ec2', region = 'x', key = 'AK', secret = 'y' } },\n"
    "  } do\n"
    "    local r = io.http(bad)\n"
    "    assert(r.error == 'invalid' and r.sent == false, json.encode(r))\n"
    "    assert(not r.message:find('hunter2'))\n"
    "  end\n"
    "  refused('no \\'uri\\'', io.http, { uri = url }) refused('url wanted', io.http, {}) refused('table', io.http, url)\n"
    "  refused('secret', io.http, { url = secret(url) }) refused('not a text', io.http, { url = url, body = {} })\n"
    "  refused('timeout', io.http, { url = url, timeout = 0 }) refused('max_body', io.http, { url = url, max_body = 1e12 })\n"
    "  refused('header', io.http, { url = url, headers = { A = {} } }) refused('headers', io.http, { url = url, headers = 'A' })\n"
    "  refused('NUL', io.http, { url = url, headers = { A = 'x\\0y' } }) refused('NUL', io.http, { url = url .. '\\0' })\n"
    "  refused('no \\'x\\'', io.http, { url = url, sign = { x = 1 } }) refused('sign', io.http, { url = url, sign = true })\n"
    "  local many = {}\n"
    "  for i = 1, 200 do many['H' .. i] = 'x' end\n"
    "  refused('100 headers', io.http, { url = url, headers = many })\n"
    "end\n"

    "function cases.asleep(io) pcall(io.sleep, 3600) pcall(io.sleep, 3600) end\n"
    "function cases.waiting(io) io.event():wait() end\n"
    "function cases.both(io) io.all { function() io.sleep(3600) end, function() io.event():wait(3600) end } end\n"
    "function cases.listening(io, line, r) pcall(io.http, { url = r.url, timeout = 3600 }) end\n"

    "local probe = resource 'probe' { on = 'api', provider = 'probe',\n"
    "  schema = { case = { 'string', required = true }, url = { 'string' } },\n"
    "  list = function() return {} end,\n"
    "  create = function(io, r, line) cases[r.case](io, line, r) return {} end }\n"
    "return { probe = probe }\n";

struct outcome {
    bool done;
    struct sw_err err;
    char line[64];
};

static void on_act(void *ctx, const struct sw_value *attributes, struct sw_err *err) {
    struct outcome *o = ctx;
    (void)attributes;
    assert_false(o->done);
    o->done = true;
    if (err) sw_err_move(&o->err, err);
}

static void on_line(void *ctx, const char *line) {
    struct outcome *o = ctx;
    snprintf(o->line, sizeof o->line, "%s", line);
}

static void begin(struct fixture *f, const struct sw_script_options *options) {
    fixture_begin(f, options, NULL);
    fixture_write(f, "probe.lua", PROBE);
    setenv("HOME", f->dir, 1);
    setenv("SLIPWAY_IO_TEST", "hunter2", 1);
    int code = fixture_declare(f, "require('probe').probe 'a' { case = 'x' }");
    fixture_show(f);
    assert_int_equal(code, 0);
}

static void start(struct fixture *f, const char *name, const char *url, struct outcome *o) {
    const struct sw_types *types = sw_script_types(f->script);
    const struct sw_type *type = types->find(types->ctx, "probe");
    struct sw_pair desired[] = {{"case", sw_value_str(f->arena, name)}, {"url", sw_value_str(f->arena, url)}};
    struct sw_pair provider[] = {{"name", sw_value_str(f->arena, "probe")}};
    struct sw_item item = {.resource = f->config->resources[0], .desired = sw_value_map(f->arena, desired, 2), .action = SW_CREATE};
    *o = (struct outcome){0};
    type->ops->act(type, sw_value_map(f->arena, provider, 1), &item, f->arena, on_line, on_act, o);
}

static void run(struct fixture *f, const char *name, struct outcome *o) {
    start(f, name, "", o);
    sw_loop_run(f->loop, &o->done);
}

static void good(struct fixture *f, const char *name) {
    struct outcome o;
    run(f, name, &o);
    if (o.err.code) fail_msg("%s: %s\n%s", name, o.err.message, o.err.detail ? o.err.detail : "");
}

static void waits(void **state) {
    struct fixture f;
    (void)state;
    begin(&f, NULL);
    static const char *const names[] = {"sleep", "random", "event", "all", "limit", "env", "http"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) good(&f, names[i]);
    fixture_end(&f);
}

static void reads_files(void **state) {
    struct fixture f;
    char path[96];
    (void)state;
    begin(&f, NULL);
    snprintf(path, sizeof path, "%s/token", f.dir);
    assert_int_equal(sw_file_write(path, "tok\0en\n", 7, 0600, NULL), 0);
    snprintf(path, sizeof path, "%s/large", f.dir);
    char *large = calloc(1, (1 << 20) + 1);
    assert_int_equal(sw_file_write(path, large, (1 << 20) + 1, 0600, NULL), 0);
    free(large);
    good(&f, "file");
    fixture_end(&f);
}

static void fails_together(void **state) {
    struct fixture f;
    struct outcome o;
    (void)state;
    begin(&f, NULL);
    run(&f, "all_fails", &o);
    assert_int_equal(o.err.code, SW_EREMOTE);
    assert_string_equal(o.err.message, "no room");
    assert_string_equal(o.err.hint, "elsewhere");
    sw_err_done(&o.err);
    good(&f, "all");
    fixture_end(&f);

    begin(&f, &(struct sw_script_options){.max_instructions = 3000000});
    run(&f, "all_endless", &o);
    assert_int_equal(o.err.code, SW_ELIMIT);
    sw_err_done(&o.err);
    good(&f, "all");
    fixture_end(&f);
}

/* 30,000 turns, a thousand coroutines at a time: a second or two with the sanitisers, minutes if each looked through the others. */
static void many(void **state) {
    struct fixture f;
    (void)state;
    begin(&f, NULL);
    clock_t from = clock();
    good(&f, "many");
    assert_true((clock() - from) / CLOCKS_PER_SEC < 20); /* of this process, whatever else the machine does */
    fixture_end(&f);
}

static void shows_lines(void **state) {
    struct fixture f;
    struct outcome o;
    (void)state;
    begin(&f, NULL);
    run(&f, "lines", &o);
    assert_int_equal(o.err.code, 0);
    assert_string_equal(o.line, "from within");
    fixture_end(&f);
}

static void never(void *ctx) {
    *(bool *)ctx = true;
}

static void turn(struct fixture *f, unsigned ms) {
    bool passed = false;
    struct sw_timer *timer = sw_timer_new(f->loop, ms, 0, never, &passed);
    sw_loop_run(f->loop, &passed);
    sw_timer_free(timer);
}

static const char *const STUCK[] = {"asleep", "waiting", "both", "listening"};
enum { N_STUCK = 4 };

/* A port that takes connections and says nothing. */
static void listen_to(char url[static 64], int *ret_fd) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof to;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&to, len), 0);
    assert_int_equal(listen(fd, 16), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&to, &len), 0);
    snprintf(url, 64, "http://127.0.0.1:%u/", ntohs(to.sin_port));
    *ret_fd = fd;
}

static void cancels(void **state) {
    struct fixture f;
    struct outcome o[N_STUCK];
    char url[64];
    int fd;
    (void)state;
    begin(&f, NULL);
    listen_to(url, &fd);
    for (size_t i = 0; i < N_STUCK; i++) start(&f, STUCK[i], url, &o[i]);
    turn(&f, 100);
    for (size_t i = 0; i < N_STUCK; i++) assert_false(o[i].done);
    const struct sw_types *types = sw_script_types(f.script);
    types->cancel(types->ctx);
    types->cancel(types->ctx); /* Ctrl-C twice */
    for (size_t i = 0; i < N_STUCK; i++) {
        sw_loop_run(f.loop, &o[i].done);
        assert_int_equal(o[i].err.code, SW_ECANCELLED);
        sw_err_done(&o[i].err);
    }
    close(fd);
    fixture_end(&f);
}

static void is_freed_meanwhile(void **state) {
    struct fixture f;
    struct outcome o[N_STUCK];
    char url[64];
    int fd;
    (void)state;
    begin(&f, NULL);
    listen_to(url, &fd);
    for (size_t i = 0; i < N_STUCK; i++) start(&f, STUCK[i], url, &o[i]);
    turn(&f, 100);
    close(fd);
    fixture_end(&f); /* calls end without a word, and nothing leaks */
    for (size_t i = 0; i < N_STUCK; i++) assert_false(o[i].done);
}

/* io is a provider's alone: a playbook has no word for it, and a stranger's provider is not run. */
static void is_no_playbooks(void **state) {
    struct fixture f;
    struct outcome o;
    (void)state;
    fixture_begin(&f, NULL, NULL);
    assert_int_equal(fixture_declare(&f, "local x = io"), SW_ESCRIPT);
    assert_int_equal(fixture_declare(&f, "local x = core.io"), SW_ESCRIPT);
    fixture_end(&f);
    begin(&f, &(struct sw_script_options){.untrusted = true});
    run(&f, "env", &o);
    assert_int_equal(o.err.code, SW_EREFUSED);
    sw_err_done(&o.err);
    fixture_end(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(waits),
                                       cmocka_unit_test(reads_files),
                                       cmocka_unit_test(fails_together),
                                       cmocka_unit_test(many),
                                       cmocka_unit_test(shows_lines),
                                       cmocka_unit_test(cancels),
                                       cmocka_unit_test(is_freed_meanwhile),
                                       cmocka_unit_test(is_no_playbooks)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
