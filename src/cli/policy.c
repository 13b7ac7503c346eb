/* Policies are the operator's, and a few are slipway's own. Those of --policies and SLIPWAY_POLICIES come from outside of the inventory: a stranger who may change that
 * cannot take one of them away. Those that lie beside the inventory, or that it names, come on top. None can weaken another. */
#include "policy.h"

#include "cost.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "slipway/file.h"
#include "slipway/vec.h"

#define MAX_FILES       200
#define STRANGERS_STEPS 20000000 /* each; they are many, and run where others wait */

struct files {
    const char **v;
    size_t n, cap;
};

static int by_name(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int too_many(struct sw_err *err) {
    return sw_err_set(err, SW_ELIMIT, "more than %d policies", MAX_FILES);
}

/* The *.lua files of a directory, by name. */
static int add_directory(struct sw_context *context, const char *path, struct files *files, struct sw_err *err) {
    DIR *dir = opendir(path);
    if (!dir) return sw_err_set(err, SW_EIO, "the policies in '%s' cannot be read", path);
    size_t first = files->n;
    for (struct dirent *entry; files->n <= MAX_FILES && (entry = readdir(dir));)
        if (entry->d_name[0] != '.' && sw_ends_with(entry->d_name, ".lua"))
            sw_vec_push(files, (const char *)sw_printf(context->cli->arena, "%s/%s", path, entry->d_name));
    closedir(dir);
    if (files->n > MAX_FILES) return too_many(err);
    if (files->n > first) qsort(files->v + first, files->n - first, sizeof *files->v, by_name);
    return 0;
}

static int add_path(struct sw_context *context, const char *path, const char *named_by, struct files *files, struct sw_err *err) {
    struct stat st;
    if (stat(path, &st)) {
        sw_err_set(err, SW_ENOTFOUND, "%s: there is no policy '%s'", named_by, path);
        sw_err_hint(err, "name a file of Lua, or a directory of them");
        return SW_ENOTFOUND;
    }
    if (S_ISDIR(st.st_mode)) return add_directory(context, path, files, err);
    if (files->n >= MAX_FILES) return too_many(err);
    sw_vec_push(files, path);
    return 0;
}

/* What the operator names, out of reach of who may change the inventory. */
static int operators(struct sw_context *context, struct files *files, struct sw_err *err) {
    const char **named = context->cli->options.policies;
    int rc = 0;
    for (size_t i = 0; rc == 0 && named && named[i]; i++) rc = add_path(context, named[i], "--policies", files, err);
    const char *list = getenv("SLIPWAY_POLICIES");
    while (rc == 0 && list && *list) {
        size_t n = strcspn(list, ":");
        if (n) rc = add_path(context, sw_strndup(context->cli->arena, list, n), "SLIPWAY_POLICIES", files, err);
        list += n + (list[n] == ':');
    }
    return rc;
}

int sw_policy_check_inside(struct sw_context *context, const char *what, const char *path, struct sw_err *err) {
    char real[PATH_MAX];
    const char *dir = context->inventory->dir;
    size_t n = strlen(dir);
    if (!context->cli->options.untrusted || !realpath(path, real)) return 0;
    if (strncmp(real, dir, n) == 0 && (real[n] == '/' || real[n] == '\0')) return 0;
    return sw_err_set(err, SW_EREFUSED, "'%s' of a stranger's inventory leads out of its directory: '%s'", what, path);
}

static int inventorys(struct sw_context *context, struct files *files, struct sw_err *err) {
    struct sw_arena *arena = context->cli->arena;
    const struct sw_inventory *inventory = context->inventory;
    const struct sw_value *named = sw_get(inventory->value, "policies");
    const char *beside = sw_printf(arena, "%s/policies", inventory->dir);
    struct stat st;
    int rc = stat(beside, &st) == 0 && S_ISDIR(st.st_mode) ? sw_policy_check_inside(context, "policies", beside, err) : SW_ENOTFOUND;
    if (rc == 0)
        rc = add_directory(context, beside, files, err);
    else if (rc == SW_ENOTFOUND)
        rc = 0;
    for (size_t i = 0; rc == 0 && sw_is(named, SW_LIST) && i < named->list.n; i++) {
        const struct sw_value *v = named->list.v[i];
        char *expanded = sw_expand_home(v->s.p);
        const char *path = expanded[0] == '/' ? sw_strdup(arena, expanded) : sw_printf(arena, "%s/%s", inventory->dir, expanded);
        free(expanded);
        rc = sw_policy_check_inside(context, "policies", path, err);
        if (rc == 0) rc = add_path(context, path, "policies", files, err);
        if (rc) sw_err_at(err, (struct sw_pos){inventory->file, v->line, 0});
    }
    for (size_t i = 0; rc == 0 && i < files->n; i++)
        rc = sw_policy_check_inside(context, "policies", files->v[i], err); /* a link leads out, too */
    return rc;
}

static bool same_directory(const char *a, const char *b) {
    size_t n = (size_t)(strrchr(a, '/') ? strrchr(a, '/') - a : 0), m = (size_t)(strrchr(b, '/') ? strrchr(b, '/') - b : 0);
    return n == m && strncmp(a, b, n) == 0;
}

/* A Lua host of their own, one a directory: what a playbook did in its, no policy sees, and what one requires lies beside it. */
static int ask(struct sw_context *context, const struct files *files, bool untrusted, const struct sw_plan *plan,
               struct sw_findings *findings, struct sw_err *err) {
    const struct sw_options *options = &context->cli->options;
    struct sw_script_options how = {.lua_dir = options->lua_dir,
                                    .playbook_dir = options->playbook_dir,
                                    .max_instructions = untrusted ? STRANGERS_STEPS : 0,
                                    .untrusted = untrusted};
    struct sw_script *script = NULL;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < files->n; i++) {
        if (i == 0 || !same_directory(files->v[i - 1], files->v[i])) {
            sw_script_free(script);
            script = NULL;
            rc = sw_script_new(context->loop, context->cli->arena, &how, &script, err);
        }
        if (rc == 0) rc = sw_script_policy(script, files->v[i], context->inventory, plan, findings, err);
    }
    sw_script_free(script);
    return rc;
}

