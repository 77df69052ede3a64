"""Waves go through the published points, and people are as diverse as they are meant to be."""

import itertools
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.sim.watching.given import dice

from penstock.sim.watching import crowd
from penstock.sim.watching.crowd import Crowd, Curve


@pytest.mark.parametrize(
    ("curve", "minutes", "low", "high"),
    [
        (Curve.GROWING, 0, 1, 1),
        (Curve.GROWING, 15, 40, 40),
        (Curve.SUDDEN, 0, 1, 1),
        (Curve.SUDDEN, 15, 40, 40),
        (Curve.LARGE, 0, 4, 6),  # a handful
        (Curve.LARGE, 30, 12_000, 12_000),
        (Curve.LONG, 0, 13, 19),  # teens
        (Curve.LONG, 41, 1600, 1800),
        (Curve.LONG, 65, 4800, 5200),
        (Curve.AT_ONCE, 10, 1000, 1000),
    ],
)
def test_a_wave_goes_through_its_published_points(
    curve: Curve, minutes: float, low: float, high: float
) -> None:
    assert low - 1e-6 <= crowd.reports_by(curve, minutes) <= high + 1e-6


@given(st.sampled_from(Curve), st.floats(0, 120), st.floats(0, 120))
def test_nobody_takes_a_report_back(curve: Curve, one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert crowd.reports_by(curve, low) <= crowd.reports_by(curve, high)
    assert crowd.wave_mean(curve, one * 60, 10.0) >= 0.0


@given(st.sampled_from([Curve.GROWING, Curve.SUDDEN, Curve.LARGE, Curve.LONG]))
def test_all_spans_together_are_the_whole_wave(curve: Curve) -> None:
    points = crowd.POINTS[curve]
    spans = [crowd.wave_mean(curve, at * 10.0, 10.0) for at in range(int(points.minutes * 6) + 2)]
    assert sum(spans) == pytest.approx(crowd.reports_by(curve, points.minutes), rel=0.05)


def test_after_its_last_point_a_wave_halves_every_half_hour() -> None:
    end_s = 15 * 60 + crowd.REACTION_S
    now, later = (crowd.wave_mean(Curve.SUDDEN, end_s + at, 10.0) for at in (0.0, 1800.0))
    assert later == pytest.approx(now / 2)


def test_nobody_is_twice_the_same_and_a_brigade_has_few_networks() -> None:
    people = Crowd(dice("people"))
    usual = [people.report("web", 0.0) for _ in range(2000)]
    brigade = [people.report_from("web", 0.0, 3, "", "") for _ in range(1000)]
    voters = [one.voter for one in itertools.chain(usual, brigade)]
    assert len(set(voters)) == len(voters)
    networks = Counter(one.network for one in usual)
    assert len(networks) > 200
    assert max(networks.values()) < 0.15 * len(usual)
    assert len({one.network for one in brigade}) == 3
    assert not {one.network for one in usual} & {one.network for one in brigade}
