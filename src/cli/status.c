#include "status.h"

#include <stdio.h>
#include <string.h>

#include "slipway/vec.h"

static bool is_node(const struct sw_plan_item *item) {
    return strcmp(item->resource->type, "kube_node") == 0;
}

static void read_node(const struct sw_plan_item *item, struct sw_status_node *node) {
    node->address = sw_get_str(item->before, "internal_ip", sw_get_str(item->before, "address", node->address));
    node->version = sw_get_str(item->before, "version", "");
    const struct sw_value *ready = sw_get(item->before, "ready");
    node->ready = sw_is(ready, SW_BOOL) ? ready->b ? "yes" : "no" : "unknown";
}

static struct sw_status_node *find(struct sw_status *status, const char *name) {
    for (size_t i = 0; i < status->nodes.n; i++)
        if (strcmp(status->nodes.v[i].name, name) == 0) return &status->nodes.v[i];
    return NULL;
}

static struct sw_status_node *find_or_add(struct sw_status *status, const char *name) {
    struct sw_status_node *node = find(status, name);
    if (node) return node;
    struct sw_status_node fresh = {.name = name, .role = "", .address = "", .version = "", .ready = ""};
    sw_vec_push(&status->nodes, fresh);
    return &status->nodes.v[status->nodes.n - 1];
}

static const char *why(const struct sw_value *have, const char *fallback) {
    return sw_get_str(have, "message", sw_get_str(have, "reason", fallback));
}

static void judge_node(struct sw_status *status, const struct sw_plan_item *item, struct sw_arena *arena) {
    const char *name = item->before ? sw_get_str(item->before, "name", item->resource->name) : item->resource->name;
    struct sw_status_node *node = find_or_add(status, name);
    if (!item->before) {
        node->ready = "no";
        sw_vec_push(&status->problems, sw_printf(arena, "%s: not in the cluster", name));
        return;
    }
    read_node(item, node);
    if (strcmp(node->ready, "yes") != 0) sw_vec_push(&status->problems, sw_printf(arena, "%s: %s", name, why(item->before, "not ready")));
}

/* What is missing is a problem, and so is what says of itself that it is not ready. What merely differs is only pending. */
static void judge_item(struct sw_status *status, const struct sw_plan_item *item, struct sw_arena *arena) {
    const struct sw_value *have = item->before;
    if (item->resource->ephemeral) return;
    if (!have && item->action == SW_CREATE && item->resource->host) return; /* judge_hosts() */
    if (!have && item->action == SW_CREATE) {
        sw_vec_push(&status->problems, sw_printf(arena, "%s: not there", item->resource->address));
        return;
    }
    if (item->action != SW_NOOP) status->pending++;
    static const char *const signs[] = {"ready", "healthy"};
    for (size_t i = 0; i < 2; i++) {
        const struct sw_value *sign = sw_get(have, signs[i]);
        if (!sw_is(sign, SW_BOOL) || sign->b) continue;
        sw_vec_push(&status->problems, sw_printf(arena, "%s: %s", item->resource->address, why(have, i ? "not healthy" : "not ready")));
        return;
    }
}

/* "argo-cd:Deployment:argocd/argocd-server" belongs to argo-cd. */
static void count_addon(struct sw_status *status, const struct sw_plan_item *item, struct sw_arena *arena) {
    const char *name = item->resource->name, *colon = strchr(name, ':');
    if (strcmp(item->resource->type, "kube_object") != 0 || !colon || item->action == SW_DELETE || item->action == SW_FORGET) return;
    struct sw_status_addon *addon = NULL;
    size_t len = (size_t)(colon - name);
    for (size_t i = 0; i < status->addons.n && !addon; i++) {
        const char *known = status->addons.v[i].name;
        if (strlen(known) == len && strncmp(known, name, len) == 0) addon = &status->addons.v[i];
    }
    if (!addon) {
        struct sw_status_addon fresh = {.name = sw_strndup(arena, name, len)};
        sw_vec_push(&status->addons, fresh);
        addon = &status->addons.v[status->addons.n - 1];
    }
    addon->objects++;
    if (item->before) addon->there++;
    if (item->before && !sw_get_bool(item->before, "ready", true)) addon->unready++;
}

