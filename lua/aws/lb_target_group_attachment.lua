--- aws_lb_target_group_attachment: one target of a target group.
local resource = require "resource"
local batch, elb, items = require "aws/lib/batch", require "aws/lib/elb", require "aws/lib/items"

local MISSING = { "TargetGroupNotFound" }

--- A target is refused until its instance runs.
local RETRY = { "InvalidTarget", "TargetGroupNotFound" }

--- So many targets go into one call.
local PER_CALL = 100

local function id_of(arn, target, port)
  return ("%s,%s%s"):format(arn, target, port and "," .. port or "")
end

--- Target group, target and port of an item: recorded as such (Terraform's own id says nothing of them), in the id, or those it is to have
--- when a dead run may have made it.
local function wanted(item)
  local prior = item.prior or {}
  if items.known(prior.target_group_arn) and items.known(prior.target_id) then return prior.target_group_arn, prior.target_id, prior.port end
  local id = items.id(item)
  if id then
    local arn, target, port = id:match("^([^,]+),([^,]+),?(%d*)$")
    return arn, target, tonumber(port)
  end
  if items.adopts(item) then return items.known(item.target_group_arn), items.known(item.target_id), item.port end
end

--- The registered target, or nil. Without a port it is the group's own that counts.
local function registered(aws, health, target, port)
  for _, one in ipairs(health) do
    local reason = one.TargetHealth and one.TargetHealth.Reason
    local gone = reason == "Target.NotRegistered" or reason == "Target.DeregistrationInProgress"
    if one.Target.Id == target and (not port or aws.int(one.Target.Port) == port) and not gone then return one end
  end
end

--- Registers or deregisters the targets of a group that are asked for at the same time in one call. One that is refused must not hold up
--- the others: then each goes alone.
local function act(aws, action, arn, target, options)
  return batch(aws, action .. " " .. arn, target, PER_CALL, function(targets)
    if #targets == 1 then return aws.elbv2:call(action, { TargetGroupArn = arn, Targets = targets }, options) end
    return (aws.elbv2:try(action, { TargetGroupArn = arn, Targets = targets }, { idempotent = true, gone = options.gone }))
  end)
end

return resource "aws_lb_target_group_attachment" {
  on = "api",
  provider = "aws",
  doc = "A target of a target group. Its id is TARGET_GROUP_ARN,TARGET_ID,PORT (or without the port).",
  schema = {
    target_group_arn = { "string", required = true, immutable = true, doc = "the target group" },
    target_id = { "string", required = true, immutable = true, doc = "an instance, an address or a load balancer, as the group's target_type says" },
    port = { "int", immutable = true, doc = "the port it listens on, when it is not the group's" },
    availability_zone = { "string", immutable = true, doc = 'the zone of an address that is not in the VPC, or "all"' },
    id = { "string", computed = true, doc = "TARGET_GROUP_ARN,TARGET_ID,PORT" },
  },

  list = function(aws, list)
    return items.by(aws, list, function(item) return (wanted(item)) end, function(arn, group)
      local health, found = elb.find(aws, "DescribeTargetHealth", { TargetGroupArn = arn }, "TargetHealthDescriptions", MISSING), {}
      for _, item in ipairs(group) do
        local _, target, port = wanted(item)
        local one = registered(aws, health or {}, target, port)
        if one then
          found[item._name] = {
            id = id_of(arn, target, port), target_group_arn = arn, target_id = target, port = port, availability_zone = one.Target.AvailabilityZone,
          }
        end
      end
      return found
    end)
  end,

  create = function(aws, r, line)
    line("waiting for the target to run")
    act(aws, "RegisterTargets", r.target_group_arn, { Id = r.target_id, Port = r.port, AvailabilityZone = r.availability_zone },
      { idempotent = true, retry = RETRY, within = 600 })
    return { id = id_of(r.target_group_arn, r.target_id, r.port) }
  end,

  delete = function(aws, r)
    local arn, target, port = wanted { prior = r.have or r.prior }
    act(aws, "DeregisterTargets", arn, { Id = target, Port = port }, { gone = { "TargetGroupNotFound", "InvalidTarget" } })
  end,
}
