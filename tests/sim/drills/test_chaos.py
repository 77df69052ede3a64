"""Chaos: each blow has its time, and what callers saw of it is judged as the header says."""

from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.core.errors import ConfigError
from penstock.sim.drills import chaos, shapes
from penstock.sim.drills.chaos import ACTS, Act, Dealt
from penstock.sim.drills.script import rules
from penstock.sim.drills.shapes import Call, Check

SILENT = next(one for one in ACTS if not one.is_felt)
FELT = next(one for one in ACTS if one.is_felt)
FROM_S = 100.0
TO_S = 106.0
PLAYED_S = 130.0


def call(
    at_s: float, end: str = shapes.COMPLETE, tier: str = "enterprise", place: str = "api"
) -> Call:
    return Call(arm=shapes.PENSTOCK, tier=tier, place=place, at_s=at_s, end=end)


def judged(act: Act, *calls: Call, back_s: float | None = 1.0) -> dict[str, Check]:
    dealt = Dealt(act=act, from_s=FROM_S, to_s=TO_S, back_s=back_s)
    found = chaos.checks([dealt], [call(FROM_S + 15.0), *calls], PLAYED_S)
    return {one.name.partition(": ")[2]: one for one in found}


@given(st.lists(st.sampled_from(ACTS), unique=True, min_size=1))
def test_every_blow_has_a_window_of_its_own_with_quiet_around_it(acts: list[Act]) -> None:
    table = chaos.timetable(acts)
    assert table.played_s == table.windows[-1].to_s
    for act, window in zip(acts, table.windows, strict=True):
        at_s = chaos.blow_at_s(table, act)
        assert at_s == window.from_s + chaos.LEAD_S
        assert window.to_s >= at_s + act.for_s + chaos.AGAIN_S
    for one, after in zip(table.windows, table.windows[1:], strict=False):
        assert one.to_s == after.from_s


def test_the_providers_are_told_of_the_one_that_is_out_and_of_no_blow() -> None:
    told = rules(chaos.timetable(ACTS, "gpt"))["rules"]
    listed = cast("list[dict[str, object]]", told)
    assert [one["provider"] for one in listed] == ["gpt"]
    assert rules(chaos.timetable(ACTS, "")) == {"rules": []}


def test_acts_are_chosen_by_name_in_their_own_order() -> None:
    assert chaos.chosen([]) == tuple(one for one in ACTS if one.of in {"", chaos.SQLITE})
    with_postgresql = chaos.chosen([], chaos.POSTGRESQL)
    assert {one.of for one in with_postgresql} == {"", chaos.POSTGRESQL}
    with pytest.raises(ConfigError, match="the ledger is in sqlite"):
        chaos.chosen(["kill-database"])
    assert [one.name for one in chaos.chosen(["kill-chat", "kill-gateway"])] == [
        "kill-gateway",
        "kill-chat",
    ]
    with pytest.raises(ConfigError, match="kill-cat"):
        chaos.chosen(["kill-cat"])


@pytest.mark.parametrize("at_s", [FROM_S, TO_S, PLAYED_S - 1])
@pytest.mark.parametrize("end", [shapes.FAILED, shapes.BROKEN, shapes.REFUSED, shapes.TRUNCATED])
def test_what_does_not_carry_traffic_may_not_be_felt_at_all(at_s: float, end: str) -> None:
    assert judged(SILENT)["not felt at the API"].is_kept
    found = judged(SILENT, call(at_s, end))["not felt at the API"]
    assert found.is_kept is False
    assert end in found.words


def test_what_carries_traffic_may_be_felt_for_a_while_and_not_longer() -> None:
    again_s = TO_S + chaos.AGAIN_S
    assert judged(FELT, call(TO_S, shapes.BROKEN))["served again"].is_kept
    assert judged(FELT, call(again_s, shapes.BROKEN))["served again"].is_kept is False


@pytest.mark.parametrize(
    "other",
    [
        call(FROM_S - 1, shapes.FAILED),
        call(FROM_S + 1, shapes.FAILED, tier="free"),
        call(FROM_S + 1, shapes.FAILED, place="chat"),
        call(FROM_S + 1, shapes.UNFINISHED),
    ],
)
def test_others_calls_are_not_held_against_a_blow(other: Call) -> None:
    assert judged(SILENT, other)["not felt at the API"].is_kept


def test_a_part_that_does_not_come_back_is_told_and_a_blow_that_was_not_dealt_is_not_judged() -> (
    None
):
    assert judged(SILENT)["back"].is_kept
    assert judged(SILENT, back_s=None)["back"].is_kept is False
    dealt = Dealt(act=SILENT, from_s=1.0, to_s=1.0, trouble="there is no process limiter")
    (one,) = chaos.checks([dealt], [], PLAYED_S)
    assert one.is_kept is None
    assert "limiter" in one.words


def test_one_blow_ends_where_the_next_begins() -> None:
    dealt = [
        Dealt(act=SILENT, from_s=10.0, to_s=11.0, back_s=0.0),
        Dealt(act=SILENT, from_s=20.0, to_s=21.0, back_s=0.0),
    ]
    calls = [call(12.0), call(22.0, shapes.FAILED)]
    kept = [one.is_kept for one in chaos.checks(dealt, calls, 30.0) if "felt" in one.name]
    assert kept == [True, False]


def test_bills_and_exchanges_must_agree() -> None:
    assert chaos.charges(5, 5).is_kept
    assert chaos.charges(10, 5).is_kept is False


@given(st.lists(st.floats(0.0, 50.0), min_size=1, max_size=6))
def test_blows_that_came_late_have_the_windows_in_which_they_fell(late_s: list[float]) -> None:
    dealt: list[Dealt] = []
    at_s = 0.0
    for wait_s in late_s:
        from_s = at_s + chaos.LEAD_S + wait_s
        dealt.append(Dealt(act=SILENT, from_s=from_s, to_s=from_s))
        at_s = from_s
    table = chaos.as_dealt(dealt, at_s + 9.0, "claude", 1e9)
    assert table.windows[0].from_s == 0.0
    assert table.windows[-1].to_s == table.played_s == at_s + 9.0
    for one, window in zip(dealt, table.windows, strict=True):
        assert window.from_s - 1e-6 <= one.from_s <= window.to_s + 1e-6
        assert window.from_unix_s == 1e9 + window.from_s
    (out,) = (one for one in table.strikes if one.place == "api")
    assert out.to_s == table.played_s
