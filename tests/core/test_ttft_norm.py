"""What is normal is found from noisy samples, and overload is not learned as normal."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.core.ttft_norm import EXPECTED_S_MIN, RISE_RATIO, Sample, TtftNorm


def samples(
    a_s: float, b_s: float, noise: float, seed: int, count: int = 40, factor: float = 1.0
) -> list[Sample]:
    """Prompts of very different lengths, and times with multiplicative noise."""
    chance = random.Random(seed)
    made: list[Sample] = []
    for _ in range(count):
        tokens = int(chance.lognormvariate(6.3, 1.2))
        made.append((factor * (a_s + b_s * tokens) * chance.lognormvariate(0.0, noise), tokens))
    return made


def learned(a_s: float, b_s: float, noise: float, windows: int = 60) -> TtftNorm:
    norm = TtftNorm()
    for seed in range(windows):
        window = samples(a_s, b_s, noise, seed)
        norm.accept(window, norm.p90(window))
        norm.learn()
    return norm


@pytest.mark.parametrize("noise", [0.0, 0.1, 0.5])
@pytest.mark.parametrize(("a_s", "b_s"), [(0.2, 5e-5), (1.0, 1e-3), (0.05, 0.0)])
def test_long_prompts_and_short_ones_become_comparable(
    a_s: float, b_s: float, noise: float
) -> None:
    norm = learned(a_s, b_s, noise)
    lengths = (100, 1000, 4000)
    ratios = [(a_s + b_s * tokens) / norm.expected_s(tokens) for tokens in lengths]
    assert max(ratios) / min(ratios) < 1.3
    window = samples(a_s, b_s, noise, seed=1000)
    assert norm.p90(window) / norm.baseline < 2.0
    slow = samples(a_s, b_s, noise, seed=1001, factor=4.0)
    assert norm.p90(slow) / norm.baseline > 2.0


def test_overload_pulls_the_line_slowly() -> None:
    norm = learned(0.2, 5e-5, 0.1)
    before = norm.expected_s(500)
    for seed in range(20):
        norm.accept(samples(0.2, 5e-5, 0.1, seed, factor=50.0), norm.baseline)
        norm.learn()
    assert norm.expected_s(500) < 1.2**2 * before


def test_a_start_under_overload_is_forgotten() -> None:
    norm = TtftNorm()
    norm.p90(samples(0.2, 5e-5, 0.1, 1, factor=10.0))
    for seed in range(200):
        window = samples(0.2, 5e-5, 0.1, seed)
        norm.accept(window, norm.p90(window))
        norm.learn()
    assert norm.p90(samples(0.2, 5e-5, 0.1, 999, factor=4.0)) / norm.baseline > 2.0


def test_the_baseline_rises_slowly_and_falls_quickly() -> None:
    norm = TtftNorm()
    norm.p90(samples(0.2, 0.0, 0.0, 1))
    norm.rebase(1.0)
    norm.accept([], 3.0)
    norm.learn()
    assert norm.baseline == pytest.approx(RISE_RATIO)
    norm.rebase(1.0)
    norm.accept([], 0.5)
    norm.learn()
    assert norm.baseline == pytest.approx(0.975)
    norm.rebase(3.0)
    assert norm.baseline == 3.0


def test_prompts_of_one_length_say_nothing_of_the_slope() -> None:
    norm = TtftNorm()
    norm.p90([(0.4, 1000)] * 30)
    assert norm.b_s == 0.0
    assert norm.expected_s(50_000) == pytest.approx(0.4)


@given(
    st.lists(st.tuples(st.floats(1e-6, 1e4), st.integers(0, 2_000_000)), min_size=1, max_size=80)
)
def test_any_samples_leave_a_line_that_can_be_divided_by(window: list[Sample]) -> None:
    norm = TtftNorm()
    for _ in range(5):
        p90 = norm.p90(window)
        assert p90 > 0.0
        norm.accept(window, p90)
        norm.learn()
    assert norm.baseline > 0.0
    assert norm.b_s >= 0.0
    for tokens in (0, 1000, 2_000_000):
        assert norm.expected_s(tokens) >= EXPECTED_S_MIN


@given(st.lists(st.integers(0, 12), min_size=1, max_size=12))
def test_how_soon_it_is_learned_does_not_matter(steps: list[int]) -> None:
    quick, slow = TtftNorm(), TtftNorm()
    for seed, number in enumerate(steps):
        window = samples(0.2, 5e-5, 0.4, seed, count=10)
        p90 = quick.p90(window)
        assert slow.p90(window) == p90
        quick.accept(window, p90)
        slow.accept(window, p90)
        while quick.accepted:
            quick.learn()
        for _ in range(number):
            if slow.accepted:
                slow.learn()
    last = samples(0.2, 5e-5, 0.4, 99)
    assert slow.p90(last) == quick.p90(last)
    assert slow.expected_s(700) == quick.expected_s(700)
