"""The ladder against a naive one that remembers all of the past."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from penstock.core.ladder import Ladder, LadderPolicy

POLICY = LadderPolicy()
PRESSURES = st.one_of(st.floats(0.6, 1.2), st.sampled_from([0.0, 0.65, 0.7, 0.89, 0.99, 1.0, 1.05]))
STEPS = st.lists(st.tuples(st.sampled_from([0.5, 1.0, 3.0]), PRESSURES), max_size=80)


class Naive:
    """Looks at the whole history at each step."""

    def __init__(self) -> None:
        self.level = 0
        self.seen: list[tuple[float, float]] = []  # since the last move
        self.moved_at_s = -1e9

    def lasted_s(self, least: float, most: float) -> float:
        """For how long all that was seen has been from ``least`` to below ``most``."""
        tail = list(itertools.takewhile(lambda one: least <= one[1] < most, reversed(self.seen)))
        return tail[0][0] - tail[-1][0] if tail else -1.0

    def observe(self, pressure: float, now_s: float) -> int:
        self.seen.append((now_s, pressure))
        entries = POLICY.entries
        is_settled = now_s - self.moved_at_s >= POLICY.down_s
        level = self.level
        is_up = level < 5 and self.lasted_s(entries[level], 99.0) >= POLICY.up_s
        is_down = level > 0 and self.lasted_s(-1.0, entries[level - 1] - 0.05) >= POLICY.down_s
        if is_up and is_settled:
            level = max(at + 1 for at in range(5) if pressure >= entries[at])
        elif is_down and is_settled:
            level -= 1
        if level != self.level:
            self.level, self.moved_at_s, self.seen = level, now_s, []
        return level


@given(STEPS)
def test_it_moves_as_the_naive_one(steps: list[tuple[float, float]]) -> None:
    ladder, naive = Ladder(POLICY), Naive()
    now_s = 1000.0
    for span_s, pressure in steps:
        now_s += span_s
        assert ladder.observe(pressure, now_s) == naive.observe(pressure, now_s)


@given(STEPS)
def test_nothing_moves_it_twice_in_ten_seconds(steps: list[tuple[float, float]]) -> None:
    ladder = Ladder(POLICY)
    now_s, moved_at_s, level = 0.0, -1e9, 0
    for span_s, pressure in steps:
        now_s += span_s
        if ladder.observe(pressure, now_s) != level:
            assert now_s - moved_at_s >= POLICY.down_s
            level, moved_at_s = ladder.level, now_s
    assert ladder.moves <= len(steps)


def walked(*steps: tuple[float, float]) -> list[int]:
    """The levels of a ladder that sees each pressure for so many seconds, twice a second."""
    ladder, now_s, levels = Ladder(POLICY), 0.0, [0]
    for span_s, pressure in steps:
        for _ in range(int(span_s * 2)):
            now_s += 0.5
            if ladder.observe(pressure, now_s) != levels[-1]:
                levels.append(ladder.level)
    return levels


def test_a_crowd_is_met_at_once_and_left_step_by_step() -> None:
    assert walked((2.0, 1.2)) == [0]
    assert walked((2.5, 1.2)) == [0, 5]
    assert walked((2.5, 1.2), (10.0, 0.1)) == [0, 5]
    assert walked((2.5, 1.2), (10.5, 0.1)) == [0, 5, 4]
    assert walked((2.5, 1.2), (60.0, 0.1)) == [0, 5, 4, 3, 2, 1, 0]


def test_a_level_is_left_a_little_below_its_entry() -> None:
    assert walked((3.0, 0.88), (60.0, 0.82)) == [0, 2]
    assert walked((3.0, 0.88), (60.0, 0.80)) == [0, 2, 1]


def test_a_peak_or_a_dip_between_begins_anew() -> None:
    assert walked((2.0, 0.9), (0.5, 0.1), (2.0, 0.9)) == [0]
    assert walked((3.0, 0.72), (9.0, 0.1), (0.5, 0.7), (9.0, 0.1)) == [0, 1]


def test_it_goes_on_from_where_another_was() -> None:
    ladder = Ladder(POLICY)
    ladder.restore(5, 100.0)
    levels = [ladder.observe(0.0, 100.0 + at / 2) for at in range(22)]
    assert levels == [5] * 20 + [4] * 2


def test_right_after_another_process_it_does_not_rise() -> None:
    ladder = Ladder(POLICY)
    ladder.restore(1, 100.0)
    assert {ladder.observe(0.94, 100.0 + at) for at in range(10)} == {1}
    assert ladder.observe(0.94, 110.0) == 3
