"""What the page and the watch said is kept where it changes, with the instant; gaps are counted."""

import asyncio
from typing import Any

import httpx
import msgspec
from tests.apps.drill.behind import JSON, Behind

from penstock.apps.drill.seeing import Seeing
from penstock.sim.drills.shapes import Strike, Timetable, Window
from penstock.wire.call import Call

TOKEN = "pc-token"
STRIKE = Strike(place="login", kind="http_500", share=1.0, from_s=10.0, to_s=90.0, surface="login")
TABLE = Timetable(
    windows=(Window(from_s=0.0, to_s=90.0, from_unix_s=1e9, to_unix_s=1e9 + 90.0),),
    strikes=(STRIKE,),
    played_s=90.0,
    true_s=90.0,
)


class Page(Behind):
    """A status page that says what it is told to say."""

    def __init__(self) -> None:
        super().__init__()
        self.state, self.verdict, self.culprit = "operational", "none", "nobody"
        self.is_away = False

    def on_call(self, call: Call) -> None:
        if self.is_away:
            call.send(503, b"", b"")
        elif call.target == b"/api/status.json":
            call.send(200, JSON, msgspec.json.encode({"components": self.components(), "new": 1}))
        elif call.headers.get(b"authorization") == f"Bearer {TOKEN}".encode():
            said = {"component": "l", "verdict": self.verdict, "culprit": self.culprit, "seq": 1}
            call.send(200, JSON, msgspec.json.encode([said]))
        else:
            call.send(401, JSON, b"{}")

    def components(self) -> list[dict[str, Any]]:
        return [
            {"id": "g", "name": "Group", "state": "operational", "layer": None},
            {"id": "l", "name": "Log-in", "state": self.state, "layer": "surface",
             "surface": "login", "provider": None},
        ]  # fmt: skip


def test_changes_are_kept_and_set_beside_the_truth() -> None:
    page, at_s = Page(), [0.0]
    seeing: list[Seeing] = []

    async def work() -> None:
        async with page.listening() as url, httpx.AsyncClient(trust_env=False) as http:
            one = Seeing(url, TOKEN, lambda: at_s[0])
            seeing.append(one)
            for second, state, verdict in (
                (1.0, "operational", "none"),
                (20.0, "operational", "none"),
                (40.0, "operational", "problem"),
                (42.0, "major_outage", "problem"),
            ):
                at_s[0], page.state, page.verdict = second, state, verdict
                page.culprit = "login" if verdict == "problem" else "nobody"
                await one.look(http)
            page.is_away = True
            await one.look(http)

    asyncio.run(work())
    (one,) = seeing
    assert [each.at_s for each in one.sightings] == [1.0, 40.0, 42.0]
    assert (one.looks, one.missed) == (5, 1)
    assert set(one.lines) == {"l"}  # a group is nothing that fails
    (seen,) = one.seen(TABLE, {"login": (55.0,)}, ())
    assert (seen.watch_s, seen.page_s, seen.people_s) == (30.0, 32.0, 45.0)
    assert (seen.culprit, seen.is_right) == ("login", True)


def test_a_token_that_is_none_is_a_look_without_an_answer() -> None:
    async def work() -> Seeing:
        async with Page().listening() as url, httpx.AsyncClient(trust_env=False) as http:
            one = Seeing(url, "other", lambda: 0.0)
            await one.look(http)
            return one

    one = asyncio.run(work())
    assert (one.looks, one.missed, one.sightings) == (1, 1, [])
