/* What a schema cannot say: names, ranges, networks, and entries that refer to one another. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inventory_internal.h"
#include "slipway/map.h"
#include "slipway/vec.h"

#define LABEL_MAX            63
#define HOST_NAME_MAX_LENGTH 253

static size_t label_length(const char *text) {
    size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-");
    return n > 0 && n <= LABEL_MAX && text[0] != '-' && text[n - 1] != '-' ? n : 0;
}

bool sw_inventory__is_label(const char *text) {
    size_t n = label_length(text);
    return n > 0 && text[n] == '\0';
}

bool sw_inventory__is_host_name(const char *text) {
    if (strlen(text) > HOST_NAME_MAX_LENGTH) return false;
    for (;;) {
        size_t n = label_length(text);
        if (n == 0 || (text[n] != '.' && text[n] != '\0')) return false;
        if (text[n] == '\0') return true;
        text += n + 1;
    }
}

bool sw_inventory__parse_ip(const char *text, uint32_t *ret) {
    struct in_addr address;
    if (inet_pton(AF_INET, text, &address) != 1) return false;
    *ret = ntohl(address.s_addr);
    return true;
}

static uint32_t mask(unsigned bits) {
    return bits ? 0xFFFFFFFFu << (32 - bits) : 0;
}

/* Address and prefix length, host bits or not. */
static bool split_cidr(const char *text, uint32_t *ret_ip, unsigned *ret_bits) {
    const char *slash = strchr(text, '/');
    char address[INET_ADDRSTRLEN];
    if (!slash || (size_t)(slash - text) >= sizeof address) return false;
    memcpy(address, text, (size_t)(slash - text));
    address[slash - text] = '\0';
    const char *digits = slash + 1;
    size_t n = strspn(digits, "0123456789");
    if (n == 0 || n > 2 || digits[n] || (n == 2 && digits[0] == '0')) return false;
    *ret_bits = (unsigned)strtoul(digits, NULL, 10);
    return *ret_bits <= 32 && sw_inventory__parse_ip(address, ret_ip);
}

bool sw_inventory__parse_cidr(const char *text, struct cidr *ret) {
    uint32_t ip;
    unsigned bits;
    if (!split_cidr(text, &ip, &bits) || (ip & ~mask(bits))) return false;
    *ret = (struct cidr){ip, bits};
    return true;
}

bool sw_inventory__contains(struct cidr net, uint32_t ip) {
    return (ip & mask(net.bits)) == net.network;
}

static bool overlap(struct cidr a, struct cidr b) {
    return sw_inventory__contains(a, b.network) || sw_inventory__contains(b, a.network);
}

struct network {
    const char *name;
    const struct sw_value *value; /* NULL = not given */
    struct cidr cidr;
};
struct networks {
    struct network *v;
    size_t n, cap;
};

static int parse_network(struct inventory_load *in, struct network *net) {
    uint32_t ip;
    unsigned bits;
    const char *text = net->value->s.p;
    if (sw_inventory__parse_cidr(text, &net->cidr)) return 0;
    sw_inventory__fail(in, net->value, "'%s' is not an IPv4 network: '%s'", net->name, text);
    if (strchr(text, ':')) {
        sw_err_hint(in->err, "IPv6 and dual-stack networks are not supported");
    } else if (split_cidr(text, &ip, &bits)) {
        struct in_addr network = {htonl(ip & mask(bits))};
        char fixed[INET_ADDRSTRLEN];
        sw_err_hint(in->err, "it has bits beyond /%u set: did you mean '%s/%u'?", bits, inet_ntop(AF_INET, &network, fixed, sizeof fixed),
                    bits);
    } else {
        sw_err_hint(in->err, "write it as 10.0.0.0/16");
    }
    return SW_EINVAL;
}

static int fail_overlap(struct inventory_load *in, const struct network *a, const struct network *b) {
    char where[40] = "the default";
    if (b->value->line) snprintf(where, sizeof where, "line %u", b->value->line);
    sw_inventory__fail(in, a->value->line ? a->value : b->value, "'%s' (%s) overlaps '%s' (%s, %s)", a->name, a->value->s.p, b->name,
                       b->value->s.p, where);
    sw_err_hint(in->err, strstr(a->name, "subnets") ? "each subnet is a network of its own"
                                                    : "machines, pods and services each need a network of their own");
    return SW_EINVAL;
}

