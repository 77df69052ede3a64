"""OpenAI Responses streams: the grammar that callers rely on, whatever comes in."""

import itertools

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.core.errors import DialectError, UpstreamError
from penstock.core.outcome import Failure, FailureKind
from penstock.dialects.contract import NumberedEncoder
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
from penstock.dialects.openai_responses.encoder import ANSWER_CHARS_MAX, ResponsesEncoder
from penstock.dialects.openai_responses.passthrough import ResponsesRelay, inquire
from penstock.dialects.openai_responses.response import Position

Told = dict[str, object]
ASKED = inquire(b'{"model":"m","input":"hi","stream":true,"instructions":"be brief"}')
CUT = UpstreamError(Failure(FailureKind.BROKEN_STREAM, "cut"))
# Where an item's whole text stands, in the events that tell it and in the item itself.
TEXTS = {"message": "text", "reasoning": "text", "function_call": "arguments"}


class Reader:
    """Reads a stream as a strict client does: every event must fit what came before."""

    def __init__(self) -> None:
        self.number = 0
        self.items: dict[int, Told] = {}
        self.texts: dict[int, str] = {}
        self.done: dict[int, Told] = {}
        self.kinds: list[str] = []
        self.last: Told = {}

    def read(self, stream: bytes) -> None:
        for raw in stream.split(b"\n\n"):
            if raw and not raw.startswith(b":"):
                self._read_event(raw)

    def _read_event(self, raw: bytes) -> None:
        name, _, data = raw.partition(b"\n")
        told = msgspec.json.decode(data.removeprefix(b"data: "), type=Told)
        kind = str(told["type"])
        assert name == b"event: " + kind.encode()
        assert told["sequence_number"] == self.number
        assert not self.last
        self.number += 1
        self.kinds.append(kind.removeprefix("response."))
        if "output_index" in told:
            self._read_place(kind.removeprefix("response."), told)
        elif kind in ("response.completed", "response.incomplete", "response.failed"):
            self.last = msgspec.convert(told["response"], Told)

    def _read_place(self, kind: str, told: Told) -> None:
        index = told["output_index"]
        assert isinstance(index, int)
        if kind == "output_item.added":
            assert index == len(self.items)
            self.items[index] = msgspec.convert(told["item"], Told)
            self.texts[index] = ""
            return
        item = self.items[index]
        assert index not in self.done
        if kind == "output_item.done":
            done = self.done[index] = msgspec.convert(told["item"], Told)
            assert self.text_of(done) == self.texts[index]
            assert (done["id"], done["type"]) == (item["id"], item["type"])
            return
        assert told["item_id"] == item["id"]
        if kind.endswith(".delta"):
            self.texts[index] += str(told["delta"])
        elif kind == "refusal.done":
            assert told["refusal"] == self.texts[index]
        elif kind.endswith(("text.done", "arguments.done")):
            assert told[TEXTS[str(item["type"])]] == self.texts[index]

    @staticmethod
    def text_of(item: Told) -> str:
        if item["type"] == "function_call":
            return str(item["arguments"])
        parts = msgspec.convert(item.get("content") or item.get("summary"), list[Told])
        return "".join(str(part.get("text") or part.get("refusal") or "") for part in parts)


def encoder() -> ResponsesEncoder:
    return ResponsesEncoder(ASKED, 7)


def read(*events: Event) -> Reader:
    writer, reader = encoder(), Reader()
    for event in events:
        reader.read(writer.encode(event))
    reader.read(writer.finish())
    return reader


def test_a_text_has_the_whole_grammar() -> None:
    usage = Usage(3, 2, is_known=True)
    said = read(
        Started("1", "other"),
        TextDelta("He"),
        TextDelta("y"),
        Stopped(StopReason.END),
        Counted(usage),
    )
    assert said.kinds == [
        "created", "in_progress", "output_item.added", "content_part.added",
        "output_text.delta", "output_text.delta",
        "output_text.done", "content_part.done", "output_item.done", "completed",
    ]  # fmt: skip
    assert (said.last["id"], said.last["model"], said.last["created_at"]) == ("resp_1", "other", 7)
    assert said.last["instructions"] == "be brief"
    assert isinstance(said.last["usage"], dict)
    assert said.last["usage"]["total_tokens"] == 5


