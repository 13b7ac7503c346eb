std = "lua54"
max_line_length = 160
read_globals = {
  "slipway", "secret", "output", "moved", "removed", "provider", "json", "yaml", "xml", "base64", "sha256", "fail", "fail_unknown",
}
files["tests/lua"] = { read_globals = { "core", "check", "equal", "raises", "testing" } }
files["lua/slipway"] = { globals = { "slipway" }, ignore = { "122", "131", "111", "112", "113" } }
files["lua/aws"] = { read_globals = { "core", "xml" } }
files["lua/kube"] = { read_globals = { "core" } }
files["lua/policies"] = { read_globals = { "plan", "deny", "warn", "require_approval" } }
exclude_files = { "lua/meta" }
