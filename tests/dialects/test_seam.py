"""The seam: what a caller reads is one text, however the continuation begins and is cut.

``joined`` plays one scripted continuation; chunking never changes what comes out, and where the
continuation truly repeats what it was asked to, the text is the unbroken one.
"""

from collections.abc import Callable
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.dialects.seam import (
    ANCHOR_CHARS,
    HELD_CHARS,
    RESTART_CHARS,
    Crossing,
    Joint,
    Manner,
    Seam,
    anchor_of,
)

STORY: Final = (
    "The lighthouse keeper \u201cold Tom\u201d climbed the stairs, as he did each night. Halfway "
    "up he heard a knock.\n\nNobody had knocked in years, and the sea was far too rough for a "
    "boat tonight.\n\n```python\ndef knock(times: int) -> str:\n    return 'tok ' * times\n```\n\n"
    "He went down again, slowly, with the lamp in one hand \U0001f56f\ufe0f and his stick in the "
    "other, e\u0301mu et inquiet, d\u00e9j\u00e0 \u00e9puis\u00e9. Who\u2019s there? he asked "
    "\u2013 and nobody, nobody answered him. So he opened the door a crack, and the wind blew "
    "out his lamp. \u6d77\u306f\u9759\u304b\u3060\u3063\u305f\u3002 Something cold touched him."
)
QUOTED: Final = "Then she turned. \u201cwe go on from here until the stars are out, all of us"
TEXT: Final = st.text(
    st.sampled_from("ab \n\"'\u201c\u2019,.\u00e9\u0301\U0001f468\u200d\U0001f469`-"), max_size=120
)
PLACES: Final = st.lists(st.integers(0, 600), max_size=30)
MANNERS: Final = st.sampled_from(Manner)


def pieces(text: str, places: list[int]) -> list[str]:
    at = sorted({place % (len(text) + 1) for place in places})
    return [text[start:end] for start, end in zip([0, *at], [*at, len(text)], strict=True)]


def emitted(seam: Seam, chunks: list[str]) -> str:
    return "".join(seam.feed(chunk) for chunk in chunks) + seam.finish()


def joined(sent: str, continuation: str, manner: Manner = Manner.ANCHOR) -> tuple[str, Joint]:
    seam = Seam(sent, manner)
    return sent + emitted(seam, [continuation]), seam.joint


def everywhere(first: int, end: int) -> Callable[[Callable[[int], None]], Callable[[], None]]:
    """Run a test for a break at every character."""

    def wrapped(test: Callable[[int], None]) -> Callable[[], None]:
        def loop() -> None:
            for at in range(first, end):
                test(at)

        loop.__name__ = test.__name__
        return loop

    return wrapped


def of_story(at: int) -> tuple[str, str]:
    """Return what was sent before a break, and what it would have gone on with."""
    return STORY[:at], STORY[at:]


@given(sent=TEXT, text=TEXT, places=PLACES, manner=MANNERS, repeats=st.booleans())
def test_chunking_changes_nothing(
    sent: str, text: str, places: list[int], manner: Manner, *, repeats: bool
) -> None:
    text = anchor_of(sent) + text if repeats else text
    whole, cut = Seam(sent, manner), Seam(sent, manner)
    assert emitted(whole, [text]) == emitted(cut, pieces(text, places))
    assert whole.joint is cut.joint


@given(at=st.integers(0, len(STORY)), start=st.integers(0, len(STORY)), places=PLACES)
def test_chunking_changes_nothing_in_a_story(at: int, start: int, places: list[int]) -> None:
    whole, cut = Seam(STORY[:at], Manner.ANCHOR), Seam(STORY[:at], Manner.ANCHOR)
    text = STORY[start:]
    assert emitted(whole, [text]) == emitted(cut, pieces(text, places))


@everywhere(1, len(STORY))
def test_an_exact_repeat_gives_the_unbroken_text(at: int) -> None:
    sent, rest = of_story(at)
    space = sent[len(sent.rstrip()) :]
    for start in ("", " ", "\n\n", "\u2026", "... "):
        assert joined(sent, start + anchor_of(sent) + space + rest)[0] == STORY


@everywhere(1, len(STORY))
def test_a_quoted_anchor_gives_the_unbroken_text(at: int) -> None:
    sent, rest = of_story(at)
    space = sent[len(sent.rstrip()) :]
    anchor = anchor_of(sent)
    around = sent.rstrip()[: -len(anchor)][-1:] + anchor[0] + sent.rstrip()[-1]
    if any(mark in around for mark in "\u201c\u201d\u2018\u2019'"):
        return  # whose mark it is cannot be told
    for opening, closing in ("\u00ab\u00bb", "\u201c\u201d", '""'):
        text = f"{opening}{anchor}{closing}{space}{rest}"
        assert joined(sent, text)[0] == STORY


