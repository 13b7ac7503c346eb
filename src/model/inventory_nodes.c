/* The list of machines: pools times count, or the hosts, each with all that is known of it. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "inventory_internal.h"
#include "slipway/map.h"
#include "slipway/vec.h"

/* Lab machines start here: below lie the gateway and what people put there by hand. */
#define FIRST_ADDRESS 11

struct nodes {
    const struct sw_value **v;
    size_t n, cap;
};

struct expand {
    struct inventory_load *in;
    struct nodes nodes;
    struct sw_map names;        /* node name -> the value that named it */
    struct sw_map hosts;        /* host name -> its entry */
    struct sw_map pools;        /* pool name -> its entry, for static hosts */
    struct sw_map parts;        /* pool name -> pool_part() of it */
    struct sw_map counts;       /* pool name -> how many machines so far, for static hosts */
    struct sw_map addresses;    /* taken, with the lab */
    const struct sw_value *ssh; /* the connection every machine starts from */
    struct cidr network;
    uint32_t next_address; /* an offset within `network` */
};

static const struct sw_value *with(struct expand *e, const struct sw_value *map, const char *key, const struct sw_value *value) {
    return sw_map_with(e->in->arena, map, key, value);
}

static const struct sw_value *paths(struct expand *e, const struct sw_value *map) {
    static const char *const single[] = {"key", "known_hosts"};
    for (size_t i = 0; i < sw_countof(single); i++) {
        const struct sw_value *path = sw_get(map, single[i]);
        if (path) map = with(e, map, single[i], sw_inventory__path(e->in, path));
    }
    const struct sw_value *keys = sw_get(map, "keys");
    if (sw_is(keys, SW_LIST)) {
        const struct sw_value **items = sw_new_n(e->in->arena, const struct sw_value *, keys->list.n);
        for (size_t i = 0; i < keys->list.n; i++) items[i] = sw_inventory__path(e->in, keys->list.v[i]);
        map = with(e, map, "keys", sw_value_list(e->in->arena, items, keys->list.n));
    }
    return map;
}

/* `key` and `keys` say the same thing: who gives one means to replace the other, too. */
static const struct sw_value *overlay(struct expand *e, const struct sw_value *base, const struct sw_value *over) {
    if (sw_get(over, "key") || sw_get(over, "keys")) base = with(e, with(e, base, "key", NULL), "keys", NULL);
    return sw_map_merge(e->in->arena, base, over);
}

/* The bastion logs in as the machines do unless it says otherwise. remote.h knows its host as an address, like every machine's. */
static const struct sw_value *bastion(struct expand *e, const struct sw_value *given, const struct sw_value *ssh) {
    static const char *const inherited[] = {"agent", "connect_timeout", "key", "keys", "known_hosts", "passphrase", "user"};
    const struct sw_value *base = &SW_EMPTY_MAP;
    for (size_t i = 0; i < sw_countof(inherited); i++)
        if (sw_get(ssh, inherited[i])) base = with(e, base, inherited[i], sw_get(ssh, inherited[i]));
    const struct sw_value *own = with(e, with(e, given, "address", sw_get(given, "host")), "host", NULL);
    return overlay(e, base, paths(e, own));
}

/* What `map` says of the connection, over `base`, in the words and with the absolute paths remote.h wants. */
static const struct sw_value *connection(struct expand *e, const struct sw_value *base, const struct sw_value *map) {
    struct sw_pair pairs[24];
    size_t n = 0;
    for (const char *const *key = SW_INVENTORY__CONNECTION_KEYS; *key; key++) {
        const struct sw_value *v = sw_get(map, *key);
        if (!sw_is_nil(v)) pairs[n++] = (struct sw_pair){*key, v};
    }
    const struct sw_value *own = paths(e, sw_value_map(e->in->arena, pairs, n)), *through = sw_get(own, "bastion");
    if (sw_is(through, SW_MAP)) own = with(e, own, "bastion", bastion(e, through, base ? base : own));
    const struct sw_value *c = overlay(e, base, own);
    return strcmp(sw_get_str(c, "become", ""), "none") == 0 ? with(e, c, "become", NULL) : c;
}

