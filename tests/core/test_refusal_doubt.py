"""400s are doubted when there are too many of them for callers' own mistakes."""

import random

from hypothesis import given
from hypothesis import strategies as st

from penstock.core.refusal_doubt import RefusalDoubt


def share_in_doubt(share: float, seed: int) -> float:
    """Return how much of the time a share of 400s is in doubt."""
    doubt, chance = RefusalDoubt(), random.Random(seed)
    in_doubt = 0
    for _ in range(2000):
        if chance.random() < share:
            doubt.on_refused()
        else:
            doubt.on_answered()
        in_doubt += doubt.is_open
    return in_doubt / 2000


@given(st.integers(0, 1000))
def test_callers_own_mistakes_are_not_doubted_and_an_outage_is(seed: int) -> None:
    assert share_in_doubt(0.02, seed) < 0.01
    assert share_in_doubt(0.5, seed) > 0.98


def test_a_few_in_a_row_are_enough() -> None:
    doubt = RefusalDoubt()
    for _ in range(5):
        assert not doubt.is_open
        doubt.on_refused()
    assert doubt.is_open


def test_where_another_refuses_the_same_it_begins_anew() -> None:
    doubt = RefusalDoubt()
    for _ in range(50):
        doubt.on_refused()
    doubt.on_agreed()
    assert not doubt.is_open