def changed(text: str) -> str:
    return (
        text.replace(" ", "\n ", 2)
        .replace("\u201c", '"')
        .replace("\u201d", '"')
        .replace("\u2019", "'")
    )


@everywhere(1, len(STORY))
def test_changed_white_space_and_quotes_give_the_unbroken_text(at: int) -> None:
    sent, rest = of_story(at)
    text = changed(anchor_of(sent)) + sent[len(sent.rstrip()) :] + rest
    assert joined(sent, text)[0] == STORY


@everywhere(60, len(STORY))
def test_a_piece_of_the_anchor_is_enough(at: int) -> None:
    sent, rest = of_story(at)
    for kept in (12, 16, 24, 32, 39):
        piece = sent.rstrip()[-kept:].lstrip()
        if len(piece) >= 12:
            text = piece + sent[len(sent.rstrip()) :] + rest
            assert joined(sent, text)[0] == STORY


@everywhere(60, len(STORY))
def test_a_longer_repeat_gives_the_unbroken_text(at: int) -> None:
    sent, _ = of_story(at)
    for more in (1, 8, 60, 150, 235, 300):
        start = at - ANCHOR_CHARS - more
        if start >= RESTART_CHARS:  # else it is a restart
            assert joined(sent, STORY[start:])[0] == STORY


@everywhere(20, len(STORY))
def test_an_overlap_is_not_said_twice(at: int) -> None:
    sent, _ = of_story(at)
    for size in (6, 8, 11):
        piece = STORY[at - size : at]
        if len(" ".join(piece.split())) == size:
            assert joined(sent, STORY[at - size :])[0] == STORY


@everywhere(1, len(STORY))
def test_what_repeats_nothing_goes_on(at: int) -> None:
    sent, rest = of_story(at)
    if sent[-1].isspace() or rest[0].isspace():
        return
    told, joint = joined(sent, rest)
    if joint is Joint.BLUNT:
        assert told == STORY


def test_a_new_line_in_mid_sentence_is_a_space() -> None:
    assert joined("He saw the quick", "\n\nbrown fox")[0] == "He saw the quick brown fox"
    assert joined("He saw the quick ", "\nbrown fox")[0] == "He saw the quick brown fox"
    for sent, rest in (
        ("He saw it.", "\n\nThen he left."),
        ("He saw:", "\n\nA fox."),
        ("- a fox", "\n- a hen"),
        ("| a | b", "\n| c | d"),
        ("```\nx = y", "\nz = x"),
        ("He saw\n", "\nthe fox"),
    ):
        assert joined(sent, rest)[0] in (sent + rest, sent + rest[1:])
        assert "\n" in joined(sent, rest)[0][len(sent.rstrip()) :]


@everywhere(HELD_CHARS + RESTART_CHARS, len(STORY))
def test_a_restart_says_nothing(at: int) -> None:
    sent, _ = of_story(at)
    places = list(range(0, at, 7))
    for text in (STORY, STORY.upper(), STORY.replace("climbed", "went up")):
        seam = Seam(sent, Manner.ANCHOR)
        assert emitted(seam, pieces(text, places)) == ""
        assert seam.joint is Joint.RESTARTED
        assert seam.feed("more") + seam.finish() == ""


@everywhere(1, HELD_CHARS)
def test_a_short_answer_that_restarts_word_for_word_is_the_same_answer(at: int) -> None:
    assert joined(STORY[:at], STORY)[0] == STORY


@everywhere(ANCHOR_CHARS + 4, len(STORY))
def test_an_anchor_that_stands_twice_is_cut_once(at: int) -> None:
    sent, rest = of_story(at)
    text = anchor_of(sent) + sent[len(sent.rstrip()) :]
    assert joined(sent, text + text + rest)[0] == sent + text + rest
    twice = sent + " " + sent
    assert joined(twice, text + rest)[0] == twice + rest


@pytest.mark.parametrize("sent", ["ha" * 200, "ha " * 200, "- a\n" * 100])
def test_what_goes_round_in_circles_is_not_lost(sent: str) -> None:
    body = sent.rstrip()
    space = sent[len(body) :]
    told, joint = joined(sent, anchor_of(sent) + space + sent + "end")
    assert (told, joint) == (sent + sent + "end", Joint.ANCHOR)


@everywhere(1, len(STORY))
def test_a_second_break_in_the_anchor_has_sent_nothing(at: int) -> None:
    sent, rest = of_story(at)
    anchor = anchor_of(sent)
    for size in range(len(anchor)):
        assert Seam(sent, Manner.ANCHOR).feed(anchor[:size]) == ""
    seam = Seam(sent, Manner.ANCHOR)
    told = sent + seam.feed(anchor + sent[len(sent.rstrip()) :] + rest[:5])
    assert told == STORY[: at + 5]
    anchor = anchor_of(told)
    assert joined(told, anchor + told[len(told.rstrip()) :] + rest[5:])[0] == STORY