/* A machine whose address lies among the pods' cannot be reached from a pod, which shows only much later. */
static int check_addresses(struct inventory_load *in, const struct network *nets, size_t n) {
    const struct sw_value *hosts = sw_get(in->value, "hosts");
    for (size_t i = 0; sw_is(hosts, SW_LIST) && i < hosts->list.n; i++) {
        const struct sw_value *address = sw_get(hosts->list.v[i], "address");
        uint32_t ip;
        if (!sw_is(address, SW_STR) || !sw_inventory__parse_ip(address->s.p, &ip)) continue;
        for (size_t j = 0; j < n; j++) {
            if (!nets[j].value || strcmp(nets[j].name, "network.cidr") == 0 || !sw_inventory__contains(nets[j].cidr, ip)) continue;
            sw_inventory__fail(in, address, "address %s of host '%s' lies in '%s' (%s)", address->s.p,
                               sw_get_str(hosts->list.v[i], "name", ""), nets[j].name, nets[j].value->s.p);
            sw_err_hint(in->err, "set '%s' to a network that no machine is in", nets[j].name);
            return SW_EINVAL;
        }
    }
    return 0;
}

/* What stands below network.subnets: a text, or lists and maps of them ({ public: [10.0.0.0/24], private: { a: 10.0.1.0/24 } }). */
static int gather_subnets(struct inventory_load *in, const struct sw_value *v, const char *name, struct networks *ret) {
    int rc = 0;
    if (sw_is(v, SW_STR)) {
        struct network subnet = {name, v, {0}};
        rc = parse_network(in, &subnet);
        sw_vec_push(ret, subnet);
    }
    for (size_t i = 0; rc == 0 && sw_is(v, SW_LIST) && i < v->list.n; i++)
        rc = gather_subnets(in, v->list.v[i], sw_printf(in->arena, "%s.%zu", name, i), ret);
    for (size_t i = 0; rc == 0 && sw_is(v, SW_MAP) && i < v->map.n; i++)
        rc = gather_subnets(in, v->map.v[i].value, sw_printf(in->arena, "%s.%s", name, v->map.v[i].key), ret);
    return rc;
}

static int check_inside(struct inventory_load *in, const struct network *all, const struct network *part) {
    if (sw_inventory__contains(all->cidr, part->cidr.network) && part->cidr.bits >= all->cidr.bits) return 0;
    sw_inventory__fail(in, part->value, "'%s' (%s) is not inside '%s' (%s)", part->name, part->value->s.p, all->name, all->value->s.p);
    sw_err_hint(in->err, "a subnet is a part of the machines' network, with a longer prefix");
    return SW_EINVAL;
}

/* `all` has no value when network.cidr is not given: then the subnets only must not overlap. */
static int check_subnets(struct inventory_load *in, const struct network *all) {
    struct networks subnets = {0};
    int rc = gather_subnets(in, sw_get_path(in->value, "network.subnets"), "network.subnets", &subnets);
    for (size_t i = 0; rc == 0 && i < subnets.n; i++) {
        if (all->value) rc = check_inside(in, all, &subnets.v[i]);
        for (size_t j = 0; rc == 0 && j < i; j++)
            if (overlap(subnets.v[i].cidr, subnets.v[j].cidr)) rc = fail_overlap(in, &subnets.v[i], &subnets.v[j]);
    }
    sw_vec_done(&subnets);
    const struct sw_value *gateway = sw_get_path(in->value, "network.gateway");
    uint32_t ip;
    if (rc == 0 && all->value && sw_is(gateway, SW_STR)) {
        if (!sw_inventory__parse_ip(gateway->s.p, &ip))
            return sw_inventory__fail(in, gateway, "'network.gateway' is not an IPv4 address: '%s'", gateway->s.p);
        if (!sw_inventory__contains(all->cidr, ip))
            return sw_inventory__fail(in, gateway, "'network.gateway' (%s) is not inside '%s' (%s)", gateway->s.p, all->name,
                                      all->value->s.p);
    }
    return rc;
}

