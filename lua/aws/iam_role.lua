--- aws_iam_role: what a machine or a service may become.
local resource = require "resource"
local iam, items, policy, tags = require "aws/lib/iam", require "aws/lib/items", require "aws/lib/policy", require "aws/lib/tags"

local function read(aws, item, role)
  return {
    id = role.RoleName,
    name = role.RoleName,
    path = role.Path,
    arn = role.Arn,
    unique_id = role.RoleId,
    create_date = role.CreateDate,
    assume_role_policy = policy.read(role.AssumeRolePolicyDocument),
    description = role.Description or "",
    max_session_duration = aws.int(role.MaxSessionDuration),
    permissions_boundary = role.PermissionsBoundary and role.PermissionsBoundary.PermissionsBoundaryArn or "",
    tags = tags.read(aws, item, role.Tags),
  }
end

local function leave_profile(aws, name, profile)
  aws.iam:call("RemoveRoleFromInstanceProfile", { InstanceProfileName = profile, RoleName = name }, { gone = iam.GONE })
end

--- What a role still carries. It leaves the instance profiles that slipway made: one whose role is replaced gets the new one after this.
local function holders(aws, name)
  local left = {}
  for _, listed in ipairs(aws.iam:pages("ListInstanceProfilesForRole", { RoleName = name }, "InstanceProfiles")) do
    local profile = iam.get(aws, "GetInstanceProfile", { InstanceProfileName = listed.InstanceProfileName }, "InstanceProfile")
    if profile and aws.token_of(profile.Tags) then
      leave_profile(aws, name, listed.InstanceProfileName)
    elseif profile then
      left[#left + 1] = "the instance profile " .. listed.InstanceProfileName
    end
  end
  for _, attached in ipairs(aws.iam:pages("ListAttachedRolePolicies", { RoleName = name }, "AttachedPolicies")) do
    left[#left + 1] = "the attached policy " .. attached.PolicyArn
  end
  for _, inline in ipairs(aws.iam:pages("ListRolePolicies", { RoleName = name }, "PolicyNames")) do
    left[#left + 1] = "the inline policy " .. inline
  end
  return left
end

local function detach_all(aws, name)
  for _, profile in ipairs(aws.iam:pages("ListInstanceProfilesForRole", { RoleName = name }, "InstanceProfiles")) do
    leave_profile(aws, name, profile.InstanceProfileName)
  end
  for _, attached in ipairs(aws.iam:pages("ListAttachedRolePolicies", { RoleName = name }, "AttachedPolicies")) do
    aws.iam:call("DetachRolePolicy", { RoleName = name, PolicyArn = attached.PolicyArn }, { gone = iam.GONE })
  end
  for _, inline in ipairs(aws.iam:pages("ListRolePolicies", { RoleName = name }, "PolicyNames")) do
    aws.iam:call("DeleteRolePolicy", { RoleName = name, PolicyName = inline }, { gone = iam.GONE })
  end
end

local function set_boundary(aws, name, arn)
  if arn == "" then
    aws.iam:call("DeleteRolePermissionsBoundary", { RoleName = name }, { gone = iam.GONE })
  else
    aws.iam:call("PutRolePermissionsBoundary", { RoleName = name, PermissionsBoundary = arn }, { retry = iam.NOT_YET })
  end
end

local function filled(text) return text ~= "" and text or nil end

local function update(aws, r)
  local name, have = r.have.id, r.have
  if r.assume_role_policy ~= have.assume_role_policy then
    aws.iam:call("UpdateAssumeRolePolicy", { RoleName = name, PolicyDocument = policy.wire(r.assume_role_policy) }, { retry = iam.TRUST_RETRY })
  end
  local description, session = r.description or have.description, r.max_session_duration or have.max_session_duration
  if description ~= have.description or session ~= have.max_session_duration then
    aws.iam:call("UpdateRole", { RoleName = name, Description = description, MaxSessionDuration = session }, { retry = iam.NOT_YET })
  end
  if r.permissions_boundary and r.permissions_boundary ~= have.permissions_boundary then set_boundary(aws, name, r.permissions_boundary) end
  iam.retag(aws, "Role", "RoleName", name, r)
  return items.rest(r)
end

return resource "aws_iam_role" {
  on = "api",
  provider = "aws",
  unique = true,
  doc = "An IAM role. Its id is its name.",
  schema = iam.schema {
    assume_role_policy = { "any", required = true, doc = "who may assume it: a policy document, as a table or as JSON" },
    path = { "string", default = "/", immutable = true, doc = "the path in its ARN" },
    description = { "string", doc = "what it is for" },
    max_session_duration = { "int", doc = "seconds a session may last, 3600 to 43200" },
    permissions_boundary = { "string", doc = 'the ARN of the policy that bounds it; "" takes it away' },
    force_detach_policies = { "bool", default = false, doc = "whether a destroy takes off what others attached, too" },
    tags = tags.row,
    id = { "string", computed = true, doc = "its name" },
    arn = { "string", computed = true, doc = "its ARN" },
    unique_id = { "string", computed = true, doc = "the id that no later role of the same name has" },
    create_date = { "string", computed = true, doc = "when it was made" },
  },

  normalise = function(want) return policy.attributes(want, "assume_role_policy") end,

  list = function(aws, list)
    local roles, found = iam.roles(aws, iam.names(list, iam.name), list), {}
    for _, item in ipairs(list) do
      local role = roles[iam.of(item, iam.name)]
      if role and iam.is_of(aws, item, role) then found[item._name] = items.flagged(item, read(aws, item, role), "force_detach_policies") end
    end
    return found
  end,

  create = function(aws, r)
    if r.have then return update(aws, r) end
    local name = iam.name(r)
    local out, err = aws.iam:try("CreateRole", {
      RoleName = name,
      Path = r.path,
      AssumeRolePolicyDocument = policy.wire(r.assume_role_policy),
      Description = r.description and filled(r.description),
      MaxSessionDuration = r.max_session_duration,
      PermissionsBoundary = r.permissions_boundary and filled(r.permissions_boundary),
      Tags = aws:tags(r),
    }, { retry = iam.TRUST_RETRY })
    local role = out and out.Role or iam.taken(aws, err, r, iam.get(aws, "GetRole", { RoleName = name }, "Role"), "role", name)
    return read(aws, r, role)
  end,

  update = update,
  delete = function(aws, r)
    local name = (r.have or r.prior).id
    if r.force_detach_policies then detach_all(aws, name) end
    iam.delete(aws, "the role " .. name, function() return aws.iam:try("DeleteRole", { RoleName = name }, { gone = iam.GONE }) end,
      function() return holders(aws, name) end, "take them off, or set force_detach_policies = true on the role and apply that first")
  end,
}
