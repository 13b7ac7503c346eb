/* What a run leaves behind in the state besides resources: its own record, how hosts were reached, outputs. */
#include <string.h>

#include "apply.h"

int app_run_begin(struct apply *app, struct sw_err *err) {
    const struct sw_plan *plan = app->plan;
    struct sw_state *state = app->engine->state;
    int rc = sw_run_begin(state, plan->destroy ? "destroy" : plan->refresh_only ? "refresh" : "apply", &app->run, err);
    if (rc) return rc;
    if (app->engine->note) rc = sw_run_note(state, app->run, app->engine->note, err);
    if (!rc && !plan->destroy && !plan->refresh_only && !plan->partial) rc = sw_run_keep(state, app->run, plan, err);
    if (rc) sw_run_end(state, app->run, "failed", 0, 0, 0, NULL);
    return rc;
}

void app_run_end(struct apply *app, bool failed) {
    const char *outcome = failed ? "failed" : app->result.cancelled ? "cancelled" : "ok";
    const struct sw_apply_result *result = &app->result;
    struct sw_err closing = {0};
    int rc = sw_run_end(app->engine->state, app->run, outcome, (int64_t)result->done, (int64_t)result->failed, (int64_t)result->skipped,
                        &closing);
    if (rc && !app->first.code) sw_err_move(&app->first, &closing);
    sw_err_done(&closing);
}

uint64_t app_critical(const struct apply *app) {
    uint64_t longest = 0;
    uint64_t *end = sw_new_n(app->engine->arena, uint64_t, app->nodes.n + 1);
    for (size_t k = 0; k < app->nodes.n; k++) {
        const uint32_t *needs;
        size_t node = app->nodes.order[k], n = sw_graph_needs(app->nodes.graph, node, &needs);
        for (size_t i = 0; i < n; i++)
            if (end[needs[i]] > end[node]) end[node] = end[needs[i]];
        end[node] += app->items[node].took_ms;
        if (end[node] > longest) longest = end[node];
    }
    return longest;
}

struct machine {
    const struct apply *app;
    const char *address;
};

static void is_machine(const char *address, const char *path, void *ctx) {
    struct machine *m = ctx;
    (void)path;
    const struct app_item *it = app_find(m->app, address);
    if (it && it->type->owns_host) m->address = address;
}

int app_save_hosts(struct apply *app, struct sw_err *err) {
    for (size_t i = 0; i < app->n_hosts; i++) {
        const struct app_host *host = &app->hosts[i];
        const struct sw_value *connection = host->eng->connection;
        if (!connection || sw_value_has_unknown(connection)) continue;
        struct machine m = {app, NULL};
        sw_value_each_ref(host->declared->connection, is_machine, &m);
        if (m.address) connection = sw_map_with(app->engine->arena, connection, ENG_MACHINE, sw_value_str(app->engine->arena, m.address));
        int rc = sw_state_put_host(app->engine->state, host->declared->name, connection, err);
        if (rc != 0) return rc;
    }
    return 0;
}

int app_save_outputs(struct apply *app, struct sw_err *err) {
    struct sw_pair *pairs = sw_new_n(app->engine->arena, struct sw_pair, app->plan->n_outputs + 1);
    size_t n = 0;
    for (size_t i = 0; i < app->plan->n_outputs; i++) {
        const struct sw_value *v = sw_value_resolve(app->engine->arena, app->plan->outputs[i].value, app_lookup, app);
        if (!sw_value_has_unknown(v)) pairs[n++] = (struct sw_pair){app->plan->outputs[i].name, v};
    }
    return sw_state_put_outputs(app->engine->state, sw_value_map(app->engine->arena, pairs, n), err);
}