@everywhere(0, len(STORY))
def test_a_prefill_goes_on_from_the_stripped_text(at: int) -> None:
    sent, rest = of_story(at)
    body = sent.rstrip()
    assert joined(sent, STORY[len(body) :], Manner.PREFILL)[0] == STORY
    assert joined(sent, rest.lstrip(), Manner.PREFILL)[0] == sent + rest.lstrip()


@everywhere(0, len(STORY))
def test_an_echo_is_taken_out(at: int) -> None:
    sent, _ = of_story(at)
    told, joint = joined(sent, STORY, Manner.ECHO)
    assert told == STORY
    assert joint is (Joint.OVERLAP if sent.strip() else Joint.BLUNT)
    assert joined(sent, STORY[len(sent.rstrip()) :], Manner.ECHO)[0] == STORY


def test_a_prefill_that_begins_anew_says_nothing() -> None:
    seam = Seam(STORY[:200], Manner.PREFILL)
    assert emitted(seam, [STORY[:60] + " something else"]) == ""
    assert seam.joint is Joint.RESTARTED
    seam = Seam(STORY[:200], Manner.PREFILL)
    assert emitted(seam, [STORY[:60]]) == ""
    assert seam.joint is Joint.RESTARTED


def test_a_prefill_of_few_words_may_say_them_again() -> None:
    assert joined("ha", "haha", Manner.PREFILL) == ("hahaha", Joint.BLUNT)


@given(text=TEXT, places=PLACES, manner=MANNERS)
def test_nothing_sent_means_nothing_cut(text: str, places: list[int], manner: Manner) -> None:
    seam = Seam("", manner)
    assert [seam.feed(piece) for piece in pieces(text, places)] == pieces(text, places)


def test_the_hold_is_bounded() -> None:
    seam = Seam(STORY, Manner.ANCHOR)
    assert seam.feed("x" * (HELD_CHARS - 1)) == ""
    assert seam.feed("x") == "x" * HELD_CHARS
    assert seam.feed("y") == "y"


@given(TEXT)
def test_an_anchor_is_the_end_of_the_text(text: str) -> None:
    anchor = anchor_of(text)
    assert text.rstrip().endswith(anchor)
    assert len(anchor) <= ANCHOR_CHARS
    assert anchor == anchor.strip()


def test_an_anchor_tears_no_character_apart() -> None:
    family = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
    for tail in range(ANCHOR_CHARS - 4, ANCHOR_CHARS):
        assert anchor_of("x" * 9 + family + "y" * tail).strip("y") in ("", family)
    assert anchor_of("x" + "e\u0301" + "y" * (ANCHOR_CHARS - 1)) == "y" * (ANCHOR_CHARS - 1)


@given(places=PLACES)
def test_a_stop_sequence_across_the_seam_stops(places: list[int]) -> None:
    for sent, text, told, stops in (
        ("ab E", "ND more", "", True),
        ("ab EN", "D", "", True),
        ("ab E", "NE more", "NE more", False),
        ("ab ", "END", "END", False),
        ("ab S", "TOP", "", True),
        ("ab EN", "x", "x", False),
    ):
        crossing = Crossing(sent, ("END", "STOP"))
        out = "".join(crossing.feed(piece) for piece in pieces(text, places)) + crossing.finish()
        assert (out, crossing.is_stopped) == (told, stops)


def test_half_a_stop_sequence_at_the_end_goes_on() -> None:
    crossing = Crossing("ab E", ("END",))
    assert crossing.feed("N") == ""
    assert crossing.finish() == "N"
    assert crossing.feed("D") == "D"


def test_quotation_marks_of_the_text_stay() -> None:
    sent = QUOTED[: QUOTED.index("\u201c") + 1 + ANCHOR_CHARS]
    assert sent.endswith(f"\u201c{anchor_of(sent)}")
    for mark in ("\u201c", '"'):  # it began one character ahead: the mark is the text's own
        rest = f"{mark}{anchor_of(sent)}\u201d she said"
        assert joined(sent, rest)[0] == f"{sent}\u201d she said"
    rest = f'"{anchor_of(STORY)}" and more'  # put around by the model
    assert joined(STORY, rest)[0] == f"{STORY} and more"


def test_white_space_is_sent_once() -> None:
    for sent, rest, told in (
        ("He left. \n", "\n\nThen", "He left. \n\nThen"),
        ("He left.\n", " \nThen", "He left.\nThen"),
        ("He left. ", "\n\nThen", "He left. \n\nThen"),
        ("He left.\n\n", "\nThen", "He left.\n\nThen"),
        ("He left.\n", "  Then", "He left.\nThen"),
    ):
        assert joined(sent, rest, Manner.PREFILL)[0] == told


def test_a_tiny_anchor_counts_at_the_beginning_only() -> None:
    assert joined("I", "so I go") == ("Iso I go", Joint.BLUNT)
    assert joined("I", ' "I go') == ("I go", Joint.ANCHOR)
