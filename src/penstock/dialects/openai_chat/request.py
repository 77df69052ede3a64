"""OpenAI chat requests, read into the common model.

    message        becomes
    system         leading: the system; later: a turn
    user           text, image_url, file
    assistant      text, refusal, tool_calls
    tool           a result, in the next user turn

``prompt_cache_breakpoint`` of a part becomes a cache point behind it, and so does the
``cache_control`` that callers of several vendors put there. What becomes of every other field:
``concepts.py``. Writing: ``write.py``.
"""

from typing import Final

import msgspec

from penstock.core.errors import CallerError
from penstock.dialects import capability, json_fields, json_schema, verdicts
from penstock.dialects.contract import Inquiry
from penstock.dialects.history import History
from penstock.dialects.message import (
    CachePoint,
    ChoiceMode,
    Document,
    Image,
    Request,
    Role,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from penstock.dialects.openai_chat.concepts import CONCEPTS
from penstock.dialects.openai_chat.write import NAME, TIERS

Raw = msgspec.Raw
ABSENT: Final = Raw(b"")
VERBOSITIES: Final = ("low", "medium", "high")
PDF: Final = "application/pdf"


class ImageURL(msgspec.Struct):
    """``image_url``."""

    url: str = ""
    detail: str | None = None


class FileFields(msgspec.Struct):
    """``file``."""

    file_data: str | None = None
    file_id: str | None = None
    filename: str | None = None


class CacheFields(msgspec.Struct):
    """``prompt_cache_breakpoint``, or ``cache_control``."""

    ttl: str | None = None


class ContentPart(msgspec.Struct):
    """One part of a message."""

    type: str = ""
    text: str | None = None
    refusal: str | None = None
    image_url: ImageURL | None = None
    file: FileFields | None = None
    cache_control: CacheFields | None = None
    prompt_cache_breakpoint: CacheFields | None = None


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
    description: str | None = None
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
    verbosity: str | None = None
    seed: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    service_tier: str | None = None
    prompt_cache_key: str | None = None
    user: str | None = None
    safety_identifier: str | None = None
    modalities: list[str] | None = None


_REQUEST: Final = msgspec.json.Decoder(RequestFields)
_HANDLED: Final = frozenset(RequestFields.__struct_fields__) | {
    "model", "stream", "stream_options", "n",
}  # fmt: skip
_TIERS: Final[dict[str, str]] = {own: tier for tier, own in TIERS.items()} | {"fast": "priority"}
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
        schema=(
            json_schema.described(schema.schema or {}, schema.description or "")
            if answer.type == "json_schema"
            else None
        ),
        schema_name=schema.name,
        is_schema_strict=bool(schema.strict),
        is_json=answer.type == "json_object",
        effort=fields.reasoning_effort or "",
        verbosity=fields.verbosity or "",
        seed=fields.seed,
        frequency_penalty=fields.frequency_penalty or None,
        presence_penalty=fields.presence_penalty or None,
        service_tier=_read_tier(fields.service_tier, dropped),
        caches_system=history.history.caches_system,
        cache_key=fields.prompt_cache_key or "",
        user=fields.safety_identifier or fields.user or "",
        user_concept="safety_identifier" if fields.safety_identifier else "user",
        dropped=tuple(dict.fromkeys(dropped)),
    )


def _check(fields: RequestFields) -> None:
    if fields.modalities and fields.modalities != ["text"]:
        raise verdicts.refusal("modalities", "only text comes out")
    if fields.reasoning_effort and fields.reasoning_effort not in capability.EFFORTS:
        raise CallerError("reasoning_effort is unknown.", param="reasoning_effort")
    if fields.verbosity and fields.verbosity not in VERBOSITIES:
        raise CallerError("verbosity is unknown.", param="verbosity")
    for name in ("max_completion_tokens", "max_tokens"):
        tokens = getattr(fields, name)
        if tokens is not None and tokens < 1:
            raise CallerError(f"{name} must be at least 1.", param=name)


Said = Text | Image | Document | CachePoint


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
                said = _texts(parts, place)
                content = tuple(part for part in said if isinstance(part, Text))
                points = [part for part in said if isinstance(part, CachePoint)]
                result = ToolResult(message.tool_call_id, content)
                self.history.add(Role.USER, [result, *points], place)
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

    def _parts(self, message: MessageFields, place: str) -> list[Said]:
        if message.content is None:
            return [Text(message.refusal)] if message.refusal else []
        if isinstance(message.content, str):
            return [Text(message.content)]
        parts: list[Said] = []
        for at, part in enumerate(message.content):
            parts.append(self._part(part, f"{place}.content[{at}]"))
            cache = part.prompt_cache_breakpoint or part.cache_control
            if cache is not None:
                parts.append(CachePoint(cache.ttl or ""))
        return parts

    def _part(self, part: ContentPart, place: str) -> Text | Image | Document:
        if part.type == "text":
            return Text(part.text or "")
        if part.type == "refusal":
            return Text(part.refusal or "")
        if part.type == "file" and part.file is not None:
            return _read_file(part.file, place)
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
    return Image(media_type=verdicts.image_type(media_type, f"{place}.image_url"), data=data)


def _read_file(file: FileFields, place: str) -> Document:
    if not file.file_data:
        raise verdicts.refusal(f"{place}.file", "a file's id is not portable: only file_data is")
    title = file.filename or ""
    if not file.file_data.startswith("data:"):
        return Document(PDF, file.file_data, title=title)
    head, _, data = file.file_data.partition(",")
    media_type, *options = head.removeprefix("data:").split(";")
    if "base64" not in options or not data:
        raise verdicts.refusal(f"{place}.file", "only data in base64 is")
    return Document(media_type or PDF, data, title=title)


def _read_tier(tier: str | None, dropped: list[str]) -> str:
    if tier and tier not in _TIERS:
        dropped.append("service_tier")
    return _TIERS.get(tier or "", "")


def _texts(parts: list[Said], place: str) -> list[Text | CachePoint]:
    texts = [part for part in parts if isinstance(part, Text | CachePoint)]
    if len(texts) != len(parts):
        raise verdicts.refusal(f"{place}.content", "only users may send images and files")
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
