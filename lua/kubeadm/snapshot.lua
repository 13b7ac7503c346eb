--- etcd_snapshot: a copy of the cluster's state on a control plane, taken when (and only when) something that depends on it is about to change.
--- etcd's image has no shell: etcdctl is called in the container itself, by containerd's own client, and writes into etcd's directory, which the
--- node shares with it. It is moved out of there at once, so that nobody takes it for etcd's own.
local resource, sh = require "resource", require "sh"

local APPLY = [[
_keep={keep}
_dir={directory}
_data=/var/lib/etcd
_id=$(ctr -n k8s.io containers ls -q 'labels."io.kubernetes.container.name"==etcd' | while read -r _c; do
  if ctr -n k8s.io tasks ls | awk -v id="$_c" '$1 == id && $3 == "RUNNING" {{ found = 1 }} END {{ exit !found }}'; then echo "$_c"; fi
done | head -n 1)
[ -n "$_id" ] || {{ echo "no etcd runs on this node, so there is nothing to take a snapshot of" >&2; exit 1; }}
mkdir -p -m 0700 "$_dir"
_name=etcd-$(date -u +%Y%m%dT%H%M%SZ).db
_tls=/etc/kubernetes/pki/etcd
_room=$(df -Pk "$_dir" | awk 'NR == 2 {{ print $4 }}')
_need=$(du -sk "$_data/member/snap/db" | awk '{{ print $1 }}')
[ "$_room" -gt $((_need * 2)) ] || {{ echo "$_dir has room for $_room KiB, and a snapshot takes $_need: free some" >&2; exit 1; }}
ctr -n k8s.io tasks exec --exec-id "slipway-$$" "$_id" etcdctl --endpoints=https://127.0.0.1:2379 --cacert="$_tls/ca.crt" \
  --cert="$_tls/healthcheck-client.crt" --key="$_tls/healthcheck-client.key" snapshot save "$_data/$_name.part" >/dev/null
mv "$_data/$_name.part" "$_dir/$_name"
chmod 0600 "$_dir/$_name"
# The oldest go.
ls -1 "$_dir" | grep '^etcd-.*\.db$' | sort -r | tail -n +$((_keep + 1)) | while read -r _old; do rm -f -- "$_dir/$_old"; done
echo "$_dir/$_name"
echo ::result
echo "$_dir/$_name"
]]

return resource "etcd_snapshot" {
  doc = "A snapshot of etcd on a control plane, taken before what depends on it changes.",
  ephemeral = true,
  schema = {
    directory = { "string", default = "/var/lib/slipway/snapshots", doc = "where they are kept, on the node" },
    keep = { "int", default = 5, doc = "how many are kept" },
    path = { "string", computed = true, doc = "the file" },
  },
  probe = function() return "" end,
  read = function() return nil end,
  apply = function(r) return { script = sh(APPLY, { directory = r.directory, keep = r.keep }), timeout = 300 } end,
  result = function(out) return { path = out.lines[#out.lines] } end,
  remove = function() return nil end,
}
