"""How many open answer streams one core of the chat carries.

    python bench/chat_streams.py [--streams 500] [--tokens-per-s 20] [--group-s 0.05]
                                 [--seconds 10] [--cores CHAT,LOAD] [--lockstep]
                                 [--begun] [--profile FILE]

A stand-in for the gateway streams an answer to each of N jobs, one write a token, as the gateway
does; each answer has a browser of its own, on a socket of its own. The chat process runs alone on
its core: reads the gateway, writes its log to a real database, tells the browsers. Every text is
checked whole, place by place. CPU is the process's own, all threads, over the window in which all
answers stream; delay is from the stand-in's write to the browser's read, so grouping is in it.
``taken_up_s`` is how long it takes from the start until all are asked for: one after the other as
the line lets them in, or, with ``--begun``, at once, as after a restart in the middle of them.
``load_core_ratio`` near 1 means that the measuring side could not keep up; ``load_average`` says
how busy the machine was with others.
"""

import argparse
import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import cast

import uvloop

from penstock.apps.chat.store import open_chat
from penstock.config import private_file

HERE = Path(__file__).resolve().parent
TICKS = os.sysconf("SC_CLK_TCK")
HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nx-penstock-upstream: one\r\n"
    b"x-penstock-model: m\r\nx-penstock-attempts: 1\r\ntransfer-encoding: chunked\r\n\r\n"
)
EVENT = (
    b'data: {"id":"chatcmpl-msg_01acc66a576518093d07dbf924","object":"chat.completion.chunk",'
    b'"created":1795388417,"model":"claude-sonnet-5-5","service_tier":"default","choices":'
    b'[{"index":0,"delta":{"content":" %.5f"},"logprobs":null,"finish_reason":null}],'
    b'"usage":null}\n\n'
)


class Stand(asyncio.Protocol):
    """One connection of the gateway's stand-in."""

    def __init__(self, streams: "list[Stand]") -> None:
        self._streams = streams
        self.transport: asyncio.Transport | None = None
        self.told = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is none by name

    def data_received(self, data: bytes) -> None:
        """Begin to answer."""
        if data.startswith(b"POST"):
            assert self.transport is not None
            self.transport.write(HEAD)
            self._streams.append(self)
            self.say(last=False)  # the line lets in as many as have begun

    def say(self, *, last: bool) -> None:
        """Send a token."""
        assert self.transport is not None
        event = EVENT % time.monotonic()
        self.told += 1
        if last:
            event += b"data: [DONE]\n\n"
        self.transport.write(b"%x\r\n%b\r\n%b" % (len(event), event, b"0\r\n\r\n" if last else b""))


class Browser(asyncio.Protocol):
    """One browser's stream; checks that every delta follows the one before."""

    def __init__(self, account: str) -> None:
        self._account = account
        self._rest = b""
        self.deltas = 0
        self.tokens = 0
        self.units = 0
        self.is_there = self.is_over = False
        self.last_s = 0.0
        self.gap_s = 0.0
        self.delays_s: list[float] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Open the stream."""
        own = cast("asyncio.Transport", transport)
        port = own.get_extra_info("peername")[1]
        own.write(
            f"GET /api/v1/events HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n"
            f"x-account: {self._account}\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        """Take what was told."""
        now_s = time.monotonic()
        self.is_there = True
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            if line.startswith(b'data: {"message"'):
                self._delta(json.loads(line[6:]), now_s)
            elif line.startswith(b'data: {"id"') and b'"state":"done"' in line:
                self.is_over = True

    def _delta(self, told: dict[str, object], now_s: float) -> None:
        text = told.get("text")
        if not isinstance(text, str):
            return
        assert told["at"] == self.units, f"at {told['at']} with {self.units} units there"
        self.units += len(text)
        words = text.split()
        self.tokens += len(words)
        self.deltas += 1
        if self.last_s:
            self.gap_s = max(self.gap_s, now_s - self.last_s)
        self.last_s = now_s
        self.delays_s.append(now_s - float(words[0]))


def fill(state_dir: Path, streams: int, *, is_begun: bool) -> None:
    """Write a database with so many jobs, as a process leaves them that was killed."""
    began_unix_s = time.time() if is_begun else 0.0
    state = "streaming" if is_begun else "waiting"
    store = open_chat(state_dir)
    private_file.write(state_dir / "chat.key", "pk-bench\n")
    with store.writing() as base:
        for n in range(streams):
            answer, account, talk = f"answer-{n:027d}xy", f"account-{n:06d}", f"talk-{n:06d}"
            run = base.exec_driver_sql
            run("INSERT INTO conversations (id, account) VALUES (?, ?)", (talk, account))
            run(
                "INSERT INTO messages (id, conversation, account, role, state, text) VALUES "
                "(?, ?, ?, 'user', 'done', 'hello')",
                (f"user-{n:06d}", talk, account),
            )
            run(
                "INSERT INTO messages (id, conversation, account, parent, role, state, "
                "first_unix_s) VALUES (?, ?, ?, ?, 'assistant', ?, ?)",
                (answer, talk, account, f"user-{n:06d}", state, began_unix_s),
            )
            run(
                "INSERT INTO jobs (message, account, conversation, tier, idempotency_key, "
                "created_unix_s, asked_unix_s) VALUES (?, ?, ?, 'free', ?, ?, ?)",
                (answer, account, talk, f"key-{n}", time.time(), began_unix_s),
            )
    store.close()


def cpu_s(pid: int) -> float:
    """Return what a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


async def until(is_so: Callable[[], bool], within_s: float, look_s: float = 0.05) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(within_s):
        while True:
            if is_so():
                return
            await asyncio.sleep(look_s)


