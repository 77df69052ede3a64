"""A drill as it is played: the arms side by side, the same outage and the same callers.

start    emulated providers, gateways and the rest of each arm, all at once; whoever stops it now
         gets no report
begin    the faults are put in force everywhere, and traffic begins: second 0
play     every call is heard as it ends; stopped, what was not played yet is left out
settle   nobody asks any more; ledgers are read until they know of all that was asked, or for
         ``SETTLE_S``
end      all processes are stopped, whatever happened
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Final

from penstock.apps.drill import arms, ledgers
from penstock.apps.drill.arms import Arm, Making
from penstock.apps.drill.beside import WAIT_S, Beside
from penstock.apps.drill.driving.chatting import Accounts, prepare
from penstock.apps.drill.driving.drive import drive
from penstock.apps.drill.driving.plan import Plan
from penstock.apps.drill.driving.traces import Traces
from penstock.apps.drill.front import Front
from penstock.apps.drill.leash import leashed
from penstock.apps.drill.ledgers import NOTHING, Ledger
from penstock.apps.drill.process import DrillError
from penstock.apps.drill.reckoning import reckoned
from penstock.apps.drill.set_up import SetUp
from penstock.apps.drill.stopping import unless
from penstock.sim.drills.drill_file import Drill, Drills
from penstock.sim.drills.script import rules
from penstock.sim.drills.shapes import ARMS, BOUND, PENSTOCK, Call, Seen, Timetable
from penstock.sim.drills.timetable import until
from penstock.sim.drills.traffic import Traffic
from penstock.web.keeping_up import pause
from penstock.web.process import break_glass
from penstock.wire import clock

SETTLE_S: Final = 30.0  # control reads once a second; a busy machine takes longer
SETTLE_STOPPED_S: Final = 5.0  # whoever stops it waits for no more
LOOK_S: Final = 0.5
TOLD_S: Final = 0.5
BUSY_S: Final = 0.1  # a loop that is later than that is heard in the callers' own figures


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """What is to be played, and with what."""

    drills: Drills
    drill: Drill
    timetable: Timetable
    folder: Path
    program: Sequence[str]
    environment: Mapping[str, str]
    traffic: Sequence[Traffic]
    set_up: SetUp
    traces: Traces
    arms: Sequence[str] = ARMS
    seed: int = 1

    def draw(self, name: str) -> Random:
        """Return the dice of a name: the same in each arm."""
        return Random(f"{self.seed} {name}")


class Telling:
    """What is told while it plays."""

    def step(self, words: str) -> None:
        """Something begins that takes a while."""

    def now(self, at_s: float, calls: Mapping[str, int]) -> None:
        """Where the play stands, and how many calls of each arm are over."""


@dataclass(slots=True)
class Played:
    """What is known when it is over."""

    began_unix_s: float
    timetable: Timetable  # as it was played
    calls: list[Call] = field(default_factory=list[Call])
    ledgers: dict[str, Ledger] = field(default_factory=dict[str, Ledger])
    attempts: dict[str, list[dict[str, Any]]] = field(
        default_factory=dict[str, list[dict[str, Any]]]
    )
    seen: tuple[Seen, ...] = ()
    uncut: tuple[Seen, ...] = ()  # the whole outage in virtual time
    words: tuple[str, ...] = ()  # of what stood in front of the whole installation
    stopped_at_s: float | None = None


@dataclass(frozen=True, slots=True)
class Stage:
    """What callers play on."""

    asked: Play
    front: Front
    telling: Telling
    stop: asyncio.Event


async def play(asked: Play, telling: Telling, stop: asyncio.Event) -> Played:
    """Play it; raises DrillError, StoppedError."""
    asked.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    async with leashed() as group:
        return await _play(asked, telling, stop, group)


async def _play(asked: Play, telling: Telling, stop: asyncio.Event, group: int) -> Played:
    making = Making(
        program=asked.program,
        folder=asked.folder,
        seed=asked.seed,
        environment=asked.environment,
        rules=rules(asked.timetable),
        set_up=asked.set_up,
        group=group,
    )
    running = [Arm(name, making) for name in asked.arms]
    whole = next((one for one in running if one.name == PENSTOCK), None)
    played = Played(clock.now_unix_s(), asked.timetable)
    telling.step(f"starting {', '.join(asked.arms)}")
    beside = Beside(asked.drills, asked.drill, asked.seed, asked.folder, group)
    async with Front(asked.drill, asked.timetable, asked.draw) as front, _ended(running, beside):
        if whole is not None:
            whole.led = front.led
            beside.start()
        stage = Stage(asked, front, telling, stop)
        accounts = await unless(stop, _started(stage, running, whole, played))
        await _drive(stage, running, played, accounts)
        telling.step("reading the ledgers")
        await _settle(running, played)
        if whole is not None:
            played.seen = front.seen(played.timetable, asked.set_up.apart)
            played.words = (*played.words, *front.words)
            telling.step("reckoning the whole outage in virtual time")
            played.uncut = await beside.seen(WAIT_S if played.stopped_at_s is None else 0.0)
        telling.step("ending all processes")
    return played


@contextlib.asynccontextmanager
async def _ended(running: Sequence[Arm], beside: Beside) -> AsyncGenerator[None]:
    try:
        yield
    finally:
        beside.stop()
        await arms.stop(running)


async def _started(
    stage: Stage, running: Sequence[Arm], whole: Arm | None, played: Played
) -> Accounts | None:
    """Start all arms, and let the outage begin; returns the accounts of those at the chat."""
    await arms.start(running)
    if whole is not None:
        await stage.front.lead(whole.urls, break_glass(whole.state_dir))
        stage.telling.step("making accounts at the chat")
    accounts = await _accounts(stage.asked, whole, stage.front, played)
    await arms.begin(running)
    return accounts


async def _accounts(
    asked: Play, whole: Arm | None, front: Front, played: Played
) -> Accounts | None:
    """Make an account for everybody who comes to the chat; without any, nobody does."""
    if whole is None or not whole.urls.get("chat"):
        return None
    try:
        return await prepare(asked.traffic, front.chat_url, break_glass(whole.state_dir))
    except DrillError as error:
        played.words = (*played.words, f"nobody came to the chat: {error.message}")
        return None


async def _drive(
    stage: Stage, running: Sequence[Arm], played: Played, accounts: Accounts | None
) -> None:
    """Let callers ask at all arms, until the last played second is over."""
    zero_s = clock.now_s()
    asked, front = stage.asked, stage.front
    counts = dict.fromkeys(asked.arms, 0)
    is_over = asyncio.Event()
    late_s = 0.0

    def on_call(call: Call) -> None:
        played.calls.append(call)
        counts[call.arm] += 1
        if call.arm == PENSTOCK:
            front.on_call(call)

    front.begin(zero_s)
    async with asyncio.TaskGroup() as group:
        group.create_task(front.watch(is_over))
        driving = [
            group.create_task(
                drive(
                    _plan(asked, arm, zero_s, stage.stop),
                    on_call,
                    accounts if arm.name == PENSTOCK else None,
                )
            )
            for arm in running
        ]
        while not all(one.done() for one in driving):
            now_s = clock.now_s()
            stage.telling.now(now_s - zero_s, counts)
            await pause(TOLD_S)
            late_s = max(late_s, clock.now_s() - now_s - TOLD_S)
        is_over.set()
    if stage.stop.is_set():
        played.stopped_at_s = min(asked.timetable.played_s, clock.now_s() - zero_s)
        played.timetable = until(asked.timetable, played.stopped_at_s)
    left_out = sum(one.result() for one in driving)
    played.words = (*played.words, *_strains(left_out, late_s))


def _strains(left_out: int, late_s: float) -> Iterator[str]:
    """Yield what was too much for this machine."""
    if left_out:
        yield f"{left_out} sessions were left out: there were too many calls at once"
    if late_s > BUSY_S:
        yield f"this machine was busy: callers were up to {late_s:.1f} s late, and so are waits"


def _plan(asked: Play, arm: Arm, zero_s: float, stop: asyncio.Event) -> Plan:
    return Plan(
        arm=arm.name,
        mix=asked.traffic,
        timetable=asked.timetable,
        places=arm.places,
        traces=asked.traces,
        draw=asked.draw,
        stop=stop,
        zero_s=zero_s,
    )


async def _settle(running: Sequence[Arm], played: Played) -> None:
    for arm in running:
        arm.hush()
    within_s = SETTLE_S if played.stopped_at_s is None else SETTLE_STOPPED_S
    for arm in running:
        ledger, attempts = await _settled(arm, played.calls, within_s)
        played.ledgers[arm.name], played.attempts[arm.name] = ledger, attempts


async def _settled(
    arm: Arm, calls: Sequence[Call], within_s: float
) -> tuple[Ledger, list[dict[str, Any]]]:
    """Return the arm's ledger and its providers' counts, once both know of all that was asked."""
    mine = [call for call in calls if call.arm == arm.name]
    give_up_at_s = clock.now_s() + within_s
    while True:
        ledger = await asyncio.to_thread(_ledger, arm)
        attempts = await arm.attempts()
        if arm.name == BOUND or clock.now_s() > give_up_at_s:
            return ledger, attempts
        found = reckoned(arm.name, ledger, attempts, mine)
        if not found.missing and not found.differing and not ledger.is_behind:
            return ledger, attempts
        await pause(LOOK_S)


def _ledger(arm: Arm) -> Ledger:
    if arm.name == BOUND:
        return NOTHING
    read = ledgers.of_database if arm.name == PENSTOCK else ledgers.of_spool
    return read(arm.state_dir)
