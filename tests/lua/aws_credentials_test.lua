-- Where AWS keys come from: files, their errors, chains of profiles, command lines, hosts a token may go to. STS, SSO and the metadata service answer in
-- tests/integration/test_aws_client.py.
local credentials = require "aws/credentials"
local container = require "aws/credentials/container"
local files = require "aws/credentials/files"
local ini = require "aws/credentials/ini"
local kept = require "aws/credentials/keys".kept
local process = require "aws/credentials/process"

local KEY, SECRET = "AKIDEXAMPLE", "not-to-be-seen"

-- The format.
local function keys_of(text)
  local found = {}
  for _, section in ipairs(ini.parse(text, "f")) do found[section.name] = section.keys end
  return found
end

equal(keys_of "\xEF\xBB\xBF# comment\n[default]\r\nregion = eu-west-1\r\n\r\n[profile a]\nOutput=json\n; more\nx : y\n",
  { default = { region = "eu-west-1" }, ["profile a"] = { output = "json", x = "y" } })
equal(keys_of "[a]\ns3 =\n  max = 1\n  endpoint_url = http://x\nregion = r\n[b] # why\n  k = v\n  l = w\n",
  { a = { s3 = { max = "1", endpoint_url = "http://x" }, region = "r" }, b = { k = "v", l = "w" } })
equal(keys_of "[a]\nk = one\n  two\nurl = https://x/?a=b\n", { a = { k = "one\ntwo", url = "https://x/?a=b" } })
local secrets = keys_of("[a]\naws_access_key_id = " .. KEY .. "\naws_secret_access_key=" .. SECRET .. "\n").a
check(slipway.is_secret(secrets.aws_access_key_id) and slipway.is_secret(secrets.aws_secret_access_key), "keys are secrets from the file on")
for text, wanted in pairs {
  ["key = v\n"] = "a section, such as %[default%], comes first",
  ["[a]\n" .. SECRET .. "\n"] = "KEY = VALUE wanted",
  ["[a\n"] = "a section looks like %[name%]",
  ["[a]\n[b]\n[a]\n"] = "the section %[a%] is there already, in line 1",
  ["[a]\nk = 1\nk = 2\n"] = "'k' is there already, in line 2",
  ["[a]\nm =\n  " .. SECRET .. "\n"] = "'m' is a map: KEY = VALUE wanted",
} do
  local message = raises(function() ini.parse(text, "f") end, wanted)
  check(not message:find(SECRET, 1, true), "an error shows what the file holds")
end

-- Command lines.
equal(process.split [[aws-vault  exec "my profile" --x='a b' c\ d "e\"f" '' -- "$HOME"]],
  { "aws-vault", "exec", "my profile", "--x=a b", "c d", 'e"f', "", "--", "$HOME" })
equal(process.split "", {})
equal(process.split "a 'b", nil)

-- Hosts.
equal(container.url("/v2/x", nil), "http://169.254.170.2/v2/x")
for _, fine in ipairs {
  "http://127.0.0.1:51679/x", "http://localhost/x", "http://169.254.170.23/v1", "http://[fd00:ec2::23]/v1", "http://[::1]:80/", "https://any.example/x",
} do
  equal(container.url(nil, fine), fine)
end
for _, wrong in ipairs {
  "http://evil.example/x", "http://127.0.0.1.evil.example/x", "http://a@evil.example/", "http://localhost@evil.example/", "http://169.254.169.254/",
} do
  raises(function() container.url(nil, wrong) end, "without https only this machine")
end
raises(function() container.url("v2", nil) end, "does not start with '/'")
raises(function() container.url(nil, "ftp://x") end, "is no URL")

