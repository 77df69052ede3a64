"""What the path of a request costs by itself: our code and its parsers, without a socket.

One process, no kernel but the spool: a caller's bytes go into a ``ServerConnection``, an upstream's
into an ``UpstreamConnection``, and what either writes is thrown away. Everything is on: key, route,
gate, breaker, alarms, record, counters. The best of many short rounds is printed, since everything
that disturbs a round makes it longer. Compare two commits on one machine; the figures of a real
gateway are higher, because the kernel's work between ours empties the caches.

    python bench/path_cost.py
    python bench/path_cost.py --count

The second counts instead what one of each executes, by function: calls and bytecodes, which no
other work on the machine can disturb. A bytecode is some 10 ns.
"""

import argparse
import asyncio
import gc
import hashlib
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import uvloop

from penstock.apps.gateway.api import Api
from penstock.apps.gateway.recording import SpoolRecorder
from penstock.config.model import Config, DialectName, Route, Target, Upstream
from penstock.core.retry_budget import RetryBudget
from penstock.exchange.gate import LocalGate
from penstock.exchange.machine import Ports
from penstock.exchange.ports import Gate
from penstock.ledger.spool import SpoolWriter
from penstock.snapshot.build import build
from penstock.snapshot.model import Key
from penstock.snapshot.routing import Routing
from penstock.telemetry.metrics import Counters
from penstock.wire import clock
from penstock.wire.alarms import Alarm, Alarms
from penstock.wire.client import HttpDialer, UpstreamConnection
from penstock.wire.server import Server, ServerConnection

ROUNDS = 1000
BATCH = 50
KEY = "pk-path"
# What a Python SDK of OpenAI's sends beside it.
SDK_HEAD = b"".join(
    b"%b: %b\r\n" % line
    for line in (
        (b"accept", b"application/json"),
        (b"accept-encoding", b"gzip, deflate"),
        (b"user-agent", b"OpenAI/Python 3.54.0"),
        (b"x-stainless-lang", b"python"),
        (b"x-stainless-package-version", b"3.54.0"),
        (b"x-stainless-os", b"Linux"),
        (b"x-stainless-arch", b"x64"),
        (b"x-stainless-runtime", b"CPython"),
        (b"x-stainless-runtime-version", b"3.11.7"),
        (b"x-stainless-async", b"false"),
        (b"x-stainless-retry-count", b"0"),
        (b"x-stainless-read-timeout", b"600"),
    )
)
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\nx-request-id: r\r\n"
EVENT = (
    b'data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"m",'
    b'"choices":[{"index":0,"delta":{"content":"Hello world"},"finish_reason":null}],'
    b'"pad":"%b"}\n\n'
) % (b"x" * 30)
ANSWER = (
    b'{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,'
    b'"message":{"role":"assistant","content":"%b"},"finish_reason":"stop"}],'
    b'"usage":{"prompt_tokens":200,"completion_tokens":150,"total_tokens":350}}'
) % (b"an answer of many words, " * 32)


class Sink(asyncio.Transport):
    """A transport that keeps only the last thing written to it."""

    last: bytes = b""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Keep it."""
        self.last = bytes(data)

    def writelines(self, list_of_data: object) -> None:
        """Take a request for the upstream, and forget it."""

    def is_closing(self) -> bool:
        """Stay open."""
        return False

    def get_write_buffer_size(self) -> int:
        """Be empty: all has been sent."""
        return 0

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Have no buffer."""


def request(*, stream: bool, head: bytes = b"") -> bytes:
    """Return a caller's request of about 0.9 KB; ``head`` is more lines of its head."""
    options = b'"stream":true,"stream_options":{"include_usage":true},' if stream else b""
    body = b'{%b"model":"m","messages":[{"role":"user","content":"%b"}]}' % (options, b"x" * 800)
    return (
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: gateway\r\nauthorization: Bearer %b\r\n"
        b"content-type: application/json\r\n%bcontent-length: %d\r\n\r\n%b"
    ) % (KEY.encode(), head, len(body), body)


