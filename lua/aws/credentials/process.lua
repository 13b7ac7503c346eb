--- credential_process: a program of the user's prints keys as JSON. Its output is never shown; what it complains about is.
local shape = require "aws/credentials/shape"

local process = {}

local TIMEOUT = 60

--- The words of a command line, as a shell would split them: quotes and backslashes, no expansion. nil: a quote is not closed.
function process.split(line)
  local words, word, quote, i = {}, nil, nil, 1
  while i <= #line do
    local c = line:sub(i, i)
    if quote then
      if c == quote then
        quote = nil
      elseif c == "\\" and quote == '"' and line:sub(i + 1, i + 1):find('["\\$`]') then
        i = i + 1
        word = word .. line:sub(i, i)
      else
        word = word .. c
      end
    elseif c:find("%s") then
      words[#words + 1] = word
      word = nil
    elseif c == '"' or c == "'" then
      quote, word = c, word or ""
    elseif c == "\\" and i < #line then
      i = i + 1
      word = (word or "") .. line:sub(i, i)
    else
      word = (word or "") .. c
    end
    i = i + 1
  end
  if quote then return nil end
  words[#words + 1] = word
  return words
end

local function complaint(err)
  local text = err:gsub("%c", " "):gsub("%s+", " "):gsub("^ ", ""):gsub(" $", "")
  if text == "" then return "" end
  return ": " .. (#text > 300 and text:sub(1, 300) .. "..." or text)
end

function process.load(ctx, name, line)
  local source = ("credential_process of the profile '%s'"):format(name)
  local argv = process.split(line)
  if not argv then return core.fail_as("auth", source .. ": a quote is not closed") end
  if #argv == 0 then return core.fail_as("auth", source .. " is empty") end
  local fine, result = pcall(ctx.io.run, { argv = argv, timeout = TIMEOUT })
  if not fine then return core.fail_as("auth", ("%s: %s"):format(source, type(result) == "string" and result or result.message)) end
  if not result.ok then return core.fail_as("auth", ("%s: '%s' ended with status %d%s"):format(source, argv[1], result.status, complaint(result.err))) end
  local out = shape.object(result.out)
  if not out then return core.fail_as("auth", ("%s: '%s' did not print a JSON object%s"):format(source, argv[1], complaint(result.err))) end
  if out.Version ~= 1 then return core.fail_as("auth", source .. ": its output says no \"Version\": 1, the only format there is") end
  return shape.checked(source, out.AccessKeyId, out.SecretAccessKey, out.SessionToken, out.Expiration)
end

return process
