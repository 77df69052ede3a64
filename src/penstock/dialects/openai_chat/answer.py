"""OpenAI chat answers: read into the common model and written from it, whole or as a stream.

    chunk                          event             written back as
    the first                      Started           a delta with the role
    delta.content, .refusal        TextDelta         delta.content
    delta.reasoning_content        ThinkingDelta     delta.reasoning_content, which is no standard
                                                     but what engines and clients agree on
    a new call in delta.tool_calls ToolStarted       id, type and name, once
    more of it                     ArgumentsDelta    arguments
    finish_reason                  Stopped           a chunk with finish_reason; before it what
                                                     another vendor said of a refusal
    service_tier of the first      Started           service_tier of each
    usage                          Counted           the last chunk before the end, if asked for
    [DONE]                         Ended             [DONE]
    a comment, a named event       KeptAlive         a comment
    error                          Failed            (an error of ours)

A call is new when its index is, or when a server that numbers all calls 0 names another id, or
names two in one delta. Arguments may be an object instead of its text.
"""

from typing import Final

import msgspec

from penstock.core.errors import DialectError
from penstock.core.outcome import Failure, FailureKind
from penstock.dialects import hops, json_fields, sse
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
from penstock.dialects.openai_chat import errors
from penstock.dialects.openai_chat.fields import ABSENT, UsageFields
from penstock.dialects.openai_chat.write import CALL_ID_CHARS_MAX, TIERS
from penstock.dialects.service_tier import told
from penstock.dialects.tool_ids import ToolIds

Raw = msgspec.Raw
encode_json: Final = msgspec.json.Encoder().encode
DONE: Final = b"data: [DONE]\n\n"
KEEPALIVE: Final = b": keepalive\n\n"
CHOICE_END: Final = b'},"logprobs":null,"finish_reason":null}]'
# What Gemini says behind its OpenAI-compatible interface, instead of the call itself.
BROKEN_CALL: Final = "function_call_filter"
_ALIVE: Final = KeptAlive()
_TIERS: Final[dict[str, str]] = {own: tier for tier, own in TIERS.items() if tier != "auto"}
_STOPS: Final[dict[str, StopReason]] = {
    "stop": StopReason.END,
    "length": StopReason.LENGTH,
    "tool_calls": StopReason.TOOL,
    "function_call": StopReason.TOOL,
    "content_filter": StopReason.FILTERED,
}
# An answer that is only paused is not at its end: ``length`` is the one word for that.
_REASONS: Final[dict[StopReason, str]] = {
    StopReason.END: "stop",
    StopReason.STOP_SEQUENCE: "stop",
    StopReason.LENGTH: "length",
    StopReason.TOOL: "tool_calls",
    StopReason.FILTERED: "content_filter",
    StopReason.PAUSED: "length",
}


class FunctionFields(msgspec.Struct, gc=False):
    """``function`` of a call, or what this delta has of it."""

    name: str | None = None
    arguments: str | dict[str, Raw] | None = None  # an object, whole, from some engines

    def text(self) -> str:
        """Return the arguments as the text that they should be."""
        if isinstance(self.arguments, dict):
            return encode_json(self.arguments).decode()
        return self.arguments or ""


class CallFields(msgspec.Struct, gc=False):
    """One of ``tool_calls``."""

    index: int | None = 0
    id: str | None = None
    function: FunctionFields | None = None


class PartFields(msgspec.Struct, gc=False):
    """One of the parts in which some servers tell thoughts and text."""

    text: str | None = None
    thinking: "str | list[PartFields] | None" = None


class DeltaFields(msgspec.Struct, gc=False):
    """``delta`` or ``message``."""

    content: str | list[PartFields] | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    tool_calls: list[CallFields] | None = None


class ChoiceFields(msgspec.Struct, gc=False):
    """One of ``choices``."""

    index: int = 0
    delta: DeltaFields | None = None
    message: DeltaFields | None = None
    finish_reason: str | None = None


