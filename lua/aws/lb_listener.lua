--- aws_lb_listener: a port of a load balancer, and what it does with what comes in.
local resource = require "resource"
local action, elb, items, tags = require "aws/lib/elb_action", require "aws/lib/elb", require "aws/lib/items", require "aws/lib/tags"

local MISSING = { "ListenerNotFound", "LoadBalancerNotFound" }

--- A certificate is not known to the load balancer until a while after ACM issued it.
local RETRY = { "CertificateNotFound", "UnsupportedCertificate", "TargetGroupNotFound", "LoadBalancerNotFound" }

local ATTRIBUTES = {
  tcp_idle_timeout_seconds = { "tcp.idle_timeout.seconds", "int", "seconds an idle connection stays (network, TCP)" },
}

--- The load balancer's ARN in a listener's.
local function balancer_of(arn)
  return (arn:gsub(":listener/", ":loadbalancer/"):gsub("/[^/]+$", ""))
end

local function read(aws, item, listener, set, attributes)
  local certificate, alpn = aws.list(listener.Certificates)[1], aws.list(listener.AlpnPolicy)[1]
  local out = {
    id = listener.ListenerArn,
    arn = listener.ListenerArn,
    load_balancer_arn = listener.LoadBalancerArn,
    port = aws.int(listener.Port),
    protocol = listener.Protocol,
    ssl_policy = listener.SslPolicy,
    certificate_arn = certificate and certificate.CertificateArn,
    alpn_policy = alpn,
    default_action = action.from_wire(aws, listener.DefaultActions),
    tags = tags.read(aws, item, set),
  }
  for key, value in pairs(attributes or {}) do out[key] = value end
  return out
end

local function attributes_of(aws, item, arn)
  if not elb.sets_any(item, ATTRIBUTES) then return nil end
  local list = elb.find(aws, "DescribeListenerAttributes", { ListenerArn = arn }, "Attributes", MISSING)
  return list and elb.read_attributes(aws, list, ATTRIBUTES)
end

local function set_attributes(aws, arn, r)
  local changes = elb.changed_attributes(r, ATTRIBUTES)
  if #changes == 0 then return {} end
  local out = aws.elbv2:call("ModifyListenerAttributes", { ListenerArn = arn, Attributes = changes }, { retry = MISSING })
  return elb.read_attributes(aws, out.Attributes, ATTRIBUTES)
end

