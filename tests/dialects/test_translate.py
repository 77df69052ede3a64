"""A stream from one dialect to another says the same, however it is cut.

Also: what is encoded is decoded again, tool arguments survive any cut, and no end is invented.
"""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.dialects.samples import (
    NO_CACHE_WRITES,
    NO_HEAD,
    PLACES,
    TERMINATORS,
    TOLD,
    cut,
    inquiry,
    names,
    read_all,
    sample,
    whole_events,
)

from penstock.core.errors import DeadlineError
from penstock.core.outcome import Failure, FailureKind
from penstock.dialects.events import (
    ArgumentsDelta,
    Counted,
    Ended,
    Event,
    Failed,
    KeptAlive,
    Started,
    Stopped,
    TextDelta,
    ThinkingDelta,
    ToolStarted,
)
from penstock.dialects.message import StopReason, Usage
from penstock.dialects.registry import DIALECTS
from penstock.dialects.translate import Translation

NAMES = sorted(DIALECTS)
EACH = pytest.mark.parametrize("name", NAMES)
PAIRS = pytest.mark.parametrize(
    ("source", "target"), [(a, b) for a in NAMES for b in NAMES if a != b]
)
TEXT = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)


def translation(source: str, target: str) -> Translation:
    caller = DIALECTS[target]
    return Translation(DIALECTS[source].decoder(), caller.encoder(inquiry(caller), 1))


def decoded(name: str, stream: bytes) -> list[Event]:
    """Return the events; where no terminator is, the end stands behind why the model stopped."""
    events = DIALECTS[name].decoder().feed(stream)
    if name not in TERMINATORS and any(isinstance(event, Stopped) for event in events):
        events.append(Ended())
    return events


def gist(events: list[Event], *dialects: str) -> dict[str, object]:
    """Return what an answer says, however its events are cut, if ``dialects`` can tell it."""
    tells_writes = NO_CACHE_WRITES.isdisjoint(dialects)
    calls: dict[int, list[str]] = {}
    said: dict[str, object] = {
        "text": "".join(event.text for event in events if isinstance(event, TextDelta)),
        "thinking": "".join(event.text for event in events if isinstance(event, ThinkingDelta)),
        "calls": calls,
        "usage": None,
        "ended": any(isinstance(event, Ended) for event in events),
    }
    for event in events:
        match event:
            case ToolStarted(index=index, id=call_id, name=name):
                calls[index] = [call_id, name, ""]
            case ArgumentsDelta(index=index, json=json):
                calls[index][2] += json
            case Stopped(reason=reason):
                said["stop"] = reason
            case Counted(usage=usage):
                written = usage.cache_write_tokens if tells_writes else 0
                said["usage"] = msgspec.structs.replace(usage, cache_write_tokens=written)
            case _:
                pass
    return said


@PAIRS
@pytest.mark.parametrize("stem", ["text_ok", "tools_ok"])
def test_a_translated_stream_says_the_same(source: str, target: str, stem: str) -> None:
    stream = sample(source, stem)
    reader = translation(source, target)
    out = read_all(reader, [stream])
    assert reader.failure is None
    assert reader.is_ended
    said, meant = (
        gist(decoded(name, given), source, target)
        for name, given in ((target, out), (source, stream))
    )
    if stem == "text_ok":  # one of the two has no usage, and the other cannot leave it out
        said["usage"] = meant["usage"] = None
    assert said == meant
    passed_on = DIALECTS[target].relay(inquiry(DIALECTS[target]))
    assert read_all(passed_on, [out]) == out
    assert passed_on.failure is None


@given(places=PLACES, pair=st.sampled_from(names("t")))
def test_any_cut_gives_the_same_bytes(places: list[int], pair: tuple[str, str]) -> None:
    source, stem = pair
    target = next(name for name in NAMES if name != source)
    whole, pieces = translation(source, target), translation(source, target)
    stream = sample(source, stem)
    assert read_all(pieces, cut(stream, places)) == read_all(whole, [stream])
    assert pieces.failure == whole.failure
    assert pieces.usage == whole.usage


