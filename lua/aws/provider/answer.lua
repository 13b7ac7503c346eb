--- Reading answers: contents of a response, and the error of one that failed, for each protocol.
local shape = require "aws/provider/shape"

local answer = {}

local MAX_WORDS = 500

local function text(value) return type(value) == "string" and value ~= "" and value or nil end

--- What the service (or something between us and it) wrote, cut to a line.
local function words(body)
  if type(body) ~= "string" then return nil end
  local flat = body:sub(1, 4 * MAX_WORDS):gsub("<[^>]*>", " "):gsub("%c", " "):gsub("%s+", " "):gsub("^ ", ""):gsub(" $", "")
  if flat == "" then return nil end
  return #flat > MAX_WORDS and flat:sub(1, MAX_WORDS) .. "..." or flat
end

--- An error that is none of the service's own format: a proxy's page, an empty body.
local function foreign(response)
  return { code = "HTTP " .. response.status, message = words(response.body) or "no further word" }
end

local function finish(err, response, request_id)
  err.status = response.status
  err.region = err.region or response.headers["x-amz-bucket-region"]
  err.request_id = text(request_id) or response.headers["x-amzn-requestid"] or response.headers["x-amz-request-id"]
  return err
end

local function first(value) return type(value) == "table" and (value[1] or value) or {} end

--- <InvalidChangeBatch><Messages><Message>...</Message></Messages></InvalidChangeBatch>
local function batch_message(root)
  local messages = type(root.Messages) == "table" and (root.Messages.Message or root.Messages) or root.Message
  return type(messages) == "table" and table.concat(messages, "; ") or messages
end

--- <Response><Errors><Error>, <ErrorResponse><Error>, S3's <Error>, Route 53's <InvalidChangeBatch>.
function answer.xml_error(response)
  local fine, root = pcall(xml.decode, response.body)
  if not fine or type(root) ~= "table" then return finish(foreign(response), response) end
  local id = text(root.RequestID) or text(root.RequestId)
  local errors = type(root.Errors) == "table" and root.Errors or root
  local err = first(errors.Error or errors)
  if text(err.Code) then return finish({ code = err.Code, message = text(err.Message) or "", region = text(err.Region) }, response, id) end
  local message = batch_message(root)
  if text(message) then return finish({ code = "InvalidChangeBatch", message = message }, response, id) end
  return finish(foreign(response), response, id)
end

--- { "__type": "com.amazonaws.acm#ResourceNotFoundException", "message": "..." }
function answer.json_error(response)
  local fine, root = pcall(json.decode, response.body)
  local code = fine and type(root) == "table" and text(root.__type) or response.headers["x-amzn-errortype"]
  if not code then return finish(foreign(response), response) end
  code = code:gsub(":.*$", ""):gsub("^.*#", "")
  local message = fine and type(root) == "table" and (text(root.message) or text(root.Message)) or ""
  return finish({ code = code, message = message }, response)
end

--- An empty list of an answer is a text without characters.
function answer.list(value) return type(value) == "table" and value or {} end

local function unreadable(call, problem)
  local message = ("aws %s %s: the answer cannot be read: %s"):format(call.service, call.action, problem)
  if call.safe then return fail(message, "does a proxy between here and AWS change answers, or is the endpoint not AWS's?") end
  return fail_unknown(message, "the call may have had an effect: the next run looks")
end

local DEFAULT_LISTS = { "item", "member" }

--- The answer to an action is called so; S3 has names of its own.
local function action_of(call, root_name)
  if call.service == "s3" then return root_name:lower() ~= "html" and root_name or nil end
  return root_name:match("^(%w+)Response$")
end

--- The content of the answer's element. IAM, ELBv2 and STS have it in an element XResult.
function answer.xml(response, lists, call)
  local names = DEFAULT_LISTS
  if lists then
    names = { "item", "member" }
    for _, name in ipairs(lists) do names[#names + 1] = name end
  end
  local fine, root, root_name = pcall(xml.decode, response.body, names)
  if not fine then return unreadable(call, type(root) == "string" and root or root.message) end
  local action = action_of(call, root_name)
  if not action then return unreadable(call, ("it is a document '%s'"):format(root_name)) end
  if type(root) ~= "table" then root = {} end
  local inner = root[action .. "Result"]
  local wrong = shape.wrong(action, type(inner) == "table" and inner or root)
  if wrong then return unreadable(call, wrong) end
  return root
end

function answer.json(response, call)
  if response.body == "" then return {} end
  local fine, root = pcall(json.decode, response.body)
  if not fine then return unreadable(call, type(root) == "string" and root or root.message) end
  if type(root) ~= "table" then return unreadable(call, "it is no object") end
  local wrong = shape.wrong(call.action, root)
  if wrong then return unreadable(call, wrong) end
  return root
end

return answer
