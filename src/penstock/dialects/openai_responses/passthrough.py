"""OpenAI Responses on both sides: look at what passes, change the model and nothing else.

Grammar of a stream; every event has its ``type`` in the data, its name in ``event:`` and a
``sequence_number``, which counts from 0:

    response.created, .queued, .in_progress     the response so far; nothing of it is content
    response.output_item.added                  content, except for a message or reasoning, which
                                                begin empty
    response.content_part.added                 says where the text that follows stands
    response.*.delta                            content: text, refusal, reasoning, arguments
    response.*.done, others                     pass; signs of life
    response.completed, response.incomplete     the end: the answer is complete; usage
    response.failed, error                      the upstream's failure, under status 200

There is no terminator beside the last event, and so none can be supplied: a stream that ends before
it is broken. Reasoning that comes from our own translation is taken out of requests, because OpenAI
refuses what it has not thought itself.
"""

import contextlib
from typing import Final

import msgspec

from penstock.core.errors import DialectError, PenstockError
from penstock.dialects import json_fields
from penstock.dialects.contract import Inquiry, Survey
from penstock.dialects.message import Usage
from penstock.dialects.openai_responses import errors
from penstock.dialects.openai_responses.fields import (
    ABSENT,
    InputHead,
    ItemHead,
    PartHead,
    Raw,
    ResponseHead,
    StreamEvent,
    TextHead,
)
from penstock.dialects.openai_responses.response import OWN_REASONING, Position
from penstock.dialects.relay import Relay

# Items that begin empty; any other item is content as soon as it starts.
BEGINS_EMPTY: Final = ("message", "reasoning")
# With one of these a request may do without ``input``.
_INSTEAD_OF_INPUT: Final = ("previous_response_id", "conversation", "prompt")


RESPONSE: Final = msgspec.json.Decoder(ResponseHead)
_EVENT: Final = msgspec.json.Decoder(StreamEvent)
_INPUTS: Final = msgspec.json.Decoder(list[InputHead])
_PARTS: Final = msgspec.json.Decoder(list[PartHead])
_RAWS: Final = msgspec.json.Decoder(list[Raw])
_TEXT: Final = msgspec.json.Decoder(TextHead | None)


def inquire(body: bytes) -> Inquiry:
    """Read what routing needs; raises DialectError that says where the body is wrong."""
    fields = json_fields.decode(body)
    given = fields.get("input")
    if given is None:
        if not any(name in fields for name in _INSTEAD_OF_INPUT):
            raise DialectError("input is missing", param="input")
    elif not json_fields.is_list(given) and bytes(given)[:1] != b'"':
        raise DialectError("input must be a string or a list", param="input")
    has_parts = json_fields.may_have_parts(body)
    is_stream = "stream" in fields and json_fields.flag(fields, "stream")
    inquiry = Inquiry(json_fields.text(fields, "model"), fields, body, is_stream=is_stream)
    # Most fields are absent most of the time: nothing is called to find that out.
    if "tools" in fields:
        inquiry.needs_tools = not json_fields.is_empty(fields["tools"])
    if has_parts:
        inquiry.needs_images = b'"input_image"' in body and _has(given, "input_image")
        inquiry.needs_documents = b'"input_file"' in body and _has(given, "input_file")
    if "text" in fields:
        inquiry.needs_structured_output = _has_schema(fields)
    if "service_tier" in fields:
        inquiry.service_tier = json_fields.word(fields, "service_tier")
    inquiry.output_tokens_max = json_fields.bound(fields, "max_output_tokens")
    return inquiry


def forward(inquiry: Inquiry, model: str, *, asks_usage: bool) -> bytes:
    """Return the body with another model; usage comes without being asked for."""
    del asks_usage
    body = inquiry.body
    changed: dict[str, Raw] = {}
    if OWN_REASONING.encode() in body and "input" in inquiry.fields:
        changed = _without_own_reasoning(inquiry.fields["input"])
    if model == inquiry.model and not changed and body.count(b'"model"') == 1:
        return body  # a second "model" could be read differently upstream than here
    return msgspec.json.encode(
        inquiry.fields | changed | {"model": Raw(msgspec.json.encode(model))}
    )


def survey(body: bytes) -> Survey:
    """Look at a whole answer; raises DialectError if it is not one."""
    try:
        response = RESPONSE.decode(body)
    except json_fields.MALFORMED as error:
        raise DialectError(f"the answer is malformed: {error}") from error
    has_error = response.error is not ABSENT and not json_fields.is_empty(response.error)
    if response.status in ("failed", "cancelled") or has_error:
        return Survey(Usage(), failure=errors.failure_of(response.error))
    if response.output is ABSENT or not json_fields.is_list(response.output):
        raise DialectError("the answer has no output")
    return Survey(
        usage=response.usage.normalised() if response.usage else Usage(),
        finish_reason=response.finish_reason(),
        model=response.model or "",
    )


