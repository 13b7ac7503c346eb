--- A small cloud for tests: boxes on a shelf, each a file in a directory. shelf.py is its API, as strict as a real one: it refuses to remove what
--- something else holds on to, knows its idempotency tokens, and makes a second thing of whatever is created twice.
local provider = require "provider"
local resource = require "resource"

provider.define("shelf", {
  client = function(config, io)
    local client = { io = io }
    function client.call(_, action, argument)
      local result = io.run { argv = { "python3", config.api, config.dir, action, json.encode(argument) } }
      if result.ok then return json.decode(result.out) end
      if result.status == 75 then return fail_unknown("the answer to " .. action .. " was lost") end
      return fail((result.err:match("([^\n]+)") or ("exit status " .. result.status)))
    end
    return client
  end,
})

local function attributes(box)
  return { id = box.id, label = box.label, base = box.base, link = box.link, slow = box.slow, bare = box.bare }
end

local function wanted(r)
  return { label = r.label, base = r.base, link = r.link, slow = r.slow, bare = r.bare, token = r._token }
end

local box = resource "shelf_box" {
  on = "api", provider = "shelf",
  doc = "A box.",
  schema = {
    label = { "string", required = true, doc = "what is written on it; can be changed" },
    base = { "string", immutable = true, doc = "the id of the box it stands on, for good" },
    link = { "string", doc = "the id of a box it is tied to; can be changed" },
    slow = { "number", doc = "how long making and removing it takes" },
    bare = { "bool", doc = "its creation stops half way: its label is still to be written" },
    id = { "string", computed = true, doc = "given by the shelf" },
  },
  list = function(client, items)
    local wanted_ids, tokens, found = {}, {}, {}
    for _, item in ipairs(items) do
      if item.prior and item.prior.id then wanted_ids[item.prior.id] = item._name end
      if item._token then tokens[item._token] = item._name end
    end
    if next(wanted_ids) == nil and next(tokens) == nil then return found end
    for _, each in ipairs(client:call("list", {}).boxes) do
      local name = wanted_ids[each.id] or (each.token and tokens[each.token])
      if name then found[name] = attributes(each) end
    end
    return found
  end,
  create = function(client, r)
    local id = r.have and r.have.id or client:call("create", wanted(r)).id
    if r.bare then client:call("update", { id = id, label = r.label }) end
    return { id = id }
  end,
  update = function(client, r)
    client:call("update", { id = r.have.id, label = r.label, link = r.link })
  end,
  delete = function(client, r)
    client:call("delete", { id = r.id })
  end,
}

local find = resource "data.shelf_box" {
  on = "api", provider = "shelf", data = true,
  doc = "A box that is there already.",
  schema = {
    label = { "string", required = true, doc = "what is written on it" },
    id = { "string", computed = true, doc = "its id" },
    note = { "string", computed = true, doc = "what is noted of it" },
  },
  list = function(client, items)
    local boxes, found = client:call("list", {}).boxes, {}
    for _, item in ipairs(items) do
      for _, each in ipairs(boxes) do
        if each.label == item.label then found[item._name] = { id = each.id, note = each.note } end
      end
    end
    return found
  end,
}

return { box = box, find = find }
