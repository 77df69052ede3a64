"""Anthropic Messages requests, read into the common model.

    content block                          becomes
    text                                   text
    image (base64, url)                    an image
    tool_use                               a call
    document (base64, url, text, content)  a document
    tool_result                            a result: its texts, images and documents
    cache_control of a block               a cache point behind it
    thinking, redacted_thinking            nothing: reasoning never crosses vendors
    everything else                        refused by name

What becomes of every other field: ``concepts.py``. Writing: ``write.py``.
"""

from typing import Final

import msgspec

from penstock.core.errors import CallerError
from penstock.dialects import capability, json_fields, verdicts
from penstock.dialects.anthropic_messages.concepts import CONCEPTS
from penstock.dialects.anthropic_messages.write import NAME, TIERS
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

Raw = msgspec.Raw
ABSENT: Final = Raw(b"")
TEXT: Final = "text/plain"
PDF: Final = "application/pdf"


class Source(msgspec.Struct):
    """``source`` of an image or a document."""

    type: str = ""
    media_type: str = ""
    data: str = ""
    url: str = ""
    content: "str | list[ResultPart] | None" = None


class CacheFields(msgspec.Struct):
    """``cache_control``."""

    ttl: str | None = None


class ResultPart(msgspec.Struct):
    """A block inside a tool's result."""

    type: str = ""
    text: str = ""
    title: str | None = None
    context: str | None = None
    source: Source | str | None = None
    cache_control: CacheFields | None = None
    citations: Raw = ABSENT


class Block(msgspec.Struct):
    """A block of a message."""

    type: str = ""
    text: str = ""
    title: str | None = None
    context: str | None = None
    source: Source | str | None = None
    id: str = ""
    name: str = ""
    input: Raw = ABSENT
    tool_use_id: str = ""
    content: str | list[ResultPart] | ResultPart | None = None  # one: an error of a vendor's tool
    is_error: bool | None = None
    cache_control: CacheFields | None = None
    citations: Raw = ABSENT


class MessageFields(msgspec.Struct):
    """One of ``messages``."""

    role: str
    content: str | list[Block]


class ToolFields(msgspec.Struct):
    """One of ``tools``."""

    name: str = ""
    type: str | None = None
    description: str | None = None
    input_schema: dict[str, object] | None = None
    strict: bool | None = None
    cache_control: CacheFields | None = None
    input_examples: Raw = ABSENT


class ChoiceFields(msgspec.Struct):
    """``tool_choice``."""

    type: str
    name: str = ""
    disable_parallel_tool_use: bool | None = None


class ThinkingFields(msgspec.Struct):
    """``thinking``."""

    type: str
    budget_tokens: int | None = None
    display: str | None = None


class FormatFields(msgspec.Struct):
    """``output_config.format``."""

    type: str
    schema: dict[str, object] | None = None


class OutputFields(msgspec.Struct):
    """``output_config``."""

    effort: str | None = None
    format: FormatFields | None = None


class MetadataFields(msgspec.Struct):
    """``metadata``."""

    user_id: str | None = None


class RequestFields(msgspec.Struct):
    """The fields that the common model has."""

    messages: list[MessageFields]
    max_tokens: int | None = None  # a count has none; ``inquire`` sees to the rest
    system: str | list[Block] | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop_sequences: list[str] | None = None
    tools: list[ToolFields] | None = None
    tool_choice: ChoiceFields | None = None
    thinking: ThinkingFields | None = None
    output_config: OutputFields | None = None
    metadata: MetadataFields | None = None
    service_tier: str | None = None
    cache_control: CacheFields | None = None


_REQUEST: Final = msgspec.json.Decoder(RequestFields)
_HANDLED: Final = frozenset(RequestFields.__struct_fields__) | {"model", "stream"}
_TIERS: Final[dict[str, str]] = {own: tier for tier, own in TIERS.items()}
_MODES: Final[dict[str, ChoiceMode]] = {
    "auto": ChoiceMode.AUTO,
    "any": ChoiceMode.REQUIRED,
    "none": ChoiceMode.NONE,
    "tool": ChoiceMode.ONE,
}
_ROLES: Final[dict[str, Role]] = {
    "user": Role.USER,
    "assistant": Role.ASSISTANT,
    "system": Role.SYSTEM,
}


