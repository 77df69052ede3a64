"""What has to be said of a timetable: what is not replayed, and what is not as it was."""

from collections.abc import Iterator, Mapping
from typing import Final

from penstock.sim.drills.drill_file import Alternate, Drill, Drills, Flap, Phase, Ramp
from penstock.sim.drills.numbers import Numbers
from penstock.sim.drills.script import AT_PROVIDER
from penstock.sim.drills.shapes import Unplayed
from penstock.sim.drills.surfaces import API, Meaning

TURN_S: Final = 30.0  # of a kind, where nobody has published it: each is seen in a window
RESETS: Final = frozenset({"dns_failure", "connect_error"})


def unplayed(drills: Drills, drill: Drill, meant: Mapping[str, Meaning]) -> Iterator[Unplayed]:
    """Yield each surface that is not replayed, or of which a kind cannot be."""
    for surface, one in meant.items():
        if one.why:
            yield Unplayed(surface=surface, why=one.why)
    for phase in drill.phases:
        at_api = [one for one in phase.surfaces if any(t.place == API for t in meant[one].targets)]
        for kind in phase.faults if at_api else ():
            if kind not in AT_PROVIDER and kind not in drills.factor_kinds:
                yield Unplayed(surface=at_api[0], why=f"{kind} cannot be at an emulated provider")


def notes(
    drills: Drills, drill: Drill, meant: Mapping[str, Meaning], numbers: Numbers
) -> Iterator[str]:
    """Yield what was carried over, chosen or approximated, each in a sentence."""
    yield from numbers.notes
    yield from (one.note for one in meant.values() if one.note)
    for phase in drill.phases:
        told = f"{phase.surfaces[0]} from {phase.start:%H:%M}"
        yield from (f"{told}: {words}" for words in _of_kinds(drills, phase, numbers))
        yield from (f"{told}: {words}" for words in _of_shape(phase))


def _of_kinds(drills: Drills, phase: Phase, numbers: Numbers) -> Iterator[str]:
    for kind in phase.faults:
        if kind in drills.factor_kinds:
            yield f"{kind} is left to the callers, who retry as their clients do"
        elif kind not in numbers.of(phase):
            yield f"{kind} has no number and is left out"
        elif kind in RESETS:
            yield f"{kind} is played as a connection that is reset"


def _of_shape(phase: Phase) -> Iterator[str]:
    match phase.shape:
        case Alternate(slot_s=None):
            yield f"turns of {TURN_S:g} s are chosen"
        case Flap():
            yield "its later turns are left out where no phase changes"
        case Ramp():
            yield "of its ramp only what lies in a window is played"
        case _:
            pass
