--- aws_iam_instance_profile: how a role gets to an instance.
local resource = require "resource"
local iam, items, tags = require "aws/lib/iam", require "aws/lib/items", require "aws/lib/tags"

--- IAM answers from several places: a profile is there when it was seen so many times in a row.
local SEEN = 3

local function role_of(aws, profile)
  local role = aws.list(profile.Roles)[1]
  return role and role.RoleName or ""
end

local function read(aws, item, profile)
  return {
    id = profile.InstanceProfileName,
    name = profile.InstanceProfileName,
    path = profile.Path,
    arn = profile.Arn,
    unique_id = profile.InstanceProfileId,
    create_date = profile.CreateDate,
    role = role_of(aws, profile),
    tags = profile.Tags and tags.read(aws, item, profile.Tags) or item.prior and item.prior.tags,
  }
end

local function get(aws, name) return iam.get(aws, "GetInstanceProfile", { InstanceProfileName = name }, "InstanceProfile") end

local ADD_RETRY = { "NoSuchEntity", "ConcurrentModification", { "InvalidParameterValue", "Instance Profile" } }

local function add(aws, name, role)
  local out, err = aws.iam:try("AddRoleToInstanceProfile", { InstanceProfileName = name, RoleName = role }, { idempotent = true, retry = ADD_RETRY })
  if out then return end
  -- A profile holds one role: when it is this one, the first answer was lost.
  local profile = err.code == "LimitExceeded" and get(aws, name)
  if not profile or role_of(aws, profile) ~= role then aws:raise(err) end
end

local function remove(aws, name, role)
  if role == "" then return end
  aws.iam:call("RemoveRoleFromInstanceProfile", { InstanceProfileName = name, RoleName = role }, { gone = iam.GONE })
end

local function settle(aws, name, role, line)
  local seen = 0
  return aws:wait { what = "the instance profile " .. name, within = 120, line = line, check = function()
    local profile = get(aws, name)
    seen = profile and role_of(aws, profile) == role and seen + 1 or 0
    return seen >= SEEN and profile, "not known everywhere yet"
  end }
end

local function update(aws, r, line)
  local name = r.have.id
  if r.role and r.role ~= r.have.role then
    remove(aws, name, r.have.role)
    if r.role ~= "" then add(aws, name, r.role) end
    settle(aws, name, r.role, line)
  end
  iam.retag(aws, "InstanceProfile", "InstanceProfileName", name, r)
  return items.rest(r)
end

return resource "aws_iam_instance_profile" {
  on = "api",
  provider = "aws",
  unique = true,
  doc = "An instance profile: the role an instance has. Its id is its name.",
  schema = iam.schema {
    path = { "string", default = "/", immutable = true, doc = "the path in its ARN" },
    role = { "string", doc = 'the name of the role; "" takes it away' },
    tags = tags.row,
    id = { "string", computed = true, doc = "its name" },
    arn = { "string", computed = true, doc = "its ARN" },
    unique_id = { "string", computed = true, doc = "the id that no later profile of the same name has" },
    create_date = { "string", computed = true, doc = "when it was made" },
  },

  list = function(aws, list)
    local found = {}
    local recorded = iam.profiles(aws, iam.names(list, function() return nil end))
    for _, item in ipairs(list) do
      local id = items.id(item)
      local profile = id and recorded[id]
      if items.adopts(item) then profile = get(aws, iam.name(item)) end
      if profile and iam.is_of(aws, item, profile) then found[item._name] = read(aws, item, profile) end
    end
    return found
  end,

  create = function(aws, r, line)
    if r.have then return update(aws, r, line) end
    local name, role = iam.name(r), r.role or ""
    local out, err = aws.iam:try("CreateInstanceProfile", { InstanceProfileName = name, Path = r.path, Tags = aws:tags(r) })
    if not out then iam.taken(aws, err, r, get(aws, name), "instance profile", name) end
    if role ~= "" then add(aws, name, role) end
    return read(aws, r, settle(aws, name, role, line))
  end,

  update = update,

  delete = function(aws, r)
    local name = (r.have or r.prior).id
    local profile = get(aws, name)
    if not profile then return end
    remove(aws, name, role_of(aws, profile))
    iam.delete(aws, "the instance profile " .. name,
      function() return aws.iam:try("DeleteInstanceProfile", { InstanceProfileName = name }, { gone = iam.GONE }) end,
      function()
        local left = get(aws, name)
        local role = left and role_of(aws, left) or ""
        return role ~= "" and { "the role " .. role } or {}
      end)
  end,
}
