"""OpenAI chat: what is read of a request and of its answer."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.dialects.samples import sample, whole_events

from penstock.core.errors import DialectError
from penstock.core.outcome import FailureKind
from penstock.dialects import json_fields
from penstock.dialects.message import Usage
from penstock.dialects.openai_chat import passthrough
from penstock.dialects.openai_chat.fields import StreamOptions

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


def asked_plainly(sent: bytes) -> tuple[object, ...]:
    """Return what ``inquire`` says, each field read by itself."""
    fields = json_fields.decode(sent)
    messages = fields.get("messages")
    if messages is None or not json_fields.is_list(messages):
        raise DialectError("messages must be a list", param="messages")
    is_stream = json_fields.flag(fields, "stream")
    model = json_fields.text(fields, "model")
    includes_usage = False
    options = fields.get("stream_options")
    if is_stream and options is not None and not json_fields.is_empty(options):
        try:
            read = msgspec.json.decode(options, type=StreamOptions)
        except json_fields.MALFORMED as error:
            raise DialectError(f"stream_options: {error}", param="stream_options") from error
        includes_usage = bool(read.include_usage)
    return (
        model,
        is_stream,
        {name: bytes(raw) for name, raw in fields.items()},
        "tools" in fields and not json_fields.is_empty(fields["tools"]),
        b'"json_schema"' in bytes(fields.get("response_format", msgspec.Raw(b"null"))),
        not is_stream or includes_usage,
        json_fields.count(fields, "n", 1),
        json_fields.word(fields, "service_tier"),
        json_fields.bound(fields, "max_completion_tokens")
        or json_fields.bound(fields, "max_tokens"),
    )


def asked_as_served(sent: bytes) -> tuple[object, ...]:
    asked = passthrough.inquire(sent)
    assert asked.body is sent
    return (
        asked.model,
        asked.is_stream,
        {name: bytes(raw) for name, raw in asked.fields.items()},
        asked.needs_tools,
        asked.needs_structured_output,
        asked.wants_usage,
        asked.choices,
        asked.service_tier,
        asked.output_tokens_max,
    )


def told(ask: Callable[[bytes], tuple[object, ...]], sent: bytes) -> object:
    """Return what is read, or the error that a caller is told."""
    try:
        return ask(sent)
    except DialectError as error:
        return str(error), error.param


NAMES = (
    "model", "messages", "stream", "stream_options", "tools", "response_format", "n",
    "service_tier", "max_tokens", "max_completion_tokens", "user", "\u00e9",
)  # fmt: skip
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["", "m", "auto", "flex", "\u00e9"]),
    st.sampled_from([[], {}, [{}], {"include_usage": True}, {"include_usage": 1}]),
    st.just({"type": "json_schema", "json_schema": {}}),
)
FIELDS = st.lists(st.tuples(st.sampled_from(NAMES), VALUES), max_size=8)  # a name may come twice
SOUND = [("model", "m"), ("messages", [{"role": "user", "content": "hi"}])]


@given(FIELDS.map(lambda some: SOUND + some) | FIELDS)
@example([*SOUND, ("model", "other")])
@example([*SOUND, ("stream", None), ("n", True)])
@example([*SOUND, ("stream", True), ("stream_options", None), ("n", None)])
def test_what_is_absent_is_read_as_if_it_had_been_looked_for(
    fields: list[tuple[str, object]],
) -> None:
    lines = (msgspec.json.encode(name) + b":" + msgspec.json.encode(v) for name, v in fields)
    sent = b"{" + b",".join(lines) + b"}"
    assert told(asked_as_served, sent) == told(asked_plainly, sent)


PARTS = st.lists(
    st.sampled_from(["text", "image_url", "file"]).map(lambda kind: {"type": kind}), max_size=2
)
WORDS = st.sampled_from(["hi", "[", '[{"type":"image_url"}]', '"file"'])


@given(st.lists((WORDS | PARTS).map(lambda content: {"role": "user", "content": content})))
def test_pictures_and_files_are_seen_wherever_they_are(messages: list[dict[str, Any]]) -> None:
    asked = passthrough.inquire(msgspec.json.encode({"model": "m", "messages": messages}))
    parts = [part for message in messages for part in message["content"]]
    kinds: set[str] = {part["type"] for part in parts if isinstance(part, dict)}
    assert (asked.needs_images, asked.needs_documents) == ("image_url" in kinds, "file" in kinds)
