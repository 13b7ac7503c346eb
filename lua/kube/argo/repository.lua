--- Repositories and credentials as Argo CD takes them: Secrets with a label.
local repository = {}

repository.ROWS = {
  url = { "string", required = true, doc = "the repository; for credentials, what the URLs they are for begin with" },
  name = { "string", doc = "what it is called in Argo CD" },
  type = { "string", default = "git", one_of = { "git", "helm", "oci" }, doc = "what it holds" },
  project = { "string", doc = "the only project that may use it" },
  username = { "string", doc = "the user, for HTTPS" },
  password = { "string", doc = "the password or token: a secret of the inventory" },
  bearer_token = { "string", doc = "a token instead of user and password: a secret of the inventory" },
  ssh_key = { "string", doc = "the private key (PEM), for SSH: a secret of the inventory" },
  github_app = { "map", doc = "a GitHub App instead", of = {
    id = { "any", required = true, doc = "the App's number" },
    installation = { "any", required = true, doc = "the installation's number" },
    key = { "string", required = true, doc = "its private key (PEM): a secret of the inventory" },
    enterprise_url = { "string", doc = "the API of a GitHub Enterprise server" },
  } },
  ca_cert = { "string", doc = "a client certificate (PEM), for mutual TLS" },
  ca_key = { "string", doc = "its key (PEM): a secret of the inventory" },
  lfs = { "bool", doc = "fetch files of Git LFS" },
  proxy = { "string", doc = "a proxy on the way there" },
  enable_oci = { "bool", doc = "with type helm: the charts lie in an OCI registry" },
}

-- Ours -> Argo CD's.
local TEXTS = { url = "url", name = "name", type = "type", project = "project", username = "username", proxy = "proxy", ca_cert = "tlsClientCertData" }
local SECRETS = { password = "password", bearer_token = "bearerToken", ssh_key = "sshPrivateKey", ca_key = "tlsClientCertKey" }
local FLAGS = { lfs = "enableLfs", enable_oci = "enableOCI" }

--- "https://github.com/acme/apps.git" -> "github-com-acme-apps": a name that stays, whatever the order.
local function slug(url)
  local text = url:lower():gsub("^%w+://", ""):gsub("^[^/@]*@", ""):gsub("%.git$", ""):gsub("[^%w]+", "-"):gsub("^%-+", ""):gsub("%-+$", "")
  -- Names may be long, but not that long; what is cut off still counts.
  if #text > 40 then text = text:sub(1, 40):gsub("%-+$", "") .. "-" .. sha256(url):sub(1, 8) end
  return text
end

--- The Secret of one repository (kind "repository") or of credentials ("repo-creds"); `given` was checked by the rows.
function repository.secret(given, kind, namespace)
  local data = {}
  for ours, theirs in pairs(TEXTS) do data[theirs] = given[ours] end
  for ours, theirs in pairs(SECRETS) do
    if given[ours] ~= nil then data[theirs] = secret(given[ours]) end
  end
  for ours, theirs in pairs(FLAGS) do
    if given[ours] ~= nil then data[theirs] = tostring(given[ours]) end
  end
  local app = given.github_app
  if app then
    data.githubAppID, data.githubAppInstallationID = tostring(app.id), tostring(app.installation)
    data.githubAppPrivateKey, data.githubAppEnterpriseBaseUrl = secret(app.key), app.enterprise_url
  end
  if type(given.url) ~= "string" then slipway.fail "a repository's url is known when the plan is made" end
  return {
    apiVersion = "v1", kind = "Secret",
    metadata = {
      name = (kind == "repository" and "repo-" or "creds-") .. slug(given.url), namespace = namespace,
      labels = { ["argocd.argoproj.io/secret-type"] = kind },
    },
    type = "Opaque",
    stringData = data,
  }
end

--- The Secrets of a list.
function repository.secrets(list, kind, namespace)
  local found, seen = {}, {}
  for i, each in ipairs(list) do
    found[i] = repository.secret(each, kind, namespace)
    local name = found[i].metadata.name
    if seen[name] then slipway.fail(("the repository %s is there twice"):format(each.url)) end
    seen[name] = true
  end
  return found
end

return repository
