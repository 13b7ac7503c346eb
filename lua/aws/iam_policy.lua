--- aws_iam_policy: a managed policy of the account's own.
local resource = require "resource"
local iam, items, policy, tags = require "aws/lib/iam", require "aws/lib/items", require "aws/lib/policy", require "aws/lib/tags"

--- IAM keeps five versions of a policy.
local VERSIONS = 5

local function read(aws, item, found)
  return {
    id = found.Arn,
    arn = found.Arn,
    name = found.PolicyName,
    path = found.Path,
    policy_id = found.PolicyId,
    description = found.Description or "",
    policy = policy.read(found.Document),
    tags = found.Tags and tags.read(aws, item, found.Tags) or item.prior and item.prior.tags,
  }
end

local function arn_of(aws, item)
  return aws:arn("iam", "policy" .. item.path .. iam.name(item), "")
end

local function versions(aws, arn)
  return aws.iam:pages("ListPolicyVersions", { PolicyArn = arn }, "Versions")
end

local function delete_version(aws, arn, version)
  aws.iam:call("DeletePolicyVersion", { PolicyArn = arn, VersionId = version.VersionId }, { gone = iam.GONE })
end

--- Makes room for another version: the oldest that is not in force goes.
local function make_room(aws, arn)
  local all, oldest = versions(aws, arn), nil
  for _, version in ipairs(all) do
    local number = tonumber(version.VersionId:match("%d+")) or 0
    if not aws.bool(version.IsDefaultVersion) and (not oldest or number < oldest.number) then oldest = { number = number, VersionId = version.VersionId } end
  end
  if #all >= VERSIONS and oldest then delete_version(aws, arn, oldest) end
end

local function put(aws, arn, document)
  local params = { PolicyArn = arn, PolicyDocument = policy.wire(document), SetAsDefault = true }
  local out, err = aws.iam:try("CreatePolicyVersion", params, { idempotent = true, retry = iam.NOT_YET })
  if out then return end
  if err.code ~= "LimitExceeded" then return aws:raise(err) end
  make_room(aws, arn)
  aws.iam:call("CreatePolicyVersion", params, { idempotent = true, retry = iam.NOT_YET })
end

--- Who the policy is attached to.
local function holders(aws, arn)
  local left = {}
  local out = aws.iam:call("ListEntitiesForPolicy", { PolicyArn = arn })
  for _, role in ipairs(aws.list(out.PolicyRoles)) do left[#left + 1] = "the role " .. role.RoleName end
  for _, user in ipairs(aws.list(out.PolicyUsers)) do left[#left + 1] = "the user " .. user.UserName end
  for _, group in ipairs(aws.list(out.PolicyGroups)) do left[#left + 1] = "the group " .. group.GroupName end
  return left
end

local function update(aws, r)
  if r.policy ~= r.have.policy then put(aws, r.have.id, r.policy) end
  iam.retag(aws, "Policy", "PolicyArn", r.have.id, r)
  return items.rest(r)
end

return resource "aws_iam_policy" {
  on = "api",
  provider = "aws",
  unique = true,
  doc = "A managed policy. Its id is its ARN.",
  schema = iam.schema {
    path = { "string", default = "/", immutable = true, doc = "the path in its ARN" },
    description = { "string", immutable = true, doc = "what it is for" },
    policy = { "any", required = true, doc = "what it allows: a policy document, as a table or as JSON" },
    tags = tags.row,
    id = { "string", computed = true, doc = "its ARN" },
    arn = { "string", computed = true, doc = "its ARN" },
    policy_id = { "string", computed = true, doc = "the id that no later policy of the same name has" },
  },

  normalise = function(want) return policy.attributes(want, "policy") end,

  list = function(aws, list)
    local found = {}
    local recorded = iam.policies(aws, iam.names(list, function() return nil end))
    for _, item in ipairs(list) do
      local id = items.id(item)
      local one = id and recorded[id]
      if items.adopts(item) then one = iam.policies(aws, { arn_of(aws, item) })[arn_of(aws, item)] end
      if one and iam.is_of(aws, item, one) then found[item._name] = read(aws, item, one) end
    end
    return found
  end,

  create = function(aws, r)
    if r.have then return update(aws, r) end
    local out, err = aws.iam:try("CreatePolicy", {
      PolicyName = iam.name(r),
      Path = r.path,
      Description = r.description,
      PolicyDocument = policy.wire(r.policy),
      Tags = aws:tags(r),
    }, { retry = { "ConcurrentModification" } })
    local made = out and out.Policy
    if not made then
      local arn = arn_of(aws, r)
      made = iam.taken(aws, err, r, iam.get(aws, "GetPolicy", { PolicyArn = arn }, "Policy"), "policy", arn)
    end
    return { id = made.Arn, arn = made.Arn, name = made.PolicyName, policy_id = made.PolicyId }
  end,

  update = update,

  delete = function(aws, r)
    local arn = (r.have or r.prior).id
    local all, err = aws.iam:try("ListPolicyVersions", { PolicyArn = arn })
    if not all and err.code == "NoSuchEntity" then return end
    if not all then return aws:raise(err) end
    for _, version in ipairs(aws.list(all.Versions)) do
      if not aws.bool(version.IsDefaultVersion) then delete_version(aws, arn, version) end
    end
    iam.delete(aws, "the policy " .. arn, function() return aws.iam:try("DeletePolicy", { PolicyArn = arn }, { gone = iam.GONE }) end,
      function() return holders(aws, arn) end, "detach it there first")
  end,
}
