"""A live drill's report from the ledger: every exchange once, as its caller was told of it."""

from collections import Counter
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from tests.apps.control.rows import FAILED, WELL, exchange, put

from penstock.apps.drill import live
from penstock.apps.drill.live import AFTER_S, BEFORE_S, Ended
from penstock.apps.drill.live_seeing import Looked
from penstock.core.fault import FaultKind
from penstock.exchange.record import Record
from penstock.ledger import tables
from penstock.ledger.store import Store, migrate, open_store
from penstock.sim.drills import sound
from penstock.sim.drills.judging import Stated, judged
from penstock.sim.drills.page import page
from penstock.sim.drills.truth import Line, Sighting
from penstock.snapshot.live_drill import FaultEntry, LiveDrill
from penstock.web import page as pages

NOW: Final = 1_800_000_000.0
DRILL: Final = LiveDrill(
    id="live-1a2b",
    by="olga",
    reason="game day",
    began_unix_s=NOW,
    blast_radius_ratio=0.1,
    faults=(
        FaultEntry(kind=FaultKind.HTTP_529, upstream="claude", ends_unix_s=NOW + 300),
        FaultEntry(kind=FaultKind.HANG, starts_unix_s=NOW + 200, ends_unix_s=NOW + 300),
    ),
)
ENDED: Final = Ended(drill=DRILL, at_unix_s=NOW + 100, why="a contract", struck=7, seen=90)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Return a ledger with an exchange each second, around the drill, some of them bad."""
    made = open_store("", tmp_path)
    migrate(made)
    rows: list[dict[str, Any]] = []
    for second in range(-100, 200):
        more: dict[str, Any] = {}
        if second % 10 == 0 and 0 <= second < 100:
            more = {"outcome": "failed", "fate": "failed", "status": 503, "code": "overloaded"}
        rows.append(exchange(second + 1000, NOW + second + 0.5, **more))
    put(made, tables.exchanges, rows)
    assert (FAILED.outcome, WELL.outcome) == ("server_error", "success")
    return made


def test_every_exchange_of_the_span_is_counted_once(store: Store) -> None:
    found = live.records(store, ENDED)
    assert len(found) == 100 + int(BEFORE_S + AFTER_S)
    made = live.calls(found, ENDED)
    assert Counter(one.end for one in made) == {"complete": 180, "failed": 10}
    result = live.result(ENDED, made)
    (arm,) = result.arms
    whole = next(one for one in arm.counts if not one.tier and one.window == -1)
    assert (whole.calls, whole.complete, whole.failed) == (190, 180, 10)
    assert (result.mode, result.name) == ("live", "live-1a2b")


def test_strikes_end_where_it_was_stopped_and_the_report_says_why(store: Store) -> None:
    result = live.result(ENDED, live.calls(live.records(store, ENDED), ENDED))
    (strike,) = result.timetable.strikes
    assert (strike.kind, strike.share) == ("http_529", 0.1)
    assert (strike.from_s, strike.to_s) == (BEFORE_S, BEFORE_S + 100)
    html = pages.render("drill.html", **page(result))
    assert "stopped before its end: a contract" in html
    assert "7 of 90 were" in html


def test_a_quiet_installation_has_a_report_too() -> None:
    assert pages.render("drill.html", **page(live.result(ENDED, [])))


def test_exchanges_of_one_trace_are_a_session_that_its_last_one_ends() -> None:
    def made(second: float, trace: str, outcome: str) -> Record:
        return Record(
            id=f"r{second}", at_unix_s=NOW + second, duration_s=1.0, tenant="acme", key="k",
            route="auto", model="auto", dialect="openai_chat", is_stream=True, status=200,
            tier="free", outcome=outcome,
            trace=f"00-{trace:0>32}-{int(second):016x}-01" if trace else "",
        )  # fmt: skip

    found = [
        made(1, "a", "complete"), made(2, "b", "complete"), made(3, "a", "failed"),
        made(4, "b", "failed"), made(5, "a", "complete"), made(6, "", "failed"),
    ]  # fmt: skip
    (arm,) = live.result(ENDED, live.calls(found, ENDED)).arms
    whole = next(one for one in arm.counts if not one.tier and one.window == -1)
    assert (whole.calls, whole.sessions, whole.sessions_complete) == (6, 2, 1)


def test_added_time_is_not_told_of_whom_the_drill_made_slow(store: Store) -> None:
    (record, *_) = live.records(store, ENDED)
    assert live.calls([record], ENDED)[0].added_s == pytest.approx(0.25)
    for one in record.attempts:
        one.drill = "live-1a2b hang"
    assert live.calls([record], ENDED)[0].added_s is None


def test_runs_of_the_same_faults_or_the_same_outage_are_runs_of_one_drill() -> None:
    assert live.outage_id(DRILL) == "live-hang-http_529-claude"
    again = msgspec.structs.replace(DRILL, id="live-2", faults=DRILL.faults[::-1])
    assert live.outage_id(again) == live.outage_id(DRILL)
    rehearsal = msgspec.structs.replace(DRILL, outage="claude-2026-03-02")
    assert live.outage_id(rehearsal) == "claude-2026-03-02"
    kinds = (FaultKind.RESET, FaultKind.STALL, FaultKind.HTTP_500, FaultKind.HANG)
    many = tuple(FaultEntry(kind=one, route="a/*", ends_unix_s=NOW) for one in kinds)
    found = live.outage_id(msgspec.structs.replace(DRILL, faults=many))
    assert found == "live-hang-http_500-reset-more"


def test_what_was_seen_stands_beside_what_callers_felt(store: Store) -> None:
    line = Line(id="c1", name="claude", layer="route")
    said = Sighting(at_s=BEFORE_S + 20.0, component="c1", state="degraded", verdict="problem")
    looked = Looked((line,), (said,), {}, NOW - BEFORE_S, "looked at 7 times")
    made = live.calls(live.records(store, ENDED), ENDED)
    late = msgspec.structs.replace(ENDED, before_s=10.0)  # another drill was on until then
    (shifted,) = live.result(late, live.calls(live.records(store, late), late), looked).seen
    assert (shifted.failed_at_s, shifted.watch_s) == (10.5, 19.5)
    result = judged(live.result(ENDED, made, looked), made, Stated())
    (seen,) = result.seen
    assert (seen.failed_at_s, seen.watch_s) == (BEFORE_S + 0.5, 19.5)
    checks = {one.name: one.is_kept for one in result.checks}
    assert checks["the watch was right, of what callers felt"] is True
    assert not any("truncation" in name for name in checks), "nobody can know that of a live one"
    assert not sound.problems(result)
    html = pages.render("drill.html", **page(result))
    assert "Detector and status page against the truth" in html
    assert "Looked at 7 times" in html
