"""People who report: how many in a baseline and in a wave, and who they are.

    quiet     overdispersed counts with the rhythm of the week
    a wave    a curve of reports since its onset, through what is published (STATUS 5.3):
      small     1 -> 40 in 15 min            (sudden: evenly; growing: by a constant factor)
      sudden    as small, evenly
      large     a handful -> 12,000 in 30 min
      long      teens -> 1,700 -> 5,000 in about 65 min
              then it stays at its last rate for a while, and halves every half hour
    sympathy  innocent components get a share of the wave's volume each (STATUS 5.4: 2-8 %)

Read as cumulative counts; what lies between the published points is an assumption: growth by a
constant factor, for ``long`` logistic. ``scale`` makes a wave as small as the installation.

    who       a person is a word that nobody else has; a network is one of ``NETWORKS`` by a steep
              law (the first has a tenth of all), as are versions and regions
"""

import enum
import math
from collections.abc import Mapping
from typing import Final, NamedTuple

from penstock.sim.watching.chance import Dice, pick
from penstock.watch.evidence import Report

NETWORKS: Final = 400
NETWORK_TILT: Final = 2.2  # the larger, the more come from the first
VERSIONS: Final = ("2026.11.3", "2026.11.2", "2026.11.1", "2026.10.4")
REGIONS: Final = ("eu", "us", "uk", "in", "br", "jp")
RATE_PER_S_MAX: Final = 4.0  # of reports that are played: more change nothing, and take time
HALVES_S: Final = 1800.0
MINUTE_S: Final = 60.0
REACTION_S: Final = 20.0  # nobody reports before having waited


class Curve(enum.Enum):
    """How reports grow."""

    GROWING = "growing"
    SUDDEN = "sudden"
    LARGE = "large"
    LONG = "long"
    AT_ONCE = "at_once"  # a brigade: all within ten minutes


class Points(NamedTuple):
    """Published points of a curve: cumulative reports at its ends."""

    first: float
    last: float
    minutes: float


POINTS: Final[Mapping[Curve, Points]] = {
    Curve.GROWING: Points(1.0, 40.0, 15.0),
    Curve.SUDDEN: Points(1.0, 40.0, 15.0),
    Curve.LARGE: Points(5.0, 12_000.0, 30.0),
    Curve.LONG: Points(15.0, 5000.0, 65.0),
    Curve.AT_ONCE: Points(0.0, 1000.0, 10.0),
}
EVEN: Final = frozenset({Curve.SUDDEN, Curve.AT_ONCE})
# Logistic: through 15 at once, 1,700 after 41 and 5,000 after 65 to 69 minutes.
LONG_CEILING: Final = 5700.0
LONG_PER_MIN: Final = 0.1233


def reports_by(curve: Curve, minutes: float) -> float:
    """Return how many have reported so long after the onset, up to the last published point."""
    points = POINTS[curve]
    if minutes < 0.0:
        return 0.0
    minutes = min(minutes, points.minutes)
    if curve in EVEN:
        return points.first + (points.last - points.first) * minutes / points.minutes
    if curve is Curve.LONG:
        start = LONG_CEILING / points.first - 1.0
        return LONG_CEILING / (1.0 + start * math.exp(-LONG_PER_MIN * minutes))
    return points.first * math.exp(minutes / points.minutes * math.log(points.last / points.first))


def wave_mean(curve: Curve, since_s: float, span_s: float) -> float:
    """Return how many reports are to be expected within a span that begins so long after onset."""
    minutes = (since_s - REACTION_S) / MINUTE_S
    end = minutes + span_s / MINUTE_S
    points = POINTS[curve]
    if end <= 0.0:
        return 0.0
    if minutes < points.minutes:
        before = reports_by(curve, minutes) if minutes > 0.0 else 0.0
        return max(0.0, reports_by(curve, end) - before)
    if curve is Curve.AT_ONCE:
        return 0.0
    last = reports_by(curve, points.minutes) - reports_by(curve, points.minutes - 1.0)
    over_s = (minutes - points.minutes) * MINUTE_S
    return last * span_s / MINUTE_S * 0.5 ** (over_s / HALVES_S)


class Crowd:
    """Makes people; each is new."""

    __slots__ = ("_count", "_dice")

    def __init__(self, dice: Dice) -> None:
        self._dice = dice
        self._count = 0

    def report(self, component: str, at_unix_s: float, category: str = "") -> Report:
        """Return the report of one person from somewhere."""
        self._count += 1
        return Report(
            component=component,
            at_unix_s=at_unix_s,
            voter=f"v{self._count}",
            network=f"n{self._tilted(NETWORKS)}",
            category=category,
            version=VERSIONS[self._tilted(len(VERSIONS))],
            region=REGIONS[self._tilted(len(REGIONS))],
        )

    def report_from(
        self, component: str, at_unix_s: float, networks: int, version: str, category: str
    ) -> Report:
        """Return the report of one person of a few networks, or of one version of the app."""
        self._count += 1
        network = f"b{pick(self._dice, networks)}" if networks else f"n{self._tilted(NETWORKS)}"
        return Report(
            component=component,
            at_unix_s=at_unix_s,
            voter=f"v{self._count}",
            network=network,
            category=category,
            version=version or VERSIONS[self._tilted(len(VERSIONS))],
            region=REGIONS[self._tilted(len(REGIONS))],
        )

    def _tilted(self, count: int) -> int:
        return min(count - 1, int(count * self._dice.random() ** NETWORK_TILT))