static const struct sw_value *zone_of(struct expand *e, const struct sw_value *pool, size_t index) {
    const struct sw_value *zone = sw_get(pool, "zone"), *zones = sw_get(pool, "zones");
    if (!zone && !zones && !e->in->is_static) zones = sw_get_path(e->in->value, "network.zones");
    if (zone || !zones || zones->kind != SW_LIST || zones->list.n == 0) return zone;
    return zones->list.v[(index - 1) % zones->list.n];
}

/* A pool's settings as its machines have them: without those that are about the pool as a whole. */
static const struct sw_value *pool_part(struct expand *e, const struct sw_value *pool) {
    static const char *const of_the_pool[] = {"addresses", "count", "names", "zones"};
    const struct sw_value *part = pool;
    for (size_t i = 0; i < sw_countof(of_the_pool); i++) part = with(e, part, of_the_pool[i], NULL);
    return part;
}

/* One more machine: its pool's settings, its host entry's over them, and what follows from both. `part` is pool_part(pool). */
static int add_node(struct expand *e, const struct sw_value *name, const struct sw_value *pool, const struct sw_value *part,
                    const struct sw_value *host, size_t index) {
    struct sw_arena *arena = e->in->arena;
    const struct sw_value *first = sw_map_set(&e->names, name->s.p, (void *)name);
    if (first) {
        sw_inventory__fail(e->in, name, "duplicate node name '%s'", name->s.p);
        if (first->line) sw_err_hint(e->in->err, "the first one comes from line %u", first->line);
        return SW_EINVAL;
    }
    const struct sw_value *node = sw_map_merge(arena, part, host);
    struct sw_pair pairs[8];
    size_t n = 0;
    pairs[n++] = (struct sw_pair){"connection", connection(e, e->ssh, node)};
    pairs[n++] = (struct sw_pair){"index", sw_value_int(arena, (int64_t)index)};
    pairs[n++] = (struct sw_pair){"labels", sw_map_merge(arena, sw_get(part, "labels"), sw_get(host, "labels"))};
    pairs[n++] = (struct sw_pair){"name", name};
    const struct sw_value *pool_name = pool ? sw_get(pool, "name") : sw_get(host, "pool");
    if (pool_name) pairs[n++] = (struct sw_pair){"pool", pool_name};
    if (!sw_get(node, "role")) pairs[n++] = (struct sw_pair){"role", sw_value_str(arena, "worker")};
    if (!sw_get(node, "taints")) pairs[n++] = (struct sw_pair){"taints", &SW_EMPTY_LIST};
    const struct sw_value *zone = sw_get(node, "zone") ? NULL : zone_of(e, pool, index);
    if (zone) pairs[n++] = (struct sw_pair){"zone", zone};
    node = sw_map_merge(arena, node, sw_value_map(arena, pairs, n));
    sw_vec_push(&e->nodes, node);
    return 0;
}

static int check_total(struct expand *e, const struct sw_value *at, int64_t more) {
    if ((int64_t)e->nodes.n + more <= SW_INVENTORY__MAX_NODES) return 0;
    sw_err_set(e->in->err, SW_ELIMIT, "more than %d machines", SW_INVENTORY__MAX_NODES);
    sw_err_at(e->in->err, (struct sw_pos){.file = e->in->file, .line = at->line});
    return SW_ELIMIT;
}

