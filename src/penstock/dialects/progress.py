"""What an answer has said to the caller so far, and whether another upstream may go on with it.

    at the break                                   obstacle
    nothing, or plain text                         none
    thinking, no text yet                          none: the answer begins anew in a new block
    text after whole tool calls                    none: the calls stay valid
    a tool call, or a call with nothing behind it  it may be half, or another would have followed
    thinking behind text                           the break is not in plain text
    a refusal                                      no fault of the upstream
    the model has said why it stopped              the answer is complete
    more text than is kept                         the rest could not be asked for
    an event that we do not understand             it may have said anything
    a continuation that began anew                 a second one is no better

It sees the common events of what has really gone out; what is held back does not count.

Source: DIALECTS 11 of the reference shelf, "never continued".
"""

from typing import Final

from penstock.dialects import call_arguments
from penstock.dialects.events import (
    ArgumentsDelta,
    Event,
    Stopped,
    TextDelta,
    ThinkingDelta,
    ToolStarted,
)

# As much as the longest output of today's models: 128k tokens at four characters.
TEXT_CHARS_MAX: Final = 512 * 1024


class Progress:
    """Watches one answer over all of its hops. Owned by one event loop."""

    __slots__ = (
        "_arguments", "_is_call_open", "_kept_chars", "_last", "_lost", "_text", "_text_chars_max",
        "calls", "has_text", "is_stopped",
    )  # fmt: skip

    def __init__(self, text_chars_max: int = TEXT_CHARS_MAX) -> None:
        self._text: list[str] = []
        self._text_chars_max = text_chars_max
        self._kept_chars = 0
        self._arguments: list[str] = []
        self._is_call_open = False
        self._last: type[Event] | None = None  # the kind of content that came last
        self._lost = ""
        self.calls = 0
        self.has_text = False
        self.is_stopped = False

    @property
    def text(self) -> str:
        """All text so far."""
        if len(self._text) > 1:
            self._text = ["".join(self._text)]
        return self._text[0] if self._text else ""

    @property
    def has_content(self) -> bool:
        """Anything that a caller would miss has gone out."""
        return self._last is not None or self.is_stopped

    def see(self, event: Event) -> None:
        """Learn from an event that goes out."""
        match event:
            case TextDelta(text=text):
                self._on_text(text, is_refusal=event.is_refusal)
            case ThinkingDelta():
                self._last = ThinkingDelta
            case ToolStarted():
                self._last = ToolStarted
                self._is_call_open = True
                self._arguments.clear()
                self.calls += 1
            case ArgumentsDelta(json=json):
                self._keep(self._arguments, json)
            case Stopped():
                self.is_stopped = True
            case _:
                pass

    def lose(self, why: str) -> None:
        """From here on nobody can go on with this answer."""
        self._lost = self._lost or why

    def obstacle(self) -> str | None:
        """Return why another upstream may not go on, or None."""
        if self.is_stopped:
            return "the answer is complete"
        if self._lost:
            return self._lost
        if self._is_call_open or self._last is ToolStarted:
            return "a tool call had begun"
        if self._last is ThinkingDelta and self.has_text:
            return "the break lies in thinking behind text"
        return None

    def _on_text(self, text: str, *, is_refusal: bool) -> None:
        if not text:
            return
        if self._is_call_open and call_arguments.is_object("".join(self._arguments)):
            self._is_call_open = False
        if is_refusal:
            self.lose("the model was refusing")
        self._last = TextDelta
        self.has_text = True
        self._keep(self._text, text)

    def _keep(self, pieces: list[str], piece: str) -> None:
        self._kept_chars += len(piece)
        if self._kept_chars > self._text_chars_max:
            self.lose("the answer is longer than is kept")
            pieces.clear()
        else:
            pieces.append(piece)
