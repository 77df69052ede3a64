"""How a try ended, for whatever comes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.apps.drill.driving.reading import LENGTH, STOP, Answer, Trouble
from penstock.apps.drill.driving.verdict import Head, Verdict, judge
from penstock.sim.drills import shapes

EXPECTED = "dam weir lock gate"
TEXTS = st.one_of(st.integers(0, len(EXPECTED)).map(lambda at: EXPECTED[:at]), st.text(max_size=30))
TROUBLES = st.sampled_from([None, Trouble("overloaded_error"), Trouble("no_capacity")])
HEADS = st.builds(
    Head,
    status=st.sampled_from([0, 200, 400, 429, 500, 503, 529]),
    retry_after_s=st.sampled_from([0.0, 3.0]),
    degraded=st.sampled_from(["", "output_tokens"]),
)


def answer(text: str = "", finish: str = "", trouble: Trouble | None = None) -> Answer:
    made = Answer("openai_chat")
    made.pieces = [text] if text else []
    made.finish = finish
    made.trouble = trouble
    return made


@given(
    head=HEADS,
    text=TEXTS,
    finish=st.sampled_from(["", STOP, LENGTH, "content_filter"]),
    trouble=TROUBLES,
    why=st.sampled_from(["", "the connection was cut"]),
    is_stream=st.booleans(),
)
def test_complete_is_all_of_it_or_told(
    head: Head, text: str, finish: str, trouble: Trouble | None, why: str, *, is_stream: bool
) -> None:
    found = judge(head, answer(text, finish, trouble), EXPECTED, why, is_stream=is_stream)
    assert found.end in shapes.ENDS
    if found.end == shapes.COMPLETE:
        assert trouble is None
        assert finish
        assert text == EXPECTED or (head.degraded and EXPECTED.startswith(text))
    if found.end == shapes.TRUNCATED:
        assert trouble is None
        assert not why or finish
    if found.end == shapes.REFUSED:
        assert not text


@pytest.mark.parametrize(
    ("head", "made", "why", "expected"),
    [
        (Head(200), answer(EXPECTED, STOP), "", (shapes.COMPLETE, "")),
        (Head(200), answer(EXPECTED, STOP), "the connection was cut", (shapes.COMPLETE, "")),
        (Head(200), answer("dam weir"), "", (shapes.TRUNCATED, "no_end")),
        (Head(200), answer(), "", (shapes.TRUNCATED, "no_end")),
        (Head(200), answer("dam weir", STOP), "", (shapes.TRUNCATED, "no_end")),
        (Head(200), answer("dam weir"), "the connection was cut", (shapes.BROKEN, "connection")),
        (Head(200), answer(), "the connection was cut", (shapes.FAILED, "connection")),
        (Head(), answer(), "no answer came", (shapes.FAILED, "connection")),
        (Head(200), answer("dam", LENGTH), "", (shapes.BROKEN, "length")),
        (Head(200, degraded="x"), answer("dam", LENGTH), "", (shapes.COMPLETE, "shortened")),
        (Head(200), answer("dam dam dam", STOP), "", (shapes.FAILED, "wrong_words")),
        (Head(200), answer("no", "refusal"), "", (shapes.FAILED, "refusal")),
        (Head(200), answer("dam", "", Trouble("x")), "", (shapes.BROKEN, "x")),
        (Head(429), answer("", "", Trouble("x")), "", (shapes.REFUSED, "x")),
        (Head(529), answer("", "", Trouble("x")), "", (shapes.FAILED, "x")),
        (Head(529, 3.0), answer("", "", Trouble("x")), "", (shapes.REFUSED, "x")),
        (Head(500, 3.0), answer("", "", Trouble("x")), "", (shapes.FAILED, "x")),
        (Head(200), answer("", "", Trouble("preempted")), "", (shapes.REFUSED, "preempted")),
    ],
)
def test_each_line_of_the_table(
    head: Head, made: Answer, why: str, expected: tuple[str, str]
) -> None:
    assert judge(head, made, EXPECTED, why, is_stream=True) == Verdict(*expected)


def test_half_of_a_whole_answer_is_nothing() -> None:
    found = judge(Head(200), answer("dam"), EXPECTED, "the connection was cut", is_stream=False)
    assert found.end == shapes.FAILED
