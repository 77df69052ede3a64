"""Anthropic Messages answers: read into the common model and written from it.

    event                              common event       written back as
    message_start                      Started, Counted   message_start
    content_block_start of a tool_use  ToolStarted        a block of its own
    text_delta, a text block's text    TextDelta          text_delta in an open text block
    thinking_delta                     ThinkingDelta      thinking_delta in an open thinking block
    input_json_delta                   ArgumentsDelta     input_json_delta
    content_block_stop of a call       "{}" if nothing    (blocks are closed as others open)
                                       of it had come
    message_delta                      Stopped, Counted   message_delta, at the end
    message_stop                       Ended              message_stop
    content_block_start, _stop else    (nothing)
    ping, everything else              KeptAlive          ping
    error                              Failed             (an error of ours)

A caller of this dialect gets one block at a time. Where an upstream mixes the arguments of parallel
calls, later calls wait until the JSON of the open one is whole, or the answer has ended.
"""

from typing import Final

import msgspec

from penstock.core.errors import DialectError
from penstock.dialects import call_arguments, hops, json_fields
from penstock.dialects.anthropic_messages import errors
from penstock.dialects.anthropic_messages.fields import (
    ABSENT,
    Block,
    Delta,
    StopDetails,
    StreamEvent,
    UsageFields,
)
from penstock.dialects.anthropic_messages.passthrough import EVENT, MESSAGE_STOP, TOLD
from penstock.dialects.anthropic_messages.write import CALL_ID_CHARS_MAX
from penstock.dialects.contract import Inquiry
from penstock.dialects.events import (
    ArgumentsDelta,
    Counted,
    Ended,
    Event,
    Failed,
    KeptAlive,
    Started,
    Stopped,
    TextDelta,
    ThinkingDelta,
    ToolStarted,
)
from penstock.dialects.message import Answer, StopReason, Text, ToolCall, Usage
from penstock.dialects.named_events import NamedEventDecoder
from penstock.dialects.service_tier import told
from penstock.dialects.tool_ids import ToolIds

Fields = dict[str, object]
encode_json: Final = msgspec.json.Encoder().encode
PING: Final = b'event: ping\ndata: {"type":"ping"}\n\n'
_ALIVE: Final = KeptAlive()
_TIERS: Final = ("standard", "priority")  # that both this dialect and others have
_STOPS: Final[dict[str, StopReason]] = {
    "end_turn": StopReason.END,
    "stop_sequence": StopReason.STOP_SEQUENCE,
    "max_tokens": StopReason.LENGTH,
    "model_context_window_exceeded": StopReason.LENGTH,
    "tool_use": StopReason.TOOL,
    "refusal": StopReason.FILTERED,
    "pause_turn": StopReason.PAUSED,
}
_REASONS: Final[dict[StopReason, str]] = {
    StopReason.END: "end_turn",
    StopReason.STOP_SEQUENCE: "stop_sequence",
    StopReason.LENGTH: "max_tokens",
    StopReason.TOOL: "tool_use",
    StopReason.FILTERED: "refusal",
    StopReason.PAUSED: "pause_turn",
}


class AnswerFields(msgspec.Struct):
    """A whole answer."""

    content: list[Block]
    stop_reason: str
    id: str = ""
    model: str = ""
    stop_sequence: str | None = None
    stop_details: StopDetails | None = None
    usage: UsageFields | None = None


_ANSWER: Final = msgspec.json.Decoder(AnswerFields)


def read_answer(body: bytes) -> Answer:
    """Read a whole answer; raises DialectError if it is not one."""
    try:
        answer = _ANSWER.decode(body)
        parts = tuple(
            Text(block.text or "")
            if block.type == "text"
            else ToolCall(block.id, block.name, _input(block) or "{}")
            for block in answer.content
            if block.type in ("text", "tool_use")
        )
    except json_fields.MALFORMED as error:
        raise DialectError(f"the answer is malformed: {error}") from error
    return Answer(
        id=answer.id,
        model=answer.model,
        parts=parts,
        thinking="".join(block.thinking or "" for block in answer.content),
        stop=_STOPS.get(answer.stop_reason, StopReason.END),
        stop_sequence=answer.stop_sequence or "",
        explanation=_explanation(answer.stop_details),
        usage=answer.usage.normalised() if answer.usage else Usage(),
        service_tier=_tier(answer.usage),
    )


