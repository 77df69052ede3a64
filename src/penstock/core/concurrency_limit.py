"""Concurrency limit: how many attempts one upstream may have under way at once.

    try_acquire   under the limit   -> one more is under way, True
    try_acquire   at the limit      -> False; whoever asked waits at the gate, not at the upstream
    release       once per acquire  -> one fewer

Fixed, the limit is what the operator declared. Adaptive, it moves between ``floor`` and
``limit_max``, where it begins; once a window, which is at least a second and the median TTFT long:

    a failure that ``reaction.py`` says    at once  x 0.7 or x 0.9; a step up that went wrong at
      lowers it                                     once is taken back instead
    an engine says that it is full         at once  x 0.9, or x 0.7 at twice that
    TTFT p90 above twice what is normal    the end  x 0.9, or x 0.7 above four times
    ITL above its goal                     the end  x 0.9
    trouble that did not lower it          the end  nothing
    answers do not grow with the limit     the end  nothing (``drift_guard.py``)
    trouble less than five windows ago     the end  nothing
    at least half of it is in use          the end  + 5 %, 1 at least; two, three, four times that
                                                    on the way back to what was good before
    less is in use                         the end  nothing; + 1 % after a minute without trouble

A window ends when a quarter of the slots have ended once more, or twenty; TTFT is judged by twenty.
At most one decrease a window. Failures that are fewer than one in fifty are background: they lower
nothing. Samples from before a decrease are not judged. Where decreases help nothing it is not our
load: after four, that TTFT becomes normal; of failures ``failure_norm.py`` says it, and they are
background then, so that the limit goes back to where it was. Who hangs holds slot and caller up for
long, so that this is never background.

Pure: reads no clock and keeps no queue. ``now_s`` is monotonic seconds.
Sources: TIERING 2 of the reference shelf; Netflix' concurrency-limits (AIMD, growth from half).
"""

from typing import Final

from penstock.core.drift_guard import DriftGuard
from penstock.core.failure_norm import FailureNorm
from penstock.core.outcome import FailureKind
from penstock.core.reaction import FAULT_RATIO, OVERLOAD_RATIO, REACTIONS
from penstock.core.ttft_norm import Sample, TtftNorm

WINDOW_S_MIN: Final = 1.0
SAMPLES_MIN: Final = 20  # to judge a TTFT by
TURNOVER: Final = 4  # a window ends when a quarter of the slots have
SAMPLES_MAX: Final = 32  # of one window; more would hold the attempt up that ends it (1 us each)
EXCESS_MAX: Final = 2.0  # TTFT p90 over its baseline
EXCESS_WINDOWS: Final = 2  # in a row: a window's p90 may be chance
FAR: Final = 2.0  # times the bound on TTFT or saturation: as bad as a word of overload
STEP_RATIO: Final = 0.05  # growth a window
HASTE_MAX: Final = 4.0  # times that, on the way back
BUSY_RATIO: Final = 0.8  # in use, for a limit to count as proven
HOLD_WINDOWS: Final = 5.0  # without growth after a decrease
FADE_S: Final = 60.0  # without trouble: a limit that nobody needs comes back slowly
FADE_RATIO: Final = 0.01
BACKGROUND_RATIO: Final = 0.02  # of what ends: so many failures are nobody's overload
CALM_MIN: Final = 10  # so many must end well before trouble counts as new again
SLOW: Final = frozenset({FailureKind.TIMED_OUT, FailureKind.STALLED})
FUTILE_CUTS: Final = 4
HELP_CUTS: Final = 2  # so many of them must have taken a tenth of the trouble away
FUTILE_RATIO: Final = 0.9
GOOD_RATIO: Final = 0.98  # how what was good once fades with every step up that goes wrong
ITL_GOAL_NONE: Final = 0.0


