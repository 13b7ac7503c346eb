#!/bin/sh
# The 30 checks as one script, as an administrator would write it for `ssh HOST sh < check.sh`.
# Prints a line for each that does not hold. $NODE_ROOT is the node's directory.
R=$NODE_ROOT
name=n${R##*/}
bad() { echo "$1"; }
mode() { [ "$(stat -c %a "$1" 2>/dev/null)" = "$2" ]; }
directory() { { [ -d "$R/$1" ] && mode "$R/$1" "$2"; } || bad "directory $1"; }
copied() { { [ "$(sha256sum "$R/$1" 2>/dev/null)" = "$3  $R/$1" ] && mode "$R/$1" "$2"; } || bad "file $1"; }
templated() { { cmp -s - "$R/$1" && mode "$R/$1" "$2"; } || bad "template $1"; }
line() { grep -qxF -e "$2" "$R/$1" || bad "line in $1"; }
created() { [ -e "$R/$1" ] || bad "$1 was not created"; }

directory etc/modules-load.d 755
directory etc/sysctl.d 755
directory etc/containerd 755
directory etc/kubernetes 750
directory var/lib/etcd 700
directory opt/cni/bin 755

copied etc/modules-load.d/k8s.conf 644 fcaf07413a456d658640930cef56ed4d13330123e3b522c481021613c64755e3
copied etc/sysctl.d/99-k8s.conf 644 224dfbf14162945b71201edc6cb02eec4a59be623cba163815712b6f9ead6034
copied etc/kubernetes/audit-policy.yaml 600 744c52e74e2947c1bb9e622df827374a58c92df2ca906d85d8fe3611c4ea61d2
copied etc/kubernetes/admission.yaml 640 9e6e581a256b9da2954279cf61d45e1ede69027cb63ca062e363126d4ee461a9

templated etc/containerd/config.toml 644 <<END
version = 2
root = "$R/var/lib/containerd"
state = "$R/run/containerd"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "registry.k8s.io/pause:3.10"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
  SystemdCgroup = true
END
templated etc/kubernetes/kubeadm.yaml 600 <<END
apiVersion: kubeadm.k8s.io/v1beta4
kind: JoinConfiguration
discovery:
  file: { kubeConfigPath: "$R/etc/kubernetes/discovery.conf" }
nodeRegistration:
  name: $name
  criSocket: unix:///run/containerd/containerd.sock
  kubeletExtraArgs:
    - { name: node-ip, value: 127.0.0.1 }
END
templated etc/kubernetes/crictl.yaml 644 <<END
runtime-endpoint: unix://$R/run/containerd/containerd.sock
image-endpoint: unix://$R/run/containerd/containerd.sock
timeout: 10
debug: false
END

fstab=$(stat -c '%a %U %s %Y' "$R/etc/fstab") || bad "no fstab"
hosts=$(stat -c '%a %U %s %Y' "$R/etc/hosts") || bad "no hosts"
[ -z "$fstab" ] || created etc/fstab.orig
[ -z "$hosts" ] || created etc/hosts.orig

! grep -q '^[^#].*[[:space:]]swap[[:space:]]' "$R/etc/fstab" || bad "swap in fstab"

line etc/hosts '127.0.0.1 api.cluster.local'
line etc/environment 'CONTAINER_RUNTIME=containerd'
line etc/default/kubelet 'KUBELET_EXTRA_ARGS=--node-ip=127.0.0.1'

created opt/cni/unpacked
created etc/kubernetes/token
created var/lib/etcd/ready

mode "$R/usr/local/bin/kubeadm" 755 || bad "mode of kubeadm"
mode "$R/usr/local/bin/kubelet" 755 || bad "mode of kubelet"
mode "$R/usr/local/bin/kubectl" 755 || bad "mode of kubectl"

awk '/^MemTotal/ { exit !($2 >= 262144) }' /proc/meminfo || bad "too little memory"
df -Pk "$R" | awk 'NR == 2 { exit !($4 >= 65536) }' || bad "too little disk"
uname -r | grep -Eq '^([5-9]|[1-9][0-9])\.' || bad "the kernel is too old"
