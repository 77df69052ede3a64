"""Gemini answers: read into the common model and written from it, whole or as a stream.

    chunk                        event                     written back as
    the first                    Started                   (nothing)
    a text                       TextDelta                 a part of its own
    a text with thought: true    ThinkingDelta             the same
    functionCall                 ToolStarted and all its   a part of its own, whole: where the
                                 arguments                 model stops
    finishReason                 Stopped                   the last chunk, with usage
    promptFeedback.blockReason   Stopped(FILTERED)         finishReason SAFETY
    usageMetadata                Counted                   in the last chunk
    a comment, a blank line      KeptAlive                 a blank line
    error                        Failed                    (an error of ours)

    finishReason                                           stop
    STOP                                                   TOOL after a call, else END
    MAX_TOKENS                                             LENGTH
    SAFETY, RECITATION, ..., a refused prompt              FILTERED
    TOO_MANY_TOOL_CALLS, CONTINUATION                      PAUSED
    MALFORMED_FUNCTION_CALL, ..., OTHER                    the output is broken: a failure
    PUP_LIMITED_DISABLED                                   the account is: a failure

There is no terminator. What comes in pieces or as pictures was not asked for and breaks the stream:
to leave it out in silence would be to lie.
"""

from typing import Final

import msgspec

from penstock.core.errors import DialectError
from penstock.core.outcome import Failure, FailureKind
from penstock.dialects import call_arguments, hops, json_fields, sse
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
from penstock.dialects.gemini_generate import errors, tool_names, wire_names
from penstock.dialects.gemini_generate.fields import (
    ABSENT,
    UNSPECIFIED,
    AnswerPart,
    Candidate,
    Chunk,
)
from penstock.dialects.gemini_generate.passthrough import (
    ACCOUNT_DISABLED,
    BLANK,
    CHUNK,
    DONE,
    account_failure,
    is_usual,
)
from penstock.dialects.gemini_generate.request import declared_names
from penstock.dialects.gemini_generate.write import (
    CALL_ID_CHARS_MAX,
    SIGNATURE_DUMMY,
)
from penstock.dialects.message import Answer, StopReason, Text, ToolCall, Usage
from penstock.dialects.tool_ids import ToolIds

Raw = msgspec.Raw
Fields = dict[str, object]
encode_json: Final = msgspec.json.Encoder().encode
ARGUMENTS_CHARS_MAX: Final = sse.EVENT_BYTES_MAX  # of all calls of an answer
_ALIVE: Final = KeptAlive()
_FILTERED: Final = (
    "SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY",
    "IMAGE_PROHIBITED_CONTENT", "IMAGE_OTHER", "NO_IMAGE", "IMAGE_RECITATION", "ESCALATION",
    "MODEL_ARMOR",
)  # fmt: skip
_BROKEN: Final = frozenset(
    {
        "MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "MALFORMED_RESPONSE",
        "MISSING_THOUGHT_SIGNATURE", "OTHER",
    }
)  # fmt: skip
_STOPS: Final[dict[str, StopReason]] = {
    "STOP": StopReason.END,
    "MAX_TOKENS": StopReason.LENGTH,
    "TOO_MANY_TOOL_CALLS": StopReason.PAUSED,
    "CONTINUATION": StopReason.PAUSED,
    **dict.fromkeys(_FILTERED, StopReason.FILTERED),
}
# CONTINUATION would promise a token to go on with: an answer that is only paused is cut.
_REASONS: Final[dict[StopReason, str]] = {
    StopReason.END: "STOP",
    StopReason.STOP_SEQUENCE: "STOP",
    StopReason.LENGTH: "MAX_TOKENS",
    StopReason.TOOL: "STOP",
    StopReason.FILTERED: "SAFETY",
    StopReason.PAUSED: "MAX_TOKENS",
}


class CallFields(msgspec.Struct, rename="camel"):
    """``functionCall``, which comes whole unless pieces were asked for."""

    name: str = ""
    args: Raw = ABSENT
    id: str | None = None
    will_continue: bool | None = None
    partial_args: Raw = ABSENT


_CALL: Final = msgspec.json.Decoder(CallFields)


