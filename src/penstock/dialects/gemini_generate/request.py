"""Gemini requests, read into the common model.

    part                             becomes
    text                             text; a thought becomes nothing, as does every signature
    inlineData                       a picture or a document by its type; sound and film are refused
    fileData                         the same by its address; Google's own files are refused
    functionCall                     a call; where it has no id, one is made
    functionResponse                 a result of the call with its id, else of the first call of
                                     its name that has none yet
    everything else                  refused by name: it ran at the vendor

Roles: ``user`` (also where none is given), ``model``, ``function`` (a user's turn with results).
What becomes of every other field: ``concepts.py``. Writing: ``write.py``.
"""

import base64
import binascii
from typing import Final, TypeVar

import msgspec

from penstock.core.errors import CallerError, DialectError
from penstock.dialects import capability, json_fields, service_tier, verdicts
from penstock.dialects.contract import Inquiry
from penstock.dialects.gemini_generate import tool_names, wire_names
from penstock.dialects.gemini_generate.concepts import CONCEPTS
from penstock.dialects.gemini_generate.schema import json_schema_of
from penstock.dialects.gemini_generate.write import JSON_TYPE, NAME, write_request
from penstock.dialects.history import History
from penstock.dialects.message import (
    ChoiceMode,
    Document,
    Image,
    Part,
    Request,
    Role,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)

__all__ = ["read_request", "write_request"]

Raw = msgspec.Raw
Decoder = msgspec.json.Decoder
Fields = dict[str, object]
ABSENT: Final = Raw(b"")
T = TypeVar("T")


class Blob(msgspec.Struct, rename="camel"):
    """``inlineData`` or ``fileData``."""

    mime_type: str = ""
    data: str = ""
    file_uri: str = ""
    display_name: str | None = None


class CallFields(msgspec.Struct):
    """``functionCall``."""

    name: str = ""
    args: Raw = ABSENT
    id: str | None = None


class ResultPart(msgspec.Struct, rename="camel"):
    """A part inside a function's response."""

    inline_data: Blob | None = None
    file_data: Blob | None = None


class ResultFields(msgspec.Struct):
    """``functionResponse``."""

    name: str = ""
    response: Fields | None = None
    id: str | None = None
    parts: list[ResultPart] | None = None


class PartFields(msgspec.Struct, rename="camel"):
    """A part of a turn."""

    text: str | None = None
    thought: bool | None = None
    thought_signature: str | None = None
    inline_data: Blob | None = None
    file_data: Blob | None = None
    function_call: CallFields | None = None
    function_response: ResultFields | None = None
    executable_code: Raw = ABSENT
    code_execution_result: Raw = ABSENT
    tool_call: Raw = ABSENT
    tool_response: Raw = ABSENT
    media_resolution: Raw = ABSENT
    video_metadata: Raw = ABSENT


class ContentFields(msgspec.Struct):
    """A turn."""

    parts: list[PartFields] | PartFields | None = None
    role: str | None = None


class Declaration(msgspec.Struct, rename="camel"):
    """A function."""

    name: str = ""
    description: str | None = None
    parameters: Fields | None = None
    parameters_json_schema: Fields | None = None
    behavior: Raw = ABSENT
    response: Raw = ABSENT
    response_json_schema: Raw = ABSENT


class CallingFields(msgspec.Struct, rename="camel"):
    """``toolConfig.functionCallingConfig``."""

    mode: str = "AUTO"
    allowed_function_names: list[str] | None = None


class ToolConfigFields(msgspec.Struct, rename="camel"):
    """``toolConfig``."""

    function_calling_config: CallingFields | None = None


class ThinkingFields(msgspec.Struct, rename="camel"):
    """``generationConfig.thinkingConfig``."""

    thinking_level: str | None = None
    thinking_budget: int | None = None
    include_thoughts: bool | None = None


