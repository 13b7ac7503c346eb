/* Reading: all probes of one host as one script in one exec; all of an API type as one list call. */
#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "slipway/clock.h"

/* Consecutive items read by one fragment. A batched type's items need not be neighbours: `members` lists them. */
struct eng_fragment {
    const struct sw_type *type;
    size_t *members;
    size_t n;
    bool refused; /* cannot be read yet */
};

/* Whose failure it is: "ADDRESS: what is wrong" is that resource's, else all that were listed have failed. */
static void name_listed(const struct eng_read *read, struct sw_err *err) {
    size_t whose = read->n == 1 ? 0 : read->n;
    for (size_t i = 0; i < read->n && whose == read->n && err->message; i++) {
        const char *address = read->items[i].resource->address;
        if (sw_starts_with(err->message, address) && err->message[strlen(address)] == ':') whose = i;
    }
    if (whose < read->n) {
        sw_err_at(err, read->items[whose].resource->pos);
        sw_err_frame(err, "reading '%s'", read->items[whose].resource->address);
    } else if (read->n) {
        sw_err_frame(err, "reading '%s' and %zu more of its type", read->items[0].resource->address, read->n - 1);
    }
}

static void finish(struct eng_read *read, struct sw_err *err) {
    sw_batch_free(read->batch);
    read->batch = NULL;
    if (err && err->code) {
        if (read->host)
            sw_err_frame(err, "reading '%s'", read->host->name);
        else
            name_listed(read, err);
        read->done(read->ctx, read, err);
    } else {
        read->done(read->ctx, read, NULL);
    }
    sw_err_done(err);
}

/* ---- API ---- */

static void listed(void *ctx, const struct sw_value *const *have, struct sw_err *err) {
    struct eng_read *read = ctx;
    struct sw_err own = {0};
    if (err && err->code)
        sw_err_move(&own, err);
    else
        memcpy(read->have, have, read->n * sizeof *read->have);
    finish(read, &own);
}

static void start_api(struct eng_read *read) {
    read->engine->stats.lists++;
    read->type->ops->list(read->type, read->provider, read->items, read->n, read->engine->arena, listed, read);
}

/* ---- hosts ---- */

/* Groups items into fragments: one a type for batched types, at the place of its first item, else one an item. */
static void group(struct eng_read *read) {
    struct sw_arena *arena = read->engine->arena;
    struct sw_map batched = {0};
    read->fragments = sw_new_n(arena, struct eng_fragment, read->n ? read->n : 1);
    size_t *room = sw_new_n(arena, size_t, read->n ? read->n : 1), used = 0;
    struct sw_map counts = {0};
    size_t *count = sw_new_n(arena, size_t, read->n ? read->n : 1);
    for (size_t i = 0; i < read->n; i++) {
        if (!read->types[i]->batched) continue;
        size_t *c = sw_map_find(&counts, read->types[i]->name);
        if (!c) sw_map_set(&counts, read->types[i]->name, c = &count[i]);
        ++*c;
    }
    for (size_t i = 0; i < read->n; i++) {
        const struct sw_type *type = read->types[i];
        struct eng_fragment *fragment = type->batched ? sw_map_find(&batched, type->name) : NULL;
        if (!fragment) {
            fragment = &read->fragments[read->n_fragments++];
            fragment->type = type;
            fragment->members = room + used;
            used += type->batched ? *(size_t *)sw_map_find(&counts, type->name) : 1;
            if (type->batched) sw_map_set(&batched, type->name, fragment);
        }
        fragment->members[fragment->n++] = i;
    }
    sw_map_done(&batched);
    sw_map_done(&counts);
}

static struct sw_item *gather(struct eng_read *read, const struct eng_fragment *fragment) {
    struct sw_item *items = sw_new_n(read->engine->arena, struct sw_item, fragment->n);
    for (size_t i = 0; i < fragment->n; i++) items[i] = read->items[fragment->members[i]];
    return items;
}

