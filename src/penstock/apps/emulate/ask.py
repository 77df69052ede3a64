"""What was asked, and what can be wrong with it, whatever the dialect.

A dialect reads its request into an ``Ask`` or raises ``TroubleError``; everything behind it (text,
tools, pace, faults) knows neither JSON nor HTTP.
"""

import enum
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from typing import Any

from penstock.apps.emulate.catalogue import Model

# JSON Schema is open: any key may be there, with any value.
Schema = dict[str, Any]


def signature(provider: str, nonce: str) -> str:
    """Return the seal on an answer's thoughts, which no other provider takes back."""
    return b64encode(f"emulated:{provider}:{nonce}".encode()).decode()


def is_signature(provider: str, seal: str) -> bool:
    """Say whether a seal is the provider's own."""
    try:
        return b64decode(seal, validate=True).startswith(f"emulated:{provider}:".encode())
    except ValueError:
        return False


class Reason(enum.Enum):
    """Why a request fails; each dialect has its own words for it."""

    GENERAL = enum.auto()  # the status says it all
    CREDENTIAL = enum.auto()
    NO_MODEL = enum.auto()
    NO_PATH = enum.auto()
    CONTEXT_LENGTH = enum.auto()
    OWN_QUOTA = enum.auto()
    SHARED_CAPACITY = enum.auto()
    SPENT = enum.auto()
    NO_RESPONSE = enum.auto()  # an earlier answer that is not kept
    FOREIGN_THOUGHT = enum.auto()  # reasoning that was sealed by somebody else


class TroubleError(Exception):
    """A request that gets an error: the provider's, the caller's, or one that was scripted.

    ``message`` is for the caller to read; ``param`` names the field at fault.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        reason: Reason = Reason.GENERAL,
        param: str | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.reason = reason
        self.param = param
        self.retry_after_s = retry_after_s


class Role(enum.Enum):
    """Who speaks in a turn."""

    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"  # a result that the caller brings back


@dataclass(frozen=True, slots=True)
class Turn:
    """One message without its dialect; the system prompt is none."""

    role: Role
    text: str


class ToolChoice(enum.Enum):
    """Whether tools are to be called."""

    NONE = "none"
    AUTO = "auto"
    REQUIRED = "required"


@dataclass(frozen=True, slots=True)
class Tool:
    """A function that may be called, with the JSON schema of its arguments."""

    name: str
    schema: Schema


class Thinking(enum.Enum):
    """Whether the model thinks before it speaks, and shows it."""

    OFF = "off"
    HIDDEN = "hidden"
    SHOWN = "shown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Embed:
    """What is to be embedded, and the form of the answer."""

    texts: tuple[str, ...]
    dimensions: int
    is_base64: bool = False
    is_batch: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One request. ``input_tokens`` are counted by the rule of ``usage``."""

    model: Model
    turns: tuple[Turn, ...]
    input_tokens: int
    is_stream: bool = False
    output_tokens_max: int
    stops: tuple[str, ...] = ()
    choices: int = 1
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice = ToolChoice.AUTO
    tool_named: str = ""
    may_call_parallel: bool = True
    schema: Schema | None = None  # the answer must be JSON of this shape; {} is any object
    thinking: Thinking = Thinking.OFF
    includes_usage: bool = True  # in a stream
    is_padded: bool = False  # its events hide the length of their text
    has_sealed_thoughts: bool = False  # thoughts come back to be sent again
    embed: Embed | None = None  # vectors are asked for, and no words
    echo: Schema = field(default_factory=dict[str, Any])  # what the answer repeats of the request

    @property
    def last_user_text(self) -> str:
        """What the user said last."""
        for turn in reversed(self.turns):
            if turn.role is Role.USER:
                return turn.text
        return ""