def write_answer(answer: Answer) -> bytes:
    """Return a whole answer."""
    ids = ToolIds(CALL_ID_CHARS_MAX)
    content: list[Fields] = []
    if answer.thinking:
        content.append({"type": "thinking", "thinking": answer.thinking, "signature": ""})
    for part in answer.parts:
        if isinstance(part, ToolCall):
            content.append(
                {
                    "type": "tool_use",
                    "id": ids.of_call(part.id),
                    "name": part.name,
                    "input": call_arguments.as_object(part.arguments),
                }
            )
        elif part.text:
            content.append({"type": "text", "text": part.text})
    fields = {
        "id": _message_id(answer.id),
        "type": "message",
        "role": "assistant",
        "model": answer.model,
        "content": content,
        "stop_reason": _REASONS[answer.stop],
        "stop_sequence": answer.stop_sequence or None,
        **_stop_details(answer.stop, answer.explanation),
        "usage": _usage(answer.usage, answer.service_tier),
    }
    return encode_json(fields)


class _OpenCall:
    __slots__ = ("has_arguments", "index", "whole_input")

    def __init__(self, index: int, whole_input: str) -> None:
        self.index = index
        self.whole_input = whole_input
        self.has_arguments = False


class MessagesDecoder(NamedEventDecoder):
    """Decodes one stream of an upstream. Owned by one event loop."""

    def __init__(self) -> None:
        super().__init__()
        self._figures = UsageFields()
        self._calls: dict[int, _OpenCall] = {}
        self._count = 0

    def _decode(self, data: bytes, events: list[Event]) -> None:
        try:
            event = EVENT.decode(data)
            kind = event.type
            if kind == "content_block_delta" and event.delta is not None:
                events.append(self._delta(event.index, event.delta))
            elif kind == "content_block_start" and event.content_block is not None:
                self._on_block(event.index, event.content_block, events)
            elif kind == "content_block_stop":
                self._on_block_stop(event.index, events)
            elif kind == "error":
                events.append(Failed(errors.failure_of_event(event.error)))
            elif kind == "message_stop":
                events.append(Ended())
            else:
                self._about_message(event, events)
        except json_fields.MALFORMED as error:
            raise DialectError(f"the stream has a malformed event: {error}") from error

    def _delta(self, index: int, delta: Delta) -> Event:
        if delta.text:
            return TextDelta(delta.text)
        if delta.partial_json:
            call = self._calls.get(index)
            if call is None:
                return _ALIVE  # of a tool that runs at the vendor
            call.has_arguments = True
            return ArgumentsDelta(call.index, delta.partial_json)
        return ThinkingDelta(delta.thinking) if delta.thinking else _ALIVE

    def _on_block(self, index: int, block: Block, events: list[Event]) -> None:
        if block.type == "tool_use":
            call = _OpenCall(self._count, _input(block))
            self._calls[index] = call
            self._count += 1
            events.append(ToolStarted(call.index, block.id, block.name))
        elif block.type == "text" and block.text:
            events.append(TextDelta(block.text))
        elif block.type == "thinking" and block.thinking:
            events.append(ThinkingDelta(block.thinking))

    def _on_block_stop(self, index: int, events: list[Event]) -> None:
        call = self._calls.pop(index, None)
        if call is not None and not call.has_arguments:
            events.append(ArgumentsDelta(call.index, call.whole_input or "{}"))

    def _about_message(self, event: StreamEvent, events: list[Event]) -> None:
        usage = event.usage
        if event.type == "message_start" and event.message is not None:
            usage = event.message.usage
            events.append(Started(event.message.id, event.message.model, _tier(usage)))
        elif event.type == "message_delta":
            delta = event.delta or Delta()
            if delta.stop_reason is not None:
                for index in tuple(self._calls):  # blocks that the server has not closed
                    self._on_block_stop(index, events)
                reason = _STOPS.get(delta.stop_reason, StopReason.END)
                explanation = _explanation(delta.stop_details)
                events.append(Stopped(reason, delta.stop_sequence or "", explanation))
        else:
            events.append(_ALIVE)
        if usage is not None:
            self._figures.update(usage)
            is_final = event.type == "message_delta"
            events.append(Counted(self._figures.normalised(is_final=is_final)))


