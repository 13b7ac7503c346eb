--- aws_s3_bucket: a bucket. Its settings are types of their own.
local resource = require "resource"
local items, s3, tags, xml = require "aws/lib/items", require "aws/lib/s3", require "aws/lib/tags", require "aws/lib/xml"

--- Objects of one delete call.
local PER_DELETE = 1000

local function name_of(r)
  if r.have and r.have.bucket then return r.have.bucket end
  if r.bucket then return r.bucket end
  local prefix = r.bucket_prefix or r._name:lower():gsub("_", "-") .. "-"
  return prefix .. sha256(r._token or r._address):sub(1, 20)
end

local function read(aws, item, bucket, set)
  return {
    id = bucket,
    bucket = bucket,
    arn = ("arn:%s:s3:::%s"):format(aws.partition, bucket),
    region = aws.region,
    bucket_domain_name = bucket .. ".s3." .. aws.dns_suffix,
    bucket_regional_domain_name = ("%s.s3.%s.%s"):format(bucket, aws.region, aws.dns_suffix),
    tags = tags.read(aws, item, set),
  }
end

--- Tags of a bucket: a list, empty when it has none; nil when there is no such bucket.
local function tags_of(aws, bucket)
  local out, err = aws.s3:try("GET", bucket, { query = { tagging = "" }, action = "GetBucketTagging", lists = { "Tag" } })
  if out then return aws.list(out.TagSet) end
  if err.code == "NoSuchTagSet" then return {} end
  if err.code == "NoSuchBucket" then return nil end
  return aws:raise(err)
end

--- S3 has no way to change one tag: the whole set is written.
local function put_tags(aws, bucket, set)
  local nodes = {}
  for i, tag in ipairs(set) do nodes[i] = xml.node("Tag", xml.text("Key", tag.Key), xml.text("Value", tag.Value)) end
  s3.put(aws, bucket, "tagging", xml.node("Tagging", xml.list("TagSet", nodes)), "PutBucketTagging")
end

