#include <dirent.h>
#include <sys/stat.h>

#include "fake.h"

struct world *w;

/* ---- note: a file on a host ---- */

static const struct sw_attr note_attrs[] = {
    {.name = "content", .type = SW_T_STRING, .required = true, .doc = "what it says"},
};
static const struct sw_schema note_schema = {.name = "note", .attrs = note_attrs, .n_attrs = 1};

static void quoted(struct sw_str *s, const char *z) {
    sw_str_add_shell(s, z, strlen(z));
}

static int note_probe(const struct sw_type *type, const struct sw_item *items, size_t n, struct sw_str *fragment, struct sw_err *err) {
    (void)type;
    assert_int_equal(n, 1);
    /* A note whose name says so cannot be asked about before its content is known. */
    if (strstr(items[0].resource->name, "late") && items[0].desired && sw_value_has_unknown(items[0].desired))
        return sw_err_set(err, SW_EREFUSED, "not known yet");
    sw_str_addz(fragment, "cat ");
    quoted(fragment, items[0].resource->name);
    return 0;
}

static int note_read(const struct sw_type *type, const struct sw_item *items, size_t n, const struct sw_batch_result *output,
                     struct sw_arena *arena, const struct sw_value **ret, struct sw_err *err) {
    (void)type, (void)items, (void)n, (void)err;
    struct sw_pair pair = {"content", sw_value_strn(arena, output->out, output->out_len)};
    ret[0] = output->status == 0 ? sw_value_map(arena, &pair, 1) : NULL;
    return 0;
}

static int note_step(const struct sw_type *type, const struct sw_item *it, struct sw_arena *arena, struct sw_step *ret,
                     struct sw_err *err) {
    (void)type, (void)err;
    struct sw_str s = {0};
    if (it->action == SW_DELETE) {
        sw_str_addz(&s, "rm -f ");
        quoted(&s, it->resource->name);
    } else {
        assert_false(sw_value_has_unknown(it->desired));
        if (strcmp(w->fail, it->resource->address) == 0) sw_str_addz(&s, "echo no luck >&2; exit 3\n");
        sw_str_addz(&s, "echo writing; printf %s ");
        quoted(&s, sw_get_str(it->desired, "content", ""));
        sw_str_addz(&s, " > ");
        quoted(&s, it->resource->name);
    }
    ret->script = sw_strdup(arena, sw_str_z(&s));
    ret->len = s.len;
    sw_str_done(&s);
    return 0;
}

static const struct sw_type_ops note_ops = {.probe = note_probe, .read = note_read, .step = note_step};
static const struct sw_type note_type = {.name = "note", .on_host = true, .schema = &note_schema, .ops = &note_ops};

/* ---- box: in an API ---- */

static const struct sw_attr box_attrs[] = {
    {.name = "address", .type = SW_T_STRING, .computed = true, .doc = "where it is"},
    {.name = "base", .type = SW_T_STRING, .immutable = true, .doc = "the address of the box it stands on"},
    {.name = "color", .type = SW_T_STRING, .doc = "can change"},
    {.name = "kind", .type = SW_T_STRING, .immutable = true, .doc = "cannot change"},
    {.name = "link", .type = SW_T_STRING, .doc = "the address of a box it is tied to; can change"},
};
static const struct sw_schema box_schema = {.name = "box", .attrs = box_attrs, .n_attrs = 5};

static size_t box_at(const char *address) {
    for (size_t i = 0; i < w->n_boxes; i++)
        if (strcmp(sw_get_str(w->boxes[i].attributes, "address", ""), address) == 0) return i;
    return SIZE_MAX;
}

/* As an API has it: what is recorded is known by its address, what a dead run made by its token, and nothing by its name. */
static size_t box_find(const struct sw_item *it) {
    if (it->prior) return box_at(sw_get_str(it->prior, "address", "?"));
    for (size_t i = 0; it->token && i < w->n_boxes; i++)
        if (strcmp(w->boxes[i].token, it->token) == 0) return i;
    return SIZE_MAX;
}

