--- lab_key: the SSH key pair that opens the lab's nodes, kept beside them.
local resource = require "resource"

return resource "lab_key" {
  on = "api",
  provider = "lab",
  doc = "The SSH key pair that opens the lab's nodes.",
  schema = {
    path = { "string", required = true, immutable = true, doc = "file of the private key" },
    public = { "string", computed = true, doc = "the public key" },
  },
  list = function(client, items)
    local found = {}
    for _, item in ipairs(items) do
      local out = client:node("show-key", { item.path or item.prior.path })
      if out ~= "" then found[item.name] = { path = item.path or item.prior.path, public = out:match("[^\n]+") } end
    end
    return found
  end,
  create = function(client, r) return { public = client:node("make-key", { r.path }):match("[^\n]+") } end,
  delete = function(client, r) client:node("remove-key", { r.prior and r.prior.path or r.path }) end,
}
