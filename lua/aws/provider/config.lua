--- The provider's configuration: what it may hold, checked with the user's words.
local config = {}

local SERVICES = { "ec2", "iam", "sts", "elbv2", "acm", "route53", "s3", "ssm" }

local function text(value, what)
  if type(value) == "string" or slipway.is_secret(value) then return end
  core.fail(("%s is a %s, not a text"):format(what, type(value)))
end

local function filled(value, what)
  text(value, what)
  if value == "" then core.fail(what .. " is empty") end
end

local function hidden(value, what)
  if slipway.is_secret(value) then return end
  text(value, what)
  core.fail(what .. " stands there in plain text", "!env NAME, !file PATH or !vault in the inventory, secret(...) in a playbook")
end

local function matching(pattern, example)
  return function(value, what)
    filled(value, what)
    if type(value) == "string" and not value:find(pattern) then core.fail(("%s: '%s' is none, such as %s"):format(what, value, example)) end
  end
end

local function whole(least, most)
  return function(value, what)
    if math.type(value) ~= "integer" or value < least or value > most then core.fail(("%s: a number from %d to %d wanted"):format(what, least, most)) end
  end
end

local url = matching("^https?://[^/%s]+", "https://ec2.example.org")

local function map(check)
  return function(value, what)
    if type(value) ~= "table" or value[1] ~= nil then core.fail(what .. ": a map wanted, NAME: value") end
    for key, each in pairs(value) do check(each, ("%s '%s'"):format(what, key)) end
  end
end

local function scalar(value, what)
  if type(value) == "table" then core.fail(what .. " is a table, not a text") end
end

local path = {} -- the keys of what is being checked

--- Raises for what is not among the rows, or not right.
local function check_rows(value, what, rows)
  if type(value) ~= "table" or value[1] ~= nil then core.fail(what .. ": a map wanted, NAME: value") end
  local names = {}
  for name in pairs(rows) do names[#names + 1] = name end
  for key, each in pairs(value) do
    path[#path + 1] = tostring(key)
    if not rows[key] then core.unknown("setting of " .. what, tostring(key), names) end
    rows[key](each, ("%s: %s"):format(what, key))
    path[#path] = nil
  end
end

local function rows_of(rows)
  return function(value, what) check_rows(value, what, rows) end
end

local function endpoints(value, what)
  local rows = {}
  for _, service in ipairs(SERVICES) do rows[service] = url end
  check_rows(value, what, rows)
end

local function accounts(value, what)
  if type(value) ~= "table" then core.fail(what .. ": a list of account numbers wanted") end
  for _, account in ipairs(value) do
    if type(account) ~= "string" or not account:find("^%d%d%d%d%d%d%d%d%d%d%d%d$") then
      core.fail(("%s: '%s' is no account: 12 digits wanted, in quotes"):format(what, tostring(account)))
    end
  end
end

local ROWS = {
  name = text,
  alias = text,
  region = matching("^[a-z][a-z]%-[a-z-]+%-%d+$", "eu-west-1"),
  profile = filled,
  access_key = filled,
  secret_key = hidden,
  token = hidden,
  assume_role = rows_of {
    role_arn = matching("^arn:aws[a-z-]*:iam::%d+:role/", "arn:aws:iam::111122223333:role/deploy"),
    external_id = filled,
    session_name = matching("^[%w+=,.@_-]+$", "slipway"),
    duration = whole(900, 43200),
    mfa_serial = filled,
    policy = filled,
  },
  endpoint = url,
  endpoints = endpoints,
  ca_bundle = filled,
  max_attempts = whole(1, 100),
  timeout = whole(1, 600),
  default_tags = map(scalar),
  account_ids = accounts,
}

--- @param what string whose configuration it is, for messages
function config.check(value, what)
  path = {}
  check_rows(value, what, ROWS)
  if value.assume_role and not value.assume_role.role_arn then core.fail(what .. ": assume_role needs role_arn") end
  if (value.access_key == nil) ~= (value.secret_key == nil) then core.fail(what .. ": access_key and secret_key go together") end
  if value.access_key ~= nil and value.profile then core.fail(what .. ": either profile or access_key, not both") end
  if value.token ~= nil and value.access_key == nil then core.fail(what .. ": token needs access_key and secret_key") end
end

--- The inventory's own: an error names its line.
function config.check_inventory(value)
  local fine, err = pcall(config.check, value, "the provider 'aws'")
  if fine then return end
  if type(err) ~= "userdata" then error(err, 0) end
  local file, line = core.inventory_place("provider", table.unpack(path))
  core.fail_at(file, line, err.message, err.hint)
end

return config
