"""Normal failures: which share of attempts fails at one upstream, whatever its limit.

A limit that is too high makes some fail, and a lower one cures it. Most outages are not like that:
three in ten fail at any limit, and lowering it takes away what the other seven had.

    demand    what was under way when the decreases began; they end where the limit is back there
    share     failed / begun since then; what is under way counts among those that have begun
    futile    were it our load, the upstream could do less than the limit of now, and of the demand
              at least ``1 - limit / demand`` would have failed at first. Less did, and yet it fails
    at floor  the limit cannot fall, but not nearly all fail: no other limit is worth trying
    usual     from then on that share is: so many failures and what chance adds to them lower
              nothing, and keep nothing from growing. What goes beyond them is our load
    doubt     after ``TRUST_S`` it is forgotten, and has to be found again; if it is, that long
              again, doubled
    well      ``WELL_S`` without a failure: all is forgotten

A share that is taken for usual by mistake costs little: with the next steps up more would fail, and
what goes beyond it lowers the limit as before. Where nearly all fail, a low limit is right.

Pure: reads no clock. ``now_s`` is monotonic seconds.
"""

import math
from typing import Final

MARGIN_RATIO: Final = 0.75  # of what the upstream would do at least, were it our load
KEPT_RATIO: Final = 0.5  # of the first share: less than this has been cured
MOST_RATIO: Final = 0.7  # from here on an upstream is best left alone
FLOOR_RATIO: Final = 0.6  # the same where few have been asked, and chance may say much
BEGUN_MAX: Final = 20  # a share is known then, or with half of the demand
BEGUN_MIN: Final = 8  # the same at the floor
SIGMAS: Final = 3.0  # what chance adds
LEARN: Final = 100.0  # so many that have ended move the usual share by two thirds of the gap
TRUST_S: Final = 120.0
TRUST_S_MAX: Final = 960.0
WELL_S: Final = 15.0


class FailureNorm:
    """What usually fails at one upstream. Owned by one event loop; not thread-safe."""

    __slots__ = (
        "_bad", "_bad_at_s", "_demand", "_first", "_from", "_good", "_old", "_trust_s",
        "_until_s", "_usual_max", "usual",
    )  # fmt: skip

    def __init__(self) -> None:
        self.usual = 0.0  # the share; 0: none is known
        self._usual_max = 0.0
        self._until_s = 0.0  # in doubt from then on
        self._trust_s = 0.0  # 0: never found yet
        self._bad_at_s = -math.inf
        self._demand = 0.0  # 0: no decrease
        self._from = 0.0  # the level where they began
        self._first = -1.0  # the share that failed after the first decrease; below 0: not known yet
        self._old = self._good = self._bad = 0  # since then; under way from before, ended, failed

    def on_good(self) -> None:
        """Count an attempt that has ended well."""
        if self._old:
            self._old -= 1
        else:
            self._good += 1

    def on_bad(self, now_s: float) -> None:
        """Count one that has failed, and doubt or forget what has been learned, in time."""
        if now_s - self._bad_at_s >= WELL_S:
            self._demand = self.usual = self._trust_s = 0.0
        elif self.usual and now_s >= self._until_s:
            self._demand = self.usual = 0.0
        self._bad_at_s = now_s
        self._bad += 1

    def on_window(self, bad: int, ended: int) -> None:
        """Follow the share as it moves, never above what was found."""
        if self.usual and ended:
            gain = 1.0 - math.exp(-ended / LEARN)
            self.usual += (bad / ended - self.usual) * gain
            self.usual = min(self._usual_max, self.usual)

    def is_usual(self, bad: int, ended: int) -> bool:
        """Tell whether so many failures of so many ends are nothing new."""
        mean = self.usual * ended
        return self.usual > 0.0 and bad <= mean + SIGMAS * math.sqrt(mean)

    def on_decrease(self, level: float, in_flight: int) -> None:
        """Begin to count with the first decrease of several; ``level`` is that before it."""
        if not self._demand:
            self._demand = in_flight + 1.0  # with the one that has just failed
            self._from = level
            self._first = -1.0
            self._count_anew(in_flight)

    def on_growth(self, level: float) -> None:
        """Forget the decreases once the limit is where they began."""
        if level >= self._from:
            self._demand = 0.0

    def learn(self, level: float, in_flight: int, now_s: float, *, is_floor: bool) -> float:
        """Take what fails for usual if no lower limit helps; return where to go back to, or 0."""
        begun = self._bad + self._good + max(0, in_flight - self._old)
        enough = BEGUN_MIN if is_floor else min(BEGUN_MAX, max(BEGUN_MIN, self._demand / 2.0))
        if not self._demand or begun < enough:
            return 0.0
        share = self._bad / begun
        self._count_anew(in_flight)
        if self._first < 0.0:
            self._first = share
        has_fallen = level <= MARGIN_RATIO * (1.0 - self._first) * self._demand
        is_futile = has_fallen and share >= KEPT_RATIO * self._first
        if share >= (FLOOR_RATIO if is_floor else MOST_RATIO) or not (is_futile or is_floor):
            return 0.0
        self.usual = self._usual_max = share
        self._trust_s = min(TRUST_S_MAX, 2.0 * self._trust_s) or TRUST_S
        self._until_s = now_s + self._trust_s
        self._demand = 0.0
        return self._from

    def _count_anew(self, in_flight: int) -> None:
        self._old, self._good, self._bad = in_flight, 0, 0