static void judge_apps(struct sw_status *status, const struct sw_plan_item *item, struct sw_arena *arena) {
    const struct sw_value *list = sw_get(item->after ? item->after : item->before, "applications");
    for (size_t i = 0; sw_is(list, SW_LIST) && i < list->list.n; i++) {
        const struct sw_value *row = list->list.v[i];
        struct sw_status_app app = {.name = sw_get_str(row, "name", "?"),
                                    .parent = sw_get_str(row, "parent", ""),
                                    .sync = sw_get_str(row, "sync", ""),
                                    .health = sw_get_str(row, "health", ""),
                                    .good = sw_get_bool(row, "good", false)};
        const char *message = sw_get_str(row, "message", "");
        sw_vec_push(&status->apps, app);
        if (!app.good)
            sw_vec_push(&status->problems,
                        sw_printf(arena, "application %s: %s, %s%s%s", app.name, app.sync, app.health, *message ? ": " : "", message));
    }
}

/* What a node lacks is one problem, with the first name as a hint: a node yet to be made lacks everything. */
static void judge_hosts(struct sw_status *status, const struct sw_plan *plan, struct sw_arena *arena) {
    for (size_t h = 0; h < plan->n_hosts; h++) {
        const char *host = plan->hosts[h]->name, *first = NULL;
        size_t missing = 0;
        for (size_t i = 0; i < plan->n_items; i++) {
            const struct sw_plan_item *item = &plan->items[i];
            bool lacks = item->resource->host && strcmp(item->resource->host, host) == 0 && !item->before && item->action == SW_CREATE &&
                         !item->resource->ephemeral && !is_node(item);
            if (!lacks) continue;
            if (!missing++) first = item->resource->address;
        }
        if (missing == 1) sw_vec_push(&status->problems, sw_printf(arena, "%s: not there", first));
        if (missing > 1)
            sw_vec_push(&status->problems, sw_printf(arena, "%s: %zu resources are not there, %s first", host, missing, first));
    }
}

void sw_status_judge(const struct sw_plan *plan, const struct sw_value *nodes, struct sw_arena *arena, struct sw_status *ret) {
    *ret = (struct sw_status){0};
    for (size_t i = 0; sw_is(nodes, SW_LIST) && i < nodes->list.n; i++) {
        struct sw_status_node *node = find_or_add(ret, sw_get_str(nodes->list.v[i], "name", "?"));
        node->role = sw_get_str(nodes->list.v[i], "role", "");
        node->address = sw_get_str(nodes->list.v[i], "address", "");
    }
    for (size_t i = 0; i < plan->n_items; i++) {
        const struct sw_plan_item *item = &plan->items[i];
        count_addon(ret, item, arena);
        if (strcmp(item->resource->type, "data.kube_applications") == 0)
            judge_apps(ret, item, arena);
        else if (is_node(item))
            judge_node(ret, item, arena);
        else
            judge_item(ret, item, arena);
    }
    judge_hosts(ret, plan, arena);
    ret->healthy = ret->problems.n == 0;
}

static void pad(struct sw_str *out, const char *text, size_t width) {
    size_t used = sw_columns(text, strlen(text));
    sw_str_add_printable(out, text, strlen(text));
    while (used++ < width) sw_str_addc(out, ' ');
}

static void add_sign(struct sw_str *out, const char *text, bool good, const struct sw_style *style) {
    if (style->color) sw_str_addz(out, good ? "\033[32m" : "\033[31m");
    sw_str_add_printable(out, text, strlen(text));
    sw_str_addz(out, style->color ? "\033[0m\n" : "\n");
}

static void print_addons(struct sw_str *out, const struct sw_status *status, const struct sw_style *style) {
    size_t width = strlen("ADD-ON");
    for (size_t i = 0; i < status->addons.n; i++)
        if (strlen(status->addons.v[i].name) > width) width = strlen(status->addons.v[i].name);
    sw_str_addz(out, style->color ? "\033[2m" : "");
    pad(out, "ADD-ON", width + 2);
    sw_str_addf(out, "OBJECTS  READY%s\n", style->color ? "\033[0m" : "");
    for (size_t i = 0; i < status->addons.n; i++) {
        const struct sw_status_addon *a = &status->addons.v[i];
        char count[48];
        if (a->there == a->objects)
            snprintf(count, sizeof count, "%zu", a->objects);
        else
            snprintf(count, sizeof count, "%zu of %zu", a->there, a->objects);
        pad(out, a->name, width + 2);
        pad(out, count, 9);
        bool good = a->there == a->objects && !a->unready;
        add_sign(out, good ? "yes" : "no", good, style);
    }
    sw_str_addc(out, '\n');
}

static bool has_app(const struct sw_status *status, const char *name) {
    for (size_t i = 0; i < status->apps.n; i++)
        if (strcmp(status->apps.v[i].name, name) == 0) return true;
    return false;
}

