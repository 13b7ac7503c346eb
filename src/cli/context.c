#include "context.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy.h"
#include "slipway/file.h"
#include "slipway/vault.h"
#include "slipway/vec.h"

#define LEASE_MS   20000 /* a third of the state's lease */
#define MAX_ROUNDS 200   /* one a file or chart, unless a playbook goes on after an error */

/* ---- events: to the view, and what the summary will need is kept ---- */

static void on_event(void *ctx, const struct sw_event *event) {
    struct sw_context *context = ctx;
    if (event->type == SW_EV_FAILED && event->item) {
        struct sw_failure failure = {.address = sw_xstrdup(event->item->resource->address)};
        if (event->error) sw_err_copy(&failure.err, event->error);
        sw_vec_push(&context->failures, failure);
    }
    if (event->type == SW_EV_HOST_CONNECTED && event->host) sw_vec_push(&context->reached, sw_strdup(context->cli->arena, event->host));
    if (context->progress) {
        struct sw_sink sink = sw_progress_sink(context->progress);
        sw_emit(&sink, event);
    }
}

static void notice(struct sw_context *context, const char *text) {
    on_event(context, &(struct sw_event){.type = SW_EV_NOTICE, .text = text});
}

static void on_interrupt(unsigned count, void *ctx) {
    struct sw_context *context = ctx;
    context->interrupts = count;
    if (count > 2) {
        /* Asked three times: leave at once. The journal knows what was under way. No exit(): its handlers would race with the hosts'
         * threads. */
        sw_context_progress_end(context);
        _exit(SW_EXIT_ERROR);
    }
    notice(context, count == 1 ? "finishing what runs; press Ctrl-C again to stop now" : "stopping now");
    sw_engine_interrupt(&context->engine, count);
}

static void on_tick(void *ctx) {
    struct sw_context *context = ctx;
    if (context->progress) sw_progress_tick(context->progress);
}

void sw_context_touch(void *ctx) {
    struct sw_context *context = ctx;
    if (!context->locked || context->lost.code) return;
    if (!sw_state_touch(context->state, &context->lost)) return;
    /* Somebody took the lock over: every further write would be fought over. Stop, and say why at the end. */
    notice(context, "the lock was lost, stopping");
    sw_engine_interrupt(&context->engine, 2);
}

void sw_context_progress(struct sw_context *context, int fd) {
    struct sw_cli *cli = context->cli;
    const char *kind = cli->options.json ? "json" : cli->options.quiet ? "quiet" : "lines";
    const char *term = getenv("TERM");
    if (strcmp(kind, "lines") == 0 && isatty(fd) && term && strcmp(term, "dumb") != 0) kind = "tree";
    if (cli->options.json) fd = STDOUT_FILENO;
    context->progress = sw_progress_new(kind, fd, fd == STDOUT_FILENO ? &cli->out : &cli->errout);
    unsigned every = strcmp(kind, "tree") == 0 ? 100 : 1000;
    context->tick = sw_timer_new(context->loop, every, every, on_tick, context);
}

void sw_context_progress_end(struct sw_context *context) {
    sw_timer_free(context->tick);
    sw_progress_free(context->progress);
    context->tick = NULL;
    context->progress = NULL;
}

/* ---- opening ---- */

static const char *find_state_dir(struct sw_context *context) {
    const char *dir = context->cli->options.state_dir;
    if (!dir) dir = getenv("SLIPWAY_STATE_DIR");
    if (dir && *dir) return dir;
    return sw_printf(context->cli->arena, "%s/.slipway", context->inventory ? context->inventory->dir : ".");
}

static int read_vault(void *ctx, struct sw_arena *arena, const char *text, const struct sw_value **ret, struct sw_err *err) {
    (void)ctx;
    return sw_vault_read(text, arena, ret, err);
}

static int open_inventory(struct sw_context *context, struct sw_err *err) {
    const char *path = NULL;
    int rc = sw_cli_find_inventory(context->cli, &path, err);
    if (rc) return rc;
    context->tags = (struct sw_tags){.vault = read_vault, .untrusted = context->cli->options.untrusted};
    return sw_inventory_load(context->cli->arena, path, sw_tags_read, &context->tags, &context->inventory, err);
}

static int check_directory(const char *option, const char *path, struct sw_err *err) {
    struct stat st;
    if (!path || (stat(path, &st) == 0 && S_ISDIR(st.st_mode))) return 0;
    return sw_err_set(err, SW_EINVAL, "%s: there is no directory '%s'", option, path);
}

static int open_downloads(struct sw_context *context, struct sw_err *err) {
    if (!context->inventory) return SW_OK;
    struct sw_arena *arena = context->cli->arena;
    const struct sw_value *given = sw_get(context->inventory->value, "downloads");
    const char *bundle = sw_get_str(given, "bundle", NULL), *dir = context->inventory->dir;
    char *home = bundle ? sw_expand_home(bundle) : NULL;
    struct sw_download_options options = {.lock_file = sw_printf(arena, "%s/slipway.lock", dir),
                                          .cache_dir = sw_printf(arena, "%s/downloads", find_state_dir(context)),
                                          .bundle = home && *home != '/' ? sw_printf(arena, "%s/%s", dir, home) : home,
                                          .mirror = sw_get_str(given, "mirror", NULL),
                                          .offline = context->cli->options.untrusted};
    int rc = options.bundle ? sw_policy_check_inside(context, "downloads.bundle", options.bundle, err) : SW_OK;
    if (rc == SW_OK) rc = sw_downloads_new(&options, &context->downloads, err);
    free(home);
    return rc;
}

