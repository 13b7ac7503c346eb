/* The plan in Terraform's format. plan_json.c: the document; plan_json_value.c: values and what is marked in them; plan_json_config.c:
 * addresses, and what the playbook says. Internal to report/. */
#ifndef SLIPWAY_REPORT_PLAN_JSON_H
#define SLIPWAY_REPORT_PLAN_JSON_H

#include "json.h"
#include "slipway/map.h"
#include "slipway/report.h"

struct plan_json {
    struct sw_str *out;
    const struct sw_plan *plan;
    sw_find_schema_fn *find_schema; /* or NULL */
    void *ctx;
    struct sw_map by_address; /* slipway's address -> const struct sw_resource */
};

/* Starts an object in a list, on a line of its own: readers show the lines of a resource. */
void plan_json__next(struct sw_str *out);

/* The schema that says what is a block: NULL on a host, whose types Terraform has no blocks for. */
const struct sw_schema *plan_json__schema(const struct plan_json *pj, const struct sw_resource *resource);
/* Values as Terraform shows them: what is not known is left out of maps and null in lists; secrets are null; one block is a list of one. */
void plan_json__known(struct sw_str *out, const struct sw_value *v, const struct sw_schema *schema);
enum plan_json_mark { MARK_UNKNOWN, MARK_SECRET };
bool plan_json__has_mark(const struct sw_value *v, enum plan_json_mark mark);
/* The shape of `v` with true where it is marked; what is not marked is left out of maps. */
void plan_json__marks(struct sw_str *out, const struct sw_value *v, enum plan_json_mark mark, const struct sw_schema *schema);
/* The same of what is known after apply, with the computed attributes that only making it will tell. */
void plan_json__after_unknown(struct sw_str *out, const struct sw_plan_item *item, const struct sw_schema *schema);

/* address, mode, type, name, index, provider_name, and the module of what is on a host. */
void plan_json__identity(struct sw_str *out, const struct sw_resource *resource);
/* "module.host[\"n1\"]" */
void plan_json__module(struct sw_str *out, const char *host);
void plan_json__configuration(const struct plan_json *pj);

#endif
