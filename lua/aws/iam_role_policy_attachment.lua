--- aws_iam_role_policy_attachment: a managed policy on a role.
local resource = require "resource"
local iam, items = require "aws/lib/iam", require "aws/lib/items"

local function id_of(role, arn) return role .. "/" .. arn end

--- Role and policy: recorded as such (Terraform's own id of it says nothing), in the id, or as wanted where a dead run began it.
local function wanted(item)
  local prior = item.prior or {}
  if items.known(prior.role) and items.known(prior.policy_arn) then return prior.role, prior.policy_arn end
  local id = items.id(item)
  if id then return id:match("^([^/]+)/(arn:.+)$") end
  if items.adopts(item) and items.known(item.role) and items.known(item.policy_arn) then return item.role, item.policy_arn end
end

return resource "aws_iam_role_policy_attachment" {
  on = "api",
  provider = "aws",
  doc = "A managed policy attached to a role. Its id is ROLE/POLICY_ARN.",
  schema = {
    role = { "string", required = true, immutable = true, doc = "the role's name" },
    policy_arn = { "string", required = true, immutable = true, doc = "the ARN of the policy" },
    id = { "string", computed = true, doc = "ROLE/POLICY_ARN" },
  },

  list = function(aws, list)
    local roles, seen, found = {}, {}, {}
    for _, item in ipairs(list) do
      local role = wanted(item)
      if role and not seen[role] then
        seen[role] = true
        roles[#roles + 1] = role
      end
    end
    local attached = iam.attached(aws, roles)
    for _, item in ipairs(list) do
      local role, arn = wanted(item)
      if role and attached[role] and attached[role][arn] then found[item._name] = { id = id_of(role, arn), role = role, policy_arn = arn } end
    end
    return found
  end,

  create = function(aws, r)
    aws.iam:call("AttachRolePolicy", { RoleName = r.role, PolicyArn = r.policy_arn }, { idempotent = true, retry = iam.NOT_YET })
    return { id = id_of(r.role, r.policy_arn) }
  end,

  delete = function(aws, r)
    local role, arn = wanted { prior = r.have or r.prior }
    aws.iam:call("DetachRolePolicy", { RoleName = role, PolicyArn = arn }, { gone = iam.GONE })
  end,
}
