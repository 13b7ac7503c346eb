/* `slipway import --from-terraform-state`: which of Terraform's resources is which of the playbook's, and what is left over on both sides. */
#include <string.h>
#include <unistd.h>

#include "import.h"
#include "slipway/map.h"
#include "slipway/vec.h"
#include "tfstate.h"

/* In the order in which they are shown. */
enum outcome { ADOPT, GONE, ALREADY, AMBIGUOUS, UNDECLARED, UNKNOWN_TYPE, LEFT, DECLARED_ONLY, N_OUTCOMES };
static const struct {
    const char *word, *title;
} outcomes[] = {
    [ADOPT] = {"adopt", "To adopt"},
    [GONE] = {"gone", "Not there any more"},
    [ALREADY] = {"already", "In the state already"},
    [AMBIGUOUS] = {"ambiguous", "Not clear which, to be said with --map"},
    [UNDECLARED] = {"undeclared", "Not declared in the playbook"},
    [UNKNOWN_TYPE] = {"unknown_type", "Of a type that slipway does not know"},
    [LEFT] = {"left", "Left alone, as --map says"},
    [DECLARED_ONLY] = {"declared_only", "Declared, and not in Terraform's state"},
};

struct row {
    enum outcome outcome;
    const struct tf_instance *instance; /* NULL: declared only */
    const char *address;                /* ours, or NULL */
    const char *note;
    bool said; /* by --map */
    bool differs;
};

struct job {
    struct sw_context *context;
    struct sw_arena *arena;
    struct tf_state state;
    struct sw_map declared; /* address -> struct sw_resource */
    struct sw_map recorded; /* address -> anything */
    struct sw_map taken;    /* address -> struct row */
    struct row *rows;
    size_t n;
    const struct sw_value *map; /* of --map */
    const char *map_path;
};

/* ---- which is which ---- */

static int fail_map(struct job *job, const struct sw_pair *pair, struct sw_err *err) {
    sw_err_at(err, (struct sw_pos){job->map_path, pair->value->line, 0});
    return SW_EINVAL;
}

static int check_map(struct job *job, struct sw_err *err) {
    size_t n_declared = job->context->config->n_resources;
    const char **theirs = sw_new_n(job->arena, const char *, job->state.n + 1), **ours = sw_new_n(job->arena, const char *, n_declared + 1);
    for (size_t i = 0; i < job->state.n; i++) theirs[i] = job->state.v[i].address;
    for (size_t i = 0; i < n_declared; i++) ours[i] = job->context->config->resources[i]->address;
    for (size_t i = 0; sw_is(job->map, SW_MAP) && i < job->map->map.n; i++) {
        const struct sw_pair *pair = &job->map->map.v[i];
        const struct tf_instance *instance = NULL;
        for (size_t k = 0; k < job->state.n && !instance; k++)
            if (strcmp(theirs[k], pair->key) == 0) instance = &job->state.v[k];
        if (!instance) {
            sw_err_set(err, SW_EINVAL, "Terraform's state has no '%s'", pair->key);
            const char *near = sw_nearest(pair->key, theirs, job->state.n);
            if (near) sw_err_hint(err, "did you mean '%s'?", near);
            return fail_map(job, pair, err);
        }
        if (sw_is_nil(pair->value)) continue;
        const struct sw_resource *resource = sw_map_find(&job->declared, pair->value->s.p);
        if (!resource) {
            sw_err_set(err, SW_EINVAL, "the playbook declares no '%s'", pair->value->s.p);
            const char *near = sw_nearest(pair->value->s.p, ours, n_declared);
            if (near) sw_err_hint(err, "did you mean '%s'?", near);
            return fail_map(job, pair, err);
        }
        if (strcmp(resource->type, instance->type) != 0) {
            sw_err_set(err, SW_EINVAL, "'%s' cannot become '%s': they are of different types", pair->key, pair->value->s.p);
            return fail_map(job, pair, err);
        }
    }
    return 0;
}

static void by_rule(struct job *job, struct row *row) {
    const struct tf_instance *instance = row->instance;
    struct sw_str several = {0};
    size_t n = 0;
    for (const char **name = tf_candidates(job->arena, instance); *name; name++) {
        const char *address = sw_printf(job->arena, "%s.%s", instance->type, *name);
        if (!sw_map_find(&job->declared, address)) continue;
        if (n++ == 0) row->address = address;
        sw_str_addf(&several, "%s%s", n > 1 ? " or " : "", address);
    }
    row->outcome = n == 1 ? ADOPT : n ? AMBIGUOUS : UNDECLARED;
    if (n > 1) row->note = sw_strdup(job->arena, sw_str_z(&several));
    if (n != 1) row->address = NULL;
    sw_str_done(&several);
}