static void open_helm(struct sw_context *context) {
    if (!context->inventory) return;
    bool untrusted = context->cli->options.untrusted;
    struct sw_helm_options options = {.cache_dir = sw_printf(context->cli->arena, "%s/charts", find_state_dir(context)),
                                      .inside = untrusted ? context->inventory->dir : NULL,
                                      .offline = untrusted};
    context->helm = sw_helm_new(&options);
}

static void tell_fetched(void *ctx, const char *url) {
    sw_cli_note(ctx, "fetching %s", url);
}

static void tell_rendered(void *ctx, const char *chart) {
    sw_cli_note(ctx, "rendering the chart %s", chart);
}

/* A playbook that names a file or a chart which is not at hand ends early; it is fetched or rendered, and the playbook begins anew. */
static int declare(struct sw_context *context, struct sw_err *err) {
    for (unsigned i = 0;; i++) {
        struct sw_err own = {0};
        int rc = sw_script_declare(context->script, context->inventory, &context->config, &own);
        bool fetches = context->downloads && sw_downloads_wanted(context->downloads),
             renders = context->helm && sw_helm_wanted(context->helm);
        if (rc == SW_OK || (!fetches && !renders)) {
            sw_err_move(err, &own);
            sw_err_done(&own);
            return rc;
        }
        sw_err_done(&own);
        if (i == MAX_ROUNDS) return sw_err_set(err, SW_ELIMIT, "the playbook wants more than %d files and charts", MAX_ROUNDS);
        if (renders) sw_helm_run(context->helm, context->loop, tell_rendered, context->cli);
        rc = fetches ? sw_downloads_fetch(context->downloads, context->loop, tell_fetched, context->cli, err) : SW_OK;
        if (rc) return rc;
    }
}

static int open_script(struct sw_context *context, struct sw_err *err) {
    const struct sw_options *options = &context->cli->options;
    int rc = check_directory("--lua-dir", options->lua_dir, err);
    if (!rc) rc = check_directory("--playbook-dir", options->playbook_dir, err);
    if (rc) return rc;
    if ((rc = open_downloads(context, err))) return rc;
    open_helm(context);
    struct sw_script_options script = {.lua_dir = options->lua_dir,
                                       .playbook_dir = options->playbook_dir,
                                       .downloads = context->downloads,
                                       .helm = context->helm,
                                       .only_plans = strcmp(context->cli->command->name, "plan") == 0,
                                       .untrusted = options->untrusted};
    return sw_script_new(context->loop, context->cli->arena, &script, &context->script, err);
}

static int open_state(struct sw_context *context, unsigned needs, struct sw_err *err) {
    bool writes = (needs & SW_NEED_STATE_RW) == SW_NEED_STATE_RW;
    const char *takeover = NULL;
    context->state_dir = find_state_dir(context);
    int rc = sw_state_open(context->state_dir, !writes, &context->state, err);
    if (rc || (needs & SW_NEED_LOCK) != SW_NEED_LOCK) return rc;
    if ((rc = sw_state_lock(context->state, context->cli->command->name, context->cli->arena, &takeover, err))) return rc;
    context->locked = true;
    context->lease = sw_timer_new(context->loop, LEASE_MS, LEASE_MS, sw_context_touch, context);
    if (takeover) sw_cli_note(context->cli, "%s", takeover);
    return SW_OK;
}

int sw_context_open(struct sw_context *context, struct sw_cli *cli, unsigned needs, struct sw_err *err) {
    *context = (struct sw_context){.cli = cli};
    int rc;
    context->loop = sw_loop_new();
    if ((needs & SW_NEED_INVENTORY) && (rc = open_inventory(context, err))) return rc;
    if ((needs & SW_NEED_SCRIPT) && (rc = open_script(context, err))) return rc;
    if ((needs & SW_NEED_CONFIG) == SW_NEED_CONFIG && (rc = declare(context, err))) return rc;
    if ((needs & SW_NEED_STATE) && (rc = open_state(context, needs, err))) return rc;
    context->engine = (struct sw_engine){
        .loop = context->loop,
        .arena = cli->arena,
        .types = context->script ? sw_script_types(context->script) : NULL,
        .state = context->state,
        .sink = {.emit = on_event, .ctx = context},
        .parallelism = cli->options.parallelism,
        .untrusted = cli->options.untrusted,
    };
    sw_loop_on_interrupt(context->loop, on_interrupt, context);
    return SW_OK;
}

void sw_context_close(struct sw_context *context) {
    sw_context_progress_end(context);
    sw_timer_free(context->lease);
    sw_engine_done(&context->engine);
    if (context->locked) sw_state_unlock(context->state);
    if (context->script) sw_script_free(context->script);
    sw_downloads_free(context->downloads);
    sw_helm_free(context->helm);
    if (context->state) sw_state_close(context->state);
    if (context->loop) sw_loop_free(context->loop);
    for (size_t i = 0; i < context->failures.n; i++) {
        free(context->failures.v[i].address);
        sw_err_done(&context->failures.v[i].err);
    }
    sw_vec_done(&context->failures);
    sw_vec_done(&context->reached);
    sw_err_done(&context->lost);
}

const char *sw_context_environment(const struct sw_context *context) {
    return context->inventory ? sw_get_str(context->inventory->value, "environment", "") : "";
}
