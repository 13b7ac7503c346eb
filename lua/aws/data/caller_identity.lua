--- data.aws_caller_identity: whose keys these are.
local resource = require "resource"

return resource "data.aws_caller_identity" {
  on = "api",
  provider = "aws",
  data = true,
  doc = "The account and the user or role of the keys in use.",
  schema = {
    id = { "string", computed = true, doc = "the account's number" },
    account_id = { "string", computed = true, doc = "the account's number" },
    arn = { "string", computed = true, doc = "the ARN of the user or role" },
    user_id = { "string", computed = true, doc = "its unique id" },
  },

  list = function(aws, items)
    local out = aws.sts:call("GetCallerIdentity", {})
    local found = {}
    for _, item in ipairs(items) do
      found[item._name] = { id = out.Account, account_id = out.Account, arn = out.Arn, user_id = out.UserId }
    end
    return found
  end,
}
