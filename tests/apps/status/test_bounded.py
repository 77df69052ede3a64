"""Nothing in memory grows with time or with visitors, and every table has an end."""

import asyncio
import gc
import sys
from collections.abc import Callable
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import pytest
from sqlalchemy import func, insert, select
from tests.apps.status.ground import Page, id_of, plan
from tests.apps.status.installation import Clock, installed

from penstock.apps.status import tables
from penstock.apps.status.incidents import retention
from penstock.apps.status.reports import storing
from penstock.apps.status.reports.desk import SECOND_MAX, Sender
from penstock.apps.status.reports.intake import Body, Intake
from penstock.apps.status.watching.judging import Judging
from penstock.core.calendar import DAY_S
from penstock.watch.evidence import Counts, PageState, Post, Probe, ProbeResult, Silence
from penstock.watch.evidence import Kind as Source
from penstock.watch.watch import Watch

VOTES = 100_000
COUNTS = 1_000_000
SPAN_S = 60.0  # then a million are months: each hour of the week has been there
GROWTH_MAX = 1.3  # from a fifth of it to the whole
HELD_MAX = 60_000_000  # 200 votes a second, for as long as somebody likes
NOT_OURS = (type, ModuleType, FunctionType)


def size(thing: object) -> int:
    """Return the bytes of all that a thing holds."""
    seen: set[int] = set()
    found, left = 0, [thing]
    while left:
        one = left.pop()
        if id(one) in seen or isinstance(one, NOT_OURS):
            continue
        seen.add(id(one))
        found += sys.getsizeof(one)
        left += gc.get_referents(one)
    return found


async def blocking(work: Callable[[], Any]) -> Any:
    return work()


async def pause(seconds: float) -> None:
    del seconds


@pytest.mark.slow
def test_a_flood_of_votes_stays_within_its_windows(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    clock = Clock()
    parts = installed(tmp_path, clock)
    judging = Judging(parts, blocking, pause)
    intake = Intake(parts, blocking, judging.on_report)
    components = [one.id for one in parts.plan if one.watched.surface]
    sizes: list[int] = []
    for number in range(VOTES):
        if number % SECOND_MAX == 0:
            clock.now_unix_s += 1.0
            asyncio.run(intake.turn())
            vars(intake)["_waiting"].taken()
        if number % (VOTES // 10) == 0:
            asyncio.run(judging.turn())
            sizes.append(held(intake, judging))
        sender = Sender(f"198.{number >> 16}.{number >> 8 & 255}.{number & 255}", f"{number}")
        intake.take(Body(component=components[number % len(components)]), sender, "page")
    clock.now_unix_s += 3600.0
    asyncio.run(judging.turn())
    intake.take(Body(component=components[0]), Sender("203.0.113.1"), "page")
    record_property("bytes held", {"by tenths": sizes, "an hour later": held(intake, judging)})
    assert sizes[-1] < HELD_MAX
    assert held(intake, judging) < sizes[-1] / 2  # tables keep their capacity
    parts.store.close()


def held(intake: Intake, judging: Judging) -> int:
    """Return what votes may fill."""
    parts = [vars(intake)[name] for name in ("_people", "_desk", "_waiting")]
    watch: Watch = vars(judging)["_watch"]
    return sum(map(size, parts)) + size(vars(watch)["_dossiers"])


@pytest.mark.slow
def test_a_million_counts_are_held_in_the_space_of_a_few(
    record_property: Callable[[str, object], None],
) -> None:
    components = [one.watched for one in plan()]
    watch = Watch(components)
    sizes: list[int] = []
    for number in range(COUNTS):
        at_unix_s = 1_772_443_200.0 + SPAN_S * (number // len(components))
        id_ = components[number % len(components)].id
        counts = Counts(
            component=id_, from_unix_s=at_unix_s - SPAN_S, to_unix_s=at_unix_s, good=50, failed=1
        )
        watch.on_counts(counts)
        if number % 1000 == 0:
            ms = number / 1000
            watch.on_probe(
                Probe(component=id_, at_unix_s=at_unix_s, result=ProbeResult.GOOD, probe=f"p{ms}")
            )
            watch.on_silence(
                Silence(component=id_, kind=Source.PAGE, at_unix_s=at_unix_s, why=f"{number}")
            )
            watch.on_post(
                Post(component=id_, at_unix_s=at_unix_s, state=PageState.GOOD, words=f"{number}")
            )
            watch.judge(at_unix_s)
        if number % (COUNTS // 10) == 0:
            watch.judge(at_unix_s)
            sizes.append(size(watch))
    record_property("bytes held by tenths", sizes)
    assert sizes[-1] <= GROWTH_MAX * sizes[2]


def test_what_is_told_of_a_component_that_does_not_exist_is_not_kept() -> None:
    watch = Watch([])
    before = size(watch)
    for number in range(1000):
        counts = Counts(component=f"{number}", from_unix_s=0.0, to_unix_s=1.0, good=1)
        watch.on_counts(counts)
    watch.judge(10.0)
    assert size(watch) < before + 20_000


def test_posts_and_the_audit_log_end_with_the_history_and_by_number(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, now = page.now_s - 11 * DAY_S, page.now_s
    with page.writing() as connection:
        for table in (tables.posts, tables.audit):
            times = [old] * 3 + [now] * 12
            connection.execute(insert(table), [{"at_unix_s": one} for one in times])
    for rows_max, kept in ((100, 12), (10, 10)):
        monkeypatch.setattr(retention, "ROWS_MAX", rows_max)
        with page.writing() as connection:
            retention.turn(connection, 10, now)
        assert [len(page.rows(one)) for one in ("posts", "audit")] == [kept, kept]


def test_reports_end_by_number(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storing, "REPORTS_MAX", 4)
    with page.writing() as connection:
        row = {"component": id_of("API"), "at_unix_s": page.now_s}
        connection.execute(insert(tables.reports), [row] * 9)
    storing.forget(page.store, 3, page.now_s)
    with page.store.reading() as connection:
        ids = select(func.min(tables.reports.c.id), func.count())
        assert connection.execute(ids).one() == (6, 4)