--- All listeners of a load balancer; nil when it is gone.
local function listeners(aws, balancer)
  local all, marker = {}, nil
  repeat
    local out, err = aws.elbv2:try("DescribeListeners", { LoadBalancerArn = balancer, PageSize = 400, Marker = marker })
    if not out and err.code == "LoadBalancerNotFound" then return nil end
    if not out then return aws:raise(err) end
    for _, listener in ipairs(aws.list(out.Listeners)) do all[#all + 1] = listener end
    marker = items.known(out.NextMarker)
  until not marker
  return all
end

local function parameters(r)
  return {
    Port = r.port,
    Protocol = r.protocol,
    SslPolicy = r.ssl_policy,
    Certificates = r.certificate_arn and { { CertificateArn = r.certificate_arn } },
    AlpnPolicy = r.alpn_policy and { r.alpn_policy },
    DefaultActions = action.to_wire(r.default_action),
  }
end

local function made(aws, r, listener, attributes)
  local out = read(aws, r, listener, {}, attributes)
  out.tags = r.tags
  return out
end

--- The listener on the same port, when it bears the token of this create: then the first answer was lost.
local function ours(aws, r)
  for _, listener in ipairs(listeners(aws, r.load_balancer_arn) or {}) do
    if aws.int(listener.Port) == r.port then
      local arn = listener.ListenerArn
      if aws.token_of(elb.tags(aws, { arn })[arn] or {}) == r._token then return listener end
      return fail(("the load balancer has a listener on port %d already, which this state does not know"):format(r.port),
        ("adopt it with: slipway import '%s' '%s'"):format(r._address, arn))
    end
  end
end

local function update(aws, r)
  local params, arn = parameters(r), r.have.id
  params.ListenerArn = arn
  local out = aws.elbv2:call("ModifyListener", params, { idempotent = true, retry = RETRY, within = 300 })
  local attributes = set_attributes(aws, arn, r)
  elb.retag(aws, arn, r)
  return made(aws, r, out.Listeners[1], attributes)
end

return resource "aws_lb_listener" {
  on = "api",
  provider = "aws",
  doc = "A listener: a port of a load balancer. Its id is its ARN.",
  schema = elb.rows(ATTRIBUTES, {
    load_balancer_arn = { "string", required = true, immutable = true, doc = "the load balancer" },
    port = { "int", required = true, doc = "the port" },
    protocol = {
      "string", required = true, one_of = { "HTTP", "HTTPS", "TCP", "TLS", "UDP", "TCP_UDP" },
      doc = "HTTP, HTTPS (application); TCP, TLS, UDP, TCP_UDP (network)",
    },
    ssl_policy = { "string", doc = "the TLS versions and ciphers, as AWS names them: ELBSecurityPolicy-TLS13-1-2-2021-06" },
    certificate_arn = { "string", doc = "the certificate it shows, of HTTPS and TLS" },
    alpn_policy = { "string", doc = "HTTP1Only, HTTP2Only, HTTP2Optional, HTTP2Preferred or None (TLS)" },
    default_action = { "list", required = true, of = action.row.of, doc = "what it does when no rule matches; one needs no list around it" },
    tags = tags.row,
    id = { "string", computed = true, doc = "its ARN" },
    arn = { "string", computed = true, doc = "its ARN" },
  }),

  declare = function(want)
    local out = action.wrap(want, "default_action")
    action.check((out or want).default_action, "default_action")
    if (want.protocol == "HTTPS" or want.protocol == "TLS") and want.certificate_arn == nil then
      fail(("a listener of protocol %s needs certificate_arn"):format(want.protocol))
    end
    return out
  end,

  list = function(aws, list)
    local of, arns = {}, {}
    items.by(aws, list, function(item)
      local id = items.id(item)
      return id and balancer_of(id) or items.adopts(item) and items.known(item.load_balancer_arn) or nil
    end, function(balancer, group)
      local all = listeners(aws, balancer) or {}
      for _, item in ipairs(group) do
        for _, listener in ipairs(all) do
          local id = items.id(item)
          if id and listener.ListenerArn == id or not id and aws.int(listener.Port) == item.port then of[item._name] = listener end
        end
      end
    end)
    for _, listener in pairs(of) do arns[#arns + 1] = listener.ListenerArn end
    local tagged, have = elb.tags(aws, arns), {}
    items.each(aws, list, function(item)
      local listener = of[item._name]
      local set = listener and tagged[listener.ListenerArn] or {}
      if listener and (items.id(item) or aws.token_of(set) == item._token) then
        have[item._name] = read(aws, item, listener, set, attributes_of(aws, item, listener.ListenerArn))
      end
    end)
    return have
  end,

  create = function(aws, r)
    if r.have then return update(aws, r) end
    local params = parameters(r)
    params.LoadBalancerArn, params.Tags = r.load_balancer_arn, aws:tags(r)
    local out, err = aws.elbv2:try("CreateListener", params, { retry = RETRY, within = 300 })
    local listener = out and out.Listeners[1] or err.code == "DuplicateListener" and ours(aws, r) or aws:raise(err)
    return made(aws, r, listener, set_attributes(aws, listener.ListenerArn, r))
  end,

  update = update,

  delete = function(aws, r)
    aws.elbv2:call("DeleteListener", { ListenerArn = (r.have or r.prior).id }, { gone = MISSING })
  end,
}
