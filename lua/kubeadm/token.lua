--- kubeadm_token: a bootstrap token of one hour, made on a control plane when (and only when) a node is about to join.
local resource, sh = require "resource", require "sh"

-- kubeadm's form: [a-z0-9]{6}.[a-z0-9]{16}. 22 characters of base 36 from the kernel's random numbers; bytes that would favour some
-- characters are left out by taking only those below 252 = 7 * 36.
local APPLY = [[
_token=$(od -An -v -tu1 -N 400 /dev/urandom | tr -s ' ' '\n' | awk '
  $1 != "" && $1 < 252 && n < 22 {{ s = s substr("abcdefghijklmnopqrstuvwxyz0123456789", $1 % 36 + 1, 1); n++ }}
  END {{ if (n == 22) print substr(s, 1, 6) "." substr(s, 7) }}')
[ -n "$_token" ]
kubeadm --kubeconfig /etc/kubernetes/admin.conf token create "$_token" --ttl 1h --description "a node is joining" >/dev/null
echo ::result
echo "$_token"
]]

return resource "kubeadm_token" {
  doc = "A short-lived bootstrap token, made when a node is about to join.",
  ephemeral = true,
  schema = {
    token = { "string", computed = true, sensitive = true, doc = "the token" },
  },
  probe = function() return "" end,
  read = function() return nil end,
  apply = function() return { script = sh(APPLY, {}), timeout = 120 } end,
  result = function(out) return { token = secret(out.lines[#out.lines]) } end,
  remove = function() return nil end,
}
