"""So many times in a span, whoever asks how; and never more memory than allowed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.apps.status.subscriptions import rates
from penstock.apps.status.subscriptions.rates import Rates


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0.0, 50.0))))
def test_nobody_is_allowed_more_than_twice_in_any_span(asks: list[tuple[str, float]]) -> None:
    limited, at_unix_s = Rates(3, 100.0), 0.0
    allowed: list[tuple[str, float]] = []
    for who, pause_s in asks:
        at_unix_s += pause_s
        if limited.allows(who, at_unix_s):
            allowed.append((who, at_unix_s))
    for who, since_unix_s in allowed:
        within = [1 for one, at in allowed if one == who and 0 <= at - since_unix_s < 100.0]
        assert len(within) <= 2 * 3  # the end of one span and the beginning of the next


def test_a_span_that_has_passed_is_forgotten() -> None:
    limited = Rates(2, 100.0)
    assert [limited.allows("a", at) for at in (0.0, 1.0, 2.0, 99.0, 100.0)] == [
        True, True, False, False, True,
    ]  # fmt: skip
    assert limited.allows("b", 2.0)


def test_a_clock_that_is_set_back_locks_nobody_out_for_long() -> None:
    limited = Rates(1, 100.0)
    assert limited.allows("a", 1e9)
    assert limited.allows("a", 1e9 - 3600.0)


def test_it_remembers_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "KEYS_MAX", 10)
    limited = Rates(1, 100.0)
    for number in range(1000):
        assert limited.allows(str(number), 0.0)
    assert not limited.allows("999", 0.0)
    assert len(vars(limited)["_counts"]) == 10
