"""OpenAI Responses answers, read into the common model, whole or as a stream; written whole.

    event                              common event
    response.created                   Started
    output_item.added of a call        ToolStarted
    output_text.delta, refusal.delta   TextDelta
    reasoning_*text.delta              ThinkingDelta; a blank line between the parts of a summary
    function_call_arguments.delta      ArgumentsDelta
    the .done of any of these          what it tells if nothing of it had come before
    response.completed, .incomplete    Stopped, Counted, Ended
    response.failed, error             Failed
    everything else                    KeptAlive

Items of tools that run at the vendor are left out: a request of another dialect asks for none. So
it does for calls of other kinds than functions, but those wait for the caller to act: left out, a
turn that asks for something would look like one that says nothing, so they break the answer.
Writing a stream: ``encoder.py``.
"""

from typing import Final

import msgspec

from penstock.core.errors import DialectError
from penstock.dialects import json_fields
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
from penstock.dialects.openai_chat.write import TIERS
from penstock.dialects.openai_responses import errors, response
from penstock.dialects.openai_responses.fields import ABSENT, IncompleteDetails, UsageFields
from penstock.dialects.openai_responses.write import CALL_ID_CHARS_MAX
from penstock.dialects.tool_ids import ToolIds

Raw = msgspec.Raw
Fields = dict[str, object]
_ALIVE: Final = KeptAlive()
_STOPS: Final[dict[str, StopReason]] = {
    "max_output_tokens": StopReason.LENGTH,
    "max_context_length": StopReason.LENGTH,
    "content_filter": StopReason.FILTERED,
    "max_messages": StopReason.PAUSED,
    "steered": StopReason.PAUSED,
}
# Why a response is incomplete; what is not here is completed. An answer that is only paused is not
# at its end, and the length is the one reason that every client knows.
INCOMPLETE: Final[dict[StopReason, str]] = {
    StopReason.LENGTH: "max_output_tokens",
    StopReason.FILTERED: "content_filter",
    StopReason.PAUSED: "max_output_tokens",
}
_CALLERS_WORK: Final = frozenset(
    {"custom_tool_call", "local_shell_call", "apply_patch_call", "computer_call"}
)
_TIERS: Final[dict[str, str]] = {own: tier for tier, own in TIERS.items() if tier != "auto"}


class PartFields(msgspec.Struct, gc=False):
    """One part of a message, of a summary or of reasoning."""

    type: str = ""
    text: str | None = None
    refusal: str | None = None


class ItemFields(msgspec.Struct, gc=False):
    """One item of the output."""

    type: str = ""
    id: str | None = None
    call_id: str | None = None
    name: str | None = None
    arguments: Raw = ABSENT
    content: Raw = ABSENT
    summary: Raw = ABSENT


class ResponseFields(msgspec.Struct, gc=False):
    """A response, whole or at its end."""

    id: str | None = None
    model: str | None = None
    status: str | None = None
    output: list[ItemFields] | None = None
    usage: UsageFields | None = None
    incomplete_details: IncompleteDetails | None = None
    error: Raw = ABSENT
    service_tier: str | None = None


class EventFields(msgspec.Struct, gc=False):
    """The data of one event of a stream."""

    type: str = ""
    output_index: int = 0
    content_index: int = 0
    summary_index: int = 0
    delta: Raw = ABSENT
    text: Raw = ABSENT
    refusal: Raw = ABSENT
    arguments: Raw = ABSENT
    item: Raw = ABSENT
    response: Raw = ABSENT


_RESPONSE: Final = msgspec.json.Decoder(ResponseFields)
_EVENT: Final = msgspec.json.Decoder(EventFields)
_ITEM: Final = msgspec.json.Decoder(ItemFields)
_PARTS: Final = msgspec.json.Decoder(list[PartFields] | None)
_STRING: Final = msgspec.json.Decoder(str | None)


def read_answer(body: bytes) -> Answer:
    """Read a whole answer; raises DialectError if it is not one."""
    try:
        answer = _RESPONSE.decode(body)
        if answer.status not in ("completed", "incomplete") or answer.output is None:
            raise DialectError("the answer has no output, or does not say why it ended")
        return _answer(answer, answer.output)
    except json_fields.MALFORMED as error:
        raise DialectError(f"the answer is malformed: {error}") from error


