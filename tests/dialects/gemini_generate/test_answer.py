"""Answers of Gemini in the common model, and those of others in Gemini's words."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.dialects.samples import PLACES, cut, names, sample

from penstock.core.errors import DialectError
from penstock.core.outcome import FailureKind
from penstock.dialects.contract import Inquiry
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
from penstock.dialects.gemini_generate import answer as codec
from penstock.dialects.gemini_generate import passthrough
from penstock.dialects.gemini_generate.answer import (
    GenerateDecoder,
    GenerateEncoder,
    read_answer,
    write_answer,
)
from penstock.dialects.gemini_generate.request import read_request
from penstock.dialects.gemini_generate.write import SIGNATURE_DUMMY
from penstock.dialects.message import Answer, StopReason, Text, ToolCall, Usage

PATH = b"/v1beta/models/m:streamGenerateContent?alt=sse"
Body = dict[str, object]


def inquire(*functions: str) -> Inquiry:
    declared = [{"name": name} for name in functions]
    body: Body = {"contents": [], "tools": [{"function_declarations": declared}]}
    return passthrough.inquire(msgspec.json.encode(body), PATH)


def body(*parts: object, reason: str | None = "STOP", **fields: object) -> Body:
    candidate: Body = {"content": {"parts": parts}, "finishReason": reason}
    return {"candidates": [candidate | fields], "responseId": "r", "modelVersion": "g"}


def events(*bodies: Body) -> list[Event]:
    decoder = GenerateDecoder()
    out = [b"data: %b\r\n\r\n" % msgspec.json.encode(each) for each in bodies]
    return decoder.feed(b"".join(out))


def chunks(stream: bytes) -> list[Body]:
    lines = stream.split(b"\r\n\r\n")
    assert lines.pop() == b""
    return [msgspec.json.decode(line.removeprefix(b"data: "), type=Body) for line in lines]


def encode(*given_events: Event, asked: Inquiry | None = None) -> list[Body]:
    encoder = GenerateEncoder(asked or inquire(), 7)
    out = b"".join(encoder.encode(event) for event in given_events)
    return chunks(out + encoder.finish())


def candidate(chunk: Body) -> Body:
    return msgspec.convert(chunk["candidates"], list[Body])[0]


def parts_of(chunk: Body) -> object:
    return msgspec.convert(candidate(chunk)["content"], Body)["parts"]


def test_a_sample_is_decoded() -> None:
    usage = [Usage(17, out, 5, 0, 7, is_known=out == 42) for out in (7, 10, 27, 42)]
    assert GenerateDecoder().feed(sample("gemini_generate", "tools_ok")) == [
        Started("r1", "m"),
        ThinkingDelta("hm"),
        Counted(usage[0]),
        TextDelta("Looking."),
        Counted(usage[1]),
        ToolStarted(0, "call_1", "find"),
        ArgumentsDelta(0, '{"city": "Graz"}'),
        ToolStarted(1, "call_r1_1", "now"),
        ArgumentsDelta(1, "{}"),
        Counted(usage[2]),
        Stopped(StopReason.TOOL),
        Counted(usage[3]),
    ]


@given(places=PLACES, stem=st.sampled_from([s for d, s in names("") if d == "gemini_generate"]))
def test_any_cut_gives_the_same_events(places: list[int], stem: str) -> None:
    stream = sample("gemini_generate", stem)
    decoder = GenerateDecoder()
    pieces = [event for piece in cut(stream, places) for event in decoder.feed(piece)]
    assert pieces == GenerateDecoder().feed(stream)


@given(chunks_=st.lists(st.binary(max_size=60), max_size=6))
def test_no_bytes_raise(chunks_: list[bytes]) -> None:
    decoder = GenerateDecoder()
    for each in chunks_:
        decoder.feed(b"data: " + each + b"\r\n\r\n")


@given(whole=st.binary(max_size=200))
def test_a_body_is_an_answer_or_refused(whole: bytes) -> None:
    with pytest.raises(DialectError):
        read_answer(whole)


@pytest.mark.parametrize(
    ("reason", "stop"),
    [
        ("STOP", StopReason.END),
        ("MAX_TOKENS", StopReason.LENGTH),
        ("SAFETY", StopReason.FILTERED),
        ("IMAGE_RECITATION", StopReason.FILTERED),
        ("TOO_MANY_TOOL_CALLS", StopReason.PAUSED),
        ("CONTINUATION", StopReason.PAUSED),
        ("SOMETHING_NEW", StopReason.END),
    ],
)
def test_reasons(reason: str, stop: StopReason) -> None:
    assert read_answer(msgspec.json.encode(body({"text": "a"}, reason=reason))).stop is stop
    assert Stopped(stop) in events(body({"text": "a"}, reason=reason))


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("MALFORMED_FUNCTION_CALL", FailureKind.SERVER_ERROR),
        ("MISSING_THOUGHT_SIGNATURE", FailureKind.SERVER_ERROR),
        ("OTHER", FailureKind.SERVER_ERROR),
        ("PUP_LIMITED_DISABLED", FailureKind.ACCOUNT),
    ],
)
def test_reasons_that_are_failures(reason: str, kind: FailureKind) -> None:
    broken = body(reason=reason, finishMessage="why")
    last = events(broken)[-1]
    assert isinstance(last, Failed)
    assert (last.failure.kind, last.failure.code) == (kind, reason)
    with pytest.raises(DialectError):
        read_answer(msgspec.json.encode(broken))


def test_a_blocked_prompt_is_a_refusal() -> None:
    blocked: Body = {
        "promptFeedback": {"blockReason": "SAFETY", "blockReasonMessage": "no"},
        "usageMetadata": {"promptTokenCount": 3},
    }
    assert events(blocked) == [
        Started("", ""),
        Stopped(StopReason.FILTERED, "", "no"),
        Counted(Usage(3, 0, is_known=True)),
    ]
    answer = read_answer(msgspec.json.encode(blocked))
    assert (answer.stop, answer.parts, answer.explanation) == (StopReason.FILTERED, (), "no")


def test_the_first_reason_counts() -> None:
    """Older models put STOP into every chunk."""
    said = events(body({"text": "a"}), body({"text": "b"}))
    assert [event for event in said if isinstance(event, Stopped)] == [Stopped(StopReason.END)]
    assert TextDelta("b") in said


def test_a_whole_answer() -> None:
    whole = body(
        {"text": "hm", "thought": True},
        {"text": "Looking."},
        {"functionCall": {"name": "_:1f", "args": {"x": 1.0}}, "thoughtSignature": "YQ=="},
        {"functionCall": {"name": "now"}},
    ) | {"usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 2}}
    assert read_answer(msgspec.json.encode(whole)) == Answer(
        id="r",
        model="g",
        parts=(
            Text("Looking."),
            ToolCall("call_r_0", "1f", '{"x":1.0}'),
            ToolCall("call_r_1", "now", "{}"),
        ),
        thinking="hm",
        stop=StopReason.TOOL,
        usage=Usage(3, 2, is_known=True),
    )


@pytest.mark.parametrize(
    "broken",
    [
        body({"text": "a"}, index=1),
        body({"functionCall": {"name": "f", "willContinue": True}}),
        body({"functionCall": {"name": "f", "partialArgs": [1]}}),
        body({"functionCall": {}}),
        body({"inlineData": {"mimeType": "image/png", "data": ""}}),
        body({"functionCall": 1}),
    ],
)
def test_what_nobody_asked_for_breaks_the_stream(broken: Body) -> None:
    last = events(body({"text": "a"}, reason=None), broken)[-1]
    assert isinstance(last, Failed)
    assert last.failure.kind is FailureKind.BROKEN_STREAM


def test_signs_of_life_and_an_imitations_terminator() -> None:
    decoder = GenerateDecoder()
    assert decoder.feed(b": hm\r\n\r\ndata: {}\r\n\r\ndata: [DONE]\r\n\r\n") == [
        KeptAlive(), KeptAlive(), Ended(),
    ]  # fmt: skip
    assert decoder.feed(b"<html>\r\n\r\ndata: {\r\n\r\n")[-1] != KeptAlive()
    assert decoder.junk_lines == 1


def test_a_stream_is_written() -> None:
    out = encode(
        Started("1", "claude"),
        ThinkingDelta("hm"),
        TextDelta("Look\ning."),
        ToolStarted(0, "t0", "find"),
        ToolStarted(1, "t1", "now"),
        ArgumentsDelta(0, '{"city": "Gr'),
        ArgumentsDelta(0, 'az"}'),
        Stopped(StopReason.TOOL),
        Counted(Usage(17, 42, 5, 2, 7, is_known=True)),
    )
    assert [parts_of(chunk) for chunk in out] == [
        [{"thought": True, "text": "hm"}],
        [{"text": "Look\ning."}],
        [
            {
                "functionCall": {"id": "t0", "name": "find", "args": {"city": "Graz"}},
                "thoughtSignature": SIGNATURE_DUMMY,
            },
            {"functionCall": {"id": "t1", "name": "now", "args": {}}},
        ],
        [{"text": ""}],
    ]
    assert all((chunk["modelVersion"], chunk["responseId"]) == ("claude", "1") for chunk in out)
    assert [candidate(chunk).get("finishReason") for chunk in out] == [None, None, None, "STOP"]
    assert [chunk.get("usageMetadata") for chunk in out[:3]] == [None] * 3
    assert out[3]["usageMetadata"] == {
        "promptTokenCount": 17,
        "candidatesTokenCount": 35,
        "thoughtsTokenCount": 7,
        "cachedContentTokenCount": 5,
        "totalTokenCount": 59,
    }


def test_there_are_no_more_thoughts_than_output() -> None:
    usage = Usage(18, 5, reasoning_tokens=8, is_known=True)
    out = encode(TextDelta("a"), Counted(usage), Stopped(StopReason.END))
    told = {"candidatesTokenCount": 0, "thoughtsTokenCount": 5, "totalTokenCount": 23}
    assert out[-1]["usageMetadata"] == {"promptTokenCount": 18} | told


def test_an_answer_without_a_start_has_names_all_the_same() -> None:
    out = encode(TextDelta("a"), Stopped(StopReason.END))
    assert {(chunk["modelVersion"], chunk["responseId"]) for chunk in out} == {("m", "7")}
    assert "usageMetadata" not in out[-1]  # nobody has counted


def test_a_call_that_was_cut_off_is_none() -> None:
    cut_off = (ToolStarted(0, "a", "f"), ArgumentsDelta(0, '{"x": '))
    assert len(encode(*cut_off, Stopped(StopReason.LENGTH))) == 1
    whole = encode(ToolStarted(0, "a", "f"), ArgumentsDelta(0, "{}"), Stopped(StopReason.LENGTH))
    assert len(whole) == 2
    wrapped = encode(*cut_off, Stopped(StopReason.TOOL))
    assert b'{"_raw":"{\\"x\\": "}' in msgspec.json.encode(wrapped[0])


def test_arguments_are_bounded_and_must_have_a_call(monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = GenerateEncoder(inquire(), 7)
    with pytest.raises(DialectError, match="ended"):
        encoder.encode(ArgumentsDelta(0, "{}"))
    monkeypatch.setattr(codec, "ARGUMENTS_CHARS_MAX", 5)
    encoder.encode(ToolStarted(0, "a", "f"))
    encoder.encode(ArgumentsDelta(0, "12345"))
    with pytest.raises(DialectError, match="longer than 5"):
        encoder.encode(ArgumentsDelta(0, "6"))


def test_names_that_were_shortened_come_back() -> None:
    asked = inquire("find.city", "now")
    sent = [tool.name for tool in read_request(asked).tools]
    assert sent[0] != "find.city"
    out = encode(
        *(ToolStarted(at, str(at), name) for at, name in enumerate(sent)),
        Stopped(StopReason.TOOL),
        asked=asked,
    )
    encoded = msgspec.json.encode(out[0])
    assert b'"name":"find.city"' in encoded
    assert b'"name":"now"' in encoded


@pytest.mark.parametrize(
    ("stop", "reason"),
    [
        (StopReason.END, "STOP"),
        (StopReason.STOP_SEQUENCE, "STOP"),
        (StopReason.TOOL, "STOP"),
        (StopReason.LENGTH, "MAX_TOKENS"),
        (StopReason.PAUSED, "MAX_TOKENS"),
        (StopReason.FILTERED, "SAFETY"),
    ],
)
def test_every_reason_has_a_word(stop: StopReason, reason: str) -> None:
    assert candidate(encode(Stopped(stop, "", "why"))[-1]) == {
        "content": {"parts": [{"text": ""}], "role": "model"},
        "finishReason": reason,
        "finishMessage": "why",
        "index": 0,
    }
    answer = Answer(id="1", model="x", parts=(), stop=stop, usage=Usage(), explanation="why")
    whole = msgspec.json.decode(write_answer(answer, inquire()), type=Body)
    assert candidate(whole)["finishReason"] == reason


def test_a_whole_answer_is_written_and_read_again() -> None:
    answer = Answer(
        id="1",
        model="x",
        parts=(Text("Looking."), ToolCall("c", "find", '{"city":"Graz"}')),
        thinking="hm",
        stop=StopReason.TOOL,
        usage=Usage(17, 42, 5, 0, 7, is_known=True),
    )
    written = write_answer(answer, inquire())
    assert read_answer(written) == answer
    assert SIGNATURE_DUMMY.encode() in written


def test_a_whole_answer_whose_call_was_cut_off() -> None:
    call = ToolCall("c", "f", "{")
    answer = Answer(id="1", model="", parts=(call,), stop=StopReason.LENGTH, usage=Usage())
    written = msgspec.json.decode(write_answer(answer, inquire()), type=Body)
    assert parts_of(written) == [{"text": ""}]
    assert (written["modelVersion"], "usageMetadata" in written) == ("m", False)
