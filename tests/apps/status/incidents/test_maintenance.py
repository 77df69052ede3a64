"""Maintenance that begins and ends by itself, or by people."""

from typing import Any

import pytest
from sqlalchemy import Connection
from tests.apps.status.ground import Page, id_of

from penstock.apps.status.incidents import maintenance, states
from penstock.apps.status.incidents.maintenance import Announcement, Post, Schedule
from penstock.apps.status.queries import recorded
from penstock.watch.component import State
from penstock.web.endpoint import ConflictError, InvalidError

API = id_of("API")


def announced(page: Page, in_s: float = 3600, for_s: float = 1800, **more: Any) -> str:
    from_unix_s = page.now_s + in_s
    wanted = Announcement(
        name="New network cards",
        body="The API is away for a few minutes.",
        components=(API,),
        schedule=Schedule(from_unix_s=from_unix_s, until_unix_s=from_unix_s + for_s, **more),
    )
    with page.writing() as connection:
        return maintenance.schedule(connection, page.parts, wanted, page.now_s)


def turn(page: Page, after_s: float) -> bool:
    page.now_s += after_s
    with page.writing() as connection:
        return maintenance.turn(connection, page.parts, page.now_s)


def watch(page: Page, state: State) -> None:
    with page.writing() as connection:
        states.watched(connection, page.parts, {API: state}, page.now_s)


def status(page: Page, incident: str) -> str:
    (row,) = page.rows("incidents", id=incident)
    return row.status


def test_it_begins_and_ends_by_itself(page: Page) -> None:
    watch(page, State.OPERATIONAL)
    one = announced(page)
    assert not turn(page, 3599)
    assert page.state("API") is State.OPERATIONAL
    assert turn(page, 1)
    assert page.state("API") is State.MAINTENANCE
    watch(page, State.MAJOR)
    assert page.state("API") is State.MAINTENANCE
    assert not turn(page, 1799)
    watch(page, State.OPERATIONAL)
    assert turn(page, 1)
    assert page.state("API") is State.OPERATIONAL
    assert not turn(page, 3600)
    with page.store.reading() as connection:
        found = recorded.one(connection, one)
    assert found is not None
    assert [update.status for update in found.view.updates] == [
        "completed",
        "in_progress",
        "scheduled",
    ]
    assert found.view.updates[1].body.endswith("planned to end by 10:50 UTC.")
    begun = found.view.updates[1].affected[0]
    assert (begun.old_status, begun.new_status) == ("operational", "under_maintenance")
    planned = found.view.updates[2].affected[0]
    assert (planned.old_status, planned.new_status) == ("operational", "operational")
    assert found.view.impact == "maintenance"


def test_without_the_flags_people_do_it(page: Page) -> None:
    one = announced(page, begins_itself=False, ends_itself=False)
    assert not turn(page, 3600)
    for step in ("in_progress", "verifying", "completed"):
        with page.writing() as connection:
            wanted = Post(status=step, body="Next.")
            maintenance.post(connection, page.parts, one, wanted, page.now_s)
        expected = State.UNKNOWN if step == "completed" else State.MAINTENANCE
        assert page.state("API") is expected
        assert not turn(page, 1800)


def test_it_goes_forward_only(page: Page) -> None:
    one = announced(page)
    turn(page, 3600)
    back, wrong, done = (
        Post(status=status, body="So it is.") for status in ("scheduled", "resolved", "completed")
    )
    with page.writing() as connection:
        with pytest.raises(ConflictError):
            maintenance.post(connection, page.parts, one, back, page.now_s)
        with pytest.raises(InvalidError):
            maintenance.post(connection, page.parts, one, wrong, page.now_s)
        with pytest.raises(ConflictError):
            maintenance.cancel(connection, page.parts, one, "ann", page.now_s)
        maintenance.post(connection, page.parts, one, done, page.now_s)
        with pytest.raises(ConflictError):
            maintenance.post(connection, page.parts, one, done, page.now_s)


def test_one_that_nobody_saw_is_over(page: Page) -> None:
    one = announced(page)
    assert turn(page, 86_400)
    assert status(page, one) == "completed"
    assert [row.status for row in page.rows("incident_updates")] == ["scheduled", "completed"]


def test_it_is_cancelled_before_it_begins(page: Page) -> None:
    one = announced(page)
    with page.writing() as connection:
        maintenance.cancel(connection, page.parts, one, "ann", page.now_s)
    assert not turn(page, 3700)
    assert page.state("API") is State.UNKNOWN
    assert status(page, one) == "completed"


def test_one_that_is_due_begins_at_once(page: Page) -> None:
    announced(page, in_s=-10)
    assert page.state("API") is State.MAINTENANCE


def test_its_times_can_be_moved(page: Page) -> None:
    one = announced(page)
    later = Schedule(from_unix_s=page.now_s + 7200, until_unix_s=page.now_s + 9000)
    with page.writing() as connection:
        maintenance.reschedule(connection, one, "Later", later, page.now_s)
    assert not turn(page, 3700)
    assert turn(page, 3500)
    longer = Schedule(from_unix_s=later.from_unix_s, until_unix_s=page.now_s + 9000)
    moved = Schedule(from_unix_s=page.now_s + 60, until_unix_s=page.now_s + 9000)
    with page.writing() as connection:
        maintenance.reschedule(connection, one, "Longer", longer, page.now_s)
        with pytest.raises(ConflictError):
            maintenance.reschedule(connection, one, "Longer", moved, page.now_s)


@pytest.mark.parametrize(
    ("param", "in_s", "for_s"),
    [
        ("until_unix_s", 10, 0),
        ("until_unix_s", -20, 10),
        ("until_unix_s", 10, maintenance.LENGTH_S_MAX + 1),
        ("from_unix_s", maintenance.AHEAD_S_MAX + 1, 60),
    ],
)
def test_times_that_make_no_sense_are_refused(
    page: Page, param: str, in_s: float, for_s: float
) -> None:
    with pytest.raises(InvalidError) as caught:
        announced(page, in_s, for_s)
    assert caught.value.param == param
    assert not page.rows("incidents")


def test_people_outrank_a_maintenance(page: Page) -> None:
    announced(page, in_s=-10)

    def override(connection: Connection, state: State | None) -> None:
        states.override(connection, page.parts, API, state, page.now_s)

    page.now_s += 10
    with page.writing() as connection:
        override(connection, State.MAJOR)
    assert page.state("API") is State.MAJOR
    page.now_s += 10
    with page.writing() as connection:
        override(connection, None)
    assert page.state("API") is State.MAINTENANCE
