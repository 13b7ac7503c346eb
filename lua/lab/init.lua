--- The lab: disposable servers on this machine, made by node.sh. They are resources like any cloud's instances.
local provider = require "provider"

--- Runs node.sh as root (through sudo where we are not).
local AS_ROOT = 'if [ "$(id -u)" = 0 ]; then exec sh -s -- "$@"; else exec sudo -n SLIPWAY_LAB_KEYS="$SLIPWAY_LAB_KEYS" sh -s -- "$@"; fi'

provider.define("lab", {
  client = function(config, io)
    local client = { dir = config.dir or "/var/lib/slipway/lab" }

    --- node.sh COMMAND DIR ...: its output; a failure is an error with its own words.
    function client:node(command, arguments, options)
      options = options or {}
      local argv = { "sh", "-c", AS_ROOT, "sh", command, self.dir }
      for _, argument in ipairs(arguments or {}) do argv[#argv + 1] = tostring(argument) end
      local result = io.run {
        argv = argv,
        input = slipway.asset("lab/node.sh"),
        env = { SLIPWAY_LAB_KEYS = options.keys or "" },
        timeout = options.timeout or 120,
      }
      if result.ok then return result.out end
      local words = result.err:match("error: ([^\n]+)") or result.err:match("([^\n]+)") or ("exit status " .. result.status)
      return fail("the lab: " .. words, result.err:find("sudo", 1, true) and "run as root, or allow sudo without a password" or nil)
    end

    return client
  end,
})

return {
  node = require "lab/node",
  key = require "lab/key",
}
