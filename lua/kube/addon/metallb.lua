--- MetalLB: addresses for Services of type LoadBalancer where no cloud gives them.
local addon = require "kube/addon"

local function object(kind, version, o, name, spec)
  return { apiVersion = "metallb.io/" .. version, kind = kind, metadata = { name = name, namespace = o.namespace }, spec = spec }
end

--- The pools: those of `pools`, and `addresses` as one called default.
local function pools(o)
  local found, seen = {}, {}
  if #o.addresses > 0 then found[1] = { name = "default", addresses = o.addresses } end
  for _, pool in ipairs(o.pools) do found[#found + 1] = pool end
  for _, pool in ipairs(found) do
    if seen[pool.name] then slipway.fail(("add-on metallb: the pool '%s' is there twice"):format(pool.name)) end
    seen[pool.name] = true
  end
  return found
end

local function number(address)
  local a, b, c, d = address:match("^(%d+)%.(%d+)%.(%d+)%.(%d+)$")
  local sum = 0
  for _, part in ipairs { a or 256, b or 256, c or 256, d or 256 } do
    part = tonumber(part)
    if part > 255 then return nil end
    sum = sum * 256 + part
  end
  return sum
end

local function is_range(text)
  local first, last = text:match("^([%d.]+)%s*%-%s*([%d.]+)$")
  if first then
    local from, to = number(first), number(last)
    return from ~= nil and to ~= nil and from <= to
  end
  if text:find("^[%x:]+:[%x:]*%s*%-%s*[%x:]+:[%x:]*$") or text:find("^[%x:]+:[%x:]*/%d+$") then return true end -- IPv6: the server looks
  return text:find("/") ~= nil and pcall(slipway.cidr, text, 0)
end

local function check_address(text)
  if type(text) == "string" and is_range(text) then return end
  slipway.fail(("add-on metallb: addresses: '%s' is no range of addresses"):format(tostring(text)), "write 192.0.2.10-192.0.2.20 or 192.0.2.0/28")
end

--- Addresses that nobody is told of reach nobody.
local function check(o)
  if not o.l2 and not o.bgp then
    slipway.fail("add-on metallb: l2 is false and there is no bgp: no address would be announced", "bgp: { my_asn: ..., peers: [...] }")
  end
  if not o.l2 and o.interfaces then slipway.fail "add-on metallb: interfaces are those of l2, which is false" end
end

local function bgp(o, names, list)
  for i, peer in ipairs(o.bgp.peers) do
    list[#list + 1] = object("BGPPeer", "v1beta2", o, peer.name or ("peer-%d"):format(i), {
      myASN = o.bgp.my_asn, peerASN = peer.asn, peerAddress = peer.address, peerPort = peer.port, holdTime = peer.hold_time,
      ebgpMultiHop = peer.multi_hop, password = peer.password and secret(peer.password),
    })
  end
  list[#list + 1] = object("BGPAdvertisement", "v1beta1", o, "default", { ipAddressPools = slipway.list(names) })
end

return addon "metallb" {
  doc = "Addresses for Services of type LoadBalancer, told to the network by ARP/NDP (L2) or BGP.",
  version = "0.15.2",
  namespace = "metallb-system",
  options = {
    addresses = { "list", default = {}, doc = "ranges of the pool 'default', as 192.0.2.10-192.0.2.20 or 192.0.2.0/28" },
    pools = { "list", default = {}, doc = "further pools", of = {
      name = { "string", required = true, doc = "the pool's name; a Service asks for it by annotation" },
      addresses = { "list", required = true, doc = "its ranges" },
      auto_assign = { "bool", default = true, doc = "give its addresses to Services that ask for no pool" },
    } },
    l2 = { "bool", default = true, doc = "answer for the addresses by ARP and NDP" },
    interfaces = { "list", doc = "the interfaces to answer on; all of them without it" },
    bgp = { "map", doc = "tell routers by BGP", of = {
      my_asn = { "int", required = true, doc = "the AS number of the cluster" },
      peers = { "list", required = true, doc = "the routers", of = {
        name = { "string", doc = "what the peer is called; peer-1, peer-2 without it" },
        address = { "string", required = true, doc = "the router's address" },
        asn = { "int", required = true, doc = "the router's AS number" },
        port = { "int", doc = "its port, 179 without it" },
        hold_time = { "string", doc = "after which silence it counts as gone, such as 90s" },
        multi_hop = { "bool", doc = "it is more than one hop away" },
        password = { "string", doc = "of the session (MD5): a secret of the inventory" },
      } },
    } },
  },

  release = function(o)
    return { url = ("https://raw.githubusercontent.com/metallb/metallb/v%s/config/manifests/metallb-native.yaml"):format(o.version) }
  end,

  check = check,

  -- Its controller makes the webhooks' certificate and fills it in; releases up to 0.13 carry another one that nobody has the key of.
  patch = function(found)
    local webhook = found.kind == "CustomResourceDefinition" and found.spec.conversion and found.spec.conversion.webhook
    if webhook and webhook.clientConfig then webhook.clientConfig.caBundle = nil end
  end,

  install = function(o, a)
    local list, names = {}, {}
    for _, pool in ipairs(pools(o)) do
      for _, range in ipairs(pool.addresses) do check_address(range) end
      list[#list + 1] = object("IPAddressPool", "v1beta1", o, pool.name, { addresses = slipway.list(pool.addresses), autoAssign = pool.auto_assign })
      names[#names + 1] = pool.name
    end
    if #list == 0 then
      slipway.warn "add-on metallb: no addresses: Services of type LoadBalancer will wait for one"
      return
    end
    if o.l2 then
      local interfaces = o.interfaces and slipway.list(o.interfaces)
      list[#list + 1] = object("L2Advertisement", "v1beta1", o, "default", { ipAddressPools = slipway.list(names), interfaces = interfaces })
    end
    if o.bgp then bgp(o, names, list) end
    a:objects(list)
  end,
}
