"""What has gone out, and whether anybody may go on with it: the table of the module, row by row."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.dialects.events import (
    ArgumentsDelta,
    Counted,
    Event,
    KeptAlive,
    Started,
    Stopped,
    TextDelta,
    ThinkingDelta,
    ToolStarted,
)
from penstock.dialects.message import StopReason, Usage
from penstock.dialects.progress import Progress

CALL = ToolStarted(0, "c", "f")
TEXT = TextDelta("Hi")
STOPPED = Stopped(StopReason.END)


def seen(*events: Event, text_chars_max: int = 100) -> Progress:
    progress = Progress(text_chars_max)
    for event in events:
        progress.see(event)
    return progress


@pytest.mark.parametrize(
    ("events", "obstacle"),
    [
        ([], None),
        ([Started("1", "m"), KeptAlive(), Counted(Usage())], None),
        ([TEXT, TEXT], None),
        ([ThinkingDelta("hm")], None),
        ([ThinkingDelta("hm"), TEXT], None),
        ([TEXT, ThinkingDelta("hm")], "the break lies in thinking behind text"),
        ([TEXT, ThinkingDelta("hm"), TEXT], None),
        ([CALL], "a tool call had begun"),
        ([TEXT, CALL, ArgumentsDelta(0, "{}")], "a tool call had begun"),
        ([CALL, ArgumentsDelta(0, '{"a"'), ArgumentsDelta(0, ":1}"), TEXT], None),
        ([CALL, ArgumentsDelta(0, '{"a"'), TEXT], "a tool call had begun"),
        ([CALL, TEXT], "a tool call had begun"),
        ([CALL, ArgumentsDelta(0, "{}"), CALL, TEXT], "a tool call had begun"),
        ([TextDelta("No", is_refusal=True)], "the model was refusing"),
        ([TEXT, STOPPED], "the answer is complete"),
        ([STOPPED], "the answer is complete"),
        ([TextDelta("x" * 101)], "the answer is longer than is kept"),
        ([CALL, ArgumentsDelta(0, "x" * 101)], "the answer is longer than is kept"),
    ],
)
def test_each_state_has_its_obstacle(events: list[Event], obstacle: str | None) -> None:
    assert seen(*events).obstacle() == obstacle


def test_the_first_loss_is_the_one_that_is_told() -> None:
    progress = seen(TEXT)
    progress.lose("one")
    progress.lose("two")
    assert progress.obstacle() == "one"


@given(st.lists(st.text(max_size=5), max_size=20))
def test_the_text_is_all_that_was_seen(pieces: list[str]) -> None:
    progress = seen()
    for at in range(len(pieces)):
        progress.see(TextDelta(pieces[at]))
        assert progress.text == "".join(pieces[: at + 1])
    assert progress.has_text is bool("".join(pieces))


def test_what_is_too_long_is_not_kept() -> None:
    progress = seen(*[TEXT] * 60)
    assert progress.text == ""
    assert progress.has_text


def test_only_content_is_content() -> None:
    assert not seen(Started("1", "m"), KeptAlive(), Counted(Usage()), TextDelta("")).has_content
    for event in (TEXT, ThinkingDelta("hm"), CALL, STOPPED):
        assert seen(event).has_content


def test_calls_are_counted() -> None:
    assert seen(CALL, ArgumentsDelta(0, "{}"), CALL).calls == 2