/* Of two that claim one address neither gets it, unless --map says so. */
static void claim(struct job *job, struct row *row) {
    struct row *other = sw_map_find(&job->taken, row->address);
    if (!other) {
        sw_map_set(&job->taken, row->address, row);
        return;
    }
    struct row *both[] = {row, other};
    for (size_t i = 0; i < 2; i++) {
        if (both[i]->said && !both[1 - i]->said) continue;
        both[i]->outcome = AMBIGUOUS;
        both[i]->note = sw_printf(job->arena, "%s is claimed by %s, too", row->address, both[1 - i]->instance->address);
    }
}

static void place(struct job *job, struct row *row) {
    const struct tf_instance *instance = row->instance;
    const struct sw_types *types = sw_script_types(job->context->script);
    const struct sw_value *said = sw_get(job->map, instance->address);
    const struct sw_type *type = types->find(types->ctx, instance->type);
    if (said && sw_is_nil(said)) {
        row->outcome = LEFT;
    } else if (said) {
        row->outcome = ADOPT;
        row->address = said->s.p;
        row->said = true;
    } else if (!type || type->on_host) {
        row->outcome = UNKNOWN_TYPE;
    } else {
        by_rule(job, row);
    }
    if (row->outcome == ADOPT && sw_map_find(&job->recorded, row->address)) row->outcome = ALREADY;
    if (row->outcome == ADOPT || row->outcome == ALREADY) claim(job, row);
    if (row->outcome == ADOPT && instance->tainted) row->note = "tainted: Terraform meant to replace it";
}

static int read_recorded(struct job *job, struct sw_err *err) {
    struct sw_state_resource *recorded;
    size_t n;
    int rc = sw_state_resources(job->context->state, job->arena, &recorded, &n, err);
    for (size_t i = 0; rc == 0 && i < n; i++)
        if (!sw_engine_replaceable(&recorded[i])) sw_map_set(&job->recorded, recorded[i].address, &recorded[i]);
    return rc;
}

static void place_all(struct job *job) {
    const struct sw_config *config = job->context->config;
    job->rows = sw_new_n(job->arena, struct row, job->state.n + config->n_resources + 1);
    for (size_t i = 0; i < job->state.n; i++) {
        job->rows[job->n] = (struct row){.instance = &job->state.v[i]};
        place(job, &job->rows[job->n++]);
    }
    for (size_t i = 0; i < config->n_resources; i++) {
        const struct sw_resource *resource = config->resources[i];
        if (resource->host || resource->data || resource->ephemeral) continue;
        if (sw_map_find(&job->taken, resource->address) || sw_map_find(&job->recorded, resource->address)) continue;
        job->rows[job->n++] = (struct row){.outcome = DECLARED_ONLY, .address = resource->address};
    }
}

/* ---- what is known of each ---- */

static const struct sw_value *conform(struct job *job, const struct sw_schema *schema, const struct sw_value *map);

/* One of Terraform's values where the schema has `attr`, or NULL when it does not fit. A block is a list to Terraform. */
static const struct sw_value *fit(struct job *job, const struct sw_attr *attr, const struct sw_value *v) {
    switch (attr->type) {
    case SW_T_STRING: return v->kind == SW_STR ? v : NULL;
    case SW_T_INT: return v->kind == SW_INT ? v : NULL;
    case SW_T_NUMBER: return v->kind == SW_INT || v->kind == SW_REAL ? v : NULL;
    case SW_T_BOOL: return v->kind == SW_BOOL ? v : NULL;
    case SW_T_LIST:
        if (v->kind != SW_LIST || !attr->object) return v->kind == SW_LIST ? v : NULL;
        const struct sw_value **items = sw_new_n(job->arena, const struct sw_value *, v->list.n + 1);
        for (size_t i = 0; i < v->list.n; i++) {
            if (!sw_is(v->list.v[i], SW_MAP)) return NULL;
            items[i] = conform(job, attr->object, v->list.v[i]);
        }
        return sw_value_list(job->arena, items, v->list.n);
    case SW_T_MAP:
        if (attr->object && v->kind == SW_LIST) v = v->list.n == 1 ? v->list.v[0] : &SW_NULL_VALUE;
        if (v->kind != SW_MAP) return NULL;
        return attr->object ? conform(job, attr->object, v) : v;
    case SW_T_ANY: break;
    }
    return v;
}

