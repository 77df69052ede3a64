"""Chaos as it is played: a ``penstock up`` with two workers, its users, and blows to its parts.

start    emulated providers, everything of Penstock, with upstreams by name; one provider is out
play     users as in any drill; each blow at its time, and not before the part of the one before
         is back; users go on until all are dealt
settle   control has read everything that callers saw, or ``SETTLE_S`` are over
judge    what must hold of each blow (``sim.drills.chaos``), and what always must
"""

import asyncio
import contextlib
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Final

import httpx
import msgspec

import penstock
from penstock.apps.drill import joining, ledgers, sizing
from penstock.apps.drill.arms import Arm, Making
from penstock.apps.drill.blows import Blows
from penstock.apps.drill.brought import Brought
from penstock.apps.drill.database import Database
from penstock.apps.drill.driving import traces
from penstock.apps.drill.driving.drive import drive
from penstock.apps.drill.driving.plan import Plan
from penstock.apps.drill.leash import leashed
from penstock.apps.drill.ledgers import HERE, Ledger, Where
from penstock.apps.drill.playing import Telling
from penstock.apps.drill.reckoning import reckoned
from penstock.apps.drill.relay import Relay
from penstock.apps.drill.stopping import unless
from penstock.config import private_file
from penstock.config.model import Config
from penstock.sim.drills import chaos, invariants, measuring, shapes
from penstock.sim.drills.chaos import Act, Dealt
from penstock.sim.drills.measuring import Drilled, Joined
from penstock.sim.drills.script import rules
from penstock.sim.drills.shapes import PENSTOCK, Call, Outage, Result, Timetable
from penstock.sim.drills.surfaces import CLAUDE
from penstock.sim.drills.traffic import DEFAULT_TRAFFIC, Traffic
from penstock.web.keeping_up import is_set_within, pause
from penstock.wire import clock

SETTLE_S: Final = 40.0  # control may have to read what came while its disk was full
LOOK_S: Final = 0.2
BACK_S: Final = 40.0  # until a part that was killed answers: ten processes share two cores
ANSWER_S: Final = 2.0
TOLD_S: Final = 0.5
WORKERS: Final = 2
# The blocks of a segment are reserved when it is begun: a full disk is felt at the next one.
SEGMENT_BYTES: Final = 8 * 1024
ATTEMPTS: Final = "attempts.json"  # as the providers saw them, for whoever looks for the cause
NAMES: Final = "names"
SET_UP: Final = "two gateway workers, everything on, three emulated providers"
ROOMY: Final = 1.5  # so that contracts are never short: what is felt is the blow
LOCAL: Final = "127.0.0.1"
NAME: Final = "localhost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chaos:
    """What is to be played, and with what."""

    acts: Sequence[Act]
    folder: Path
    program: Sequence[str]  # of whom names can be made slow; the file's name follows
    environment: Mapping[str, str]
    seed: int = 1
    out: str = CLAUDE  # the provider that is out; empty: none
    after_s: float = chaos.AFTER_S  # to come back
    traffic: Sequence[Traffic] = field(default=DEFAULT_TRAFFIC)
    database: Database | None = None  # the ledger's; none: a file of its own

    @property
    def names_file(self) -> Path:
        """Where slow names are switched on."""
        return self.folder / NAMES


@dataclass(slots=True)
class Seen:
    """What was seen while it was played."""

    calls: list[Call] = field(default_factory=list[Call])
    dealt: list[Dealt] = field(default_factory=list[Dealt])
    ended_s: float = 0.0


async def run(asked: Chaos, telling: Telling, stop: asyncio.Event) -> tuple[Result, list[Call]]:
    """Play it and judge; raises DrillError, StoppedError."""
    if asked.database is not None:
        await asyncio.to_thread(asked.database.check, asked.folder)
    asked.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    private_file.write(asked.names_file, "0")
    async with leashed() as group, contextlib.AsyncExitStack() as open_:
        relay = None
        if asked.database is not None:
            relay = await open_.enter_async_context(asked.database.relay())
        return await _run(asked, telling, stop, group, relay)


