/* One script of steps on one host: journal, carry files, run, record each step as it ends. */
#include <stdlib.h>
#include <string.h>

#include "apply_host.h"
#include "slipway/clock.h"

#define STEP_TIMEOUT_MS 900000u
#define RETURN_POLL_MS  2000u

static void run_script(struct app_host *host);
static void next_upload(struct app_host *host);

static bool reboots(const struct app_host *host, const struct app_item *it) {
    const struct app_step *last = &host->steps[host->n_steps - 1];
    return last->item == it && last->step.reconnect;
}

static void stop_timer(struct app_host *host) {
    sw_timer_free(host->timer);
    host->timer = NULL;
}

static void too_long(void *ctx) {
    struct app_host *host = ctx;
    stop_timer(host);
    host->timed_out = true;
    sw_remote_cancel(host->eng->remote);
}

static void start_timer(struct app_host *host, unsigned timeout_ms) {
    stop_timer(host);
    host->timer = sw_timer_new(host->app->engine->loop, timeout_ms ? timeout_ms : STEP_TIMEOUT_MS, 0, too_long, host);
}

/* Ends the segment: the first step without an end takes the error, the rest never began. */
static void end_segment(struct app_host *host, struct sw_err *err) {
    struct apply *app = host->app;
    bool given = false;
    for (size_t k = 0; k < host->n_steps; k++) {
        struct app_item *it = host->steps[k].item;
        if (it->stage == APP_DONE || it->stage == APP_FAILED) continue;
        bool begun = it->stage == APP_RUNS;
        if (err->code && !given && (begun || it->stage == APP_WAITS)) {
            struct sw_err copy = {0};
            sw_err_copy(&copy, err);
            given = true;
            app_fail(app, it, &copy, !begun);
            continue;
        }
        app_unstarted(app, it);
    }
    sw_err_done(err);
    sw_batch_free(host->batch);
    host->batch = NULL;
    host->current = NULL;
    host->n_steps = 0;
    host->stage = HOST_IDLE;
    app_pump(app);
}

/* ---- a reboot ---- */

static void poll_return(void *ctx);

/* Something it says of itself (its boot id) is not what it was before the step. */
static bool has_changed(const struct sw_value *now, const struct sw_value *before) {
    for (size_t i = 0; i < now->map.n; i++)
        if (!sw_value_equal(now->map.v[i].value, sw_get(before, now->map.v[i].key))) return true;
    return false;
}

static void returned(void *ctx, struct eng_read *read, struct sw_err *err) {
    struct app_host *host = ctx;
    struct app_item *it = host->steps[host->n_steps - 1].item;
    struct sw_attr_diff *diffs;
    struct sw_err failure = {0};
    bool back = !err && sw_is(read->have[0], SW_MAP) && has_changed(read->have[0], it->have) &&
                sw_schema_diff(it->type->schema, read->have[0], it->desired, NULL, host->app->engine->arena, &diffs) == 0;
    if (back) {
        app_done(host->app, it, sw_map_merge(host->app->engine->arena, read->have[0], it->desired), true);
    } else if (sw_now_ms() < host->return_deadline_ms) {
        host->timer = sw_timer_new(host->app->engine->loop, RETURN_POLL_MS, 0, poll_return, host);
        return;
    } else {
        sw_err_set(&failure, SW_ETIMEOUT, "'%s' did not come back", host->declared->name);
        if (err && err->message) sw_err_detail(&failure, err->message, strlen(err->message));
        sw_err_hint(&failure, "look at its console, then run the same command again");
    }
    end_segment(host, &failure);
}

static void poll_return(void *ctx) {
    struct app_host *host = ctx;
    struct sw_arena *arena = host->app->engine->arena;
    struct app_item *it = host->steps[host->n_steps - 1].item;
    stop_timer(host);
    eng_host_close(host->eng);
    host->read = (struct eng_read){.engine = host->app->engine, .host = host->eng, .done = returned, .ctx = host, .n = 1};
    host->read.items = sw_new(arena, struct sw_item);
    host->read.types = sw_new(arena, const struct sw_type *);
    host->read.types[0] = it->type;
    host->read.items[0] = (struct sw_item){.resource = it->plan->resource, .desired = it->desired, .prior = it->have};
    eng_read_start(&host->read);
}

static void wait_return(struct app_host *host) {
    const struct sw_step *step = &host->steps[host->n_steps - 1].step;
    host->stage = HOST_RETURNS;
    host->current = NULL;
    host->return_deadline_ms = sw_now_ms() + (step->timeout_ms ? step->timeout_ms : STEP_TIMEOUT_MS);
    host->timer = sw_timer_new(host->app->engine->loop, RETURN_POLL_MS, 0, poll_return, host);
}

void app_segment_abandon(struct app_host *host) {
    if (host->timer) {
        struct sw_err err = {0};
        stop_timer(host);
        sw_err_set(&err, SW_ECANCELLED, "stopped while '%s' reboots", host->declared->name);
        end_segment(host, &err);
    } else {
        host->return_deadline_ms = 0; /* the read that runs is cancelled and ends it */
    }
}

