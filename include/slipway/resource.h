/* What a playbook declares: hosts, resources on them or in a cloud, and the references between them. Immutable after declare. */
#ifndef SLIPWAY_RESOURCE_H
#define SLIPWAY_RESOURCE_H

#include "slipway/value.h"

/* A machine slipway speaks to. Not a resource: nothing is created or destroyed under its name. */
struct sw_host {
    const char *name;
    const struct sw_value *connection; /* MAP: see sw_remote_options in remote.h; may hold REFs (address = a VM's ip) */
    struct sw_pos pos;
};

struct sw_lifecycle {
    bool prevent_destroy;
    bool create_before_destroy;
    const char **ignore_changes; /* attribute names, NULL-terminated, or NULL */
    const char **replace_on;     /* addresses whose change replaces this one, NULL-terminated, or NULL */
};

struct sw_resource {
    const char *address;  /* "lab_node.n1"; on a host "n1/file:/etc/hosts" */
    const char *type;     /* "lab_node", "file" */
    const char *name;     /* "n1", "/etc/hosts" */
    const char *host;     /* name of the host it lives on, or NULL */
    const char *provider; /* provider alias, or NULL for the type's own */
    struct sw_pos pos;
    const struct sw_value *desired; /* MAP, checked and normalised by the type, may hold REFs */
    const char **depends;           /* addresses: explicit ones and those of every REF; NULL-terminated, sorted, unique. */
    const char **triggers;          /* addresses whose change makes this one act again (restart_on); NULL-terminated or NULL */
    struct sw_lifecycle lifecycle;
    bool ephemeral; /* acts only when something that depends on it acts; never in state */
    bool data;      /* a data source: only read, and never in state */
    size_t index;   /* order of declaration */
};

struct sw_output {
    const char *name;
    const struct sw_value *value; /* may hold REFs */
    const char *doc;
};

struct sw_moved {
    const char *from, *to;
};

struct sw_config {
    const struct sw_host **hosts;
    size_t n_hosts;
    const struct sw_resource **resources; /* in order of declaration */
    size_t n_resources;
    const struct sw_output *outputs;
    size_t n_outputs;
    const struct sw_moved *moved;
    size_t n_moved;
    const char **removed; /* addresses to forget instead of destroy */
    size_t n_removed;
    const struct sw_value *providers; /* MAP: alias -> configuration, as declared */
    const struct sw_value *modules;   /* LIST of {name, sha256}: Lua files beside the playbook that define types */
    const char **warnings;
    size_t n_warnings;
};

#endif
