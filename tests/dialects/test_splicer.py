"""One hop's events on their way to the caller: the table of the module, row by row."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.core.errors import DialectError
from penstock.dialects.continuation import Continuation
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
from penstock.dialects.message import Hop, Request, StopReason, Usage
from penstock.dialects.progress import Progress
from penstock.dialects.seam import Crossing, Manner, Seam
from penstock.dialects.splicer import Later, Splicer, Splicing

CALLS: list[Event] = [
    ToolStarted(0, "a", "f"),
    ArgumentsDelta(0, "{}"),
    ToolStarted(1, "b", "g"),
    TextDelta("between"),
    ArgumentsDelta(1, "{}"),
]
END = Stopped(StopReason.END)
TOOL = Stopped(StopReason.TOOL)


class Spy:
    """An encoder that notes what it is told."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def encode(self, event: Event) -> bytes:
        self.events.append(event)
        return b"."

    def finish(self) -> bytes:
        return b"!"


def first(settings: Splicing | None = None) -> tuple[Splicer, Spy]:
    spy = Spy()
    return Splicer(spy, Progress(), settings or Splicing()), spy


def later(
    sent: str = "ab ", *, calls: int = 0, manner: Manner = Manner.PREFILL, stop: str = "STOP"
) -> tuple[Splicer, Spy]:
    spy, progress = Spy(), Progress()
    for index in range(calls):
        progress.see(ToolStarted(index, "c", "f"))
        progress.see(ArgumentsDelta(index, "{}"))
    progress.see(TextDelta(sent))
    request = Request(dialect="openai_chat", model="m")
    continuation = Continuation(request, Seam(sent, manner), Crossing(sent, (stop,)))
    told = Later(continuation, (Hop("m0", 1, 2, is_estimated=True),), "m1", has_comment=True)
    return Splicer(spy, progress, Splicing(), told), spy


def test_a_first_hop_says_what_it_is_told() -> None:
    events = [Started("1", "m"), ThinkingDelta("hm"), TextDelta("a"), Counted(Usage(1, 2)), END]
    splicer, spy = first()
    assert b"".join(splicer.encode(event) for event in events) == b"....."
    assert spy.events == events
    assert splicer.finish() == b"!"


@pytest.mark.parametrize("stop", [END, TOOL])
def test_calls_go_out_together_in_order_at_the_end(stop: Stopped) -> None:
    splicer, spy = first()
    before = [Started("1", "m"), TextDelta("a")]
    for event in [*before, *CALLS]:
        splicer.encode(event)
    assert spy.events == before
    assert splicer.is_holding
    assert splicer.progress.calls == 0
    assert splicer.encode(KeptAlive()) == b"."
    splicer.encode(stop)
    assert spy.events == [*before, KeptAlive(), *CALLS, stop]


@given(st.integers(0, 1000))
def test_what_is_held_is_bounded(held_bytes_max: int) -> None:
    splicer, spy = first(Splicing(held_bytes_max=held_bytes_max))
    told: list[Event] = [ToolStarted(0, "a", "f"), *[ArgumentsDelta(0, "x" * 50)] * 10]
    for count, event in enumerate(told, start=1):
        splicer.encode(event)
        size = 64 + (count - 1) * 114
        assert spy.events == ([] if size <= held_bytes_max else told[:count])


def test_without_a_hold_calls_go_out_as_they_come() -> None:
    splicer, spy = first(Splicing(holds_calls=False))
    for count, event in enumerate(CALLS, start=1):
        splicer.encode(event)
        assert spy.events == CALLS[:count]


def test_a_later_hop_has_no_second_beginning() -> None:
    splicer, spy = later()
    for event in (Started("2", "gpt"), ThinkingDelta("hm")):
        assert splicer.encode(event) == b""
    assert spy.events == []
    assert not splicer.has_content
    assert splicer.encode(TextDelta("cd")) == b": penstock continued by gpt\n\n."
    assert splicer.encode(TextDelta("ef")) == b"."
    assert spy.events == [TextDelta("cd"), TextDelta("ef")]
    assert splicer.progress.text == "ab cdef"


