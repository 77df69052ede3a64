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
"""

import hashlib
from typing import Final

import msgspec

from penstock.core.errors import CallerError
from penstock.dialects import json_fields, json_schema, verdicts
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

Raw = msgspec.Raw
Fields = dict[str, object]
NAME: Final = "anthropic_messages"
CALL_ID_CHARS_MAX: Final = 64
USER_CHARS_MAX: Final = 64
JSON_INSTRUCTION: Final = "Answer with one JSON object and nothing else: no prose, no code fence."
SCHEMA_INSTRUCTION: Final = "The JSON must fit this JSON Schema:"
_ARGUMENTS: Final = msgspec.json.Decoder(dict[str, Raw])
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
    body |= writer.tools() | writer.thinking() | writer.sampling() | writer.options()
    if request.is_stream:
        body["stream"] = True
    return msgspec.json.encode(body), tuple(dict.fromkeys([*request.dropped, *writer.dropped]))


def arguments_object(arguments: str) -> Raw:
    """Return a call's arguments as the object that this dialect wants, unchanged if they are one.

    Anything else is wrapped, so that nothing that a model wrote is lost.
    """
    if not arguments.strip():
        return Raw(b"{}")
    written = arguments.encode()
    try:
        _ARGUMENTS.decode(written)
    except json_fields.MALFORMED:
        return Raw(msgspec.json.encode({"_raw": arguments}))
    return Raw(written)


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
            blocks = [block for part in turn.parts if (block := self._block(part)) is not None]
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

    def system(self) -> str:
        """Return ``system``; to be asked after the messages, which may add to it."""
        request = self._request
        if request.schema is not None and not self._model.structured_output:
            self._drop("schema")
            schema = msgspec.json.encode(request.schema).decode()
            self._instructions += [JSON_INSTRUCTION, f"{SCHEMA_INSTRUCTION}\n{schema}"]
        elif request.is_json:
            self._drop("json")
            self._instructions.append(JSON_INSTRUCTION)
        return "\n\n".join(self._instructions)

    def tools(self) -> Fields:
        """Return ``tools`` and how they are to be used."""
        request = self._request
        if not request.tools:
            return self._called_tools()
        fields: Fields = {"tools": [self._tool(tool) for tool in request.tools]}
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
        if not asked:
            return {}
        if asked == "none":
            return {"thinking": {"type": "disabled"}} if model.thinking is Thinking.ADAPTIVE else {}
        if model.thinking is Thinking.BUDGET:
            return self._budget(asked)
        if not model.efforts:
            self._drop("effort")
            return {}
        effort = nearest_effort(asked, model.efforts)
        if effort != asked:
            self._drop("effort")
        self._output["effort"] = effort
        return {} if self._is_forced() else {"thinking": {"type": "adaptive"}}

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

    def options(self) -> Fields:
        """Return what else steers the answer; asked last."""
        request = self._request
        fields: Fields = {}
        if request.stop:
            if not all(stop.strip() for stop in request.stop):
                raise verdicts.refusal(self._name("stop"), "a blank does not stop the model")
            fields["stop_sequences"] = list(request.stop)
        if request.user:
            fields["metadata"] = {"user_id": _short(request.user)}
        if request.schema is not None and self._model.structured_output:
            schema = json_schema.closed(request.schema)
            if schema is not request.schema:
                self._drop("schema")
            self._output["format"] = {"type": "json_schema", "schema": schema}
        return fields | {"output_config": self._output} if self._output else fields

    def _later_system(self, turn: Turn, written: list[Fields]) -> None:
        text = "\n\n".join(part.text for part in turn.parts if isinstance(part, Text))
        if self._model.later_system and written and written[-1]["role"] == "user":
            written.append({"role": "system", "content": text})
        else:
            self._drop("later_system")
            self._instructions.append(text)

    def _block(self, part: Part) -> Fields | None:
        match part:
            case Text(text=text):
                return {"type": "text", "text": text} if text.strip() else None
            case Image():
                return _image(part)
            case ToolCall(id=call_id, name=name, arguments=arguments):
                return {
                    "type": "tool_use",
                    "id": self._ids.of_call(call_id),
                    "name": name,
                    "input": arguments_object(arguments),
                }
            case ToolResult():
                return self._result(part)
            case Document() | CachePoint():
                return None  # no reader makes these yet

    def _result(self, result: ToolResult) -> Fields:
        blocks: list[Fields] = [
            _image(part) if isinstance(part, Image) else {"type": "text", "text": part.text}
            for part in result.content
            if isinstance(part, Image) or part.text.strip()
        ]
        call_id = self._ids.of_result(result.call_id)
        fields: Fields = {"type": "tool_result", "tool_use_id": call_id, "content": blocks}
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


def _short(user: str) -> str:
    if len(user) <= USER_CHARS_MAX:
        return user
    return hashlib.sha256(user.encode()).hexdigest()
