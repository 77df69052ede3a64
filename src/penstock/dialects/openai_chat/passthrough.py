"""OpenAI chat on both sides: look at what passes, change the model and nothing else.

Grammar of a stream: unnamed ``data:`` chunks; a role delta, then content or tool-call deltas, then
a chunk with ``finish_reason`` per choice, then with ``stream_options.include_usage`` one chunk with
no choices and ``usage``, then ``data: [DONE]``. An error after 200 is a chunk with ``error``.

The answer is complete once every choice has its finish_reason (DIALECTS 10).
"""

from typing import Final

import msgspec

from penstock.core.errors import DialectError
from penstock.dialects import json_fields
from penstock.dialects.capability import Capability
from penstock.dialects.contract import Inquiry, Survey
from penstock.dialects.message import Usage
from penstock.dialects.openai_chat import errors
from penstock.dialects.openai_chat.fields import (
    ABSENT,
    Chunk,
    MessageHead,
    Raw,
    StreamOptions,
)
from penstock.dialects.relay import Relay

_CHUNK: Final = msgspec.json.Decoder(Chunk)


_MESSAGES: Final = msgspec.json.Decoder(list[MessageHead])
_STREAM_OPTIONS: Final = msgspec.json.Decoder(StreamOptions)
_NO_KINDS: Final[frozenset[str]] = frozenset()


def inquire(body: bytes) -> Inquiry:
    """Read what routing needs; raises DialectError that says where the body is wrong."""
    fields = json_fields.decode(body)
    messages = fields.get("messages")
    if messages is None or not json_fields.is_list(messages):
        raise DialectError("messages must be a list", param="messages")
    is_stream = "stream" in fields and json_fields.flag(fields, "stream")
    kinds = _kinds(body, messages) if json_fields.may_have_parts(body) else _NO_KINDS
    inquiry = Inquiry(json_fields.text(fields, "model"), fields, body, is_stream=is_stream)
    # Most fields are absent most of the time: nothing is called to find that out.
    if "tools" in fields:
        inquiry.needs_tools = not json_fields.is_empty(fields["tools"])
    if kinds:
        inquiry.needs_images = "image_url" in kinds
        inquiry.needs_documents = "file" in kinds
    if "response_format" in fields:
        schema = b'"json_schema"'
        inquiry.needs_structured_output = schema in bytes(fields["response_format"])
    if is_stream:
        inquiry.wants_usage = _wants_usage(fields)
    if "n" in fields:
        inquiry.choices = json_fields.count(fields, "n", 1)
    if "service_tier" in fields:
        inquiry.service_tier = json_fields.word(fields, "service_tier")
    inquiry.output_tokens_max = json_fields.bound(
        fields, "max_completion_tokens"
    ) or json_fields.bound(fields, "max_tokens")
    return inquiry


def forward(
    inquiry: Inquiry, model: str, *, asks_usage: bool, capability: Capability | None = None
) -> bytes:
    """Return the body with another model, and a request for usage if the caller made none.

    What an engine is declared not to know is said in older words: ``max_tokens``, ``system``.
    """
    if capability is not None and not (
        capability.names_completion_tokens and capability.developer_role
    ):
        inquiry = _in_old_words(inquiry, capability)
    adds_usage = asks_usage and not inquiry.wants_usage
    body = inquiry.body
    if model == inquiry.model and not adds_usage and body.count(b'"model"') == 1:
        return body  # a second "model" could be read differently upstream than here
    fields = dict(inquiry.fields)
    fields["model"] = Raw(msgspec.json.encode(model))
    if adds_usage:
        fields["stream_options"] = _with_usage(fields.get("stream_options"))
    return msgspec.json.encode(fields)


def _in_old_words(inquiry: Inquiry, capability: Capability) -> Inquiry:
    fields = inquiry.fields
    changed: dict[str, Raw] = {}
    limit = fields.get("max_completion_tokens")
    if limit is not None and capability.is_known and not capability.names_completion_tokens:
        changed["max_tokens"] = limit
    if not capability.developer_role and inquiry.body.find(b'"developer"') >= 0:
        changed["messages"] = _without_developer(fields["messages"])
    if not changed:
        return inquiry
    fields = {name: raw for name, raw in (fields | changed).items() if name != "model"}
    if "max_tokens" in changed:
        del fields["max_completion_tokens"]
    fields = {"model": Raw(msgspec.json.encode(inquiry.model))} | fields
    return inquiry.saying(fields, msgspec.json.encode(fields))


