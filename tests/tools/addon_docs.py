#!/usr/bin/env python3
"""The options of every add-on, from their rows, as tables in docs/addons/NAME.md and docs/gitops.md.

    addon_docs.py [--check]      SLIPWAY names the program; with --check nothing is written, and what differs is an error
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
SLIPWAY = os.environ.get("SLIPWAY", REPO / "build/slipway")
PLAY = """
local kube = require "kube"
local lines
local function shown(value)
  if type(value) == "table" then return next(value) == nil and "none" or table.concat(value, ", ") end
  return tostring(value)
end
local function add(rows, prefix)
  for name, row in slipway.sorted(rows) do
    local doc = row.doc
    if row.required then doc = doc .. "; required" end
    if row.one_of then doc = doc .. "; one of " .. table.concat(row.one_of, ", ") end
    if row.default ~= nil and row.default ~= "" then doc = doc .. "; default " .. shown(row.default) end
    lines[#lines + 1] = ("| `%s%s` | %s | %s |"):format(prefix, name, row[1], (doc:gsub("|", "\\\\|")))
    if row.of then add(row.of, prefix .. name .. (row[1] == "list" and "[]." or ".")) end
  end
end
local function table_of(rows)
  lines = { "| option | type | |", "| --- | --- | --- |" }
  add(rows, "")
  return table.concat(lines, "\\n")
end
for _, name in ipairs { NAMES } do
  local addon = kube.addon[name]
  output(name) { value = table_of(addon.rows) }
end
output "gitops" { value = table_of(require("kube/gitops").ROWS) }
"""
BETWEEN = re.compile(r"(<!-- options -->\n).*?(<!-- end -->)", re.DOTALL)


def tables() -> dict[str, str]:
    names = sorted(path.stem for path in (REPO / "lua/kube/addon").glob("*.lua"))
    with tempfile.TemporaryDirectory() as directory:
        site = Path(directory)
        (site / "inventory.yaml").write_text("name: docs\nplaybook: play\n")
        (site / "play.lua").write_text(PLAY.replace("NAMES", ", ".join(f'"{name}"' for name in names)))
        subprocess.run([SLIPWAY, "apply", "--yes", "--quiet", "-i", directory], check=True, capture_output=True)
        found = json.loads(subprocess.run([SLIPWAY, "output", "--json", "-i", directory], check=True, capture_output=True, text=True).stdout)
    return {name.replace("_", "-"): value["value"] if isinstance(value, dict) else value for name, value in found.items()}


def main() -> int:
    check, wrong = "--check" in sys.argv, 0
    for name, table in tables().items():
        path = REPO / ("docs/gitops.md" if name == "gitops" else f"docs/addons/{name}.md")
        text = path.read_text() if path.exists() else ""
        new = BETWEEN.sub(lambda match, table=table: f"{match[1]}{table}\n{match[2]}", text)
        if "<!-- options -->" not in text:
            print(f"{path.relative_to(REPO)}: there is no <!-- options --> ... <!-- end -->", file=sys.stderr)
            wrong += 1
        elif new != text and check:
            print(f"{path.relative_to(REPO)} is not what the add-on takes: run tests/tools/addon_docs.py", file=sys.stderr)
            wrong += 1
        elif new != text:
            path.write_text(new)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
