/* Addresses as Terraform has them, and the playbook as its configuration.
 *
 * A name that is an identifier stays as it is: aws_vpc.main. Any other becomes an index beside a name made of it:
 * aws_route53_record.api_example_org["api.example.org"]. What is on a host lies in a module of that host's:
 * module.host["n1"].file._etc_hosts["/etc/hosts"]. Both ways the address is legal, unique, and says the name back. */
#include <stdlib.h>
#include <string.h>

#include "plan_json.h"

static bool is_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

static bool starts_word(char c) {
    return is_word(c) && c != '-' && !(c >= '0' && c <= '9');
}

static bool is_identifier(const char *name) {
    if (!starts_word(*name)) return false;
    for (; *name; name++)
        if (!is_word(*name)) return false;
    return true;
}

static void add_name(struct sw_str *out, const char *name) {
    if (!*name || (is_word(*name) && !starts_word(*name))) sw_str_addc(out, '_');
    for (; *name; name++) sw_str_addc(out, is_word(*name) ? *name : '_');
}

/* ["name"], as a quoted text of HCL. */
static void add_index(struct sw_str *out, const char *name) {
    sw_str_addz(out, "[\"");
    for (; *name; name++) {
        if (*name == '"' || *name == '\\')
            sw_str_addf(out, "\\%c", *name);
        else if (*name == '\n')
            sw_str_addz(out, "\\n");
        else if ((*name == '$' || *name == '%') && name[1] == '{')
            sw_str_addf(out, "%c%c", *name, *name);
        else
            sw_str_addc(out, *name);
    }
    sw_str_addz(out, "\"]");
}

void plan_json__module(struct sw_str *out, const char *host) {
    sw_str_addz(out, "module.host");
    add_index(out, host);
}

static bool is_data(const struct sw_resource *resource) {
    return strncmp(resource->type, "data.", 5) == 0;
}

static const char *type_of(const struct sw_resource *resource) {
    return is_data(resource) ? resource->type + 5 : resource->type;
}

static void add_address(struct sw_str *out, const struct sw_resource *resource, bool whole) {
    if (whole && resource->host) {
        plan_json__module(out, resource->host);
        sw_str_addc(out, '.');
    }
    if (is_data(resource)) sw_str_addz(out, "data.");
    sw_str_addz(out, type_of(resource));
    sw_str_addc(out, '.');
    add_name(out, resource->name);
    if (whole && !is_identifier(resource->name)) add_index(out, resource->name);
}

static void add_text(struct sw_str *out, const char *key, struct sw_str *text) {
    sw_report__json_key(out, key);
    sw_report__json_text(out, sw_str_z(text), text->len);
    sw_str_clear(text);
}

/* The provider's own name, without an alias. */
static void add_provider(struct sw_str *out, const struct sw_resource *resource) {
    const char *type = type_of(resource);
    sw_str_addf(out, "slipway/%.*s", resource->host ? 4 : (int)strcspn(type, "_"), resource->host ? "host" : type);
}

void plan_json__identity(struct sw_str *out, const struct sw_resource *given) {
    const char *key = NULL;
    struct sw_resource bare = *given;
    const struct sw_resource *resource = &bare;
    size_t len = sw_plan_deposed(given->name, &key);
    char *name = len ? sw_xprintf("%.*s", (int)len, given->name) : NULL;
    if (name) bare.name = name;
    struct sw_str text = {0};
    add_address(&text, resource, true);
    add_text(out, "address", &text);
    if (resource->host) {
        plan_json__module(&text, resource->host);
        add_text(out, "module_address", &text);
    }
    sw_report__json_str(out, "mode", is_data(resource) ? "data" : "managed");
    sw_report__json_str(out, "type", type_of(resource));
    add_name(&text, resource->name);
    add_text(out, "name", &text);
    if (!is_identifier(resource->name)) sw_report__json_str(out, "index", resource->name);
    add_provider(&text, resource);
    add_text(out, "provider_name", &text);
    if (key) {
        sw_report__json_key(out, "deposed");
        sw_report__json_text(out, key, 8);
    }
    sw_str_done(&text);
    free(name);
}

/* ---- configuration ---- */

struct references {
    const struct plan_json *pj;
    bool any;
};