static int add_hosts(struct expand *e) {
    const struct sw_value *hosts = sw_get(e->in->value, "hosts"), *pools = sw_get(e->in->value, "pools");
    for (size_t i = 0; sw_is(pools, SW_LIST) && i < pools->list.n; i++) {
        const struct sw_value *pool = pools->list.v[i];
        sw_map_set(&e->pools, sw_get_str(pool, "name", ""), (void *)pool);
        sw_map_set(&e->parts, sw_get_str(pool, "name", ""), (void *)pool_part(e, pool));
    }
    for (size_t i = 0; sw_is(hosts, SW_LIST) && i < hosts->list.n; i++) {
        const struct sw_value *host = hosts->list.v[i];
        const char *pool_name = sw_get_str(host, "pool", ""), *transport = sw_get_str(host, "transport", "");
        size_t *index = sw_map_find(&e->counts, pool_name);
        if (!index) {
            index = sw_new(e->in->arena, size_t);
            sw_map_set(&e->counts, pool_name, index);
        }
        ++*index;
        int rc = check_total(e, host, 1);
        if (rc < 0) return rc;
        if (!*transport) transport = sw_get_str(e->ssh, "transport", "ssh");
        if (!sw_get(host, "address") && strcmp(transport, "local") != 0) {
            sw_inventory__fail(e->in, host, "host '%s' needs an 'address'", sw_get_str(host, "name", ""));
            sw_err_hint(e->in->err, "add address: 192.0.2.11, or transport: local for this machine itself");
            return SW_EINVAL;
        }
        const struct sw_value *pool = sw_map_find(&e->pools, pool_name);
        rc = add_node(e, sw_get(host, "name"), pool, sw_map_find(&e->parts, pool_name), host, *index);
        if (rc < 0) return rc;
    }
    return 0;
}

/* The next free address of the lab's network, or what the pool's or the host's entry says. */
static int give_address(struct expand *e, const struct sw_value *pool, size_t index, const struct sw_value *name,
                        const struct sw_value **host) {
    const struct sw_value *given = sw_get(pool, "addresses"), *address = NULL;
    if (sw_get(*host, "address")) return 0;
    if (sw_is(given, SW_LIST) && index <= given->list.n) {
        address = given->list.v[index - 1];
    } else if (e->in->is_lab) {
        uint32_t size = e->network.bits ? 1u << (32 - e->network.bits) : UINT32_MAX;
        char text[INET_ADDRSTRLEN];
        do {
            if (e->next_address + 1 >= size) {
                const char *cidr = sw_get_str(sw_get(e->in->value, "network"), "cidr", "");
                sw_inventory__fail(e->in, pool, "'network.cidr' (%s) has no address left for '%s'", cidr, name->s.p);
                sw_err_hint(e->in->err, "addresses start at .%d; give a larger network, such as 10.88.0.0/20", FIRST_ADDRESS);
                return SW_EINVAL;
            }
            struct in_addr ip = {htonl(e->network.network + e->next_address++)};
            inet_ntop(AF_INET, &ip, text, sizeof text);
        } while (sw_map_find(&e->addresses, text));
        address = sw_value_str(e->in->arena, text);
    }
    if (address) *host = with(e, *host ? *host : &SW_EMPTY_MAP, "address", address);
    return 0;
}

static int add_pool(struct expand *e, const struct sw_value *pool) {
    const struct sw_value *names = sw_get(pool, "names"), *count_value = sw_get(pool, "count"), *pool_name = sw_get(pool, "name");
    size_t n_names = sw_is(names, SW_LIST) ? names->list.n : 0;
    int64_t count = sw_get_int(pool, "count", names ? (int64_t)n_names : 1);
    if (names && count_value && count != (int64_t)n_names)
        return sw_inventory__fail(e->in, count_value, "pool '%s' has %zu names but a count of %lld", pool_name->s.p, n_names,
                                  (long long)count);
    int rc = check_total(e, pool, count);
    const struct sw_value *part = pool_part(e, pool);
    for (int64_t i = 0; rc == 0 && i < count; i++) {
        const struct sw_value *name;
        if (names) {
            name = names->list.v[i];
        } else {
            struct sw_value *made = sw_new(e->in->arena, struct sw_value);
            *made = *sw_value_str(e->in->arena, sw_printf(e->in->arena, "%s-%lld", pool_name->s.p, (long long)i + 1));
            made->line = pool_name->line;
            name = made;
        }
        if (!sw_is(name, SW_STR) || !sw_inventory__is_label(name->s.p)) {
            sw_inventory__fail(e->in, name, "node '%s' is not a valid name", sw_is(name, SW_STR) ? name->s.p : "?");
            sw_err_hint(e->in->err, "lower-case letters, digits and '-', at most 63, with a letter or digit at both ends");
            return SW_EINVAL;
        }
        const struct sw_value *host = sw_map_find(&e->hosts, name->s.p);
        rc = give_address(e, pool, (size_t)i + 1, name, &host);
        if (rc == 0) rc = add_node(e, name, pool, part, host, (size_t)i + 1);
    }
    return rc;
}

