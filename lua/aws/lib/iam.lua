--- IAM, as its types share it: names, what just made things answer, and reads that grow by pages.
---
--- IAM has no list that gives a role's tags and policies, except GetAccountAuthorizationDetails, which gives the whole account's. A few things
--- are asked for one by one, at once; more than FEW of a type are taken from that list. Whoever may not call it pays one call for each.
local items = require "aws/lib/items"
local policy = require "aws/lib/policy"

local tags = require "aws/lib/tags"

local iam = {}

local FEW, PAGE = 2, 500

--- Codes of a thing that was made a moment ago and is not known everywhere.
iam.NOT_YET = { "NoSuchEntity", "ConcurrentModification" }
iam.GONE = { "NoSuchEntity" }

iam.TRUST_RETRY = { "NoSuchEntity", "ConcurrentModification", { "MalformedPolicyDocument", "nvalid principal" } }

--- The name to make a thing by: `name`; name_prefix and digits that are the same in every attempt of one create; or the resource's own.
function iam.name(r)
  if r.have and r.have.name then return r.have.name end
  if r.name_prefix then return r.name_prefix .. sha256(r._token or r._address):sub(1, 12) end
  return r.name
end

iam.name_rows = {
  name = { "string", immutable = true, doc = "its name; without one, that of the resource" },
  name_prefix = { "string", immutable = true, write_only = true, doc = "instead of name: what the name begins with, made unique by slipway" },
}

--- The rows every named IAM type has, and those of `more`.
function iam.schema(more)
  for key, row in pairs(iam.name_rows) do more[key] = row end
  return more
end

--- `field` of an answer; nil when there is no such thing. Another failure ends the call.
local function get(aws, action, params, field)
  local out, err = aws.iam:try(action, params)
  if out then return field and out[field] or out end
  if err.code == "NoSuchEntity" then return nil end
  return aws:raise(err)
end
iam.get = get

--- All of the account by a filter of GetAccountAuthorizationDetails, by `key`; nil when the caller may not.
local function account_details(aws, filter, list, key)
  return aws:once("iam " .. filter, function()
    local all, err = aws.iam:try_pages("GetAccountAuthorizationDetails", { Filter = { filter }, MaxItems = PAGE }, list)
    if not all then
      if err.code == "AccessDenied" then return false end
      aws:raise(err)
    end
    local by = {}
    for _, entry in ipairs(all) do by[entry[key]] = entry end
    return by
  end) or nil
end

--- What `one(name)` gives for every name, or what `many()` gives by name when there are more than a few of them.
local function few_or_many(aws, names, one, many)
  local all = #names > FEW and many()
  if all then return all end
  local found = {}
  items.each(aws, names, function(name) found[name] = one(name) end)
  return found
end

local function described(list)
  for _, item in ipairs(list) do
    if item.description ~= nil or item.max_session_duration ~= nil then return true end
  end
  return false
end

--- Roles by name, as GetRole gives them. Their description and session length are in ListRoles only, asked for when an item sets them.
function iam.roles(aws, names, list)
  return few_or_many(aws, names, function(name) return get(aws, "GetRole", { RoleName = name }, "Role") end, function()
    local all = account_details(aws, "Role", "RoleDetailList", "RoleName")
    if not all or not described(list) then return all end
    local roles = {}
    for _, listed in ipairs(aws.iam:pages("ListRoles", { MaxItems = PAGE }, "Roles")) do
      local role = all[listed.RoleName]
      if role then
        local whole = {}
        for key, value in pairs(role) do whole[key] = value end
        whole.Description, whole.MaxSessionDuration = listed.Description, listed.MaxSessionDuration
        roles[listed.RoleName] = whole
      end
    end
    return roles
  end)
end

--- The inline policies asked for, by "role:name": their documents in canonical form. `wanted` is a list of { role=, name=, id= }.
function iam.inline(aws, wanted)
  local ids, by_id = {}, {}
  for i, one in ipairs(wanted) do ids[i], by_id[one.id] = one.id, one end
  return few_or_many(aws, ids, function(id)
    local out = get(aws, "GetRolePolicy", { RoleName = by_id[id].role, PolicyName = by_id[id].name })
    return out and policy.read(out.PolicyDocument)
  end, function()
    local all = account_details(aws, "Role", "RoleDetailList", "RoleName")
    if not all then return nil end
    local found = {}
    for id, one in pairs(by_id) do
      local role = all[one.role]
      for _, inline in ipairs(aws.list(role and role.RolePolicyList)) do
        if inline.PolicyName == one.name then found[id] = policy.read(inline.PolicyDocument) end
      end
    end
    return found
  end)
end

local function arns(list)
  local set = {}
  for _, attached in ipairs(list) do set[attached.PolicyArn] = true end
  return set
