--- nfs-subdir-external-provisioner: volumes as directories of an NFS export. Its manifests are few and settled: they are made here.
local addon = require "kube/addon"

local NAME = "nfs-client-provisioner"

local function meta(o, labels) return { name = NAME, namespace = o and o.namespace, labels = labels } end

local function rbac(o)
  local subject = slipway.list { { kind = "ServiceAccount", name = NAME, namespace = o.namespace } }
  local function rule(group, resources, verbs)
    return { apiGroups = slipway.list { group }, resources = slipway.list(resources), verbs = slipway.list(verbs) }
  end
  local api = "rbac.authorization.k8s.io"
  return {
    { apiVersion = "v1", kind = "ServiceAccount", metadata = meta(o) },
    { apiVersion = api .. "/v1", kind = "ClusterRole", metadata = { name = NAME .. "-runner" }, rules = slipway.list {
      rule("", { "nodes" }, { "get", "list", "watch" }),
      rule("", { "persistentvolumes" }, { "get", "list", "watch", "create", "delete" }),
      rule("", { "persistentvolumeclaims" }, { "get", "list", "watch", "update" }),
      rule("storage.k8s.io", { "storageclasses" }, { "get", "list", "watch" }),
      rule("", { "events" }, { "create", "update", "patch" }),
    } },
    { apiVersion = api .. "/v1", kind = "ClusterRoleBinding", metadata = { name = NAME .. "-runner" }, subjects = subject,
      roleRef = { kind = "ClusterRole", name = NAME .. "-runner", apiGroup = api } },
    { apiVersion = api .. "/v1", kind = "Role", metadata = { name = "leader-locking-" .. NAME, namespace = o.namespace }, rules = slipway.list {
      rule("", { "endpoints" }, { "get", "list", "watch", "create", "update", "patch" }),
    } },
    { apiVersion = api .. "/v1", kind = "RoleBinding", metadata = { name = "leader-locking-" .. NAME, namespace = o.namespace }, subjects = subject,
      roleRef = { kind = "Role", name = "leader-locking-" .. NAME, apiGroup = api } },
  }
end

local function deployment(o)
  local labels = { app = NAME }
  return {
    apiVersion = "apps/v1", kind = "Deployment", metadata = meta(o, labels),
    spec = {
      replicas = 1,
      strategy = { type = "Recreate" },
      selector = { matchLabels = labels },
      template = {
        metadata = { labels = labels },
        spec = {
          serviceAccountName = NAME,
          containers = slipway.list { {
            name = NAME, image = o.image .. ":v" .. o.version,
            volumeMounts = slipway.list { { name = "root", mountPath = "/persistentvolumes" } },
            env = slipway.list {
              { name = "PROVISIONER_NAME", value = o.provisioner }, { name = "NFS_SERVER", value = o.server }, { name = "NFS_PATH", value = o.path },
            },
          } },
          volumes = slipway.list { { name = "root", nfs = { server = o.server, path = o.path } } },
        },
      },
    },
  }
end

local function class(o)
  return {
    apiVersion = "storage.k8s.io/v1", kind = "StorageClass",
    metadata = { name = o.storage_class, annotations = { ["storageclass.kubernetes.io/is-default-class"] = tostring(o.default) } },
    provisioner = o.provisioner, reclaimPolicy = o.reclaim, mountOptions = o.mount_options and slipway.list(o.mount_options),
    parameters = { archiveOnDelete = tostring(o.archive_on_delete), pathPattern = o.path_pattern },
  }
end

return addon "nfs-provisioner" {
  doc = "Volumes as directories of an NFS export, with their storage class.",
  version = "4.0.2",
  namespace = "nfs-provisioner",
  options = {
    server = { "string", required = true, doc = "the NFS server's name or address, as the nodes reach it" },
    path = { "string", required = true, doc = "the exported directory" },
    storage_class = { "string", default = "nfs-client", doc = "the storage class's name" },
    default = { "bool", default = false, doc = "use it for claims that name no class" },
    reclaim = { "string", default = "Delete", one_of = { "Delete", "Retain" }, doc = "what becomes of a volume when its claim goes" },
    archive_on_delete = { "bool", default = true, doc = "rename the directory of a deleted volume instead of removing it" },
    path_pattern = { "string", doc = "the directory's name, such as ${.PVC.namespace}/${.PVC.name}" },
    mount_options = { "list", doc = "options of the mounts, such as nfsvers=4.2" },
    provisioner = { "string", default = "k8s-sigs.io/nfs-subdir-external-provisioner", doc = "the provisioner's name" },
    image = { "string", default = "registry.k8s.io/sig-storage/nfs-subdir-external-provisioner", doc = "its image, without the tag" },
  },
  install = function(o, a)
    a:create_namespace()
    local list = rbac(o)
    list[#list + 1] = deployment(o)
    list[#list + 1] = class(o)
    a:objects(list)
  end,
}
