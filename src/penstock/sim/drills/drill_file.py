"""Drills: real outages as a file, to be replayed (format ``penstock-drills/1``, JSON).

What users write (``penstock-drills/2``, TOML or JSON) is read by ``written`` and becomes the same.

    faults      kind -> published share of requests on the phase's surfaces; null: the kind is
                published, its share is not
    assumed     kind -> number that was chosen where the published share is null; whoever shows
                such a number says that it is assumed
    neither     a kind null in ``faults`` and absent from ``assumed`` has no number at all
    healthy     surfaces that are stated or assumed to have worked; what is in neither list is
                replayed as unaffected
    together    shares on one surface add up (to 1 at most); overlapping phases run together;
                a factor (``factor_kinds``) is no share and is not added

    shape       scales the numbers of a phase over its time
      constant    as they are
      ramp        ``from`` until ``over_s`` before the end (null: from the start), then linearly
                  to ``to``
      flap        ``on_s`` at full, ``off_s`` at zero, over and over from the phase's start
      alternate   the kinds take turns of ``slot_s`` (null: ``SLOT_S``), in the order of the file

    surface     web, web:<tier>, login, api, api:<feature>, @<region>, model:<name>, model:<name>*

The file is read strictly; all that is wrong in it is told at once, each with its place.
"""

import datetime as dt
import math
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal

import msgspec

from penstock.core.errors import ConfigError, Problem
from penstock.sim.drills import written
from penstock.sim.drills.terms import Impact, Wave
from penstock.sim.drills.traffic import Traffic

SCHEMA: Final = "penstock-drills/1"
SLOT_S: Final = 300.0  # of a kind's turn, where none is published: long enough to be told apart
SCHEMAS: Final = (SCHEMA, written.SCHEMA)
REMEDY: Final = "see docs/reference/drill-file.md for the format"
FILE_BYTES_MAX: Final = 4 * 1024 * 1024  # the shipped file has 40 KB
TURN_S_MIN: Final = 1.0  # of a flap or an alternation: a turn is a step of the emulator's script
SHARE_MAX: Final = 1.0
YEARS: Final = (2000, 2100)


