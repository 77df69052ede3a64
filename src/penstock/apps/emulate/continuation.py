"""Going on with an answer that broke: how such a request is known, and how it is answered.

    prefill   the last turn is the assistant's; where the model takes that, the answer is the rest
              of what it would have said without that turn. GPT takes it too, but starts again.
    anchor    the last turn is the user's, after a partial answer, and quotes its end in «...»,
              “...” or "...": the quote is repeated exactly, then comes the rest

Rule 1: whatever else is in the user's turn, only a quoted end of the turn before makes it an
anchor: at least 12 characters of it, or all of it if it is the beginning of our own answer.
Rule 2: a partial answer that is not ours is gone on from in our own words.
Rule 3: a fault changes the way of going on, and nothing in any other answer:

    continue_restart     from the top, as if nothing had been said
    continue_no_repeat   without the repeat
    continue_respaced    other white space in the repeat, or at its end
    continue_requoted    other marks for quotes and apostrophes in the repeat
    continue_overlap     less is repeated than was quoted; after a prefill, something is
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import cycle, islice
from typing import Any, Final, cast

import msgspec

from penstock.apps.emulate import text
from penstock.apps.emulate.ask import Ask, Role, Turn
from penstock.apps.emulate.catalogue import GPT
from penstock.core.fault import FaultKind

QUOTE_MIN: Final = 12  # shorter than this, it may be chance
QUOTE_MAX: Final = 400
OVERLAP: Final = 20
_BROKEN_TURNS: Final = 3  # the question, the partial answer, the wish to go on
_PLACES_MAX: Final = 50  # quotes that end alike; one is expected
_OPENERS: Final = '«“„"'
_CLOSERS: Final = '»”"'
_MARKS: Final = str.maketrans("\"'\u201c\u201d\u2019", '\u201c\u2019""\'')
_WRAPPERS: Final = frozenset(("output", "result", "content", "error"))  # around a tool's words
_SPACE: Final = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Broken:
    """A broken answer. ``turns`` led to it; ``quote`` is repeated; ``is_sure`` after rule 1."""

    turns: tuple[Turn, ...]
    partial: str
    quote: str = ""
    is_sure: bool = True


def find(ask: Ask) -> Broken | None:
    """Return what a request wants to be gone on with, if it wants that."""
    turns = list(ask.turns)
    if len(turns) > 1 and turns[-1].role is Role.ASSISTANT:
        may_go_on = ask.model.may_prefill and ask.model.provider != GPT
        return Broken(ask.turns[:-1], turns[-1].text if may_go_on else "")
    if len(turns) < _BROKEN_TURNS:
        return None
    broken, wish = turns[-2:]
    if broken.role is not Role.ASSISTANT or wish.role is not Role.USER:
        return None
    partial = broken.text.rstrip()
    quote = quoted_end(partial, wish.text)
    if not quote:
        return None
    return Broken(ask.turns[:-2], partial, quote, is_sure=len(quote) >= QUOTE_MIN)


def quoted_end(partial: str, wish: str) -> str:
    """Return the longest end of a text that is quoted in another, at least as rule 1 says."""
    if not partial:
        return ""
    tail = partial[-QUOTE_MIN:]
    if tail not in wish:
        return ""
    best = ""
    ends = re.finditer(rf"(?={re.escape(tail)}\s{{0,3}}[{_CLOSERS}])", wish)
    for found in islice(ends, _PLACES_MAX):
        at, end = found.start(), found.start() + len(tail)
        for start in range(at - 1, max(-1, end - QUOTE_MAX - 1), -1):
            inner = wish[start + 1 : end].lstrip()
            if wish[start] in _OPENERS and len(inner) > len(best) and partial.endswith(inner):
                best = inner
    return best if len(best) >= QUOTE_MIN or best == partial.lstrip() else ""


def rest(whole: str, broken: Broken, more: Iterable[str], fault: FaultKind | None) -> list[str]:
    """Return the tokens that go on from a broken answer; ``more`` is for one that is not ours."""
    begun = broken.partial.rstrip()
    if fault is FaultKind.CONTINUE_RESTART:
        return text.pieces(whole)
    repeat = _repeat(broken, fault)
    if whole.startswith(begun):
        left = whole[len(begun) :]
        if fault is FaultKind.CONTINUE_RESPACED and not broken.quote:
            left = "\n" + left.lstrip()
        return text.pieces(repeat + left)
    return [*text.pieces(repeat), *more]


def told(turns: Iterable[Turn]) -> list[str]:
    """Return a conversation as texts that are the same in every dialect.

    What one side says in several turns is one turn, and what a tool brought back is read as JSON,
    without the wrapper that a dialect may need around a plain text.
    """
    texts: list[tuple[Role, str]] = []
    for turn in turns:
        said = _plain(turn.text) if turn.role is Role.TOOL else turn.text
        if texts and texts[-1][0] is turn.role:
            said = "\n".join(part for part in (texts[-1][1], said) if part)
            texts[-1] = (turn.role, said)
        elif said:
            texts.append((turn.role, said))
    return [f"{role.value}:{said}" for role, said in texts]


def _repeat(broken: Broken, fault: FaultKind | None) -> str:
    """Return what is said again before the rest."""
    if fault is FaultKind.CONTINUE_OVERLAP:
        half = len(broken.quote) // 2 if broken.quote else OVERLAP
        return broken.partial.rstrip()[-half:].lstrip()
    if fault is FaultKind.CONTINUE_NO_REPEAT:
        return ""
    if fault is FaultKind.CONTINUE_RESPACED:
        spaces = cycle(("\n", "  "))
        return _SPACE.sub(lambda _: next(spaces), broken.quote)
    if fault is FaultKind.CONTINUE_REQUOTED:
        return broken.quote.translate(_MARKS)
    return broken.quote


def _plain(result: str) -> str:
    try:
        value: Any = msgspec.json.decode(result)
    except (msgspec.DecodeError, RecursionError):
        return result
    if isinstance(value, dict):
        fields = cast("dict[str, Any]", value)
        if len(fields) == 1 and _WRAPPERS.issuperset(fields):
            (value,) = fields.values()
    if isinstance(value, str):
        return value
    return msgspec.json.encode(value, order="sorted").decode()
