"""Whom live faults strike, and until when: for all shares, scopes, instants and draws."""

import random
from dataclasses import replace
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.core.fault import Fault, FaultKind
from penstock.core.live_faults import (
    ACTIONS,
    FAULTS_MAX,
    LAST_S_MAX,
    LiveFault,
    LiveFaults,
    Subject,
)
from penstock.core.tier import Tier

SUBJECT: Final = Subject("acme", Tier.FREE, "fast", "claude", "opus-4")
PLAIN: Final = LiveFault(fault=Fault(kind=FaultKind.HTTP_529), ends_at_s=60.0, share_ratio=1.0)
NEVER: Final = 0.999999


def strikes(one: LiveFault, subject: Subject = SUBJECT, at_s: float = 1.0) -> bool:
    faults = LiveFaults([one], 1.0, 0.0)
    faults.see(at_s)
    return faults.pick(subject, at_s, lambda: 0.0, was_struck=False) is not None


@pytest.mark.parametrize(
    ("more", "is_struck"),
    [
        ({}, True),
        ({"tenant": "acme"}, True),
        ({"tenant": "ac*"}, False),
        ({"tenant": "other"}, False),
        ({"route": "fa*", "upstream": "claude", "model": "opus-*"}, True),
        ({"route": "slow"}, False),
        ({"upstream": "gpt"}, False),
        ({"model": "haiku-*"}, False),
        ({"tiers": frozenset((Tier.BATCH,))}, False),
        ({"share_ratio": 0.0}, False),
    ],
)
def test_it_strikes_whom_it_names(more: dict[str, Any], *, is_struck: bool) -> None:
    assert strikes(replace(PLAIN, **more)) is is_struck


@given(st.sampled_from(list(Tier)), st.sets(st.sampled_from(list(Tier))))
def test_control_never_and_contracts_only_if_named(tier: Tier, named: set[Tier]) -> None:
    subject = replace(SUBJECT, tier=tier)
    assert strikes(PLAIN, subject) == (tier in (Tier.STANDARD, Tier.FREE, Tier.BATCH))
    named_one = replace(PLAIN, tiers=frozenset(named))
    assert strikes(named_one, subject) == (tier in named and tier is not Tier.CONTROL)


def test_it_begins_when_it_is_to() -> None:
    later = replace(PLAIN, starts_at_s=30.0)
    assert not strikes(later, at_s=29.9)
    assert strikes(later, at_s=30.0)


@given(st.floats(0.0, 10_000.0), st.floats(-10.0, 10_000.0), st.floats(0.0, 11_000.0))
def test_it_is_over_at_its_end_and_within_a_quarter_of_an_hour(
    began_s: float, lasts_s: float, after_s: float
) -> None:
    one = replace(PLAIN, ends_at_s=began_s + lasts_s)
    faults, now_s = LiveFaults([one], 1.0, began_s), began_s + after_s
    faults.see(now_s)
    is_struck = faults.pick(SUBJECT, now_s, lambda: 0.0, was_struck=False) is not None
    assert is_struck == (now_s < min(began_s + lasts_s, began_s + LAST_S_MAX))
    assert is_struck <= faults.is_on(now_s)


def test_stopped_is_stopped() -> None:
    faults = LiveFaults([PLAIN], 1.0, 0.0)
    faults.see(0.0)
    faults.stop()
    assert not faults.is_on(1.0)
    assert faults.pick(SUBJECT, 1.0, lambda: 0.0, was_struck=False) is None


@given(
    st.lists(st.floats(0.0, 1.0), min_size=1, max_size=5),
    st.floats(0.01, 1.0),
    st.integers(0, 1 << 16),
)
def test_the_radius_bounds_all_faults_together(
    shares: list[float], ratio: float, seed: int
) -> None:
    chance = random.Random(seed).random
    faults = LiveFaults([replace(PLAIN, share_ratio=one) for one in shares], ratio, 0.0)
    struck = 0
    for at in range(200):
        faults.see(at / 10)
        struck += faults.pick(SUBJECT, at / 10, chance, was_struck=False) is not None
        assert struck <= ratio * (at + 1) + 1e-6
    assert faults.struck == struck == sum(faults.kinds.values())
    assert struck + faults.spared <= 200


def test_a_retry_of_one_who_was_struck_may_be_struck_again() -> None:
    faults = LiveFaults([PLAIN], 1.0, 0.0)
    faults.see(0.0)
    assert faults.pick(SUBJECT, 0.0, lambda: 0.0, was_struck=False) is not None
    assert faults.pick(SUBJECT, 0.0, lambda: 0.0, was_struck=True) is not None
    assert faults.pick(SUBJECT, 0.0, lambda: 0.0, was_struck=False) is None
    assert (faults.struck, faults.kinds, faults.spared) == (1, {"http_529": 2}, 1)


def test_the_share_is_drawn() -> None:
    one = replace(PLAIN, share_ratio=0.5)
    faults = LiveFaults([one], 1.0, 0.0)
    faults.see(0.0)
    assert faults.pick(SUBJECT, 0.0, lambda: NEVER, was_struck=False) is None
    assert faults.pick(SUBJECT, 0.0, lambda: 0.49, was_struck=False) == one


def test_faults_are_bounded_and_none_blames_the_caller() -> None:
    assert LiveFaults([PLAIN] * 100, 1.0, 0.0).ends_at_s == PLAIN.ends_at_s
    assert FAULTS_MAX < 100
    blames = {FaultKind.HTTP_400, FaultKind.HTTP_404, FaultKind.HTTP_413, FaultKind.HTTP_422}
    assert not blames & set(ACTIONS)