class ConfigFields(msgspec.Struct, rename="camel"):
    """``generationConfig``. Google's clients write whole numbers with a point, too."""

    max_output_tokens: float | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: float | None = None
    seed: float | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    stop_sequences: list[str] | None = None
    response_mime_type: str | None = None
    response_schema: Fields | None = None
    response_json_schema: Fields | None = None
    response_modalities: list[str] | None = None
    thinking_config: ThinkingFields | None = None
    candidate_count: int | None = None


class RequestFields(msgspec.Struct, rename="camel"):
    """The fields that the common model has."""

    contents: list[ContentFields] | ContentFields
    system_instruction: ContentFields | None = None
    tools: list[dict[str, Raw]] | dict[str, Raw] | None = None
    tool_config: Raw = Raw(b"{}")
    generation_config: Raw = Raw(b"{}")
    service_tier: str | None = None


_REQUEST: Final = Decoder(RequestFields)
_CONFIG: Final[Decoder[ConfigFields | None]] = Decoder(ConfigFields | None)
_TOOL_CONFIG: Final[Decoder[ToolConfigFields | None]] = Decoder(ToolConfigFields | None)
_DECLARATIONS: Final[Decoder[list[Declaration] | Declaration | None]] = Decoder(
    list[Declaration] | Declaration | None
)
_TOOLS: Final[Decoder[list[dict[str, Raw]] | dict[str, Raw] | None]] = Decoder(
    list[dict[str, Raw]] | dict[str, Raw] | None
)
_NULL: Final = Raw(b"null")
_RAWS: Final[Decoder[dict[str, Raw] | None]] = Decoder(dict[str, Raw] | None)
_HANDLED: Final = frozenset(RequestFields.__struct_encode_fields__) | {"model"}
_CONFIG_HANDLED: Final = frozenset(ConfigFields.__struct_encode_fields__)
_TOOL_CONFIG_HANDLED: Final = frozenset(ToolConfigFields.__struct_encode_fields__)
_ROLES: Final[dict[str, Role]] = {
    "user": Role.USER,
    "function": Role.USER,
    "model": Role.ASSISTANT,
}
_MODES: Final[dict[str, ChoiceMode]] = {
    "MODE_UNSPECIFIED": ChoiceMode.AUTO,
    "AUTO": ChoiceMode.AUTO,
    "VALIDATED": ChoiceMode.AUTO,
    "ANY": ChoiceMode.REQUIRED,
    "NONE": ChoiceMode.NONE,
}
_TIERS: Final = ("standard", "flex", "priority")
_AT_GOOGLE: Final = ("gs://", "https://generativelanguage.googleapis.com/", "files/")
_URL_SAFE: Final = str.maketrans("-_", "+/")


def read_request(inquiry: Inquiry) -> Request:
    """Read the whole request; raises CallerError for what no translation can carry."""
    dropped = verdicts.leftovers(CONCEPTS, inquiry.fields, _HANDLED)
    if inquiry.choices > 1:
        raise verdicts.refusal("generationConfig.candidateCount", "one answer a request")
    fields = _decoded(_REQUEST, _camel(inquiry.body), "")
    reader = _Reader(dropped)
    contents = fields.contents if isinstance(fields.contents, list) else [fields.contents]
    for at, content in enumerate(contents):
        reader.read(content, f"contents[{at}]")
    config = reader.read_config(fields.generation_config)
    tools = reader.read_tools(fields.tools)
    choice, tools = reader.read_choice(fields.tool_config, tools)
    schema, is_json = _read_form(config)
    thinking = config.thinking_config or ThinkingFields()
    tier = service_tier.plain(fields.service_tier or "")
    return Request(
        dialect=NAME,
        concepts=CONCEPTS,
        model=inquiry.model,
        system=_read_system(fields.system_instruction),
        turns=reader.history.turns(),
        is_stream=inquiry.is_stream,
        output_tokens_max=_whole(config.max_output_tokens, "maxOutputTokens"),
        temperature=config.temperature,
        top_p=config.top_p,
        top_k=_whole(config.top_k, "topK"),
        seed=_whole(config.seed, "seed"),
        frequency_penalty=config.frequency_penalty,
        presence_penalty=config.presence_penalty,
        stop=tuple(stop for stop in config.stop_sequences or () if stop),
        tools=tools,
        tool_choice=choice,
        schema=schema,
        is_json=is_json,
        effort=_read_effort(thinking),
        shows_thinking=thinking.include_thoughts,
        service_tier=tier if tier in _TIERS else "",
        dropped=tuple(dict.fromkeys(dropped)),
    )


