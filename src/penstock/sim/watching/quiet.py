"""Quiet times: a warm-up of weeks, and months in which nothing is wrong.

    warm    the watch learns its baseline from weeks of minutes
    month   30 days of minutes; each time that a component goes up to ``possible`` or ``problem``
            is a false alarm; an alarm that comes back within ``APART_S`` is the same one

Telemetry is read and judged once a minute: bursts last a minute, too, and the watch takes in what
came in order of its own time.
"""

from typing import Final

import msgspec

from penstock.sim.watching import installation as inst
from penstock.sim.watching.case import Case, Gap
from penstock.sim.watching.chance import Dice
from penstock.sim.watching.stream import Stream
from penstock.sim.watching.trial import Ears, hear
from penstock.watch.assessment import Verdict
from penstock.watch.evidence import Kind

MINUTE_S: Final = 60.0
MONTH_DAYS: Final = 30.0
APART_S: Final = 3600.0  # two alarms within an hour of each other are one to whoever is woken


class Alarm(msgspec.Struct, frozen=True):
    """One that was false."""

    component: str
    at_unix_s: float
    verdict: Verdict
    reasons: tuple[str, ...]


class Quiet(msgspec.Struct, frozen=True, kw_only=True):
    """What was said while nothing was wrong."""

    days: float
    components: int
    alarms: tuple[Alarm, ...]

    @property
    def component_months(self) -> float:
        """Return for how many components and months it was quiet."""
        return self.components * self.days / MONTH_DAYS

    def count(self, verdict: Verdict) -> int:
        """Return how often it went up to this verdict."""
        return sum(one.verdict is verdict for one in self.alarms)


def stretch(from_unix_s: float, days: float, *, has_reports_only: bool = False) -> Case:
    """Return a case in which nothing happens; probes and telemetry may be out of reach."""
    to_unix_s = from_unix_s + days * inst.DAY_S
    lost = (Kind.PROBES, Kind.TELEMETRY) if has_reports_only else ()
    return Case(
        name="quiet",
        group="quiet",
        from_unix_s=from_unix_s,
        to_unix_s=to_unix_s,
        onset_unix_s=from_unix_s,
        gaps=tuple(Gap(kind, from_unix_s, to_unix_s) for kind in lost),
    )


def listen(watch: Ears, case: Case, dice: Dice, tick_s: float = MINUTE_S) -> Quiet:
    """Play a quiet stretch; return the false alarms."""
    alarms: list[Alarm] = []
    last: dict[tuple[str, Verdict], float] = {}
    for now_s, evidence in Stream(case, dice, tick_s):
        for one in evidence:
            hear(watch, one)
        for one in watch.judge(now_s):
            if one.verdict is Verdict.NONE:
                continue
            before = last.get((one.component, one.verdict))
            last[one.component, one.verdict] = now_s
            if before is None or now_s - before > APART_S:
                alarms.append(Alarm(one.component, now_s, one.verdict, one.reasons))
    days = (case.to_unix_s - case.from_unix_s) / inst.DAY_S
    return Quiet(days=days, components=len(inst.COMPONENTS), alarms=tuple(alarms))
