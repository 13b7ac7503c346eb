--- Keys that are made here and live in the state, encrypted. `tls.private_key "name" { ... }` declares `tls_private_key.name`.
local provider = require "provider"

-- A key pair is two lines of ssh-keygen's: the private one in a directory nobody else can read, gone when the script ends.
local SCRIPT = [[
set -eu
umask 077
base=${TMPDIR:-/tmp}
[ ! -w /dev/shm ] || base=/dev/shm
dir=$(mktemp -d "$base/slipway-key.XXXXXXXX")
trap 'rm -rf "$dir"' EXIT HUP INT TERM
ssh-keygen -q -t ed25519 -N '' -C '' -f "$dir/key"
cat "$dir/key.pub"
cat "$dir/key"
]]

provider.define("tls", {
  client = function(_, io)
    local client = {}

    --- A new key pair: the public key as "ssh-ed25519 AAAA...", the private one in OpenSSH's form.
    function client.generate()
      local result = io.run { argv = { "sh", "-c", SCRIPT }, timeout = 60 }
      if not result.ok then
        return fail("ssh-keygen made no key: " .. (result.err:match("[^\n]+") or "exit status " .. result.status), "OpenSSH's client must be installed here")
      end
      local public, private = result.out:match("^(ssh%-ed25519 [%w+/=]+)[^\n]*\n(%-%-%-%-%-BEGIN.*)$")
      if not public then return fail "ssh-keygen did not print a key pair" end
      return public, private
    end

    return client
  end,
})

return { private_key = require "tls/private_key" }
