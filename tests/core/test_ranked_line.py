"""Ranked lines against a list."""

from hypothesis import given
from hypothesis import strategies as st

from penstock.core.ranked_line import GONE_SPARE, RankedLine


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 200)), max_size=600))
def test_ranks_are_those_of_a_list(moves: list[tuple[bool, int]]) -> None:
    line, model = RankedLine(), list[str]()
    for comes, number in moves:
        name = f"p{number}"
        if comes:
            line.add(name)
            model.extend([name] * (name not in model))
        else:
            line.remove(name)
            model = [one for one in model if one != name]
    assert list(line) == model
    assert len(line) == len(model)
    assert [line.rank(name) for name in model] == list(range(1, len(model) + 1))
    assert line.rank("nobody") == 0
    assert "nobody" not in line


def test_those_who_left_are_swept_out() -> None:
    line = RankedLine()
    for at in range(10_000):
        line.add(str(at))
        if at >= 10:
            line.remove(str(at - 10))
    assert [line.rank(str(at)) for at in (9_990, 9_999)] == [1, 10]
    assert line.places <= 2 * 10 + GONE_SPARE + 2
