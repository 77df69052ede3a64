"""What is said is found by any of its words, and a snippet is a piece of its text."""

from hypothesis import given
from hypothesis import strategies as st

from penstock.apps.chat.words import (
    AFTER,
    BEFORE,
    CLOSES,
    OPENS,
    PIECES_MAX,
    pieces_of,
    question,
    snippet,
    tag_of,
    tagged,
)

TEXTS = st.text(max_size=300)


@given(TEXTS)
def test_each_indexed_word_has_its_accounts_tag(text: str) -> None:
    tag = tag_of("ada")
    assert all(word.startswith(tag) for word in tagged("ada", text).split())


@given(TEXTS)
def test_each_word_of_a_question_has_the_tag_and_is_quoted(text: str) -> None:
    asked = question("ada", pieces_of(text))
    quoted, outside = asked.split('"')[1::2], asked.split('"')[::2]
    assert len(quoted) <= PIECES_MAX
    assert all(word.startswith(tag_of("ada")) for one in quoted for word in one.split())
    assert set("".join(outside)) <= {" ", "*"}


@given(TEXTS, TEXTS)
def test_a_snippet_without_its_marks_is_of_the_text(text: str, asked: str) -> None:
    told = snippet(text, pieces_of(asked))
    plain = told.replace(OPENS, "").replace(CLOSES, "").strip("\N{HORIZONTAL ELLIPSIS}").strip()
    source = " ".join(text.replace(OPENS, "").replace(CLOSES, "").split())
    assert " ".join(plain.split()) in source
    assert len(plain) <= BEFORE + AFTER + 200
    assert told.count(OPENS) == told.count(CLOSES)


@given(TEXTS.map(lambda text: f"{text} needle {text}"))
def test_a_snippet_shows_what_was_found(text: str) -> None:
    assert f"{OPENS}needle{CLOSES}" in snippet(text, pieces_of("needle"))
