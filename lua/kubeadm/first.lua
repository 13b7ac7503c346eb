--- kubeadm_init: the first control plane of a cluster, made by `kubeadm init` with a configuration of ours.
---
--- kubeadm leaves admin.conf, manifests and kubelet.conf behind before it has succeeded, and cannot go on where it stopped. So "made" means: our mark
--- (written last) or a live API server that knows the node. Files without either are a run that died: nobody can have joined it, so it is reset
--- and made anew. A cluster that was made and does not answer is never reset: it is waited for, then reported.
local resource, sh = require "resource", require "sh"
local certificate = require "kubeadm/certificate"

local MARK = "/etc/kubernetes/slipway-initialised"

local PROBE = [[
_kc=/etc/kubernetes/admin.conf
_made=none
for _f in etcd kube-apiserver kube-controller-manager kube-scheduler; do
  if [ -e "/etc/kubernetes/manifests/$_f.yaml" ]; then _made=partial; fi
done
if [ -e "$_kc" ]; then _made=partial; fi
if [ -e {mark} ]; then _made=down; fi
if [ "$_made" != none ] && [ -e "$_kc" ] &&
  timeout 20 kubectl --kubeconfig "$_kc" --request-timeout=15s get node {node} -o name >/dev/null 2>&1; then _made=ok; fi
echo "$_made"
]]

local DETAILS = [[
echo ::kubeconfig
cat /etc/kubernetes/admin.conf
echo ::ca
cat /etc/kubernetes/pki/ca.crt
]]

local APPLY = [[
if [ {status} = down ]; then
  echo "waiting for the API server, which does not answer"
  _n=0
  until timeout 20 kubectl --kubeconfig /etc/kubernetes/admin.conf --request-timeout=15s get node {node} -o name >/dev/null 2>&1; do
    _n=$((_n + 1))
    if [ "$_n" -ge 30 ]; then
      echo "the API server does not answer; the last lines of the kubelet:" >&2
      journalctl -u kubelet -n 30 --no-pager -o cat >&2
      exit 1
    fi
    sleep 2
  done
else
  if [ {status} = partial ]; then
    echo "an earlier kubeadm init did not finish: resetting it"
    kubeadm reset -f {reset_flags}
  fi
  mkdir -p /etc/kubernetes
  umask 077
  printf '%s' {config} >/etc/kubernetes/slipway-kubeadm.yaml
  umask 022
  kubeadm init --config /etc/kubernetes/slipway-kubeadm.yaml {flags} || {{
    _status=$?
    echo "kubeadm init failed; the last lines of the kubelet and of containerd:" >&2
    journalctl -u kubelet -n 30 --no-pager -o cat >&2
    journalctl -u containerd -n 15 --no-pager -o cat >&2
    exit "$_status"
  }}
  touch {mark}
fi
echo ::result
]]

--- Splits text at lines "::name" into { name = lines }.
local function sections(text)
  local found, current = {}, nil
  for line in (text .. "\n"):gmatch("(.-)\n") do
    local name = line:match("^::(%a+)$")
    if name then
      current = {}
      found[name] = current
    elseif current then
      current[#current + 1] = line
    end
  end
  for name, lines in pairs(found) do found[name] = table.concat(lines, "\n") end
  return found
end

local function details(text)
  local part = sections(text)
  if not part.ca or not part.kubeconfig then return {} end
  return { ca_hash = certificate.ca_hash(part.ca), kubeconfig = secret(part.kubeconfig .. "\n") }
end

return resource "kubeadm_init" {
  doc = "The first control plane of a cluster, made by kubeadm init.",
  schema = {
    config = { "string", required = true, write_only = true, doc = "kubeadm's configuration: one or more YAML documents" },
    node = { "string", required = true, immutable = true, doc = "the node's name in the cluster" },
    skip_phases = { "list", of = "string", doc = "phases of kubeadm init to leave out" },
    ignore_preflight_errors = { "list", of = "string", doc = "preflight checks whose failure is accepted" },
    cri_socket = { "string", default = "unix:///run/containerd/containerd.sock", doc = "the container runtime's socket" },
    status = { "string", default = "ok", one_of = { "ok" }, doc = "ok: made, and its API server answers" },
    ca_hash = { "string", computed = true, doc = "sha256 of the CA's public key, by which joining nodes verify the cluster" },
    kubeconfig = { "string", computed = true, sensitive = true, doc = "the administrator's kubeconfig" },
  },

  probe = function(r)
    local probe = sh(PROBE, { mark = MARK, node = r.node })
    -- What does not change is fetched once and then lives in the state.
    if not (r.prior and r.prior.kubeconfig and r.prior.ca_hash) then probe = probe .. 'if [ "$_made" = ok ]; then\n' .. DETAILS .. "fi\n" end
    return probe
  end,

  read = function(out, r)
    local status = out.lines[1]
    if status == "none" or not status then return nil end
    local have = { status = status, node = r.node }
    for key, value in pairs(details(out.raw)) do have[key] = value end
    return have
  end,

  apply = function(r)
    local flags = {}
    if r.skip_phases and #r.skip_phases > 0 then flags[#flags + 1] = "--skip-phases=" .. table.concat(r.skip_phases, ",") end
    if r.ignore_preflight_errors and #r.ignore_preflight_errors > 0 then
      flags[#flags + 1] = "--ignore-preflight-errors=" .. table.concat(r.ignore_preflight_errors, ",")
    end
    return {
      script = sh(APPLY, {
        status = r.have and r.have.status or "none",
        node = r.node,
        mark = MARK,
        config = r.config,
        flags = flags,
        reset_flags = { "--cri-socket", r.cri_socket },
      }) .. DETAILS,
      timeout = 600,
    }
  end,

  result = function(out) return details(out.raw) end,

  remove = function(r)
    return sh("kubeadm reset -f --cri-socket {socket}\nrm -f {mark}\nrm -rf /etc/cni/net.d /var/lib/etcd/member", {
      socket = r.cri_socket or "unix:///run/containerd/containerd.sock",
      mark = MARK,
    })
  end,
}
