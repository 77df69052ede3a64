"""What every drill must show: each invariant can be broken, alone."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.sim.drills.results import counts, result

from penstock.core.price import Rates
from penstock.sim.drills import expect, impact
from penstock.sim.drills.bills import EXTRA, usual
from penstock.sim.drills.invariants import invariants
from penstock.sim.drills.judging import Stated, exit_status, judged
from penstock.sim.drills.shapes import Arm, Call, Counts, Reckoning, Result, Seen, Series

ALL = counts("", calls=400, complete=400)
ENTERPRISE = counts("enterprise", added_p99_s=0.1)
STANDARD = counts("standard")
FREE = counts(
    "free", refused=40, complete=60, sessions=20, sessions_complete=18, possible_ratio=1.0
)
ROWS = (ALL, ENTERPRISE, STANDARD, FREE)
SEEN = Seen(component="claude", name="Claude", failed_at_s=10.0, is_right=True)
RECKONED = Reckoning(arm="penstock", exchanges=400, seen=400, attempts=500, is_equal=True)


def shown(tier: str = "", **changed: Any) -> Result:
    """A good result, with one row of counts changed."""
    rows = (replace(one, **changed) if one.tier == tier else one for one in ROWS)
    return result(*rows, seen=(SEEN,), reckonings=(RECKONED,))


def broken(found: Result) -> list[str]:
    return [one.name for one in invariants(found) if one.is_kept is False]


def test_a_good_drill_breaks_nothing() -> None:
    found = invariants(shown())
    assert [one.is_kept for one in found] == [True] * len(found)
    assert len(found) == 8


@pytest.mark.parametrize(
    ("tier", "changed", "name"),
    [
        ("", {"truncated": 1}, "no silent truncation"),
        ("enterprise", {"complete": 99, "refused": 1}, "every enterprise call completes"),
        ("standard", {"complete": 99, "failed": 1}, "every standard call completes"),
        ("standard", {"complete": 98, "broken": 2}, "every standard call completes"),
        ("enterprise", {"added_p99_s": 0.26}, "enterprise waits at most 0.25 s longer"),
        ("free", {"sessions_complete": 16}, "free sessions complete as capacity allows, api"),
        ("enterprise", {"waited": 90}, "no tier is put off for one below it"),
        ("standard", {"waited": 90}, "no tier is put off for one below it"),
    ],
)
def test_each_invariant_can_be_broken_alone(tier: str, changed: Any, name: str) -> None:
    assert broken(shown(tier, **changed)) == [name]


def test_what_a_provider_said_in_wrong_words_is_no_call_that_was_lost() -> None:
    found = shown("standard", complete=98, failed=2, spoilt=2)
    assert broken(found) == []
    (check,) = (one for one in invariants(found) if one.name.startswith("every standard"))
    assert "2 in wrong words of the provider's" in check.words
    assert broken(shown("standard", complete=98, failed=2, spoilt=1)) != []


@pytest.mark.parametrize(
    "changed", [{"is_equal": False}, {"missing": 1}, {"twice": 1}, {"differing": 1}]
)
def test_a_ledger_that_is_not_equal_is_told(changed: Any) -> None:
    found = replace(shown(), reckonings=(replace(RECKONED, **changed),))
    assert broken(found) == ["the ledger is right, penstock"]


@pytest.mark.parametrize(
    ("attempts", "is_kept"), [(400, True), (420, True), (440, True), (441, False)]
)
def test_who_fails_nearly_all_is_not_asked_first(attempts: int, *, is_kept: bool) -> None:
    found = shown()
    told = Series(arm="penstock", tier="", what="calls", step_s=10.0, values=(10.0,) * 9)
    # What came before the outage is nobody's fault in it.
    more = replace(told, what="more_attempts", values=(99.0, *((attempts - 400) / 8,) * 8))
    arm = replace(found.arms[0], series=(told, more))
    checks = invariants(replace(found, arms=(arm,)))
    (check,) = (one for one in checks if one.name == "who fails is left alone")
    assert check.is_kept is is_kept


def test_a_provider_that_hangs_is_known_late() -> None:
    found = shown("enterprise", added_p99_s=9.0)
    hung = replace(found.timetable.strikes[0], kind="hang")
    late = replace(found, timetable=replace(found.timetable, strikes=(hung,)))
    (check,) = (one for one in invariants(late) if one.name.startswith("enterprise waits"))
    assert check.is_kept is None


def test_a_watch_that_blames_the_wrong_one_is_told_also_of_what_did_not_fail() -> None:
    for failed_at_s in (10.0, None):
        wrong = Seen(component="gpt", name="GPT", failed_at_s=failed_at_s, is_right=False)
        assert broken(replace(shown(), seen=(SEEN, wrong))) == [
            "the watch was right, of what was played"
        ]
        assert broken(replace(shown(), uncut=(wrong,))) == [
            "the watch was right, of the whole outage"
        ]


def test_one_stream_may_break_with_an_error_that_says_so() -> None:
    assert broken(shown("standard", complete=99, broken=1)) == []


def test_what_was_not_measured_is_not_judged() -> None:
    bare = result(Counts(arm="penstock", tier=""), seen=(), reckonings=())
    found = invariants(bare)
    assert {one.is_kept for one in found if one.name.startswith(("every", "enterprise"))} == {None}
    assert broken(bare) == []


def test_callers_who_are_bound_have_nothing_to_keep() -> None:
    arm = Arm(name="bound", title="", counts=(Counts(arm="bound", tier="", truncated=3),))
    assert invariants(result(arms=(arm,), seen=(), reckonings=())) == ()


@given(st.integers(0, 400), st.integers(0, 400))
def test_a_lower_tier_that_is_put_off_more_is_no_inversion(one: int, other: int) -> None:
    low, high = sorted((one, other))
    higher = counts("enterprise", calls=400, complete=400 - low, refused=low)
    lower = counts("free", calls=400, complete=400 - high, refused=high)
    assert "no tier is put off for one below it" not in broken(result(higher, lower))


def test_judging_bills_first_and_then_expects() -> None:
    stated = Stated(
        impact.parse("[enterprise]\nper_minute_usd = 10\nmonthly_fee_usd = 100"),
        expect.parse(
            f"""
            schema = "{expect.SCHEMA}"
            [[expect]]
            figure = "impact_microusd"
            tier = "enterprise"
            at_most = 0
            [[expect]]
            figure = "calls"
            at_least = 1_000
            """
        ),
        usual(lambda model, _: Rates(output=10 if model.startswith("claude") else 30)),
    )
    call = Call(
        arm="penstock",
        tier="enterprise",
        route="balanced",
        provider="claude",
        upstream="gpt",
        at_s=1.0,
        end="complete",
        output_tokens=1_000_000,
    )
    found = judged(shown(), [call], stated)
    assert [one.is_kept for one in found.checks if one.is_expectation] == [True, False]
    assert (exit_status(shown()), exit_status(found)) == (0, 1)
    assert [one.values for one in found.arms[0].series if one.what == EXTRA] == [(20.0,)]
    assert {one.tier for one in found.bills} == {"enterprise", "standard", "free"}
