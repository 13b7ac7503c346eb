-- The 30 tasks of tests/bench/ansible/site.yml for slipway, with the same files and templates beside it.
-- On fresh nodes 25 of them change something; after that, none.
-- Each node has a directory of its own (node.root), since all of them share the benchmark's machine.

local host = require "host"

for _, node in ipairs(slipway.inventory.nodes) do
  local h = host(node) {}
  local root = node.root
  local vars = { node_root = root, inventory_hostname = node.name }

  -- 6 directories with modes
  h:directory(root .. "/etc/modules-load.d") { mode = "0755" }
  h:directory(root .. "/etc/sysctl.d") { mode = "0755" }
  h:directory(root .. "/etc/containerd") { mode = "0755" }
  h:directory(root .. "/etc/kubernetes") { mode = "0750" }
  h:directory(root .. "/var/lib/etcd") { mode = "0700" }
  h:directory(root .. "/opt/cni/bin") { mode = "0755" }

  -- 4 copied files
  h:file(root .. "/etc/modules-load.d/k8s.conf") { source = "files/modules-k8s.conf", mode = "0644" }
  h:file(root .. "/etc/sysctl.d/99-k8s.conf") { source = "files/sysctl-k8s.conf", mode = "0644" }
  h:file(root .. "/etc/kubernetes/audit-policy.yaml") { source = "files/audit-policy.yaml", mode = "0600" }
  h:file(root .. "/etc/kubernetes/admission.yaml") { source = "files/admission.yaml", mode = "0640" }

  -- 3 templated files
  h:file(root .. "/etc/containerd/config.toml") { template = "templates/containerd.toml.j2", vars = vars, mode = "0644" }
  h:file(root .. "/etc/kubernetes/kubeadm.yaml") { template = "templates/kubeadm.yaml.j2", vars = vars, mode = "0600" }
  h:file(root .. "/etc/kubernetes/crictl.yaml") { template = "templates/crictl.yaml.j2", vars = vars, mode = "0644" }

  -- 2 stat
  h:exec "look at fstab" { command = "false", unless = "stat -c '%a %U %s %Y' " .. root .. "/etc/fstab" }
  h:exec "look at hosts" { command = "false", unless = "stat -c '%a %U %s %Y' " .. root .. "/etc/hosts" }

  -- 2 conditionals
  for _, name in ipairs { "fstab", "hosts" } do
    local path = root .. "/etc/" .. name
    h:exec("keep the original " .. name) {
      command = "cp -p " .. path .. " " .. path .. ".orig",
      creates = path .. ".orig",
      onlyif = "test -e " .. path,
    }
  end

  -- 1 replace
  local swap = "^[^#].*[[:space:]]swap[[:space:]]"
  h:exec "no swap in fstab" {
    command = "sed -i '/" .. swap .. "/s/^/# /' " .. root .. "/etc/fstab",
    onlyif = "grep -q '" .. swap .. "' " .. root .. "/etc/fstab",
  }

  -- 3 lines in a file
  h:line_in_file "address of the API server" { path = root .. "/etc/hosts", line = "127.0.0.1 api.cluster.local" }
  h:line_in_file "environment" { path = root .. "/etc/environment", line = "CONTAINER_RUNTIME=containerd" }
  h:line_in_file "arguments of the kubelet" {
    path = root .. "/etc/default/kubelet",
    match = "^KUBELET_EXTRA_ARGS=",
    line = "KUBELET_EXTRA_ARGS=--node-ip=127.0.0.1",
  }

  -- 3 commands with `creates`
  for _, made in ipairs { { "/opt/cni/unpacked", "unpacked" }, { "/etc/kubernetes/token", "token" }, { "/var/lib/etcd/ready", "ready" } } do
    local path, word = root .. made[1], made[2]
    h:exec("make " .. word) { command = "echo " .. word .. " > " .. path, creates = path }
  end

  -- 3 file modes
  for _, name in ipairs { "kubeadm", "kubelet", "kubectl" } do
    h:file(root .. "/usr/local/bin/" .. name) { mode = "0755" }
  end

  -- 3 shell checks
  h:exec "enough memory" { command = "false", unless = "awk '/^MemTotal/ { exit !($2 >= 262144) }' /proc/meminfo" }
  h:exec "enough disk" { command = "false", unless = "df -Pk " .. root .. " | awk 'NR == 2 { exit !($4 >= 65536) }'" }
  h:exec "a kernel that will do" { command = "false", unless = "uname -r | grep -Eq '^([5-9]|[1-9][0-9])\\.'" }
end
