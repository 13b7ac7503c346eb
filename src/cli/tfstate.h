/* Terraform's state file, format 4 (Terraform 0.12 and later, OpenTofu), as far as it says what exists. Internal to cli/. */
#ifndef SLIPWAY_CLI_TFSTATE_H
#define SLIPWAY_CLI_TFSTATE_H

#include "slipway/value.h"

/* One instance of a managed resource. */
struct tf_instance {
    const char *address; /* Terraform's: module.net.aws_subnet.private[0], aws_instance.node["a"] */
    const char *module;  /* "module.net", or NULL */
    const char *type, *name;
    const struct sw_value *index;      /* INT (count), STR (for_each) or NULL */
    const struct sw_value *attributes; /* MAP; what Terraform calls sensitive is marked secret */
    const char *id;                    /* NULL when it has none */
    bool tainted;
};

struct tf_state {
    const char *terraform_version;
    struct tf_instance *v;
    size_t n;
    size_t n_data;    /* data sources, left out */
    size_t n_deposed; /* objects a replacement left behind, left out */
};

/* Reads a file of at most 64 MiB. Everything lives in the arena. SW_EINVAL with the place in it for what is no such state; SW_EREFUSED for one
 * that is encrypted or only points to a backend; SW_ENOTFOUND, SW_ELIMIT, SW_EIO. No error text holds a value of it. */
int tf_state_read(struct sw_arena *arena, const char *path, struct tf_state *ret, struct sw_err *err);
/* The same of a text; `name` is the file's in messages. */
int tf_state_parse(struct sw_arena *arena, const char *name, const char *text, size_t len, struct tf_state *ret, struct sw_err *err);

/* Names under which a playbook may have declared it: its own, its own with the index, and these with the module's names before them.
 * NULL-terminated, without repeats, in the arena. */
const char **tf_candidates(struct sw_arena *arena, const struct tf_instance *instance);

#endif
