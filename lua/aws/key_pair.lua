local resource = require "resource"
local ec2, tags = require "aws/lib/ec2", require "aws/lib/tags"

local HOW = { action = "DescribeKeyPairs", filter = "key-name", set = "keySet", id = "keyName", params = { IncludePublicKey = true } }

--- Algorithm and key, without the comment, which AWS does not keep.
local function bare(key)
  if type(key) ~= "string" then return key end
  local algorithm, data = key:match("^%s*(%S+)%s+(%S+)")
  return algorithm and algorithm .. " " .. data
end

local function computed(aws, found)
  return {
    id = found.keyName,
    key_pair_id = found.keyPairId,
    fingerprint = found.keyFingerprint,
    key_type = found.keyType,
    arn = aws:arn("ec2", "key-pair/" .. found.keyName),
  }
end

local function read(aws, found, item)
  local have = computed(aws, found)
  have.key_name = found.keyName
  have.public_key = bare(ec2.text(found.publicKey)) or item.prior and item.prior.public_key
  have.tags = tags.read(aws, item, found.tagSet)
  return have
end

return resource "aws_key_pair" {
  on = "api", provider = "aws", unique = true,
  doc = "An SSH public key that new instances let in. Its id is its name.",
  schema = {
    key_name = { "string", immutable = true, doc = "its name in AWS; the resource's when it is not set" },
    public_key = { "string", required = true, immutable = true, doc = "ssh-ed25519 or ssh-rsa and the key; a comment is not kept" },
    tags = tags.row,
    id = { "string", computed = true, doc = "the same as key_name" },
    key_pair_id = { "string", computed = true, doc = "key-..." },
    fingerprint = { "string", computed = true, doc = "as AWS computes it" },
    key_type = { "string", computed = true, doc = "rsa or ed25519" },
    arn = { "string", computed = true, doc = "its ARN" },
  },
  declare = function(t)
    local key = t.public_key
    if type(key) == "string" and not (key:find("^%s*ssh%-ed25519%s+AAAA") or key:find("^%s*ssh%-rsa%s+AAAA")) then
      local hint = key:find("PRIVATE KEY", 1, true) and "this is a private key: give the text of the .pub file" or 'read it with slipway.file("id_ed25519.pub")'
      slipway.fail("public_key: expected 'ssh-ed25519 AAAA...' or 'ssh-rsa AAAA...'", hint)
    end
  end,
  normalise = function(want)
    local copy = {}
    for key, value in pairs(want) do copy[key] = value end
    copy.public_key = bare(want.public_key) or want.public_key
    return copy
  end,
  list = ec2.lister(HOW, read),

  create = function(aws, r)
    local name = r.have and r.have.id
    if not name then
      name = aws.ec2:call("ImportKeyPair", {
        KeyName = r.key_name or r._name, PublicKeyMaterial = base64.encode(r.public_key), TagSpecification = ec2.specification(aws, "key-pair", r),
      }).keyName
    else
      ec2.retag(aws, r, r.have.key_pair_id)
    end
    local made = computed(aws, ec2.await(aws, HOW, name, "key pair"))
    made.key_name = name
    return made
  end,

  update = function(aws, r) ec2.retag(aws, r, r.have.key_pair_id) end,
  delete = function(aws, r) aws.ec2:call("DeleteKeyPair", { KeyName = ec2.id(r) }, { gone = { "InvalidKeyPair.NotFound" } }) end,
}
