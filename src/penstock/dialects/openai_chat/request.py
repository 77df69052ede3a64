"""OpenAI chat requests, read into the common model and written from it.

    messages        reading                            writing
    system          leading: system; later: a turn     first; later ones where they stood
    user            text, image_url                    text, image_url; a single text as a string
    assistant       text, refusal, tool_calls          one string, tool_calls
    tool            a result, in the next user turn    before everything else of that turn

What becomes of every other field: ``verdicts.py``.
"""

import hashlib
from typing import Final

import msgspec

from penstock.core.errors import CallerError
from penstock.dialects import json_fields, json_schema, verdicts
from penstock.dialects.capability import EFFORTS, Capability, Prefill, nearest_effort
from penstock.dialects.contract import Inquiry
from penstock.dialects.history import History
from penstock.dialects.message import (
    ChoiceMode,
    Image,
    Part,
    Request,
    Role,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Turn,
)
from penstock.dialects.openai_chat.concepts import CONCEPTS
from penstock.dialects.tool_ids import ToolIds

Raw = msgspec.Raw
ABSENT: Final = Raw(b"")
NAME: Final = "openai_chat"
CALL_ID_CHARS_MAX: Final = 40
USER_CHARS_MAX: Final = 64
TOOL_NAME_CHARS_MAX: Final = 64
STOPS_MAX: Final = 4
ANY_OBJECT: Final[dict[str, object]] = {"type": "object"}


class ImageURL(msgspec.Struct):
    """``image_url``."""

    url: str = ""
    detail: str | None = None


class ContentPart(msgspec.Struct):
    """One part of a message."""

    type: str = ""
    text: str | None = None
    refusal: str | None = None
    image_url: ImageURL | None = None
    cache_control: Raw = ABSENT
    prompt_cache_breakpoint: Raw = ABSENT


class FunctionCall(msgspec.Struct):
    """``function`` of a tool call."""

    name: str = ""
    arguments: str = ""


class CallFields(msgspec.Struct):
    """One of ``tool_calls``."""

    id: str = ""
    type: str = "function"
    function: FunctionCall | None = None


class MessageFields(msgspec.Struct):
    """One of ``messages``."""

    role: str
    content: str | list[ContentPart] | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    tool_calls: list[CallFields] | None = None
    tool_call_id: str = ""
    name: str | None = None
    function_call: Raw = ABSENT
    audio: Raw = ABSENT


class FunctionFields(msgspec.Struct):
    """``function`` of a tool."""

    name: str = ""
    description: str | None = None
    parameters: dict[str, object] | None = None
    strict: bool | None = None


class ToolFields(msgspec.Struct):
    """One of ``tools``, or a reference to one."""

    type: str = "function"
    function: FunctionFields | None = None


class AllowedTools(msgspec.Struct):
    """``tool_choice.allowed_tools``."""

    mode: str = "auto"
    tools: list[ToolFields] = []


class ChoiceFields(msgspec.Struct):
    """``tool_choice`` as an object."""

    type: str = ""
    function: FunctionFields | None = None
    allowed_tools: AllowedTools | None = None


class SchemaFields(msgspec.Struct):
    """``response_format.json_schema``."""

    name: str = "answer"
    schema: dict[str, object] | None = None
    strict: bool | None = None


class FormatFields(msgspec.Struct):
    """``response_format``."""

    type: str = "text"
    json_schema: SchemaFields | None = None


class RequestFields(msgspec.Struct):
    """The fields that the common model has."""

    messages: list[MessageFields]
    max_completion_tokens: int | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop: str | list[str] | None = None
    tools: list[ToolFields] | None = None
    tool_choice: str | ChoiceFields | None = None
    parallel_tool_calls: bool | None = None
    response_format: FormatFields | None = None
    reasoning_effort: str | None = None
    user: str | None = None
    safety_identifier: str | None = None
    modalities: list[str] | None = None


_REQUEST: Final = msgspec.json.Decoder(RequestFields)
_HANDLED: Final = frozenset(RequestFields.__struct_fields__) | {
    "model", "stream", "stream_options", "n",
}  # fmt: skip
_MODES: Final[dict[str, ChoiceMode]] = {
    "auto": ChoiceMode.AUTO,
    "none": ChoiceMode.NONE,
    "required": ChoiceMode.REQUIRED,
}


