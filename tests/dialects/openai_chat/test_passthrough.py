"""OpenAI chat: what is read of a request and of its answer."""

import msgspec
import pytest
from tests.dialects.samples import sample, whole_events

from penstock.core.errors import DialectError
from penstock.core.outcome import FailureKind
from penstock.dialects.message import Usage
from penstock.dialects.openai_chat import passthrough

MESSAGES = b'"messages":[{"role":"user","content":"hi"}]'


def body(*fields: bytes) -> bytes:
    return b'{"model":"m",' + b",".join((MESSAGES, *fields)) + b"}"


def relay(*fields: bytes) -> passthrough.ChatRelay:
    return passthrough.ChatRelay(passthrough.inquire(body(b'"stream":true', *fields)))


def test_what_routing_needs() -> None:
    asked = passthrough.inquire(
        b'{"model":"m","stream":true,"n":2,"tools":[{}],'
        b'"response_format":{"type":"json_schema","json_schema":{}},"messages":'
        b'[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:,"}},{"type":"file","file":{}}]}]}'
    )
    assert asked.is_stream
    assert asked.needs_tools
    assert asked.needs_images
    assert asked.needs_documents
    assert asked.needs_structured_output
    assert not asked.wants_usage
    assert asked.choices == 2


def test_words_in_a_text_are_no_features() -> None:
    asked = passthrough.inquire(
        b'{"model":"m","tools":[],"messages":[{"role":"user","content":"\\"image_url\\""},'
        b'{"role":"user","content":[{"type":"text","text":"file"}],"name":"file"}]}'
    )
    needs = (asked.needs_tools, asked.needs_images, asked.needs_structured_output)
    assert not asked.needs_documents
    assert not any(needs)
    assert asked.wants_usage  # a whole answer always has its usage


@pytest.mark.parametrize(
    ("given", "param"),
    [
        (b'{"messages":[]}', "model"),
        (b'{"model":"m"}', "messages"),
        (b'{"model":"m","messages":{}}', "messages"),
        (body(b'"stream":1'), "stream"),
        (body(b'"n":0'), "n"),
        (body(b'"stream":true', b'"stream_options":7'), "stream_options"),
    ],
)
def test_a_bad_request_is_refused_by_name(given: bytes, param: str) -> None:
    with pytest.raises(DialectError) as caught:
        passthrough.inquire(given)
    assert caught.value.param == param


def test_usage_is_asked_for_and_taken_out_again() -> None:
    asked = passthrough.inquire(
        body(b'"stream":true', b'"stream_options":{"include_obfuscation":false}')
    )
    sent = msgspec.json.decode(passthrough.forward(asked, "m", asks_usage=True))
    assert sent["stream_options"] == {"include_obfuscation": False, "include_usage": True}
    reader = passthrough.ChatRelay(asked)
    events = whole_events(sample("openai_chat", "tools_ok"))
    passed = b"".join(reader.feed(event) for event in events)
    assert passed == b"".join(events[:-2] + events[-1:])
    assert reader.usage == Usage(17, 42, 5, 2, 7, is_known=True)


def test_content_is_told_from_what_is_none() -> None:
    reader = relay()
    reader.feed(b'data: {"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}\n\n')
    reader.feed(b'data: {"choices":[{"index":0,"delta":{"tool_calls":[]}}]}\n\n')
    reader.feed(b": keepalive\n\n")
    assert not reader.has_content
    reader.feed(b'data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0}]}}]}\n\n')
    assert reader.has_content


@pytest.mark.parametrize("field", ["content", "refusal", "reasoning_content", "reasoning"])
def test_each_kind_of_content_commits(field: str) -> None:
    reader = relay()
    chunk = {"choices": [{"index": 0, "delta": {field: "abc"}}]}
    reader.feed(b"data: " + msgspec.json.encode(chunk) + b"\n\n")
    assert reader.has_content
    assert reader.output_bytes == 3


def test_every_choice_must_finish() -> None:
    reader = relay(b'"n":2')
    finish = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
    reader.feed(finish)
    assert not reader.is_complete
    reader.feed(finish.replace(b'"index":0', b'"index":1'))
    assert reader.is_complete


def test_a_named_event_that_crashes_clients_is_taken_out() -> None:
    stream = sample("openai_chat", "breaks_unknown_event")
    assert b"gateway.failover" not in relay().feed(stream)


def test_good_json_of_an_unknown_form_is_the_callers_to_read() -> None:
    reader = relay()
    odd = b'data: {"choices":[{"index":0,"delta":{"content":["a"]}}]}\n\n'
    assert reader.feed(odd) == odd
    assert reader.has_content


def test_a_whole_answer() -> None:
    survey = passthrough.survey(
        b'{"model":"m","choices":[{"index":0,"message":{"content":"a"},"finish_reason":"length"}],'
        b'"usage":{"prompt_tokens":3,"completion_tokens":0}}'
    )
    assert (survey.finish_reason, survey.model) == ("length", "m")
    assert survey.usage == Usage(3, 0, is_known=True)


def test_an_error_under_a_200() -> None:
    survey = passthrough.survey(b'{"error":{"message":"busy","code":503}}')
    assert survey.failure is not None
    assert survey.failure.kind is FailureKind.OVERLOADED


@pytest.mark.parametrize("given", [b"{}", b'{"choices":[]}', b"[]", b"<html>"])
def test_what_is_no_answer(given: bytes) -> None:
    with pytest.raises(DialectError):
        passthrough.survey(given)


def test_content_in_parts_is_content() -> None:
    part = b'{"type":"thinking","thinking":[{"type":"text","text":"hm"}]}'
    whole = b'{"choices":[{"message":{"content":[%b]},"finish_reason":"stop"}]}' % part
    assert passthrough.survey(whole).finish_reason == "stop"
    reader = relay()
    sent = b'data: {"choices":[{"delta":{"content":[%b]}}]}\n\n' % part
    assert reader.feed(sent) == sent
    assert reader.has_content
    assert reader.output_bytes == len(part)
