"""What happens with time: loops, retention, sums of days."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import insert, update
from tests.apps.status.ground import START_S, Page, id_of

from penstock.apps.status import tables, viewing
from penstock.apps.status.incidents import incidents, maintenance, retention, states
from penstock.apps.status.incidents.incidents import Opening
from penstock.apps.status.incidents.maintenance import Announcement, Schedule
from penstock.apps.status.incidents.saying import Said
from penstock.apps.status.incidents.turning import Turning
from penstock.watch.component import State

API = id_of("API")
DAY_S = 86_400


async def directly(call: Callable[[], Any]) -> Any:
    return call()


def turn(page: Page) -> bool:
    return asyncio.run(Turning(page.parts, directly).turn())


def put(page: Page, table: str, **values: Any) -> None:
    with page.writing() as connection:
        connection.execute(insert(tables.metadata.tables[table]).values(**values))


def forget(page: Page, history_days: int = 430) -> None:
    with page.writing() as connection:
        retention.turn(connection, history_days, page.now_s)


def opened(page: Page, *, is_draft: bool = False) -> str:
    said = Said(status="identified", body="So it is.", components={API: State.MAJOR})
    opening = Opening(name="It fails", said=said, is_draft=is_draft)
    with page.writing() as connection:
        return incidents.open_(connection, page.parts, opening, page.now_s)


def test_a_turn_begins_maintenance_and_asks_for_a_rendering(page: Page) -> None:
    touched: list[float] = []
    page.parts.touch = lambda: touched.append(page.now_s)
    wanted = Announcement(
        name="Work",
        body="Work.",
        components=(API,),
        schedule=Schedule(from_unix_s=page.now_s + 60, until_unix_s=page.now_s + 600),
    )
    with page.writing() as connection:
        maintenance.schedule(connection, page.parts, wanted, page.now_s)
    assert not turn(page)
    page.now_s += 60
    assert turn(page)
    assert touched == [page.now_s]
    assert page.state("API") is State.MAINTENANCE


def test_a_silent_watch_is_noticed(page: Page) -> None:
    with page.writing() as connection:
        states.watched(connection, page.parts, {API: State.OPERATIONAL}, page.now_s)
    page.now_s += 3600
    assert turn(page)
    assert page.state("API") is State.UNKNOWN


def test_a_component_that_is_gone_ends_and_may_come_back(page: Page) -> None:
    def gone(flag: int) -> None:
        with page.writing() as connection:
            mine = tables.components.c.id == API
            connection.execute(update(tables.components).where(mine).values(is_gone=flag))

    def watch() -> None:
        with page.writing() as connection:
            states.watched(connection, page.parts, {API: State.OPERATIONAL}, page.now_s)

    watch()
    gone(1)
    page.now_s += 10
    turn(page)
    assert [row.to_unix_s for row in page.rows("intervals", component=API)] == [page.now_s]
    page.now_s += 10
    gone(0)
    watch()
    assert [row.to_unix_s for row in page.rows("intervals", component=API)] == [page.now_s - 10, 0]


def test_days_are_summed_once_they_have_settled(page: Page) -> None:
    day = START_S // DAY_S * DAY_S
    for start, good, failed in ((0, 90, 10), (7200, 60, 40), (DAY_S, 1, 0)):
        put(
            page,
            "measures",
            component=API,
            source="telemetry",
            grain_s=60,
            start_unix_s=int(day) + start,
            good=good,
            failed=failed,
            timed=10,
            ttft_p50_s=1.0 + start / 7200,
        )
    page.now_s = day + DAY_S + 60
    forget(page)
    assert not page.rows("measures", grain_s=DAY_S)
    page.now_s = day + DAY_S + retention.SETTLE_S
    forget(page)
    forget(page)
    (row,) = page.rows("measures", grain_s=DAY_S)
    assert (row.good, row.failed, row.start_unix_s, row.ttft_p50_s) == (150, 50, day, 1.5)
    with page.store.reading() as connection:
        view = viewing.read(connection, page.parts, page.now_s)
    api = next(one for one in view.components if one.id == API)
    assert api.figures.exchanges_ratio == pytest.approx(151 / 201)


def test_what_is_old_is_forgotten(page: Page) -> None:
    old = opened(page)
    with page.writing() as connection:
        incidents.resolve(connection, page.parts, old, ("Over.", "ann"), page.now_s + 60)
    going = opened(page)
    for name in ("posts", "verdicts"):
        put(page, name, component=API, at_unix_s=page.now_s)
    put(page, "report_hours", component=API, start_unix_s=int(page.now_s))
    put(page, "kept", name=f"postmortem {old}", document="{}")
    page.now_s += 29 * DAY_S
    forget(page, 30)
    assert len(page.rows("incidents")) == 2
    page.now_s += 2 * DAY_S
    forget(page, 30)
    assert [row.id for row in page.rows("incidents")] == [going]
    for name in ("incident_updates", "incident_parts"):
        assert {row.incident for row in page.rows(name)} == {going}
    for name in ("posts", "verdicts", "report_hours"):
        assert not page.rows(name)
    assert not page.rows("kept", name=f"postmortem {old}")
    assert [row.to_unix_s for row in page.rows("intervals", component=API)] == [0]


def test_the_last_verdict_of_a_component_stays(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "VERDICTS_MAX", 3)
    for _ in range(9):
        put(page, "verdicts", component=API, at_unix_s=page.now_s)
    with page.writing() as connection:
        mine = tables.components.c.id == API
        connection.execute(update(tables.components).where(mine).values(verdict=2))
    forget(page)
    assert [row.id for row in page.rows("verdicts")] == [2, 7, 8, 9]


def test_drafts_that_are_over_do_not_stay(page: Page) -> None:
    one, going = opened(page, is_draft=True), opened(page, is_draft=True)
    with page.writing() as connection:
        incidents.resolve(connection, page.parts, one, ("Over.", "ann"), page.now_s)
    page.now_s += (retention.DRAFT_DAYS + 1) * DAY_S
    forget(page)
    assert [row.id for row in page.rows("incidents")] == [going]
