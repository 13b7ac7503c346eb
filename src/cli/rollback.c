/* `slipway rollback RUN`: what was declared in a former run is planned and applied anew. The inventory is not looked at for it, only for where the
 * state is and what holds for every apply: policies, freezes, production. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "run.h"
#include "slipway/vec.h"

static int not_kept(const int64_t *kept, size_t n, struct sw_err *err) {
    struct sw_str list = {0};
    for (size_t i = 0; i < n; i++) sw_str_addf(&list, "%s%" PRId64, i ? ", " : "", kept[i]);
    if (n)
        sw_err_hint(err, "kept is what was declared in %s (slipway state history)", sw_str_z(&list));
    else
        sw_err_hint(err, "it is kept with each apply of the whole inventory; put the inventory back to what it was, and apply it");
    sw_str_done(&list);
    return err->code;
}

/* Renames since that run, backwards. Those of the later runs come first: A was called B, then C; C is to be called A again. */
static int rename_back(struct sw_context *context, int64_t run, const int64_t *kept, size_t n, struct sw_err *err) {
    struct {
        struct sw_moved *v;
        size_t n, cap;
    } back = {0};
    struct sw_arena *arena = context->cli->arena;
    int rc = 0;
    for (size_t i = 0; i < n && kept[i] > run && !rc; i++) {
        struct sw_plan *later = NULL;
        rc = sw_run_kept(context->state, kept[i], arena, &later, err);
        for (size_t k = 0; !rc && k < later->n_moved; k++) {
            size_t known = 0;
            while (known < back.n && strcmp(back.v[known].to, later->moved[k].to) != 0) known++;
            if (known == back.n) sw_vec_push(&back, ((struct sw_moved){.from = later->moved[k].to}));
            back.v[known].to = later->moved[k].from;
        }
    }
    struct sw_moved *moved = sw_new_n(arena, struct sw_moved, back.n + 1);
    if (back.n) memcpy(moved, back.v, back.n * sizeof *moved);
    context->config->moved = moved;
    context->config->n_moved = back.n;
    sw_vec_done(&back);
    return rc;
}

static int load(struct sw_context *context, int64_t run, struct sw_err *err) {
    struct sw_arena *arena = context->cli->arena;
    struct sw_plan *declared = NULL;
    int64_t *kept = NULL;
    size_t n = 0;
    int rc = sw_runs_kept(context->state, arena, &kept, &n, err);
    if (!rc && (rc = sw_run_kept(context->state, run, arena, &declared, err)) == SW_ENOTFOUND) return not_kept(kept, n, err);
    if (!rc && sw_is(declared->modules, SW_LIST) && declared->modules->list.n)
        rc = sw_script_load_modules(context->script, context->inventory, declared->modules, err);
    if (rc) return rc;
    context->config = sw_plan_config(declared, arena);
    context->engine.note = sw_printf(arena, "rollback to run %" PRId64, run);
    return rename_back(context, run, kept, n, err);
}

int sw_cmd_rollback(struct sw_cli *cli) {
    struct sw_context context;
    struct sw_err err = {0};
    int64_t run = 0;
    int code;
    if (sw_context_open(&context, cli, SW_NEED_INVENTORY | SW_NEED_SCRIPT | SW_NEED_LOCK, &err) ||
        sw_cli_parse_run(cli->options.args[0], &run, &err) || load(&context, run, &err)) {
        code = sw_cli_fail(cli, &err);
    } else {
        code = sw_run_anew(&context);
        if (code == SW_EXIT_OK)
            sw_cli_note(cli,
                        "The inventory may still say otherwise: put it back to what it was, too, or the next apply goes forward again.");
    }
    sw_context_close(&context);
    return code;
}
