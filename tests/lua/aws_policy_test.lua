-- Policy documents: what means the same is the same text. Tags: defaults, drift and what an update has to do.
local policy, tags = require "aws/lib/policy", require "aws/lib/tags"

local function same(a, b, message) equal(policy.normal(a, "policy"), policy.normal(b, "policy"), message) end
local function other(a, b, message) check(policy.normal(a, "policy") ~= policy.normal(b, "policy"), message) end

local trust = { Statement = { { Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "ec2.amazonaws.com" } } } }
same(trust, '{"Version":"2012-10-17","Statement":{"Action":["sts:AssumeRole"],"Principal":{"Service":["ec2.amazonaws.com"]},"Effect":"Allow"}}')
same('{"Statement":[{"Effect":"Allow","Action":["b","a","b"],"Resource":"*"}]}', '{"Statement":[{"Resource":["*"],"Action":["a","b"],"Effect":"Allow"}]}')
other('{"Statement":[{"Effect":"Allow","Action":"a","Resource":"*"}]}',
  { Statement = { { Effect = "Allow", Action = "a", Resource = "*" } } }, "a text without Version is 2008")
other('{"Statement":[{"Effect":"Allow","Action":"a","Resource":"*"}]}', '{"Statement":[{"Effect":"Deny","Action":"a","Resource":"*"}]}')
local a, b = { Sid = "A", Effect = "Allow", Action = "x", Resource = "*" }, { Sid = "B", Effect = "Deny", Action = "x", Resource = "*" }
other({ Statement = { a, b } }, { Statement = { b, a } }, "the order of statements is kept")

local function principal(who) return { Statement = { { Effect = "Allow", Action = "a", Principal = who } } } end
same(principal { AWS = "arn:aws:iam::111122223333:root" }, principal { AWS = { "111122223333" } })
same(principal { AWS = "arn:aws-cn:iam::111122223333:root" }, principal { AWS = { "111122223333" } })
same(principal { AWS = { "arn:aws:iam::1:role/b", "arn:aws:iam::1:role/a" } }, principal { AWS = { "arn:aws:iam::1:role/a", "arn:aws:iam::1:role/b" } })
same(principal "*", principal "*")
other(principal "*", principal { AWS = "*" }, "not the same in a trust policy")

local function condition(c) return { Statement = { { Effect = "Allow", Action = "a", Resource = "*", Condition = c } } } end
same(condition { Bool = { ["aws:SecureTransport"] = false } }, condition { Bool = { ["aws:SecureTransport"] = { "false" } } })
same(condition { StringEquals = { ["k"] = { "b", "a" } } }, condition { StringEquals = { ["k"] = { "a", "b" } } })
same(condition {}, condition(nil))

local text = policy.normal(trust, "assume_role_policy")
equal(text, [[{
  "Statement": [
    {
      "Action": "sts:AssumeRole",
      "Effect": "Allow",
      "Principal": {
        "Service": "ec2.amazonaws.com"
      }
    }
  ],
  "Version": "2012-10-17"
}]], "readable, line by line")
equal(policy.normal(text, "policy"), text, "a fixed point")
equal(policy.read("%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%7B%22Effect%22%3A%22Allow%22%2C%22Action%22%3A%5B%22sts%3AAssumeRole%22%5D%2C" ..
  "%22Principal%22%3A%7B%22Service%22%3A%22ec2.amazonaws.com%22%7D%7D%5D%7D"), text, "IAM's percent-encoding")
equal(policy.read("not a policy"), "not a policy")
equal(policy.wire(text), '{"Statement":[{"Action":"sts:AssumeRole","Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"}}],"Version":"2012-10-17"}')

raises(function() policy.normal("{", "policy") end, "policy: expected a policy document")
raises(function() policy.normal("{}", "policy") end, "needs a Statement")
raises(function() policy.normal({ Statement = { { Effect = "allow" } } }, "policy") end, 'Statement%[1%].Effect: expected "Allow" or "Deny"')
raises(function() policy.normal({ Statement = { { Effect = "Allow", Action = { { 1 } } } } }, "policy") end, "holds a table where a text is expected")

-- tags
local aws = {
  default_tags = { team = "platform", env = "prod" },
  list = function(x) return type(x) == "table" and x or {} end,
  read_tags = function(set)
    local map = {}
    for _, tag in ipairs(set) do map[tag.Key] = tag.Value end
    return map
  end,
}
local function found(own, real)
  local set = {}
  for key, value in pairs(real) do set[#set + 1] = { Key = key, Value = value } end
  return tags.read(aws, { tags = own }, set)
end
equal(found({ Name = "x" }, { Name = "x", team = "platform", env = "prod" }), { Name = "x" }, "defaults do not show")
equal(found({}, { team = "other", env = "prod" }), { team = "other" }, "a default that was changed does")
equal(found({}, { team = "platform" }), { env = "(not set)" }, "and one that is missing")
equal(found({ env = "test" }, { team = "platform", env = "prod" }), { env = "prod" }, "a resource's own is over the default")
equal(tags.read(aws, {}, ""), { team = "(not set)", env = "(not set)" })

local function changes(have, own) return { tags.changes(aws, { have = { tags = have }, tags = own }) } end
equal(changes({ Name = "x" }, { Name = "x" }), {})
equal(changes({ Name = "x" }, { Name = "y" }), { { { Key = "Name", Value = "y" } } })
equal(changes({ Name = "x", old = "1" }, { Name = "x" })[2], { "old" })
equal(changes({ env = "(not set)" }, {}), { { { Key = "env", Value = "prod" } } })
equal(changes({ team = "mine" }, {}), { { { Key = "team", Value = "platform" } } }, "back to the default")
