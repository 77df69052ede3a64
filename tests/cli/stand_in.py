"""Stands in for the processes that ``penstock up`` starts, by the same contract.

``python stand_in.py gateway|emulate ...`` takes their options and writes their ready files, and no
more; ``control``, ``status`` and ``chat`` are the real ones. A request to /die ends the process
with status 3; after one to /linger it never drains. A snapshot that names the route ``refuse-me``
is refused, as a gateway refuses one that it cannot use.
"""

import argparse
import asyncio
import contextlib
import json
import os
import signal
import sys
from pathlib import Path

from penstock.cli import chat, control, state, status
from penstock.config import private_file
from penstock.core.errors import StoreError
from penstock.snapshot import file


async def serve_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    line = await reader.readline()
    if b" /die" in line:
        os._exit(3)
    if b" /linger" in line:  # from now on, draining takes for ever
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, bool)
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\nconnection: close\r\n\r\nok\n")
    writer.close()


async def listen(port: int) -> int:
    server = await asyncio.start_server(serve_one, "127.0.0.1", port)
    return int(server.sockets[0].getsockname()[1])


def reload(home: state.State) -> None:
    try:
        snapshot = file.read(home.snapshot)
    except StoreError as error:
        private_file.write_json(home.reloaded("gateway"), {"version": 0, "error": error.message})
        return
    is_bad = any(route.name == "refuse-me" for route in snapshot.config.routes)
    answer = {"version": snapshot.version, "error": "refused by the stand-in" if is_bad else ""}
    private_file.write_json(home.reloaded("gateway"), answer)


async def watch(home: state.State) -> None:
    """Take a new snapshot without being told, as a gateway does."""
    pause = asyncio.Event()  # never set: it only waits
    seen = file.stamp(home.snapshot)
    while True:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(pause.wait(), 0.05)
        if file.stamp(home.snapshot) != seen:
            seen = file.stamp(home.snapshot)
            reload(home)


async def gateway(args: argparse.Namespace) -> None:
    home = state.State(Path(args.state_dir))
    file.read(home.snapshot)
    url = f"http://127.0.0.1:{await listen(args.port)}"
    admin_url = f"http://127.0.0.1:{await listen(args.admin_port)}"
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGHUP, reload, home)
    watching = loop.create_task(watch(home))
    await ready(args.ready_file, {"url": url, "admin_url": admin_url})
    watching.cancel()


async def emulate(args: argparse.Namespace) -> None:
    url = f"http://127.0.0.1:{await listen(args.port)}"
    urls = {name: f"{url}/{name}" for name in ("claude", "gpt", "gemini", "gemini_native")}
    content: dict[str, object] = {"url": url, "urls": urls, "control_token": "t"}
    await ready(args.ready_file, content | {"is_text_shared": args.shared_text})


async def ready(path: str, content: dict[str, object]) -> None:
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    private_file.write_json(Path(path), {**content, "pid": os.getpid()})
    await stopped.wait()
    sys.stderr.write(json.dumps({"event": "drained"}) + "\n")


def main() -> None:
    if sys.argv[1] == "control":  # as it is: what it publishes is what is tested
        raise SystemExit(control.run(sys.argv[2:]))
    if sys.argv[1] == "chat":
        raise SystemExit(chat.run(sys.argv[2:]))
    if sys.argv[1] == "status":
        raise SystemExit(status.run(sys.argv[2:]))
    parser = argparse.ArgumentParser()
    parser.add_argument("name", choices=("gateway", "emulate"))
    parser.add_argument("--state-dir")
    parser.add_argument("--host")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--admin-port", type=int, default=0)
    parser.add_argument("--ready-file")
    parser.add_argument("--control-token-file")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--shared-text", action="store_true")
    args = parser.parse_args()
    asyncio.run(gateway(args) if args.name == "gateway" else emulate(args))


if __name__ == "__main__":
    main()