async def _run(
    asked: Chaos, telling: Telling, stop: asyncio.Event, group: int, relay: Relay | None
) -> tuple[Result, list[Call]]:
    began_s, began_unix_s = clock.now_s(), clock.now_unix_s()
    table = chaos.timetable(asked.acts, asked.out, asked.after_s, began_unix_s)
    known = traces.load()
    arm = Arm(PENSTOCK, _making(asked, table, known, group))
    arm.led = lambda config, _: _led(config, asked.database, relay)
    where = HERE if asked.database is None else asked.database.where
    telling.step("starting Penstock with two workers")
    try:
        await unless(stop, arm.start())
        await arm.begin()
        seen = await _play(Stage(asked, arm, table, known, relay), telling, stop)
        telling.step("reading the ledger")
        ledger, attempts = await _settled(arm, seen.calls, where)
        private_file.write_bytes(asked.folder / ATTEMPTS, msgspec.json.encode(attempts))
        bills = await asyncio.to_thread(ledgers.charges, arm.state_dir, where)
    finally:
        telling.step("ending all processes")
        await arm.stop()
    if seen.dealt:
        table = chaos.as_dealt(seen.dealt, seen.ended_s, asked.out, began_unix_s)
    drilled = Drilled(
        name=asked.folder.name,
        mode=shapes.CHAOS,
        began_unix_s=began_unix_s,
        took_s=clock.now_s() - began_s,
        seed=asked.seed,
        version=penstock.__version__,
        partial=_partial(asked, seen) if stop.is_set() else "",
        set_up=SET_UP if asked.database is None else f"{SET_UP}, the ledger in PostgreSQL",
        outage=_outage(asked),
        timetable=table,
    )
    return _judged(drilled, seen, ledger, attempts, bills)


def _judged(
    drilled: Drilled,
    seen: Seen,
    ledger: Ledger,
    attempts: Sequence[Mapping[str, Any]],
    bills: tuple[int, int],
) -> tuple[Result, list[Call]]:
    calls = sorted(joining.joined(seen.calls, ledger.known), key=lambda one: one.at_s)
    reckoning = reckoned(PENSTOCK, ledger, attempts, calls)
    made = measuring.measured(drilled, calls, Joined(reckonings=(reckoning,)))
    checks = (
        *chaos.checks(seen.dealt, calls, drilled.timetable.played_s),
        *invariants.lasting(made),
        chaos.charges(*bills),
    )
    return measuring.completed(made, Joined(checks=checks)), calls


@dataclass(frozen=True, slots=True)
class Stage:
    """What it is played on."""

    asked: Chaos
    arm: Arm
    table: Timetable
    known: traces.Traces
    relay: Relay | None  # before the database


async def _play(stage: Stage, telling: Telling, stop: asyncio.Event) -> Seen:
    asked, arm, table = stage.asked, stage.arm, stage.table
    seen = Seen()
    over = asyncio.Event()
    zero_s = clock.now_s()
    plan = Plan(
        arm=PENSTOCK,
        mix=asked.traffic,
        timetable=_lasting(table),
        places=arm.places,
        traces=stage.known,
        draw=lambda name: Random(f"{asked.seed} {name}"),
        stop=over,
        zero_s=zero_s,
    )
    blows = Blows(arm.pids, arm.state_dir, asked.names_file, stage.relay)
    dealer = Dealer(blows, arm.urls, table, zero_s, stop)

    async def deal() -> None:
        try:
            await dealer.all(asked.acts, seen)
            await is_set_within(stop, asked.after_s)
        finally:
            over.set()
            seen.ended_s = clock.now_s() - zero_s

    async with asyncio.TaskGroup() as group:
        driving = group.create_task(drive(plan, seen.calls.append))
        dealing = group.create_task(deal())
        while not (driving.done() and dealing.done()):
            telling.now(clock.now_s() - zero_s, {PENSTOCK: len(seen.calls)})
            await pause(TOLD_S)
    return seen