def started(command: list[str]) -> subprocess.Popen[str]:
    """Start the process that is measured."""
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


async def measure(args: argparse.Namespace, state_dir: Path, core: str) -> dict[str, object]:
    """Run it once."""
    loop = asyncio.get_running_loop()
    stands: list[Stand] = []
    server = await loop.create_server(lambda: Stand(stands), "127.0.0.1", 0, backlog=4096)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    command = ["taskset", "-c", core, sys.executable]
    if args.profile:
        command += ["-m", "cProfile", "-o", args.profile]
    command += [str(HERE / "chat_streams_server.py"), str(state_dir), url, str(args.group_s)]
    child = started(command)
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        port = int(child.stdout.readline())
        browsers: list[Browser] = []
        for n in range(args.streams):
            _, browser = await loop.create_connection(
                lambda n=n: Browser(f"account-{n:06d}"), "127.0.0.1", port
            )
            browsers.append(browser)
        await until(lambda: all(one.is_there for one in browsers), 60)
        child.stdin.write("go\n")
        child.stdin.flush()
        taken_up_s = time.monotonic()
        await until(lambda: len(stands) >= args.streams, 120)
        taken_up_s = time.monotonic() - taken_up_s
        how = lockstep if args.lockstep else stream
        found = await how(args, child.pid, stands, browsers)
        return found | {"taken_up_s": round(taken_up_s, 3)}
    finally:
        child.send_signal(2 if args.profile else 9)
        child.wait(20)
        server.close()


async def lockstep(
    args: argparse.Namespace, pid: int, stands: list[Stand], browsers: list[Browser]
) -> dict[str, object]:
    """Say the next token once all have had the one before: CPU a delta, on a busy machine too."""
    from_cpu_s, before = cpu_s(pid), sum(one.deltas for one in browsers)
    ends_s, said = time.monotonic() + args.seconds, 1
    while time.monotonic() < ends_s:
        said += args.burst
        for _ in range(args.burst):
            for stand in stands:
                stand.say(last=False)
        await until(lambda said=said: all(one.tokens >= said for one in browsers), 60, 0.002)
    used_s, told = cpu_s(pid) - from_cpu_s, sum(one.deltas for one in browsers) - before
    return {
        "streams": len(browsers),
        "deltas": told,
        "cpu_us_a_delta": round(used_s / told * 1e6, 1),
        "core_ratio_at_10000_deltas_per_s": round(used_s / told * 10_000, 2),
    }


async def stream(
    args: argparse.Namespace, pid: int, stands: list[Stand], browsers: list[Browser]
) -> dict[str, object]:
    """Let all answers stream, and measure in the middle."""
    tokens = int(args.seconds * args.tokens_per_s)
    slots = 10  # of a period: writes are spread over it, as those of strangers are
    period_s = 1 / args.tokens_per_s
    began_s = time.monotonic()
    window: list[tuple[float, float, int, float]] = []
    late_s = 0.0
    for token in range(tokens):
        for slot in range(slots):
            at_s = began_s + (token + slot / slots) * period_s
            wait_s = at_s - time.monotonic()
            late_s = max(late_s, -wait_s)
            await asyncio.sleep(max(0.0, wait_s))
            for stand in stands[slot::slots]:
                stand.say(last=token == tokens - 1)
        if token in (tokens // 5, tokens - 2):
            told = sum(one.deltas for one in browsers)
            window.append((time.monotonic(), cpu_s(pid), told, time.process_time()))
    await until(lambda: all(one.is_over for one in browsers), 60)
    (from_s, from_cpu_s, before, from_own_s), (to_s, to_cpu_s, after, to_own_s) = window
    delays = sorted(delay for one in browsers for delay in one.delays_s)
    assert all(one.tokens == tokens + 1 for one in browsers), "a text is not whole"
    return {
        "streams": len(browsers),
        "tokens_per_s": args.tokens_per_s,
        "deltas_per_s": round((after - before) / (to_s - from_s)),
        "core_ratio": round((to_cpu_s - from_cpu_s) / (to_s - from_s), 3),
        "cpu_us_a_delta": round((to_cpu_s - from_cpu_s) / (after - before) * 1e6, 1),
        "delay_p50_ms": round(delays[len(delays) // 2] * 1e3, 1),
        "delay_p99_ms": round(delays[len(delays) * 99 // 100] * 1e3, 1),
        "gap_max_s": round(max(one.gap_s for one in browsers), 3),
        "load_late_max_s": round(late_s, 3),
        "load_core_ratio": round((to_own_s - from_own_s) / (to_s - from_s), 3),
        "load_average": round(os.getloadavg()[0], 1),
    }


def main() -> None:
    """Measure, and print one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=int, default=500)
    parser.add_argument("--tokens-per-s", type=float, default=20.0)
    parser.add_argument("--group-s", type=float, default=0.05)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--cores", default="1,0")
    parser.add_argument("--lockstep", action="store_true", help="on a machine with others")
    parser.add_argument("--burst", type=int, default=1, help="tokens a step, in lockstep")
    parser.add_argument("--begun", action="store_true", help="as after a restart")
    parser.add_argument("--profile", default="")
    args = parser.parse_args()
    chat_core, load_core = args.cores.split(",")
    os.sched_setaffinity(0, {int(load_core)})
    state_dir = Path(tempfile.mkdtemp(prefix="chat-streams-"))
    try:
        fill(state_dir, args.streams, is_begun=args.begun)
        found = uvloop.run(measure(args, state_dir, chat_core))
    finally:
        shutil.rmtree(state_dir, ignore_errors=True)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