/* slipway's own, of what a plan removes. */
static void own(const struct sw_plan *plan, struct files *files) {
    static const char *const names[] = {SW_OWN_POLICIES "policies/cluster_data.lua"};
    if (plan->count[SW_DELETE] + plan->count[SW_REPLACE] == 0) return;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) sw_vec_push(files, names[i]);
}

int sw_policy_ask(struct sw_context *context, struct sw_plan *plan, struct sw_err *err) {
    struct files ours = {0}, theirs = {0};
    struct sw_findings findings = {0};
    int rc = sw_cost_estimate(context, plan, err);
    if (rc == 0) own(plan, &ours);
    if (rc == 0) rc = operators(context, &ours, err);
    if (rc == 0) rc = inventorys(context, &theirs, err);
    if (rc == 0) rc = ask(context, &ours, false, plan, &findings, err);
    if (rc == 0) rc = ask(context, &theirs, context->cli->options.untrusted, plan, &findings, err);
    sw_vec_done(&ours);
    sw_vec_done(&theirs);
    if (rc == 0 && findings.n) {
        struct sw_finding *kept = sw_new_n(context->cli->arena, struct sw_finding, findings.n);
        memcpy(kept, findings.v, findings.n * sizeof *kept);
        plan->findings = kept;
        plan->n_findings = findings.n;
        if (context->cli->options.json && strcmp(context->cli->command->name, "show") != 0) {
            struct sw_str text = {0};
            sw_report_findings_json(&text, plan);
            sw_cli_print(context->cli, &text);
            sw_str_done(&text);
        }
    }
    sw_vec_done(&findings);
    return rc;
}

int sw_policy_denied(const struct sw_plan *plan, struct sw_err *err) {
    const struct sw_finding *first = NULL;
    size_t n = 0;
    for (size_t i = 0; i < plan->n_findings; i++) {
        if (plan->findings[i].verdict != SW_VERDICT_DENY) continue;
        if (!first) first = &plan->findings[i];
        n++;
    }
    if (!first) return 0;
    char more[48] = "";
    if (n > 1) snprintf(more, sizeof more, " (and %zu more)", n - 1);
    sw_err_set(err, SW_EREFUSED, "denied by the policy '%s': %s%s%s%s", first->policy, first->address ? first->address : "",
               first->address ? ": " : "", first->message, more);
    sw_err_at(err, (struct sw_pos){first->file, first->line, 0});
    sw_err_hint(err, "change the playbook so that the policy agrees, or have the policy changed by who is in charge of it");
    return SW_EREFUSED;
}

static bool is_approved(const struct sw_options *options, const char *policy) {
    for (size_t i = 0; options->approvals && options->approvals[i]; i++)
        if (strcmp(options->approvals[i], policy) == 0) return true;
    return false;
}

int sw_policy_approve(struct sw_context *context, const struct sw_plan *plan, struct sw_err *err) {
    struct sw_cli *cli = context->cli;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < plan->n_findings; i++) {
        const struct sw_finding *finding = &plan->findings[i];
        bool asked = finding->verdict != SW_VERDICT_APPROVAL || is_approved(&cli->options, finding->policy);
        for (size_t k = 0; !asked && k < i; k++)
            asked = plan->findings[k].verdict == SW_VERDICT_APPROVAL && strcmp(plan->findings[k].policy, finding->policy) == 0;
        if (asked) continue;
        /* --yes answers what slipway asks, not what a policy asks. */
        bool yes = cli->options.yes;
        cli->options.yes = false;
        const char *question = sw_printf(cli->arena, "The policy '%s' wants this approved: type its name to approve it:", finding->policy);
        struct sw_err why = {0};
        rc = sw_cli_confirm(cli, question, finding->policy, sw_context_touch, context, &why);
        cli->options.yes = yes;
        if (rc) {
            rc = sw_err_set(err, SW_EREFUSED, "the policy '%s' wants this approved: %s%s%s", finding->policy,
                            finding->address ? finding->address : "", finding->address ? ": " : "", finding->message);
            sw_err_at(err, (struct sw_pos){finding->file, finding->line, 0});
            sw_err_hint(err, "who may do so says: --approve %s", finding->policy);
        }
        sw_err_done(&why);
    }
    return rc;
}
