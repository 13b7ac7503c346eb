--- aws_lb_listener_rule: what a listener does with some of the requests.
local resource = require "resource"
local action, elb, items = require "aws/lib/elb_action", require "aws/lib/elb", require "aws/lib/items"
local kind, tags = require "aws/lib/elb_kind", require "aws/lib/tags"

local MISSING = { "RuleNotFound", "ListenerNotFound", "LoadBalancerNotFound" }
local RETRY = { "TargetGroupNotFound", "ListenerNotFound" }

--- The condition's attribute -> ELB's field and its configuration.
local CONDITIONS = {
  host_header = { "host-header", "HostHeaderConfig" },
  path_pattern = { "path-pattern", "PathPatternConfig" },
  http_request_method = { "http-request-method", "HttpRequestMethodConfig" },
  source_ip = { "source-ip", "SourceIpConfig" },
  http_header = { "http-header", "HttpHeaderConfig" },
  query_string = { "query-string", "QueryStringConfig" },
}

local function values(doc) return { "map", of = { values = { "list", of = "string", required = true, doc = "any of them matches" } }, doc = doc } end

local CONDITION_ROWS = {
  host_header = values "the Host header",
  path_pattern = values "the path",
  http_request_method = values "the method",
  source_ip = values "the client's address",
  http_header = {
    "map",
    of = {
      http_header_name = { "string", required = true, doc = "the header's name" },
      values = { "list", of = "string", required = true, doc = "any of them matches" },
    },
    doc = "a header",
  },
  query_string = {
    "list",
    of = { key = { "string", doc = "the parameter; none: any" }, value = { "string", required = true, doc = "its value" } },
    doc = "the query",
  },
}

local function to_wire(list)
  local out = {}
  for _, condition in ipairs(list) do
    for name, value in pairs(condition) do
      local spec, config = CONDITIONS[name], {}
      if name == "query_string" then
        config.Values = {}
        for i, pair in ipairs(value) do config.Values[i] = { Key = pair.key, Value = pair.value } end
      else
        config.Values, config.HttpHeaderName = value.values, value.http_header_name
      end
      out[#out + 1] = { Field = spec[1], [spec[2]] = config }
    end
  end
  return out
end

--- Conditions in one order, and the values of each: they are sets.
local function ordered(list)
  local out = {}
  for i, condition in ipairs(list) do
    local copy = {}
    for name, value in pairs(condition) do
      copy[name] = name == "query_string" and value or elb.sorted(value, "values")
    end
    out[i] = copy
  end
  table.sort(out, function(a, b) return json.encode(a) < json.encode(b) end)
  return slipway.list(out)
end

local function from_wire(aws, list)
  local out = {}
  for _, condition in ipairs(aws.list(list)) do
    for name, spec in pairs(CONDITIONS) do
      local config = condition[spec[2]]
      if condition.Field == spec[1] then
        if type(config) ~= "table" then config = { Values = condition.Values } end
        local value = { values = slipway.list(aws.list(config.Values)), http_header_name = config.HttpHeaderName }
        if name == "query_string" then
          value = {}
          for i, pair in ipairs(aws.list(config.Values)) do value[i] = { key = items.known(pair.Key), value = pair.Value } end
        end
        out[#out + 1] = { [name] = value }
      end
    end
  end
  return ordered(out)
end

local function listener_of(arn)
  return (arn:gsub(":listener%-rule/", ":listener/"):gsub("/[^/]+$", ""))
end

local function read(aws, item, rule, set)
  return {
    id = rule.RuleArn,
    arn = rule.RuleArn,
    listener_arn = listener_of(rule.RuleArn),
    priority = aws.int(rule.Priority),
    action = action.from_wire(aws, rule.Actions),
    condition = from_wire(aws, rule.Conditions),
    tags = tags.read(aws, item, set),
  }
end

local rules = kind.within {
  action = "DescribeRules", list = "Rules", arn = "RuleArn", parent = "ListenerArn", attribute = "listener_arn", parent_of = listener_of,
  number = "priority", field = "Priority", missing = MISSING, taken = "the listener has a rule of priority %d", hint = "; or choose another priority",
}

local function made(aws, r, rule) return kind.made(read(aws, r, rule, {}), r) end

local function update(aws, r)
  local arn = r.have.id
  if r.priority ~= r.have.priority then
    aws.elbv2:call("SetRulePriorities", { RulePriorities = { { RuleArn = arn, Priority = r.priority } } }, { idempotent = true })
  end
  local out = aws.elbv2:call("ModifyRule", { RuleArn = arn, Actions = action.to_wire(r.action), Conditions = to_wire(r.condition) },
    { idempotent = true, retry = RETRY })
  elb.retag(aws, arn, r)
  local after = made(aws, r, out.Rules[1])
  after.priority = r.priority
  return after
end

return resource "aws_lb_listener_rule" {
  on = "api",
  provider = "aws",
  unique = true,
  doc = "A rule of an application load balancer's listener. Its id is its ARN.",
  schema = {
    listener_arn = { "string", required = true, immutable = true, doc = "the listener" },
    priority = { "int", required = true, doc = "rules are tried from the smallest to the largest, 1 to 50000" },
    action = { "list", required = true, of = action.row.of, doc = "what is done; one needs no list around it" },
    condition = { "list", required = true, of = CONDITION_ROWS, doc = "what has to match, each of one kind: { { host_header = { values = { ... } } } }" },
    tags = tags.row,
    id = { "string", computed = true, doc = "its ARN" },
    arn = { "string", computed = true, doc = "its ARN" },
  },

  declare = function(want)
    local out = action.wrap(want, "action")
    action.check((out or want).action, "action")
    for _, condition in ipairs(type(want.condition) == "table" and want.condition or {}) do
      local kinds = 0
      for _ in pairs(type(condition) == "table" and condition or {}) do kinds = kinds + 1 end
      if kinds ~= 1 then fail "condition: expected a list of conditions of one kind each, as in { { host_header = { values = { \"a.example.org\" } } } }" end
    end
    return out
  end,

  normalise = function(want)
    local out = {}
    for key, value in pairs(want) do out[key] = value end
    out.condition = ordered(want.condition)
    return out
  end,

  list = rules.list(read),

  create = function(aws, r)
    if r.have then return update(aws, r) end
    local out, err = aws.elbv2:try("CreateRule", {
      ListenerArn = r.listener_arn,
      Priority = r.priority,
      Actions = action.to_wire(r.action),
      Conditions = to_wire(r.condition),
      Tags = aws:tags(r),
    }, { retry = RETRY })
    return made(aws, r, out and out.Rules[1] or err.code == "PriorityInUse" and rules.ours(aws, r) or aws:raise(err))
  end,

  update = update,

  delete = function(aws, r)
    aws.elbv2:call("DeleteRule", { RuleArn = (r.have or r.prior).id }, { gone = MISSING })
  end,
}
