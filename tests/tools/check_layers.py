#!/usr/bin/env python3
"""The layer rule over #include: a folder of src/ may use itself and those to its left; a third-party header has one home."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
LAYERS = ["base", "value", "model", "net", "engine", "script", "report", "cli"]

# Which folder a header of include/slipway/ belongs to.
HOME = {
    "base": "err arena str vec map log clock file",
    "value": "value yaml yaml_tags xml schema hash",
    "model": "inventory resource graph plan state cost freeze",
    "net": "loop remote batch exec http sigv4 vault download helm tunnel",
    "engine": "event provider engine",
    "script": "script",
    "report": "report",
    "cli": "cli",
}
THIRD_PARTY = {
    "lua": ("script", r"lua|lauxlib|lualib"),
    "libssh": ("net", r"libssh/.*"),
    "curl": ("net", r"curl/.*"),
    "uv": ("net", r"uv"),
    "sqlite3": ("model", r"sqlite3"),
    "jansson": ("value", r"jansson"),
    "yaml": ("value", r"yaml"),
    "expat": ("value", r"expat"),
}
# report is not under script: it sees plans and runs, never Lua.
FORBIDDEN = {("report", "script")}

INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]')


def main() -> int:
    home = {name: folder for folder, names in HOME.items() for name in names.split()}
    wrong = []
    for header in sorted((ROOT / "include/slipway").glob("*.h")):
        if header.stem not in home:
            wrong.append(f"{header.relative_to(ROOT)}: belongs to no layer; add it to HOME in check_layers.py")
    for path in sorted([*ROOT.glob("src/*/*.[ch]"), *ROOT.glob("include/slipway/*.h")]):
        folder = path.parent.name if path.parent.parent.name == "src" else home.get(path.stem)
        if folder not in LAYERS:
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            name = match.group(1)
            place = f"{path.relative_to(ROOT)}:{number}"
            for label, (owner, pattern) in THIRD_PARTY.items():
                if re.fullmatch(rf"(?:{pattern})\.h", name) and folder != owner and not name.startswith("slipway/"):
                    wrong.append(f"{place}: {label} is used in src/{owner} only")
            if name.startswith("slipway/"):
                used = home.get(pathlib.PurePath(name).stem)
                if used and (LAYERS.index(used) > LAYERS.index(folder) or (folder, used) in FORBIDDEN):
                    wrong.append(f"{place}: {folder} may not use {used}")
    print("\n".join(wrong) or "layers: fine")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
