"""Names of tools, there and back without a table that somebody must keep.

Towards Gemini a name has letters, digits, ``_ . : -``, begins with a letter or ``_``, and has 128
characters at most. A name that does not fit is escaped: ``_:`` before it, and each foreign byte as
``:`` and two digits. Whoever reads the answer takes the escape off again.

From Gemini's callers a name may have what no other vendor allows. Such a name is shortened to 64
letters, digits, ``_`` and ``-``, with a digest of the whole. The same name gives the same short
one, so that the caller's own list of tools is what leads back.
"""

import hashlib
import re
from collections.abc import Iterable
from typing import Final

NAME_CHARS_MAX: Final = 128
SHORT_CHARS_MAX: Final = 64  # OpenAI's; Claude's are longer
_DIGEST_CHARS: Final = 10
_ALLOWED: Final = re.compile(rf"[A-Za-z_][A-Za-z0-9_.:-]{{0,{NAME_CHARS_MAX - 1}}}")
_PLAIN: Final = re.compile(rf"[A-Za-z0-9_-]{{1,{SHORT_CHARS_MAX}}}")
_FOREIGN: Final = re.compile(rb"[^A-Za-z0-9_.-]")
_ESCAPED: Final = re.compile(rb":([0-9a-f]{2})")
_ESCAPE: Final = "_:"


def escaped(name: str) -> str:
    """Return the name for Gemini; empty if it has too many characters."""
    if _ALLOWED.fullmatch(name) and not name.startswith(_ESCAPE):
        return name
    body = _FOREIGN.sub(lambda found: b":%02x" % found.group()[0], name.encode())
    written = _ESCAPE + body.decode()
    return written if name and len(written) <= NAME_CHARS_MAX else ""


def unescaped(name: str) -> str:
    """Return the name that was escaped; any other as it is."""
    if not name.startswith(_ESCAPE):
        return name
    body = name.removeprefix(_ESCAPE).encode()
    return _ESCAPED.sub(lambda found: bytes.fromhex(found.group(1).decode()), body).decode(
        errors="replace"
    )


def short(name: str) -> str:
    """Return the name as every dialect allows it."""
    if _PLAIN.fullmatch(name):
        return name
    digest = hashlib.sha256(name.encode(errors="replace")).hexdigest()[:_DIGEST_CHARS]
    head = re.sub(r"[^A-Za-z0-9_-]", "_", name)[: SHORT_CHARS_MAX - _DIGEST_CHARS - 1]
    return f"{head}_{digest}"


def ways_back(names: Iterable[str]) -> dict[str, str]:
    """Return the names by their short form, those that needed none left out."""
    return {written: name for name in names if (written := short(name)) != name}
