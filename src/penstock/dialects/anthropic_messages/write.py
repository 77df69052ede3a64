"""Anthropic Messages requests, written from the common model.

What the server refuses, and what is done instead:

    no max_tokens                           the family's maximum
    a text of blanks only                   left out
    a conversation that the assistant       a user turn of one dot before it
    begins
    a last turn of the assistant            sent where the family goes on from it, else refused
    a call in the history, but no tools     the tools are defined again, and must not be called
    sampling beside thinking                dropped
    an effort beside a forced call          dropped where it would need a budget
    an effort amid tool calls               dropped where it would need a budget: the thinking that
                                            must stand before the call is not ours to invent
    arguments that are no JSON object       ``{"_raw": "..."}``
    an open object in a schema              closed
    a document that is no PDF               its text, if it is one; else refused
    more than four cache points             the last four stay
"""

import base64
import binascii
from collections.abc import Iterable
from typing import Final

import msgspec

from penstock.core.errors import CallerError
from penstock.dialects import call_arguments, end_user, json_instruction, json_schema, verdicts
from penstock.dialects.capability import (
    BUDGETS,
    Capability,
    Prefill,
    Thinking,
    nearest_effort,
)
from penstock.dialects.message import (
    CachePoint,
    ChoiceMode,
    Document,
    Image,
    Part,
    Request,
    Role,
    Text,
    Tool,
    ToolCall,
    ToolResult,
    Turn,
)
from penstock.dialects.tool_ids import ToolIds

Fields = dict[str, object]
NAME: Final = "anthropic_messages"
CALL_ID_CHARS_MAX: Final = 64
CACHE_POINTS_MAX: Final = 4
KEPT_TTLS: Final = ("", "5m", "1h")
FOREIGN: Final = ("seed", "frequency_penalty", "presence_penalty", "verbosity", "cache_key")
TIERS: Final[dict[str, str]] = {"auto": "auto", "standard": "standard_only"}
PDF: Final = "application/pdf"
TEXT_TYPES: Final = ("text/", "application/json", "application/xml")
_FORCED: Final = (ChoiceMode.REQUIRED, ChoiceMode.ONE)
_CHOICES: Final[dict[ChoiceMode, str]] = {
    ChoiceMode.AUTO: "auto",
    ChoiceMode.REQUIRED: "any",
    ChoiceMode.NONE: "none",
    ChoiceMode.ONE: "tool",
}


def write_request(
    request: Request, model: str, capability: Capability
) -> tuple[bytes, tuple[str, ...]]:
    """Return the body for ``model``, and the caller's fields that it changes or leaves out."""
    writer = _Writer(request, capability)
    body: Fields = {"model": model, "max_tokens": writer.tokens_max()}
    messages = writer.messages()
    system = writer.system()
    if system:
        body["system"] = system
    body["messages"] = messages
    body |= writer.tools() | writer.thinking() | writer.sampling() | writer.tier()
    body |= writer.options()
    if request.is_stream:
        body["stream"] = True
    return msgspec.json.encode(body), tuple(dict.fromkeys([*request.dropped, *writer.dropped]))


