--- lab_node: a systemd-nspawn server on an overlay of this machine's root, with sshd and containerd.
local resource = require "resource"

local function up(client, r, line)
  line("booting")
  local out = client:node("up", { r.name, r.address, r.prefix, r.bridge, r.gateway }, { keys = table.concat(r.authorized_keys, "\n") })
  local _, _, state, _, host_key = out:match("^([^\t]*)\t([^\t]*)\t([^\t]*)\t([^\t]*)\t([^\n]*)")
  if state ~= "running" then return fail("the node did not come up", "its log is " .. client.dir .. "/" .. r.name .. "/log") end
  return { running = true, host_key = host_key }
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
      local name, address, state, _, host_key = line:match("^([^\t]*)\t([^\t]*)\t([^\t]*)\t([^\t]*)\t(.*)$")
      if name then found[name] = { address = address, running = state == "running", host_key = host_key ~= "-" and host_key or nil } end
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