/* ---- the script ---- */

static void begun(void *ctx, size_t id) {
    struct app_host *host = ctx;
    struct app_step *step = &host->steps[id];
    if (step->nothing) return;
    host->current = step->item;
    host->hushed = false;
    if (step->item->stage != APP_RUNS) app_start(host->app, step->item);
    start_timer(host, step->step.timeout_ms);
}

/* What follows this line on stdout is for the type's result(), and may be secret: it is not shown. */
static const char RESULT_MARK[] = "::result";

static bool is_result_mark(const char *line, size_t len) {
    return len == sizeof RESULT_MARK - 1 && memcmp(line, RESULT_MARK, len) == 0;
}

static void said(void *ctx, size_t id, int stream, const char *line, size_t len) {
    struct app_host *host = ctx;
    struct sw_str text = {0};
    if (stream == 1 && is_result_mark(line, len)) host->hushed = true;
    if (stream == 1 && host->hushed) return;
    struct sw_str masked = {0};
    app_mask_add(&masked, host->app, host->steps[id].item, line, len);
    sw_str_add_printable(&text, sw_str_z(&masked), masked.len);
    sw_str_done(&masked);
    sw_emit(&host->app->engine->sink, &(struct sw_event){.type = SW_EV_OUTPUT,
                                                         .plan = host->app->plan,
                                                         .item = host->steps[id].item->plan,
                                                         .host = host->declared->name,
                                                         .text = sw_str_z(&text)});
    sw_str_done(&text);
}

static void step_failed(struct app_host *host, struct app_item *it, const struct sw_batch_result *result) {
    struct sw_err err = {0};
    sw_err_set(&err, SW_EREMOTE, "exit status %d on '%s'", result->status, host->declared->name);
    const char *secret = memmem(result->out, result->out_len, "::result\n", 9);
    size_t shown = secret ? (size_t)(secret - result->out) : result->out_len;
    struct sw_str masked = {0};
    app_mask_add(&masked, host->app, it, result->err_len ? result->err : result->out, result->err_len ? result->err_len : shown);
    if (masked.len) sw_err_detail(&err, sw_str_z(&masked), masked.len);
    sw_str_done(&masked);
    sw_err_hint(&err, "look around with: slipway ssh %s; then run the same command again", host->declared->name);
    app_fail(host->app, it, &err, true);
}

static void ended(void *ctx, size_t id, const struct sw_batch_result *result) {
    struct app_host *host = ctx;
    struct app_item *it = host->steps[id].item;
    struct sw_arena *arena = host->app->engine->arena;
    struct sw_err err = {0};
    stop_timer(host);
    if (result->status == 0 && reboots(host, it)) return;
    host->current = NULL;
    if (host->steps[id].nothing) {
        app_unchanged(host->app, it);
        app_pump(host->app);
        return;
    }
    if (result->status != 0) {
        step_failed(host, it, result);
        return;
    }
    const struct sw_value *attributes = it->desired;
    struct sw_item item = {
        .resource = it->plan->resource, .desired = it->desired, .prior = it->plan->prior, .have = it->have, .action = it->plan->action};
    if (it->plan->action != SW_DELETE && it->type->ops->result &&
        it->type->ops->result(it->type, &item, result, arena, &attributes, &err) != 0)
        app_fail(host->app, it, &err, true);
    else
        app_done(host->app, it, attributes, true);
    app_pump(host->app);
}

static void on_data(void *ctx, int stream, const char *p, size_t len) {
    struct app_host *host = ctx;
    sw_batch_feed(host->batch, stream, p, len);
}

static void script_done(void *ctx, struct sw_job_result *result) {
    struct app_host *host = ctx;
    struct sw_err err = {0};
    stop_timer(host);
    eng_host_account(host->app->engine, host->eng, result);
    if (result->err.code)
        sw_err_move(&err, &result->err);
    else
        sw_batch_finish(host->batch, &err);
    struct app_item *it = host->current;
    bool lost = err.code == SW_EUNREACHABLE || err.code == SW_EREMOTE || err.code == 0;
    if (it && reboots(host, it) && lost && !host->timed_out) {
        sw_err_done(&err);
        sw_batch_free(host->batch);
        host->batch = NULL;
        wait_return(host);
        return;
    }
    if (host->timed_out) {
        sw_err_done(&err);
        sw_err_set(&err, SW_ETIMEOUT, "no end within the time limit");
        sw_err_hint(&err, "give it more with timeout = SECONDS, or see what it waits for with: slipway ssh %s", host->declared->name);
        host->timed_out = false;
    }
    end_segment(host, &err);
}

