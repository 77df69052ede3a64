"""Bystanders report where it fails for them, from many places, and nowhere else."""

import asyncio
from collections import Counter
from random import Random
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from tests.apps.drill.behind import Behind

from penstock.apps.drill import people as people_module
from penstock.apps.drill.door import Door
from penstock.apps.drill.people import People
from penstock.sim.drills.shapes import COMPLETE, FAILED, Call, Strike
from penstock.sim.watching import bystanders
from penstock.web import address
from penstock.wire import call as wire

WITHIN_S = 30.0
FOR_EVER_S = 1e9


class Hasty(Random):
    """Dice of people who come at once, have no patience, and always come to the chat."""

    def random(self) -> float:
        return 0.0


def strike(place: str) -> Strike:
    return Strike(
        place=place, kind="http_500", share=1.0, from_s=0.0, to_s=FOR_EVER_S, surface="web"
    )


async def reported(monkey: Any, *strikes: Strike, calls: tuple[Call, ...] = ()) -> list[Any]:
    """Let people come until they have looked in a few times; returns what the page was told."""
    monkey.setattr(bystanders, "REACTION_S", 0.0)
    behind, page = Behind(), Behind()
    async with (
        asyncio.timeout(WITHIN_S),
        behind.listening() as url,
        page.listening() as status,
        Door("chat", strikes, lambda: 5.0, lambda: 0.0) as door,
        asyncio.TaskGroup() as group,
    ):
        await door.lead(url)
        people = People({"web": door.url}, status, Hasty(), lambda: 5.0)
        task = group.create_task(people.run())
        is_trouble = bool(strikes) or any(one.end == FAILED for one in calls)
        while people.visits < 20 or (is_trouble and not people.reports):
            await people_module.pause(0.01)
            for one in calls:
                people.on_call(one)
        task.cancel()
    return [msgspec.json.decode(one.body) for one in page.calls]


def test_who_gets_in_reports_nothing(monkeypatch: Any) -> None:
    assert asyncio.run(reported(monkeypatch)) == []


def test_who_fails_twice_reports_it(monkeypatch: Any) -> None:
    told = asyncio.run(reported(monkeypatch, strike("chat")))
    assert told
    assert {one["component"] for one in told} == {"web"}


class Blip(Behind):
    """A surface that fails whoever comes for the first time."""

    def __init__(self) -> None:
        super().__init__()
        self.agents: set[bytes] = set()

    def on_call(self, call: wire.Call) -> None:
        agent = call.headers[b"user-agent"]
        call.send(200 if agent in self.agents else 500, b"", b"")
        self.agents.add(agent)


def test_who_gets_in_at_the_second_try_reports_nothing(monkeypatch: Any) -> None:
    for name, value in (("REACTION_S", 0.0), ("PATIENCE_S", 0.001), ("VISITS_PER_S", 500.0)):
        monkeypatch.setattr(bystanders, name, value)

    async def work() -> None:
        blip, page = Blip(), Behind()
        async with blip.listening() as url, page.listening() as status:
            people = People(dict.fromkeys(people_module.PATHS, url), status, Random(1), lambda: 5.0)
            async with asyncio.timeout(WITHIN_S), asyncio.TaskGroup() as group:
                task = group.create_task(people.run())
                while people.visits < 80:
                    await people_module.pause(0.01)
                task.cancel()
        assert people.failed >= 20
        assert page.calls == []

    asyncio.run(work())


def test_callers_who_were_let_down_report_too(monkeypatch: Any) -> None:
    good = Call(arm="penstock", place="chat", tier="free", at_s=0.0, end=COMPLETE)
    bad = msgspec.structs.replace(good, place="api", end=FAILED)
    assert asyncio.run(reported(monkeypatch, calls=(good,))) == []
    told = asyncio.run(reported(monkeypatch, calls=(bad,)))
    assert {one["component"] for one in told} == {"api"}


@given(seed=st.integers(0, 2**32))
def test_they_come_from_many_networks_wait_a_while_and_mind_different_things(seed: int) -> None:
    dice = Random(seed)
    found = [bystanders.person(dice) for _ in range(400)]
    networks = Counter(address.network_of(one.address) for one in found)
    assert len(networks) > 100
    assert max(networks.values()) < 120
    assert len({one.agent for one in found}) > 390
    for one in found:
        assert bystanders.REACTION_S <= one.patience_s <= bystanders.PATIENCE_S_MAX
    surfaces = Counter(one.surface for one in found)
    assert surfaces["web"] > surfaces["login"] > 0
    mean_s = sum(one.after_s for one in found) / len(found)
    assert 0.7 < mean_s * bystanders.VISITS_PER_S < 1.4