def read_answer(body: bytes) -> Answer:
    """Read a whole answer; raises DialectError if it is not one, or if its output is broken."""
    chunk, events = _read_whole(body)
    failed = next((event for event in events if isinstance(event, Failed)), None)
    if failed is not None:
        raise DialectError(failed.failure.detail)
    stopped = next((event for event in events if isinstance(event, Stopped)), None)
    if stopped is None:
        raise DialectError("the answer has no candidates, or does not say why it ended")
    arguments = {event.index: event.json for event in events if isinstance(event, ArgumentsDelta)}
    parts = tuple(
        Text(event.text)
        if isinstance(event, TextDelta)
        else ToolCall(event.id, event.name, arguments[event.index])
        for event in events
        if isinstance(event, TextDelta | ToolStarted)
    )
    return Answer(
        id=chunk.response_id or "",
        model=chunk.model_version or "",
        parts=parts,
        thinking="".join(event.text for event in events if isinstance(event, ThinkingDelta)),
        stop=stopped.reason,
        explanation=stopped.explanation,
        usage=next((event.usage for event in events if isinstance(event, Counted)), Usage()),
    )


def _read_whole(body: bytes) -> tuple[Chunk, list[Event]]:
    events: list[Event] = []
    try:
        chunk = CHUNK.decode(body)
        _ChunkReader().read(chunk, events)
    except json_fields.MALFORMED as error:
        raise DialectError(f"the answer is malformed: {error}") from error
    return chunk, events


def write_answer(answer: Answer, inquiry: Inquiry) -> bytes:
    """Return a whole answer."""
    calls = _Calls(inquiry)
    parts: list[Fields] = []
    if answer.thinking:
        parts.append({"text": answer.thinking, "thought": True})
    for part in answer.parts:
        if isinstance(part, Text):
            parts.append({"text": part.text})
        elif answer.stop is not StopReason.LENGTH or call_arguments.is_object(part.arguments):
            parts.append(calls.written(part.id, part.name, part.arguments))
    fields: Fields = {
        "candidates": [_last(parts or [{"text": ""}], Stopped(answer.stop, "", answer.explanation))]
    }
    if answer.usage.is_known:
        fields["usageMetadata"] = _usage(answer.usage)
    names = {"modelVersion": answer.model or inquiry.model, "responseId": answer.id}
    return encode_json(fields | names)


class _ChunkReader:
    """Reads chunks into events; counts the calls of an answer."""

    def __init__(self) -> None:
        self._id = ""
        self._is_started = False
        self._is_stopped = False
        self._calls = 0

    def read(self, chunk: Chunk, events: list[Event]) -> None:
        """Add what a chunk says; raises DialectError for what nobody asked for."""
        before = len(events)
        if chunk.has_error():
            events.append(Failed(errors.failure_of_event(chunk.error)))
            return
        if not self._is_started and (chunk.candidates or chunk.prompt_feedback):
            self._is_started = True
            self._id = chunk.response_id or ""
            events.append(Started(self._id, chunk.model_version or ""))
        for candidate in chunk.candidates or ():
            self._read_candidate(candidate, events)
        if chunk.block_reason() and not self._is_stopped:
            self._is_stopped = True
            events.append(Stopped(StopReason.FILTERED, "", chunk.block_message()))
        if chunk.usage_metadata is not None:
            usage = chunk.usage_metadata.normalised(is_final=self._is_stopped)
            events.append(Counted(usage))
        if len(events) == before:
            events.append(_ALIVE)

    def _read_candidate(self, candidate: Candidate, events: list[Event]) -> None:
        if candidate.index:
            raise DialectError("the stream has a second candidate, which nobody asked for")
        if candidate.content is not None:
            for part in candidate.content.parts or ():
                self._read_part(part, events)
        reason = candidate.finish_reason
        if reason is not None and reason not in UNSPECIFIED and not self._is_stopped:
            self._is_stopped = True
            events.append(self._stop(reason, candidate.finish_message or ""))

    def _read_part(self, part: AnswerPart, events: list[Event]) -> None:
        if part.text:
            events.append(ThinkingDelta(part.text) if part.thought else TextDelta(part.text))
        if part.function_call is not ABSENT:
            self._read_call(_CALL.decode(part.function_call), events)
        if part.inline_data is not ABSENT or part.file_data is not ABSENT:
            raise DialectError("the answer holds data, which this dialect's callers cannot get")

    def _read_call(self, call: CallFields, events: list[Event]) -> None:
        if call.will_continue or call.partial_args is not ABSENT or not call.name:
            raise DialectError("a function call comes in pieces, which nobody asked for")
        index = self._calls
        self._calls += 1
        call_id = call.id or (f"call_{self._id}_{index}" if self._id else f"call_{index}")
        events.append(ToolStarted(index, call_id, tool_names.unescaped(call.name)))
        is_empty = call.args is ABSENT or json_fields.is_empty(call.args)
        events.append(ArgumentsDelta(index, "{}" if is_empty else bytes(call.args).decode()))

    def _stop(self, reason: str, message: str) -> Event:
        if reason == ACCOUNT_DISABLED:
            return Failed(account_failure())
        if reason in _BROKEN:
            detail = f"the model's output is broken: {reason} {message}".strip()
            detail = detail[: errors.DETAIL_CHARS_MAX]
            return Failed(Failure(FailureKind.SERVER_ERROR, detail, code=reason))
        stop = _STOPS.get(reason, StopReason.END)
        if stop is StopReason.FILTERED:
            return Stopped(stop, "", message)
        return Stopped(StopReason.TOOL if stop is StopReason.END and self._calls else stop)


