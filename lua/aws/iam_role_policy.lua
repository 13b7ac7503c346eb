--- aws_iam_role_policy: a policy written into a role.
local resource = require "resource"
local iam, items, policy = require "aws/lib/iam", require "aws/lib/items", require "aws/lib/policy"

local function id_of(role, name) return role .. ":" .. name end

--- Role and name of an item: by its recorded id, or by its attributes when a dead run may have made it.
local function wanted(item)
  local id = items.id(item)
  local role, name
  if id then
    role, name = id:match("^([^:]+):(.+)$")
  elseif items.adopts(item) then
    role, name = items.known(item.role), iam.name(item)
  end
  return role and { role = role, name = name, id = id_of(role, name) }
end

local function put(aws, r, name)
  aws.iam:call("PutRolePolicy", { RoleName = r.role, PolicyName = name, PolicyDocument = policy.wire(r.policy) }, { retry = iam.NOT_YET })
  return { id = id_of(r.role, name), name = name }
end

return resource "aws_iam_role_policy" {
  on = "api",
  provider = "aws",
  doc = "A policy written into a role. Its id is ROLE:NAME.",
  schema = iam.schema {
    role = { "string", required = true, immutable = true, doc = "the role's name" },
    policy = { "any", required = true, doc = "what the role may do: a policy document, as a table or as JSON" },
    id = { "string", computed = true, doc = "ROLE:NAME" },
  },

  normalise = function(want) return policy.attributes(want, "policy") end,

  list = function(aws, list)
    local asked, of, found = {}, {}, {}
    for _, item in ipairs(list) do
      local one = wanted(item)
      if one then asked[#asked + 1], of[item._name] = one, one end
    end
    local documents = iam.inline(aws, asked)
    for name, one in pairs(of) do
      if documents[one.id] then found[name] = { id = one.id, role = one.role, name = one.name, policy = documents[one.id] } end
    end
    return found
  end,

  create = function(aws, r)
    local name = iam.name(r)
    -- PutRolePolicy would write over what somebody else put there.
    if not r.have and iam.get(aws, "GetRolePolicy", { RoleName = r.role, PolicyName = name }) then
      return fail(("the role '%s' has a policy '%s' already, which this state does not know"):format(r.role, name),
        ("adopt it with: slipway import '%s' '%s'"):format(r._address, id_of(r.role, name)))
    end
    return put(aws, r, name)
  end,

  update = function(aws, r) return put(aws, r, r.have.name) end,

  delete = function(aws, r)
    local role, name = (r.have or r.prior).id:match("^([^:]+):(.+)$")
    aws.iam:call("DeleteRolePolicy", { RoleName = role, PolicyName = name }, { gone = iam.GONE })
  end,
}