def read_request(inquiry: Inquiry) -> Request:
    """Read the whole request; raises CallerError for what no translation can carry."""
    dropped = verdicts.leftovers(CONCEPTS, inquiry.fields, _HANDLED)
    try:
        fields = _REQUEST.decode(inquiry.body)
    except json_fields.MALFORMED as error:
        place = json_fields.place_of(error)
        raise CallerError(f"The request is not understood: {error}.", param=place) from error
    reader = _Reader(dropped)
    reader.read_system(fields.system)
    for at, message in enumerate(fields.messages):
        reader.read(message, f"messages[{at}]")
    if fields.cache_control is not None:
        reader.history.mark(CachePoint(fields.cache_control.ttl or ""))
    output = fields.output_config or OutputFields()
    return Request(
        dialect=NAME,
        concepts=CONCEPTS,
        model=inquiry.model,
        system=reader.system,
        turns=reader.history.turns(),
        is_stream=inquiry.is_stream,
        output_tokens_max=fields.max_tokens,
        temperature=fields.temperature,
        top_p=fields.top_p,
        top_k=fields.top_k,
        stop=tuple(fields.stop_sequences or ()),
        tools=tuple(
            reader.read_tool(tool, f"tools[{at}]") for at, tool in enumerate(fields.tools or [])
        ),
        tool_choice=_read_choice(fields.tool_choice),
        schema=_read_schema(output.format),
        effort=reader.read_effort(fields.thinking, output.effort),
        shows_thinking=_read_display(fields.thinking),
        service_tier=reader.read_tier(fields.service_tier),
        caches_system=reader.caches_system,
        caches_tools=any(tool.cache_control is not None for tool in fields.tools or []),
        user=(fields.metadata.user_id if fields.metadata else None) or "",
        dropped=tuple(dict.fromkeys(dropped)),
    )


