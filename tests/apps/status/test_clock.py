"""A clock that is set back or jumps ahead by hours: nothing fails, no alarm, and no blindness.

Judging, acting, turning, reports and rendering, on one database, with a clock that tests turn.
"""

import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from tests.apps.status.installation import Clock, installed

from penstock.apps.status import tables, viewing
from penstock.apps.status.incidents.turning import Turning
from penstock.apps.status.reports.desk import Sender
from penstock.apps.status.reports.intake import Body, Intake
from penstock.apps.status.site import rendering
from penstock.apps.status.watching.judging import JUDGE_S, Judging
from penstock.watch.evidence import Probe, ProbeResult

pytestmark = pytest.mark.slow
NEGATIVE = re.compile(r"[> ]-\d+(\.\d+)? ?(s|min|h|days?)\b")
HOUR_S = 3600.0
SETTLED_S = 1200.0
FOUND_S = 120.0
OVER_S = 1800.0


async def blocking(work: Callable[[], Any]) -> Any:
    return work()


async def pause(seconds: float) -> None:
    del seconds


class Ground:
    """An installation whose clock is turned, and its first component that is of a provider."""

    def __init__(self, folder: Path) -> None:
        self.clock = Clock()
        self.parts = installed(folder, self.clock)
        self.component = next(one.id for one in self.parts.plan if one.watched.provider)
        self.is_failing = False
        self.loops()

    def loops(self) -> None:
        """Begin as a process does, or begin again."""
        self.judging = Judging(self.parts, blocking, pause)
        self.turning = Turning(self.parts, blocking)
        self.intake = Intake(self.parts, blocking, self.judging.on_report)

    def go_on(self, seconds: float) -> None:
        """Let time pass: a probe every five seconds, and all loops."""
        for tick in range(int(seconds / JUDGE_S)):
            self.clock.now_unix_s += JUDGE_S
            if tick % 2 == 0:
                self._see()
            asyncio.run(self.judging.turn())
            if tick % 5 == 0:
                assert asyncio.run(self.turning.turn()) in (True, False)
                asyncio.run(self.intake.turn())

    def _see(self) -> None:
        now_unix_s = self.clock.now_unix_s
        result = ProbeResult.FAILED if self.is_failing else ProbeResult.GOOD
        for one in self.parts.plan:
            known = result if one.id == self.component else ProbeResult.GOOD
            probe = Probe(component=one.id, at_unix_s=now_unix_s, result=known, total_s=0.5)
            self.judging.on_probe(probe)

    def state(self) -> str:
        mine = tables.components.c.id == self.component
        with self.parts.store.reading() as connection:
            return str(connection.execute(select(tables.components.c.state).where(mine)).scalar())

    def states(self) -> set[str]:
        shown = tables.components.c.is_group == 0
        with self.parts.store.reading() as connection:
            states = connection.execute(select(tables.components.c.state).where(shown))
            return set(states.scalars())

    def incidents(self) -> list[Any]:
        with self.parts.store.reading() as connection:
            return list(connection.execute(select(tables.incidents)))

    def check(self) -> None:
        """Look for what has ended before it began, and render everything."""
        with self.parts.store.reading() as connection:
            for row in connection.execute(select(tables.intervals)):
                assert row.to_unix_s == 0 or row.to_unix_s >= row.from_unix_s, row
            for row in connection.execute(select(tables.incident_parts)):
                assert row.to_unix_s == 0 or row.to_unix_s >= row.from_unix_s, row
            for row in connection.execute(select(tables.incidents)):
                assert row.resolved_unix_s == 0 or row.resolved_unix_s >= row.started_unix_s, row
            view = viewing.read(connection, self.parts, self.clock())
        pages = rendering.render(view)
        front = pages["/"].body.decode()
        assert "</html>" in front
        assert not NEGATIVE.search(front)


@pytest.mark.parametrize("jump_s", [-6 * HOUR_S, -HOUR_S, -30.0, 30.0, HOUR_S, 6 * HOUR_S])
def test_a_jump_alarms_nobody_and_what_fails_after_it_is_found(
    tmp_path: Path, jump_s: float
) -> None:
    ground = Ground(tmp_path)
    ground.go_on(SETTLED_S)
    assert ground.states() == {"operational"}
    ground.clock.now_unix_s += jump_s
    ground.go_on(60.0)
    assert ground.states() == {"operational"}
    assert ground.incidents() == []
    ground.check()
    told = ground.intake.take(Body(component=ground.component), Sender("198.18.0.1"), "page")
    assert told.is_counted
    ground.is_failing = True
    ground.go_on(FOUND_S)
    assert ground.state() in {"partial_outage", "major_outage"}
    assert len(ground.incidents()) == 1
    ground.check()
    ground.parts.store.close()


@pytest.mark.parametrize("jump_s", [-6 * HOUR_S, 6 * HOUR_S])
@pytest.mark.parametrize("is_restarted", [False, True])
def test_an_incident_outlives_a_jump_and_ends_once(
    tmp_path: Path, jump_s: float, *, is_restarted: bool
) -> None:
    ground = Ground(tmp_path)
    ground.go_on(SETTLED_S)
    ground.is_failing = True
    ground.go_on(FOUND_S)
    assert len(ground.incidents()) == 1
    ground.clock.now_unix_s += jump_s
    if is_restarted:
        ground.loops()
    ground.go_on(FOUND_S)
    assert ground.state() in {"partial_outage", "major_outage"}
    ground.is_failing = False
    ground.go_on(OVER_S)
    ground.check()
    assert ground.state() == "operational"
    assert [one.status for one in ground.incidents()] == ["resolved"]
    ground.parts.store.close()
