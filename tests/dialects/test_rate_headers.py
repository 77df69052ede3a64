"""Counts are digits or nothing; a reset is read only where nothing remains."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.core.limits_seen import Level
from penstock.dialects.http_error import RETRY_AFTER_S_MAX
from penstock.dialects.rate_headers import count, level


@given(st.binary(max_size=20))
def test_a_count_is_digits_or_nothing(value: bytes) -> None:
    told = count(value)
    if told is None:
        assert not value.isdigit() or len(value) > 15
    else:
        assert told == int(value)
        assert told >= 0


def test_what_is_absent_or_below_zero_tells_nothing() -> None:
    assert count(None) is None
    assert count(b"-1") is None
    assert count(b"") is None
    assert count(b"9" * 15) == 10**15 - 1
    assert count(b"9" * 16) is None


@pytest.mark.parametrize(
    ("remaining", "reset_s", "wait_s"),
    [(b"0", 6.5, 6.5), (b"0", -3.0, 0.0), (b"0", 1e9, RETRY_AFTER_S_MAX), (b"1", 6.5, 0.0)],
)
def test_a_reset_is_read_where_nothing_remains(
    remaining: bytes, reset_s: float, wait_s: float
) -> None:
    assert level(b"60", remaining, b"words", lambda _: reset_s) == Level(60, int(remaining), wait_s)


def test_a_reset_that_is_absent_is_not_read() -> None:
    def never(words: str) -> float:
        raise AssertionError(words)

    assert level(b"60", b"0", b"", never) == Level(60, 0, 0.0)
    assert level(None, None, b"1s", never) == Level()
