"""What a status page said of a live drill: seen by somebody, or read in its history afterwards."""

import asyncio
import threading
from collections.abc import Generator
from contextlib import contextmanager
from urllib.parse import parse_qs

import msgspec
from tests.apps.drill.behind import JSON, Behind

from penstock.apps.drill.live_seeing import LiveSeeing
from penstock.wire.call import Call

TOKEN = "pc-token"
ZERO = 1_800_000_000.0


class Page(Behind):
    """A status page with a history that comes in pages of two."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def on_call(self, call: Call) -> None:
        path, query = call.target.decode(), parse_qs(call.query.decode())
        self.asked.append(path)
        before = int(query.get("before", ["0"])[0]) or 100
        if path == "/api/status.json":
            line = {"id": "r", "name": "auto", "state": "operational", "layer": "route"}
            call.send(200, JSON, msgspec.json.encode({"components": [line]}))
        elif path.endswith("/verdicts"):
            call.send(200, JSON, b"[]")
        elif path.endswith("/history"):
            call.send(200, JSON, msgspec.json.encode(self.history(before)))
        else:
            rows = [{"component": "r", "at_unix_s": ZERO + at} for at in (70.0, -5.0)]
            call.send(200, JSON, msgspec.json.encode({"items": rows}))

    def history(self, before: int) -> dict[str, object]:
        """Return two of what was said, from the newest on: one each 30 s, since long ago."""
        rows = [
            {"seq": seq, "component": "r", "at_unix_s": ZERO + 30.0 * (seq - 4),
             "verdict": "problem" if seq == 6 else "none", "state": "degraded_performance"}
            for seq in range(min(before, 9) - 1, 0, -1)
        ]  # fmt: skip
        return {"items": rows[:2], "next": rows[1]["seq"] if rows[2:] else 0}


@contextmanager
def served(page: Page) -> Generator[str]:
    """Serve a page from a thread of its own, as another process would."""
    found, is_over, is_there = list[str](), asyncio.Event(), threading.Event()
    loops = list[asyncio.AbstractEventLoop]()

    async def work() -> None:
        async with page.listening() as url:
            found.append(url)
            loops.append(asyncio.get_running_loop())
            is_there.set()
            await is_over.wait()

    thread = threading.Thread(target=asyncio.run, args=(work(),))
    thread.start()
    try:
        assert is_there.wait(30)
        yield found[0]
    finally:
        loops[0].call_soon_threadsafe(is_over.set)
        thread.join()


def test_history_is_read_back_to_the_begin_and_no_further() -> None:
    page = Page()
    with served(page) as url, LiveSeeing(url, TOKEN, lambda: 999.0) as seeing:
        looked = seeing.history(ZERO, ZERO + 100.0)
    assert looked is not None
    said = [(one.at_s, one.verdict) for one in looked.sightings]
    assert said == [(0.0, "none"), (0.0, "none"), (30.0, "none"), (60.0, "problem"), (90.0, "none")]
    assert page.asked.count("/api/v1/verdicts/history") == 3
    assert looked.reports == {"r": [70.0]}
    assert [one.name for one in looked.lines] == ["auto"]


def test_looks_are_counted_in_the_notes() -> None:
    at_s = [5.0]
    with served(Page()) as url, LiveSeeing(url, TOKEN, lambda: at_s[0]) as seeing:
        assert seeing.looked(ZERO) is None
        for second in (5.0, 6.0):
            at_s[0] = second
            seeing.look()
        looked = seeing.looked(ZERO)
    assert looked is not None
    assert [one.at_s for one in looked.sightings] == [5.0]
    assert looked.words == "the status page was looked at 2 times"


def test_a_page_that_is_away_says_nothing() -> None:
    with served(Page()) as url:
        gone = url
    with LiveSeeing(gone, TOKEN, lambda: 0.0) as seeing:
        seeing.look()
        assert seeing.looked(ZERO) is None
        assert seeing.history(ZERO, ZERO + 1.0) is None
