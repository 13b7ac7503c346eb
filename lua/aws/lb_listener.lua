--- aws_lb_listener: a port of a load balancer, and what it does with what comes in.
local resource = require "resource"
local action, elb, kind, tags = require "aws/lib/elb_action", require "aws/lib/elb", require "aws/lib/elb_kind", require "aws/lib/tags"

local MISSING = { "ListenerNotFound", "LoadBalancerNotFound" }

--- A certificate is not known to the load balancer until a while after ACM issued it.
local RETRY = { "CertificateNotFound", "UnsupportedCertificate", "TargetGroupNotFound", "LoadBalancerNotFound" }

local ATTRIBUTES = {
  tcp_idle_timeout_seconds = { "tcp.idle_timeout.seconds", "int", "seconds an idle connection stays (network, TCP)" },
}

local attributes_of, set_attributes = kind.attributes {
  attributes = ATTRIBUTES, describe = "DescribeListenerAttributes", modify = "ModifyListenerAttributes", key = "ListenerArn", missing = MISSING,
}

local listeners = kind.within {
  action = "DescribeListeners", list = "Listeners", arn = "ListenerArn", parent = "LoadBalancerArn", attribute = "load_balancer_arn",
  parent_of = function(arn) return (arn:gsub(":listener/", ":loadbalancer/"):gsub("/[^/]+$", "")) end,
  number = "port", field = "Port", missing = MISSING, taken = "the load balancer has a listener on port %d",
}

local function read(aws, item, listener, set, attributes)
  local certificate, alpn = aws.list(listener.Certificates)[1], aws.list(listener.AlpnPolicy)[1]
  return kind.with({
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
  }, attributes)
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

local function made(aws, r, listener, attributes) return kind.made(read(aws, r, listener, {}, attributes), r) end

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
  unique = true,
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

  list = listeners.list(read, attributes_of),

  create = function(aws, r)
    if r.have then return update(aws, r) end
    local params = parameters(r)
    params.LoadBalancerArn, params.Tags = r.load_balancer_arn, aws:tags(r)
    local out, err = aws.elbv2:try("CreateListener", params, { retry = RETRY, within = 300 })
    local listener = out and out.Listeners[1] or err.code == "DuplicateListener" and listeners.ours(aws, r) or aws:raise(err)
    return made(aws, r, listener, set_attributes(aws, listener.ListenerArn, r))
  end,

  update = update,

  delete = function(aws, r)
    aws.elbv2:call("DeleteListener", { ListenerArn = (r.have or r.prior).id }, { gone = MISSING })
  end,
}