def _without_developer(messages: Raw) -> Raw:
    try:
        read = msgspec.json.decode(messages, type=list[dict[str, Raw]])
    except json_fields.MALFORMED:
        return messages  # the upstream will say what is wrong with it
    for message in read:
        role = message.get("role")
        if role is not None and bytes(role).strip() == b'"developer"':
            message["role"] = Raw(b'"system"')
    return Raw(msgspec.json.encode(read))


def survey(body: bytes) -> Survey:
    """Look at a whole answer; raises DialectError if it is not one."""
    try:
        chunk = _CHUNK.decode(body)
    except json_fields.MALFORMED as error:
        raise DialectError(f"the answer is malformed: {error}") from error
    if chunk.error is not ABSENT and not json_fields.is_empty(chunk.error):
        return Survey(Usage(), failure=errors.failure_of_event(chunk.error))
    if not chunk.choices:
        raise DialectError("the answer has no choices")
    usage = chunk.usage.normalised() if chunk.usage is not None else Usage()
    return Survey(usage, chunk.choices[0].finish_reason or "", chunk.model or "")


class ChatRelay(Relay):
    """Passes a chat stream on; takes the usage chunk out if the caller did not ask for it."""

    __slots__ = ("_choices", "_finished", "_wants_usage")

    terminator = b"data: [DONE]\n\n"

    def __init__(self, inquiry: Inquiry) -> None:
        super().__init__()
        self._wants_usage = inquiry.wants_usage
        self._choices = inquiry.choices
        self._finished = 0

    def _see(self, name: bytes, data: bytes) -> bool:
        if data == b"[DONE]":
            return self._on_done()
        chunk = _CHUNK.decode(data)
        if chunk.error is not ABSENT and not json_fields.is_empty(chunk.error):
            self.fail(errors.failure_of_event(chunk.error))
            return False
        if chunk.usage is not None:
            self.usage = chunk.usage.normalised()
        if not chunk.choices:
            # Clients crash on an event with a name and no choices (DIALECTS 9).
            return not name and (self._wants_usage or chunk.usage is None)
        for choice in chunk.choices:
            delta = choice.delta
            if delta is not None and (count := delta.content_bytes()):
                self.has_content = True
                self.output_bytes += count
            if choice.finish_reason:  # some engines say "" until the end
                self._on_finish(choice.finish_reason, chunk.model)
        return True

    def _on_finish(self, reason: str, model: str | None) -> None:
        self.finish_reason = reason
        self.model = model or ""
        self._finished += 1
        if self._finished >= self._choices:
            self.is_complete = True
            self.has_content = True  # an empty answer is an answer

    def _on_done(self) -> bool:
        if self.is_complete:
            self.is_ended = True
            return True
        self.break_off("the stream said [DONE] before the model said why it stopped")
        return False


def _kinds(body: bytes, messages: Raw) -> frozenset[str]:
    """Return the types of the parts of all messages; none where no word hints at more than text."""
    if b'"image_url"' not in body and b'"file"' not in body:
        return _NO_KINDS
    try:
        heads = _MESSAGES.decode(messages)
    except json_fields.MALFORMED:
        return _NO_KINDS  # the upstream will say what is wrong with it
    return frozenset(
        part.type for head in heads if isinstance(head.content, list) for part in head.content
    )


def _wants_usage(fields: dict[str, Raw]) -> bool:
    raw = fields.get("stream_options")
    if raw is None or json_fields.is_empty(raw):
        return False
    try:
        return bool(_STREAM_OPTIONS.decode(raw).include_usage)
    except json_fields.MALFORMED as error:
        raise DialectError(f"stream_options: {error}", param="stream_options") from error


def _with_usage(raw: Raw | None) -> Raw:
    options: dict[str, Raw] = {}
    if raw is not None and not json_fields.is_empty(raw):
        options = msgspec.json.decode(raw, type=dict[str, Raw])
    return Raw(msgspec.json.encode(options | {"include_usage": Raw(b"true")}))
