--- tls_private_key: a key pair that is made once and kept, encrypted, in the state and nowhere else.
local resource = require "resource"

return resource "tls_private_key" {
  on = "api",
  provider = "tls",
  doc = "A key pair, made once and kept in the state, encrypted. It is replaced by `--replace` only.",
  schema = {
    algorithm = { "string", default = "ED25519", one_of = { "ED25519" }, immutable = true, doc = "the kind of key" },
    public_key_openssh = { "string", computed = true, doc = "the public key, as in authorized_keys and host_key" },
    private_key_openssh = { "string", computed = true, sensitive = true, doc = "the private key in OpenSSH's form" },
    private_key_json = { "string", computed = true, sensitive = true, doc = "the same as a quoted string of JSON and YAML, for cloud-config" },
  },
  -- The state is the only place where it is.
  list = function(_, items)
    local found = {}
    for _, item in ipairs(items) do found[item._name] = item.prior end
    return found
  end,
  create = function(client)
    local public, private = client.generate()
    return { public_key_openssh = public, private_key_openssh = secret(private), private_key_json = secret(json.encode(private)) }
  end,
  delete = function() end,
}
