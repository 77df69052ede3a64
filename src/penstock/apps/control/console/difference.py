"""What changed between two documents, in lines that people can read.

    {"limits": {"requests_per_min": 60}}  ->  {"limits": {"requests_per_min": 90}}
    limits.requests_per_min   60   90

Tables in a list that have a name (``name``, ``id`` or ``model``) are told apart by it, so that one
more in front does not change all behind it. Two that bear the same name get a number.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final, cast

import msgspec

NAMES: Final = ("name", "id", "model")
NOTHING: Final = "-"
LINES_MAX: Final = 500  # of one change, on a page
VALUE_CHARACTERS_MAX: Final = 200


class Line(msgspec.Struct, frozen=True):
    """One value that is another now; a dash where there was none, or is none."""

    place: str
    before: str
    after: str

    @property
    def kind(self) -> str:
        """Whether it was added, removed or changed."""
        if self.before == NOTHING:
            return "added"
        return "removed" if self.after == NOTHING else "changed"


def lines(before: object, after: object) -> list[Line]:
    """Return the differences, in the order of the documents."""
    was, becomes = dict(_leaves(before, "")), dict(_leaves(after, ""))
    found = [
        Line(place, was.get(place, NOTHING), becomes.get(place, NOTHING))
        for place in {**was, **becomes}
        if was.get(place, NOTHING) != becomes.get(place, NOTHING)
    ]
    return found[:LINES_MAX]


def of_json(before: str, after: str) -> list[Line]:
    """Return the differences of two JSON texts, either of which may be empty."""
    return lines(_decoded(before), _decoded(after))


def _decoded(text: str) -> Any:
    try:
        return msgspec.json.decode(text) if text else None
    except msgspec.DecodeError:
        return text


def _leaves(value: Any, place: str) -> Iterator[tuple[str, str]]:
    inner = list(_inner(value, place))
    for at, one in inner:
        yield from _leaves(one, at)
    if not inner and value is not None and (place or value):
        yield place, _told(value)


def _inner(value: Any, place: str) -> Iterator[tuple[str, Any]]:
    """Yield the values of a table, or the tables of a list, with their places."""
    if isinstance(value, dict):
        for name, one in cast(dict[str, Any], value).items():
            yield f"{place}.{name}" if place else name, one
    elif isinstance(value, list | tuple):
        found = cast(Sequence[Any], value)
        if not all(isinstance(one, dict) for one in found):
            return
        seen: dict[str, int] = {}
        for at, one in enumerate(found):
            name = _name(one, at)
            seen[name] = seen.get(name, 0) + 1
            yield f"{place}[{name if seen[name] == 1 else f'{name} #{seen[name]}'}]", one


def _name(table: dict[str, Any], at: int) -> str:
    return next((str(table[one]) for one in NAMES if table.get(one)), str(at + 1))


def _told(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text if len(text) <= VALUE_CHARACTERS_MAX else text[:VALUE_CHARACTERS_MAX] + " ..."
