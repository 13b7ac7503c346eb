"""One process, asyncssh: opens all connections, then runs one script on each over one exec channel.

    asyncssh_run.py FARM.json HOSTS SCRIPT

Prints {"connect": s, "run": s, "failed": [...]}: seconds without the start of Python and its imports.
"""

import asyncio
import json
import sys
import time
from pathlib import Path

import asyncssh

DEADLINE = 120


async def main() -> None:
    farm = json.loads(Path(sys.argv[1]).read_text())
    nodes = farm["nodes"][: int(sys.argv[2])]
    script = Path(sys.argv[3]).read_text()
    start = time.perf_counter()
    options = asyncssh.SSHClientConnectionOptions(
        username=farm["user"], client_keys=[farm["key"]], known_hosts=farm["known_hosts"], agent_path=None, config=None,
        kex_algs=["curve25519-sha256"],
    )
    connections = await asyncio.gather(*(asyncssh.connect(farm["address"], node["port"], options=options) for node in nodes))
    connected = time.perf_counter()
    results = await asyncio.gather(*(connection.run("sh", input=script) for connection in connections))
    done = time.perf_counter()
    failed = [node["name"] for node, result in zip(nodes, results, strict=True) if result.exit_status != 0 or result.stdout]
    print(json.dumps({"connect": connected - start, "run": done - connected, "failed": failed}))
    for connection in connections:
        connection.close()
    await asyncio.gather(*(connection.wait_closed() for connection in connections))


asyncio.run(asyncio.wait_for(main(), DEADLINE))
