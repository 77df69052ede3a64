"""The seam between a text that broke off and another model's continuation of it.

Text of the continuation comes in cut anywhere; what comes out goes to the caller, who has ``sent``.

    asked by   the continuation begins with          what becomes of it
    ANCHOR     the anchor, at most 8 characters in   cut behind it
               a long piece of what was sent         cut where what was sent ends
               the beginning of what was sent        RESTARTED: nothing may come out
               a shorter anchor: 32, 24, 16, 12      cut behind it
               the last 6 characters or more         cut behind them
               anything else                         all of it; a newline in mid-sentence is a space
    PREFILL    all that was sent                     cut where what was sent ends
               the beginning of it, then otherwise   RESTARTED
               anything else                         all of it
    ECHO       as PREFILL, of however short a text: the upstream says what it was given again

White space at the end of what was sent is not sent again. Comparing, any white space is one blank
and any quotation mark is the plain one. Until the seam is found the text is held, at most
``HELD_CHARS`` of it, or as long as it says again what was sent: if the continuation breaks then,
nothing of it has gone out. How the text is cut into deltas changes nothing.

Source: DIALECTS 11 of the reference shelf.
"""

import enum
import unicodedata
from difflib import SequenceMatcher
from typing import Final

ANCHOR_CHARS: Final = 40
SHORTER: Final = (32, 24, 16, 12)
HELD_CHARS: Final = 240
OFFSET_MAX: Final = 8
OVERLAP_CHARS_MIN: Final = 6
RESTART_CHARS: Final = 24  # so many that are the same are no chance
ALIKE_CHARS: Final = (8, 64)  # or the first of these the same, and the second alike
ALIKE_RATIO: Final = 0.8
_QUOTES: Final = str.maketrans(
    dict.fromkeys("\u201c\u201d\u201e\u201f\u00ab\u00bb\u300c\u300d", '"')
    | dict.fromkeys("\u2018\u2019\u201a\u201b\u2039\u203a\u00b4`", "'")
)
_JOINERS: Final = "\u200d\ufe0f\ufe0e"
_FENCES: Final = ("```", "~~~")


class Manner(enum.Enum):
    """How the continuation was asked for."""

    ANCHOR = "anchor"
    PREFILL = "prefill"
    ECHO = "echo"


class Joint(enum.Enum):
    """What was found at the seam."""

    HELD = "held"  # nothing so far
    ANCHOR = "anchor"
    OVERLAP = "overlap"
    BLUNT = "blunt"  # nothing was said again
    RESTARTED = "restarted"


def anchor_of(sent: str) -> str:
    """Return the last ~40 characters of a text, from a character that begins one on."""
    body = sent.rstrip()
    start = max(0, len(body) - ANCHOR_CHARS)
    while start < len(body) and (body[start].isspace() or _is_inner(body, start)):
        start += 1
    return body[start:]


