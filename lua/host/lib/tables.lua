-- Small words about tables that several types share.
local tables = {}

-- A copy of `base` with the members of `more` laid over it; neither is changed.
function tables.merge(base, more)
  local copy = {}
  for key, value in pairs(base) do copy[key] = value end
  for key, value in pairs(more or {}) do copy[key] = value end
  return copy
end

-- The named members of `r` that are set. Types use it to say of an attribute that is not read from the node (how to act, not what is there):
-- "as wanted".
function tables.pick(r, names)
  local picked = {}
  for _, name in ipairs(names) do picked[name] = r[name] end
  return picked
end

-- The usual `many` form: names in the list part, shared attributes beside them; an entry may be a table of its own.
--   h:package { "kubeadm", { "containerd.io", version = "2.2.1" }, hold = true }
function tables.names(t)
  local shared, items = {}, {}
  for key, value in pairs(t) do
    if math.type(key) ~= "integer" then shared[key] = value end
  end
  for _, entry in ipairs(t) do
    local name, own = entry, nil
    if type(entry) == "table" then
      name, own = entry[1], {}
      for key, value in pairs(entry) do
        if key ~= 1 then own[key] = value end
      end
    end
    items[#items + 1] = { name, tables.merge(shared, own) }
  end
  return items
end

-- What may stand beside the names in a `many` form whose keys are names.
local shared_names = { depends_on = true, restart_on = true, lifecycle = true, provider = true, precondition = true, state = true }

-- The `many` form of types with one main attribute: h:hosts_entry { ["api.example.org"] = "192.0.2.1" }
function tables.values(t, attribute)
  local shared, items = {}, {}
  for key, value in pairs(t) do
    if shared_names[key] then shared[key] = value end
  end
  for key, value in pairs(t) do
    if not shared_names[key] then items[#items + 1] = { key, tables.merge(shared, { [attribute] = value }) } end
  end
  return items
end

-- Like table.concat, for texts among which there may be secrets.
function tables.join(list, separator)
  local text = ""
  for i, part in ipairs(list) do text = i == 1 and part or text .. separator .. part end
  return text
end

-- A list from what may be one value, a list or nothing.
function tables.list(value)
  if value == nil then return {} end
  if type(value) == "table" then return value end
  return { value }
end

-- Values that cannot be compared (secrets, what is not known) are equal to nothing.
function tables.equal(a, b)
  if type(a) == "userdata" or type(b) == "userdata" then return false end
  if type(a) ~= "table" or type(b) ~= "table" then return a == b end
  for key, value in pairs(a) do
    if not tables.equal(value, b[key]) then return false end
  end
  for key in pairs(b) do
    if a[key] == nil then return false end
  end
  return true
end

return tables
