"""The timetable of a drill: which seconds of an outage are played, and what fails in each.

Time is cut, never sped up: from ``before_s`` before to ``after_s`` after each change of phase the
outage is played in real time; stretches that meet are one window; what lies between two windows is
left out, and so are later turns of a flap and most of a long ramp.

    change     a phase begins or ends; with ``first_changes`` only the first so many
    share      ``sim.drills.numbers``; its shape in steps: a flap and an alternation at their turns,
               a ramp every ``RAMP_STEP_S``. Turns whose length nobody has published take
               ``TURN_S``, so that each kind is seen in a window
    together   a surface's shares add up over phases, to 1 at most; of several surfaces that are
               one thing here, the one that fails most
    place      ``sim.drills.surfaces``; what a kind is at a provider: ``sim.drills.script``
"""

import datetime as dt
import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import msgspec

from penstock.core.errors import ConfigError, Problem
from penstock.sim.drills import telling
from penstock.sim.drills.drill_file import Alternate, Drill, Drills, Flap, Phase, Ramp
from penstock.sim.drills.numbers import Numbers, is_published
from penstock.sim.drills.script import AT_PROVIDER
from penstock.sim.drills.shapes import Strike, Timetable, Window
from penstock.sim.drills.surfaces import API, Meaning, Target, meaning
from penstock.sim.drills.telling import TURN_S

BEFORE_S: Final = 10.0
AFTER_S: Final = 80.0
BEFORE_S_MAX: Final = 600.0
AFTER_S_MAX: Final = 3600.0  # a drill is for an hour that somebody has, not for a day
RAMP_STEP_S: Final = 10.0
LEAST_RATIO: Final = 0.001
DIGITS: Final = 3  # of a share: what differs by less is one step
DAY_S: Final = 86_400.0


class _Share(msgspec.Struct, frozen=True):
    """What fails of one thing, by one kind."""

    ratio: float
    surface: str
    stall_s: float | None
    is_assumed: bool


def timetable(
    drills: Drills,
    drill: Drill,
    before_s: float = BEFORE_S,
    after_s: float = AFTER_S,
    first_changes: int = 0,
    after_s_max: float = AFTER_S_MAX,
) -> Timetable:
    """Return what is played when; ``first_changes`` 0: all of it.

    In virtual time more than ``AFTER_S_MAX`` can be played after a change: ``after_s_max``.

    Raises ConfigError where so much cannot be played around a change.
    """
    if not (0.0 <= before_s <= BEFORE_S_MAX and 0.0 < after_s <= after_s_max):
        told = f"{before_s:g} s before and {after_s:g} s after a change cannot be played"
        remedy = f"before from 0 to {BEFORE_S_MAX:g} s, after up to {after_s_max:g} s"
        raise ConfigError([Problem("drill", told, remedy)])
    numbers = Numbers(drills, drill)
    windows = _windows(drill, before_s, after_s, first_changes)
    meant = {one: meaning(drill.provider, one) for phase in drill.phases for one in phase.surfaces}
    playing = [(_paced(phase), numbers.of(phase)) for phase in drill.phases]
    strikes = [one for window in windows for one in _strikes(window, playing, meant)]
    return Timetable(
        windows=tuple(windows),
        strikes=tuple(strikes),
        unplayed=tuple(telling.unplayed(drills, drill, meant)),
        notes=tuple(dict.fromkeys(telling.notes(drills, drill, meant, numbers))),
        played_s=windows[-1].to_s,
        true_s=drill.end_unix_s - drill.start_unix_s,
    )


def _windows(drill: Drill, before_s: float, after_s: float, first: int) -> list[Window]:
    edges = sorted({at for one in drill.phases for at in (one.start_unix_s, one.end_unix_s)})
    stretches: list[tuple[float, float, list[float]]] = []
    for edge in edges[:first] if first else edges:
        if stretches and edge - before_s <= stretches[-1][1]:
            from_unix_s, _, changes = stretches[-1]
            stretches[-1] = (from_unix_s, edge + after_s, [*changes, edge])
        else:
            stretches.append((edge - before_s, edge + after_s, [edge]))
    windows: list[Window] = []
    at_s = 0.0
    for from_unix_s, to_unix_s, changes in stretches:
        until_s = at_s + to_unix_s - from_unix_s
        windows.append(
            Window(
                from_s=at_s,
                to_s=until_s,
                from_unix_s=from_unix_s,
                to_unix_s=to_unix_s,
                changes=tuple(words for one in changes for words in changes_at(drill, one)),
            )
        )
        at_s = until_s
    return windows


def changes_at(drill: Drill, at_unix_s: float) -> Iterator[str]:
    """Yield what changes at an instant, in words."""
    is_long = drill.end_unix_s - drill.start_unix_s > DAY_S
    form = "%-d %b %H:%M" if is_long else "%H:%M"
    when = dt.datetime.fromtimestamp(at_unix_s, dt.UTC).strftime(form)
    begun = [one for one in drill.phases if one.start_unix_s == at_unix_s]
    over = [one for one in drill.phases if one.end_unix_s == at_unix_s]
    for words, phases in (("begins", begun), ("is over", over)):
        for phase in phases:
            yield f"{when} {', '.join(phase.surfaces)}: {', '.join(phase.faults)} {words}"


