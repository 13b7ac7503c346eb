--- The items of a `list` call: what is known of each, and several reads at once.
local items = {}

--- The recorded id of an item, or nil.
function items.id(item)
  local prior = item.prior
  local id = prior and prior.id
  return type(id) == "string" and id ~= "" and id or nil
end

--- A value that can be asked for: a text, nothing unknown.
function items.known(value)
  return type(value) == "string" and value or nil
end

--- Whether a run died while it made this item, and what it made is to be looked for.
function items.adopts(item)
  return item._token ~= nil and not items.id(item)
end

--- For `list`: adds a flag that only slipway knows of, such as force_destroy, as it is recorded: another value in the playbook is a change.
function items.flagged(item, found, name)
  found[name] = item.prior and item.prior[name] or false
  return found
end

--- What an unfinished create found of itself (r.have), without what the resource says itself: what it returns along with what it did.
function items.rest(r)
  local out = {}
  for key, value in pairs(r.have) do
    if r[key] == nil or key == "name" then out[key] = value end
  end
  return out
end

--- Calls read(key, items_of_it) at once for every key that key_of(item) gives (nil: absent); read gives { [item._name] = attributes } or nil.
function items.by(aws, list, key_of, read)
  local groups, order = {}, {}
  for _, item in ipairs(list) do
    local key = key_of(item)
    if key then
      if not groups[key] then
        groups[key] = {}
        order[#order + 1] = key
      end
      table.insert(groups[key], item)
    end
  end
  local found = {}
  items.each(aws, order, function(key)
    for name, attributes in pairs(read(key, groups[key]) or {}) do found[name] = attributes end
  end)
  return found
end

--- fn()'s value, asked for once and kept as long as the client. Who comes meanwhile waits for it; when it fails, the next asks anew.
function items.kept(aws, key, fn)
  local kept = aws.memory.kept or {}
  aws.memory.kept = kept
  while kept[key] and kept[key].pending do kept[key].pending:wait() end
  if not kept[key] then
    local entry = { pending = aws:event() }
    kept[key] = entry
    local ok, value = pcall(fn)
    local pending = entry.pending
    entry.value, entry.pending = value, nil
    if not ok then kept[key] = nil end
    pending:set()
    if not ok then error(value, 0) end
  end
  return kept[key].value
end

--- fn(element, index) for every element at once; the results in order (nil where there was none).
function items.each(aws, list, fn)
  local calls, results = {}, {}
  for i, element in ipairs(list) do
    calls[i] = function() results[i] = fn(element, i) end
  end
  aws:all(calls)
  return results
end

return items