/* Those that `parent` made (NULL: those whose maker is not among them), each with what it made itself. Depth ends circles. */
static void print_apps(struct sw_str *out, const struct sw_status *status, const char *parent, unsigned depth, size_t width,
                       const struct sw_style *style) {
    for (size_t i = 0; depth < 16 && i < status->apps.n; i++) {
        const struct sw_status_app *app = &status->apps.v[i];
        if (parent ? strcmp(app->parent, parent) != 0 : has_app(status, app->parent)) continue;
        for (unsigned d = 0; d < depth; d++) sw_str_addz(out, "  ");
        pad(out, app->name, width > 2 * (size_t)depth ? width - 2 * (size_t)depth : 0);
        pad(out, app->sync, 11);
        add_sign(out, app->health, app->good, style);
        print_apps(out, status, app->name, depth + 1, width, style);
    }
}

static void print_applications(struct sw_str *out, const struct sw_status *status, const struct sw_style *style) {
    size_t width = strlen("APPLICATION");
    for (size_t i = 0; i < status->apps.n; i++)
        if (strlen(status->apps.v[i].name) + 4 > width) width = strlen(status->apps.v[i].name) + 4;
    sw_str_addz(out, style->color ? "\033[2m" : "");
    pad(out, "APPLICATION", width + 2);
    sw_str_addf(out, "SYNC       HEALTH%s\n", style->color ? "\033[0m" : "");
    print_apps(out, status, NULL, 0, width + 2, style);
    sw_str_addc(out, '\n');
}

void sw_status_print(struct sw_str *out, const struct sw_status *status, const struct sw_style *style) {
    static const char *const heads[] = {"NODE", "ROLE", "ADDRESS", "VERSION", "READY"};
    size_t width[5], max_problems = 20;
    for (size_t c = 0; c < 5; c++) width[c] = strlen(heads[c]);
    for (size_t i = 0; i < status->nodes.n; i++) {
        const struct sw_status_node *n = &status->nodes.v[i];
        const char *cells[] = {n->name, n->role, n->address, n->version, n->ready};
        for (size_t c = 0; c < 5; c++)
            if (sw_columns(cells[c], strlen(cells[c])) > width[c]) width[c] = sw_columns(cells[c], strlen(cells[c]));
    }
    if (status->nodes.n) {
        if (style->color) sw_str_addz(out, "\033[2m");
        for (size_t c = 0; c < 4; c++) pad(out, heads[c], width[c] + 2);
        sw_str_addz(out, heads[4]);
        sw_str_addz(out, style->color ? "\033[0m\n" : "\n");
    }
    for (size_t i = 0; i < status->nodes.n; i++) {
        const struct sw_status_node *n = &status->nodes.v[i];
        const char *cells[] = {n->name, *n->role ? n->role : "-", *n->address ? n->address : "-", *n->version ? n->version : "-"};
        for (size_t c = 0; c < 4; c++) pad(out, cells[c], width[c] + 2);
        /* Not known: no kube_node resource speaks for it. That is not the same as not ready. */
        bool known = *n->ready != 0, good = strcmp(n->ready, "yes") == 0;
        if (style->color) sw_str_addz(out, !known ? "\033[2m" : good ? "\033[32m" : "\033[31m");
        sw_str_addz(out, known ? n->ready : "-");
        sw_str_addz(out, style->color ? "\033[0m\n" : "\n");
    }
    if (status->nodes.n) sw_str_addc(out, '\n');
    if (status->addons.n) print_addons(out, status, style);
    if (status->apps.n) print_applications(out, status, style);
    sw_str_addz(out, status->healthy ? "Healthy." : "Not healthy:");
    if (status->healthy && status->pending)
        sw_str_addf(out, " %zu change%s pending: slipway plan", status->pending, status->pending == 1 ? " is" : "s are");
    sw_str_addc(out, '\n');
    for (size_t i = 0; i < status->problems.n && i < max_problems; i++) {
        sw_str_addz(out, "  ");
        sw_str_add_printable(out, status->problems.v[i], strlen(status->problems.v[i]));
        sw_str_addc(out, '\n');
    }
    if (status->problems.n > max_problems) sw_str_addf(out, "  and %zu more\n", status->problems.n - max_problems);
}