def test_reasoning_has_the_whole_grammar() -> None:
    said = read(ThinkingDelta("h"), ThinkingDelta("m"), TextDelta("a"), Stopped(StopReason.END))
    assert said.kinds[2:8] == [
        "output_item.added", "reasoning_summary_part.added",
        "reasoning_summary_text.delta", "reasoning_summary_text.delta",
        "reasoning_summary_text.done", "reasoning_summary_part.done",
    ]  # fmt: skip
    assert list(said.texts.values()) == ["hm", "a"]


def test_a_call_has_the_whole_grammar() -> None:
    said = read(ToolStarted(0, "c", "f"), ArgumentsDelta(0, "{}"), Stopped(StopReason.TOOL))
    assert said.kinds[2:] == [
        "output_item.added", "function_call_arguments.delta", "function_call_arguments.done",
        "output_item.done", "completed",
    ]  # fmt: skip
    call = said.done[0]
    assert (call["call_id"], call["name"], call["status"]) == ("c", "f", "completed")


PIECES = st.one_of(
    st.builds(TextDelta, st.text(min_size=1, max_size=5)),
    st.builds(ThinkingDelta, st.text(min_size=1, max_size=5)),
    st.just(KeptAlive()),
    st.builds(Counted, st.builds(Usage, is_known=st.booleans())),
)


@st.composite
def answers(draw: st.DrawFn) -> list[Event]:
    """Draw texts and thoughts in any order, with the pieces of calls strewn among them."""
    events: list[Event] = draw(st.lists(PIECES, max_size=8))
    for index in range(draw(st.integers(0, 3))):
        places = sorted(draw(st.lists(st.integers(0, len(events)), min_size=3, max_size=3)))
        for place, piece in zip(
            reversed(places), (ArgumentsDelta(index, '"}'), ArgumentsDelta(index, '{"a":"'),
                               ToolStarted(index, f"c{index}", "f")), strict=True,
        ):  # fmt: skip
            events.insert(place, piece)
    return [*events, Stopped(draw(st.sampled_from(StopReason)))]


@given(events=answers())
def test_every_event_fits_what_came_before(events: list[Event]) -> None:
    said = read(*events)
    assert said.done.keys() == said.items.keys()
    assert said.last["output"] == [said.done[index] for index in sorted(said.done)]
    assert len({item["id"] for item in said.items.values()}) == len(said.items)
    for kind, piece in (("message", TextDelta), ("reasoning", ThinkingDelta)):
        written = [said.texts[at] for at, item in said.items.items() if item["type"] == kind]
        meant = [event.text for event in events if isinstance(event, piece)]
        assert "".join(written) == "".join(meant)
    calls = [item for item in said.done.values() if item["type"] == "function_call"]
    assert all(call["arguments"] == '{"a":""}' for call in calls)
    assert len(calls) == sum(isinstance(event, ToolStarted) for event in events)


@given(events=answers(), count=st.integers(0, 20))
def test_a_break_at_any_event_ends_under_the_next_number(events: list[Event], count: int) -> None:
    writer, reader = encoder(), Reader()
    for event in events[:count]:
        reader.read(writer.encode(event))
    assert isinstance(writer, NumberedEncoder)
    reader.read(writer.broken(CUT))
    assert reader.last["status"] == "failed"


@pytest.mark.parametrize(
    ("reason", "status", "why"),
    [
        (StopReason.END, "completed", None),
        (StopReason.TOOL, "completed", None),
        (StopReason.STOP_SEQUENCE, "completed", None),
        (StopReason.LENGTH, "incomplete", "max_output_tokens"),
        (StopReason.PAUSED, "incomplete", "max_output_tokens"),
        (StopReason.FILTERED, "incomplete", "content_filter"),
    ],
)
def test_why_it_ended(reason: StopReason, status: str, why: str | None) -> None:
    said = read(TextDelta("a"), Stopped(reason))
    assert said.kinds[-1] == said.last["status"] == status
    assert said.done[0]["status"] == status
    assert said.last["incomplete_details"] == ({"reason": why} if why else None)


def test_what_a_vendor_says_of_a_refusal_is_a_message_of_its_own() -> None:
    said = read(
        Started("1", "m", "flex"), TextDelta("a"), Stopped(StopReason.FILTERED, "", "no such thing")
    )
    assert said.kinds[-7:] == [
        "output_item.added", "content_part.added", "refusal.delta", "refusal.done",
        "content_part.done", "output_item.done", "incomplete",
    ]  # fmt: skip
    assert said.texts == {0: "a", 1: "no such thing"}
    assert said.last["service_tier"] == "flex"


