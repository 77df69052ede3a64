"""How live drills ended stands in the audit log once, whoever lived meanwhile."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert, select
from tests.apps.control.operator import Operator, operator
from tests.apps.control.test_live_drills import BODY, allow

from penstock.apps.control.live_ends import QUIET_LOOKS, LiveEnds, note
from penstock.core.errors import StoreError
from penstock.ledger.store import Store, migrate
from penstock.ledger.tables import audit
from penstock.snapshot import live_drill
from penstock.snapshot.live_drill import ON, OVER, REFUSED, STOPPED, End, Told, end_of

NOW: Final = 1_800_000_000.0


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Operator]:
    """An operator's API where live drills are allowed."""
    with operator(tmp_path) as one:
        allow(one)
        yield one


def ends(api: Operator, now_unix_s: float = NOW) -> LiveEnds:
    """Return what a control process does that has just been started."""
    parts = msgspec.structs.replace(api.control.parts, now_unix_s=lambda: now_unix_s)

    async def blocking(work: Any) -> Any:
        return work()

    return LiveEnds(parts, blocking)


def say(api: Operator, state: str, drill: str = "live-1", worker: int = 1, **more: Any) -> Told:
    """Let a worker say something."""
    told = Told(
        worker=f"gateway-{worker}", drill=drill, state=state, at_unix_s=more.pop("at_unix_s", NOW),
        changed_unix_s=NOW, **more,
    )  # fmt: skip
    live_drill.tell(api.folder, told)
    return told


def lines(api: Operator) -> list[dict[str, Any]]:
    """Return the ends in the audit log."""
    items = api.done("GET", "/audit", kind="live_drill", action="end")["items"]
    return [{**one, "after": msgspec.json.decode(one["after"])} for one in items]


def test_an_end_is_noted_once_by_whoever_looks(api: Operator) -> None:
    say(api, ON, seen=10)
    first = ends(api)
    first.look()
    assert lines(api) == []
    say(api, STOPPED, why="a contract", seen=20, struck=2, kinds={"http_529": 3})
    say(api, STOPPED, worker=2, why=live_drill.TAKEN_AWAY, seen=5, spared=1)
    for one in (first, first, ends(api), ends(api, NOW + 1e6)):
        one.look()
    (line,) = lines(api)
    assert (line["actor"], line["role"], line["object"]) == ("gateway", "process", "live-1")
    assert line["after"] == {
        "state": "stopped", "why": "a contract", "at_unix_s": NOW, "seen": 25, "struck": 2,
        "spared": 1, "kinds": {"http_529": 3},
    }  # fmt: skip


def test_it_is_noted_before_another_one_is_begun(api: Operator) -> None:
    made = api.done("POST", "/live-drills", BODY)["drill"]["id"]
    say(api, OVER, made)
    live_drill.take_away(api.folder)
    again = api.done("POST", "/live-drills", BODY)["drill"]["id"]
    assert [one["object"] for one in lines(api)] == [made]
    log = api.done("GET", "/audit", kind="live_drill")["items"]
    assert [(one["action"], one["object"]) for one in log] == [
        ("begin", again), ("end", made), ("begin", made),
    ]  # fmt: skip
    ends(api).look()
    assert len(lines(api)) == 1, "the one that is on has no end"


def test_who_falls_silent_does_not_keep_it_from_being_noted(api: Operator) -> None:
    say(api, OVER)
    say(api, ON, worker=2)  # frozen, or gone for good
    one = ends(api)
    for _ in range(QUIET_LOOKS):
        one.look()
    assert lines(api) == []
    one.look()
    (line,) = lines(api)
    assert (line["after"]["state"], line["after"]["silent"]) == ("over", ["gateway-2"])


def test_a_clock_that_is_set_ends_nothing_where_a_worker_goes_on(api: Operator) -> None:
    drill = api.done("POST", "/live-drills", BODY)["drill"]["id"]
    later = api.control.parts.now_unix_s() + 86_400.0
    one = ends(api, later)
    for second in range(2 * QUIET_LOOKS):
        say(api, ON, drill, at_unix_s=later + second)
        one.look()
    assert lines(api) == []


def test_a_database_that_is_away_loses_nothing(
    api: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **__: object) -> None:
        raise StoreError("the database is away")

    say(api, OVER)
    one = ends(api)
    with monkeypatch.context() as patched:
        patched.setattr(Store, "writing", away)
        one.look()
    one.look()
    assert len(lines(api)) == 1


def test_two_who_note_at_once_note_one(store: Store) -> None:
    migrate(store)
    told = Told(worker="gateway", drill="live-1", state=OVER, at_unix_s=NOW, changed_unix_s=NOW)
    begun = {
        "at_unix_s": NOW, "actor": "olga", "role": "owner", "address": "", "action": "begin",
        "kind": live_drill.KIND, "object": "live-1", "before": "", "after": "{}",
    }  # fmt: skip
    with store.writing() as connection:
        connection.execute(insert(audit).values(**begun))
    end, is_there, waiting = end_of("live-1", [told]), threading.Event(), threading.Event()

    def work() -> None:
        is_there.set()
        with store.writing() as connection:
            note(connection, end, NOW)

    with ThreadPoolExecutor(1) as threads:
        with store.writing() as connection:
            note(connection, end, NOW)
            done = threads.submit(work)
            assert is_there.wait(30)
            waiting.wait(0.3)  # time to go wrong in: it has to wait for us
        done.result()
    with store.reading() as connection:
        rows = connection.execute(select(audit.c.seq).where(audit.c.action == "end")).all()
    assert len(rows) == 1


@given(
    states=st.lists(st.sampled_from([ON, OVER, STOPPED, REFUSED]), min_size=1, max_size=4),
    counts=st.lists(st.integers(0, 100), min_size=4, max_size=4),
)
def test_the_end_of_all_is_made_of_the_ends_of_each(states: list[str], counts: list[int]) -> None:
    workers = [
        Told(
            worker=f"gateway-{at}", drill="x", state=state, at_unix_s=at, changed_unix_s=at,
            seen=counts[at], kinds={"hang": counts[at]},
        )
        for at, state in enumerate(states)
    ]  # fmt: skip
    found: End = end_of("x", workers)
    assert found.seen == sum(counts[: len(states)]) == found.kinds.get("hang", 0)
    assert found.state in states or (set(states) == {ON} and found.state == STOPPED)
    assert (found.state == STOPPED) >= (STOPPED in states)
    assert len(found.silent) == states.count(ON)