/* The attributes that the schema has too. Of what is only written Terraform, too, keeps a hash at best. */
static const struct sw_value *conform(struct job *job, const struct sw_schema *schema, const struct sw_value *map) {
    struct sw_pair *pairs = sw_new_n(job->arena, struct sw_pair, map->map.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < map->map.n; i++) {
        const struct sw_attr *attr = sw_schema_find(schema, map->map.v[i].key);
        const struct sw_value *v = map->map.v[i].value, *fits;
        if (!attr || attr->write_only || sw_is_nil(v) || !(fits = fit(job, attr, v))) continue;
        if (attr->sensitive || v->secret) fits = sw_value_secret(job->arena, fits);
        pairs[n++] = (struct sw_pair){attr->name, fits};
    }
    return sw_value_map(job->arena, pairs, n);
}

/* Its attributes as Terraform recorded them, as far as the type has them: what is found by more than an id (a route) is found by these, and what
 * no API gives back (a password) is not lost. What the API does give takes their place. */
static const struct sw_value *known_of(struct job *job, const struct tf_instance *instance) {
    const struct sw_types *types = sw_script_types(job->context->script);
    return conform(job, types->find(types->ctx, instance->type)->schema, instance->attributes);
}

static int look(struct job *job, struct sw_import **ret, size_t *ret_n, struct sw_err *err) {
    struct sw_import *imports = sw_new_n(job->arena, struct sw_import, job->n + 1);
    struct row **of = sw_new_n(job->arena, struct row *, job->n + 1);
    size_t n = 0;
    for (size_t i = 0; i < job->n; i++) {
        if (job->rows[i].outcome != ADOPT) continue;
        of[n] = &job->rows[i];
        imports[n++] = (struct sw_import){.address = job->rows[i].address, .known = known_of(job, job->rows[i].instance)};
    }
    *ret = imports;
    *ret_n = n;
    if (!n) return 0;
    sw_context_progress(job->context, STDERR_FILENO);
    int rc = sw_engine_find(&job->context->engine, job->context->config, imports, n, err);
    sw_context_progress_end(job->context);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        if (!imports[i].found) of[i]->outcome = GONE;
        of[i]->differs = imports[i].found && imports[i].differs;
    }
    return rc;
}

/* ---- what is said ---- */

#define WIDEST 60 /* a column's: what is longer sticks out */

static bool shows_ours(const struct row *row) {
    return row->address && (row->outcome != AMBIGUOUS || !row->instance);
}

static void add_padded(struct sw_str *out, const char *text, size_t width) {
    size_t len = strlen(text);
    sw_str_add_printable(out, text, len);
    for (; len < width; len++) sw_str_addc(out, ' ');
}

static void add_row(struct sw_str *out, const struct row *row, size_t theirs, size_t ours) {
    const struct sw_value *id = row->outcome == ADOPT || row->outcome == GONE ? sw_get(row->instance->attributes, "id") : NULL;
    bool has_id = sw_is(id, SW_STR) && !id->secret, more = has_id || row->note || row->differs;
    sw_str_addz(out, "  ");
    if (row->instance) add_padded(out, row->instance->address, shows_ours(row) || more ? theirs : 0);
    if (row->instance && shows_ours(row)) sw_str_addz(out, "  ->  ");
    if (shows_ours(row)) add_padded(out, row->address, more ? ours : 0);
    if (has_id) {
        sw_str_addz(out, "  ");
        sw_str_add_printable(out, id->s.p, id->s.len);
    }
    if (row->note) sw_str_addf(out, "  # %s", row->note);
    if (row->differs) sw_str_addz(out, "  # the playbook would change it");
    sw_str_addc(out, '\n');
}

/* The rows of one outcome, in columns. */
static void add_rows(struct sw_str *out, const struct job *job, enum outcome outcome) {
    size_t theirs = 0, ours = 0;
    for (size_t i = 0; i < job->n; i++) {
        const struct row *row = &job->rows[i];
        if (row->outcome != outcome) continue;
        size_t one = row->instance ? strlen(row->instance->address) : 0, other = shows_ours(row) ? strlen(row->address) : 0;
        if (one <= WIDEST && one > theirs) theirs = one;
        if (other <= WIDEST && other > ours) ours = other;
    }
    for (size_t i = 0; i < job->n; i++)
        if (job->rows[i].outcome == outcome) add_row(out, &job->rows[i], theirs, ours);
}

