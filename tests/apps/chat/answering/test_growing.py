"""A text that grows: places as browsers count them, and nothing said twice."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from penstock.apps.chat.answering.growing import Growing, cut, folded, units
from penstock.apps.chat.shapes import Delta

TEXTS = st.text(alphabet=st.sampled_from("abc é\u0301\N{GRINNING FACE}\U00010000"), max_size=30)


def pieces_of(text: str, cuts: list[int]) -> list[str]:
    places = [0, *sorted(min(at, len(text)) for at in cuts), len(text)]
    return [text[a:b] for a, b in itertools.pairwise(places)]


CUTS = st.lists(st.integers(0, 30), max_size=6)


@given(TEXTS)
def test_units_are_those_of_browsers(text: str) -> None:
    assert units(text) == sum(2 if ord(char) > 0xFFFF else 1 for char in text)
    assert cut(text, units(text)) == text


@given(TEXTS, st.integers(0, 60))
def test_a_cut_is_a_beginning_and_never_half_a_character(text: str, length: int) -> None:
    found = cut(text, length)
    assert text.startswith(found)
    assert units(found) in (min(length, units(text)), length - 1)


@given(TEXTS, TEXTS, TEXTS, CUTS, CUTS)
def test_a_replay_adds_only_what_is_new(
    base: str, had: str, more: str, first: list[int], again: list[int]
) -> None:
    """Whatever was there, and however both streams are cut, the text is the same."""
    growing = Growing(base)
    growing.rewind(units(base))
    deltas: list[Delta] = []
    for piece in pieces_of(had, first):
        at = growing.units
        deltas.append(Delta("m", at, growing.feed(piece)))
    growing.rewind(units(base))
    for piece in pieces_of(had + more, again):
        at = growing.units
        deltas.append(Delta("m", at, growing.feed(piece)))
    assert not growing.is_other
    assert growing.text == base + had + more
    assert growing.units == growing.place == units(growing.text)
    assert folded(base, deltas) == growing.text


@given(TEXTS, TEXTS, CUTS)
def test_what_browsers_put_together_is_the_text(base: str, more: str, cuts: list[int]) -> None:
    growing = Growing(base)
    deltas: list[Delta] = []
    for piece in pieces_of(more, cuts):
        at = growing.units
        deltas.append(Delta("m", at, growing.feed(piece)))
    assert folded(base, deltas) == base + more
    assert folded(base + more, deltas) == base + more  # told again, it is not there twice


def test_another_answer_is_not_taken() -> None:
    growing = Growing("one two")
    growing.rewind(0)
    assert growing.feed("one ") == ""
    assert growing.feed("three") == ""
    assert growing.is_other
    assert growing.text == "one two"
