"""Reading an answer that has been written before, to find it and to give it out again.

its id           in the first event of a stream, or in a whole answer
where to go on   behind the last event whose number the caller has seen; ``response.failed``
                 and ``error`` are always given out: they say that the stream has broken
as an object     the last event's, if the response ended; before that the first event's, with
                 the status that it has now
"""

from typing import Final

import msgspec

from penstock.dialects import json_fields, sse

Raw = msgspec.Raw
ABSENT: Final = Raw(b"")
_ENDS: Final = frozenset({"response.completed", "response.incomplete"})
_BREAKS: Final = frozenset({"response.failed", "error"})
_BROKEN: Final = {"code": "server_error", "message": "The stream broke before its end."}


class _Event(msgspec.Struct):
    type: str = ""
    sequence_number: int = -1
    response: Raw = ABSENT


class _Response(msgspec.Struct):
    id: str = ""
    error: Raw = ABSENT


_EVENT: Final = msgspec.json.Decoder(_Event)
_RESPONSE: Final = msgspec.json.Decoder(_Response)
_FIELDS: Final = msgspec.json.Decoder(dict[str, Raw])


def response_id(data: bytes, *, is_stream: bool) -> str:
    """Return the id that the caller has been told; empty if there is none."""
    raw: bytes | Raw = data
    if is_stream:
        raw = _first(data).response
    try:
        return _RESPONSE.decode(raw).id
    except json_fields.MALFORMED:
        return ""


def skip(data: bytes, number: int) -> tuple[int, bool]:
    """Return how many bytes of whole events have been seen, and whether any event has not."""
    seen = 0
    for raw in _split(data):
        event = _read(raw)
        if event.type in _BREAKS or event.sequence_number > number:
            return seen, True
        seen += len(raw)
    return seen, False


def response_object(data: bytes, status: str, response_id: str) -> bytes:
    """Return the response as an object; ``status`` is its own where the stream has not ended."""
    events = [_read(raw) for raw in _split(data)]
    for event in reversed(events):
        if event.type in _ENDS and event.response:
            return bytes(event.response)
    begun = next((event.response for event in events if event.response), ABSENT)
    try:
        fields = _FIELDS.decode(begun)
    except json_fields.MALFORMED:
        fields = {"id": _raw(response_id), "object": _raw("response")}
    fields["status"] = _raw(status)
    if status == "failed" and events:
        fields["error"] = _error(events[-1])
    return msgspec.json.encode(fields)


def _error(last: _Event) -> Raw:
    if last.type == "response.failed" and last.response:
        try:
            error = _RESPONSE.decode(last.response).error
        except json_fields.MALFORMED:
            error = ABSENT
        if error and not json_fields.is_empty(error):
            return error
    return _raw(_BROKEN)


def _raw(value: object) -> Raw:
    return Raw(msgspec.json.encode(value))


def _first(data: bytes) -> _Event:
    for raw in _split(data):
        event = _read(raw)
        if event.response:
            return event
    return _Event()


def _split(data: bytes) -> list[bytes]:
    splitter = sse.Splitter(event_bytes_max=len(data) + 1)  # it has been bounded before
    return splitter.feed(data) + ([splitter.rest] if splitter.rest else [])


def _read(raw: bytes) -> _Event:
    data = sse.fields(raw).data
    if data is None:
        return _Event()
    try:
        return _EVENT.decode(data)
    except json_fields.MALFORMED:
        return _Event()
