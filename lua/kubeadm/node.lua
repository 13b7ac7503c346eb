--- kube_node: a node as the cluster sees it: labels, taints, readiness. Lives on a control plane, where kubectl and its credentials are.
--- Only labels named here, or named here before, are compared and changed: others belong to others.
local resource, sh = require "resource", require "sh"

-- One call reads every node. Tabs and newlines cannot occur in what is printed: label values and taints are plain words.
local FORMAT = '{range .items[*]}{.metadata.name}{"\\t"}{.metadata.labels}{"\\t"}{.spec.taints}{"\\t"}{.spec.unschedulable}{"\\t"}'
  .. '{.status.conditions[?(@.type=="Ready")].status}{"\\t"}{.status.nodeInfo.kubeletVersion}{"\\t"}'
  .. '{.status.addresses[?(@.type=="InternalIP")].address}{"\\n"}{end}'

local KUBECTL = "kubectl --kubeconfig /etc/kubernetes/admin.conf --request-timeout=30s"

local function taint_text(taint) return (taint.key or "") .. (taint.value and "=" .. taint.value or "") .. ":" .. (taint.effect or "") end

--- The labels of `have` that `want` or an earlier apply speaks of.
local function ours(labels, want, prior)
  local kept = {}
  for key in pairs(want or {}) do kept[key] = labels[key] end
  for key in pairs(prior and prior.labels or {}) do kept[key] = labels[key] end
  return kept
end

local function sorted_taints(list)
  local texts = {}
  for _, taint in ipairs(list or {}) do
    local text = taint_text(taint)
    -- The control plane puts these on and takes them off by itself.
    if not text:match("^node%.kubernetes%.io/") then texts[#texts + 1] = text end
  end
  table.sort(texts)
  return texts
end

return resource "kube_node" {
  doc = "A node as the cluster sees it: its labels, taints and readiness.",
  name = { doc = "the node's name in the cluster", pattern = "^[a-z0-9][-a-z0-9.]*$" },
  schema = {
    labels = { "map", of = "string", default = {}, doc = "labels; those not named here are left alone" },
    taints = { "list", of = "string", doc = "taints as KEY[=VALUE]:EFFECT; when given, these and no others" },
    ready = { "bool", default = true, health = true, doc = "whether to wait until it is Ready" },
    timeout = { "int", default = 240, write_only = true, doc = "seconds to wait for it" },
    version = { "string", computed = true, doc = "the kubelet's version" },
    internal_ip = { "string", computed = true, doc = "its address" },
  },

  probe_all = function()
    return sh("if [ -e /etc/kubernetes/admin.conf ]; then " .. KUBECTL .. " get nodes -o {format}; fi", { format = "jsonpath=" .. FORMAT })
  end,

  read_all = function(out, rs)
    local found, wanted = {}, {}
    for _, r in ipairs(rs) do wanted[r.name] = r end
    -- No API server (yet): nothing is known of any node. kubeadm_init says what is wrong with it.
    if not out.ok then return found end
    for _, line in ipairs(out.lines) do
      local name, labels, taints, cordoned, ready, version, ip = line:match("^(.-)\t(.-)\t(.-)\t(.-)\t(.-)\t(.-)\t(.*)$")
      local r = name and wanted[name]
      if r then
        local all = labels ~= "" and json.decode(labels) or {}
        found[name] = {
          labels = ours(all, r.labels, r.prior),
          taints = sorted_taints(taints ~= "" and json.decode(taints) or {}),
          ready = ready == "True" and cordoned ~= "true",
          version = version,
          internal_ip = ip,
        }
      end
    end
    return found
  end,

  normalise = function(want)
    if not want.taints then return want end
    local copy, taints = {}, {}
    for key, value in pairs(want) do copy[key] = value end
    for i, taint in ipairs(want.taints) do taints[i] = taint end
    table.sort(taints)
    copy.taints = taints
    return copy
  end,

  apply = function(r)
    local steps = {}
    local function add(text, values)
      values.node = r.name
      steps[#steps + 1] = sh(text, values)
    end
    -- It shows up a moment after its kubelet has registered.
    add([[
_n=0
until ]] .. KUBECTL .. [[ get node {node} -o name >/dev/null 2>&1; do
  _n=$((_n + 1))
  if [ "$_n" -ge 60 ]; then echo "the node "{node}" has not registered" >&2; exit 1; fi
  sleep 1
done]], {})
    local changes = {}
    for key, value in pairs(r.labels or {}) do changes[#changes + 1] = key .. "=" .. value end
    for key in pairs(r.prior and r.prior.labels or {}) do
      if not (r.labels or {})[key] then changes[#changes + 1] = key .. "-" end
    end
    if #changes > 0 then add(KUBECTL .. " label --overwrite node {node} {changes}", { changes = changes }) end
    if r.taints then
      local keep, taints = {}, {}
      for _, text in ipairs(r.taints) do
        keep[text] = true
        taints[#taints + 1] = text
      end
      for _, text in ipairs(r.have and r.have.taints or {}) do
        if not keep[text] then taints[#taints + 1] = text:gsub("=[^:]*:", ":") .. "-" end
      end
      if #taints > 0 then add(KUBECTL .. " taint --overwrite node {node} {taints}", { taints = taints }) end
    end
    if r.ready then
      add(KUBECTL .. " uncordon {node} >/dev/null", {})
      add([[
]] .. KUBECTL:gsub(" %-%-request%-timeout=30s", "") .. [[ wait --for=condition=Ready node/{node} --timeout={timeout}s || {{
  echo "the node is not Ready:" >&2
  ]] .. KUBECTL .. [[ get node {node} -o {format} >&2
  exit 1
}}]], { timeout = r.timeout or 240, format = 'jsonpath={range .status.conditions[*]}{.type}={.status}: {.message}{"\\n"}{end}' })
    end
    add("echo ::result\n" .. KUBECTL .. " get node {node} -o {format}", {
      format = 'jsonpath={.status.nodeInfo.kubeletVersion}{"\\n"}{.status.addresses[?(@.type=="InternalIP")].address}{"\\n"}',
    })
    return { script = sh.join(steps), timeout = (r.timeout or 240) + 120 }
  end,

  result = function(out)
    local version, address = out.text:match("::result\n([^\n]*)\n?([^\n]*)$")
    return { version = version, internal_ip = address }
  end,

  remove = function(r)
    return {
      script = sh(
        KUBECTL .. " cordon {node}\n"
          .. KUBECTL:gsub(" %-%-request%-timeout=30s", "")
          .. " drain {node} --ignore-daemonsets --delete-emptydir-data --force --grace-period=60 --timeout=300s ||"
          .. " echo \"draining \"{node}\" did not finish; it is removed all the same\" >&2\n"
          .. KUBECTL .. " delete node {node} --wait=false\n",
        { node = r.name }
      ),
      timeout = 420,
    }
  end,
}
