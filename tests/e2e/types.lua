-- What needs a real systemd, a real kernel and a real reboot. vars.state: "present" makes it all, "absent" takes it away.
local host = require "host"
local inv = slipway.inventory
local state = inv.vars.state

for _, node in ipairs(inv.nodes) do
  local h = host(node) {}
  -- A group goes after its last user.
  if state == "present" then h:group "slipway-e2e" { gid = 4711 } end
  h:user "tester" { uid = 4711, group = "slipway-e2e", shell = "/bin/sh", comment = "E2E Tester", create_home = true, state = state }
  h:authorized_key "of the tester" {
    user = "tester",
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGfWc9wGbVh2hhTMC1mSKVJJ4MR9RgKFwZ3WFeKwcRfT tester@example",
    state = state,
  }
  h:hosts_entry "e2e.example" { address = "192.0.2.99", state = state }
  h:cron "slipway-e2e" { schedule = "17 4 * * *", command = "true", state = state }
  h:timer "slipway-e2e-timer" { calendar = "daily", command = "true", state = state }
  h:directory "/srv/e2e" { mode = "0750" }
  h:mount "/srv/e2e" { source = "tmpfs", type = "tmpfs", options = "size=1m,mode=0750", state = state }
  h:package "socat" { hold = state == "present" }
  if state == "present" then
    -- These leave by leaving the playbook.
    local unit = h:systemd_unit "slipway-e2e.service" {
      content = "[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n",
    }
    h:service "slipway-e2e" { state = "running", enabled = true, restart_on = { unit } }
    h:reboot "for the test" { when = "never", timeout = 120, restart_on = { unit } }
  end
end
