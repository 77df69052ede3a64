"""Anthropic Messages on both sides: look at what passes, change the model and nothing else.

Grammar of a stream; every event has its ``type`` in the data and its name in ``event:``:

    message_start                    usage so far; nothing of it is content
    content_block_start(index)       content for a tool call and other whole blocks; not for text
                                     or thinking, which begin empty
    content_block_delta(index)       text_delta, thinking_delta, input_json_delta are content;
                                     signature_delta is not
    content_block_stop(index)
    message_delta                    with ``stop_reason`` the answer is complete; usage, cumulative
    message_stop                     the end
    ping, unknown events             pass; signs of life
    error                            the upstream's failure, under status 200
"""

import re
from typing import Final

import msgspec

from penstock.core.errors import DialectError
from penstock.dialects import json_fields
from penstock.dialects.anthropic_messages import errors
from penstock.dialects.anthropic_messages.fields import (
    ABSENT,
    Block,
    Delta,
    MessageHead,
    OutputConfig,
    Raw,
    StreamEvent,
    Thinking,
    UsageFields,
    WholeAnswer,
)
from penstock.dialects.contract import Inquiry, Survey
from penstock.dialects.message import Usage
from penstock.dialects.relay import Relay

MESSAGE_STOP: Final = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
# What answers call the tiers of the common model.
TOLD: Final[dict[str, str]] = {"standard": "standard", "priority": "priority", "flex": "batch"}
# Blocks that begin empty; any other block is content as soon as it starts.
BEGINS_EMPTY: Final = ("text", "thinking")


EVENT: Final = msgspec.json.Decoder(StreamEvent)
_ANSWER: Final = msgspec.json.Decoder(WholeAnswer)
_MESSAGES: Final = msgspec.json.Decoder(list[MessageHead])
_BODIES: Final = msgspec.json.Decoder(list[dict[str, Raw]])
_RAWS: Final = msgspec.json.Decoder(list[Raw])
_THINKING: Final = msgspec.json.Decoder(Thinking)
_NO_KINDS: Final[frozenset[str]] = frozenset()
_UNSIGNED: Final = re.compile(rb'"signature"\s*:\s*""')
_OUTPUT_CONFIG: Final = msgspec.json.Decoder(OutputConfig | None)


def inquire(body: bytes, *, needs_limit: bool = True) -> Inquiry:
    """Read what routing needs; raises DialectError that says where the body is wrong.

    ``needs_limit``: an answer must have its ``max_tokens``, a count has none.
    """
    fields = json_fields.decode(body)
    messages = fields.get("messages")
    if messages is None or not json_fields.is_list(messages):
        raise DialectError("messages must be a list", param="messages")
    output_tokens_max = _tokens_max(fields) if needs_limit else 0
    kinds = _kinds(body, messages) if json_fields.may_have_parts(body) else _NO_KINDS
    is_stream = "stream" in fields and json_fields.flag(fields, "stream")
    inquiry = Inquiry(json_fields.text(fields, "model"), fields, body, is_stream=is_stream)
    inquiry.output_tokens_max = output_tokens_max
    # Most fields are absent most of the time: nothing is called to find that out.
    if "tools" in fields:
        inquiry.needs_tools = not json_fields.is_empty(fields["tools"])
    if kinds:
        inquiry.needs_images = "image" in kinds
        inquiry.needs_documents = "document" in kinds
    if "output_config" in fields:
        inquiry.needs_structured_output = _has_schema(fields)
    if "service_tier" in fields:
        inquiry.service_tier = json_fields.word(fields, "service_tier")
    return inquiry


def forward(inquiry: Inquiry, model: str, *, asks_usage: bool) -> bytes:
    """Return the body with another model; usage comes without being asked for."""
    del asks_usage
    body = inquiry.body
    messages = inquiry.fields["messages"]
    if _UNSIGNED.search(body) is not None:
        messages = _without_unsigned_thinking(messages)
    is_same = model == inquiry.model and messages is inquiry.fields["messages"]
    if is_same and body.count(b'"model"') == 1:
        return body  # a second "model" could be read differently upstream than here
    model_raw = Raw(msgspec.json.encode(model))
    return msgspec.json.encode(inquiry.fields | {"model": model_raw, "messages": messages})


def survey(body: bytes) -> Survey:
    """Look at a whole answer; raises DialectError if it is not one."""
    try:
        answer = _ANSWER.decode(body)
    except json_fields.MALFORMED as error:
        raise DialectError(f"the answer is malformed: {error}") from error
    if answer.type == "error" or (
        answer.error is not ABSENT and not json_fields.is_empty(answer.error)
    ):
        return Survey(Usage(), failure=errors.failure_of_event(answer.error))
    if answer.content is ABSENT or not json_fields.is_list(answer.content):
        raise DialectError("the answer has no content")
    return Survey(
        usage=answer.usage.normalised() if answer.usage else Usage(),
        finish_reason=answer.stop_reason or "",
        model=answer.model,
    )


