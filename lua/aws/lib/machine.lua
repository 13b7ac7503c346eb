--- Instances on their way from state to state.
local ec2 = require "aws/lib/ec2"

local machine = {}

machine.MISSING = { "InvalidInstanceID.NotFound" }

local DIED_OF = "Client.VolumeLimitExceeded: a quota; Client.InternalError: an encrypted disk whose key may not be used; "
  .. "Server.InsufficientInstanceCapacity: try another zone"

local DEAD = { terminated = true, ["shutting-down"] = true }

function machine.state(found)
  return found.instanceState and found.instanceState.name
end

--- What is terminated stays visible for about an hour.
function machine.alive(found)
  return not DEAD[machine.state(found)]
end

--- Instances by a filter, out of their reservations.
function machine.by(aws, filter, values)
  local list = {}
  for _, reservation in ipairs(aws.ec2:by_ids("DescribeInstances", filter, ec2.distinct(values), "reservationSet")) do
    for _, one in ipairs(aws.list(reservation.instancesSet)) do list[#list + 1] = one end
  end
  return list
end

--- One instance in whatever state, or nil.
function machine.one(aws, id)
  return machine.by(aws, "instance-id", { id })[1]
end

local function why(found)
  local reason = found.stateReason or {}
  return ("the instance %s is %s: %s"):format(found.instanceId, machine.state(found), reason.message or reason.code or "no reason given")
end

--- Waits until it is in `wanted`; dead is an error.
local function await(aws, id, wanted, line)
  return aws:wait {
    what = "instance " .. id, within = 600, line = line,
    check = function()
      local found = machine.one(aws, id)
      if found and not machine.alive(found) then
        fail(why(found), DIED_OF)
      end
      return found and machine.state(found) == wanted and found, found and machine.state(found) or "not shown yet"
    end,
  }
end

function machine.running(aws, id, line)
  return await(aws, id, "running", line)
end

--- Stops it; what is gone or stopped is fine.
function machine.stop(aws, id, line)
  local found = machine.one(aws, id)
  if not found or not machine.alive(found) or machine.state(found) == "stopped" then return end
  aws.ec2:call("StopInstances", { InstanceId = { id } }, { gone = machine.MISSING, idempotent = true, retry = { "IncorrectInstanceState" } })
  await(aws, id, "stopped", line)
end

function machine.start(aws, id, line)
  aws.ec2:call("StartInstances", { InstanceId = { id } }, { idempotent = true, within = 300, retry = { "IncorrectInstanceState" } })
  return await(aws, id, "running", line)
end

function machine.terminate(aws, id, line)
  local _, err = aws.ec2:try("TerminateInstances", { InstanceId = { id } }, { gone = machine.MISSING, idempotent = true })
  if err and err.code == "OperationNotPermitted" then
    fail(("the instance %s is protected: %s"):format(id, err.message or err.code), "set disable_api_termination = false, apply that, and delete it then")
  end
  if err then aws:raise(err) end
  aws:wait {
    what = "instance " .. id, within = 900, line = line,
    check = function()
      local found = machine.one(aws, id)
      return not found or machine.state(found) == "terminated", found and machine.state(found)
    end,
  }
end

return machine