def declared_names(inquiry: Inquiry) -> list[str]:
    """Return the names of the functions that a request declares; none if it is not understood."""
    raw = inquiry.fields.get("tools", Raw(b"null"))
    try:
        tools = _TOOLS.decode(_camel(bytes(raw))) or []
        listed = tools if isinstance(tools, list) else [tools]
        found = [_DECLARATIONS.decode(spec.get("functionDeclarations", _NULL)) for spec in listed]
    except (*json_fields.MALFORMED, CallerError):
        return []
    groups = [one if isinstance(one, list) else [one] for one in found if one is not None]
    return [function.name for group in groups for function in group]


class _Reader:
    """Reads the parts of one request, and notes what they lose."""

    def __init__(self, dropped: list[str]) -> None:
        self.history = History()
        self._dropped = dropped
        self._open: list[tuple[str, str]] = []  # calls without a result: id, name
        self._ids: set[str] = set()
        self._made = 0

    def read(self, content: ContentFields, place: str) -> None:
        role = _ROLES.get(content.role or "user")
        if role is None:
            why = f"{place}.role must be user or model."
            raise CallerError(why, param=f"{place}.role")
        parts: list[Part] = []
        for at, fields in enumerate(_parts(content)):
            part = self._part(fields, role, f"{place}.parts[{at}]")
            if part is not None:
                parts.append(part)
        self.history.add(role, parts, place)

    def read_config(self, raw: Raw) -> ConfigFields:
        place = "generationConfig"
        config = _decoded(_CONFIG, raw, place) or ConfigFields()
        fields = _decoded(_RAWS, raw, place) or {}
        self._dropped += verdicts.leftovers(CONCEPTS, fields, _CONFIG_HANDLED, f"{place}.")
        if config.max_output_tokens is not None and config.max_output_tokens < 1:
            name = f"{place}.maxOutputTokens"
            raise CallerError(f"{name} must be at least 1.", param=name)
        if any(each.upper() != "TEXT" for each in config.response_modalities or ()):
            raise verdicts.refusal(f"{place}.responseModalities", "only text comes out")
        return config

    def read_tools(self, tools: list[dict[str, Raw]] | dict[str, Raw] | None) -> tuple[Tool, ...]:
        read: list[Tool] = []
        listed = tools if isinstance(tools, list) else [tools or {}]
        for at, spec in enumerate(listed):
            place = f"tools[{at}]"
            for name in spec:
                if name != "functionDeclarations":
                    raise verdicts.refusal(f"{place}.{name}", "it runs at the vendor")
            raw = spec.get("functionDeclarations", _NULL)
            declared = _decoded(_DECLARATIONS, raw, f"{place}.functionDeclarations") or []
            for function in declared if isinstance(declared, list) else [declared]:
                read.append(self._tool(function, f"{place}.functionDeclarations[{len(read)}]"))
        return tuple(read)

    def read_choice(
        self, raw: Raw, tools: tuple[Tool, ...]
    ) -> tuple[ToolChoice | None, tuple[Tool, ...]]:
        """Return the choice, and the tools that it leaves."""
        place = "toolConfig"
        config = _decoded(_TOOL_CONFIG, raw, place) or ToolConfigFields()
        fields = _decoded(_RAWS, raw, place) or {}
        self._dropped += verdicts.leftovers(CONCEPTS, fields, _TOOL_CONFIG_HANDLED, f"{place}.")
        calling = config.function_calling_config
        if calling is None:
            return None, tools
        name = f"{place}.functionCallingConfig"
        mode = _MODES.get(calling.mode.upper())
        if mode is None:
            raise CallerError(f"{name}.mode is unknown.", param=f"{name}.mode")
        allowed = [tool_names.short(each) for each in calling.allowed_function_names or ()]
        if not allowed:
            return ToolChoice(mode), tools
        if mode is ChoiceMode.REQUIRED and len(allowed) == 1:
            return ToolChoice(ChoiceMode.ONE, allowed[0]), tools
        self._dropped.append(f"{name}.allowedFunctionNames")
        return ToolChoice(mode), tuple(tool for tool in tools if tool.name in allowed)

    def _part(self, part: PartFields, role: Role, place: str) -> Part | None:
        if part.thought_signature:
            self._dropped.append("contents.thoughtSignature")
        if part.media_resolution is not ABSENT:
            self._dropped.append("generationConfig.mediaResolution")
        if part.thought:
            self._dropped.append("contents.thought")
            return None
        if part.text is not None:
            return Text(part.text)
        if part.function_call is not None and role is Role.ASSISTANT:
            return self._call(part.function_call)
        if role is Role.USER:
            return self._said(part, place)
        raise verdicts.refusal(place, _unread(part))

    def _said(self, part: PartFields, place: str) -> Part:
        """Return what only a user can say."""
        if part.function_response is not None:
            return self._result(part.function_response, f"{place}.functionResponse")
        blob = part.inline_data or part.file_data
        if blob is not None:
            return _read_blob(blob, f"{place}.{'inlineData' if part.inline_data else 'fileData'}")
        raise verdicts.refusal(place, _unread(part))

    def _call(self, call: CallFields) -> ToolCall:
        call_id = call.id or self._made_id()
        self._ids.add(call_id)
        self._open.append((call_id, call.name))
        arguments = "{}" if call.args is ABSENT or json_fields.is_empty(call.args) else ""
        return ToolCall(
            call_id,
            tool_names.short(call.name),
            arguments or bytes(call.args).decode(errors="replace"),
        )

    def _made_id(self) -> str:
        """Return an id that no call before has; the same history gives the same."""
        while (made := f"call_{self._made}") in self._ids:
            self._made += 1
        self._made += 1
        return made

    def _result(self, result: ResultFields, place: str) -> ToolResult:
        fitting = [one for one in self._open if result.id and one[0] == result.id]
        fitting = fitting or [one for one in self._open if one[1] == result.name]
        if not fitting:
            raise CallerError(f"{place}: no call of {result.name!r} awaits a result.", param=place)
        self._open.remove(fitting[0])
        text, is_error = _read_response(result.response or {})
        media: list[Text | Image | Document] = [Text(text)] if text else []
        for at, part in enumerate(result.parts or []):
            blob = part.inline_data or part.file_data or Blob()
            media.append(_read_blob(blob, f"{place}.parts[{at}]"))
        return ToolResult(fitting[0][0], tuple(media), is_error)

    def _tool(self, function: Declaration, place: str) -> Tool:
        for name, raw in (
            ("behavior", function.behavior),
            ("response", function.response),
            ("responseJsonSchema", function.response_json_schema),
        ):
            if raw is not ABSENT and not json_fields.is_empty(raw):
                self._dropped.append(f"functionDeclarations.{name}")
        schema = function.parameters_json_schema
        if schema is None and function.parameters:
            schema = json_schema_of(function.parameters, f"{place}.parameters")
        schema = schema or {"type": "object", "properties": {}}
        return Tool(tool_names.short(function.name), function.description or "", schema)


