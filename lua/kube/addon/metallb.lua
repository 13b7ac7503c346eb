--- MetalLB: addresses for Services of type LoadBalancer where no cloud gives them.
local addon = require "kube/addon"
local tables = require "host/lib/tables"

local function object(kind, version, o, name, spec)
  return { apiVersion = "metallb.io/" .. version, kind = kind, metadata = { name = name, namespace = o.namespace }, spec = spec }
end

--- The pools: those of `pools`, and `addresses` as one called default.
local function pools(o)
  local found = {}
  if #o.addresses > 0 then found[1] = { name = "default", addresses = o.addresses } end
  for _, pool in ipairs(o.pools) do
    if type(pool) ~= "table" or type(pool.name) ~= "string" or type(pool.addresses) ~= "table" then
      slipway.fail "add-on metallb: pools: { name, addresses: [...] } wanted"
    end
    found[#found + 1] = pool
  end
  return found
end

local function check_address(text)
  local first, last = text:match("^(%d+%.%d+%.%d+%.%d+)%-(%d+%.%d+%.%d+%.%d+)$")
  if first and last then return end
  if text:find("/") and pcall(slipway.cidr, text, 0) then return end
  if text:find("^[%x:]+%-[%x:]+$") then return end
  slipway.fail(("add-on metallb: '%s' is no range of addresses"):format(text), "write 192.0.2.10-192.0.2.20 or 192.0.2.0/28")
end

return addon "metallb" {
  doc = "Addresses for Services of type LoadBalancer, told to the network by ARP/NDP (L2) or BGP.",
  version = "0.15.2",
  namespace = "metallb-system",
  options = {
    addresses = { "list", default = {}, doc = "ranges of the pool 'default', as 192.0.2.10-192.0.2.20 or 192.0.2.0/28" },
    pools = { "list", default = {}, doc = "further pools: { name, addresses, auto_assign }" },
    l2 = { "bool", default = true, doc = "answer for the addresses by ARP and NDP" },
    interfaces = { "list", doc = "the interfaces to answer on; all of them without it" },
    bgp = { "map", doc = "{ my_asn, peers: [{ address, asn, hold_time, password }] }: tell routers by BGP" },
  },

  release = function(o)
    return { url = ("https://raw.githubusercontent.com/metallb/metallb/v%s/config/manifests/metallb-native.yaml"):format(o.version) }
  end,

  -- The namespace is the manifest's own; its controller fills the webhook's certificate in.
  install = function(o, a)
    local list, names = {}, {}
    for _, pool in ipairs(pools(o)) do
      for _, range in ipairs(pool.addresses) do check_address(range) end
      list[#list + 1] = object("IPAddressPool", "v1beta1", o, pool.name, { addresses = slipway.list(pool.addresses), autoAssign = pool.auto_assign })
      names[#names + 1] = pool.name
    end
    if #list == 0 then return end
    if o.l2 then
      local interfaces = o.interfaces and slipway.list(tables.list(o.interfaces))
      list[#list + 1] = object("L2Advertisement", "v1beta1", o, "default", { ipAddressPools = slipway.list(names), interfaces = interfaces })
    end
    if o.bgp then
      if type(o.bgp.my_asn) ~= "number" or type(o.bgp.peers) ~= "table" then
        slipway.fail "add-on metallb: bgp: { my_asn, peers: [{ address, asn }] } wanted"
      end
      for i, peer in ipairs(o.bgp.peers) do
        list[#list + 1] = object("BGPPeer", "v1beta2", o, ("peer-%d"):format(i), {
          myASN = o.bgp.my_asn, peerASN = peer.asn, peerAddress = peer.address, holdTime = peer.hold_time, password = peer.password and secret(peer.password),
        })
      end
      list[#list + 1] = object("BGPAdvertisement", "v1beta1", o, "default", { ipAddressPools = slipway.list(names) })
    end
    a:objects(list)
  end,
}