def _paced(phase: Phase) -> Phase:
    """Return a phase whose turns have a length."""
    if isinstance(phase.shape, Alternate) and phase.shape.slot_s is None:
        return msgspec.structs.replace(phase, shape=Alternate(slot_s=TURN_S))
    return phase


def _strikes(
    window: Window,
    playing: Sequence[tuple[Phase, dict[str, float]]],
    meant: dict[str, Meaning],
) -> Iterator[Strike]:
    shift_s = window.from_s - window.from_unix_s
    open_: dict[tuple[Target, str], Strike] = {}
    instants = sorted(_instants(window, [phase for phase, _ in playing]))
    for low, high in itertools.pairwise(instants):
        now = _shares(playing, meant, (low + high) / 2.0)
        for key, share in now.items():
            strike = _strike(key, share, low + shift_s, high + shift_s)
            before = open_.pop(key, None)
            if before and _goes_on(before, strike):
                strike = msgspec.structs.replace(strike, from_s=before.from_s)
            elif before:
                yield before
            open_[key] = strike
    yield from open_.values()


def _goes_on(before: Strike, strike: Strike) -> bool:
    """Tell whether one strike is the other, a step later."""
    same = msgspec.structs.replace(strike, from_s=before.from_s, to_s=before.to_s)
    return same == before and before.to_s == strike.from_s


def _strike(key: tuple[Target, str], share: _Share, from_s: float, to_s: float) -> Strike:
    target, kind = key
    return Strike(
        place=target.place,
        kind=kind,
        share=round(share.ratio, DIGITS),
        from_s=from_s,
        to_s=to_s,
        surface=share.surface,
        provider=target.provider,
        model=target.model,
        stall_s=share.stall_s,
        is_assumed=share.is_assumed,
    )


def _instants(window: Window, phases: Sequence[Phase]) -> set[float]:
    """Return the instants of a window at which a share may change, its ends among them."""
    low, high = window.from_unix_s, window.to_unix_s
    found = {low, high}
    for phase in phases:
        turns = (phase.start_unix_s, phase.end_unix_s, *_turns(phase, low, high))
        found.update(at for at in turns if low < at < high)
    return found


def _turns(phase: Phase, low: float, high: float) -> Iterator[float]:
    match phase.shape:
        case Ramp():
            yield from _every(phase.start_unix_s, RAMP_STEP_S, low, high)
        case Flap(on_s=on_s, off_s=off_s):
            yield from _every(phase.start_unix_s, on_s + off_s, low, high)
            yield from _every(phase.start_unix_s + on_s, on_s + off_s, low, high)
        case Alternate(slot_s=slot_s):
            yield from _every(phase.start_unix_s, slot_s or TURN_S, low, high)
        case _:
            pass


def until(table: Timetable, at_s: float) -> Timetable:
    """Return what of a timetable was played by an instant: whoever stops it sees no more."""
    replace = msgspec.structs.replace
    windows = [
        replace(one, to_s=at_s, to_unix_s=one.from_unix_s + at_s - one.from_s)
        if at_s < one.to_s
        else one
        for one in table.windows
        if one.from_s < at_s
    ]
    strikes = [replace(one, to_s=min(one.to_s, at_s)) for one in table.strikes if one.from_s < at_s]
    return replace(table, windows=tuple(windows), strikes=tuple(strikes), played_s=at_s)


def _every(from_s: float, step_s: float, low: float, high: float) -> Iterator[float]:
    turn = max(0, int((low - from_s) // step_s))
    while from_s + turn * step_s < high:
        yield from_s + turn * step_s
        turn += 1


def _shares(
    playing: Sequence[tuple[Phase, dict[str, float]]],
    meant: dict[str, Meaning],
    at_unix_s: float,
) -> dict[tuple[Target, str], _Share]:
    """Return what fails at an instant, of each thing the surface that fails most."""
    by_target: dict[Target, dict[str, _Share]] = {}
    for surface, shares in _by_surface(playing, at_unix_s).items():
        for target in meant[surface].targets:
            if _total(shares.values()) > _total(by_target.get(target, {}).values()):
                by_target[target] = shares
    return {
        (target, kind): share
        for target, shares in by_target.items()
        for kind, share in shares.items()
        if share.ratio >= LEAST_RATIO and (target.place != API or kind in AT_PROVIDER)
    }


def _by_surface(
    playing: Sequence[tuple[Phase, dict[str, float]]], at_unix_s: float
) -> dict[str, dict[str, _Share]]:
    found: dict[str, dict[str, _Share]] = {}
    for phase, numbers in playing:
        for kind, number in numbers.items():
            ratio = number * phase.factor(kind, at_unix_s)
            for surface in phase.surfaces if ratio > 0.0 else ():
                mine = found.setdefault(surface, {})
                before = mine.get(kind)
                left = 1.0 - _total(mine.values())
                mine[kind] = _Share(
                    ratio=(before.ratio if before else 0.0) + min(ratio, left),
                    surface=surface,
                    stall_s=phase.stall_s,
                    is_assumed=not is_published(phase, kind) or bool(before and before.is_assumed),
                )
    return found


def _total(shares: Iterable[_Share]) -> float:
    return sum(one.ratio for one in shares)
