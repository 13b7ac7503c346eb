--- What listeners and rules do with a request: actions between the schema's form and ELB's.
local items = require "aws/lib/items"

local action = {}

local STICKINESS = {
  enabled = { "bool", required = true, doc = "whether it does" },
  duration = { "int", required = true, doc = "seconds" },
}

action.row = {
  "list",
  of = {
    type = { "string", required = true, one_of = { "forward", "redirect", "fixed-response" }, doc = "what is done" },
    order = { "int", doc = "the place among several actions" },
    target_group_arn = { "string", doc = "forward: the target group" },
    forward = {
      "map",
      of = {
        target_group = {
          "list",
          required = true,
          of = { arn = { "string", required = true, doc = "the target group" }, weight = { "int", doc = "its share, 0 to 999" } },
          doc = "the target groups",
        },
        stickiness = { "map", of = STICKINESS, doc = "whether a client stays with its target group" },
      },
      doc = "forward: several target groups, with weights",
    },
    redirect = {
      "map",
      of = {
        status_code = { "string", required = true, one_of = { "HTTP_301", "HTTP_302" }, doc = "for good, or for now" },
        host = { "string", doc = "the host; #{host} is the request's" },
        path = { "string", doc = "the path; /#{path} is the request's" },
        port = { "string", doc = "the port; #{port} is the request's" },
        protocol = { "string", doc = "HTTP, HTTPS or #{protocol}" },
        query = { "string", doc = "the query; #{query} is the request's" },
      },
      doc = "redirect: where to",
    },
    fixed_response = {
      "map",
      of = {
        content_type = { "string", required = true, doc = "text/plain, text/html, text/css, application/json or application/javascript" },
        message_body = { "string", doc = "the text, 1024 bytes at most" },
        status_code = { "string", doc = "2XX, 4XX or 5XX: the HTTP status" },
      },
      doc = "fixed-response: what is answered",
    },
  },
}

--- One action may stand there without a list around it.
function action.wrap(want, name)
  if type(want[name]) ~= "table" or want[name].type == nil then return nil end
  local out = {}
  for key, value in pairs(want) do out[key] = value end
  out[name] = { want[name] }
  return out
end

--- For `declare`: each action has what its type needs.
function action.check(list, name)
  for _, one in ipairs(type(list) == "table" and list or {}) do
    if type(one) == "table" then
      local kind = one.type
      if kind == "forward" and one.target_group_arn == nil and one.forward == nil then
        fail(name .. ': an action of type "forward" needs target_group_arn or forward')
      elseif kind == "redirect" and one.redirect == nil then
        fail(name .. ': an action of type "redirect" needs redirect = { status_code = "HTTP_301", ... }')
      elseif kind == "fixed-response" and one.fixed_response == nil then
        fail(name .. ': an action of type "fixed-response" needs fixed_response = { content_type = ..., status_code = ... }')
      end
    end
  end
end

local function to_forward(forward)
  local groups = {}
  for i, group in ipairs(forward.target_group) do groups[i] = { TargetGroupArn = group.arn, Weight = group.weight } end
  local sticky = forward.stickiness
  return { TargetGroups = groups, TargetGroupStickinessConfig = sticky and { Enabled = sticky.enabled, DurationSeconds = sticky.duration } }
end

local function redirect_fields(from)
  return { StatusCode = from.status_code, Host = from.host, Path = from.path, Port = from.port, Protocol = from.protocol, Query = from.query }
end

--- Actions as ELB takes them.
function action.to_wire(list)
  local out = {}
  for i, one in ipairs(list) do
    local fixed = one.fixed_response
    out[i] = {
      Type = one.type,
      Order = one.order or (#list > 1 and i or nil),
      TargetGroupArn = one.type == "forward" and one.target_group_arn or nil,
      ForwardConfig = one.type == "forward" and one.forward and to_forward(one.forward) or nil,
      RedirectConfig = one.type == "redirect" and redirect_fields(one.redirect) or nil,
      FixedResponseConfig = one.type == "fixed-response"
        and { ContentType = fixed.content_type, MessageBody = fixed.message_body, StatusCode = fixed.status_code } or nil,
    }
  end
  return out
end

local function read_forward(aws, config)
  local groups = {}
  for i, group in ipairs(aws.list(config.TargetGroups)) do groups[i] = { arn = group.TargetGroupArn, weight = aws.int(group.Weight) } end
  local sticky = config.TargetGroupStickinessConfig
  return {
    target_group = slipway.list(groups),
    stickiness = type(sticky) == "table" and { enabled = aws.bool(sticky.Enabled) or false, duration = aws.int(sticky.DurationSeconds) } or nil,
  }
end

--- Actions of an answer, in order.
function action.from_wire(aws, list)
  local out = {}
  for i, one in ipairs(aws.list(list)) do
    local redirect, fixed, forward = one.RedirectConfig, one.FixedResponseConfig, one.ForwardConfig
    forward = type(forward) == "table" and read_forward(aws, forward) or nil
    -- One group in ForwardConfig is the same as TargetGroupArn; AWS gives both.
    local single = forward and #forward.target_group == 1 and forward.target_group[1].arn
    out[i] = {
      type = one.Type,
      order = aws.int(one.Order),
      target_group_arn = items.known(one.TargetGroupArn) or single or nil,
      forward = forward,
      redirect = type(redirect) == "table" and {
        status_code = redirect.StatusCode,
        host = redirect.Host,
        path = redirect.Path,
        port = redirect.Port,
        protocol = redirect.Protocol,
        query = redirect.Query,
      } or nil,
      fixed_response = type(fixed) == "table" and {
        content_type = fixed.ContentType, message_body = fixed.MessageBody, status_code = fixed.StatusCode,
      } or nil,
    }
  end
  table.sort(out, function(a, b) return (a.order or 0) < (b.order or 0) end)
  return slipway.list(out)
end

return action