static void take(struct expand *e, const struct sw_value *address) {
    if (sw_is(address, SW_STR)) sw_map_set(&e->addresses, address->s.p, (void *)address);
}

/* What is spoken for before any machine gets an address. */
static void take_addresses(struct expand *e) {
    const struct sw_value *hosts = sw_get(e->in->value, "hosts"), *pools = sw_get(e->in->value, "pools");
    const struct sw_value *cidr = sw_get_path(e->in->value, "network.cidr");
    if (sw_is(cidr, SW_STR)) sw_inventory__parse_cidr(cidr->s.p, &e->network);
    take(e, sw_get_path(e->in->value, "network.gateway"));
    for (size_t i = 0; sw_is(hosts, SW_LIST) && i < hosts->list.n; i++) {
        take(e, sw_get(hosts->list.v[i], "address"));
        const char *name = sw_get_str(hosts->list.v[i], "name", "");
        sw_map_set(&e->hosts, name, (void *)hosts->list.v[i]);
    }
    for (size_t i = 0; sw_is(pools, SW_LIST) && i < pools->list.n; i++) {
        const struct sw_value *given = sw_get(pools->list.v[i], "addresses");
        for (size_t j = 0; sw_is(given, SW_LIST) && j < given->list.n; j++) take(e, given->list.v[j]);
    }
}

static int add_pools(struct expand *e) {
    const struct sw_value *hosts = sw_get(e->in->value, "hosts"), *pools = sw_get(e->in->value, "pools");
    take_addresses(e);
    for (size_t i = 0; sw_is(pools, SW_LIST) && i < pools->list.n; i++) {
        int rc = add_pool(e, pools->list.v[i]);
        if (rc < 0) return rc;
    }
    for (size_t i = 0; sw_is(hosts, SW_LIST) && i < hosts->list.n; i++) {
        const struct sw_value *name = sw_get(hosts->list.v[i], "name");
        if (sw_map_find(&e->names, name->s.p)) continue;
        sw_inventory__fail(e->in, name, "host '%s' is none of the pools' machines", name->s.p);
        sw_err_hint(e->in->err, "machines that exist already need provider: { name: static }; others are named POOL-1, POOL-2");
        return SW_EINVAL;
    }
    return 0;
}

int sw_inventory__expand(struct inventory_load *in, const struct sw_value **ret_nodes) {
    struct expand e = {.in = in, .next_address = FIRST_ADDRESS};
    e.ssh = connection(&e, NULL, sw_get(in->value, "ssh"));
    int rc = in->is_static ? add_hosts(&e) : add_pools(&e);
    if (rc == 0) *ret_nodes = sw_value_list(in->arena, e.nodes.v, e.nodes.n);
    sw_vec_done(&e.nodes);
    sw_map_done(&e.names);
    sw_map_done(&e.hosts);
    sw_map_done(&e.pools);
    sw_map_done(&e.parts);
    sw_map_done(&e.counts);
    sw_map_done(&e.addresses);
    return rc;
}
