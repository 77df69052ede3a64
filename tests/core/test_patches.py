"""A span is covered once, by few sums, and nothing reaches across a cut."""

from hypothesis import given
from hypothesis import strategies as st

from penstock.core.patches import Patch, patches

GRAINS_S: tuple[int, ...] = (60, 300, 3600, 86_400)
MINUTES = st.integers(0, 60 * 24 * 20)


@given(st.lists(MINUTES, min_size=2, max_size=6, unique=True).map(sorted))
def test_every_minute_is_covered_once_and_cuts_hold(minutes: list[int]) -> None:
    cuts = [60 * one for one in minutes]
    found = patches(cuts, GRAINS_S)
    at_s = cuts[0]
    for one in found:  # in order of time, each from where the last one ended
        assert one.since_s == at_s < one.until_s
        assert one.since_s % one.grain_s == one.until_s % one.grain_s == 0
        assert not any(one.since_s < cut < one.until_s for cut in cuts)
        at_s = one.until_s
    assert at_s == cuts[-1]


@given(MINUTES, MINUTES)
def test_no_more_sums_than_the_ends_need(a: int, b: int) -> None:
    since_s, until_s = sorted((60 * a, 60 * b))
    numbers: dict[int, int] = dict.fromkeys(GRAINS_S, 0)
    for one in patches([since_s, until_s], GRAINS_S):
        numbers[one.grain_s] += (one.until_s - one.since_s) // one.grain_s
    assert numbers[60] <= 8
    assert numbers[300] <= 22
    assert numbers[3600] <= 46


def test_the_example() -> None:
    hour_s = 3600
    assert patches([11 * hour_s - 120, 13 * hour_s + 420], GRAINS_S) == [
        Patch(60, 11 * hour_s - 120, 11 * hour_s),
        Patch(3600, 11 * hour_s, 13 * hour_s),
        Patch(300, 13 * hour_s, 13 * hour_s + 300),
        Patch(60, 13 * hour_s + 300, 13 * hour_s + 420),
    ]
    assert patches([60, 60], GRAINS_S) == []
