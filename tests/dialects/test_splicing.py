"""Streams that survive a break: cut at every byte, what the caller gets is one unbroken answer."""

import itertools
import re
import zlib

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.dialects.breaks import (
    NAMES,
    STORY,
    USED,
    Play,
    Whole,
    gist,
    is_silent,
    stream_of,
)
from tests.dialects.samples import (
    LAST_CONTENT,
    PLACES,
    cut,
    inquiry,
    names,
    read_all,
    sample,
    whole_events,
)

from penstock.core.outcome import FailureKind
from penstock.dialects.capability import Prefill
from penstock.dialects.continuation import continued
from penstock.dialects.events import (
    Counted,
    Stopped,
    ThinkingDelta,
    ToolStarted,
)
from penstock.dialects.gemini_generate.wire_names import camel
from penstock.dialects.message import StopReason, Usage
from penstock.dialects.registry import DIALECTS
from penstock.dialects.splicer import Splicing
from penstock.dialects.splicing import LOST, NO_COMMENTS, first_hop

# Every two of three meet in each place, and each dialect goes on with itself; all others are slow.
TRIPLES = pytest.mark.parametrize(
    ("caller", "first", "then"),
    [
        pytest.param(
            *(NAMES[one] for one in at),
            marks=[] if sum(at) % len(NAMES) == 0 or len(set(at)) == 1 else pytest.mark.slow,
        )
        for at in itertools.product(range(len(NAMES)), repeat=3)
    ],
)
EACH = pytest.mark.parametrize("name", NAMES)
PREFILLS = st.sampled_from([Prefill.REFUSED, Prefill.LITERAL])
TOOLS = Whole("Looking.", "hm", (("toolu_1", "find", '{"city": "Graz"}'), ("toolu_2", "now", "{}")))
PLAIN = Whole(STORY)
KEEPALIVE = b": keepalive\n\n"
BARE = {name: msgspec.structs.replace(TOOLS, thinking="") for name in NAMES} | {
    "anthropic_messages": TOOLS
}


