"""OpenAI Responses streams, written from common events.

    event            written as
    Started          response.created, response.in_progress
    TextDelta        output_text.delta in an open message
    ThinkingDelta    reasoning_summary_text.delta in an open item of reasoning
    ToolStarted      output_item.added of a call, in a place of its own
    ArgumentsDelta   function_call_arguments.delta
    Stopped          what is open is done; what a vendor said of a refusal, in a message of its own
    KeptAlive        a comment: an event would need a number
    (the end)        response.completed or .incomplete, with the whole output and the usage

A message or reasoning opens as its first piece comes, with output_item.added and the event that
adds its part, and is done as soon as anything else begins. Calls may be open side by side, since
each event names its place; a call whose JSON is whole is done as the next thing begins.

The events that close an item repeat all of it, so the whole answer is kept until the end; one that
is longer than ``ANSWER_CHARS_MAX`` ends as broken.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from penstock.core.errors import DialectError, PenstockError
from penstock.dialects import call_arguments
from penstock.dialects.contract import Inquiry
from penstock.dialects.events import (
    ArgumentsDelta,
    Counted,
    Event,
    KeptAlive,
    Started,
    Stopped,
    TextDelta,
    ThinkingDelta,
    ToolStarted,
)
from penstock.dialects.message import StopReason, Usage
from penstock.dialects.openai_responses import errors, response
from penstock.dialects.openai_responses.answer import INCOMPLETE
from penstock.dialects.openai_responses.response import Outline, Position, event
from penstock.dialects.openai_responses.write import CALL_ID_CHARS_MAX
from penstock.dialects.service_tier import told
from penstock.dialects.tool_ids import ToolIds

Fields = dict[str, object]
encode_json: Final = msgspec.json.Encoder().encode
ANSWER_CHARS_MAX: Final = 16 * 1024 * 1024  # far beyond what any model writes
KEEPALIVE: Final = b": keepalive\n\n"
_TEXT_DELTA: Final = (
    b"event: response.output_text.delta\n"
    b'data: {"type":"response.output_text.delta","sequence_number":%d'
)
_TEXT_END: Final = b',"logprobs":[]}\n\n'


class _Item:
    """An item of the output that is being written."""

    __slots__ = ("call_id", "id", "index", "kind", "name", "pieces")

    def __init__(self, kind: str, item_id: str, index: int) -> None:
        self.kind = kind
        self.id = item_id
        self.index = index
        self.pieces: list[str] = []
        self.call_id = ""
        self.name = ""

    def place(self) -> Fields:
        """Return what names the item in an event."""
        return {"item_id": self.id, "output_index": self.index}

    def is_whole(self) -> bool:
        """Tell whether the arguments of a call are whole."""
        return call_arguments.is_object("".join(self.pieces))


class ResponsesEncoder:
    """Encodes one stream for a caller. Owned by one event loop.

    ``position`` says at any time where the stream is.
    """

    def __init__(self, inquiry: Inquiry, created_unix_s: int) -> None:
        self._inquiry = inquiry
        self._outline = Outline(inquiry, "", "", created_unix_s)
        self._model = ""
        self.position = Position(created_unix_s=created_unix_s)
        self._ids = ToolIds(CALL_ID_CHARS_MAX)
        self._open: _Item | None = None  # a message or reasoning
        self._calls: dict[int, _Item] = {}  # open calls, as their events number them
        self._done: dict[int, Fields] = {}  # whole items by their place
        self._text_head = b""
        self._chars = 0
        self._stop = StopReason.END
        self._usage = Usage()

    def encode(self, event: Event) -> bytes:
        """Return the bytes of one event."""
        if self._text_head and type(event) is TextDelta:
            return self._text(event.text)
        if isinstance(event, KeptAlive):
            return KEEPALIVE
        if isinstance(event, Started):
            return self._start(event)
        start = b"" if self.position.response_id else self._start(Started("", ""))
        return start + self._encode_other(event)

    def finish(self) -> bytes:
        """Return the last event, with everything that must stand before it."""
        closed = self._close_all()
        incomplete = INCOMPLETE.get(self._stop, "")
        status = "incomplete" if incomplete else "completed"
        output = self._output()
        whole = self._outline.response(status, output, usage=self._usage, incomplete=incomplete)
        return closed + self._event(f"response.{status}", {"response": whole})

    def broken(self, error: PenstockError) -> bytes:
        """Return the event that ends this stream as broken, numbered as the next one."""
        return errors.failed_event(error, self._inquiry, self.position, self._model)

    def resume(
        self, position: Position, model: str, text: str | None, done: Mapping[int, Fields]
    ) -> None:
        """Go on with an answer that has broken off elsewhere.

        ``text`` is what the newest item says so far, None if it is done; ``done`` are the whole
        items by their place.
        """
        self._outline = Outline(self._inquiry, position.response_id, model, position.created_unix_s)
        self._model = model
        self.position = msgspec.structs.replace(position)
        self._done = dict(done)
        if text is None or position.item_type not in ("message", "reasoning"):
            return
        self._open = _Item(position.item_type, position.item_id, position.output_index)
        self._open.pieces.append(text)
        if position.item_type == "message":
            self._text_head = self._head()

    def _start(self, started: Started) -> bytes:
        if self.position.response_id:
            return b""  # a second upstream goes on with the same answer
        created_unix_s = self.position.created_unix_s
        tier = told(self._inquiry) or started.service_tier
        self._outline = Outline(self._inquiry, started.id, started.model, created_unix_s, tier)
        self._model = started.model or self._inquiry.model
        self.position.response_id = self._outline.id
        begun: Fields = {"response": self._outline.response("in_progress", [])}
        return self._event("response.created", begun) + self._event("response.in_progress", begun)

    def _encode_other(self, event: Event) -> bytes:
        out = b""
        match event:
            case TextDelta(text=text):
                out = self._open_message() + self._text(text)
            case ThinkingDelta(text=text):
                out = self._open_reasoning() + self._thinking(text)
            case ToolStarted():
                out = self._on_call(event)
            case ArgumentsDelta():
                out = self._on_arguments(event)
            case Stopped(reason=reason, explanation=why):
                self._stop = reason
                out = self._close_all() + (self._refuse(why) if why else b"")
            case Counted(usage=usage):
                self._usage = usage
            case _:
                pass
        return out

    def _text(self, text: str) -> bytes:
        self._keep(self._open, text)
        number = self.position.sequence_number
        self.position.sequence_number = number + 1
        return _TEXT_DELTA % number + self._text_head + encode_json(text) + _TEXT_END

    def _thinking(self, text: str) -> bytes:
        place = self._keep(self._open, text).place() | {"summary_index": 0}
        return self._event("response.reasoning_summary_text.delta", place | {"delta": text})

    def _keep(self, item: _Item | None, piece: str) -> _Item:
        """Keep a piece of an open item for the events that close it."""
        assert item is not None
        self._chars += len(piece)
        if self._chars > ANSWER_CHARS_MAX:
            raise DialectError(f"the answer is longer than {ANSWER_CHARS_MAX} characters")
        item.pieces.append(piece)
        return item

    def _open_message(self) -> bytes:
        closed = self._make_room()
        item = self._open = self._begin("message")
        empty = response.message_item(item.id, "", "in_progress")
        empty["content"] = []
        added = self._add(item, empty)
        self._text_head = self._head()
        part = {"content_index": 0, "part": response.text_part("")}
        return closed + added + self._event("response.content_part.added", item.place() | part)

    def _open_reasoning(self) -> bytes:
        if self._open is not None and self._open.kind == "reasoning":
            return b""
        closed = self._make_room()
        item = self._open = self._begin("reasoning")
        added = self._add(item, {"id": item.id, "type": "reasoning", "summary": []})
        part = {"summary_index": 0, "part": response.summary_part("")}
        place = item.place()
        return closed + added + self._event("response.reasoning_summary_part.added", place | part)

    def _on_call(self, call: ToolStarted) -> bytes:
        closed = self._make_room()
        item = self._begin("function_call")
        item.call_id, item.name = self._ids.of_call(call.id), call.name
        self._calls[call.index] = item
        empty = response.call_item(item.id, item.call_id, item.name, "", "in_progress")
        return closed + self._add(item, empty)

    def _on_arguments(self, delta: ArgumentsDelta) -> bytes:
        item = self._calls.get(delta.index)
        if item is None:
            if delta.json.strip():
                raise DialectError("arguments came for a tool call that had ended")
            return b""
        self._keep(item, delta.json)
        name = "response.function_call_arguments.delta"
        return self._event(name, item.place() | {"delta": delta.json})

    def _begin(self, kind: str) -> _Item:
        index = self.position.output_index + 1
        item = _Item(kind, self._outline.item_id(kind, index), index)
        self.position.begin(kind, item.id, index)
        return item

    def _add(self, item: _Item, fields: Fields) -> bytes:
        added: Fields = {"output_index": item.index, "item": fields}
        return self._event("response.output_item.added", added)

    def _make_room(self) -> bytes:
        """Close what cannot stay open beside another item: all but calls that are not whole."""
        whole = [index for index, item in self._calls.items() if item.is_whole()]
        out = [self._close_open("completed")]
        out += [self._close_call(index, "completed") for index in whole]
        return b"".join(out)

    def _close_all(self) -> bytes:
        status = "incomplete" if self._stop in INCOMPLETE else "completed"
        out = [self._close_open(status)]
        for index, item in list(self._calls.items()):
            out.append(self._close_call(index, "completed" if item.is_whole() else status))
        return b"".join(out)

    def _close_open(self, status: str) -> bytes:
        item, self._open, self._text_head = self._open, None, b""
        if item is None:
            return b""
        text = "".join(item.pieces)
        place = item.place()
        if item.kind == "message":
            place |= {"content_index": self.position.content_index}
            done: Fields = {"text": text, "logprobs": []}
            out = self._event("response.output_text.done", place | done)
            part: Fields = {"part": response.text_part(text)}
            out += self._event("response.content_part.done", place | part)
            whole = response.message_item(item.id, text, status)
        else:
            place |= {"summary_index": 0}
            out = self._event("response.reasoning_summary_text.done", place | {"text": text})
            part = {"part": response.summary_part(text)}
            out += self._event("response.reasoning_summary_part.done", place | part)
            whole = response.reasoning_item(item.id, text)
        return out + self._finish_item(item, whole)

    def _close_call(self, index: int, status: str) -> bytes:
        item = self._calls.pop(index)
        out = b""
        if not item.pieces and status == "completed":
            item.pieces.append("{}")
            name = "response.function_call_arguments.delta"
            out = self._event(name, item.place() | {"delta": "{}"})
        arguments = "".join(item.pieces)
        name = "response.function_call_arguments.done"
        done = item.place() | {"name": item.name, "arguments": arguments}
        out += self._event(name, done)
        whole = response.call_item(item.id, item.call_id, item.name, arguments, status)
        return out + self._finish_item(item, whole)

    def _refuse(self, why: str) -> bytes:
        """Return a message of its own with what the vendor said of its refusal."""
        item = self._begin("message")
        empty = response.refusal_item(item.id, "", "in_progress")
        empty["content"] = []
        place = item.place() | {"content_index": 0}
        out = [
            self._add(item, empty),
            self._event("response.content_part.added", place | {"part": response.refusal_part("")}),
            self._event("response.refusal.delta", place | {"delta": why}),
            self._event("response.refusal.done", place | {"refusal": why}),
            self._event("response.content_part.done", place | {"part": response.refusal_part(why)}),
            self._finish_item(item, response.refusal_item(item.id, why, "incomplete")),
        ]
        return b"".join(out)

    def _finish_item(self, item: _Item, whole: Fields) -> bytes:
        self._done[item.index] = whole
        done: Fields = {"output_index": item.index, "item": whole}
        return self._event("response.output_item.done", done)

    def _output(self) -> list[Fields]:
        return [self._done[index] for index in sorted(self._done)]

    def _head(self) -> bytes:
        """Return what stands in each delta of the open message, between its number and text."""
        place = encode_json(
            {
                "item_id": self.position.item_id,
                "output_index": self.position.output_index,
                "content_index": self.position.content_index,
            }
        )
        return b"," + place[1:-1] + b',"delta":'

    def _event(self, name: str, fields: Fields) -> bytes:
        number = self.position.sequence_number
        self.position.sequence_number = number + 1
        return event(name, number, fields)
