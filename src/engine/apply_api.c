/* Acting through an API: journal the intents of all that start together, call, record each answer. */
#include <stdlib.h>
#include <string.h>

#include "apply.h"

struct call {
    struct apply *app;
    struct app_item *it;
    struct sw_item item;
    const struct sw_value *provider;
};

static void on_line(void *ctx, const char *line) {
    struct call *call = ctx;
    struct sw_str masked = {0};
    app_mask_add(&masked, call->app, call->it, line, strlen(line));
    sw_emit(&call->app->engine->sink,
            &(struct sw_event){.type = SW_EV_OUTPUT, .plan = call->app->plan, .item = call->it->plan, .text = sw_str_z(&masked)});
    sw_str_done(&masked);
}

/* An API may quote in its complaint what it was given. */
static void mask(const struct call *call, char **text) {
    struct sw_str masked = {0};
    if (!*text) return;
    app_mask_add(&masked, call->app, call->it, *text, strlen(*text));
    free(*text);
    *text = sw_str_take(&masked);
}

/* After a lost answer nobody knows what became of it: the intent stays open and the next run looks. */
static bool is_certain(int code) {
    return code != SW_ETIMEOUT && code != SW_ECANCELLED && code != SW_EUNREACHABLE && code != SW_EUNCERTAIN;
}

static void on_done(void *ctx, const struct sw_value *attributes, struct sw_err *err) {
    struct call *call = ctx;
    struct apply *app = call->app;
    struct app_item *it = call->it;
    app->api_running--;
    if (err) {
        struct sw_err own = {0};
        sw_err_move(&own, err);
        mask(call, &own.message);
        mask(call, &own.hint);
        mask(call, &own.detail);
        app_fail(app, it, &own, is_certain(own.code));
    } else if (it->action == SW_DELETE) {
        app_done(app, it, NULL, true);
    } else {
        const struct sw_value *result = it->desired;
        if (it->action == SW_UPDATE && it->have) result = sw_map_merge(app->engine->arena, it->have, result);
        if (attributes) result = result ? sw_map_merge(app->engine->arena, result, attributes) : attributes;
        app_done(app, it, result, true);
    }
    app_pump(app);
}

static int prepare(struct apply *app, struct app_item *it, struct sw_err *err) {
    bool unknown;
    int rc = app_resolve(app, it, &unknown, err);
    if (rc == 0 && unknown) rc = sw_err_set(err, SW_EREMOTE, "something it refers to did not become known");
    return rc;
}

static void call(struct apply *app, struct app_item *it) {
    struct sw_arena *arena = app->engine->arena;
    const struct sw_resource *resource = it->plan->resource;
    const struct sw_value *config = eng_provider(app->plan->providers, resource, it->type, NULL);
    struct call *call = sw_new(arena, struct call);
    *call = (struct call){.app = app, .it = it, .provider = sw_value_resolve(arena, config, app_lookup, app)};
    call->item = (struct sw_item){.resource = resource,
                                  .desired = it->desired,
                                  .prior = it->plan->prior,
                                  .have = it->have,
                                  .token = it->token,
                                  .action = it->action,
                                  .triggered = it->plan->triggered || app_triggered(app, it)};
    /* Whoever deletes sees what is there, its id above all, and not only what a state recorded of it. */
    if (it->action == SW_DELETE && it->have) call->item.prior = it->have;
    if (it->action == SW_DELETE) call->item.desired = NULL;
    /* What a dead run began, and left partly made, is finished by what makes it. */
    if (it->action == SW_UPDATE && it->open) call->item.action = SW_CREATE;
    /* What is created has nothing to do with what was recorded under its name. */
    if (call->item.action == SW_CREATE) call->item.prior = NULL;
    it->type->ops->act(it->type, call->provider, &call->item, arena, on_line, on_done, call);
}

void app_api_start(struct apply *app) {
    struct sw_err err = {0};
    size_t room = app->engine->parallelism - app->api_running, n = 0;
    if (room > app->calls.n) room = app->calls.n;
    struct app_item **batch = sw_new_n(app->engine->arena, struct app_item *, room + 1), *it;
    while (n < room && (it = app_next_call(app))) {
        app_start(app, it);
        if (prepare(app, it, &err) != 0)
            app_fail(app, it, &err, true);
        else
            batch[n++] = it;
    }
    int rc = n ? app_journal(app, batch, n, &err) : 0;
    app->api_running += n;
    for (size_t i = 0; i < n; i++) {
        if (rc == 0) {
            call(app, batch[i]);
            continue;
        }
        struct sw_err copy = {0};
        app->api_running--;
        sw_err_copy(&copy, &err);
        app_fail(app, batch[i], &copy, true);
    }
    sw_err_done(&err);
}
