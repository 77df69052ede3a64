"""How much processor the emulator needs for many slow streams.

Workload: STREAMS concurrent streams of 20 events a second, held for SECONDS; one connection each,
opened over a few seconds; a reader in a process of its own that only counts. Reported: processor
time of the emulator alone, as a share of one core, and events that reached the reader. The claim is
1,000 streams at 20 events/s on half a core.

    python bench/emulate_streams.py [--streams 1000] [--seconds 15] [--dialect gpt]
"""

import argparse
import asyncio
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import cast

import uvloop

EVENTS_PER_S = 20
OPENING_S = 10  # for all streams to begin, and for their beginning to be over


class Reader(asyncio.Protocol):
    """Sends one request and counts the events that come back."""

    events = 0

    def __init__(self, request: bytes) -> None:
        self._request = request

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask."""
        cast("asyncio.WriteTransport", transport).write(self._request)

    def data_received(self, data: bytes) -> None:
        """Count."""
        Reader.events += data.count(b"data: {")


def request(dialect: str, port: int, seconds: float) -> bytes:
    """Return a request for a stream that outlasts the measurement."""
    words = int((seconds + OPENING_S) * EVENTS_PER_S * 1.5)
    body: dict[str, object] = {
        "model": {"gpt": "gpt-5.6", "claude": "claude-sonnet-5-5"}[dialect],
        "messages": [{"role": "user", "content": f"[[words:{words}]]"}],
        "stream": True,
    }
    path = "/gpt/v1/chat/completions"
    if dialect == "claude":
        body["max_tokens"] = 100_000
        path = "/claude/v1/messages"
    content = json.dumps(body).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nauthorization: Bearer bench\r\n"
        f"anthropic-version: 2026-10-21\r\ncontent-length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


def processor_s(pid: int) -> float:
    """Return the processor time that a process has used, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def read(port: int, pid: int, arguments: argparse.Namespace) -> dict[str, float]:
    """Open all streams, let them settle, and measure."""
    loop = asyncio.get_running_loop()
    asked = request(arguments.dialect, port, arguments.seconds)
    for _ in range(arguments.streams):
        await loop.create_connection(lambda: Reader(asked), "127.0.0.1", port)
    await asyncio.sleep(OPENING_S / 2)
    events, used_s, at_s = Reader.events, processor_s(pid), time.monotonic()
    await asyncio.sleep(arguments.seconds)
    took_s = time.monotonic() - at_s
    return {
        "core_ratio": round((processor_s(pid) - used_s) / took_s, 3),
        "events_per_s": round((Reader.events - events) / took_s),
        "us_per_event": round((processor_s(pid) - used_s) / (Reader.events - events) * 1e6, 1),
    }


def main() -> int:
    """Start the emulator, measure, print one line of JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--streams", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--dialect", choices=["gpt", "claude"], default="gpt")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        ready_file = Path(folder) / "ready.json"
        command = [sys.executable, "-m", "penstock", "emulate", "--port", "0", "--ttft-s", "0.1"]
        process = subprocess.Popen(
            [*command, "--tokens-per-s", str(EVENTS_PER_S), "--ready-file", str(ready_file)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        process.stdout.readline()
        ready = json.loads(ready_file.read_text())
        port = int(ready["url"].rpartition(":")[2])
        try:
            measured = uvloop.run(read(port, process.pid, arguments))
        finally:
            process.terminate()
            process.wait()
    named = {"streams": arguments.streams, "dialect": arguments.dialect}
    machine = {"python": platform.python_version(), "machine": platform.machine()}
    print(json.dumps(named | measured | machine))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