class ChunkFields(msgspec.Struct, gc=False):
    """A chunk of a stream, or a whole answer."""

    id: str | None = None
    model: str | None = None
    choices: list[ChoiceFields] | None = None
    usage: UsageFields | None = None
    service_tier: str | None = None
    error: Raw = ABSENT


_CHUNK: Final = msgspec.json.Decoder(ChunkFields)


def read_answer(body: bytes) -> Answer:
    """Read a whole answer; raises DialectError if it is not one."""
    try:
        chunk = _CHUNK.decode(body)
    except json_fields.MALFORMED as error:
        raise DialectError(f"the answer is malformed: {error}") from error
    choice = chunk.choices[0] if chunk.choices else None
    if choice is None or choice.finish_reason is None:
        raise DialectError("the answer has no choice, or does not say why it ended")
    message = choice.message or DeltaFields()  # some leave it out if nothing was said
    content, thoughts = _said(message.content)
    calls = [
        ToolCall(
            call.id or f"call_{chunk.id}_{at}",
            call.function.name or "",
            call.function.text(),
        )
        for at, call in enumerate(message.tool_calls or [])
        if call.function is not None
    ]
    text = content or message.refusal
    return Answer(
        id=chunk.id or "",
        model=chunk.model or "",
        parts=(*((Text(text),) if text else ()), *calls),
        thinking=message.reasoning_content or message.reasoning or thoughts,
        stop=_stop_of(choice.finish_reason, has_calls=bool(calls), refused=bool(message.refusal)),
        usage=chunk.usage.normalised() if chunk.usage else Usage(),
        service_tier=_TIERS.get(chunk.service_tier or "", ""),
    )


def write_answer(answer: Answer, created_unix_s: int) -> bytes:
    """Return a whole answer."""
    ids = ToolIds(CALL_ID_CHARS_MAX)
    texts = [part.text for part in answer.parts if isinstance(part, Text)]
    calls = [
        {
            "id": ids.of_call(part.id),
            "type": "function",
            "function": {"name": part.name, "arguments": part.arguments or "{}"},
        }
        for part in answer.parts
        if isinstance(part, ToolCall)
    ]
    message: dict[str, object] = {
        "role": "assistant",
        "content": "".join(texts) if texts or not calls else None,
        "refusal": answer.explanation or None,
    }
    if calls:
        message["tool_calls"] = calls
    if answer.thinking:
        message["reasoning_content"] = answer.thinking
    choice = {
        "index": 0,
        "message": message,
        "logprobs": None,
        "finish_reason": _REASONS[answer.stop],
    }
    fields: dict[str, object] = {
        "id": f"chatcmpl-{answer.id}",
        "object": "chat.completion",
        "created": created_unix_s,
        "model": answer.model,
        "choices": [choice],
    }
    if answer.service_tier:
        fields["service_tier"] = TIERS[answer.service_tier]
    if answer.usage.is_known:
        fields["usage"] = _usage(answer.usage)
    return encode_json(fields)


class _Call:
    __slots__ = ("arguments", "id", "index", "is_started")

    def __init__(self, index: int, call_id: str) -> None:
        self.index = index  # among the calls of this answer, from 0
        self.id = call_id
        self.is_started = False
        self.arguments: list[str] = []  # what has come before the name