static void assert_exists(const struct sw_value *attributes, const char *name) {
    const char *address = sw_get_str(attributes, name, NULL);
    if (address && strncmp(address, "addr-", 5) == 0) assert_int_not_equal(box_at(address), SIZE_MAX);
}

/* What something else holds on to is not removed. */
static void assert_free(const char *address) {
    for (size_t i = 0; i < w->n_boxes; i++) {
        assert_string_not_equal(sw_get_str(w->boxes[i].attributes, "base", ""), address);
        assert_string_not_equal(sw_get_str(w->boxes[i].attributes, "link", ""), address);
    }
}

struct call {
    sw_list_done *listed;
    sw_act_done *acted;
    void *ctx;
    const struct sw_item *items;
    size_t n;
    struct sw_item it;
    struct sw_arena *arena;
    struct sw_timer *timer;
};

static void box_list_now(void *ctx) {
    struct call *call = ctx;
    const struct sw_value **have = sw_new_n(call->arena, const struct sw_value *, call->n + 1);
    for (size_t i = 0; i < call->n; i++) {
        if (call->items[i].token) assert_null(call->items[i].prior);
        size_t at = box_find(&call->items[i]);
        have[i] = at == SIZE_MAX ? NULL : w->boxes[at].attributes;
    }
    call->listed(call->ctx, have, NULL);
    free(call);
}

static void box_list(const struct sw_type *type, const struct sw_value *provider, const struct sw_item *items, size_t n,
                     struct sw_arena *arena, sw_list_done *done, void *ctx) {
    (void)type, (void)provider;
    struct call *call = calloc(1, sizeof *call);
    *call = (struct call){.listed = done, .ctx = ctx, .items = items, .n = n, .arena = arena};
    w->lists++;
    sw_loop_post(w->loop, box_list_now, call);
}

static const struct sw_value *box_change(struct call *call) {
    const struct sw_item *it = &call->it;
    const char *name = it->resource->name;
    if (it->action == SW_DELETE) {
        const char *address = sw_get_str(it->have, "address", "?");
        size_t at = box_at(address);
        assert_int_not_equal(at, SIZE_MAX);
        assert_free(address);
        w->boxes[at] = w->boxes[--w->n_boxes];
        return NULL;
    }
    assert_false(sw_value_has_unknown(it->desired));
    assert_exists(it->desired, "base");
    assert_exists(it->desired, "link");
    size_t at = it->have ? box_at(sw_get_str(it->have, "address", "?")) : SIZE_MAX;
    const char *address = it->have ? sw_get_str(it->have, "address", "?") : NULL;
    if (it->action == SW_CREATE) {
        assert_non_null(it->token);
        size_t len = strlen(w->tokens);
        snprintf(w->tokens + len, sizeof w->tokens - len, "%s ", it->token);
    }
    if (it->action == SW_CREATE && !it->have) {
        assert_null(it->prior);
        assert_true(w->n_boxes < 32);
        at = w->n_boxes++;
        snprintf(w->boxes[at].name, sizeof w->boxes[at].name, "%s", name);
        snprintf(w->boxes[at].token, sizeof w->boxes[at].token, "%s", it->token);
        size_t before = (size_t)(uintptr_t)sw_map_find(&w->created, name);
        sw_map_set(&w->created, sw_strdup(call->arena, name), (void *)(uintptr_t)(before + 1));
        address = sw_printf(call->arena, before ? "addr-%s-%zu" : "addr-%s", name, before + 1);
    }
    assert_int_not_equal(at, SIZE_MAX);
    return w->boxes[at].attributes = sw_map_with(call->arena, it->desired, "address", sw_value_str(call->arena, address));
}

static void box_act_now(void *ctx) {
    struct call *call = ctx;
    struct sw_err err = {0};
    const struct sw_value *made = NULL;
    sw_timer_free(call->timer);
    w->acting--;
    sw_str_addf(&w->log, "%s %s\n", sw_action_name(call->it.action), call->it.resource->address);
    w->acts++;
    bool fails = strcmp(w->fail, call->it.resource->address) == 0 && (!w->fail_action || w->fail_action == call->it.action);
    if (fails) sw_err_set(&err, w->fail_code ? w->fail_code : SW_EREMOTE, "the API said no");
    if (!fails || w->effect) made = box_change(call);
    if (w->at_act) w->at_act();
    call->acted(call->ctx, fails ? NULL : made, err.code ? &err : NULL);
    sw_err_done(&err);
    free(call);
}

