"""What an outage costs: the true outage's length, by what was played of it."""

import itertools
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.core.price import Rates
from penstock.sim.drills import impact
from penstock.sim.drills.bills import EXTRA, MONTH_S, bills, paid_more
from penstock.sim.drills.impact import UNSTATED
from penstock.sim.drills.shapes import (
    Arm,
    Bill,
    Call,
    Counts,
    Series,
    Strike,
    Timetable,
    Window,
)
from penstock.sim.drills.uncut import parts

BEGAN_UNIX_S = 1_772_451_420.0
STATED = impact.parse(
    """
    [enterprise]
    per_minute_usd = 100
    per_request_usd = 0.5
    requests_per_minute = 60
    monthly_fee_usd = 10_000
    """
)


def timetable(*lengths_s: float, before_s: float = 10.0, after_s: float = 80.0) -> Timetable:
    """An outage whose phases have these lengths, as it is played."""
    windows: list[Window] = []
    strikes: list[Strike] = []
    at_s, unix_s = 0.0, BEGAN_UNIX_S
    for length_s in (*lengths_s, 0.0):
        to_s = at_s + before_s + after_s
        windows.append(
            Window(
                from_s=at_s,
                to_s=to_s,
                from_unix_s=unix_s - before_s,
                to_unix_s=unix_s + after_s,
            )
        )
        if length_s:
            strikes.append(
                Strike(
                    place="api",
                    kind="http_500",
                    share=1.0,
                    from_s=at_s + before_s,
                    to_s=to_s + before_s,
                    surface="api",
                )
            )
        at_s, unix_s = to_s, unix_s + length_s
    return Timetable(
        windows=tuple(windows), strikes=tuple(strikes), played_s=at_s, true_s=sum(lengths_s)
    )


def arm(played: Timetable, ratio: float, calls_per_s: float = 1.0, *rest: Series) -> Arm:
    """An arm that serves this share while something is struck, and all else."""
    first = min(one.from_s for one in played.strikes)
    last = max(one.to_s for one in played.strikes)
    steps = range(int(played.played_s))
    values = tuple(ratio if first <= at < last else 1.0 for at in steps)
    calls = tuple(calls_per_s for _ in steps)
    told = Series(
        arm="penstock", tier="enterprise", what="success_ratio", step_s=1.0, values=values
    )
    beside = Series(arm="penstock", tier="enterprise", what="calls", step_s=1.0, values=calls)
    counts = (Counts(arm="penstock", tier="enterprise"), Counts(arm="penstock", tier=""))
    return Arm(name="penstock", title="", counts=counts, series=(told, beside, *rest))


def only(found: tuple[Bill, ...]) -> Bill:
    assert len(found) == 1
    return found[0]


lengths = st.lists(st.integers(90, 20_000).map(float), min_size=1, max_size=6)


@given(lengths)
def test_what_was_played_stands_for_the_whole_outage_without_gaps(found: list[float]) -> None:
    played = timetable(*found)
    whole = parts(played)
    assert sum(one.true_s for one in whole) == pytest.approx(10.0 + sum(found) + 80.0)
    assert sum(one.played_s for one in whole) == pytest.approx(played.played_s)
    assert all(one.scale >= 1.0 - 1e-9 for one in whole)
    for one, following in itertools.pairwise(whole):
        assert one.to_s == following.from_s
        assert one.to_unix_s == pytest.approx(following.from_unix_s)


@given(lengths, st.floats(0.0, 1.0))
def test_lost_minutes_are_those_of_the_true_outage(found: list[float], ratio: float) -> None:
    played = timetable(*found)
    bill = only(bills([arm(played, ratio)], played))
    assert bill.lost_minutes == pytest.approx(sum(found) / 60.0 * (1.0 - ratio), abs=1e-6)
    assert bill.availability_ratio is not None
    lost_share = sum(found) * (1.0 - ratio) / MONTH_S
    assert bill.availability_ratio == pytest.approx(1.0 - lost_share, abs=1e-5)
    assert (bill.credit_microusd, bill.impact_microusd, bill.failover_microusd) == (None,) * 3


def test_money_is_what_was_stated() -> None:
    played = timetable(7_200.0)
    bill = only(bills([arm(played, 0.5)], played, STATED))
    assert bill.lost_minutes == pytest.approx(60.0)
    # an hour lost of 720 is 99.86 %: the first step of the contract
    assert bill.credit_percent == pytest.approx(10.0)
    assert bill.credit_microusd == 1_000_000_000
    assert bill.impact_microusd == 60 * 100_000_000 + 60 * 60 * 500_000


