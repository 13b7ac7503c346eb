--- The region: the configuration's, the environment's, the profile's, the instance's own.
local imds = require "aws/credentials/imds"

local region = {}

function region.find(ctx)
  local found = ctx.config.region or ctx.env "AWS_REGION" or ctx.env "AWS_DEFAULT_REGION" or ctx.profile().region
  if found and found ~= "" then
    if not found:find("^[a-z][a-z]%-[a-z-]+%-%d+$") then fail(("'%s' is no AWS region"):format(found), "it looks like eu-west-1") end
    if found:find("%-iso") then fail(("the region '%s' is in a partition that is not supported"):format(found)) end
    return found
  end
  local own, why = imds.region(ctx)
  if own then return own end
  return fail(("no AWS region is set (%s)"):format(why), "provider: { name: aws, region: eu-west-1 } in the inventory, or AWS_REGION")
end

return region