@PAIRS
@pytest.mark.parametrize("stem", ["text_ok", "tools_ok"])
def test_a_cut_stream_is_never_a_clean_end(source: str, target: str, stem: str) -> None:
    events = whole_events(sample(source, stem))
    whole = read_all(translation(source, target), [b"".join(events)])
    for count in range(len(events)):
        reader = translation(source, target)
        out = read_all(reader, events[:count])
        if reader.is_complete:
            assert gist(decoded(target, out))["ended"]
        else:
            assert reader.failure is not None
            assert reader.failure.kind is FailureKind.BROKEN_STREAM
            assert whole.startswith(out)
            assert not gist(decoded(target, out))["ended"]


@PAIRS
def test_an_error_inside_the_stream_is_a_failure(source: str, target: str) -> None:
    reader = translation(source, target)
    read_all(reader, [sample(source, "text_error_in_band")])
    assert reader.failure is not None
    assert reader.failure.kind is TOLD[source]
    assert reader.has_content
    assert reader.feed(b"data: [DONE]\n\n") == b""


@PAIRS
def test_nothing_is_content_before_there_is_some(source: str, target: str) -> None:
    reader = translation(source, target)
    out = reader.feed(whole_events(sample(source, "text_ok"))[0])
    assert reader.has_content is (source in NO_HEAD)
    assert bool(out) is (source in NO_HEAD or target not in NO_HEAD)


@PAIRS
def test_what_came_before_a_malformed_event_is_told(source: str, target: str) -> None:
    good = sample(source, "text_cut")
    reader = translation(source, target)
    out = reader.feed(good + b"data: {\n\n")
    assert reader.failure is not None
    assert gist(decoded(target, out))["text"] == gist(decoded(source, good))["text"] != ""


@PAIRS
@given(chunks=st.lists(st.binary(max_size=40), max_size=8))
def test_no_bytes_raise(source: str, target: str, chunks: list[bytes]) -> None:
    reader = translation(source, target)
    read_all(reader, chunks)
    assert reader.failure is not None


