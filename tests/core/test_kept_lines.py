"""Lines that front ends keep: who joins is counted once, and as many get in as the rate says."""

from hypothesis import given
from hypothesis import strategies as st

from penstock.core.kept_lines import (
    JOINED_MAX,
    KEPT_S,
    LINES_MAX,
    WAIT_MAX_S,
    WAIT_MIN_S,
    KeptLines,
)


@given(st.lists(st.integers(0, 50), max_size=50))
def test_everybody_who_joins_is_counted_once(steps: list[int]) -> None:
    lines, joined = KeptLines(), 1
    counted = lines.count("a", joined, 0.0)
    for at, step in enumerate(steps):
        joined += step
        counted += lines.count("a", joined, float(at))
    assert counted == joined


def test_a_line_that_begins_anew_or_counts_wrongly_is_bounded() -> None:
    lines = KeptLines()
    lines.count("a", 500, 0.0)
    assert lines.count("a", 3, 1.0) == 1
    assert lines.count("a", 4, 2.0) == 1
    assert lines.count("a", 10**12, 3.0) == JOINED_MAX


@given(st.floats(0.05, 30.0), st.floats(0.1, 2.0))
def test_as_many_get_in_as_the_rate_says(per_s: float, every_s: float) -> None:
    lines = KeptLines()
    let_in, now_s = 0, 0.0
    while now_s < 200.0:
        lines.count("a", 100, now_s)
        while lines.take("a", per_s, now_s):
            let_in += 1
        now_s += every_s
    assert 0.9 * per_s * 200.0 - 2.0 <= let_in <= per_s * 200.0 + KEPT_S * per_s + 2.0


def test_who_comes_as_told_gets_in() -> None:
    lines = KeptLines()
    lines.count("a", 100, 0.0)
    now_s, per_s, let_in = 0.0, 0.5, 0
    for _ in range(100):
        if lines.take("a", per_s, now_s):
            let_in += 1
            continue
        wait_s = lines.wait_s("a", per_s, now_s)
        assert WAIT_MIN_S <= wait_s <= WAIT_MAX_S
        now_s += wait_s
        assert lines.take("a", per_s, now_s + 1e-9)
        let_in += 1
    assert let_in > 50


def test_lines_share_by_the_people_who_joined_them() -> None:
    lines = KeptLines()
    let_in = {"large": 0, "small": 0}
    joined = {"large": 0, "small": 0}
    for second in range(300):
        for name, more in (("large", 9), ("small", 1)):
            joined[name] += more
            lines.count(name, joined[name], float(second))
            while lines.take(name, 5.0, float(second)):
                let_in[name] += 1
    assert 0.9 * 1500 <= sum(let_in.values()) <= 1.1 * 1500
    assert 6.0 <= let_in["large"] / let_in["small"] <= 12.0


def test_it_is_known_for_a_while_that_somebody_waits() -> None:
    lines = KeptLines()
    assert not lines.is_waiting(0.0)
    lines.count("a", 2, 0.0)
    assert lines.take("a", 0.0, 0.0)
    assert not lines.take("a", 0.0, 0.0)
    assert lines.wait_s("a", 0.0, 0.0) == WAIT_MAX_S
    assert lines.is_waiting(WAIT_MAX_S)
    assert not lines.is_waiting(60.0)


def test_front_ends_are_bounded() -> None:
    lines = KeptLines()
    for at in range(LINES_MAX + 20):
        lines.count(str(at), 1, float(at))
    assert len(lines) == LINES_MAX