class _Pending:
    """A call that waits until the block before it is closed."""

    __slots__ = ("arguments", "call")

    def __init__(self, call: ToolStarted) -> None:
        self.call = call
        self.arguments: list[str] = []


class MessagesEncoder:
    """Encodes one stream for a caller. Owned by one event loop."""

    def __init__(self, inquiry: Inquiry, created_unix_s: int) -> None:
        self._model = inquiry.model
        self._tier = told(inquiry)
        self._created_unix_s = created_unix_s
        self._is_started = False
        self._block: type[TextDelta | ThinkingDelta | ToolStarted] | None = None
        self._index = -1
        self._text_head = b""
        self._call = -1  # the open call, as its events number it
        self._arguments: list[str] = []  # of the open call
        self._pending: dict[int, _Pending] = {}
        self._ids = ToolIds(CALL_ID_CHARS_MAX)
        self._stopped = Stopped(StopReason.END)
        self._usage = Usage()

    def encode(self, event: Event) -> bytes:
        """Return the bytes of one event."""
        if self._block is TextDelta and isinstance(event, TextDelta):
            return self._text_head + encode_json(event.text) + b"}}\n\n"
        if isinstance(event, KeptAlive):
            return PING
        if isinstance(event, Started):
            return self._start(event)
        start = b"" if self._is_started else self._start(Started("", ""))
        return start + self._encode_other(event)

    def finish(self) -> bytes:
        """Return why the model stopped, what it used, and the terminator."""
        fields: Fields = {
            "type": "message_delta",
            "delta": {
                "stop_reason": _REASONS[self._stopped.reason],
                "stop_sequence": self._stopped.stop_sequence or None,
                **_stop_details(self._stopped.reason, self._stopped.explanation),
            },
            "usage": _usage(self._usage),
        }
        return self._close_all() + _event(b"message_delta", fields) + MESSAGE_STOP

    def resume(self, index: int, block: type[TextDelta | ThinkingDelta] | None) -> None:
        """Go on with an answer that has begun, behind or amid the block of this index."""
        self._is_started = True
        self._index = index
        self._block = block
        self._text_head = self._delta_head(b"text")

    def _encode_other(self, event: Event) -> bytes:
        out = b""
        match event:
            case TextDelta(text=text):
                out = self._open_text() + self._text_head + encode_json(text) + b"}}\n\n"
            case ArgumentsDelta():
                out = self._on_arguments(event)
            case ThinkingDelta(text=text):
                out = self._open_thinking() + self._delta(b"thinking", encode_json(text))
            case ToolStarted():
                out = self._on_call(event)
            case Stopped():
                self._stopped = event
                out = self._close_all()
            case Counted(usage=usage):
                self._usage = usage
            case _:
                pass
        return out

    def _start(self, event: Started) -> bytes:
        if self._is_started:
            return b""  # a second upstream goes on with the same answer
        self._is_started = True
        message: Fields = {
            "id": _message_id(event.id or str(self._created_unix_s)),
            "type": "message",
            "role": "assistant",
            "model": event.model or self._model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": _usage(self._usage, self._tier or event.service_tier),
        }
        return _event(b"message_start", {"type": "message_start", "message": message})

    def _open_text(self) -> bytes:
        opened = self._close_all() + self._open(TextDelta, {"type": "text", "text": ""})
        self._text_head = self._delta_head(b"text")
        return opened

    def _open_thinking(self) -> bytes:
        if self._block is ThinkingDelta:
            return b""
        block: Fields = {"type": "thinking", "thinking": "", "signature": ""}
        return self._close_all() + self._open(ThinkingDelta, block)

    def _open(self, kind: type[TextDelta | ThinkingDelta | ToolStarted], block: Fields) -> bytes:
        self._block = kind
        self._index += 1
        fields: Fields = {
            "type": "content_block_start",
            "index": self._index,
            "content_block": block,
        }
        return _event(b"content_block_start", fields)

    def _on_call(self, call: ToolStarted) -> bytes:
        if self._block is ToolStarted and (self._pending or not self._is_whole()):
            self._pending[call.index] = _Pending(call)
            return b""
        return self._close() + self._open_call(call)

    def _open_call(self, call: ToolStarted) -> bytes:
        self._call = call.index
        self._arguments = []
        call_id = self._ids.of_call(call.id)
        block: Fields = {"type": "tool_use", "id": call_id, "name": call.name, "input": {}}
        return self._open(ToolStarted, block)

    def _on_arguments(self, event: ArgumentsDelta) -> bytes:
        if self._block is ToolStarted and event.index == self._call:
            self._arguments.append(event.json)
            out = self._delta(b"partial_json", encode_json(event.json))
            return out + self._release() if self._pending else out
        waiting = self._pending.get(event.index)
        if waiting is not None:
            waiting.arguments.append(event.json)
        elif event.json.strip():
            raise DialectError("arguments came for a tool call that had ended")
        return b""

    def _release(self) -> bytes:
        """Open the calls that wait, as long as the one before each is whole."""
        out: list[bytes] = []
        while self._pending and self._is_whole():
            out.append(self._open_next())
        return b"".join(out)

    def _open_next(self) -> bytes:
        waiting = self._pending.pop(next(iter(self._pending)))
        out = self._close() + self._open_call(waiting.call)
        self._arguments = waiting.arguments
        json = "".join(waiting.arguments)
        return out + self._delta(b"partial_json", encode_json(json)) if json else out

    def _close_all(self) -> bytes:
        out = [self._close()]
        while self._pending:
            out += [self._open_next(), self._close()]
        return b"".join(out)

    def _close(self) -> bytes:
        if self._block is None:
            return b""
        self._block = None
        fields: Fields = {"type": "content_block_stop", "index": self._index}
        return _event(b"content_block_stop", fields)

    def _is_whole(self) -> bool:
        return call_arguments.is_object("".join(self._arguments))

    def _delta(self, field: bytes, value: bytes) -> bytes:
        return self._delta_head(field) + value + b"}}\n\n"

    def _delta_head(self, field: bytes) -> bytes:
        kind = b"input_json" if field == b"partial_json" else field
        return (
            b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,'
            b'"delta":{"type":"%b_delta","%b":' % (self._index, kind, field)
        )


