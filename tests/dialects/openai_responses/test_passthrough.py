"""OpenAI Responses: what is read of a request and of its answer."""

import msgspec
import pytest
from tests.dialects.samples import sample, whole_events

from penstock.core.errors import DialectError, UpstreamError
from penstock.core.outcome import Failure, FailureKind
from penstock.dialects.message import Usage
from penstock.dialects.openai_responses import passthrough
from penstock.dialects.openai_responses.response import Position

IMAGE = b'{"role":"user","content":[{"type":"input_image","image_url":"data:,"}]}'
FILE = (
    b'{"type":"function_call_output","call_id":"c",'
    b'"output":[{"type":"input_file","file_data":"data:,"}]}'
)
CUT = UpstreamError(Failure(FailureKind.BROKEN_STREAM, "cut"))


def body(*fields: bytes, given: bytes = b'"hi"') -> bytes:
    return b'{"model":"m",' + b",".join((b'"input":' + given, *fields)) + b"}"


def relay() -> passthrough.ResponsesRelay:
    return passthrough.ResponsesRelay(passthrough.inquire(body(b'"stream":true')))


def event(kind: str, **fields: object) -> bytes:
    data = msgspec.json.encode({"type": kind, "sequence_number": 1} | fields)
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), data)


def test_what_routing_needs() -> None:
    asked = passthrough.inquire(
        body(
            b'"stream":true,"tools":[{}],"text":{"format":{"type":"json_schema"}}',
            given=b"[" + IMAGE + b"," + FILE + b',{"type":"computer_call_output","output":{}}]',
        )
    )
    assert asked.is_stream
    assert asked.needs_tools
    assert asked.needs_images
    assert asked.needs_documents
    assert asked.needs_structured_output
    assert asked.wants_usage
    assert asked.choices == 1


@pytest.mark.parametrize(
    "given",
    [
        b'"\\"input_image\\" \\"input_file\\""',
        b'[{"role":"user","content":"\\"input_image\\""}]',
        b'[{"role":"user","content":[{"type":"input_text","text":"\\"input_file\\""}]}]',
        b'[{"type":"x","content":["input_image"],"output":["input_file"]}]',
        b'["input_image"]',
    ],
)
def test_words_in_a_text_are_no_features(given: bytes) -> None:
    asked = passthrough.inquire(body(b'"tools":[]', b'"text":{"verbosity":"low"}', given=given))
    needs = (asked.needs_tools, asked.needs_images, asked.needs_documents)
    assert not any((*needs, asked.needs_structured_output))


@pytest.mark.parametrize(
    ("given", "param"),
    [
        (b'{"input":"hi"}', "model"),
        (b'{"model":"m"}', "input"),
        (body(given=b"{}"), "input"),
        (body(given=b"7"), "input"),
        (body(given=b"null"), "input"),
        (body(b'"stream":1'), "stream"),
        (body(b'"text":7'), "text"),
    ],
)
def test_a_bad_request_is_refused_by_name(given: bytes, param: str) -> None:
    with pytest.raises(DialectError) as caught:
        passthrough.inquire(given)
    assert caught.value.param == param


@pytest.mark.parametrize("name", ["previous_response_id", "conversation", "prompt"])
def test_what_lies_at_the_vendor_stands_for_the_input(name: str) -> None:
    sent = b'{"model":"m","%b":"x"}' % name.encode()
    assert passthrough.forward(passthrough.inquire(sent), "m", asks_usage=True) == sent


def test_reasoning_that_we_translated_is_taken_out() -> None:
    own = b'{"type":"reasoning","id":"rs_translated_1_0","summary":[]}'
    foreign = b'{"type":"reasoning","id":"rs_1","summary":[], "encrypted_content":"x"}'
    said = b'{"role":"user",  "content":"rs_translated_"}'
    asked = passthrough.inquire(body(given=b"[" + b",".join((own, foreign, said)) + b"]"))
    sent = passthrough.forward(asked, "m", asks_usage=False)
    assert own not in sent
    assert foreign in sent
    assert said in sent
    unharmed = passthrough.inquire(body(given=b"[" + said + b"]"))
    assert passthrough.forward(unharmed, "m", asks_usage=False) == unharmed.body
    odd = passthrough.inquire(body(given=b'["rs_translated_"]'))
    assert passthrough.forward(odd, "m", asks_usage=False) == odd.body
    text = passthrough.inquire(body(given=b'"rs_translated_"'))
    assert passthrough.forward(text, "m", asks_usage=False) == text.body


@pytest.mark.parametrize(
    "sent",
    [
        event("response.output_text.delta", delta="a"),
        event("response.refusal.delta", delta="a"),
        event("response.reasoning_text.delta", delta="a"),
        event("response.reasoning_summary_text.delta", delta="a"),
        event("response.function_call_arguments.delta", delta="{"),
        event("response.custom_tool_call_input.delta", delta="a"),
        event("response.output_item.added", item={"type": "function_call", "id": "fc"}),
        event("response.output_item.added", item={"type": "web_search_call", "id": "ws"}),
        event("response.completed", response={"status": "completed"}),
        event("response.incomplete"),
        b'data: {"type":"response.output_text.delta","delta":"a"}\n\n',
        event("response.new.delta", delta={"a": 1}),
    ],
)
def test_what_is_content(sent: bytes) -> None:
    reader = relay()
    assert reader.feed(sent) == sent
    assert reader.has_content


