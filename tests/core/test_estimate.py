"""An estimate is never zero for something, and never more than a token a byte."""

from hypothesis import given
from hypothesis import strategies as st

from penstock.core.estimate import BYTES_PER_TOKEN, tokens


def test_nothing_is_no_token() -> None:
    assert tokens(0) == 0


@given(st.integers(1, 10**9))
def test_it_is_a_quarter_rounded_up(size_bytes: int) -> None:
    estimate = tokens(size_bytes)
    assert 1 <= estimate <= size_bytes
    assert (estimate - 1) * BYTES_PER_TOKEN < size_bytes <= estimate * BYTES_PER_TOKEN