class Seam:
    """Joins one continuation to what was sent. Owned by one event loop."""

    def __init__(self, sent: str, manner: Manner) -> None:
        self.joint = Joint.HELD
        self._manner = manner
        self._sent = sent
        self._body = _flatten(sent.strip())[0]
        self._anchor = _flatten(anchor_of(sent))[0]
        self._held = ""
        self._echo = None if manner is Manner.ANCHOR else _Echo(self._body, 0)
        self._closer = ""  # a quotation mark that was put around the anchor
        self._space = sent[len(sent.rstrip()) :]  # that need not be sent again
        self._is_behind = False  # the seam lies behind us: everything passes
        if not self._body:
            self.joint = Joint.BLUNT

    def feed(self, text: str) -> str:
        """Return what goes to the caller now."""
        if self._is_behind:
            return text
        if self.joint is Joint.RESTARTED:
            return ""
        if self.joint is not Joint.HELD:
            return self._behind(text)
        if self._echo is not None:
            return self._follow(self._echo, text)
        self._held += text
        return self._search(is_end=False)

    def finish(self) -> str:
        """The continuation's text is at its end: return what was held of it."""
        if self.joint is not Joint.HELD:
            return ""
        if self._echo is not None:
            return self._lose(self._echo)
        return self._search(is_end=True)

    def _follow(self, echo: "_Echo", text: str) -> str:
        used = echo.feed(text)
        self._held += text[:used]
        if echo.is_whole and (self._manner is not Manner.PREFILL or echo.is_long):
            return self._join(Joint.OVERLAP, text[used:])
        if echo.is_whole or used < len(text):
            return self._lose(echo) + self.feed(text[used:])
        return ""

    def _lose(self, echo: "_Echo") -> str:
        """What was sent is not said again after all."""
        self._echo = None
        if echo.is_long:
            self.joint = Joint.RESTARTED
            return ""
        return self._join(Joint.BLUNT, self._held)

    def _search(self, *, is_end: bool) -> str:
        window = self._held[:HELD_CHARS]
        flat, ends = _flatten(window)
        if self._cut_anchor(flat, ends, self._anchor):
            return self._join(Joint.ANCHOR, self._held)
        if not is_end and len(self._held) < HELD_CHARS:
            return ""
        return self._settle(window, flat, ends)

    def _settle(self, window: str, flat: str, ends: list[int]) -> str:
        overlap = self._overlap(flat)
        is_short = overlap < ANCHOR_CHARS
        if is_short and _is_alike(flat, self._body):
            self.joint = Joint.RESTARTED
            return ""
        if is_short and any(self._cut_anchor(flat, ends, self._body[-size:]) for size in SHORTER):
            return self._join(Joint.ANCHOR, self._held)
        if overlap:
            return self._join(Joint.OVERLAP, self._held[ends[overlap - 1] :])
        at = self._body.find(flat.strip()) if len(window) == HELD_CHARS else -1
        if at >= 0:  # it began far ahead of the anchor
            self._echo = _Echo(self._body, at)
            held, self._held = self._held, ""
            return self._follow(self._echo, held)
        return self._join(Joint.BLUNT, self._mended(window) + self._held[HELD_CHARS:])

    def _cut_anchor(self, flat: str, ends: list[int], anchor: str) -> bool:
        """Drop everything up to the anchor's end from what is held, if the anchor is there."""
        anchor = anchor.lstrip()
        free = len(flat) - len(flat.lstrip(" \"'.\u2026"))
        offset_max = OFFSET_MAX if len(anchor) >= SHORTER[-1] else free
        at = flat.find(anchor, 0, offset_max + len(anchor)) if anchor else -1
        if at < 0:
            return False
        mark = flat[at - 1] if at else ""
        before = self._body[: -len(anchor)][-1:]
        if mark in ('"', "'") and mark != before:
            self._closer = mark
        self._held = self._held[ends[at + len(anchor) - 1] :]
        return True

    def _overlap(self, flat: str) -> int:
        """Return how much of the window's beginning ends what was sent, its blank included."""
        lead = len(flat) - len(flat.lstrip())
        for size in range(min(len(flat) - lead, len(self._body)), 0, -1):
            if self._body.endswith(flat[lead : lead + size]):
                return lead + size if size >= OVERLAP_CHARS_MIN else 0
        return 0

    def _mended(self, text: str) -> str:
        rest = text.lstrip()
        lead = text[: len(text) - len(rest)]
        last = self._sent.rstrip()[-1:]
        if (
            "\n" in lead
            and "\n" not in self._space
            and rest[:1].isalpha()
            and (last.isalnum() or last == ",")
            and not _is_in_fence(self._sent)
        ):
            return rest if self._space else f" {rest}"
        return text

    def _join(self, joint: Joint, rest: str) -> str:
        self.joint = joint
        self._held = ""
        self._echo = None
        return self._behind(rest)

    def _behind(self, text: str) -> str:
        for at, char in enumerate(text):
            if self._closer:
                is_closer = char.translate(_QUOTES) == self._closer
                self._closer = ""
                if is_closer:
                    continue
            if not (self._space and char.isspace()):
                self._is_behind = True
                return text[at:]
            found = self._space.find(char)
            if found < 0 and char == "\n":  # a new line where only a blank was sent
                self._is_behind = True
                return text[at:]
            self._space = self._space[found + 1 :]
        return ""


