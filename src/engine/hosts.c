/* Connections: one remote a host, opened at first use, shared by plan and apply. */
#include <stdlib.h>
#include <string.h>

#include "internal.h"

/* A machine made in this run boots first; one that should be up gets a short while (a reboot of its sshd). */
#define BOOT_DEADLINE_MS 300000u

struct sw_engine_op *eng_op(struct sw_engine *engine) {
    if (!engine->op) engine->op = sw_xcalloc(1, sizeof *engine->op);
    return engine->op;
}

struct eng_host *eng_host_get(struct sw_engine *engine, const char *name) {
    struct sw_engine_op *op = eng_op(engine);
    struct eng_host *host = sw_map_find(&op->hosts, name);
    if (!host) {
        host = sw_new(engine->arena, struct eng_host);
        host->name = sw_strdup(engine->arena, name);
        sw_map_set(&op->hosts, host->name, host);
    }
    return host;
}

int eng_host_open(struct sw_engine *engine, struct eng_host *host, struct sw_remote **ret, struct sw_err *err) {
    if (!host->remote) {
        struct sw_remote_options options = {0};
        if (engine->untrusted && sw_value_has_secret(host->connection)) {
            sw_err_set(err, SW_EREFUSED, "the connection of '%s' holds a secret: it is used at apply", host->name);
            sw_err_hint(err, "reach it by a key, for plans of strangers' playbooks");
            return SW_EREFUSED;
        }
        if (sw_remote_options_from(host->connection, host->name, engine->arena, &options, err) != 0)
            return sw_err_frame(err, "connecting to '%s'", host->name);
        if (host->booting && options.connect_deadline_ms < BOOT_DEADLINE_MS) options.connect_deadline_ms = BOOT_DEADLINE_MS;
        host->remote = sw_remote_open(engine->loop, &options);
        engine->stats.hosts++;
    }
    *ret = host->remote;
    return 0;
}

void eng_host_account(struct sw_engine *engine, struct eng_host *host, const struct sw_job_result *result) {
    engine->stats.channels += result->channels;
    if (!host->announced && result->err.code == 0) {
        host->announced = true;
        sw_emit(&engine->sink, &(struct sw_event){.type = SW_EV_HOST_CONNECTED, .host = host->name, .elapsed_ms = result->elapsed_ms});
    }
}

void eng_host_close(struct eng_host *host) {
    if (host->remote) sw_remote_free(host->remote);
    host->remote = NULL;
    host->announced = false;
}

void sw_engine_interrupt(struct sw_engine *engine, unsigned level) {
    struct sw_engine_op *op = eng_op(engine);
    if (level <= op->interrupt) return;
    op->interrupt = level;
    if (op->on_interrupt) op->on_interrupt(op->on_interrupt_ctx, level);
}

void sw_engine_done(struct sw_engine *engine) {
    struct sw_engine_op *op = engine->op;
    if (!op) return;
    for (size_t i = 0; i < op->hosts.cap; i++) {
        struct eng_host *host = op->hosts.slots[i].value;
        if (!host || !host->remote) continue;
        struct sw_remote_stats stats;
        sw_remote_stats(host->remote, &stats);
        engine->stats.bytes_in += stats.bytes_in;
        engine->stats.bytes_out += stats.bytes_out;
        eng_host_close(host);
    }
    sw_map_done(&op->hosts);
    free(op);
    engine->op = NULL;
}
