"""Anthropic Messages: what is read of a request and of its answer."""

import msgspec
import pytest
from tests.dialects.samples import sample

from penstock.core.errors import DialectError
from penstock.core.outcome import FailureKind
from penstock.dialects.anthropic_messages import passthrough
from penstock.dialects.message import Usage

MESSAGES = b'"messages":[{"role":"user","content":"hi"}]'


def body(*fields: bytes) -> bytes:
    return b'{"model":"m",' + b",".join((MESSAGES, *fields)) + b"}"


def event(kind: str, **fields: object) -> bytes:
    data = msgspec.json.encode({"type": kind} | fields)
    return f"event: {kind}\n".encode() + b"data: " + data + b"\n\n"


KINDS = ("image", "document")


@pytest.mark.parametrize("wrap", [False, True])
def test_what_routing_needs(*, wrap: bool) -> None:
    parts: list[dict[str, object]] = [{"type": kind, "source": {}} for kind in KINDS]
    if wrap:
        parts = [{"type": "tool_result", "content": parts}]
    asked = passthrough.inquire(
        msgspec.json.encode(
            {
                "model": "m",
                "max_tokens": 0,
                "stream": True,
                "tools": [{"name": "t"}],
                "output_config": {"format": {"type": "json_schema", "schema": {}}},
                "messages": [{"role": "user", "content": parts}],
            }
        )
    )
    assert asked.is_stream
    assert asked.needs_tools
    assert asked.needs_images
    assert asked.needs_documents
    assert asked.needs_structured_output
    assert asked.wants_usage
    assert asked.choices == 1


def test_words_in_a_text_are_no_features() -> None:
    asked = passthrough.inquire(
        b'{"model":"m","max_tokens":1,"tools":[],"output_config":{"effort":"low"},'
        b'"messages":[{"role":"user","content":"\\"image\\""},'
        b'{"role":"user","content":[{"type":"text","text":"document"}]}]}'
    )
    assert not asked.needs_documents
    needs = (asked.needs_tools, asked.needs_images, asked.needs_structured_output)
    assert not any(needs)


@pytest.mark.parametrize(
    ("given", "param"),
    [
        (b'{"messages":[],"max_tokens":1}', "model"),
        (b'{"model":"m","max_tokens":1}', "messages"),
        (body(), "max_tokens"),
        (body(b'"max_tokens":-1'), "max_tokens"),
        (body(b'"max_tokens":"1"'), "max_tokens"),
        (body(b'"max_tokens":1', b'"stream":"yes"'), "stream"),
        (body(b'"max_tokens":1', b'"output_config":[]'), "output_config"),
    ],
)
def test_a_bad_request_is_refused_by_name(given: bytes, param: str) -> None:
    with pytest.raises(DialectError) as caught:
        passthrough.inquire(given)
    assert caught.value.param == param


def test_usage_is_cumulative_and_includes_the_cache() -> None:
    reader = passthrough.MessagesRelay()
    reader.feed(sample("anthropic_messages", "tools_ok"))
    assert reader.usage == Usage(17, 42, 5, 2, 7, is_known=True)
    assert reader.finish_reason == "tool_use"
    assert reader.model == "m"


@pytest.mark.parametrize(
    ("sent", "is_content"),
    [
        (event("message_start", message={"id": "a", "content": []}), False),
        (event("ping"), False),
        (event("content_block_start", index=0, content_block={"type": "text"}), False),
        (event("content_block_start", index=0, content_block={"type": "thinking"}), False),
        (event("content_block_start", index=0, content_block={"type": "tool_use"}), True),
        (event("content_block_start", index=0, content_block={"type": "redacted_thinking"}), True),
        (event("content_block_delta", delta={"type": "text_delta", "text": ""}), False),
        (event("content_block_delta", delta={"type": "text_delta", "text": "a"}), True),
        (event("content_block_delta", delta={"type": "thinking_delta", "thinking": "a"}), True),
        (event("content_block_delta", delta={"partial_json": "{"}), True),
        (event("content_block_delta", delta={"type": "signature_delta", "signature": "s"}), False),
        (event("message_delta", delta={"stop_reason": None}, usage={"output_tokens": 1}), False),
        (event("message_delta", delta={"stop_reason": "end_turn"}), True),
    ],
)
def test_content_is_told_from_what_is_none(sent: bytes, *, is_content: bool) -> None:
    reader = passthrough.MessagesRelay()
    assert reader.feed(sent) == sent
    assert reader.has_content is is_content


def test_an_event_without_its_name_is_understood() -> None:
    reader = passthrough.MessagesRelay()
    reader.feed(b'data: {"type":"content_block_delta","delta":{"text":"abc"}}\n\n')
    assert (reader.has_content, reader.output_bytes) == (True, 3)


def test_a_whole_answer() -> None:
    survey = passthrough.survey(
        b'{"type":"message","model":"m","content":[],"stop_reason":"refusal",'
        b'"usage":{"input_tokens":3,"output_tokens":0}}'
    )
    assert (survey.finish_reason, survey.model) == ("refusal", "m")
    assert survey.usage == Usage(3, 0, is_known=True)


def test_an_error_under_a_200() -> None:
    survey = passthrough.survey(b'{"type":"error","error":{"type":"overloaded_error"}}')
    assert survey.failure is not None
    assert survey.failure.kind is FailureKind.OVERLOADED


@pytest.mark.parametrize("given", [b"{}", b'{"content":"a"}', b"[]", b"<html>"])
def test_what_is_no_answer(given: bytes) -> None:
    with pytest.raises(DialectError):
        passthrough.survey(given)


def test_thinking_that_claude_cannot_have_signed_is_taken_out() -> None:
    ours = b'{"type":"thinking","thinking":"h","signature":""}'
    text = b'{"type":"text","text":"a","cache_control":{"type":"ephemeral"}}'
    turns = (
        b'{"role":"assistant","content":[' + inner + b"]}" for inner in (ours, ours + b"," + text)
    )
    asked = passthrough.inquire(
        b'{"model":"m","max_tokens":1,"messages":[{"role":"user","content":"hi"},'
        + b",".join(turns)
        + b"]}"
    )
    sent = msgspec.json.decode(passthrough.forward(asked, "m", asks_usage=False))
    assert [turn["role"] for turn in sent["messages"]] == ["user", "assistant"]
    assert sent["messages"][1]["content"] == [msgspec.json.decode(text)]


def test_thinking_that_claude_has_signed_stays_to_the_byte() -> None:
    thought = b'{"type":"thinking","thinking":"h","signature":"c2ln"}'
    asked = passthrough.inquire(
        b'{"model":"m","max_tokens":1,"messages":[{"role":"assistant","content":['
        + thought
        + b"]}]}"
    )
    assert passthrough.forward(asked, "m", asks_usage=False) == asked.body
    assert thought in passthrough.forward(asked, "n", asks_usage=False)


def test_an_empty_signature_in_a_tools_input_is_nobodys_thinking() -> None:
    asked = passthrough.inquire(
        b'{"model":"m","max_tokens":1,"messages":[{"role":"assistant","content":'
        b'[{"type":"tool_use","id":"t","name":"f","input":{"signature": ""}}]}]}'
    )
    assert passthrough.forward(asked, "m", asks_usage=False) == asked.body
