"""Words of full-text search: what is indexed, what is asked for, what is shown. Pure.

Each word is indexed behind a tag of its account, so that a search walks through one person's words
and no others: what it costs does not depend on how much other people have said. Scripts that write
without spaces (Chinese, Japanese, Thai ...) are indexed by characters, and asked for as a run of
them; so is Korean, whose words carry endings. Case and accents are folded by SQLite
(``unicode61``).

A question is what stands between spaces: all of it must be there, each piece as a run of words, and
the last word may go on. Every piece is quoted, so no text is an operator or an error.

What ``tagged`` returns must stay the same: a row is taken out of the index by the words that it was
put in by. Another rule needs a migration that fills the index anew.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from typing import Final

TAG_BYTES: Final = 5  # two accounts with the same tag cost time, and are told apart by their rows
INDEXED_MAX: Final = 400_000  # characters of one message
PIECES_MAX: Final = 16  # of a question
PREFIX_MIN: Final = 3  # letters of a word that may go on: what begins with fewer is half of all
BEFORE: Final = 40  # characters of a snippet before what was found
AFTER: Final = 140
LOOKED_AT: Final = 100_000  # characters of a text in which its snippet is looked for
OPENS: Final = "\N{FIRST STRONG ISOLATE}"
CLOSES: Final = "\N{POP DIRECTIONAL ISOLATE}"
_SPACELESS: Final = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf"
    "\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff"
)
_WORD: Final = re.compile(rf"(?=\w)[{_SPACELESS}]|[^\W_{_SPACELESS}]+")
_ALONE: Final = re.compile(rf"[{_SPACELESS}]")
_SPACES: Final = re.compile(r"\s+")


def tag_of(account: str) -> str:
    """Return what stands before each word of an account."""
    return hashlib.blake2b(account.encode(), digest_size=TAG_BYTES).hexdigest()


def tagged(account: str, text: str) -> str:
    """Return a text as it is indexed."""
    tag = tag_of(account)
    return " ".join([tag + word for word in _WORD.findall(text[:INDEXED_MAX])])


def pieces_of(asked: str) -> list[list[str]]:
    """Return the pieces of a question, each as words."""
    found = (_WORD.findall(piece) for piece in asked.split())
    return [words for words in found if words][:PIECES_MAX]


def question(account: str, pieces: Iterable[list[str]]) -> str:
    """Return what FTS5 is asked; empty if there is nothing to ask."""
    tag = tag_of(account)
    quoted = [" ".join(tag + word for word in words) for words in pieces]
    told = [f'"{one}"' for one in quoted]
    last = quoted[-1].rpartition(" ")[2].removeprefix(tag) if quoted else ""
    if len(last) >= PREFIX_MIN:
        told[-1] += "*"
    return " ".join(told)


def snippet(text: str, pieces: list[list[str]]) -> str:
    """Return where a text has what was asked for, with that marked; else its beginning."""
    plain = text[:LOOKED_AT].replace(OPENS, "").replace(CLOSES, "")
    found = [(one.start(), one.end()) for one in _pattern(pieces).finditer(_folded(plain))]
    first = found[0][0] if found else 0
    begin = _word_begin(plain, max(0, first - BEFORE), first)
    end = min(len(plain), first + AFTER)
    told, at = ["\N{HORIZONTAL ELLIPSIS}" if begin else ""], begin
    for start, stop in found:
        if stop > end:
            break
        told += [plain[at:start], OPENS, plain[start:stop], CLOSES]
        at = stop
    told.append(plain[at:end])
    told.append("\N{HORIZONTAL ELLIPSIS}" if end < len(plain) else "")
    return _SPACES.sub(" ", "".join(told)).strip()


def _word_begin(text: str, begin: int, limit: int) -> int:
    """Return where the next word begins, if one does before the limit."""
    if not begin:
        return 0
    space = _SPACES.search(text, begin, limit)
    return space.end() if space else begin


def _pattern(pieces: list[list[str]]) -> re.Pattern[str]:
    """Return what finds any of the pieces in a folded text."""
    told: list[str] = []
    for at, words in enumerate(pieces):
        between = r"[\W_]{0,9}".join(re.escape(_folded(word)) for word in words)
        first = "" if _ALONE.match(words[0]) else r"(?<![^\W_])"
        is_open = at == len(pieces) - 1 and len(words[-1]) >= PREFIX_MIN
        last = r"[^\W_]{0,60}" if is_open else "" if _ALONE.match(words[-1]) else r"(?![^\W_])"
        told.append(first + between + last)
    return re.compile("|".join(told) or r"(?!)")


class _Folds(dict[int, str]):
    """A character without case and accent, as long as it was."""

    def __missing__(self, code: int) -> str:
        plain = unicodedata.normalize("NFD", chr(code).lower())[:1]
        self[code] = plain
        return plain


def _folded(text: str) -> str:
    return text.lower() if text.isascii() else text.translate(_Folds())