static int check_networks(struct inventory_load *in) {
    struct network nets[] = {
        {"kubernetes.pod_cidr", sw_get_path(in->value, "kubernetes.pod_cidr"), {0}},
        {"kubernetes.service_cidr", sw_get_path(in->value, "kubernetes.service_cidr"), {0}},
        {"network.cidr", sw_get_path(in->value, "network.cidr"), {0}},
    };
    for (size_t i = 0; i < sw_countof(nets); i++) {
        if (!sw_is(nets[i].value, SW_STR)) /* not given, or a secret that is unknown yet */
            nets[i].value = NULL;
        if (nets[i].value && parse_network(in, &nets[i]) < 0) return SW_EINVAL;
    }
    for (size_t i = 0; i < sw_countof(nets); i++)
        for (size_t j = i + 1; j < sw_countof(nets); j++)
            if (nets[i].value && nets[j].value && overlap(nets[i].cidr, nets[j].cidr)) return fail_overlap(in, &nets[i], &nets[j]);
    int rc = check_addresses(in, nets, sw_countof(nets));
    return rc ? rc : check_subnets(in, &nets[2]);
}

static int check_label(struct inventory_load *in, const struct sw_value *name, const char *what) {
    if (!sw_is(name, SW_STR) || sw_inventory__is_label(name->s.p)) return 0;
    sw_inventory__fail(in, name, "%s '%s' is not a valid name", what, name->s.p);
    sw_err_hint(in->err, "lower-case letters, digits and '-', at most %d, with a letter or digit at both ends", LABEL_MAX);
    return SW_EINVAL;
}

static int check_range(struct inventory_load *in, const struct sw_value *v, const char *what, int64_t min, int64_t max) {
    if (!sw_is(v, SW_INT) || (v->i >= min && v->i <= max)) return 0;
    return sw_inventory__fail(in, v, "%s must be between %lld and %lld, not %lld", what, (long long)min, (long long)max, (long long)v->i);
}

static int check_connection(struct inventory_load *in, const struct sw_value *map) {
    int rc = check_range(in, sw_get(map, "port"), "'port'", 1, 65535);
    if (rc == 0) rc = check_range(in, sw_get_path(map, "bastion.port"), "'bastion.port'", 1, 65535);
    if (rc == 0) rc = check_range(in, sw_get(map, "connect_timeout"), "'connect_timeout'", 1, 3600);
    if (rc == 0) rc = check_range(in, sw_get(map, "connect_deadline"), "'connect_deadline'", 0, 86400);
    return rc;
}

static int check_taints(struct inventory_load *in, const struct sw_value *taints) {
    static const char *const effects[] = {"NoSchedule", "PreferNoSchedule", "NoExecute"};
    for (size_t i = 0; sw_is(taints, SW_LIST) && i < taints->list.n; i++) {
        const struct sw_value *taint = taints->list.v[i];
        if (!sw_is(taint, SW_STR)) continue;
        const char *colon = strrchr(taint->s.p, ':');
        bool known = false;
        for (size_t j = 0; colon && colon != taint->s.p && j < sw_countof(effects); j++)
            known = known || strcmp(colon + 1, effects[j]) == 0;
        if (known) continue;
        sw_inventory__fail(in, taint, "'%s' is not a taint", taint->s.p);
        const char *near = colon ? sw_nearest(colon + 1, effects, sw_countof(effects)) : NULL;
        if (near)
            sw_err_hint(in->err, "did you mean '%.*s:%s'?", (int)(colon - taint->s.p), taint->s.p, near);
        else
            sw_err_hint(in->err, "write key=value:NoSchedule, key:PreferNoSchedule or key:NoExecute");
        return SW_EINVAL;
    }
    return 0;
}

