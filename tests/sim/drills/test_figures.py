"""Figures: every call is counted once, whatever it was; quantiles leave out what they must."""

from collections import Counter
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.sim.drills import played

from penstock.sim.drills import capacity, figures, moments, shapes
from penstock.sim.drills.figures import Titled, Told
from penstock.sim.drills.shapes import Arm, Call, Room, Strike, Timetable, Window

TIERS = ("enterprise", "standard", "free", "batch")
TABLE = played.timetable()
TOLD = Told(TABLE)
CALLS = st.lists(
    st.builds(
        Call,
        arm=st.just(shapes.PENSTOCK),
        place=st.sampled_from(figures.PLACES),
        tier=st.sampled_from(TIERS),
        user=st.sampled_from(("a", "b", "c")),
        session=st.sampled_from(("", "1", "2")),
        is_last=st.booleans(),
        at_s=st.floats(0.0, TABLE.played_s - 1e-3),
        tries=st.integers(1, 5),
        end=st.sampled_from(shapes.ENDS),
        code=st.sampled_from(("", "no_capacity", "upstream_failed")),
        ttft_s=st.floats(0.0, 30.0),
        took_s=st.floats(0.0, 60.0),
        waited_s=st.floats(0.0, 5.0),
        added_s=st.none() | st.floats(0.0, 30.0),
        provider=st.sampled_from(("claude", "gpt")),
        upstream=st.sampled_from(("", "claude", "gpt")),
        continued=st.integers(0, 1),
    ),
    max_size=40,
)


def arm_of(calls: list[Call]) -> Arm:
    return figures.arm(Titled(shapes.PENSTOCK, "With Penstock"), calls, TOLD)


def call(**fields: object) -> Call:
    made = Call(arm=shapes.PENSTOCK, tier="enterprise", at_s=50.0, end=shapes.COMPLETE)
    return msgspec.structs.replace(made, **fields)


@given(CALLS)
def test_every_call_is_counted_once_in_its_tier_in_its_window_and_in_all(calls: list[Call]) -> None:
    arm = arm_of(calls)
    for place in figures.PLACES:
        mine = [one for one in calls if one.place == place]
        whole = figures.find(arm, "", place)
        parts = [figures.find(arm, tier, place) for tier in TIERS]
        windows = [figures.find(arm, "", place, at) for at in range(len(TABLE.windows))]
        for counts in ([whole], parts, windows):
            assert sum(one.calls for one in counts) == len(mine)
            for end in shapes.ENDS:
                told = sum(getattr(one, end) for one in counts)
                assert told == sum(one.end == end for one in mine)
        for one in arm.counts:
            assert sum(getattr(one, end) for end in shapes.ENDS) == one.calls
            assert one.sessions_complete <= one.sessions


@given(CALLS)
def test_a_series_has_all_calls_and_no_success_where_nobody_called(calls: list[Call]) -> None:
    arm = arm_of(calls)
    found = {(one.place, one.tier, one.what): one for one in arm.series}
    for place in {one.place for one in calls}:
        told = found[place, "", "calls"]
        success = found[place, "", "success_ratio"]
        assert sum(value or 0.0 for value in told.values) == sum(x.place == place for x in calls)
        for number, ratio in zip(told.values, success.values, strict=True):
            assert ratio is None or (number and 0.0 <= ratio <= 1.0)


@given(CALLS, st.permutations(range(40)))
def test_figures_do_not_depend_on_the_order_of_calls(calls: list[Call], order: list[int]) -> None:
    mixed = [calls[at] for at in order if at < len(calls)]
    first, second = arm_of(calls), arm_of(mixed)
    for one, other in zip(first.counts, second.counts, strict=True):
        assert one.took_mean_s == pytest.approx(other.took_mean_s)
        assert msgspec.structs.replace(one, took_mean_s=None) == msgspec.structs.replace(
            other, took_mean_s=None
        )


def test_the_drills_end_is_nobodys_failure() -> None:
    arm = arm_of([call(), call(end=shapes.UNFINISHED), call(end=shapes.LEFT)])
    assert figures.find(arm).success_ratio == pytest.approx(0.5)
    ratios = [one for one in arm.series if one.what == "success_ratio" and not one.tier]
    assert [value for value in ratios[0].values if value is not None] == [pytest.approx(0.5)]