def _event(name: bytes, fields: Fields) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (name, encode_json(fields))


def _message_id(answer_id: str) -> str:
    return answer_id if answer_id.startswith("msg_") else f"msg_{answer_id}"


def _input(block: Block) -> str:
    """Return a call's whole input as JSON text; empty if there is none."""
    if block.input is ABSENT or json_fields.is_empty(block.input):
        return ""
    return bytes(block.input).decode()


def _explanation(details: StopDetails | None) -> str:
    return (details.explanation if details else None) or ""


def _stop_details(reason: StopReason, explanation: str) -> Fields:
    if reason is not StopReason.FILTERED:
        return {}
    refusal = {"type": "refusal", "category": None, "explanation": explanation or None}
    return {"stop_details": refusal}


def _tier(usage: UsageFields | None) -> str:
    tier = (usage.service_tier if usage else None) or ""
    return tier if tier in _TIERS else ""


def _usage(usage: Usage, tier: str = "") -> Fields:
    cached, written = usage.cached_tokens, usage.cache_write_tokens
    fields: Fields = {
        "input_tokens": max(0, usage.input_tokens - cached - written),
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": cached,
        "output_tokens": usage.output_tokens,
    }
    if usage.reasoning_tokens:
        fields["output_tokens_details"] = {"thinking_tokens": usage.reasoning_tokens}
    if tier in TOLD:
        fields["service_tier"] = TOLD[tier]
    return fields | hops.iterations(usage)
