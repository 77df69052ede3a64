"""Who follows, in each dialect, what a caller has been sent: a new one enters here.

Where caller and upstream speak the same dialect, nobody has encoded what went out, so nobody knows
the ids, the open block or the numbers in it, until a ``Tracker`` looks. A dialect without one
cannot go on with an answer that it has passed on.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, Protocol

from penstock.dialects.anthropic_messages.tracker import MessagesTracker
from penstock.dialects.contract import Encoder, Inquiry
from penstock.dialects.gemini_generate.tracker import GenerateTracker
from penstock.dialects.openai_chat.tracker import ChatTracker
from penstock.dialects.openai_responses.tracker import ResponsesTracker


class Tracker(Protocol):
    """Follows one stream as it goes to the caller."""

    def see(self, sent: bytes) -> None:
        """Learn from whole events as they went out; never raises."""
        ...

    def resume(self) -> Encoder:
        """Return an encoder that goes on amid the open text, or behind what has no text yet.

        It writes no second beginning: ids, model, numbers and the open block are those sent.
        """
        ...


TRACKERS: Final[Mapping[str, Callable[[Inquiry, int], Tracker]]] = MappingProxyType(
    {
        "openai_chat": ChatTracker,
        "openai_responses": ResponsesTracker,
        "anthropic_messages": MessagesTracker,
        "gemini_generate": GenerateTracker,
    }
)
