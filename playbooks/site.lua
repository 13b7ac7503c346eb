--- The stock playbook: machines, their preparation, Kubernetes on them.
--- It reads from top to bottom in the order things happen; each step is a file of its own.
local machines = require "machines"
local prepare = require "prepare"
local runtime = require "runtime"
local network = require "network"
local kubernetes = require "kubernetes"
local cluster = require "cluster"

local inv = slipway.inventory

--- node name -> the host slipway speaks to
local hosts = machines(inv)

for _, node in ipairs(inv.nodes) do
  local host = hosts[node.name]
  prepare(host, inv)
  runtime(host, inv)
  network(host, node, inv)
  kubernetes(host, node, inv)
end

cluster(hosts, inv)
