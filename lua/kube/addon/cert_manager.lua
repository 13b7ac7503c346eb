--- cert-manager: certificates for what the cluster serves.
local addon = require "kube/addon"

local ACME = {
  ["letsencrypt-staging"] = "https://acme-staging-v02.api.letsencrypt.org/directory",
  ["letsencrypt-prod"] = "https://acme-v02.api.letsencrypt.org/directory",
}

local function solver(o)
  if o.solver == "route53" then
    local route53 = { region = o.region, hostedZoneID = o.hosted_zone_id, role = o.role }
    if o.access_key_id then
      route53.accessKeyID = o.access_key_id
      route53.secretAccessKeySecretRef = { name = "route53-credentials", key = "secret-access-key" }
    end
    return { dns01 = { route53 = route53 } }
  end
  return { http01 = { ingress = { ingressClassName = o.ingress_class } } }
end

local function issuer(name, spec)
  return { apiVersion = "cert-manager.io/v1", kind = "ClusterIssuer", metadata = { name = name }, spec = spec }
end

-- Options that are for one solver only.
local ROUTE53 = { "hosted_zone_id", "role", "access_key_id", "secret_access_key" }

--- Options that would do nothing are a mistake.
local function check(o)
  local issues, acme = {}, false
  for _, name in ipairs(o.issuers) do
    issues[name] = true
    acme = acme or ACME[name] ~= nil
  end
  for _, key in ipairs(ROUTE53) do
    if o[key] ~= nil and (o.solver ~= "route53" or not acme) then
      slipway.fail(("add-on cert-manager: %s is for the solver route53 of Let's Encrypt"):format(key),
        "solver: route53, and issuers: [letsencrypt-staging, letsencrypt-prod]")
    end
  end
  if (o.access_key_id == nil) ~= (o.secret_access_key == nil) then slipway.fail "add-on cert-manager: access_key_id and secret_access_key go together" end
  for _, key in ipairs { "ca_cert", "ca_key" } do
    if o[key] ~= nil and not issues.ca then slipway.fail(("add-on cert-manager: %s is for the issuer ca"):format(key), "issuers: [ca]") end
  end
end

return addon "cert-manager" {
  doc = "Certificates: from Let's Encrypt by HTTP-01 or Route53 DNS-01, or from a CA of your own.",
  version = "1.19.1",
  namespace = "cert-manager",
  options = {
    issuers = { "list", default = {}, doc = "ClusterIssuers to make: letsencrypt-staging, letsencrypt-prod, selfsigned, ca" },
    email = { "string", doc = "the account at Let's Encrypt; needed by its issuers" },
    solver = { "string", default = "http01", one_of = { "http01", "route53" }, doc = "how Let's Encrypt is shown that a name is ours" },
    ingress_class = { "string", default = "nginx", doc = "the ingress class that answers HTTP-01" },
    region = { "string", doc = "of Route53, for solver route53" },
    hosted_zone_id = { "string", doc = "the Route53 zone; without it, it is looked for by name" },
    role = { "string", doc = "an IAM role to assume for Route53" },
    access_key_id = { "string", doc = "an access key for Route53; without it, that of the node or service account" },
    secret_access_key = { "string", doc = "its secret: a secret of the inventory" },
    ca_cert = { "string", doc = "the certificate of the CA (PEM), for the issuer ca" },
    ca_key = { "string", doc = "its private key (PEM): a secret of the inventory" },
  },

  release = function(o)
    return { url = ("https://github.com/cert-manager/cert-manager/releases/download/v%s/cert-manager.yaml"):format(o.version) }
  end,

  check = check,

  install = function(o, a)
    local before, list = {}, {}
    if o.access_key_id then
      before[#before + 1] = {
        apiVersion = "v1", kind = "Secret", metadata = { name = "route53-credentials", namespace = o.namespace },
        stringData = { ["secret-access-key"] = secret(o.secret_access_key) },
      }
    end
    for _, name in ipairs(o.issuers) do
      if ACME[name] then
        if not o.email then slipway.fail(("add-on cert-manager: email is missing: the issuer %s needs an account"):format(name)) end
        list[#list + 1] = issuer(name, {
          acme = { server = ACME[name], email = o.email, privateKeySecretRef = { name = name .. "-account" }, solvers = slipway.list { solver(o) } },
        })
      elseif name == "selfsigned" then
        list[#list + 1] = issuer(name, { selfSigned = {} })
      elseif name == "ca" then
        if not (o.ca_cert and o.ca_key) then slipway.fail "add-on cert-manager: ca_cert and ca_key are missing: the issuer ca signs with them" end
        before[#before + 1] = {
          apiVersion = "v1", kind = "Secret", type = "kubernetes.io/tls", metadata = { name = "ca", namespace = o.namespace },
          stringData = { ["tls.crt"] = o.ca_cert, ["tls.key"] = secret(o.ca_key) },
        }
        list[#list + 1] = issuer(name, { ca = { secretName = "ca" } })
      else
        core.unknown("issuer of cert-manager", tostring(name), { "letsencrypt-staging", "letsencrypt-prod", "selfsigned", "ca" })
      end
    end
    if #before > 0 then a:objects(before) end
    -- Its webhook answers some seconds after its pods are ready: the objects themselves are tried until it does.
    if #list > 0 then a:objects(list) end
  end,
}
