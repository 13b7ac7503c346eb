--- Shell fragments: sh("text {key}", { key = value }). The quoting is done by the host (src/script/bind_sh.c).
local sh = {}

--- One fragment of several, in order. Empty ones are left out.
function sh.join(fragments)
  local kept = {}
  for _, fragment in ipairs(fragments) do
    if fragment ~= "" then
      if #kept > 0 then kept[#kept + 1] = "\n" end
      kept[#kept + 1] = fragment
    end
  end
  return core.join(kept)
end

--- The value as one quoted word, a list as several.
sh.quote = core.sh_quote

--- Shell functions for every fragment of a batch, sent once. At the top of a file.
sh.prelude = core.sh_prelude

return setmetatable(sh, { __call = function(_, text, vars) return core.sh(text, vars) end })
