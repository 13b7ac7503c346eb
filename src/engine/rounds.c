/* Refresh in rounds: read everything whose address is known, decide what that allows, read what has become known, and so on.
 *
 * A reader is one host or one API type; it reads all its items in one go. Its connection may refer to items of other readers (a VM's
 * address), so it waits until those are decided. What stays unknown, or is about to be made, is read at apply.
 */
#include <string.h>

#include "internal.h"
#include "slipway/vec.h"

/* ---- readers ---- */

const struct sw_value *eng_provider(const struct sw_value *providers, const struct sw_resource *resource, const struct sw_type *type,
                                    const char **ret_alias) {
    const char *alias = resource->provider ? resource->provider : type->provider;
    const struct sw_value *config = alias ? sw_get(providers, alias) : NULL;
    if (ret_alias) *ret_alias = alias ? alias : "";
    return config ? config : &SW_EMPTY_MAP;
}

static void make_readers(struct eng_plan *p) {
    struct sw_arena *arena = p->engine->arena;
    struct sw_map by_key = {0};
    p->readers = sw_new_n(arena, struct eng_reader, 2 * p->n_items + 1); /* a data source makes its own, when its turn comes */
    for (size_t i = 0; i < p->n_items; i++) {
        struct eng_item *it = &p->items[i];
        const char *alias = "";
        if (!it->selected || it->plan.resource->ephemeral || it->plan.resource->data) continue;
        /* The state does not know what became of an open creation: it is looked for all the same. */
        if (p->options->no_refresh && !it->open) continue;
        const struct sw_value *config =
            it->host ? it->host->connection : eng_provider(p->config->providers, it->plan.resource, it->type, &alias);
        const char *key = it->host ? sw_printf(arena, "host %s", it->host->name) : sw_printf(arena, "api %s %s", alias, it->type->name);
        struct eng_reader *reader = sw_map_find(&by_key, key);
        if (!reader) {
            reader = &p->readers[p->n_readers++];
            reader->host = it->host;
            reader->config = config;
            reader->read.type = it->host ? NULL : it->type;
            reader->read.engine = p->engine;
            sw_map_set(&by_key, key, reader);
        }
        sw_vec_push(&reader->items, i);
        it->reader = (size_t)(reader - p->readers);
    }
    sw_map_done(&by_key);
}

/* ---- one round ---- */

static void undecided(const char *address, const char *path, void *ctx) {
    (void)path;
    struct {
        struct eng_plan *p;
        bool waits;
    } *c = ctx;
    const struct eng_item *it = eng_find(c->p, address);
    if (it && it->declared && it->selected && !it->decided) c->waits = true;
}

/* `patient`: what a dead run was making is found by its attributes where there is no tag, so they should be known first. */
static bool is_ready(struct eng_plan *p, const struct eng_reader *reader, bool patient) {
    struct {
        struct eng_plan *p;
        bool waits;
    } ctx = {p, false};
    sw_value_each_ref(reader->config, undecided, &ctx);
    for (size_t k = 0; patient && !reader->host && k < reader->items.n && !ctx.waits; k++) {
        const struct eng_item *it = &p->items[reader->items.v[k]];
        if (it->open && it->declared) sw_value_each_ref(it->plan.resource->desired, undecided, &ctx);
    }
    return !ctx.waits;
}

/* Cannot be read now: decided by what is recorded, read before it is touched. */
static void postpone(struct eng_plan *p, struct eng_reader *reader) {
    for (size_t k = 0; k < reader->items.n; k++) p->items[reader->items.v[k]].plan.at_apply = true;
    reader->stage = READER_DONE;
}

/* What is not asked for a stranger's playbook does not end the plan: what is recorded stands for it, and the reason is a warning, once. */
static void leave_unread(struct eng_plan *p, struct eng_reader *reader, const struct sw_err *err) {
    const char *text = sw_printf(p->engine->arena, "not read, but compared with what is recorded: %s", err->message);
    bool known = false;
    for (size_t i = 0; i < p->warnings.n && !known; i++) known = strcmp(p->warnings.v[i], text) == 0;
    if (!known) sw_vec_push(&p->warnings, text);
    for (size_t k = 0; k < reader->items.n; k++) {
        struct eng_item *it = &p->items[reader->items.v[k]];
        it->unread = true;
        /* Nothing is recorded of what a dead run was making, nor of what a data source would find. */
        it->plan.at_apply = it->open || it->plan.resource->data;
    }
}