class Dealer:
    """Deals the blows at their times, and looks whether the parts come back."""

    def __init__(
        self,
        blows: Blows,
        urls: Mapping[str, str],
        table: Timetable,
        zero_s: float,
        stop: asyncio.Event,
    ) -> None:
        self._blows = blows
        self._urls = urls
        self._table = table
        self._zero_s = zero_s
        self._stop = stop

    async def all(self, acts: Sequence[Act], seen: Seen) -> None:
        """Deal one after another."""
        for act in acts:
            wait_s = chaos.blow_at_s(self._table, act) - self._now_s()
            if await is_set_within(self._stop, max(0.0, wait_s)):
                return
            seen.dealt.append(await self._one(act))

    async def _one(self, act: Act) -> Dealt:
        before = self._blows.pid(act.part)
        from_s = self._now_s()
        try:
            async with self._blows.dealt(act):
                await is_set_within(self._stop, act.for_s)
        except (OSError, sqlite3.Error) as error:
            return Dealt(act=act, from_s=from_s, to_s=self._now_s(), trouble=str(error))
        to_s = self._now_s()
        return Dealt(act=act, from_s=from_s, to_s=to_s, back_s=await self._back_s(act, before))

    async def _back_s(self, act: Act, before: int) -> float | None:
        """Wait until the part answers, and return how long it took."""
        since_s = clock.now_s()
        while clock.now_s() - since_s < BACK_S:
            is_new = act.how != "kill" or self._blows.pid(act.part) not in {0, before}
            if is_new and await self._answers(act.part):
                return clock.now_s() - since_s
            await pause(LOOK_S)
        return None

    async def _answers(self, part: str) -> bool:
        """Say whether a part answers at its address; one without an address has its process."""
        url = self._urls.get(part.partition("-")[0])
        if url is None:
            return bool(self._blows.pid(part))
        try:
            async with httpx.AsyncClient(timeout=ANSWER_S, trust_env=False) as client:
                await client.get(url)
        except httpx.HTTPError:
            return False
        return True

    def _now_s(self) -> float:
        return clock.now_s() - self._zero_s


def _lasting(table: Timetable) -> Timetable:
    """Return a timetable that is not over before all blows are dealt, however late they are."""
    played_s = table.played_s + BACK_S * len(table.windows)
    strikes = tuple(
        msgspec.structs.replace(one, to_s=played_s) if one.place != chaos.OURS else one
        for one in table.strikes
    )
    return msgspec.structs.replace(table, strikes=strikes, played_s=played_s)


def _making(asked: Chaos, table: Timetable, known: traces.Traces, group: int) -> Making:
    return Making(
        program=[*asked.program, str(asked.names_file)],
        folder=asked.folder,
        seed=asked.seed,
        environment=asked.environment,
        group=group,
        rules=rules(_lasting(table)),
        set_up=Brought(
            asked.traffic,
            asked.out or CLAUDE,
            lambda one: ROOMY * sizing.mean_tokens(one, known.lengths),
        ),
    )


def _led(config: Config, database: Database | None, relay: Relay | None) -> Config:
    """Return a configuration of several workers, whose upstreams' names have to be looked up."""
    replace = msgspec.structs.replace
    upstreams = tuple(
        replace(one, base_url=one.base_url.replace(LOCAL, NAME)) for one in config.upstreams
    )
    spool = replace(config.gateway.spool, segment_bytes=SEGMENT_BYTES)
    gateway = replace(config.gateway, workers=WORKERS, spool=spool)
    made = replace(config, upstreams=upstreams, gateway=gateway)
    if database is None or relay is None:
        return made
    return replace(made, control=database.led(made.control, relay))


async def _settled(
    arm: Arm, calls: Sequence[Call], where: Where
) -> tuple[Ledger, list[dict[str, Any]]]:
    """Return ledger and providers' counts, once both know of all that was asked, or in the end."""
    give_up_at_s = clock.now_s() + SETTLE_S
    while True:
        with contextlib.suppress(sqlite3.Error):
            ledger = await asyncio.to_thread(ledgers.of_database, arm.state_dir, where)
            attempts = await arm.providers.attempts()
            is_equal = reckoned(PENSTOCK, ledger, attempts, calls).is_equal
            is_settled = is_equal and not ledger.is_behind
            if is_settled or clock.now_s() > give_up_at_s:
                return ledger, attempts
        await pause(LOOK_S)


def _partial(asked: Chaos, seen: Seen) -> str:
    return f"Stopped by hand after {len(seen.dealt)} of {len(asked.acts)} acts."


def _outage(asked: Chaos) -> Outage:
    return Outage(
        id="chaos",
        title="Our own parts killed, frozen and starved",
        provider="",
        assumed=tuple(one.words for one in asked.acts),
    )
