--- The CSI driver of Amazon EBS: volumes for pods, as disks of AWS. Its objects are made here.
--- What it may do in AWS it has from the machines' role (the stock playbook attaches the policy when this add-on is asked for).
local addon = require "kube/addon"

local DRIVER = "ebs.csi.aws.com"
local RBAC = "rbac.authorization.k8s.io"
local LABEL = "aws-ebs-csi-driver"
-- The driver and its companions are released apart.
local SIDECARS = {
  ["csi-provisioner"] = "v5.2.0", ["csi-attacher"] = "v4.8.1", ["csi-resizer"] = "v1.13.2",
  ["csi-node-driver-registrar"] = "v2.13.0", livenessprobe = "v2.15.0",
}
local LIST = slipway.list

local function labels(more)
  local all = { ["app.kubernetes.io/name"] = LABEL }
  for key, value in pairs(more or {}) do all[key] = value end
  return all
end

local function image(o, name) return ("%s/%s:%s"):format(o.sidecar_registry, name, o.sidecars[name] or SIDECARS[name]) end

local function rule(group, resources, verbs)
  return { apiGroups = LIST { group }, resources = LIST(resources), verbs = LIST(verbs) }
end

local READ, WRITE = { "get", "list", "watch" }, { "get", "list", "watch", "create", "update", "patch", "delete" }

--- A role for a part of the driver, and who has it.
local function granted(o, name, account, rules)
  return {
    { apiVersion = RBAC .. "/v1", kind = "ClusterRole", metadata = { name = name, labels = labels() }, rules = LIST(rules) },
    { apiVersion = RBAC .. "/v1", kind = "ClusterRoleBinding", metadata = { name = name, labels = labels() },
      subjects = LIST { { kind = "ServiceAccount", name = account, namespace = o.namespace } },
      roleRef = { kind = "ClusterRole", name = name, apiGroup = RBAC } },
  }
end