@pytest.mark.parametrize(
    "sent",
    [
        event("response.created", response={"id": "r", "model": "m"}),
        event("response.queued", response={}),
        event("response.in_progress"),
        event("response.output_item.added", item={"type": "message", "id": "m"}),
        event("response.output_item.added", item={"type": "reasoning", "id": "r"}),
        event("response.content_part.added", part={}),
        event("response.output_text.delta", delta=""),
        event("response.note", anything=[1]),
        b": keepalive\n\n",
    ],
)
def test_what_is_none(sent: bytes) -> None:
    reader = relay()
    assert reader.feed(sent) == sent
    assert not reader.has_content


def test_the_end_says_what_was_used_and_why_it_stopped() -> None:
    reader = relay()
    reader.feed(sample("openai_responses", "tolerance_incomplete"))
    assert (reader.finish_reason, reader.model) == ("max_output_tokens", "m")
    assert reader.usage == Usage(17, 42, 5, 2, 7, is_known=True)
    assert reader.output_bytes == len("Once upon")
    other = relay()
    other.feed(sample("openai_responses", "tools_ok"))
    assert other.finish_reason == "completed"


@pytest.mark.parametrize(
    "sent",
    [
        event("response.completed"),
        event("response.completed", response=None),
        event("response.completed", response={"id": None, "model": None, "created_at": None}),
        event("response.completed", response={"usage": {"input_tokens": "many"}}),
        event("response.completed", response={}, sequence_number=None, item_id=None),
    ],
)
def test_an_end_is_one_however_oddly_it_is_told(sent: bytes) -> None:
    reader = relay()
    assert reader.feed(sent) == sent
    assert reader.is_ended
    assert reader.finish() == b""
    assert reader.failure is None
    assert reader.finish_reason == "completed"


@pytest.mark.parametrize("stem", ["text_error_in_band", "text_failed"])
def test_a_failure_before_content_lets_another_upstream_answer(stem: str) -> None:
    events = whole_events(sample("openai_responses", stem))
    reader = relay()
    assert reader.feed(events[0]) == events[0]
    assert reader.feed(events[-1]) == b""
    assert not reader.has_content
    assert reader.failure is not None
    assert (reader.failure.kind, reader.failure.detail) == (FailureKind.SERVER_ERROR, "boom")


@pytest.mark.parametrize(
    "sent", [event("response.failed"), event("error"), b"event: error\ndata: {}\n\n"]
)
def test_a_failure_that_says_nothing_is_one(sent: bytes) -> None:
    reader = relay()
    assert reader.feed(sent) == b""
    assert reader.failure is not None


def test_an_error_after_the_end_is_taken_out() -> None:
    reader = relay()
    reader.feed(sample("openai_responses", "text_ok"))
    assert reader.feed(event("error", code="server_error", message="late")) == b""
    assert reader.failure is None


def test_the_relay_knows_where_it_is() -> None:
    reader = relay()
    events = whole_events(sample("openai_responses", "tools_ok"))
    reader.feed(b"".join(events[:5]))
    assert reader.position == Position(
        response_id="resp_2",
        created_unix_s=1,
        item_type="message",
        item_id="msg_2",
        output_index=0,
        content_index=0,
        sequence_number=5,
    )
    reader.feed(b"".join(events[5:-1]))
    place = (reader.position.item_type, reader.position.item_id, reader.position.output_index)
    assert place == ("function_call", "fc_2", 2)
    assert reader.position.sequence_number == len(events) - 1


def test_a_delta_alone_says_where_the_text_stands() -> None:
    reader = relay()
    reader.feed(
        event("response.output_text.delta", delta="a", item_id="x", output_index=3, content_index=1)
    )
    assert reader.position == Position("", 0, "message", "x", 3, 1, 2)


def test_a_broken_stream_ends_under_the_next_number() -> None:
    reader = relay()
    reader.feed(sample("openai_responses", "text_cut"))
    told = msgspec.json.decode(reader.broken(CUT).partition(b"data: ")[2])
    assert told["sequence_number"] == 5
    assert (told["response"]["id"], told["response"]["model"]) == ("resp_1", "m")
    again = relay()
    assert again.feed(reader.broken(CUT)) == b""
    assert again.failure is not None
    assert "cut" in again.failure.detail


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"status": "completed"}, "completed"),
        ({"status": "incomplete", "incomplete_details": {"reason": "steered"}}, "steered"),
        ({"status": "queued", "error": None}, "queued"),
    ],
)
def test_a_whole_answer(fields: dict[str, object], reason: str) -> None:
    answer: dict[str, object] = {"model": "m", "output": [], "usage": {"input_tokens": 3}}
    told = passthrough.survey(msgspec.json.encode(answer | fields))
    assert (told.failure, told.finish_reason, told.model) == (None, reason, "m")
    assert told.usage == Usage(3, is_known=True)


def test_a_whole_answer_that_failed() -> None:
    told = passthrough.survey(
        b'{"status":"failed","output":[],"error":{"code":"invalid_prompt","message":"no"}}'
    )
    assert told.failure is not None
    assert told.failure.kind is FailureKind.REJECTED
    assert passthrough.survey(b'{"status":"cancelled","output":[]}').failure is not None


@pytest.mark.parametrize("sent", [b"{}", b'{"status":"completed"}', b'{"output":{}}'])
def test_what_is_no_answer(sent: bytes) -> None:
    with pytest.raises(DialectError):
        passthrough.survey(sent)
