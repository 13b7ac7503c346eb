--- Security groups that let through what kubeadm, the pod network and the load balancers need, and nothing else. docs/aws-cluster.md says why.
local aws = require "aws"

local EVERYWHERE = "0.0.0.0/0"
local ALL = { "-1" }
local SSH, API, KUBELET, ETCD = { "tcp", 22 }, { "tcp", 6443 }, { "tcp", 10250 }, { "tcp", 2379, 2380 }

-- What calico's nodes say to each other: BGP, IP in IP, VXLAN, typha.
local CALICO = { bgp = { "tcp", 179 }, ipip = { "4" }, vxlan = { "udp", 4789 }, typha = { "tcp", 5473 } }

--- @param traffic table { protocol [, port [, last port]] }
local function rule(group, traffic, source)
  return {
    security_group_id = group.id,
    ip_protocol = traffic[1],
    from_port = traffic[2],
    to_port = traffic[3] or traffic[2],
    cidr_ipv4 = source.cidr,
    referenced_security_group_id = source.group and source.group.id,
    description = source.why,
  }
end

--- @return table groups { plane, node, bastion, nlb, alb }, those that are needed
return function(options, network)
  local groups = {}

  local function group(key, label, what)
    groups[key] = aws.security_group(label) {
      name = options.name .. "-" .. label,
      description = what,
      vpc_id = network.vpc.id,
      tags = { Name = options.name .. "-" .. label },
    }
    return groups[key]
  end

  local function allow(to, label, traffic, source) aws.vpc_security_group_ingress_rule(label)(rule(groups[to], traffic, source)) end
  local function send(from, label, traffic, target) aws.vpc_security_group_egress_rule(label)(rule(groups[from], traffic, target)) end

  local plane = group("plane", "control-plane", "control plane of " .. options.name)
  local node = group("node", "node", "nodes of " .. options.name)
  for key, label in pairs { plane = "control-plane", node = "node" } do
    send(key, label .. "-out", ALL, { cidr = EVERYWHERE, why = "images, packages, AWS, other nodes" })
  end

  -- kubeadm
  allow("plane", "control-plane-api-nodes", API, { group = node, why = "kubelets, kube-proxy and pods to the API server" })
  allow("plane", "control-plane-api", API, { group = plane, why = "the API servers to each other" })
  allow("plane", "control-plane-kubelet", KUBELET, { group = plane, why = "the API server to kubelets" })
  allow("node", "node-kubelet", KUBELET, { group = plane, why = "the API server to kubelets: logs, exec, metrics" })
  if options.planes > 1 then allow("plane", "control-plane-etcd", ETCD, { group = plane, why = "etcd's members and clients" }) end

  -- The pod network
  local members = { ["control-plane"] = { "plane", plane }, node = { "node", node } }
  if options.cni == "bridge" then
    -- Pods' packets travel as they are: a port of a pod is a port at its node's interface.
    for label, member in pairs(members) do
      allow(member[1], label .. "-pods", ALL, { cidr = options.pod_cidr, why = "pods to pods and to their API server" })
      for other, from in pairs(members) do
        allow(member[1], ("%s-%s"):format(label, other), ALL, { group = from[2], why = "node to pod: services, webhooks, DNS, probes" })
      end
    end
  elseif options.cni == "calico" then
    for kind, traffic in pairs(CALICO) do
      for label, member in pairs(members) do
        for other, from in pairs(members) do
          allow(member[1], ("%s-%s-%s"):format(label, other, kind), traffic, { group = from[2], why = "calico: " .. kind })
        end
      end
    end
  end

  -- SSH
  if options.access == "bastion" then
    group("bastion", "bastion", "the way in to " .. options.name)
    send("bastion", "bastion-out", ALL, { cidr = EVERYWHERE, why = "packages; SSH to nodes" })
    for i, cidr in ipairs(options.allow) do allow("bastion", "bastion-ssh-" .. i, SSH, { cidr = cidr, why = "SSH from outside" }) end
    for label, member in pairs(members) do allow(member[1], label .. "-ssh", SSH, { group = groups.bastion, why = "SSH through the bastion" }) end
  else
    -- With access: private the way in is a VPN or a bastion that exists: at least the VPC's own addresses.
    local from = options.access == "public" and options.allow or { options.cidr, table.unpack(options.allow) }
    for i, cidr in ipairs(from) do
      for label, member in pairs(members) do allow(member[1], ("%s-ssh-%d"):format(label, i), SSH, { cidr = cidr, why = "SSH" }) end
    end
  end

  -- Load balancers
  if options.nlb then
    group("nlb", "api", "load balancer of the API server of " .. options.name)
    send("nlb", "api-out", API, { group = plane, why = "to the API servers, and to ask for their health" })
    allow("plane", "control-plane-api-balancer", API, { group = groups.nlb, why = "the load balancer to the API server" })
    for label, from in pairs { node = node, ["control-plane"] = plane, bastion = groups.bastion } do
      allow("nlb", "api-" .. label, API, { group = from, why = "to the API server's name" })
    end
  end
  if options.ingress then
    local port = { "tcp", options.ingress.port or 30080 }
    group("alb", "ingress", "load balancer of the ingress of " .. options.name)
    send("alb", "ingress-out", port, { group = node, why = "to the ingress on the nodes, and to ask for its health" })
    allow("node", "node-ingress", port, { group = groups.alb, why = "the load balancer to the ingress" })
    for i, cidr in ipairs(options.ingress.allow or { EVERYWHERE }) do
      allow("alb", "ingress-http-" .. i, { "tcp", 80 }, { cidr = cidr, why = "redirected to HTTPS" })
      allow("alb", "ingress-https-" .. i, { "tcp", 443 }, { cidr = cidr, why = "HTTPS" })
    end
  end
  return groups
end