static void box_act(const struct sw_type *type, const struct sw_value *provider, const struct sw_item *it, struct sw_arena *arena,
                    sw_act_line *line, sw_act_done *done, void *ctx) {
    (void)type, (void)provider, (void)line;
    struct call *call = calloc(1, sizeof *call);
    *call = (struct call){.acted = done, .ctx = ctx, .it = *it, .arena = arena};
    if (++w->acting > w->most_acting) w->most_acting = w->acting;
    if (w->delay_ms)
        call->timer = sw_timer_new(w->loop, w->delay_ms, 0, box_act_now, call);
    else
        sw_loop_post(w->loop, box_act_now, call);
}

static const struct sw_type_ops box_ops = {.list = box_list, .act = box_act};
static const struct sw_type box_type = {.name = "box", .owns_host = true, .provider = "shelf", .schema = &box_schema, .ops = &box_ops};

static const struct sw_type *find(void *ctx, const char *name) {
    (void)ctx;
    if (strcmp(name, "note") == 0) return &note_type;
    return strcmp(name, "box") == 0 ? &box_type : NULL;
}
static const struct sw_types types = {.find = find};

/* ---- the world ---- */

static void emit(void *ctx, const struct sw_event *event) {
    (void)ctx;
    if (event->type == SW_EV_START && event->item->resource->host)
        sw_str_addf(&w->log, "%s %s\n", sw_action_name(event->item->action), event->item->resource->address);
}

static void open_world(void) {
    struct sw_err err = {0};
    char *state = sw_xprintf("%s/state", w->dir);
    w->arena = sw_arena_new();
    if (sw_state_open(state, false, &w->state, &err) != 0) fail_msg("%s", err.message);
    free(state);
    w->engine = (struct sw_engine){.loop = w->loop, .arena = w->arena, .types = &types, .state = w->state, .sink = {emit, NULL}};
}

