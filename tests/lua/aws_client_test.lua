-- The AWS client without a network: an io whose clock only sleeping moves, and whose answers a test writes.
local clock = require "aws/provider/clock"
local endpoints = require "aws/provider/endpoints"
local errors = require "aws/provider/errors"
local flatten = require "aws/provider/flatten"
local new_client = require "aws/provider/client"
local retry = require "aws/provider/retry"
local tags = require "aws/provider/tags"
local throttle = require "aws/provider/throttle"

local START = 1795788480 -- 2026-11-27 14:08:00 UTC

--- @param answer fun(request, n): table called for each request
local function fake(answer, env, files)
  local io = { time = START, requests = {}, slept = {} }
  function io.now() return io.time end
  function io.random() return io.dice or 0.5 end
  function io.sleep(seconds)
    check(seconds >= 0, "a negative sleep")
    io.slept[#io.slept + 1] = seconds
    io.time = io.time + seconds
  end
  function io.event() return { wait = function() error("nobody would set it", 0) end, set = function() end } end
  function io.env(name, hidden)
    local value = env and env[name]
    if value and hidden then return secret(value) end
    return value
  end
  function io.read_file(path) return files and files[path] end
  function io.http(request)
    io.requests[#io.requests + 1] = request
    local response = answer(request, #io.requests)
    response.headers = response.headers or {}
    io.time = io.time + (response.elapsed or 0.01)
    return response
  end
  function io.all(functions)
    local results = {}
    for i, each in ipairs(functions) do results[i] = each() end
    return results
  end
  io.run = function() error("no programs here", 0) end
  return io
end

local ENV = { AWS_ACCESS_KEY_ID = "AKIDEXAMPLE", AWS_SECRET_ACCESS_KEY = "not-to-be-seen", AWS_REGION = "eu-west-1", AWS_EC2_METADATA_DISABLED = "true" }

local function client(answer, config, env)
  local io = fake(answer, env or ENV)
  config = config or {}
  config.name = "aws"
  return new_client(config, io), io
end

local function ok(body) return { status = 200, body = body } end

local function refusal(status, code, message, headers)
  return {
    status = status,
    headers = headers,
    body = ("<Response><Errors><Error><Code>%s</Code><Message>%s</Message></Error></Errors><RequestID>req-1</RequestID></Response>"):format(code,
      message or "no"),
  }
end

-- The wire form.
local function form(params, ec2) return flatten.form(flatten.pairs(params, ec2)) end

equal(form({ CidrBlock = "10.0.0.0/16", TagSpecification = { { ResourceType = "vpc", Tag = { { Key = "a b", Value = "ü&=" } } } } }, true),
  "CidrBlock=10.0.0.0%2F16&TagSpecification.1.ResourceType=vpc&TagSpecification.1.Tag.1.Key=a%20b&TagSpecification.1.Tag.1.Value=%C3%BC%26%3D")
equal(form({ EnableDnsHostnames = { Value = true }, Filter = { { Name = "vpc-id", Value = { "a", "b" } } }, Nothing = {} }, true),
  "EnableDnsHostnames.Value=true&Filter.1.Name=vpc-id&Filter.1.Value.1=a&Filter.1.Value.2=b")
equal(form({ Tags = { { Key = "k", Value = "v" } }, Port = 80, Ratio = 0.5, Off = false }, false),
  "Off=false&Port=80&Ratio=0.5&Tags.member.1.Key=k&Tags.member.1.Value=v")
check(slipway.is_secret(form({ UserData = secret "key material" }, true)), "a form with a secret is one")
equal(form({ UserData = secret "a+b" }, true), secret "UserData=a%2Bb")
raises(function() form({ X = print }, true) end, "parameter 'X' is a function")
equal(flatten.query { b = 2, a = "x y", list = { "1", "2" } }, "?a=x%20y&b=2&list=1&list=2")
equal(flatten.query {}, "")

-- Dates.
equal(clock.http_date "Fri, 27 Nov 2026 14:08:00 GMT", START)
equal(clock.http_date "Thu, 01 Jan 1970 00:00:00 GMT", 0)
equal(clock.http_date "Tue, 29 Feb 2028 23:59:59 GMT", 1835481599)
for _, wrong in ipairs { "", "yesterday", "Fri, 27 Xyz 2026 14:08:00 GMT", "Fri, 41 Nov 2026 14:08:00 GMT", "Fri, 27 Nov 2026 14:08:00 CET" } do
  equal(clock.http_date(wrong), nil)
end
equal(clock.iso_date "2026-11-27T14:08:00Z", START)
equal(clock.iso_date "2026-11-27T15:08:00.123+01:00", START)
equal(clock.iso_date "2026-11-27T14:08:00UTC", START)
equal(clock.iso_date "2026-11-27T14:08:00", nil)
equal(clock.iso_date "2026-13-27T14:08:00Z", nil)

-- Classes, pauses, budget.
equal(retry.class("ec2", 503, "RequestLimitExceeded"), "throttle")
equal(retry.class("route53", 400, "PriorRequestNotComplete"), "throttle")
equal(retry.class("acm", 400, "LimitExceededException"), nil)
equal(retry.class("iam", 409, "LimitExceeded"), nil)
equal(retry.class("ec2", 500, "InternalError"), "transient")
equal(retry.class("ec2", 502, "HTTP 502"), "transient")
equal(retry.class("ec2", 400, "InvalidParameterValue"), nil)
equal(retry.class("ec2", 500, "InsufficientInstanceCapacity"), nil)
equal(retry.class("sts", 403, "ExpiredToken"), "expired")
equal(retry.class("ec2", 400, "RequestExpired"), "skew")
check(retry.may_have_acted("transient", 500, "InternalError"))
check(not retry.may_have_acted("transient", 503, "Unavailable"))
check(not retry.may_have_acted("throttle", 503, "RequestLimitExceeded"))
equal(retry.pause("throttle", 1, 1), 1)
equal(retry.pause("throttle", 4, 0.5), 4.0)
equal(retry.pause("throttle", 30, 1), 20)
check(math.abs(retry.pause("transient", 3, 1) - 0.2) < 1e-9)
equal(retry.pause("throttle", 1, 1, { ["x-amz-retry-after"] = "3000" }), 3.0)
equal(retry.pause("throttle", 1, 1, { ["x-amz-retry-after"] = "900000" }), 6)
equal(retry.pause("throttle", 1, 1, { ["retry-after"] = "2" }), 2)
equal(retry.pause("throttle", 1, 1, { ["retry-after"] = "Fri, 27 Nov 2026 14:08:00 GMT" }), 1)
local budget, taken = retry.budget(), 0
while budget.take "transient" do taken = taken + 1 end
equal(taken, 71) -- 1000 / 14
budget.refill(14)
check(budget.take "transient")

-- Buckets.
local function waits(own, calls)
  local io = fake(function() end)
  local buckets = throttle.buckets(io, own)
  for i = 1, calls do buckets.take("ec2", "RunInstances") check(i <= calls) end
  return io.time - START, buckets, io
end
local spent = waits(true, 14) -- 5 at once, then 2 a second
check(math.abs(spent - 4.5) < 1e-6, "14 RunInstances wait " .. spent)
equal(waits(false, 100), 0) -- no limits are known of another's endpoint
equal(throttle.kind("ec2", "DescribeVpcs", {}), "ec2 DescribeVpcs")
local _, size = throttle.kind("ec2", "DescribeInstances", {})
equal(size, { 50, 10 })
_, size = throttle.kind("ec2", "DescribeInstances", { Filter = {} })
equal(size, { 100, 20 })
equal((throttle.kind("route53", "ListHostedZones")), "route53")
do
  local io = fake(function() end)
  local buckets = throttle.buckets(io, true)
  equal(buckets.rate("ec2", "DescribeVpcs"), 20)
  for _ = 1, 16 do buckets.refused("ec2", "DescribeVpcs") end -- together: one lesson
  equal(buckets.rate("ec2", "DescribeVpcs"), 10.0)
  buckets.take("ec2", "DescribeVpcs")
  check(io.time > START, "after a refusal a caller waits")
  io.time = io.time + 5
  buckets.take("ec2", "DescribeVpcs")
  local rate = buckets.rate("ec2", "DescribeVpcs")
  check(rate > 14 and rate < 16, "it recovers slowly: " .. rate)
  io.time = io.time + 3600
  buckets.take("ec2", "DescribeVpcs")
  equal(buckets.rate("ec2", "DescribeVpcs"), 20)
  for _ = 1, 50 do
    io.time = io.time + 1.5
    buckets.refused("ec2", "DescribeVpcs")
  end
  check(buckets.rate("ec2", "DescribeVpcs") >= 1, "never less than a twentieth")
end

-- Endpoints.
local function place(service, region, config, env, files)
  local ctx = { config = config or {}, env = function(name) return env and env[name] end }
  function ctx.profile() return files and files.profile or {} end
  function ctx.files() return { services = files and files.services or {} } end
  return endpoints.of(service, region, ctx)
end
local function url(...) return place(...).url end
equal(url("ec2", "eu-west-1"), "https://ec2.eu-west-1.amazonaws.com")
equal(url("ec2", "cn-north-1"), "https://ec2.cn-north-1.amazonaws.com.cn")
equal(url("elbv2", "us-gov-west-1"), "https://elasticloadbalancing.us-gov-west-1.amazonaws.com")
equal(url("iam", "eu-west-1"), "https://iam.amazonaws.com")
equal(url("iam", "cn-northwest-1"), "https://iam.cn-north-1.amazonaws.com.cn")
equal(url("iam", "us-gov-east-1"), "https://iam.us-gov.amazonaws.com")
equal(url("route53", "cn-north-1"), "https://route53.amazonaws.com.cn")
equal(place("iam", "eu-west-1").region, "us-east-1")
equal(place("route53", "us-gov-east-1").region, "us-gov-west-1")
equal(place("route53", "cn-north-1").region, "cn-northwest-1")
equal(place("elbv2", "eu-west-1").signing, "elasticloadbalancing")
local ALL = { AWS_ENDPOINT_URL = "http://all/", AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING_V2 = "http://elb" }
local FILES = { profile = { services = "local", endpoint_url = "http://profile" }, services = { ["local"] = { route_53 = { endpoint_url = "http://r53" } } } }
equal(url("ec2", "eu-west-1", nil, ALL), "http://all")
equal(url("elbv2", "eu-west-1", nil, ALL), "http://elb")
equal(url("elbv2", "eu-west-1", { endpoint = "http://mine" }, ALL), "http://mine")
equal(url("elbv2", "eu-west-1", { endpoint = "http://mine", endpoints = { elbv2 = "http://own" } }, ALL), "http://own")
equal(url("ec2", "eu-west-1", nil, nil, FILES), "http://profile")
equal(url("route53", "eu-west-1", nil, nil, FILES), "http://r53")
equal(url("route53", "eu-west-1", nil, ALL, FILES), "http://all")
equal(url("ec2", "eu-west-1", nil, { AWS_ENDPOINT_URL = "http://all", AWS_IGNORE_CONFIGURED_ENDPOINT_URLS = "TRUE" }, FILES),
  "https://ec2.eu-west-1.amazonaws.com")
raises(function() url("ec2", "us-gov-west-1", nil, { AWS_USE_FIPS_ENDPOINT = "true" }) end, "does not know the FIPS endpoint of 'ec2'")
equal(url("ec2", "us-gov-west-1", { endpoint = "https://fips" }, { AWS_USE_FIPS_ENDPOINT = "true" }), "https://fips")
check(not place("ec2", "eu-west-1", { endpoint = "http://127.0.0.1:5000" }).own)
check(place("ec2", "eu-west-1", { endpoint = "https://vpce-1.ec2.eu-west-1.vpce.amazonaws.com" }).own, "a VPC endpoint has AWS's limits")
raises(function() url("ec2", "eu-west-1", nil, { AWS_ENDPOINT_URL = "localhost:1" }) end, "AWS_ENDPOINT_URL: 'localhost:1' is no URL")

-- A call.
do
  local aws, io = client(function() return ok "<CreateVpcResponse><requestId>r</requestId><vpc><vpcId>vpc-1</vpcId><tagSet/></vpc></CreateVpcResponse>" end)
  local out = aws.ec2:call("CreateVpc", { CidrBlock = "10.0.0.0/16" })
  equal(out.vpc.vpcId, "vpc-1")
  equal(aws.list(out.vpc.tagSet), {})
  local request = io.requests[1]
  equal(request.url, "https://ec2.eu-west-1.amazonaws.com/")
  equal(request.body, "Action=CreateVpc&Version=2016-11-15&CidrBlock=10.0.0.0%2F16")
  equal(request.sign.service, "ec2")
  equal(request.sign.region, "eu-west-1")
  check(slipway.is_secret(request.sign.secret) and slipway.is_secret(request.sign.key), "keys are secrets")
  equal(request.sign.token, nil)
end
do
  local role = "<Role><RoleName>r</RoleName><Arn>a</Arn><AssumeRolePolicyDocument>{}</AssumeRolePolicyDocument></Role>"
  local aws, io = client(function() return ok("<GetRoleResponse><GetRoleResult>" .. role .. "</GetRoleResult></GetRoleResponse>") end)
  equal(aws.iam:call("GetRole", { RoleName = "x" }).Role.Arn, "a")
  equal(io.requests[1].url, "https://iam.amazonaws.com/")
  equal(io.requests[1].sign.region, "us-east-1")
end
do
  local aws, io = client(function() return ok '{"Certificate":{"CertificateArn":"a","Status":"ISSUED"}}' end)
  equal(aws.acm:call("DescribeCertificate", { CertificateArn = "a" }).Certificate.Status, "ISSUED")
  equal(io.requests[1].headers["X-Amz-Target"], "CertificateManager.DescribeCertificate")
  equal(io.requests[1].body, '{"CertificateArn":"a"}')
  aws.acm:call("ListCertificates")
  equal(io.requests[2].body, "{}")
end
do
  local aws, io = client(function() return ok "<TestResponse><IsTruncated>false</IsTruncated></TestResponse>" end)
  aws.s3:request("PUT", "my-bucket", { query = { versioning = "" }, body = "<V/>" })
  aws.s3:request("GET", "my.bucket", { path = "/a b/ü" })
  aws.route53:request("GET", "/2013-04-01/hostedzone/Z1/rrset", { query = { name = "a.b." } })
  equal(io.requests[1].url, "https://my-bucket.s3.eu-west-1.amazonaws.com/?versioning=")
  check(io.requests[1].sign.s3 and not io.requests[3].sign.s3)
  equal(io.requests[2].url, "https://s3.eu-west-1.amazonaws.com/my.bucket/a%20b/%C3%BC")
  equal(io.requests[3].url, "https://route53.amazonaws.com/2013-04-01/hostedzone/Z1/rrset?name=a.b.")
end

-- Pages.
do
  local pages = {
    "<TestResponse><vpcSet><item><vpcId>1</vpcId></item><item><vpcId>2</vpcId></item></vpcSet><nextToken>t1</nextToken></TestResponse>",
    "<TestResponse><vpcSet><item><vpcId>3</vpcId></item></vpcSet><nextToken>t2</nextToken></TestResponse>",
    "<TestResponse><vpcSet/><nextToken></nextToken></TestResponse>",
  }
  local aws, io = client(function(_, n) return ok(pages[n]) end)
  equal(#aws.ec2:pages("DescribeVpcs", {}, "vpcSet"), 3)
  check(io.requests[3].body:find("NextToken=t2", 1, true))
end
do
  local aws = client(function() return ok "<TestResponse><vpcSet/><nextToken>same</nextToken></TestResponse>" end)
  raises(function() aws.ec2:pages("DescribeVpcs", {}, "vpcSet") end, "the same page comes again")
end
do
  local aws, io = client(function() return ok "<TestResponse><vpcSet/></TestResponse>" end)
  local ids = {}
  for i = 1, 401 do ids[i] = "vpc-" .. i end
  ids[402] = "vpc-1"
  aws.ec2:by_ids("DescribeVpcs", "vpc-id", ids, "vpcSet", { Filter = { { Name = "state", Value = { "available" } } } })
  equal(#io.requests, 3)
  check(io.requests[1].body:find("Filter.2.Value.200=vpc-200", 1, true) and not io.requests[1].body:find("Filter.2.Value.201", 1, true))
  check(io.requests[3].body:find("Filter.2.Value.1=vpc-401", 1, true))
  aws.ec2:by_ids("DescribeVpcs", "vpc-id", {}, "vpcSet")
  equal(#io.requests, 3)
end
do
  local lists = { "ResourceRecordSet" }
  local function page(name, more)
    local shape = "<ListResponse><ResourceRecordSets><ResourceRecordSet><Name>%s</Name></ResourceRecordSet></ResourceRecordSets>"
      .. "<IsTruncated>%s</IsTruncated>%s</ListResponse>"
    return ok(shape:format(name, more and "true" or "false", more and "<NextRecordName>b.</NextRecordName><NextRecordType>A</NextRecordType>" or ""))
  end
  local aws, io = client(function(_, n) return page(n == 1 and "a." or "b.", n == 1) end)
  local found = aws.route53:pages("/2013-04-01/hostedzone/Z1/rrset", "ResourceRecordSets", { lists = lists })
  equal({ found[1].Name, found[2].Name }, { "a.", "b." })
  check(io.requests[2].url:find("name=b.&type=A", 1, true), io.requests[2].url)
end

-- Failures that pass.
do
  local made = "<TestResponse><vpc><vpcId>v</vpcId></vpc></TestResponse>"
  local aws, io = client(function(_, n) return n < 4 and refusal(503, "RequestLimitExceeded") or ok(made) end)
  equal(aws.ec2:call("CreateVpc", {}).vpc.vpcId, "v")
  equal(#io.requests, 4)
  check(io.slept[1] >= 0.5, "a throttled call waits")
end
do -- an answer that is lost: a read is repeated, a change is not
  local function lost(_, n) return n == 1 and { error = "unreachable", message = "reset", sent = true } or ok "<TestResponse><vpcSet/></TestResponse>" end
  local aws, io = client(lost)
  aws.ec2:call("DescribeVpcs", {})
  equal(#io.requests, 2)
  aws, io = client(lost)
  raises(function() aws.ec2:call("CreateVpc", {}) end, "CreateVpc: no connection.*may have had an effect: the next run looks")
  equal(#io.requests, 1)
  aws, io = client(lost)
  aws.ec2:call("RunInstances", { ClientToken = "t" })
  equal(#io.requests, 2)
  aws, io = client(lost)
  aws.ec2:call("DeleteVpc", { VpcId = "v" }, { gone = { "InvalidVpcID.NotFound" } })
  equal(#io.requests, 2)
  aws, io = client(function(_, n) return n == 1 and { error = "unreachable", message = "refused", sent = false } or ok "<TestResponse/>" end)
  aws.ec2:call("CreateVpc", {})
  equal(#io.requests, 2)
end
do -- a 500 may have had an effect, a 503 has not
  local aws, io = client(function(_, n) return n == 1 and refusal(500, "InternalError") or ok "<TestResponse/>" end)
  raises(function() aws.ec2:call("CreateVpc", {}) end, "InternalError.*the next run looks")
  equal(#io.requests, 1)
  aws, io = client(function(_, n) return n == 1 and refusal(503, "Unavailable") or ok "<TestResponse/>" end)
  aws.ec2:call("CreateVpc", {})
  equal(#io.requests, 2)
end
do -- it gives up
  local aws, io = client(function() return refusal(503, "RequestLimitExceeded", "slow down") end)
  local _, err = aws.ec2:try("DescribeVpcs", {})
  equal(#io.requests, 8)
  equal(err.code, "RequestLimitExceeded")
  check(err.note:find("^8 tries in"), err.note)
  aws, io = client(function() return { error = "timeout", message = "none", sent = true, elapsed = 30 } end, { max_attempts = 50 })
  raises(function() aws.ec2:call("DescribeVpcs", {}) end, "DescribeVpcs: no answer in time")
  check(#io.requests == 4, "the deadline ends it: " .. #io.requests)
  aws, io = client(function() return refusal(500, "InternalError") end, { max_attempts = 100 })
  io.dice = 0
  _, err = aws.ec2:try("DescribeVpcs", {})
  equal(err.note, "too much fails to try again")
  equal(#io.requests, 72)
end
do -- the clock
  local aws, io = client(function(request)
    local off = START + 3600 - request.sign.time
    if math.abs(off) > 300 then return refusal(400, "RequestExpired", "Request has expired.", { date = "Fri, 27 Nov 2026 15:08:00 GMT" }) end
    return ok "<TestResponse/>"
  end)
  aws.ec2:call("CreateVpc", {})
  equal(#io.requests, 2)
  aws.ec2:call("CreateVpc", {})
  equal(#io.requests, 3) -- it is kept
  aws, io = client(function() return refusal(403, "SignatureDoesNotMatch", "wrong key", { date = "Fri, 27 Nov 2026 14:08:01 GMT" }) end)
  local message, hint = raises(function() aws.ec2:call("DescribeVpcs", {}) end, "SignatureDoesNotMatch: wrong key")
  check(not message:find("not-to-be-seen", 1, true) and hint:find("the environment (AWS_ACCESS_KEY_ID)", 1, true), hint)
  equal(#io.requests, 1)
end

-- Not yet, and gone.
do
  local aws, io = client(function(_, n) return n < 6 and refusal(400, "InvalidVpcID.NotFound") or ok "<TestResponse/>" end)
  aws.ec2:call("ModifyVpcAttribute", {}, { retry = { "InvalidVpcID.NotFound" } })
  equal(#io.requests, 6)
  aws, io = client(function() return refusal(400, "InvalidVpcID.NotFound") end)
  local _, err = aws.ec2:try("ModifyVpcAttribute", {}, { retry = { "InvalidVpcID.NotFound" }, within = 20 })
  check(err.note:find("^still so after 20 s"), err.note)
  equal(aws.ec2:call("DeleteVpc", {}, { gone = { "InvalidVpcID.NotFound" } }), {})
  _, err = aws.ec2:try("DeleteVpc", {}, { gone = { { "InvalidVpcID.NotFound", "another word" } } })
  equal(err.code, "InvalidVpcID.NotFound")
  raises(function() aws.ec2:call("X", {}, { retries = 1 }) end, "no option 'retries'")
  check(#io.requests > 6)
end

-- Words for people.
do
  local code, message = "", ""
  local aws = client(function() return refusal(code == "InsufficientInstanceCapacity" and 500 or 400, code, message) end)
  local function hint_of(of, words, action)
    code, message = of, words or ""
    local _, hint = raises(function() aws:for_item({ _address = "aws_vpc.main" }).ec2:call(action or "CreateVpc", { ClientToken = "t" }) end)
    return hint or ""
  end
  check(hint_of("UnauthorizedOperation", "Encoded authorization failure message: abcd"):find("'ec2:CreateVpc' for 'aws_vpc.main' is missing", 1, true))
  local denied = "User: arn:aws:iam::1:user/x is not authorized to perform: iam:PassRole on resource: y"
  check(hint_of("AccessDenied", denied):find("'iam:PassRole'.*arn:aws:iam::1:user/x"))
  check(hint_of("VpcLimitExceeded"):find("the quota 'VPCs per region' of 'vpc' in eu-west-1 is used up", 1, true))
  check(hint_of("SomeNewLimitExceeded"):find("a quota of 'ec2' in eu-west-1 is used up", 1, true))
  check(hint_of("InsufficientInstanceCapacity", "", "RunInstances"):find("another zone", 1, true))
  local zone = "Your requested instance type (x1) is not supported in your requested Availability Zone (eu-west-1a). Please retry your request by " ..
    "not specifying an Availability Zone or choosing eu-west-1b, eu-west-1c."
  check(hint_of("Unsupported", zone, "RunInstances"):find("another zone (eu-west-1b or eu-west-1c)", 1, true))
  check(hint_of("SignatureDoesNotMatch"):find("the keys come from .*AWS_ACCESS_KEY_ID.*the secret is not that of the access key"))
  check(hint_of("AuthFailure"):find("whole, active and of this partition", 1, true))
  check(hint_of("RequestExpired"):find("the keys come from .*AWS_ACCESS_KEY_ID.*their time is over"))
  check(hint_of("InvalidGroup.Duplicate"):find("slipway import aws_vpc.main ID", 1, true))
  check(hint_of("DependencyViolation"):find("still uses it", 1, true))
  code, message = "UnauthorizedOperation", "Encoded authorization failure message: " .. ("x"):rep(900)
  local text = raises(function() aws.ec2:call("CreateVpc", {}) end)
  check(#text < 200, "the encoded message is left out: " .. text)
end
equal(errors.permission("elbv2", "CreateRule"), "elasticloadbalancing:CreateRule")

-- Answers that are none.
do
  local body
  local aws = client(function() return { status = 200, body = body } end)
  local strange = {
    "<a><b></a>", "not xml", "<a>&x;</a>", "", "<html/>", "<XResponse><vpcSet>words</vpcSet></XResponse>", "<XResponse><vpcSet><item/></vpcSet></XResponse>",
    "<CreateVpcResponse><vpc><state>pending</state></vpc></CreateVpcResponse>", "<XResponse><reservationSet><item/></reservationSet></XResponse>",
    "<XResponse><reservationSet><item><instancesSet><item/></instancesSet></item></reservationSet></XResponse>",
  }
  for _, broken in ipairs(strange) do
    body = broken
    raises(function() aws.ec2:call("DescribeVpcs", {}) end, "DescribeVpcs: the answer cannot be read")
    raises(function() aws.ec2:call("CreateVpc", {}) end, "CreateVpc: the answer cannot be read")
  end
  aws = client(function() return { status = 418, body = "<html><body>" .. ("proxy says no "):rep(500) .. "</body></html>" } end)
  local message = raises(function() aws.ec2:call("DescribeVpcs", {}) end, "HTTP 418: proxy says no")
  check(#message < 700, "cut")
  aws = client(function() return { status = 400, body = '{"__type":"com.amazonaws.acm#ResourceNotFoundException:http://x","message":"gone"}' } end)
  local _, err = aws.acm:try("DescribeCertificate", { CertificateArn = "x" })
  equal({ err.code, err.message, err.service, err.action }, { "ResourceNotFoundException", "gone", "acm", "DescribeCertificate" })
  local batch = "<InvalidChangeBatch><Messages><Message>a</Message><Message>b</Message></Messages><RequestId>1</RequestId></InvalidChangeBatch>"
  aws = client(function() return { status = 400, body = batch } end)
  _, err = aws.route53:try("POST", "/x", { body = "<a/>" })
  equal({ err.code, err.message, err.request_id }, { "InvalidChangeBatch", "a; b", "1" })
  aws = client(function() return { status = 403, body = "<Error><Code>AccessDenied</Code><Message>no</Message></Error>" } end)
  _, err = aws.s3:try("GET", "b")
  equal(err.code, "AccessDenied")
  aws = client(function() return { status = 301, body = "", headers = { ["x-amz-bucket-region"] = "us-east-2" } } end)
  local _, hint = raises(function() aws.s3:request("HEAD", "b") end, "HTTP 301")
  equal(hint, "the bucket is in us-east-2, not in eu-west-1")
  local missing = "<ErrorResponse><Error><Type>Sender</Type><Code>NoSuchEntity</Code><Message>no</Message></Error><RequestId>9</RequestId></ErrorResponse>"
  aws = client(function() return { status = 400, body = missing } end)
  _, err = aws.iam:try("GetRole", {})
  equal({ err.code, err.request_id }, { "NoSuchEntity", "9" })
end

-- Waiting.
do
  local aws, io = client(function() return ok "<TestResponse/>" end)
  local lines, n = {}, 0
  equal(aws:wait { what = "it", line = function(text) lines[#lines + 1] = text end, check = function()
    n = n + 1
    return n == 6 and "done", n < 3 and "pending" or "starting"
  end }, "done")
  equal(lines, { "it: pending", "it: starting" })
  check(io.slept[1] < io.slept[5], "pauses grow")
  raises(function() aws:wait { what = "NAT gateway nat-1", within = 60, check = function() return nil, "pending" end } end,
    "NAT gateway nat%-1: still pending after 60 s")
  raises(function() aws:wait { what = "x", check = function() fail("it failed: no room") end } end, "it failed: no room")
end

-- Shared reads.
do
  local aws = client(function() return ok "<TestResponse/>" end)
  local n = 0
  local function read()
    n = n + 1
    return { n }
  end
  aws.listing(1)
  equal(aws:once("k", read), aws:once("k", read))
  equal(n, 1)
  aws.ec2:call("DescribeVpcs", {})
  aws:once("k", read)
  equal(n, 1)
  aws.ec2:call("CreateVpc", {})
  aws:once("k", read)
  equal(n, 2)
  aws.listing(1)
  aws.listing(-1)
  aws:once("k", read)
  equal(n, 2)
  aws.listing(-1)
  aws:once("k", read)
  equal(n, 3)
end

-- Tags.
equal(tags.of({ tags = { Name = "a", team = "x" }, _token = "t-1" }, { team = "all", env = "p" }),
  { { Key = "Name", Value = "a" }, { Key = "env", Value = "p" }, { Key = "slipway:token", Value = "t-1" }, { Key = "team", Value = "x" } })
equal(tags.read { { key = "a", value = "b" }, { key = "aws:x", value = "y" }, { key = "slipway:token", value = "t" } }, { a = "b" })
equal(tags.read "", {})
equal(tags.token { { Key = "slipway:token", Value = "t" } }, "t")

-- Account and partition.
do
  local who = ok "<GetCallerIdentityResponse><GetCallerIdentityResult><Account>111122223333</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
  local aws, io = client(function() return who end, { region = "cn-north-1" })
  equal(aws:arn("ec2", "vpc/v"), "arn:aws-cn:ec2:cn-north-1:111122223333:vpc/v")
  equal(aws:arn("s3", "b", "", ""), "arn:aws-cn:s3:::b")
  equal({ aws.partition, aws.dns_suffix, #io.requests }, { "aws-cn", "amazonaws.com.cn", 1 })
  raises(function() client(function() return who end, { account_ids = { "999999999999" } }) end, "of the account 111122223333, which")
end

-- The configuration.
for text, wanted in pairs {
  ["{ regoin = 'x' }"] = "there is no setting of the provider 'aws' 'regoin'",
  ["{ region = 'Ireland' }"] = "region: 'Ireland' is none, such as eu%-west%-1",
  ["{ endpoints = { ecs = 'http://x' } }"] = "endpoints 'ecs'",
  ["{ endpoint = 'localhost' }"] = "endpoint: 'localhost' is none",
  ["{ assume_role = { external_id = 'x' } }"] = "assume_role needs role_arn",
  ["{ assume_role = { role_arn = 'deploy' } }"] = "role_arn: 'deploy' is none",
  ["{ assume_role = { role_arn = 'arn:aws:iam::1:role/x', duration = 1 } }"] = "duration: a number from 900 to 43200",
  ["{ access_key = 'x', secret_key = 'plain' }"] = "secret_key stands there in plain text",
  ["{ access_key = 'x' }"] = "access_key and secret_key go together",
  ["{ account_ids = { 1 } }"] = "12 digits wanted, in quotes",
  ["{ default_tags = { 'a' } }"] = "default_tags: a map wanted",
} do
  local config = testing.user("return " .. text)
  raises(function() require "aws/provider/config".check(config, "the provider 'aws'") end, wanted)
end
raises(function() client(function() end, { region = "us-iso-east-1" }) end, "in a partition that is not supported")
raises(function() client(function() end, { name = "aws" }, { AWS_EC2_METADATA_DISABLED = "true" }) end,
  "no AWS region is set %(AWS_EC2_METADATA_DISABLED is set%)")