static int check_pools(struct inventory_load *in, struct sw_map *by_name) {
    const struct sw_value *pools = sw_get(in->value, "pools");
    for (size_t i = 0; sw_is(pools, SW_LIST) && i < pools->list.n; i++) {
        const struct sw_value *pool = pools->list.v[i], *name = sw_get(pool, "name");
        if (!sw_is(name, SW_STR)) return sw_inventory__fail(in, pool, "a pool's name must be known");
        int rc = check_label(in, name, "pool");
        if (rc == 0) rc = check_range(in, sw_get(pool, "count"), "'count'", 0, SW_INVENTORY__MAX_NODES);
        if (rc == 0) rc = check_taints(in, sw_get(pool, "taints"));
        if (rc < 0) return rc;
        const struct sw_value *first = sw_map_set(by_name, name->s.p, (void *)name);
        if (first) {
            sw_inventory__fail(in, name, "duplicate pool name '%s'", name->s.p);
            sw_err_hint(in->err, "the first one is on line %u", first->line);
            return SW_EINVAL;
        }
    }
    return 0;
}

static int fail_no_pool(struct inventory_load *in, const struct sw_value *name) {
    const struct sw_value *pools = sw_get(in->value, "pools");
    const char **names = sw_xcalloc(pools->list.n, sizeof *names);
    for (size_t i = 0; i < pools->list.n; i++) names[i] = sw_get_str(pools->list.v[i], "name", "");
    sw_inventory__fail(in, name, "no pool is named '%s'", name->s.p);
    const char *near = sw_nearest(name->s.p, names, pools->list.n);
    if (near)
        sw_err_hint(in->err, "did you mean '%s'?", near);
    else
        sw_err_hint(in->err, "add it to 'pools'");
    free(names);
    return SW_EINVAL;
}

static int check_hosts(struct inventory_load *in, const struct sw_map *pools, struct sw_map *by_name) {
    const struct sw_value *hosts = sw_get(in->value, "hosts");
    for (size_t i = 0; sw_is(hosts, SW_LIST) && i < hosts->list.n; i++) {
        const struct sw_value *host = hosts->list.v[i], *name = sw_get(host, "name"), *pool = sw_get(host, "pool");
        int rc = check_connection(in, host);
        if (rc == 0) rc = check_taints(in, sw_get(host, "taints"));
        if (rc < 0) return rc;
        if (!sw_is(name, SW_STR)) return sw_inventory__fail(in, host, "a host's name must be known");
        if (!sw_inventory__is_host_name(name->s.p)) {
            sw_inventory__fail(in, name, "host '%s' is not a valid name", name->s.p);
            sw_err_hint(in->err, "lower-case letters, digits, '-' and '.', as in a DNS name");
            return SW_EINVAL;
        }
        const struct sw_value *first = sw_map_set(by_name, name->s.p, (void *)name);
        if (first) {
            sw_inventory__fail(in, name, "duplicate host name '%s'", name->s.p);
            sw_err_hint(in->err, "the first one is on line %u", first->line);
            return SW_EINVAL;
        }
        if (sw_is(pool, SW_STR) && sw_get(in->value, "pools") && !sw_map_find(pools, pool->s.p)) return fail_no_pool(in, pool);
    }
    return 0;
}

static int check_playbook(struct inventory_load *in) {
    const struct sw_value *playbook = sw_get(in->value, "playbook");
    /* It becomes a file's name: no path, or a stranger's inventory could name any file. */
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    if (sw_is(playbook, SW_STR) && playbook->s.len && strspn(playbook->s.p, letters) == playbook->s.len) return 0;
    sw_inventory__fail(in, playbook, "'playbook' must be a name of letters, digits, '-' and '_'");
    sw_err_hint(in->err, "'site' is site.lua beside the inventory or in playbooks/");
    return SW_EINVAL;
}

int sw_inventory__check(struct inventory_load *in) {
    struct sw_map pools = {0}, hosts = {0};
    int rc = check_label(in, sw_get(in->value, "name"), "inventory");
    if (rc == 0) rc = check_playbook(in);
    if (rc == 0) rc = check_connection(in, sw_get(in->value, "ssh"));
    if (rc == 0) rc = check_pools(in, &pools);
    if (rc == 0) rc = check_hosts(in, &pools, &hosts);
    if (rc == 0) rc = check_networks(in);
    if (rc == 0) rc = sw_inventory__check_freezes(in);
    sw_map_done(&pools);
    sw_map_done(&hosts);
    return rc;
}