int world_new(void **unused) {
    (void)unused;
    w = calloc(1, sizeof *w);
    snprintf(w->dir, sizeof w->dir, "/tmp/slipway-engine-XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    w->loop = sw_loop_new();
    open_world();
    return 0;
}

static void close_world(void) {
    sw_engine_done(&w->engine);
    sw_state_close(w->state);
}

/* The arena stays: boxes live in it. */
void world_reopen(void) {
    struct sw_arena *keep = w->arena;
    close_world();
    open_world();
    sw_arena_free(w->arena);
    w->arena = w->engine.arena = keep;
    w->lists = w->acts = 0;
    sw_str_clear(&w->log);
}

static void remove_tree(const char *dir) {
    DIR *d = opendir(dir);
    for (struct dirent *entry; d && (entry = readdir(d));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        char *path = sw_xprintf("%s/%s", dir, entry->d_name);
        if (unlink(path) != 0) remove_tree(path);
        free(path);
    }
    if (d) closedir(d);
    rmdir(dir);
}

int world_free(void **unused) {
    (void)unused;
    close_world();
    sw_loop_free(w->loop);
    sw_arena_free(w->arena);
    sw_str_done(&w->log);
    sw_map_done(&w->created);
    remove_tree(w->dir);
    free(w);
    return 0;
}

/* ---- declaring ---- */

const struct sw_value *text(const char *z) {
    return sw_value_str(w->arena, z);
}
const struct sw_value *ref(const char *address, const char *path) {
    return sw_value_ref(w->arena, address, path);
}

const struct sw_value *map(const char *first, ...) {
    struct sw_pair pairs[16];
    size_t n = 0;
    va_list ap;
    va_start(ap, first);
    for (const char *key = first; key; key = va_arg(ap, const char *))
        pairs[n++] = (struct sw_pair){key, va_arg(ap, const struct sw_value *)};
    va_end(ap);
    return sw_value_map(w->arena, pairs, n);
}

void declare_host(const char *name, const struct sw_value *address) {
    struct sw_host *host = sw_new(w->arena, struct sw_host);
    host->name = sw_strdup(w->arena, name);
    host->connection = map("transport", text("local"), "address", address, NULL);
    w->hosts[w->n_hosts++] = host;
}

static void gather(const char *address, const char *path, void *ctx) {
    (void)path;
    depends(ctx, address, NULL);
}

static struct sw_resource *declare(const char *address, const char *type, const char *name, const char *host,
                                   const struct sw_value *desired) {
    struct sw_resource *resource = sw_new(w->arena, struct sw_resource);
    *resource = (struct sw_resource){.address = address,
                                     .type = type,
                                     .name = name,
                                     .host = host,
                                     .desired = desired,
                                     .index = w->n_resources,
                                     .pos = {"site.lua", (unsigned)w->n_resources + 1, 0}};
    sw_value_each_ref(desired, gather, resource);
    w->resources[w->n_resources++] = resource;
    return resource;
}

struct sw_resource *declare_box(const char *name, const struct sw_value *desired) {
    return declare(sw_printf(w->arena, "box.%s", name), "box", sw_strdup(w->arena, name), NULL, desired);
}

struct sw_resource *declare_note(const char *host, const char *name, const struct sw_value *content) {
    return declare(sw_printf(w->arena, "%s/note:%s", host, name), "note", note_path(name), host, map("content", content, NULL));
}

void depends(struct sw_resource *resource, const char *first, ...) {
    size_t n = 0;
    while (resource->depends && resource->depends[n]) n++;
    va_list ap;
    va_start(ap, first);
    for (const char *address = first; address; address = va_arg(ap, const char *)) {
        const char **more = sw_new_n(w->arena, const char *, n + 2);
        if (n) memcpy(more, resource->depends, n * sizeof *more);
        more[n++] = address;
        resource->depends = more;
    }
    va_end(ap);
}

void forget_playbook(void) {
    w->n_resources = w->n_hosts = 0;
}

/* ---- running ---- */

static struct sw_config config(void) {
    return (struct sw_config){.hosts = w->hosts, .n_hosts = w->n_hosts, .resources = w->resources, .n_resources = w->n_resources};
}

struct sw_plan *plan_with(const struct sw_plan_options *options) {
    struct sw_config c = config();
    struct sw_plan *made = NULL;
    struct sw_err err = {0};
    if (sw_engine_plan(&w->engine, "test", &c, options, &made, &err) != 0) fail_msg("%s (%s)", err.message, err.detail ? err.detail : "");
    return made;
}

struct sw_plan *plan(void) {
    return plan_with(NULL);
}

int plan_fails(struct sw_err *err) {
    struct sw_config c = config();
    struct sw_plan *made;
    int rc = sw_engine_plan(&w->engine, "test", &c, NULL, &made, err);
    assert_int_not_equal(rc, 0);
    return rc;
}

void apply(const struct sw_plan *made) {
    struct sw_err err = {0};
    if (sw_engine_apply(&w->engine, made, NULL, &err) != 0) fail_msg("%s (%s)", err.message, err.detail ? err.detail : "");
}

int apply_fails(const struct sw_plan *made, struct sw_apply_result *result, struct sw_err *err) {
    int rc = sw_engine_apply(&w->engine, made, result, err);
    assert_int_not_equal(rc, 0);
    return rc;
}

const struct sw_plan_item *item(const struct sw_plan *made, const char *address) {
    for (size_t i = 0; i < made->n_items; i++)
        if (strcmp(made->items[i].resource->address, address) == 0) return &made->items[i];
    fail_msg("'%s' is not in the plan", address);
    return NULL;
}

char *note_path(const char *name) {
    return sw_printf(w->arena, "%s/%s", w->dir, name);
}

char *slurp(const char *path) {
    struct sw_str s = {0};
    if (sw_file_read(path, 1 << 20, &s, NULL) != 0) return NULL;
    char *copy = sw_strdup(w->arena, sw_str_z(&s));
    sw_str_done(&s);
    return copy;
}

void spit(const char *path, const char *content) {
    assert_int_equal(sw_file_write(path, content, strlen(content), 0644, NULL), 0);
}