class GenerateDecoder:
    """Decodes one stream of an upstream. Owned by one event loop."""

    def __init__(self) -> None:
        self._splitter = sse.Splitter()
        self._reader = _ChunkReader()
        self.junk_lines = 0

    def feed(self, chunk: bytes) -> list[Event]:
        """Return the events that are whole now; where the stream is malformed, Failed is last."""
        events: list[Event] = []
        try:
            for raw in self._splitter.feed(chunk):
                if is_usual(raw):
                    self._decode(raw[6:-4], events)
                    continue
                fields = sse.fields(raw)
                self.junk_lines += fields.junk_lines
                if fields.data is None:
                    events.append(_ALIVE)
                else:
                    self._decode(fields.data, events)
        except DialectError as error:
            events.append(Failed(Failure(FailureKind.BROKEN_STREAM, error.message)))
        return events

    def _decode(self, data: bytes, events: list[Event]) -> None:
        if data == DONE:  # an imitation's
            events.append(Ended())
            return
        try:
            self._reader.read(CHUNK.decode(data), events)
        except json_fields.MALFORMED as error:
            raise DialectError(f"the stream has a malformed event: {error}") from error


class _Calls:
    """Writes the calls of one answer."""

    def __init__(self, inquiry: Inquiry) -> None:
        self._ids = ToolIds(CALL_ID_CHARS_MAX)
        self._names = tool_names.ways_back(declared_names(inquiry))
        self._is_signed = False

    def written(self, call_id: str, name: str, arguments: str) -> Fields:
        """Return a call as a part; the first has the dummy signature (``concepts.py``)."""
        call: Fields = {
            "id": self._ids.of_call(call_id),
            "name": self._names.get(name, name),
            "args": call_arguments.as_object(arguments),
        }
        part: Fields = {"functionCall": call}
        if not self._is_signed:
            self._is_signed = True
            part["thoughtSignature"] = SIGNATURE_DUMMY
        return part


class _OpenCall:
    __slots__ = ("arguments", "id", "name")

    def __init__(self, call_id: str, name: str) -> None:
        self.id = call_id
        self.name = name
        self.arguments: list[str] = []


