"""The line before the hashing threads: bounded, the known first, and no place is ever lost."""

import asyncio
import threading
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.identity.errors import BusyError
from penstock.identity.hashing import (
    EACH_MAX,
    HELD_S,
    NETWORK_MAX,
    PLACES,
    WAIT_S_MAX,
    WAITING_MAX,
    Caller,
    Hashing,
)


def still() -> float:
    return 0.0


def driven(work: Callable[[Hashing], Awaitable[None]]) -> None:
    """Run a test on a loop, with threads that are closed."""

    async def run() -> None:
        hashing = Hashing(still)
        try:
            await work(hashing)
        finally:
            hashing.close()

    asyncio.run(run())


async def settled() -> None:
    """Let everything run that can."""
    for _ in range(5):
        await asyncio.get_running_loop().run_in_executor(None, lambda: None)


class Comer:
    """One who wants a place, and holds it until told."""

    def __init__(self, hashing: Hashing, caller: Caller, order: list[Caller]) -> None:
        self._hashing = hashing
        self._caller = caller
        self._order = order
        self.go = asyncio.Event()
        self.is_in = False

    async def come(self) -> None:
        async with self._hashing.place(self._caller):
            self._order.append(self._caller)
            self.is_in = True
            await self.go.wait()
            self.is_in = False


def test_the_known_go_before_strangers_who_came_first() -> None:
    async def work(hashing: Hashing) -> None:
        order: list[Caller] = []
        strangers = [Comer(hashing, Caller(f"10.0.{at}.0"), order) for at in range(PLACES + 3)]
        known = Comer(hashing, Caller("10.9.9.0", "ac-1"), order)
        async with asyncio.TaskGroup() as tasks:
            for one in [*strangers, known]:
                tasks.create_task(one.come())
                await settled()
            assert hashing.waiting == 4
            strangers[0].go.set()
            await settled()
            assert order[-1].account == "ac-1"
            for one in [*strangers, known]:
                one.go.set()
        assert hashing.waiting == 0

    driven(work)


LINE = PLACES + min(WAITING_MAX, int(WAIT_S_MAX * PLACES / HELD_S) + 1)


@pytest.mark.parametrize(
    ("network", "account", "most"),
    [("10.0.0.0", "", NETWORK_MAX), ("n{}", "ac-1", EACH_MAX), ("n{}", "", LINE)],
    ids=["a network", "an account", "all strangers"],
)
def test_too_many_are_told_to_come_again(network: str, account: str, most: int) -> None:
    def caller_of(at: int) -> Caller:
        return Caller(network.format(at), account)

    async def work(hashing: Hashing) -> None:
        comers = [Comer(hashing, caller_of(at), []) for at in range(most)]
        async with asyncio.TaskGroup() as tasks:
            for one in comers:
                tasks.create_task(one.come())
            await settled()
            with pytest.raises(BusyError) as told:
                async with hashing.place(caller_of(most)):
                    pass
            assert told.value.retry_after_s >= 1.0
            async with asyncio.timeout(5):  # somebody else, who is known, gets a place first
                waiting = tasks.create_task(Comer(hashing, Caller("n", "ac-9"), []).come())
                await settled()
                waiting.cancel()
            for one in comers:
                one.go.set()

    driven(work)


class Crowd:
    """Some who come, leave and go, in any order."""

    def __init__(self, hashing: Hashing, group: asyncio.TaskGroup) -> None:
        self._hashing = hashing
        self._group = group
        self.tasks: dict[int, tuple[Comer, asyncio.Task[None]]] = {}

    @property
    def inside(self) -> int:
        return sum(comer.is_in for comer, _ in self.tasks.values())

    def do(self, who: int, what: str) -> None:
        if what == "come" and who not in self.tasks:
            caller = Caller(f"n{who}", f"ac-{who}" if who % 3 == 0 else "")
            comer = Comer(self._hashing, caller, [])
            self.tasks[who] = (comer, self._group.create_task(comer.come()))
        elif what == "cancel" and who in self.tasks:
            self.tasks.pop(who)[1].cancel()
        elif what == "go" and who in self.tasks:
            self.tasks.pop(who)[0].go.set()


async def all_are_free(hashing: Hashing) -> None:
    assert hashing.waiting == 0
    comers = [Comer(hashing, Caller(f"m{at}"), []) for at in range(PLACES)]
    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        for one in comers:
            tasks.create_task(one.come())
        await settled()
        assert all(one.is_in for one in comers)
        for one in comers:
            one.go.set()


@given(st.lists(st.tuples(st.integers(0, 11), st.sampled_from(["come", "cancel", "go"]))))
@settings(max_examples=60, deadline=None)
def test_no_place_is_lost_whoever_leaves_when(steps: list[tuple[int, str]]) -> None:
    async def work(hashing: Hashing) -> None:
        async with asyncio.TaskGroup() as group:
            crowd = Crowd(hashing, group)
            for who, what in steps:
                crowd.do(who, what)
                for _ in range(3):
                    await asyncio.sleep(0)
                assert crowd.inside <= PLACES
                assert crowd.inside == PLACES or not hashing.waiting
            for comer, _ in crowd.tasks.values():
                comer.go.set()
        await all_are_free(hashing)

    driven(work)


def test_work_is_done_in_threads_of_its_own() -> None:
    async def work(hashing: Hashing) -> None:
        async with hashing.place(Caller("n")):
            name = await hashing.run(lambda: threading.current_thread().name)
        assert name.startswith("hashing")

    driven(work)