class MessagesRelay(Relay):
    """Passes a Messages stream on."""

    __slots__ = ("_figures",)

    terminator = MESSAGE_STOP
    content_events: tuple[bytes, ...] = (b"content_block_start", b"content_block_delta")

    def __init__(self) -> None:
        super().__init__()
        self._figures = UsageFields()

    def _see(self, name: bytes, data: bytes) -> bool:
        event = EVENT.decode(data)
        kind = event.type
        if kind == "content_block_delta":
            if event.delta is not None:
                self._on_delta(event.delta)
            return True
        if kind == "error" or name == b"error":
            self.fail(errors.failure_of_event(event.error))
            return False
        if kind == "message_stop":
            return self._on_stop()
        if kind == "content_block_start" and event.content_block is not None:
            self._on_block(event.content_block)
        elif kind == "message_start" and event.message is not None:
            self.model = event.message.model
            self._count(event.message.usage, is_final=False)
        elif kind == "message_delta":
            self._on_message_delta(event)
        return True

    def _on_delta(self, delta: Delta) -> None:
        piece = delta.text or delta.thinking or delta.partial_json
        if piece:
            self.has_content = True
            self.output_bytes += len(piece)

    def _on_block(self, block: Block) -> None:
        piece = block.text or block.thinking or ""
        self.output_bytes += len(piece)
        if piece or block.type not in BEGINS_EMPTY:
            self.has_content = True

    def _on_message_delta(self, event: StreamEvent) -> None:
        self._count(event.usage, is_final=True)
        if event.delta is not None and event.delta.stop_reason is not None:
            self.finish_reason = event.delta.stop_reason
            self.is_complete = True
            self.has_content = True  # an empty answer is an answer

    def _on_stop(self) -> bool:
        if self.is_complete:
            self.is_ended = True
            return True
        self.break_off("the stream said message_stop before the model said why it stopped")
        return False

    def _count(self, newer: UsageFields | None, *, is_final: bool) -> None:
        if newer is not None:
            self._figures.update(newer)
            self.usage = self._figures.normalised(is_final=is_final)


def _without_unsigned_thinking(raw: Raw) -> Raw:
    """Return the messages without thinking that Claude cannot have signed; the same if none is.

    It comes from our own translation of another vendor's reasoning, and Claude refuses it.
    """
    try:
        read = [(message, _blocks(message)) for message in _BODIES.decode(raw)]
        if not any(_is_unsigned(block) for _, blocks in read for block in blocks):
            return raw
        kept: list[dict[str, Raw]] = []
        for message, blocks in read:
            signed = [block for block in blocks if not _is_unsigned(block)]
            if len(signed) < len(blocks):
                message["content"] = Raw(msgspec.json.encode(signed))
            if signed or not blocks:  # a turn that has become empty is refused too
                kept.append(message)
    except json_fields.MALFORMED:
        return raw  # the upstream will say what is wrong with it
    return Raw(msgspec.json.encode(kept))


def _blocks(message: dict[str, Raw]) -> list[Raw]:
    content = message.get("content", ABSENT)
    is_text = content is ABSENT or not json_fields.is_list(content)
    return [] if is_text else _RAWS.decode(content)


def _is_unsigned(raw: Raw) -> bool:
    block = _THINKING.decode(raw)
    return block.type == "thinking" and block.signature == ""


def _tokens_max(fields: dict[str, Raw]) -> int:
    raw = fields.get("max_tokens")
    if raw is None:
        raise DialectError("max_tokens: Field required", param="max_tokens")
    try:
        tokens = msgspec.json.decode(raw, type=int)
    except json_fields.MALFORMED as error:
        raise DialectError(
            f"max_tokens must be a whole number: {error}", param="max_tokens"
        ) from error
    if tokens < 0:
        raise DialectError("max_tokens must be at least 0", param="max_tokens")
    return tokens


def _kinds(body: bytes, messages: Raw) -> set[str]:
    """Return the types of all blocks; none where no word hints at more than text."""
    kinds: set[str] = set()
    if b'"image"' not in body and b'"document"' not in body:
        return kinds
    try:
        heads = _MESSAGES.decode(messages)
    except json_fields.MALFORMED:
        return kinds  # the upstream will say what is wrong with it
    for head in heads:
        for part in head.content if isinstance(head.content, list) else ():
            kinds.add(part.type)
            if isinstance(part.content, list):
                kinds.update(inner.type for inner in part.content)
    return kinds


def _has_schema(fields: dict[str, Raw]) -> bool:
    raw = fields.get("output_config")
    if raw is None:
        return False
    try:
        config = _OUTPUT_CONFIG.decode(raw)
    except json_fields.MALFORMED as error:
        raise DialectError(f"output_config: {error}", param="output_config") from error
    return (
        config is not None
        and config.format is not ABSENT
        and not json_fields.is_empty(config.format)
    )
