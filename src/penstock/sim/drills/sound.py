"""Sound: whether a result that somebody sends can be kept and shown.

    schema    this one
    name      letters, digits and . _ -, at most 100: it is part of addresses
    numbers   finite, and not beyond what JSON's readers tell apart
    times     from 0 to the year 9999; a window ends after it begins
    lists     and words: not longer than any drill makes them

Nothing here says that a result is true: whoever may send one could have drawn it up.
"""

import re
from collections.abc import Iterator
from typing import Any, Final, cast

import msgspec

from penstock.sim.drills.shapes import SCHEMA, Arm, Result

NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
NUMBER_MAX: Final = 2**53
TIME_MAX: Final = 253_402_300_799  # the year 9999
LIST_MAX: Final = 10_000  # of windows, counts, values: the longest that drills make has hundreds
TEXT_MAX: Final = 20_000
PROBLEMS_MAX: Final = 20


def problems(result: Result) -> list[tuple[str, str]]:
    """Return what is wrong, each with its place; the first few."""
    found = _problems(result)
    return [one for one, _ in zip(found, range(PROBLEMS_MAX), strict=False)]


def _problems(result: Result) -> Iterator[tuple[str, str]]:
    if result.schema != SCHEMA:
        yield "schema", f"this reads {SCHEMA}"
    if not NAME.fullmatch(result.name):
        yield "name", "letters, digits and . _ -, at most 100"
    yield from _walk(result, "")
    if not 0 <= result.began_unix_s <= TIME_MAX:
        yield "began_unix_s", "no time of this world"
    for at, one in enumerate(result.timetable.windows):
        place = f"timetable.windows[{at}]"
        if not 0 <= one.from_unix_s <= one.to_unix_s <= TIME_MAX:
            yield place, "it is over before it begins, or is no time of this world"
        if not 0 <= one.from_s < one.to_s:
            yield place, "it is over before it begins"
    for arm in (*result.arms, *result.customer):
        yield from _of_arm(arm)


def _of_arm(arm: Arm) -> Iterator[tuple[str, str]]:
    for one in arm.series:
        if one.step_s <= 0:
            yield f"arms.{arm.name[:20]}.series", "a step is longer than nothing"
    for one in arm.counts:
        if min(one.calls, one.complete, one.unfinished, one.calls - one.unfinished) < 0:
            yield f"arms.{arm.name[:20]}.counts", "there are no fewer calls than none"


def _walk(value: Any, place: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            yield from _walk(getattr(value, name), f"{place}.{name}" if place else name)
    elif isinstance(value, tuple | list):
        yield from _walk_list(list(cast("list[Any]", value)), place)
    elif isinstance(value, dict):
        yield from _walk_list(list(cast("dict[str, Any]", value).items()), place)
    elif isinstance(value, str):
        if len(value) > TEXT_MAX or "\0" in value:
            yield place, f"at most {TEXT_MAX:,} characters, none of them zero"
    elif isinstance(value, int | float) and not abs(value) <= NUMBER_MAX:
        yield place, "no number that can be told"


def _walk_list(values: list[Any], place: str) -> Iterator[tuple[str, str]]:
    if len(values) > LIST_MAX:
        yield place, f"at most {LIST_MAX:,}"
        return
    for at, one in enumerate(values):
        yield from _walk(one, f"{place}[{at}]")
