--- The stock playbook: machines, their preparation, Kubernetes on them, what the platform stands on, and the hand-over to GitOps.
--- It reads from top to bottom in the order things happen; each step is a file of its own.
local machines = require "machines"
local prepare = require "prepare"
local runtime = require "runtime"
local network = require "network"
local kubernetes = require "kubernetes"
local cluster = require "cluster"
local addons = require "addons"

local inv = slipway.inventory

-- A cluster that exists already is only added to.
if inv.kubeconfig then
  addons(inv)
  return
end

local found, shared = machines(inv)

for _, node in ipairs(inv.nodes) do
  local machine = found[node.name]
  prepare(machine, inv)
  runtime(machine.host, inv)
  network(machine, node, inv, found, shared)
  kubernetes(machine.host, node, inv)
end

addons(inv, cluster(found, shared, inv))