static void on_data(void *ctx, int stream, const char *p, size_t len) {
    struct eng_read *read = ctx;
    sw_batch_feed(read->batch, stream, p, len);
}

static int parse(struct eng_read *read, struct sw_err *err) {
    for (size_t f = 0; f < read->n_fragments; f++) {
        struct eng_fragment *fragment = &read->fragments[f];
        const struct sw_batch_result *output = sw_batch_result(read->batch, f);
        struct sw_item *items = gather(read, fragment);
        const struct sw_value **have = sw_new_n(read->engine->arena, const struct sw_value *, fragment->n);
        for (size_t i = 0; i < fragment->n; i++) have[i] = &SW_UNKNOWN_VALUE;
        int rc =
            fragment->refused ? 0 : fragment->type->ops->read(fragment->type, items, fragment->n, output, read->engine->arena, have, err);
        if (rc != 0)
            return sw_err_frame(err, fragment->n == 1 ? "reading '%s'" : "reading '%s' and others of its type", items[0].resource->address);
        for (size_t i = 0; i < fragment->n; i++) read->have[fragment->members[i]] = have[i];
    }
    return 0;
}

static void on_done(void *ctx, struct sw_job_result *result) {
    struct eng_read *read = ctx;
    struct sw_err err = {0};
    eng_host_account(read->engine, read->host, result);
    if (result->err.code)
        sw_err_move(&err, &result->err);
    else if (sw_batch_finish(read->batch, &err) == 0 && parse(read, &err) == 0)
        sw_emit(&read->engine->sink,
                &(struct sw_event){
                    .type = SW_EV_HOST_READ, .host = read->host->name, .n = read->n, .elapsed_ms = sw_now_ms() - read->started_ms});
    finish(read, &err);
}

static void fail_later(void *ctx) {
    struct eng_read *read = ctx;
    struct sw_err err = {0};
    sw_err_move(&err, &read->early);
    finish(read, &err);
}

static void start_host(struct eng_read *read) {
    struct sw_engine *engine = read->engine;
    struct sw_remote *remote;
    struct sw_err err = {0};
    read->started_ms = sw_now_ms();
    group(read);
    read->batch = sw_batch_new(SW_BATCH_PROBES, 0, NULL);
    const char *prelude = engine->types->prelude ? engine->types->prelude(engine->types->ctx) : "";
    sw_batch_prelude(read->batch, prelude, strlen(prelude));
    struct sw_str text = {0};
    for (size_t f = 0; f < read->n_fragments && err.code == 0; f++) {
        struct eng_fragment *fragment = &read->fragments[f];
        sw_str_clear(&text);
        struct sw_item *items = gather(read, fragment);
        int rc = fragment->type->ops->probe(fragment->type, items, fragment->n, &text, &err);
        if (rc == SW_EREFUSED) {
            /* It cannot be asked yet. An empty fragment keeps the numbers in step; what it prints is not looked at. */
            sw_err_done(&err);
            fragment->refused = true;
            sw_str_clear(&text);
        } else if (rc != 0) {
            sw_err_frame(&err, "writing the probe of '%s'", items[0].resource->address);
        }
        sw_batch_add(read->batch, fragment->refused ? ":" : sw_str_z(&text), fragment->refused ? 1 : text.len);
    }
    sw_str_done(&text);
    if (err.code || eng_host_open(engine, read->host, &remote, &err) != 0) {
        /* Callbacks never run from within a start: a failure takes a turn of the loop, too. */
        sw_err_move(&read->early, &err);
        sw_loop_post(engine->loop, fail_later, read);
        return;
    }
    struct sw_job job = {.command = "sh", .on_data = on_data, .on_done = on_done, .ctx = read};
    job.input = sw_batch_script(read->batch, &job.input_len);
    sw_remote_run(remote, &job);
}

void eng_read_start(struct eng_read *read) {
    read->have = sw_new_n(read->engine->arena, const struct sw_value *, read->n ? read->n : 1);
    if (read->host)
        start_host(read);
    else
        start_api(read);
}