@PAIRS
@given(data=st.data())
def test_a_damaged_recording_raises_nothing(source: str, target: str, data: st.DataObject) -> None:
    stream = bytearray(sample(source, data.draw(st.sampled_from(["text_ok", "tools_ok"]))))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(stream) - 1))
        stream[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    reader = translation(source, target)
    read_all(reader, [bytes(stream)])
    assert (reader.failure is None) is reader.is_ended


@PAIRS
def test_junk_lines_are_dropped_and_the_stream_lives(source: str, target: str) -> None:
    events = whole_events(sample(source, "text_ok"))
    reader = translation(source, target)
    read_all(reader, [b"<html>\n" + event for event in events])
    assert reader.failure is None
    assert reader.junk_lines == len(events)


USAGES = st.builds(
    Usage,
    input_tokens=st.integers(100, 10_000),
    output_tokens=st.integers(50, 10_000),
    cached_tokens=st.integers(0, 50),
    cache_write_tokens=st.integers(0, 50),
    reasoning_tokens=st.integers(0, 50),
    is_known=st.just(value=True),
)


@st.composite
def answers(draw: st.DrawFn) -> list[Event]:
    """Draw the events of an answer: thinking, text, then calls whose arguments are JSON."""
    events: list[Event] = [Started("1", "m")]
    events += [ThinkingDelta(text) for text in draw(st.lists(TEXT, max_size=3))]
    events += [TextDelta(text) for text in draw(st.lists(TEXT, max_size=3))]
    arguments = draw(st.lists(st.dictionaries(TEXT, TEXT | st.integers()), max_size=3))
    for index, given_arguments in enumerate(arguments):
        events.append(ToolStarted(index, f"call_{index}", f"tool_{index}"))
        json = msgspec.json.encode(given_arguments).decode()
        places = sorted(draw(st.lists(st.integers(1, len(json)), max_size=4)))
        pieces = [json[a:b] for a, b in zip([0, *places], [*places, None], strict=True)]
        events += [ArgumentsDelta(index, piece) for piece in pieces if piece]
    reason = draw(st.sampled_from([StopReason.END, StopReason.LENGTH, StopReason.FILTERED]))
    events.append(Stopped(StopReason.TOOL if arguments else reason))
    return [*events, Counted(draw(USAGES)), Ended()]


def encoded(name: str, events: list[Event]) -> bytes:
    encoder = DIALECTS[name].encoder(inquiry(DIALECTS[name]), 1)
    out = [encoder.encode(event) for event in events if not isinstance(event, Ended)]
    return b"".join(out) + encoder.finish()


@EACH
@given(events=answers())
def test_what_is_encoded_is_decoded_again(name: str, events: list[Event]) -> None:
    assert gist(decoded(name, encoded(name, events))) == gist(events, name)


@EACH
@given(events=answers())
def test_mixed_parallel_calls_lose_nothing(name: str, events: list[Event]) -> None:
    """Engines may send the pieces of parallel calls by turns."""
    head = [event for event in events if not isinstance(event, ArgumentsDelta)]
    pieces = [event for event in events if isinstance(event, ArgumentsDelta)]
    queues = [[piece for piece in pieces if piece.index == index] for index in range(3)]
    mixed: list[Event] = []
    while any(queues):
        mixed += [queue.pop(0) for queue in queues if queue]
    at = next(at for at, event in enumerate(head) if isinstance(event, Stopped))
    out = encoded(name, [*head[:at], *mixed, *head[at:]])
    assert gist(decoded(name, out)) == gist(events, name)


@EACH
def test_a_second_start_is_told_to_nobody(name: str) -> None:
    """Another upstream that goes on with the answer must not change its id or model."""
    encoder = DIALECTS[name].encoder(inquiry(DIALECTS[name]), 1)
    assert bool(encoder.encode(Started("1", "m"))) is (name not in NO_HEAD)
    assert encoder.encode(Started("2", "other")) == b""
    assert b"other" not in encoder.encode(TextDelta("a"))


@EACH
def test_a_sign_of_life_says_nothing(name: str) -> None:
    encoder = DIALECTS[name].encoder(inquiry(DIALECTS[name]), 1)
    alive = encoder.encode(KeptAlive())
    assert alive
    assert decoded(name, alive) in ([KeptAlive()], [])  # a blank line alone is no event


@EACH
def test_an_answer_without_a_start_gets_one(name: str) -> None:
    out = encoded(name, [TextDelta("a"), Stopped(StopReason.END)])
    first = decoded(name, out)[0]
    assert isinstance(first, Started)
    assert first.model == "m"


@PAIRS
def test_a_break_is_told_by_the_encoder_or_by_the_dialect(source: str, target: str) -> None:
    """Only where an error event hangs on what came before, the encoder has one of its own."""
    reader = translation(source, target)
    read_all(reader, [sample(source, "text_cut")])
    event = reader.broken(DeadlineError("too late"))
    assert bool(event) is (target == "openai_responses")
    told = decoded(target, event or DIALECTS[target].error_event(DeadlineError("too late"), "r"))
    assert isinstance(told[-1], Failed)
    assert "too late" in told[-1].failure.detail


class _Refusing:
    """An encoder that has nothing to say."""

    junk_lines = 0

    def feed(self, chunk: bytes) -> list[Event]:
        del chunk
        return [Started("1", "m"), Failed(Failure(FailureKind.QUOTA)), TextDelta("late")]


def test_nothing_comes_out_after_a_failure() -> None:
    caller = DIALECTS["openai_chat"]
    reader = Translation(_Refusing(), caller.encoder(inquiry(caller), 1))
    assert b"late" not in reader.feed(b"x")
    assert reader.failure == Failure(FailureKind.QUOTA)
    assert reader.finish() == b""


def test_arguments_that_come_too_late_end_the_stream_as_broken() -> None:
    """The block of that call is closed: a caller of Claude's dialect would never see them."""
    text = b'data: {"id":"c","choices":[{"index":0,"delta":{"content":"a"}}]}\n\n'
    call = (
        b'data: {"id":"c","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"t",'
        b'"function":{"name":"f","arguments":"{}"}}]}}]}\n\n'
    )
    reader = translation("openai_chat", "anthropic_messages")
    assert b'"a"' in reader.feed(call + text + call.replace(b'"{}"', b'",1"'))
    assert reader.failure is not None
    assert reader.failure.kind is FailureKind.BROKEN_STREAM