def test_requests_are_the_drills_own_if_none_are_stated() -> None:
    stated = impact.parse('{"enterprise": {"per_request_usd": 0.1}}')
    played = timetable(7_200.0)
    bill = only(bills([arm(played, 0.0, 5.0)], played, stated))
    assert bill.impact_microusd == 7_200 * 5 * 100_000


RATES = {
    ("balanced", "claude", "enterprise"): Rates(input=3_000_000, output=15_000_000),
    ("balanced", "gpt", "enterprise"): Rates(input=4_000_000, output=15_000_000),
}


def answered(at_s: float, upstream: str, **others: Any) -> Call:
    """A call of a thousand tokens and a hundred, of a caller who would be bound to Claude."""
    usual: dict[str, Any] = {"cost_microusd": 4_500, "route": "balanced", "provider": "claude"}
    return Call(
        arm="penstock",
        tier="enterprise",
        at_s=at_s,
        end="complete",
        upstream=upstream,
        input_tokens=1_000,
        output_tokens=100,
        **(usual | others),
    )


def test_what_went_elsewhere_costs_for_as_long_as_it_lasted() -> None:
    played = timetable(3_600.0)
    calls = [answered(at + 0.5, "gpt" if 10 <= at < 100 else "claude") for at in range(180)]
    rows = paid_more(calls, RATES, {}, 1.0)
    assert [one.what for one in rows] == [EXTRA]
    for stated in (UNSTATED, STATED):  # 60 a minute are 1 a second
        bill = only(bills([arm(played, 1.0, 1.0, *rows)], played, stated))
        assert bill.failover_microusd == pytest.approx(3_600 * 1_000)


@pytest.mark.parametrize(
    ("call", "values"),
    [
        (answered(0.0, "claude", cost_microusd=9_999), (0.0,)),
        (answered(0.0, "claude", continued=1, cost_microusd=9_999), (5_499.0,)),
        (answered(0.0, "own", cost_microusd=500), (-4_000.0,)),
        (answered(0.0, "eu", cost_microusd=500), (1_000.0,)),
        (answered(0.0, "own", cost_microusd=0), None),
        (answered(0.0, ""), None),
        (answered(0.0, "gpt", route="other"), None),
    ],
)
def test_what_a_call_cost_more(call: Call, values: tuple[float, ...] | None) -> None:
    rows = paid_more([call], RATES, {"eu": "gpt"}, 1.0)
    assert (rows[0].values if rows else None) == values


def test_counts_of_windows_stand_in_where_there_is_no_series() -> None:
    played = timetable(3_600.0)
    counts = tuple(
        Counts(arm="bound", tier="free", window=at, calls=90, complete=90 - lost, unfinished=0)
        for at, lost in enumerate((45, 0))
    )
    bill = only(bills([Arm(name="bound", title="", counts=counts)], played))
    assert bill.lost_minutes == pytest.approx((3_600.0 - 0.0) / 60.0 / 2, rel=0.05)


def test_nobody_called_and_nothing_is_known() -> None:
    played = timetable(3_600.0)
    bill = only(bills([Arm(name="bound", title="", counts=(Counts(arm="", tier="free"),))], played))
    assert bill.availability_ratio is None
    assert (bill.lost_minutes, bill.credit_percent) == (0.0, 0.0)


def test_what_a_chat_lost_is_not_held_against_the_one_arm_that_has_one() -> None:
    replace = msgspec.structs.replace
    table = timetable(600.0)
    without = replace(arm(table, 0.9), counts=(counted("enterprise", "api"), counted("", "api")))
    lost = tuple(
        replace(one, place="chat", values=tuple(0.0 for _ in one.values))
        if one.what == "success_ratio"
        else replace(one, place="chat")
        for one in without.series
    )
    with_chat = replace(
        without,
        counts=(*without.counts, counted("enterprise", "chat"), counted("", "chat")),
        series=(*without.series, *lost),
    )
    beside = [one.lost_minutes for one in bills([without, with_chat], table)]
    assert beside[0] == pytest.approx(beside[1])
    assert only(bills([with_chat], table)).lost_minutes > beside[1]


def counted(tier: str, place: str) -> Counts:
    return Counts(arm="penstock", tier=tier, place=place, calls=10, complete=9)