def few_places(stream: bytes, *whose: str) -> range:
    """Return where to cut: at a few bytes from end to end, other ones for each triple."""
    step = max(1, len(stream) // 8)
    return range(zlib.crc32(repr(whose).encode()) % step, len(stream), step)


def starts(caller: str, out: bytes) -> int:
    """Return how often an answer begins."""
    if caller == "gemini_generate":
        return len(set(re.findall(rb'"(?:responseId|modelVersion)": ?"([^"]+)"', out))) - 1
    mark = {"openai_responses": b"event: response.created"}.get(caller, b'"role":"assistant"')
    return out.replace(b'": "', b'":"').count(mark)


@EACH
@settings(deadline=None)
@given(data=st.data())
def test_any_line_ends_are_followed(name: str, data: st.DataObject) -> None:
    dialect, stream = DIALECTS[name], stream_of(name, PLAIN.events(STORY, "m0"))
    ends = data.draw(st.lists(st.sampled_from([b"\n", b"\r", b"\r\n"]), min_size=1, max_size=5))
    lines = stream.replace(b"\r\n", b"\n").split(b"\n")
    stream = b"".join(line + ends[at % len(ends)] for at, line in enumerate(lines))
    pieces = cut(stream[: data.draw(st.integers(0, len(stream)))], data.draw(PLACES))
    play = Play(name, PLAIN)
    play.begin(name, pieces)
    if play.hop.failure is not None:
        # Whether a CR ends a line or is half of a CRLF shows with the next event.
        assert read_all(dialect.relay(play.inquiry), pieces).startswith(play.out)
        play.resume(name, data.draw(PREFILLS))
    assert play.said().text == STORY


def asked(whole: Whole) -> list[tuple[str, str]]:
    """Return the calls without their ids, which are each upstream's own."""
    return [(name, arguments) for _, name, arguments in whole.calls]


@pytest.mark.parametrize(("name", "stem"), names("text_ok", "tools_ok", "tolerance"))
@settings(deadline=None, max_examples=30)
@given(places=PLACES)
def test_an_unbroken_stream_passes_unchanged(name: str, stem: str, places: list[int]) -> None:
    dialect, stream = DIALECTS[name], sample(name, stem)
    reader = first_hop(dialect, dialect, inquiry(dialect), 1, Splicing())
    relay = dialect.relay(inquiry(dialect))
    assert read_all(reader, cut(stream, places)) == read_all(relay, [stream]) == stream
    for attribute in (
        "has_content", "is_complete", "is_ended", "failure", "usage", "finish_reason", "model",
        "events", "output_bytes", "junk_lines",
    ):  # fmt: skip
        assert getattr(reader, attribute) == getattr(relay, attribute)


def check_text(caller: str, first: str, then: str, whole: Whole, sent: bytes) -> None:
    """Break a stream of text off behind what is sent, and let another go on with it."""
    for prefill in (Prefill.REFUSED, Prefill.LITERAL):
        play = Play(caller, whole)
        play.begin(first, [sent])
        if play.hop.failure is None:
            assert play.hop.is_ended
            return
        play.resume(then, prefill)
        assert play.hop.failure is None
        assert play.said().text == whole.text
        assert starts(caller, play.out) == 1
        assert read_all(DIALECTS[caller].relay(play.inquiry), [play.out]) == play.out


def check_calls(caller: str, first: str, then: str, sent: bytes) -> None:
    """Break a stream of calls off behind what is sent, and let another go on with it."""
    play = Play(caller, BARE[then])
    play.begin(first, [sent])
    if play.hop.failure is None:
        assert asked(play.said()) == asked(TOOLS)
        return
    assert not any(isinstance(event, ToolStarted) for event in play.events())
    play.resume(then, Prefill.REFUSED)
    said = play.said()
    assert (said.text, asked(said)) == (TOOLS.text, asked(TOOLS))
    assert said.thinking in ("", "hm")
    assert play.hop.finish_reason in ("tool", "tool_calls", "tool_use", "completed", "STOP")


def texts_of(name: str) -> list[tuple[Whole, bytes]]:
    """Return what a dialect's streams of text say, and the streams."""
    return [
        (Whole("Hello world"), sample(name, "text_ok")),
        (PLAIN, stream_of(name, PLAIN.events(STORY, "m0"))),
    ]


@TRIPLES
def test_a_text_that_broke_off_is_one_answer(caller: str, first: str, then: str) -> None:
    for whole, stream in texts_of(first):
        for at in few_places(stream, caller, first, then):
            check_text(caller, first, then, whole, stream[:at])


@pytest.mark.slow
@EACH
def test_a_text_cut_at_every_byte_is_one_answer(name: str) -> None:
    for whole, stream in texts_of(name):
        for at in range(len(stream)):
            check_text(name, name, name, whole, stream[:at])


@TRIPLES
def test_calls_are_never_half(caller: str, first: str, then: str) -> None:
    stream = sample(first, "tools_ok")
    for at in few_places(stream, caller, first, then):
        check_calls(caller, first, then, stream[:at])


@pytest.mark.slow
@EACH
def test_calls_cut_at_every_byte_are_never_half(name: str) -> None:
    stream = sample(name, "tools_ok")
    for at in range(len(stream)):
        check_calls(name, name, name, stream[:at])


@TRIPLES
@settings(deadline=None, max_examples=8)
@given(data=st.data())
def test_a_second_break_is_gone_on_with_too(
    caller: str, first: str, then: str, data: st.DataObject
) -> None:
    play = Play(caller, PLAIN)
    stream = stream_of(first, PLAIN.events(STORY, "m0"))
    at = data.draw(st.integers(0, stream.rfind(b"nd")))
    play.begin(first, [stream[:at]])
    for upstream in (then, first, then):
        if play.hop.failure is None:
            break
        play.resume(upstream, data.draw(PREFILLS), data.draw(st.floats(0, 1)))
    if play.hop.failure is not None:
        play.resume(then, data.draw(PREFILLS))
    assert play.said().text == STORY
    assert starts(caller, play.out) == 1


@TRIPLES
def test_usage_is_the_sum_and_says_of_whom(caller: str, first: str, then: str) -> None:
    play = Play(caller, PLAIN)
    stream = stream_of(first, PLAIN.events(STORY, "m0"))
    play.begin(first, [stream[: len(stream) // 2]])
    play.resume(then, Prefill.REFUSED, 0.5)
    play.resume(first, Prefill.LITERAL)
    counted = [event for event in play.events() if isinstance(event, Counted)]
    usage = counted[-1].usage
    assert (usage.input_tokens, usage.output_tokens) == (11 + 11 + 20, 3 + 3 + 5)
    assert play.hop.usage.input_tokens == 20  # the record has each hop's own
    by_name = camel if caller == "gemini_generate" else str
    tail = play.out[play.out.rfind(b'"iterations":') + len(b'"iterations":') :]
    listed, _, _ = tail.partition(b"]")
    hops = msgspec.json.decode(listed + b"]", type=list[dict[str, object]])
    assert [hop["model"] for hop in hops] == ["m0", "m1", "m2"]
    assert [hop[by_name("input_tokens")] for hop in hops] == [11, 11, 20]
    assert [hop.get("estimated", False) for hop in hops] == [True, True, False]


@EACH
def test_a_comment_names_who_goes_on(name: str) -> None:
    play = Play(name, PLAIN)
    stream = stream_of(name, PLAIN.events(STORY, "m0"))
    play.begin(name, [stream[: len(stream) // 2]])
    sent = len(play.out)
    play.resume(name, Prefill.LITERAL)
    told = play.out[sent:].replace(KEEPALIVE, b"")
    if name in NO_COMMENTS:
        assert all(not line or line.startswith(b"data: {") for line in play.out.split(b"\r\n"))
        assert play.out.count(b"penstock") == 0
    else:
        assert told.startswith(b": penstock continued by m1\n\n")
        assert play.out.count(b"penstock") == 1


@EACH
@pytest.mark.parametrize("more", [" but otherwise", ""])
def test_what_begins_anew_is_no_answer(name: str, more: str) -> None:
    play = Play(name, PLAIN)
    stream = stream_of(name, PLAIN.events(STORY, "m0"))
    play.begin(name, [stream[: len(stream) * 3 // 4]])
    sent = play.out
    continuation = continued(play.request, play.hop.progress, prefill=Prefill.LITERAL)
    hop = play.hop.resume(DIALECTS[name].decoder(), continuation, "m1", USED)
    again = stream_of(name, PLAIN.events(STORY[:60] + more, "m1"))
    play.out += b"".join(hop.feed(piece) for piece in whole_events(again)) + hop.finish()
    assert hop.failure is not None
    assert hop.failure.kind is FailureKind.REJECTED
    assert not hop.is_complete
    assert not hop.is_ended
    assert play.out.replace(KEEPALIVE, b"") == sent
    assert hop.obstacle() == "the continuation began the answer anew"


@EACH
def test_without_a_hold_a_call_that_went_out_is_the_end(name: str) -> None:
    stream = sample(name, "tools_ok")
    for at in range(len(stream)):
        play = Play(name, TOOLS, Splicing(holds_calls=False))
        play.begin(name, [stream[:at]])
        assert stream.startswith(play.out) or play.hop.is_ended
        if any(isinstance(event, ToolStarted) for event in play.events()):
            assert play.hop.obstacle() in ("a tool call had begun", "the answer is complete")


@EACH
def test_more_than_may_be_held_goes_on_as_it_comes(name: str) -> None:
    calls = (("toolu_1", "find", '{"a": "' + "x" * 900 + '"}'),)
    stream = stream_of(name, Whole("Hi", "", calls).events("Hi", "m0"))
    for other in NAMES:
        play = Play(other, TOOLS, Splicing(held_bytes_max=500))
        play.begin(name, whole_events(stream)[: LAST_CONTENT[name] + 1])
        assert play.hop.obstacle() == "a tool call had begun"
        # Gemini's callers get a call whole, where the model stops.
        is_later = other == "gemini_generate" != name
        assert any(isinstance(event, ToolStarted) for event in play.events()) is not is_later
        play = Play(other, TOOLS, Splicing(held_bytes_max=500))
        play.begin(name, whole_events(stream))
        assert play.said().calls == calls


@EACH
def test_signs_of_life_pass_while_calls_are_held(name: str) -> None:
    events = whole_events(sample(name, "tools_ok"))
    for caller in NAMES:
        play = Play(caller, TOOLS)
        play.begin(name, events[:-4])
        out = play.hop.feed(b": alive\n\n") if play.hop.failure is None else b""
        fresh = first_hop(
            DIALECTS[caller], DIALECTS[name], inquiry(DIALECTS[caller]), 1, Splicing()
        )
        for event in events[:-4]:
            fresh.feed(event)
        out = fresh.feed(b": alive\n\n")
        assert is_silent(DIALECTS[caller].decoder().feed(out))
        assert out


def test_a_blank_line_passes_while_calls_are_held() -> None:
    dialect = DIALECTS["gemini_generate"]
    reader = first_hop(dialect, dialect, inquiry(dialect), 1, Splicing())
    for event in whole_events(sample(dialect.name, "tools_ok"))[:-1]:
        reader.feed(event)
    assert reader.is_holding
    assert reader.feed(b"\r\n\r\n") == b"\r\n\r\n"
    assert reader.is_holding


@EACH
def test_a_call_that_comes_first_commits_nothing(name: str) -> None:
    events = TOOLS.events("", "m0")
    bare = [event for event in events if not isinstance(event, ThinkingDelta)]
    stream = whole_events(stream_of(name, bare))[: LAST_CONTENT[name] + 1]
    for caller in NAMES:
        dialect = DIALECTS[caller]
        reader = first_hop(dialect, DIALECTS[name], inquiry(dialect), 1, Splicing())
        out = b"".join(reader.feed(event) for event in stream)
        assert not reader.has_content
        assert is_silent(dialect.decoder().feed(out))
        assert reader.output_bytes > 0


@EACH
def test_what_is_held_too_long_goes_on(name: str) -> None:
    events = whole_events(sample(name, "tools_ok"))
    for caller in NAMES:
        dialect = DIALECTS[caller]
        reader = first_hop(dialect, DIALECTS[name], inquiry(dialect), 1, Splicing())
        out = b""
        for event in events:
            out += reader.feed(event)
            if reader.is_holding:
                out += reader.release()
                assert reader.has_content
                assert not reader.is_holding
                assert reader.obstacle() == "a tool call had begun"
        out += reader.finish()
        assert asked(gist(caller, dialect.decoder().feed(out))) == asked(TOOLS)
        if caller == name:
            assert out == b"".join(events)


@TRIPLES
def test_an_answer_at_its_limit_ends(caller: str, first: str, then: str) -> None:
    stream = stream_of(first, PLAIN.events(STORY, "m0"))
    for hops in (1, 2):
        play = Play(caller, PLAIN)
        play.begin(first, [stream[: len(stream) // 2]])
        if hops == 2:
            play.resume(then, Prefill.LITERAL, 0.6)
        assert play.hop.failure is not None
        text = play.hop.progress.text
        play.out += play.hop.conclude(Usage(5, 2, is_known=True))
        assert play.said().text == text
        stops = [event for event in play.events() if isinstance(event, Stopped)]
        assert stops == [Stopped(StopReason.LENGTH)]
        assert play.hop.is_ended
        assert play.hop.obstacle() == "the answer is complete"


def test_what_is_not_understood_is_not_gone_on_with() -> None:
    events = whole_events(sample("anthropic_messages", "text_ok"))
    strange = (
        b'event: content_block_delta\ndata: {"type":"content_block_delta","index":9,'
        b'"delta":{"type":"input_json_delta","partial_json":"{}"}}\n\n'
    )
    dialect = DIALECTS["anthropic_messages"]
    reader = first_hop(dialect, dialect, inquiry(dialect), 1, Splicing())
    out = read_all(reader, [*events[:-3], strange])
    assert out == b"".join(events[:-3]) + strange
    assert reader.obstacle() == LOST


def test_junk_that_does_not_pass_is_no_obstacle() -> None:
    events = whole_events(sample("openai_chat", "text_ok"))
    dialect = DIALECTS["openai_chat"]
    reader = first_hop(dialect, dialect, inquiry(dialect), 1, Splicing())
    read_all(reader, [*events[:3], b"data: oops\n\n"])
    assert reader.junk_lines == 1
    assert reader.obstacle() is None
    assert reader.progress.text == "Hello world"


@EACH
@settings(deadline=None)
@given(chunks=st.lists(st.binary(max_size=40), max_size=8))
def test_no_bytes_raise(name: str, chunks: list[bytes]) -> None:
    for caller in NAMES:
        dialect = DIALECTS[caller]
        reader = first_hop(dialect, DIALECTS[name], inquiry(dialect), 1, Splicing())
        read_all(reader, chunks)
        assert reader.failure is not None or reader.is_complete