def _camel(body: bytes) -> bytes:
    """Return the body with its fields in camel case."""
    try:
        return wire_names.camel_body(body)
    except (*json_fields.MALFORMED, DialectError) as error:
        raise CallerError(f"The request is not understood: {error}.") from error


def _decoded(decoder: Decoder[T], raw: bytes | Raw, place: str) -> T:
    try:
        return decoder.decode(raw)
    except json_fields.MALFORMED as error:
        inner = json_fields.place_of(error)
        param = ".".join(name for name in (place, inner) if name)
        raise CallerError(f"The request is not understood: {error}.", param=param) from error


def _parts(content: ContentFields) -> list[PartFields]:
    if content.parts is None:
        return []
    return content.parts if isinstance(content.parts, list) else [content.parts]


def _read_system(content: ContentFields | None) -> str:
    texts: list[str] = []
    for at, part in enumerate(_parts(content) if content is not None else []):
        if part.text is None:
            raise verdicts.refusal(f"systemInstruction.parts[{at}]", "only text is")
        texts.append(part.text)
    return "\n\n".join(text for text in texts if text)


def _read_blob(blob: Blob, place: str) -> Image | Document:
    kind = blob.mime_type.lower()
    data = blob.data.translate(_URL_SAFE)  # Google's own clients write the URL's alphabet
    data += "=" * (-len(data) % 4)
    url = blob.file_uri
    if url.startswith(_AT_GOOGLE) or (url and not url.startswith(("https://", "http://"))):
        raise verdicts.refusal("fileData.fileUri", "a file at one vendor is not portable")
    if kind.startswith("image/"):
        return Image(url=url) if url else Image(kind, data)
    title = blob.display_name or ""
    if kind.startswith("text/") and not url:
        return Document(kind, text=_text(data, place), title=title)
    if kind == "application/pdf":
        return Document(kind, url=url, title=title) if url else Document(kind, data, title=title)
    raise verdicts.refusal(place, f"{kind or 'data without a type'} has no counterpart")