def test_a_call_without_arguments_gets_an_empty_object_unless_it_was_cut() -> None:
    assert read(ToolStarted(0, "c", "f"), Stopped(StopReason.TOOL)).texts[0] == "{}"
    assert read(ToolStarted(0, "c", "f"), Stopped(StopReason.LENGTH)).texts[0] == ""


def test_of_the_calls_that_are_open_only_what_is_whole_is_completed() -> None:
    said = read(
        ToolStarted(0, "c", "f"), ToolStarted(1, "d", "f"), ArgumentsDelta(0, "{}"),
        ArgumentsDelta(1, '{"a'), Stopped(StopReason.LENGTH),
    )  # fmt: skip
    assert [said.done[at]["status"] for at in (0, 1)] == ["completed", "incomplete"]


def test_a_whole_call_is_done_before_the_next_begins() -> None:
    said = read(
        ToolStarted(0, "c", "f"), ArgumentsDelta(0, "{}"), ToolStarted(1, "d", "g"),
        ArgumentsDelta(1, "{}"), Stopped(StopReason.TOOL),
    )  # fmt: skip
    places = [at for at, kind in enumerate(said.kinds) if kind == "output_item.done"]
    assert places[0] < [at for at, kind in enumerate(said.kinds) if kind == "output_item.added"][1]


def test_arguments_for_a_call_that_has_ended_are_refused() -> None:
    writer = encoder()
    for event in (ToolStarted(0, "c", "f"), ArgumentsDelta(0, "{}"), TextDelta("a")):
        writer.encode(event)
    assert writer.encode(ArgumentsDelta(0, " ")) == b""
    with pytest.raises(DialectError):
        writer.encode(ArgumentsDelta(0, ",1"))


def test_an_answer_without_end_is_not_kept_for_ever() -> None:
    writer = encoder()
    piece = TextDelta("a" * (ANSWER_CHARS_MAX // 4))
    for _ in range(4):
        writer.encode(piece)
    with pytest.raises(DialectError):
        writer.encode(TextDelta("a"))


def test_ids_that_come_twice_are_told_apart() -> None:
    said = read(ToolStarted(0, "c", "f"), ToolStarted(1, "c", "f"), Stopped(StopReason.TOOL))
    assert len({call["call_id"] for call in said.done.values()}) == 2


def test_the_position_is_that_of_a_relay_of_the_same_stream() -> None:
    writer, relay = encoder(), ResponsesRelay(ASKED)
    for event in (
        Started("1", "m"), ThinkingDelta("a"), TextDelta("b"), ToolStarted(0, "c", "f"),
        ArgumentsDelta(0, "{}"), TextDelta("d"), TextDelta("e"),
    ):  # fmt: skip
        relay.feed(writer.encode(event))
        assert relay.position == writer.position
    assert relay.broken(CUT) == writer.broken(CUT)


@pytest.mark.parametrize("places", list(itertools.product([1, 3], [0, 2])))
def test_an_answer_goes_on_where_another_broke_off(places: tuple[int, int]) -> None:
    thoughts, calls = places
    first, relay, reader = encoder(), ResponsesRelay(ASKED), Reader()
    begun: list[Event] = [Started("1", "m"), *[ThinkingDelta("a")] * thoughts]
    for index in range(calls):
        begun += [ToolStarted(index, f"c{index}", "f"), ArgumentsDelta(index, "{}")]
    for event in [*begun, TextDelta("He"), TextDelta("ll")]:
        sent = first.encode(event)
        reader.read(relay.feed(sent))
    second = encoder()
    second.resume(relay.position, relay.model, "Hell", {})
    before = relay.position.sequence_number
    for event in (Started("2", "other"), TextDelta("o"), Stopped(StopReason.END)):
        reader.read(second.encode(event))
    reader.read(second.finish())
    assert relay.position.sequence_number == before
    assert reader.texts[len(reader.items) - 1] == "Hello"
    assert (reader.last["id"], reader.last["model"]) == ("resp_1", "m")
    assert reader.kinds.count("created") == 1


def test_where_it_goes_on_is_said_by_the_position_alone() -> None:
    at = Position("resp_9", 5, "message", "msg_x", 4, 2, 30)
    writer = encoder()
    writer.resume(at, "m", "", {})
    told = msgspec.json.decode(writer.encode(TextDelta("a")).partition(b"data: ")[2])
    assert told == {
        "type": "response.output_text.delta",
        "sequence_number": 30,
        "item_id": "msg_x",
        "output_index": 4,
        "content_index": 2,
        "delta": "a",
        "logprobs": [],
    }
