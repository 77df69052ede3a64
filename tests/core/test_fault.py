"""Shares, shapes and forms of faults hold for all inputs."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.core.fault import (
    HARMLESS,
    Fault,
    FaultKind,
    FaultRule,
    FaultScript,
    Phase,
    Requests,
    Shape,
)

KINDS = st.sampled_from(list(FaultKind))
RATIOS = st.floats(0.0, 1.0)
FAULTS = st.builds(Fault, kind=KINDS)
CHANCES = st.floats(0.0, 1.0, exclude_max=True)


@st.composite
def rules(draw: st.DrawFn) -> FaultRule:
    start_s = draw(st.floats(0.0, 1_000.0))
    return FaultRule(
        fault=draw(FAULTS),
        share_ratio=draw(RATIOS),
        start_s=start_s,
        end_s=start_s + draw(st.floats(0.001, 1_000.0)),
        shape=draw(st.sampled_from(list(Shape))),
        from_ratio=draw(RATIOS),
        to_ratio=draw(RATIOS),
        over_s=draw(st.none() | st.floats(0.001, 2_000.0)),
        period_s=draw(st.floats(0.001, 100.0)),
        duty_ratio=draw(RATIOS),
    )


@given(rules(), st.floats(0.0, 3_000.0))
def test_a_share_stays_within_the_rules_share_and_its_time(rule: FaultRule, at_s: float) -> None:
    share = rule.share_at(at_s)
    assert 0.0 <= share <= rule.share_ratio
    if not rule.start_s <= at_s < rule.end_s:
        assert share == 0.0


@given(st.lists(rules(), max_size=6), st.floats(0.0, 2_000.0), CHANCES)
def test_shares_add_up_and_one_draw_decides(
    listed: list[FaultRule], at_s: float, chance: float
) -> None:
    draws: list[float] = []

    def draw() -> float:
        draws.append(chance)
        return chance

    script = FaultScript(tuple(listed))
    fault = script.pick("claude", "claude-sonnet-5-5", at_s, draw, is_continuation=True)
    total = math.fsum(rule.share_at(at_s) for rule in listed)
    if abs(total - chance) > 1e-9:
        assert (fault is not None) == (chance < total)
    assert len(draws) <= (2 if fault is not None and fault.kind is FaultKind.HTTP_5XX else 1)


def test_the_draw_walks_the_rules_in_order() -> None:
    script = FaultScript((
        FaultRule(fault=Fault(kind=FaultKind.HTTP_529), share_ratio=0.25),
        FaultRule(fault=Fault(kind=FaultKind.HTTP_500), share_ratio=0.25),
    ))  # fmt: skip
    found = [script.pick("gpt", "gpt-5.6", 0.0, lambda c=c: c) for c in (0.0, 0.3, 0.6)]
    assert [fault and fault.status for fault in found] == [529, 500, None]


@pytest.mark.parametrize(
    ("provider", "model", "strikes"),
    [
        ("claude", "claude-sonnet-5-5", True),
        ("claude", "claude-haiku-4-5", False),
        ("gpt", "claude-sonnet-5-5", False),
    ],
)
def test_a_rule_strikes_whom_it_names(provider: str, model: str, *, strikes: bool) -> None:
    rule = FaultRule(fault=Fault(kind=FaultKind.RESET), provider="claude", model="claude-sonnet-*")
    assert (FaultScript((rule,)).pick(provider, model, 0.0, lambda: 0.0) is not None) == strikes


@pytest.mark.parametrize(
    ("kind", "requests", "strikes"),
    [
        (FaultKind.RESET, Requests.ANY, (True, True)),
        (FaultKind.RESET, Requests.FRESH, (True, False)),
        (FaultKind.RESET, Requests.CONTINUATION, (False, True)),
        (FaultKind.CONTINUE_RESTART, Requests.ANY, (False, True)),
        (FaultKind.CONTINUE_OVERLAP, Requests.FRESH, (False, False)),
    ],
)
def test_a_rule_strikes_fresh_requests_continuations_or_both(
    kind: FaultKind, requests: Requests, strikes: tuple[bool, bool]
) -> None:
    rule = FaultRule(fault=Fault(kind=kind), requests=requests)
    found = tuple(
        FaultScript((rule,)).pick("gpt", "m", 0.0, lambda: 0.0, is_continuation=goes_on) is not None
        for goes_on in (False, True)
    )
    assert found == strikes


def test_a_ramp_leads_from_one_ratio_to_the_other_at_the_end() -> None:
    rule = FaultRule(
        fault=Fault(kind=FaultKind.RESET),
        start_s=100.0,
        end_s=200.0,
        shape=Shape.RAMP,
        from_ratio=0.2,
        to_ratio=1.0,
        over_s=50.0,
    )
    shares = [round(rule.share_at(at_s), 3) for at_s in (100.0, 149.0, 175.0, 199.999)]
    assert shares == [0.2, 0.2, 0.6, 1.0]


@given(st.floats(0.01, 100.0), RATIOS, st.integers(0, 50), RATIOS)
def test_an_oscillation_repeats(
    period_s: float, duty_ratio: float, periods: int, place: float
) -> None:
    rule = FaultRule(
        fault=Fault(kind=FaultKind.RESET),
        shape=Shape.OSCILLATE,
        period_s=period_s,
        duty_ratio=duty_ratio,
    )
    if abs(place - duty_ratio) > 1e-6 and 1e-6 < place < 1 - 1e-6:
        later_s = (periods + place) * period_s
        assert (rule.share_at(later_s) == 1.0) == (place < duty_ratio)


@given(KINDS, CHANCES)
def test_every_kind_has_a_form_for_both_sorts_of_answer(kind: FaultKind, chance: float) -> None:
    fault = Fault(kind=kind).settled(lambda: chance)
    whole, stream = fault.for_whole(lambda: chance), fault.for_stream()
    assert whole.for_whole(lambda: chance) == whole
    assert stream.for_stream() == stream
    if kind.value.startswith("http_"):
        assert 400 <= fault.status <= 599
        assert fault.phase is Phase.INSTEAD
    if fault.phase is not Phase.DELIVERY:
        assert whole == stream == fault
    assert (whole.phase is Phase.INSTEAD) <= (whole.status > 0 or not kind.value.startswith("http"))


def test_what_leaves_an_answer_whole_is_no_error_in_its_place() -> None:
    instead = {kind for kind in HARMLESS if Fault(kind=kind).phase is Phase.INSTEAD}
    assert instead == {FaultKind.HANG}  # which may end
