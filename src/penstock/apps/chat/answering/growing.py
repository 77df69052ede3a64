"""A text that grows, said once whatever is said again. Pure.

Places count UTF-16 units, as browsers do. A stream that is asked for again begins at ``base``: what
is there already behind it is not told again, as long as it is the same; a stream that says anything
else is another answer (``is_other``), and nothing of it comes out.

A continuation that was asked for with an anchor goes through its seam first (``dialects/seam.py``).
"""

from typing import Final, Protocol

from penstock.apps.chat.shapes import Delta

LEADING: Final = range(0xD8, 0xDC)  # the upper byte of a pair's first half


class Joined(Protocol):
    """What a continuation's text goes through."""

    def feed(self, text: str) -> str:
        """Return what is new of it."""
        ...

    def finish(self) -> str:
        """Return what was held."""
        ...


def units(text: str) -> int:
    """Return the length of a text as browsers count it."""
    if text.isascii():
        return len(text)
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def cut(text: str, length_units: int) -> str:
    """Return the beginning of a text, so many units long; never half a character."""
    if text.isascii():
        return text[:length_units]
    raw = text.encode("utf-16-le", "surrogatepass")[: 2 * length_units]
    if raw and raw[-1] in LEADING:  # the first half of a pair, whose second is gone
        raw = raw[:-2]
    return raw.decode("utf-16-le", "surrogatepass")


class Growing:
    """One text. Owned by one event loop; ``text`` may be read from any thread."""

    __slots__ = ("_again", "_pieces", "_seam", "is_other", "units")

    def __init__(self, text: str) -> None:
        self._pieces = [text] if text else []
        self.units = units(text)
        self._again = ""  # what is there already, and will be said again
        self._seam: Joined | None = None
        self.is_other = False

    @property
    def text(self) -> str:
        """All of it."""
        return "".join(self._pieces)

    @property
    def place(self) -> int:
        """How far the stream has come: less than ``units`` where it says again what is there."""
        return self.units - units(self._again)

    def rewind(self, base_units: int, seam: Joined | None = None) -> None:
        """Expect a stream that begins at this place, through this seam."""
        text = self.text
        self._pieces = [text] if text else []
        self._again = text[len(cut(text, base_units)) :]
        self._seam = seam
        self.is_other = False

    def feed(self, text: str) -> str:
        """Return what is new of what is said, and has been added."""
        if self._seam is not None:
            text = self._seam.feed(text)
        return self._take(text)

    def finish(self) -> str:
        """Return what was held until the end, and has been added."""
        seam, self._seam = self._seam, None
        return self._take(seam.finish()) if seam is not None else ""

    def _take(self, text: str) -> str:
        if self._again:
            text = self._fresh(text)
        if not text or self.is_other:
            return ""
        self._pieces.append(text)
        self.units += units(text)
        return text

    def _fresh(self, text: str) -> str:
        """Return what is behind the part that is there already."""
        same = min(len(text), len(self._again))
        if text[:same] != self._again[:same]:
            self.is_other = True
            return ""
        self._again = self._again[same:]
        return text[same:]


def folded(text: str, deltas: list[Delta]) -> str:
    """Return a text with these deltas added, as a browser does it."""
    pieces, length = [text], units(text)
    for delta in deltas:
        if delta.at < length:
            pieces = [cut("".join(pieces), delta.at)]
            length = units(pieces[0])
        pieces.append(delta.text)
        length += units(delta.text)
    return "".join(pieces)
