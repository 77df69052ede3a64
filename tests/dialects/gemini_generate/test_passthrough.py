"""What passes: the request as it came, the stream in the form that Google's own SDK reads."""

import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.dialects.samples import names, read_all, sample, whole_events

from penstock.core.errors import DialectError
from penstock.core.outcome import FailureKind
from penstock.dialects.contract import Inquiry
from penstock.dialects.gemini_generate import passthrough
from penstock.dialects.gemini_generate.passthrough import GenerateRelay
from penstock.dialects.message import Usage

PATH = b"/v1beta/models/m:streamGenerateContent?alt=sse"
HI = {"contents": [{"parts": [{"text": "hi"}]}]}
HARMLESS = re.compile(rb"(?:(?:data: [^\r\n]*)?(?:\r\n|\r|\n))*")


def inquire(**fields: object) -> Inquiry:
    return passthrough.inquire(msgspec.json.encode(HI | fields), PATH)


def relay(choices: int = 1) -> GenerateRelay:
    return GenerateRelay(inquire(generationConfig={"candidateCount": choices}))


def chunk(*parts: object, **fields: object) -> bytes:
    candidate = {"content": {"parts": parts}} | fields
    return b"data: %b\r\n\r\n" % msgspec.json.encode({"candidates": [candidate]})


def test_the_bytes_before_and_behind_json_do_not_matter() -> None:
    assert inquire().model == "m"
    assert inquire().is_stream


@pytest.mark.parametrize("name", ["generationConfig", "generation_config"])
def test_needs_are_found_in_both_spellings(name: str) -> None:
    for count, schema in (
        ("candidateCount", "response_schema"),
        ("candidate_count", "responseJsonSchema"),
    ):
        asked = inquire(tools=[{"a": 1}], **{name: {count: 2, schema: {"type": "OBJECT"}}})
        assert (asked.needs_tools, asked.needs_structured_output) == (True, True)
        assert asked.choices == 2
    plain = inquire(**{name: {"temperature": 1}})
    assert (plain.needs_tools, plain.needs_structured_output, plain.choices) == (False, False, 1)


@pytest.mark.parametrize(
    ("part", "images", "documents"),
    [
        ({"inlineData": {"mimeType": "image/png", "data": ""}}, True, False),
        ({"inline_data": {"mime_type": "image/png", "data": ""}}, True, False),
        ({"fileData": {"mimeType": "application/pdf", "fileUri": "u"}}, False, True),
        ({"text": '"inlineData"'}, False, False),
        ({"inlineData": 1}, False, False),
    ],
)
def test_pictures_and_documents_are_seen(part: object, *, images: bool, documents: bool) -> None:
    for contents in ([{"parts": [part]}], {"parts": part}):
        asked = inquire(contents=contents)
        assert (asked.needs_images, asked.needs_documents) == (images, documents)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"contents": "hi"}, "contents"),
        ({"contents": None}, "contents"),
        ({"generationConfig": []}, "generationConfig"),
        ({"generationConfig": {"candidateCount": 0}}, "candidateCount"),
    ],
)
def test_what_is_wrong_is_named(fields: dict[str, object], param: str) -> None:
    with pytest.raises(DialectError) as caught:
        inquire(**fields)
    assert caught.value.param == param


def test_a_model_in_the_body_is_not_smuggled_through() -> None:
    asked = inquire(model="models/other")
    assert asked.model == "m"
    assert msgspec.json.decode(passthrough.forward(asked)) == HI


@pytest.mark.parametrize(("dialect", "stem"), names("breaks"))
def test_what_google_dies_of_never_passes(dialect: str, stem: str) -> None:
    if dialect != "gemini_generate":
        return
    stream = sample(dialect, stem)
    reader = relay()
    out = read_all(reader, [stream])
    assert HARMLESS.fullmatch(out)
    assert b"[DONE]" not in out
    texts = re.findall(rb'"text": ?"([^"]*)"', stream)
    assert re.findall(rb'"text": ?"([^"]*)"', out) == texts


LINES = st.sampled_from(
    [
        b"data: {}",
        b"data:{}",
        b"data: [DONE]",
        b": hm",
        b"event: a",
        b"id: 1",
        b"retry: 1",
        b"x",
        b"",
        b'data: {"candidates":[{"finishReason":"STOP"}]}',
        b"data: {",
        b"data",
        b"\xef\xbb\xbfdata: {}",
    ]
)


@given(
    lines=st.lists(st.tuples(LINES, st.sampled_from([b"\n", b"\r\n", b"\r"])), max_size=20),
    cut=st.integers(1, 9),
)
def test_whatever_comes_in_what_goes_on_is_harmless(
    lines: list[tuple[bytes, bytes]], cut: int
) -> None:
    stream = b"".join(line + end for line, end in lines)
    reader = relay()
    out = read_all(reader, [stream[at : at + cut] for at in range(0, len(stream), cut)])
    assert HARMLESS.fullmatch(out)
    assert b"[DONE]" not in out


def test_a_comment_becomes_a_blank_line_between_events() -> None:
    reader = relay()
    assert reader.feed(b": keep-alive\r\n\r\n") == b"\r\n"
    assert not reader.has_content
    assert reader.events == 0


