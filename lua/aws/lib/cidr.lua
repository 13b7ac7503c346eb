--- Checks of networks and ports, where they are declared: what waits for another resource is looked at later, by the API.
local cidr = {}

local function plain(value)
  return type(value) == "string"
end

local function quoted(attribute, value, expected, hint)
  slipway.fail(("%s: expected %s, got '%s'"):format(attribute, expected, value), hint)
end

--- Address and prefix length of a network as text, or nil.
local function parts(value)
  local address, length = value:match("^([%x:.]+)/(%d+)$")
  length = tonumber(length)
  if not address or not pcall(slipway.cidr, value, 0, length) then return nil end
  return address, length
end

--- The network an address lies in: "10.0.1.5/16" is in "10.0.0.0/16".
function cidr.network(value)
  local _, length = parts(value)
  return length and slipway.cidr(value, 0, length)
end

--- @param family 4 or 6
--- @param shortest integer? prefix lengths that are allowed
--- @param longest integer?
--- @return any value as AWS writes it; what waits for another resource as it is
function cidr.check(attribute, value, family, shortest, longest)
  if not plain(value) then return value end
  local example = family == 6 and "2001:db8::/56" or "10.0.0.0/16"
  local address, length = parts(value)
  if not address or (address:find(":", 1, true) ~= nil) ~= (family == 6) then
    local full = family == 6 and "/128" or "/32"
    local single = not value:find("/", 1, true) and parts(value .. full)
    quoted(attribute, value, ("an IPv%d network such as %s"):format(family, example), single and ("a single address is '%s%s'"):format(value, full) or nil)
  end
  -- An IPv6 address has many spellings: both sides in the shortest.
  local network, full = cidr.network(value), family == 6 and 128 or 32
  local written = slipway.cidr(address .. "/" .. full, 0, full):match("^[^/]+") .. "/" .. length
  if network ~= written then quoted(attribute, value, "a network's first address", ("the network it lies in is '%s'"):format(network)) end
  if shortest and (length < shortest or length > longest) then
    quoted(attribute, value, ("a length from /%d to /%d"):format(shortest, longest))
  end
  return network
end

--- Whether two networks of one family have addresses in common.
function cidr.overlap(a, b)
  local _, one = parts(a)
  local _, other = parts(b)
  if not one or not other then return false end
  if (a:find(":", 1, true) ~= nil) ~= (b:find(":", 1, true) ~= nil) then return false end
  local length = math.min(one, other)
  local address_a, address_b = a:match("^[^/]+"), b:match("^[^/]+")
  return slipway.cidr(address_a .. "/" .. length, 0, length) == slipway.cidr(address_b .. "/" .. length, 0, length)
end

--- The first two of { name, network } that overlap, or nil.
function cidr.first_overlap(networks)
  for i, one in ipairs(networks) do
    for k = i + 1, #networks do
      if cidr.overlap(one[2], networks[k][2]) then return one, networks[k] end
    end
  end
  return nil
end

--- First and last address of an IPv4 network, as numbers.
local function bounds(network)
  local a, b, c, d, length = network:match("^(%d+)%.(%d+)%.(%d+)%.(%d+)/(%d+)$")
  local first = ((tonumber(a) * 256 + tonumber(b)) * 256 + tonumber(c)) * 256 + tonumber(d)
  return first, first + (1 << (32 - tonumber(length))) - 1
end

--- IPv4 networks none of which overlaps another: a list in their order.
--- @return any? what an overlapping one was added with; then nothing is added
function cidr.add(list, network, what)
  local first, last = bounds(network)
  local low, high = 1, #list + 1 -- list[low - 1] begins before, list[high] does not
  while low < high do
    local middle = (low + high) // 2
    if list[middle].first < first then low = middle + 1 else high = middle end
  end
  for i = low - 1, low do
    local one = list[i]
    if one and one.first <= last and one.last >= first then return one.what end
  end
  table.insert(list, low, { first = first, last = last, what = what })
  return nil
end

--- Whether a network holds another.
function cidr.contains(outer, inner)
  local _, wide = parts(outer)
  local _, narrow = parts(inner)
  return wide ~= nil and narrow ~= nil and wide <= narrow and cidr.overlap(outer, inner)
end

function cidr.address(attribute, value)
  if not plain(value) then return end
  if not parts(value .. "/32") or value:find("/", 1, true) then quoted(attribute, value, "an IPv4 address such as 10.0.0.10") end
end

return cidr
