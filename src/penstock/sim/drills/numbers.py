"""Numbers of a drill's phases: what nobody gave is carried over, or chosen, and that is told.

published, assumed    as they are
a phase without any   the last number on its first surface; where there is none,
                      ``CHOSEN_RATIO``; its first kind gets it
a kind without one    beside kinds that have one: left out
a factor              is no share, and is not here
"""

from typing import Final

from penstock.sim.drills.drill_file import Drill, Drills, Phase

CHOSEN_RATIO: Final = 0.3


class Numbers:
    """The shares of a drill's phases."""

    def __init__(self, drills: Drills, drill: Drill) -> None:
        self._drills = drills
        self._last: dict[str, float] = {}
        self.notes: list[str] = []
        self._of = [self._numbers(phase) for phase in drill.phases]
        self._phases = drill.phases

    def of(self, phase: Phase) -> dict[str, float]:
        """Return kind -> share before its shape."""
        return self._of[self._phases.index(phase)]

    def at(self, phase: Phase, at_unix_s: float) -> dict[str, float]:
        """Return kind -> share at an instant of the drill."""
        return {
            kind: share * phase.factor(kind, at_unix_s) for kind, share in self.of(phase).items()
        }

    def _numbers(self, phase: Phase) -> dict[str, float]:
        given = phase.numbers()
        factors = self._drills.factor_kinds
        found = {kind: one.value for kind, one in given.items() if one and kind not in factors}
        first = phase.surfaces[0]
        if not found:
            share = self._last.get(first, CHOSEN_RATIO)
            words = "carried over" if first in self._last else "chosen"
            self.notes.append(f"{first} from {phase.start:%H:%M}: {share:.0%} {words}")
            found = {next(iter(given)): share}
        elif any(one and one.is_assumed for one in given.values()):
            total = sum(found.values())
            self.notes.append(f"{first} from {phase.start:%H:%M}: {min(1.0, total):.0%} assumed")
        for surface in phase.surfaces:
            self._last[surface] = min(1.0, sum(found.values()))
        return found


def is_published(phase: Phase, kind: str) -> bool:
    """Say whether somebody has published this kind's share."""
    number = phase.numbers().get(kind)
    return number is not None and not number.is_assumed
