"""Findings: what went worst stands first, with its arithmetic, and nothing is told twice."""

import math

import msgspec
import pytest
from tests.sim.drills import played

from penstock.sim.drills import shapes
from penstock.sim.drills.capacity import Load
from penstock.sim.drills.findings import FINDINGS_MAX, findings
from penstock.sim.drills.shapes import Arm, Check, Counts, Result, Room, Seen
from penstock.sim.drills.shortage import factor_of, gap
from penstock.sim.drills.verdict import state, verdict

TABLE = played.timetable()
SAFE = Counts(arm=shapes.PENSTOCK, tier="enterprise", calls=100, complete=100)


def result(*counts: Counts, rooms: tuple[Room, ...] = (), **fields: object) -> Result:
    """Return the result of one arm with these counts."""
    made = played.drilled()
    arm = Arm(name=shapes.PENSTOCK, title="With Penstock", counts=counts, rooms=rooms)
    whole = Result(
        name=made.name,
        mode=made.mode,
        began_unix_s=made.began_unix_s,
        took_s=made.took_s,
        seed=1,
        version="0",
        outage=made.outage,
        timetable=TABLE,
        arms=(arm,),
    )
    made_of = msgspec.structs.replace(whole, **fields)
    return msgspec.structs.replace(made_of, findings=findings(made_of))


def words(found: Result) -> list[str]:
    return [one.words for one in found.findings]


def counts(tier: str, window: int = -1, **fields: object) -> Counts:
    made = Counts(arm=shapes.PENSTOCK, tier=tier, window=window)
    return msgspec.structs.replace(made, **fields)


def test_nothing_that_went_wrong_is_no_finding() -> None:
    one = result(SAFE, checks=(Check(name="a", is_kept=True), Check(name="b", is_kept=None)))
    assert findings(one) == ()
    assert state(one) == "good"


def test_what_is_worse_stands_first() -> None:
    found = result(
        counts("", calls=100, complete=98, truncated=1, failed=1),
        counts("enterprise", calls=100, complete=99, failed=1, refusals={"upstream_failed": 3}),
        checks=(Check(name="free success", is_kept=False, is_expectation=True),),
        seen=(Seen(component="a", name="Chat", failed_at_s=1.0, is_right=False),),
    )
    assert words(found) == [
        "1 answer ended as if whole, and were not",
        "1 of 100 (1.0 %) enterprise calls did not complete: 1 failed",
        "An expectation was not met: free success",
        "Chat failed, and the watch never saw it",
    ]
    assert [one.rank for one in findings(found)] == [1, 2, 3, 4]
    assert state(found) == "bad"


def test_a_check_that_a_finding_explains_is_not_told_again() -> None:
    checks = (
        Check(name="every enterprise call completes", is_kept=False, words="99 of 100"),
        Check(name="no silent truncation", is_kept=False, words="of another arm"),
        Check(name="enterprise waits at most 0.25 s longer", is_kept=False),
    )
    lost = counts("enterprise", calls=100, complete=99, failed=1, added_p99_s=3.0)
    found = words(result(lost, checks=checks))
    assert len(found) == 3
    assert found[1] == "This did not hold: no silent truncation"


def test_answers_that_broke_with_an_error_are_counted_apart() -> None:
    one = result(counts("enterprise", calls=100, complete=98, broken=2))
    assert words(one) == [
        "2 of 100 (2.0 %) enterprise answers were broken off, each with an error that says so"
    ]
    assert state(one) == "degraded"


def test_a_quota_that_is_too_small_is_told_with_its_arithmetic() -> None:
    window = 1  # the API of Claude fails in it, a tenth of it
    span = TABLE.windows[window]
    calls = int((span.to_s - span.from_s) * 4)
    whole = counts(
        "", calls=calls, complete=calls, took_mean_s=1.0, answered={"gpt": 50, "claude": 10}
    )
    one = result(
        whole,
        msgspec.structs.replace(whole, tier="free"),
        msgspec.structs.replace(
            whole, tier="free", window=window, waited=calls // 4, refused=calls // 8
        ),
        msgspec.structs.replace(whole, window=window, answered={"claude": 45, "gpt": 90}),
        rooms=(Room(provider="claude", slots=1.0), Room(provider="gpt", slots=1.0)),
    )
    found = findings(one)[0]
    assert found.words == (
        "GPT quota too small to absorb Claude's free tier: 37.5 % of it waited more than a second "
        "or was turned away"
    )
    assert found.remedy == (
        "3.5x quota or a local engine would close it: 4 calls/s were asked for; Claude still gave "
        "0.5 and GPT has room for 1."
    )