static const char *plural(size_t n) {
    return n == 1 ? "" : "s";
}

static void report(struct job *job, bool written) {
    struct sw_cli *cli = job->context->cli;
    struct sw_str out = {0};
    size_t adopted = 0;
    const struct tf_state *state = &job->state;
    sw_str_addf(&out, "Terraform's state: %zu resource%s (Terraform %s)", state->n, plural(state->n), state->terraform_version);
    if (state->n_data) sw_str_addf(&out, "; data sources, which are not adopted: %zu", state->n_data);
    if (state->n_deposed) sw_str_addf(&out, "; deposed objects, which are left alone: %zu", state->n_deposed);
    sw_str_addz(&out, ".\n");
    for (int outcome = 0; outcome < N_OUTCOMES; outcome++) {
        size_t n = 0;
        for (size_t i = 0; i < job->n; i++) n += job->rows[i].outcome == (enum outcome)outcome;
        if (!n) continue;
        if (outcome == ADOPT) adopted = n;
        sw_str_addf(&out, "\n%s (%zu)\n\n", outcome == ADOPT && written ? "Adopted" : outcomes[outcome].title, n);
        add_rows(&out, job, outcome);
    }
    if (written)
        sw_str_addf(&out, "\n%zu adopted. 'slipway plan' shows what the playbook would change.\n", adopted);
    else
        sw_str_addz(&out, adopted ? "\nNothing was written. To adopt them, say it again with --yes.\n" : "\nThere is nothing to adopt.\n");
    sw_cli_print(cli, &out);
    sw_str_done(&out);
}

static void report_json(struct job *job, bool written) {
    struct sw_cli *cli = job->context->cli;
    struct sw_str out = {0};
    for (size_t i = 0; i < job->n; i++) {
        const struct row *row = &job->rows[i];
        const char *word = row->outcome == ADOPT && written ? "adopted" : outcomes[row->outcome].word;
        struct sw_pair pairs[6] = {{"type", sw_value_str(cli->arena, "import")}, {"result", sw_value_str(cli->arena, word)}};
        size_t n = 2;
        if (row->instance) pairs[n++] = (struct sw_pair){"terraform_address", sw_value_str(cli->arena, row->instance->address)};
        if (row->address) pairs[n++] = (struct sw_pair){"address", sw_value_str(cli->arena, row->address)};
        if (row->note) pairs[n++] = (struct sw_pair){"message", sw_value_str(cli->arena, row->note)};
        sw_json_write(&out, sw_value_map(cli->arena, pairs, n), 0);
        sw_str_addc(&out, '\n');
    }
    sw_cli_print(cli, &out);
    sw_str_done(&out);
}

static int run(struct job *job, const char *path, struct sw_err *err) {
    const struct sw_config *config = job->context->config;
    bool writes = job->context->cli->options.yes;
    struct sw_import *imports = NULL;
    size_t n = 0;
    int rc = tf_state_read(job->arena, path, &job->state, err);
    if (rc) return sw_err_frame(err, "reading Terraform's state");
    for (size_t i = 0; i < config->n_resources; i++)
        sw_map_set(&job->declared, config->resources[i]->address, (void *)config->resources[i]);
    if (job->map_path) rc = sw_import_read_map(job->context, job->map_path, "'TERRAFORM_ADDRESS: ADDRESS'", true, &job->map, err);
    if (rc == 0) rc = check_map(job, err);
    if (rc == 0) rc = read_recorded(job, err);
    if (rc) return rc;
    place_all(job);
    if ((rc = look(job, &imports, &n, err)) != 0) return rc;
    if (writes && n && (rc = sw_engine_adopt(&job->context->engine, imports, n, err)) != 0) return rc;
    if (job->context->cli->options.json)
        report_json(job, writes);
    else
        report(job, writes);
    return 0;
}

int sw_import_terraform(struct sw_context *context, const char *path, const char *map_path) {
    struct job job = {.context = context, .arena = context->cli->arena, .map_path = map_path};
    struct sw_err err = {0};
    int rc = run(&job, path, &err);
    sw_map_done(&job.declared);
    sw_map_done(&job.recorded);
    sw_map_done(&job.taken);
    return rc ? sw_cli_fail(context->cli, &err) : SW_EXIT_OK;
}
