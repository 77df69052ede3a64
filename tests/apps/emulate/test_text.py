"""Texts are cut and made so that tokens always join to them."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from penstock.apps.emulate import text


@given(st.text())
def test_pieces_join_to_the_text(said: str) -> None:
    assert "".join(text.pieces(said)) == said
    assert "".join(text.json_pieces(said)) == said


@given(st.integers(), st.integers(0, 300))
def test_prose_has_exactly_as_many_words_as_tokens(seed: int, count: int) -> None:
    tokens = text.prose(Random(seed), count)
    assert len(tokens) == count
    assert len("".join(tokens).split()) == count
    assert tokens == text.prose(Random(seed), count)


@given(st.lists(st.text(min_size=1), max_size=5), st.lists(st.text(max_size=3), max_size=3))
def test_nothing_from_a_stop_sequence_on_is_said(tokens: list[str], stops: list[str]) -> None:
    kept, stop = text.cut_at_stop(tokens, tuple(stops))
    said = "".join(tokens)
    assert said.startswith("".join(kept))
    if stop is None:
        assert not any(s in said for s in stops if s)
    else:
        assert said.startswith("".join(kept) + stop)
        assert not any(s in "".join(kept) for s in stops if s)


def test_aids_tell_words_or_text() -> None:
    assert text.told("please [[words:12]]", 100) == 12
    assert text.told("[[words:12]]", 10) == 10
    assert text.told("[[say:one  two\nthree]]", 10) == ["one", "  two", "\nthree"]
    for nothing in ("", "[[words:x]]", "[[words:" + "9" * 5000 + "]]", "[[other:3]]"):
        assert text.told(nothing, 10) is None


def test_a_canary_is_answered_as_any_model_would() -> None:
    asked = "Repeat these 3 words exactly, and write nothing else: amber kettle yonder"
    assert text.told(asked, 10) == ["amber", " kettle", " yonder"]
    assert text.told(f"So: {asked}", 10) is None