def _answer(answer: ResponseFields, output: list[ItemFields]) -> Answer:
    parts: list[Text | ToolCall] = []
    thinking: list[str] = []
    is_refused = False
    for at, item in enumerate(output):
        _check_kind(item)
        if item.type == "function_call":
            call_id = item.call_id or item.id or f"call_{answer.id}_{at}"
            parts.append(ToolCall(call_id, item.name or "", _string(item.arguments)))
        elif item.type == "message":
            for part in _parts(item.content):
                is_refused = is_refused or bool(part.refusal)
                text = part.text or part.refusal
                if text:
                    parts.append(Text(text))
        elif item.type == "reasoning":
            told = _parts(item.summary) or _parts(item.content)
            thinking += [part.text for part in told if part.text]
    has_calls = any(isinstance(part, ToolCall) for part in parts)
    return Answer(
        id=answer.id or "",
        model=answer.model or "",
        parts=tuple(parts),
        thinking="\n\n".join(thinking),
        stop=_stop_of(answer, has_calls=has_calls, is_refused=is_refused),
        usage=answer.usage.normalised() if answer.usage else Usage(),
        service_tier=_TIERS.get(answer.service_tier or "", ""),
    )


def write_answer(answer: Answer, inquiry: Inquiry, created_unix_s: int) -> bytes:
    """Return a whole answer."""
    outline = response.Outline(
        inquiry, answer.id, answer.model, created_unix_s, answer.service_tier
    )
    ids = ToolIds(CALL_ID_CHARS_MAX)
    incomplete = INCOMPLETE.get(answer.stop, "")
    status = "incomplete" if incomplete else "completed"
    output: list[Fields] = []
    if answer.thinking:
        output.append(response.reasoning_item(outline.item_id("reasoning", 0), answer.thinking))
    for part in answer.parts:
        at = len(output)
        if isinstance(part, ToolCall):
            output.append(
                response.call_item(
                    outline.item_id("function_call", at),
                    ids.of_call(part.id),
                    part.name,
                    part.arguments or "{}",
                    "completed",
                )
            )
        elif part.text:
            item_id = outline.item_id("message", at)
            output.append(response.message_item(item_id, part.text, "completed"))
    if answer.explanation:
        item_id = outline.item_id("message", len(output))
        output.append(response.refusal_item(item_id, answer.explanation, "completed"))
    if incomplete and output and "status" in output[-1]:
        output[-1]["status"] = status  # what was being written when the model stopped
    fields = outline.response(status, output, usage=answer.usage, incomplete=incomplete)
    return msgspec.json.encode(fields)


class _Call:
    __slots__ = ("has_arguments", "index")

    def __init__(self, index: int) -> None:
        self.index = index  # among the calls of this answer, from 0
        self.has_arguments = False


