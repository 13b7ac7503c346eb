--- aws_s3_bucket_public_access_block: keeps a bucket from being opened to the world.
local resource = require "resource"
local items, s3, xml = require "aws/lib/items", require "aws/lib/s3", require "aws/lib/xml"

--- attribute -> the element, in S3's order
local BLOCKS = {
  { "block_public_acls", "BlockPublicAcls", "whether ACLs that open it are refused" },
  { "ignore_public_acls", "IgnorePublicAcls", "whether ACLs that open it have no effect" },
  { "block_public_policy", "BlockPublicPolicy", "whether policies that open it are refused" },
  { "restrict_public_buckets", "RestrictPublicBuckets", "whether a policy that opens it has no effect for strangers" },
}

local schema = { bucket = s3.bucket_row, id = s3.id_row }
for _, block in ipairs(BLOCKS) do schema[block[1]] = { "bool", default = false, doc = block[3] } end

local function set(aws, r)
  local nodes = {}
  for i, block in ipairs(BLOCKS) do nodes[i] = xml.text(block[2], r[block[1]]) end
  s3.put(aws, r.bucket, "publicAccessBlock", xml.list("PublicAccessBlockConfiguration", nodes), "PutPublicAccessBlock")
  return { id = r.bucket }
end

return resource "aws_s3_bucket_public_access_block" {
  on = "api",
  provider = "aws",
  doc = "What a bucket refuses of what would open it to the world. Its id is the bucket.",
  schema = schema,

  list = function(aws, list)
    return items.by(aws, list, s3.bucket_of, function(bucket, group)
      local out = s3.get(aws, bucket, "publicAccessBlock", "GetPublicAccessBlock", { "NoSuchPublicAccessBlockConfiguration" })
      local have = {}
      for _, item in ipairs(group) do
        if out then
          local found = { id = bucket, bucket = bucket }
          for _, block in ipairs(BLOCKS) do found[block[1]] = aws.bool(out[block[2]]) or false end
          have[item._name] = found
        end
      end
      return have
    end)
  end,

  create = set,
  update = set,
  delete = function(aws, r) s3.remove(aws, (r.have or r.prior).id, "publicAccessBlock", "DeletePublicAccessBlock") end,
}
