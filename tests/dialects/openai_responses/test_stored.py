"""A stream that was written is found by its id, cut behind any event, told as an object."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from penstock.core.errors import CallerError
from penstock.dialects.openai_responses import errors, stored

CREATED: dict[str, object] = {
    "id": "resp_1",
    "object": "response",
    "status": "in_progress",
    "output": [],
}


def event(kind: str, number: int | None, **more: object) -> bytes:
    fields: dict[str, object] = {"type": kind, **more}
    if number is not None:
        fields["sequence_number"] = number
    return f"event: {kind}\ndata: {json.dumps(fields)}\n\n".encode()


def stream(*events: bytes) -> bytes:
    return event("response.created", 0, response=CREATED) + b"".join(events)


def delta(number: int, text: str = "t") -> bytes:
    return event("response.output_text.delta", number, delta=text)


def told(data: bytes, status: str = "in_progress") -> dict[str, Any]:
    return json.loads(stored.response_object(data, status, "resp_asked"))


def test_the_id_stands_in_the_first_event_or_in_the_answer() -> None:
    assert stored.response_id(b": keepalive\n\n" + stream(delta(1)), is_stream=True) == "resp_1"
    assert stored.response_id(json.dumps(CREATED).encode(), is_stream=False) == "resp_1"
    for data in (b"", b"data: [DONE]\n\n", delta(1), event("response.created", 0, response=7)):
        assert stored.response_id(data, is_stream=True) == ""
    for data in (b"", b"[]", b'{"id": 7}', b'{"id'):
        assert stored.response_id(data, is_stream=False) == ""


@given(
    st.lists(st.text(max_size=20), max_size=8),
    st.integers(-1, 10),
    st.sampled_from((b"\n", b"\r\n")),
)
def test_what_is_left_begins_behind_the_number(texts: list[str], after: int, line: bytes) -> None:
    events = [delta(number, f'"sequence_number":9 {text}') for number, text in enumerate(texts)]
    events = [one.replace(b"\n", line) for one in events]
    skipped, is_found = stored.skip(b"".join(events), after)
    assert skipped == sum(len(one) for one in events[: after + 1])
    assert is_found == (len(events) > after + 1)


def test_a_break_is_told_whatever_its_number() -> None:
    broken = errors.error_event(CallerError("It broke."), "req_1")
    data = stream(delta(1), b": keepalive\n\n", delta(2))
    assert stored.skip(data + broken, 7) == (len(data), True)
    data += event("error", None, message="It broke.")
    assert stored.skip(data, 7)[1]


def test_the_object_is_the_last_events_once_the_response_has_ended() -> None:
    whole = {**CREATED, "status": "completed", "output": [{"type": "message"}]}
    ended = stream(delta(1), event("response.completed", 2, response=whole))
    assert told(ended, "failed") == whole
    assert told(stream(delta(1))) == CREATED
    assert told(stream(delta(1)), "cancelled") == {**CREATED, "status": "cancelled"}


def test_a_broken_response_says_why_and_keeps_its_id() -> None:
    broken = errors.error_event(CallerError("It broke."), "req_1")
    failed = told(stream(delta(1), broken), "failed")
    assert (failed["id"], failed["status"]) == ("resp_1", "failed")
    assert "It broke." in failed["error"]["message"]
    cut = told(stream(delta(1)), "failed")
    assert cut["error"]["code"] == "server_error"


def test_what_is_not_there_is_told_by_its_id_alone() -> None:
    expected = {"id": "resp_asked", "object": "response", "status": "cancelled"}
    for data in (b"", b"data: {}\n\n", event("response.created", 0, response=[1])):
        assert told(data, "cancelled") == expected


@given(st.binary(max_size=200))
def test_any_bytes_are_read_without_a_fall(data: bytes) -> None:
    skipped, _ = stored.skip(data, 5)
    assert 0 <= skipped <= len(data)
    assert isinstance(stored.response_id(data, is_stream=True), str)
    assert told(data)["status"] == "in_progress"
