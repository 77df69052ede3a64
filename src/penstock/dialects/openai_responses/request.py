"""OpenAI Responses requests, read into the common model.

    item                                   becomes
    message of system or developer         leading: system; later: a turn
    message of user                        text, images, documents
    message of assistant                   text; a refusal is one
    function_call                          a call in the turn of the assistant
    function_call_output                   a result: its texts, images and documents
    reasoning                              nothing: reasoning never crosses vendors
    item_reference, everything else        refused by name

``prompt_cache_breakpoint`` of a part becomes a cache point behind it. A string is one message of
the user. What becomes of every other field: ``concepts.py``. Writing:
``write.py``.
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
    Part,
    Request,
    Role,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from penstock.dialects.openai_chat.write import TIERS
from penstock.dialects.openai_responses.concepts import CONCEPTS
from penstock.dialects.openai_responses.write import NAME

Raw = msgspec.Raw
ABSENT: Final = Raw(b"")
PDF: Final = "application/pdf"
VERBOSITIES: Final = ("low", "medium", "high")
LOGPROBS: Final = "message.output_text.logprobs"


class CachePointFields(msgspec.Struct):
    """``prompt_cache_breakpoint``."""

    ttl: str | None = None


class PartFields(msgspec.Struct):
    """One part of a message or of a tool's result."""

    type: str = ""
    text: str | None = None
    refusal: str | None = None
    image_url: str | None = None
    detail: str | None = None
    file_id: str | None = None
    file_data: str | None = None
    file_url: str | None = None
    filename: str | None = None
    prompt_cache_breakpoint: CachePointFields | None = None


class ItemHead(msgspec.Struct):
    """What kind of item this is."""

    type: str | None = None


class MessageFields(msgspec.Struct):
    """A message."""

    role: str
    content: str | list[PartFields]


class CallFields(msgspec.Struct):
    """A ``function_call``."""

    call_id: str
    name: str
    arguments: str = ""


class OutputFields(msgspec.Struct):
    """A ``function_call_output``."""

    call_id: str
    output: str | list[PartFields]


class ToolFields(msgspec.Struct):
    """One of ``tools``, or a reference to one."""

    type: str = "function"
    name: str = ""
    description: str | None = None
    parameters: dict[str, object] | None = None
    strict: bool | None = None
    output_schema: Raw = ABSENT
    allowed_callers: Raw = ABSENT
    defer_loading: Raw = ABSENT


class ChoiceFields(msgspec.Struct):
    """``tool_choice`` as an object."""

    type: str = ""
    name: str = ""
    mode: str = "auto"
    tools: list[ToolFields] = []


class FormatFields(msgspec.Struct):
    """``text.format``."""

    type: str = "text"
    name: str = "answer"
    description: str | None = None
    schema: dict[str, object] | None = None
    strict: bool | None = None


class TextFields(msgspec.Struct):
    """``text``."""

    format: FormatFields | None = None
    verbosity: str | None = None


class ReasoningFields(msgspec.Struct):
    """``reasoning``."""

    effort: str | None = None
    summary: str | None = None
    generate_summary: str | None = None


class RequestFields(msgspec.Struct):
    """The fields that the common model has."""

    input: str | list[Raw] | None = None
    instructions: str | None = None
    max_output_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    tools: list[ToolFields] | None = None
    tool_choice: str | ChoiceFields | None = None
    parallel_tool_calls: bool | None = None
    text: TextFields | None = None
    reasoning: ReasoningFields | None = None
    include: list[str] | None = None
    truncation: str | None = None
    top_logprobs: int | None = None
    service_tier: str | None = None
    prompt_cache_key: str | None = None
    safety_identifier: str | None = None
    user: str | None = None


_REQUEST: Final = msgspec.json.Decoder(RequestFields)
_HEAD: Final = msgspec.json.Decoder(ItemHead)
_MESSAGE: Final = msgspec.json.Decoder(MessageFields)
_CALL: Final = msgspec.json.Decoder(CallFields)
_OUTPUT: Final = msgspec.json.Decoder(OutputFields)
_HANDLED: Final = frozenset(RequestFields.__struct_fields__) | {
    "model", "stream", "stream_options",
}  # fmt: skip
_HANDLED_INSIDE: Final[dict[str, frozenset[str]]] = {
    "reasoning": frozenset({"effort", "summary", "generate_summary"}),
    "text": frozenset({"format", "verbosity"}),
}
_HINTS: Final = ("output_schema", "allowed_callers", "defer_loading")
_OBJECT: Final = msgspec.json.Decoder(dict[str, Raw])
_MODES: Final[dict[str, ChoiceMode]] = {
    "auto": ChoiceMode.AUTO,
    "none": ChoiceMode.NONE,
    "required": ChoiceMode.REQUIRED,
}
_TIERS: Final[dict[str, str]] = {own: tier for tier, own in TIERS.items()} | {"fast": "priority"}


