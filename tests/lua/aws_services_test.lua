-- What the service types say on the wire and read from it: record sets, XML bodies, actions of listeners, names.
local action, elb, items = require "aws/lib/elb_action", require "aws/lib/elb", require "aws/lib/items"
local record, route53, xml = require "aws/lib/route53_record", require "aws/lib/route53", require "aws/lib/xml"

local aws = {
  partition = "aws",
  region = "eu-west-1",
  default_tags = {},
  list = function(x) return type(x) == "table" and x or {} end,
  bool = function(x) if x == nil or x == "" then return nil end return x == true or x == "true" end,
  int = function(x) return math.tointeger(tonumber(x)) end,
}

-- XML: optional elements, order, what has to be escaped.
equal(xml.document(xml.node("A", xml.text("B", "x<&>\"y"), nil, false, xml.list("C", { xml.text("D", 1), xml.text("D", true) })), "urn:n"),
  '<?xml version="1.0" encoding="UTF-8"?><A xmlns="urn:n"><B>x&lt;&amp;&gt;&quot;y</B><C><D>1</D><D>true</D></C></A>')
equal(xml.text("A", nil), nil)

-- Names of records.
equal(route53.name "\\052.Example.ORG.", "*.example.org")
equal(route53.id "/hostedzone/Z1", "Z1")

-- Ids, as Terraform has them.
local function parsed(id) return { record.parse(id) } end
for _, case in ipairs {
  { "Z1", "example.org", "A" }, { "Z1", "_acme.www.example.org", "CNAME" }, { "Z1", "*.example.org", "TXT" }, { "Z1", "w.example.org", "A", "blue" },
  { "Z1", "_a_b.example.org", "AAAA", "x_A_y" },
} do
  equal(parsed(record.id(table.unpack(case))), case)
end
equal(parsed "Z1", {})
equal(parsed "Z1_example.org", {})
equal(parsed "Z1_example.org_Q", {})

-- Values.
equal(record.value("TXT", 'say "hi"'), '"say \\"hi\\""')
equal(record.value("TXT", '"quoted already"'), '"quoted already"')
equal(record.value("TXT", ""), '""')
equal(record.value("TXT", ("x"):rep(300)), '"' .. ("x"):rep(255) .. '" "' .. ("x"):rep(45) .. '"')
equal(record.value("CNAME", "Www.Example.org."), "www.example.org")
equal(record.value("A", "192.0.2.1"), "192.0.2.1")

-- The order of a change's elements is Route 53's; an alias has neither TTL nor records.
local function change(r)
  return (xml.document(record.change("CREATE", record.to_wire(r, "w.example.org")), "n"):gsub("^.-<Action>", "<Action>"))
end
local weighted = { type = "A", ttl = 60, records = { "192.0.2.1", "192.0.2.2" }, set_identifier = "b", health_check_id = "h" }
weighted.weighted_routing_policy = { weight = 0 }
equal(change(weighted),
  "<Action>CREATE</Action><ResourceRecordSet><Name>w.example.org</Name><Type>A</Type><SetIdentifier>b</SetIdentifier><Weight>0</Weight><TTL>60</TTL>" ..
  "<ResourceRecords><ResourceRecord><Value>192.0.2.1</Value></ResourceRecord><ResourceRecord><Value>192.0.2.2</Value></ResourceRecord></ResourceRecords>" ..
  "<HealthCheckId>h</HealthCheckId></ResourceRecordSet></Change>")
equal(change { type = "A", ttl = 60, alias = { name = "lb.example", zone_id = "Z2", evaluate_target_health = false } },
  "<Action>CREATE</Action><ResourceRecordSet><Name>w.example.org</Name><Type>A</Type><AliasTarget><HostedZoneId>Z2</HostedZoneId>" ..
  "<DNSName>lb.example</DNSName><EvaluateTargetHealth>false</EvaluateTargetHealth></AliasTarget></ResourceRecordSet></Change>")