/* "aws_vpc.main.id" and "aws_vpc.main": the attribute, then what it belongs to. */
static void add_reference(const char *address, const char *path, void *ctx) {
    struct references *refs = ctx;
    struct sw_str *out = refs->pj->out, text = {0};
    const struct sw_resource *resource = sw_map_find(&refs->pj->by_address, address);
    for (int pass = 0; pass < 2; pass++) {
        if (resource)
            add_address(&text, resource, true);
        else
            sw_str_addz(&text, address);
        for (const char *part = path; pass == 0 && part && *part;) {
            size_t n = strcspn(part, ".");
            bool number = strspn(part, "0123456789") == n;
            sw_str_addf(&text, number ? "[%.*s]" : ".%.*s", (int)n, part);
            part += n + (part[n] == '.');
        }
        if (refs->any) sw_str_addc(out, ',');
        refs->any = true;
        sw_report__json_text(out, sw_str_z(&text), text.len);
        sw_str_clear(&text);
    }
    sw_str_done(&text);
}

static void add_expression(const struct plan_json *pj, const struct sw_value *v, const struct sw_schema *schema) {
    struct references refs = {.pj = pj};
    if (plan_json__has_mark(v, MARK_UNKNOWN)) {
        sw_str_addz(pj->out, "{\"references\":[");
        sw_value_each_ref(v, add_reference, &refs);
        sw_str_addz(pj->out, "]}");
    } else if (plan_json__has_mark(v, MARK_SECRET)) {
        sw_str_addz(pj->out, "{}");
    } else {
        sw_str_addz(pj->out, "{\"constant_value\":");
        plan_json__known(pj->out, v, schema);
        sw_str_addc(pj->out, '}');
    }
}

static void add_resource(const struct plan_json *pj, const struct sw_resource *resource) {
    struct sw_str *out = pj->out, text = {0};
    plan_json__next(out);
    add_address(&text, resource, false);
    add_text(out, "address", &text);
    sw_report__json_str(out, "mode", is_data(resource) ? "data" : "managed");
    sw_report__json_str(out, "type", type_of(resource));
    add_name(&text, resource->name);
    add_text(out, "name", &text);
    const char *type = type_of(resource);
    sw_str_addf(&text, "%.*s", (int)strcspn(type, "_"), type);
    if (resource->provider && strcmp(resource->provider, sw_str_z(&text)) != 0) sw_str_addf(&text, ".%s", resource->provider);
    add_text(out, "provider_config_key", &text);
    sw_report__json_key(out, "expressions");
    sw_str_addc(out, '{');
    for (size_t i = 0; i < resource->desired->map.n; i++) {
        sw_report__json_key(out, resource->desired->map.v[i].key);
        add_expression(pj, resource->desired->map.v[i].value, NULL);
    }
    sw_str_addc(out, '}');
    sw_report__json_int(out, "schema_version", 0);
    sw_str_addc(out, '}');
    sw_str_done(&text);
}

static void add_provider_config(const struct plan_json *pj, const char *alias, const struct sw_value *config) {
    struct sw_str *out = pj->out, text = {0};
    const char *name = sw_get_str(config, "name", alias);
    bool is_alias = strcmp(name, alias) != 0;
    sw_str_addz(&text, name);
    if (is_alias) sw_str_addf(&text, ".%s", alias);
    sw_report__json_key(out, sw_str_z(&text));
    sw_str_done(&text);
    sw_str_addc(out, '{');
    sw_report__json_str(out, "name", name);
    if (is_alias) sw_report__json_str(out, "alias", alias);
    sw_report__json_key(out, "expressions");
    sw_str_addc(out, '{');
    for (size_t i = 0; sw_is(config, SW_MAP) && i < config->map.n; i++) {
        if (strcmp(config->map.v[i].key, "name") == 0) continue;
        sw_report__json_key(out, config->map.v[i].key);
        add_expression(pj, config->map.v[i].value, NULL);
    }
    sw_str_addz(out, "}}");
}

void plan_json__configuration(const struct plan_json *pj) {
    struct sw_str *out = pj->out;
    const struct sw_value *providers = pj->plan->providers;
    sw_report__json_key(out, "configuration");
    sw_str_addz(out, "{\"provider_config\":{");
    for (size_t i = 0; sw_is(providers, SW_MAP) && i < providers->map.n; i++)
        add_provider_config(pj, providers->map.v[i].key, providers->map.v[i].value);
    sw_str_addz(out, "},\"root_module\":{\"resources\":[");
    for (size_t i = 0; i < pj->plan->n_items; i++) {
        const struct sw_resource *resource = pj->plan->items[i].resource;
        if (!resource->host && sw_is(resource->desired, SW_MAP)) add_resource(pj, resource);
    }
    sw_str_addz(out, "]}}");
}