class _Reader:
    """Reads the parts of one request, and notes what they lose."""

    def __init__(self, dropped: list[str]) -> None:
        self.history = History()
        self.system = ""
        self.caches_system = False
        self._dropped = dropped

    def read_system(self, system: str | list[Block] | None) -> None:
        if isinstance(system, list):
            parts = [self._part(block, f"system[{at}]") for at, block in enumerate(system)]
            texts = [part.text for part in parts if isinstance(part, Text) and part.text]
            self.system = "\n\n".join(texts)
            caches = any(block.cache_control is not None for block in system)
            self.caches_system = caches and bool(texts)
        else:
            self.system = system or ""

    def read(self, message: MessageFields, place: str) -> None:
        role = _ROLES.get(message.role)
        if role is None:
            raise CallerError(f"{place}.role is unknown.", param=f"{place}.role")
        parts: list[Part] = []
        if isinstance(message.content, str):
            parts.append(Text(message.content))
        else:
            for at, block in enumerate(message.content):
                part = self._block(block, role, f"{place}.content[{at}]")
                if part is None:
                    continue
                parts.append(part)
                cache = _cache_of(block)
                if cache is not None:
                    parts.append(CachePoint(cache.ttl or ""))
        if role is Role.SYSTEM and not self.history.has_turns:
            raise CallerError(f"{place}: a system message never comes first.", param=place)
        self.history.add(role, parts, place)

    def read_tool(self, tool: ToolFields, place: str) -> Tool:
        if tool.type not in (None, "custom"):
            raise verdicts.refusal(place, f"{tool.type!r} runs nowhere else")
        if tool.input_examples is not ABSENT:
            self._dropped.append("tools.input_examples")
        schema = tool.input_schema or {"type": "object", "properties": {}}
        return Tool(tool.name, tool.description or "", schema, bool(tool.strict))

    def read_effort(self, thinking: ThinkingFields | None, effort: str | None) -> str:
        if effort and effort not in capability.EFFORTS:
            raise CallerError("output_config.effort is unknown.", param="output_config.effort")
        if thinking is None:
            return effort or ""
        if thinking.type == "disabled":
            return "none"
        if effort or thinking.budget_tokens is None:
            return effort or ""
        budget = thinking.budget_tokens
        fitting = [name for name, tokens in capability.BUDGETS.items() if tokens <= budget]
        return fitting[-1] if fitting else "minimal"

    def read_tier(self, tier: str | None) -> str:
        if tier and tier not in _TIERS:
            self._dropped.append("service_tier")
        return _TIERS.get(tier or "", "")

    def _block(self, block: Block, role: Role, place: str) -> Part | None:
        if block.type in ("thinking", "redacted_thinking"):
            self._dropped.append(f"messages.{block.type}")
            return None
        if block.type == "tool_use" and role is Role.ASSISTANT:
            self._note(block)
            return ToolCall(block.id, block.name, _arguments(block, place))
        if block.type == "tool_result" and role is Role.USER:
            return self._result(block, place)
        allowed = ("image", "document") if role is Role.USER else ()
        return self._part(block, place, *allowed)

    def _result(self, block: Block, place: str) -> ToolResult:
        self._note(block)
        if isinstance(block.content, list):
            parts = tuple(
                self._part(part, f"{place}.content[{at}]", "image", "document")
                for at, part in enumerate(block.content)
            )
        elif isinstance(block.content, ResultPart):
            raise verdicts.refusal(f"{place}.content", "only a text or a list of parts is")
        else:
            parts = (Text(block.content),) if block.content else ()
        return ToolResult(block.tool_use_id, parts, bool(block.is_error))

    def _part(
        self, block: Block | ResultPart, place: str, *allowed: str
    ) -> Text | Image | Document:
        self._note(block)
        if block.type == "text":
            return Text(block.text)
        source = block.source
        if block.type not in allowed or not isinstance(source, Source):
            raise verdicts.refusal(place, f"{block.type!r} has no counterpart")
        if block.type == "document":
            return self._document(block, source, place)
        if source.type == "base64":
            media_type = verdicts.image_type(source.media_type, f"{place}.source.media_type")
            return Image(media_type=media_type, data=source.data)
        if source.type == "url":
            return Image(url=source.url)
        raise verdicts.refusal(f"{place}.source", "a file's id is not portable")

    def _document(self, block: Block | ResultPart, source: Source, place: str) -> Document:
        if block.context:
            self._dropped.append("document.context")
        title = block.title or ""
        match source.type:
            case "base64":
                return Document(source.media_type or PDF, source.data, title=title)
            case "url":
                return Document(url=source.url, title=title)
            case "text":
                return Document(TEXT, text=source.data, title=title)
            case "content":
                return Document(TEXT, text=self._content(source, place), title=title)
            case _:
                raise verdicts.refusal(f"{place}.source", "a file's id is not portable")

    def _content(self, source: Source, place: str) -> str:
        if isinstance(source.content, str):
            return source.content
        parts = [self._part(part, f"{place}.source.content") for part in source.content or []]
        return "\n\n".join(part.text for part in parts if isinstance(part, Text))

    def _note(self, block: Block | ResultPart) -> None:
        if block.citations is not ABSENT and not json_fields.is_empty(block.citations):
            self._dropped.append("citations")


def _cache_of(block: Block) -> CacheFields | None:
    """Return the cache point behind a block: its own, or one behind a part of its result."""
    inner = block.content if isinstance(block.content, list) else []
    points = [block.cache_control, *(part.cache_control for part in inner)]
    return next((point for point in points if point is not None), None)


def _read_display(thinking: ThinkingFields | None) -> bool | None:
    if thinking is None or thinking.display is None:
        return None
    return thinking.display != "omitted"


def _arguments(block: Block, place: str) -> str:
    if block.input is ABSENT:
        return "{}"
    try:
        return bytes(block.input).decode()
    except UnicodeDecodeError as error:
        raise CallerError(f"{place}.input is not UTF-8.", param=f"{place}.input") from error


def _read_choice(choice: ChoiceFields | None) -> ToolChoice | None:
    if choice is None:
        return None
    if choice.type not in _MODES:
        raise CallerError("tool_choice.type is unknown.", param="tool_choice")
    disabled = choice.disable_parallel_tool_use
    return ToolChoice(_MODES[choice.type], choice.name, None if disabled is None else not disabled)


def _read_schema(answer: FormatFields | None) -> dict[str, object] | None:
    if answer is None:
        return None
    if answer.type != "json_schema" or answer.schema is None:
        raise verdicts.refusal("output_config.format", "only json_schema is")
    return answer.schema
