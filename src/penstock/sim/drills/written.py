"""Drill files as users write them: ``penstock-drills/2``, TOML or JSON.

    head      ``schema`` and ``drills``, no more
    times     ``start`` and ``end`` with a zone; or ``start_s`` and ``end_s`` from ``begins``, which
              is 09:00 UTC of a Monday unless it is said. A phase has one of each pair
    numbers   ``faults``: what is known, or what the user wants to see; ``assumed``: what was
              chosen; ``unnumbered``: kinds of which nobody knows how often
    besides   ``traffic`` in place of the default mix; ``impact``: what a minute costs; ``waves``
              of user reports; ``user_reports``: when the provider spoke

What comes out is the table that ``penstock-drills/1`` would have, and everything that is wrong with
the file at once: fields are converted one by one, because msgspec stops at the first bad one.
"""

import datetime as dt
import difflib
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, TypeVar, cast

import msgspec

from penstock.core.errors import Problem
from penstock.sim.drills.terms import Impact, Wave
from penstock.sim.drills.traffic import Traffic
from penstock.sim.drills.vocabulary import FACTOR_KINDS, FAULT_KINDS, SURFACES

SCHEMA: Final = "penstock-drills/2"
FORMAT: Final = "see docs/reference/drill-file.md"
BEGINS: Final = dt.datetime(2026, 1, 5, 9, tzinfo=dt.UTC)  # a Monday, when people begin to work
PHASES_MAX: Final = 100  # the longest outage on record has 31
DRILLS_MAX: Final = 200
TRAFFIC_MAX: Final = 30
WAVES_MAX: Final = 30
SPAN_MAX_S: Final = 31 * 86_400.0

Seconds = Annotated[float, msgspec.Meta(ge=0.0, le=SPAN_MAX_S)]
Id = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9.-]{0,79}$")]
_Struct = TypeVar("_Struct", bound=msgspec.Struct)


