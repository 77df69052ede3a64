"""An answer at the chat, put together from whatever is told twice, late or never."""

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.apps.drill.driving.chat_answer import ChatAnswer
from penstock.apps.drill.driving.chat_browser import Event
from penstock.apps.drill.driving.verdict import Verdict
from penstock.sim.drills import shapes

EXPECTED = "dam weir lock gate"
NAME = "an-people-1-0"


def delta(at: int, text: str, name: str = NAME) -> Event:
    told = {"message": name, "at": at, "text": text}
    return Event("delta", json.dumps(told).encode(), "1")


def message(state: str, **more: object) -> Event:
    return Event("message", json.dumps({"id": NAME, "state": state, **more}).encode(), "2")


@given(
    cuts=st.sets(st.integers(1, len(EXPECTED) - 1)),
    again=st.integers(0, 20),
)
def test_what_is_told_again_is_there_once(cuts: set[int], again: int) -> None:
    ends = [0, *sorted(cuts), len(EXPECTED)]
    deltas = [delta(a, EXPECTED[a:b]) for a, b in itertools.pairwise(ends)]
    answer = ChatAnswer(NAME, 0.0)
    at = min(again, len(deltas))
    for number, one in enumerate([*deltas[:at], *deltas]):
        answer.take(one, 1.0 + number)
        answer.take(delta(0, "other", "an-other-1-0"), 1.0 + number)
    answer.take(message("done", text=None), 9.0)
    assert answer.judge(EXPECTED) == Verdict(shapes.COMPLETE)
    assert answer.first_s == 1.0


@pytest.mark.parametrize(
    ("text", "last", "expected"),
    [
        ("dam", message("done"), (shapes.TRUNCATED, "no_end")),
        ("dam", message("done", finish="length"), (shapes.COMPLETE, "shortened")),
        ("dam", message("done", marks=[{"kind": "shortened"}]), (shapes.COMPLETE, "shortened")),
        ("dam dam", message("done"), (shapes.FAILED, "wrong_words")),
        ("dam", message("broken", error={"code": "x"}), (shapes.BROKEN, "x")),
        ("", message("refused", error={"code": "no_capacity"}), (shapes.REFUSED, "no_capacity")),
        ("dam", message("stopped"), (shapes.FAILED, "stopped")),
        ("", message("done", text=EXPECTED), (shapes.COMPLETE, "")),
    ],
)
def test_each_line_of_the_table(text: str, last: Event, expected: tuple[str, str]) -> None:
    answer = ChatAnswer(NAME, 0.0)
    answer.take(delta(0, text), 1.0)
    assert not answer.is_over
    answer.take(last, 2.0)
    assert answer.is_over
    assert answer.judge(EXPECTED) == Verdict(*expected)


def test_seams_and_the_line_are_seen() -> None:
    answer = ChatAnswer(NAME, 0.0)
    place = {"message": NAME, "position": 3}
    answer.take(Event("place", json.dumps(place).encode(), ""), 0.0)
    assert answer.is_in_line
    answer.take(Event("place", json.dumps(place | {"position": 0}).encode(), ""), 0.0)
    assert not answer.is_in_line
    answer.take(message("streaming", marks=[{"kind": "continued"}, {"kind": "failover"}]), 1.0)
    assert answer.seams == 1
