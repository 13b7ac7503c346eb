--- lab_key: the SSH key pair that opens the lab's nodes, kept beside them.
local resource = require "resource"

return resource "lab_key" {
  on = "api",
  provider = "lab",
  doc = "The SSH key pair that opens the lab's nodes.",
  schema = {
    path = { "string", required = true, immutable = true, doc = "file of the private key: id_ed25519 in the lab's directory" },
    public = { "string", computed = true, doc = "the public key" },
  },
  list = function(client, items)
    local public = client:node("show-key"):match("[^\n]+")
    local found = {}
    for _, item in ipairs(items) do
      if public then found[item.name] = { path = client.dir .. "/id_ed25519", public = public } end
    end
    return found
  end,
  create = function(client) return { public = client:node("make-key"):match("[^\n]+") } end,
  delete = function(client) client:node("remove-key") end,
}
