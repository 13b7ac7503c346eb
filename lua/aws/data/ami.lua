local resource = require "resource"
local ec2 = require "aws/lib/ec2"

local function matches(found, r)
  return not r.name_regex or (found.name or ""):find(r.name_regex) ~= nil
end

--- Newest first; of two made in the same second the one with the greater id, so that every run finds the same.
local function newer(a, b)
  if a.creationDate ~= b.creationDate then return a.creationDate > b.creationDate end
  return a.imageId > b.imageId
end

local function asked(r)
  local words = {}
  for _, filter in ipairs(ec2.filters(r)) do words[#words + 1] = filter.Name .. " = " .. table.concat(filter.Value, " | ") end
  if r.owners then words[#words + 1] = "owners = " .. table.concat(r.owners, ", ") end
  if r.name_regex then words[#words + 1] = "name_regex = " .. r.name_regex end
  return table.concat(words, "; ")
end

local function root_snapshot(aws, found)
  for _, mapping in ipairs(aws.list(found.blockDeviceMapping)) do
    if mapping.deviceName == found.rootDeviceName and mapping.ebs then return mapping.ebs.snapshotId end
  end
  return nil
end

local function read(aws, r)
  local params = { Owner = r.owners, ExecutableBy = r.executable_users, IncludeDeprecated = r.include_deprecated or nil, Filter = ec2.filters(r) }
  local images = {}
  for _, found in ipairs(aws:once("DescribeImages " .. json.encode(params), function() return aws.ec2:pages("DescribeImages", params, "imagesSet") end)) do
    if matches(found, r) then images[#images + 1] = found end
  end
  if #images == 0 then
    return fail(("%s: no image matches: %s"):format(r._address, asked(r)),
                "images differ by region and owner: look at them with aws ec2 describe-images --owners ... --filters ...")
  end
  table.sort(images, newer)
  if #images > 1 and not r.most_recent then
    fail(("%s: %d images match, such as %s and %s"):format(r._address, #images, images[1].name or images[1].imageId, images[2].name or images[2].imageId),
         "most_recent = true takes the newest, or make the filters narrower")
  end
  local found = images[1]
  return {
    id = found.imageId,
    image_id = found.imageId,
    name = found.name,
    description = found.description or "",
    architecture = found.architecture,
    owner_id = found.imageOwnerId,
    creation_date = found.creationDate,
    root_device_name = found.rootDeviceName,
    root_device_type = found.rootDeviceType,
    root_snapshot_id = root_snapshot(aws, found),
    virtualization_type = found.virtualizationType,
    platform_details = found.platformDetails,
    arn = ("arn:%s:ec2:%s::image/%s"):format(aws.partition, aws.region, found.imageId),
  }
end

return resource "data.aws_ami" {
  on = "api", provider = "aws", data = true,
  doc = "An image that matches, the newest of several.",
  schema = {
    owners = { "list", of = "string", doc = "account numbers, or amazon, aws-marketplace, self: who publishes it" },
    most_recent = { "bool", default = false, doc = "the newest of several; else several are an error" },
    filter = ec2.filter_row,
    name_regex = { "string", doc = "a Lua pattern that its name must match" },
    executable_users = { "list", of = "string", doc = "who may start it: account numbers, or self, all" },
    include_deprecated = { "bool", default = false, doc = "deprecated ones as well" },
    id = { "string", computed = true, doc = "ami-..." },
    image_id = { "string", computed = true, doc = "the same as id" },
    name = { "string", computed = true, doc = "its name" },
    description = { "string", computed = true, doc = "what its owner says of it" },
    architecture = { "string", computed = true, doc = "x86_64 or arm64" },
    owner_id = { "string", computed = true, doc = "the account of its owner" },
    creation_date = { "string", computed = true, doc = "when it was made" },
    root_device_name = { "string", computed = true, doc = "the device of its root disk" },
    root_device_type = { "string", computed = true, doc = "ebs or instance-store" },
    root_snapshot_id = { "string", computed = true, doc = "the snapshot of its root disk" },
    virtualization_type = { "string", computed = true, doc = "hvm or paravirtual" },
    platform_details = { "string", computed = true, doc = "what is billed: Linux/UNIX, Windows" },
    arn = { "string", computed = true, doc = "its ARN" },
  },
  declare = function(t)
    if t.owners == nil and t.filter == nil and t.executable_users == nil then
      slipway.fail("owners is not set, and neither is filter",
                   'anybody can publish an image of any name: owners = { "099720109477" } is Canonical, "136693071363" Debian, "amazon" AWS')
    end
  end,
  list = function(aws, items)
    return ec2.data(items, function(r) return read(aws, r) end)
  end,
}