void sw_status_json(struct sw_str *out, const struct sw_status *status, struct sw_arena *arena) {
    const struct sw_value **nodes = sw_new_n(arena, const struct sw_value *, status->nodes.n + 1);
    const struct sw_value **problems = sw_new_n(arena, const struct sw_value *, status->problems.n + 1);
    for (size_t i = 0; i < status->nodes.n; i++) {
        const struct sw_status_node *n = &status->nodes.v[i];
        struct sw_pair pairs[] = {{"name", sw_value_str(arena, n->name)},
                                  {"role", sw_value_str(arena, n->role)},
                                  {"address", sw_value_str(arena, n->address)},
                                  {"version", sw_value_str(arena, n->version)},
                                  {"ready", sw_value_str(arena, n->ready)}};
        nodes[i] = sw_value_map(arena, pairs, 5);
    }
    const struct sw_value **addons = sw_new_n(arena, const struct sw_value *, status->addons.n + 1);
    const struct sw_value **apps = sw_new_n(arena, const struct sw_value *, status->apps.n + 1);
    for (size_t i = 0; i < status->addons.n; i++) {
        const struct sw_status_addon *a = &status->addons.v[i];
        struct sw_pair pairs[] = {{"name", sw_value_str(arena, a->name)},
                                  {"objects", sw_value_int(arena, (int64_t)a->objects)},
                                  {"there", sw_value_int(arena, (int64_t)a->there)},
                                  {"ready", sw_value_bool(a->there == a->objects && !a->unready)}};
        addons[i] = sw_value_map(arena, pairs, 4);
    }
    for (size_t i = 0; i < status->apps.n; i++) {
        const struct sw_status_app *app = &status->apps.v[i];
        struct sw_pair pairs[] = {{"name", sw_value_str(arena, app->name)},
                                  {"parent", sw_value_str(arena, app->parent)},
                                  {"sync", sw_value_str(arena, app->sync)},
                                  {"health", sw_value_str(arena, app->health)},
                                  {"healthy", sw_value_bool(app->good)}};
        apps[i] = sw_value_map(arena, pairs, 5);
    }
    for (size_t i = 0; i < status->problems.n; i++) problems[i] = sw_value_str(arena, status->problems.v[i]);
    struct sw_pair pairs[] = {{"type", sw_value_str(arena, "status")},
                              {"healthy", sw_value_bool(status->healthy)},
                              {"nodes", sw_value_list(arena, nodes, status->nodes.n)},
                              {"addons", sw_value_list(arena, addons, status->addons.n)},
                              {"applications", sw_value_list(arena, apps, status->apps.n)},
                              {"problems", sw_value_list(arena, problems, status->problems.n)},
                              {"pending", sw_value_int(arena, (int64_t)status->pending)}};
    sw_json_write(out, sw_value_map(arena, pairs, sizeof pairs / sizeof *pairs), 0);
    sw_str_addc(out, '\n');
}

void sw_status_done(struct sw_status *status) {
    sw_vec_done(&status->addons);
    sw_vec_done(&status->apps);
    sw_vec_done(&status->nodes);
    sw_vec_done(&status->problems);
}

int sw_status_look(struct sw_context *context, struct sw_status *ret, struct sw_err *err) {
    struct sw_plan *plan = NULL;
    struct sw_plan_options options = {0};
    int rc = sw_run_plan(context, &options, &plan, err);
    if (!rc) sw_status_judge(plan, sw_get(context->inventory->value, "nodes"), context->cli->arena, ret);
    return rc;
}

int sw_status_show(struct sw_context *context, const struct sw_status *status) {
    struct sw_cli *cli = context->cli;
    struct sw_str text = {0};
    if (cli->options.json)
        sw_status_json(&text, status, cli->arena);
    else
        sw_status_print(&text, status, &cli->out);
    sw_cli_print(cli, &text);
    sw_str_done(&text);
    return status->healthy ? SW_EXIT_OK : SW_EXIT_ERROR;
}

int sw_status_run(struct sw_context *context) {
    struct sw_status status;
    struct sw_err err = {0};
    if (sw_status_look(context, &status, &err)) return sw_cli_fail(context->cli, &err);
    int code = sw_status_show(context, &status);
    sw_status_done(&status);
    return code;
}

int sw_cmd_status(struct sw_cli *cli) {
    struct sw_context context;
    struct sw_err err = {0};
    int code;
    if (sw_context_open(&context, cli, SW_NEED_CONFIG | SW_NEED_STATE, &err))
        code = sw_cli_fail(cli, &err);
    else if (cli->options.wait)
        code = sw_status_wait(&context, cli->options.wait);
    else
        code = sw_status_run(&context);
    sw_context_close(&context);
    return code;
}