class _Writer:
    """Writes the parts of one request, and notes what it loses."""

    def __init__(self, request: Request, model: Capability) -> None:
        self._request = request
        self._model = model
        self._ids = ToolIds(CALL_ID_CHARS_MAX)
        self._instructions = [request.system] if request.system else []
        self._thinks = False
        self._output: Fields = {}
        self.dropped: list[str] = []
        self._points_skipped = self._points() - CACHE_POINTS_MAX
        self._caches_tools = self._takes_point() if request.caches_tools else False
        self._caches_system = self._takes_point() if request.caches_system else False

    def tokens_max(self) -> int:
        """Return ``max_tokens``: this dialect requires it."""
        asked = self._request.output_tokens_max
        if asked is None:
            return self._model.output_tokens_max
        if self._model.is_known and asked > self._model.output_tokens_max:
            self._drop("output_max")
            return self._model.output_tokens_max
        return asked

    def messages(self) -> list[Fields]:
        """Return ``messages``."""
        written: list[Fields] = []
        for turn in self._request.turns:
            if turn.role is Role.SYSTEM:
                self._later_system(turn, written)
                continue
            blocks = self._blocks(turn.parts)
            if blocks:
                written.append({"role": turn.role.value, "content": blocks})
        if not written:
            raise CallerError("messages must hold a message of the user.", param="messages")
        if written[0]["role"] != "user":
            self._drop("first_turn")
            written.insert(0, {"role": "user", "content": "."})
        if written[-1]["role"] == "assistant" and self._model.prefill is not Prefill.LITERAL:
            raise verdicts.refusal(
                self._name("prefill"), "the model does not go on from a turn of the assistant"
            )
        return written

    def system(self) -> str | list[Fields]:
        """Return ``system``; to be asked after the messages, which may add to it."""
        request = self._request
        if request.schema is not None and not self._model.structured_output:
            self._drop("schema")
            self._instructions += json_instruction.instructions(request.schema)
        elif request.is_json:
            self._drop("json")
            self._instructions += json_instruction.instructions(None)
        if not (self._caches_system and request.system):
            return "\n\n".join(self._instructions)
        kept: Fields = {"type": "text", "text": request.system, "cache_control": _cache("")}
        added = "\n\n".join(self._instructions[1:])
        return [kept, {"type": "text", "text": added}] if added else [kept]

    def tools(self) -> Fields:
        """Return ``tools`` and how they are to be used."""
        request = self._request
        if not request.tools:
            return self._called_tools()
        tools = [self._tool(tool) for tool in request.tools]
        if self._caches_tools:
            tools[-1]["cache_control"] = _cache("")
        fields: Fields = {"tools": tools}
        choice = request.tool_choice
        if choice is None:
            return fields
        if choice.mode in _FORCED and not self._model.forced_tool:
            raise verdicts.refusal(
                self._name("tool_choice"), "the model cannot be made to call a tool"
            )
        written: Fields = {"type": _CHOICES[choice.mode]}
        if choice.mode is ChoiceMode.ONE:
            written["name"] = choice.name
        if choice.is_parallel is not None and choice.mode is not ChoiceMode.NONE:
            written["disable_parallel_tool_use"] = not choice.is_parallel
        return fields | {"tool_choice": written}

    def thinking(self) -> Fields:
        """Return ``thinking``, and note the effort for ``output_config``."""
        asked, model = self._request.effort, self._model
        if asked == "none":
            return {"thinking": {"type": "disabled"}} if model.thinking is Thinking.ADAPTIVE else {}
        shown = self._shown()
        if not asked:
            return {"thinking": {"type": "adaptive"} | shown} if shown else {}
        if model.thinking is Thinking.BUDGET:
            return self._budget(asked)
        if not model.efforts:
            self._drop("effort")
            return {}
        effort = nearest_effort(asked, model.efforts)
        if effort != asked:
            self._drop("effort")
        self._output["effort"] = effort
        return {} if self._is_forced() else {"thinking": {"type": "adaptive"} | shown}

    def sampling(self) -> Fields:
        """Return the sampling fields that the family takes; asked after ``thinking``."""
        request = self._request
        fields: Fields = {}
        for name in ("temperature", "top_p", "top_k"):
            value = getattr(request, name)
            if value is None:
                continue
            if not self._model.sampling or self._thinks or (name == "top_p" and fields):
                self._drop(name)
            else:
                fields[name] = value
        if request.temperature is not None and request.temperature > 1 and fields:
            self._drop("temperature")
            fields["temperature"] = 1.0
        return fields

    def tier(self) -> Fields:
        """Return ``service_tier``, and note what this dialect has no word for."""
        for name in FOREIGN:
            if getattr(self._request, name) not in (None, ""):
                self._drop(name)
        tier = self._request.service_tier
        if tier in TIERS:
            return {"service_tier": TIERS[tier]}
        if tier:
            self._drop("service_tier")  # what Claude does by itself: priority where there is some
        return {}

    def options(self) -> Fields:
        """Return what else steers the answer; asked last."""
        request = self._request
        fields: Fields = {}
        if request.stop:
            if not all(stop.strip() for stop in request.stop):
                raise verdicts.refusal(self._name("stop"), "a blank does not stop the model")
            fields["stop_sequences"] = list(request.stop)
        if request.user:
            fields["metadata"] = {"user_id": end_user.short(request.user)}
        if request.schema is not None and self._model.structured_output:
            schema = json_schema.closed(request.schema)
            if schema is not request.schema:
                self._drop("schema")
            self._output["format"] = {"type": "json_schema", "schema": schema}
        if self._output:
            fields["output_config"] = self._output
        return fields

    def _later_system(self, turn: Turn, written: list[Fields]) -> None:
        if any(self._takes_point() for part in turn.parts if isinstance(part, CachePoint)):
            self._drop("cache")
        text = "\n\n".join(part.text for part in turn.parts if isinstance(part, Text))
        if self._model.later_system and written and written[-1]["role"] == "user":
            written.append({"role": "system", "content": text})
        else:
            self._drop("later_system")
            self._instructions.append(text)

    def _shown(self) -> Fields:
        """Return whether thoughts are told: what Claude is asked for where it can choose."""
        shows = self._request.shows_thinking
        if shows is None:
            return {}
        if self._model.thinking is not Thinking.ADAPTIVE:
            if not shows or self._model.thinking is Thinking.NONE:
                self._drop("shows_thinking")
            return {}
        if self._is_forced():
            self._drop("shows_thinking")  # beside a forced call nobody thinks
            return {}
        if not shows and not self._request.effort:
            return {}  # nothing is shown unasked, and asking would turn thinking on
        return {"display": "summarized" if shows else "omitted"}

    def _points(self) -> int:
        """Return how many cache points the request has."""
        request = self._request
        parts = [part for turn in request.turns for part in turn.parts]
        count = sum(1 for part in parts if isinstance(part, CachePoint))
        return count + request.caches_tools + request.caches_system

    def _takes_point(self) -> bool:
        """Tell whether the next cache point is among those that stay."""
        self._points_skipped -= 1
        if self._points_skipped >= 0:
            self._drop("cache")
        return self._points_skipped < 0

    def _blocks(self, parts: Iterable[Part]) -> list[Fields]:
        blocks: list[Fields] = []
        for part in parts:
            if isinstance(part, CachePoint):
                if self._takes_point() and blocks:
                    blocks[-1]["cache_control"] = _cache(part.ttl)
                    if part.ttl not in KEPT_TTLS:
                        self._drop("cache")
                continue
            block = self._block(part)
            if block is not None:
                blocks.append(block)
        return blocks

    def _block(self, part: Part) -> Fields | None:
        block: Fields | None
        match part:
            case Text(text=text):
                block = {"type": "text", "text": text} if text.strip() else None
            case Image():
                block = _image(part)
            case Document():
                block = self._document(part)
            case ToolCall(id=call_id, name=name, arguments=arguments):
                block = {
                    "type": "tool_use",
                    "id": self._ids.of_call(call_id),
                    "name": name,
                    "input": call_arguments.as_object(arguments),
                }
            case ToolResult():
                block = self._result(part)
            case CachePoint():
                block = None  # goes to the block before it
        return block

    def _document(self, document: Document) -> Fields | None:
        if document.url:
            source: Fields = {"type": "url", "url": document.url}
        elif document.media_type == PDF and document.data:
            source = {"type": "base64", "media_type": PDF, "data": document.data}
        else:
            text = document.text or self._text_of(document)
            if not text.strip():
                return None
            source = {"type": "text", "media_type": "text/plain", "data": text}
        fields: Fields = {"type": "document", "source": source}
        return fields | {"title": document.title} if document.title else fields

    def _text_of(self, document: Document) -> str:
        name = self._name("documents")
        if document.data and not document.media_type.startswith(TEXT_TYPES):
            raise verdicts.refusal(name, f"{document.media_type} is neither PDF nor text")
        try:
            return base64.b64decode(document.data, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError, ValueError) as error:
            raise CallerError(f"{name} holds no text in base64: {error}.", param=name) from error

    def _result(self, result: ToolResult) -> Fields:
        call_id = self._ids.of_result(result.call_id)
        content = self._blocks(result.content)
        fields: Fields = {"type": "tool_result", "tool_use_id": call_id, "content": content}
        return fields | {"is_error": True} if result.is_error else fields

    def _called_tools(self) -> Fields:
        calls = (part for turn in self._request.turns for part in turn.parts)
        names = dict.fromkeys(part.name for part in calls if isinstance(part, ToolCall))
        if not names:
            return {}
        tools = [{"name": name, "input_schema": {"type": "object"}} for name in names]
        return {"tools": tools, "tool_choice": {"type": "none"}}

    def _tool(self, tool: Tool) -> Fields:
        schema = tool.schema if "type" in tool.schema else {"type": "object"} | tool.schema
        fields: Fields = {"name": tool.name, "input_schema": schema}
        if tool.description:
            fields["description"] = tool.description
        if tool.is_strict and self._model.structured_output:
            fields["strict"] = True
        elif tool.is_strict:
            self._drop("tool_strict")
        return fields

    def _budget(self, effort: str) -> Fields:
        budget = min(BUDGETS[effort], self.tokens_max() // 2)
        last = self._request.turns[-1]
        is_amid_calls = any(isinstance(part, ToolResult) for part in last.parts)
        is_free = last.role is not Role.ASSISTANT and not is_amid_calls and not self._is_forced()
        if budget < BUDGETS["minimal"] or not is_free:
            self._drop("effort")
            return {}
        if budget < BUDGETS[effort]:
            self._drop("effort")
        self._thinks = True
        return {"thinking": {"type": "enabled", "budget_tokens": budget}}

    def _is_forced(self) -> bool:
        choice = self._request.tool_choice
        return choice is not None and choice.mode in _FORCED and bool(self._request.tools)

    def _name(self, concept: str) -> str:
        return verdicts.name_of(concept, self._request.concepts)

    def _drop(self, concept: str) -> None:
        self.dropped.append(self._name(concept))


def _image(image: Image) -> Fields:
    if image.url:
        source: Fields = {"type": "url", "url": image.url}
    else:
        source = {"type": "base64", "media_type": image.media_type, "data": image.data}
    return {"type": "image", "source": source}


def _cache(ttl: str) -> Fields:
    fields: Fields = {"type": "ephemeral"}
    return fields | {"ttl": ttl} if ttl == "1h" else fields