class _Echo:
    """Follows a text that says again what was sent, from a place on."""

    __slots__ = ("_at", "_body", "_start", "_was_blank")

    def __init__(self, body: str, at: int) -> None:
        self._body = body
        self._start = self._at = at
        self._was_blank = True

    @property
    def is_whole(self) -> bool:
        """All that was sent has been said again."""
        return self._at == len(self._body)

    @property
    def is_long(self) -> bool:
        """So much has been said again that it is no chance."""
        return self._at - self._start >= RESTART_CHARS

    def feed(self, text: str) -> int:
        """Return how many characters are a repetition, up to where what was sent ends."""
        for used, char in enumerate(text):
            if self.is_whole:
                return used
            is_blank = char.isspace()
            if not (is_blank and self._was_blank):
                if self._body[self._at] != (" " if is_blank else char.translate(_QUOTES)):
                    return used
                self._at += 1
            self._was_blank = is_blank
        return len(text)


class Crossing:
    """Finds a stop sequence that begins in what was sent and ends in the continuation.

    No upstream can see it. What follows it must not go out.
    """

    def __init__(self, sent: str, stops: tuple[str, ...]) -> None:
        self._rests = tuple(
            (stop[size:], stop)
            for stop in stops
            for size in range(1, len(stop))
            if sent.endswith(stop[:size])
        )
        self._held = ""
        self.stop = ""  # the one that was found

    @property
    def is_stopped(self) -> bool:
        """A stop sequence is whole."""
        return bool(self.stop)

    def feed(self, text: str) -> str:
        """Return what goes on; nothing once a stop sequence is whole."""
        if self.stop or not self._rests:
            return "" if self.stop else text
        for at, char in enumerate(text, start=1):
            self._held += char
            self._rests = tuple(one for one in self._rests if one[0].startswith(self._held))
            self.stop = next((stop for rest, stop in self._rests if rest == self._held), "")
            if self.stop:
                return ""
            if not self._rests:
                return self.finish() + text[at:]
        return ""

    def finish(self) -> str:
        """Return what was held: the text is at its end."""
        held, self._held, self._rests = self._held, "", ()
        return "" if self.is_stopped else held


def _flatten(text: str) -> tuple[str, list[int]]:
    """Return the text as it is compared, and where each of its characters ends in the original."""
    flat: list[str] = []
    ends: list[int] = []
    for end, char in enumerate(text, start=1):
        if not char.isspace():
            flat.append(char.translate(_QUOTES))
            ends.append(end)
        elif flat and flat[-1] == " ":
            ends[-1] = end
        else:
            flat.append(" ")
            ends.append(end)
    return "".join(flat), ends


def _is_alike(flat: str, body: str) -> bool:
    """Tell whether a text begins as another does."""
    same_chars, alike_chars = ALIKE_CHARS
    flat, body = flat.lstrip().casefold(), body.casefold()
    if min(len(flat), len(body)) < RESTART_CHARS or flat[:same_chars] != body[:same_chars]:
        return False
    if flat[:RESTART_CHARS] == body[:RESTART_CHARS]:
        return True
    size = min(len(flat), len(body), alike_chars)
    return SequenceMatcher(a=flat[:size], b=body[:size], autojunk=False).ratio() >= ALIKE_RATIO


def _is_inner(text: str, at: int) -> bool:
    """Tell whether a character belongs to the one before it."""
    is_mark = unicodedata.category(text[at]).startswith("M") or text[at] in _JOINERS
    return is_mark or (at > 0 and text[at - 1] == _JOINERS[0])


def _is_in_fence(text: str) -> bool:
    lines = text.splitlines()
    return sum(line.lstrip().startswith(_FENCES) for line in lines) % 2 == 1