static void run_script(struct app_host *host) {
    const struct sw_types *types = host->app->engine->types;
    const char *prelude = types->prelude ? types->prelude(types->ctx) : "";
    host->stage = HOST_RUNS;
    host->batch = sw_batch_new(SW_BATCH_STEPS, 0, &(struct sw_batch_events){.begin = begun, .line = said, .end = ended, .ctx = host});
    sw_batch_prelude(host->batch, prelude, strlen(prelude));
    for (size_t k = 0; k < host->n_steps; k++) sw_batch_add(host->batch, host->steps[k].step.script, host->steps[k].step.len);
    struct sw_job job = {.command = "sh", .on_data = on_data, .on_done = script_done, .ctx = host};
    job.input = sw_batch_script(host->batch, &job.input_len);
    sw_remote_run(host->eng->remote, &job);
}

/* ---- files ---- */

static void upload_data(void *ctx, int stream, const char *p, size_t len) {
    struct app_host *host = ctx;
    (void)stream;
    sw_str_add(&host->upload_out, p, len);
}

static void upload_done(void *ctx, struct sw_job_result *result) {
    struct app_host *host = ctx;
    const struct sw_upload *upload = &host->steps[0].step.uploads[host->upload];
    struct sw_err err = {0};
    stop_timer(host);
    eng_host_account(host->app->engine, host->eng, result);
    if (host->timed_out)
        sw_err_set(&err, SW_ETIMEOUT, "carrying '%s' took too long", upload->path);
    else if (result->err.code)
        sw_err_move(&err, &result->err);
    else if (result->status != 0)
        sw_err_set(&err, SW_EREMOTE, "'%s' could not be written on '%s'", upload->path, host->declared->name);
    else if (strncmp(sw_str_z(&host->upload_out), upload->sha256, 64) != 0)
        sw_err_set(&err, SW_EREMOTE, "'%s' arrived with another checksum than it was sent with", upload->path);
    if (err.code == SW_EREMOTE) sw_err_detail(&err, sw_str_z(&host->upload_out), host->upload_out.len);
    host->timed_out = false;
    host->upload++;
    if (err.code)
        end_segment(host, &err);
    else
        next_upload(host);
}

static void next_upload(struct app_host *host) {
    const struct sw_step *step = &host->steps[0].step;
    if (host->upload == step->n_uploads) {
        if (host->app->stopping) {
            end_segment(host, &(struct sw_err){0});
            return;
        }
        run_script(host);
        return;
    }
    const struct sw_upload *upload = &step->uploads[host->upload];
    struct sw_str command = {0};
    sw_str_clear(&host->upload_out);
    /* Half of it helps nobody, least of all on a full disk. `sh -c` takes the path as an argument: no quoting within quoting. */
    sw_str_addz(&command, "sh -c 'umask 077; cat > \"$1\" && sha256sum < \"$1\" || { rm -f -- \"$1\"; exit 1; }' sh ");
    sw_str_add_shell(&command, upload->path, strlen(upload->path));
    struct sw_job job = {.command = sw_strdup(host->app->engine->arena, sw_str_z(&command)),
                         .input = upload->source ? NULL : upload->data,
                         .input_len = upload->source ? 0 : upload->len,
                         .input_file = upload->source,
                         .on_data = upload_data,
                         .on_done = upload_done,
                         .ctx = host};
    sw_str_done(&command);
    start_timer(host, step->timeout_ms);
    sw_remote_run(host->eng->remote, &job);
}

void app_segment_start(struct app_host *host) {
    struct apply *app = host->app;
    struct app_item **items = sw_new_n(app->engine->arena, struct app_item *, host->n_steps);
    struct sw_err err = {0};
    struct sw_remote *remote;
    size_t n = 0;
    for (size_t k = 0; k < host->n_steps; k++)
        if (!host->steps[k].nothing) items[n++] = host->steps[k].item;
    if (eng_host_open(app->engine, host->eng, &remote, &err) != 0 || app_journal(app, items, n, &err) != 0) {
        end_segment(host, &err);
        return;
    }
    host->timed_out = false;
    host->upload = 0;
    if (host->steps[0].step.n_uploads == 0) {
        run_script(host);
        return;
    }
    host->stage = HOST_UPLOADS;
    app_start(app, host->steps[0].item);
    next_upload(host);
}

/* ---- stopping ---- */

static void asked(void *ctx, struct sw_job_result *result) {
    (void)ctx, (void)result; /* an answer or not: the script ends by itself sooner or later */
}

/* The script's own channel cannot be spoken to, so a second connection tells its shell. Rare enough to be worth the simplicity. */
void app_segment_stop(struct app_host *host) {
    struct sw_remote_options options = {0};
    struct sw_arena *arena = host->app->engine->arena;
    size_t pid = host->batch ? sw_batch_pid(host->batch) : 0;
    if (!pid || host->stopper || sw_remote_options_from(host->eng->connection, host->eng->name, arena, &options, NULL) != 0) return;
    host->stopper = sw_remote_open(host->app->engine->loop, &options);
    struct sw_job job = {.command = sw_printf(arena, "kill -USR1 %zu", pid), .timeout_ms = 10000, .on_done = asked};
    sw_remote_run(host->stopper, &job);
}
