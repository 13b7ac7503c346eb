--- What the cluster's platform stands on, and the hand-over: the add-ons side by side, then the root Application.
local kube = require "kube"
local tables = require "host/lib/tables"

--- Through the first control plane's SSH session, unless the API server can be reached from here.
local function tunnel(inv, cluster)
  local wanted = inv.kubernetes.tunnel
  local connection = cluster.leader.connection
  if wanted == nil then
    local provider = inv.provider.name
    wanted = connection.bastion ~= nil or (provider ~= "static" and provider ~= "lab")
  end
  if not wanted then return nil end
  return tables.merge(connection, { to_address = "127.0.0.1", to_port = 6443 })
end

--- Settings that follow from the rest of the inventory.
local from_inventory = {}

from_inventory["aws-ebs-csi"] = function(inv)
  return { region = inv.provider.name == "aws" and inv.provider.region or nil }
end

from_inventory["cert-manager"] = from_inventory["aws-ebs-csi"]

--- @param cluster table|nil what cluster.lua gives; nil for the one of inv.kubeconfig
return function(inv, cluster)
  local wanted = inv.addons or {}
  -- Also where nothing is wanted any more: what is in the state is in this cluster.
  if cluster then
    provider "kube" { name = "kube", kubeconfig = cluster.kubeconfig, tunnel = tunnel(inv, cluster) }
  else
    provider "kube" { name = "kube", path = inv.kubeconfig }
  end
  if next(wanted) == nil and not inv.gitops then return end
  local before = cluster and cluster.members
  if cluster and inv.environment == "production" then
    -- What goes wrong from here on can be taken back.
    before = { cluster.leader:etcd_snapshot "before" { depends_on = cluster.members } }
  end
  local all = {}
  for name, given in slipway.sorted(wanted) do
    local o = given
    if type(given) == "table" then
      o = tables.merge(from_inventory[name] and from_inventory[name](inv) or {}, given)
      o.depends_on = before
    end
    for _, resource in ipairs(kube.addon(name, o, { "addons", name })) do all[#all + 1] = resource end
  end
  if not inv.gitops then return end
  if not wanted["argo-cd"] then
    slipway.warn("gitops without the add-on argo-cd: Argo CD must be in the cluster already")
  end
  local o = inv.gitops
  if type(o) == "table" then
    o = tables.merge({ environment = inv.environment, namespace = (wanted["argo-cd"] or {}).namespace }, o)
    o.depends_on = #all > 0 and all or before
  end
  kube.gitops(o, { "gitops" })
  for _, set in ipairs(type(o) == "table" and type(o.sets) == "table" and o.sets or {}) do
    if set.rolling and wanted["argo-cd"] and not wanted["argo-cd"].progressive_syncs then
      slipway.warn("gitops: sets: rolling does nothing without progressive_syncs: true of the add-on argo-cd")
      break
    end
  end
  -- For `slipway status`.
  kube.data.applications "all" { namespace = type(o) == "table" and o.namespace or nil }
end