class ChatDecoder:
    """Decodes one stream of an upstream. Owned by one event loop."""

    def __init__(self) -> None:
        self._splitter = sse.Splitter()
        self._id = ""
        self._is_started = False
        self._is_refused = False
        self._is_stopped = False
        self._calls: dict[int, _Call] = {}
        self._count = 0
        self.junk_lines = 0

    def feed(self, chunk: bytes) -> list[Event]:
        """Return the events that are whole now; where the stream is malformed, Failed is last."""
        events: list[Event] = []
        try:
            for raw in self._splitter.feed(chunk):
                # The usual event is one line of data.
                if raw.startswith(b"data: ") and raw.find(b"\n") == len(raw) - 2:
                    self._decode(raw[6:-2], events)
                else:
                    self._decode_slowly(raw, events)
        except DialectError as error:
            events.append(Failed(Failure(FailureKind.BROKEN_STREAM, error.message)))
        return events

    def _decode_slowly(self, raw: bytes, events: list[Event]) -> None:
        fields = sse.fields(raw)
        self.junk_lines += fields.junk_lines
        if fields.data is None or fields.event:
            events.append(_ALIVE)
        else:
            self._decode(fields.data, events)

    def _decode(self, data: bytes, events: list[Event]) -> None:
        if data == b"[DONE]":
            self._check_calls()
            events.append(Ended())
            return
        try:
            chunk = _CHUNK.decode(data)
        except json_fields.MALFORMED as error:
            raise DialectError(f"the stream has a malformed event: {error}") from error
        if chunk.error is not ABSENT and not json_fields.is_empty(chunk.error):
            events.append(Failed(errors.failure_of_event(chunk.error)))
            return
        if not self._is_started:
            self._is_started = True
            self._id = chunk.id or ""
            tier = _TIERS.get(chunk.service_tier or "", "")
            events.append(Started(self._id, chunk.model or "", tier))
        for choice in chunk.choices or ():
            self._choose(choice, events)
        if chunk.usage is not None:
            events.append(Counted(chunk.usage.normalised()))

    def _choose(self, choice: ChoiceFields, events: list[Event]) -> None:
        if choice.index:
            raise DialectError("the stream has a second choice, which nobody asked for")
        if choice.delta is not None:
            self._read(choice.delta, events)
        if choice.finish_reason and not self._is_stopped:  # some engines say "" until the end
            self._is_stopped = True
            self._check_calls()
            events.append(Stopped(self._stop(choice.finish_reason)))

    def _read(self, delta: DeltaFields, events: list[Event]) -> None:
        text, thoughts = delta.content, ""
        if isinstance(text, list):
            text, thoughts = _said(text)
        if text:
            events.append(TextDelta(text))
        thinking = delta.reasoning_content or delta.reasoning or thoughts
        if thinking:
            events.append(ThinkingDelta(thinking))
        if delta.refusal:
            self._is_refused = True
            events.append(TextDelta(delta.refusal, is_refusal=True))
        if delta.tool_calls:
            seen: set[int] = set()
            for call in delta.tool_calls:
                index = call.index or 0
                self._read_call(call, index, events, is_twin=index in seen)
                seen.add(index)

    def _read_call(
        self, fields: CallFields, index: int, events: list[Event], *, is_twin: bool
    ) -> None:
        function = fields.function or FunctionFields()
        call = self._calls.get(index)
        is_other = is_twin or bool(fields.id and call and call.id and fields.id != call.id)
        if call is None or (is_other and function.name):
            self._check_calls()
            call = _Call(self._count, fields.id or "")
            self._calls[index] = call
            self._count += 1
        call.id = call.id or fields.id or ""
        if arguments := function.text():
            call.arguments.append(arguments)
        if function.name and not call.is_started:
            call.is_started = True
            call.id = call.id or f"call_{self._id}_{call.index}"
            events.append(ToolStarted(call.index, call.id, function.name))
        if call.is_started and call.arguments:
            events.append(ArgumentsDelta(call.index, "".join(call.arguments)))
            call.arguments.clear()

    def _check_calls(self) -> None:
        if any(call.arguments for call in self._calls.values()):
            raise DialectError("the stream has the arguments of a tool call without a name")

    def _stop(self, reason: str) -> StopReason:
        return _stop_of(reason, has_calls=self._count > 0, refused=self._is_refused)


