--- kubelet, kubeadm and kubectl on a node, from a bundle or from packages; the kubelet is enabled, kubeadm starts it.
local source = require "source"
require "kubeadm"

local function from_bundle(host, node, inv)
  local bundle, dir = source.bundle(inv)
  host:directory "/var/lib/slipway/images" { mode = "0755" }
  for _, file in ipairs(bundle.files) do
    if file.role == "all" or node.role == "control-plane" then
      local name = file.path:match("[^/]+$")
      local binary = file.path:match("^bin/") ~= nil
      local target = binary and "/usr/bin/" .. name or "/var/lib/slipway/images/" .. name
      local copy = host:file(target) { source = dir .. "/" .. file.path, sha256 = file.sha256, mode = binary and "0755" or "0644" }
      if file.image then host:container_image(file.image) { archive = target, restart_on = { copy } } end
    end
  end
  host:systemd_unit "kubelet.service" { template = "kubelet.service" }
  host:directory "/etc/systemd/system/kubelet.service.d" { mode = "0755" }
  host:systemd_unit "kubelet.service.d/10-kubeadm.conf" { template = "10-kubeadm.conf" }
end

local function from_packages(host, inv)
  local minor, version = source.minor(inv), inv.kubernetes.version
  local base = "https://pkgs.k8s.io/core:/stable:/v1." .. minor .. "/deb/"
  host:repository "kubernetes" { url = base, suites = { "/" }, key = base .. "Release.key" }
  host:package { "kubelet", "kubeadm", "kubectl", version = version, hold = true }
end

return function(host, node, inv)
  if inv.kubernetes.source == "bundle" then from_bundle(host, node, inv)
  else from_packages(host, inv) end
  host:service "kubelet" { enabled = true }
end
