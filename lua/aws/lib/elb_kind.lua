--- What the types of Elastic Load Balancing do alike: lists, with tags and attributes; and what a lost answer left behind.
local elb, items = require "aws/lib/elb", require "aws/lib/items"

local kind = {}

--- Attributes that travel as key and value, which are read one thing at a time and so only where a resource speaks of them.
--- @param how table { attributes = as elb.rows has them, describe, modify: the actions, key: the parameter of the ARN, missing: codes }
--- @return fun(aws, item, arn): table|nil read
--- @return fun(aws, arn, r): table set what differs; gives what it is then
function kind.attributes(how)
  local function read(aws, item, arn)
    if not elb.sets_any(item, how.attributes) then return nil end
    local list = elb.find(aws, how.describe, { [how.key] = arn }, "Attributes", how.missing)
    return list and elb.read_attributes(aws, list, how.attributes)
  end
  local function set(aws, arn, r)
    local changes = elb.changed_attributes(r, how.attributes)
    if #changes == 0 then return {} end
    local out = aws.elbv2:call(how.modify, { [how.key] = arn, Attributes = changes }, { retry = how.missing })
    return elb.read_attributes(aws, out.Attributes, how.attributes)
  end
  return read, set
end

--- What a thing is, with attributes that were read or set.
function kind.with(out, attributes)
  for key, value in pairs(attributes or {}) do out[key] = value end
  return out
end

--- What a create or an update gives: the tags are those that were asked for.
function kind.made(out, r)
  out.tags = r.tags
  return out
end

--- The `list` of things that have names.
--- @param how table as of elb.find_all
--- @param read fun(aws, item, thing, tags, attributes): table
function kind.named(how, read, attributes_of)
  return function(aws, list)
    local found, have = elb.find_all(aws, list, how, elb.name), {}
    items.each(aws, list, function(item)
      local one = found[item._name]
      if one then have[item._name] = read(aws, item, one.thing, one.tags, attributes_of(aws, item, one.thing[how.arn])) end
    end)
    return have
  end
end

--- Things within another one, of which it has one a port or a priority: listeners of a load balancer, rules of a listener.
--- @param how table { action, list, arn: fields of the answer; parent: the parameter; attribute: the resource's attribute with the parent's ARN;
---   parent_of = fun(arn): its parent's ARN; number, field: the attribute and the answer's field that tell them apart; missing: codes;
---   taken: a format for the number, hint }
--- @return table { ours = fun(aws, r): thing, list = fun(read, attributes_of): fun(aws, list) }
function kind.within(how)
  local self = {}

  --- nil when the parent is gone.
  local function all(aws, parent)
    local found, err = aws.elbv2:try_pages(how.action, { [how.parent] = parent, PageSize = 400 }, how.list)
    if found then return found end
    for _, code in ipairs(how.missing) do
      if err.code == code then return nil end
    end
    return aws:raise(err)
  end

  local function is(aws, thing, r) return aws.int(thing[how.field]) == r[how.number] end

  --- The one in this place, when it bears the token of this create: then the first answer was lost.
  function self.ours(aws, r)
    for _, thing in ipairs(all(aws, r[how.attribute]) or {}) do
      if is(aws, thing, r) then
        local arn = thing[how.arn]
        if aws.token_of(elb.tags(aws, { arn })[arn] or {}) == r._token then return thing end
        return fail(how.taken:format(r[how.number]) .. " already, which this state does not know",
          ("adopt it with: slipway import '%s' '%s'%s"):format(r._address, arn, how.hint or ""))
      end
    end
  end

  --- @param read fun(aws, item, thing, tags, attributes): table
  --- @param attributes_of? fun(aws, item, arn)
  function self.list(read, attributes_of)
    return function(aws, list)
      local of, arns = {}, {}
      items.by(aws, list, function(item)
        local id = items.id(item)
        return id and how.parent_of(id) or items.adopts(item) and items.known(item[how.attribute]) or nil
      end, function(parent, group)
        local things = all(aws, parent) or {}
        for _, item in ipairs(group) do
          local id = items.id(item)
          for _, thing in ipairs(things) do
            if id and thing[how.arn] == id or not id and is(aws, thing, item) then of[item._name] = thing end
          end
        end
      end)
      for _, thing in pairs(of) do arns[#arns + 1] = thing[how.arn] end
      local tagged, have = elb.tags(aws, arns), {}
      items.each(aws, list, function(item)
        local thing = of[item._name]
        local set = thing and tagged[thing[how.arn]] or {}
        if thing and (items.id(item) or aws.token_of(set) == item._token) then
          have[item._name] = read(aws, item, thing, set, attributes_of and attributes_of(aws, item, thing[how.arn]))
        end
      end)
      return have
    end
  end

  return self
end

return kind