class GenerateEncoder:
    """Encodes one stream for a caller. Owned by one event loop."""

    def __init__(self, inquiry: Inquiry, created_unix_s: int) -> None:
        self._calls = _Calls(inquiry)
        self._open: dict[int, _OpenCall] = {}
        self._arguments_chars = 0
        self._is_started = False
        self._stopped = Stopped(StopReason.END)
        self._usage = Usage()
        self._names: Fields = {
            "modelVersion": inquiry.model,
            "responseId": str(created_unix_s),
        }
        self._tail = self._part_tail()

    def encode(self, event: Event) -> bytes:
        """Return the bytes of one event; raises DialectError if calls grow beyond all bounds."""
        if isinstance(event, TextDelta):
            text = b'data: {"candidates":[{"content":{"parts":[{"text":'
            return text + encode_json(event.text) + self._tail
        match event:
            case ThinkingDelta(text=text):
                thought = b'data: {"candidates":[{"content":{"parts":[{"thought":true,"text":'
                return thought + encode_json(text) + self._tail
            case KeptAlive():
                return BLANK
            case Stopped():
                self._stopped = event
                return self._close()
            case _:
                self._note(event)
        return b""

    def finish(self) -> bytes:
        """Return the last chunk: why the model stopped, and what it used."""
        closed = self._close()
        fields: Fields = {"candidates": [_last([{"text": ""}], self._stopped)]}
        if self._usage.is_known:
            fields["usageMetadata"] = _usage(self._usage)
        return closed + _event(fields | self._names)

    def resume(self, names: Fields | None) -> None:
        """Go on with an answer that has begun: ``names`` stand in its chunks, or else ours."""
        self._is_started = True
        self._names = self._names if names is None else names
        self._tail = self._part_tail()

    def _note(self, event: Event) -> None:
        match event:
            case Started():
                self._start(event)
            case ToolStarted(index=index, id=call_id, name=name):
                self._open[index] = _OpenCall(call_id, name)
            case ArgumentsDelta(index=index, json=json):
                self._collect(index, json)
            case Counted(usage=usage):
                self._usage = usage
            case _:
                pass

    def _start(self, event: Started) -> None:
        if self._is_started:
            return  # a second upstream goes on with the same answer
        names = dict(self._names)
        if event.id:
            names["responseId"] = event.id
        if event.model:
            names["modelVersion"] = event.model
        self.resume(names)

    def _collect(self, index: int, json: str) -> None:
        call = self._open.get(index)
        if call is None:
            raise DialectError("arguments came for a tool call that had ended")
        self._arguments_chars += len(json)
        if self._arguments_chars > ARGUMENTS_CHARS_MAX:
            raise DialectError(f"the calls are longer than {ARGUMENTS_CHARS_MAX} characters")
        call.arguments.append(json)

    def _close(self) -> bytes:
        """Return the calls that are open, in one chunk; one that was cut off is none."""
        parts: list[Fields] = []
        for call in self._open.values():
            arguments = "".join(call.arguments)
            if self._stopped.reason is not StopReason.LENGTH or call_arguments.is_object(arguments):
                parts.append(self._calls.written(call.id, call.name, arguments))
        self._open.clear()
        if not parts:
            return b""
        candidate: Fields = {"content": {"parts": parts, "role": "model"}, "index": 0}
        return _event({"candidates": [candidate]} | self._names)

    def _part_tail(self) -> bytes:
        names = encode_json(self._names)[1:]
        comma = b"," if self._names else b""
        return b'}],"role":"model"},"index":0}]' + comma + names + b"\r\n\r\n"


def _last(parts: list[Fields], stopped: Stopped) -> Fields:
    """Return the candidate that says why the model stopped."""
    candidate: Fields = {
        "content": {"parts": parts, "role": "model"},
        "finishReason": _REASONS[stopped.reason],
        "index": 0,
    }
    return candidate | {"finishMessage": stopped.explanation} if stopped.explanation else candidate


def _event(fields: Fields) -> bytes:
    return b"data: %b\r\n\r\n" % encode_json(fields)


def _usage(usage: Usage) -> Fields:
    # The sum is what counts: some servers estimate more reasoning than they count output.
    thoughts = min(usage.reasoning_tokens, usage.output_tokens)
    fields: Fields = {
        "promptTokenCount": usage.input_tokens,
        "candidatesTokenCount": usage.output_tokens - thoughts,
        "totalTokenCount": usage.input_tokens + usage.output_tokens,
    }
    if thoughts:
        fields["thoughtsTokenCount"] = thoughts
    if usage.cached_tokens:
        fields["cachedContentTokenCount"] = usage.cached_tokens
    # The same shape as everywhere, spelt as Google spells.
    return fields | {
        name: wire_names.normalised(each) for name, each in hops.iterations(usage).items()
    }