static void read_done(void *ctx, struct eng_read *read, struct sw_err *err) {
    struct eng_plan *p = ctx;
    struct eng_reader *reader = (struct eng_reader *)((char *)read - offsetof(struct eng_reader, read));
    if (err && err->code == SW_EREFUSED && p->engine->untrusted)
        leave_unread(p, reader, err);
    else if (err)
        sw_err_move(&reader->err, err);
    else
        for (size_t k = 0; k < reader->items.n; k++) {
            struct eng_item *it = &p->items[reader->items.v[k]];
            /* Some things cannot be asked about before something else is known. */
            it->plan.at_apply = sw_is(read->have[k], SW_UNKNOWN);
            it->have = it->plan.at_apply ? NULL : read->have[k];
        }
    reader->stage = READER_DONE;
    p->idle = --p->running == 0;
}

static void start(struct eng_plan *p, struct eng_reader *reader) {
    struct sw_engine *engine = p->engine;
    struct eng_read *read = &reader->read;
    const struct sw_value *config = sw_value_resolve(engine->arena, reader->config, eng_lookup, p);
    const struct eng_item *first = &p->items[reader->items.v[0]];
    const struct eng_item *machine = eng_machine(p, first);
    struct eng_host *host = reader->host ? eng_host_get(engine, reader->host->name) : NULL;
    if (host) host->booting = machine && machine->declared && eng_acts(machine->plan.action);
    if (sw_value_has_unknown(config) || eng_leaving(machine) || (host && host->booting)) {
        postpone(p, reader);
        return;
    }
    if (host) {
        host->connection = config;
        read->host = host;
    } else {
        read->provider = config;
    }
    read->n = reader->items.n;
    read->items = sw_new_n(engine->arena, struct sw_item, read->n);
    read->types = sw_new_n(engine->arena, const struct sw_type *, read->n);
    for (size_t k = 0; k < read->n; k++) {
        const struct eng_item *it = &p->items[reader->items.v[k]];
        read->types[k] = it->type;
        read->items[k].resource = it->plan.resource;
        read->items[k].prior = it->open ? NULL : it->plan.prior;
        read->items[k].token = it->open ? it->open->token : NULL;
        read->items[k].begun = it->open ? it->open->desired : NULL;
        if (it->declared) read->items[k].desired = sw_value_resolve(engine->arena, it->plan.resource->desired, eng_lookup, p);
    }
    read->done = read_done;
    read->ctx = p;
    reader->stage = READER_RUNS;
    p->running++;
    eng_read_start(read);
}

static bool can_decide(const struct eng_plan *p, size_t i) {
    const struct eng_item *it = &p->items[i];
    if (it->plan.resource->data && !it->asked) return false;
    if (it->reader != SIZE_MAX) {
        const struct eng_reader *reader = &p->readers[it->reader];
        if (reader->stage != READER_DONE || reader->err.code) return false;
    }
    const uint32_t *needs;
    size_t n = sw_graph_needs(p->graph, i, &needs);
    for (size_t k = 0; k < n; k++)
        if (p->items[needs[k]].selected && !p->items[needs[k]].decided) return false;
    return true;
}

static int decide_all(struct eng_plan *p, size_t *left, struct sw_err *err) {
    *left = 0;
    for (size_t k = 0; k < p->n_items; k++) {
        struct eng_item *it = &p->items[p->order[k]];
        if (!it->selected || it->decided) continue;
        if (!can_decide(p, p->order[k])) {
            ++*left;
            continue;
        }
        int rc = eng_decide(p, it, err);
        if (rc != 0) return sw_err_frame(err, "planning '%s'", it->plan.resource->address);
    }
    return 0;
}

static bool declares(const struct sw_config *config, const char *host) {
    for (size_t i = 0; i < config->n_hosts; i++)
        if (strcmp(config->hosts[i]->name, host) == 0) return true;
    return false;
}