def test_added_wait_has_nothing_of_the_seconds_after_a_change() -> None:
    change_s = moments.changes(TABLE)[0]
    slow = [
        call(at_s=change_s + at_s, ttft_s=0.5, added_s=9.0)
        for at_s in (-0.4, 0.0, moments.SETTLING_S - 0.01)
    ]
    before = call(at_s=change_s - 0.6, ttft_s=0.5, added_s=0.1)
    after = call(at_s=change_s + moments.SETTLING_S, ttft_s=0.5, added_s=0.2)
    assert figures.find(arm_of(slow)).added_p99_s is None
    assert figures.find(arm_of([*slow, before])).added_p99_s == pytest.approx(0.1)
    assert figures.find(arm_of([*slow, before, after])).added_p99_s == pytest.approx(0.2)


def test_a_session_is_complete_if_all_of_it_is_and_not_counted_if_the_drill_cut_it_off() -> None:
    def turns(user: str, *ends: str, is_over: bool = True) -> list[Call]:
        return [
            call(user=user, session="1", turn=at, is_last=is_over and at == len(ends) - 1, end=end)
            for at, end in enumerate(ends)
        ]

    calls = [
        *turns("whole", "complete", "complete"),
        *turns("failed", "complete", "failed", is_over=False),
        *turns("cut", "complete", "unfinished"),
        *turns("going on", "complete", is_over=False),
    ]
    one = figures.find(arm_of(calls))
    assert (one.sessions, one.sessions_complete) == (2, 1)


def test_who_is_asked_for_and_who_answered() -> None:
    calls = [
        call(provider="claude", upstream="claude-eu"),
        call(provider="claude", upstream="gpt"),
        call(provider="claude", upstream="gpt", continued=1),
        call(provider="claude", upstream="gpt", end=shapes.BROKEN),
    ]
    told = Told(TABLE, {"claude-eu": "claude"})
    one = figures.find(figures.arm(Titled(shapes.PENSTOCK, ""), calls, told))
    assert (one.substituted, one.continued) == (1, 1)
    assert one.answered == {"gpt": 2, "claude": 1}


def test_the_customers_view_is_of_calls_that_began_while_the_api_failed() -> None:
    failing = moments.struck(TABLE, "api")
    calls = [call(at_s=float(at_s)) for at_s in range(int(TABLE.played_s))]
    seen = figures.customer(Titled(shapes.PENSTOCK, ""), calls, TOLD)
    inside = sum(moments.is_within(one.at_s, failing) for one in calls)
    assert 0 < figures.find(seen).calls == inside < len(calls)


# --- changes and windows


def test_steps_of_a_ramp_and_cuts_are_no_changes() -> None:
    windows = tuple(
        Window(
            from_s=at * 90.0, to_s=at * 90.0 + 90.0, from_unix_s=1e6 * at, to_unix_s=1e6 * at + 90.0
        )
        for at in range(2)
    )
    strikes = tuple(
        Strike(place="api", kind="http_500", share=share, from_s=from_s, to_s=to_s, surface="api")
        for share, from_s, to_s in ((0.1, 10.0, 50.0), (0.2, 50.0, 90.0), (0.2, 90.0, 100.0))
    )
    table = Timetable(windows=windows, strikes=strikes, played_s=180.0, true_s=1e6)
    assert moments.changes(table) == [10.0, 100.0]
    assert moments.true_unix_s(100.0, windows) == pytest.approx(1e6 + 10.0)
    assert moments.true_unix_s(181.0, windows) is None


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 100)), max_size=12), st.floats(0, 100))
def test_joined_stretches_are_apart_and_have_what_each_had(
    ends: list[tuple[float, float]], at_s: float
) -> None:
    stretches = [moments.Stretch(min(one), max(one)) for one in ends]
    found = moments.joined(stretches)
    for one, after in pairwise(found):
        assert after.from_s - one.to_s > moments.TOUCHING_S
    if moments.is_within(at_s, stretches):
        assert moments.is_within(at_s, found)


# --- capacity


