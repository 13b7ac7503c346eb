/* Acting through an API: journal the intent, call, record the answer. */
#include <string.h>

#include "apply.h"

struct call {
    struct apply *app;
    struct app_item *it;
    struct sw_item item;
    const struct sw_value *provider;
    enum sw_action then; /* the second half of a replacement, or SW_NOOP */
    const struct sw_value *made;
};

static void perform(struct call *call, enum sw_action action);

static void on_line(void *ctx, const char *line) {
    struct call *call = ctx;
    struct sw_str masked = {0};
    app_mask_add(&masked, call->app, call->it, line, strlen(line));
    sw_emit(&call->app->engine->sink,
            &(struct sw_event){.type = SW_EV_OUTPUT, .plan = call->app->plan, .item = call->it->plan, .text = sw_str_z(&masked)});
    sw_str_done(&masked);
}

static void on_done(void *ctx, const struct sw_value *attributes, struct sw_err *err) {
    struct call *call = ctx;
    struct apply *app = call->app;
    struct sw_arena *arena = app->engine->arena;
    if (attributes) call->made = attributes;
    if (!err && call->then != SW_NOOP) {
        enum sw_action second = call->then;
        call->then = SW_NOOP;
        perform(call, second);
        return;
    }
    app->api_running--;
    if (err) {
        struct sw_err own = {0};
        sw_err_move(&own, err);
        /* After a lost answer nobody knows: the intent stays open and the next run looks. */
        bool certain = own.code != SW_ETIMEOUT && own.code != SW_ECANCELLED && own.code != SW_EUNREACHABLE && own.code != SW_EUNCERTAIN;
        app_fail(app, call->it, &own, certain);
    } else {
        const struct sw_value *result = call->it->desired;
        if (call->it->action == SW_UPDATE && call->it->have) result = sw_map_merge(arena, call->it->have, result);
        if (call->made) result = result ? sw_map_merge(arena, result, call->made) : call->made;
        app_done(app, call->it, result, true);
    }
    app_pump(app);
}

static void perform(struct call *call, enum sw_action action) {
    call->item.action = action;
    if (action == SW_CREATE && call->it->plan->action == SW_REPLACE) call->item.have = NULL;
    call->it->type->ops->act(call->it->type, call->provider, &call->item, call->app->engine->arena, on_line, on_done, call);
}

static int prepare(struct apply *app, struct app_item *it, struct sw_err *err) {
    bool unknown;
    if (it->stale) {
        sw_err_set(err, SW_ECONFLICT, "it changed since the plan was made");
        sw_err_hint(err, "make a new plan and look at what is different");
        return SW_ECONFLICT;
    }
    int rc = app_resolve(app, it, &unknown, err);
    if (rc == 0 && unknown) rc = sw_err_set(err, SW_EREMOTE, "something it refers to did not become known");
    if (rc == 0) rc = app_journal(app, &it, 1, err);
    return rc;
}

void app_api_start(struct apply *app, struct app_item *it) {
    struct sw_err err = {0};
    struct sw_arena *arena = app->engine->arena;
    const struct sw_resource *resource = it->plan->resource;
    app_start(app, it);
    if (prepare(app, it, &err) != 0) {
        app_fail(app, it, &err, true);
        return;
    }
    const struct sw_value *config = eng_provider(app->plan->providers, resource, it->type, NULL);
    struct call *call = sw_new(arena, struct call);
    call->app = app;
    call->it = it;
    call->provider = sw_value_resolve(arena, config, app_lookup, app);
    call->item = (struct sw_item){.resource = resource,
                                  .desired = it->desired,
                                  .prior = it->plan->prior,
                                  .have = it->have,
                                  .token = it->token,
                                  .triggered = it->plan->triggered || app_triggered(app, it)};
    /* Whoever deletes sees what is there, its id above all, and not only what a state recorded of it. */
    if (it->action == SW_DELETE && it->have) call->item.prior = it->have;
    app->api_running++;
    enum sw_action first = it->action;
    /* What a dead run began, and left partly made, is finished by what makes it. */
    if (first == SW_UPDATE && it->open) first = SW_CREATE;
    if (first == SW_REPLACE) {
        bool create_first = resource->lifecycle.create_before_destroy;
        first = create_first ? SW_CREATE : SW_DELETE;
        call->then = create_first ? SW_DELETE : SW_CREATE;
    }
    perform(call, first);
}