--- Writes the tags of r, and keeps what slipway noted when it made the bucket.
local function retag(aws, bucket, r)
  local now = tags_of(aws, bucket) or {}
  local set = aws:tags(r)
  local token = aws.token_of(now)
  for i = #set, 1, -1 do
    if set[i].Key == "slipway:token" then table.remove(set, i) end
  end
  if token then set[#set + 1] = { Key = "slipway:token", Value = token } end
  put_tags(aws, bucket, set)
end

local function tags_differ(aws, r)
  local set, remove = tags.changes(aws, r)
  return set or remove
end

local function create_body(aws)
  if aws.region == "us-east-1" then return nil end
  return xml.document(xml.node("CreateBucketConfiguration", xml.text("LocationConstraint", aws.region)), "http://s3.amazonaws.com/doc/2006-03-01/")
end

--- Versions and delete markers of one page.
local function page(aws, bucket)
  local out, err = aws.s3:try("GET", bucket, {
    query = { versions = "", ["max-keys"] = tostring(PER_DELETE) }, action = "ListObjectVersions", lists = { "Version", "DeleteMarker" },
  })
  if out then return out end
  return err.code ~= "NoSuchBucket" and aws:raise(err) or nil
end

local function objects(aws, out)
  local list = {}
  for _, kind in ipairs { "Version", "DeleteMarker" } do
    for _, one in ipairs(aws.list(out[kind])) do
      list[#list + 1] = xml.node("Object", xml.text("Key", one.Key), xml.text("VersionId", one.VersionId))
    end
  end
  return list
end

local function empty(aws, bucket, line)
  local done, last = 0, nil
  while true do
    local out = page(aws, bucket)
    local list = out and objects(aws, out) or {}
    if #list == 0 then return end
    local these = xml.document(xml.list("These", list), "")
    if these == last then return fail(("the bucket '%s' cannot be emptied: what was deleted is still there"):format(bucket)) end
    last = these
    list[#list + 1] = xml.text("Quiet", true)
    local answer, err = s3.send(aws, "POST", bucket, "delete", xml.list("Delete", list), "DeleteObjects", { idempotent = true, lists = { "Error" } })
    if not answer then return aws:raise(err) end
    local failed = aws.list(answer.Error)[1] or aws.list(answer)[1]
    if failed then return fail(("the object '%s' cannot be deleted: %s: %s"):format(failed.Key, failed.Code, failed.Message)) end
    done = done + #list - 1
    line(("%d objects deleted"):format(done))
  end
end

return resource "aws_s3_bucket" {
  on = "api",
  provider = "aws",
  doc = "An S3 bucket. Its id is its name.",
  schema = {
    bucket = { "string", immutable = true, doc = "its name, unique in the world; without one, one that begins with bucket_prefix" },
    bucket_prefix = { "string", immutable = true, write_only = true, doc = "what a name that slipway makes up begins with" },
    force_destroy = { "bool", default = false, doc = "whether a destroy takes the objects in it along, all versions" },
    object_lock_enabled = { "bool", immutable = true, write_only = true, doc = "whether objects can be locked; only a new bucket can be made so" },
    tags = tags.row,
    id = { "string", computed = true, doc = "its name" },
    arn = { "string", computed = true, doc = "its ARN" },
    region = { "string", computed = true, doc = "the region it is in" },
    bucket_domain_name = { "string", computed = true, doc = "its DNS name" },
    bucket_regional_domain_name = { "string", computed = true, doc = "its DNS name with the region" },
  },

  declare = function(want)
    local name = want.bucket
    if type(name) ~= "string" then return end
    if #name < 3 or #name > 63 or not name:find("^[a-z0-9][a-z0-9.-]*[a-z0-9]$") or name:find("..", 1, true) then
      fail(("bucket: expected 3 to 63 small letters, digits, hyphens and dots, got '%s'"):format(name))
    end
  end,

  list = function(aws, list)
    local have = {}
    items.each(aws, list, function(item)
      local bucket = items.id(item) or items.adopts(item) and name_of(item)
      local set = bucket and tags_of(aws, bucket)
      if set then have[item._name] = items.flagged(item, read(aws, item, bucket, set), "force_destroy") end
    end)
    return have
  end,

  create = function(aws, r)
    local bucket = name_of(r)
    -- S3 in us-east-1 answers well when the bucket is there and ours.
    if not r.have and tags_of(aws, bucket) then
      return fail(("there is a bucket '%s' already, which this state does not know"):format(bucket),
        ("adopt it with: slipway import '%s' '%s'"):format(r._address, bucket))
    end
    if not r.have then
      local headers = r.object_lock_enabled and { ["x-amz-bucket-object-lock-enabled"] = "true" } or nil
      local out, err = aws.s3:try("PUT", bucket, { body = create_body(aws), headers = headers, action = "CreateBucket", retry = { "OperationAborted" } })
      if not out and err.code ~= "BucketAlreadyOwnedByYou" then aws:raise(err) end
    end
    put_tags(aws, bucket, aws:tags(r))
    local out = read(aws, r, bucket, {})
    out.tags = r.tags
    return out
  end,

  update = function(aws, r)
    if tags_differ(aws, r) then retag(aws, r.have.id, r) end
    return { bucket = r.have.id }
  end,

  delete = function(aws, r, line)
    local bucket = (r.have or r.prior).id
    if r.force_destroy then empty(aws, bucket, line) end
    local out, err = aws.s3:try("DELETE", bucket, { action = "DeleteBucket", gone = s3.GONE, retry = { "OperationAborted" } })
    if out then return end
    if err.code == "BucketNotEmpty" then
      return fail(("the bucket '%s' cannot be deleted: there are objects in it"):format(bucket),
        "delete them, all versions, or set force_destroy = true on the bucket and apply that first")
    end
    return aws:raise(err)
  end,
}