class ChatEncoder:
    """Encodes one stream for a caller. Owned by one event loop."""

    def __init__(self, inquiry: Inquiry, created_unix_s: int) -> None:
        self._model = inquiry.model
        self._tier = told(inquiry)
        self._created_unix_s = created_unix_s
        self._wants_usage = inquiry.wants_usage
        self._usage = Usage()
        self._ids = ToolIds(CALL_ID_CHARS_MAX)
        self._is_started = False
        self._head = b""
        self._text_head = b""
        # With usage at the end every other chunk says that it has none.
        self._end = b',"usage":null}\n\n' if inquiry.wants_usage else b"}\n\n"
        self._delta_end = CHOICE_END + self._end

    def encode(self, event: Event) -> bytes:
        """Return the bytes of one event."""
        kind = type(event)
        if kind is KeptAlive:
            return KEEPALIVE
        if kind is Started:
            assert isinstance(event, Started)
            return self._start(event)
        start = b"" if self._is_started else self._start(Started("", ""))
        if isinstance(event, TextDelta):
            return start + self._text_head + encode_json(event.text) + self._delta_end
        return start + self._encode_other(event)

    def finish(self) -> bytes:
        """Return the usage, if the caller wants it, and the terminator."""
        if not (self._wants_usage and self._usage.is_known):
            return DONE
        usage = b'[],"usage":' + encode_json(_usage(self._usage)) + b"}\n\n"
        return self._head + usage + DONE

    def _start(self, event: Started) -> bytes:
        if self._is_started:
            return b""  # a second upstream goes on with the same answer
        answer_id = f"chatcmpl-{event.id or self._created_unix_s}"
        self.resume(answer_id, event.model, event.service_tier)
        return self._delta(b'"role":"assistant","content":"","refusal":null')

    def resume(self, answer_id: str, model: str, service_tier: str = "") -> None:
        """Go on with an answer that has begun: what follows belongs to it."""
        self._is_started = True
        fields: dict[str, object] = {
            "id": answer_id,
            "object": "chat.completion.chunk",
            "created": self._created_unix_s,
            "model": model or self._model,
        }
        if tier := self._tier or service_tier:
            fields["service_tier"] = TIERS[tier]
        head = encode_json(fields)
        self._head = b"data: " + head[:-1] + b',"choices":'
        self._text_head = self._head + b'[{"index":0,"delta":{"content":'

    def _encode_other(self, event: Event) -> bytes:
        match event:
            case ArgumentsDelta(index=index, json=json):
                call = b'"tool_calls":[{"index":%d,"function":{"arguments":%b}}]'
                return self._delta(call % (index, encode_json(json)))
            case ThinkingDelta(text=text):
                return self._delta(b'"reasoning_content":' + encode_json(text))
            case ToolStarted(index=index, id=call_id, name=name):
                function = {"name": name, "arguments": ""}
                call = {
                    "index": index,
                    "id": self._ids.of_call(call_id),
                    "type": "function",
                    "function": function,
                }
                return self._delta(b'"tool_calls":' + encode_json([call]))
            case Stopped(reason=reason, explanation=why):
                refusal = self._delta(b'"refusal":' + encode_json(why)) if why else b""
                finish = b'[{"index":0,"delta":{},"logprobs":null,"finish_reason":"%b"}]'
                return refusal + self._head + finish % _REASONS[reason].encode() + self._end
            case Counted(usage=usage):
                self._usage = usage
            case _:
                pass
        return b""

    def _delta(self, fields: bytes) -> bytes:
        return self._head + b'[{"index":0,"delta":{' + fields + self._delta_end


def _said(content: str | list[PartFields] | None) -> tuple[str, str]:
    """Return the text and the thoughts of a content in parts."""
    if content is None or isinstance(content, str):
        return content or "", ""
    text = "".join(part.text or "" for part in content)
    thoughts = [part.thinking for part in content if part.thinking]
    return text, "".join(one if isinstance(one, str) else _said(one)[0] for one in thoughts)


def _stop_of(reason: str, *, has_calls: bool, refused: bool) -> StopReason:
    if reason.startswith(BROKEN_CALL):
        raise DialectError(f"the model wrote a tool call that nobody can read: {reason}")
    # A forced call ends with ``stop``, and so do some engines' calls.
    stop = _STOPS.get(reason, StopReason.END)
    if stop is not StopReason.END:
        return stop
    if has_calls:
        return StopReason.TOOL
    return StopReason.FILTERED if refused else stop


def _usage(usage: Usage) -> dict[str, object]:
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
        "prompt_tokens_details": {
            "cached_tokens": usage.cached_tokens,
            "cache_write_tokens": usage.cache_write_tokens,
        },
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
    } | hops.iterations(usage)
