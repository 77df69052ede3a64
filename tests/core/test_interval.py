"""Wilson's interval, against published values and for what must hold of any share."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.core.interval import UNKNOWN, wilson


@pytest.mark.parametrize(
    ("good", "count", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),  # Newcombe, Statistics in Medicine 17, 1998, table I
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
        (29, 29, 0.8830, 1.0),
    ],
)
def test_it_is_as_published(good: int, count: int, low: float, high: float) -> None:
    found = wilson(good / count, count)
    assert found.low == pytest.approx(low, abs=5e-5)
    assert found.high == pytest.approx(high, abs=5e-5)


def test_without_events_nothing_is_known() -> None:
    assert wilson(1.0, 0) == UNKNOWN == (0.0, 1.0)


@given(st.integers(1, 10**7), st.data())
def test_it_holds_the_share_and_narrows_with_the_count(count: int, data: st.DataObject) -> None:
    good = data.draw(st.integers(0, count))
    found = wilson(good / count, count)
    assert 0.0 <= found.low <= good / count <= found.high <= 1.0
    assert found.low < found.high
    wider = wilson(good / count, count / 10)
    assert wider.high - wider.low > found.high - found.low


@given(st.integers(1, 10**6), st.data())
def test_failures_are_the_mirror_of_successes(count: int, data: st.DataObject) -> None:
    good = data.draw(st.integers(0, count))
    one, other = wilson(good / count, count), wilson((count - good) / count, count)
    assert one.low == pytest.approx(1.0 - other.high, abs=1e-12)