class ResponsesRelay(Relay):
    """Passes a Responses stream on, and knows at any time where in the answer it is."""

    __slots__ = ("_inquiry", "position")

    content_events: tuple[bytes, ...] = (
        b"response.output_text.delta",
        b"response.refusal.delta",
        b"response.reasoning_text.delta",
        b"response.reasoning_summary_text.delta",
        b"response.function_call_arguments.delta",
        b"response.custom_tool_call_input.delta",
        b"response.output_item.added",
        b"response.output_item.done",
        b"response.completed",
        b"response.incomplete",
    )

    def __init__(self, inquiry: Inquiry) -> None:
        super().__init__()
        self._inquiry = inquiry
        self.position = Position()

    def broken(self, error: PenstockError) -> bytes:
        """Return the event that ends this stream as broken, numbered as the next one."""
        return errors.failed_event(error, self._inquiry, self.position, self.model)

    def _see(self, name: bytes, data: bytes) -> bool:
        event = _EVENT.decode(data)
        kind = event.type or name.decode("latin-1")
        if kind in ("error", "response.failed"):
            self.fail(self._failure(kind, event, data))
            return False
        if event.sequence_number is not None:
            self.position.sequence_number = event.sequence_number + 1
        if kind.endswith(".delta"):
            self._on_delta(kind, event)
        elif kind == "response.output_item.added":
            self._on_item(event)
        elif kind == "response.content_part.added":
            self.position.content_index = event.content_index
        elif kind == "response.created":
            self._on_created(event)
        elif kind in ("response.completed", "response.incomplete"):
            self._on_end(kind, event)
        return True

    def _failure(self, kind: str, event: StreamEvent, data: bytes) -> errors.Failure:
        if kind == "error":
            return errors.failure_of_event(Raw(data))
        raw = event.response
        return errors.failure_of(RESPONSE.decode(raw).error if raw is not ABSENT else raw)

    def _on_created(self, event: StreamEvent) -> None:
        if event.response is not ABSENT:
            response = RESPONSE.decode(event.response)
            self.model = response.model or ""
            self.position.response_id = response.id or ""
            self.position.created_unix_s = int(response.created_at or 0)

    def _on_delta(self, kind: str, event: StreamEvent) -> None:
        if event.delta:
            self.has_content = True
            self.output_bytes += len(event.delta)
        at = self.position
        if kind == "response.output_text.delta" and event.item_id:
            # Servers that leave out the events before it still say where the text stands.
            at.item_type, at.item_id = "message", event.item_id
            at.output_index, at.content_index = event.output_index, event.content_index

    def _on_item(self, event: StreamEvent) -> None:
        item = event.item or ItemHead()
        self.position.begin(item.type, item.id or "", event.output_index)
        if item.type not in BEGINS_EMPTY:
            self.has_content = True

    def _on_end(self, kind: str, event: StreamEvent) -> None:
        response = ResponseHead()
        if event.response is not ABSENT:
            # However oddly it tells the rest, it is an end.
            with contextlib.suppress(msgspec.ValidationError):
                response = RESPONSE.decode(event.response)
        self.model = response.model or self.model
        self.finish_reason = response.finish_reason() or kind.removeprefix("response.")
        if response.usage is not None:
            self.usage = response.usage.normalised()
        self.is_complete = self.is_ended = True
        self.has_content = True  # an empty answer is an answer


def _has(given: Raw | None, kind: str) -> bool:
    if given is None or not json_fields.is_list(given):
        return False
    try:
        items = _INPUTS.decode(given)
    except json_fields.MALFORMED:
        return False  # the upstream will say what is wrong with it
    return any(_holds(raw, kind) for item in items for raw in (item.content, item.output))


def _holds(raw: Raw, kind: str) -> bool:
    if raw is ABSENT or not json_fields.is_list(raw):
        return False
    try:
        return any(part.type == kind for part in _PARTS.decode(raw))
    except json_fields.MALFORMED:
        return False


def _has_schema(fields: dict[str, Raw]) -> bool:
    raw = fields.get("text")
    if raw is None:
        return False
    try:
        text = _TEXT.decode(raw)
    except json_fields.MALFORMED as error:
        raise DialectError(f"text: {error}", param="text") from error
    return text is not None and text.format is not None and text.format.type == "json_schema"


def _without_own_reasoning(raw: Raw) -> dict[str, Raw]:
    """Return ``input`` without the reasoning that we have translated; nothing if there is none."""
    if not json_fields.is_list(raw):
        return {}
    try:
        heads, items = _INPUTS.decode(raw), _RAWS.decode(raw)
    except json_fields.MALFORMED:
        return {}  # the upstream will say what is wrong with it
    kept = [item for head, item in zip(heads, items, strict=True) if not _is_own(head)]
    return {"input": Raw(msgspec.json.encode(kept))} if len(kept) < len(items) else {}


def _is_own(head: InputHead) -> bool:
    return head.type == "reasoning" and (head.id or "").startswith(OWN_REASONING)
