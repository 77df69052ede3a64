"""The outage's time and played seconds: there and back within windows, later in between."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from penstock.sim.drills.played_time import played_s, unix_s
from penstock.sim.drills.shapes import Window

T = 1_772_451_420.0


@st.composite
def windows(draw: st.DrawFn) -> tuple[Window, ...]:
    at_s, at_unix_s = 0.0, T
    found: list[Window] = []
    for _ in range(draw(st.integers(1, 5))):
        lasts_s = draw(st.integers(1, 200))
        found.append(
            Window(
                from_s=at_s, to_s=at_s + lasts_s,
                from_unix_s=at_unix_s, to_unix_s=at_unix_s + lasts_s,
            )
        )  # fmt: skip
        at_s += lasts_s
        at_unix_s += lasts_s + draw(st.integers(1, 5000))
    return tuple(found)


@given(found=windows(), share=st.floats(0.0, 0.999))
def test_what_is_played_is_found_again(found: tuple[Window, ...], share: float) -> None:
    at_s = share * found[-1].to_s
    again = played_s(found, unix_s(found, at_s))
    assert again is not None
    assert abs(again - at_s) < 1e-3


@given(found=windows(), earlier=st.floats(0.0, 1.0), later=st.floats(0.0, 1.0))
def test_what_came_before_is_played_before(
    found: tuple[Window, ...], earlier: float, later: float
) -> None:
    span_s = found[-1].to_unix_s - T - 1.0
    a, b = sorted((T + earlier * span_s, T + later * span_s))
    first, second = played_s(found, a), played_s(found, b)
    assert first is not None
    assert second is not None
    assert first <= second


@given(found=windows())
def test_what_is_left_out_has_happened_when_the_next_window_begins(
    found: tuple[Window, ...],
) -> None:
    for one, other in pairwise(found):
        assert played_s(found, (one.to_unix_s + other.from_unix_s) / 2.0) == other.from_s
    assert played_s(found, T - 100.0) == 0.0
    assert played_s(found, found[-1].to_unix_s) is None