-- The chain.
local function context(setup)
  local ctx = { config = setup.config or {}, sts_calls = {} }
  ctx.clock = { now = function() return setup.time or 1000 end }
  ctx.io = { sleep = function() end, random = function() return 0 end, now = function() return 1000 end }
  function ctx.io.event() return { wait = function() end, set = function() end } end
  function ctx.io.read_file(path) return setup.files and setup.files[path] end
  function ctx.io.run(options) return setup.run(options) end
  function ctx.io.http(request)
    if setup.http then return setup.http(request) end
    return { error = "unreachable", message = "no network" }
  end
  function ctx.env(name, hidden)
    local value = (setup.env or {})[name]
    if value and hidden then return secret(value) end
    return value
  end
  function ctx.sts(keys)
    return { call = function(_, action, params)
      local from = keys and keys.get().source or "nobody"
      ctx.sts_calls[#ctx.sts_calls + 1] = { action = action, params = params, from = from }
      return { Credentials = { AccessKeyId = "ASIA", SecretAccessKey = "s", SessionToken = "t", Expiration = "2026-11-27T14:08:00Z" } }
    end }
  end
  files.attach(ctx)
  return ctx
end

local OFF = { AWS_EC2_METADATA_DISABLED = "true" }
local function with(more)
  local env = {}
  for key, value in pairs(OFF) do env[key] = value end
  for key, value in pairs(more) do env[key] = value end
  return env
end

local function source_of(setup) return credentials.keys(context(setup)).get().source end

local CONFIG, CREDENTIALS = "~/.aws/config", "~/.aws/credentials"
local PAIR = "aws_access_key_id = " .. KEY .. "\naws_secret_access_key = " .. SECRET .. "\n"
local ENV_PAIR = { AWS_ACCESS_KEY_ID = KEY, AWS_SECRET_ACCESS_KEY = SECRET }

equal(source_of { env = with(ENV_PAIR) }, "the environment (AWS_ACCESS_KEY_ID)")
equal(source_of { config = { access_key = KEY, secret_key = SECRET }, env = with(ENV_PAIR) }, "the provider's configuration")
equal(source_of { env = OFF, files = { [CREDENTIALS] = "[default]\n" .. PAIR } }, "the profile 'default' in ~/.aws/credentials")
equal(source_of { env = OFF, files = { [CONFIG] = "[default]\n" .. PAIR } }, "the profile 'default' in ~/.aws/config")
equal(source_of { env = with(ENV_PAIR), config = { profile = "p" }, files = { [CONFIG] = "[profile p]\n" .. PAIR } }, "the profile 'p' in ~/.aws/config")
equal(source_of { env = with { AWS_PROFILE = "my p" }, files = { [CONFIG] = '[profile "my p"]\n' .. PAIR } }, "the profile 'my p' in ~/.aws/config")
equal(source_of { env = with { AWS_CONFIG_FILE = "/c", AWS_SHARED_CREDENTIALS_FILE = "/s" }, files = { ["/s"] = "[default]\n" .. PAIR } },
  "the profile 'default' in /s")

local _, message, hint
message, hint = raises(function() source_of { env = OFF } end, "there are no AWS credentials")
for _, word in ipairs {
  "AWS_ACCESS_KEY_ID is not set", "AWS_WEB_IDENTITY_TOKEN_FILE is not set", "neither file is there", "_FULL_URI are not set",
  "AWS_EC2_METADATA_DISABLED is set",
} do
  check(message:find(word, 1, true), "the error does not say: " .. word)
end
check(hint:find("AWS_PROFILE", 1, true))
raises(function() source_of { env = with { AWS_ACCESS_KEY_ID = KEY } } end, "AWS_SECRET_ACCESS_KEY is not")
local function asking(name, config)
  return function() source_of { env = with { AWS_PROFILE = name }, files = { [CONFIG] = config } } end
end
_, hint = raises(asking("x", "[x]\n" .. PAIR .. "[profile y]\n"), "there is no profile 'x'")
equal(hint, "in ~/.aws/config a profile's section is [profile x], not [x]")
_, hint = raises(asking("z", "[profile y]\n" .. PAIR), "there is no profile 'z'")
equal(hint, "there are: y")
raises(function() source_of { env = OFF, files = { [CREDENTIALS] = "[default]\naws_access_key_id = x\n" } } end, "did not give the secret key")

-- Roles.
local ROLE = "arn:aws:iam::111122223333:role/deploy"
local function role_profile(name, more) return ("[profile %s]\nrole_arn = %s\n%s\n"):format(name, ROLE, more) end
do
  local ctx = context { env = with { AWS_PROFILE = "a" }, files = {
    [CONFIG] = role_profile("a", "source_profile = b\nexternal_id = e\nduration_seconds = 900\nrole_session_name = me") ..
      role_profile("b", "source_profile = c"),
    [CREDENTIALS] = "[c]\n" .. PAIR,
  } }
  local keys = credentials.keys(ctx).get()
  equal(keys.source, "the role '" .. ROLE .. "' (profile 'a')")
  check(slipway.is_secret(keys.secret) and slipway.is_secret(keys.token))
  equal(#ctx.sts_calls, 2)
  equal(ctx.sts_calls[1].from, "the profile 'c' in ~/.aws/credentials")
  equal(ctx.sts_calls[2].from, "the role '" .. ROLE .. "' (profile 'b')")
  equal({ ctx.sts_calls[2].params.ExternalId, ctx.sts_calls[2].params.DurationSeconds, ctx.sts_calls[2].params.RoleSessionName }, { "e", 900, "me" })
end
do -- a profile whose source is itself: its own keys
  local ctx = context { env = with { AWS_PROFILE = "a" }, files = { [CONFIG] = role_profile("a", "source_profile = a\n" .. PAIR) } }
  credentials.keys(ctx).get()
  equal(ctx.sts_calls[1].from, "the profile 'a' in ~/.aws/config")
end
do
  local ctx = context { env = with { AWS_PROFILE = "a", AWS_ACCESS_KEY_ID = KEY, AWS_SECRET_ACCESS_KEY = SECRET }, config = { profile = "a" },
    files = { [CONFIG] = role_profile("a", "credential_source = Environment") } }
  credentials.keys(ctx).get()
  equal(ctx.sts_calls[1].from, "the environment (AWS_ACCESS_KEY_ID)")
end
for more, wanted in pairs {
  ["source_profile = b\n[profile b]\nrole_arn = x\nsource_profile = a"] = "go in a circle: a %-> b %-> a",
  [""] = "neither source_profile nor credential_source",
  ["source_profile = b\ncredential_source = Environment"] = "both source_profile and credential_source",
  ["credential_source = Elsewhere"] = "there is no credential_source 'Elsewhere'",
  ["source_profile = nowhere"] = "there is no profile 'nowhere'",
  ["source_profile = b\n[profile b]\nregion = x"] = "the profile 'b' %(source_profile of 'a'%) has no keys",
  ["credential_source = Environment"] = "the credential_source 'Environment' of the profile 'a' has no keys",
} do
  raises(function() source_of { config = { profile = "a" }, env = OFF, files = { [CONFIG] = role_profile("a", more) } } end, wanted)
end
do -- the configuration's role, over whatever the chain finds
  local ctx = context { env = with(ENV_PAIR), config = { assume_role = { role_arn = ROLE, external_id = "e" } } }
  equal(credentials.keys(ctx).get().source, "the role '" .. ROLE .. "' (assume_role of the configuration)")
  equal(ctx.sts_calls[1].from, "the environment (AWS_ACCESS_KEY_ID)")
end
do -- web identity: unsigned, the token a secret, and before the profile
  local ctx = context {
    env = with { AWS_WEB_IDENTITY_TOKEN_FILE = "/t", AWS_ROLE_ARN = ROLE, AWS_ROLE_SESSION_NAME = "pod" },
    files = { ["/t"] = "jwt\n", [CREDENTIALS] = "[default]\n" .. PAIR },
  }
  credentials.keys(ctx).get()
  equal({ ctx.sts_calls[1].action, ctx.sts_calls[1].from, ctx.sts_calls[1].params.RoleSessionName }, { "AssumeRoleWithWebIdentity", "nobody", "pod" })
  equal(ctx.sts_calls[1].params.WebIdentityToken, secret "jwt")
  raises(function() source_of { env = with { AWS_WEB_IDENTITY_TOKEN_FILE = "/t", AWS_ROLE_ARN = ROLE } } end, "the token file '/t' is not there")
end

-- A program.
do
  local printed
  local function load(out, status, err)
    return source_of { env = OFF, files = { [CONFIG] = "[default]\ncredential_process = get 'my keys'\n" }, run = function(options)
      printed = options.argv
      return { ok = (status or 0) == 0, status = status or 0, out = out, err = err or "" }
    end }
  end
  equal(load('{"Version":1,"AccessKeyId":"a","SecretAccessKey":"s","Expiration":"2030-01-01T00:00:00Z"}'), "credential_process of the profile 'default'")
  equal(printed, { "get", "my keys" })
  for out, wanted in pairs {
    ['{"AccessKeyId":"a","SecretAccessKey":"' .. SECRET .. '"}'] = 'no "Version": 1',
    ['{"Version":1,"SecretAccessKey":"' .. SECRET .. '"}'] = "did not give the access key id",
    ['{"Version":1,"AccessKeyId":"a","SecretAccessKey":"' .. SECRET .. '","Expiration":"soon"}'] = "did not give a date in Expiration",
    [SECRET] = "did not print a JSON object",
  } do
    local text = raises(function() load(out) end, wanted)
    check(not text:find(SECRET, 1, true), "an error shows what the program printed")
  end
  local text = raises(function() load(SECRET, 3, "no\nvault") end, "ended with status 3: no vault")
  check(not text:find(SECRET, 1, true))
end

-- Refreshing: 10 minutes before they expire; while it fails the old ones serve; what the service calls expired is fetched anew.
do
  local setup, n, broken = { time = 0 }, 0, false
  local keys = kept(context(setup), function()
    if broken then fail "no answer" end
    n = n + 1
    return { n = n, expires = setup.time + 3600 }
  end)
  equal(keys.get().n, 1)
  setup.time = 2999
  equal(keys.get().n, 1)
  setup.time = 3001
  broken = true
  equal(keys.get().n, 1)
  broken = false
  equal(keys.get().n, 1) -- not tried again at once
  setup.time = 3032
  equal(keys.get().n, 2)
  setup.time = 3032 + 3599
  broken = true
  raises(function() keys.get() end, "no answer")
  broken = false
  equal(keys.get().n, 3)
  keys.forget(keys.get())
  equal(keys.get().n, 4)
end
