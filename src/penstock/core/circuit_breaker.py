"""Circuit breaker: stop sending to an upstream that keeps failing.

The whole machine; there are no other moves:

    CLOSED     weight of failures in the sliding window, and their share of all attempts,
               both reach their limits             -> OPEN
    CLOSED     a failure that opens at once        -> OPEN
    OPEN       cooldown over and someone asks      -> HALF_OPEN; that caller is the probe
    HALF_OPEN  probes_to_close probes succeed      -> CLOSED   (one at a time, 3 by default)
    HALF_OPEN  probe's answer begins               -> as if it had succeeded: its end is old news
    any        another process had opened it       -> OPEN (``restore``)
    HALF_OPEN  probe fails                         -> OPEN, cooldown doubled up to its maximum
    HALF_OPEN  probe ignored (no verdict)          -> OPEN, ready for another probe at once

The window is two halves: counts of the current half and of the one before it, so that memory and
time stay constant. Closing forgets the past but not the last cooldown: an upstream that flaps is
left alone for longer each time, and the memory of it fades once it has stayed closed for
``cooldown_max_s``.

Pure: reads no clock. ``now_s`` is monotonic seconds, from whoever drives us.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final, assert_never

from penstock.core.outcome import RULES, SUCCESS, Failure, Ignored, Outcome, Success, Verdict

WEIGHTS: Final[dict[Verdict, float]] = {Verdict.HALF: 0.5, Verdict.ONE: 1.0}


class BreakerState(Enum):
    """Closed lets traffic flow."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


CLOSED: Final = BreakerState.CLOSED  # by its name here: it is compared with at every attempt


@dataclass(frozen=True, slots=True)
class BreakerPolicy:
    """When to open and how to come back.

    ``failures_min`` is a weight, ``failure_ratio`` a share 0-1; both are reached before it opens.
    """

    window_s: float = 10.0
    failures_min: float = 5.0
    failure_ratio: float = 0.5
    cooldown_s: float = 5.0
    cooldown_max_s: float = 10.0
    probes_to_close: int = 3


@dataclass(frozen=True, slots=True)
class Permit:
    """Leave for one attempt; carries the generation in which it was given."""

    generation: int


