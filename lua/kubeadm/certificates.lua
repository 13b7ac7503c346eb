--- kubeadm_certificates: the cluster's CA keys, put into it for two hours, encrypted, when (and only when) a further control plane is about to join.
local resource, sh = require "resource", require "sh"

-- The key is 32 bytes in hex. It goes to kubeadm in a file: arguments can be seen by everybody on the machine.
local APPLY = [[
_key=$(od -An -v -tx1 -N 32 /dev/urandom | tr -d ' \n')
[ ${{#_key}} = 64 ]
umask 077
_config=$(mktemp /etc/kubernetes/slipway-upload.XXXXXX)
trap 'rm -f "$_config"' EXIT
{{ printf 'apiVersion: %s\nkind: InitConfiguration\ncertificateKey: "%s"\n---\n' {api_version} "$_key"
  kubectl --kubeconfig /etc/kubernetes/admin.conf --request-timeout=30s -n kube-system get configmap kubeadm-config -o 'jsonpath={{.data.ClusterConfiguration}}'
}} >"$_config"
kubeadm init phase upload-certs --upload-certs --config "$_config" >/dev/null
echo ::result
echo "$_key"
]]

return resource "kubeadm_certificates" {
  doc = "The cluster's CA keys, uploaded for two hours for a control plane that is about to join.",
  ephemeral = true,
  schema = {
    api_version = { "string", required = true, doc = "the API version of kubeadm's configuration" },
    key = { "string", computed = true, sensitive = true, doc = "the key that decrypts them" },
  },
  probe = function() return "" end,
  read = function() return nil end,
  apply = function(r) return { script = sh(APPLY, { api_version = r.api_version }), timeout = 120 } end,
  result = function(out) return { key = secret(out.lines[#out.lines]) } end,
  remove = function() return nil end,
}
