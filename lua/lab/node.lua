--- lab_node: a systemd-nspawn server on an overlay of this machine's root, with sshd and containerd.
local resource = require "resource"

--- One line of node.sh: name, address, state, leader, host key, prefix, bridge, gateway; "-" where there is none.
local function parse(line)
  local fields = {}
  for field in (line .. "\t"):gmatch("([^\t]*)\t") do fields[#fields + 1] = field ~= "-" and field or false end
  local name, address, state, _, host_key, prefix, bridge, gateway = table.unpack(fields, 1, 8)
  return name, {
    address = address or nil,
    running = state == "running",
    host_key = host_key or nil,
    prefix = prefix and tonumber(prefix) or nil,
    bridge = bridge or nil,
    gateway = gateway or nil,
  }
end

local function up(client, r, line)
  line("booting")
  local out = client:node("up", { r.name, r.address, r.prefix, r.bridge, r.gateway }, { keys = table.concat(r.authorized_keys, "\n") })
  local _, node = parse(out:match("[^\n]*"))
  if not node.running then return fail("the node did not come up", "its log is " .. client.dir .. "/" .. r.name .. "/log") end
  return { running = true, host_key = node.host_key }
end

return resource "lab_node" {
  on = "api",
  provider = "lab",
  owns_host = true,
  doc = "A disposable server on this machine: a container that boots a real systemd.",
  name = { doc = "the node's host name", pattern = "^[a-z0-9][a-z0-9-]*$" },
  schema = {
    address = { "string", required = true, immutable = true, doc = "its IPv4 address on the bridge" },
    prefix = { "int", default = 24, immutable = true, doc = "prefix length of the network" },
    bridge = { "string", default = "slipway0", immutable = true, doc = "the bridge it hangs on, made when absent" },
    gateway = { "string", required = true, immutable = true, doc = "the bridge's own address" },
    authorized_keys = { "list", of = "string", required = true, write_only = true, doc = "public keys that may log in as root" },
    running = { "bool", default = true, doc = "whether it runs" },
    host_key = { "string", computed = true, doc = "its SSH host key, so that the first contact is verified" },
  },

  list = function(client)
    local found = {}
    for line in client:node("list"):gmatch("[^\n]+") do
      local name, node = parse(line)
      found[name] = node
    end
    return found
  end,

  create = up,
  update = up,
  delete = function(client, r, line)
    line("stopping")
    client:node("down", { r.name })
  end,
}