class Bare:
    """A gateway without sockets, with one caller and one idle upstream connection."""

    def __init__(self, tasks: asyncio.TaskGroup, folder: Path, gate: Gate | None = None) -> None:
        """Put it together; ``gate`` is asked instead of one of our own."""
        loop = asyncio.get_running_loop()
        upstream = Upstream(
            name="u", dialect=DialectName.OPENAI_CHAT, base_url="http://127.0.0.1:9/v1"
        )
        route = Route(name="m", targets=(Target(upstream="u", model="m"),))
        config = Config(upstreams=(upstream,), routes=(route,))
        key = Key(id="k", tenant="t", sha256=hashlib.sha256(KEY.encode()).hexdigest())
        now_s = clock.now_s()
        routing, counters, alarms = Routing(), Counters(), Alarms(loop)
        routing.apply(build(config, [key], version=1, now_unix_s=0.0), now_s)
        spool = SpoolWriter(folder, config.gateway.spool, clock.now_unix_s)
        recorder = SpoolRecorder(spool, counters, lambda: 0.5)
        dialer = HttpDialer(loop, tasks)
        dialer.configure(config.upstreams, {"u": "secret"})
        if gate is None:
            gate = own = LocalGate(lambda: 0.5)
            own.use_timer(Alarm(alarms, own.on_wake))
        ports = Ports(dialer, gate, recorder, RetryBudget(0.1, 10.0, now_s), lambda: 0.5)
        server = Server(
            loop, Api(routing, ports, recorder, counters, alarms, "req_"), config.gateway.limits
        )
        self.to_caller = Sink()
        self.caller = ServerConnection(server)
        self.caller.connection_made(self.to_caller)
        self.upstream = UpstreamConnection(dialer.pools["u"])
        self.upstream.connection_made(Sink())
        self.upstream.idle_at_s = now_s
        dialer.pools["u"].put(self.upstream)

    def unary(self, more: bytes = b"") -> Callable[[], None]:
        """Return a whole exchange."""
        asked = request(stream=False, head=more)
        head = HEAD % b"application/json"
        answer = head + b"content-length: %d\r\n\r\n%b" % (len(ANSWER), ANSWER)

        def once() -> None:
            self.caller.data_received(asked)
            self.upstream.data_received(answer)

        once()
        assert self.to_caller.last.endswith(ANSWER)
        return once

    def event(self) -> Callable[[], None]:
        """Return one event of a stream that is under way."""
        self.caller.data_received(request(stream=True))
        head = HEAD % b"text/event-stream"
        self.upstream.data_received(head + b"transfer-encoding: chunked\r\n\r\n")
        chunk = b"%x\r\n%b\r\n" % (len(EVENT), EVENT)
        self.upstream.data_received(chunk)
        assert self.to_caller.last == chunk
        return lambda: self.upstream.data_received(chunk)


def best_us(once: Callable[[], None]) -> float:
    """Return the time of one call in the best round, in microseconds."""
    best_s = 1.0
    for _ in range(ROUNDS):
        begun_s = time.perf_counter()
        for _ in range(BATCH):
            once()
        best_s = min(best_s, (time.perf_counter() - begun_s) / BATCH)
    return best_s * 1e6


def executed(once: Callable[[], None]) -> tuple[Counter[str], Counter[str]]:
    """Return how often each function runs in one call, and how many bytecodes of it."""
    calls, codes = Counter[str](), Counter[str]()
    names: dict[object, str] = {}

    def trace(frame: FrameType, event: str, arg: object) -> Any:
        del arg
        code = frame.f_code
        name = names.get(code)
        if name is None:
            path = code.co_filename.rpartition("penstock/")[2]
            name = names[code] = f"{path} {code.co_qualname}"
        if event == "call":
            frame.f_trace_lines, frame.f_trace_opcodes = False, True
            calls[name] += 1
        elif event == "opcode":
            codes[name] += 1
        return trace

    for _ in range(ROUNDS):  # what is learned and cached is
        once()
    sys.settrace(trace)
    once()
    sys.settrace(None)
    return calls, codes


def count(title: str, once: Callable[[], None]) -> None:
    """Print what one call executes."""
    calls, codes = executed(once)
    print(f"{title}: {calls.total()} functions, {codes.total()} bytecodes")
    for name, number in codes.most_common():
        print(f"{number:6} {calls[name]:3}  {name}")


async def measure(*, counts: bool) -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as folder:
        async with asyncio.TaskGroup() as tasks:
            path = Bare(tasks, Path(folder))
            cases = {
                "a whole exchange": path.unary,
                "the same, an SDK's head": lambda: path.unary(SDK_HEAD),
                "an event of a stream": path.event,
            }
            if counts:
                for title, case in cases.items():
                    count(title, case())
                return
            gc.collect()
            gc.freeze()
            for title, case in cases.items():
                print(f"{title:26}{best_us(case()):6.2f} us")


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description="What the path of a request costs by itself.")
    parser.add_argument("--count", action="store_true", help="functions and bytecodes, not times")
    uvloop.run(measure(counts=parser.parse_args().count))


if __name__ == "__main__":
    main()
