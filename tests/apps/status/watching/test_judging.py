"""The loop that judges: what it hears is judged, acted on, kept, and gone on with."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import Connection, select
from tests.apps.status.installation import Clock, installed

from penstock.apps.status import components, keeping
from penstock.apps.status.incidents import acting
from penstock.apps.status.parts import Parts
from penstock.apps.status.tables import measures
from penstock.apps.status.watching.counting import Change
from penstock.apps.status.watching.judging import JUDGE_S, KEEP_S, SILENT, Judging
from penstock.core.errors import StoreError
from penstock.watch.assessment import Assessment, Verdict
from penstock.watch.component import State
from penstock.watch.evidence import Counts, Kind, Probe, ProbeResult, Report, Silence


class Acts:
    """Stands where incidents are opened: remembers what it was told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.told: list[tuple[Assessment, ...]] = []
        self.is_changed = False
        monkeypatch.setattr(acting, "act", self)

    def __call__(
        self, connection: Connection, parts: Parts, assessments: Sequence[Assessment], now: float
    ) -> bool:
        assert connection.in_transaction()
        assert parts.now_unix_s() == now
        self.told.append(tuple(assessments))
        return self.is_changed


class Ground:
    """Judging with a clock that tests turn."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.clock = Clock()
        self.acts = Acts(monkeypatch)
        self.parts = installed(folder, self.clock)
        self.touched = 0
        self.parts.touch = self._touch
        self.is_away = False
        self.judging = self.made()

    def _touch(self) -> None:
        self.touched += 1

    def made(self) -> Judging:
        return Judging(self.parts, self._blocking, self._pause)

    async def _blocking(self, work: Callable[[], Any]) -> Any:
        if self.is_away:
            raise StoreError("the database is away")
        return work()

    async def _pause(self, seconds: float) -> None:
        self.clock.now_unix_s += seconds
        await asyncio.sleep(0)

    def turn(self, count: int = 1) -> dict[str, Assessment]:
        for _ in range(count):
            self.clock.now_unix_s += JUDGE_S
            asyncio.run(self.judging.turn())
        return {one.component: one for one in self.judging.latest}

    def probe(self, name: str, result: ProbeResult, how: str = "") -> None:
        self.judging.on_probe(
            Probe(
                component=self.id_of(name), at_unix_s=self.clock(), result=result, how=how,
                probe="p", ttft_s=0.1, total_s=0.2,
            )
        )  # fmt: skip

    def id_of(self, name: str) -> str:
        return next(one.id for one in self.parts.plan if one.watched.name == name)

    def kept(self, name: str, kind: type[Any]) -> Any:
        with self.parts.store.reading() as connection:
            return keeping.read(connection, name, kind)


@pytest.fixture
def ground(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ground:
    return Ground(tmp_path, monkeypatch)


def test_probes_that_fail_become_a_problem_that_is_acted_on(ground: Ground) -> None:
    for _ in range(20):
        ground.probe("gpt-5.6", ProbeResult.GOOD)
        ground.turn(7)
    assert ground.turn()[ground.id_of("gpt-5.6")].state is State.OPERATIONAL
    assert ground.touched <= 1  # the sources are told once; else nothing has changed
    ground.acts.is_changed = True
    found = ground.turn()
    for _ in range(4):
        ground.probe("gpt-5.6", ProbeResult.FAILED, "timeout")
        found = ground.turn(7)
    assert found[ground.id_of("gpt-5.6")].verdict is Verdict.PROBLEM
    assert ground.acts.told[-1] == ground.judging.latest
    assert ground.touched >= 28
    assert found[ground.id_of("claude-haiku-4-5")].verdict is Verdict.NONE


def test_when_it_works_again_it_is_so_again(ground: Ground) -> None:
    model, found = ground.id_of("gpt-5.6"), ground.turn()
    for result in [ProbeResult.GOOD] * 20 + [ProbeResult.FAILED] * 4:
        ground.probe("gpt-5.6", result, "timeout" if result is ProbeResult.FAILED else "")
        found = ground.turn(7)
    assert found[model].verdict is Verdict.PROBLEM
    took_s = 0.0
    while found[model].state is not State.OPERATIONAL:
        ground.probe("gpt-5.6", ProbeResult.GOOD)
        found = ground.turn(7)
        took_s += 7 * JUDGE_S
        assert took_s < 1200.0
    assert found[model].verdict is Verdict.NONE


def test_what_is_learned_survives_the_process(ground: Ground) -> None:
    for _ in range(3):
        ground.probe("gpt-5.6", ProbeResult.FAILED, "timeout")
        ground.turn(7)
    before = ground.turn()[ground.id_of("gpt-5.6")]
    assert before.verdict
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(_ended(ground.judging))
    ground.judging = ground.made()
    after = ground.turn()[ground.id_of("gpt-5.6")]
    assert after.verdict is before.verdict
    assert after.onset_unix_s == before.onset_unix_s


async def _ended(judging: Judging) -> None:
    async with asyncio.timeout(5):
        task = asyncio.ensure_future(judging.run())
        for _ in range(5):
            await asyncio.sleep(0)
        task.cancel()
        await task


def test_it_is_kept_every_minute(ground: Ground) -> None:
    ground.turn(int(KEEP_S / JUDGE_S) - 1)
    assert ground.kept("learned", dict[str, Any]) is None
    ground.judging.budget.add("p", 7, ground.clock())
    ground.turn(1)
    assert ground.kept("learned", dict[str, Any])["at_unix_s"] == ground.clock()
    assert ground.kept("probes_spent", dict[str, Any])["microusd"] == {"p": 7}
    assert ground.made().budget.spent.microusd == {"p": 7}


def test_a_source_that_is_silent_is_unknown_and_said(ground: Ground) -> None:
    model = ground.id_of("gpt-5.6")
    found = ground.turn()
    for _ in range(30):
        silence = Silence(
            component=model, kind=Kind.TELEMETRY, at_unix_s=ground.clock(), why="nothing listens"
        )
        ground.judging.on_silence(silence)
        ground.judging.on_source("gateway", "nothing listens")
        found = ground.turn(3)
    assert found[model].state is State.UNKNOWN
    assert found[model].verdict is Verdict.NONE
    assert ground.kept(SILENT, list[str]) == ["gateway: nothing listens"]
    touched = ground.touched
    ground.judging.on_source("gateway", "")
    ground.turn(2)
    assert ground.kept(SILENT, list[str]) == []
    assert ground.touched == touched + 1


def test_a_database_that_is_away_loses_no_measure(ground: Ground) -> None:
    model = ground.id_of("gpt-5.6")
    ground.is_away = True
    for _ in range(4):
        counts = Counts(
            component=model, from_unix_s=ground.clock() - 5, to_unix_s=ground.clock(), good=3
        )
        ground.judging.on_change(Change(counts))
        ground.probe("gpt-5.6", ProbeResult.GOOD)
        ground.turn(30)
    ground.is_away = False
    ground.turn(31)
    with ground.parts.store.reading() as connection:
        rows = connection.execute(select(measures)).all()
    assert sum(row.good for row in rows if row.source == "telemetry") == 12
    assert sum(row.good for row in rows if row.source == "probes") == 4


def test_a_reload_brings_other_components_and_forgets_none_that_stay(ground: Ground) -> None:
    for _ in range(4):
        ground.probe("gpt-5.6", ProbeResult.FAILED, "timeout")
        ground.turn(7)
    config = ground.parts.config
    fewer = msgspec.structs.replace(config, routes=config.routes[:1])
    ground.parts.config = fewer
    ground.parts.plan = components.planned(fewer, ground.parts.page.id)
    found = ground.turn()
    assert set(found) == {one.id for one in ground.parts.plan}
    assert found[ground.id_of("gpt-5.6")].verdict is Verdict.PROBLEM


def test_reports_alone_are_heard_and_never_a_problem(ground: Ground) -> None:
    api = ground.id_of("API")
    found = ground.turn()
    for at in range(40):
        ground.judging.on_report(
            Report(component=api, at_unix_s=ground.clock(), voter=f"v{at}", network=f"n{at}")
        )
        found = ground.turn()
    assert found[api].verdict is Verdict.POSSIBLE
