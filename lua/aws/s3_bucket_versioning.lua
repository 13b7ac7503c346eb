--- aws_s3_bucket_versioning: whether a bucket keeps what was written over or deleted.
local resource = require "resource"
local items, s3, xml = require "aws/lib/items", require "aws/lib/s3", require "aws/lib/xml"

local function put(aws, bucket, status)
  s3.put(aws, bucket, "versioning", xml.node("VersioningConfiguration", xml.text("Status", status)), "PutBucketVersioning")
end

local function set(aws, r)
  -- "Disabled" is what a bucket is that never had it: there is nothing to set.
  local status = r.versioning_configuration.status
  if status ~= "Disabled" then put(aws, r.bucket, status) end
  return { id = r.bucket }
end

return resource "aws_s3_bucket_versioning" {
  on = "api",
  provider = "aws",
  doc = "The versioning of a bucket. Its id is the bucket.",
  schema = {
    bucket = s3.bucket_row,
    versioning_configuration = {
      "map",
      required = true,
      of = {
        status = { "string", required = true, one_of = { "Enabled", "Suspended", "Disabled" }, doc = "once enabled it can be suspended, not disabled" },
      },
      doc = "what it is",
    },
    id = s3.id_row,
  },

  list = function(aws, list)
    return items.by(aws, list, s3.bucket_of, function(bucket, group)
      local out, have = s3.get(aws, bucket, "versioning", "GetBucketVersioning"), {}
      for _, item in ipairs(group) do
        local status = out and (items.known(out.Status) or items.id(item) and "Disabled")
        if status then have[item._name] = { id = bucket, bucket = bucket, versioning_configuration = { status = status } } end
      end
      return have
    end)
  end,

  create = set,
  update = set,
  delete = function(aws, r)
    local bucket = (r.have or r.prior).id
    local out = s3.get(aws, bucket, "versioning", "GetBucketVersioning")
    if out and out.Status == "Enabled" then put(aws, bucket, "Suspended") end
  end,
}