def _text(data: str, place: str) -> str:
    try:
        return base64.b64decode(data, validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise CallerError(f"{place} is no text in base64: {error}.", param=place) from error


def _read_response(response: Fields) -> tuple[str, bool]:
    """Return what a function said, and whether it is an error."""
    if len(response) == 1:
        name, value = next(iter(response.items()))
        if name in ("output", "result", "error"):
            said = value if isinstance(value, str) else msgspec.json.encode(value).decode()
            return said, name == "error"
    return msgspec.json.encode(response).decode(), False


def _read_form(config: ConfigFields) -> tuple[Fields | None, bool]:
    """Return the schema of the answer, and whether it must be JSON of whatever schema."""
    name = "generationConfig.responseMimeType"
    kind = (config.response_mime_type or "").lower()
    if kind not in ("", "text/plain", JSON_TYPE):
        raise verdicts.refusal(name, f"only text/plain and {JSON_TYPE} are")
    schema = config.response_json_schema
    if schema is None and config.response_schema is not None:
        schema = json_schema_of(config.response_schema, "generationConfig.responseSchema")
    return schema, kind == JSON_TYPE and schema is None


def _whole(value: float | None, name: str) -> int | None:
    if value is None:
        return None
    if not value.is_integer():
        name = f"generationConfig.{name}"
        raise CallerError(f"{name} must be a whole number.", param=name)
    return int(value)


def _read_effort(thinking: ThinkingFields) -> str:
    level = (thinking.thinking_level or "").lower()
    if level and level != "thinking_level_unspecified":
        if level not in capability.EFFORTS:
            name = "generationConfig.thinkingConfig.thinkingLevel"
            raise CallerError(f"{name} is unknown.", param=name)
        return level
    budget = thinking.thinking_budget
    if budget is None or budget < 0:  # -1: as the model likes
        return ""
    if not budget:
        return "none"
    fitting = [name for name, tokens in capability.BUDGETS.items() if tokens <= budget]
    return fitting[-1] if fitting else "minimal"


def _unread(part: PartFields) -> str:
    names = [
        name
        for name, field in zip(part.__struct_encode_fields__, part.__struct_fields__, strict=True)
        if getattr(part, field) not in (None, ABSENT)
    ]
    return f"{', '.join(names) or 'an empty part'} has no counterpart"
