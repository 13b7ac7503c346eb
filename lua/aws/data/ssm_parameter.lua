--- data.aws_ssm_parameter: a value of the parameter store, such as the newest image of a distribution.
local resource = require "resource"
local items = require "aws/lib/items"

--- Names of one call.
local PER_CALL = 10

return resource "data.aws_ssm_parameter" {
  on = "api",
  provider = "aws",
  data = true,
  doc = "A parameter of Systems Manager. The value of a SecureString is a secret.",
  schema = {
    name = { "string", required = true, doc = "its name, with :VERSION or :LABEL when not the newest is wanted" },
    with_decryption = { "bool", default = true, doc = "whether a SecureString is decrypted" },
    id = { "string", computed = true, doc = "its name" },
    arn = { "string", computed = true, doc = "its ARN" },
    type = { "string", computed = true, doc = "String, StringList or SecureString" },
    value = { "string", computed = true, doc = "its value" },
    version = { "int", computed = true, doc = "its version" },
  },

  list = function(aws, list)
    local found = {}
    for _, decrypt in ipairs { true, false } do
      local chunks, current = {}, nil
      for _, item in ipairs(list) do
        if item.with_decryption == decrypt then
          if not current or #current == PER_CALL then
            current = {}
            chunks[#chunks + 1] = current
          end
          current[#current + 1] = item
        end
      end
      items.each(aws, chunks, function(chunk)
        local names, seen, by = {}, {}, {}
        for _, item in ipairs(chunk) do
          if not seen[item.name] then names[#names + 1] = item.name end
          seen[item.name] = true
        end
        for _, parameter in ipairs(aws.ssm:call("GetParameters", { Names = names, WithDecryption = decrypt }).Parameters or {}) do
          by[parameter.Name .. (parameter.Selector or "")] = parameter
          by[parameter.ARN or ""] = parameter
        end
        for _, item in ipairs(chunk) do
          local parameter = by[item.name]
          if parameter then
            found[item._name] = {
              id = parameter.Name,
              arn = parameter.ARN,
              type = parameter.Type,
              value = parameter.Type == "SecureString" and secret(parameter.Value) or parameter.Value,
              version = parameter.Version,
            }
          end
        end
      end)
    end
    return found
  end,
}
