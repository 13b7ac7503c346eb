--- Layer 0 on AWS: from an empty account to machines that can be logged in to, behind load balancers.
local endpoint = require "aws_endpoint"
local identity = require "aws_identity"
local ingress = require "aws_ingress"
local machines = require "aws_machines"
local network = require "aws_network"
local options = require "aws_options"
local pods = require "aws_pods"
local security = require "aws_security"

--- @return table machines, table cluster; see machines.lua
return function(inv)
  local chosen = options(inv)
  local net = network(chosen)
  local groups = security(chosen, net)
  local found = machines(chosen, net, groups, identity(chosen))
  pods(chosen, net, found)
  ingress(chosen, net, groups, found)
  return found, {
    endpoint = endpoint(chosen, net, groups, found),
    -- The VPC has the routes between pods; what leaves it must have a machine's address.
    masquerade = { chosen.cidr, chosen.pod_cidr },
  }
end