def read_request(inquiry: Inquiry) -> Request:
    """Read the whole request; raises CallerError for what no translation can carry."""
    dropped = verdicts.leftovers(CONCEPTS, inquiry.fields, _HANDLED)
    if inquiry.choices > 1:
        raise verdicts.refusal("n", "one answer a request")
    try:
        fields = _REQUEST.decode(inquiry.body)
    except json_fields.MALFORMED as error:
        place = json_fields.place_of(error)
        raise CallerError(f"The request is not understood: {error}.", param=place) from error
    history = _Reader(dropped)
    for at, message in enumerate(fields.messages):
        history.read(message, f"messages[{at}]")
    choice, allowed = _read_choice(fields, dropped)
    answer = fields.response_format or FormatFields()
    schema = answer.json_schema or SchemaFields()
    stops = [fields.stop] if isinstance(fields.stop, str) else fields.stop or []
    _check(fields)
    return Request(
        dialect=NAME,
        concepts=CONCEPTS,
        model=inquiry.model,
        system=history.history.system,
        turns=history.history.turns(),
        is_stream=inquiry.is_stream,
        output_tokens_max=fields.max_completion_tokens or fields.max_tokens,
        temperature=fields.temperature,
        top_p=fields.top_p,
        stop=tuple(stop for stop in stops if stop),
        tools=_read_tools(fields.tools or [], allowed),
        tool_choice=choice,
        schema=(schema.schema or {}) if answer.type == "json_schema" else None,
        schema_name=schema.name,
        is_schema_strict=bool(schema.strict),
        is_json=answer.type == "json_object",
        effort=fields.reasoning_effort or "",
        user=fields.safety_identifier or fields.user or "",
        dropped=tuple(dict.fromkeys(dropped)),
    )


def _check(fields: RequestFields) -> None:
    if fields.modalities and fields.modalities != ["text"]:
        raise verdicts.refusal("modalities", "only text comes out")
    if fields.reasoning_effort and fields.reasoning_effort not in EFFORTS:
        raise CallerError("reasoning_effort is unknown.", param="reasoning_effort")
    for name in ("max_completion_tokens", "max_tokens"):
        tokens = getattr(fields, name)
        if tokens is not None and tokens < 1:
            raise CallerError(f"{name} must be at least 1.", param=name)


class _Reader:
    """Reads messages into a history, and notes what they lose."""

    def __init__(self, dropped: list[str]) -> None:
        self.history = History()
        self._dropped = dropped

    def read(self, message: MessageFields, place: str) -> None:
        self._note(message, place)
        parts = self._parts(message, place)
        match message.role:
            case "system" | "developer":
                self.history.add(Role.SYSTEM, _texts(parts, place), place)
            case "user":
                self.history.add(Role.USER, parts, place)
            case "assistant":
                self.history.add(Role.ASSISTANT, [*_texts(parts, place)], place)
                self.history.add(Role.ASSISTANT, _read_calls(message, place), place)
            case "tool":
                result = ToolResult(message.tool_call_id, tuple(_texts(parts, place)))
                self.history.add(Role.USER, [result], place)
            case role:
                raise verdicts.refusal(f"{place}.role", f"{role!r} has no counterpart")

    def _note(self, message: MessageFields, place: str) -> None:
        for name in ("audio", "function_call"):
            raw: Raw = getattr(message, name)
            if raw is not ABSENT and not json_fields.is_empty(raw):
                raise verdicts.refusal(f"{place}.{name}")
        if message.name:
            self._dropped.append("messages.name")
        if message.reasoning_content:
            self._dropped.append("reasoning_content")

    def _parts(self, message: MessageFields, place: str) -> list[Text | Image]:
        if message.content is None:
            return [Text(message.refusal)] if message.refusal else []
        if isinstance(message.content, str):
            return [Text(message.content)]
        return [
            self._part(part, f"{place}.content[{at}]") for at, part in enumerate(message.content)
        ]

    def _part(self, part: ContentPart, place: str) -> Text | Image:
        for name in ("cache_control", "prompt_cache_breakpoint"):
            if getattr(part, name) is not ABSENT:
                self._dropped.append(name)
        if part.type == "text":
            return Text(part.text or "")
        if part.type == "refusal":
            return Text(part.refusal or "")
        if part.type == "image_url" and part.image_url is not None:
            if part.image_url.detail not in (None, "auto"):
                self._dropped.append("image_url.detail")
            return _read_image(part.image_url.url, place)
        raise verdicts.refusal(place, f"{part.type!r} has no counterpart")