-- What is read means the same in the user's way to write it.
local found = record.read(aws, { name = "w", alias = { name = "lb.example" } }, "Z1", {
  Name = "w.example.org.", Type = "A", AliasTarget = { HostedZoneId = "Z2", DNSName = "dualstack.LB.example.", EvaluateTargetHealth = "true" },
})
equal(found.name, "w")
equal(found.fqdn, "w.example.org")
equal(found.alias, { name = "lb.example", zone_id = "Z2", evaluate_target_health = true })
equal(found.records, nil)
found = record.read(aws, { name = "v.example.org" }, "Z1", {
  Name = "w.example.org.", Type = "TXT", TTL = "5", ResourceRecords = { { Value = '"b"' }, { Value = '"a"' } },
})
equal(found.name, "w.example.org", "another name is not the user's")
equal(found.records, { '"a"', '"b"' })
local attributes = testing.attributes("aws_route53_record", "r", { zone_id = "Z1", name = "W.example.org.", type = "TXT", ttl = 5, records = { "b", "a" } })
equal(attributes.name, "w.example.org")
equal(attributes.records, { '"a"', '"b"' })
local hidden = { zone_id = "Z", name = "a", type = "TXT", ttl = 1, records = { secret "x" } }
raises(function() testing.attributes("aws_route53_record", "r", hidden) end, "DNS is public")

-- Actions: what goes out comes back.
local forward = { { type = "forward", target_group_arn = "t" } }
equal(action.to_wire(forward), { { Type = "forward", TargetGroupArn = "t" } })
local single = { Type = "forward", ForwardConfig = { TargetGroups = { { TargetGroupArn = "t", Weight = "1" } } } }
equal(action.from_wire(aws, { single })[1].target_group_arn, "t")
local groups = { { arn = "a", weight = 1 }, { arn = "b", weight = 2 } }
local wire = action.to_wire { { type = "forward", forward = { target_group = groups, stickiness = { enabled = true, duration = 60 } } } }
equal(wire[1].ForwardConfig.TargetGroups[2], { TargetGroupArn = "b", Weight = 2 })
equal(wire[1].ForwardConfig.TargetGroupStickinessConfig, { Enabled = true, DurationSeconds = 60 })
equal(action.to_wire({ forward[1], forward[1] })[2].Order, 2)
equal(action.wrap({ default_action = forward[1] }, "default_action").default_action, forward)
equal(action.wrap({ default_action = forward }, "default_action"), nil)
raises(function() action.check({ { type = "fixed-response" } }, "action") end, "needs fixed_response")

-- Attributes of load balancers travel as texts; only what changes is set.
local LOGS = { doc = "", of = { enabled = { "logs.enabled", "bool", "" }, bucket = { "logs.bucket", "string", "" } } }
local SPEC = { idle = { "idle.seconds", "int", "" }, logs = LOGS }
local answer = { { Key = "idle.seconds", Value = "60" }, { Key = "logs.enabled", Value = "false" }, { Key = "other", Value = "x" } }
equal(elb.read_attributes(aws, answer, SPEC), { idle = 60, logs = { enabled = false } })
local have = { idle = 60, logs = { enabled = false, bucket = "b" } }
equal(elb.changed_attributes({ idle = 60, logs = { enabled = true }, have = have }, SPEC),
  { { Key = "logs.enabled", Value = "true" } })
for _, name in ipairs { "a", "eco-api", ("x"):rep(32) } do elb.check_name({}, name) end
for _, name in ipairs { "-a", "a-", "a_b", "internal-x", ("x"):rep(33) } do raises(function() elb.check_name({}, name) end, "is no name") end
equal(elb.name { name_prefix = "web", _token = "t" }, "web" .. sha256("t"):sub(1, 20))
equal(elb.name { name_prefix = "web", _token = "t", have = { name = "web1" } }, "web1")

-- Which items are looked for.
equal(items.id { prior = { id = "x" } }, "x")
equal(items.id { prior = {} }, nil)
check(items.adopts { _token = "t" })
check(not items.adopts { _token = "t", prior = { id = "x" } })
check(not items.adopts {})
equal(items.rest { a = 1, name = "n", have = { a = 2, b = 3, name = "real" } }, { b = 3, name = "real" })