class CircuitBreaker:
    """The breaker of one upstream and model. Owned by one event loop; not thread-safe."""

    __slots__ = (
        "_cooldown_s", "_failures", "_generation", "_half_at_s", "_old_failures", "_old_total",
        "_permit", "_policy", "_probes", "_retry_at_s", "_since_s", "_total", "opened", "state",
    )  # fmt: skip

    def __init__(self, policy: BreakerPolicy, now_s: float) -> None:
        self._policy = policy
        self.state = BreakerState.CLOSED
        self.opened = 0  # times, for the metrics
        self._generation = 0
        self._permit = Permit(0)  # all permits of a generation are alike: no object per attempt
        self._cooldown_s = policy.cooldown_s
        self._retry_at_s = 0.0
        self._since_s = now_s
        self._probes = 0
        self._half_at_s = now_s
        self._failures = self._old_failures = 0.0
        self._total = self._old_total = 0

    def use(self, policy: BreakerPolicy) -> None:
        """Judge by other limits from now on; what was learned stays."""
        self._policy = policy

    @property
    def retry_at_s(self) -> float:
        """When an open breaker lets its next probe out."""
        return self._retry_at_s

    def restore(self, rest_s: float, now_s: float) -> None:
        """Be open for so long, because another process had opened it."""
        self.opened += 1
        self._retry_at_s = now_s + rest_s
        self._enter(BreakerState.OPEN, now_s)

    def may_acquire(self, now_s: float) -> bool:
        """Tell whether ``try_acquire`` would return a permit; changes nothing."""
        if self.state is BreakerState.CLOSED:
            return True
        return self.state is BreakerState.OPEN and now_s >= self._retry_at_s

    def try_acquire(self, now_s: float) -> Permit | None:
        """Return a permit, or None if the upstream must be left alone. Never waits."""
        if self.state is CLOSED:
            return self._permit
        if self.state is BreakerState.HALF_OPEN or now_s < self._retry_at_s:
            return None  # one probe is out already, or it is too early for one
        self._enter(BreakerState.HALF_OPEN, now_s)
        return self._permit

    def record(self, permit: Permit, outcome: Outcome, now_s: float) -> None:
        """Learn how a permitted attempt ended."""
        if permit.generation != self._generation:
            return  # sent before our last move: old news must not undo it
        if outcome is SUCCESS and self.state is CLOSED and now_s < self._half_at_s:
            self._total += 1  # the usual case, without the detour
            return
        match outcome:
            case Success():
                self._on_success(now_s)
            case Ignored():
                self._on_ignored(now_s)
            case Failure(kind=kind):
                self._on_failure(RULES[kind].verdict, now_s)
            case _:
                assert_never(outcome)

    def on_begun(self, permit: Permit, now_s: float) -> None:
        """Learn that the answer to a permitted attempt has begun: enough, of a probe."""
        if self.state is BreakerState.HALF_OPEN and permit.generation == self._generation:
            self._on_success(now_s)

    def _on_failure(self, verdict: Verdict, now_s: float) -> None:
        if verdict is Verdict.HEALTHY:
            self._on_success(now_s)
        elif verdict is Verdict.NONE:
            self._on_ignored(now_s)
        elif self.state is BreakerState.HALF_OPEN or verdict is Verdict.OPENS:
            self._open(now_s)
        else:
            self._roll(now_s)
            self._failures += WEIGHTS[verdict]
            self._total += 1
            failures = self._failures + self._old_failures
            total = self._total + self._old_total
            policy = self._policy
            if failures >= policy.failures_min and failures >= policy.failure_ratio * total:
                self._open(now_s)

    def _on_success(self, now_s: float) -> None:
        if self.state is BreakerState.CLOSED:
            if now_s >= self._half_at_s:
                self._roll(now_s)
            self._total += 1
            return
        self._probes += 1
        if self._probes >= self._policy.probes_to_close:
            self._enter(BreakerState.CLOSED, now_s)
        else:
            self._retry_at_s = now_s
            self._enter(BreakerState.OPEN, now_s)

    def _on_ignored(self, now_s: float) -> None:
        if self.state is BreakerState.HALF_OPEN:
            self._retry_at_s = now_s
            self._enter(BreakerState.OPEN, now_s)

    def _open(self, now_s: float) -> None:
        policy = self._policy
        if self.state is BreakerState.HALF_OPEN:
            self._cooldown_s = min(policy.cooldown_max_s, self._cooldown_s * 2)
        elif now_s - self._since_s > policy.cooldown_max_s:
            self._cooldown_s = policy.cooldown_s
        elif self.opened:
            self._cooldown_s = min(policy.cooldown_max_s, self._cooldown_s * 2)
        self._probes = 0
        self.opened += 1
        self._retry_at_s = now_s + self._cooldown_s
        self._enter(BreakerState.OPEN, now_s)

    def _enter(self, state: BreakerState, now_s: float) -> None:
        self.state = state
        self._generation += 1
        self._permit = Permit(self._generation)
        self._since_s = now_s
        if state is BreakerState.CLOSED:
            self._probes = 0
            self._failures = self._old_failures = 0.0
            self._total = self._old_total = 0

    def _roll(self, now_s: float) -> None:
        """Move on to the half of the window that ``now_s`` lies in."""
        if now_s < self._half_at_s:
            return
        half_s = self._policy.window_s / 2
        if now_s < self._half_at_s + half_s:
            self._old_failures, self._old_total = self._failures, self._total
        else:  # a whole half went by without traffic
            self._old_failures, self._old_total = 0.0, 0
        self._failures, self._total = 0.0, 0
        self._half_at_s = now_s + half_s
