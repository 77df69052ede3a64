"""A rest is never cut short."""

from hypothesis import given
from hypothesis import strategies as st

from penstock.core.cooldown import Cooldown

INSTANTS = st.floats(0.0, 1e9)


def test_a_fresh_one_is_over() -> None:
    assert Cooldown().is_over(0.0)


@given(st.lists(INSTANTS, min_size=1), INSTANTS)
def test_it_is_over_when_the_latest_instant_has_come(rests: list[float], now_s: float) -> None:
    cooldown = Cooldown()
    for at_s in rests:
        cooldown.rest_until(at_s)
    assert cooldown.until_s == max(rests)
    assert cooldown.is_over(now_s) == (now_s >= max(rests))