local function rbac(o)
  local all = {}
  for _, account in ipairs { "ebs-csi-controller-sa", "ebs-csi-node-sa" } do
    all[#all + 1] = { apiVersion = "v1", kind = "ServiceAccount", metadata = { name = account, namespace = o.namespace, labels = labels() } }
  end
  local controller = granted(o, "ebs-csi-controller", "ebs-csi-controller-sa", {
    rule("", { "persistentvolumes" }, { "get", "list", "watch", "create", "patch", "update", "delete" }),
    rule("", { "persistentvolumeclaims" }, { "get", "list", "watch", "update", "patch" }),
    rule("", { "persistentvolumeclaims/status", "persistentvolumes/status" }, { "update", "patch" }),
    rule("", { "nodes", "pods" }, READ),
    rule("", { "events" }, { "get", "list", "watch", "create", "update", "patch" }),
    rule("storage.k8s.io", { "storageclasses", "csinodes", "volumeattributesclasses" }, READ),
    rule("storage.k8s.io", { "volumeattachments" }, { "get", "list", "watch", "patch" }),
    rule("storage.k8s.io", { "volumeattachments/status" }, { "patch" }),
    rule("snapshot.storage.k8s.io", { "volumesnapshots", "volumesnapshotcontents" }, { "get", "list" }),
  })
  local node = granted(o, "ebs-csi-node", "ebs-csi-node-sa", {
    rule("", { "nodes" }, { "get", "patch" }),
    rule("storage.k8s.io", { "csinodes" }, { "get" }),
    rule("storage.k8s.io", { "volumeattachments" }, { "list" }),
  })
  for _, list in ipairs { controller, node } do
    for _, object in ipairs(list) do all[#all + 1] = object end
  end
  all[#all + 1] = { apiVersion = RBAC .. "/v1", kind = "Role", metadata = { name = "ebs-csi-leases", namespace = o.namespace, labels = labels() },
    rules = LIST { rule("coordination.k8s.io", { "leases" }, WRITE) } }
  all[#all + 1] = { apiVersion = RBAC .. "/v1", kind = "RoleBinding", metadata = { name = "ebs-csi-leases", namespace = o.namespace, labels = labels() },
    subjects = LIST { { kind = "ServiceAccount", name = "ebs-csi-controller-sa", namespace = o.namespace } },
    roleRef = { kind = "Role", name = "ebs-csi-leases", apiGroup = RBAC } }
  return all
end

local function plugin(o, mode, socket, mounts, more)
  local container = {
    name = "ebs-plugin",
    image = ("%s:v%s"):format(o.image, o.version),
    args = LIST { mode, "--endpoint=unix:" .. socket, "--logging-format=text", "--v=2" },
    env = LIST { { name = "CSI_NODE_NAME", valueFrom = { fieldRef = { fieldPath = "spec.nodeName" } } } },
    ports = LIST { { name = "healthz", containerPort = 9808, protocol = "TCP" } },
    livenessProbe = {
      httpGet = { path = "/healthz", port = "healthz" }, initialDelaySeconds = 10, timeoutSeconds = 3, periodSeconds = 10, failureThreshold = 5,
    },
    resources = { requests = { cpu = "10m", memory = "40Mi" }, limits = { memory = "256Mi" } },
    volumeMounts = LIST(mounts),
  }
  if mode == "controller" then
    table.insert(container.env, { name = "AWS_REGION", value = o.region })
    container.securityContext = { allowPrivilegeEscalation = false, readOnlyRootFilesystem = true }
    if next(o.volume_tags) then
      local tags = {}
      for key, value in slipway.sorted(o.volume_tags) do tags[#tags + 1] = ("%s=%s"):format(key, value) end
      table.insert(container.args, "--extra-tags=" .. table.concat(tags, ","))
    end
  else
    container.securityContext = { privileged = true, readOnlyRootFilesystem = true }
  end
  for key, value in pairs(more or {}) do container[key] = value end
  return container
end

local function sidecar(o, name, args, mounts)
  return {
    name = name, image = image(o, name), args = LIST(args), volumeMounts = LIST(mounts),
    resources = { requests = { cpu = "10m", memory = "40Mi" }, limits = { memory = "256Mi" } },
    securityContext = { allowPrivilegeEscalation = false, readOnlyRootFilesystem = true },
  }
end

local function controller(o)
  local dir = "/var/lib/csi/sockets/pluginproxy"
  local mounts = { { name = "socket-dir", mountPath = dir } }
  local address = ("--csi-address=%s/csi.sock"):format(dir)
  local selector = labels { app = "ebs-csi-controller" }
  return {
    apiVersion = "apps/v1", kind = "Deployment",
    metadata = { name = "ebs-csi-controller", namespace = o.namespace, labels = labels() },
    spec = {
      replicas = o.replicas,
      selector = { matchLabels = selector },
      template = {
        metadata = { labels = selector },
        spec = {
          serviceAccountName = "ebs-csi-controller-sa",
          priorityClassName = "system-cluster-critical",
          nodeSelector = { ["kubernetes.io/os"] = "linux" },
          securityContext = { fsGroup = 1000, runAsGroup = 1000, runAsNonRoot = true, runAsUser = 1000 },
          affinity = { podAntiAffinity = { preferredDuringSchedulingIgnoredDuringExecution = LIST { {
            weight = 100, podAffinityTerm = { topologyKey = "kubernetes.io/hostname", labelSelector = { matchLabels = { app = "ebs-csi-controller" } } },
          } } } },
          tolerations = LIST { { effect = "NoExecute", operator = "Exists", tolerationSeconds = 300 } },
          containers = LIST {
            plugin(o, "controller", dir .. "/csi.sock", mounts),
            sidecar(o, "csi-provisioner", { address, "--v=2", "--extra-create-metadata", "--leader-election=true", "--default-fstype=ext4",
              "--timeout=60s", "--feature-gates=Topology=true" }, mounts),
            sidecar(o, "csi-attacher", { address, "--v=2", "--leader-election=true", "--timeout=6m" }, mounts),
            sidecar(o, "csi-resizer", { address, "--v=2", "--leader-election=true", "--handle-volume-inuse-error=false" }, mounts),
            sidecar(o, "livenessprobe", { "--csi-address=/csi/csi.sock" }, { { name = "socket-dir", mountPath = "/csi" } }),
          },
          volumes = LIST { { name = "socket-dir", emptyDir = {} } },
        },
      },
    },
  }
end

local function node(o)
  local selector = labels { app = "ebs-csi-node" }
  local plugin_dir = ("/var/lib/kubelet/plugins/%s"):format(DRIVER)
  local csi = { name = "plugin-dir", mountPath = "/csi" }
  local function path(name, at, type) return { name = name, hostPath = { path = at, type = type } } end
  return {
    apiVersion = "apps/v1", kind = "DaemonSet",
    metadata = { name = "ebs-csi-node", namespace = o.namespace, labels = labels() },
    spec = {
      selector = { matchLabels = selector },
      updateStrategy = { type = "RollingUpdate", rollingUpdate = { maxUnavailable = "10%" } },
      template = {
        metadata = { labels = selector },
        spec = {
          serviceAccountName = "ebs-csi-node-sa",
          priorityClassName = "system-node-critical",
          nodeSelector = { ["kubernetes.io/os"] = "linux" },
          -- The metadata service answers machines and, with a hop limit of one, nobody behind them.
          hostNetwork = true,
          tolerations = LIST { { operator = "Exists" } },
          containers = LIST {
            plugin(o, "node", "/csi/csi.sock", {
              { name = "kubelet-dir", mountPath = "/var/lib/kubelet", mountPropagation = "Bidirectional" }, csi, { name = "device-dir", mountPath = "/dev" },
            }, { lifecycle = { preStop = { exec = { command = LIST { "/bin/aws-ebs-csi-driver", "pre-stop-hook" } } } } }),
            sidecar(o, "csi-node-driver-registrar", { "--csi-address=/csi/csi.sock", ("--kubelet-registration-path=%s/csi.sock"):format(plugin_dir), "--v=2" },
              { csi, { name = "registration-dir", mountPath = "/registration" } }),
            sidecar(o, "livenessprobe", { "--csi-address=/csi/csi.sock" }, { csi }),
          },
          volumes = LIST {
            path("kubelet-dir", "/var/lib/kubelet", "Directory"), path("plugin-dir", plugin_dir, "DirectoryOrCreate"),
            path("registration-dir", "/var/lib/kubelet/plugins_registry", "Directory"), path("device-dir", "/dev", "Directory"),
          },
        },
      },
    },
  }
end

local function driver()
  return {
    apiVersion = "storage.k8s.io/v1", kind = "CSIDriver", metadata = { name = DRIVER, labels = labels() },
    spec = { attachRequired = true, podInfoOnMount = false, fsGroupPolicy = "File" },
  }
end

local PROVISIONED = { io1 = true, io2 = true }

--- What no disk of that kind has: told now, not by a claim that waits for ever.
local function check_class(given)
  local function fail(text) slipway.fail(("add-on aws-ebs-csi: classes: %s: %s"):format(given.name, text)) end
  if given.throughput and given.type ~= "gp3" then fail "throughput is for gp3" end
  if given.iops and given.type ~= "gp3" and not PROVISIONED[given.type] then fail "iops is for gp3, io1 and io2" end
  if PROVISIONED[given.type] and not given.iops then fail(("iops is missing: a disk of type %s has as many as it is given"):format(given.type)) end
  if given.kms_key and not given.encrypted then fail "kms_key is for encrypted disks" end
end

local function class(o, given)
  local parameters = { type = given.type, ["csi.storage.k8s.io/fstype"] = given.fs, encrypted = tostring(given.encrypted) }
  if given.kms_key then parameters.kmsKeyId = given.kms_key end
  if given.iops then parameters.iops = tostring(given.iops) end
  if given.throughput then parameters.throughput = tostring(given.throughput) end
  return {
    apiVersion = "storage.k8s.io/v1", kind = "StorageClass",
    metadata = { name = given.name, annotations = { ["storageclass.kubernetes.io/is-default-class"] = tostring(given.name == o.default_class) } },
    provisioner = DRIVER,
    parameters = parameters,
    reclaimPolicy = given.reclaim,
    allowVolumeExpansion = true,
    -- A disk lives in one zone: that of the node which the pod was given.
    volumeBindingMode = "WaitForFirstConsumer",
  }
end

local CLASS = {
  name = { "string", required = true, doc = "the class's name" },
  type = { "string", default = "gp3", one_of = { "gp3", "gp2", "io1", "io2", "st1", "sc1" }, doc = "the kind of disk" },
  fs = { "string", default = "ext4", one_of = { "ext4", "ext3", "xfs" }, doc = "the file system" },
  encrypted = { "bool", default = true, doc = "encrypt the disks" },
  kms_key = { "string", doc = "the ARN of the key to encrypt with; without it, that of the account for EBS" },
  iops = { "int", doc = "I/O operations per second" },
  throughput = { "int", doc = "MiB per second, of gp3" },
  reclaim = { "string", default = "Delete", one_of = { "Delete", "Retain" }, doc = "what becomes of a disk when its claim goes" },
}

return addon "aws-ebs-csi" {
  doc = "Volumes for pods, as disks of Amazon EBS, with their storage classes.",
  version = "1.41.0",
  namespace = "kube-system",
  options = {
    region = { "string", required = true, doc = "the AWS region; the stock playbook fills it in on AWS" },
    classes = { "list", of = CLASS, doc = "storage classes; one called gp3 without it" },
    default_class = { "string", default = "gp3", doc = "the class of claims that name none" },
    replicas = { "int", default = 2, doc = "of the controller" },
    volume_tags = { "map", default = {}, doc = "tags of every disk it makes" },
    image = { "string", default = "public.ecr.aws/ebs-csi-driver/aws-ebs-csi-driver", doc = "the driver's image, without the tag" },
    sidecar_registry = { "string", default = "registry.k8s.io/sig-storage", doc = "where the images of its companions lie" },
    sidecars = { "map", default = {},
      doc = "other tags of its companions: csi-provisioner, csi-attacher, csi-resizer, csi-node-driver-registrar, livenessprobe" },
  },
  install = function(o, a)
    for name in pairs(o.sidecars) do
      if not SIDECARS[name] then
        local names = {}
        for known in pairs(SIDECARS) do names[#names + 1] = known end
        core.unknown("companion of the add-on aws-ebs-csi", name, names)
      end
    end
    if o.namespace ~= "kube-system" then a:create_namespace { ["pod-security.kubernetes.io/enforce"] = "privileged" } end
    local list = rbac(o)
    for _, object in ipairs { controller(o), node(o), driver() } do list[#list + 1] = object end
    local found = false
    for _, each in ipairs(o.classes or { { name = "gp3", type = "gp3", fs = "ext4", encrypted = true, reclaim = "Delete" } }) do
      check_class(each)
      list[#list + 1] = class(o, each)
      found = found or each.name == o.default_class
    end
    if not found and o.classes and o.default_class ~= "" then
      local names = {}
      for i, each in ipairs(o.classes) do names[i] = each.name end
      core.unknown("storage class of the add-on aws-ebs-csi", o.default_class, names)
    end
    a:objects(list)
  end,
}