def read_request(inquiry: Inquiry) -> Request:
    """Read the whole request; raises CallerError for what no translation can carry."""
    dropped = _leftovers(inquiry)
    try:
        fields = _REQUEST.decode(inquiry.body)
    except json_fields.MALFORMED as error:
        raise _not_understood(error, json_fields.place_of(error)) from error
    _check(fields)
    reader = _Reader(dropped)
    reader.read_instructions(fields.instructions)
    reader.read_input(fields.input)
    reader.note(fields)
    choice, allowed = _read_choice(fields, dropped)
    text = fields.text or TextFields()
    answer = text.format or FormatFields()
    reasoning = fields.reasoning or ReasoningFields()
    shows_thinking = True if reasoning.summary or reasoning.generate_summary else None
    return Request(
        dialect=NAME,
        concepts=CONCEPTS,
        model=inquiry.model,
        system=reader.history.system,
        turns=reader.history.turns(),
        is_stream=inquiry.is_stream,
        output_tokens_max=fields.max_output_tokens,
        temperature=fields.temperature,
        top_p=fields.top_p,
        tools=_read_tools(fields.tools or [], allowed, dropped),
        tool_choice=choice,
        schema=(
            json_schema.described(answer.schema or {}, answer.description or "")
            if answer.type == "json_schema"
            else None
        ),
        schema_name=answer.name,
        is_schema_strict=bool(answer.strict),
        is_json=answer.type == "json_object",
        effort=reasoning.effort or "",
        shows_thinking=shows_thinking,
        verbosity=text.verbosity or "",
        service_tier=_TIERS.get(fields.service_tier or "", ""),
        caches_system=reader.history.caches_system,
        cache_key=fields.prompt_cache_key or "",
        user=fields.safety_identifier or fields.user or "",
        user_concept="safety_identifier" if fields.safety_identifier else "user",
        dropped=tuple(dict.fromkeys(dropped)),
    )


def _leftovers(inquiry: Inquiry) -> list[str]:
    """Return the names of fields that are dropped, also those inside ``reasoning`` and ``text``."""
    dropped = verdicts.leftovers(CONCEPTS, inquiry.fields, _HANDLED)
    for name, handled in _HANDLED_INSIDE.items():
        raw = inquiry.fields.get(name)
        if raw is None or json_fields.is_empty(raw):
            continue
        try:
            inside = _OBJECT.decode(raw)
        except json_fields.MALFORMED as error:
            raise _not_understood(error, name) from error
        dropped += verdicts.leftovers(CONCEPTS, inside, handled, f"{name}.")
    return dropped


def _check(fields: RequestFields) -> None:
    effort = fields.reasoning.effort if fields.reasoning is not None else None
    if effort and effort not in capability.EFFORTS:
        raise CallerError("reasoning.effort is unknown.", param="reasoning.effort")
    verbosity = fields.text.verbosity if fields.text is not None else None
    if verbosity and verbosity not in VERBOSITIES:
        raise CallerError("text.verbosity is unknown.", param="text.verbosity")
    if fields.max_output_tokens is not None and fields.max_output_tokens < 1:
        raise CallerError("max_output_tokens must be at least 1.", param="max_output_tokens")
    if fields.top_logprobs:
        raise verdicts.refusal("top_logprobs")
    if LOGPROBS in (fields.include or ()):
        raise verdicts.refusal(f"include.{LOGPROBS}")


