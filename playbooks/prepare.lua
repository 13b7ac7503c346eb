--- What every node needs before Kubernetes: modules, kernel settings, tools, no swap, the right time.
return function(machine, inv)
  local host = machine.host
  -- A host's resources act in order: what the first one waits for, all of them wait for.
  host:kernel_module { "overlay", "br_netfilter", depends_on = machine.after }
  host:sysctl {
    ["net.ipv4.ip_forward"] = 1,
    ["net.bridge.bridge-nf-call-iptables"] = 1,
    ["net.bridge.bridge-nf-call-ip6tables"] = 1,
  }
  host:package { "conntrack", "ebtables", "ethtool", "iptables", "socat" }

  -- A container shares its machine's kernel: swap, clock and the kernel's own limits are the machine's business.
  if inv.provider.name == "lab" or (inv.kubernetes.options or {}).shared_kernel then return end
  host:swap "off" {}
  host:time_sync "ntp" {}
  host:sysctl {
    ["fs.inotify.max_user_instances"] = 8192,
    ["fs.inotify.max_user_watches"] = 1048576,
    ["kernel.panic"] = 10,
    ["kernel.panic_on_oops"] = 1,
    ["vm.overcommit_memory"] = 1,
  }
end
