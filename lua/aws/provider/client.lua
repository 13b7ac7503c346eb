--- The client of one configuration: what the functions of resource types get as `aws`. lua/aws/README.md tells of every word.
local answer = require "aws/provider/answer"
local clock = require "aws/provider/clock"
local config_check = require "aws/provider/config"
local credentials = require "aws/credentials"
local endpoints = require "aws/provider/endpoints"
local errors = require "aws/provider/errors"
local files = require "aws/credentials/files"
local jsonrpc = require "aws/provider/jsonrpc"
local query = require "aws/provider/query"
local region = require "aws/provider/region"
local rest = require "aws/provider/rest"
local retry = require "aws/provider/retry"
local service = require "aws/provider/service"
local share = require "share"
local tags = require "aws/provider/tags"
local throttle = require "aws/provider/throttle"
local wait = require "aws/provider/wait"

local SERVICES = { ec2 = query, iam = query, elbv2 = query, sts = query, acm = jsonrpc, ssm = jsonrpc, route53 = rest.route53, s3 = rest.s3 }

local XML = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;" }

--- What all calls of a client share.
local function context(config, io)
  local ctx = { io = io, config = config, clock = clock.new(io), budget = retry.budget() }
  --- An empty variable is none.
  function ctx.env(name, hidden)
    local value = io.env(name, hidden)
    if value ~= nil and #value > 0 then return value end
    return nil
  end
  files.attach(ctx)
  ctx.ca_file = config.ca_bundle or ctx.env "AWS_CA_BUNDLE" or ctx.profile().ca_bundle
  local attempts = config.max_attempts or ctx.env "AWS_MAX_ATTEMPTS" or ctx.profile().max_attempts
  ctx.attempts = attempts and math.tointeger(tonumber(attempts)) or nil
  local cache = share.cache(io)
  ctx.once, ctx.changed = cache.once, cache.forget
  local throttles = {}
  function ctx.throttles(endpoint)
    throttles[endpoint.own] = throttles[endpoint.own] or throttle.buckets(io, endpoint.own)
    return throttles[endpoint.own]
  end
  return ctx
end

--- A stranger's pull request names no place that our signed requests, and what they carry, are sent to.
local function refuse_strangers(config)
  if slipway.untrusted and (config.endpoint or config.endpoints or config.ca_bundle) then
    core.refuse("the provider's configuration names an endpoint or certificates of its own: they are used at apply")
  end
end

return function(config, io)
  config_check.check(config, "the provider 'aws'")
  refuse_strangers(config)
  local ctx = context(config, io)
  ctx.region = region.find(ctx)
  ctx.partition = endpoints.partition(ctx.region)
  --- STS with other keys, or unsigned with none.
  function ctx.sts(keys)
    local own = setmetatable({ keys = keys or false, source = keys and keys.source or function() return "no keys" end }, { __index = ctx })
    return service.bind(query, own, endpoints.of("sts", ctx.region, ctx))
  end
  ctx.keys = credentials.keys(ctx)
  function ctx.source() return ctx.keys.source() end

  local client = {
    region = ctx.region,
    partition = ctx.partition,
    dns_suffix = endpoints.suffix(ctx.partition),
    default_tags = config.default_tags or {},
    memory = {},
    list = answer.list,
    read_tags = tags.read,
    token_of = tags.token,
  }
  local at = {}
  local lists = 0

  local function bind(name, address)
    at[name] = at[name] or endpoints.of(name, ctx.region, ctx)
    return service.bind(SERVICES[name], ctx, at[name], address)
  end

  --- Services are bound when they are named first.
  local function on_demand(own, base, address)
    return setmetatable(own, {
      __index = function(self, name)
        if base and base[name] ~= nil and not SERVICES[name] then return base[name] end
        if not SERVICES[name] then return nil end
        local bound = bind(name, address)
        self[name] = bound
        return bound
      end,
    })
  end

  function client.bool(value)
    if value == nil or value == "" then return nil end
    return value == true or value == "true"
  end

  function client.int(value) return math.tointeger(tonumber(value)) end

  function client.xml_escape(text)
    return (tostring(text):gsub('[&<>"]', XML))
  end

  local identity = share.cache(io)

  function client.account()
    return identity.once("account", function()
      local account = bind("sts"):call("GetCallerIdentity", {}).Account
      local allowed = config.account_ids
      if not allowed then return account end
      for _, each in ipairs(allowed) do
        if each == account then return account end
      end
      return fail(("the keys (from %s) are of the account %s, which the configuration's account_ids do not name"):format(ctx.source(), account))
    end)
  end

  function client.arn(_, name, resource, in_region, account)
    return ("arn:%s:%s:%s:%s:%s"):format(ctx.partition, name, in_region or ctx.region, account or client.account(), resource)
  end

  function client.all(_, functions) return io.all(functions) end

  function client.now() return io.now() end

  function client.sleep(_, seconds) return io.sleep(seconds) end

  function client.event() return io.event() end

  function client.once(_, key, fn) return ctx.once(key, fn) end

  function client.wait(_, spec) return wait.until_done(io, spec) end

  function client.tags(_, r) return tags.of(r, client.default_tags) end

  function client.raise(self, err) return errors.raise(err, ctx, self._address) end

  --- Told of each `list` that begins (1) and ends (-1): what they shared is forgotten with the last.
  function client.listing(change)
    lists = lists + change
    if lists == 0 then ctx.changed() end
  end

  --- The client for one create, update or delete: its errors name the resource.
  function client.for_item(_, item)
    return on_demand({ _address = item._address }, client, item._address)
  end

  on_demand(client)
  if config.account_ids then client.account() end
  return client
end
