--- S3, as its types share it.
local items, xml = require "aws/lib/items", require "aws/lib/xml"

local s3 = {}

local NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"

s3.GONE = { "NoSuchBucket" }

--- A bucket that was made a moment ago, and changes to it that come at once.
s3.RETRY = { "NoSuchBucket", "OperationAborted" }

--- SHA-256 in base64, by which S3 checks a body.
local function checksum(body)
  return base64.encode((sha256(body):gsub("%x%x", function(hex) return string.char(tonumber(hex, 16)) end)))
end

--- PUT or POST of a document to a sub-resource of a bucket ("versioning", ...).
function s3.send(aws, method, bucket, sub, root, action, options)
  local body = xml.document(root, NAMESPACE)
  options = options or {}
  options.query, options.body, options.action = { [sub] = "" }, body, action
  options.headers = { ["x-amz-checksum-sha256"] = checksum(body), ["x-amz-sdk-checksum-algorithm"] = "SHA256" }
  return aws.s3:try(method, bucket, options)
end

--- The same, of which every failure ends the call.
function s3.put(aws, bucket, sub, root, action)
  local out, err = s3.send(aws, "PUT", bucket, sub, root, action, { retry = s3.RETRY, within = 60 })
  return out or aws:raise(err)
end

--- A sub-resource of a bucket; nil when the bucket is not there or one of `none` says that it has none.
function s3.get(aws, bucket, sub, action, none, lists)
  local out, err = aws.s3:try("GET", bucket, { query = { [sub] = "" }, action = action, lists = lists })
  if out then return out end
  if err.code == "NoSuchBucket" then return nil end
  for _, code in ipairs(none or {}) do
    if err.code == code then return nil end
  end
  return aws:raise(err)
end

function s3.remove(aws, bucket, sub, action)
  aws.s3:request("DELETE", bucket, { query = { [sub] = "" }, action = action, gone = s3.GONE })
end

--- The bucket whose setting an item is: recorded, or to be looked for after a run that died. nil: there is nothing to look for.
function s3.bucket_of(item)
  if items.id(item) then return item.prior.bucket or item.prior.id end
  return items.adopts(item) and items.known(item.bucket) or nil
end

--- The rows that every setting of a bucket has.
s3.bucket_row = { "string", required = true, immutable = true, doc = "the bucket" }
s3.id_row = { "string", computed = true, doc = "the bucket" }

return s3