def test_lines_that_end_in_lf_stay() -> None:
    event = b'data: {"candidates":[{"content":{"parts":[{"text":"a"}]}}]}\n\n'
    assert relay().feed(event) == event


@pytest.mark.parametrize(
    ("part", "is_content"),
    [
        ({"text": "a"}, True),
        ({"text": "a", "thought": True}, True),
        ({"functionCall": {"name": "f"}}, True),
        ({"inlineData": {"mimeType": "image/png", "data": "YQ=="}}, True),
        ({"executableCode": {"code": "1"}}, True),
        ({"codeExecutionResult": {"outcome": "OUTCOME_OK"}}, True),
        ({"text": ""}, False),
        ({"thoughtSignature": "c2ln"}, False),
        ({"text": "", "thoughtSignature": "c2ln"}, False),
    ],
)
def test_content(part: object, *, is_content: bool) -> None:
    reader = relay()
    event = chunk(part)
    assert reader.feed(event) == event
    assert reader.has_content is is_content
    assert bool(reader.output_bytes) is is_content
    assert not reader.is_complete


def test_every_candidate_must_say_why_it_stopped() -> None:
    reader = relay(choices=2)
    reader.feed(chunk({"text": "a"}, finishReason="STOP", index=0))
    reader.feed(chunk({"text": ""}, finishReason="STOP", index=0))
    assert not reader.is_complete
    reader.feed(chunk({"text": "b"}, finishReason="MAX_TOKENS", index=1))
    assert reader.is_complete
    assert reader.finish() == b""
    assert reader.is_ended


@pytest.mark.parametrize("reason", ["SAFETY", "CONTINUATION", "MALFORMED_FUNCTION_CALL", "NEW"])
def test_every_reason_but_the_accounts_completes(reason: str) -> None:
    reader = relay()
    event = chunk(finishReason=reason, continuationToken="YQ==")
    assert reader.feed(event) == event
    assert reader.is_complete
    assert reader.finish_reason == reason


def test_a_limited_account_is_no_answer() -> None:
    reader = relay()
    assert reader.feed(chunk(finishReason="PUP_LIMITED_DISABLED")) == b""
    assert reader.failure is not None
    assert reader.failure.kind is FailureKind.ACCOUNT
    body = b'{"candidates":[{"finishReason":"PUP_LIMITED_DISABLED"}]}'
    failure = passthrough.survey(body).failure
    assert failure is not None
    assert failure.kind is FailureKind.ACCOUNT


def test_an_unspecified_reason_is_none() -> None:
    reader = relay()
    reader.feed(chunk(finishReason="FINISH_REASON_UNSPECIFIED"))
    assert not reader.is_complete


def test_a_blocked_prompt_is_a_complete_answer() -> None:
    reader = relay()
    event = b'data: {"promptFeedback":{"blockReason":"PROHIBITED_CONTENT"}}\r\n\r\n'
    assert read_all(reader, [event]) == event
    assert reader.is_ended
    assert reader.finish_reason == "PROHIBITED_CONTENT"
    assert passthrough.survey(event[6:]).finish_reason == "PROHIBITED_CONTENT"


def test_usage_is_the_last_and_counts_thoughts_and_tool_prompts() -> None:
    reader = relay()
    events = whole_events(sample("gemini_generate", "tools_ok"))
    reader.feed(events[0])
    assert reader.usage == Usage(17, 7, 5, 0, 7, is_known=False)
    read_all(reader, events[1:])
    assert reader.usage == Usage(17, 42, 5, 0, 7, is_known=True)
    assert reader.model == "m"
    assert reader.finish_reason == "STOP"


def test_figures_from_before_the_end_are_not_final() -> None:
    reader = relay()
    stream = sample("gemini_generate", "tools_ok")
    read_all(reader, [stream.replace(b'"finishReason": "STOP"', b'"finishReason": null')])
    assert reader.failure is not None
    assert not reader.usage.is_known


def test_done_before_the_end_is_a_break() -> None:
    reader = relay()
    assert reader.feed(chunk({"text": "a"}) + b"data: [DONE]\r\n\r\n") == chunk({"text": "a"})
    assert reader.failure is not None


@pytest.mark.parametrize("body", [b"{}", b"[]", b'{"candidates":[]}', b'{"promptFeedback":{}}'])
def test_a_body_without_candidates_is_no_answer(body: bytes) -> None:
    with pytest.raises(DialectError):
        passthrough.survey(body)


def test_a_whole_answer_is_surveyed() -> None:
    body = (
        b'{"candidates":[{"content":{"parts":[{"text":"a"}]},"finishReason":"STOP"}],'
        b'"usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":2,"thoughtsTokenCount":1},'
        b'"modelVersion":"m"}'
    )
    survey = passthrough.survey(body)
    assert (survey.finish_reason, survey.model, survey.failure) == ("STOP", "m", None)
    assert survey.usage == Usage(3, 3, 0, 0, 1, is_known=True)
    failed = passthrough.survey(b'{"error":{"code":503,"status":"UNAVAILABLE"}}')
    assert failed.failure is not None
    assert failed.failure.kind is FailureKind.OVERLOADED
