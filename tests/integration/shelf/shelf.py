"""The API of the shelf: shelf.py DIRECTORY ACTION JSON.

A box is a file DIRECTORY/box-ID. Every call that changes something is a line in DIRECTORY/log. DIRECTORY/kill says N: the Nth boundary from now (before
and after the effect of each changing call) kills slipway with SIGKILL. DIRECTORY/lose says "ACTION LABEL": that call has its effect, and no answer.
"""

import fcntl
import json
import os
import signal
import sys
import time
from pathlib import Path


def main() -> int:
    where, action, argument = Path(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3])
    time.sleep(float(argument.get("slow") or 0) / 2)
    with open(where / "lock", "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if action == "list":
            with open(where / "reads", "a") as log:
                log.write("list\n")
            print(json.dumps({"boxes": boxes(where)}))
            return 0
        boundary(where)
        answer = globals()[action](where, argument)
        with open(where / "log", "a") as log:
            log.write(f"{action} {answer.get('label', '')}\n")
        boundary(where)
        lost = where / "lose"
        if lost.exists() and lost.read_text().strip() == f"{action} {answer.get('label', '')}":
            lost.unlink()
            return 75
    time.sleep(float(argument.get("slow") or 0) / 2)
    print(json.dumps(answer))
    return 0


def boundary(where: Path) -> None:
    counter = where / "kill"
    if not counter.exists():
        return
    left = int(counter.read_text()) - 1
    counter.write_text(str(left))
    if left == 0:
        os.kill(os.getppid(), signal.SIGKILL)
        sys.exit(1)


def boxes(where: Path) -> list[dict]:
    return [json.loads(path.read_text()) for path in sorted(where.glob("box-*"))]


def fail(text: str) -> None:
    print(text, file=sys.stderr)
    sys.exit(1)


def exists(where: Path, box_id: str | None) -> None:
    if box_id and not (where / f"box-{box_id}").exists():
        fail(f"there is no box {box_id} to hold on to")


def save(where: Path, box: dict) -> dict:
    (where / f"box-{box['id']}").write_text(json.dumps(box))
    return box


def create(where: Path, box: dict) -> dict:
    exists(where, box.get("base"))
    exists(where, box.get("link"))
    for other in boxes(where):
        if box.get("token") and other.get("token") == box["token"]:
            return other
    serial = where / "serial"
    number = int(serial.read_text()) + 1 if serial.exists() else 1
    serial.write_text(str(number))
    made = {name: value for name, value in box.items() if value is not None} | {"id": f"b{number}"}
    made["note"] = str(where / f"inside-{made['id']}")  # a shelf of its own
    Path(made["note"]).mkdir()
    if made.get("bare"):
        made["label"] = "?"
    save(where, made)
    return made | {"label": box["label"]}


def update(where: Path, change: dict) -> dict:
    path = where / f"box-{change['id']}"
    if not path.exists():
        fail(f"there is no box {change['id']}")
    exists(where, change.get("link"))
    box = json.loads(path.read_text())
    for name in ("label", "link"):
        if name in change:
            box[name] = change[name]
    return save(where, box)


def delete(where: Path, wanted: dict) -> dict:
    path = where / f"box-{wanted['id']}"
    if not path.exists():
        return {"label": "(gone)"}
    for other in boxes(where):
        if wanted["id"] in (other.get("base"), other.get("link")):
            fail(f"box {wanted['id']} cannot be removed: {other['id']} ({other['label']}) holds on to it")
    box = json.loads(path.read_text())
    if "note" in box and Path(box["note"]).is_dir() and boxes(Path(box["note"])):
        fail(f"box {box['id']} cannot be removed: it is not empty")
    path.unlink()
    return box


if __name__ == "__main__":
    sys.exit(main())
