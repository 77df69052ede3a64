"""The common event model: what happens in an answer that streams.

Order: ``Started``, then per block its deltas (a ``ToolStarted`` opens a call, its arguments follow
as ``ArgumentsDelta`` of the same ``index``), ``Stopped`` once, ``Counted`` whenever usage is known,
``Failed`` instead of whatever would have come, ``Ended`` at the dialect's terminator. Everything
else is ``KeptAlive``.
"""

import msgspec

from penstock.core.outcome import Failure
from penstock.dialects.message import StopReason, Usage


class Started(msgspec.Struct, frozen=True, gc=False):
    """The answer has begun; nothing of it is content yet."""

    id: str
    model: str
    service_tier: str = ""  # that serves it, as in Answer


class TextDelta(msgspec.Struct, frozen=True, gc=False):
    """A piece of the answer's text; ``is_refusal`` where the dialect keeps refusals apart."""

    text: str
    is_refusal: bool = False


class ThinkingDelta(msgspec.Struct, frozen=True, gc=False):
    """A piece of visible reasoning."""

    text: str


class ToolStarted(msgspec.Struct, frozen=True, gc=False):
    """A tool call opens; ``index`` counts calls from 0."""

    index: int
    id: str
    name: str


class ArgumentsDelta(msgspec.Struct, frozen=True, gc=False):
    """A piece of a call's arguments, as JSON text cut anywhere."""

    index: int
    json: str


class Stopped(msgspec.Struct, frozen=True, gc=False):
    """The model has said why it stopped: from here on the answer is complete."""

    reason: StopReason
    stop_sequence: str = ""
    explanation: str = ""  # of a refusal, as in Answer


class Counted(msgspec.Struct, frozen=True):
    """Usage so far; the last one counts."""

    usage: Usage


class KeptAlive(msgspec.Struct, frozen=True, gc=False):
    """Nothing but a sign of life."""


class Ended(msgspec.Struct, frozen=True, gc=False):
    """The dialect's terminator: nothing will follow."""


class Failed(msgspec.Struct, frozen=True):
    """The upstream reported an error inside the stream."""

    failure: Failure


Event = (
    Started
    | TextDelta
    | ThinkingDelta
    | ToolStarted
    | ArgumentsDelta
    | Stopped
    | Counted
    | KeptAlive
    | Ended
    | Failed
)