def test_a_model_breaks_no_comment() -> None:
    splicer, _ = later()
    splicer.encode(Started("2", "evil\n\ndata: x\r\u2028"))
    assert splicer.encode(TextDelta("c")) == b": penstock continued by evildata: x\n\n."


def test_a_model_that_is_not_named_is_the_one_asked_for() -> None:
    splicer, _ = later()
    splicer.encode(Started("2", ""))
    assert splicer.encode(TextDelta("c")).startswith(b": penstock continued by m1\n\n")


def test_calls_are_numbered_behind_those_before() -> None:
    splicer, spy = later(calls=2)
    for event in (TextDelta("c"), ToolStarted(0, "x", "f"), ArgumentsDelta(0, "{}"), END):
        splicer.encode(event)
    assert spy.events == [TextDelta("c"), ToolStarted(2, "x", "f"), ArgumentsDelta(2, "{}"), TOOL]


def test_an_end_behind_calls_is_the_calls_end() -> None:
    for calls, reason in ((0, END), (1, TOOL)):
        splicer, spy = later(calls=calls)
        splicer.encode(TextDelta("c"))
        splicer.encode(END)
        assert spy.events[-1] == reason
    splicer, spy = later(calls=1)
    splicer.encode(Stopped(StopReason.LENGTH))
    assert spy.events[-1] == Stopped(StopReason.LENGTH)


@pytest.mark.parametrize("events", [[END], [ToolStarted(0, "x", "f"), TOOL]])
def test_what_the_seam_holds_goes_out_before_what_follows(events: list[Event]) -> None:
    splicer, spy = later(manner=Manner.ANCHOR)
    assert splicer.encode(TextDelta("so ")) == b""
    for event in events:
        splicer.encode(event)
    assert spy.events == [TextDelta("so "), *events]


def test_a_continuation_may_say_nothing() -> None:
    splicer, spy = later(manner=Manner.ANCHOR)
    splicer.encode(END)
    assert spy.events == [END]
    assert splicer.finish() == b".!"


@given(at=st.integers(0, 4), is_last=st.booleans())
def test_a_stop_sequence_across_the_seam_ends_the_answer(at: int, *, is_last: bool) -> None:
    splicer, spy = later("ab ST")
    for piece in ("OP more"[:at], "OP more"[at:]):
        if piece:
            splicer.encode(TextDelta(piece))
    splicer.encode(TextDelta("and more") if is_last else END)
    splicer.encode(END)
    assert spy.events == [Stopped(StopReason.STOP_SEQUENCE, "STOP")]
    splicer.encode(Counted(Usage(3, 4)))
    assert isinstance(spy.events[-1], Counted)


def test_half_a_stop_sequence_goes_out_at_the_end() -> None:
    splicer, spy = later("ab ST")
    assert splicer.encode(TextDelta("O")) == b""
    splicer.encode(END)
    assert spy.events == [TextDelta("O"), END]


def test_an_answer_that_begins_anew_says_nothing_more() -> None:
    sent = "It was a dark and stormy night, and nobody was out but the keeper of the lamp."
    splicer, spy = later(sent)
    for event in (TextDelta(sent[:40]), TextDelta(" never mind"), *CALLS, END):
        assert splicer.encode(event) == b""
    assert splicer.is_restarted
    assert splicer.finish() == b""
    assert spy.events == []


def test_usage_is_summed_and_never_forgotten() -> None:
    splicer, spy = later()
    splicer.encode(Counted(Usage(10, 20, is_known=True)))
    counted = spy.events[-1]
    assert isinstance(counted, Counted)
    assert (counted.usage.input_tokens, counted.usage.output_tokens) == (11, 22)
    assert [hop.model for hop in counted.usage.hops] == ["m0", "m1"]
    splicer, spy = later()
    splicer.encode(END)
    splicer.finish()
    counted = spy.events[-1]
    assert isinstance(counted, Counted)
    assert (counted.usage.input_tokens, counted.usage.is_known) == (1, False)


def test_what_an_encoder_cannot_tell_is_raised() -> None:
    class Strict(Spy):
        def encode(self, event: Event) -> bytes:
            raise DialectError(type(event).__name__)

    with pytest.raises(DialectError):
        Splicer(Strict(), Progress(), Splicing()).encode(TextDelta("a"))
