"""What providers' quotas could not absorb while one of them failed: whose, and by how much.

short     of a tier: its calls in windows in which a provider fails, that waited more than a
          second at the gate or were turned away; below ``SHORT_RATIO`` it is no news
to be had of a failing provider what it answered all the same, whatever its room: who knows that
          it fails goes elsewhere; of the others their room
missing   what was asked for and not to be had, in the worst window
remedy    the survivor that answered most would need (its room + missing) / its room
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from penstock.sim.drills import capacity, figures, words
from penstock.sim.drills.capacity import Load
from penstock.sim.drills.shapes import Arm, Counts, Result
from penstock.web.quantities import number, sentence, share

OWN: Final = "own"
SHORT_RATIO: Final = 0.02
ROOM_MORE: Final = 1.05  # a factor that is less would not show


class Shortage(NamedTuple):
    """A tier for which there was too little room."""

    tier: str
    ratio: float
    words: str
    remedy: str


class Gap(NamedTuple):
    """A window in which a provider fails: what was asked for, and what was to be had."""

    asked_per_s: float
    rooms_per_s: dict[str, float]
    failing: tuple[str, ...]

    @property
    def missing_per_s(self) -> float:
        """What was asked for and not to be had."""
        return self.asked_per_s - sum(self.rooms_per_s.values())


def shortages(result: Result, arm: Arm) -> Iterator[Shortage]:
    """Yield the tiers of an arm for which there was too little room, the most urgent first."""
    gaps = [
        gap(one, failing, _answered_per_s(result, arm, one.window))
        for one in capacity.loads(result.timetable, result.arms, arm.rooms)
        if (failing := _failing(result, one.window))
    ]
    worst = max(gaps, key=lambda one: one.missing_per_s, default=None)
    for tier in figures.tiers([arm]):
        windows = [
            one
            for at in range(len(result.timetable.windows))
            if (one := figures.find(arm, tier, "api", at)).calls and _failing(result, at)
        ]
        calls = sum(one.calls for one in windows)
        short = sum(min(one.calls, one.waited + one.refused) for one in windows)
        if calls and short / calls > SHORT_RATIO:
            failing = sorted({name for one in windows for name in _failing(result, one.window)})
            survivor = _survivor(windows, failing)
            ratio = short / calls
            whose = f"{words.owners(failing)} {tier} tier"
            yield Shortage(tier, ratio, *_explained(whose, ratio, worst, survivor))


def gap(load: Load, failing: Sequence[str], answered_per_s: Mapping[str, float]) -> Gap:
    """Return what was missing in a window.

    Of a failing provider no more is to be had than what it answered all the same, whatever its
    room: who knows that it fails goes elsewhere.
    """
    rooms = {
        name: min(per_s, answered_per_s.get(name, 0.0)) if name in failing else per_s
        for name, per_s in load.room_per_s.items()
    }
    return Gap(load.asked_per_s, rooms, tuple(failing))


def _answered_per_s(result: Result, arm: Arm, window: int) -> dict[str, float]:
    span = result.timetable.windows[window]
    answered = figures.find(arm, "", "api", window).answered
    return {name: calls / (span.to_s - span.from_s) for name, calls in answered.items()}


def _failing(result: Result, window: int) -> tuple[str, ...]:
    """Return the providers that fail in a window."""
    span = result.timetable.windows[window]
    return tuple(
        sorted(
            {
                one.provider
                for one in result.timetable.strikes
                if one.place == "api" and one.from_s < span.to_s and one.to_s > span.from_s
            }
        )
    )


def _survivor(windows: Sequence[Counts], failing: Sequence[str]) -> str:
    """Return who answered most of those who could not be answered at home."""
    totals: dict[str, int] = {}
    for one in windows:
        for provider, calls in one.answered.items():
            if provider not in failing:
                totals[provider] = totals.get(provider, 0) + calls
    return max(totals, key=lambda name: totals[name], default="")


def _explained(whose: str, ratio: float, worst: Gap | None, survivor: str) -> tuple[str, str]:
    """Return what was short and what would close it, with the sums where they are known."""
    waited = "waited more than a second or was turned away"
    who = words.provider(survivor) or "the survivors"
    if worst is not None and not math.isfinite(worst.missing_per_s):
        more = "No limit of theirs is declared: look at the slots and breakers of the upstreams."
        return f"{share(ratio)} of {whose} {waited}, though room was enough on average", more
    is_own = survivor == OWN
    room = "are too few" if is_own else "quota too small"
    too_small = f"{sentence(who)} {room} to absorb {whose}: {share(ratio)} of it {waited}"
    if worst is None or not survivor:
        return too_small, f"More room at {who} or a local engine would close it."
    factor = factor_of(worst, survivor)
    if factor < ROOM_MORE:
        more = "Bursts wait all the same: more slots or a higher limit for a moment would help."
        told = f"{share(ratio)} of {whose} {waited}, though room was enough on average"
        return told, f"{sums(worst)}. {more}"
    if is_own:
        return (
            too_small,
            f"{factor:.1f}x as many, or one more provider, would close it: {sums(worst)}.",
        )
    quota = f"{factor:.1f}x quota" if math.isfinite(factor) else "Some quota"
    return too_small, f"{quota} or a local engine would close it: {sums(worst)}."


def factor_of(worst: Gap, survivor: str) -> float:
    """Return how many times its room a provider would need for nothing to be missing."""
    room = worst.rooms_per_s.get(survivor, 0.0)
    if room > 0:
        return (room + worst.missing_per_s) / room
    return math.inf if worst.missing_per_s > 0 else 1.0


def sums(worst: Gap) -> str:
    """Return from what it follows."""
    told = [
        f"{words.provider(name)} {'still gave' if name in worst.failing else 'has room for'} "
        f"{number(per_s)}"
        for name, per_s in worst.rooms_per_s.items()
    ]
    return f"{number(worst.asked_per_s)} calls/s were asked for; {words.listed(told)}"
