"""Words: what an emulated model says when nobody tells it what to say.

A token is a word with the space before it and the mark behind it, so that words, tokens and events
of content are the same number. Aids let a test choose the words, in the last user text:

    [[words:N]]    exactly N words
    [[say:TEXT]]   exactly TEXT, told by words
    [[lead:N]]     N words before the calls, where tools are called

A canary is answered without an aid, as any model answers it, so that whoever asks one of real
models asks the same here: "Repeat these N words exactly, and write nothing else: ..." gets those
words. Faults of content spoil them.
"""

import hashlib
import re
from collections.abc import Callable, Iterable
from random import Random
from typing import Final

import msgspec

_VOCABULARY: Final = (
    "water river gate turbine pressure valve channel basin spring current weir lock intake "
    "flow head tunnel steel concrete pipe surge level meter season winter summer valley "
    "mountain engine shaft blade rotor power grid village city winter morning evening "
    "operator engineer crew watch signal report record balance reserve margin limit measure "
    "reason answer question plan test result cause effect the the the a a and and of of to to "
    "in in with for on from under over through before after while when where because although "
    "every each some most careful steady sudden quiet heavy light narrow wide deep shallow "
    "early late honest open closed rises falls turns carries holds opens closes waits moves "
    "slows stops starts keeps shows gives takes needs changes follows returns remains becomes "
    "means "
)
_WORDS: Final = tuple(_VOCABULARY.split())
_PIECES: Final = re.compile(r"\s*\S+\s*\Z|\s*\S+|\s+")
_JSON_PIECES: Final = re.compile(r'"?[^"]{1,5}"?|"')
_AID: Final = re.compile(r"\[\[(words|say):(.*?)\]\]", re.DOTALL)
_CANARY: Final = re.compile(
    r"\ARepeat these \d+ words exactly, and write nothing else: ([a-z ]+)\Z"
)
_LEAD: Final = re.compile(r"\[\[lead:(\d{1,3})\]\]", re.ASCII)
_DIGITS_MAX: Final = 9
_SENTENCE_MIN: Final = 5
_SENTENCE_MAX: Final = 14
_WRONG_SCRIPT: Final = ("ฟหก", "ღმრთ", "ѭѯҩ", "ꙮ")


def digest(parts: Iterable[str]) -> int:
    """Return a number that is the same for the same texts, on every machine."""
    hashed = hashlib.blake2b(digest_size=8)
    for part in parts:
        hashed.update(part.encode("utf-8", "surrogatepass"))
        hashed.update(b"\0")
    return int.from_bytes(hashed.digest(), "big")


def called(name: str, arguments: object) -> str:
    """Return a call as a text that is the same in every dialect; arguments may come as JSON."""
    if isinstance(arguments, str):
        try:
            arguments = msgspec.json.decode(arguments)
        except (msgspec.DecodeError, RecursionError):
            return f"{name}({arguments})"
    return f"{name}({msgspec.json.encode(arguments or {}, order='sorted').decode()})"


def words(chance: Callable[[], float], count: int) -> list[str]:
    """Return so many words, plain."""
    return [_WORDS[int(chance() * len(_WORDS))] for _ in range(count)]


def prose(rng: Random, count: int, *, is_start: bool = True) -> list[str]:
    """Return so many tokens of sentences; the last one ends in a full stop."""
    tokens = [" " + word for word in rng.choices(_WORDS, k=count)]
    at = 0
    while at < count:
        tokens[at] = " " + tokens[at][1:].capitalize()
        at = min(at + rng.randint(_SENTENCE_MIN, _SENTENCE_MAX), count)
        if at - 3 > 0 and rng.random() < 1 / 3:
            tokens[at - 3] += ","
        tokens[at - 1] += "."
    if tokens and is_start:
        tokens[0] = tokens[0].lstrip()
    return tokens


def pieces(text: str) -> list[str]:
    """Cut a text into tokens that join to it exactly."""
    return _PIECES.findall(text)


def json_pieces(text: str) -> list[str]:
    """Cut a JSON text into fragments as models stream it; they join to it exactly."""
    return _JSON_PIECES.findall(text)


def told(text: str, count_max: int) -> list[str] | int | None:
    """Return what a canary or an aid asks for: tokens, a number of words, or nothing."""
    canary = _CANARY.match(text)
    if canary is not None:
        return pieces(canary.group(1))
    found = _AID.search(text)
    if found is None:
        return None
    kind, value = found.groups()
    if kind == "say":
        return pieces(value)
    is_number = value.isdecimal() and len(value) <= _DIGITS_MAX
    return min(int(value), count_max) if is_number else None


def lead(text: str) -> int:
    """Return how many words are to come before calls."""
    found = _LEAD.search(text)
    return int(found.group(1)) if found else 0


def corrupt(tokens: list[str]) -> list[str]:
    """Return the tokens with every third one in a wrong script."""
    return [
        " " + _WRONG_SCRIPT[at % len(_WRONG_SCRIPT)] if at % 3 == 1 else token
        for at, token in enumerate(tokens)
    ]


def cut_at_stop(tokens: list[str], stops: tuple[str, ...]) -> tuple[list[str], str | None]:
    """Return the tokens before the first stop sequence, and which one it was."""
    if not stops:
        return tokens, None
    text = "".join(tokens)
    found = [(at, stop) for stop in stops if stop and (at := text.find(stop)) >= 0]
    if not found:
        return tokens, None
    at, stop = min(found)
    return pieces(text[:at]), stop
