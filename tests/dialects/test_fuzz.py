"""Whatever comes, translation fails with an error that says where, and never with a crash."""

from typing import Final, cast

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.dialects.examples import Fields
from tests.dialects.mutation import ANY, mutated
from tests.dialects.pairing import EXAMPLES, PAIRS
from tests.dialects.samples import SAMPLES

from penstock.core.errors import CallerError, DialectError
from penstock.dialects import capability, pairs
from penstock.dialects.concepts import Verdict
from penstock.dialects.events import Event, Failed
from penstock.dialects.families import CLAUDES, GEMINIS, OPENAIS
from penstock.dialects.message import Answer, StopReason, Text, ToolCall, Usage
from penstock.dialects.registry import DIALECTS
from penstock.dialects.translate import Translation

MODELS: Final = st.sampled_from([*CLAUDES, *OPENAIS, *GEMINIS, "claude-neu", "gpt-5.6", "qwen3"])
STREAMS: Final = [path.read_bytes() for path in sorted(SAMPLES.glob("*/*.sse"))]


@st.composite
def asked(draw: st.DrawFn, caller: str, upstream: str) -> Fields:
    """Draw a request that has what several examples have, and perhaps nonsense in it."""
    shown = EXAMPLES[caller]
    known = [
        concept
        for concept, _ in pairs.rows(caller)
        if pairs.verdict(concept, upstream) is not Verdict.REFUSED
    ]
    several = st.lists(st.sampled_from(known), max_size=4, unique=True)
    body: Fields = dict(shown.body)
    for concept in draw(several):
        fields = dict(shown.by_concept[concept])
        if shown.history in fields and draw(st.booleans()):
            both = [body[shown.history], fields[shown.history]]
            fields[shown.history] = [turn for turns in both for turn in cast("list[object]", turns)]
        body |= fields
    return cast("Fields", draw(mutated(body)))


@pytest.mark.parametrize(("caller", "upstream"), PAIRS)
@given(data=st.data())
def test_a_request_is_translated_or_refused_by_name(
    caller: str, upstream: str, data: st.DataObject
) -> None:
    dialect, other = DIALECTS[caller], DIALECTS[upstream]
    body = msgspec.json.encode(data.draw(asked(caller, upstream)))
    model = data.draw(MODELS)
    try:
        inquiry = dialect.inquire(body, dialect.path("m", is_stream=False))
        request = dialect.read_request(inquiry)
        written, dropped = other.write_request(request, model, capability.of(upstream, model))
    except (CallerError, DialectError):
        return
    assert all(isinstance(name, str) and name for name in dropped)
    path = other.path(model, is_stream=request.is_stream)
    again = other.read_request(other.inquire(written, path))
    assert again.is_stream == request.is_stream
    assert len(again.tools) >= len(request.tools)


@pytest.mark.parametrize("name", DIALECTS)
@given(sent=st.lists(st.binary(max_size=40) | ANY.map(msgspec.json.encode), max_size=5))
def test_a_decoder_says_what_is_broken(name: str, sent: list[bytes]) -> None:
    decoder = DIALECTS[name].decoder()
    for each in sent:
        failed_is_last(decoder.feed(each), decoder.feed(b"data: " + each + b"\n\n"))


def failed_is_last(*batches: list[Event]) -> None:
    for events in batches:
        assert not any(isinstance(event, Failed) for event in events[:-1])


@pytest.mark.parametrize(("caller", "upstream"), PAIRS)
@given(data=st.data())
def test_a_damaged_stream_is_translated_or_broken(
    caller: str, upstream: str, data: st.DataObject
) -> None:
    stream = bytearray(data.draw(st.sampled_from(STREAMS)))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(stream) - 1))
        stream[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    shown = EXAMPLES[caller]
    dialect = DIALECTS[caller]
    path = dialect.path("m", is_stream=True)
    inquiry = dialect.inquire(msgspec.json.encode(shown.body), path)
    reader = Translation(DIALECTS[upstream].decoder(), dialect.encoder(inquiry, 1))
    half = data.draw(st.integers(0, len(stream)))
    reader.feed(bytes(stream[:half]))
    reader.feed(bytes(stream[half:]))
    reader.finish()
    assert (reader.failure is None) or not reader.is_ended
    assert (reader.failure is not None) or reader.is_complete


WHOLE: Final = Answer(
    id="1",
    model="m",
    parts=(Text("a"), ToolCall("c", "f", '{"x":1}')),
    thinking="hm",
    stop=StopReason.TOOL,
    usage=Usage(9, 8, 3, 2, 1, is_known=True),
    service_tier="priority",
)


@pytest.mark.parametrize("name", DIALECTS)
@given(data=st.data())
def test_a_whole_answer_is_read_or_said_to_be_none(name: str, data: st.DataObject) -> None:
    dialect, shown = DIALECTS[name], EXAMPLES[name]
    path = dialect.path("m", is_stream=False)
    inquiry = dialect.inquire(msgspec.json.encode(shown.body), path)
    fields = msgspec.json.decode(dialect.write_answer(WHOLE, inquiry, 1))
    body = msgspec.json.encode(data.draw(mutated(fields)))
    try:
        answer = dialect.read_answer(body)
    except DialectError:
        return
    for caller, other in DIALECTS.items():
        path = other.path("m", is_stream=False)
        theirs = other.inquire(msgspec.json.encode(EXAMPLES[caller].body), path)
        assert msgspec.json.decode(other.write_answer(answer, theirs, 1), type=Fields)
