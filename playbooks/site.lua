--- The stock playbook: machines, their preparation, Kubernetes on them.
--- It reads from top to bottom in the order things happen; each step is a file of its own.
local machines = require "machines"
local prepare = require "prepare"
local runtime = require "runtime"
local network = require "network"
local kubernetes = require "kubernetes"
local cluster = require "cluster"

local inv = slipway.inventory

local found, shared = machines(inv)

for _, node in ipairs(inv.nodes) do
  local machine = found[node.name]
  prepare(machine, inv)
  runtime(machine.host, inv)
  network(machine, node, inv, found, shared)
  kubernetes(machine.host, node, inv)
end

cluster(found, shared, inv)
