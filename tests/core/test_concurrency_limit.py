"""Never more than the limit, whatever the order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.core.concurrency_limit import ConcurrencyLimit


@given(st.integers(0, 5), st.lists(st.sampled_from(["acquire", "release", "change"])))
def test_slots_are_counted_and_bounded(limit: int, moves: list[str]) -> None:
    slots = ConcurrencyLimit(limit)
    held = 0
    for move in moves:
        if move == "acquire":
            is_free = slots.is_free
            assert slots.try_acquire() == is_free == (held < slots.limit)
            held += is_free
        elif move == "release" and held:
            slots.release()
            held -= 1
        elif move == "change":  # a reload: those under way stay, fewer may follow
            slots.limit = (slots.limit + 2) % 5
        assert slots.in_flight == held


def test_a_slot_that_comes_back_twice_is_an_error() -> None:
    slots = ConcurrencyLimit(1)
    assert slots.try_acquire()
    slots.release()
    with pytest.raises(AssertionError, match="twice"):
        slots.release()