class ConcurrencyLimit:
    """The slots of one upstream. Owned by one event loop; not thread-safe."""

    __slots__ = (
        "_bad", "_bad_before", "_calm", "_ended", "_ended_before", "_excesses", "_failures",
        "_good", "_guard", "_haste", "_held_until_s", "_in_flight_sum", "_itls_s", "_level",
        "_norm", "_proven", "_quiet_from_s", "_samples", "_stale", "_troubles", "_until_s",
        "_window_at_s",
        "decreases", "floor", "in_flight", "is_adaptive", "itl_goal_s", "limit", "limit_max",
    )  # fmt: skip

    def __init__(self, limit_max: int, *, is_adaptive: bool = False) -> None:
        self.limit = limit_max
        self.limit_max = limit_max
        self.floor = 1
        self.in_flight = 0
        self.is_adaptive = is_adaptive
        self.itl_goal_s = ITL_GOAL_NONE  # median time between tokens, in seconds; 0: none
        self.decreases = 0  # for the metrics
        self._level = float(limit_max)  # the limit before it is rounded down
        self._norm = TtftNorm()
        self._failures = FailureNorm()
        self._guard = DriftGuard()
        # the window
        self._window_at_s = 0.0
        self._until_s = 0.0
        self._samples: list[Sample] = []
        self._itls_s: list[float] = []
        self._ended = 0  # well
        self._ended_before = 0  # in the window before
        self._in_flight_sum = 0
        self._bad = 0  # failures that may lower the limit
        self._bad_before = 0
        self._calm = 0  # ended in a row of windows without trouble
        self._stale = 0  # ends to come of what was under way at the last decrease
        # the way it went
        self._held_until_s = 0.0  # no further decrease before, or no growth
        self._quiet_from_s = 0.0  # when the last trouble was
        self._haste = 0.0
        self._proven = 0.0  # the level of the last busy window without trouble
        self._good = 0.0  # what was proven before trouble came
        self._troubles: list[float] = []  # how slow it was at each decrease in a row; 0: failures
        self._excesses = 0

    @property
    def is_free(self) -> bool:
        """Whether ``try_acquire`` would succeed."""
        return self.in_flight < self.limit

    def try_acquire(self) -> bool:
        """Take a slot, or return False if there is none. Never waits."""
        if self.in_flight >= self.limit:
            return False
        self.in_flight += 1
        return True

    def release(self) -> None:
        """Give a slot back."""
        assert self.in_flight > 0, "a slot came back twice"
        self.in_flight -= 1

    def use(self, limit_max: int, *, is_adaptive: bool) -> bool:
        """Obey other bounds from now on; return whether more may be under way than before.

        What was learned stays, unless the limit was at its maximum: then it goes where that goes.
        """
        before = self.limit
        was_whole = self._level >= self.limit_max or not self.is_adaptive
        self.limit_max = limit_max
        self.is_adaptive = is_adaptive
        self._set(float(limit_max) if was_whole or not is_adaptive else self._level)
        return self.limit > before

    def restore(self, limit: int) -> None:
        """Go on from the limit that another process had found."""
        if self.is_adaptive:
            self._set(float(limit))

    def set_floor(self, floor: int) -> None:
        """Never go below this: the reserve and one more (TIERING 2)."""
        self.floor = floor
        self._set(self._level)

    def observe(self, ttft_s: float, uncached_input_tokens: int, now_s: float) -> None:
        """Learn from an attempt that has ended well; its slot is back. No TTFT is 0."""
        if not self.is_adaptive:
            return
        if self._norm.accepted:
            self._norm.learn()
        self._ended += 1
        self._failures.on_good()
        self._in_flight_sum += self.in_flight
        if self._stale:
            self._stale -= 1
        elif ttft_s > 0.0 and len(self._samples) < SAMPLES_MAX:
            self._samples.append((ttft_s, uncached_input_tokens))
        if now_s >= self._until_s:
            self._end_window(now_s)

    def observe_itl(self, itl_s: float) -> None:
        """Learn the mean time between two tokens of one answer, in seconds."""
        if self.itl_goal_s and not self._stale and len(self._itls_s) < SAMPLES_MAX:
            self._itls_s.append(itl_s)

    def on_failure(self, kind: FailureKind, now_s: float) -> None:
        """Learn from an attempt that has failed."""
        ratio = REACTIONS[kind].limit_ratio
        if ratio == 1.0 or not self.is_adaptive:
            return
        self._bad += 1
        self._quiet_from_s = now_s
        is_slow = kind in SLOW
        if not is_slow:
            self._failures.on_bad(now_s)
        if self._bad <= BACKGROUND_RATIO * (self._ended + self._ended_before):
            return
        if not self._failures.is_usual(*self._counted()) and self._may_decrease(now_s):
            back = 0.0 if is_slow else self._learned(now_s)
            if back:
                self._go_back(back, now_s)
            elif not is_slow or len(self._troubles) < FUTILE_CUTS:
                self._decrease(ratio, 0.0, now_s)

    def _learned(self, now_s: float) -> float:
        """Return where to go back to, if what fails has turned out to be nobody's load; or 0."""
        is_floor = self._level <= self.floor + 1
        return self._failures.learn(self._level, self.in_flight, now_s, is_floor=is_floor)

    def on_saturation(self, saturation: float, now_s: float) -> None:
        """Learn what an engine says of itself: 1 is full."""
        if saturation >= 1.0 and self.is_adaptive:
            self._bad += 1
            self._quiet_from_s = now_s
            if self.in_flight <= self.limit:  # else what it tells is still the former limit's
                ratio = OVERLOAD_RATIO if saturation >= FAR else FAULT_RATIO
                self._decrease(ratio, 0.0, now_s)

    def _counted(self) -> tuple[int, int]:
        """Return how many have failed of how many that have ended, in this window and the last."""
        bad = self._bad + self._bad_before
        return bad, bad + self._ended + self._ended_before

    def _may_decrease(self, now_s: float) -> bool:
        """Tell whether there was no decrease in this window."""
        # A hold begins at a decrease: its first window is the one that has had its decrease.
        return now_s >= self._held_until_s - (HOLD_WINDOWS - 1.0) * self._window_s

    @property
    def _window_s(self) -> float:
        return max(WINDOW_S_MIN, self._norm.median_s)

    def _decrease(self, ratio: float, trouble: float, now_s: float) -> None:
        """Go down, unless that was done in this window."""
        if not self._may_decrease(now_s):
            return
        is_first = not self._troubles
        if is_first:
            self._good = max(self._proven, GOOD_RATIO * self._good)
        is_step_back = is_first and ratio * self._level <= self._proven < self._level
        self._failures.on_decrease(self._level, self.in_flight)
        self._set(self._proven if is_step_back else self._level * ratio)
        self._proven = 0.0
        self._troubles.append(trouble)
        del self._troubles[:-FUTILE_CUTS]
        self._haste = 0.0
        self.decreases += 1
        self._held_until_s = now_s + HOLD_WINDOWS * self._window_s
        self._stale = self.in_flight
        self._guard.forget()
        self._samples.clear()
        self._itls_s.clear()

    def _go_back(self, level: float, now_s: float) -> None:
        """Grow in long steps to where it was: what fails does not follow the limit."""
        self._good = max(self._good, level)
        self._haste = HASTE_MAX
        self._held_until_s = now_s
        self._troubles.clear()
        self._guard.forget()

    def _is_futile(self, p90: float) -> bool:
        """Tell whether the last decreases have made nothing faster."""
        troubles = self._troubles
        return len(troubles) == FUTILE_CUTS and p90 >= FUTILE_RATIO * troubles[-HELP_CUTS] > 0.0

    def _end_window(self, now_s: float) -> None:
        """Judge a window, if it has enough to be judged by."""
        ended = self._ended
        if ended < min(SAMPLES_MIN, self.limit // TURNOVER):
            return
        in_flight = self._in_flight_sum / ended + 1.0  # with the one that had just ended
        # Nobody knows when the first began; and a limit that drains is no experiment.
        if now_s > self._window_at_s > 0.0 and not self._stale:
            self._guard.add(in_flight, ended, now_s - self._window_at_s)
        is_unusual = self._bad > 0 and not self._failures.is_usual(*self._counted())
        self._failures.on_window(self._bad, self._bad + ended)
        if self._is_slow(now_s) or is_unusual:
            self._calm = 0
        else:
            self._calm += ended
            if self._calm >= CALM_MIN:
                self._troubles.clear()
            if in_flight >= BUSY_RATIO * self._level:
                self._proven = self._level
            self._grow(in_flight, now_s)
        self._window_at_s = now_s
        self._until_s = now_s + max(WINDOW_S_MIN, self._norm.median_s)
        self._ended_before, self._ended = ended, 0
        self._bad_before, self._bad = self._bad, 0
        self._in_flight_sum = 0

    def _is_slow(self, now_s: float) -> bool:
        """Judge TTFT and ITL, once there are enough samples, and go down if they are bad."""
        itls_s = sorted(self._itls_s)
        if len(itls_s) >= SAMPLES_MIN:
            self._itls_s.clear()
            if itls_s[len(itls_s) // 2] > self.itl_goal_s:
                self._decrease(FAULT_RATIO, 0.0, now_s)
                return True
        samples = self._samples
        if len(samples) < SAMPLES_MIN:
            return self._excesses > 0
        norm = self._norm
        p90 = norm.p90(samples)
        excess = p90 / norm.baseline
        self._samples = []
        if excess <= EXCESS_MAX:
            self._excesses = 0
            norm.accept(samples, p90)
            return False
        self._excesses += 1
        self._quiet_from_s = now_s
        if self._excesses >= EXCESS_WINDOWS:
            if self._is_futile(p90):
                norm.rebase(p90)
                self._excesses = 0
                return False
            ratio = OVERLOAD_RATIO if excess >= FAR * EXCESS_MAX else FAULT_RATIO
            self._decrease(ratio, p90, now_s)
        return True

    def _grow(self, in_flight: float, now_s: float) -> None:
        level = self._level
        if level >= self.limit_max or now_s < self._held_until_s:
            return
        if in_flight < level / 2.0:
            if now_s >= self._quiet_from_s + FADE_S:
                self._set(level * (1.0 + FADE_RATIO))
        elif not self._guard.is_flat:
            self._haste = min(HASTE_MAX, self._haste + 1.0) if level < self._good else 1.0
            self._set(level + max(1.0, STEP_RATIO * level) * self._haste)
            self._failures.on_growth(self._level)

    def _set(self, level: float) -> None:
        """Move within the bounds; they win over each other in this order: maximum, floor."""
        self._level = min(float(self.limit_max), max(float(self.floor), level))
        self.limit = int(self._level + 1e-9)  # 0.7 of 90 is 63
