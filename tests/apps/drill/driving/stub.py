"""A provider of one dialect that does what a test says, and a plan that leads to it."""

import asyncio
import contextlib
import json
import re
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from random import Random
from typing import Any, Literal

from penstock.apps.drill.driving.plan import OPENAI_CHAT, Place, Plan
from penstock.apps.drill.driving.traces import Traces
from penstock.sim.drills.shapes import Timetable
from penstock.sim.drills.traffic import Traffic

Client = Literal["patient", "impatient", "sdk", "naive", "person"]
Act = Callable[[str, int], bytes | None]  # what was said, and which try -> bytes; None: silence
TRACES = Traces({"azure_conv": [(20, 3), (40, 6)]}, [1.0])
ENDS = (OSError, asyncio.IncompleteReadError, asyncio.CancelledError)
CUT = b"--cut--"  # at the end of what is answered: the connection is reset there


def body(text: str, status: str = "200 OK", *head: str) -> bytes:
    """Return an answer of this length."""
    lines = "".join(f"{line}\r\n" for line in head)
    return f"HTTP/1.1 {status}\r\n{lines}content-length: {len(text)}\r\n\r\n{text}".encode()


def whole(words: str) -> bytes:
    """Return a good answer that is no stream."""
    told = {"choices": [{"message": {"content": words}, "finish_reason": "stop"}]}
    return body(json.dumps(told), "200 OK", "x-request-id: req-1")


def chunks(*pieces: str, ends: bool = True) -> bytes:
    """Return the events of a stream, with the end of HTTP or without."""
    data = b"".join(f"{len(one):x}\r\n{one}\r\n".encode() for one in pieces)
    return data + (b"0\r\n\r\n" if ends else b"")


def delta(text: str, finish: str | None = None) -> str:
    """Return one event of a stream."""
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": finish}
    return f"data: {json.dumps({'choices': [choice]})}\n\n"


def stream(*pieces: str, ends: bool = True) -> bytes:
    """Return a streamed answer."""
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n"
    return head + b"x-request-id: req-1\r\n\r\n" + chunks(*pieces, ends=ends)


class Stub:
    """The provider."""

    def __init__(self, act: Act) -> None:
        self._act = act
        self.asked: list[tuple[float, str]] = []  # when, and what is to be said
        self.bodies: list[dict[str, Any]] = []
        self.connections = 0
        self._tries: Counter[str] = Counter()
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer on one connection until it is closed."""
        self.connections += 1
        with contextlib.suppress(*ENDS), contextlib.closing(writer):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                found = re.search(rb"content-length: (\d+)", head)
                assert found is not None
                asked = json.loads(await reader.readexactly(int(found.group(1))))
                self.bodies.append(asked)
                said = asked["messages"][-1]["content"].partition("[[say:")[2].removesuffix("]]")
                self.asked.append((asyncio.get_running_loop().time(), said))
                self._tries[said] += 1
                answer = self._act(said, self._tries[said])
                if answer is None:
                    await reader.read()  # until whoever asked has gone
                    return
                writer.write(answer.removesuffix(CUT))
                await writer.drain()
                if answer.endswith(CUT):
                    return


@contextlib.asynccontextmanager
async def stub(act: Act) -> AsyncGenerator[Stub]:
    """Run one on a free port."""
    made = Stub(act)
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield made
    finally:
        server.close()


def traffic(
    name: str = "apps",
    *,
    client: Client = "patient",
    tier: Literal["standard", "batch"] = "standard",
    per_s: float = 40.0,
    stream_ratio: float = 0.0,
    turns: int = 1,
) -> Traffic:
    """Return a class of callers."""
    return Traffic(
        name=name,
        tier=tier,
        client=client,
        per_s=per_s,
        stream_ratio=stream_ratio,
        turns=turns,
        think_s=0.05,
        users=4,
    )


def plan(
    url: str,
    *mix: Traffic,
    played_s: float = 0.25,
    linger_s: float = 0.3,
    arm: str = "bound",
    stop: asyncio.Event | None = None,
) -> Plan:
    """Return a plan that leads to a provider."""
    place = Place(base_url=f"{url}/v1", dialect=OPENAI_CHAT, model="m", key="k", provider="gpt")
    return Plan(
        arm=arm,
        mix=mix,
        timetable=Timetable(windows=(), strikes=(), played_s=played_s, true_s=1.0),
        places={one.name: (place,) for one in mix},
        traces=TRACES,
        draw=lambda name: Random(f"7 {name}"),
        stop=stop or asyncio.Event(),
        linger_s=linger_s,
    )
