--- Argo CD: what runs in the cluster is what a git repository says.
local addon = require "kube/addon"
local repository, settings = require "kube/argo/repository", require "kube/argo/settings"

-- Pods read these when they start.
local READS_PARAMS = { Deployment = true, StatefulSet = true }

local function add_data(object, data)
  if next(data) == nil then return end
  object.data = object.data or {}
  for key, value in pairs(data) do object.data[key] = value end
end

local function tls_secret(o)
  return {
    apiVersion = "v1", kind = "Secret", type = "kubernetes.io/tls",
    metadata = { name = "argocd-server-tls", namespace = o.namespace },
    stringData = { ["tls.crt"] = o.tls_cert, ["tls.key"] = secret(o.tls_key) },
  }
end

local function ingress(o)
  local given = o.ingress
  local annotations = {}
  if not o.insecure and given.class == "nginx" then annotations["nginx.ingress.kubernetes.io/backend-protocol"] = "HTTPS" end
  if given.issuer then annotations["cert-manager.io/cluster-issuer"] = given.issuer end
  for key, value in pairs(given.annotations) do annotations[key] = value end
  local tls
  if given.issuer or given.tls_secret then
    -- Not argocd-server-tls: that one is served by Argo CD itself.
    tls = slipway.list { { hosts = slipway.list { o.domain }, secretName = given.tls_secret or "argocd-ingress-tls" } }
  end
  local backend = { service = { name = "argocd-server", port = { name = o.insecure and "http" or "https" } } }
  return {
    apiVersion = "networking.k8s.io/v1", kind = "Ingress",
    metadata = { name = "argocd-server", namespace = o.namespace, annotations = next(annotations) and annotations or nil },
    spec = {
      ingressClassName = given.class,
      tls = tls,
      rules = slipway.list { { host = o.domain, http = { paths = slipway.list { { path = "/", pathType = "Prefix", backend = backend } } } } },
    },
  }
end

local function check(o)
  if o.tls_cert and not o.tls_key then slipway.fail "add-on argo-cd: tls_key is missing: the private key of tls_cert" end
  if o.tls_key and not o.tls_cert then slipway.fail "add-on argo-cd: tls_cert is missing: the certificate of tls_key" end
  if o.insecure and o.tls_cert then slipway.fail("add-on argo-cd: insecure and tls_cert: without TLS there is no certificate", "leave one of them out") end
  if o.ingress and not o.domain then slipway.fail("add-on argo-cd: domain is missing: the name that the ingress is for", "domain: argocd.example.org") end
  if o.admin == false and o.admin_password ~= nil then slipway.fail "add-on argo-cd: admin is false, so admin_password is for nobody" end
end