end

--- The policies attached to roles: role name -> set of ARNs.
function iam.attached(aws, roles)
  return few_or_many(aws, roles, function(role)
    local list, err = aws.iam:try_pages("ListAttachedRolePolicies", { RoleName = role }, "AttachedPolicies")
    if list then return arns(list) end
    if err.code ~= "NoSuchEntity" then aws:raise(err) end
  end, function()
    local all = account_details(aws, "Role", "RoleDetailList", "RoleName")
    if not all then return nil end
    local found = {}
    for _, role in ipairs(roles) do found[role] = all[role] and arns(aws.list(all[role].AttachedManagedPolicies)) end
    return found
  end)
end

local function one_policy(aws, arn)
  local found = get(aws, "GetPolicy", { PolicyArn = arn }, "Policy")
  local version = found and get(aws, "GetPolicyVersion", { PolicyArn = arn, VersionId = found.DefaultVersionId }, "PolicyVersion")
  if version then found.Document = version.Document end
  return version and found
end

--- Managed policies by ARN, with the Document of their default version. From the account's list they come without tags.
function iam.policies(aws, all_arns)
  return few_or_many(aws, all_arns, function(arn) return one_policy(aws, arn) end, function()
    local all = account_details(aws, "LocalManagedPolicy", "Policies", "Arn")
    if not all then return nil end
    local found = {}
    for _, arn in ipairs(all_arns) do
      for _, version in ipairs(aws.list(all[arn] and all[arn].PolicyVersionList)) do
        if version.VersionId == all[arn].DefaultVersionId then
          found[arn] = { Document = version.Document }
          for key, value in pairs(all[arn]) do found[arn][key] = value end
        end
      end
    end
    return found
  end)
end

--- Instance profiles by name. From the account's list they come without tags.
function iam.profiles(aws, names)
  return few_or_many(aws, names, function(name) return get(aws, "GetInstanceProfile", { InstanceProfileName = name }, "InstanceProfile") end, function()
    local found = {}
    for _, profile in ipairs(aws.iam:pages("ListInstanceProfiles", { MaxItems = PAGE }, "InstanceProfiles")) do
      found[profile.InstanceProfileName] = profile
    end
    return found
  end)
end

--- The name an item is looked for by: recorded, or that of a run that died; nil: not at all.
function iam.of(item, name_of) return items.id(item) or items.adopts(item) and name_of(item) or nil end

--- The names of items to look for: recorded ones, and those a dead run may have made.
function iam.names(list, name_of)
  local names, seen = {}, {}
  for _, item in ipairs(list) do
    local name = iam.of(item, name_of)
    if name and not seen[name] then
      seen[name] = true
      names[#names + 1] = name
    end
  end
  return names
end

--- Whether what was found under a name is the item's: recorded, or made by the run that died.
function iam.is_of(aws, item, thing)
  return items.id(item) ~= nil or aws.token_of(aws.list(thing.Tags)) == item._token
end

--- After EntityAlreadyExists: ours when it bears the token of this create (the first answer was lost), else somebody's.
--- @param what string "role", for people
function iam.taken(aws, err, r, existing, what, id)
  if err.code == "EntityAlreadyExists" and existing and aws.token_of(aws.list(existing.Tags)) == r._token then return existing end
  if err.code == "EntityAlreadyExists" then
    return fail(("there is a%s %s '%s' already, which this state does not know"):format(what:find("^[aeiou]") and "n" or "", what, id),
      ("adopt it with: slipway import '%s' '%s'; or choose another name"):format(r._address, id))
  end
  return aws:raise(err)
end

--- Brings tags of a thing in line. `key` is the parameter that names it, `verb` the end of the action's name.
function iam.retag(aws, verb, key, id, r)
  local set, remove = tags.changes(aws, r)
  if set then aws.iam:call("Tag" .. verb, { [key] = id, Tags = set }) end
  if remove then aws.iam:call("Untag" .. verb, { [key] = id, TagKeys = remove }) end
end

--- Deletes by `delete()` -> out, err, again while IAM still sees what was taken off a moment ago. holders() -> list of texts: what is on it.
function iam.delete(aws, what, delete, holders, hint)
  local seen = 0
  aws:wait { what = what, within = 60, check = function()
    local out, err = delete()
    if out then return true end
    if err.code ~= "DeleteConflict" then return aws:raise(err) end
    local left = holders()
    if #left == 0 then return nil, "DeleteConflict, with nothing on it" end
    seen = seen + 1
    if seen > 4 then return fail(("%s cannot be deleted: it still has %s"):format(what, table.concat(left, ", ")), hint) end
    return nil, "it still has " .. table.concat(left, ", ")
  end }
end

return iam
