--- kubeadm_join: a node's membership of a cluster, made by `kubeadm join`.
---
--- kubelet.conf appears before a join has succeeded, so "joined" means our mark (written last), or a kubelet that runs with a client certificate of
--- its own. What is neither, but has left files, died half way: it is reset and joined anew.
local resource, sh = require "resource", require "sh"

local MARK = "/etc/kubernetes/slipway-joined"

local PROBE = [[
_joined=none
if [ -e /etc/kubernetes/bootstrap-kubelet.conf ] || [ -e /etc/kubernetes/kubelet.conf ] || [ -e /etc/kubernetes/pki/ca.crt ]; then _joined=partial; fi
if [ -e /etc/kubernetes/kubelet.conf ] && [ -e /var/lib/kubelet/pki/kubelet-client-current.pem ] &&
  {{ [ -e {mark} ] || systemctl is-active --quiet kubelet; }}; then _joined=ok; fi
echo "$_joined"
]]

local APPLY = [[
if [ {status} = partial ]; then
  echo "an earlier kubeadm join did not finish: resetting it"
  kubeadm reset -f --cri-socket {socket}
fi
mkdir -p /etc/kubernetes
umask 077
printf '%s' {config} >/etc/kubernetes/slipway-join.yaml
umask 022
kubeadm join --config /etc/kubernetes/slipway-join.yaml {flags} || {{
  _status=$?
  rm -f /etc/kubernetes/slipway-join.yaml
  echo "kubeadm join failed; the last lines of the kubelet and of containerd:" >&2
  journalctl -u kubelet -n 30 --no-pager -o cat >&2
  journalctl -u containerd -n 15 --no-pager -o cat >&2
  exit "$_status"
}}
# It holds the token.
rm -f /etc/kubernetes/slipway-join.yaml
touch {mark}
]]

return resource "kubeadm_join" {
  doc = "A node's membership of a cluster, made by kubeadm join.",
  schema = {
    config = { "string", required = true, write_only = true, sensitive = true, doc = "kubeadm's JoinConfiguration as YAML; holds the token" },
    node = { "string", required = true, immutable = true, doc = "the node's name in the cluster" },
    ignore_preflight_errors = { "list", of = "string", doc = "preflight checks whose failure is accepted" },
    cri_socket = { "string", default = "unix:///run/containerd/containerd.sock", doc = "the container runtime's socket" },
    status = { "string", default = "ok", one_of = { "ok" }, doc = "ok: joined" },
  },
  probe = function() return sh(PROBE, { mark = MARK }) end,
  read = function(out, r)
    local status = out.lines[1]
    if status == "none" or not status then return nil end
    return { status = status, node = r.node }
  end,
  apply = function(r)
    local flags = {}
    if r.ignore_preflight_errors and #r.ignore_preflight_errors > 0 then
      flags[1] = "--ignore-preflight-errors=" .. table.concat(r.ignore_preflight_errors, ",")
    end
    return {
      script = sh(APPLY, { status = r.have and r.have.status or "none", socket = r.cri_socket, config = r.config, flags = flags, mark = MARK }),
      timeout = 420,
    }
  end,
  remove = function(r)
    return sh("kubeadm reset -f --cri-socket {socket}\nrm -f {mark}\nrm -rf /etc/cni/net.d", {
      socket = r.cri_socket or "unix:///run/containerd/containerd.sock",
      mark = MARK,
    })
  end,
}
