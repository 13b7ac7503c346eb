--- aws_s3_bucket_server_side_encryption_configuration: how a bucket encrypts what is written to it.
local resource = require "resource"
local items, s3, xml = require "aws/lib/items", require "aws/lib/s3", require "aws/lib/xml"

local function set(aws, r)
  local nodes = {}
  for i, rule in ipairs(r.rule) do
    local default = rule.apply_server_side_encryption_by_default
    nodes[i] = xml.node("Rule",
      default and xml.node("ApplyServerSideEncryptionByDefault", xml.text("SSEAlgorithm", default.sse_algorithm),
        xml.text("KMSMasterKeyID", default.kms_master_key_id)),
      xml.text("BucketKeyEnabled", rule.bucket_key_enabled))
  end
  s3.put(aws, r.bucket, "encryption", xml.list("ServerSideEncryptionConfiguration", nodes), "PutBucketEncryption")
  return { id = r.bucket }
end

local function read(aws, out)
  local rules = {}
  for i, rule in ipairs(out) do
    local default = rule.ApplyServerSideEncryptionByDefault
    rules[i] = {
      apply_server_side_encryption_by_default = type(default) == "table"
        and { sse_algorithm = default.SSEAlgorithm, kms_master_key_id = items.known(default.KMSMasterKeyID) } or nil,
      bucket_key_enabled = aws.bool(rule.BucketKeyEnabled) or false,
    }
  end
  return slipway.list(rules)
end

return resource "aws_s3_bucket_server_side_encryption_configuration" {
  on = "api",
  provider = "aws",
  doc = "The encryption of a bucket. Its id is the bucket. A destroy leaves AWS's own, SSE-S3.",
  schema = {
    bucket = s3.bucket_row,
    rule = {
      "list",
      required = true,
      of = {
        apply_server_side_encryption_by_default = {
          "map",
          of = {
            sse_algorithm = { "string", required = true, one_of = { "AES256", "aws:kms", "aws:kms:dsse" }, doc = "by what" },
            kms_master_key_id = { "string", doc = "the KMS key; the account's own for S3 when it is not set" },
          },
          doc = "what objects are encrypted by that do not say it themselves",
        },
        bucket_key_enabled = { "bool", default = false, doc = "whether one KMS call serves many objects" },
      },
      doc = "the rule; it needs no list around it",
    },
    id = s3.id_row,
  },

  declare = function(want)
    if type(want.rule) ~= "table" or want.rule[1] ~= nil or next(want.rule) == nil then return nil end
    local out = {}
    for key, value in pairs(want) do out[key] = value end
    out.rule = { want.rule }
    return out
  end,

  list = function(aws, list)
    return items.by(aws, list, s3.bucket_of, function(bucket, group)
      local out = s3.get(aws, bucket, "encryption", "GetBucketEncryption", { "ServerSideEncryptionConfigurationNotFoundError" }, { "Rule" })
      local have = {}
      for _, item in ipairs(group) do
        if out then have[item._name] = { id = bucket, bucket = bucket, rule = read(aws, out) } end
      end
      return have
    end)
  end,

  create = set,
  update = set,
  delete = function(aws, r) s3.remove(aws, (r.have or r.prior).id, "encryption", "DeleteBucketEncryption") end,
}
