--- container_image: an image in containerd's store, imported from an archive that is on the node already.
local resource, sh = require "resource", require "sh"

return resource "container_image" {
  doc = "A container image in containerd's store, imported from an archive on the node.",
  name = { doc = "the image's full name with its tag", pattern = "^[%w][%w./:@_-]+$" },
  schema = {
    archive = { "string", required = true, write_only = true, doc = "path of the archive (docker or OCI) on the node" },
    namespace = { "string", default = "k8s.io", immutable = true, doc = "containerd's namespace" },
  },
  probe_all = function() return "if command -v ctr >/dev/null; then ctr -n k8s.io images ls -q; fi" end,
  read_all = function(out, rs)
    local there, found = {}, {}
    if out.ok then
      for _, line in ipairs(out.lines) do there[line] = true end
    end
    for _, r in ipairs(rs) do
      if there[r.name] then found[r.name] = { namespace = "k8s.io" } end
    end
    return found
  end,
  apply = function(r) return { script = sh("ctr -n {namespace} images import {archive}", { namespace = r.namespace, archive = r.archive }), timeout = 600 } end,
  remove = function(r) return sh("ctr -n k8s.io images rm {name}", { name = r.name }) end,
}
