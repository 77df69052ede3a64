"""The pace has the mean that was set, whatever the spread, and repeats."""

import math

from hypothesis import given
from hypothesis import strategies as st

from penstock.apps.emulate.catalogue import MODELS
from penstock.apps.emulate.pace import TABLE_SIZE, Pacer, PaceSetting, pace_problems

MODEL = MODELS[0]


@given(st.floats(0.0, 1.0), st.floats(1.0, 200.0), st.integers(0, 2**64))
def test_the_mean_gap_is_what_was_set(spread: float, rate: float, place: int) -> None:
    setting = PaceSetting(tokens_per_s=rate, spread=spread, ttft_s=0.5)
    tempo = Pacer(7, {MODEL.provider: setting}).tempo(MODEL, place)
    gaps = [tempo.gap_s() for _ in range(TABLE_SIZE)]
    assert math.isclose(sum(gaps) / TABLE_SIZE, 1 / rate, rel_tol=0.15)
    assert min(gaps) > 0


def test_the_same_place_has_the_same_pace() -> None:
    first, second = (Pacer(3, {}).tempo(MODEL, 5) for _ in range(2))
    assert first.ttft_s == second.ttft_s
    assert first.total_s(50) == second.total_s(50)


def test_instant_is_at_once() -> None:
    tempo = Pacer(3, {MODEL.provider: PaceSetting(is_instant=True)}).tempo(MODEL, 5)
    assert tempo.total_s(1000) == 0.0


def test_problems_name_the_field() -> None:
    problems = pace_problems(PaceSetting(ttft_s=-1.0, tokens_per_s=0.0, spread=9.0), "gpt")
    assert [p.partition(":")[0] for p in problems] == [
        "gpt.ttft_s",
        "gpt.tokens_per_s",
        "gpt.spread",
    ]
