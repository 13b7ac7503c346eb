-- Fetching from the network, on the node.
local sh = require "sh"
local check = require "host/lib/check"

local fetch = {}

sh.prelude [[
# h_fetch URL FILE [SHA256]
h_fetch() {
  if command -v curl >/dev/null; then
    curl -fsSL --retry 3 --connect-timeout 20 -o "$2" -- "$1" || { echo "cannot fetch $1" >&2; return 1; }
  elif command -v wget >/dev/null; then
    wget -q -O "$2" -- "$1" || { echo "cannot fetch $1" >&2; return 1; }
  else
    echo "the node has neither curl nor wget" >&2
    return 1
  fi
  [ -z "${3:-}" ] || h_is "$2" "$3" || { echo "that is what $1 gave" >&2; return 1; }
}
# h_is FILE SHA256
h_is() {
  _a=$(sha256sum < "$1"); _a=${_a%% *}
  [ "$_a" = "$2" ] || { echo "expected sha256 $2, got $_a" >&2; return 1; }
}
]]

function fetch.url(attribute, value)
  return check.match(attribute, value, "^https?://[^%c%s]+$", "an http or https URL")
end

return fetch