class Written(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all parts of the file have in common."""


class WrittenPhase(Written, frozen=True, kw_only=True):
    """What fails, where, from when to when."""

    start: dt.datetime | None = None  # an instant with a zone
    end: dt.datetime | None = None  # as start
    start_s: Seconds | None = None  # from the drill's ``begins``
    end_s: Seconds | None = None  # as start_s
    surfaces: tuple[str, ...]  # what fails: see the table of surfaces
    healthy: tuple[str, ...] = ()  # stated to have worked
    faults: dict[str, float | None] = {}  # kind -> share of requests
    assumed: dict[str, float] = {}  # kind -> share that was chosen; the report says so
    unnumbered: tuple[str, ...] = ()  # kinds without a share
    shape: dict[str, float | str] = {}  # how the shares move: see the table of shapes
    stall_s: Seconds | None = None  # how long a hang or a late first token lasts
    note: str = ""  # for whoever reads the file


class WrittenReports(Written, frozen=True, kw_only=True):
    """What is public of users' reports and of the provider's own posts."""

    first_s: Seconds | None = None  # first user report
    early_warning_s: Seconds | None = None  # of a public monitor
    provider_first_post_s: Seconds | tuple[Seconds, ...] | None = None  # of each incident
    first: dt.datetime | None = None  # the same as instants
    early_warning: dt.datetime | None = None  # the same
    provider_first_post: dt.datetime | tuple[dt.datetime, ...] | None = None  # the same
    peak: Annotated[int, msgspec.Meta(ge=0)] | None = None  # reports at their highest
    note: str = ""  # for whoever reads the file


class WrittenDrill(Written, frozen=True, kw_only=True):
    """One outage, real or invented."""

    id: Id  # its name, in reports and in history
    provider: str  # whose outage it is: see the table of providers
    title: str = ""  # in a few words; empty: the id
    begins: dt.datetime | None = None  # what ``start_s`` counts from
    confidence: Literal["high", "medium", "low"] = "medium"  # of times and shares in ``faults``
    sources: tuple[str, ...] = ()  # where it is published
    note: str | None = None  # for whoever reads the file
    phases: tuple[WrittenPhase, ...]
    user_reports: WrittenReports | None = None
    traffic: tuple[Traffic, ...] = ()  # empty: the default mix
    impact: Impact | None = None  # what a minute and a request cost
    waves: tuple[Wave, ...] = ()  # of user reports, in virtual time


_NESTED: Final[Mapping[str, tuple[type[msgspec.Struct], int]]] = {
    "phases": (WrittenPhase, PHASES_MAX),
    "traffic": (Traffic, TRAFFIC_MAX),
    "waves": (Wave, WAVES_MAX),
}


def first_form(
    document: Mapping[str, Any], place: str
) -> tuple[dict[str, Any] | None, list[Problem]]:
    """Return the table that the first format would have, or None and all that is wrong."""
    problems = [
        Problem(place, f"{name!r} does not belong there", "the head is schema and drills")
        for name in document
        if name not in {"schema", "drills"}
    ]
    raw = document.get("drills")
    if not isinstance(raw, list) or not raw:
        return None, [*problems, Problem(place, "it has no drills", "write each as [[drills]]")]
    listed = cast("list[object]", raw)
    if len(listed) > DRILLS_MAX:
        told = f"{len(listed)} drills are too many"
        return None, [*problems, Problem(place, told, f"at most {DRILLS_MAX} in a file")]
    drills = [_drill(one, at, place, problems) for at, one in enumerate(listed)]
    if problems:
        return None, problems
    table: dict[str, Any] = {
        "schema": SCHEMA,
        "generated": BEGINS.date(),
        "rules": [],
        "fault_kinds": dict(FAULT_KINDS),
        "factor_kinds": list(FACTOR_KINDS),
        "shapes": {},
        "surfaces": dict(SURFACES),
        "user_report_fields": {},
        "drills": drills,
    }
    return table, []


def _drill(raw: object, at: int, place: str, problems: list[Problem]) -> dict[str, Any]:
    if not isinstance(raw, dict):
        problems.append(Problem(f"{place}: drills[{at}]", "is not a table", "write [[drills]]"))
        return {}
    table = cast("dict[str, Any]", raw)
    where = f"{place}: {table.get('id', f'drills[{at}]')}"
    before = len(problems)
    values: dict[str, Any] = {}
    for name, (kind, most) in _NESTED.items():
        if name in table:
            values[name] = _entries(kind, table[name], f"{where}: {name}", most, problems)
    for name, kind in (("user_reports", WrittenReports), ("impact", Impact)):
        if name in table:
            values[name] = _struct(kind, table[name], {}, f"{where}: {name}", problems)
    drill = _struct(WrittenDrill, table, values, where, problems)
    if drill is None or len(problems) > before:
        return {}
    try:
        return _in_first_form(drill, where, problems)
    except (OverflowError, ValueError):  # the year 10000 is not in the calendar
        problems.append(Problem(where, "a time is out of the calendar", "give another year"))
        return {}


def _entries(
    kind: type[_Struct], raw: object, place: str, most: int, problems: list[Problem]
) -> tuple[_Struct, ...]:
    listed = cast("list[object]", raw) if isinstance(raw, list) else []
    if not isinstance(raw, list) or len(listed) > most:
        problems.append(Problem(place, f"must be a list of at most {most}", FORMAT))
        return ()
    found = [_struct(kind, one, {}, f"{place}[{at}]", problems) for at, one in enumerate(listed)]
    return tuple(one for one in found if one is not None)


def _struct(
    kind: type[_Struct],
    raw: object,
    given: Mapping[str, Any],
    place: str,
    problems: list[Problem],
) -> _Struct | None:
    """Convert a table field by field; ``given`` are fields that are converted already."""
    if not isinstance(raw, dict):
        problems.append(Problem(place, "is not a table", FORMAT))
        return None
    table = cast("dict[str, Any]", raw)
    values, before = dict(given), len(problems)
    fields = {one.name: one for one in msgspec.structs.fields(kind)}
    problems += [_unknown(place, name, list(fields)) for name in table if name not in fields]
    for name, field in fields.items():
        if name in given:
            continue
        if name in table:
            try:
                values[name] = msgspec.convert(table[name], field.type)
            except msgspec.ValidationError as error:
                problems.append(_bad(place, name, error))
        elif field.required:
            problems.append(Problem(place, f"{name} is missing", FORMAT))
    return kind(**values) if len(problems) == before else None


def _unknown(place: str, name: str, known: list[str]) -> Problem:
    close = difflib.get_close_matches(name, known, n=1)
    remedy = f"did you mean {close[0]!r}?" if close else f"known there: {', '.join(known)}"
    return Problem(place, f"{name!r} is not known", remedy)


def _bad(place: str, name: str, error: msgspec.ValidationError) -> Problem:
    words, _, at = str(error).replace("`", "").partition(" - at $")
    return Problem(place, f"{name}{at}: {words[0].lower()}{words[1:]}", FORMAT)


def _in_first_form(drill: WrittenDrill, place: str, problems: list[Problem]) -> dict[str, Any]:
    begins = drill.begins or BEGINS
    if begins.tzinfo is None:
        problems.append(Problem(place, "begins has no zone", 'end it with "Z"'))
        return {}
    phases = [
        _phase(phase, begins, f"{place}: phases[{at}]", problems)
        for at, phase in enumerate(drill.phases)
    ]
    reports = drill.user_reports
    return {
        "id": drill.id,
        "outage_row": 0,
        "provider": drill.provider,
        "date": min((one["start"] for one in phases if one), default=begins).date(),
        "title": drill.title or drill.id,
        "confidence": drill.confidence,
        "sources": drill.sources,
        "note": drill.note,
        "phases": phases,
        "user_reports": _reports(reports, begins) if reports else None,
        "traffic": drill.traffic,
        "impact": drill.impact,
        "waves": drill.waves,
    }


def _phase(
    phase: WrittenPhase, begins: dt.datetime, place: str, problems: list[Problem]
) -> dict[str, Any]:
    times: dict[str, dt.datetime] = {}
    for name, instant, seconds in (
        ("start", phase.start, phase.start_s),
        ("end", phase.end, phase.end_s),
    ):
        if (instant is None) == (seconds is None):
            told = f"it has {'neither' if instant is None else 'both'} {name} and {name}_s"
            problems.append(Problem(place, told, "give one of the two"))
            return {}
        times[name] = instant or begins + dt.timedelta(seconds=seconds or 0.0)
    if any(one.tzinfo is None for one in times.values()):
        problems.append(Problem(place, "a time has no zone", 'end it with "Z"'))
        return {}
    nulls = dict.fromkeys((*phase.assumed, *phase.unnumbered))
    return {
        **times,
        "surfaces": phase.surfaces,
        "healthy": phase.healthy,
        "faults": {**nulls, **phase.faults},
        "assumed": phase.assumed,
        "shape": phase.shape or {"kind": "constant"},
        "stall_s": phase.stall_s,
        "note": phase.note,
    }


def _reports(reports: WrittenReports, begins: dt.datetime) -> dict[str, Any]:
    posts = reports.provider_first_post_s
    told = () if posts is None else posts if isinstance(posts, tuple) else (posts,)
    found: dict[str, Any] = {"peak": reports.peak, "note": reports.note}
    for name, instant, seconds in (
        ("first", reports.first, reports.first_s),
        ("early_warning", reports.early_warning, reports.early_warning_s),
    ):
        found[name] = instant or (_after(begins, seconds) if seconds is not None else None)
    found["provider_first_post"] = reports.provider_first_post or (
        tuple(_after(begins, one) for one in told) or None
    )
    return found


def _after(begins: dt.datetime, seconds: float) -> dt.datetime:
    return begins + dt.timedelta(seconds=seconds)
