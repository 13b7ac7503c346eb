--- Tags, by the same rules for every type: a resource's own over the provider's defaults, slipway's token left alone.
local tags = {}

--- What stands for a default tag that the real thing lacks, so that it counts as a difference and is seen in the plan.
local LACKING = "(not set)"

tags.row = { "map", of = "string", default = {}, doc = "its tags, over the provider's default_tags" }

--- `tags` of an item from those in an answer: a default tag shows only where it is not as the defaults say.
function tags.read(aws, item, set)
  local found, own = aws.read_tags(aws.list(set)), item.tags or {}
  for key, value in pairs(aws.default_tags) do
    if own[key] == nil then
      if found[key] == nil then
        found[key] = LACKING
      elseif found[key] == value then
        found[key] = nil
      end
    end
  end
  return found
end

--- What an update has to do to r.have.tags: a list of { Key=, Value= } to set and a list of keys to remove, each nil when there is nothing.
function tags.changes(aws, r)
  local have, want, own = r.have and r.have.tags or {}, {}, r.tags or {}
  local set, remove = {}, {}
  for key, value in pairs(aws.default_tags) do
    if own[key] == nil and have[key] ~= nil then want[key] = value end
  end
  for key, value in pairs(own) do want[key] = value end
  for key, value in pairs(want) do
    if have[key] ~= value then set[#set + 1] = { Key = key, Value = value } end
  end
  for key in pairs(have) do
    if want[key] == nil then remove[#remove + 1] = key end
  end
  return set[1] and set, remove[1] and remove
end

return tags
