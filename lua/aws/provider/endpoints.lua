--- Where each service is, and how a request to it is signed.
local endpoints = {}

--- name -> { signing name, host's first label, variable's suffix, name in a `services` section }
local SERVICES = {
  ec2 = { "ec2", "ec2", "EC2", "ec2" },
  iam = { "iam", "iam", "IAM", "iam" },
  sts = { "sts", "sts", "STS", "sts" },
  elbv2 = { "elasticloadbalancing", "elasticloadbalancing", "ELASTIC_LOAD_BALANCING_V2", "elastic_load_balancing_v2" },
  acm = { "acm", "acm", "ACM", "acm" },
  route53 = { "route53", "route53", "ROUTE_53", "route_53" },
  s3 = { "s3", "s3", "S3", "s3" },
  ssm = { "ssm", "ssm", "SSM", "ssm" },
}

local PARTITIONS = {
  aws = { suffix = "amazonaws.com" },
  ["aws-cn"] = { suffix = "amazonaws.com.cn" },
  ["aws-us-gov"] = { suffix = "amazonaws.com" },
}

--- Services that are one for the whole partition: { host, signing region }.
local GLOBAL = {
  iam = {
    aws = { "iam.amazonaws.com", "us-east-1" },
    ["aws-cn"] = { "iam.cn-north-1.amazonaws.com.cn", "cn-north-1" },
    ["aws-us-gov"] = { "iam.us-gov.amazonaws.com", "us-gov-west-1" },
  },
  route53 = {
    aws = { "route53.amazonaws.com", "us-east-1" },
    ["aws-cn"] = { "route53.amazonaws.com.cn", "cn-northwest-1" },
    ["aws-us-gov"] = { "route53.us-gov.amazonaws.com", "us-gov-west-1" },
  },
}

function endpoints.partition(region)
  if region:find("^cn%-") then return "aws-cn" end
  if region:find("^us%-gov%-") then return "aws-us-gov" end
  return "aws"
end

function endpoints.suffix(partition) return PARTITIONS[partition].suffix end

local function checked(url, where)
  if not url:find("^https?://[^/%s]+") then fail(("%s: '%s' is no URL"):format(where, url), "it looks like https://ec2.example.org") end
  return (url:gsub("/+$", ""))
end

--- What was configured for the service, or nil. The order is the SDKs': the provider's own configuration, then environment, then profile, each first for
--- the service, then for all.
function endpoints.configured(service, ctx)
  local config, names = ctx.config, SERVICES[service]
  local url = config.endpoints and config.endpoints[service] or config.endpoint
  if url then return checked(url, "endpoint of '" .. service .. "'") end
  if (ctx.env "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS" or ""):lower() == "true" then return nil end
  for _, name in ipairs { "AWS_ENDPOINT_URL_" .. names[3], "AWS_ENDPOINT_URL" } do
    url = ctx.env(name)
    if url and url ~= "" then return checked(url, name) end
  end
  local profile = ctx.profile()
  if (profile.ignore_configured_endpoint_urls or ""):lower() == "true" then return nil end
  local services = profile.services and ctx.files().services[profile.services]
  local own = services and services[names[4]]
  if type(own) == "table" and own.endpoint_url then return checked(own.endpoint_url, ("[services %s] %s"):format(profile.services, names[4])) end
  if profile.endpoint_url then return checked(profile.endpoint_url, "endpoint_url of the profile") end
  return nil
end

--- Asking for endpoints of a certain kind and getting others would be worse than an error.
local function check_kinds(service, ctx)
  local profile = ctx.profile()
  for _, kind in ipairs { "FIPS", "DUALSTACK" } do
    local wanted = ctx.env("AWS_USE_" .. kind .. "_ENDPOINT") or profile["use_" .. kind:lower() .. "_endpoint"]
    if (wanted or ""):lower() == "true" then
      fail(("AWS_USE_%s_ENDPOINT is set, and slipway does not know the %s endpoint of '%s'"):format(kind, kind, service),
        "name it: provider: { endpoints: { " .. service .. ": https://... } }")
    end
  end
end

--- { url (without a final /), host, region and name to sign with, own: whether AWS's own limits apply }
function endpoints.of(service, region, ctx)
  local names = SERVICES[service]
  local partition = endpoints.partition(region)
  local suffix = PARTITIONS[partition].suffix
  local whole = GLOBAL[service] and GLOBAL[service][partition]
  local host = whole and whole[1] or ("%s.%s.%s"):format(names[2], region, suffix)
  local url = endpoints.configured(service, ctx)
  if not url then check_kinds(service, ctx) end
  local at = url and url:match("^https?://([^/:]+)")
  return {
    service = service,
    url = url or "https://" .. host,
    custom = url ~= nil,
    own = not at or at:sub(-#suffix - 1) == "." .. suffix,
    signing = names[1],
    region = whole and whole[2] or region,
  }
end

return endpoints
