--- Lists that come in pages, as one.
local answer = require "aws/provider/answer"

local MAX_PAGES = 10000

local function merged(params, page)
  local asked = {}
  for key, value in pairs(params or {}) do asked[key] = value end
  for key, value in pairs(page) do asked[key] = value end
  return asked
end

--- @param what string for errors: "aws ec2 DescribeVpcs"
--- @param ask fun(params): table|nil, table|nil the answer to one page, or nil and an error
--- @param params table|nil
--- @param list_name string the list in each answer
--- @param following fun(answer): table|nil the parameters that ask for the next page
--- @return table|nil all items
--- @return table|nil error
return function(what, ask, params, list_name, following)
  local all, page = {}, {}
  for _ = 1, MAX_PAGES do
    local result, err = ask(merged(params, page))
    if result == nil then return nil, err end
    for _, item in ipairs(answer.list(result[list_name])) do all[#all + 1] = item end
    local more = following(result)
    if not more then return all end
    if json.encode(more) == json.encode(page) then return fail(what .. ": the same page comes again and again") end
    page = more
  end
  return fail(("%s: more than %d pages"):format(what, MAX_PAGES))
end
