#!/usr/bin/env python3
"""The options of every add-on, from their rows, as tables in docs/addons/NAME.md and docs/gitops.md.

    addon_docs.py [--check]      SLIPWAY names the program; with --check nothing is written, and what differs is an error
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
SLIPWAY = os.environ.get("SLIPWAY", REPO / "build/slipway")
BETWEEN = re.compile(r"(<!-- options -->\n).*?(<!-- end -->)", re.DOTALL)


def tables() -> dict[str, str]:
    names = [*(path.stem.replace("_", "-") for path in sorted((REPO / "lua/kube/addon").glob("*.lua"))), "gitops"]
    return {name: subprocess.run([SLIPWAY, "docs", "--markdown", name], check=True, capture_output=True, text=True).stdout for name in names}


def main() -> int:
    check, wrong = "--check" in sys.argv, 0
    for name, table in tables().items():
        path = REPO / ("docs/gitops.md" if name == "gitops" else f"docs/addons/{name}.md")
        text = path.read_text() if path.exists() else ""
        new = BETWEEN.sub(lambda match, table=table: f"{match[1]}{table}{match[2]}", text)
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
