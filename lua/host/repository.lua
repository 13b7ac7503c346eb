local resource, sh = require "resource", require "sh"
local check, origin, place = require "host/lib/check", require "host/lib/origin", require "host/lib/place"
local tables, texts = require "host/lib/tables", require "host/lib/texts"
require "host/lib/fetch"
require "host/lib/packages"

-- Where each package manager has its sources and keys. All three are read; the manager that is there says which counts.
local function paths_of(name)
  return {
    apt = { source = "/etc/apt/sources.list.d/" .. name .. ".sources", key = "/etc/apt/keyrings/" .. name .. ".asc" },
    dnf = { source = "/etc/yum.repos.d/" .. name .. ".repo", key = "/etc/pki/rpm-gpg/RPM-GPG-KEY-" .. name },
    apk = { source = "/etc/apk/repositories", key = "/etc/apk/keys/" .. name .. ".rsa.pub" },
  }
end

local function is_url(key) return key:find("^https?://%S+$") ~= nil end

-- A word for the key that stands in the file: a change of the key shows.
local function key_id(t)
  if t.key == nil then return "none" end
  return is_url(t.key) and t.key or "sha256:" .. sha256(t.key)
end

local function words(list) return table.concat(tables.list(list), " ") end

local render = {}

function render.apt(t, path)
  local lines = { "X-Slipway-Key: " .. key_id(t), "Types: deb", "URIs: " .. t.url, "Suites: " .. words(t.suites) }
  local function field(name, value) lines[#lines + 1] = name .. ": " .. value end
  if #tables.list(t.components) > 0 then field("Components", words(t.components)) end
  if t.architectures then field("Architectures", words(t.architectures)) end
  if t.key then field("Signed-By", path) end
  if t.trusted then field("Trusted", "yes") end
  return tables.join(lines, "\n") .. "\n"
end

function render.dnf(t, path, name)
  local lines = {
    "# X-Slipway-Key: " .. key_id(t), "[" .. name .. "]", "name=" .. name, "baseurl=" .. t.url, "enabled=1", "gpgcheck=" .. (t.trusted and "0" or "1"),
  }
  if t.key then lines[#lines + 1] = "gpgkey=file://" .. path end
  return tables.join(lines, "\n") .. "\n"
end

-- apk has one line for each branch.
local function apk_lines(t)
  local suites, lines = tables.list(t.suites), {}
  for _, suite in ipairs(#suites > 0 and suites or { "" }) do
    lines[#lines + 1] = (t.url:gsub("/$", "")) .. (suite ~= "" and "/" .. suite or "")
  end
  return lines
end

local function normalise(want)
  local t = tables.merge(want)
  check.match("url", t.url, "^%a[%w+.-]*:[^%c%s]+$", "a URL without blanks")
  for _, name in ipairs { "suites", "components", "architectures" } do
    for _, word in ipairs(t[name] or {}) do check.match(name, word, "^[^%c%s]+$", "words without blanks") end
  end
  t.key_sha256 = check.sha256("key_sha256", t.key_sha256)
  if t.key and not is_url(t.key) then
    if not t.key:find("BEGIN PGP PUBLIC KEY BLOCK", 1, true) and not t.key:find("BEGIN PUBLIC KEY", 1, true) then
      slipway.fail("key: expected a URL, or the key itself (-----BEGIN PGP PUBLIC KEY BLOCK-----)")
    end
    t.key = check.ended(t.key)
  end
  return t
end

local function probe_all(rs)
  local all, keys = {}, {}
  for i, r in ipairs(rs) do
    local paths = paths_of(r.name)
    all[#all + 1], all[#all + 2] = paths.apt.source, paths.dnf.source
    if i == 1 then all[#all + 1] = paths.apk.source end
    for _, manager in ipairs { "apt", "dnf", "apk" } do
      keys[#keys + 1] = sh("[ ! -s {path} ] || echo {path}", { path = paths[manager].key })
    end
  end
  return sh.join { "h_packages; echo $_pm", sh.join(keys), "echo", texts.show(all) }
end

-- What a file of apt or dnf says, in the playbook's words.
local function parse(manager, text, r, has_key)
  text = "\n" .. text
  local function value(name) return text:match("\n" .. name .. "%s*[:=]%s*([^\n]*)") end
  local function list(name)
    local items = {}
    for word in (value(name) or ""):gmatch("%S+") do items[#items + 1] = word end
    return items
  end
  local have = tables.pick(r, { "suites", "components", "architectures", "key_sha256" })
  if manager == "apt" then
    have.url, have.trusted = check.shown(value("URIs") or "", r, "url"), value("Trusted") == "yes"
    have.suites, have.components, have.architectures = list("Suites"), list("Components"), list("Architectures")
  else
    have.url, have.trusted = check.shown(value("baseurl") or "", r, "url"), value("gpgcheck") == "0"
  end
  local id = text:match("X%-Slipway%-Key: ([^\n]*)") or "none"
  have.key = id
  if r.key == nil or (check.known(r.key) and has_key and id == key_id(r)) then have.key = r.key end
  return have
end

local function parse_apk(text, r, has_key)
  if not check.plain(r.url) then return nil end
  for _, line in ipairs(apk_lines(r)) do
    if not ("\n" .. text):find("\n" .. line .. "\n", 1, true) then return nil end
  end
  local have = tables.pick(r, { "url", "suites", "components", "architectures", "key_sha256", "trusted" })
  have.key = r.key ~= nil and (has_key and r.key or "none") or nil
  return have
end

local function read_all(out, rs)
  local manager, keys, lines, in_lines = out.lines[1], {}, {}, false
  for i = 2, #out.lines do
    local line = out.lines[i]
    if in_lines then lines[#lines + 1] = line
    elseif line == "" then in_lines = true
    else keys[line] = true end
  end
  local have = {}
  for _, r in ipairs(rs) do
    local paths = paths_of(r.name)[manager]
    local text = paths and texts.parse(lines, { paths.source })[paths.source]
    if text and manager == "apk" then
      have[r.name] = parse_apk(text, r, keys[paths.key])
    elseif text then
      have[r.name] = parse(manager, text, r, keys[paths.key])
    end
  end
  return have
end

local function key_step(r, manager)
  if r.key == nil then return "" end
  local path = paths_of(r.name)[manager].key
  local values = { path = path, directory = path:match("^(.*)/"), url = r.key, sha256 = r.key_sha256 or "" }
  local directory = sh("[ -d {directory} ] || (umask 022; mkdir -p -- {directory})", values)
  if not is_url(r.key) then return sh.join { directory, place.file(path, r.key, "0644") } end
  -- apt tells an armoured key by its name (.asc) from a binary one (.gpg); servers give either, so the content decides.
  return sh.join {
    directory,
    sh("h_new {path}", values),
    sh('h_fetch {url} "$_tmp" {sha256} || h_drop', values),
    manager == "apt" and "h_armour || h_drop" or "",
    sh("h_put {path} 0644 ''", values),
  }
end

-- h_armour: _tmp, a key in binary, as ASCII armour; apt reads armour without its optional checksum.
sh.prelude [[
h_armour() {
  ! grep -q 'BEGIN PGP PUBLIC KEY BLOCK' "$_tmp" || return 0
  { printf -- '-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n' && base64 < "$_tmp" && printf -- '-----END PGP PUBLIC KEY BLOCK-----\n'; } > "$_tmp.asc" &&
    mv -f -- "$_tmp.asc" "$_tmp"
}
]]

local function source_step(r, manager)
  local path = paths_of(r.name)[manager].source
  if manager ~= "apk" then return place.file(path, render[manager](r, paths_of(r.name)[manager].key, r.name), "0644") end
  local lines = {}
  for _, line in ipairs(apk_lines(r)) do
    lines[#lines + 1] = sh("LC_ALL=C grep -qxF -e {line} \"$_path\" || h_append {line}", { line = line })
  end
  return sh.join { sh("h_edit {path}", { path = path }), sh.join(lines), "h_save" }
end

return resource "repository" {
  doc    = "A source of packages: deb822 for apt, a .repo file for dnf, a line for apk; with its key.",
  name   = { doc = "the name of its file", pattern = "^[%w_][%w_-]*$" },
  schema = {
    url           = { "string", required = true, doc = "the repository's base" },
    suites        = { "list", of = "string", default = {}, doc = "apt: suites ('/' for a flat repository); apk: branches" },
    components    = { "list", of = "string", default = {}, doc = "apt: components" },
    architectures = { "list", of = "string", doc = "apt: only these" },
    key           = { "string", doc = "the signing key: its text, or a URL" },
    key_sha256    = { "string", doc = "of what the key's URL gives" },
    trusted       = { "bool", default = false, doc = "signatures are not checked" },
    created       = origin.row,
  },
  normalise = normalise,
  probe_all = probe_all,
  read_all  = read_all,

  apply = function(r)
    return sh.join {
      "h_packages",
      "case $_pm in",
      "apt)", key_step(r, "apt"), source_step(r, "apt"), "h_again apt ;;",
      "dnf)", key_step(r, "dnf"), source_step(r, "dnf"), ";;",
      "apk)", key_step(r, "apk"), source_step(r, "apk"), "h_again apk ;;",
      "*) h_no_packages ;;",
      "esac",
    }
  end,

  result = function(_, r) return origin.result(r) end,

  remove = function(r)
    if not origin.removable(r) then return nil end
    local paths = paths_of(r.name)
    local apk = {}
    for _, line in ipairs(r.url and apk_lines(r) or {}) do
      apk[#apk + 1], apk[#apk + 2] = "-e", line
    end
    local files = { paths.apt.source, paths.apt.key, paths.dnf.source, paths.dnf.key, paths.apk.key }
    return sh.join {
      sh("rm -f -- {files}", { files = files }),
      #apk > 0 and sh([[
if [ -e /etc/apk/repositories ]; then
  h_edit /etc/apk/repositories
  h_delete $(LC_ALL=C grep -nxF {lines} < "$_path" | h_numbers '')
  h_save
fi]], { lines = apk }) or "",
      "h_again apt; h_again apk",
    }
  end,
}
