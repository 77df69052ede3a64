"""Slow names: a name takes as long as the file says now; an address takes nothing."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Final

from penstock.cli import slow_names

# In a process of its own: what is slowed down stays so for its life.
SCRIPT: Final = """
import asyncio, json, sys, time
from pathlib import Path
import uvloop
from penstock.cli import slow_names
path = Path(sys.argv[1])
slow_names.slow_down(path)
async def timed(port, host):
    began_s = time.monotonic()
    transport, _ = await asyncio.get_running_loop().create_connection(asyncio.Protocol, host, port)
    transport.close()
    return time.monotonic() - began_s
async def run():
    server = await asyncio.get_running_loop().create_server(asyncio.Protocol, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    found = [await timed(port, "localhost"), await timed(port, "127.0.0.1")]
    path.write_text("0")
    found.append(await timed(port, "localhost"))
    server.close()
    return found
path.write_text("0.6")
first = uvloop.run(run())
path.write_text("0.6")
print(json.dumps([first, asyncio.run(run())]))
"""
SLOW_S: Final = 0.6


def test_only_names_are_slow_and_only_while_the_file_says_so(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path / "names")],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    for name_s, address_s, later_s in json.loads(done.stdout):
        assert name_s >= SLOW_S
        assert address_s < SLOW_S
        assert later_s < SLOW_S


def test_what_the_file_says_is_bounded_and_nothing_else_is_believed(tmp_path: Path) -> None:
    path = tmp_path / "names"
    assert slow_names.delay_s(path) == 0.0
    for text, expected in (("3", 3.0), ("1e9", slow_names.SLOW_S_MAX), ("-1", 0.0), ("soon", 0.0)):
        path.write_text(text, encoding="ascii")
        assert slow_names.delay_s(path) == expected