def _read_image(url: str, place: str) -> Image:
    if url.startswith(("https://", "http://")):
        return Image(url=url)
    head, _, data = url.partition(",")
    media_type, _, encoding = head.removeprefix("data:").partition(";")
    if not head.startswith("data:") or encoding != "base64" or not data:
        raise verdicts.refusal(f"{place}.image_url", "only http(s) and base64 data URLs are")
    return Image(media_type=media_type, data=data)


def _texts(parts: list[Text | Image], place: str) -> list[Text]:
    texts = [part for part in parts if isinstance(part, Text)]
    if len(texts) != len(parts):
        raise verdicts.refusal(f"{place}.content", "only users may send images")
    return texts


def _read_calls(message: MessageFields, place: str) -> list[ToolCall]:
    calls: list[ToolCall] = []
    for at, call in enumerate(message.tool_calls or []):
        if call.type != "function" or call.function is None or not call.id:
            raise verdicts.refusal(f"{place}.tool_calls[{at}]", "only calls of functions are")
        calls.append(ToolCall(call.id, call.function.name, call.function.arguments))
    return calls


def _read_tools(tools: list[ToolFields], allowed: list[str] | None) -> tuple[Tool, ...]:
    read: list[Tool] = []
    for at, tool in enumerate(tools):
        function = tool.function
        if tool.type != "function" or function is None:
            raise verdicts.refusal(f"tools[{at}]", f"{tool.type!r} tools have no counterpart")
        if allowed is None or function.name in allowed:
            schema = function.parameters or {"type": "object", "properties": {}}
            read.append(
                Tool(function.name, function.description or "", schema, bool(function.strict))
            )
    return tuple(read)


def _read_choice(
    fields: RequestFields, dropped: list[str]
) -> tuple[ToolChoice | None, list[str] | None]:
    """Return the choice, and the names of the tools that it leaves if it leaves out some."""
    choice, parallel = fields.tool_choice, fields.parallel_tool_calls
    if choice is None:
        return (None if parallel is None else ToolChoice(is_parallel=parallel)), None
    if isinstance(choice, str):
        if choice not in _MODES:
            raise CallerError("tool_choice is unknown.", param="tool_choice")
        return ToolChoice(_MODES[choice], is_parallel=parallel), None
    if choice.type == "function" and choice.function is not None:
        return ToolChoice(ChoiceMode.ONE, choice.function.name, parallel), None
    if choice.type == "allowed_tools" and choice.allowed_tools is not None:
        dropped.append("tool_choice.allowed_tools")
        names = [tool.function.name for tool in choice.allowed_tools.tools if tool.function]
        mode = _MODES.get(choice.allowed_tools.mode, ChoiceMode.AUTO)
        return ToolChoice(mode, is_parallel=parallel), names
    raise verdicts.refusal("tool_choice", f"{choice.type!r} has no counterpart")


def write_request(
    request: Request, model: str, capability: Capability
) -> tuple[bytes, tuple[str, ...]]:
    """Return the body for ``model``, and the caller's fields that it changes or leaves out."""
    writer = _Writer(request, capability)
    body: dict[str, object] = {"model": model, "messages": writer.messages()}
    body |= writer.options() | writer.tools() | writer.prefill()
    if request.is_stream:
        body["stream"] = True
        if capability.stream_usage:
            body["stream_options"] = {"include_usage": True}
    return msgspec.json.encode(body), tuple(dict.fromkeys([*request.dropped, *writer.dropped]))


