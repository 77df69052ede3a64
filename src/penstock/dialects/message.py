"""The common request and answer: what all dialects can say, each in its own words.

Used only where caller and upstream speak different dialects. What has no counterpart here is
either refused by name or dropped with notice by the dialect that reads it (``Request.dropped``).
"""

import enum
from typing import Final

import msgspec

from penstock.dialects.concepts import Concepts


class Role(enum.Enum):
    """Who speaks."""

    USER = "user"
    ASSISTANT = "assistant"
    SYSTEM = "system"  # an instruction in mid-conversation; what leads is Request.system


class Text(msgspec.Struct, frozen=True):
    """Plain text."""

    text: str


class Image(msgspec.Struct, frozen=True):
    """A picture: ``data`` is base64 of ``media_type``, or else ``url`` is where it lies."""

    media_type: str = ""
    data: str = ""
    url: str = ""


class Document(msgspec.Struct, frozen=True):
    """A file to read: ``text``, or base64 ``data`` of ``media_type``, or ``url`` where it lies."""

    media_type: str = "application/pdf"
    data: str = ""
    url: str = ""
    text: str = ""
    title: str = ""


class CachePoint(msgspec.Struct, frozen=True):
    """Everything up to here is worth keeping in the prompt cache; ``ttl`` is a wish, as ``5m``."""

    ttl: str = ""


class ToolCall(msgspec.Struct, frozen=True):
    """The model asks for a tool; ``arguments`` is JSON text as the model wrote it."""

    id: str
    name: str
    arguments: str


class ToolResult(msgspec.Struct, frozen=True):
    """What a tool answered."""

    call_id: str
    content: tuple[Text | Image | Document, ...]
    is_error: bool = False


Part = Text | Image | Document | CachePoint | ToolCall | ToolResult


class Turn(msgspec.Struct, frozen=True):
    """What one side said. Tool results stand in user turns, tool calls in assistant turns."""

    role: Role
    parts: tuple[Part, ...]


class Tool(msgspec.Struct, frozen=True):
    """A function that the model may call; ``schema`` is a JSON Schema of its arguments."""

    name: str
    description: str
    schema: dict[str, object]
    is_strict: bool = False


class ChoiceMode(enum.Enum):
    """Whether the model may, must or must not call a tool."""

    AUTO = "auto"
    REQUIRED = "required"
    NONE = "none"
    ONE = "one"


class ToolChoice(msgspec.Struct, frozen=True):
    """How tools are to be used; ``name`` goes with ``ONE``."""

    mode: ChoiceMode = ChoiceMode.AUTO
    name: str = ""
    is_parallel: bool | None = None


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A whole request. ``dropped`` names the caller's fields that found no place here.

    ``dialect`` is the caller's, and ``concepts`` its table, in whose words fields are named.
    """

    dialect: str
    concepts: Concepts = {}
    model: str
    system: str = ""
    turns: tuple[Turn, ...] = ()
    is_stream: bool = False
    output_tokens_max: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop: tuple[str, ...] = ()
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice | None = None
    schema: dict[str, object] | None = None  # the answer must be JSON of this schema
    schema_name: str = "answer"
    is_schema_strict: bool = True
    is_json: bool = False  # the answer must be JSON, of whatever schema
    effort: str = ""  # none, minimal, low, medium, high, xhigh, max
    shows_thinking: bool | None = None  # None: as the model does by itself
    verbosity: str = ""  # low, medium, high
    seed: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    service_tier: str = ""  # auto, standard, flex, priority; empty: not said
    caches_system: bool = False  # a cache point stands behind the instructions
    caches_tools: bool = False  # a cache point stands behind the tools
    cache_key: str = ""
    user: str = ""
    user_concept: str = "user"  # or safety_identifier, where the caller said it so
    dropped: tuple[str, ...] = ()


class StopReason(enum.Enum):
    """Why the model stopped."""

    END = "end"
    STOP_SEQUENCE = "stop_sequence"
    LENGTH = "length"
    TOOL = "tool"
    FILTERED = "filtered"
    PAUSED = "paused"


class Hop(msgspec.Struct, frozen=True):
    """What one of several upstreams used for its part of an answer."""

    model: str
    input_tokens: int
    output_tokens: int
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    is_estimated: bool = False


class Usage(msgspec.Struct):
    """Tokens, in one meaning: input includes cached and written, output includes reasoning.

    ``is_known`` is False until the upstream's final figures have come. ``hops`` are the parts of
    the sum, in order, where an answer was continued.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    is_known: bool = False
    hops: tuple[Hop, ...] = ()


NO_USAGE: Final = Usage()  # not to be changed


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A whole answer."""

    id: str
    model: str
    parts: tuple[Text | ToolCall, ...]
    thinking: str = ""
    stop: StopReason
    stop_sequence: str = ""
    explanation: str = ""  # of a refusal, where the vendor gives one apart from the text
    usage: Usage
    service_tier: str = ""  # that served it: standard, flex, priority; empty: not said