class ResponsesDecoder(NamedEventDecoder):
    """Decodes one stream of an upstream. Owned by one event loop."""

    def __init__(self) -> None:
        super().__init__()
        self._id = ""
        self._is_refused = False
        self._calls: dict[int, _Call] = {}  # by output_index
        self._told: set[tuple[str, int, int]] = set()  # texts of which a piece has come
        self._has_thinking = False

    def _decode(self, data: bytes, events: list[Event]) -> None:
        try:
            event = _EVENT.decode(data)
            match event.type:
                case "response.output_text.delta":
                    self._on_text(event, _string(event.delta), events)
                case "response.function_call_arguments.delta":
                    self._on_arguments(event, _string(event.delta), events)
                case "response.output_item.added":
                    self._on_item(event, events)
                case "response.completed" | "response.incomplete":
                    self._on_end(event, events)
                case "response.failed":
                    raw = event.response
                    told = _RESPONSE.decode(raw).error if raw is not ABSENT else raw
                    events.append(Failed(errors.failure_of(told)))
                case "error":
                    events.append(Failed(errors.failure_of_event(Raw(data))))
                case kind:
                    self._decode_rarer(kind, event, events)
        except json_fields.MALFORMED as error:
            raise DialectError(f"the stream has a malformed event: {error}") from error

    def _decode_rarer(self, kind: str, event: EventFields, events: list[Event]) -> None:
        match kind:
            case "response.created" if event.response is not ABSENT:
                started = _RESPONSE.decode(event.response)
                self._id = started.id or ""
                tier = _TIERS.get(started.service_tier or "", "")
                events.append(Started(self._id, started.model or "", tier))
            case "response.reasoning_summary_text.delta" | "response.reasoning_text.delta":
                self._on_thinking(kind, event, events)
            case "response.refusal.delta":
                self._is_refused = True
                self._on_text(event, _string(event.delta), events)
            case "response.output_text.done":
                self._on_text_done(event, _string(event.text), events)
            case "response.refusal.done":
                self._is_refused = True
                self._on_text_done(event, _string(event.refusal), events)
            case "response.function_call_arguments.done":
                self._on_arguments_done(event.output_index, _string(event.arguments), events)
            case "response.output_item.done":
                self._on_item_done(event, events)
            case _:
                events.append(_ALIVE)

    def _on_text(self, event: EventFields, text: str, events: list[Event]) -> None:
        if text:
            self._told.add(("text", event.output_index, event.content_index))
        events.append(TextDelta(text, is_refusal=self._is_refused) if text else _ALIVE)

    def _on_text_done(self, event: EventFields, text: str, events: list[Event]) -> None:
        is_told = ("text", event.output_index, event.content_index) in self._told
        self._on_text(event, "" if is_told else text, events)

    def _on_thinking(self, kind: str, event: EventFields, events: list[Event]) -> None:
        text = _string(event.delta)
        place = (kind, event.output_index, event.summary_index)
        if text and place not in self._told:
            self._told.add(place)
            text = f"\n\n{text}" if self._has_thinking else text
            self._has_thinking = True
        events.append(ThinkingDelta(text) if text else _ALIVE)

    def _on_item(self, event: EventFields, events: list[Event]) -> None:
        item = ItemFields() if event.item is ABSENT else _ITEM.decode(event.item)
        _check_kind(item)
        if item.type != "function_call":
            events.append(_ALIVE)
            return
        if event.output_index in self._calls:
            raise DialectError("the stream has two calls in one place")
        call = _Call(len(self._calls))
        self._calls[event.output_index] = call
        call_id = item.call_id or item.id or f"call_{self._id}_{call.index}"
        events.append(ToolStarted(call.index, call_id, item.name or ""))

    def _on_arguments(self, event: EventFields, json: str, events: list[Event]) -> None:
        call = self._calls.get(event.output_index)
        if call is None:
            raise DialectError("the stream has the arguments of a call that never began")
        if json:
            call.has_arguments = True
        events.append(ArgumentsDelta(call.index, json) if json else _ALIVE)

    def _on_arguments_done(self, output_index: int, json: str, events: list[Event]) -> None:
        call = self._calls.get(output_index)
        if call is None:
            raise DialectError("the stream has the arguments of a call that never began")
        if json and not call.has_arguments:
            call.has_arguments = True
            events.append(ArgumentsDelta(call.index, json))
        else:
            events.append(_ALIVE)

    def _on_item_done(self, event: EventFields, events: list[Event]) -> None:
        item = ItemFields() if event.item is ABSENT else _ITEM.decode(event.item)
        _check_kind(item)
        if item.type == "function_call":
            if event.output_index not in self._calls:
                self._on_item(event, events)
            self._on_arguments_done(event.output_index, _string(item.arguments) or "{}", events)
        else:
            events.append(_ALIVE)

    def _on_end(self, event: EventFields, events: list[Event]) -> None:
        if event.response is ABSENT:
            raise DialectError("the last event has no response")
        ended = _RESPONSE.decode(event.response)
        for call in self._calls.values():
            if not call.has_arguments and event.type == "response.completed":
                call.has_arguments = True
                events.append(ArgumentsDelta(call.index, "{}"))
        if event.type == "response.incomplete" and ended.incomplete_details is None:
            ended.incomplete_details = IncompleteDetails("max_output_tokens")
        has_calls = bool(self._calls)
        events.append(Stopped(_stop_of(ended, has_calls=has_calls, is_refused=self._is_refused)))
        if ended.usage is not None:
            events.append(Counted(ended.usage.normalised()))
        events.append(Ended())


def _stop_of(answer: ResponseFields, *, has_calls: bool, is_refused: bool) -> StopReason:
    details = answer.incomplete_details
    if details is not None and details.reason:
        return _STOPS.get(details.reason, StopReason.PAUSED)
    if answer.status == "incomplete":
        return StopReason.LENGTH
    if has_calls:
        return StopReason.TOOL
    return StopReason.FILTERED if is_refused else StopReason.END


def _check_kind(item: ItemFields) -> None:
    if item.type in _CALLERS_WORK:
        raise DialectError(f"the answer has a {item.type}, which nobody asked for")


def _parts(raw: Raw) -> list[PartFields]:
    return [] if raw is ABSENT else _PARTS.decode(raw) or []


def _string(raw: Raw) -> str:
    return "" if raw is ABSENT else _STRING.decode(raw) or ""