class _Reader:
    """Reads the parts of one request, and notes what they lose."""

    def __init__(self, dropped: list[str]) -> None:
        self.history = History()
        self._dropped = dropped

    def read_instructions(self, instructions: str | None) -> None:
        if instructions:
            self.history.add(Role.SYSTEM, [Text(instructions)], "instructions")

    def read_input(self, given: str | list[Raw] | None) -> None:
        if isinstance(given, str):
            self.history.add(Role.USER, [Text(given)], "input")
        for at, item in enumerate(given if isinstance(given, list) else ()):
            place = f"input[{at}]"
            try:
                self._read_item(item, place)
            except json_fields.MALFORMED as error:
                inner = json_fields.place_of(error)
                raise _not_understood(error, f"{place}.{inner}" if inner else place) from error

    def note(self, fields: RequestFields) -> None:
        """Note what is left out of fields that are otherwise read."""
        if fields.include:
            self._dropped.append("include")
        if fields.truncation == "auto":
            self._dropped.append("truncation")
        if fields.service_tier and fields.service_tier not in _TIERS:
            self._dropped.append("service_tier")

    def _read_item(self, item: Raw, place: str) -> None:
        match _HEAD.decode(item).type:
            case None | "message":
                self._read_message(_MESSAGE.decode(item), place)
            case "function_call":
                call = _CALL.decode(item)
                if not call.call_id:
                    raise CallerError(f"{place}.call_id is empty.", param=f"{place}.call_id")
                asked = ToolCall(call.call_id, call.name, call.arguments)
                self.history.add(Role.ASSISTANT, [asked], place)
            case "function_call_output":
                result = _OUTPUT.decode(item)
                parts = self._parts(result.output, f"{place}.output", is_user=True)
                points = [part for part in parts if isinstance(part, CachePoint)]
                said = tuple(part for part in parts if not isinstance(part, CachePoint))
                self.history.add(Role.USER, [ToolResult(result.call_id, said), *points], place)
            case "reasoning":
                self._dropped.append("input.reasoning")
            case kind:
                raise verdicts.refusal(place, f"{kind!r} has no counterpart")

    def _read_message(self, message: MessageFields, place: str) -> None:
        is_user = message.role == "user"
        parts: list[Part] = [*self._parts(message.content, f"{place}.content", is_user=is_user)]
        match message.role:
            case "system" | "developer":
                self.history.add(Role.SYSTEM, parts, place)
            case "user":
                self.history.add(Role.USER, parts, place)
            case "assistant":
                self.history.add(Role.ASSISTANT, parts, place)
            case role:
                raise verdicts.refusal(f"{place}.role", f"{role!r} has no counterpart")

    def _parts(
        self, content: str | list[PartFields], place: str, *, is_user: bool
    ) -> list[Text | Image | Document | CachePoint]:
        if isinstance(content, str):
            return [Text(content)]
        parts: list[Text | Image | Document | CachePoint] = []
        for at, part in enumerate(content):
            parts.append(self._part(part, f"{place}[{at}]", is_user=is_user))
            if part.prompt_cache_breakpoint is not None:
                parts.append(CachePoint(part.prompt_cache_breakpoint.ttl or ""))
        return parts

    def _part(self, part: PartFields, place: str, *, is_user: bool) -> Text | Image | Document:
        match part.type:
            case "input_text" | "output_text" | "text":
                return Text(part.text or "")
            case "refusal":
                return Text(part.refusal or "")
            case "input_image" if is_user:
                return self._image(part, place)
            case "input_file" if is_user:
                return _document(part, place)
            case kind:
                raise verdicts.refusal(place, f"{kind!r} has no counterpart")

    def _image(self, part: PartFields, place: str) -> Image:
        if part.file_id or not part.image_url:
            raise verdicts.refusal(f"{place}.file_id", "a file's id is not portable")
        if part.detail not in (None, "auto"):
            self._dropped.append("input_image.detail")
        if part.image_url.startswith(("https://", "http://")):
            return Image(url=part.image_url)
        media_type, data = _data_url(part.image_url)
        if not data:
            raise verdicts.refusal(f"{place}.image_url", "only http(s) and base64 data URLs are")
        return Image(media_type=verdicts.image_type(media_type, f"{place}.image_url"), data=data)


def _document(part: PartFields, place: str) -> Document:
    title = part.filename or ""
    if part.file_data:
        if not part.file_data.startswith("data:"):
            return Document(PDF, part.file_data, title=title)
        media_type, data = _data_url(part.file_data)
        if not data:
            raise verdicts.refusal(f"{place}.file_data", "only data in base64 is")
        return Document(media_type or PDF, data, title=title)
    if part.file_url:
        return Document(url=part.file_url, title=title)
    raise verdicts.refusal(f"{place}.file_id", "a file's id is not portable")


def _data_url(url: str) -> tuple[str, str]:
    """Return the media type and the base64 of a data URL; two empty strings if it is none."""
    head, _, data = url.partition(",")
    media_type, *options = head.removeprefix("data:").split(";")
    return (media_type, data) if head.startswith("data:") and "base64" in options else ("", "")


def _read_tools(
    tools: list[ToolFields], allowed: list[str] | None, dropped: list[str]
) -> tuple[Tool, ...]:
    read: list[Tool] = []
    for at, tool in enumerate(tools):
        if tool.type != "function":
            raise verdicts.refusal(f"tools[{at}]", f"{tool.type!r} tools have no counterpart")
        if allowed is None or tool.name in allowed:
            dropped += [f"tools.{name}" for name in _HINTS if getattr(tool, name) is not ABSENT]
            schema = tool.parameters or {"type": "object", "properties": {}}
            read.append(Tool(tool.name, tool.description or "", schema, bool(tool.strict)))
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
    if choice.type == "function":
        return ToolChoice(ChoiceMode.ONE, choice.name, parallel), None
    if choice.type == "allowed_tools":
        if any(tool.type != "function" for tool in choice.tools):
            raise verdicts.refusal("tool_choice.tools", "only functions are")
        dropped.append("tool_choice.allowed_tools")
        mode = _MODES.get(choice.mode, ChoiceMode.AUTO)
        return ToolChoice(mode, is_parallel=parallel), [tool.name for tool in choice.tools]
    raise verdicts.refusal("tool_choice", f"{choice.type!r} has no counterpart")


def _not_understood(error: Exception, place: str) -> CallerError:
    return CallerError(f"The request is not understood: {error}.", param=place)
