--- XML bodies. A node is { "Name", child, ... }: a child is a node, a text, a number or a boolean; nil and false children are left out, so
--- optional elements are written as `value and { "Name", value }`. The order is that of the table: Route 53 and S3 insist on theirs.
local xml = {}

local ESCAPES = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;", ["\r"] = "&#13;" }

local function add(out, node)
  if type(node) ~= "table" then
    out[#out + 1] = (tostring(node):gsub('[&<>"\r]', ESCAPES))
    return
  end
  out[#out + 1] = "<" .. node[1] .. (node.attributes and " " .. node.attributes or "") .. ">"
  for i = 2, node.n or #node do
    if node[i] then add(out, node[i]) end
  end
  out[#out + 1] = "</" .. node[1] .. ">"
end

--- A node of a name and children, some of which may be nil or false.
function xml.node(name, ...)
  local count = select("#", ...)
  local node = { name, n = count + 1 }
  for i = 1, count do node[i + 1] = (select(i, ...)) end
  return node
end

--- A node that holds one text; nil when there is none.
function xml.text(name, value)
  if value == nil then return nil end
  return { name, tostring(value) }
end

--- A node of a list of nodes.
function xml.list(name, nodes)
  local node = { name, n = #nodes + 1 }
  for i, one in ipairs(nodes) do node[i + 1] = one end
  return node
end

--- The document. namespace: of the root element.
function xml.document(root, namespace)
  root.attributes = ('xmlns="%s"'):format(namespace)
  local out = { '<?xml version="1.0" encoding="UTF-8"?>' }
  add(out, root)
  return table.concat(out)
end

return xml