@pytest.mark.parametrize(
    ("rooms", "factor"),
    [
        ({"gpt": 1.0, "claude": 0.0}, 2.0),
        ({"gpt": 1.0, "claude": 9.0}, 1.7),  # of what fails no more is to be had than it gave
        ({"gpt": 0.0, "claude": 1.0}, math.inf),
        ({"gpt": 2.0, "claude": 0.0}, 1.0),
    ],
)
def test_how_much_more_would_do(rooms: dict[str, float], factor: float) -> None:
    load = Load(
        0, {"enterprise": 1.5, "free": 0.5}, rooms, ("claude",), ((60.0, sum(rooms.values())),)
    )
    found = gap(load, ("claude",), {"claude": 0.3, "gpt": 5.0})
    assert factor_of(found, "gpt") == pytest.approx(factor)


def test_bursts_that_wait_are_no_small_quota() -> None:
    one = result(
        counts("", calls=100, complete=100, took_mean_s=1.0),
        counts("", 1, calls=90, answered={"claude": 90}),
        counts("free", 1, calls=90, waited=30, answered={"gpt": 10}),
        rooms=(Room(provider="claude", slots=9.0), Room(provider="gpt", slots=9.0)),
    )
    (found,) = one.findings
    assert found.words.startswith("33.3 % of Claude's free tier waited more than a second")
    assert "enough on average" in found.words


def test_an_expectation_of_a_tier_without_room_has_that_as_its_remedy() -> None:
    check = Check(name="free success at least 0.9", is_kept=False, is_expectation=True)
    one = result(counts("free", 1, calls=100, waited=50, answered={"gpt": 10}), checks=(check,))
    first, second = findings(one)
    assert first.remedy.startswith(second.words)


@pytest.mark.parametrize(
    ("seen", "told"),
    [
        (Seen(component="a", name="A", failed_at_s=None, is_right=True), ""),
        (Seen(component="a", name="A", failed_at_s=1.0, is_right=None), ""),
        (Seen(component="a", name="A", failed_at_s=None, is_right=False, verdict="problem"),
         "A worked, and the status page called it problem"),
        (Seen(component="a", name="A", failed_at_s=1.0, is_right=False, watch_s=90.0),
         "A failed, and it took 90 s until that was known"),
        (Seen(component="a", name="A", failed_at_s=1.0, is_right=False, watch_s=9.0,
              culprit="us", expected="provider"),
         "A failed, and the watch blamed us, where the provider would be right"),
    ],
)  # fmt: skip
def test_how_the_watch_was_wrong(seen: Seen, told: str) -> None:
    assert words(result(SAFE, seen=(seen,))) == ([told] if told else [])


def test_findings_are_bounded() -> None:
    checks = tuple(Check(name=f"check {at}", is_kept=False) for at in range(50))
    assert len(findings(result(SAFE, checks=checks))) == FINDINGS_MAX


def test_the_first_line_is_what_went_worst_and_else_what_held() -> None:
    good = verdict(result(SAFE))
    assert (good.state, good.words) == ("good", "With Penstock all 100 enterprise calls completed")
    whole = verdict(played.result())
    assert whole.words == played.result().findings[0].words
    assert whole.held.startswith("With Penstock all ")
    assert "; without Penstock 11" in whole.held or "; without Penstock 12" in whole.held


def test_wrong_words_of_a_provider_are_told_beside_what_was_lost() -> None:
    found = result(counts("standard", calls=100, complete=97, failed=3, spoilt=2))
    assert words(found) == [
        "1 of 100 (1.0 %) standard calls did not complete: 1 failed",
        "2 of 100 (2.0 %) standard answers were whole, in wrong words",
    ]
    spoilt = result(counts("standard", calls=100, complete=98, failed=2, spoilt=2))
    assert len(words(spoilt)) == 1
    assert "canaries" in spoilt.findings[0].remedy
