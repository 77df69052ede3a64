"""Heavy use: a ratio to the mean of those who are active, as if all use decayed."""

import math

from hypothesis import given
from hypothesis import strategies as st

from penstock.core.heavy_use import HALF_LIFE_S, HeavyUse

STEPS = st.lists(
    st.tuples(st.sampled_from("abcdef"), st.floats(1.0, 1e6), st.floats(0.0, HALF_LIFE_S)),
    min_size=1,
    max_size=40,
)


@given(STEPS)
def test_it_is_what_one_gets_by_decaying_all(steps: list[tuple[str, float, float]]) -> None:
    use = HeavyUse(100, 50.0)
    used: dict[str, float] = {}
    at_s: dict[str, float] = {}
    now_s = 50.0
    for user, tokens, span_s in steps:
        now_s += span_s
        used = {one: left * 0.5 ** (span_s / HALF_LIFE_S) for one, left in used.items()}
        used[user] = used.get(user, 0.0) + tokens
        at_s[user] = now_s
        used = {one: left for one, left in used.items() if now_s - at_s[one] <= HALF_LIFE_S}
        use.record(user, tokens, now_s)
        use.expire(now_s)
        mean = sum(used.values()) / len(used)
        for one in "abcdef":
            penalty = 0.0
            if one in used:
                penalty = min(1.0, max(0.0, math.log2(used[one] / mean) / 4 - 0.5))
            assert math.isclose(use.penalty(one), penalty, abs_tol=1e-6)


def of(times: float) -> float:
    """The penalty of one who has used so many times the mean of a thousand."""
    use = HeavyUse(2000, 0.0)
    for at in range(999):
        use.record(f"user-{at}", 1.0, 0.0)
    others = 999.0
    use.record("heavy", times * others / (1000.0 - times), 0.0)
    return use.penalty("heavy")


def test_the_table_of_the_header() -> None:
    assert [round(of(times), 9) for times in (1, 4, 8, 16, 32, 64, 128)] == [
        0.0, 0.0, 0.25, 0.5, 0.75, 1.0, 1.0,
    ]  # fmt: skip


def test_who_is_idle_or_too_many_is_forgotten() -> None:
    use = HeavyUse(3, 0.0)
    for at, user in enumerate("abcd"):
        use.record(user, 1.0, float(at))
    assert len(use) == 3
    use.record("e", 1.0, HALF_LIFE_S + 2.5)
    use.expire(HALF_LIFE_S + 2.5)
    assert len(use) == 2  # d and e
    assert use.penalty("a") == 0.0


def test_numbers_stay_finite_for_years() -> None:
    use = HeavyUse(10, 0.0)
    for month in range(1, 40):
        now_s = month * 30 * 86_400.0
        use.record("light", 1.0, now_s)
        for at in range(8):
            use.record(f"user-{at}", 1.0, now_s)
        use.record("heavy", 1e12, now_s)
        assert use.penalty("light") == 0.0
        assert use.penalty("heavy") > 0.3


def test_nothing_remains_of_rounding() -> None:
    use = HeavyUse(10, 0.0)
    use.record("huge", 1e30, 0.0)
    use.record("light", 1.0, HALF_LIFE_S)
    use.record("light", 1.0, HALF_LIFE_S + 1.0)
    use.expire(HALF_LIFE_S + 1.0)
    assert len(use) == 1
    assert use.penalty("light") == 0.0


def test_the_mean_is_of_those_who_are_active_in_the_order_of_their_last_use() -> None:
    use = HeavyUse(100, 0.0)
    use.record("first", 1000.0, 0.0)
    use.record("gone", 1e6, 0.0)
    use.record("first", 1.0, 500.0)
    use.record("other", 1.0, 700.0)
    use.expire(700.0)  # the million is forgotten, and nobody else
    assert len(use) == 2
    for at in range(18):
        use.record(f"user-{at}", 1.0, 700.0)
    assert use.penalty("first") > 0.0