static bool no_answer(const struct eng_reader *reader) {
    return reader->host && !reader->err.hint && (reader->err.code == SW_EUNREACHABLE || reader->err.code == SW_ETIMEOUT);
}

/* How to do without the hosts that do not answer. */
static void hint_without(struct eng_plan *p, struct sw_err *err) {
    struct sw_str words = {0};
    bool gone = false;
    for (size_t r = 0; r < p->n_readers; r++) {
        const struct eng_reader *reader = &p->readers[r];
        if (!no_answer(reader)) continue;
        sw_str_addf(&words, " --exclude %s", reader->host->name);
        gone = gone || !declares(p->config, reader->host->name);
    }
    if (words.len)
        sw_err_hint(err, "to go on without:%s%s", sw_str_z(&words),
                    gone ? "; what lived on a host that is gone for good is forgotten with: slipway state rm ADDRESS" : "");
    sw_str_done(&words);
}

/* One failed reader is the error itself; several are listed, each with its reason. */
static int report_failures(struct eng_plan *p, struct sw_err *err) {
    struct sw_str list = {0};
    struct sw_err *first = NULL;
    const struct eng_reader *first_reader = NULL;
    size_t failed = 0;
    for (size_t r = 0; r < p->n_readers; r++) {
        struct eng_reader *reader = &p->readers[r];
        if (reader->err.code == 0) continue;
        if (!first) first = &reader->err, first_reader = reader;
        failed++;
        sw_str_addf(&list, "%s: %s\n", reader->host ? reader->host->name : reader->read.type->name, reader->err.message);
    }
    if (failed == 1) {
        if (no_answer(first_reader)) hint_without(p, first);
        int code = first->code;
        if (err) sw_err_move(err, first);
        sw_str_done(&list);
        return code;
    }
    int code = first->code;
    sw_err_set(err, code, "%zu of %zu hosts and APIs could not be read", failed, p->n_readers);
    if (first->hint)
        sw_err_hint(err, "%s", first->hint);
    else
        hint_without(p, err);
    sw_err_detail(err, sw_str_z(&list), list.len);
    sw_str_done(&list);
    return code;
}

static void interrupted(void *ctx, unsigned level) {
    struct eng_plan *p = ctx;
    (void)level; /* reading changes nothing: the first Ctrl-C ends it */
    for (size_t r = 0; r < p->n_readers; r++)
        if (p->readers[r].stage == READER_RUNS && p->readers[r].read.host && p->readers[r].read.host->remote)
            sw_remote_cancel(p->readers[r].read.host->remote);
    if (p->engine->types->cancel) p->engine->types->cancel(p->engine->types->ctx);
}

int eng_rounds(struct eng_plan *p, struct sw_err *err) {
    struct sw_engine_op *op = eng_op(p->engine);
    int rc = 0;
    make_readers(p);
    op->on_interrupt = interrupted;
    op->on_interrupt_ctx = p;
    for (;;) {
        size_t left, started = 0, failed = 0;
        if ((rc = decide_all(p, &left, err)) != 0 || left == 0) break;
        started = eng_data_round(p);
        /* Things that wait for one another are read without patience. */
        for (int patient = 1; patient >= 0 && (patient || started == 0); patient--)
            for (size_t r = 0; r < p->n_readers; r++) {
                struct eng_reader *reader = &p->readers[r];
                if (reader->stage == READER_WAITS && is_ready(p, reader, patient)) start(p, reader), started++;
            }
        p->idle = p->running == 0;
        sw_loop_run(p->engine->loop, &p->idle);
        for (size_t r = 0; r < p->n_readers; r++) failed += p->readers[r].err.code != 0;
        if (op->interrupt)
            rc = sw_err_set(err, SW_ECANCELLED, "interrupted while reading; nothing was changed");
        else if (failed)
            rc = report_failures(p, err);
        else if (!started)
            rc = sw_err_set(err, SW_EINTERNAL, "%zu resources could not be planned", left);
        if (rc != 0) break;
    }
    op->on_interrupt = NULL;
    for (size_t r = 0; r < p->n_readers; r++) {
        sw_vec_done(&p->readers[r].items);
        sw_err_done(&p->readers[r].err);
    }
    return rc;
}