class _Writer:
    """Writes the parts of one request, and notes what it loses."""

    def __init__(self, request: Request, model: Capability) -> None:
        self._request = request
        self._model = model
        self._ids = ToolIds(CALL_ID_CHARS_MAX)
        self._goes_on = False
        self.dropped: list[str] = []

    def messages(self) -> list[dict[str, object]]:
        """Return ``messages``."""
        written: list[dict[str, object]] = []
        hoisted = [self._request.system] if self._request.system else []
        for turn in self._request.turns:
            if turn.role is Role.ASSISTANT:
                written.append(self._assistant(turn))
            elif turn.role is Role.SYSTEM and not self._model.later_system:
                self._drop("later_system")
                hoisted.append(_joined(turn.parts, "\n\n"))
            elif turn.role is Role.SYSTEM:
                written.append({"role": "system", "content": _joined(turn.parts, "\n\n")})
            else:
                written += self._user(turn)
        if hoisted:
            written.insert(0, {"role": "system", "content": "\n\n".join(hoisted)})
        if not written:
            raise CallerError("messages must not be empty.", param="messages")
        if written[-1]["role"] == "assistant":
            self._mark(written[-1])
        return written

    def prefill(self) -> dict[str, object]:
        """Return what makes the model go on from a last turn; asked after ``messages``."""
        if not self._goes_on:
            return {}
        return {"continue_final_message": True, "add_generation_prompt": False}

    def options(self) -> dict[str, object]:
        """Return what steers the answer."""
        request, model = self._request, self._model
        options: dict[str, object] = {}
        if request.output_tokens_max is not None:
            if request.output_tokens_max < 1:
                raise verdicts.refusal(self._name("output_max"), "at least one token must come out")
            name = "max_completion_tokens" if model.names_completion_tokens else "max_tokens"
            options[name] = self._tokens_max(request.output_tokens_max)
        for name in ("temperature", "top_p"):
            if getattr(request, name) is not None:
                if model.sampling:
                    options[name] = getattr(request, name)
                else:
                    self._drop(name)
        if request.top_k is not None:
            self._drop("top_k")
        if request.user:
            options["user"] = _short(request.user)
        return options | self._stop() | self._format() | self._effort()

    def tools(self) -> dict[str, object]:
        """Return ``tools`` and how they are to be used."""
        request = self._request
        if not request.tools:
            return {}
        if self._model.names_completion_tokens:  # OpenAI's own: engines may allow more
            for tool in request.tools:
                if len(tool.name) > TOOL_NAME_CHARS_MAX:
                    why = f"a name may have {TOOL_NAME_CHARS_MAX} characters"
                    raise verdicts.refusal(f"tools.{tool.name}", why)
        choice = request.tool_choice or ToolChoice()
        is_forced = choice.mode in (ChoiceMode.REQUIRED, ChoiceMode.ONE)
        if is_forced and not self._model.forced_tool:
            raise verdicts.refusal(
                self._name("tool_choice"), "the model cannot be made to call a tool"
            )
        if choice.is_parallel is not None and not self._model.parallel_tools:
            self._drop("parallel")
            choice = msgspec.structs.replace(choice, is_parallel=None)
        shown = request.tools
        if choice.mode is ChoiceMode.ONE and not self._model.named_tool:  # the only one there is
            shown = tuple(tool for tool in shown if tool.name == choice.name)
            choice = msgspec.structs.replace(choice, mode=ChoiceMode.REQUIRED)
        return {"tools": [_tool(tool) for tool in shown]} | _choice(choice)

    def _mark(self, last: dict[str, object]) -> None:
        """See to it that the model goes on from a last turn of its own, as far as it can."""
        match self._model.prefill:
            case Prefill.REFUSED:
                raise verdicts.refusal(
                    self._name("prefill"), "the model does not go on from a turn of the assistant"
                )
            case Prefill.RESTARTS:
                self._drop("prefill")
            case Prefill.CONTINUE:
                self._goes_on = True
            case Prefill.PREFIX:
                last["prefix"] = True
            case Prefill.LITERAL:
                pass

    def _tokens_max(self, asked: int) -> int:
        most = self._model.output_tokens_max
        if not most or asked <= most or not self._model.is_known:
            return asked
        self._drop("output_max")
        return most

    def _assistant(self, turn: Turn) -> dict[str, object]:
        text = _joined(turn.parts, "")
        message: dict[str, object] = {"role": "assistant", "content": text or None}
        calls = [
            {
                "id": self._ids.of_call(part.id),
                "type": "function",
                "function": {"name": part.name, "arguments": part.arguments or "{}"},
            }
            for part in turn.parts
            if isinstance(part, ToolCall)
        ]
        return message | {"tool_calls": calls} if calls else message

    def _user(self, turn: Turn) -> list[dict[str, object]]:
        messages: list[dict[str, object]] = []
        parts: list[Part] = []
        for part in turn.parts:
            if isinstance(part, ToolResult):
                messages.append(self._result(part))
                parts += [inner for inner in part.content if isinstance(inner, Image)]
            else:
                parts.append(part)
        if len(parts) == 1 and isinstance(parts[0], Text):
            messages.append({"role": "user", "content": parts[0].text})
        elif parts:
            messages.append({"role": "user", "content": [self._part(part) for part in parts]})
        return messages

    def _part(self, part: Part) -> dict[str, object]:
        if isinstance(part, Image) and part.url and not self._model.image_urls:
            raise verdicts.refusal("messages", "the model takes pictures as data, not as URLs")
        return _part(part)

    def _result(self, result: ToolResult) -> dict[str, object]:
        text = _joined(result.content, "\n")
        if result.is_error:
            self._drop("is_error")
            text = f"Error: {text}"
        if any(isinstance(part, Image) for part in result.content):
            self._drop("result_images")
            text = text or "The image is in the next message."
        call_id = self._ids.of_result(result.call_id)
        return {"role": "tool", "tool_call_id": call_id, "content": text}

    def _stop(self) -> dict[str, object]:
        stop = self._request.stop
        if not stop:
            return {}
        if len(stop) > STOPS_MAX or not self._model.stop:
            why = f"at most {STOPS_MAX} are" if self._model.stop else "the model takes none"
            raise verdicts.refusal(self._name("stop"), why)
        return {"stop": list(stop)}

    def _format(self) -> dict[str, object]:
        request = self._request
        if request.is_json and self._model.json_mode:
            return {"response_format": {"type": "json_object"}}
        if request.is_json:  # any object, where only schemas are known
            request = msgspec.structs.replace(request, schema=ANY_OBJECT, is_schema_strict=False)
        if request.schema is None:
            return {}
        if not self._model.structured_output:
            raise verdicts.refusal(self._name("schema"), "the model takes no schema")
        # OpenAI refuses a strict schema with an open object; what is not strict is a hint only.
        is_strict = request.is_schema_strict and json_schema.is_strict(request.schema)
        if request.is_schema_strict and not is_strict:
            self._drop("schema")
        schema = {"name": request.schema_name, "schema": request.schema, "strict": is_strict}
        return {"response_format": {"type": "json_schema", "json_schema": schema}}

    def _effort(self) -> dict[str, object]:
        asked = self._request.effort
        if not asked:
            return {}
        if not self._model.efforts:
            if asked != "none":
                self._drop("effort")
            return {}
        effort = nearest_effort(asked, self._model.efforts)
        if effort != asked:
            self._drop("effort")
        return {"reasoning_effort": effort}

    def _name(self, concept: str) -> str:
        return verdicts.name_of(concept, self._request.concepts)

    def _drop(self, concept: str) -> None:
        self.dropped.append(self._name(concept))