class _Struct(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all parts of the file have in common."""


class Constant(_Struct, frozen=True, kw_only=True, tag_field="kind", tag="constant"):
    """The number holds for the whole phase."""

    basis: str = ""


class Ramp(_Struct, frozen=True, kw_only=True, tag_field="kind", tag="ramp"):
    """The number goes from one multiple to another."""

    from_ratio: float = msgspec.field(name="from")
    to_ratio: float = msgspec.field(name="to")
    over_s: float | None = None
    basis: str = ""


class Flap(_Struct, frozen=True, kw_only=True, tag_field="kind", tag="flap"):
    """On and off in turn."""

    on_s: float
    off_s: float
    basis: str = ""


class Alternate(_Struct, frozen=True, kw_only=True, tag_field="kind", tag="alternate"):
    """One kind at a time."""

    slot_s: float | None = None
    basis: str = ""


Shape = Constant | Ramp | Flap | Alternate


class Share(msgspec.Struct, frozen=True):
    """A kind's number, and whether somebody published it."""

    value: float
    is_assumed: bool


class Phase(_Struct, frozen=True, kw_only=True):
    """What failed, where, from when to when."""

    start: dt.datetime
    end: dt.datetime
    surfaces: tuple[str, ...]
    healthy: tuple[str, ...] = ()
    faults: dict[str, float | None]
    assumed: dict[str, float] = {}
    shape: Shape = Constant()
    stall_s: float | None = None
    note: str = ""

    @property
    def start_unix_s(self) -> float:
        """When it begins."""
        return self.start.timestamp()

    @property
    def end_unix_s(self) -> float:
        """When it is over."""
        return self.end.timestamp()

    def numbers(self) -> dict[str, Share | None]:
        """Return each kind's number before its shape; None: nobody has given one."""
        found: dict[str, Share | None] = {}
        for kind, published in self.faults.items():
            if published is not None:
                found[kind] = Share(published, is_assumed=False)
            elif kind in self.assumed:
                found[kind] = Share(self.assumed[kind], is_assumed=True)
            else:
                found[kind] = None
        return found

    def factor(self, kind: str, at_unix_s: float) -> float:
        """Return by what a kind's number is multiplied at an instant; 0 outside the phase."""
        if not self.start_unix_s <= at_unix_s < self.end_unix_s:
            return 0.0
        into_s = at_unix_s - self.start_unix_s
        match self.shape:
            case Constant():
                return 1.0
            case Ramp(from_ratio=low, to_ratio=high, over_s=over_s):
                whole_s = self.end_unix_s - self.start_unix_s
                span_s = min(whole_s, over_s or whole_s)
                done = max(0.0, into_s - (whole_s - span_s)) / span_s
                return low + (high - low) * done
            case Flap(on_s=on_s, off_s=off_s):
                return 1.0 if into_s % (on_s + off_s) < on_s else 0.0
            case Alternate(slot_s=slot_s):
                kinds = list(self.faults)
                turn = int(into_s // (slot_s or SLOT_S)) % len(kinds)
                return 1.0 if kinds[turn] == kind else 0.0


class UserReports(_Struct, frozen=True, kw_only=True):
    """What is public of users' reports and of the provider's own posts."""

    first: dt.datetime | None = None
    early_warning: dt.datetime | None = None
    provider_first_post: dt.datetime | tuple[dt.datetime, ...] | None = None
    identified: dt.datetime | None = None
    monitoring: dt.datetime | None = None
    resolved: dt.datetime | None = None
    peak: int | None = None
    peak_us: int | None = None
    mix: dict[str, float] = {}
    note: str = ""

    @property
    def posts_unix_s(self) -> tuple[float, ...]:
        """When the provider first spoke, of each of its incidents."""
        return tuple(one.timestamp() for one in self._posts)

    @property
    def has_zones(self) -> bool:
        """Say whether all of its times are instants."""
        times = (self.first, self.early_warning, self.identified, self.monitoring, self.resolved)
        return all(one is None or one.tzinfo for one in (*times, *self._posts))

    @property
    def _posts(self) -> tuple[dt.datetime, ...]:
        told = self.provider_first_post
        return () if told is None else told if isinstance(told, tuple) else (told,)


class Drill(_Struct, frozen=True, kw_only=True):
    """One outage."""

    id: str
    outage_row: int
    provider: str
    date: dt.date
    title: str
    confidence: Literal["high", "medium", "low"]
    sources: tuple[str, ...]
    phases: tuple[Phase, ...]
    user_reports: UserReports | None = None
    note: str | None = None
    traffic: tuple[Traffic, ...] = ()  # empty: the default mix
    impact: Impact | None = None
    waves: tuple[Wave, ...] = ()

    @property
    def start_unix_s(self) -> float:
        """When the first phase begins."""
        return min(one.start_unix_s for one in self.phases)

    @property
    def end_unix_s(self) -> float:
        """When the last phase is over."""
        return max(one.end_unix_s for one in self.phases)


class Drills(_Struct, frozen=True, kw_only=True):
    """The file."""

    schema: str
    generated: dt.date
    rules: tuple[str, ...]
    fault_kinds: dict[str, str]
    factor_kinds: tuple[str, ...]
    shapes: dict[str, str]
    surfaces: dict[str, str]
    user_report_fields: dict[str, str]
    drills: tuple[Drill, ...]

    def named(self, name: str) -> Drill:
        """Return a drill by its id; raises ConfigError with the ids there are."""
        found = next((one for one in self.drills if one.id == name), None)
        if found is None:
            ids = ", ".join(one.id for one in self.drills)
            raise ConfigError([Problem("drills", f"there is no drill {name!r}", f"one of {ids}")])
        return found

    def share(self, phase: Phase, at_unix_s: float) -> float:
        """Return which share of requests a phase fails at an instant, all kinds together."""
        return min(SHARE_MAX, sum(self.shares(phase, at_unix_s).values()))

    def shares(self, phase: Phase, at_unix_s: float) -> dict[str, float]:
        """Return each kind's share at an instant, without those that have none then."""
        found: dict[str, float] = {}
        for kind, number in phase.numbers().items():
            if number is None or kind in self.factor_kinds:
                continue
            share = number.value * phase.factor(kind, at_unix_s)
            if share > 0.0:
                found[kind] = share
        return found


def parse(text: str | bytes, place: str = "drills.json") -> Drills:
    """Return the drills of a file's text; raises ConfigError with all that is wrong."""
    document = _document(text, place)
    table: dict[str, Any] | None = document
    if document.get("schema") == written.SCHEMA:
        table, problems = written.first_form(document, place)
        if table is None:
            raise ConfigError(problems)
    try:
        found = msgspec.convert(table, type=Drills)
    except msgspec.ValidationError as error:
        raise ConfigError([Problem(place, str(error), REMEDY)]) from error
    problems = list(check(found, place))
    if problems:
        raise ConfigError(problems)
    return found


def _document(text: str | bytes, place: str) -> dict[str, Any]:
    """Return what a file's text says: JSON where it begins like it, else TOML."""
    if len(text) > FILE_BYTES_MAX:
        told = f"it has more than {FILE_BYTES_MAX} bytes"
        raise ConfigError([Problem(place, told, "split it")])
    try:
        words = text if isinstance(text, str) else text.decode()
        if not words.lstrip().startswith("{"):
            return tomllib.loads(words)
        return msgspec.json.decode(words, type=dict[str, Any])
    except UnicodeDecodeError as error:
        raise ConfigError([Problem(place, "it is not UTF-8", "save it as UTF-8")]) from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([Problem(place, f"not TOML: {error}", REMEDY)]) from error
    except msgspec.DecodeError as error:
        raise ConfigError([Problem(place, f"not JSON: {error}", REMEDY)]) from error


def check(found: Drills, place: str) -> Iterator[Problem]:
    """Yield what cannot be."""
    if found.schema not in SCHEMAS:
        told = f"its schema is {found.schema!r}"
        yield Problem(place, told, f"this reads {' and '.join(SCHEMAS)}")
    strange = set(found.factor_kinds) - set(found.fault_kinds)
    if strange:
        yield Problem(place, f"no such fault kinds: {_names(strange)}", REMEDY)
    ids = [one.id for one in found.drills]
    for one in sorted({name for name in ids if ids.count(name) > 1}):
        yield Problem(place, f"two drills are called {one!r}", "rename one")
    for drill in found.drills:
        yield from _check_traffic(drill, f"{place}: {drill.id}")
        if not drill.phases:
            yield Problem(f"{place}: {drill.id}", "it has no phases", "give one, or leave it out")
        for at, phase in enumerate(drill.phases):
            yield from _check_phase(found, phase, f"{place}: {drill.id}: phases[{at}]")


def _check_phase(found: Drills, phase: Phase, place: str) -> Iterator[Problem]:
    if phase.start.tzinfo is None or phase.end.tzinfo is None:
        yield Problem(place, "a time has no zone", 'end it with "Z"')
        return
    if not YEARS[0] <= phase.start.year <= phase.end.year <= YEARS[1]:
        yield Problem(place, "a time is out of the calendar", f"from {YEARS[0]} to {YEARS[1]}")
    if phase.end_unix_s <= phase.start_unix_s:
        yield Problem(place, "it is over before it begins", "end after start")
    strange = {_base(one) for one in (*phase.surfaces, *phase.healthy)} - set(found.surfaces)
    if strange or not phase.surfaces:
        told = f"no such surfaces: {_names(strange)}" if strange else "it names no surface"
        yield Problem(place, told, f"some of {_names(found.surfaces)}")
    yield from _check_numbers(found, phase, place)
    yield from _check_shape(phase.shape, place)


def _check_traffic(drill: Drill, place: str) -> Iterator[Problem]:
    names = [one.name for one in drill.traffic]
    for one in sorted({name for name in names if names.count(name) > 1}):
        yield Problem(f"{place}: traffic", f"two classes are called {one!r}", "rename one")
    if drill.user_reports and not drill.user_reports.has_zones:
        yield Problem(f"{place}: user_reports", "a time has no zone", 'end it with "Z"')
    for at, wave in enumerate(drill.waves):
        if not wave.from_s < wave.to_s < math.inf:
            yield Problem(f"{place}: waves[{at}]", "it is over before it begins", "to_s after")


def _check_numbers(found: Drills, phase: Phase, place: str) -> Iterator[Problem]:
    strange = set(phase.faults) - set(found.fault_kinds)
    if strange or not phase.faults:
        told = f"no such fault kinds: {_names(strange)}" if strange else "it has no faults"
        yield Problem(place, told, f"some of {_names(found.fault_kinds)}")
    for kind in phase.assumed:
        if kind not in phase.faults:
            yield Problem(place, f"{kind} is assumed and not in faults", "name it in faults: null")
        elif phase.faults[kind] is not None:
            yield Problem(place, f"{kind} is both published and assumed", "leave the assumed out")
    for kind, number in phase.numbers().items():
        if number is not None and not _is_possible(
            number.value, is_factor=kind in found.factor_kinds
        ):
            yield Problem(place, f"{kind} cannot be {number.value:g}", "a share is from 0 to 1")
    total = sum(
        one.value
        for kind, one in phase.numbers().items()
        if one is not None and kind not in found.factor_kinds
    )
    if total > SHARE_MAX and not isinstance(phase.shape, Alternate):
        yield Problem(place, f"its shares add up to {total:g}", "at most 1")


def _check_shape(shape: Shape, place: str) -> Iterator[Problem]:
    match shape:
        case Ramp(from_ratio=low, to_ratio=high, over_s=over_s):
            if not _is_ramp(low, high, over_s):
                yield Problem(place, "its ramp cannot be", "from and to from 0, over_s above 0")
        case Flap(on_s=on_s, off_s=off_s):
            if not (_is_turn(on_s) and _is_turn(off_s)):
                yield Problem(place, "its flap cannot be", "on_s and off_s at least 1")
        case Alternate(slot_s=slot_s):
            if slot_s is not None and not _is_turn(slot_s):
                yield Problem(place, "its turns cannot be", "slot_s at least 1, or null")
        case Constant():
            pass


def _is_ramp(low: float, high: float, over_s: float | None) -> bool:
    is_finite = math.isfinite(low) and math.isfinite(high)
    return is_finite and min(low, high) >= 0.0 and (over_s is None or over_s > 0.0)


def _is_turn(turn_s: float) -> bool:
    return turn_s >= TURN_S_MIN  # of a number that is none, too, this is false


def _is_possible(number: float, *, is_factor: bool) -> bool:
    return 1.0 <= number < math.inf if is_factor else 0.0 <= number <= SHARE_MAX


def _base(surface: str) -> str:
    return surface.partition(":")[0].partition("@")[0]


def _names(words: Mapping[str, str] | set[str]) -> str:
    return ", ".join(sorted(words))
