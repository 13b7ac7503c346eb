/* slipway.cidr(net, index [, length]): addresses and subnets of a network, IPv4 and IPv6. */
#include "host.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Adds index << shift to a big-endian number of n bytes. false = it does not fit into the `bits` low bits above shift. */
static bool add_shifted(unsigned char *address, unsigned n, uint64_t index, unsigned shift, unsigned bits) {
    if (bits < 64 && index >> bits) return false;
    for (unsigned bit = 0; bit < 64 && bit < bits; bit++) {
        if (!(index >> bit & 1)) continue;
        unsigned at = shift + bit;
        address[n - 1 - at / 8] |= (unsigned char)(1u << (at % 8));
    }
    return true;
}

/* cidr("10.0.0.0/16", 5) = "10.0.0.5"; cidr("10.0.0.0/16", -2) = "10.0.255.254"; cidr("10.0.0.0/16", 3, 24) = "10.0.3.0/24" */
static int cidr(lua_State *L) {
    const char *net = luaL_checkstring(L, 1);
    lua_Integer index = luaL_checkinteger(L, 2);
    unsigned char address[16];
    char text[INET6_ADDRSTRLEN], *end = NULL;
    const char *slash = strchr(net, '/');
    size_t len = slash ? (size_t)(slash - net) : 0;
    if (!slash || len >= sizeof text) return sw_script__fail(L, SW_EINVAL, "'%s' is no network: ADDRESS/LENGTH wanted", net);
    memcpy(text, net, len);
    text[len] = '\0';
    int family = strchr(text, ':') ? AF_INET6 : AF_INET;
    const unsigned n = family == AF_INET6 ? 16 : 4, width = n * 8;
    unsigned long prefix = strtoul(slash + 1, &end, 10);
    if (inet_pton(family, text, address) != 1 || end == slash + 1 || *end || prefix > width)
        return sw_script__fail(L, SW_EINVAL, "'%s' is no network: ADDRESS/LENGTH wanted", net);
    bool subnet = !lua_isnoneornil(L, 3);
    lua_Integer to = luaL_optinteger(L, 3, (lua_Integer)width);
    if (to < (lua_Integer)prefix || to > (lua_Integer)width)
        return sw_script__fail(L, SW_EINVAL, "/%lld is no part of '%s'", (long long)to, net);
    for (unsigned bit = 0; bit < width - prefix; bit++) address[n - 1 - bit / 8] &= (unsigned char)~(1u << (bit % 8));
    unsigned bits = (unsigned)to - (unsigned)prefix;
    uint64_t place = (uint64_t)index;
    if (index < 0) { /* counted from the end */
        uint64_t size = bits >= 64 ? 0 : (uint64_t)1 << bits;
        if (size && (uint64_t)-index > size) return sw_script__fail(L, SW_EINVAL, "'%s' has no place %lld", net, (long long)index);
        place = size - (uint64_t)-index;
    }
    bool fits = add_shifted(address, n, place, width - (unsigned)to, bits);
    if (index < 0 && bits > 64) /* the bits above 64 of a number counted from the end are ones */
        for (unsigned bit = 64; bit < bits; bit++)
            address[n - 1 - (width - (unsigned)to + bit) / 8] |= (unsigned char)(1u << ((width - (unsigned)to + bit) % 8));
    if (!fits) return sw_script__fail(L, SW_EINVAL, "'%s' has no place %lld", net, (long long)index);
    inet_ntop(family, address, text, sizeof text);
    if (subnet)
        lua_pushfstring(L, "%s/%d", text, (int)to);
    else
        lua_pushstring(L, text);
    return 1;
}

void sw_script__open_cidr(lua_State *L) {
    lua_pushcfunction(L, cidr);
    lua_setfield(L, -2, "cidr");
}
