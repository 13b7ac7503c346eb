--- The container runtime: containerd, configured for kubeadm's pause image and the node's cgroup driver.
local source = require "source"

return function(host, inv)
  local options = inv.kubernetes.options or {}
  host:package { "containerd" }
  local config = host:file "/etc/containerd/config.toml" {
    template = "containerd.toml",
    vars = {
      sandbox_image = source.sandbox_image(inv),
      systemd_cgroup = options.cgroup_driver ~= "cgroupfs",
      restrict_oom_score_adj = options.restrict_oom_score_adj or false,
    },
    mode = "0644",
  }
  host:service "containerd" { state = "running", enabled = true, restart_on = { config } }
end