def _choice(choice: ToolChoice) -> dict[str, object]:
    fields: dict[str, object] = {}
    if choice.mode is ChoiceMode.ONE:
        fields["tool_choice"] = {"type": "function", "function": {"name": choice.name}}
    elif choice.mode is not ChoiceMode.AUTO:
        fields["tool_choice"] = choice.mode.value
    if choice.is_parallel is not None:
        fields["parallel_tool_calls"] = choice.is_parallel
    return fields


def _tool(tool: Tool) -> dict[str, object]:
    function: dict[str, object] = {"name": tool.name, "parameters": tool.schema}
    if tool.description:
        function["description"] = tool.description
    if tool.is_strict:
        function["strict"] = True
    return {"type": "function", "function": function}


def _part(part: Part) -> dict[str, object]:
    if isinstance(part, Image):
        url = part.url or f"data:{part.media_type};base64,{part.data}"
        return {"type": "image_url", "image_url": {"url": url}}
    return {"type": "text", "text": part.text if isinstance(part, Text) else ""}


def _joined(parts: tuple[Part, ...] | tuple[Text | Image, ...], between: str) -> str:
    return between.join(part.text for part in parts if isinstance(part, Text))


def _short(user: str) -> str:
    if len(user) <= USER_CHARS_MAX:
        return user
    return hashlib.sha256(user.encode()).hexdigest()