@given(
    st.lists(st.floats(0.1, 5.0), min_size=1, max_size=3),
    st.integers(0, 60),
    st.integers(0, 60),
    st.integers(0, 60),
)
def test_room_is_used_up_by_the_most_urgent_first(
    rooms: list[float], enterprise: int, standard: int, free: int
) -> None:
    asked = {"enterprise": enterprise, "standard": standard, "free": free}
    calls = [
        call(tier=tier, at_s=1.0 + at / 1e3, took_s=1.0)
        for tier, number in asked.items()
        for at in range(number)
    ]
    arm = arm_of(calls)
    names = [Room(provider=f"p{at}", slots=one) for at, one in enumerate(rooms)]
    load = capacity.loads(TABLE, [arm], names)[0]
    shares = load.possible()
    given_s = sum(load.demand_per_s[tier] * share for tier, share in shares.items())
    if calls:
        assert given_s == pytest.approx(min(load.asked_per_s, sum(rooms)))
    ordered = list(shares.values())
    assert all(share == 1.0 or not any(ordered[at + 1 :]) for at, share in enumerate(ordered))


def test_a_provider_that_fails_has_less_room_and_a_model_that_fails_does_not() -> None:
    arm = arm_of([call(took_s=2.0)])
    loads = capacity.loads(TABLE, [arm], [Room(provider="claude", slots=4.0)])
    rooms = [one.room_per_s["claude"] for one in loads]
    assert rooms[0] == pytest.approx(2.0)
    assert rooms[2] == pytest.approx(2.0 * (1 - 0.1))
    assert rooms[5] == pytest.approx(2.0)


def test_room_that_is_idle_before_an_outage_is_of_no_use_in_it() -> None:
    """Half of a window all is well, with room for twice what comes; in the other half for none."""
    strike = msgspec.structs.replace(
        TABLE.strikes[0],
        place="api",
        provider="claude",
        model="*",
        share=1.0,
        from_s=10.0,
        to_s=20.0,
    )
    window = msgspec.structs.replace(TABLE.windows[0], from_s=0.0, to_s=20.0)
    table = msgspec.structs.replace(TABLE, windows=(window,), strikes=(strike,))
    arm = arm_of([call(tier="free", at_s=float(at), took_s=1.0) for at in range(10)])
    (load,) = capacity.loads(table, [arm], [Room(provider="claude", calls_per_s=1.0)])
    assert load.total_per_s == pytest.approx(0.5)
    assert load.possible() == {"free": pytest.approx(0.5)}
    assert capacity.possible([load], table) == {"free": pytest.approx(0.5)}


def test_the_chat_asks_the_same_providers_as_far_as_it_was_answered() -> None:
    calls = [
        call(tier="free", at_s=1.0, took_s=1.0),
        call(tier="free", place="chat", at_s=1.0, took_s=1.0),
        call(tier="free", place="chat", at_s=1.0, end="failed"),
    ]
    (load, *_) = capacity.loads(TABLE, [arm_of(calls)], [Room(provider="claude", slots=4.0)])
    window = TABLE.windows[0]
    assert load.demand_per_s["free"] * (window.to_s - window.from_s) == pytest.approx(2.0)


def test_without_a_room_nothing_is_said_of_it() -> None:
    assert not capacity.loads(TABLE, [arm_of([call()])], ())
    assert Counter(one.possible_ratio for one in arm_of([call()]).counts).keys() == {None}


@pytest.mark.parametrize(
    ("fields", "is_spoilt"),
    [
        ({}, True),
        ({"at_s": 29.0}, True),  # struck before it had ended
        ({"at_s": 20.0}, False),
        ({"at_s": 60.0}, False),
        ({"upstream": "gpt"}, False),
        ({"upstream": "", "provider": "claude"}, True),
        ({"code": "upstream_failed"}, False),
    ],
)
def test_wrong_words_are_the_providers_while_it_is_struck(
    fields: dict[str, object], *, is_spoilt: bool
) -> None:
    strike = Strike(
        place="api", kind="corrupt_tokens", share=0.1, from_s=30.0, to_s=60.0, surface="api",
        provider="claude",
    )  # fmt: skip
    told = Told(msgspec.structs.replace(TABLE, strikes=(strike,)))
    wrong = call(end=shapes.FAILED, code=shapes.WRONG_WORDS, upstream="claude", took_s=2.0)
    made = msgspec.structs.replace(wrong, **fields)
    arm = figures.arm(Titled(shapes.PENSTOCK, "With Penstock"), [made], told)
    found = figures.find(arm, "enterprise")
    assert (found.failed, found.spoilt) == (1, int(is_spoilt))