return addon "argo-cd" {
  doc = "GitOps: what runs in the cluster is what a git repository says.",
  version = "3.5.1",
  namespace = "argocd",
  movable = true,
  options = {
    ha = { "bool", default = false, doc = "several replicas of everything, and a redis that fails over; wants three nodes" },
    domain = { "string", doc = "the name under which people reach it" },
    insecure = { "bool", default = false, doc = "serve without TLS: it ends at the ingress or load balancer in front" },
    tls_cert = { "string", doc = "the certificate it serves (PEM); without it, one of its own" },
    tls_key = { "string", doc = "its private key (PEM): a secret of the inventory" },
    ingress = { "map", doc = "an Ingress for `domain`", of = {
      class = { "string", default = "nginx", doc = "the ingress class" },
      issuer = { "string", doc = "the ClusterIssuer of cert-manager that gives its certificate" },
      tls_secret = { "string", doc = "the Secret with its certificate" },
      annotations = { "map", default = {}, doc = "further annotations" },
    } },
    exposure = { "string", default = "cluster", one_of = { "cluster", "load_balancer", "node_port" },
      doc = "how its Service is reached: inside the cluster (or by ingress), by an address of its own, by a port of every node" },
    admin = { "bool", default = true, doc = "whether the user admin may log in" },
    admin_password = { "string", doc = "the password of admin: a secret of the inventory; without it, Argo CD makes one (Secret argocd-initial-admin-secret)" },
    admin_password_changed = { "string", default = "2020-01-01T00:00:00Z",
      doc = "when it was last changed (RFC 3339): sessions that are older end" },
    repositories = { "list", default = {}, of = repository.ROWS, doc = "repositories, with what is needed to read them" },
    repository_credentials = { "list", default = {}, of = repository.ROWS, doc = "credentials for all repositories whose URL begins so" },
    ssh_known_hosts = { "string", doc = "further lines of known_hosts, for repositories by SSH" },
    tls_certs = { "map", default = {}, doc = "host name -> certificate (PEM) of the CA, for repositories by HTTPS" },
    oidc = { "map", doc = "single sign-on by OpenID Connect: name, issuer, clientID, clientSecret, ... as Argo CD's oidc.config" },
    dex = { "map", doc = "single sign-on by Dex: connectors, ... as Argo CD's dex.config; $NAME stands for one of `secrets`" },
    secrets = { "map", default = {}, doc = "further members of the Secret argocd-secret, for $NAME in settings" },
    rbac = { "string", doc = "who may do what: lines of Argo CD's policy.csv" },
    rbac_default = { "string", doc = "the role of everybody who has logged in, such as role:readonly" },
    rbac_scopes = { "string", doc = "which claims of a token are groups, such as [groups, email]" },
    progressive_syncs = { "bool", default = false, doc = "let ApplicationSets roll out step by step" },
    settings = { "map", default = {}, doc = "further members of the ConfigMap argocd-cm" },
    params = { "map", default = {}, doc = "further members of the ConfigMap argocd-cmd-params-cm" },
  },

  release = function(o)
    local file = o.ha and "ha/install.yaml" or "install.yaml"
    return { url = ("https://raw.githubusercontent.com/argoproj/argo-cd/v%s/manifests/%s"):format(o.version, file) }
  end,

  check = check,

  patch = function(object, o)
    local name, kind = object.metadata.name, object.kind
    if kind == "ConfigMap" then
      if name == "argocd-cm" then add_data(object, settings.main(o))
      elseif name == "argocd-cmd-params-cm" then add_data(object, settings.params(o))
      elseif name == "argocd-rbac-cm" then add_data(object, settings.rbac(o))
      elseif name == "argocd-tls-certs-cm" then add_data(object, o.tls_certs)
      elseif name == "argocd-ssh-known-hosts-cm" and o.ssh_known_hosts then
        local own = object.data and object.data.ssh_known_hosts or ""
        add_data(object, { ssh_known_hosts = own:gsub("\n*$", "\n") .. o.ssh_known_hosts .. "\n" })
      end
    elseif kind == "Secret" and name == "argocd-secret" then
      object.stringData = settings.secrets(o)
    elseif kind == "Service" and name == "argocd-server" and o.exposure ~= "cluster" then
      object.spec.type = o.exposure == "node_port" and "NodePort" or "LoadBalancer"
    elseif READS_PARAMS[kind] and name:find("^argocd%-") then
      local params = settings.params(o)
      if next(params) == nil then return end
      local metadata = object.spec.template.metadata
      metadata.annotations = metadata.annotations or {}
      -- Other settings, other pods.
      metadata.annotations["slipway-params"] = sha256(json.encode(params)):sub(1, 16)
    end
  end,

  install = function(o, a)
    local list = {}
    if o.tls_cert then list[#list + 1] = tls_secret(o) end
    for _, each in ipairs(repository.secrets(o.repositories, "repository", o.namespace)) do list[#list + 1] = each end
    for _, each in ipairs(repository.secrets(o.repository_credentials, "repo-creds", o.namespace)) do list[#list + 1] = each end
    if o.ingress then list[#list + 1] = ingress(o) end
    if #list > 0 then a:objects(list) end
  end,
}
