"""Reading: any one figure of a result, by its name and where it was measured.

    of calls       the fields of ``Counts``, and ``RATIOS``; by arm, place, tier, window
                   ``refusals:CODE``, ``answered:PROVIDER``  of them; none is 0
    of a bill      the fields of ``Bill``; by arm and tier
    of the ledger  the fields of ``Reckoning``; by arm
    of who knew    the fields of ``Seen``; by component. Without one: the worst of those that
                   failed, where "never" is the worst of all
    customer       the same, of calls while the API failed (``Result.customer``)

A truth is 1 or 0. None is a figure that was not to be had; a name that is no figure is a problem of
whoever asks (``is_figure``).
"""

import math
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple, TypeVar

import msgspec

from penstock.sim.drills.shapes import PENSTOCK, Arm, Bill, Counts, Reckoning, Result, Seen

NEVER: Final = math.inf
PARTS: Final = ("refusals", "answered")  # counts by name
_T = TypeVar("_T")


class Where(NamedTuple):
    """Which of all the figures of a name."""

    arm: str = PENSTOCK
    place: str = "api"
    tier: str = ""
    window: int = -1
    component: str = ""
    is_customer: bool = False


def _over(one: float | None, other: float | None) -> float | None:
    return None if one is None or not other else one / other


def _ended(one: Counts) -> int:
    return one.calls - one.unfinished


def _possible(one: Counts) -> float | None:
    return _over(_over(one.sessions_complete, one.sessions), one.possible_ratio)


RATIOS: Final[dict[str, Callable[[Counts], float | None]]] = {
    "success_ratio": lambda one: one.success_ratio,
    "refused_ratio": lambda one: _over(one.refused, _ended(one)),
    "failed_ratio": lambda one: _over(one.failed, _ended(one)),
    "broken_ratio": lambda one: _over(one.broken, _ended(one)),
    "waited_ratio": lambda one: _over(one.waited, _ended(one)),
    "tries_per_call": lambda one: _over(one.tries, one.calls),
    "sessions_ratio": lambda one: _over(one.sessions_complete, one.sessions),
    "sessions_of_possible_ratio": _possible,  # of those that capacity allowed
}


def is_figure(name: str) -> bool:
    """Return whether there is such a figure."""
    head, colon, part = name.partition(":")
    if colon:
        return head in PARTS and bool(part)
    return name in RATIOS or any(name in names for names in FIELDS.values())


def figure(result: Result, name: str, where: Where) -> float | None:
    """Return a figure; None if it was not to be had."""
    if name in FIELDS[Seen]:
        return _seen(result.seen, name, where)
    if name in FIELDS[Bill]:
        return _field(_first(_at(result.bills, where, tier=where.tier)), name)
    if name in FIELDS[Reckoning]:
        return _field(_first(_at(result.reckonings, where)), name)
    counts = _counts(result.customer if where.is_customer else result.arms, where)
    return None if counts is None else _of_calls(counts, name)


def _of_calls(counts: Counts, name: str) -> float | None:
    head, colon, part = name.partition(":")
    if colon:
        found: dict[str, int] = getattr(counts, head)
        return found.get(part, 0)
    return RATIOS[name](counts) if name in RATIOS else _field(counts, name)


def names() -> tuple[str, ...]:
    """Return all figures, of calls first."""
    fields = (sorted(FIELDS[kind]) for kind in (Counts, Bill, Reckoning, Seen))
    calls, *rest = fields
    return (*RATIOS, *calls, *(f"{one}:NAME" for one in PARTS), *(x for one in rest for x in one))


def _numbers(kind: type[msgspec.Struct]) -> frozenset[str]:
    """Return the fields of a struct that are numbers or truths."""
    empty = {int, float, bool, int | None, float | None, bool | None}
    return frozenset(
        one.name
        for one in msgspec.structs.fields(kind)
        if one.type in empty and one.name != "window"
    )


FIELDS: Final = {kind: _numbers(kind) for kind in (Counts, Bill, Reckoning, Seen)}


def _counts(arms: Iterable[Arm], where: Where) -> Counts | None:
    return _first(
        one
        for arm in arms
        if arm.name == where.arm
        for one in arm.counts
        if (one.place, one.tier, one.window) == (where.place, where.tier, where.window)
    )


def _at(rows: Iterable[_T], where: Where, **others: str) -> Iterable[_T]:
    wanted = {"arm": where.arm, **others}
    return (one for one in rows if all(getattr(one, x) == y for x, y in wanted.items()))


def _seen(rows: Iterable[Seen], name: str, where: Where) -> float | None:
    mine = [
        one
        for one in rows
        if (one.component == where.component if where.component else one.failed_at_s is not None)
    ]
    found = [_field(one, name) for one in mine]
    if name.startswith("is_"):
        known = [one for one in found if one is not None]
        return min(known, default=None)
    return max((NEVER if one is None else one for one in found), default=None)


def _first(rows: Iterable[_T]) -> _T | None:
    return next(iter(rows), None)


def _field(one: object, name: str) -> float | None:
    value = None if one is None else getattr(one, name)
    return float(value) if isinstance(value, bool | int | float) else None
